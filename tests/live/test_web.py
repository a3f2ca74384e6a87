"""What the server refuses, and what it sends: attacked over the wire, as bytes."""

import re
import socket

import pytest
from server import ask, built, running

from mundap.live.web import PAGE_POLICY

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
    with running(built(top, top, pages)) as box:
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
    assert (moved.status, moved.headers["location"]) == (302, "./one/")
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
    assert answer.status != 302 or re.fullmatch(r"\./[^/\\]+/", answer.headers["location"])


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
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy or policy == PAGE_POLICY and "frame-ancestors 'self'" in policy
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers and "server" not in headers
