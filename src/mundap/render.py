"""Threads and verdicts -> Markdown. Pure: a project in, texts out.

Two flavours of the same pages: "mkdocs" (Python-Markdown's md_in_html and attribute lists, blocks run by
markdown-exec) and "plain" (CommonMark with HTML around it, for any other generator).
"""

import html
import os
import re
import subprocess
import sys
from collections import Counter

from mundap import schema
from mundap.expression import format_value
from mundap.math import find_math, mask_code
from mundap.notebook_page import run_table
from mundap.texts import LINK, MARKER, VALUE, inline_value, slug

KIND_CLASS = {"의견": "opinion", "해설": "explanation"}


def pages(project, flavour="mkdocs"):
    """Every generated text -> {path below docs/: text}: pages, figures as SVG, and the snippets themselves."""
    texts = {"qa/index.md": contents_page(project), "tags.md": tags_page(project), "glossary.md": glossary_page(project)}
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
    for snippet in project.snippets.values():
        texts[f"snippets/{snippet.path.name}"] = snippet.source
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


def relative(path, page):
    """A path below docs/ as a link from a page below docs/."""
    target, _, anchor = path.partition("#")
    return os.path.relpath(target, os.path.dirname(page)).replace(os.sep, "/") + ("#" + anchor if anchor else "")


def resolve(project, text, page):
    """Fill in `{{values}}` and the links `thread:`, `run:`, `term:` of an author's Markdown; code stays as it is."""
    evidence, code = project.evidence, mask_code(text)
    formulas = [(offset, offset + len(latex)) for offset, latex, _ in find_math(text)]

    def value(match):
        shown = inline_value(match[1], evidence)
        if any(start <= match.start() < end for start, end in formulas):
            return shown
        return f'<span class="value" title="{html.escape(match[1].partition(":")[0].strip())}">{html.escape(shown)}</span>'

    def link(match):
        kind, target, anchor = match.groups()
        if kind == "thread":
            path = thread_path(project.threads[target])
        elif kind == "run":
            path = f"notebooks/{target}.ipynb"
        else:
            path, anchor = "glossary.md", slug(target)
        words = project.threads[target].data["question"] if kind == "thread" and text[match.start() - 1] == "[" else ""
        return f"{words}]({relative(path + ('#' + anchor if anchor else ''), page)})"

    found = [(match, value) for match in VALUE.finditer(code)] + [(match, link) for match in LINK.finditer(code)]
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
    import json

    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in {"title": title, "description": description, **more}.items()]
    return "---\n" + "\n".join(lines) + "\n---\n"


def badge(verdict):
    """A verdict as a badge: word and sign, not colour alone."""
    _, sign, meaning = schema.VERDICTS[verdict]
    return f'<span class="verdict" title="{html.escape(meaning)}"><span aria-hidden="true">{sign}</span> {verdict}</span>'


def level_badge(level):
    """A level as a badge."""
    return f'<span class="level level-{schema.LEVELS.index(level) + 1}">{level}</span>'


def cited(project, cite):
    """One citation as Markdown: authors, year, place, and what is reported there."""
    paper = project.index["papers"][cite["paper"]]
    url = paper.get("url") or f"https://arxiv.org/abs/{paper['arxiv']}"
    says = f": {cite['says']}" if "says" in cite else ""
    return f"[{paper['authors']} ({paper['year']})]({url}) {cite['where']}{says}"


