"""The whole live server, as a learner starts it: open pages follow the files, and nothing outlives it."""

import http.server
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import psutil
import pytest
from accessibility import axe_source
from commands import wait_for
from server import ask, built, enter, kernels, running, talk
from smallsite import conclude, copy_of_the_site, make_small_site, save

from mundap.live import app
from mundap.live.door import Entered
from mundap.live.folders import private_page
from mundap.problems import Failure


@pytest.fixture
def small(tmp_path):
    """A small MkDocs project that has nothing to do with threads."""
    return make_small_site(tmp_path)


def test_only_this_computer():
    """127.0.0.2 is this machine too, by another address: a server on all interfaces would answer there."""
    listener, port = app.listen(0)
    with listener, pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), 2)


def test_port_taken():
    first, port = app.listen(0)
    second, other = app.listen(port)
    assert other > port
    first.close()
    second.close()


def test_no_port_left():
    listener, port = app.listen(0)
    with listener, pytest.raises(Failure, match=f"{port}번"):
        app.listen(port, tries=1)


@contextmanager
def started(root, code=None):
    """`mundap serve` in a process of its own -> its address, its output so far by read()."""
    command = (
        [sys.executable, "-u", "-c", code]
        if code
        else [sys.executable, "-m", "mundap", "serve", "--port", "0", "--no-browser"]
    )
    process = subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    lines = []
    found = threading.Event()

    def read():
        for line in process.stdout:
            lines.append(line)
            if "http://" in line:
                found.set()
        found.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert found.wait(120), lines
        url = re.search(r"http://127\.0\.0\.1:\d+/", "".join(lines))
        assert url, "".join(lines)
        yield SimpleNamespace(url=url[0], process=process, lines=lines, reader=reader)
    finally:
        process.kill()
        process.wait()
        reader.join()


SMALL = """
import sys
from pathlib import Path
from mundap.problems import Problem
from mundap.live.app import serve

def check(root):
    lines = (root / "docs" / "index.md").read_text().splitlines()
    return None, [Problem("docs/index.md", number, 1, "`틀림`이 있어요.", "지워 주세요.")
            for number, line in enumerate(lines, 1) if "틀림" in line]

sys.exit(serve(Path("."), 0, False, check))
"""


# What Windows' event loop says to signal handlers.
NO_HANDLERS = """
import asyncio
def refuse(*_):
    raise NotImplementedError
asyncio.SelectorEventLoop.add_signal_handler = refuse
"""


@pytest.mark.parametrize(
    "number, before",
    [(signal.SIGINT, ""), (signal.SIGTERM, ""), (signal.SIGHUP, ""), (signal.SIGINT, NO_HANDLERS)],
    ids=str,
)
def test_ctrl_c(small, number, before):
    with started(small, before + SMALL) as run:
        run.process.send_signal(number)
        assert run.process.wait(20) == 0
        run.reader.join(10)
        said = "".join(run.lines)
        assert said.rstrip().endswith("또 만나요.") and "Traceback" not in said


OPENED = """
import time
import webbrowser

def wait(address):
    print("opened", address, flush=True)
    time.sleep(1000)  # as browsers do that BROWSER names

webbrowser.open = wait
"""


def test_the_browser_is_started_with_a_private_file(small, monkeypatch):
    """The other local user: sees command lines, environments' names and the temporary folder, and reads no token."""
    monkeypatch.setenv("DISPLAY", ":0")
    (small / "snippets").mkdir()
    with started(small, OPENED + SMALL.replace("0, False", "0, True")) as run:
        wait_for(lambda: any(line.startswith("opened") for line in run.lines))
        [opened] = [line.split()[1] for line in run.lines if line.startswith("opened")]
        assert opened.startswith("file://") and "token" not in opened
        page = Path(unquote(opened.removeprefix("file://")))
        assert stat.S_IMODE(page.stat().st_mode) == 0o600 and stat.S_IMODE(page.parent.stat().st_mode) == 0o700
        token = re.search(r"token=([\w-]+)", page.read_text())[1]
        assert token not in "".join(run.lines), "the terminal's own is another"
        assert token not in " ".join(word for process in psutil.process_iter() for word in command_line(process))
        assert all(token not in str(path) for path in page.parent.rglob("*"))
        port = int(run.url.rstrip("/").rpartition(":")[2])
        box = SimpleNamespace(hosts=[f"127.0.0.1:{port}"], port=port)
        led = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
        assert ask(box, f"/_live/enter?token={token}", headers=led).status == 200
        assert ask(box, f"/_live/enter?token={token}", headers=led).status == 403


