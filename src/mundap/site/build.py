"""Build the site with MkDocs in this process: a warning is an error, and a failed build leaves the old site alone."""

import logging
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mundap.problems import Failure

if TYPE_CHECKING:
    from mundap.site.progress import Stages

os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
NOISE = re.compile(
    r"A 'dirty' build is being performed.*|Error reading page '.*':", re.S
)  # a Problem says where itself


class Messages(logging.Handler):
    """Keeps the warnings and errors that MkDocs logs, instead of printing them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not NOISE.fullmatch(message):
            self.lines.append(message)

    def __enter__(self) -> "Messages":
        logging.getLogger("mkdocs").addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger("mkdocs").removeHandler(self)


Known = tuple[dict[str, bytes], dict[str, str | None]]  # contents and titles of a build's generated files


def run_mkdocs(
    root: Path | str,
    out: Path | str,
    site_url: str | None = None,
    options: dict[str, dict[str, Any]] | None = None,
    cache: Path | None = None,
    known: Known | None = None,
    stages: "Stages | None" = None,
) -> Known:
    """Build the project below `root` into the folder `out`. Raises Failure with all that MkDocs had to say.

    site_url: the address that the pages are served from, instead of mkdocs.yml's.
    options: {plugin: {option: value}}, instead of mkdocs.yml's, for the plugins that the project uses.
    cache: a folder that keeps the compiled templates for the next build.
    known: what an earlier call returned: only generated files that have changed since are built, nothing else.
    stages: hears how far it is.
    Returns what the next call may know.
    """
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    with Messages() as messages:
        try:
            config = load_config(
                str(Path(root) / "mkdocs.yml"), site_dir=str(out), site_url=site_url, strict=known is None
            )
            for name, values in (options or {}).items():
                if name in config.plugins:
                    config.plugins[name].config.update(values)
            config.plugins["mundap-again"] = again = building_again(cache, known)
            if stages:
                config.plugins["mundap-stages"] = stages
            config.plugins.on_startup(command="build", dirty=known is not None)
            try:
                build(config, dirty=known is not None)
            finally:
                config.plugins.on_shutdown()
        except RecursionError:
            raise Failure("너무 깊은 글이 있어 쪽을 만들 수 없어요. 목록과 인용의 깊이를 줄여 주세요.") from None
        except MkDocsException as error:
            raise Failure("\n".join(messages.lines or [str(error)])) from error
    if messages.lines:  # such as a warning of the configuration, which strict builds let pass in some places
        raise Failure("\n".join(messages.lines))
    return again.texts, again.titles


def building_again(cache: Path | None, known: Known | None) -> Any:
    """A MkDocs plugin for builds that follow each other; see run_mkdocs."""
    from jinja2 import FileSystemBytecodeCache
    from mkdocs.plugins import BasePlugin

    class Again(BasePlugin):
        def on_files(self, files, config):
            self.texts = {file.src_uri: file.content_bytes for file in files if file.generated_by}
            if known is not None:
                for file in files:
                    changed = self.texts.get(file.src_uri) != known[0].get(file.src_uri)
                    file.is_modified = lambda changed=changed: changed
            return files

        def on_env(self, env, config, files):
            self.titles = dict(known[1]) if known is not None else {}
            for page in [file.page for file in files.documentation_pages()]:
                if page.markdown is None:  # not read this time, but the navigation names it
                    page.title = self.titles.get(page.file.src_uri)
                else:
                    self.titles[page.file.src_uri] = page.title
            if cache:
                env.bytecode_cache = FileSystemBytecodeCache(str(cache))
            return env

    return Again()


def build_site(root: Path | str, out: Path | str | None = None, stages: "Stages | None" = None) -> Path:
    """Build the project into `out` (default: site/ below root), replacing what is there only with a whole site.

    stages: hears how far it is. Returns `out`. Raises Failure, and leaves `out` as it was.
    """
    out = Path(out or Path(root) / "site").resolve()
    new, old = out.with_name(f".{out.name}.new"), out.with_name(f".{out.name}.old")
    shutil.rmtree(new, ignore_errors=True)
    try:
        run_mkdocs(root, new, stages=stages)
        shutil.rmtree(old, ignore_errors=True)
        if out.exists():
            out.rename(old)
        new.rename(out)
    finally:
        if old.exists() and not out.exists():  # stopped between the two renames
            old.rename(out)
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return out


if __name__ == "__main__":  # ROOT OUT URL: a whole build in a process of its own, for the live server
    try:
        run_mkdocs(sys.argv[1], sys.argv[2], site_url=sys.argv[3])
    except Failure as failure:
        sys.exit(str(failure))
