"""Every generated file of the site."""

from functools import lru_cache

from mundap.pages import lists, quiz, standalone
from mundap.pages.links import chapter_path, figure_path, notebook_path, thread_path
from mundap.pages.marks import MKDOCS, Flavour, recorded_table
from mundap.pages.outputs import figure_file
from mundap.pages.thread import thread_page
from mundap.problems import Failure, Problem
from mundap.project.model import Project

recorded_file = lru_cache(maxsize=512)(figure_file)


def pages(project: Project, flavour: Flavour = MKDOCS) -> dict[str, str]:
    """{path below docs/: text} of pages, figures as SVG, notebooks to download, and the snippets.

    Raises Failure where a block of the plain flavour fails, or a record holds what cannot be drawn.
    """
    texts = _figures(project)  # first: what cannot be drawn stands in other pages too
    texts |= {
        "qa/index.md": lists.contents_page(flavour, project),
        "tags.md": lists.tags_page(flavour, project),
        "glossary.md": lists.glossary_page(flavour, project),
        quiz.PATH: quiz.quiz_file(project),
        "sources.md": lists.sources_page(flavour, project),
    }
    for chapter in project.chapters:
        texts[chapter_path(chapter.id)] = lists.chapter_page(flavour, project, chapter)
    for thread in project.threads.values():
        texts[thread_path(thread)] = thread_page(flavour, project, thread)
    for record in project.records.values():
        texts[standalone.path(record.name)] = standalone.of_project(project, record.name)
    for snippet in project.snippets.values():
        texts[f"snippets/{snippet.file}"] = snippet.source
    return texts


def _figures(project: Project) -> dict[str, str]:
    """{path: SVG} of every figure of a record; each table is looked at too. Raises Failure."""
    texts = {}
    for record in project.records.values():
        for exhibit in record.exhibits.values():
            try:
                if exhibit.kind == "svg":
                    texts[figure_path(record.name, exhibit.name)] = recorded_file(exhibit.content, exhibit.alt)
                else:
                    recorded_table(exhibit.content, exhibit.name, exhibit.alt)
            except ValueError as error:
                raise Failure(str(undrawable(record.name, f"`{exhibit.name}`: {error}"))) from None
    return texts


def undrawable(name: str, words: str) -> Problem:
    """A record of that name that holds what no page can show; words: what it is."""
    todo = f"`mundap run {name}` 명령으로 다시 만들어 주세요."
    return Problem(f"docs/{notebook_path(name)}", 1, 1, f"기록에 그릴 수 없는 것이 있어요({words}).", todo)
