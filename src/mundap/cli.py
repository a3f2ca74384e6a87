"""The commands: new, check, run, replicate, null, status, export, schema, site, serve."""

import argparse
import importlib.util
import io
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mundap import __version__
from mundap.problems import Failure
from mundap.project import schema
from mundap.project.files import reason

if TYPE_CHECKING:
    from mundap.project.model import Project


def find_root(start: Path) -> Path:
    """The project's folder: the nearest one upwards that holds qa_index.yaml; raises Failure."""
    for folder in (start, *start.parents):
        if (folder / "qa_index.yaml").is_file():
            return folder
    raise Failure("`qa_index.yaml`이 있는 폴더를 찾지 못했어요. 프로젝트 폴더 안에서 불러 주세요.")


def command_new(root: Path, options: argparse.Namespace) -> None:
    """Scaffold a thread."""
    from mundap.project.new import new

    path = new(root, options.chapter, options.id, options.from_issue)
    print(
        f"{path.relative_to(root)} 파일을 만들고 qa_index.yaml에 한 줄을 더했어요. 채운 뒤 `mundap check`로 살펴보세요."
    )


def command_check(root: Path, options: argparse.Namespace) -> int:
    """Tell all that is wrong."""
    from mundap.project.check import examine

    project, problems = examine(root)
    if options.files:
        wanted = [_inside(root, file) for file in options.files]
        problems = [
            problem
            for problem in problems
            if any(name in ("", problem.path) or problem.path.startswith(f"{name}/") for name in wanted)
        ]
    for problem in problems:
        print(problem)
    if problems:
        print(f"고칠 곳이 {len(problems)}군데 있어요.", file=sys.stderr)
        return 1
    claims = sum(len(thread.claims) for thread in project.threads.values())
    print(f"문답 {len(project.threads)}개, 주장 {claims}개를 살펴봤어요. 고칠 곳이 없어요.")
    return 0


def command_schema(root: Path, options: argparse.Namespace) -> None:
    """Make the editors' schemas anew."""
    (root / "schema").mkdir(exist_ok=True)
    for name in schema.SCHEMAS:
        (root / "schema" / f"{name}.json").write_text(schema.to_json(name), encoding="utf-8")
        print(f"schema/{name}.json")


def _inside(root: Path, file: str) -> str:
    path = Path(file).resolve()
    if not path.exists():
        raise Failure(f"`{file}` 파일이 없어요. 경로를 확인해 주세요.")
    if not path.is_relative_to(root):
        raise Failure(f"`{file}` 파일은 이 프로젝트의 파일이 아니에요.")
    return path.relative_to(root).as_posix().removeprefix(".")


def command_run(root: Path, options: argparse.Namespace) -> int:
    """Run what is stale, or what was named, and keep the records."""
    from mundap.project.read import read

    _verify_installed()
    project, _ = read(root)
    names = options.snippets or list(project.stale)
    for name in names:
        _verify_runnable(project, name)
    if not names:
        print("모든 기록이 최신이에요.")
        return 0
    results, others = _run(root, project, names, options)
    failed = [name for name, result in results.items() if isinstance(result, Failure)]
    if failed:
        print(f"{len(failed)}개가 실패했고, 그 기록은 전의 것 그대로예요: {', '.join(failed)}", file=sys.stderr)
        return 1
    print(f"{len(results)}개를 돌리고 기록했어요.")
    if others:
        print(f"아직 낡은 기록이 있어요: {', '.join(others)}. `mundap run`으로 마저 돌릴 수 있어요.")
    return 0


def command_again(root: Path, options: argparse.Namespace) -> int:
    """Run what is due, or what was named, again in other worlds, and keep what it leaves."""
    from mundap.project.again import due, worlds
    from mundap.project.check import examine
    from mundap.project.reruns import FOLDER

    _verify_installed()
    project, problems = examine(root)
    if broken := [problem for problem in problems if problem.path.startswith(FOLDER) and not problem.minor]:
        raise Failure("\n".join(map(str, broken)))
    for name in options.snippets:
        _verify_runnable(project, name)
    jobs = due(project, options.snippets, worlds(getattr(options, "seeds", 0))[options.command])
    if not jobs:
        print("다시 돌릴 것이 없어요.")
        return 0
    from mundap.running.again import run_again

    try:
        failed = [job for job, why in run_again(project, jobs, options.timeout, options.workers).items() if why]
    except KeyboardInterrupt:
        print(
            f"\n멈췄어요. 끝난 것은 남아 있으니, `mundap {options.command}` 명령으로 이어서 돌릴 수 있어요.",
            file=sys.stderr,
        )
        return 130
    print(f"{len(jobs)}번 다시 돌렸어요. `mundap status`와 `mundap check`로 볼 수 있어요.")
    if failed:
        names = ", ".join(dict.fromkeys(name for name, _ in failed))
        print(f"{len(failed)}번은 실패했어요. 이름을 대면 그것만 한 번 더 돌려요: {names}", file=sys.stderr)
    return 1 if failed else 0


