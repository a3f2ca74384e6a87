"""The live cells, attacked over the wire and used in a browser."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from server import ask, in_loop, running
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from mundap.live import serve
from mundap.live.cells import MAX_KERNELS, MAX_MESSAGE, MAX_PAGES, Cells, complete, read
from mundap.running.run import to_notebook

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


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A served page and a snippet, with kernels of this interpreter."""
    top = tmp_path_factory.mktemp("cells")
    (top / "snippets").mkdir()
    (top / "snippets" / "example.py").write_text(SNIPPET, encoding="utf-8")
    (top / "kernels").mkdir()
    pages = top / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("<!doctype html><title>t</title><body>page</body>")
    live = serve.Live(top, top, lambda root: [])
    live.pages = pages
    announced = []
    with running(live, lambda host: Cells(top, top / "kernels", host, announced.append, sys.executable)) as box:
        box.announced = announced
        yield box


def enter(server):
    """Come in as the learner does -> the header that a browser then sends."""
    answer = ask(server, server.cells.address().partition(server.hosts[0])[2])
    assert answer.status == 303, answer.body
    return "Cookie: " + answer.headers["set-cookie"].partition(";")[0]


def talk(server, conversation, cookie=None, **headers):
    """Open the kernel's socket and let conversation(say, hear) speak -> its result, or the refusal's status."""
    fields = {"Origin": f"http://{server.hosts[0]}", **headers}
    if cookie:
        fields["Cookie"] = cookie.removeprefix("Cookie: ")

    async def main():
        try:
            request = HTTPRequest(
                f"ws://127.0.0.1:{server.port}/_live/kernel",
                headers={name: value for name, value in fields.items() if value is not None},
            )
            connection = await websocket_connect(request)
        except HTTPClientError as error:
            return error.code

        async def say(message):
            raw = isinstance(message, str | bytes)
            await connection.write_message(message if raw else json.dumps(message), isinstance(message, bytes))

        async def hear(*kinds):
            while True:
                message = await asyncio.wait_for(connection.read_message(), 60)
                if message is None:
                    return SimpleNamespace(what="closed", code=connection.close_code)
                message = SimpleNamespace(**json.loads(message))
                if message.what in kinds:
                    return message

        try:
            return await conversation(say, hear)
        finally:
            connection.close()

    return in_loop(main())


async def print_one(say, hear):
    await say({"do": "run", "cell": 3, "code": "print(1)"})
    return await hear("text", "closed")


# Who comes in


def test_a_browser_comes_in_once(server):
    first = server.cells.address().partition(server.hosts[0])[2]
    answer = ask(server, first)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"]
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "path=/_live/", "samesite=strict"}
    assert first.partition("=")[2] not in cookie, "the token itself is kept by nobody"
    assert ask(server, first).status == 403, "a token is good for one visit"
    assert server.announced[-1].endswith(server.cells.token), "the next browser's address is told"
    assert talk(server, print_one, "Cookie: " + cookie.partition(";")[0]).text == "1\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda target: target[:-1],
        lambda target: target + "x",
        lambda target: target.partition("?")[0],
        lambda target: target + "&token=x",
        lambda target: target.partition("=")[0] + "=",
        lambda target: target.partition("=")[0] + "=%ff",
        lambda target: target.partition("=")[0] + "=%ed%a0%80",
    ],
    ids=["short", "long", "none", "two", "empty", "broken", "surrogate"],
)
def test_wrong_tokens(server, change):
    target = server.cells.address().partition(server.hosts[0])[2]
    answer = ask(server, change(target))
    assert answer.status in (400, 403) and "set-cookie" not in answer.headers
    assert ask(server, target).status == 303, "a guess does not void the right one"


@pytest.mark.parametrize(
    "header",
    [
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: same-origin",
        "Referer: http://evil.example/",
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Purpose: prefetch;prerender",
    ],
)
def test_a_token_in_a_request_of_another_page(server, header):
    """Even who has read the token over a shoulder gets nothing by a picture, a form, a link or a frame."""
    target = server.cells.address().partition(server.hosts[0])[2]
    answer = ask(server, target, headers=[header])
    assert answer.status == 403 and "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS"])
