"""Build the site with MkDocs in this process: every warning is an error, and a failed build leaves the old site alone."""

import logging
import os
import shutil
from pathlib import Path

from mundap.problems import Failure

os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")


class Messages(logging.Handler):
    """Keeps the warnings and errors that MkDocs logs, instead of printing them."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())

    def __enter__(self):
        logging.getLogger("mkdocs").addHandler(self)
        return self

    def __exit__(self, *error):
        logging.getLogger("mkdocs").removeHandler(self)


def render(root, out, site_url=None, options=None):
    """Build the project below `root` into the folder `out`. Raises Failure with all that MkDocs had to say.

    site_url: the address that the pages are served from, instead of mkdocs.yml's.
    options: {plugin: {option: value}}, instead of mkdocs.yml's, for the plugins that the project uses.
    """
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    with Messages() as messages:
        try:
            config = load_config(str(Path(root) / "mkdocs.yml"), site_dir=str(out), site_url=site_url, strict=True)
            for name, values in (options or {}).items():
                if name in config.plugins:
                    config.plugins[name].config.update(values)
            config.plugins.on_startup(command="build", dirty=False)
            try:
                build(config)
            finally:
                config.plugins.on_shutdown()
        except MkDocsException as error:
            raise Failure("\n".join(messages.lines or [str(error)])) from error
    if messages.lines:  # such as a warning of the configuration, which strict builds let pass in some places
        raise Failure("\n".join(messages.lines))


def build_site(root, out=None):
    """Build the project into `out` (default: site/ below root), replacing what is there only with a whole site.

    Returns `out`. Raises Failure, and leaves `out` as it was.
    """
    out = Path(out or Path(root) / "site").resolve()
    new, old = out.with_name(f".{out.name}.new"), out.with_name(f".{out.name}.old")
    shutil.rmtree(new, ignore_errors=True)
    try:
        render(root, new)
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
