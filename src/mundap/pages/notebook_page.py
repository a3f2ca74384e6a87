"""The page of a recorded run: what mkdocs-jupyter makes of a notebook, without its 590 KB of styles."""

import html
import re

from bs4 import BeautifulSoup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pymdownx.slugs import slugify

from mundap.pages import svg
from mundap.project.math import replace_dollars_in_html

slug = slugify(case="lower")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
HEAVY = re.compile(r"<(style|script|img|svg)\b[^>]*?(?:>.*?</\1>|>)", re.S)  # most of the page, none of it wanted
BARE_CODE = re.compile(r'(<div class="highlight"><pre>(?:<span></span>)?)(.*?)(</pre>)', re.S)
PLAIN_TOKEN = re.compile(r'<span class="(?:n|w)">([^<]*)</span>')  # names and blanks look like the text around
ALLOWED_IN_TABLE = {
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "colgroup",
    "col",
    "b",
    "strong",
    "i",
    "em",
    "code",
    "sub",
    "sup",
    "br",
    "span",
}


def clean(page, notebook, name, source=None, download=None, colab=None):
    """The inside of a notebook's page. Raises MathError, SvgError, ValueError if the page is not of this notebook.

    page: HTML by mkdocs-jupyter; notebook: its nbformat node or parsed JSON; name: the snippet's, NAME of NAME.ipynb;
    source, download, colab: addresses of NAME.py, of the notebook that stands alone and of Colab, if there are any.
    Figures and tables keep the names that show() and table() gave them as ids, the evidence is a table with ids
    evidence-NAME, headings have one h1 and Korean anchors.
    """
    soup = BeautifulSoup(HEAVY.sub("", page), "html.parser")
    prose = [node.decode_contents() for node in soup.select(".jp-RenderedMarkdown")]
    cells = [cell for cell in notebook["cells"] if source_text(cell).strip()]
    if len(prose) != sum(cell["cell_type"] == "markdown" for cell in cells):
        raise ValueError(f"{name}: the page has {len(prose)} text cells, the notebook another number")
    record = notebook["metadata"].get("mundap", {})
    evidence_cell = max((i for i, cell in enumerate(cells) if defines_evidence(cell)), default=None)
    used, parts, prose = set(), [], iter(prose)
    for index, cell in enumerate(cells):
        if cell["cell_type"] == "markdown":
            parts.append(text_cell(next(prose), used))
        elif cell["cell_type"] == "code":
            shown = [] if index == evidence_cell else [output(item, used) for item in cell["outputs"]]
            if index == evidence_cell:
                shown = [output(item, used) for item in cell["outputs"] if item["output_type"] != "execute_result"]
                shown.append(evidence_table(record))
            parts.append(f'<div class="cell">{code_cell(source_text(cell))}{"".join(shown)}</div>')
    body = "\n".join(parts)
    head, title, rest = body.partition("</h1>")
    if not title:
        head, title, rest = f'<h1 id="{slug(name, "-")}">{html.escape(name)}', "</h1>", body
    return head + title + about(record, name, source, download, colab) + rest


def toc_tokens(page):
    """The headings of a page as Python-Markdown's toc_tokens: [{level, id, name, children}], nested."""
    root = {"level": 0, "children": []}
    stack = [root]
    for level, anchor, inner in re.findall(r'<h([1-6])[^>]*\bid="([^"]*)"[^>]*>(.*?)</h\1>', page, re.S):
        inner = re.sub(r'<a class="headerlink".*?</a>', "", inner, flags=re.S)
        token = {"level": int(level), "id": anchor, "name": re.sub(r"<[^>]*>", "", inner).strip(), "children": []}
        while stack[-1]["level"] >= token["level"]:
            stack.pop()
        stack[-1]["children"].append(token)
        stack.append(token)
    return root["children"]


def about(record, name, source, download, colab):
    """What ran when: links, the command, the versions, the seconds."""
    versions = " · ".join(f"{html.escape(str(k))} {html.escape(str(v))}" for k, v in record.get("versions", {}).items())
    links = "".join(
        f'<li><a href="{html.escape(address)}"{how}>{words}</a></li>'
        for words, address, how in (
            ("노트북 내려받기", download, " download"),
            ("Colab에서 열기", colab, ""),
            ("전체 코드", source, ""),
        )
        if address
    )
    facts = [f"<li>{versions}</li>"] if versions else []
    if "seconds" in record:
        facts.append(f"<li>실행 {record['seconds']:.1f}초</li>")
    return (
        f'<div class="run-about" data-pagefind-ignore><p><code>python snippets/{name}.py</code></p>'
        f'<ul class="run-links">{links}</ul><ul class="run-facts">{"".join(facts)}</ul></div>'
    )


