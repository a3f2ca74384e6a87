"""The live server, attacked and used: what it refuses, and what an open page shows when a file is saved."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from server import ask, in_loop, running
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from mundap.live import serve
from mundap.problems import Failure, Problem
from mundap.site.build import build_site, render

PAGE = b"<!doctype html><title>t</title><body>%s</body>"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A served folder with a page, a file of each kind, a secret outside, and a link that leads to it."""
    top = tmp_path_factory.mktemp("served")
    (top / "secret.txt").write_text("SECRET")
    pages = top / "pages"
    (pages / "qa" / "one").mkdir(parents=True)
    (pages / "empty").mkdir()
    (pages / "index.html").write_bytes(PAGE % "첫 쪽".encode())
    (pages / "404.html").write_bytes(PAGE % "없는 쪽".encode())
    (pages / "qa" / "one" / "index.html").write_bytes(PAGE % b"one")
    for name in [
        "a.js",
        "a.mjs",
        "a.css",
        "a.json",
        "a.svg",
        "a.png",
        "a.wasm",
        "a.wasm.gz",
        "a.woff2",
        "a.ipynb",
        "a.py",
        "a.yaml",
        "a.pf_index",
        "한글.txt",
    ]:
        (pages / name).write_text("x")
    (pages / "link.txt").symlink_to(top / "secret.txt")
    (pages / "out").symlink_to(top)
    (pages / "loop").symlink_to(pages / "loop")
    live = serve.Live(top, top, lambda root: [])
    live.pages = pages
    with running(live) as box:
        yield box


def test_pages_and_files(server):
    home = ask(server)
    assert home.status == 200 and "첫 쪽" in home.body.decode()
    assert home.body.count(b"/_live/live.js") == 1, "the live script is added on the way out"
    assert ask(server, host=server.hosts[1]).status == 200, "localhost is this computer too"
    assert ask(server, "/qa/one/").status == 200
    assert ask(server, "/qa/one/?q=1").status == 200
    assert ask(server, "/%ED%95%9C%EA%B8%80.txt").body == b"x"
    moved = ask(server, "/qa/one")
    assert (moved.status, moved.headers["location"]) == (302, "/qa/one/")
    assert b"connect" in ask(server, "/_live/live.js").body


@pytest.mark.parametrize(
    "name, kind",
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.wasm", "application/wasm"),
        ("a.wasm.gz", "application/gzip"),
        ("a.woff2", "font/woff2"),
        ("a.ipynb", "application/x-ipynb+json; charset=utf-8"),
        ("a.py", "text/plain; charset=utf-8"),
        ("a.yaml", "text/plain; charset=utf-8"),
        ("a.pf_index", "application/octet-stream"),
    ],
)
def test_media_types(server, name, kind):
    answer = ask(server, f"/{name}")
    assert answer.headers["content-type"] == kind
    assert "content-encoding" not in answer.headers
    assert answer.body == b"x", "nothing is added to a file that is no page"


def test_missing_page(server):
    answer = ask(server, "/none/")
    assert answer.status == 404 and "없는 쪽" in answer.body.decode()


def test_no_directory_listing(server):
    assert ask(server, "/empty/").status == 404
    assert ask(server, "/empty").status == 404


def test_head_sends_no_body(server):
    whole, head = ask(server), ask(server, method="HEAD")
    assert head.status == 200 and head.body == b""
    assert head.headers["content-length"] == whole.headers["content-length"] == str(len(whole.body))


def test_unchanged_page_is_not_sent_again(server):
    tag = ask(server).headers["etag"]
    again = ask(server, headers=[f"If-None-Match: {tag}"])
    assert again.status == 304 and again.body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