def thread_page(project, thread):
    """The page of a thread as Markdown."""
    data, page = thread.data, thread_path(thread)
    chapter = next(chapter for chapter in project.chapters if chapter["id"] == thread.chapter)
    own = lambda text: resolve(project, text, page)  # noqa: E731
    parts = [front_matter(data["question"], plain_text(own(data["conclusion"])), kind="thread")]
    sources = ", ".join(dict.fromkeys(project.index["documents"][source["document"]]["title"] for source in data["source"]))
    parts.append(f"# {data['question']}")
    parts.append(f'<nav class="crumbs" aria-label="지금 위치" markdown="1">\n\n[문답]({relative("qa/index.md", page)}) › [{chapter["title"]}]({relative(chapter_path(chapter["id"]), page)})\n\n</nav>')
    parts.append(f'<div class="thread-meta" markdown="1">\n\n{level_badge(data["level"])} {_markdown_tags(data["tags"], page)} <span class="origin">원문: {html.escape(sources)}</span>\n\n</div>')
    if data.get("needs"):
        links = "\n".join(f"- [{project.threads[name].data['question']}]({relative(thread_path(project.threads[name]), page)})" for name in data["needs"])
        parts.append(f'<nav class="needs" aria-label="먼저 읽기" markdown="1">\n\n**먼저 읽으면 좋아요**\n\n{links}\n\n</nav>')
    parts.append(_section("asked", "질문", own(data["asked"])))
    parts.append(_section("conclusion", "결론", own(data["conclusion"])))
    if "misconception" in data:
        parts.append(_section("misconception", "흔한 오해", own(data["misconception"])))
    parts += [answer_section(project, thread, number) for number in range(len(data["answers"]))]
    if "try" in data:
        parts.append(_section("try", "더 해보기", "\n\n".join(_try(project, thread, number) for number in range(len(data["try"])))))
    parts.append(_section("sources", "출처", _sources(project, thread)))
    related = related_threads(project, thread)
    if related:
        links = "\n".join(f"- [{other.data['question']}]({relative(thread_path(other), page)})" for other in related)
        parts.append(_section("related", "함께 볼 문답", links))
    parts.append(_thread_nav(project, thread))
    return "\n\n".join(parts) + "\n"


def _markdown_tags(tags, page):
    return " ".join(f"[{tag}]({relative('tags.md', page)}#{slug(tag)}){{.tag}}" for tag in tags)


def _section(name, title, body):
    return f'<section class="{name}" markdown="1">\n\n## {title} {{#{name}}}\n\n{body}\n\n</section>'


def _box(css, body):
    return f'<div class="{css}" markdown="1">\n\n{body}\n\n</div>'


def answer_section(project, thread, number):
    """One answer: its text, its runs, its claims."""
    answer, page = thread.data["answers"][number], thread_path(thread)
    kind = KIND_CLASS[answer["kind"]]
    label = "원문의 입장" if kind == "opinion" else "해설"
    parts = [f'<section class="answer {kind}" markdown="1">', f"## {answer['title']} {{#{answer['id']}}}",
             f'<p class="kind">{label}</p>', resolve(project, answer["body"], page)]
    if "block" in answer:
        code = (project.root / "docs" / "blocks" / f"{answer['block']}.py").read_text(encoding="utf-8").strip()
        parts.append(f'```python exec="1" source="above" id="{answer["block"]}"\n{code}\n```')
    for run in answer["snippets"]:
        parts.append(_run(project, run, page))
    claims = "\n\n".join(_claim(project, thread, ("answers", number, "claims", index), f"{answer['id']}-{index + 1}") for index in range(len(answer["claims"])))
    parts += [f'<div class="claims" markdown="1">\n\n{claims}\n\n</div>', "</section>"]
    return "\n\n".join(parts)