def command_line(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_browser_comes_in_by_the_file(small, page):
    """A real one: the file leads to the door, the door to the first page, whose origin keeps the secret."""
    builds = built(small, small, small / "docs")
    (small / "snippets").mkdir()
    (small / "docs" / "index.html").write_text("<!doctype html><title>t</title><body>첫 쪽</body>")
    with running(builds, {}) as box:
        page.goto(private_page(small, box.door.address_for_file()).as_uri())
        page.wait_for_url(f"{box.url}/")
        assert page.get_by_text("첫 쪽").is_visible()
        secret = page.evaluate("localStorage.getItem('mundap-secret')")
        asked = "(secret) => fetch('/_live/may', {headers: {'Mundap-Secret': secret}}).then((answer) => answer.json())"
        assert page.evaluate(asked, secret) == {"may": True} and page.evaluate(asked, "") == {"may": False}
        page.go_back()
        assert "token" not in page.url, "the history forgets it too"
        assert not [error for error in page.heard.errors if "Content Security" in error]


def test_a_server_at_another_port_gets_the_cookie_and_no_kernel(small, page):
    """The browser sends it there, path and all; the secret stays with the origin."""
    builds, got = built(small, small, small / "docs"), []
    (small / "snippets").mkdir()
    (small / "docs" / "index.html").write_text("<!doctype html><title>t</title><body>첫 쪽</body>")

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            got.append(self.headers.get("Cookie"))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>t</title>")

        def log_message(self, *_):
            pass

    other = http.server.HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    with running(builds, {}) as box:
        page.goto(box.door.address())
        page.wait_for_url(f"{box.url}/")
        there = f"http://127.0.0.1:{other.server_port}"
        page.goto(f"{there}/_live/x")
        assert page.evaluate("localStorage.getItem('mundap-secret')") is None
        stolen = f"Cookie: {got[0]}"
        assert box.door.cookie_name in stolen, "cookies know no ports"
        assert ask(box, "/_live/may", headers=[stolen]).body == b'{"may": false}'

        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "print(1)"})
            return await hear("text")

        assert talk(box, conversation, Entered(stolen, "")).what == "closed" and box.pool.started == 0
    other.shutdown()
    other.server_close()


def test_ctrl_c_while_it_builds(small):
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", SMALL],
        cwd=small,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    said = first + process.communicate(timeout=60)[0]
    assert process.returncode == 0 and "또 만나요." in said and "Traceback" not in said


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_open_page_follows_the_files(small, page_factory, theme):
    """A save shows, a mistake shows over the last good page, and its mending; the place on the page is kept."""
    index = small / "docs" / "index.md"
    body = "\n\n".join(f"{number}번째 문단" for number in range(100))
    save(index, f"# 첫 쪽\n\n{body}\n")
    config = small / "mkdocs.yml"
    config.write_text(
        config.read_text().replace(
            "font: false", "font: false, palette: {scheme: %s}" % ("slate" if theme == "dark" else "default")
        )
    )
    with started(small, SMALL) as run:
        page = page_factory(width=390, height=800, theme=theme)
        other = page_factory()
        page.goto(run.url)
        other.goto(run.url + "other/")
        other.evaluate("window.untouched = true")
        page.evaluate("scrollTo(0, 1500)")

        start = save(index, f"# 첫 쪽\n\n{body}\n\n나중 글\n")
        page.get_by_text("나중 글").wait_for(timeout=10_000)
        assert time.monotonic() - start < 2
        page.wait_for_function("Math.abs(scrollY - 1500) < 2")
        assert page.locator("#mundap-live").count() == 0

        start = save(index, f"# 첫 쪽\n\n틀림\n\n{body}\n\n틀림\n\n새 글\n")
        alert = page.get_by_role("alert")
        alert.wait_for(timeout=10_000)
        assert time.monotonic() - start < 2
        assert alert.locator("li").all_inner_texts() == [
            "docs/index.md:3:1\n틀림이 있어요. 지워 주세요.",
            "docs/index.md:205:1\n틀림이 있어요. 지워 주세요.",
        ]
        assert page.get_by_text("나중 글").count() == 1 and page.get_by_text("새 글").count() == 0
        assert page.evaluate("Math.abs(scrollY - 1500) < 2")
        other.get_by_role("alert").wait_for()
        page.evaluate(axe_source())
        violations = page.evaluate("axe.run('#mundap-live')")["violations"]
        assert not violations, violations
        page.reload()
        alert.wait_for()
        assert alert.evaluate("(panel) => panel.scrollWidth <= innerWidth")
        page.get_by_role("button", name="닫기").click()
        assert not alert.is_visible()

        start = save(index, f"# 첫 쪽\n\n{body}\n\n새 글\n")
        page.get_by_text("새 글").wait_for(timeout=10_000)
        assert time.monotonic() - start < 2
        other.get_by_role("alert").wait_for(state="hidden")
        assert other.evaluate("window.untouched"), "a page that did not change is not loaded again"
        assert page.heard.errors == []


