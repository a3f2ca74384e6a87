"""An open page that runs code, without its socket: what it asks of its session, and what it is told."""

import asyncio
import json
import re
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server import in_loop

from mundap.live import orders, pool, session
from mundap.live.kernels import Kernel
from mundap.live.pool import Pool
from mundap.live.session import Session
from mundap.project import snippets

SNIPPET = """# %% [markdown]
# # 예
# %%
def twice(x):
    return 2 * x


# %%
if __name__ == "__main__":
    print(twice(21))
# %%
if __name__ == "__main__":
    evidence = {"twice": twice(2)}
    evidence
"""


class Page:
    """A page: `do` asks its session, `hear` waits for the next message of a kind."""

    def __init__(self, pool, known):
        self.messages = asyncio.Queue()
        self.session = Session(pool, lambda: known, self.tell)

    def tell(self, news):
        json.dumps(news)  # what a socket can carry
        return asyncio.ensure_future(self.messages.put(SimpleNamespace(**news)))

    async def do(self, do, **order):
        await self.session.do({"do": do, **order})

    async def hear(self, *kinds):
        while True:
            message = await asyncio.wait_for(self.messages.get(), 60)
            if message.what in kinds:
                return message


@pytest.fixture
def pages(tmp_path):
    """pages(conversation, **options): let conversation(open_page) speak, with a Pool of these options -> its result."""
    (tmp_path / "snippets").mkdir()
    (tmp_path / "snippets" / "example.py").write_text(SNIPPET, encoding="utf-8")
    (tmp_path / "kernels").mkdir()
    known = snippets.load(tmp_path / "snippets")

    def run(conversation, **options):
        async def main():
            pool = Pool(tmp_path, tmp_path / "kernels", **{"python": sys.executable, **options})
            try:
                return await conversation(lambda: Page(pool, known))
            finally:
                await pool.close()
                assert not pool.owners

        return in_loop(main())

    return run


def test_two_pages_share_nothing_and_a_restart_forgets(pages):
    async def conversation(open_page):
        first, second = open_page(), open_page()
        await first.do("run", cell=0, code="secret = 1")
        assert (await first.hear("done")).status == "ok"
        await second.do("run", cell=0, code="print(secret)")
        assert (await second.hear("done")).name == "NameError"
        await first.do("run", cell=1, code="print(secret)")
        assert (await first.hear("text")).text == "1\n", "cells of a page share their variables"
        await first.hear("done")
        await first.do("restart")
        assert (await first.hear("lost")).why == "restart"
        await first.do("run", cell=1, code="print(secret)")
        assert (await first.hear("done")).name == "NameError"

    pages(conversation)


def test_a_snippet_runs_whole_with_the_page_s_edit(pages):
    edit = ["def twice(x):\n    return 2 * x", "def twice(x):\n    return 3 * x"]

    async def conversation(open_page):
        page = open_page()
        await page.do("snippet", cell=0, of="example", edits=[edit])
        steps = await page.hear("running")
        assert (steps.step, steps.steps) == (1, 3)
        assert (await page.hear("text")).text == "63\n"
        assert "&#x27;twice&#x27;: 6" in (await page.hear("output")).html
        assert (await page.hear("done")).status == "ok"
        wrong = [edit[0], "def twice(x):\n    y = 1\n    return nothing"]
        await page.do("snippet", cell=0, of="example", edits=[wrong])
        failed = await page.hear("done")
        assert (failed.name, failed.line) == ("NameError", None), "the call stands outside the text of the page"
        await page.do("snippet", cell=0, of="example", edits=[[edit[0], "def twice(x):\n\n    return )"]])
        assert (await page.hear("done")).line == 3

    pages(conversation)


def test_stop_drops_what_waits(pages):
    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code="import time\nprint('on')\ntime.sleep(1000)")
        await page.do("run", cell=1, code="print('never')")
        await page.hear("text")
        await page.do("stop")
        ended = sorted([await page.hear("done"), await page.hear("done")], key=lambda done: done.cell)
        assert [done.status for done in ended] == ["stopped", "stopped"]

    pages(conversation)


def test_too_many_runs_are_refused(pages):
    async def conversation(open_page):
        page = open_page()
        for cell in range(session.MAX_WAITING):
            await page.do("run", cell=cell, code="1")
        with pytest.raises(asyncio.QueueFull):
            await page.do("run", cell=0, code="1")

    pages(conversation)


def test_a_press_of_a_button_does_not_stop_the_server(pages, monkeypatch):
    """A snippet is taken apart while others are served."""

    def slow(order, known):
        time.sleep(0.5)
        return orders.programs(order, known)

    monkeypatch.setattr(session, "programs", slow)

    async def conversation(open_page):
        page, longest = open_page(), 0.0
        await page.do("snippet", cell=0, of="none", edits=[])
        done = asyncio.ensure_future(page.hear("done"))
        while not done.done():
            start = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - start)
        assert done.result().status == "trouble"
        assert longest < 0.4

    pages(conversation)