def _verify_installed() -> None:
    """Raise Failure where snippets cannot be run."""
    if not all(importlib.util.find_spec(name) for name in ("nbclient", "tqdm")):
        raise Failure("실행에 필요한 꾸러미가 없어요. `make test`가 만드는 `.venv`의 `mundap`을 써 주세요.")


def _verify_runnable(project: "Project", name: str) -> None:
    """Raise Failure unless a snippet of that name can be run."""
    if name not in project.runnable:
        raise Failure(f"`{name}` 스니펫을 찾을 수 없어요. 있는 이름: {', '.join(project.runnable)}.")
    if error := project.snippets[name].error:
        line, column, message = error
        raise Failure(f"snippets/{name}.py:{line}:{column}: Python이 읽을 수 없어요({message}). 이 줄을 고쳐 주세요.")


def _run(
    root: Path, project: "Project", names: list[str], options: argparse.Namespace
) -> tuple[dict[str, "float | Failure"], list[str]]:
    """Run snippets, and what their runs make stale -> ({name: seconds or Failure}, [names that are stale still])."""
    from mundap.project.read import read
    from mundap.running.pool import run_all

    results: dict[str, float | Failure] = {}
    for _ in range(3):  # a run may write what others read, and those may
        results |= run_all(root, project.snippets, names, options.timeout, options.workers)
        project, _ = read(root)
        names = [name for name in project.stale if not isinstance(results.get(name), Failure)]
        if options.snippets or not names:
            break
    return results, names


def command_status(root: Path, options: argparse.Namespace) -> None:
    """Tell of verdicts, records and their times."""
    from mundap.pages.verdicts import basis_counts, verdict_counts
    from mundap.project.again import status
    from mundap.project.check import examine

    project, problems = examine(root)
    counts = verdict_counts(project.threads.values())
    print(f"문답 {len(project.threads)}개, 주장 {sum(counts.values())}개")
    for verdict, count in counts.items():
        print(f"  {verdict} {count}")
    print("근거: " + ", ".join(f"{basis} {count}" for basis, count in basis_counts(project.threads.values()).items()))
    beside = [bool(judgement and judgement.nulls) for judgement in project.experiments]
    print(f"  실험 가운데 효과가 없는 세계(null)와 견준 주장 {sum(beside)}개, 견주지 않은 주장 {beside.count(False)}개")
    for line in status(project):
        print(line)
    stale = project.stale
    print(f"실행 {len(project.records)}개, 모두 {sum(record.seconds for record in project.records.values()):.0f}초")
    for name, record in sorted(project.records.items(), key=lambda item: -item[1].seconds):
        note = f"  낡음({', '.join(stale[name])})" if name in stale else ""
        print(f"  {record.seconds:7.1f}초  {name}{note}")
    for name in stale:
        if name not in project.records:
            print(f"     기록 없음  {name}")
    if problems:
        print(f"고칠 곳 {len(problems)}군데: `mundap check`로 볼 수 있어요.")


def command_export(root: Path, options: argparse.Namespace) -> None:
    """Write the pages for another generator."""
    from mundap.pages.export import export
    from mundap.project.check import sound

    project, old_records = sound(root)
    for problem in old_records:
        print(problem, file=sys.stderr)
    count = export(project, Path(options.folder).resolve())
    print(f"{options.folder}에 {count}쪽을 썼어요.")


def command_site(root: Path, options: argparse.Namespace) -> None:
    """Build the site."""
    from mundap.site.build import build_site
    from mundap.site.progress import Progress, Stages, told

    stages = Stages(Progress())
    try:
        out = build_site(root, stages=stages)
    finally:
        stages.progress.end()
    print(told(out, stages.pages))


def command_serve(root: Path, options: argparse.Namespace) -> None:
    """Serve the site."""
    from mundap.live.app import serve

    serve(root, options.port, not options.no_browser, forwarded=options.host)