def test_only_a_visit_comes_in(server, method):
    target = server.cells.address().partition(server.hosts[0])[2]
    assert ask(server, target, method=method).status == 405
    assert ask(server, target).status == 303


def test_a_visit_as_browsers_make_it(server):
    target = server.cells.address().partition(server.hosts[0])[2]
    sent = ["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-User: ?1"]
    assert ask(server, target, headers=sent).status == 303


def test_may(server):
    cookie = enter(server)
    assert json.loads(ask(server, "/_live/may", headers=[cookie]).body) == {"may": True}
    for wrong in (
        [],
        ["Cookie: mundap-1=x"],
        [cookie + "x"],
        [cookie.replace(server.cells.name, "mundap-1")],
        ["Cookie: 쿠키=\udcff"],
        [cookie.partition("=")[0] + "=쿠키"],
    ):
        assert json.loads(ask(server, "/_live/may", headers=wrong).body) == {"may": False}
    assert ask(server, "/_live/may", headers=[cookie, "Sec-Fetch-Site: cross-site"]).status == 403
    assert ask(server, "/_live/may", headers=[cookie], host="evil.example").status == 403


def test_no_page_holds_a_token(server):
    cookie = enter(server)
    secrets = [server.cells.token, *server.cells.cookies]
    for target in (
        "/",
        "/none",
        "/_live/live.js",
        "/_live/cells.js",
        "/_live/cells.css",
        "/_live/may",
        "/_live/enter",
        "/_live/enter?token=x",
    ):
        for headers in ([], [cookie]):
            answer = ask(server, target, headers=headers)
            for secret in secrets:
                assert secret not in answer.body.decode() + str(answer.headers), target
    assert "/_live/cells.js" in ask(server).body.decode()


# The socket


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://evil.example:{port}", "Host": "evil.example:{port}"},  # DNS rebinding
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_strangers_with_the_cookie_get_no_kernel(server, headers):
    """Cross-site WebSockets carry no SameSite cookie; if a browser sent it all the same, this holds."""
    cookie, count = enter(server), server.cells.count
    asked = {name: value and value.format(port=server.port) for name, value in headers.items()}
    assert talk(server, print_one, cookie, **asked) == 403
    assert server.cells.count == count, "no process was started"


@pytest.mark.parametrize("cookie", [None, "mundap=1", "{name}=", "{name}=x", "{name}={token}"])
def test_no_kernel_without_the_cookie(server, cookie):
    server.cells.address()
    cookie = cookie and cookie.format(name=server.cells.name, token=server.cells.token)
    assert talk(server, print_one, cookie) == 403


@pytest.mark.parametrize("target", ["/_live/kernel", "/_live/kernel/", "/_live/kernels", "/_live/../_live/kernel"])
def test_the_socket_is_no_page(server, target):
    assert ask(server, target, headers=[enter(server)]).status in (400, 403, 404)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        "1",
        "hello",
        "{",
        '{"do": "run"}',
        '{"do": "eval", "cell": 0, "code": "1"}',
        '{"do": ["run"]}',
        '{"do": "run", "cell": 0, "code": 1}',
        '{"do": "run", "cell": "0", "code": "1"}',
        '{"do": "run", "cell": true, "code": "1"}',
        '{"do": "run", "cell": -1, "code": "1"}',
        '{"do": "run", "cell": 1e9, "code": "1"}',
        '{"do": "run", "cell": 0, "code": "1", "more": 1}',
        '{"do": "run", "cell": 0, "code": "\\ud800"}',
        '{"do": "snippet", "cell": 0, "of": "example", "edits": [["a"]]}',
        '{"do": "snippet", "cell": 0, "of": "example", "edits": [["a", 1]]}',
        '{"do": "snippet", "cell": 0, "of": null, "edits": []}',
        "[" * 100_000,
        b"\x00\xff",
        '{"do": "run", "cell": 0, "code": "' + "x" * MAX_MESSAGE + '"}',
    ],
    ids=lambda message: repr(message[:60]),
)
def test_malformed_and_oversized_messages(server, message):
    """They close the socket, and nothing else."""

    async def conversation(say, hear):
        await say(message)
        return await hear("nothing")

    answer = talk(server, conversation, enter(server))
    assert answer.code in (1008, 1009, None)
    assert ask(server).status == 200


