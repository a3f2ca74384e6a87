"""Read a project: the map, the threads, the glossary, the hand-written pages, the snippets and their records.

Reading judges nothing and checks nothing but that each file is what it should be; see judge.py and check/.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from mundap.problems import Problem
from mundap.project import construct, fit, records, reruns, snippets, yamlsource
from mundap.project.draft import Draft, Files, runs, word
from mundap.project.files import read_bytes, read_text
from mundap.project.model import Project, Term
from mundap.project.records import Record
from mundap.project.reruns import Rerun
from mundap.project.yamlsource import Document

RUN_LINE = re.compile(r"\brun: *(\w+)")  # of a file that cannot be read as YAML


def read(root: Path | str) -> tuple[Project, list[Problem]]:
    """Read the project below a folder -> (Project, what keeps its files from being read).

    A file that does not fit the schema is left out of the project proper, and kept in its `files` for the checks.
    """
    root = Path(root)
    index, sound, problems = read_document(root, root / "qa_index.yaml", "index")
    known_snippets = snippets.load(root / "snippets")
    kept, more = read_records(root, {name for name, snippet in known_snippets.items() if snippet.runs})
    problems += more
    files, terms, more = read_files(root, index if sound else None)
    problems += more
    done_again, more = read_reruns(root)
    problems += more
    project = Project(root, files, snippets=known_snippets, records=kept, reruns=done_again, glossary=terms)
    files.labels, more = read_labels(root)
    problems += more
    project.labels = construct.labels_of(files.labels.value) if files.labels else {}
    if files.index:
        project.chapters = construct.chapters_of(files.index.value)
        project.documents = construct.documents_of(files.index.value)
        project.papers = construct.papers_of(files.index.value)
        project.threads = {
            draft.id: construct.thread_of(draft.id, draft.chapter, draft.document.path, draft.data)
            for draft in files.drafts
            if draft.sound and draft.listed
        }
    return project, problems


def read_files(root: Path, index: Document | None) -> tuple[Files, tuple[Term, ...], list[Problem]]:
    """Read what authors write beside the map -> (Files, the glossary's terms, [Problem])."""
    path, terms, problems = root / "docs" / "glossary.yaml", (), []
    glossary = None
    if path.exists():
        document, sound, problems = read_document(root, path, "glossary")
        glossary = document if isinstance(document.value, list) else None
        terms = construct.terms_of(document.value) if sound else ()
    files = Files(index, glossary, path.exists(), [], read_pages(root))
    files.drafts, more = read_drafts(root, files)
    return files, terms, problems + more


def read_labels(root: Path) -> tuple[Document | None, list[Problem]]:
    """What the evidence is called on pages -> (Document of {snippet: {evidence: label}}, None without one, [Problem])."""
    path = root / "docs" / "labels.yaml"
    if not path.exists():
        return None, []
    document, sound, problems = read_document(root, path, "labels")
    return document if sound else None, problems


def read_document(root: Path, path: Path, kind: str) -> tuple[Document, bool, list[Problem]]:
    """-> (Document, whether it fits the schema of that kind, [Problem])."""
    name = path.relative_to(root).as_posix()
    try:
        content = read_bytes(path, yamlsource.MAX_BYTES + 1)
    except OSError:
        document, problems = yamlsource.read(path, name)  # which says why
        return document, False, problems
    document, sound, problems = _document(content, name, kind)
    return document, sound, list(problems)


@functools.lru_cache(maxsize=8192)  # the live server reads all files at each save
def _document(content: bytes, name: str, kind: str) -> tuple[Document, bool, tuple[Problem, ...]]:
    document, problems = yamlsource.of_bytes(content, name)
    if document.value is None and problems:
        return document, False, tuple(problems)
    unfit = fit.problems(document, kind)
    return document, not unfit, (*problems, *unfit)


def read_records(root: Path, runnable: set[str]) -> tuple[dict[str, Record], list[Problem]]:
    """The records of the snippets that are there -> ({name: Record}, [Problem])."""
    kept, problems = {}, []
    for path in sorted((root / "docs" / "notebooks").glob("*.ipynb")):
        name = path.relative_to(root).as_posix()
        try:
            record = records.read(path)
        except records.Edited:
            todo = f"`mundap run {path.stem}` 명령으로 다시 만들어 주세요."
            problems.append(Problem(name, 1, 1, "손으로 고친 기록이에요.", todo))
            continue
        except ValueError:
            todo = f"지우고 `mundap run {path.stem}` 명령으로 다시 만들어 주세요."
            problems.append(Problem(name, 1, 1, "`mundap run` 명령이 남긴 기록이 아니에요.", todo))
            continue
        if path.stem in runnable:
            kept[path.stem] = record
        else:
            what = f"이 기록의 스니펫(`snippets/{path.stem}.py`)이 없어요."
            problems.append(Problem(name, 1, 1, what, "스니펫을 되살리거나 이 기록을 지워 주세요."))
    return kept, problems


def read_reruns(root: Path) -> tuple[dict[tuple[str, str], Rerun], list[Problem]]:
    """What snippets left in other worlds -> ({(snippet, world): Rerun}, [Problem])."""
    kept, problems = {}, []
    for command in reruns.WORLDS:
        path = root / reruns.FOLDER / f"{command}.jsonl"
        name, todo = path.relative_to(root).as_posix(), f"이 줄을 지우고 `mundap {command}` 명령으로 다시 돌려 주세요."
        try:
            runs, faults = reruns.read(path) if path.exists() else ([], [])
        except (OSError, ValueError):
            problems.append(Problem(name, 1, 1, "읽을 수 있는 UTF-8 파일이 아니에요.", todo.replace("줄을", "파일을")))
            continue
        kept |= {(run.snippet, run.world): run for run in runs if run.command == command}
        for line, fault in faults:
            is_edited = isinstance(fault, reruns.Edited)
            what = "손으로 고친 줄이에요." if is_edited else f"`mundap {command}` 명령이 남긴 줄이 아니에요."
            problems.append(Problem(name, line, 1, what, todo))
    return kept, problems


def read_drafts(root: Path, files: Files) -> tuple[list[Draft], list[Problem]]:
    """Every thread's file, in reading order, those without a line in the map last -> ([Draft], [Problem])."""
    folder, drafts, problems = root / "docs" / "qa", [], []
    listed = {}
    for identifier, (_, chapter) in files.first_lines.items():
        path = folder / chapter / f"{identifier}.yaml"
        if path.exists() or path.is_symlink():
            listed[path] = identifier, chapter
    rest = {path: (path.stem, path.parent.name) for path in sorted(folder.rglob("*.y*ml")) if path not in listed}
    for path, (identifier, chapter) in (listed | rest).items():
        document, sound, unfit = read_document(root, path, "thread")
        problems += unfit
        drafts.append(Draft(identifier, chapter, path, document, sound, path in listed, used_by(path, document)))
    return drafts, problems


def used_by(path: Path, document: Document) -> frozenset[str]:
    """Names of the snippets that a thread's file uses; of one that cannot be read, those of its `run:` lines."""
    if isinstance(document.value, dict):
        return frozenset(word(run, "run") for _, run in runs(document.value))
    try:
        return frozenset(RUN_LINE.findall(read_bytes(path).decode(errors="replace")))
    except OSError:
        return frozenset()


def read_pages(root: Path) -> dict[str, str | None]:
    """{path of a hand-written page below the root: its text, None where it is not UTF-8}."""
    pages: dict[str, str | None] = {}
    for path in sorted((root / "docs").rglob("*.md")):
        try:
            pages[path.relative_to(root).as_posix()] = read_text(path)
        except (OSError, UnicodeDecodeError):
            pages[path.relative_to(root).as_posix()] = None
    return pages