class Parser(argparse.ArgumentParser):
    """argparse's own words in Korean."""

    ERRORS = [
        (r"the following arguments are required: (.+)", r"빠진 것이 있어요: \1."),
        (r"argument .+: invalid choice: '?(.+?)'? \(choose from (.+)\)", r"`\1` 명령은 없어요. 있는 명령: \2."),
        (r"unrecognized arguments: (.+)", r"알 수 없는 말이 있어요: \1."),
        (r"argument (.+): expected one argument", r"`\1` 뒤에 값이 있어야 해요."),
        (r"argument (.+): invalid .+ value: '(.+)'", r"`\1` 자리에 `\2` 값은 쓸 수 없어요."),
    ]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, add_help=False, **options)
        self._positionals.title, self._optionals.title = "넣을 것", "고를 수 있는 것"
        self.color = False  # Python 3.14 would colour a word that is replaced below
        self.add_argument("-h", "--help", action="help", help="이 도움말을 보여 줘요")

    def format_usage(self) -> str:
        return super().format_usage().replace("usage: ", "쓰는 법: ", 1)

    def format_help(self) -> str:
        return super().format_help().replace("usage: ", "쓰는 법: ", 1)

    def error(self, message: str) -> NoReturn:
        for pattern, words in self.ERRORS:
            message = re.sub(f"^{pattern}$", words, message)
        self.print_usage(sys.stderr)
        self.exit(2, f"{message.replace(chr(39), '')} `{self.prog} --help`로 쓰는 법을 볼 수 있어요.\n")


def positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    """A number of that kind above zero, for argparse."""

    def read(text: str) -> float:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value

    return read


def parser() -> Parser:
    """The command line."""
    top = Parser("mundap", description="답이 실제로 돌아가는 문답 사이트를 만들어요.")
    top.add_argument("--version", action="version", version=__version__, help="판 번호를 보여 줘요")
    commands = top.add_subparsers(title="명령", required=True, metavar="명령")

    def add(name: str, function: Callable[..., Any], description: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=description, description=description)
        command.set_defaults(function=function)
        return command

    command = add("new", command_new, "새 문답의 틀을 만들어요")
    command.add_argument("chapter", metavar="장", help="문답을 넣을 장의 이름(qa_index.yaml의 id)")
    command.add_argument("id", metavar="이름", help="새 문답의 이름: 영문 소문자, 숫자, -")
    command.add_argument(
        "--from-issue", type=Path, metavar="파일", help="질문을 옮겨 올 이슈의 파일(만드는 법은 `기여하기`에)"
    )
    command = add("check", command_check, "틀린 곳을 파일:줄:칸과 고치는 법으로 모두 알려 줘요")
    command.add_argument("files", nargs="*", metavar="파일", help="살펴볼 파일이나 폴더(적지 않으면 모두)")

    def add_run(
        name: str, function: Callable[..., Any], description: str, which: str, seconds: int
    ) -> argparse.ArgumentParser:
        command = add(name, function, description)
        command.set_defaults(command=name)
        command.add_argument("snippets", nargs="*", metavar="스니펫", help=f"돌릴 것(적지 않으면 {which})")
        command.add_argument(
            "--timeout", type=positive(float), default=seconds, metavar="초", help=f"한 번의 제한 시간(기본 {seconds})"
        )
        command.add_argument(
            "--workers", type=positive(int), default=2, metavar="수", help="한꺼번에 돌릴 개수(기본 2)"
        )
        return command

    add_run("run", command_run, "낡은(또는 이름을 댄) 스니펫을 돌려 기록해요", "기록이 낡았거나 없는 것 모두", 1200)
    missing = "조건에 쓰이고 아직 다시 돌리지 않은 것 모두"
    command = add_run("replicate", command_again, "시드를 옮겨 스니펫을 다시 돌려요", missing, 3600)
    command.add_argument("--seeds", type=positive(int), default=10, metavar="수", help="옮긴 시드의 수(기본 10)")
    add_run("null", command_again, "아무것도 배우지 않게 하고 스니펫을 다시 돌려요", missing, 3600)
    add("status", command_status, "판정별 주장 수, 낡은 기록, 실행 시간을 보여 줘요")
    command = add("export", command_export, "다른 생성기에 쓸 Markdown으로 내보내요")
    command.add_argument("folder", metavar="폴더", help="비어 있거나, 전에 내보낸 폴더")
    add("schema", command_schema, "편집기용 JSON Schema를 다시 만들어요")
    add("site", command_site, "site/에 사이트를 만들어요")
    command = add("serve", command_serve, "127.0.0.1에서 사이트를 보여 주고, 고치면 바로 다시 그려요")
    command.add_argument("--port", type=int, default=8000, metavar="번호")
    command.add_argument(
        "--host", metavar="주소", help="브라우저가 다른 컴퓨터에 있을 때, 거기서 보이는 이 사이트의 주소"
    )
    command.add_argument("--no-browser", action="store_true", help="브라우저를 열지 않아요")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Entry point -> exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Hangul
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with Ctrl-C ignored
    try:
        status = options.function(find_root(Path.cwd()), options) or 0
        sys.stdout.flush()
        return status
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except BrokenPipeError:  # `mundap check | head` ends quietly; SIGPIPE itself would end `mundap serve` with a reader
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        place = f"`{error.filename}`: " if error.filename else ""
        print(f"{place}파일을 읽거나 쓸 수 없어요({reason(error)}). 권한과 남은 공간을 확인해 주세요.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n멈췄어요. 이미 있던 기록은 그대로예요.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
