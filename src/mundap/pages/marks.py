"""The two flavours of a page, decided where a mark is written.

MKDOCS: Python-Markdown's md_in_html and attribute lists; markdown-exec runs the blocks. PLAIN: CommonMark with HTML
around it, for any other generator; blocks are run here.
"""

import re
import secrets
import subprocess
import sys
from functools import lru_cache
from typing import Protocol

from mundap.pages.links import figure_path, link
from mundap.pages.outputs import run_figure, run_table
from mundap.problems import Failure
from mundap.project.particles import of_run
from mundap.project.records import Record
from mundap.project.snippets import Snippet

SEAL = secrets.token_hex()  # of blocks that the engine writes in this process: no text can know it
BLOCK_LIMIT = 60  # seconds


class Flavour(Protocol):
    """How a page is marked up. repository: OWNER/NAME on GitHub that the pages lead to, if they do."""

    is_site: bool  # whether the site's own scripts run in its pages
    repository: str | None

    @property
    def markdown(self) -> str:
        """The attribute of an element that Markdown stands in, with a space before it."""
        ...

    def heading(self, level: int, title: str, anchor: str) -> str:
        """A heading with an anchor of its own."""
        ...

    def classed(self, markdown_link: str, css: str) -> str:
        """A link with a class."""
        ...

    def picture(self, record: Record, name: str, anchor: str, page: str) -> str:
        """A figure of a record."""
        ...

    def block(self, name: str, code: str) -> str:
        """A block of Python: its code, and what it prints as Markdown."""
        ...


# Of records, which are the same at each save that the live server builds; outputs of its kernels are not kept.
kept = lru_cache(maxsize=512)
recorded_figure, recorded_table = kept(run_figure), kept(run_table)


class MkDocs:
    """Pages for MkDocs."""

    markdown = ' markdown="1"'
    is_site = True

    def __init__(self, repository: str | None = None) -> None:
        self.repository = repository

    def heading(self, level: int, title: str, anchor: str) -> str:
        return f"{'#' * level} {title} {{#{anchor}}}"

    def classed(self, markdown_link: str, css: str) -> str:
        return f"{markdown_link}{{.{css}}}"

    def picture(self, record: Record, name: str, anchor: str, page: str) -> str:
        exhibit = record.exhibits[name]
        return recorded_figure(exhibit.content, anchor, exhibit.alt)

    def block(self, name: str, code: str) -> str:
        return f'```python exec="1" source="above" id="{name}" seal="{SEAL}"\n{code}\n```'


class Plain:
    """Pages for any other generator."""

    markdown = ""
    is_site = False
    repository = None

    def heading(self, level: int, title: str, anchor: str) -> str:
        return f'<a id="{anchor}"></a>\n\n{"#" * level} {title}'

    def classed(self, markdown_link: str, css: str) -> str:
        return markdown_link

    def picture(self, record: Record, name: str, anchor: str, page: str) -> str:
        image = link(escaped(of_run(record.exhibits[name].alt)), figure_path(record.name, name), page)
        return f'<a id="{anchor}"></a>\n\n!{image}'

    def block(self, name: str, code: str) -> str:
        """Raises Failure where the block fails."""
        return f"```python\n{code}\n```\n\n{printed_by(name, code)}"


MKDOCS, PLAIN = MkDocs(), Plain()


def element(flavour: Flavour, tag: str, body: str, attributes: str = "") -> str:
    """An HTML element that Markdown stands in."""
    return f"<{tag}{attributes}{flavour.markdown}>\n\n{body}\n\n</{tag}>"


def box(flavour: Flavour, css: str, body: str) -> str:
    """A <div> that Markdown stands in."""
    return element(flavour, "div", body, f' class="{css}"')


def section(flavour: Flavour, name: str, title: str, body: str) -> str:
    """A section of a page with its heading; name: its class and its anchor."""
    return element(flavour, "section", f"{flavour.heading(2, title, name)}\n\n{body}", f' class="{name}"')


def exhibit(flavour: Flavour, record: Record, name: str, page: str, again: bool = False) -> str:
    """A figure or table of a record (again: it stands further up, so a link to it)."""
    shown, anchor = record.exhibits[name], f"{record.name}-{name}"
    if again:
        return f"[위에서 본 {'그림' if shown.kind == 'svg' else '표'}](#{anchor})"
    if shown.kind == "svg":
        return flavour.picture(record, name, anchor, page)
    return recorded_table(shown.content, anchor, shown.alt)


def definition(snippet: Snippet, name: str) -> str:
    """A function or class of a snippet as a block of code."""
    code = snippet.definitions[name]
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", code))])
    return f'{fence}python title="snippets/{snippet.file}"\n{code}\n{fence}'


def table_row(cells: list[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def escaped(text: str) -> str:
    """A plain text, such as a figure's alternative, as Markdown that shows the same."""
    return re.sub(r"([\\`*_$\[\]])", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


def printed_by(name: str, code: str) -> str:
    """What a block prints. Raises Failure where it fails or takes too long."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=BLOCK_LIMIT
        )
    except subprocess.TimeoutExpired:
        words = f"{BLOCK_LIMIT}초 안에 끝나지 않았어요"
    except subprocess.CalledProcessError as error:
        words = (error.stderr.strip() or f"종료 코드 {error.returncode}").splitlines()[-1]
    else:
        return done.stdout.strip()
    raise Failure(f"docs/blocks/{name}.py:1:1: 블록이 오류로 멈췄어요({words}).")


def from_mkdocs(flavour: Flavour, text: str) -> str:
    """A hand-written page, which is written for MkDocs, in a flavour."""
    if flavour.markdown:
        return text
    text = text.replace(MKDOCS.markdown, "")
    text = re.sub(
        r"(?m)^(#+) (.*?) \{#([^}]+)\}$", lambda match: flavour.heading(len(match[1]), match[2], match[3]), text
    )
    return re.sub(r"(\]\([^)]*\))\{\.[\w-]+\}", r"\1", text)
