"""Snippets: that Python reads them, that they leave evidence, that their records are of today, that they are used."""

from collections.abc import Iterator

from mundap.problems import Problem, place
from mundap.project import schema, snippets, texts
from mundap.project.bindings import bound_twice
from mundap.project.cells import cells_of
from mundap.project.model import Project


def _file(project: Project, name: str) -> str:
    return project.snippets[name].path.relative_to(project.root).as_posix()


def unreadable(project: Project) -> Iterator[Problem]:
    """Snippets that Python cannot read."""
    for name, snippet in project.snippets.items():
        if snippet.error:
            line, column, message = snippet.error
            what = f"Python이 읽을 수 없어요({message})."
            yield Problem(_file(project, name), line, column, what, "이 줄을 고쳐 주세요.")


def circles(project: Project) -> Iterator[Problem]:
    """Snippets that import each other: neither can be run before the other."""
    folder = project.root / "snippets"
    for file, line, column, names in snippets.circles(project.snippets):
        what = f"스니펫끼리 서로 불러와요: {' → '.join([*names, names[0]])}."
        todo = "함께 쓰는 것을 `snippets/lib/`의 파일로 옮겨 주세요."
        yield Problem((folder / file).relative_to(project.root).as_posix(), line, column, what, todo)


def evidence(project: Project) -> Iterator[Problem]:
    """Snippets that bind no evidence."""
    for name in project.runnable:
        snippet = project.snippets[name]
        if not snippet.error and not snippet.evidence_bound:
            what = "스니펫이 증거(`evidence`)를 남기지 않아요."
            yield Problem(_file(project, name), 1, 1, what, "마지막 셀에서 `evidence = {이름: 값}`을 적어 주세요.")


def bindings(project: Project) -> Iterator[Problem]:
    """Snippets in which one name stands for two things, so that a page may print the other one."""
    for name in project.runnable:
        for twice in bound_twice(project.snippets[name].source):
            thing = f'`{twice.kept}["{twice.name}"]`' if twice.kept else f"증거에 담는 `{twice.name}`"
            what = f"{thing} 값을 두 번 정해요(앞의 것은 {twice.before}번째 줄)."
            todo = "서로 다른 것이니 이름을 다르게 붙이고, 증거는 잰 셀에서 바로 담아 주세요."
            yield Problem(_file(project, name), twice.line, twice.column, what, todo)


def stale(project: Project) -> Iterator[Problem]:
    """Snippets whose record is missing, or older than their code."""
    for name, files in project.stale.items():
        if project.snippets[name].error:
            continue
        changed = ", ".join(files)
        what = f"실행 기록이 낡았어요(바뀐 파일: {changed})." if changed else "실행 기록이 없어요."
        todo = f"`mundap run {name}` 명령으로 {'다시 ' if changed else ''}돌려 주세요."
        minor = bool(changed) or name not in project.files.used
        yield Problem(_file(project, name), 1, 1, what, todo, minor=minor)


def other_cells(project: Project) -> Iterator[Problem]:
    """Records whose cells are not those of the snippet that they say they are of."""
    for name, record in project.records.items():
        snippet = project.snippets[name]
        if snippet.error or name in project.stale:
            continue
        if record.cells != [(cell.kind, cell.source) for cell in cells_of(snippet.source)]:
            what, todo = (
                f"기록의 셀이 `snippets/{name}.py`와 달라요.",
                f"`mundap run {name}` 명령으로 다시 돌려 주세요.",
            )
            yield Problem(record.path.relative_to(project.root).as_posix(), 1, 1, what, todo)


def deep_texts(project: Project) -> Iterator[Problem]:
    """Text cells that Markdown would go down too deep in."""
    for name in project.runnable:
        for cell in cells_of(project.snippets[name].source):
            for offset, what, todo in texts.size_faults(cell.source) if cell.kind == "markdown" else ():
                line, column = place(cell.source[:offset])
                yield Problem(_file(project, name), cell.line + line - 1, column + 2, what, todo)  # after `# `


def unused(project: Project) -> Iterator[Problem]:
    """Snippets that no thread runs."""
    if project.files.index is None:
        return
    for name in project.runnable:
        if name not in project.files.used:
            todo = f"어느 답의 `snippets`에 `- run: {name}` 줄을 더하거나 스니펫을 지워 주세요."
            yield Problem(_file(project, name), 1, 1, "이 스니펫을 쓰는 문답이 없어요.", todo, minor=True)


def editor_schemas(project: Project) -> Iterator[Problem]:
    """Schemas for editors that are not what the definition gives."""
    for name in schema.SCHEMAS:
        file = project.root / "schema" / f"{name}.json"
        if not file.is_file() or file.read_text(encoding="utf-8") != schema.to_json(name):
            what, todo = "편집기용 스키마가 정의와 달라요.", "`mundap schema` 명령으로 다시 만들어 주세요."
            yield Problem(f"schema/{name}.json", 1, 1, what, todo, minor=True)
