"""Kernels for the live cells: one process of real Python a page, which can be stopped within a second.

Knows nothing of pages and sockets: `run` hands each output to a function. A kernel takes code from sockets in a private
folder, from no port (but on Windows; see `endpoint`).
"""

import asyncio
import json
import os
import queue
import re
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import zmq
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec

from mundap.live.processes import MARK, end_marked, end_tree
from mundap.pages.outputs import ANSI
from mundap.running import conditions

PATIENCE = 0.6  # seconds that an interrupted run has to end by itself; a matmul does not hear of it
WATCH = 0.2  # seconds between looks at a kernel that says nothing
START_LIMIT = 60  # seconds
OUTPUT_LIMIT = 1_000_000  # characters of one run that are shown
FIGURE_LIMIT = 8 * OUTPUT_LIMIT  # characters of one figure that is shown
ADDRESS_LIMIT = 100  # bytes of a socket's path: macOS takes 103, Linux 107
NOT_SHOWN = "보여 줄 수 없는 출력이에요."
TOO_LONG = "출력이 너무 길어서 여기까지만 보여 드려요."
TOO_BIG = "너무 커서 보여 줄 수 없는 출력이에요."
CELL_LINE = re.compile(r"Cell In\s?\[(\d+)\], line (\d+)")

Show = Callable[[dict | None], Awaitable[None]]


class Lost(Exception):
    """The kernel ended under a run. why: "memory", "stopped" (an interrupt that was not heard) or "died"."""

    def __init__(self, why: str):
        super().__init__(why)
        self.why = why


