"""MkDocs meets the engine here, and only here: generated pages are added in memory."""

import functools
import json
import re
from pathlib import Path

from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, get_plugin_logger
from mkdocs.structure.files import File
from mkdocs.structure.toc import get_toc

from mundap.pages import notebook_page, render, standalone
from mundap.project import math
from mundap.project.load import load
from mundap.site import search

log = get_plugin_logger("mundap")
FIGURE = re.compile(r'<p>\s*<img alt="[^"]*"(?: id="[^"]*")? src="[^"]*?figures/([\w-]+)/([\w-]+)\.svg"[^>]*>\s*</p>')


@functools.lru_cache(maxsize=128)
def finished(content, notebook, stem, repository):
    """notebook_page.clean, once for each record: under `make serve` a save builds the site again within a second."""
    colab = standalone.colab_url(repository, stem) if repository else None
    return notebook_page.clean(
        content, json.loads(notebook), stem, f"../../snippets/{stem}.py", f"../../{standalone.path(stem)}", colab
    )


class MundapConfig(Config):
    """Options of the plugin in mkdocs.yml."""

    search = config_options.Type(bool, default=True)  # index the built site with Pagefind


class MundapPlugin(BasePlugin[MundapConfig]):
    """Adds the pages of the threads, fills in hand-written ones, finishes notebooks, and indexes the site."""

    def on_config(self, config):
        self.repository = config.extra.get("repository")
        try:
            if self.repository:
                standalone.colab_url(self.repository, "")
        except ValueError as error:
            raise PluginError(f"mkdocs.yml의 `extra.repository`(환경 변수 `REPOSITORY`): {error}.") from None
        root = Path(config.config_file_path).parent
        self.project, problems = load(root)
        errors = [problem for problem in problems if not problem.minor]
        if errors:
            raise PluginError("\n".join(map(str, errors)) + f"\n고칠 곳이 {len(errors)}군데 있어요.")
        for problem in problems:
            log.info(str(problem))
        for number, item in enumerate(config.nav or []):
            if isinstance(item, dict) and item.get("문답") == "qa/index.md":
                chapters = [{chapter["title"]: render.chapter_path(chapter["id"])} for chapter in self.project.chapters]
                config.nav[number] = {"문답": ["qa/index.md", *chapters]}
        return config

    def on_files(self, files, config):
        for path, text in render.pages(self.project).items():
            files.append(File.generated(config, path, content=text))
        return files

    def on_page_markdown(self, markdown, page, config, files):
        return render.fill(self.project, markdown, page.file.src_uri)

    def on_page_content(self, content, page, config, files):
        name = page.file.src_uri
        if name.endswith(".ipynb"):
            stem = Path(name).stem
            content = finished(content, Path(page.file.abs_src_path).read_text(encoding="utf-8"), stem, self.repository)
            page.toc = get_toc(notebook_page.toc_tokens(content))
            page.meta.setdefault("description", f"{page.title}: 코드와 실행 결과")
            page.meta.setdefault("kind", "notebook")
            return content
        content = FIGURE.sub(lambda match: self._figure(*match.groups()), content)
        return math.replace_in_html(content)

    def _figure(self, snippet, name):
        exhibit = self.project.records[snippet].exhibits[name]
        return notebook_page.run_figure(exhibit.content, f"{snippet}-{name}", exhibit.alt)

    def on_post_build(self, config):
        if self.config.search:
            try:
                search.build_index(config.site_dir, self.project.glossary)
            except search.SearchError as error:
                raise PluginError(str(error)) from None
