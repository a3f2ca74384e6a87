"""Hand-written pages: their markers `<!-- mundap:NAME -->`, values and links filled in."""

import html
from collections.abc import Callable

from mundap.pages.again import repeated_runs
from mundap.pages.links import relative, resolve, served, thread_path
from mundap.pages.lists import chapter_threads, first_page, learning_path, runs_list, summary
from mundap.pages.marks import MKDOCS, Flavour, definition, exhibit, from_mkdocs
from mundap.pages.quiz import quiz
from mundap.pages.verdicts import scoreboard, verdict_table
from mundap.project import schema
from mundap.project.math import mask_code
from mundap.project.model import Project
from mundap.project.texts import MARKER


def fill(project: Project, text: str, page: str, flavour: Flavour = MKDOCS) -> str:
    """A hand-written page, filled in and in a flavour."""
    text, makers = resolve(project, from_mkdocs(flavour, text), page), _makers(flavour, project, page)
    pieces, last = [], 0
    for match in MARKER.finditer(mask_code(text)):
        pieces += [text[last : match.start()], makers[match[1]](match[2] or "")]
        last = match.end()
    return "".join([*pieces, text[last:], "\n"])


def _makers(flavour: Flavour, project: Project, page: str) -> dict[str, Callable[[str], str]]:
    """{name of a marker: what makes its text of the words after the name}."""

    def figure(words: str) -> str:
        snippet, _, name = words.partition(".")
        record = project.records.get(snippet)
        return exhibit(flavour, record, name, page) if record else ""

    def code(words: str) -> str:
        name, _, part = words.partition(".")
        snippet = project.snippets.get(name)
        return definition(snippet, part) if snippet else ""

    def anchor(path: str, words: str) -> str:
        address = served(path, page) if flavour.is_site else relative(path, page)
        return f'<a href="{address}">{html.escape(words)}</a>'

    def thread(name: str) -> str:
        found = project.threads.get(name)
        return anchor(thread_path(found), found.question) if found else ""

    def chapter(name: str) -> str:
        found = next((chapter for chapter in project.chapters if chapter.id == name), None)
        threads = chapter_threads(project, found) if found else []
        return f"{anchor(first_page(threads, found), found.title)}(문답 {len(threads)}개)" if found else ""

    return {
        "scoreboard": lambda _: scoreboard(project),
        "summary": lambda _: summary(project),
        "quiz": lambda _: quiz(flavour, project, page),
        "path": lambda _: learning_path(flavour, project, page),
        "keys": lambda _: schema.documentation(),
        "verdicts": lambda _: verdict_table(),
        "template": lambda _: f"```yaml\n{schema.template('why-position')}```",
        "runs": lambda _: runs_list(flavour, project, page),
        "again": lambda _: repeated_runs(project, page),
        "figure": figure,
        "code": code,
        "thread": thread,
        "chapter": chapter,
    }