CODE = """
from IPython.display import display
bad = '<script>alert(1)</script>'
display({'text/html': '<table><tr><td onclick="x()">1</td></tr></table>', 'text/plain': 'a'}, raw=True)
display({'text/html': '<img src=x onerror=alert(1)>', 'text/plain': bad}, raw=True)
display({'image/svg+xml': '<svg xmlns="http://www.w3.org/2000/svg">' + bad + '</svg>', 'text/plain': 'b'}, raw=True)
display({'image/png': '"><script>', 'text/plain': 'c'}, raw=True)
display({'text/plain': bad}, raw=True, metadata={'name': '"><script>', 'alt': bad})
display({'text/html': '<table><caption>' + bad + '</caption></table>', 'text/plain': 'd'}, raw=True,
        metadata={'name': '"><script>', 'alt': bad})
print(bad)
"""


def test_no_script_comes_out_of_a_kernel(pages):
    """What code puts out is shown as the site shows records: figures and tables without attributes, else as text."""

    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code=CODE)
        shown = []
        while (message := await page.hear("output", "done")).what == "output":
            shown.append(message.html)
        assert message.status == "ok", message
        return shown

    shown = pages(conversation)
    assert len(shown) == 6 and "<td" in shown[0]
    for html in shown:
        assert not re.search(r"<script|<[^>]*\son\w+=", html.replace("&lt;script", "")), html


def json_values():
    """Whatever JSON can hold."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(MARKUP)
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)


MARKUP = [
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><script>alert(1)</script></svg>",
    "<svg xmlns='http://www.w3.org/2000/svg'>" + "<g>" * 5000 + "</g>" * 5000 + "</svg>",
    "<table><tr><td>1</td></tr></table>",
    "<table><tr><td>" * 30_000,
    "<table " * 100_000,
    "<b>" * 100_000,
    '"><script>alert(1)</script>',
    "\ud800",
]
MIMES = st.sampled_from(["image/svg+xml", "text/html", "image/png", "text/plain", "text/latex"])


@settings(deadline=2000, max_examples=200)
@given(
    st.dictionaries(MIMES, json_values(), max_size=3),
    st.dictionaries(st.sampled_from(["name", "alt", "x"]), json_values(), max_size=2),
)
def test_every_output_is_drawn_or_becomes_text(data, metadata):
    html = session.markup({"output_type": "display_data", "data": data, "metadata": metadata}, 1)
    assert isinstance(html, str) and json.dumps(html)
    assert not re.search(r"<script|<[^>]*\son\w+=", html)


ODD = """
import random, time
shell = get_ipython()
numbers = random.Random(7)
TEXTS = ["", "a", "<svg", "<table><tr><td>" * 3000, "<svg xmlns='http://www.w3.org/2000/svg'>" + "<g>" * 5000, chr(0xD800)]

def value(depth=0):
    kind = numbers.randrange(8 if depth < 3 else 6)
    if kind < 6:
        return [None, True, 7, 1.5, float("nan"), numbers.choice(TEXTS)][kind]
    if kind == 6:
        return [value(depth + 1) for _ in range(numbers.randrange(3))]
    return {name: value(depth + 1) for name in numbers.sample(MIMES + ["name", "alt", "data", "text"], 3)}

MIMES = ["image/svg+xml", "text/html", "image/png", "text/plain"]
KINDS = ["display_data", "execute_result", "update_display_data", "stream", "error", "status", "clear_output",
         "execute_input", "", "x"]
FIELDS = ["data", "metadata", "name", "text", "ename", "evalue", "traceback", "execution_state", "execution_count"]

def send(kind, content):
    kernel = shell.kernel
    kernel.session.send(kernel.iopub_socket, kind, content=content, parent=kernel.get_parent("shell"))

for number in range(300):
    kind = numbers.choice(KINDS)
    content = {name: value() for name in numbers.sample(FIELDS, 4)} if number % 3 else value()
    if kind in ("status", "error"):
        content = {"execution_state": [1], "ename": value(), "evalue": value(), "traceback": value()}
    try:
        send(kind, content)
        send("display_data", {"data": {name: value() for name in MIMES}, "metadata": {"alt": 7, "name": 5}})
    except (ValueError, TypeError):
        pass  # Jupyter itself refuses to write it