def _run(project, run, page):
    snippet, record = project.snippets[run["run"]], project.records.get(run["run"])
    parts = ['<div class="run" markdown="1">']
    if "show" in run:
        parts.append(f'```python title="snippets/{run["run"]}.py"\n{snippet.definitions[run["show"]]}\n```')
    if "figure" in run and record:
        exhibit = record.exhibits[run["figure"]]
        if exhibit.kind == "svg":
            alt = exhibit.alt.replace("[", "(").replace("]", ")")
            parts.append(f"![{alt}]({relative(figure_path(run['run'], run['figure']), page)})")
        else:
            parts.append(run_table(exhibit.content, f"{run['run']}-{run['figure']}", exhibit.alt))
    if record and run["run"] in project.stale():
        parts.append('<p class="stale">이 기록은 지금의 코드보다 오래됐어요. mundap run으로 다시 돌릴 수 있어요.</p>')
    seconds = f" · 실행 {record.seconds:.0f}초" if record and record.seconds >= 1 else ""
    name = run["run"]
    parts.append(_box("run-links", f"- [{snippet.title}]({relative(f'notebooks/{name}.ipynb', page)}): 설명과 실행 결과{seconds}\n"
                      f"- [전체 코드]({relative(f'snippets/{name}.py', page)})\n- 직접 돌리기: `python snippets/{name}.py`"))
    parts.append("</div>")
    return "\n\n".join(parts)


def _claim(project, thread, path, anchor):
    claim, page = thread.document.get(path), thread_path(thread)
    css = schema.VERDICTS[claim["verdict"]][0]
    parts = [f'<article class="claim {css}" id="{anchor}" markdown="1">',
             _box("claim-text", f'{badge(claim["verdict"])} {resolve(project, claim["text"], page)} '
                  f'<a class="permalink" href="#{anchor}" aria-label="이 주장의 주소" title="이 주장의 주소">#</a>')]
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
            bound = f"기준 {html.escape(comparison.operator)} {html.escape(_bound(comparison.right, comparison.right_value))}"
        else:
            bound = f"비교 {html.escape(comparison.operator)} {format_value(comparison.right_value)} (<code>{html.escape(comparison.right)}</code>)"
        rows.append(f"<div>\n<dt><code>{html.escape(comparison.left)}</code></dt>\n"
                    f'<dd><span class="measured">{html.escape(format_value(comparison.left_value))}</span> <span class="bound">{bound}</span></dd>\n</div>')
    runs = ", ".join(f"[{project.snippets[name].title}]({relative(f'notebooks/{name}.ipynb', page)})" for name in judgement.snippets)
    return '<dl class="measure">\n' + "\n".join(rows) + f"\n</dl>\n\n{_box('where', f'실행: {runs}')}"


def _bound(text, value):
    return format_value(value) if isinstance(value, bool) else text.strip("'\"")


def _try(project, thread, number):
    item, page = thread.data["try"][number], thread_path(thread)
    own = lambda text: resolve(project, text, page)  # noqa: E731
    judged = thread.judgements.get(("try", number))
    return "\n\n".join([
        f'<div class="try-item" id="try-{number + 1}" markdown="1">', own(item["change"]), f"**예상해 보세요.** {own(item['predict'])}",
        '<details markdown="1">\n<summary>결과 보기</summary>', own(item["outcome"]), measure(project, judged, page) if judged else "", "</details>", "</div>"])


def _sources(project, thread):
    lines = [f"- {project.index['documents'][source['document']]['title']}: {source['section']}" for source in thread.data["source"]]
    papers = {}
    for _, claim in thread.claims:
        for cite in claim.get("cite", []):
            papers.setdefault(cite["paper"], {})[cite["where"]] = None
    for name, places in papers.items():
        paper = project.index["papers"][name]
        url = paper.get("url") or f"https://arxiv.org/abs/{paper['arxiv']}"
        lines.append(f"- {paper['authors']} ({paper['year']}), [{paper['title']}]({url}): {', '.join(places)}")
    return "\n".join(lines)


def related_threads(project, thread, count=4):
    """Threads that share most with this one: tags, runs, or that one needs the other."""
    def runs(other):
        return {run["run"] for answer in other.data["answers"] for run in answer["snippets"]}

    def score(other):
        return (2 * len(set(thread.data["tags"]) & set(other.data["tags"])) + len(runs(thread) & runs(other))
                + 2 * (other.id in thread.data.get("needs", []) or thread.id in other.data.get("needs", [])) + (other.chapter == thread.chapter))

    others = [other for other in project.threads.values() if other is not thread and score(other)]
    return sorted(others, key=lambda other: (-score(other), list(project.threads).index(other.id)))[:count]


