"""Threads and verdicts -> Markdown. Pure: a project in, texts out.

Two flavours of the same pages: "mkdocs" (Python-Markdown's md_in_html and attribute lists, blocks run by
markdown-exec) and "plain" (CommonMark with HTML around it, for any other generator).
"""

import html
import json
import os
import re
import subprocess
import sys
from collections import Counter

from mundap.pages import standalone
from mundap.pages.notebook_page import run_table
from mundap.problems import Failure
from mundap.project import schema
from mundap.project.expression import format_value
from mundap.project.math import find_math, mask_code
from mundap.project.texts import LINK, MARKER, VALUE, inline_value, slug

KIND_CLASS = {"의견": "opinion", "해설": "explanation"}


def pages(project, flavour="mkdocs"):
    """Every generated text -> {path below docs/: text}: pages, figures as SVG, notebooks to download, the snippets."""
    texts = {
        "qa/index.md": contents_page(project),
        "tags.md": tags_page(project),
        "glossary.md": glossary_page(project),
        "sources.md": sources_page(project),
    }
    for chapter in project.chapters:
        texts[chapter_path(chapter["id"])] = chapter_page(project, chapter)
    for thread in project.threads.values():
        texts[thread_path(thread)] = thread_page(project, thread)
    if flavour == "plain":
        texts = {path: to_plain(project, text) for path, text in texts.items()}
    for record in project.records.values():
        for exhibit in record.exhibits.values():
            if exhibit.kind == "svg":
                texts[figure_path(record.name, exhibit.name)] = exhibit.content
        texts[standalone.path(record.name)] = standalone.of_project(project, record.name)
    for snippet in project.snippets.values():
        texts[f"snippets/{snippet.file}"] = snippet.source
    return texts


def thread_path(thread):
    """Where a thread's page is below docs/."""
    return f"qa/{thread.chapter}/{thread.id}.md"


def chapter_path(identifier):
    """Where a chapter's page is below docs/."""
    return f"qa/{identifier}/index.md"


def figure_path(snippet, name):
    """Where a figure of a record is below docs/."""
    return f"figures/{snippet}/{name}.svg"


def notebook_path(snippet):
    """Where the record of a snippet is below docs/."""
    return f"notebooks/{snippet}.ipynb"


def relative(path, page):
    """A path below docs/ as a link from a page below docs/."""
    target, _, anchor = path.partition("#")
    return os.path.relpath(target, os.path.dirname(page)).replace(os.sep, "/") + ("#" + anchor if anchor else "")


def link(words, path, page):
    """A Markdown link from a page below docs/ to a path below docs/."""
    return f"[{words}]({relative(path, page)})"


def thread_link(thread, page):
    """A Markdown link to a thread, by its question."""
    return link(thread.data["question"], thread_path(thread), page)


def resolve(project, text, page):
    """Fill in `{{values}}` and the links `thread:`, `run:`, `term:`, `page:` of an author's Markdown, code left out."""
    evidence, code = project.evidence, mask_code(text)
    formulas = [(offset, offset + len(latex)) for offset, latex, _ in find_math(text)]

    def value(match):
        shown = inline_value(match[1], evidence)
        if any(start <= match.start() < end for start, end in formulas):
            return shown
        source = html.escape(match[1].partition(":")[0].strip())
        return f'<span class="value" title="{source}">{html.escape(shown)}</span>'

    def filled(match):
        kind, target, anchor = match.groups()
        rest = ""
        if kind == "thread":
            path = thread_path(project.threads[target])
        elif kind == "run":
            path = notebook_path(target)
        elif kind == "page":
            name, mark, query = target.partition("?")
            rest = mark + query  # for the page's own script
            path = f"{name}.md"
        else:
            path, anchor = "glossary.md", slug(target)
        nameless = kind == "thread" and text[match.start() - 1] == "["
        words = project.threads[target].data["question"] if nameless else ""
        return f"{words}]({relative(path, page)}{rest}{'#' + anchor if anchor else ''})"

    found = [(match, value) for match in VALUE.finditer(code)] + [(match, filled) for match in LINK.finditer(code)]
    pieces, last = [], 0
    for match, replace in sorted(found, key=lambda item: item[0].start()):
        pieces += [text[last : match.start()], replace(match)]
        last = match.end()
    return "".join([*pieces, text[last:]]).strip()