def text_cell(inner, used):
    """A Markdown cell: formulas as MathML, headings with anchors of their own."""

    def heading(match):
        title = re.sub(r'<a class="anchor-link".*?</a>', "", match[2], flags=re.S)
        level = match[1] if match[1] != "1" or not used else "2"  # one h1 a page: the first
        anchor = unique(slug(html.unescape(re.sub(r"<[^>]*>", "", title)), "-") or "section", used)
        link = f'<a class="headerlink" href="#{anchor}" title="이 부분의 주소" data-pagefind-ignore>#</a>'
        return f'<h{level} id="{anchor}">{title}{link}</h{level}>'

    inner = re.sub(r"<h([1-6])[^>]*>(.*?)</h\1>", heading, inner, flags=re.S)
    inner = BARE_CODE.sub(r"\1<code>\2</code>\3", inner)
    return replace_dollars_in_html(inner).strip()


def code_cell(source):
    """Code in the markup that the theme's own code blocks have."""
    markup = highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True))
    return PLAIN_TOKEN.sub(r"\1", markup)


def output(item, used):
    """One output of a cell as HTML: a figure, a table, or text."""
    if item["output_type"] == "stream":
        return text_output(joined(item["text"]), "오류 출력" if item.get("name") == "stderr" else "출력")
    if item["output_type"] == "error":
        return text_output("\n".join(item["traceback"]), "오류")
    data, metadata = item["data"], item.get("metadata", {})
    name, alt = metadata.get("name"), metadata.get("alt", "")
    if "image/svg+xml" in data or "text/html" in data and name:
        anchor = unique(name or "figure", used)
        if "image/svg+xml" in data:
            return run_figure(joined(data["image/svg+xml"]), anchor, alt)
        return run_table(joined(data["text/html"]), anchor, alt)
    if "image/png" in data:
        png = html.escape(joined(data["image/png"]).replace("\n", ""))
        return f'<figure class="run-figure"><img alt="{html.escape(alt)}" src="data:image/png;base64,{png}"></figure>'
    return text_output(joined(data.get("text/plain", "")), "출력")


def run_figure(svg_text, name, alt):
    """A run's figure, as it stands in notebook pages and answers alike. Raises SvgError."""
    return (
        f'<figure id="{name}" class="run-figure">{svg.inline(svg_text, name + "-", alt)}'
        f"<figcaption>{html.escape(alt)}</figcaption></figure>"
    )


def run_table(table, name, caption):
    """A run's table, in a box of its own that scrolls. Raises ValueError on markup that a table does not need."""
    soup = BeautifulSoup(table, "html.parser")
    for tag in soup.find_all(True):
        if tag.name not in ALLOWED_IN_TABLE:
            raise ValueError(f"<{tag.name}> is not allowed in a run's table")
        tag.attrs = {key: value for key, value in tag.attrs.items() if key in ("scope", "colspan", "rowspan")}
    for tag in soup.find_all("td"):
        if re.fullmatch(r"[-+−]?[\d.,~]+(?:e[-+]?\d+)?\s*[%×가-힣A-Za-z/²]{0,6}(?:\s*±.*)?", tag.get_text().strip()):
            tag["class"] = "number"
    for column in zip(*(row.find_all(["th", "td"]) for row in soup.find_all("tr"))):
        if len(column) > 1 and all(cell.get("class") == "number" for cell in column[1:]):
            column[0]["class"] = "number"
    if soup.caption:
        soup.caption.decompose()
    for tag in soup.find_all("table"):
        tag["class"] = "data"  # the theme wraps tables that have no class
    return (
        f'<figure id="{name}" class="run-table"><figcaption>{html.escape(caption)}</figcaption>'
        f'<div class="scroll" data-label="{html.escape(caption)}">{soup}</div></figure>'
    )


def evidence_table(record):
    """The numbers that the run leaves behind, each with an anchor: name | value."""
    rows = "".join(
        f'<tr id="evidence-{name}"><th scope="row"><code>{name}</code></th>'
        f'<td class="number">{html.escape(shown(value))}</td></tr>'
        for name, value in record.get("evidence", {}).items()
    )
    return (
        '<figure id="evidence" class="run-table"><figcaption>이 실행이 남긴 증거</figcaption>'
        '<div class="scroll" data-label="이 실행이 남긴 증거"><table class="data"><thead><tr><th scope="col">이름</th>'
        f'<th scope="col">값</th></tr></thead><tbody>{rows}</tbody></table></div></figure>'
    )


def text_output(text, label):
    """Printed text, terminal colours taken out."""
    text = html.escape(ANSI.sub("", text).rstrip("\n"))
    return f'<pre class="run-output" data-label="{label}">{text}</pre>' if text else ""


def shown(value):
    """A number of the evidence as a reader wants it: six significant digits at most."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def defines_evidence(cell):
    return cell["cell_type"] == "code" and re.search(r"^evidence\s*=", source_text(cell), re.M) is not None


def source_text(cell):
    return joined(cell["source"])


def joined(text):
    """nbformat allows a list of lines for a string."""
    return "".join(text) if isinstance(text, list) else text


def unique(anchor, used):
    """The anchor, or the anchor with a number where the page has it already. Adds it to `used`."""
    base, number = anchor, 1
    while anchor in used:
        number += 1
        anchor = f"{base}-{number}"
    used.add(anchor)
    return anchor
