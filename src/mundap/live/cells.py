"""The live cells' side of the server: who may run code, one kernel a page, outputs as the site shows them.

Whoever may run code here may do all that this computer's user may. So a page asks in vain unless its browser came in by
the address that the terminal shows: its token is good for one visit, which gets a cookie that no script can read and no
other site can send. Host and Origin are compared by `Local`, as for every request.
"""

import asyncio
import hmac
import json
import os
import re
import secrets
import signal
import sys
import time
import traceback
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.resources import files
from pathlib import Path

import psutil
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError

from mundap.live.kernels import Kernel, Lost
from mundap.live.serve import EMPTY_PAGE, Local, LocalSocket
from mundap.pages import notebook_page
from mundap.pages.svg import SvgError
from mundap.project import snippets
from mundap.project.math import MathError

MAX_PAGES = 32  # open pages that may have asked for a kernel
MAX_KERNELS = 4
MAX_MESSAGE = 1 << 20  # bytes: a page's cells, not a file
MAX_WAITING = 200  # runs that a page may have asked for
IDLE = 30 * 60  # seconds after which a kernel that runs nothing is ended
LOOK = 5  # seconds between looks for such kernels
ASSETS = {"cells.js": "text/javascript", "cells.css": "text/css"}
USED = "이 주소는 이미 썼거나 이 서버의 것이 아니에요. 터미널에 마지막으로 나온 주소를 열어 주세요."


class Cells:
    """What the pages share. announce: told the address that lets the next browser in; setup: what makes a python.

    python: of the kernels, None to find or make it at the first run; memory: bytes that one kernel may use.
    """

    def __init__(self, root, folder, host, announce, python=None, setup=None, memory=None, idle=IDLE):
        self.root, self.folder, self.host, self.announce = Path(root), Path(folder), host, announce
        self.python, self.memory, self.idle = python, memory or psutil.virtual_memory().total // 2, idle
        script = self.root / "tools" / "setup_env.py"
        outside = getattr(sys, "_base_executable", sys.executable)  # a new environment is not made inside another
        self.setup = setup or ([outside, str(script), "run"] if script.exists() else None)
        self.name = f"mundap-{host.rpartition(':')[2]}"  # cookies do not know ports
        self.cookies, self.pages, self.count = set(), set(), 0
        self.making = None  # the task that makes the python, whoever waits for it
        self.token = None

    def address(self):
        """A new address that lets one browser in; the one before is void."""
        self.token = secrets.token_urlsafe(32)
        return f"http://{self.host}/_live/enter?token={self.token}"

    def enter(self, token):
        """A cookie for a token, or None. The token is void afterwards."""
        if self.token is None or not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        cookie = secrets.token_urlsafe(32)
        self.cookies.add(cookie)
        self.announce(self.address())
        return cookie

    def may(self, cookie):
        """Whether a cookie is one of ours."""
        return any([hmac.compare_digest((cookie or "").encode(), own.encode()) for own in self.cookies])

    def routes(self, live):
        """Handlers for serve.application."""
        more = {"live": live, "cells": self}
        return [
            (r"/_live/enter", Enter, more),
            (r"/_live/may", May, more),
            (r"/_live/kernel", PageSocket, more),
            *((rf"/_live/{re.escape(name)}", Asset, {"live": live}) for name in ASSETS),
        ]

    async def find_python(self):
        """The python of the kernels, made if there is none, with its progress told to the pages. Raises Trouble."""
        if self.python is None and complete("mundap", "run"):
            self.python = sys.executable
        if self.python is None:
            self.making = self.making or asyncio.ensure_future(self._make_python())
            making = self.making
            try:
                self.python = await asyncio.shield(making)  # a page that stops waiting does not stop it for the others
            finally:
                if making.done():
                    self.making = None
        return self.python

    async def _make_python(self):
        if not self.setup:
            raise Trouble(
                "코드를 돌릴 환경이 없어요. `pip install 'mundap[run]'`으로 준비한 뒤 서버를 다시 열어 주세요."
            )
        process = await asyncio.create_subprocess_exec(
            *self.setup,
            cwd=self.root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        last = ""
        try:
            async for line in process.stdout:
                last = line.decode("utf-8", "replace").strip() or last
                for page in list(self.pages):
                    if not Path(last).is_absolute():  # the last line, for us
                        page.tell(what="setup", text=last)
            await process.wait()
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGTERM)  # pip too
                await process.wait()
        if process.returncode or not Path(last).is_file():
            raise Trouble(f"코드를 돌릴 환경을 준비하지 못했어요. {last}")
        return last

    async def make_room(self):
        """End the kernel that was idle the longest if there are too many. Raises Trouble if all of them run."""
        owners = [page for page in self.pages if page.kernel]
        if len(owners) < MAX_KERNELS:
            return
        idle = [page for page in owners if not page.kernel.running]
        if not idle:
            raise Trouble(f"페이지 {MAX_KERNELS}개가 코드를 돌리고 있어요. 하나를 멈추거나 닫은 뒤 다시 실행해 주세요.")
        await min(idle, key=lambda page: page.kernel.used).drop("room")

    async def look_for_idle(self):
        """End the kernels that have long run nothing; never returns."""
        while True:
            await asyncio.sleep(min(LOOK, self.idle))
            for page in list(self.pages):
                if page.kernel and not page.current and time.monotonic() - page.kernel.used > self.idle:
                    await page.drop("idle")

    async def close(self):
        """End every kernel, and what is being made."""
        if self.making:
            self.making.cancel()
            await asyncio.wait([self.making])
        for page in list(self.pages):
            page.close(1001)
            await page.leave()