def plain_text(text, limit=150):
    """Markdown as one line of plain text, for descriptions."""
    text = re.sub(r"<[^>]+>|[*_`$#>|]|\\[a-zA-Z]+", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text))
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"


def front_matter(title, description, **more):
    """The head of a page; values are quoted as JSON, which YAML reads."""
    values = {"title": plain_text(title), "description": plain_text(description), **more}
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---", ""])


def badge(verdict):
    """A verdict as a badge: word and sign, not colour alone."""
    _, sign, meaning = schema.VERDICTS[verdict]
    return (
        f'<span class="verdict" title="{html.escape(meaning)}"><span aria-hidden="true">{sign}</span> {verdict}</span>'
    )


def level_badge(level):
    """A level as a badge."""
    return f'<span class="level level-{schema.LEVELS.index(level) + 1}">{level}</span>'


def cited(project, cite):
    """One citation as Markdown: authors, year, place, and what is reported there."""
    paper = project.index["papers"][cite["paper"]]
    says = f": {cite['says']}" if "says" in cite else ""
    return f"[{paper['authors']} ({paper['year']})]({paper_url(paper)}) {cite['where']}{says}"


def paper_url(paper):
    """The address of a paper."""
    return paper.get("url") or f"https://arxiv.org/abs/{paper['arxiv']}"


def thread_page(project, thread):
    """The page of a thread as Markdown."""
    data, page = thread.data, thread_path(thread)
    chapter = next(chapter for chapter in project.chapters if chapter["id"] == thread.chapter)
    own = lambda text: resolve(project, text, page)  # noqa: E731
    parts = [front_matter(data["question"], own(data["conclusion"]), kind="thread"), f"# {data['question']}"]
    documents = project.index["documents"]
    sources = ", ".join(dict.fromkeys(documents[source["document"]]["title"] for source in data["source"]))
    crumbs = f"{link('문답', 'qa/index.md', page)} › {link(chapter['title'], chapter_path(chapter['id']), page)}"
    parts.append(f'<nav class="crumbs" aria-label="지금 위치" markdown="1">\n\n{crumbs}\n\n</nav>')
    origin = f'<span class="origin">원문: {html.escape(sources)}</span>'
    parts.append(_box("thread-meta", f"{level_badge(data['level'])} {_markdown_tags(data['tags'], page)} {origin}"))
    if data.get("needs"):
        links = "\n".join(f"- {thread_link(project.threads[name], page)}" for name in data["needs"])
        parts.append(
            f'<nav class="needs" aria-label="먼저 읽기" markdown="1">\n\n**먼저 읽으면 좋아요**\n\n{links}\n\n</nav>'
        )
    parts.append(_section("asked", "질문", own(data["asked"])))
    parts.append(_section("conclusion", "결론", own(data["conclusion"])))
    if "misconception" in data:
        parts.append(_section("misconception", "흔한 오해", own(data["misconception"])))
    parts += [answer_section(project, thread, number) for number in range(len(data["answers"]))]
    if "try" in data:
        tries = [_try(project, thread, number) for number in range(len(data["try"]))]
        parts.append(_section("try", "더 해보기", "\n\n".join(tries)))
    parts.append(_section("sources", "출처", _sources(project, thread)))
    related = related_threads(project, thread)
    if related:
        links = "\n".join(f"- {thread_link(other, page)}" for other in related)
        parts.append(_section("related", "함께 볼 문답", links))
    parts.append(_thread_nav(project, thread))
    return "\n\n".join(parts) + "\n"


def _markdown_tags(tags, page):
    return " ".join(link(tag, f"tags.md#{slug(tag)}", page) + "{.tag}" for tag in tags)


def _section(name, title, body):
    return f'<section class="{name}" markdown="1">\n\n## {title} {{#{name}}}\n\n{body}\n\n</section>'


def _box(css, body):
    return f'<div class="{css}" markdown="1">\n\n{body}\n\n</div>'


