import os
import re
import shlex
import subprocess
import sys

import pytest
from engine import FILES, make_project, put

import mundap
from mundap.cli import main, parser
from mundap.project import schema

COMMANDS = ["new", "check", "run", "replicate", "null", "status", "export", "schema", "site", "serve"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(make_project(tmp_path))
    return tmp_path


def shell(command, folder, **environment):
    """A command line in a fresh shell, `mundap` being this one."""
    command = command.replace("mundap", f"{shlex.quote(sys.executable)} -m mundap", 1)
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=folder,
        capture_output=True,
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("arguments", [[], *[[name] for name in COMMANDS]])
def test_help_is_korean(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--help"])
    out = capsys.readouterr().out
    assert end.value.code == 0 and out.startswith("쓰는 법: mundap")
    words = set(
        re.findall(
            r"[A-Za-z]{3,}", re.sub(r"mundap|--?[a-z-]+|\b[\w.]+\.(?:yaml|py)|JSON Schema|Markdown|site/|id", "", out)
        )
    )
    assert words <= set(COMMANDS), words


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == mundap.__version__ + "\n"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "빠진 것이 있어요: 명령."),
        (["chekc"], "`chekc` 명령은 없어요. 있는 명령: new, check, run,"),
        (["new", "basics"], "빠진 것이 있어요: 이름."),
        (["check", "--fix"], "알 수 없는 말이 있어요: --fix."),
        (["run", "--workers", "0"], "`--workers` 자리에 `0` 값은 쓸 수 없어요."),
        (["run", "--workers", "둘"], "`둘` 값은 쓸 수 없어요."),
        (["run", "--timeout", "-1"], "`-1` 값은 쓸 수 없어요."),
        (["run", "--timeout", "inf"], "`inf` 값은 쓸 수 없어요."),
        (["replicate", "--seeds", "0"], "`--seeds` 자리에 `0` 값은 쓸 수 없어요."),
        (["run", "--timeout"], "`--timeout` 뒤에 값이 있어야 해요."),
        (["export"], "빠진 것이 있어요: 폴더."),
    ],
)
def test_wrong_usage(arguments, words, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    err = capsys.readouterr().err
    assert end.value.code == 2 and err.startswith("쓰는 법: mundap") and words in err, err
    assert err.splitlines()[-1].endswith("--help`로 쓰는 법을 볼 수 있어요.") and "error" not in err


def test_works_from_a_folder_within(project, monkeypatch, capsys):
    monkeypatch.chdir(project / "docs" / "qa" / "basics")
    assert main(["check"]) == 0
    assert main(["check", "first.yaml", "../more"]) == 0
    assert capsys.readouterr().err == ""


def test_outside_a_project(tmp_path, monkeypatch, capsys):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for arguments in (["check"], ["status"], ["run"], ["new", "a", "b"], ["export", "out"], ["schema"]):
        assert main(arguments) == 1
        out, err = capsys.readouterr()
        assert (out, err) == ("", "`qa_index.yaml`이 있는 폴더를 찾지 못했어요. 프로젝트 폴더 안에서 불러 주세요.\n")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_check_of_some_files(project, capsys):
    put(project / "docs/qa/basics/first.yaml", FILES["docs/qa/basics/first.yaml"].replace("level: 기초", "level: 쉬움"))
    put(
        project / "docs/qa/more/third.yaml",
        FILES["docs/qa/more/third.yaml"].replace("count.steps == 3", "count.steps == 4"),
    )

    def check(*files):
        status = main(["check", *files])
        out, err = capsys.readouterr()
        return status, [line.partition(":")[0] for line in out.splitlines()] if status else out, err

    first, third = "docs/qa/basics/first.yaml", "docs/qa/more/third.yaml"
    assert check() == (1, [first, third], "고칠 곳이 2군데 있어요.\n")
    assert check(".") == check("docs") == check("docs/qa") == check(first, third) == check()
    assert (
        check(first)
        == check("docs/qa/basics")
        == check(str(project / first))
        == (1, [first], "고칠 곳이 1군데 있어요.\n")
    )
    assert check("qa_index.yaml") == (0, "문답 2개, 주장 2개를 살펴봤어요. 고칠 곳이 없어요.\n", "")
    assert check("docs/qa/bas") == (1, [], "`docs/qa/bas` 파일이 없어요. 경로를 확인해 주세요.\n")
    assert check("/etc/passwd") == (1, [], "`/etc/passwd` 파일은 이 프로젝트의 파일이 아니에요.\n")


def test_status(project, capsys):
    assert main(["status"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "문답 3개, 주장 5개",
        "  맞음 2",
        "  일부 맞음 1",
        "  틀림 1",
        "  미확인 1",
        "근거: 실험 4, 문헌 1",
        "  실험 가운데 효과가 없는 세계(null)와 견준 주장 0개, 견주지 않은 주장 3개",
        "시드를 옮겨 다시 돌린 주장: 모두 같은 판정 0개, 열에 아홉 이상 0개, 그보다 적음 0개, 아직 4개",
        "실행 2개, 모두 5초",
        "      2.5초  count",
        "      2.5초  measure",
    ]
    put(project / "snippets/helper.py", FILES["snippets/helper.py"].replace("x / 2", "0.5 * x"))
    (project / "docs/notebooks/count.ipynb").unlink()
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert "      2.5초  measure  낡음(helper.py)" in out and "기록 없음  count" in out
    assert out.endswith("고칠 곳 2군데: `mundap check`로 볼 수 있어요.\n")


def test_status_of_a_broken_project(project, capsys):
    put(project / "qa_index.yaml", "chapters: [\n")
    assert main(["status"]) == 0
    assert capsys.readouterr().out.startswith("문답 0개, 주장 0개\n")


def test_schema(project, capsys):
    (project / "schema/thread.json").unlink()
    put(project / "schema/index.json", "{}")
    assert main(["schema"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"schema/{name}.json" for name in schema.SCHEMAS]
    assert main(["check"]) == 0


def test_reader_of_a_pipe_may_go(project):
    put(project / "docs/qa/basics/first.yaml", "\n".join(f"key{number}: x" for number in range(5000)) + "\n")
    done = shell("mundap check | head -1", project)
    assert len(done.stdout.splitlines()) == 1 and b"Traceback" not in done.stderr and b"BrokenPipe" not in done.stderr
    assert done.returncode == 141


def test_terminal_without_hangul(project):
    put(project / "docs/qa/basics/first.yaml", FILES["docs/qa/basics/first.yaml"].replace("level: 기초", "level: 쉬움"))
    done = shell("mundap check", project, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert b"docs/qa/basics/first.yaml:6:8: `level`" in done.stdout


def test_core_needs_neither_mkdocs_nor_torch(project):
    """`mundap check`, `status`, `new` and `schema` are answered at once, in an environment that has neither."""
    code = (
        "import sys; from mundap.cli import main; statuses = [main(['check']), main(['status'])];"
        "from mundap.pages.collect import pages; from mundap.project.check import examine; pages(examine('.')[0]);"
        "heavy = {'mkdocs', 'torch', 'numpy', 'matplotlib', 'nbclient', 'jupytext'} & sys.modules.keys();"
        "sys.exit(str(heavy) if heavy or any(statuses) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_command_has_its_function():
    for arguments in (
        ["new", "a", "b"],
        ["check"],
        ["run"],
        ["status"],
        ["export", "x"],
        ["schema"],
        ["site"],
        ["serve"],
    ):
        assert callable(parser().parse_args(arguments).function)


def test_module_runs(project):
    assert shell("mundap check", project).returncode == 0
