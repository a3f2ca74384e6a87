"""Names: of threads, chapters, sections, tags, documents, addresses and terms; that each leads somewhere, once."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from mundap.problems import Problem
from mundap.project import forms
from mundap.project.draft import Draft, figure_anchor, page_anchors, parts, runs, word, words
from mundap.project.model import Project
from mundap.project.texts import slug
from mundap.project.yamlsource import Place


def near(word: str, known: Iterable[str]) -> str:
    """What to do about a name that is not known: the one that was meant, or those that there are."""
    known = list(known)
    if close := difflib.get_close_matches(word, known, 1):
        return f"혹시 `{close[0]}`인가요?"
    return f"있는 이름: {', '.join(known[:12])}{' …' if len(known) > 12 else ''}." if known else "아직 하나도 없어요."


def lines_of_the_map(project: Project) -> Iterator[Problem]:
    """Chapters and threads that stand twice, or have no file."""
    index = project.files.index
    if index is None:
        return
    chapters = set()
    for i, chapter in enumerate(index.value["chapters"]):
        if chapter["id"] in chapters:
            what = f"`{chapter['id']}` 장이 두 번 나와요."
            yield index.problem(("chapters", i, "id"), what, "서로 다른 이름을 붙여 주세요.")
        chapters.add(chapter["id"])
    for place, chapter, identifier in project.files.lines:
        path = project.root / "docs" / "qa" / chapter / f"{identifier}.yaml"
        if fault := forms.name_fault(identifier):
            yield index.problem(place, *fault)
        elif project.files.first_lines[identifier][0] != place:
            yield index.problem(place, f"`{identifier}` 문답이 두 번 나와요.", "한 장에만, 한 번만 적어 주세요.")
        elif not (path.exists() or path.is_symlink()):
            todo = f"`mundap new {chapter} {identifier}` 명령으로 만들거나 이 줄을 지워 주세요."
            yield index.problem(place, f"`{path.relative_to(project.root).as_posix()}` 파일이 없어요.", todo)


def thread_files(project: Project) -> Iterator[Problem]:
    """Files that no line of the map names."""
    if project.files.index is None:
        return
    chapters = {chapter.id for chapter in project.chapters}
    listed = {draft.id for draft in project.files.drafts if draft.listed}
    for draft in project.files.drafts:
        if not draft.listed:
            yield Problem(draft.document.path, 1, 1, *_why_unlisted(draft, project, chapters, listed))


def _why_unlisted(draft: Draft, project: Project, chapters: set[str], listed: set[str]) -> tuple[str, str]:
    path, chapter = draft.path, draft.chapter
    if path.suffix != ".yaml":
        return f"파일 이름이 `{path.suffix}`로 끝나요.", f"`{path.stem}.yaml`로 바꿔 주세요."
    if path.parent.parent != project.root / "docs" / "qa" or chapter not in chapters:
        todo = f"`chapters`에 장을 더하거나 파일을 옮겨 주세요. 있는 장: {', '.join(sorted(chapters))}."
        return f"`{chapter}` 장이 `qa_index.yaml`에 없어요.", todo
    if path.stem in listed:
        return f"`{path.stem}` 문답은 이미 다른 장에 있어요.", "다른 이름으로 바꿔 주세요."
    todo = f"`{chapter}` 장의 `threads`에 `- {path.stem}` 줄을 더해 주세요."
    return "이 파일을 가리키는 줄이 `qa_index.yaml`에 없어요.", todo


def thread_ids(project: Project) -> Iterator[Problem]:
    """Threads whose id is not the name of their file."""
    for draft in project.files.drafts:
        own = word(draft.data, "id")
        if own and own != draft.path.stem:
            what = f"id는 `{own}`인데 파일 이름은 `{draft.path.name}`이에요."
            yield draft.document.problem(("id",), what, "둘을 같게 맞춰 주세요.")


def sections(project: Project) -> Iterator[Problem]:
    """Threads that the documents' sections name and that do not exist."""
    index = project.files.index
    if index is None:
        return
    for name, document in project.documents.items():
        for i, section in enumerate(document.sections):
            for j, identifier in enumerate(section.threads):
                if identifier not in project.files.threads:
                    place = ("documents", name, "sections", i, "threads", j)
                    what = f"`{identifier}` 문답을 찾을 수 없어요."
                    yield index.problem(place, what, near(identifier, project.files.threads))


def needs(project: Project) -> Iterator[Problem]:
    """`needs` that name no thread, or that go round in a circle."""
    if project.files.index is None:
        return
    known, drafts = project.files.threads, project.files.drafts
    ways = {draft.id: [other for _, other in words(draft.data, "needs")] for draft in drafts}
    for draft in drafts:
        for i, other in words(draft.data, "needs"):
            if other not in known:
                what = f"먼저 읽을 `{other}` 문답을 찾을 수 없어요."
                yield draft.document.problem(("needs", i), what, near(other, known))
            elif circle := shortest_way(ways, other, draft.id):
                what = f"먼저 읽을 문답이 돌고 돌아요: {' → '.join([draft.id, *circle])}."
                todo = "이 가운데 한 곳의 `needs`에서 하나를 지워 주세요."
                yield draft.document.problem(("needs", i), what, todo)


def shortest_way(ways: Mapping[str, Iterable[str]], start: str, goal: str) -> list[str]:
    """From one name to another along {name: names} -> [start, …, goal], [] where no way leads there."""
    found, seen = [[start]], {start}
    for way in found:
        if way[-1] == goal:
            return way
        for other in ways.get(way[-1], ()):
            if other not in seen:
                seen.add(other)
                found.append([*way, other])
    return []