def answer_section(project, thread, number):
    """One answer: its text, its runs, its claims."""
    answer, page = thread.data["answers"][number], thread_path(thread)
    kind = KIND_CLASS[answer["kind"]]
    label = "원문의 입장" if kind == "opinion" else "해설"
    parts = [
        f'<section class="answer {kind}" markdown="1">',
        f"## {answer['title']} {{#{answer['id']}}}",
        f'<p class="kind">{label}</p>',
        resolve(project, answer["body"], page),
    ]
    if "block" in answer:
        code = (project.root / "docs" / "blocks" / f"{answer['block']}.py").read_text(encoding="utf-8").strip()
        parts.append(f'```python exec="1" source="above" id="{answer["block"]}"\n{code}\n```')
    shown = [(run["run"], run.get("figure")) for other in thread.data["answers"][:number] for run in other["snippets"]]
    for run in answer["snippets"]:
        parts.append(_run(project, run, page, (run["run"], run.get("figure")) in shown))
        shown.append((run["run"], run.get("figure")))
    claims = [
        _claim(project, thread, ("answers", number, "claims", index), f"{answer['id']}-{index + 1}")
        for index in range(len(answer["claims"]))
    ]
    parts += [_box("claims", "\n\n".join(claims)), "</section>"]
    return "\n\n".join(parts)


def _run(project, run, page, again=False):
    """A run: the function, the figure (again: it stands further up, so a link to it) and where to find all of it."""
    name = run["run"]
    snippet, record = project.snippets[name], project.records.get(name)
    parts = ['<div class="run" markdown="1">']
    if "show" in run:
        parts.append(_definition(snippet, run["show"]))
    if "figure" in run and record:
        parts.append(_exhibit(record, run["figure"], page, again))
    if record and name in project.stale():
        parts.append('<p class="stale">이 기록은 지금의 코드보다 오래됐어요. mundap run으로 다시 돌릴 수 있어요.</p>')
    seconds = f" · 실행 {record.seconds:.0f}초" if record and record.seconds >= 1 else ""
    parts.append(
        _box(
            "run-links",
            f"- {link(snippet.title, notebook_path(name), page)}: 설명과 실행 결과{seconds}\n"
            f"- {link('전체 코드', f'snippets/{name}.py', page)}\n- 직접 돌리기: `python snippets/{name}.py`",
        )
    )
    parts.append("</div>")
    return "\n\n".join(parts)


def _definition(snippet, name):
    """A function or class of a snippet as a block of code."""
    code = snippet.definitions[name]
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall("`+", code)), 0)
    return f'{fence}python title="snippets/{snippet.name}.py"\n{code}\n{fence}'


def _exhibit(record, name, page, again=False):
    """A figure or table of a record (again: it stands further up, so a link to it)."""
    exhibit, anchor = record.exhibits[name], f"{record.name}-{name}"
    if again:
        return f"위에서 본 {'그림' if exhibit.kind == 'svg' else '표'}: [{_escaped(exhibit.alt)}](#{anchor})"
    if exhibit.kind == "svg":
        return f"!{link(_escaped(exhibit.alt), figure_path(record.name, name), page)}{{#{anchor}}}"
    return run_table(exhibit.content, anchor, exhibit.alt)


