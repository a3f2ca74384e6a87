"""The page of a thread: the answer first, then something to predict, then the answers of the source to compare."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from mundap.pages.claim import claim_row, gauges, gone
from mundap.pages.issues import doubt
from mundap.pages.links import link, notebook_path, plain, resolve, thread_links, thread_path
from mundap.pages.marks import Flavour, box, definition, element, escaped, exhibit, section
from mundap.pages.terms import with_terms
from mundap.pages.verdicts import level_badge, mark, of_answer, strip
from mundap.project import schema
from mundap.project.expression import Expression
from mundap.project.model import Answer, Guess, Project, Run, Source, Thread, Try
from mundap.project.texts import slug

KIND_CLASS = {"의견": "opinion", "해설": "explanation"}
DESCRIPTION = 150  # characters
PACE = 500  # characters that are read in a minute
RELATED = 4  # threads
TAG, RUN, NEEDED = 2, 1, 2  # what counts that two threads share; their chapter counts 1


def front_matter(title: str, description: str, **more: str | list[str]) -> str:
    """The head of a page; values are quoted as JSON, which YAML reads."""
    values = {"title": plain(title, DESCRIPTION), "description": plain(description, DESCRIPTION), **more}
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---", ""])


def thread_page(flavour: Flavour, project: Project, thread: Thread) -> str:
    """The page of a thread as Markdown."""
    page, seen = thread_path(thread), set[str]()
    first = thread.answer or thread.conclusion

    def prose(text: str) -> str:
        return with_terms(flavour, project.glossary, resolve(project, text, page), page, seen)

    parts = [
        front_matter(thread.question, resolve(project, first, page), kind="thread", **_scripts(flavour, thread)),
        f"# {thread.question}",
        _head(flavour, project, thread),
        section(flavour, "conclusion", "답", resolve(project, first, page)),
        *_predict(flavour, project, thread),
        *_touch(flavour, project, thread),
        *([box(flavour, "because", prose(thread.conclusion))] if thread.answer else []),
        *([box(flavour, "embed", resolve(project, thread.embed, page))] if thread.embed else []),
    ]
    if thread.misconception is not None:
        parts.append(section(flavour, "misconception", "흔한 오해", prose(thread.misconception)))
    parts += [answer_section(flavour, project, thread, answer, prose(answer.body)) for answer in thread.answers]
    if thread.tries:
        tries = "\n\n".join(_try(flavour, project, thread, item) for item in thread.tries)
        parts.append(section(flavour, "try", "더 해보기", tries))
    parts += [
        _folded(flavour, "asked", "어떤 질문이었나요", resolve(project, thread.asked, page)),
        _next(flavour, project, thread),
        _sources(flavour, project, thread),
    ]
    if related := related_threads(project, thread):
        parts.append(_folded(flavour, "related", "함께 볼 문답", thread_links(related, page)))
    return "\n\n".join(parts) + "\n"


def _head(flavour: Flavour, project: Project, thread: Thread) -> str:
    """Level, time to read, verdicts, and what to read first, in a line or two."""
    page = thread_path(thread)
    prose = [thread.conclusion, thread.misconception or "", *(answer.body for answer in thread.answers)]
    minutes = max(1, round(sum(map(len, prose)) / PACE))
    facts = [f"읽는 데 {minutes}분", f"판정 {len(thread.claims)}"]
    parts = [level_badge(thread.level), *(f"<span>{fact}</span>" for fact in facts), strip(project, thread, page)]
    if thread.needs:
        first = ", ".join(
            link(other.short or other.question, thread_path(other), page)
            for other in (project.threads[name] for name in thread.needs)
        )
        parts.append(f"<span>먼저 읽기: {first}</span>")
    return box(flavour, "thread-meta", " ".join(parts))


def _scripts(flavour: Flavour, thread: Thread) -> dict[str, list[str]]:
    """What the page of the site loads beside what every page loads."""
    if not flavour.is_site:
        return {}
    names = [f"touch/{thread.touch.script}"] if thread.touch else []
    names += ["embed"] if thread.embed else []
    return {"scripts": [f"assets/js/{name}.js" for name in names]} if names else {}


def _folded(flavour: Flavour, name: str, title: str, body: str) -> str:
    """A section that is closed until asked for; name: its class and its anchor."""
    return f'<details class="folded {name}" id="{name}"{flavour.markdown}>\n<summary>{title}</summary>\n\n{body}\n\n</details>'


def _predict(flavour: Flavour, project: Project, thread: Thread) -> list[str]:
    """Something to predict before the reasons, with what came out: choices become buttons where scripts run."""
    item = thread.predict
    if item is None:
        return []
    page = thread_path(thread)
    choices = "\n".join(f"- {resolve(project, choice, page)}" for choice in item.choices)
    asked = _guess(flavour, project, item.guess) if item.guess else [box(flavour, "choices", choices)]
    outcome = [resolve(project, item.outcome, page)]
    if item.run and item.run.figure and (record := project.records.get(item.run.snippet)):
        outcome.append(exhibit(flavour, record, item.run.figure, page))
    if judgement := project.judgements.get((thread.file, item.place)):
        outcome.append(gauges(project, judgement))
    body = [
        f"**먼저 예상해 보세요.** {resolve(project, item.ask, page)}",
        *asked,
        "\n\n".join([f"<details{flavour.markdown}>\n<summary>결과 보기</summary>", *outcome, "</details>"]),
    ]
    right = f' data-right="{item.choices.index(item.right)}"' if item.right is not None else ""
    attributes = f' class="predict" id="predict"{right} data-thread="{thread.id}"'
    return [element(flavour, "section", "\n\n".join(body), attributes)]


def _guess(flavour: Flavour, project: Project, guess: Guess) -> list[str]:
    """A ruler or a chart on which a script lets the reader guess; in words the range that the answer lies in."""
    values = [Expression(text, condition=False).value(project.evidence) for _, text in guess.of]
    ruler = {"from": guess.low, "to": guess.high, "step": guess.step, "unit": guess.unit}
    told = {**ruler, "names": [name for name, _ in guess.of], "measured": values}
    words = escaped(f"{guess.low:,g}{guess.unit}부터 {guess.high:,g}{guess.unit} 사이에서 골라요.")
    names = f" {escaped(', '.join(name for name, _ in guess.of))}에서 저마다요." if len(values) > 1 else ""
    if not flavour.is_site:
        return [f"{words}{names}"]
    data, css = html.escape(json.dumps(told, ensure_ascii=False)), "guess curve" if len(values) > 1 else "guess"
    return [f'<div class="{css}" data-guess="{data}"{flavour.markdown}>\n\n{words}{names}\n\n</div>']


def _touch(flavour: Flavour, project: Project, thread: Thread) -> list[str]:
    """A figure to touch: what is seen there in words; the site's script draws it, in a room that is kept for it."""
    item = thread.touch
    if item is None:
        return []
    page = thread_path(thread)
    see, attributes = resolve(project, item.see, page), ' class="touch" id="touch"'
    if not flavour.is_site:
        return [element(flavour, "section", see, attributes)]
    numbers = {name: Expression(name, condition=False).value(project.evidence) for name in item.numbers}
    data = html.escape(json.dumps(numbers, ensure_ascii=False))
    body = [
        f"**만져 보세요.** {resolve(project, item.do, page)}",
        f'<div class="touch-room" data-numbers="{data}"></div>',
        f"<details{flavour.markdown}>\n<summary>무엇이 보이나요</summary>\n\n{see}\n\n</details>",
    ]
    return [element(flavour, "section", "\n\n".join(body), attributes)]


