"""The kernels of all open pages: how many there may be, which one goes for another, where their Python comes from."""

import asyncio
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path
from typing import Any, Protocol

import psutil

from mundap.live.kernels import Kernel
from mundap.live.processes import end_tree
from mundap.problems import Failure
from mundap.project.files import reason

MAX_KERNELS = 4
IDLE = 30 * 60  # seconds after which a kernel that runs nothing is ended
LOOK = 1  # seconds between looks for such kernels, and for those that hold too much memory
PROGRESS = "[준비] "  # stands before each line of tools/setup_env.py's progress


class Owner(Protocol):
    """What the pool knows of an open page; see session.Session."""

    kernel: Kernel | None

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""

    def say(self, what: str, **news: Any) -> object:
        """Tell the page."""

    async def drop(self, why: str) -> None:
        """End the kernel."""

    async def leave(self) -> None:
        """End all that belongs to the page."""


class Pool:
    """The open pages and what they share.

    root: the project, in whose snippets/ the code runs; folder: for the kernels' private folders. python: of the
    kernels, None to find or make it at the first run; setup: the command that makes one; memory: bytes that one kernel
    may use; idle: seconds that it may do nothing.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        python: str | None = None,
        setup: Sequence[str] | None = None,
        memory: int | None = None,
        idle: float = IDLE,
    ):
        self.root, self.folder, self.python = Path(root), Path(folder), python
        self.setup = setup or default_setup(self.root)
        self.memory, self.idle = memory or psutil.virtual_memory().total // 2, idle
        self.owners: set[Owner] = set()
        self.started = 0  # kernels so far
        self.making: asyncio.Future[str] | None = None  # what makes the python, whoever waits for it
        self.leaving: set[asyncio.Future[None]] = set()  # the ends of pages that are gone

    async def start_kernel(self) -> Kernel:
        """A kernel that answers. Raises Lost, and Failure where there is no Python or no room for it."""
        python = await self.find_python()
        await self.make_room()
        self.started += 1
        kernel = Kernel(python, self.folder / f"{self.started}", self.root / "snippets", self.memory)
        try:
            await kernel.start()
        except asyncio.CancelledError:
            await kernel.end()
            raise
        except OSError as error:
            await kernel.end()
            raise Failure(f"커널을 열지 못했어요({reason(error)}). 남은 디스크 공간을 확인해 주세요.") from None
        return kernel

    async def find_python(self) -> str:
        """The python of the kernels, made if there is none, with its progress told to the pages. Raises Failure."""
        if self.python is None and complete("mundap", "run"):
            self.python = sys.executable
        if self.python is None:
            self.making = self.making or asyncio.ensure_future(make_python(self.setup, self.root, self.tell_progress))
            making = self.making
            try:
                self.python = await asyncio.shield(making)  # a page that stops waiting does not stop it for the others
            finally:
                if making.done():
                    self.making = None
        return self.python

    def tell_progress(self, text: str) -> None:
        """Tell every page how far the making of the Python is."""
        for owner in list(self.owners):
            owner.say("setup", text=text)

    async def make_room(self) -> None:
        """End the kernel that was idle the longest if there are too many. Raises Failure if all of them run."""
        kernels = {owner: owner.kernel for owner in self.owners if owner.kernel}
        if len(kernels) < MAX_KERNELS:
            return
        idle = {owner: kernel.used for owner, kernel in kernels.items() if not owner.busy}
        if not idle:
            raise Failure(f"페이지 {MAX_KERNELS}개가 코드를 돌리고 있어요. 하나를 멈추거나 닫은 뒤 다시 실행해 주세요.")
        await min(idle, key=lambda owner: idle[owner]).drop("room")

    async def watch(self) -> None:
        """End the kernels that have long run nothing, or hold too much memory between runs; never returns."""
        while True:
            await asyncio.sleep(min(LOOK, self.idle))
            for owner in list(self.owners):
                if owner.kernel and not owner.busy:
                    try:
                        await self._look_at(owner, owner.kernel)
                    except Exception:  # of one kernel: the others are looked at all the same
                        traceback.print_exc()

    async def _look_at(self, owner: Owner, kernel: Kernel) -> None:
        if time.monotonic() - kernel.used > self.idle:
            await owner.drop("idle")
        elif await asyncio.to_thread(kernel.resident) > self.memory and owner.kernel is kernel:
            await owner.drop("memory")

    def release(self, owner: Owner) -> None:
        """End what belongs to a page that is gone, without waiting for it."""
        ending = asyncio.ensure_future(owner.leave())
        self.leaving.add(ending)  # a task that nobody holds may be collected before it is done
        ending.add_done_callback(self.leaving.discard)

    async def close(self) -> None:
        """End every kernel, and what is being made."""
        if self.making:
            self.making.cancel()
            await asyncio.wait([self.making])
        for owner in list(self.owners):
            self.release(owner)
        if self.leaving:
            await asyncio.wait(self.leaving)


def default_setup(root: Path) -> list[str] | None:
    """The command that makes the kernels' Python in a clone of this repository; None elsewhere."""
    script = root / "tools" / "setup_env.py"
    outside = getattr(sys, "_base_executable", sys.executable)  # a new environment is not made inside another
    return [outside, str(script), "run"] if script.exists() else None


def complete(package: str, extra: str) -> bool:
    """Whether every requirement of an extra of a package is installed."""
    try:
        for requirement in requires(package) or []:
            if re.search(rf"""extra == ['"]{extra}['"]""", requirement):
                distribution(re.split(r"[^\w.-]", requirement)[0])
    except PackageNotFoundError:
        return False
    return True


async def make_python(command: Sequence[str] | None, root: Path, tell: Callable[[str], None]) -> str:
    """Run the command that makes a Python -> its path. Raises Failure.

    The command writes {"python": PATH} to stdout when all is well, and its progress, told line by line, to stderr. What
    it has started ends with it if this is cancelled.
    """
    if not command:
        raise Failure("코드를 돌릴 환경이 없어요. `pip install 'mundap[run]'`으로 준비한 뒤 서버를 다시 열어 주세요.")
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=root,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout and process.stderr  # they are pipes
    try:
        answer, last_line, status = await asyncio.gather(
            process.stdout.read(), follow(process.stderr, tell), process.wait()
        )
    finally:
        if process.returncode is None:
            end_tree(process.pid, gently=True)  # pip too
            await process.wait()
    python = read_python(answer)
    if status or python is None:
        raise Failure(f"코드를 돌릴 환경을 준비하지 못했어요. {last_line}")
    return python


async def follow(stream: asyncio.StreamReader, tell: Callable[[str], None]) -> str:
    """Tell each line of progress, until the stream ends. Returns the last one."""
    last_line = ""
    async for line in stream:
        text = line.decode("utf-8", "replace").strip().removeprefix(PROGRESS)
        if text:
            last_line = text
            tell(text)
    return last_line


def read_python(answer: bytes) -> str | None:
    """The path in {"python": PATH}; None if it is not that, or nothing is there."""
    try:
        python = json.loads(answer)["python"]
        return python if Path(python).is_file() else None
    except (ValueError, KeyError, TypeError):
        return None