def _escaped(text):
    """A plain text, such as a figure's alternative, as Markdown that shows the same."""
    return re.sub(r"([\\`*_$\[\]])", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


def _claim(project, thread, path, anchor):
    claim, page = thread.document.get(path), thread_path(thread)
    css = schema.VERDICTS[claim["verdict"]][0]
    parts = [
        f'<article class="claim {css}" id="{anchor}" markdown="1">',
        _box(
            "claim-text",
            f"{badge(claim['verdict'])} {resolve(project, claim['text'], page)} "
            f'<a class="permalink" href="#{anchor}" aria-label="이 주장의 주소" title="이 주장의 주소">#</a>',
        ),
    ]
    if path in thread.judgements:
        parts.append(measure(project, thread.judgements[path], page))
    if "why" in claim:
        parts.append(_box("why", resolve(project, claim["why"], page)))
    for cite in claim.get("cite", []):
        parts.append(_box("cite", resolve(project, cited(project, cite), page)))
    parts.append("</article>")
    return "\n\n".join(parts)


def measure(project, judgement, page):
    """The measured numbers of a check beside their bounds."""
    rows = []
    for comparison in judgement.comparisons:
        if comparison.is_bound:
            bound = f"기준 {html.escape(f'{comparison.operator} {_bound(comparison.right, comparison.right_value)}')}"
        else:
            bound = (
                f"비교 {html.escape(f'{comparison.operator} {format_value(comparison.right_value)}')} "
                f"(<code>{html.escape(comparison.right)}</code>)"
            )
        rows.append(
            f"<div>\n<dt><code>{html.escape(comparison.left)}</code></dt>\n"
            f'<dd><span class="measured">{html.escape(format_value(comparison.left_value))}</span> '
            f'<span class="bound">{bound}</span></dd>\n</div>'
        )
    runs = ", ".join(link(project.snippets[name].title, notebook_path(name), page) for name in judgement.snippets)
    return '<dl class="measure">\n' + "\n".join(rows) + f"\n</dl>\n\n{_box('where', f'실행: {runs}')}"


def _bound(text, value):
    return format_value(value) if isinstance(value, bool) else text.strip("'\"")


def _try(project, thread, number):
    item, page = thread.data["try"][number], thread_path(thread)
    own = lambda text: resolve(project, text, page)  # noqa: E731
    judged = thread.judgements.get(("try", number))
    return "\n\n".join(
        [
            f'<div class="try-item" id="try-{number + 1}" markdown="1">',
            own(item["change"]),
            f"**예상해 보세요.** {own(item['predict'])}",
            '<details markdown="1">\n<summary>결과 보기</summary>',
            own(item["outcome"]),
            *([measure(project, judged, page)] if judged else []),
            "</details>",
            "</div>",
        ]
    )


def _sources(project, thread):
    documents = project.index["documents"]
    lines = [f"- {documents[source['document']]['title']}: {source['section']}" for source in thread.data["source"]]
    papers = {}
    for _, claim in thread.claims:
        for cite in claim.get("cite", []):
            papers.setdefault(cite["paper"], {})[cite["where"]] = None
    for name, places in papers.items():
        paper = project.index["papers"][name]
        title = f"[{paper['title']}]({paper_url(paper)})"
        lines.append(f"- {paper['authors']} ({paper['year']}), {title}: {', '.join(places)}")
    return "\n".join(lines)


def related_threads(project, thread, count=4):
    """Threads that share most with this one: tags, runs, or that one needs the other."""

    def runs(other):
        return {run["run"] for answer in other.data["answers"] for run in answer["snippets"]}

    def score(other):
        needed = other.id in thread.data.get("needs", []) or thread.id in other.data.get("needs", [])
        shared = len(set(thread.data["tags"]) & set(other.data["tags"]))
        return 2 * shared + len(runs(thread) & runs(other)) + 2 * needed + (other.chapter == thread.chapter)

    others = [other for other in project.threads.values() if other is not thread and score(other)]
    return sorted(others, key=lambda other: (-score(other), list(project.threads).index(other.id)))[:count]


def _thread_nav(project, thread):
    names = list(project.threads)
    place, page = names.index(thread.id), thread_path(thread)
    links = []
    for offset, label, css in ((-1, "이전", "previous"), (1, "다음", "next")):
        if 0 <= place + offset < len(names):
            other = project.threads[names[place + offset]]
            words = f"<span>{label}</span> {other.data['question']}"
            links.append(f"{link(words, thread_path(other), page)}{{.{css}}}")
    return '<nav class="thread-nav" aria-label="이전과 다음 문답" markdown="1">\n\n' + "\n".join(links) + "\n\n</nav>"


def verdict_counts(threads):
    """How many claims have each verdict, in the verdicts' own order."""
    counts = Counter(claim["verdict"] for thread in threads for _, claim in thread.claims)
    return {verdict: counts[verdict] for verdict in schema.VERDICTS if counts[verdict]}


def _counts_line(threads):
    return " ".join(
        f'<span class="count {schema.VERDICTS[verdict][0]}">{verdict} {count}</span>'
        for verdict, count in verdict_counts(threads).items()
    )


def _thread_list(threads, page):
    rows = []
    for thread in threads:
        rows.append(
            f'<li markdown="1">\n\n{thread_link(thread, page)} {level_badge(thread.data["level"])}\n\n'
            f'<p class="counts">{_counts_line([thread])}</p>\n\n</li>'
        )
    return '<ol class="thread-list" markdown="1">\n\n' + "\n\n".join(rows) + "\n\n</ol>"


def chapter_threads(project, chapter):
    """The threads of a chapter, in reading order."""
    return [project.threads[name] for name in chapter["threads"] if name in project.threads]


def chapter_page(project, chapter):
    """The page of a chapter."""
    page = chapter_path(chapter["id"])
    threads = chapter_threads(project, chapter)
    about = resolve(project, chapter["about"], page)
    return (
        "\n\n".join(
            [
                front_matter(chapter["title"], about, kind="chapter"),
                f"# {chapter['title']}",
                about,
                _thread_list(threads, page),
            ]
        )
        + "\n"
    )


def contents_page(project):
    """All chapters with their threads."""
    page, parts = (
        "qa/index.md",
        [front_matter("문답", "장과 문답을 읽는 순서대로 모았어요.", kind="contents"), "# 문답"],
    )
    for chapter in project.chapters:
        parts += [
            f"## {link(chapter['title'], chapter_path(chapter['id']), page)} {{#{chapter['id']}}}",
            resolve(project, chapter["about"], page),
            _thread_list(chapter_threads(project, chapter), page),
        ]
    return "\n\n".join(parts) + "\n"


def tags_page(project):
    """Every tag with its threads."""
    tags = {}
    for thread in project.threads.values():
        for tag in thread.data["tags"]:
            tags.setdefault(tag, []).append(thread)
    parts = [front_matter("태그", "주제어로 문답을 찾아보세요.", kind="tags"), "# 태그"]
    for tag in sorted(tags):
        links = "\n".join(f"- {thread_link(thread, 'tags.md')}" for thread in tags[tag])
        parts += [f"## {tag} {{#{slug(tag)}}}", links]
    return "\n\n".join(parts) + "\n"


def sources_page(project):
    """원문과의 대응: every section of the documents with the threads that answer it."""
    parts = [
        front_matter("원문과의 대응", "원문의 질문과 대목마다 어느 문답이 답하는지 모았어요.", kind="sources"),
        "# 원문과의 대응",
        "이 사이트의 문답은 스터디 문서 네 편에서 나온 질문과 메모에서 출발했어요. 대목마다 어느 문답이 답하는지 찾아보세요.",
    ]
    for document in project.index["documents"].values():
        rows = ["| 대목 | 문답 |", "|---|---|"]
        for section in document.get("sections", []):
            found = [project.threads[name] for name in section["threads"] if name in project.threads]
            links = "<br>".join(thread_link(thread, "sources.md") for thread in found)
            rows.append(_row([section["title"], links or "아직 쓰는 중이에요"]))
        parts += [f"## {document['title']}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def glossary_page(project):
    """용어집."""
    about = "이 사이트가 쓰는 용어를 한 가지로 정하고, 뜻과 영어를 함께 적었어요."
    parts = [
        front_matter("용어집", about, kind="glossary"),
        "# 용어집",
        "한 가지 뜻에는 한 가지 말만 써요. 영어 이름과 흔히 섞어 쓰는 다른 표기도 함께 적었어요.",
    ]
    for term in sorted(project.glossary, key=lambda term: term["term"].lower()):
        english = f" ({term['english']})" if "english" in term else ""
        parts += [
            f"## {term['term']}{english} {{#{slug(term['term'])}}}",
            resolve(project, term["definition"], "glossary.md"),
        ]
        if term.get("aliases"):
            parts.append(f'<p class="aliases">다른 표기: {html.escape(", ".join(term["aliases"]))}</p>')
        if term.get("threads"):
            links = ", ".join(thread_link(project.threads[name], "glossary.md") for name in term["threads"])
            parts.append(_box("see", f"함께 보기: {links}"))
    return "\n\n".join(parts) + "\n"


def scoreboard(project):
    """Claims by verdict: numbers and a proportional bar, all counted."""
    counts = verdict_counts(project.threads.values())
    total = sum(counts.values())
    css = {verdict: schema.VERDICTS[verdict][0] for verdict in counts}
    bar = "".join(
        f'<span class="{css[verdict]}" style="flex-grow: {count}"></span>' for verdict, count in counts.items()
    )
    items = "".join(
        f'<li class="{css[verdict]}">{badge(verdict)} <strong>{count}</strong></li>'
        for verdict, count in counts.items()
    )
    return (
        f'<div class="scoreboard">\n<p>지금까지 주장 <strong>{total}</strong>개를 판정했어요.</p>\n'
        f'<div class="bar" aria-hidden="true">{bar}</div>\n<ul>{items}</ul>\n</div>'
    )


def learning_path(project, page):
    """Chapters in reading order, as a list of cards."""
    rows = []
    for chapter in project.chapters:
        title = link(chapter["title"], chapter_path(chapter["id"]), page)
        count = f'<span class="thread-count">문답 {len(chapter_threads(project, chapter))}개</span>'
        rows.append(f'<li markdown="1">\n\n**{title}** {count}\n\n{resolve(project, chapter["about"], page)}\n\n</li>')
    return '<ol class="path" markdown="1">\n\n' + "\n\n".join(rows) + "\n\n</ol>"


def verdict_table():
    """What each verdict means, as a Markdown table."""
    rows = [f"| {sign} {name} | {meaning} |" for name, (_, sign, meaning) in schema.VERDICTS.items()]
    return "\n".join(["| 판정 | 뜻 |", "|---|---|", *rows])


def fill(project, text, page):
    """A hand-written page with its markers `<!-- mundap:NAME -->`, values and links filled in."""

    def of_snippet(words, table, show):
        snippet, _, name = (words or "").partition(".")
        return show(table[snippet], name) if snippet in table else ""  # a figure of a run without a record

    makers = {
        "scoreboard": lambda _: scoreboard(project),
        "path": lambda _: learning_path(project, page),
        "keys": lambda _: schema.documentation(),
        "verdicts": lambda _: verdict_table(),
        "template": lambda _: f"```yaml\n{schema.template('why-position')}```",
        "runs": lambda _: runs_table(project, page),
        "figure": lambda words: of_snippet(words, project.records, lambda record, name: _exhibit(record, name, page)),
        "code": lambda words: of_snippet(words, project.snippets, _definition),
    }
    text, pieces, last = resolve(project, text, page), [], 0
    for match in MARKER.finditer(mask_code(text)):
        pieces += [text[last : match.start()], makers[match[1]](match[2])]
        last = match.end()
    return "".join([*pieces, text[last:], "\n"])


def runs_table(project, page):
    """Every recorded run with its time and the threads that use it."""
    used = project.used()
    rows = ["| 실행 | 걸린 시간 | 쓰는 문답 |", "|---|---|---|"]
    for name, record in sorted(project.records.items()):
        users = ", ".join(thread_link(project.threads[thread], page) for thread in used.get(name, []))
        cells = [link(project.snippets[name].title, notebook_path(name), page), f"{record.seconds:.1f}초", users]
        rows.append(_row(cells))
    return "\n".join(rows)


def _row(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def to_plain(project, text):
    """The plain flavour of a rendered page: no attribute lists, blocks replaced by their code and what it prints.

    Raises Failure where a block fails.
    """

    def run(match):
        name, code = match.groups()
        command = [sys.executable, "-c", code]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        except subprocess.SubprocessError as error:
            words = (getattr(error, "stderr", "") or "60초 안에 끝나지 않았어요").strip().splitlines()[-1]
            raise Failure(f"docs/blocks/{name}.py:1:1: 블록이 오류로 멈췄어요({words}).") from None
        return f"```python\n{code}\n```\n\n{result.stdout.strip()}"

    text = re.sub(r'(?ms)^```python exec="1" [^\n]*id="([^"\n]+)"\n(.*?)\n```$', run, text)
    text = re.sub(r' markdown="1"', "", text)
    text = re.sub(r"(?m)^(!\[.*\]\(\S*\))\{#([^}]+)\}$", r'<a id="\2"></a>' + "\n\n" + r"\1", text)
    text = re.sub(r"(?m)^(#+ .*?) \{#([^}]+)\}$", r'<a id="\2"></a>' + "\n\n" + r"\1", text)
    return re.sub(r"(\]\([^)]*\))\{\.[\w-]+\}", r"\1", text)