def answer_section(flavour: Flavour, project: Project, thread: Thread, answer: Answer, body: str) -> str:
    """One answer as a row that opens: its verdict, statement and gist; then its body, its runs, its claims."""
    page, verdict = thread_path(thread), of_answer(answer)
    statement = f"‘{answer.title}’" if answer.kind == "의견" else answer.title
    if verdict == "틀림":
        statement = f"<s>{statement}</s>"
    gist = [box(flavour, "gist", resolve(project, answer.gist, page))] if answer.gist else []
    head = [flavour.heading(2, f"{mark(verdict)} {statement}", answer.id), *gist]
    parts = [body]
    if answer.block:
        file = project.root / "docs" / "blocks" / f"{answer.block}.py"
        parts.append(flavour.block(answer.block, file.read_text(encoding="utf-8").strip()))
    shown = _shown_before(thread, answer)
    for run in answer.runs:
        parts += _run(flavour, project, run, page, again=(run.snippet, run.figure) in shown)
        shown.add((run.snippet, run.figure))
    claims = [claim_row(flavour, project, thread, claim) for claim in answer.claims]
    parts.append(box(flavour, "claims", "\n\n".join(claims)))
    title = resolve(project, answer.title, page)
    if link_to_form := doubt(flavour.repository, "이 답이 틀렸나요?", page, answer.id, title):
        parts.append(f'<p class="address">{link_to_form}</p>')
    css = f"answer {KIND_CLASS[answer.kind]}{f' {schema.VERDICTS[verdict][0]}' if verdict else ''}"
    blocks = flavour.markdown.replace("1", "block")  # what stands in a summary is one line else
    summary = f"<summary{blocks}>\n\n" + "\n\n".join(head) + "\n\n</summary>"
    opening = f'<details class="{css}"{flavour.markdown}>'
    return "\n\n".join([*gone(thread, answer.id), opening, summary, *parts, "</details>"])


