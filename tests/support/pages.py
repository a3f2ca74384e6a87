"""Pages for the tests: made of the small project after an edit, read as HTML, their anchors and links."""

import re

import markdown
from bs4 import BeautifulSoup
from engine import FILES, put

from mundap.pages import collect
from mundap.pages.marks import MKDOCS
from mundap.project.check import examine

FIRST, SECOND, INDEX = "docs/qa/basics/first.yaml", "docs/qa/basics/second.yaml", "qa_index.yaml"
FENCED = re.compile(r"(?ms)^(`{3,}).*?^\1$")
EXECUTED = re.compile(r"(?m)^```python exec=.*$")  # a block for markdown-exec, which is not here
HEAD = re.compile(r"(?s)\A---\n.*?\n---\n")
DOLLARS = {"generic": True, "inline_syntax": ["dollar"], "block_syntax": ["dollar"]}


def edited(root, file, old, new):
    """Replace words of a file of the small project."""
    assert old in FILES[file]
    put(root / file, FILES[file].replace(old, new))


def sound_project(root):
    """The project below a folder, which must have no mistake."""
    project, problems = examine(root)
    assert problems == []
    return project


def made(root, flavour=MKDOCS, **edits):
    """The pages of the small project after edits: first=(old, new) -> {path: text}."""
    for name, edit in edits.items():
        edited(root, {"first": FIRST, "second": SECOND, "index": INDEX}[name], *edit)
    return collect.pages(sound_project(root), flavour)


def to_html(text):
    """Markdown of the MkDocs flavour, without its head, as HTML by the extensions that the site uses."""
    return markdown.markdown(
        EXECUTED.sub("```python", HEAD.sub("", text)),
        extensions=["md_in_html", "attr_list", "tables", "toc", "pymdownx.arithmatex", "pymdownx.superfences"],
        extension_configs={"pymdownx.arithmatex": DOLLARS},
    )


def parsed(text):
    """A page of the MkDocs flavour as a BeautifulSoup."""
    return BeautifulSoup(to_html(text), "html.parser")


def words(element):
    """What an element says, on one line."""
    return " ".join(element.get_text().split())


def anchors(text):
    """Every anchor of a page of either flavour, code left out; of a figure only its own, none of its parts."""
    text = re.sub(r"(?s)<svg\b.*?</svg>", "", FENCED.sub("", text))
    return re.findall(r'\bid="([^"]+)"', text) + re.findall(r"(?m)^#+ .* \{#([^}]+)\}$", text)


def links(text):
    """Every relative link of a page of either flavour as (path, anchor), code left out."""
    text = re.sub(r"`[^`\n]+`", "", FENCED.sub("", text))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'\b(?:href|src)="([^"]+)"', text)
    return [tuple(target.partition("#")[::2]) for target in targets if not re.match(r"https?:", target)]
