"""Outputs of a run as HTML, as answers, notebook pages and live cells show them: figures, tables, text, evidence."""

import html
import re
from typing import Any

from bs4 import BeautifulSoup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from mundap.pages import svg
from mundap.pages.safe import sanitize
from mundap.project.numbers import readable
from mundap.project.particles import of_run
from mundap.project.values import Evidence, Value

Output = dict[str, Any]  # of a cell, as nbformat has it
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LINE = re.compile(r'<span id="line-\d+">')  # every block of a page has lines
PLAIN_TOKEN = re.compile(r'<span class="(?:n|w)">([^<]*)</span>')  # names and blanks look like the text around
NUMBER = re.compile(r"[-+−]?[\d.,~]+(?:e[-+]?\d+|×10[⁻⁰¹²³⁴-⁹]+|[⁻⁰¹²³⁴-⁹]+)?\s*[%×가-힣A-Za-z/²]{0,6}(?:\s*±.*)?")
ALLOWED_IN_TABLE = frozenset(
    "table caption thead tbody tfoot tr th td colgroup col b strong i em code sub sup br span".split()
)


def output(item: Output, used: set[str]) -> str:
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


def run_figure(svg_text: str, name: str, alt: str) -> str:
    """A run's figure, as it stands in notebook pages and answers alike. Raises SvgError."""
    alt = of_run(alt)
    return (
        f'<figure id="{name}" class="run-figure">{svg.inline(svg_text, name + "-", alt)}'
        f"<figcaption>{html.escape(alt)}</figcaption></figure>"
    )


def figure_file(svg_text: str, alt: str) -> str:
    """A run's figure as a file of its own, with nothing in it that a page may not hold. Raises SvgError."""
    markup = sanitize(svg.inline(svg_text, "", of_run(alt))).replace("&nbsp;", "\u00a0")
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return markup.replace("<svg", f"<svg {names}", 1) + "\n"


def run_table(table: str, name: str, caption: str) -> str:
    """A run's table, in a box of its own that scrolls. Raises ValueError on markup that a table does not need."""
    caption = of_run(caption)
    soup = BeautifulSoup(table, "html.parser")
    for tag in soup.find_all(True):
        if tag.name not in ALLOWED_IN_TABLE:
            raise ValueError(f"<{tag.name}> is not allowed in a run's table")
        tag.attrs = {key: value for key, value in tag.attrs.items() if key in ("scope", "colspan", "rowspan")}
    for text in soup.find_all(string=True):
        text.replace_with(of_run(text))
    _mark_cells(soup)
    if soup.caption:
        soup.caption.decompose()
    for tag in soup.find_all("table"):
        tag["class"] = "data"  # the theme wraps tables that have no class
    return (
        f'<figure id="{name}" class="run-table"><figcaption>{html.escape(caption)}</figcaption>'
        f'<div class="scroll" data-label="{html.escape(caption)}">{soup}</div></figure>'
    )


def _mark_cells(soup: BeautifulSoup) -> None:
    """Numbers, columns of them, and a corner that heads nothing."""
    for tag in soup.select("th"):
        if not tag.get_text(strip=True):
            tag.name, tag.attrs = "td", {}
    for tag in soup.find_all("td"):
        if NUMBER.fullmatch(tag.get_text().strip()):
            tag["class"] = "number"
    for column in zip(*(row.find_all(["th", "td"]) for row in soup.find_all("tr"))):
        if len(column) > 1 and all(cell.get("class") == "number" for cell in column[1:]):
            column[0]["class"] = "number"


def text_output(text: str, label: str) -> str:
    """Printed text, terminal colours taken out."""
    text = html.escape(ANSI.sub("", text).rstrip("\n"))
    return f'<pre class="run-output" data-label="{label}">{text}</pre>' if text else ""


def evidence_table(evidence: Evidence) -> str:
    """The numbers that the run leaves behind, each with an anchor: name | value."""
    rows = "".join(
        f'<tr id="evidence-{name}"><th scope="row"><code>{name.replace("_", "_<wbr>")}</code></th>'
        f'<td class="number">{html.escape(shown(value))}</td></tr>'
        for name, value in evidence.items()
    )
    return (
        '<figure id="evidence" class="run-table"><figcaption>이 실행이 남긴 증거</figcaption>'
        '<div class="scroll" data-label="이 실행이 남긴 증거"><table class="data"><thead><tr><th scope="col">이름</th>'
        f'<th scope="col">값</th></tr></thead><tbody>{rows}</tbody></table></div></figure>'
    )


def shown(value: Value | list[float]) -> str:
    """A number of the evidence as a reader wants it: six significant digits at most."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return readable(f"{value:.6g}") if isinstance(value, float) else str(value)


def code(source: str) -> str:
    """Code in the markup that the theme's own code blocks have."""
    markup = highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True, linespans="line"))
    return LINE.sub('<span class="line">', PLAIN_TOKEN.sub(r"\1", markup))


def joined(text: str | list[str]) -> str:
    """nbformat allows a list of lines for a string."""
    return "".join(text) if isinstance(text, list) else text


def unique(anchor: str, used: set[str]) -> str:
    """The anchor, or the anchor with a number where the page has it already. Adds it to `used`."""
    base, number = anchor, 1
    while anchor in used:
        number += 1
        anchor = f"{base}-{number}"
    used.add(anchor)
    return anchor