def _shown_before(thread: Thread, answer: Answer) -> set[tuple[str, str | None]]:
    """(snippet, figure) of what stands further up in the page than an answer."""
    earlier = thread.answers[: thread.answers.index(answer)]
    shown = {(run.snippet, run.figure) for other in earlier for run in other.runs}
    if thread.predict and thread.predict.run:
        shown.add((thread.predict.run.snippet, thread.predict.run.figure))
    return shown


def _run(flavour: Flavour, project: Project, run: Run, page: str, again: bool) -> list[str]:
    """A run: the function, closed until asked for, and the figure (again: it stands further up, so a link to it)."""
    snippet, record = project.snippets[run.snippet], project.records.get(run.snippet)
    parts = []
    if run.show is not None:
        lines = snippet.definitions[run.show].count("\n") + 1
        summary = f"<summary>코드 {lines}줄 <code>{html.escape(run.show)}</code></summary>"
        parts.append(
            f'<details class="shown-code"{flavour.markdown}>\n{summary}\n\n{definition(snippet, run.show)}\n\n</details>'
        )
    if run.figure is not None and record:
        parts.append(exhibit(flavour, record, run.figure, page, again))
    if record and run.snippet in project.stale:
        parts.append('<p class="stale">이 기록은 지금의 코드보다 오래됐어요. mundap run으로 다시 돌릴 수 있어요.</p>')
    return parts


def _try(flavour: Flavour, project: Project, thread: Thread, item: Try) -> str:
    page = thread_path(thread)
    outcome = [resolve(project, item.outcome, page)]
    if judgement := project.judgement(thread, item):
        outcome.append(gauges(project, judgement))
    parts = [
        resolve(project, item.change, page),
        f"**예상해 보세요.** {resolve(project, item.predict, page)}",
        "\n\n".join([f"<details{flavour.markdown}>\n<summary>결과 보기</summary>", *outcome, "</details>"]),
    ]
    return element(flavour, "div", "\n\n".join(parts), f' class="try-item" id="{item.anchor}"')


