"""Wait for an author's saves: the system tells of them, and a look now and then finds what it did not tell."""

import asyncio
import contextlib
import logging
import os
import stat
from pathlib import Path
from types import TracebackType

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

WATCHED = ["docs", "overrides", "snippets", "qa_index.yaml", "mkdocs.yml"]
UNWATCHED = ("__pycache__", "node_modules")
TOLD = ("created", "modified", "moved", "deleted")  # not that a file was read
LOOK = 5  # seconds between looks where the system tells of saves
POLL = 0.15  # where it does not
SETTLED = 0.05  # without a change
ENDED = 5  # that the observer has to end in

logging.getLogger("watchdog").setLevel(logging.ERROR)  # it warns of events that come while it ends

Snapshot = dict[str, tuple[int, int]]  # {path: (time of change, size)}


def snapshot(root: Path) -> Snapshot:
    """{path: (time of change, size)} of all that the site is made of."""
    files, waiting = {}, [os.path.join(root, name) for name in WATCHED]
    while waiting:
        path = waiting.pop()
        try:
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode):
                names = [name for name in os.listdir(path) if not name.startswith(".") and name not in UNWATCHED]
                waiting += [os.path.join(path, name) for name in names]
            else:
                files[path] = status.st_mtime_ns, status.st_size
        except OSError:
            continue  # gone, or being replaced by an editor: the next look tells
    return files


class Saves(FileSystemEventHandler):
    """The saves below a project's folder, one after the other.

    seen: the snapshot before the first of them. To be used in `with`, in a running event loop.
    """

    def __init__(self, root: Path, seen: Snapshot):
        self.root, self.seen = root, seen
        self.loop, self.told = asyncio.get_running_loop(), asyncio.Event()
        self.observer = Observer()
        self.pause = LOOK

    def __enter__(self) -> "Saves":
        try:
            self.observer.schedule(self, str(self.root))
            for name in WATCHED:
                if (self.root / name).is_dir():
                    self.observer.schedule(self, str(self.root / name), recursive=True)
            self.observer.start()
        except OSError:  # no room for more watches
            self.observer.unschedule_all()
            self.pause = POLL
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, where: TracebackType | None) -> None:
        if self.observer.is_alive():
            self.observer.stop()
            self.observer.join(ENDED)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called by the observer's thread."""
        if event.event_type in TOLD:
            self.loop.call_soon_threadsafe(self.told.set)

    async def next(self) -> list[str]:
        """Wait for the next save to be whole -> the names of the files that changed, from the root."""
        now, before = snapshot(self.root), None
        while now == self.seen:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.pause):  # wait_for of Python 3.11 may lose that the task is cancelled
                    await self.told.wait()
            self.told.clear()
            now = snapshot(self.root)
        while now != before:  # an editor may be half way through writing
            await asyncio.sleep(SETTLED)
            now, before = snapshot(self.root), now
        seen, self.seen = self.seen, now
        changed = [path for path in now.keys() | seen.keys() if now.get(path) != seen.get(path)]
        return sorted(Path(path).relative_to(self.root).as_posix() for path in changed)
