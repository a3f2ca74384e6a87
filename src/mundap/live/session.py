"""An open page that runs code: its queue of runs, its kernel, and what it is told of both.

Knows nothing of sockets: what there is to tell is handed to a function.
"""

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mundap.live.kernels import NOT_SHOWN, Kernel, Lost
from mundap.live.orders import Program, programs
from mundap.live.pool import Pool
from mundap.pages import outputs
from mundap.pages.safe import sanitize
from mundap.problems import Failure
from mundap.project.snippets import Snippet

MAX_WAITING = 200  # runs that a page may have asked for
DRAWING = 10  # seconds that an output may take to be drawn
DEEPEST = 100  # elements inside each other
TAG = re.compile(r"<(/?)([a-zA-Z]+)[^<>]*?(/?)>")
VOID = ("br", "col")
FAULT = "실행 결과를 읽지 못해서 커널을 닫았어요. 다시 실행해 주세요."


class Session:
    """One page's runs, one after another, in a kernel that starts with the first of them.

    snippets: gives the snippets as the page shows them. tell: is given each message; what it returns can be awaited, to
    write no faster than the page reads. The messages, each with `what`:
        setup (text): the kernels' Python is being made    starting, ready: the kernel
        running (cell, step, steps)    text (cell, name, text)    output (cell, html)    clear (cell): take them back
        lost (why): the kernel is gone, with its variables
        done (cell, status, seconds; value, name, line, traceback where there is something to say)
    """

    def __init__(
        self,
        pool: Pool,
        snippets: Callable[[], Mapping[str, Snippet]],
        tell: Callable[[dict[str, Any]], Awaitable[None]],
    ):
        self.pool, self.snippets, self.tell = pool, snippets, tell
        self.kernel: Kernel | None = None
        self.current: asyncio.Future[None] | None = None  # the run under way
        self.waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_WAITING)
        self.shown = 0  # outputs so far: ids of figures must differ
        self.worker = asyncio.create_task(self._work())
        pool.owners.add(self)

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self.current is not None

    def say(self, what: str, **news: Any) -> Awaitable[None]:
        """Tell the page. Returns what can be awaited, to write no faster than it is read."""
        return self.tell({"what": what, **news})

    async def do(self, order: dict[str, Any]) -> None:
        """Take an order; see orders.read_order. Raises asyncio.QueueFull if too many wait."""
        if order["do"] == "stop":
            await self._stop()
        elif order["do"] == "restart":
            self._forget_waiting()
            await self.drop("restart")
        else:
            self.waiting.put_nowait(order)

    async def _stop(self):
        self._forget_waiting()
        if self.kernel and self.kernel.running:
            await self.kernel.interrupt()
        elif self.current:  # it waits for its kernel
            self.current.cancel()

    def _forget_waiting(self):
        while not self.waiting.empty():
            self.say("done", cell=self.waiting.get_nowait()["cell"], status="stopped", seconds=0)

    async def drop(self, why: str) -> None:
        """End the kernel; the next run starts another."""
        kernel, self.kernel = self.kernel, None
        if kernel:
            if kernel.running:
                kernel.kill(why)  # the run ends as lost, and says so
            else:
                self.say("lost", why=why)
            await kernel.end()

    async def leave(self) -> None:
        """End what belongs to the page. May be called twice."""
        self.pool.owners.discard(self)
        self.worker.cancel()
        if self.current:
            self.current.cancel()
        kernel, self.kernel = self.kernel, None
        if kernel:
            await kernel.end()

    async def _work(self):
        """Do one run after another, until the page goes."""
        while True:
            order = await self.waiting.get()
            self.current = asyncio.ensure_future(self._answer(order))
            await asyncio.wait([self.current])
            if self.current.cancelled():
                self.say("done", cell=order["cell"], status="stopped", seconds=0)
            self.current = None

    async def _answer(self, order):
        """Do one run, and tell what kept it from ending well."""
        cell = order["cell"]
        try:
            # In a thread: a snippet is taken apart meanwhile, and the server goes on answering.
            await self._run(cell, await asyncio.to_thread(programs, order, self.snippets()))
        except Failure as failure:
            self.say("done", cell=cell, status="trouble", value=str(failure), seconds=0)
        except Lost as lost:
            await self._lose(cell, lost.why, status="lost", value=lost.why)
        except Exception:  # a fault of ours: the page must not wait for ever
            traceback.print_exc()
            await self._lose(cell, "died", status="trouble", value=FAULT)

    async def _lose(self, cell: int, why: str, **answer: str):
        """Give the kernel up, and tell how the run of a cell ended."""
        kernel, self.kernel = self.kernel, None
        self.say("lost", why=why)
        self.say("done", cell=cell, seconds=0, **answer)
        if kernel:
            await kernel.end()

    async def _run(self, cell: int, steps: list[Program]):
        """Run the programs of a cell until one fails, and tell of it all. Raises Lost, Failure."""
        kernel = self.kernel or await self._start()
        answer, seconds = {"status": "ok"}, 0.0
        for number, program in enumerate(steps, 1):
            self.say("running", cell=cell, step=number, steps=len(steps))
            answer = await kernel.run(program.code, lambda output: self._show(cell, output))
            seconds += answer["seconds"]
            if answer["status"] != "ok":
                answer["line"] = program.line_of_page(answer.get("line"))
                break
        await self.say("done", cell=cell, **{**answer, "seconds": round(seconds, 2)})

    async def _start(self):
        self.say("starting")
        self.kernel = await self.pool.start_kernel()
        self.say("ready")
        return self.kernel

    async def _show(self, cell, output):
        """Tell the page of an output, in the site's own markup, which holds no script."""
        if output is None:
            await self.say("clear", cell=cell)
        elif output["output_type"] == "stream":
            text = outputs.ANSI.sub("", output["text"])
            await self.say("text", cell=cell, name=output["name"], text=text)
        else:
            self.shown += 1
            await self.say("output", cell=cell, html=await draw(output, self.shown))


async def draw(output: dict[str, Any], number: int) -> str:
    """See markup: in a thread, as a large table takes a while; that it cannot be shown, where it takes too long."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(markup, output, number), DRAWING)
    except TimeoutError:
        return outputs.text_output(NOT_SHOWN, "출력")


def markup(output: dict[str, Any], number: int) -> str:
    """An output as the site's HTML, with ids that no other output has; as text where it cannot be drawn."""
    data, metadata = output["data"], output["metadata"]
    named = {**output, "metadata": {**metadata, "name": f"live-{number}-{metadata.get('name', 'output')}"}}
    for kind in ("image/svg+xml", "text/html", "image/png"):
        if kind in data:
            try:
                if kind == "text/html":
                    require_plain(outputs.joined(data[kind]))
                return sanitize(outputs.output({**named, "data": {kind: data[kind]}}, set()))
            except Exception:  # whatever code can put there: no figure, a number, a list, too deep, ...
                continue
    text = data.get("text/plain", NOT_SHOWN)
    lines = text if isinstance(text, list) else [text]
    return outputs.text_output("".join(map(str, lines)), "출력")


def require_plain(text: str) -> None:
    """Raise ValueError of markup that no parser is quick with: a `<` that begins no tag, elements nested too deeply."""
    tags = TAG.findall(text)
    if len(tags) != text.count("<"):
        raise ValueError("not only tags")
    depth = 0
    for end, name, empty in tags:
        depth += -1 if end else not (empty or name in VOID)
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
