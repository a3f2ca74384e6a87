"""The site as it was last built without a mistake, built again at each save: watch, check, build, what changed."""

import asyncio
import filecmp
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mundap.live.saves import Saves, Snapshot
from mundap.problems import Failure, Problem
from mundap.project.check import examine
from mundap.project.files import reason
from mundap.project.snippets import Snippet
from mundap.site.build import run_mkdocs

PAUSE = 2  # seconds without a save before the whole site is built again
SEARCH_INDEX = "search-index"
NO_ROOM = f"임시 폴더({tempfile.gettempdir()})에 남은 공간이 있는지, 파일을 읽을 권한이 있는지 확인해 주세요."
ASSETS = (".css", ".js", ".mjs", ".svg", ".png", ".woff2")

State = dict[str, Any]  # see Builds.state


class Builds:
    """The last good build of a project, and what is wrong since.

    A save of a thread builds only the pages that it changes, to show them at once; when the author pauses, the whole
    site is built, with its search index, by another process. Each build fills a folder of its own, and the server turns
    to it when it is whole.

    folder: for the builds; check: root -> (Project, [Problem]), called before each build, which happens only when it
    finds nothing but minor problems; url: the address that the pages are served from.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        check: Callable[[Path], tuple[Any, list[Problem]]] = examine,
        url: str = "",
    ):
        self.root, self.folder, self.check, self.url = Path(root), Path(folder), check, url
        self.pages: Path | None = None  # folder of the last good build
        self.before: Path | None = None  # of the one before, for requests under way
        self.version = int(time.time() * 1000)  # never the same again after a restart
        self.problems: list[dict[str, str]] = []
        self.project = None  # that the pages were built from
        self.waiting: set[str] = set()  # names of the files that changed since the last good build
        self.known = None  # of that build, for the next: see site.build.run_mkdocs
        self.cache = self.folder / "templates"
        self.cache.mkdir()

    @property
    def snippets(self) -> Mapping[str, Snippet]:
        """The snippets as the pages show them -> {name: Snippet}."""
        return self.project.snippets if self.project else {}

    def update(self, names: Iterable[str] = ()) -> State:
        """Check and build after a change of the named files. Returns what the open pages must know."""
        self.waiting.update(names)
        changed: list[str] = []
        try:
            project, all_problems = self.check(self.root)
            problems = [
                {"place": f"{problem.path}:{problem.line}:{problem.column}", "what": problem.what, "todo": problem.todo}
                for problem in all_problems
                if not problem.minor
            ]
            if not problems:
                changed = self._build(project)
                self.project = project
        except Failure as failure:
            problems = [{"place": "", "what": str(failure), "todo": ""}]
        except OSError as error:
            problems = [{"place": "", "what": f"사이트를 만들지 못했어요({reason(error)}).", "todo": NO_ROOM}]
        except Exception as error:  # a fault of ours, not of the author: keep serving, and show it
            traceback.print_exc()
            problems = [{"place": "", "what": f"{type(error).__name__}: {error}", "todo": ""}]
        self.problems = problems
        return self.state(changed)

    def state(self, changed: list[str] | None = None) -> State:
        """{version, problems, pages, assets}: pages is the list of HTML files that changed, None for 'not known'."""
        return {
            "version": self.version,
            "problems": self.problems,
            "pages": None if changed is None else [name for name in changed if name.endswith(".html")],
            "assets": any(name.endswith(ASSETS) and not name.startswith(SEARCH_INDEX) for name in changed or []),
        }

    def _build(self, project):
        """Build the pages of the project that the waiting files can change. Returns the names of the files that changed."""
        new = self.folder / f"{self.version + 1}"
        quick = bool(self.pages and self.known and self.waiting and all(map(is_thread, self.waiting)))
        options = {
            "mundap": {"search": self.pages is None, "project": project},
            "mkdocs-jupyter": {"cache": not quick, "cache_dir": str(self.folder / "notebooks")},
        }
        try:
            known = run_mkdocs(self.root, new, self.url, options, self.cache, self.known if quick else None)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        if quick:
            fill(new, self.pages)
        elif self.pages and (self.pages / SEARCH_INDEX).exists():  # an index of before is better than none
            fill(new / SEARCH_INDEX, self.pages / SEARCH_INDEX)
        self.known = known
        self.waiting.clear()
        return self._turn(new)

    def _turn(self, new):
        """Serve another folder from now on. Returns the names of the files that are not the same."""
        changed = differences(self.pages, new)
        if self.before:
            shutil.rmtree(self.before, ignore_errors=True)  # Windows keeps a file that is being sent
        self.before, self.pages = self.pages, new
        self.version += 1
        return changed

    async def build_whole(self) -> State:
        """Build all, once the author pauses, in a process that ends with this task. Returns the state, as update."""
        await asyncio.sleep(PAUSE)
        out = self.folder / f"{self.version + 1}-whole"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mundap.site.build", str(self.root), str(out), self.url),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            errors = (await process.communicate())[1].decode("utf-8", "replace")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if process.returncode != 0:
                shutil.rmtree(out, ignore_errors=True)
        if process.returncode == 0:
            return self.state(self._turn(out))
        self.problems = [{"place": "", "what": errors.strip(), "todo": ""}]
        return self.state([])


def is_thread(name: str) -> bool:
    """Whether a file, named from the root, is a thread's: docs/qa/CHAPTER/THREAD.yaml."""
    return name.startswith("docs/qa/") and name.count("/") == 3 and name.endswith(".yaml")


def fill(new: Path, old: Path) -> None:
    """Link the files of an old folder into a new one where it has none of that name. Built files are never written."""
    for path in old.rglob("*"):
        target = new / path.relative_to(old)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target)
            except OSError:  # a file system without hard links
                shutil.copyfile(path, target)


def differences(old: Path | None, new: Path) -> list[str]:
    """Names, relative and sorted, of the files that are not the same in two folders."""

    def names(folder):
        paths = folder.rglob("*") if folder else []
        return {path.relative_to(folder).as_posix() for path in paths if path.is_file()}

    before, after = names(old), names(new)
    same = filecmp.cmpfiles(old, new, before & after, shallow=False)[0] if old else []
    return sorted((before | after) - set(same))


async def watch(builds: Builds, seen: Snapshot, tell: Callable[[State, list[str], float], None]) -> None:
    """Build anew whenever a watched file was saved; runs until it is cancelled.

    seen: the snapshot before the last build. tell: is given the state, the names of the saved files and the seconds
    that the build took; of a whole build, which follows by itself, no names and no seconds.
    """
    loop = asyncio.get_running_loop()
    whole = None

    def tell_whole(task):
        if not task.cancelled():
            tell(task.result(), [], 0.0)

    try:
        with Saves(builds.root, seen) as saves:
            while True:
                names = await saves.next()
                start = time.perf_counter()
                if whole:
                    whole.cancel()
                state = await loop.run_in_executor(None, builds.update, names)
                tell(state, names, time.perf_counter() - start)
                if not builds.problems:
                    whole = asyncio.create_task(builds.build_whole())
                    whole.add_done_callback(tell_whole)
    finally:
        if whole:
            whole.cancel()
            await asyncio.wait([whole])
