"""Where each page is, links between them, and an author's Markdown with its links and values filled in.

Paths are below docs/, as MkDocs names its sources.
"""

import html
import os
import re
from collections.abc import Iterable

from mundap.pages.formulas import in_a_line
from mundap.project.math import find_math, mask_code
from mundap.project.model import Project, Thread
from mundap.project.numbers import in_latex, readable
from mundap.project.particles import agree
from mundap.project.texts import LINK, VALUE, inline_value, slug
from mundap.project.values import Evidence

PAGE = re.compile(r"(index)?\.md$")  # what the address of a page lacks
TAGS = re.compile(r"<[^>]*>")
MARKS = re.compile(r"[\\`*_$\[\]{}|^]")  # that Markdown or a formula would take a text's own for its own
MINUS = re.compile(r"(?<![\w.])-(?=\d)")  # of a number, not of a date or a name
LATEX_MARKS = re.compile(rf"{MARKS.pattern}|[&#~]")
SIGNS = re.compile(r"\\([\\`*_$\[\]{}|^])|[*`]|^[#>]+ ", re.M)  # of Markdown; those behind a backslash are meant
BLOCK = re.compile(r"(?:^.*\S.*(?:\n|\Z))+", re.M)  # lines without an empty one between them
DELIMITERS = re.compile(r"^[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*(?::?-+:?[ \t]*)?$", re.M)  # of a table's columns


def thread_path(thread: Thread) -> str:
    """Where a thread's page is."""
    return f"qa/{thread.chapter}/{thread.id}.md"


def chapter_path(identifier: str) -> str:
    """Where a chapter's page is."""
    return f"qa/{identifier}/index.md"


def figure_path(snippet: str, name: str) -> str:
    """Where a figure of a record is."""
    return f"figures/{snippet}/{name}.svg"


def notebook_path(snippet: str) -> str:
    """Where the record of a snippet is."""
    return f"notebooks/{snippet}.ipynb"


def relative(path: str, page: str) -> str:
    """A path as a link from a page."""
    target, _, anchor = path.partition("#")
    return os.path.relpath(target, os.path.dirname(page)).replace(os.sep, "/") + ("#" + anchor if anchor else "")


def link(words: str, path: str, page: str) -> str:
    """A Markdown link from a page to a path."""
    return f"[{words}]({relative(path, page)})"


def thread_link(thread: Thread, page: str) -> str:
    """A Markdown link to a thread, by its question."""
    return link(thread.question, thread_path(thread), page)


def served(path: str, page: str) -> str:
    """A page as raw HTML of another leads to it, by its folder: no generator turns the name of its file into one."""
    here, there = (PAGE.sub("", name) for name in (page, path))
    return os.path.relpath(there or ".", here or ".").replace(os.sep, "/") + "/"


def thread_links(threads: Iterable[Thread], page: str) -> str:
    """A Markdown list of links to threads."""
    return "\n".join(f"- {thread_link(thread, page)}" for thread in threads)


def resolve(project: Project, text: str, page: str) -> str:
    """Fill in `{{values}}` and the links `thread:`, `run:`, `term:`, `page:` of an author's Markdown, code left out."""
    text = keep_cells(text)
    code = mask_code(text)
    formulas = [range(offset, offset + len(latex)) for offset, latex, _ in find_math(text)]
    pieces, last, before = [], 0, ""  # before: the value that the text goes on from
    for match in sorted([*VALUE.finditer(code), *LINK.finditer(code)], key=lambda match: match.start()):
        if match.re is VALUE:
            in_formula = any(match.start() in formula for formula in formulas)
            filled = value(match[1], project.evidence, in_formula)
        else:
            nameless = text[match.start() - 1] == "["
            filled = target(project, *match.groups(), nameless, page)
        pieces += [agree(before, text[last : match.start()]), filled]
        before = TAGS.sub("", filled) if match.re is VALUE else ""
        last = match.end()
    return "".join([*pieces, agree(before, text[last:])]).strip()


def keep_cells(text: str) -> str:
    """Markdown whose tables have no `|` in formulas, which would end the cell: the command of it shows the same."""
    tables = [range(*match.span()) for match in BLOCK.finditer(text) if DELIMITERS.search(match[0])]
    for offset, latex, display in reversed(find_math(text)):
        if not display and "|" in latex and any(offset in table for table in tables):
            cell = re.sub(r"(\\?)\|(?=([A-Za-z])?)", _bar, latex)
            text = text[:offset] + cell + text[offset + len(latex) :]
    return text


def _bar(match: re.Match[str]) -> str:
    """The command for one bar or two, apart from a letter that follows."""
    return ("\\Vert" if match[1] else "\\vert") + (" " if match[2] else "")


def value(text: str, evidence: dict[str, Evidence | None], in_formula: bool) -> str:
    """A measured value as a page shows it; outside formulas it says where it comes from."""
    shown = " ".join(inline_value(text, evidence).split())
    if in_formula:
        words = LATEX_MARKS.sub(" ", shown)
        return f"\\text{{{words}}}" if words != shown else in_latex(shown.replace("%", r"\%"))
    source = html.escape(text.partition(":")[0].strip())
    shown = MARKS.sub(r"\\\g<0>", html.escape(MINUS.sub("−", readable(shown))))
    return f'<span class="value" title="{source}">{shown}</span>'


def target(project: Project, kind: str, name: str, anchor: str | None, nameless: bool, page: str) -> str:
    """The end `](…)` of an author's link, filled in; a thread's link without words gets its question."""
    words = query = ""
    if kind == "thread":
        path = thread_path(project.threads[name])
        words = project.threads[name].question if nameless else ""
    elif kind == "run":
        path = notebook_path(name)
    elif kind == "page":
        name, mark, rest = name.partition("?")
        path, query = f"{name}.md", mark + rest  # for the page's own script
    else:
        path, anchor = "glossary.md", slug(name)
    return f"{words}]({relative(path, page)}{query}{'#' + anchor if anchor else ''})"


def plain(text: str, limit: int) -> str:
    """The beginning of a resolved Markdown text as one line of plain text, formulas as the characters they show."""
    text = re.sub(r"</?span[^>]*>", "", text)  # of values
    for offset, latex, display in reversed(find_math(text)):
        dollars = 2 if display else 1
        text = text[: offset - dollars] + in_a_line(latex) + text[offset + len(latex) + dollars :]
    text = re.sub(r"(?<!\\)\[((?:\\.|[^\]\\])*)\]\([^)]*\)", r"\1", text)
    text = " ".join(html.unescape(SIGNS.sub(lambda match: match[1] or "", text)).split())
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"
