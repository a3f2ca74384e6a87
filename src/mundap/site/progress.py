"""How far a build is: one line that changes on a terminal, a line a stage elsewhere."""

import os
import sys
from pathlib import Path
from typing import Any, TextIO

from mkdocs.plugins import BasePlugin, event_priority

WIDTH = 40  # columns, more than any line of it takes


class Progress:
    """Tells the stages of a build, and in them how many pages are done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty()
        self.stage, self.done, self.total = "", 0, 0

    def begin(self, stage: str, total: int = 0) -> None:
        """A stage begins; total: the pages in it, 0 where they are not counted."""
        self.stage, self.done, self.total = stage, 0, total
        if self.is_terminal:
            self._show()
        else:
            print(f"{stage}{f' ({total}쪽)' if total else ''}", file=self.stream, flush=True)

    def step(self) -> None:
        """A page of the stage is done."""
        self.done += 1
        if self.is_terminal:
            self._show()

    def end(self) -> None:
        """Nothing more comes."""
        if self.is_terminal:
            print("\r" + " " * WIDTH, end="\r", file=self.stream, flush=True)

    def _show(self) -> None:
        count = f" {self.done}/{self.total}" if self.total else ""
        print(f"\r{(self.stage + count):{WIDTH // 2}}", end="", file=self.stream, flush=True)


class Stages(BasePlugin):
    """Hears from MkDocs how far it is."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress, self.pages = progress, 0

    @event_priority(100)  # before the project is read
    def on_config(self, config: Any) -> None:
        self.progress.begin("문답을 살펴요")

    @event_priority(-100)  # once all are there
    def on_files(self, files: Any, config: Any) -> None:
        self.pages = len(files.documentation_pages())
        self.progress.begin("쪽을 만들어요", self.pages)

    @event_priority(-100)
    def on_page_content(self, content: str, page: Any, config: Any, files: Any) -> None:
        self.progress.step()

    def on_env(self, env: Any, config: Any, files: Any) -> None:
        self.progress.begin("쪽을 써요", self.pages)

    @event_priority(-100)
    def on_post_page(self, output: str, page: Any, config: Any) -> None:
        self.progress.step()

    @event_priority(100)  # before the pages are indexed
    def on_post_build(self, config: Any) -> None:
        self.progress.begin("검색 색인을 만들어요")


def told(out: Path, pages: int) -> str:
    """What there is to say of a site that is made, and how to look at it."""
    where = out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out
    python, quoted = Path(sys.executable).stem, f'"{where}"' if " " in str(where) else where
    look = f"{python} -m http.server --bind 127.0.0.1 --directory {quoted}"
    return f"{where}{os.sep}에 {pages}쪽을 만들었어요. 보려면: {look}"