@pytest.mark.parametrize("target", ["/", "/_live/live.js", "/_live/socket", "/none"])
def test_reading_is_all_it_does(server, method, target):
    assert ask(server, target, method).status in (400, 405)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:1",
        "127.0.0.2:{port}",
        "127.0.0.1:{port}.evil.example",
        "localhost.evil.example:{port}",
        "evil.example@127.0.0.1:{port}",
        "127.0.0.1:{port}, evil.example",
        "[::1]:{port}",
        "0.0.0.0:{port}",
        "2130706433:{port}",
        "127.1:{port}",
        "LOCALHOST:{port}",
        "127.0.0.1:0{port}",
    ],
)
@pytest.mark.parametrize("target", ["/", "/a.js", "/_live/live.js", "/none"])
def test_foreign_host(server, host, target):
    """DNS rebinding: a foreign name that leads to 127.0.0.1 sends its own Host."""
    answer = ask(server, target, host=host.format(port=server.port) if host else "")
    assert answer.status in (400, 403)
    assert "첫 쪽" not in answer.body.decode("utf-8") and answer.body != b"x"


def test_two_hosts(server):
    answer = ask(server, headers=["Host: evil.example"])
    assert answer.status in (400, 403)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}.evil.example",
    ],
)
def test_foreign_origin(server, origin):
    answer = ask(server, headers=[f"Origin: {origin.format(port=server.port)}"])
    assert answer.status == 403


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/../../../../etc/passwd",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%2fsecret.txt",
        "/qa/../../secret.txt",
        "/qa/%2e%2e/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/....//secret.txt",
        "/%252e%252e/secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/..%00/secret.txt",
        "/a.js%00.html",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/./a.js",
        "/link.txt",
        "/out/secret.txt",
        "/out/",
        "/loop",
        "/loop/x",
        "/qa//one/",
        "/a.js/",
        "/~root/",
        "/file:///etc/passwd",
        "/" + "a" * 5000,
        "/" + "a/" * 3000,
        "/_live/../secret.txt",
        "/_live/live.jsx",
    ],
)
def test_nothing_outside_the_site(server, target):
    answer = ask(server, target)
    assert answer.status in (302, 400, 404) and b"SECRET" not in answer.body and b"root:" not in answer.body
    assert answer.status != 302 or re.fullmatch(r"/[^/\\].*", answer.headers["location"])


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/qa/one",
        "//qa/one",
        "/\\evil.example/qa/one",
        "/%5cevil.example",
        "/%2f%2fevil.example",
        "http://evil.example/qa/one",
    ],
)
def test_no_redirect_elsewhere(server, target):
    assert ask(server, target).status in (400, 404)


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
)
def test_malformed_requests(server, raw):
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.recv(65536)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert ask(server).status == 200, "and it goes on serving"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"target": "/none"},
        {"host": "evil.example"},
        {"method": "POST"},
        {"target": "/qa/one"},
        {"target": "/_live/live.js"},
    ],
)
def test_security_headers_everywhere(server, answer):
    headers = ask(server, **answer).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers and "server" not in headers


def test_only_this_computer(server):
    """127.0.0.2 is this machine too, by another address: a server on all interfaces would answer there."""
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", server.port), 2)


def test_port_taken():
    first, port = serve.listen(0)
    second, other = serve.listen(port)
    assert other > port
    first.close()
    second.close()


def test_no_port_left():
    listener, port = serve.listen(0)
    with listener, pytest.raises(Failure, match=f"{port}번"):
        serve.listen(port, tries=1)


# The socket of the open pages


def connect(server, count=1, talk=None, **headers):
    """Open WebSockets with the headers -> what each heard first, or the status of the refusal."""

    async def one():
        request = HTTPRequest(f"ws://127.0.0.1:{server.port}/_live/socket", headers=headers)
        connection = await websocket_connect(request)
        first = await asyncio.wait_for(connection.read_message(), 10)
        if talk is not None:
            await connection.write_message(talk)
            return await asyncio.wait_for(connection.read_message(), 10), connection.close_code
        return first, connection

    async def many():
        results = await asyncio.gather(*[one() for _ in range(count)], return_exceptions=True)
        for result in results:
            if isinstance(result, tuple) and hasattr(result[1], "close"):
                result[1].close()
        return [result.code if isinstance(result, HTTPClientError) else result for result in results]

    return in_loop(many())