def test_read_refuses_in_words():
    with pytest.raises(ValueError, match="text expected"):
        read(b"{}")
    assert read('{"do": "stop"}') == {"do": "stop"}


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "example.py", "", "없음", "os"])
def test_only_snippets_of_the_project_are_found(server, name):
    async def conversation(say, hear):
        await say({"do": "snippet", "cell": 0, "of": name, "edits": []})
        return await hear("done")

    answer = talk(server, conversation, enter(server))
    assert answer.status == "trouble" and "스니펫이 없어요" in answer.value


def test_a_thousand_connections(server):
    """Idle ones, and sockets without the cookie: those who have it are served all the same."""
    cookie, idle = enter(server), []
    try:
        for number in range(1000):
            try:
                idle.append(socket.create_connection(("127.0.0.1", server.port), 5))
            except OSError:  # this process has no more file descriptors
                break
            if number % 2:
                half = f"GET /_live/kernel HTTP/1.1\r\nHost: {server.hosts[0]}\r\nUpgrade: websocket\r\n"
                idle[-1].sendall(half.encode())
        assert len(idle) >= 400
        for each in idle[-20:]:  # room for what follows, in this same process
            each.close()
        assert ask(server).status == 200
        assert talk(server, print_one, cookie).text == "1\n"
    finally:
        for each in idle:
            each.close()


def test_pages_have_a_limit(server):
    cookie = enter(server).removeprefix("Cookie: ")

    async def main():
        request = HTTPRequest(
            f"ws://127.0.0.1:{server.port}/_live/kernel",
            headers={"Origin": f"http://{server.hosts[0]}", "Cookie": cookie},
        )
        opened, refused = [], []
        for _ in range(MAX_PAGES + 5):
            try:
                opened.append(await websocket_connect(request))
            except HTTPClientError as error:
                refused.append(error.code)
            while len(server.cells.pages) < len(opened):  # the server learns of it a moment later
                await asyncio.sleep(0.01)
        for connection in opened:
            connection.close()
        while server.cells.pages:
            await asyncio.sleep(0.01)
        at_once = await asyncio.gather(
            *[websocket_connect(request) for _ in range(MAX_PAGES + 5)], return_exceptions=True
        )
        await asyncio.sleep(0.5)
        assert len(server.cells.pages) <= MAX_PAGES, "handshakes at the same time do not pass the limit either"
        for connection in at_once:
            if not isinstance(connection, Exception):
                connection.close()
        return len(opened), refused

    wait_for(lambda: not server.cells.pages)
    assert in_loop(main()) == (MAX_PAGES, [503] * 5)
    wait_for(lambda: not server.cells.pages)


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def kernels(process=None):
    """The kernels that a process, this one by default, has started."""
    return [
        child
        for child in (process or psutil.Process()).children(recursive=True)
        if any("ipykernel" in word for word in child.cmdline())
    ]


# What runs


def test_cells_of_a_page_share_a_kernel_that_ends_with_it(server):
    async def conversation(say, hear):
        await say({"do": "run", "cell": 0, "code": "x = 5"})
        assert (await hear("done")).status == "ok"
        await say({"do": "run", "cell": 1, "code": "print(x)\n1 / 0"})
        assert (await hear("text")).text == "5\n"
        done = await hear("done")
        assert (done.cell, done.status, done.name, done.line) == (1, "error", "ZeroDivisionError", 2)
        await say({"do": "restart"})
        assert (await hear("lost")).why == "restart"
        await say({"do": "run", "cell": 0, "code": "print(x)"})
        assert (await hear("done")).name == "NameError"
        return [psutil.Process(page.kernel.manager.provisioner.pid) for page in server.cells.pages]

    [process] = talk(server, conversation, enter(server))
    assert not psutil.wait_procs([process], timeout=20)[1], "the kernel went with its page"