class Trouble(Exception):
    """Why no code can be run; the text says in Korean what to do."""


def complete(package, extra):
    """Whether every requirement of an extra of a package is installed."""
    try:
        for requirement in requires(package) or []:
            if re.search(rf"""extra == ['"]{extra}['"]""", requirement):
                distribution(re.match(r"[\w.-]+", requirement)[0])
    except PackageNotFoundError:
        return False
    return True


class Own(Local):
    """A request that the cells answer."""

    def initialize(self, live, cells):
        super().initialize(live)
        self.cells = cells

    def log_exception(self, kind, error, trace):
        """Tell of a fault of ours without the request, which may hold a token."""
        if not isinstance(error, HTTPError):
            traceback.print_exception(kind, error, trace)

    def entered(self):
        """Whether the browser came in by the address in the terminal."""
        return self.cells.may(self.get_cookie(self.cells.name))

    def require(self, *sites):
        """Refuse what a page of another origin sent. Browsers that do not tell have the Origin, which is compared."""
        if self.request.headers.get("Sec-Fetch-Site", sites[0]) not in sites:
            raise HTTPError(403, reason="Foreign page")


class Enter(Own):
    """The address in the terminal: a token becomes a cookie, and the address bar forgets it."""

    SUPPORTED_METHODS = ("GET",)

    def get(self):
        self.require("none")
        purposes = "Sec-Purpose", "Purpose", "X-Moz"
        if self.request.headers.get("Referer") or any(self.request.headers.get(name) for name in purposes):
            raise HTTPError(403, reason="Not a visit")  # a link in another page; a browser that reads ahead
        tokens = self.get_query_arguments("token")
        cookie = self.cells.enter(tokens[0]) if len(tokens) == 1 else None
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        if cookie is None:
            self.set_status(403)
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(EMPTY_PAGE.format(title="들어갈 수 없어요", text=USED))
            return
        self.set_cookie(self.cells.name, cookie, path="/_live/", httponly=True, samesite="Strict")
        self.redirect("/", status=303)


class May(Own):
    """Tells a page whether its buttons would do something."""

    def get(self):
        self.require("same-origin")
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps({"may": self.entered()}))

    head = get


class Asset(Local):
    """The script and the style of the cells, which no static site has."""

    def get(self):
        name = self.request.path.rpartition("/")[2]
        self.set_header("Content-Type", f"{ASSETS[name]}; charset=utf-8")
        self.finish(files("mundap.live").joinpath("static", name).read_bytes())

    head = get