shell.kernel.iopub_socket.send_multipart([b"x", b"<IDS|MSG>", b"not signed", b"{", b"[]", b"7", b"null"])
shell.kernel.iopub_socket.send(b"not even a message")
"""


def test_odd_messages_of_a_kernel_end_like_others(pages):
    """A run that has sent whatever JSON can hold is done, and the next one is as any other."""

    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code=ODD)
        shown = 0
        while (message := await page.hear("output", "text", "done")).what != "done":
            shown += 1
        assert message.status in ("ok", "error") and shown > 50, message
        await page.do("run", cell=1, code="print('next')")
        assert (await page.hear("text")).text == "next\n"
        assert (await page.hear("done")).status == "ok"

    pages(conversation)


def test_a_fault_of_ours_ends_the_run(pages, monkeypatch, capsys):
    """The kernel too, as nobody knows what it still does; the next run has another."""

    async def fail(output, number):
        raise ZeroDivisionError

    monkeypatch.setattr(session, "draw", fail)

    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code="import time\ndisplay(1)\ntime.sleep(1000)")
        assert (await page.hear("lost")).why == "died"
        done = await page.hear("done")
        assert (done.status, done.value) == ("trouble", session.FAULT)
        await page.do("run", cell=1, code="print('next')")
        assert (await page.hear("text")).text == "next\n"

    pages(conversation)
    assert "ZeroDivisionError" in capsys.readouterr().err, "the terminal says where"


def test_what_takes_too_long_to_draw_is_not_waited_for(pages, monkeypatch):
    monkeypatch.setattr(session, "DRAWING", 0.2)
    monkeypatch.setattr(session, "markup", lambda output, number: time.sleep(1) or "late")

    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code="1")
        assert session.NOT_SHOWN in (await page.hear("output")).html
        assert (await page.hear("done")).status == "ok"

    pages(conversation)


def test_memory_is_limited_between_runs_too(pages):
    code = """
import threading, time
kept = []
def fill():
    time.sleep(1)
    while True:
        kept.append(bytearray(10 ** 7)); time.sleep(0.01)
threading.Thread(target=fill, daemon=True).start()
"""

    async def conversation(open_page):
        page = open_page()
        watching = asyncio.ensure_future(page.session.pool.watch())
        await page.do("run", cell=0, code=code)
        assert (await page.hear("done")).status == "ok"
        assert (await page.hear("lost")).why == "memory"
        watching.cancel()

    pages(conversation, memory=400 << 20)


def test_a_full_disk_is_told(pages, monkeypatch):
    async def start(kernel):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Kernel, "start", start)

    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code="1")
        done = await page.hear("done")
        assert done.status == "trouble" and "디스크가 가득 찼어요" in done.value

    pages(conversation)


def test_memory_limit_is_told(pages):
    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code="kept = []\nwhile True: kept.append(bytearray(10 ** 7))")
        lost, done = await page.hear("lost"), await page.hear("done")
        assert (done.status, done.value) == ("lost", "memory")
        await page.do("run", cell=0, code="print('again')")
        return lost.why, (await page.hear("text")).text

    assert pages(conversation, memory=400 << 20) == ("memory", "again\n")


def test_an_idle_kernel_is_dropped_and_what_runs_is_not_idle(pages):
    async def conversation(open_page):
        page = open_page()
        idle = asyncio.ensure_future(page.session.pool.watch())
        await page.do("run", cell=0, code="import time; time.sleep(1.5); print('long')")
        assert (await page.hear("done")).status == "ok"
        assert (await page.hear("lost")).why == "idle"
        idle.cancel()

    pages(conversation, idle=0.5)


def test_the_environment_is_made_at_the_first_run(pages, monkeypatch, tmp_path):
    """Its progress is told, its python is used; a failure is told and the next run tries again."""
    monkeypatch.setattr(pool, "complete", lambda *_: False)
    code = f"""
import json, os, sys
if not os.path.exists('ready'):
    open('ready', 'w')
    sys.exit('인터넷이 없어요')
print('[준비] torch 50%', file=sys.stderr)
print(json.dumps({{'python': {sys.executable!r}}}))
"""

    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code="print(1)")
        failed = await page.hear("done")
        assert failed.status == "trouble" and failed.value.endswith("준비하지 못했어요. 인터넷이 없어요")
        while not page.messages.empty():
            page.messages.get_nowait()
        await page.do("run", cell=0, code="print(1)")
        assert (await page.hear("setup")).text == "torch 50%"
        assert (await page.hear("text")).text == "1\n"

    pages(conversation, python=None, setup=[sys.executable, "-c", code])


def test_stop_while_the_environment_is_made(pages, monkeypatch):
    """It answers at once; the making goes on for whoever still waits, and ends with the server, its children too."""
    monkeypatch.setattr(pool, "complete", lambda *_: False)
    code = """
import subprocess, sys
process = subprocess.Popen(['sleep', '1000'])
print(process.pid, file=sys.stderr)
process.wait()
"""

    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code="1")
        child = int((await page.hear("setup")).text)
        await page.do("stop")
        assert (await page.hear("done")).status == "stopped"
        assert psutil.pid_exists(child)
        return psutil.Process(child)

    child = pages(conversation, python=None, setup=[sys.executable, "-c", code])
    assert not psutil.wait_procs([child], timeout=20)[1]


def test_no_environment_and_no_way_to_make_one(pages, monkeypatch):
    monkeypatch.setattr(pool, "complete", lambda *_: False)

    async def conversation(open_page):
        page = open_page()
        await page.do("run", cell=0, code="1")
        return await page.hear("done")

    done = pages(conversation, python=None)
    assert done.status == "trouble" and "pip install 'mundap[run]'" in done.value