def test_two_pages_share_nothing(server):
    async def conversation(say, hear):
        await say({"do": "run", "cell": 0, "code": "secret = 1"})
        await hear("done")

        async def other(say, hear):
            await say({"do": "run", "cell": 0, "code": "print(secret)"})
            return await hear("done")

        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, lambda: talk(server, other, enter(server)))

    assert talk(server, conversation, enter(server)).name == "NameError"


def test_a_snippet_runs_whole_with_the_page_s_edit(server):
    edit = ["def twice(x):\n    return 2 * x", "def twice(x):\n    return 3 * x"]

    async def conversation(say, hear):
        await say({"do": "snippet", "cell": 0, "of": "example", "edits": [edit]})
        assert (await hear("text")).text == "63\n"
        assert "&#x27;twice&#x27;: 6" in (await hear("output")).html
        assert (await hear("done")).status == "ok"
        wrong = [edit[0], "def twice(x):\n    y = 1\n    return nothing"]
        await say({"do": "snippet", "cell": 0, "of": "example", "edits": [wrong]})
        failed = await hear("done")
        assert (failed.name, failed.line) == ("NameError", None), "the call stands outside the text of the page"
        await say({"do": "snippet", "cell": 0, "of": "example", "edits": [[edit[0], "def twice(x):\n\n    return )"]]})
        assert (await hear("done")).line == 3

    talk(server, conversation, enter(server))


def test_stop_drops_what_waits(server):
    async def conversation(say, hear):
        await say({"do": "run", "cell": 0, "code": "import time\nprint('on')\ntime.sleep(1000)"})
        await say({"do": "run", "cell": 1, "code": "print('never')"})
        await hear("text")
        await say({"do": "stop"})
        ended = sorted([await hear("done"), await hear("done")], key=lambda done: done.cell)
        assert [done.status for done in ended] == ["stopped", "stopped"]

    talk(server, conversation, enter(server))