def test_open_page_outlives_the_server(small, page_factory):
    """A page that was open when the server ended finds the next one at the same address by itself."""
    with started(small, SMALL) as run:
        page = page_factory()
        page.goto(run.url)
    save(small / "docs" / "index.md", "# 첫 쪽\n\n다음 날 쓴 글\n")
    port = run.url.rstrip("/").rpartition(":")[2]
    with started(small, SMALL.replace("0, False", f"{port}, False")) as again:
        assert again.url == run.url
        page.get_by_text("다음 날 쓴 글").wait_for(timeout=15_000)


def test_threads_live(root, tmp_path, page_factory):
    """The real site: a saved thread shows, a mistake in it with its place, and its mending."""
    project = copy_of_the_site(root, tmp_path)
    thread = sorted((project / "docs" / "qa").glob("*/*.yaml"))[0]
    good = thread.read_text(encoding="utf-8")
    with started(project) as run:
        page = page_factory()
        page.goto(f"{run.url}qa/{thread.parent.name}/{thread.stem}/")
        assert page.locator("h1").count() == 1, run.lines
        index = page.evaluate("fetch('/search-index/index.json').then((answer) => answer.text())")
        seconds = []
        for word in ["처음저장", "다음저장", "끝저장"]:
            changed = conclude(good, word)
            start = save(thread, changed)
            page.get_by_text(word).first.wait_for(timeout=20_000)
            seconds.append(time.monotonic() - start)

        save(thread, changed.replace("conclusion:", "conclusoin:"))
        alert = page.get_by_role("alert")
        alert.wait_for(timeout=20_000)
        line = changed[: changed.index("conclusion:")].count("\n") + 1
        assert f"{thread.relative_to(project).as_posix()}:{line}:" in alert.inner_text()
        assert page.get_by_text("끝저장").count() > 0, "the last good page stays"

        save(thread, conclude(good, "고친뒤"))
        page.get_by_text("고친뒤").first.wait_for(timeout=20_000)
        assert page.get_by_role("alert").count() == 0
        page.evaluate("window.untouched = true")
        page.wait_for_function(
            """async (before) => {
            const answer = await fetch('/search-index/index.json');
            return await answer.text() !== before;
        }""",
            arg=index,
            timeout=60_000,
        )
        assert page.evaluate("import('/assets/js/fulltext.js').then(({search}) => search('어텐션'))")["hits"]
        assert page.evaluate("window.untouched"), "the whole build brings the index, and this page as it already was"
        assert min(seconds) < 15, "at once; benchmarks tell how fast"
        assert page.heard.errors == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_kernel_outlives_the_server(small, number):
    """However the server ends. And its log holds no secret but the addresses."""
    (small / "snippets").mkdir()
    code = "from pathlib import Path; from mundap.live.app import serve; serve(Path('.'), 0, False, lambda root: (None, []))"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        cwd=small,
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
        entered = enter(box, address[3])
        ask(box, "/_live/enter?token=%ff")

        async def conversation(say, hear):
            await say({"do": "run", "cell": 0, "code": "import time; print(1, flush=True); time.sleep(1000)"})
            await hear("text")
            found = kernels(psutil.Process(process.pid))
            process.send_signal(number)
            return found

        found = talk(box, conversation, entered)
        assert found and not psutil.wait_procs(found, timeout=30)[1]
        said += process.communicate(timeout=30)[0]
        assert entered.cookie.partition("=")[2] not in said and entered.secret not in said
        assert "Traceback" not in said and "%ff" not in said
    finally:
        process.kill()
        process.wait()


def test_no_trace_of_it_in_the_static_site(site):
    for path in site.rglob("*"):
        if path.suffix in (".html", ".js"):
            text = path.read_text(encoding="utf-8")
            assert "_live/" not in text, path
            assert path.suffix == ".js" or ("_live" not in text and "cell-run" not in text), path
