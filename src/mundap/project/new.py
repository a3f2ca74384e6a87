"""Scaffold a thread: its YAML from the template, and its line in the map."""

import json
import os
import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mundap.problems import Failure
from mundap.project import fit, forms, schema, yamlsource
from mundap.project.files import reason
from mundap.project.yamlsource import Document

PATIENCE = 5  # seconds to wait for another command


def new(root: Path, chapter: str, identifier: str, issue: Path | None = None) -> Path:
    """Write docs/qa/CHAPTER/ID.yaml and add its line to qa_index.yaml -> path; raises Failure, changing nothing.

    issue: a file of `gh issue view NUMBER --json title,body,url,createdAt`, whose question is filled in.
    """
    asked = question_of(issue) if issue else None
    with one_at_a_time(root / ".qa_index.yaml.lock"):
        return _new(root, chapter, identifier, asked)


def question_of(issue: Path) -> dict[str, str]:
    """What of an issue goes into the scaffold, see schema.template. Raises Failure."""
    try:
        data = json.loads(issue.read_text(encoding="utf-8"))
        title, body, url, date = (str(data[key]) for key in ("title", "body", "url", "createdAt"))
    except OSError as error:
        raise Failure(f"`{issue}` 파일을 읽을 수 없어요({reason(error)}).") from None
    except (ValueError, KeyError, TypeError):
        todo = "`gh issue view 번호 --json title,body,url,createdAt > issue.json`처럼 만들어 주세요."
        raise Failure(f"`{issue}` 파일은 GitHub 이슈를 JSON으로 적은 것이 아니에요. {todo}") from None
    if not re.search(forms.URL, url) or not re.search(forms.DATE, date[:10]):
        raise Failure(f"`{issue}`: `url`이나 `createdAt`이 주소와 날짜가 아니에요.")
    line = _visible(title.removeprefix("질문:")).replace("\n", " ").strip()
    quoted = json.dumps(line, ensure_ascii=False)
    asked = "\n".join(part.rstrip() for part in _visible(body).strip().splitlines())
    return {"question": quoted, "asked": asked, "url": url, "date": date[:10], "section": quoted}


def _visible(text: str) -> str:
    """A text without what no file may hold; every line's end as a line end."""
    lines = re.sub(r"<!--.*?-->", "", text, flags=re.S).replace("\t", "    ").splitlines()
    return "\n".join("".join(letter for letter in line if letter.isprintable()) for line in lines)


@contextmanager
def one_at_a_time(lock: Path) -> Generator[None]:
    """Hold a lock file: two that change the map at once would lose a line. Raises Failure after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise Failure(
                    f"다른 명령이 `qa_index.yaml`을 고치고 있어요. 아니라면 `{lock.name}` 파일을 지워 주세요."
                ) from None
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _new(root: Path, chapter: str, identifier: str, asked: dict[str, str] | None) -> Path:
    index_file = root / "qa_index.yaml"
    index, problems = yamlsource.read(index_file, "qa_index.yaml")
    problems += fit.problems(index, "index") if not problems else []
    if problems:
        raise Failure("`qa_index.yaml`을 먼저 고쳐 주세요.\n" + "\n".join(map(str, problems)))
    if fault := forms.name_fault(identifier):
        raise Failure(" ".join(fault))
    ids = [item["id"] for item in index.value["chapters"]]
    if chapter not in ids:
        raise Failure(
            f"`{chapter}` 장이 없어요. 있는 장: {', '.join(ids)}. 새 장은 `qa_index.yaml`의 `chapters`에 먼저 더해 주세요."
        )
    for other in index.value["chapters"]:
        if identifier in other["threads"]:
            raise Failure(f"`{identifier}` 문답이 이미 `{other['id']}` 장에 있어요. 다른 이름을 골라 주세요.")
    folder = root / "docs" / "qa"
    path = folder / chapter / f"{identifier}.yaml"
    for other in sorted(folder.rglob(f"{identifier}.yaml")):
        raise Failure(f"`{other.relative_to(root)}` 파일이 이미 있어요. 다른 이름을 고르거나 그 파일을 고쳐 주세요.")
    text = _with_line(index_file, index, ids.index(chapter), identifier)
    part = index_file.with_name(".qa_index.yaml.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_text(schema.template(identifier, asked), encoding="utf-8")
        part.write_bytes(text.encode())
        os.replace(part, index_file)
    except OSError as error:
        path.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
        raise Failure(f"파일을 쓸 수 없어요({reason(error)}). 권한과 남은 공간을 확인해 주세요.") from None
    return path


def line_end(line: str) -> str:
    """The characters that end a line of a text."""
    return line[len(line.rstrip("\r\n")) :]


def _with_line(index_file: Path, index: Document, place: int, identifier: str) -> str:
    """The map's text with a line more at the end of a chapter's threads, all else as it stands."""
    text = index_file.read_bytes().decode()  # line ends as they are
    chapters = index.value["chapters"]
    line, column = index.where(("chapters", place, "threads", len(chapters[place]["threads"]) - 1))
    lines = text.splitlines(keepends=True)
    end = line_end(lines[line - 1]) or "\n"
    lines[line - 1] = lines[line - 1].removesuffix(end) + end
    old = lines[line - 1]
    indent = old[: len(old) - len(old.lstrip("\ufeff "))]
    lines.insert(line, f"{indent}- {identifier}{end}")
    longer = "".join(lines)
    wanted = [
        {**chapter, "threads": chapter["threads"] + [identifier] * (number == place)}
        for number, chapter in enumerate(chapters)
    ]
    if yamlsource.parse(longer.removeprefix("\ufeff"))[0].value != {**index.value, "chapters": wanted}:
        raise Failure(
            f"qa_index.yaml:{line}:{column}: 이 장의 `threads`에 줄을 더할 수 없어요. "
            f"한 줄에 하나씩 `- {identifier}` 꼴로 적어 주세요."
        )
    return longer
