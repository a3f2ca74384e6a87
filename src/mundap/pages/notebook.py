"""The page of a recorded run: the cells of its notebook as HTML."""

import ast
import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pymdownx.slugs import slugify

from mundap.pages.formulas import replace_dollars_in_html
from mundap.pages.outputs import Output, code, evidence_table, joined, output, unique
from mundap.project.particles import of_run
from mundap.project.values import Evidence

slug = slugify(case="lower")  # as mkdocs.yml has it for the other pages' headings
LEAVES = re.compile(r"^ *(?:(?:\w+, *)*evidence(?:, *\w+)* *=(?!=)|evidence *$)", re.M)
BARE_CODE = re.compile(r'(<div class="highlight"><pre>(?:<span></span>)?)(.*?)(</pre>)', re.S)
LEFT_OUT = re.compile(r"<(style|script|img|svg)\b[^>]*?(?:>.*?</\1>|>)", re.S | re.I)  # figures come from outputs alone
Cell = Mapping[str, Any]  # as nbformat has it


def notebook_page(notebook: Mapping[str, Any], texts: Sequence[str], name: str, about: str) -> str:
    """The inside of the page of a record.

    notebook: parsed JSON; texts: its text cells as HTML, in order; name: of the snippet; about: what stands below the
    title, which is made where the notebook has none. Figures and tables keep the names that show() and table() gave
    them as ids, the evidence is a table with ids evidence-NAME, there is one h1.
    Raises ValueError if the texts are not of this notebook, MathError, SvgError.
    """
    cells = [cell for cell in notebook["cells"] if joined(cell["source"]).strip()]
    if len(texts) != sum(cell["cell_type"] == "markdown" for cell in cells):
        raise ValueError(f"{name}: the page has {len(texts)} text cells, the notebook another number")
    last = max((number for number, cell in enumerate(cells) if leaves_evidence(cell)), default=None)
    evidence = notebook["metadata"].get("mundap", {}).get("evidence", {})
    used: set[str] = set()
    parts, rest, headline = [], iter(texts), first_figure(cells)
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "markdown":
            parts.append(text_cell(next(rest), used))
        elif cell["cell_type"] == "code":
            parts.append(code_cell(cell, used, evidence if number == last else None, headline))
    head, end, body = "\n".join(parts).partition("</h1>")
    if not end:
        head, end, body = f'<h1 id="{slug(name, "-")}">{html.escape(name)}', "</h1>", head
    return head + end + about + (output(headline, set()) if headline else "") + body


def first_figure(cells: Sequence[Cell]) -> Output | None:
    """The named figure that a reader should see first: the first of a notebook's."""
    for cell in cells:
        for item in cell.get("outputs", []):
            if "image/svg+xml" in item.get("data", {}) and item.get("metadata", {}).get("name"):
                return item
    return None


def title_of(page: str) -> str:
    """The title of a record's page, as HTML without tags."""
    title = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.S)
    return re.sub(r'<a class="headerlink".*?</a>|<[^>]*>', "", title[1], flags=re.S).strip() if title else ""


def text_cell(inner: str, used: set[str]) -> str:
    """A text cell, from HTML: formulas as MathML, headings with anchors of their own, no scripts, styles or pictures."""

    def heading(match: re.Match[str]) -> str:
        title = re.sub(r'<a class="anchor-link".*?</a>', "", match[2], flags=re.S)
        level = match[1] if match[1] != "1" or not used else "2"  # one h1 a page: the first
        anchor = unique(slug(html.unescape(re.sub(r"<[^>]*>", "", title)), "-") or "section", used)
        link = f'<a class="headerlink" href="#{anchor}" title="이 부분의 주소" data-unsearched="">#</a>'
        return f'<h{level} id="{anchor}">{title}{link}</h{level}>'

    inner = re.sub(r"<h([1-6])[^>]*>(.*?)</h\1>", heading, LEFT_OUT.sub("", inner), flags=re.S)
    inner = BARE_CODE.sub(r"\1<code>\2</code>\3", inner)
    return replace_dollars_in_html(inner).strip()