def test_no_script_comes_out_of_a_kernel(server):
    """What code puts out is shown as the site shows records: figures and tables without attributes, else as text."""
    code = """
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

    async def conversation(say, hear):
        await say({"do": "run", "cell": 0, "code": code})
        shown = []
        while (message := await hear("output", "done")).what == "output":
            shown.append(message.html)
        assert message.status == "ok", message
        return shown

    shown = talk(server, conversation, enter(server))
    assert len(shown) == 6 and "<td" in shown[0]
    for html in shown:
        assert not re.search(r"<script|<[^>]*\son\w+=", html.replace("&lt;script", "")), html


def test_too_many_kernels_end_the_one_that_was_idle_longest(server):
    cookie = enter(server)
    wait_for(lambda: not server.cells.pages)

    async def open_next(count):
        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "1"})
            assert (await hear("done")).status == "ok"
            if count == 0:
                return
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, lambda: talk_next(count - 1))
            if count == MAX_KERNELS:
                assert (await hear("lost")).why == "room"

        return conversation

    def talk_next(count):
        conversation = in_loop(open_next(count))
        return talk(server, conversation, cookie)

    talk_next(MAX_KERNELS)
    wait_for(lambda: not server.cells.pages)


@pytest.fixture
def own(server, tmp_path):
    """own(**options) -> a server of its own with these options of Cells."""

    def make(**options):
        (tmp_path / "kernels").mkdir(exist_ok=True)
        options = {"python": sys.executable, **options}
        return running(server.live, lambda host: Cells(tmp_path, tmp_path / "kernels", host, print, **options))

    (tmp_path / "snippets").mkdir()
    return make


def test_idle_kernels_end(own):
    with own(idle=0.5) as server:

        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "import time; time.sleep(2); print('long')"})
            assert (await hear("done")).status == "ok", "what runs is not idle"
            return await hear("lost")

        assert talk(server, conversation, enter(server)).why == "idle"


def test_memory_limit_is_told(own):
    with own(memory=400 << 20) as server:

        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "kept = []\nwhile True: kept.append(bytearray(10 ** 7))"})
            lost = await hear("lost")
            await say({"do": "run", "cell": 0, "code": "print('again')"})
            return lost.why, (await hear("text")).text

        assert talk(server, conversation, enter(server)) == ("memory", "again\n")


def test_the_environment_is_made_at_the_first_run(own, monkeypatch):
    """Its progress is told, its python is used; a failure is told and the next run tries again."""
    monkeypatch.setattr("mundap.live.cells.complete", lambda *_: False)
    fine = f"print('[준비] torch 50%', flush=True); print({sys.executable!r})"
    code = f"import os, sys\nif os.path.exists('ready'): exec({fine!r})\nelse: open('ready', 'w'); sys.exit('인터넷이 없어요')"
    with own(python=None, setup=[sys.executable, "-c", code]) as server:

        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "print(1)"})
            failed = await hear("done")
            await say({"do": "run", "cell": 0, "code": "print(1)"})
            return failed.status, failed.value, (await hear("setup")).text, (await hear("text")).text

        status, value, progress, text = talk(server, conversation, enter(server))
        assert status == "trouble" and value.endswith("인터넷이 없어요")
        assert (progress, text) == ("[준비] torch 50%", "1\n")


def test_stop_while_the_environment_is_made(own, monkeypatch, tmp_path):
    """It answers at once; the making goes on for whoever still waits, and ends with the server, its children too."""
    monkeypatch.setattr("mundap.live.cells.complete", lambda *_: False)
    code = "import subprocess; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
    with own(python=None, setup=[sys.executable, "-c", code]) as server:

        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "1"})
            child = int((await hear("setup")).text)
            await say({"do": "stop"})
            return child, (await hear("done")).status

        child, status = talk(server, conversation, enter(server))
        assert status == "stopped" and psutil.pid_exists(child)
    gone, alive = psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=20)
    assert not alive


def test_no_environment_and_no_way_to_make_one(own, monkeypatch):
    monkeypatch.setattr("mundap.live.cells.complete", lambda *_: False)
    with own(python=None) as server:

        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "1"})
            return await hear("done")

        assert "pip install 'mundap[run]'" in talk(server, conversation, enter(server)).value


def test_complete():
    assert complete("mundap", "run") and not complete("no-such-package", "run")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_kernel_outlives_the_server(tmp_path, number):
    """However the server ends. And its log holds no secret but the addresses."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# 쪽\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: s\ntheme: {name: material, font: false}\nplugins: []\n")
    (tmp_path / "snippets").mkdir()
    code = "from pathlib import Path; from mundap.live.serve import serve; serve(Path('.'), 0, False, lambda root: [])"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    said = ""
    try:
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        address = re.search(r"http://(127\.0\.0\.1:(\d+))(/_live/enter\S+)", said)
        box = SimpleNamespace(hosts=[address[1]], port=int(address[2]))
        answer = ask(box, address[3])
        cookie = answer.headers["set-cookie"].partition(";")[0]
        ask(box, "/_live/enter?token=%ff")

        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "import time; print(1, flush=True); time.sleep(1000)"})
            await hear("text")
            found = kernels(psutil.Process(process.pid))
            process.send_signal(number)
            return found

        found = talk(box, conversation, "Cookie: " + cookie)
        assert found and not psutil.wait_procs(found, timeout=30)[1]
        said += process.communicate(timeout=30)[0]
        assert cookie.partition("=")[2] not in said and "Traceback" not in said and "%ff" not in said
    finally:
        process.kill()
        process.wait()


# The site's own pages


def test_every_excerpt_is_found_in_its_snippet(root):
    """What 실행 replaces in a snippet is there exactly once."""
    from mundap.project.load import load

    project, _ = load(root)
    shown = {
        (run["run"], run["show"])
        for thread in project.threads.values()
        for answer in thread.data["answers"]
        for run in answer["snippets"]
        if "show" in run
    }
    assert len(shown) > 20
    for name, definition in sorted(shown):
        programs = [cell.source for cell in to_notebook(project.snippets[name]).cells if cell.cell_type == "code"]
        text = project.snippets[name].definitions[definition]
        assert sum(text in program for program in programs) == 1, f"{name}.{definition}"


@pytest.fixture(scope="module")
def learner(site, root, tmp_path_factory):
    """The whole site, served with kernels of this interpreter."""
    folder = tmp_path_factory.mktemp("learner")
    (folder / "kernels").mkdir()
    (folder / "snippets").symlink_to(root / "snippets")
    live = serve.Live(root, folder, lambda root: [])
    live.pages = site
    with running(live, lambda host: Cells(folder, folder / "kernels", host, lambda _: None, sys.executable)) as box:
        box.url = f"http://{box.hosts[0]}"
        yield box


