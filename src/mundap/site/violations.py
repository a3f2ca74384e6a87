"""Where in an author's files markup comes from that a page may not hold."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from markdown import Markdown
from mkdocs.config.defaults import MkDocsConfig

from mundap.pages.safe import dropped, sanitize
from mundap.problems import Problem
from mundap.project.check.words import shown_places
from mundap.project.math import MathError
from mundap.project.model import Project
from mundap.project.yamlsource import Document

TODO = "이 부분을 지우거나, 보여 줄 글이라면 백틱(`)으로 감싸 주세요."


def problem(project: Project, page: str, gone: list[str], config: MkDocsConfig) -> Problem:
    """The place that most likely brought what was dropped from a page, by its path below docs/."""
    path = PurePosixPath(page)
    if path.suffix == ".ipynb":
        todo = f"`mundap run {path.stem}` 명령으로 다시 만들어 주세요."
        return Problem(f"docs/{page}", 1, 1, f"기록에 쪽에 둘 수 없는 것이 있어요: {gone[0]}.", todo)
    what = f"쪽에 둘 수 없는 것이 있어요: {gone[0]}."
    markdown = Markdown(extensions=config.markdown_extensions, extension_configs=config.mdx_configs)
    for document in _sources(project, path):
        for place in shown_places(document):
            markup = markdown.reset().convert(document.get(place))
            if dropped(markup, sanitize(markup)):
                return document.problem(place, what, TODO)
    return Problem(_file(project, path), 1, 1, what, TODO)


def unread_formula(project: Project, page: str, error: MathError) -> Problem:
    """A formula of a page that cannot be read, and that the check did not see as one."""
    what = f"수식을 읽을 수 없어요({error})."
    return Problem(_file(project, PurePosixPath(page)), 1, 1, what, "`$`의 짝과 수식을 살펴 주세요.")


def _sources(project: Project, path: PurePosixPath) -> Iterator[Document]:
    """The files that a generated page is made of, the likeliest first."""
    yield from (draft.document for draft in project.files.drafts if draft.id == path.stem)
    yield from (document for document in (project.files.index, project.files.glossary) if document)
    yield from (draft.document for draft in project.files.drafts if draft.id != path.stem)


def _file(project: Project, path: PurePosixPath) -> str:
    thread = project.threads.get(path.stem)
    return thread.file if thread else f"docs/{path}"