def test_socket_tells_the_state(server):
    [(message, _)] = connect(server, Origin=f"http://{server.hosts[0]}")
    assert f'"version": {server.live.version}' in message and '"problems": []' in message


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Origin": "http://evil.example:{port}", "Host": "evil.example:{port}"},
    ],
)
def test_socket_refuses_strangers(server, headers):
    """Cross-site WebSockets, which the same-origin policy lets through, and DNS rebinding."""
    assert connect(server, **{name: value.format(port=server.port) for name, value in headers.items()}) == [403]


@pytest.mark.parametrize("talk", ["hello", "x" * 100_000, b"\x00\xff"])
def test_socket_does_not_listen(server, talk):
    [(message, code)] = connect(
        server, talk=talk if isinstance(talk, str) else talk.decode("latin-1"), Origin=f"http://{server.hosts[0]}"
    )
    assert message is None and code in (1008, 1009, None)
    assert ask(server).status == 200


def test_too_many_sockets(server):
    answers = connect(server, serve.MAX_SOCKETS + 20, Origin=f"http://{server.hosts[0]}")
    assert sum(answer == 503 for answer in answers) >= 20
    deadline = time.monotonic() + 10
    while server.live.sockets and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not server.live.sockets, "closed sockets are forgotten"


# Building


@pytest.fixture
def small(tmp_path):
    """A small MkDocs project that has nothing to do with threads."""
    root = tmp_path / "작은 사이트"
    (root / "docs").mkdir(parents=True)
    (root / "mkdocs.yml").write_text("site_name: 시험\ntheme: {name: material, font: false}\nplugins: []\n")
    (root / "docs" / "index.md").write_text("# 첫 쪽\n\n처음 글\n")
    (root / "docs" / "other.md").write_text("# 다른 쪽\n")
    return root


def test_site_appears_only_whole(small):
    out = build_site(small)
    assert out == small / "site" and "처음 글" in (out / "index.html").read_text()
    (small / "docs" / "index.md").write_text("# 첫 쪽\n\n[없는 곳](none.md)\n")
    with pytest.raises(Failure, match="none.md"):
        build_site(small)
    assert "처음 글" in (out / "index.html").read_text(), "the last good site stays"
    assert sorted(path.name for path in small.iterdir()) == ["docs", "mkdocs.yml", "site"]
    (small / "mkdocs.yml").write_text("site_name: 시험\ntheme: {name: none-such}\n")
    with pytest.raises(Failure, match="none-such"):
        build_site(small)
    assert (out / "index.html").exists()


def test_static_site_has_nothing_of_the_live_server(site):
    for path in site.rglob("*"):
        if path.suffix in (".html", ".js"):
            assert "_live/" not in path.read_text(encoding="utf-8"), path


def test_update_names_what_changed(small, tmp_path):
    problems = []
    live = serve.Live(small, tmp_path, lambda root: problems)
    first = live.update()
    assert first["problems"] == [] and "index.html" in first["pages"]
    (small / "docs" / "index.md").write_text("# 첫 쪽\n\n나중 글\n")
    second = live.update()
    assert (second["pages"], second["assets"], second["version"]) == (["index.html"], False, first["version"] + 1)
    problems.append(Problem("docs/qa/a.yaml", 3, 5, "틀렸어요.", "고쳐 주세요."))
    third = live.update()
    assert third["problems"] == [{"place": "docs/qa/a.yaml:3:5", "what": "틀렸어요.", "todo": "고쳐 주세요."}]
    assert third["version"] == second["version"] and "나중 글" in (live.pages / "index.html").read_text()
    problems.clear()
    (small / "docs" / "index.md").write_text("[없는 곳](none.md)\n")
    assert "none.md" in live.update()["problems"][0]["what"]
    assert "나중 글" in (live.pages / "index.html").read_text()


def test_update_survives_a_fault_of_its_own(small, tmp_path, capsys):
    live = serve.Live(small, tmp_path, lambda root: 1 / 0)
    assert "ZeroDivisionError" in live.update()["problems"][0]["what"]
    assert "Traceback" in capsys.readouterr().err, "the terminal says where"


