"""Every generated file of the site."""

from mundap.pages import lists, outputs, standalone
from mundap.pages.links import chapter_path, figure_path, thread_path
from mundap.pages.marks import MKDOCS, Flavour
from mundap.pages.thread import thread_page
from mundap.project.model import Project


def pages(project: Project, flavour: Flavour = MKDOCS) -> dict[str, str]:
    """{path below docs/: text} of pages, figures as SVG, notebooks to download, and the snippets.

    Raises Failure where a block of the plain flavour fails.
    """
    texts = {
        "qa/index.md": lists.contents_page(flavour, project),
        "tags.md": lists.tags_page(flavour, project),
        "glossary.md": lists.glossary_page(flavour, project),
        "sources.md": lists.sources_page(flavour, project),
    }
    for chapter in project.chapters:
        texts[chapter_path(chapter.id)] = lists.chapter_page(flavour, project, chapter)
    for thread in project.threads.values():
        texts[thread_path(thread)] = thread_page(flavour, project, thread)
    for record in project.records.values():
        for exhibit in record.exhibits.values():
            if exhibit.kind == "svg":
                texts[figure_path(record.name, exhibit.name)] = outputs.figure_file(exhibit.content, exhibit.alt)
        texts[standalone.path(record.name)] = standalone.of_project(project, record.name)
    for snippet in project.snippets.values():
        texts[f"snippets/{snippet.file}"] = snippet.source
    return texts
