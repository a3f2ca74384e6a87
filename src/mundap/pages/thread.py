"""The page of a thread."""

import html
import json

from mundap.pages.links import chapter_path, link, notebook_path, plain, resolve, thread_links, thread_path
from mundap.pages.marks import Flavour, box, definition, element, exhibit, section
from mundap.pages.verdicts import badge, basis_badge, level_badge, measure
from mundap.project import schema
from mundap.project.model import Answer, Cite, Claim, Project, Run, Thread, Try
from mundap.project.texts import slug

KIND_CLASS = {"의견": "opinion", "해설": "explanation"}
KIND_LABEL = {"의견": "원문의 입장", "해설": "해설"}
DESCRIPTION = 150  # characters
RELATED = 4  # threads


def front_matter(title: str, description: str, **more: str) -> str:
    """The head of a page; values are quoted as JSON, which YAML reads."""
    values = {"title": plain(title, DESCRIPTION), "description": plain(description, DESCRIPTION), **more}
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---", ""])


def thread_page(flavour: Flavour, project: Project, thread: Thread) -> str:
    """The page of a thread as Markdown."""
    page = thread_path(thread)

    def text_section(name: str, title: str, text: str | None) -> list[str]:
        return [] if text is None else [section(flavour, name, title, resolve(project, text, page))]

    parts = [
        front_matter(thread.question, resolve(project, thread.conclusion, page), kind="thread"),
        f"# {thread.question}",
        *_head(flavour, project, thread),
        *text_section("asked", "질문", thread.asked),
        *text_section("conclusion", "결론", thread.conclusion),
        *text_section("misconception", "흔한 오해", thread.misconception),
        *(answer_section(flavour, project, thread, answer) for answer in thread.answers),
    ]
    if thread.tries:
        tries = "\n\n".join(_try(flavour, project, thread, item) for item in thread.tries)
        parts.append(section(flavour, "try", "더 해보기", tries))
    parts.append(section(flavour, "sources", "출처", _sources(project, thread)))
    if related := related_threads(project, thread):
        parts.append(section(flavour, "related", "함께 볼 문답", thread_links(related, page)))
    parts.append(_neighbours(flavour, project, thread))
    return "\n\n".join(parts) + "\n"


def _head(flavour: Flavour, project: Project, thread: Thread) -> list[str]:
    """Where the thread stands, its level, tags and documents, and what to read first."""
    page = thread_path(thread)
    chapter = next(chapter for chapter in project.chapters if chapter.id == thread.chapter)
    crumbs = f"{link('문답', 'qa/index.md', page)} › {link(chapter.title, chapter_path(chapter.id), page)}"
    tags = " ".join(flavour.classed(link(tag, f"tags.md#{slug(tag)}", page), "tag") for tag in thread.tags)
    titles = ", ".join(dict.fromkeys(project.documents[source.document].title for source in thread.sources))
    origin = f'<span class="origin">원문: {html.escape(titles)}</span>'
    parts = [
        element(flavour, "nav", crumbs, ' class="crumbs" aria-label="지금 위치"'),
        box(flavour, "thread-meta", f"{level_badge(thread.level)} {tags} {origin}"),
    ]
    if thread.needs:
        first = thread_links((project.threads[name] for name in thread.needs), page)
        body = f"**먼저 읽으면 좋아요**\n\n{first}"
        parts.append(element(flavour, "nav", body, ' class="needs" aria-label="먼저 읽기"'))
    return parts


def answer_section(flavour: Flavour, project: Project, thread: Thread, answer: Answer) -> str:
    """One answer: its text, its runs, its claims."""
    page = thread_path(thread)
    parts = [
        *_gone(thread, answer.id),
        flavour.heading(2, answer.title, answer.id),
        f'<p class="kind">{KIND_LABEL[answer.kind]}</p>',
        resolve(project, answer.body, page),
    ]
    if answer.block:
        file = project.root / "docs" / "blocks" / f"{answer.block}.py"
        parts.append(flavour.block(answer.block, file.read_text(encoding="utf-8").strip()))
    earlier = thread.answers[: thread.answers.index(answer)]
    shown = {(run.snippet, run.figure) for other in earlier for run in other.runs}
    for run in answer.runs:
        parts.append(_run(flavour, project, run, page, again=(run.snippet, run.figure) in shown))
        shown.add((run.snippet, run.figure))
    claims = [_claim(flavour, project, thread, claim) for claim in answer.claims]
    parts.append(box(flavour, "claims", "\n\n".join(claims)))
    return element(flavour, "section", "\n\n".join(parts), f' class="answer {KIND_CLASS[answer.kind]}"')


