"""Kernels for the live cells: one process of real Python a page, which can be stopped within a second.

Knows nothing of pages and sockets: `run` hands each output to a function. A kernel takes code from sockets in a private
folder, from no port.
"""

import asyncio
import os
import re
import signal
import time

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec

from mundap.pages.notebook_page import ANSI

PATIENCE = 0.6  # seconds that an interrupted run has to end by itself; a matmul does not hear of it
WATCH = 0.2  # seconds between looks at a kernel that says nothing
START_LIMIT = 60  # seconds
OUTPUT_LIMIT = 1_000_000  # characters of one run that are shown
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}  # threads as the records are made
CELL_LINE = re.compile(r"Cell In\s?\[(\d+)\], line (\d+)")


class Lost(Exception):
    """The kernel ended under a run. why: "memory", "stopped" (an interrupt that was not heard) or "died"."""

    def __init__(self, why):
        super().__init__(why)
        self.why = why


class Kernel:
    """One kernel. folder: a private one, for its sockets; directory: where its code runs; memory: bytes it may use."""

    def __init__(self, python, folder, directory, memory):
        self.python, self.folder, self.directory, self.memory = str(python), folder, directory, memory
        self.manager = self.client = None
        self.used = time.monotonic()  # when it last ran something
        self.running = None  # the id of the request under way
        self.why = None  # it is being ended under a run, and why

    async def start(self):
        """Start the process and wait until it answers. Raises Lost."""
        self.folder.mkdir(mode=0o700)
        manager = AsyncKernelManager(
            transport="ipc", ip=str(self.folder / "k"), connection_file=str(self.folder / "connection.json")
        )
        manager._kernel_spec = KernelSpec(
            argv=[self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="mundap",
            language="python",
        )
        scratch = {"IPYTHONDIR": str(self.folder), "JUPYTER_RUNTIME_DIR": str(self.folder)}  # no one's own settings
        environment = {**os.environ, **ENVIRONMENT, **scratch}
        for name in ("FULL_RUN", "MPLBACKEND"):  # a short run; plt.show() shows its figure in the page
            environment.pop(name, None)
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
    def alive(self):
        return self.manager is not None

    async def run(self, code, show):
        """Run code -> {"status": "ok" | "error" | "stopped", "seconds"}, with "name", "value", "line" of an error.

        show: async function of one output in nbformat's form, or of None, when the code takes its outputs back.
        Raises Lost, after which the kernel can only be ended.
        """
        room, watched, started = OUTPUT_LIMIT, 0.0, time.monotonic()
        self.why = None
        self.running = request = self.client.execute(code, allow_stdin=False)
        number, answer = None, {"status": "ok"}
        try:
            while True:
                try:
                    message = await self.client.get_iopub_msg(timeout=WATCH)
                except Exception:  # queue.Empty, or the sockets were closed by end()
                    message = None
                except asyncio.CancelledError:  # the sockets were closed by end(), or this task is cancelled
                    if self.alive:
                        raise
                    message = None
                if time.monotonic() - watched > WATCH:
                    watched = time.monotonic()
                    await self._watch()
                if message is None or message["parent_header"].get("msg_id") != request:
                    continue
                kind, content = message["msg_type"], message["content"]
                if kind == "status" and content["execution_state"] == "idle":
                    break
                if kind == "clear_output":
                    await show(None)
                elif kind == "execute_input":
                    number = content["execution_count"]
                elif kind == "error":
                    answer = failure(content, number)
                elif kind == "stream":
                    text = content["text"][:room]
                    room -= len(text)
                    if text:
                        await show({"output_type": "stream", "name": content["name"], "text": text})
                    if text and not room:
                        await show(
                            {
                                "output_type": "stream",
                                "name": "stderr",
                                "text": "\n출력이 너무 길어서 여기까지만 보여 드려요.\n",
                            }
                        )
                elif kind in ("display_data", "execute_result", "update_display_data"):
                    size = sum(len(value) for value in content["data"].values() if isinstance(value, str))
                    if size <= OUTPUT_LIMIT * 8:  # a figure
                        await show(
                            {"output_type": "display_data", "data": content["data"], "metadata": content["metadata"]}
                        )
            return {**answer, "seconds": time.monotonic() - started}
        finally:
            self.running, self.used = None, time.monotonic()

    async def _watch(self):
        """Raise Lost if the kernel has ended, or end it for the memory that it takes."""
        if self.why is None and self.resident() > self.memory:
            await self.kill("memory")
        if self.why or not self.alive or not await self.manager.is_alive():
            raise Lost(self.why or "died")

    def resident(self):
        """Bytes of memory that the kernel and its children hold."""
        try:
            process = psutil.Process(self.manager.provisioner.pid)
            return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)])
        except (psutil.Error, AttributeError):
            return 0

    async def interrupt(self):
        """Stop what runs: as Ctrl-C does if the code hears it, else by ending the kernel (run raises Lost)."""
        request = self.running
        if not request:
            return
        await self.manager.interrupt_kernel()
        deadline = time.monotonic() + PATIENCE
        while self.running == request and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        if self.running == request:
            await self.kill("stopped")

    async def kill(self, why):
        """End the process at once, its children too; `run` raises Lost(why)."""
        self.why = why
        group = getattr(self.manager.provisioner, "pgid", None)
        try:
            if group and group != os.getpgrp():
                os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass

    async def end(self):
        """End the process and forget it. May be called twice, and while it runs."""
        manager, self.manager = self.manager, None
        if manager is None:
            return
        self.why = self.why or "ended"
        group = getattr(manager.provisioner, "pgid", None)
        if self.client:
            self.client.stop_channels()
        try:
            await manager.shutdown_kernel(now=True)
        finally:
            try:
                if group and group != os.getpgrp():
                    os.killpg(group, signal.SIGKILL)  # children that the code left behind
            except (ProcessLookupError, PermissionError):
                pass


def failure(content, number):
    """An error's message -> {"status", "name", "value", "line", "traceback"}.

    line: the innermost one of the run of that number, None if the traceback names none of it.
    """
    text = ANSI.sub("", "\n".join(content["traceback"]))
    lines = [int(line) for cell, line in CELL_LINE.findall(text) if int(cell) == number]
    status = "stopped" if content["ename"] == "KeyboardInterrupt" else "error"
    return {
        "status": status,
        "name": content["ename"],
        "value": content["evalue"],
        "line": lines[-1] if lines else None,
        "traceback": text,
    }