def _thread_nav(project, thread):
    names = list(project.threads)
    place, page = names.index(thread.id), thread_path(thread)
    links = []
    for offset, label, css in ((-1, "이전", "previous"), (1, "다음", "next")):
        if 0 <= place + offset < len(names):
            other = project.threads[names[place + offset]]
            links.append(f"[<span>{label}</span> {other.data['question']}]({relative(thread_path(other), page)}){{.{css}}}")
    return '<nav class="thread-nav" aria-label="이전과 다음 문답" markdown="1">\n\n' + "\n".join(links) + "\n\n</nav>"


def verdict_counts(threads):
    """How many claims have each verdict, in the verdicts' own order."""
    counts = Counter(claim["verdict"] for thread in threads for _, claim in thread.claims)
    return {verdict: counts[verdict] for verdict in schema.VERDICTS if counts[verdict]}


def _counts_line(threads):
    return " ".join(f'<span class="count {schema.VERDICTS[verdict][0]}">{verdict} {count}</span>' for verdict, count in verdict_counts(threads).items())


def _thread_list(threads, page):
    rows = []
    for thread in threads:
        rows.append(f'<li markdown="1">\n\n[{thread.data["question"]}]({relative(thread_path(thread), page)}) {level_badge(thread.data["level"])}\n\n'
                    f'<p class="counts">{_counts_line([thread])}</p>\n\n</li>')
    return '<ol class="thread-list" markdown="1">\n\n' + "\n\n".join(rows) + "\n\n</ol>"


def chapter_threads(project, chapter):
    """The threads of a chapter, in reading order."""
    return [project.threads[name] for name in chapter["threads"] if name in project.threads]


def chapter_page(project, chapter):
    """The page of a chapter."""
    page = chapter_path(chapter["id"])
    threads = chapter_threads(project, chapter)
    return "\n\n".join([front_matter(chapter["title"], chapter["about"], kind="chapter"), f"# {chapter['title']}", resolve(project, chapter["about"], page),
                        _thread_list(threads, page)]) + "\n"


def contents_page(project):
    """All chapters with their threads."""
    parts = [front_matter("문답", "장과 문답을 읽는 순서대로 모았어요.", kind="contents"), "# 문답"]
    for chapter in project.chapters:
        threads = chapter_threads(project, chapter)
        parts += [f"## [{chapter['title']}]({relative(chapter_path(chapter['id']), 'qa/index.md')}) {{#{chapter['id']}}}", chapter["about"], _thread_list(threads, "qa/index.md")]
    return "\n\n".join(parts) + "\n"


def tags_page(project):
    """Every tag with its threads."""
    tags = {}
    for thread in project.threads.values():
        for tag in thread.data["tags"]:
            tags.setdefault(tag, []).append(thread)
    parts = [front_matter("태그", "주제어로 문답을 찾아보세요.", kind="tags"), "# 태그"]
    for tag in sorted(tags):
        links = "\n".join(f"- [{thread.data['question']}]({relative(thread_path(thread), 'tags.md')})" for thread in tags[tag])
        parts += [f"## {tag} {{#{slug(tag)}}}", links]
    return "\n\n".join(parts) + "\n"


def glossary_page(project):
    """용어집."""
    parts = [front_matter("용어집", "이 사이트가 쓰는 용어를 한 가지로 정하고, 뜻과 영어를 함께 적었어요.", kind="glossary"), "# 용어집",
             "한 가지 뜻에는 한 가지 말만 써요. 영어 이름과 흔히 섞어 쓰는 다른 표기도 함께 적었어요."]
    for term in sorted(project.glossary, key=lambda term: term["term"].lower()):
        english = f" ({term['english']})" if "english" in term else ""
        parts += [f"## {term['term']}{english} {{#{slug(term['term'])}}}", resolve(project, term["definition"], "glossary.md")]
        if term.get("aliases"):
            parts.append(f'<p class="aliases">다른 표기: {html.escape(", ".join(term["aliases"]))}</p>')
        if term.get("threads"):
            links = ", ".join(f"[{project.threads[name].data['question']}]({relative(thread_path(project.threads[name]), 'glossary.md')})" for name in term["threads"])
            parts.append(_box("see", f"함께 보기: {links}"))
    return "\n\n".join(parts) + "\n"


