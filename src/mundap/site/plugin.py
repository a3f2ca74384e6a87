"""MkDocs meets the engine here, and only here: generated pages are added in memory."""

import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup
from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink, get_toc

from mundap.pages import formulas, issues, notebook, standalone
from mundap.pages.collect import pages, undrawable
from mundap.pages.links import chapter_path, thread_path
from mundap.pages.markers import fill
from mundap.pages.marks import MkDocs
from mundap.pages.rail import rail_of
from mundap.pages.safe import dropped, sanitize
from mundap.problems import Failure
from mundap.project.check import sound
from mundap.project.files import composed
from mundap.project.math import MathError
from mundap.project.model import Project, Thread
from mundap.site import blocks, notebooks, pixels, search, violations

log = get_plugin_logger("mundap")
LINE = re.compile(r'<span id="line-\d+-\d+">')  # of code, as mkdocs.yml names them
STYLES = "assets/css/site.css"  # all that every page wears in one file: what is asked for before anything is painted
CONTENTS = "qa/index.md"  # in the navigation, where the chapters go


class MundapConfig(Config):
    """Options of the plugin in mkdocs.yml."""

    search = config_options.Type(bool, default=True)  # index the built site
    project = config_options.Optional(
        config_options.Type(Project)
    )  # sound; given by the live server, which has read it


class MundapPlugin(BasePlugin[MundapConfig]):
    """Adds the pages of the threads, fills in hand-written ones, finishes notebooks, and indexes the site."""

    @event_priority(-100)  # after markdown-exec has set up what it runs
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        self.repository = config.extra.get("repository")
        try:
            if self.repository:
                standalone.colab_url(self.repository, "")
        except ValueError as error:
            raise PluginError(f"mkdocs.yml의 `extra.repository`(환경 변수 `REPOSITORY`): {error}.") from None
        self.project = self.config.project or self._read(config)
        config.nav = with_chapters(config.nav or [], self.project)
        self.styles, config.extra_css = config.extra_css, [STYLES]
        notebooks.use_own_templates()
        blocks.only_own(config)
        return config

    def _read(self, config: MkDocsConfig) -> Project:
        try:
            project, problems = sound(Path(config.config_file_path).parent)
        except Failure as failure:
            raise PluginError(str(failure)) from None
        for problem in problems:
            log.info(str(problem))
        return project

    def on_files(self, files: Files, config: MkDocsConfig) -> Files:
        try:
            made = pages(self.project, MkDocs(self.repository))
        except Failure as failure:
            raise PluginError(str(failure)) from None
        self.threads = {thread_path(thread): thread for thread in self.project.threads.values()}
        for path, text in made.items():
            files.append(File.generated(config, path, content=text))
        files.append(File.generated(config, STYLES, content=self._joined(config)))
        return files

    def _joined(self, config: MkDocsConfig) -> str:
        """All sheets of `extra_css`, in their order: from their folder, which STYLES shares, what they name is found."""
        try:
            return "\n".join((Path(config.docs_dir) / sheet).read_text(encoding="utf-8") for sheet in self.styles)
        except OSError as error:
            raise PluginError(f"mkdocs.yml의 `extra_css`: {error.filename} 파일을 읽지 못했어요.") from None

    def on_page_markdown(self, markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
        text = composed(markdown)
        return fill(self.project, text, page.file.src_uri) if _by_hand(page) else text

    def on_page_content(self, content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
        content = self._notebook(content, page) if _is_record(page) else self._with_formulas(content, page)
        content = LINE.sub('<span class="line">', content)  # each block that is run counts its lines anew
        safe = sanitize(content, hand_written=_by_hand(page))
        if gone := dropped(content, safe):
            raise PluginError(str(violations.problem(self.project, page.file.src_uri, gone, config)))
        escape_names(page)
        return safe

    def _with_formulas(self, content: str, page: Page) -> str:
        try:
            return formulas.replace_in_html(content)
        except MathError as error:  # of a hand-written page, or where Markdown reads more of a text as one
            raise PluginError(str(violations.unread_formula(self.project, page.file.src_uri, error))) from None

    def _notebook(self, content: str, page: Page) -> str:
        """The page of a record; content: what mkdocs-jupyter made of it."""
        name = Path(page.file.src_uri).stem
        record = json.loads(page.file.content_string)
        about = notebook.about(
            record["metadata"].get("mundap", {}),
            name,
            source=f"../../snippets/{name}.py",
            download=f"../../{standalone.path(name)}",
            colab=standalone.colab_url(self.repository, name) if self.repository else None,
            users=[(thread.question, f"../../qa/{thread.chapter}/{thread.id}/") for thread in self._users(name)],
        )
        try:
            content = notebook.notebook_page(record, notebooks.text_cells(content), name, about)
        except ValueError as error:
            raise PluginError(str(undrawable(name, str(error)))) from None
        page.toc = get_toc(notebook.toc_tokens(content))  # ty: ignore[invalid-argument-type]
        title = html.unescape(notebook.title_of(content))
        page.meta.update(title=title, description=f"{title}: 코드와 실행 결과")
        page.meta.setdefault("kind", "notebook")
        return content

    def _users(self, name: str) -> list[Thread]:
        return [self.project.threads[thread] for thread in self.project.users.get(name, [])]

    def on_page_context(self, context: Any, page: Page, config: MkDocsConfig, nav: Any) -> Any:
        thread = self.threads.get(page.file.src_uri)
        if thread:
            context["rail"] = rail_of(self.project, thread)
        if self.repository:
            path = thread.file if thread else _file(page)
            context["ask"] = issues.new_issue(self.repository, "question")
            context["edit"] = issues.edit(self.repository, path) if path else None
        page.previous_page = page.next_page = None  # else the theme leaves the page at n, p, comma or full stop
        return context

    def on_post_page(self, output: str, page: Page, config: MkDocsConfig) -> str:
        return pixels.moved_out(output, page.url, Path(config.site_dir))

    def on_post_build(self, config: MkDocsConfig) -> None:
        if self.config.search:
            try:
                search.build_index(config.site_dir, self.project)
            except search.SearchError as error:
                raise PluginError(str(error)) from None


def _is_record(page: Page) -> bool:
    return page.file.src_uri.endswith(".ipynb")


def _file(page: Page) -> str | None:
    """The file of the repository that the page of a record, or one written by hand, comes from."""
    if _is_record(page):
        return f"snippets/{Path(page.file.src_uri).stem}.py"
    return f"docs/{page.file.src_uri}" if _by_hand(page) else None


def _by_hand(page: Page) -> bool:
    """Whether somebody wrote the page itself, for it to be filled in."""
    return page.file.generated_by is None and not _is_record(page)


def escape_names(page: Page) -> None:
    """Make of a page's title, description and headings what templates may print as it stands."""
    for key in ("title", "description"):
        if key in page.meta:
            page.meta[key] = Markup(html.escape(str(page.meta[key])))

    def escape(items: Iterable[AnchorLink]) -> None:
        for item in items:
            item.title = html.escape(html.unescape(re.sub(r"<[^>]*>", "", item.title)))
            escape(item.children)

    escape(page.toc)


def with_chapters(nav: list[Any], project: Project) -> list[Any]:
    """A navigation in which the entry of the contents, whatever its label, holds the chapters too."""
    chapters = [{html.escape(chapter.title): chapter_path(chapter.id)} for chapter in project.chapters]
    return [
        {label: [CONTENTS, *chapters] for label in item}
        if isinstance(item, dict) and list(item.values()) == [CONTENTS]
        else item
        for item in nav
    ]