class Kernel:
    """One kernel. folder: a private one, for its sockets; directory: where its code runs; memory: bytes it may use."""

    def __init__(self, python: str | Path, folder: Path, directory: Path, memory: int):
        self.python, self.folder, self.directory, self.memory = str(python), folder, directory, memory
        self.manager: Any = None  # jupyter_client's, while alive
        self.client: Any = None
        self.used = time.monotonic()  # when it last ran something
        self.watched = 0.0  # when it was last looked at under a run
        self.running = None  # the id of the request under way
        self.why = None  # it is being ended under a run, and why

    async def start(self) -> None:
        """Start the process and wait until it answers. Raises Lost."""
        self.folder.mkdir(mode=0o700)
        manager = AsyncKernelManager(connection_file=str(self.folder / "connection.json"), **endpoint(self.folder))
        manager._kernel_spec = KernelSpec(
            argv=[self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="mundap",
            language="python",
        )
        environment = conditions.environment(backend=None) | conditions.private_settings(self.folder)
        environment[MARK] = str(self.folder)
        self.manager = manager
        await manager.start_kernel(cwd=str(self.directory), env=environment)
        self.client = manager.client()
        self.client.start_channels()
        try:
            await self.client.wait_for_ready(timeout=START_LIMIT)
        except RuntimeError:
            await self.end()
            raise Lost("died") from None

    @property
    def alive(self) -> bool:
        """Whether it was started and is not ended."""
        return self.manager is not None

    @property
    def pid(self) -> int | None:
        """Of the process; None before it is started and once it is forgotten."""
        return getattr(self.manager and self.manager.provisioner, "pid", None)

    async def run(self, code: str, show: Show) -> dict[str, Any]:
        """Run code -> {"status": "ok" | "error" | "stopped", "seconds"}, with "name", "value", "line" of an error.

        show: async function of one output in nbformat's form, or of None, when the code takes its outputs back.
        Raises Lost, after which the kernel can only be ended.
        """
        outputs, started = Outputs(show), time.monotonic()
        self.why, self.watched = None, 0.0
        self.running = request = self.client.execute(code, allow_stdin=False)
        try:
            while message := await self._next_message(request):
                await outputs.take(message["msg_type"], message["content"])
            return {**outputs.answer, "seconds": time.monotonic() - started}
        finally:
            self.running, self.used = None, time.monotonic()

    async def _next_message(self, request):
        """The next message about a request; None once the kernel has done it. Raises Lost."""
        while True:
            message = await self._receive()
            if time.monotonic() - self.watched > WATCH:
                self.watched = time.monotonic()
                await self._watch()
            if message is None or message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"].get("execution_state") == "idle":
                return None
            return message

    async def _receive(self):
        """A message as the protocol has it, or None if there is none for a while. Raises Lost."""
        if not self.alive:  # end() has closed the sockets
            raise Lost(self.why or "died")
        try:
            message = await self.client.get_iopub_msg(timeout=WATCH)
            parts = [message[name] for name in ("parent_header", "content")]
            return message if all(isinstance(part, dict) for part in parts) else None
        except (queue.Empty, zmq.ZMQError):
            return None
        except Exception:  # the code has written to the kernel's sockets itself: no message of ours
            await asyncio.sleep(0.01)
            return None
        except asyncio.CancelledError:  # end() has closed the sockets under it, or this task is cancelled
            if self.alive:
                raise
            return None

    async def _watch(self):
        """Raise Lost if the kernel has ended, or end it for the memory that it takes."""
        if self.why is None and self.resident() > self.memory:
            self.kill("memory")
        if self.why or not self.alive or not await self.manager.is_alive():
            raise Lost(self.why or "died")

    def resident(self) -> int:
        """Bytes of memory that the kernel and its children hold."""
        if self.pid is None:
            return 0
        try:
            process = psutil.Process(self.pid)
            return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)])
        except psutil.Error:
            return 0

    async def interrupt(self) -> None:
        """Stop what runs: as Ctrl-C does if the code hears it, else by ending the kernel (run raises Lost)."""
        request = self.running
        if not request:
            return
        await self.manager.interrupt_kernel()
        deadline = time.monotonic() + PATIENCE
        while self.running == request and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        if self.running == request:
            self.kill("stopped")

    def kill(self, why: str) -> None:
        """End the process at once, its children too; `run` raises Lost(why)."""
        self.why = why
        if self.pid:
            end_tree(self.pid)

    async def end(self) -> None:
        """End the process and forget it. May be called twice, and while it runs."""
        if not self.alive:
            return
        self.kill(self.why or "ended")  # the children that the code left behind too
        manager, self.manager = self.manager, None
        if self.client:
            self.client.stop_channels()
        await manager.shutdown_kernel(now=True)
        await asyncio.to_thread(end_marked, self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def endpoint(folder: Path) -> dict[str, str]:
    """Where a kernel listens, as options of jupyter_client's manager: sockets in the private folder.

    ZeroMQ on Windows knows only ports, and the path of a socket has a limit: then on 127.0.0.1, where a message counts
    if it is signed with the key in the folder's connection file.
    """
    if os.name == "posix" and len(os.fsencode(folder / "k-1")) <= ADDRESS_LIMIT:
        return {"transport": "ipc", "ip": str(folder / "k")}
    return {"transport": "tcp", "ip": "127.0.0.1"}


class Outputs:
    """The messages of one run, handed on as outputs to `show`, no more than OUTPUT_LIMIT characters of text."""

    def __init__(self, show: Show):
        self.show = show
        self.room = OUTPUT_LIMIT
        self.number = None  # the kernel's number of the run
        self.answer: dict[str, Any] = {"status": "ok"}

    async def take(self, kind: str, content: dict) -> None:
        """A message of Jupyter's protocol: its type and its content. Says so where it is not as the protocol has it."""
        try:
            await self._take(kind, content)
        except (KeyError, TypeError, ValueError):
            await self._stream("stderr", f"\n{NOT_SHOWN}\n")

    async def _take(self, kind, content):
        if kind == "clear_output":
            await self.show(None)
        elif kind == "execute_input":
            self.number = content["execution_count"]
        elif kind == "error":
            self.answer = failure(content, self.number)
        elif kind == "stream":
            await self._stream(str(content["name"]), str(content["text"]))
        elif kind in ("display_data", "execute_result", "update_display_data"):
            await self._display(dict(content["data"]), dict(content["metadata"]))

    async def _display(self, data, metadata):
        if sum(map(size, data.values())) > FIGURE_LIMIT:
            await self._stream("stderr", f"\n{TOO_BIG}\n")
        else:
            await self.show({"output_type": "display_data", "data": data, "metadata": metadata})

    async def _stream(self, name, text):
        text = text[: self.room]
        if not text:
            return
        self.room -= len(text)
        await self.show({"output_type": "stream", "name": name, "text": text})
        if not self.room:
            await self.show({"output_type": "stream", "name": "stderr", "text": f"\n{TOO_LONG}\n"})


def size(value: Any) -> int:
    """Characters of a value of an output, as JSON if it is no text."""
    return len(value if isinstance(value, str) else json.dumps(value))


def failure(content: dict, number: int | None) -> dict[str, Any]:
    """An error's message -> {"status", "name", "value", "line", "traceback"}.

    line: the innermost one of the run of that number, None if the traceback names none of it.
    """
    text = ANSI.sub("", "\n".join(map(str, content["traceback"])))
    lines = [int(line) for cell, line in CELL_LINE.findall(text) if int(cell) == number]
    status = "stopped" if content["ename"] == "KeyboardInterrupt" else "error"
    return {
        "status": status,
        "name": str(content["ename"]),
        "value": str(content["evalue"]),
        "line": lines[-1] if lines else None,
        "traceback": text,
    }