class PageSocket(Own, LocalSocket):
    """An open page that runs code. It says {do: run | snippet | stop | restart}, and is told what becomes of it."""

    SUPPORTED_METHODS = ("GET",)

    def others(self):
        return self.cells.pages, MAX_PAGES

    def prepare(self):
        super().prepare()
        self.require("same-origin")
        if not self.entered():
            raise HTTPError(403, reason="Not entered")

    @property
    def max_message_size(self):
        return MAX_MESSAGE

    def open(self):
        self.kernel, self.current, self.worker, self.shown = None, None, None, 0
        if len(self.cells.pages) >= MAX_PAGES:  # others shook hands at the same time
            self.close(1013)
            return
        self.waiting = asyncio.Queue(MAX_WAITING)
        self.cells.pages.add(self)
        self.worker = asyncio.create_task(self.work())

    def on_close(self):
        asyncio.ensure_future(self.leave())

    async def leave(self):
        """End what belongs to the page."""
        self.cells.pages.discard(self)
        if self.worker:
            self.worker.cancel()
        if self.current:
            self.current.cancel()
        kernel, self.kernel = self.kernel, None
        if kernel:
            await kernel.end()

    def tell(self, **news):
        """Send a message to the page. Returns what can be awaited, to write no faster than it is read."""
        try:
            return self.write_message(json.dumps(news, ensure_ascii=False))
        except WebSocketClosedError:
            gone = asyncio.get_running_loop().create_future()
            gone.set_result(None)
            return gone

    async def on_message(self, message):
        if not self.worker:
            return
        try:
            order = read(message)
        except ValueError as error:
            self.close(1008, str(error))
            return
        if order["do"] == "stop":
            self.forget_waiting()
            if self.kernel and self.kernel.running:
                await self.kernel.interrupt()
            elif self.current:  # it waits for its kernel
                self.current.cancel()
        elif order["do"] == "restart":
            self.forget_waiting()
            await self.drop("restart")
        else:
            try:
                self.waiting.put_nowait(order)
            except asyncio.QueueFull:
                self.close(1008, "too many runs")

    def forget_waiting(self):
        while not self.waiting.empty():
            self.tell(what="done", cell=self.waiting.get_nowait()["cell"], status="stopped", seconds=0)

    async def drop(self, why):
        """End the kernel; the next run starts another."""
        kernel, self.kernel = self.kernel, None
        if kernel:
            if kernel.running:
                await kernel.kill(why)  # the run ends as lost, and says so
            else:
                self.tell(what="lost", why=why)
            await kernel.end()

    async def work(self):
        """Do one run after another, until the page goes."""
        while True:
            order = await self.waiting.get()
            self.current = asyncio.ensure_future(self.answer(order["cell"], order))
            await asyncio.wait([self.current])
            if self.current.cancelled():
                self.tell(what="done", cell=order["cell"], status="stopped", seconds=0)
            self.current = None

    async def answer(self, cell, order):
        """Do one run, and tell what kept it from ending well."""
        try:
            await self.run(cell, self.programs(order))
        except Trouble as trouble:
            self.tell(what="done", cell=cell, status="trouble", value=str(trouble), seconds=0)
        except Lost as lost:
            kernel, self.kernel = self.kernel, None
            self.tell(what="lost", why=lost.why)
            self.tell(what="done", cell=cell, status="lost", value=lost.why, seconds=0)
            if kernel:
                await kernel.end()

    def programs(self, order):
        """What to run, in order -> [(code, line of it where the page's text starts, lines of that text)]."""
        if order["do"] == "run":
            return [(order["code"], 1, order["code"].count("\n") + 1)]
        from mundap.running.run import to_notebook

        known = snippets.load(self.cells.root / "snippets")
        if order["of"] not in known:
            raise Trouble(f"`{order['of']}` 스니펫이 없어요. 페이지를 새로 고쳐 주세요.")
        programs = []
        for cell in to_notebook(known[order["of"]]).cells:
            if cell.cell_type == "code":
                code, place = cell.source, (1, 0)
                for original, text in order["edits"]:
                    before, found, after = code.partition(original)
                    if found:
                        code, place = before + text + after, (before.count("\n") + 1, text.count("\n") + 1)
                programs.append((code, *place))
        return programs

    async def run(self, cell, programs):
        """Run the programs of a cell one after another until one fails, and tell of it all. Raises Lost, Trouble."""
        kernel = self.kernel or await self.start()
        seconds = 0
        for number, (code, start, lines) in enumerate(programs):
            self.tell(what="running", cell=cell, step=number + 1, steps=len(programs))
            answer = await kernel.run(code, lambda output: self.show(cell, output))
            seconds += answer["seconds"]
            if answer["status"] != "ok":
                line = (answer.get("line") or 0) - start + 1
                answer["line"] = line if 0 < line <= lines else None
                break
        await self.tell(what="done", cell=cell, **{**answer, "seconds": round(seconds, 2)})

    async def start(self):
        """A kernel for the page. Raises Lost, Trouble."""
        self.tell(what="starting")
        python = await self.cells.find_python()
        await self.cells.make_room()
        self.cells.count += 1
        kernel = Kernel(
            python, self.cells.folder / f"kernel-{self.cells.count}", self.cells.root / "snippets", self.cells.memory
        )
        try:
            await kernel.start()
        except asyncio.CancelledError:
            await kernel.end()
            raise
        self.kernel = kernel
        self.tell(what="ready")
        return kernel

    async def show(self, cell, output):
        """Tell the page of an output, in the site's own markup, which holds no script."""
        if output is None:
            await self.tell(what="clear", cell=cell)
        elif output["output_type"] == "stream":
            text = notebook_page.ANSI.sub("", output["text"])
            await self.tell(what="text", cell=cell, name=output["name"], text=text)
        else:
            self.shown += 1
            await self.tell(what="output", cell=cell, html=markup(output, self.shown))