def code_cell(cell: Cell, used: set[str], evidence: Evidence | None, headline: Output | None = None) -> str:
    """A code cell with its outputs; evidence: what the last one that leaves it shows as a table.

    headline: the figure that stands at the top of the page, and here as a link to it.
    """
    outputs, source = cell["outputs"], joined(cell["source"])
    if evidence is not None:
        outputs = [item for item in outputs if item["output_type"] != "execute_result"]
    shown_code = code(source)
    if evidence is not None or only_imports(source):
        words = "증거를 남기는 코드" if evidence is not None else "불러오기"
        lines = source.count("\n") + 1
        shown_code = f'<details class="folded"><summary>{words} {lines}줄</summary>{shown_code}</details>'
    parts = [shown_code, *(_again(item, used) if item is headline else output(item, used) for item in outputs)]
    if evidence is not None:
        parts.append(evidence_table(evidence))
    return f'<div class="cell">{"".join(parts)}</div>'


def _again(item: Output, used: set[str]) -> str:
    """A link to a figure that stands further up, under its name."""
    name, alt = item["metadata"]["name"], of_run(item["metadata"].get("alt", ""))
    used.add(name)
    return f'<p class="again">위에서 본 그림: <a href="#{html.escape(name)}">{html.escape(alt)}</a></p>'


def only_imports(source: str) -> bool:
    """Whether a cell does nothing but import, and set what imports need."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    return bool(body) and all(isinstance(node, ast.Import | ast.ImportFrom) for node in body)


def leaves_evidence(cell: Cell) -> bool:
    """Whether a cell binds the name `evidence`, or shows what others have put there."""
    return cell["cell_type"] == "code" and LEAVES.search(joined(cell["source"])) is not None


def about(
    meta: Mapping[str, Any],
    name: str,
    source: str | None,
    download: str | None,
    colab: str | None,
    users: Sequence[tuple[str, str]] = (),
) -> str:
    """Whose answer this is, and what ran when: links, the command, the versions, the seconds.

    source, download, colab: addresses of NAME.py, of the notebook that stands alone and of Colab, if there are any.
    users: (question, address) of the threads that lean on the run.
    """
    threads = ", ".join(f'<a href="{html.escape(address)}">{html.escape(words)}</a>' for words, address in users)
    used_by = f"<p>이 실행을 쓰는 문답: {threads}</p>" if threads else ""
    versions = " · ".join(f"{html.escape(str(k))} {html.escape(str(v))}" for k, v in meta.get("versions", {}).items())
    links = "".join(
        f'<li><a href="{html.escape(address)}"{how}>{words}</a></li>'
        for words, address, how in (
            ("노트북 내려받기", download, ' download=""'),
            ("Colab에서 열기", colab, ""),
            ("전체 코드", source, ""),
        )
        if address
    )
    facts = [f"<li>{versions}</li>"] if versions else []
    if "seconds" in meta:
        facts.append(f"<li>실행 {meta['seconds']:.1f}초</li>")
    return (
        f'<div class="run-about" data-unsearched="">{used_by}<p><code>python snippets/{name}.py</code></p>'
        f'<ul class="run-links">{links}</ul><ul class="run-facts">{"".join(facts)}</ul></div>'
    )


def toc_tokens(page: str) -> list[dict[str, Any]]:
    """The headings of a page as Python-Markdown's toc_tokens: [{level, id, name, children}], nested."""
    top: list[dict[str, Any]] = []
    above: list[dict[str, Any]] = []  # the headings that the next one may stand under
    for level, anchor, inner in re.findall(r'<h([1-6])[^>]*\bid="([^"]*)"[^>]*>(.*?)</h\1>', page, re.S):
        inner = re.sub(r'<a class="headerlink".*?</a>', "", inner, flags=re.S)
        token = {"level": int(level), "id": anchor, "name": re.sub(r"<[^>]*>", "", inner).strip(), "children": []}
        while above and above[-1]["level"] >= token["level"]:
            above.pop()
        (above[-1]["children"] if above else top).append(token)
        above.append(token)
    return top
