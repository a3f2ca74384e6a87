"""Pages that list threads: chapters, contents, tags, sources; the glossary; the table of runs."""

import html
import json
from collections.abc import Iterable

from mundap.pages.links import (
    chapter_path,
    figure_path,
    link,
    notebook_path,
    plain,
    relative,
    resolve,
    thread_link,
    thread_links,
    thread_path,
)
from mundap.pages.marks import Flavour, box, element, table_row
from mundap.pages.thread import front_matter
from mundap.pages.verdicts import level_badge, verdict_counts
from mundap.project import schema
from mundap.project.model import Chapter, Project, Term, Thread
from mundap.project.texts import slug

INITIALS = "ㄱㄱㄴㄷㄷㄹㅁㅂㅂㅅㅅㅇㅈㅈㅊㅋㅌㅍㅎ"  # in the order of Unicode, doubled ones with the single
LINE = 110  # characters of an answer in a list


def chapter_threads(project: Project, chapter: Chapter) -> list[Thread]:
    """The threads of a chapter, in reading order."""
    return [project.threads[name] for name in chapter.threads if name in project.threads]


def first_page(threads: list[Thread], chapter: Chapter) -> str:
    """Where a link to a chapter leads: its page, or its only thread."""
    return thread_path(threads[0]) if len(threads) == 1 else chapter_path(chapter.id)


def _thread_list(flavour: Flavour, project: Project, threads: Iterable[Thread], page: str) -> str:
    """Threads as rows: question, answer in a line, level and verdicts."""
    rows = []
    for thread in threads:
        answer = plain(resolve(project, thread.answer or thread.conclusion, thread_path(thread)), LINE)
        counts = verdict_counts([thread])
        words = ", ".join(f"{verdict} {count}" for verdict, count in counts.items())
        squares = "".join(
            f'<i class="{schema.VERDICTS[claim.verdict][0]}">{schema.VERDICTS[claim.verdict][1]}</i>'
            for claim in thread.claims
        )
        body = [
            thread_link(thread, page),
            f'<p class="gist">{html.escape(answer)}</p>',
            f'<p class="counts">{level_badge(thread.level)} <span class="tally" role="img" aria-label="판정: {words}">{squares}</span></p>',
        ]
        level = schema.LEVELS.index(thread.level) + 1
        attributes = f' data-thread="{thread.id}" data-level="{level}"'
        rows.append(element(flavour, "li", "\n\n".join(body), attributes))
    return element(flavour, "ol", "\n\n".join(rows), ' class="thread-list"')


def chapter_page(flavour: Flavour, project: Project, chapter: Chapter) -> str:
    """The page of a chapter."""
    page = chapter_path(chapter.id)
    about = resolve(project, chapter.about, page)
    threads = _thread_list(flavour, project, chapter_threads(project, chapter), page)
    return _page(chapter.title, about, "chapter", [about, threads])


def contents_page(flavour: Flavour, project: Project) -> str:
    """All chapters with their threads."""
    page, parts = "qa/index.md", []
    for chapter in project.chapters:
        threads = chapter_threads(project, chapter)
        parts += [
            flavour.heading(2, link(chapter.title, first_page(threads, chapter), page), chapter.id),
            resolve(project, chapter.about, page),
            _thread_list(flavour, project, threads, page),
        ]
    return _page("문답", "장과 문답을 읽는 순서대로 모았어요.", "contents", parts)


def tags_page(flavour: Flavour, project: Project) -> str:
    """Every tag with its threads: those of several threads first, the largest first in a cloud, then the others."""
    tags: dict[str, list[Thread]] = {}
    for thread in project.threads.values():
        for tag in thread.tags:
            tags.setdefault(tag, []).append(thread)
    shared = [tag for tag in sorted(tags) if len(tags[tag]) > 1]
    cloud = " ".join(
        f"[{tag} {len(tags[tag])}](#{slug(tag)})" for tag in sorted(shared, key=lambda tag: -len(tags[tag]))
    )
    parts = [element(flavour, "nav", cloud, ' class="tag-cloud" aria-label="여러 문답의 태그"')] if shared else []
    for tag in shared:
        parts += [flavour.heading(2, tag, slug(tag)), thread_links(tags[tag], "tags.md")]
    single = [
        element(flavour, "li", f"{tag}: {thread_link(tags[tag][0], 'tags.md')}", f' id="{slug(tag)}"')
        for tag in sorted(tags)
        if tag not in shared
    ]
    if single:
        parts += ["## 문답 하나의 태그", element(flavour, "ul", "\n\n".join(single), ' class="single-tags"')]
    return _page("태그", "주제어로 문답을 찾아보세요.", "tags", parts)


