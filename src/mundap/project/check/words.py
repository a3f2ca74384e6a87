"""Words: every text that a page shows, of the map, the threads, the glossary and the hand-written pages."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

from mundap.problems import Problem, place
from mundap.project import texts
from mundap.project.check.claims import shown_faults
from mundap.project.check.names import near
from mundap.project.draft import anchors
from mundap.project.files import composed
from mundap.project.math import mask_code
from mundap.project.model import Project
from mundap.project.states import fits, states
from mundap.project.texts import slug
from mundap.project.yamlsource import Document, Place

NOT_SHOWN = frozenset(
    "id kind level basis verdict check run show figure block paper document arxiv url year needs threads from to right script numbers".split()
)
PLAIN = frozenset(
    "question short title tags also section authors term english aliases".split()
)  # shown without filling in
PRESSED = frozenset("gist choices".split())  # stand in what a reader presses, where a second thing to press is none


def texts_of_the_map(project: Project) -> Iterator[Problem]:
    """What may not stand in the map's texts."""
    if project.files.index:
        yield from _texts(project, project.files.index)


def texts_of_threads(project: Project) -> Iterator[Problem]:
    """What may not stand in a thread's texts."""
    if project.files.index:
        for draft in project.files.drafts:
            yield from _texts(project, draft.document)


def texts_of_the_glossary(project: Project) -> Iterator[Problem]:
    """What may not stand in the glossary's texts."""
    if project.files.index and project.files.glossary:
        yield from _texts(project, project.files.glossary)


def _texts(project: Project, document: Document) -> Iterator[Problem]:
    """Links, inline values, formulas and refused markup in every text of a document that a page shows."""

    def link_fault(kind: str, target: str, anchor: str | None) -> tuple[str, str] | None:
        return link_leads_nowhere(project, document, kind, target, anchor)

    for where in shown_places(document):
        key = key_of(where)
        for offset, what, todo in texts.faults(document.get(where), project.evidence, link_fault, key in PLAIN):
            yield document.problem(where, what, todo, offset=offset)
        if key in PRESSED:
            yield from _links_within(document, where)


def _links_within(document: Document, where: Place) -> Iterator[Problem]:
    for match in texts.ANY_LINK.finditer(mask_code(document.get(where))):
        what = "누르면 펼쳐지거나 골라지는 글이라 링크를 넣을 수 없어요."
        yield document.problem(where, what, "본문이나 `outcome`으로 옮겨 주세요.", offset=match.start(1))


def shown_places(document: Document) -> Iterator[Place]:
    """Where the texts of a document stand that a page shows."""
    return (place for place in document.styles if key_of(place) not in NOT_SHOWN)


def key_of(place: Place) -> str:
    """The key that a text stands under, or the list that it stands in."""
    if not place:
        return ""
    return str(place[-2] if len(place) > 1 and isinstance(place[-1], int) else place[-1])


def link_leads_nowhere(
    project: Project, document: Document | None, kind: str, target: str, anchor: str | None
) -> tuple[str, str] | None:
    """(what, todo) where a link of an author leads nowhere, else None. document: where "" (this page) is."""
    if kind == "run":
        return _to_a_run(project, target)
    if kind == "term":
        terms = project.files.terms
        if terms is not None and slug(target) not in terms:
            return f"용어집에 `{target}` 항목이 없어요.", near(slug(target), terms)
    elif kind == "page":
        return _to_a_page(project, target)
    elif kind == "thread" and target not in project.files.threads:
        return f"링크가 가리키는 `{target}` 문답을 찾을 수 없어요.", near(target, project.files.threads)
    elif anchor:
        return _to_an_anchor(project, document, kind, target, anchor)
    return None