def opened(learner, page, path):
    page.goto(learner.cells.address())
    page.goto(learner.url + path)
    return page


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def said(page, text):
    expect(page.locator(".cells-panel")).to_contain_text(text, timeout=90_000)


def type_code(page, number, code):
    button(page, f"고치기: 코드 {number}").click()
    page.locator(".cm-content").last.press("Control+a")
    page.keyboard.insert_text(code)


NOTEBOOK = "/notebooks/multihead/"


def test_run_edit_error_and_back(learner, page):
    opened(learner, page, NOTEBOOK)
    recorded = page.locator(".cell").nth(2).locator(":scope > .run-output")
    expect(recorded).to_be_visible()
    button(page, "실행: 코드 3").click()
    said(page, "앞의 코드부터 모두 돌렸어요")
    outputs = page.locator(".cell-live")
    expect(outputs.nth(2).locator(".run-output")).to_have_text(recorded.inner_text())
    expect(recorded).to_be_hidden()
    expect(outputs.nth(0)).to_contain_text("보여 줄 출력은 없어요")
    expect(outputs.nth(3)).to_be_hidden()

    type_code(page, 3, "a = 1\nprint(a)\na / 0\n")
    page.keyboard.press("Shift+Enter")
    said(page, "코드 3 3번째 줄에서 오류가 났어요: ZeroDivisionError")
    expect(outputs.nth(2).locator(".run-output").first).to_have_text("1\n")
    expect(page.locator(".cm-line.cell-error-mark")).to_have_text("a / 0")
    assert Axe().run(page).violations_count == 0, Axe().run(page).generate_report()

    button(page, "원래대로: 코드 3").click()
    expect(recorded).to_be_visible()
    expect(page.locator(".cm-editor")).to_have_count(0)
    assert "sum_difference" in page.locator(".highlight code").nth(2).inner_text()
    assert not page.heard.errors


def test_what_was_changed_above_runs_again(learner, page):
    opened(learner, page, NOTEBOOK)
    type_code(page, 1, "value = 1")
    type_code(page, 2, "print('second', value)")
    type_code(page, 3, "print('third', value)")
    button(page, "실행: 코드 3").click()
    said(page, "앞의 코드부터 모두 돌렸어요")
    page.locator(".cm-content").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("value = 2")
    button(page, "실행: 코드 3").click()
    expect(page.locator(".cell-live").nth(2).locator(".run-output")).to_have_text("third 2\n", timeout=30_000)
    expect(page.locator(".cell-live").nth(1).locator(".run-output")).to_have_text("second 2\n")


@pytest.mark.parametrize(
    "code, after",
    [
        ("import time\nprint('on')\nfor i in range(100000):\n    time.sleep(0.01)", "코드 1 4번째 줄에서 멈췄어요."),
        (
            "import torch\na = torch.ones(12000, 12000)\nprint('on')\nfor i in range(1000):\n    a @ a",
            "커널을 닫았어요.",
        ),
    ],
)
def test_stop_and_start_again(learner, page, code, after):
    opened(learner, page, NOTEBOOK)
    type_code(page, 1, code)
    button(page, "실행: 코드 1").click()
    expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("on\n", timeout=60_000)
    page.locator(".cells-panel").get_by_role("button", name="중단").click()
    said(page, after)
    page.locator(".cm-content").first.press("Control+a")
    page.keyboard.insert_text("print('again')")
    button(page, "실행: 코드 1").click()
    expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("again\n", timeout=60_000)
    page.locator(".cells-panel").get_by_role("button", name="다시 시작").click()
    said(page, "변수는 사라졌고")