def _run(flavour: Flavour, project: Project, run: Run, page: str, again: bool) -> str:
    """A run: the function, the figure (again: it stands further up, so a link to it) and where to find all of it."""
    snippet, record = project.snippets[run.snippet], project.records.get(run.snippet)
    parts = []
    if run.show is not None:
        parts.append(definition(snippet, run.show))
    if run.figure is not None and record:
        parts.append(exhibit(flavour, record, run.figure, page, again))
    if record and run.snippet in project.stale:
        parts.append('<p class="stale">이 기록은 지금의 코드보다 오래됐어요. mundap run으로 다시 돌릴 수 있어요.</p>')
    seconds = f" · 실행 {record.seconds:.0f}초" if record and record.seconds >= 1 else ""
    links = (
        f"- {link(snippet.title, notebook_path(run.snippet), page)}: 설명과 실행 결과{seconds}\n"
        f"- {link('전체 코드', f'snippets/{snippet.file}', page)}\n"
        f"- 직접 돌리기: `python snippets/{snippet.file}`"
    )
    parts.append(box(flavour, "run-links", links))
    return box(flavour, "run", "\n\n".join(parts))


def _claim(flavour: Flavour, project: Project, thread: Thread, claim: Claim) -> str:
    page = thread_path(thread)
    permalink = f'<a class="permalink" href="#{claim.anchor}" aria-label="이 주장의 주소" title="이 주장의 주소">#</a>'
    parts = [
        box(
            flavour,
            "claim-text",
            f"{badge(claim.verdict)} {basis_badge(claim.basis)} {resolve(project, claim.text, page)} {permalink}",
        )
    ]
    if judgement := project.judgement(thread, claim):
        parts.append(measure(flavour, project, judgement, page))
    if claim.why is not None:
        parts.append(box(flavour, "why", resolve(project, claim.why, page)))
    parts += [box(flavour, "cite", resolve(project, cited(project, cite), page)) for cite in claim.cites]
    parts = [*_gone(thread, claim.anchor), *parts]
    attributes = f' class="claim {schema.VERDICTS[claim.verdict][0]}" id="{claim.anchor}"'
    return element(flavour, "article", "\n\n".join(parts), attributes)


def _gone(thread: Thread, name: str) -> list[str]:
    """The addresses whose meaning an answer or claim took over, so that old links arrive at it."""
    old = [f'<a id="{item.old}"></a>' for item in thread.moved if item.new == name]
    return ["".join(old)] if old else []


def cited(project: Project, cite: Cite) -> str:
    """One citation as Markdown: authors, year, place, and what is reported there."""
    paper = project.papers[cite.paper]
    says = "" if cite.says is None else f": {cite.says}"
    return f"[{paper.authors} ({paper.year})]({paper.url}) {cite.where}{says}"


def _try(flavour: Flavour, project: Project, thread: Thread, item: Try) -> str:
    page = thread_path(thread)
    outcome = [resolve(project, item.outcome, page)]
    if judgement := project.judgement(thread, item):
        outcome.append(measure(flavour, project, judgement, page))
    parts = [
        resolve(project, item.change, page),
        f"**예상해 보세요.** {resolve(project, item.predict, page)}",
        "\n\n".join([f"<details{flavour.markdown}>\n<summary>결과 보기</summary>", *outcome, "</details>"]),
    ]
    return element(flavour, "div", "\n\n".join(parts), f' class="try-item" id="{item.anchor}"')


def _sources(project: Project, thread: Thread) -> str:
    """Where the question comes from, and the papers that the claims cite."""
    lines = [f"- {project.documents[source.document].title}: {source.section}" for source in thread.sources]
    places: dict[str, dict[str, None]] = {}
    for claim in thread.claims:
        for cite in claim.cites:
            places.setdefault(cite.paper, {})[cite.where] = None
    for name, wheres in places.items():
        paper = project.papers[name]
        lines.append(f"- {paper.authors} ({paper.year}), [{paper.title}]({paper.url}): {', '.join(wheres)}")
    return "\n".join(lines)


def related_threads(project: Project, thread: Thread) -> list[Thread]:
    """Threads that share most with this one: tags, runs, or that one needs the other."""

    def score(other: Thread) -> int:
        needed = other.id in thread.needs or thread.id in other.needs
        shared = len(set(thread.tags) & set(other.tags))
        runs = len(set(thread.snippets) & set(other.snippets))
        return 2 * shared + runs + 2 * needed + (other.chapter == thread.chapter)

    others = [other for other in project.threads.values() if other is not thread and score(other)]
    return sorted(others, key=lambda other: -score(other))[:RELATED]  # of equals, the one to be read first


def _neighbours(flavour: Flavour, project: Project, thread: Thread) -> str:
    threads, page = list(project.threads.values()), thread_path(thread)
    place, links = threads.index(thread), []
    for number, label, css in ((place - 1, "이전", "previous"), (place + 1, "다음", "next")):
        if 0 <= number < len(threads):
            words = f"<span>{label}</span> {threads[number].question}"
            links.append(flavour.classed(link(words, thread_path(threads[number]), page), css))
    return element(flavour, "nav", "\n".join(links), ' class="thread-nav" aria-label="이전과 다음 문답"')