def _to_a_run(project: Project, target: str) -> tuple[str, str] | None:
    if target not in project.runnable:
        return f"링크가 가리키는 `{target}` 스니펫을 찾을 수 없어요.", near(target, project.runnable)
    if target not in project.records and target not in project.files.used:  # else it is told at the snippet
        return f"링크가 가리키는 `{target}` 스니펫의 기록이 없어요.", f"`mundap run {target}` 명령으로 돌려 주세요."
    return None


def _to_a_page(project: Project, target: str) -> tuple[str, str] | None:
    known = [composed(path.stem) for path in (project.root / "docs").glob("*.md")]
    name, _, query = target.partition("?")
    if name not in known:
        return f"링크가 가리키는 `docs/{name}.md` 글을 찾을 수 없어요.", near(name, known)
    told = states(project.files.pages.get(f"docs/{name}.md") or "")
    for key, value in parse_qsl(query, keep_blank_values=True) if told else ():
        if key not in told:
            return f"`docs/{name}.md` 글에는 `{key}` 상태가 없어요.", near(key, told)
        if not any(fits(value, form) for form in told[key]):
            what = f"`docs/{name}.md` 글의 `{key}` 상태에 올 수 없는 값이에요: `{value}`."
            return what, f"쓸 수 있는 값: {', '.join(f'`{form}`' for form in told[key])}."
    return None


def _to_an_anchor(
    project: Project, document: Document | None, kind: str, target: str, anchor: str
) -> tuple[str, str] | None:
    if kind:
        known = project.files.threads[target]
    else:
        known = anchors(document.value) if document and isinstance(document.value, dict) else []
    if known is None or (anchor in known and anchor != "related"):
        return None
    return f"`#{anchor}` 자리가 {f'`{target}` 문답' if kind else '이 쪽'}에 없어요.", near(anchor, known)


def pages(project: Project) -> Iterator[Problem]:
    """Hand-written pages: that they can be read, and ask for nothing unknown to be filled in."""
    for file, text in project.files.pages.items():
        if text is None:
            yield Problem(
                file, 1, 1, "읽을 수 있는 UTF-8 글이 아니에요.", "보통 파일인지 보고, 편집기에서 UTF-8로 저장해 주세요."
            )
            continue
        for offset, what, todo in page_faults(project, text):
            yield Problem(file, *place(text[:offset]), what, todo)


def page_faults(project: Project, text: str) -> Iterator[tuple[int, str, str]]:
    """What a hand-written page asks for that cannot be filled in: (offset, what, todo) each."""
    for match in texts.MARKER.finditer(mask_code(text)):
        if match[1] not in texts.MARKERS:
            yield match.start(), f"`{match[0]}` 자리에 채울 것이 없어요.", near(match[1], texts.MARKERS)
        elif match[1] in ("figure", "code"):
            yield from ((match.start(), *fault) for fault in _marker_faults(project, match[1], match[2] or ""))
        elif fault := _leads_nowhere(project, match[1], match[2] or ""):
            yield match.start(), *fault
    yield from texts.filled_faults(text, project.evidence, lambda *link: link_leads_nowhere(project, None, *link))


def _leads_nowhere(project: Project, kind: str, target: str) -> tuple[str, str] | None:
    """What is wrong with the thread or chapter that a marker leads to, if anything is."""
    chapters = [chapter.id for chapter in project.chapters]
    if kind == "chapter" and target not in chapters:
        return f"`{target}` 장을 찾을 수 없어요.", near(target, chapters)
    return link_leads_nowhere(project, None, kind, target, None) if kind == "thread" else None


def _marker_faults(project: Project, kind: str, target: str) -> Iterator[tuple[str, str]]:
    """What is wrong with `snippet.name` of a marker that shows a figure or code: (what, todo)."""
    name, _, part = target.partition(".")
    if name not in project.runnable and (kind == "figure" or name not in project.snippets):
        yield f"`{name}` 스니펫을 찾을 수 없어요.", near(name, project.runnable)
        return
    show, figure = (part, None) if kind == "code" else (None, part)
    for _, what, todo in shown_faults(project, name, show, figure):
        yield what, todo