def _sources(flavour: Flavour, project: Project, thread: Thread) -> str:
    """Once, at the end: the runs that the numbers come from, the documents, the papers, the tags."""
    page, runs = thread_path(thread), []
    for name in thread.snippets:
        record = project.records.get(name)
        seconds = f"({record.seconds:.0f}초)" if record and record.seconds >= 1 else ""
        code = link("코드", f"snippets/{project.snippets[name].file}", page)
        runs.append(f"{link(project.snippets[name].title, notebook_path(name), page)}{seconds} {code}")
    lines = [f"- 이 글의 수가 나온 실행: {', '.join(runs)}"]
    lines += [_source(project, source) for source in thread.sources]
    places: dict[str, dict[str, None]] = {}
    for claim in thread.claims:
        for cite in claim.cites:
            places.setdefault(cite.paper, {})[cite.where] = None
    for name, wheres in places.items():
        paper = project.papers[name]
        lines.append(f"- {paper.authors} ({paper.year}), [{paper.title}]({paper.url}): {', '.join(_widest(wheres))}")
    tags = " ".join(flavour.classed(link(tag, f"tags.md#{slug(tag)}", page), "tag") for tag in thread.tags)
    return section(flavour, "sources", "근거", "\n".join([*lines, f"- {tags}"]))


def _source(project: Project, source: Source) -> str:
    """A line on where the question comes from."""
    document = f"원문: {project.documents[source.document].title}, " if source.document else "질문: "
    asked = f"[{escaped(source.section)}]({source.url}), {source.date}" if source.url else source.section
    return f"- {document}{asked}"


def _widest(wheres: Iterable[str]) -> list[str]:
    """The places in a paper but those that another of them names too: no "3.1절" beside "3.1절과 3.2절"."""
    wheres = list(wheres)

    def is_within(where: str, other: str) -> bool:
        return other != where and bool(re.search(rf"(?<![\w.]){re.escape(where)}(?![\d.])", other))

    return [where for where in wheres if not any(is_within(where, other) for other in wheres)]


def related_threads(project: Project, thread: Thread) -> list[Thread]:
    """Threads that share most with this one: tags, runs, or that one needs the other."""
    score: Counter[str] = Counter()
    for names, having, weight in ((thread.tags, project.tagged, TAG), (thread.snippets, project.users, RUN)):
        for name in set(names):
            score.update(dict.fromkeys(having[name], weight))
    score.update(dict.fromkeys({*thread.needs, *project.needed_by.get(thread.id, [])}, NEEDED))
    score.update(other for other in list(score) if project.threads[other].chapter == thread.chapter)
    beside = (other for other in project.neighbours[thread.chapter] if other not in score)
    score.update(islice(beside, RELATED + 1))  # itself may be one of them
    others = sorted(score.keys() - {thread.id}, key=lambda other: (-score[other], project.places[other]))
    return [project.threads[other] for other in others[:RELATED]]  # of equals, the one to be read first


def _next(flavour: Flavour, project: Project, thread: Thread) -> str:
    """What to read next in the chapter, or in the one after it."""
    place, page = project.places[thread.id], thread_path(thread)
    if place + 1 == len(project.threads):
        body = f"여기까지예요\n\n{link('모든 문답', 'qa/index.md', page)}"
        return element(flavour, "nav", body, ' class="next" aria-label="다음 문답"')
    other = project.threads[project.order[place + 1]]
    chapter = next(chapter for chapter in project.chapters if chapter.id == other.chapter)
    where = f"{chapter.title} {chapter.threads.index(other.id) + 1} / {len(chapter.threads)}"
    answer = plain(resolve(project, other.answer or other.conclusion, thread_path(other)), 90)
    body = f"다음 · {where}\n\n{link(other.question, thread_path(other), page)}\n\n{escaped(answer)}"
    return element(flavour, "nav", body, ' class="next" aria-label="다음 문답"')