def sources_page(flavour: Flavour, project: Project) -> str:
    """원문과의 대응: every section of the documents with the threads that answer it."""
    parts = [
        "이 사이트의 문답은 스터디 문서 네 편에서 나온 질문과 메모에서 출발했어요. 대목마다 어느 문답이 답하는지 찾아보세요."
    ]
    for document in project.documents.values():
        rows = ["| 대목 | 문답 |", "|---|---|"]
        for section in document.sections:
            threads = [project.threads[name] for name in section.threads if name in project.threads]
            links = "<br>".join(thread_link(thread, "sources.md") for thread in threads)
            rows.append(table_row([section.title, links or "아직 쓰는 중이에요"]))
        parts += [f"## {document.title}", "\n".join(rows)]
    description = "원문의 질문과 대목마다 어느 문답이 답하는지 모았어요."
    return _page("원문과의 대응", description, "sources", parts)


def glossary_page(flavour: Flavour, project: Project) -> str:
    """용어집."""
    terms = sorted(project.glossary, key=lambda term: (term.term[0].isascii(), term.term.lower()))  # Hangul first
    first = {initial(term.term): slug(term.term) for term in reversed(terms)}
    index = " ".join(f"[{letter}](#{name})" for letter, name in reversed(first.items()))
    parts = [
        "한 가지 뜻에는 한 가지 말만 써요. 영어 이름과 흔히 섞어 쓰는 다른 표기도 함께 적었어요.",
        element(flavour, "nav", index, ' class="initials" aria-label="첫 글자로 찾기"'),
    ]
    for term in terms:
        parts += _term(flavour, project, term)
    about = "이 사이트가 쓰는 용어를 한 가지로 정하고, 뜻과 영어를 함께 적었어요."
    return _page("용어집", about, "glossary", parts)


def initial(term: str) -> str:
    """The letter under which a term stands: the first consonant of Hangul, else the letter itself."""
    place = (ord(term[0]) - ord("가")) // (21 * 28)
    return INITIALS[place] if 0 <= place < len(INITIALS) else term[0].upper()


def _term(flavour: Flavour, project: Project, term: Term) -> list[str]:
    page, english = "glossary.md", "" if term.english is None else f" ({term.english})"
    parts = [
        flavour.heading(2, f"{term.term}{english}", slug(term.term)),
        resolve(project, term.definition, page),
    ]
    if term.aliases:
        parts.append(f'<p class="aliases">다른 표기: {html.escape(", ".join(term.aliases))}</p>')
    if term.threads:
        links = ", ".join(thread_link(project.threads[name], page) for name in term.threads)
        parts.append(box(flavour, "see", f"함께 보기: {links}"))
    return parts


def runs_list(flavour: Flavour, project: Project, page: str) -> str:
    """Every recorded run with its time and the threads that use it."""
    rows = []
    for name, record in sorted(project.records.items()):
        users = ", ".join(thread_link(project.threads[thread], page) for thread in project.users.get(name, []))
        title = link(project.snippets[name].title, notebook_path(name), page)
        time = f'<span class="run-time">{record.seconds:.1f}초</span>'
        rows.append(element(flavour, "li", f'{title} {time} <span class="run-users">{users}</span>'))
    return element(flavour, "ul", "\n\n".join(rows), ' class="run-list"')


def learning_path(flavour: Flavour, project: Project, page: str) -> str:
    """Where to begin, and the chapters in reading order as a list of cards; a script says where to go on."""
    rows = []
    for chapter in project.chapters:
        threads = chapter_threads(project, chapter)
        title = link(chapter.title, first_page(threads, chapter), page)
        count = f'<span class="thread-count">문답 {len(threads)}개</span>'
        known = json.dumps(
            [[thread.id, plain(thread.question, LINE), relative(thread_path(thread), page)] for thread in threads],
            ensure_ascii=False,
        )
        body = f"{_cover(project, threads, page)}**{title}** {count}"
        rows.append(element(flavour, "li", body, f' data-threads="{html.escape(known)}"'))
    path = element(flavour, "ol", "\n\n".join(rows), ' class="path"')
    for first in list(project.threads.values())[:1]:
        begin = f"처음부터 읽기: {thread_link(first, page)}"
        return f"{box(flavour, 'resume', begin)}\n\n{path}"
    return path


def _cover(project: Project, threads: list[Thread], page: str) -> str:
    """The first figure of a chapter's threads as a picture; "" where there is none."""
    for run in (run for thread in threads for answer in thread.answers for run in answer.runs):
        record = project.records.get(run.snippet)
        if record and run.figure in record.exhibits and record.exhibits[run.figure].kind == "svg":
            return f"![]({relative(figure_path(run.snippet, run.figure), page)})\n\n"
    return ""


def summary(project: Project) -> str:
    """How many questions were asked, and what became of the claims, in two sentences."""
    counts = verdict_counts(project.threads.values())
    wrong = f" 그 가운데 <strong>{counts['틀림']}개는 틀렸어요.</strong>" if "틀림" in counts else ""
    return (
        f"<p>질문 {len(project.threads)}개. 답마다 코드를 돌려 <strong>주장 {sum(counts.values())}개</strong>를 "
        f"판정했어요.{wrong}</p>"
    )


def _page(title: str, description: str, kind: str, parts: list[str]) -> str:
    return "\n\n".join([front_matter(title, description, kind=kind), f"# {title}", *parts]) + "\n"