def markup(output, number):
    """An output as the site's HTML, with ids that no other output has; its plain text where that cannot be."""
    data, metadata = output["data"], output["metadata"]
    named = {**output, "metadata": {**metadata, "name": f"live-{number}-{metadata.get('name', 'output')}"}}
    for kind in ("image/svg+xml", "text/html", "image/png"):
        if kind in data:
            try:
                return notebook_page.output({**named, "data": {kind: data[kind]}}, set())
            except (SvgError, MathError, ValueError):
                continue
    return notebook_page.text_output(notebook_page.joined(data.get("text/plain", "")), "출력")


def read(message):
    """An order of a page, checked. Raises ValueError.

    {do: "run", cell, code} runs code; {do: "snippet", cell, of, edits} runs a whole snippet with texts of it replaced;
    {do: "stop"}, {do: "restart"}.
    """
    if not isinstance(message, str):
        raise ValueError("text expected")
    try:
        order = json.loads(message)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(order, dict):
        raise ValueError("object expected")
    kinds = {"run": {"do", "cell", "code"}, "snippet": {"do", "cell", "of", "edits"}, "stop": {"do"}, "restart": {"do"}}
    if not isinstance(order.get("do"), str) or order.keys() != kinds.get(order["do"]):
        raise ValueError("unknown order")
    if "cell" in order and (type(order["cell"]) is not int or not 0 <= order["cell"] < 10_000):
        raise ValueError("cell: a number expected")
    texts = [order["code"]] if "code" in order else []
    if "of" in order:
        if not isinstance(order["edits"], list):
            raise ValueError("edits: a list expected")
        for edit in order["edits"]:
            if not (isinstance(edit, list) and len(edit) == 2):
                raise ValueError("edits: pairs expected")
            texts += edit
        texts.append(order["of"])
    for text in texts:
        if not isinstance(text, str):
            raise ValueError("text expected")
        text.encode()  # half a surrogate pair is no text
    return order