def test_keyboard_alone(learner, page):
    """Into the editor, indentation, run, and out of it again."""
    opened(learner, page, NOTEBOOK)
    button(page, "고치기: 코드 1").focus()
    page.keyboard.press("Enter")
    editor = page.locator(".cm-content")
    expect(editor).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("if 1:\nprint(1)")  # the editor indents after a colon
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.locator(".cm-line").nth(1).inner_text() == "    print(1)"
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("1\n", timeout=60_000)
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    expect(button(page, "실행: 코드 1")).to_be_focused()
    page.keyboard.press("Tab")
    expect(button(page, "원래대로: 코드 1")).to_be_focused()


def test_korean_input(learner, page):
    """Syllables that an input method composes arrive whole, and Enter that ends one is not doubled."""
    opened(learner, page, NOTEBOOK)
    type_code(page, 1, "print('')")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    client = page.context.new_cdp_session(page)
    for syllables in (["ㅎ", "하", "한"], ["ㄱ", "그", "글"]):
        for syllable in syllables:
            client.send("Input.imeSetComposition", {"text": syllable, "selectionStart": 1, "selectionEnd": 1})
        client.send("Input.insertText", {"text": syllables[-1]})
    assert page.locator(".cm-content").inner_text().strip() == "print('한글')"
    button(page, "실행: 코드 1").click()
    expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("한글\n", timeout=60_000)


def test_drafts_outlive_a_reload(learner, page):
    opened(learner, page, NOTEBOOK)
    type_code(page, 2, "mine = 1")
    page.reload()
    expect(page.locator(".cm-content")).to_have_text("mine = 1")
    button(page, "원래대로: 코드 2").click()
    page.reload()
    expect(button(page, "고치기: 코드 2")).to_be_visible()
    expect(page.locator(".cm-content")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_thread_runs_its_snippet_on_a_phone(learner, page_factory, theme):
    page = page_factory(390, 844, theme, has_touch=True)
    opened(learner, page, "/qa/self-attention/multihead-concat/")
    button(page, "실행: 코드 1").tap()
    said(page, "코드 1 돌렸어요")
    live = page.locator(".cell-live").first
    expect(live.locator("figure svg")).to_be_visible()
    expect(live.locator(".run-output").first).to_contain_text("최대 차이")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    button(page, "고치기: 코드 1").tap()
    expect(page.locator(".cm-editor")).to_be_visible()
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.heard.errors


def test_carriage_returns_and_rich_tables(learner, page):
    opened(learner, page, NOTEBOOK)
    code = """
import sys
for i in range(3): print(f"\\r{i}/2 가", end="", flush=True)
print()
from lib.figure import table
table("t", "표의 이름", ["이름", "값"], [["가", 1]])
"""
    type_code(page, 1, code)
    button(page, "실행: 코드 1").click()
    said(page, "돌렸어요")
    live = page.locator(".cell-live").first
    expect(live.locator(".run-output")).to_have_text("2/2 가\n")
    expect(live.locator("figcaption")).to_have_text("표의 이름")
    expect(live.locator("td").last).to_have_text("1")


def test_a_browser_that_did_not_come_in_is_told_how(learner, page):
    page.goto(learner.url + NOTEBOOK)
    button(page, "실행: 코드 1").click()
    said(page, "이 브라우저에서는 아직 코드를 돌릴 수 없어요")
    assert not page.heard.errors


def test_the_server_goes_away(site, root, tmp_path, page):
    (tmp_path / "kernels").mkdir()
    live = serve.Live(root, tmp_path, lambda root: [])
    live.pages = site
    with running(live, lambda host: Cells(root, tmp_path / "kernels", host, lambda _: None, sys.executable)) as box:
        box.url = f"http://{box.hosts[0]}"
        opened(box, page, NOTEBOOK)
        type_code(page, 1, "import time\nprint('on')\ntime.sleep(1000)")
        button(page, "실행: 코드 1").click()
        expect(page.locator(".cell-live").first.locator(".run-output")).to_have_text("on\n", timeout=60_000)
    said(page, "서버와 연결이 끊어졌어요")
    button(page, "실행: 코드 1").click()  # nobody is there
    page.wait_for_timeout(500)
    said(page, "서버와 연결이 끊어졌어요")
    expect(button(page, "실행: 코드 1")).to_be_enabled()


def test_no_trace_of_the_cells_in_the_static_site(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "_live" not in text and "cell-run" not in text, path