def test_snapshot_sees_each_kind_of_save(small):
    seen = [serve.snapshot(small)]

    def changes():
        seen.append(serve.snapshot(small))
        return seen[-1] != seen[-2]

    assert not changes()
    (small / "docs" / "new.md").write_text("새 글")
    assert changes()
    (small / "docs" / "tmp").write_text("# 바뀐 글")
    os.replace(small / "docs" / "tmp", small / "docs" / "index.md")  # how many editors save
    assert changes()
    (small / "docs" / "new.md").unlink()
    assert changes()
    (small / "docs" / ".index.md.swp").write_text("vim")
    assert not changes(), "an editor's own files are none of ours"


# The whole, as a learner starts it


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
from mundap.live.serve import serve

def check(root):
    lines = (root / "docs" / "index.md").read_text().splitlines()
    return [Problem("docs/index.md", number, 1, "`틀림`이 있어요.", "지워 주세요.")
            for number, line in enumerate(lines, 1) if "틀림" in line]

sys.exit(serve(Path("."), 0, False, check))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c(small, number):
    with started(small, SMALL) as run:
        run.process.send_signal(number)
        assert run.process.wait(20) == 0
        run.reader.join(10)
        said = "".join(run.lines)
        assert said.rstrip().endswith("또 만나요.") and "Traceback" not in said


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


def save(path, text):
    path.write_text(text, encoding="utf-8")
    return time.monotonic()


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
        violations = Axe().run(page, context="#mundap-live").response["violations"]
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


@pytest.fixture
def project(root, tmp_path):
    """A copy of all that the site is made of."""
    project = tmp_path / "mundap"
    project.mkdir()
    for name in serve.WATCHED:
        if (root / name).is_dir():
            shutil.copytree(root / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (root / name).exists():
            shutil.copy(root / name, project / name)
    return project


def conclude(text, word):
    """A thread's YAML with a word before its conclusion."""
    changed = re.sub(r"(?m)^(conclusion: \|\n +)", rf"\1{word} ", text)
    assert changed != text
    return changed


def test_what_a_save_builds_is_what_a_whole_build_makes(project, tmp_path):
    live = serve.Live(project, tmp_path, serve.default_check, "http://127.0.0.1:8000/")
    assert live.update()["problems"] == []
    thread = sorted((project / "docs" / "qa").glob("*/*.yaml"))[0]
    text = thread.read_text(encoding="utf-8")
    save(thread, conclude(text, "저장한"))
    page = f"qa/{thread.parent.name}/{thread.stem}/index.html"
    state = live.update([thread.relative_to(project).as_posix()])
    assert page in state["pages"]
    quick = live.pages
    render(project, tmp_path / "whole", "http://127.0.0.1:8000/", {"mundap": {"search": False}})
    assert {name for name in serve.differences(quick, tmp_path / "whole") if name.endswith(".html")} <= {"index.html"}
    assert "저장한" in (quick / page).read_text(encoding="utf-8")


def test_threads_live(project, page_factory):
    """The real site: a saved thread shows, a mistake in it with its place, and its mending."""
    thread = sorted((project / "docs" / "qa").glob("*/*.yaml"))[0]
    good = thread.read_text(encoding="utf-8")
    with started(project) as run:
        page = page_factory()
        page.goto(f"{run.url}qa/{thread.parent.name}/{thread.stem}/")
        assert page.locator("h1").count() == 1, run.lines
        index = page.evaluate("fetch('/pagefind/pagefind-entry.json').then((answer) => answer.text())")
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
            const answer = await fetch('/pagefind/pagefind-entry.json');
            return await answer.text() !== before;
        }""",
            arg=index,
            timeout=60_000,
        )
        assert page.evaluate("import('/pagefind/pagefind.js').then((index) => index.search('어텐션'))")["results"]
        assert page.evaluate("window.untouched"), "the whole build brings the index, and this page as it already was"
        assert min(seconds) < 15, "at once; benchmarks tell how fast"
        assert page.heard.errors == []