def scoreboard(project):
    """Claims by verdict: numbers and a proportional bar, all counted."""
    counts = verdict_counts(project.threads.values())
    total = sum(counts.values())
    bar = "".join(f'<span class="{schema.VERDICTS[verdict][0]}" style="flex-grow: {count}"></span>' for verdict, count in counts.items())
    items = "".join(f'<li class="{schema.VERDICTS[verdict][0]}">{badge(verdict)} <strong>{count}</strong></li>' for verdict, count in counts.items())
    return (f'<div class="scoreboard">\n<p>지금까지 주장 <strong>{total}</strong>개를 판정했어요.</p>\n'
            f'<div class="bar" aria-hidden="true">{bar}</div>\n<ul>{items}</ul>\n</div>')


def learning_path(project, page):
    """Chapters in reading order, as a list of cards."""
    rows = []
    for chapter in project.chapters:
        threads = chapter_threads(project, chapter)
        rows.append(f'<li markdown="1">\n\n**[{chapter["title"]}]({relative(chapter_path(chapter["id"]), page)})** <span class="thread-count">문답 {len(threads)}개</span>\n\n'
                    f"{chapter['about']}\n\n</li>")
    return '<ol class="path" markdown="1">\n\n' + "\n\n".join(rows) + "\n\n</ol>"


def verdict_table():
    """What each verdict means, as a Markdown table."""
    return "\n".join(["| 판정 | 뜻 |", "|---|---|", *(f"| {sign} {name} | {meaning} |" for name, (_, sign, meaning) in schema.VERDICTS.items())])


def fill(project, text, page):
    """A hand-written page with its markers `<!-- mundap:NAME -->` filled in."""
    makers = {
        "scoreboard": lambda: scoreboard(project),
        "path": lambda: learning_path(project, page),
        "keys": schema.documentation,
        "verdicts": verdict_table,
        "template": lambda: f"```yaml\n{schema.template('why-position')}```",
        "runs": lambda: runs_table(project, page),
    }
    return MARKER.sub(lambda match: makers[match[1]](), text)


def runs_table(project, page):
    """Every recorded run with its time and the threads that use it."""
    used = project.used()
    rows = ["| 실행 | 걸린 시간 | 쓰는 문답 |", "|---|---|---|"]
    for name, record in sorted(project.records.items()):
        users = ", ".join(f"[{project.threads[thread].data['question']}]({relative(thread_path(project.threads[thread]), page)})" for thread in used.get(name, []))
        rows.append(f"| [{project.snippets[name].title}]({relative(f'notebooks/{name}.ipynb', page)}) | {record.seconds:.1f}초 | {users} |")
    return "\n".join(rows)


def to_plain(project, text):
    """The plain flavour of a rendered page: no attribute lists, blocks replaced by their code and what it prints."""
    def run(match):
        result = subprocess.run([sys.executable, "-c", match[1]], capture_output=True, text=True, check=True, timeout=60)
        return f"```python\n{match[1]}\n```\n\n{result.stdout.strip()}"

    text = re.sub(r'(?ms)^```python exec="1"[^\n]*\n(.*?)\n```$', run, text)
    text = re.sub(r' markdown="1"', "", text)
    text = re.sub(r"(?m)^(#+ .*?) \{#([^}]+)\}$", r'<a id="\2"></a>' + "\n\n" + r"\1", text)
    return re.sub(r"(\]\([^)]*\))\{\.[\w-]+\}", r"\1", text)