def tags(project: Project) -> Iterator[Problem]:
    """Tags that differ in spelling alone would meet at one anchor."""
    if project.files.index is None:
        return
    spellings: dict[str, str] = {}
    for draft in project.files.drafts:
        for i, tag in words(draft.data, "tags"):
            first = spellings.setdefault(slug(tag), tag)
            if not slug(tag):
                todo = "글자나 숫자가 든 말로 적어 주세요."
                yield draft.document.problem(("tags", i), f"`{tag}` 태그에 글자가 없어요.", todo)
            elif first != tag:
                what = f"`{tag}` 태그가 다른 곳에는 `{first}` 꼴로 적혀 있어요."
                yield draft.document.problem(("tags", i), what, "하나로 맞춰 주세요.")


def sources(project: Project) -> Iterator[Problem]:
    """Documents that a thread comes from and that the map does not have."""
    if project.files.index is None:
        return
    for draft in project.files.drafts:
        for i, source in parts(draft.data, "source"):
            name = word(source, "document")
            if name and name not in project.documents:
                what = f"`{name}` 원문은 `qa_index.yaml`의 `documents`에 없어요."
                yield draft.document.problem(("source", i, "document"), what, near(name, project.documents))


def addresses(project: Project) -> Iterator[Problem]:
    """Answers and claims whose address another part of the page has, or had."""
    if project.files.index is None:
        return
    for draft in project.files.drafts:
        figures = {figure_anchor(run) for _, run in runs(draft.data) if "figure" in run}
        taken = {*page_anchors(draft.data), *figures}
        for place, name in _named(draft):
            if name in taken:
                what = f"`#{name}` 주소가 이 쪽의 다른 곳과 겹쳐요."
                yield draft.document.problem((*place, "id"), what, "서로 다른 이름을 붙여 주세요.")
            taken.add(name)


def _named(draft: Draft) -> Iterator[tuple[Place, str]]:
    """(place, id) of every answer, and of every claim below it."""
    for i, answer in parts(draft.data, "answers"):
        places = [("answers", i), *(("answers", i, "claims", j) for j, _ in parts(answer, "claims"))]
        items = [answer, *(claim for _, claim in parts(answer, "claims"))]
        yield from ((place, word(item, "id")) for place, item in zip(places, items) if word(item, "id"))


def moved(project: Project) -> Iterator[Problem]:
    """Addresses that are gone and lead nowhere, or stand twice."""
    for draft in project.files.drafts:
        names = {name for _, name in _named(draft)}
        seen = set()
        for i, item in parts(draft.data, "moved"):
            old, new = word(item, "from"), word(item, "to")
            if old and old in seen:
                yield draft.document.problem(
                    ("moved", i, "from"), f"`{old}` 주소가 두 번 나와요.", "하나만 남겨 주세요."
                )
            seen.add(old)
            if new and new not in names:
                what = f"`{new}` 답이나 주장이 이 문답에 없어요."
                yield draft.document.problem(("moved", i, "to"), what, near(new, sorted(names)))


def labels(project: Project) -> Iterator[Problem]:
    """Labels of snippets or evidence that do not exist."""
    for snippet, names in project.labels.items():
        assert project.files.labels is not None
        record = project.records.get(snippet)
        if snippet not in project.runnable:
            what, todo = f"`{snippet}` 스니펫을 찾을 수 없어요.", near(snippet, project.runnable)
            yield project.files.labels.problem((snippet,), what, todo, key=True)
        elif record:
            for name in names:
                if name not in record.evidence:
                    what, todo = f"`{snippet}` 실행에 `{name}` 증거가 없어요.", near(name, record.evidence)
                    yield project.files.labels.problem((snippet, name), what, todo, key=True)


def glossary(project: Project) -> Iterator[Problem]:
    """Terms that stand twice or hold no letter, and threads that they name and that do not exist."""
    document = project.files.glossary
    if document is None or project.files.index is None:
        return
    seen = set()
    for i, term in enumerate(document.value):
        if not isinstance(term, dict):
            continue
        name, key = word(term, "term"), slug(word(term, "term"))
        if name and not key:
            todo = "글자나 숫자가 든 말로 적어 주세요."
            yield document.problem((i, "term"), f"`{name}` 용어에 글자가 없어요.", todo)
        elif key in seen:
            yield document.problem((i, "term"), f"`{name}` 용어가 두 번 나와요.", "하나로 합쳐 주세요.")
        seen.add(key)
        for j, identifier in words(term, "threads"):
            if identifier not in project.files.threads:
                what = f"`{identifier}` 문답을 찾을 수 없어요."
                yield document.problem((i, "threads", j), what, near(identifier, project.files.threads))


def names_of_terms(project: Project) -> Iterator[Problem]:
    """Names that two terms of the glossary have: a search could not tell which one is meant."""
    document = project.files.glossary
    if document is None or project.files.index is None:
        return
    owners: dict[str, tuple[int, str]] = {}
    for i, term in parts({"terms": document.value}, "terms"):
        own = word(term, "term")
        names = [((i, key), word(term, key)) for key in ("term", "english")]
        aliases = [((i, "aliases", j), name) for j, name in words(term, "aliases")]
        for place, name in (*names, *aliases):
            owner, other = owners.setdefault(name.casefold(), (i, own))
            if name and owner != i and not (place[1] == "term" and slug(name) == slug(other)):  # told as a term twice
                what = f"`{name}` 말은 `{other}` 용어의 이름이기도 해요."
                yield document.problem(place, what, "한 용어에만 남기거나, 같은 뜻이면 하나로 합쳐 주세요.")
