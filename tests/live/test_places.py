"""An address that somebody forwards to the server: as exact as its own, and no door for others."""

import json
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import expect
from server import ask, built, running

from mundap.live.door import Door
from mundap.live.handlers import StateSocket
from mundap.live.places import Forwarded, Places, read_forwarded
from mundap.problems import Failure

CODESPACE = Forwarded("https", "me-8000.app.github.dev", "/")


@pytest.mark.parametrize(
    "text, url",
    [
        ("me-8000.app.github.dev", "https://me-8000.app.github.dev/"),
        ("https://me-8000.app.github.dev", "https://me-8000.app.github.dev/"),
        ("https://hub.example:443/user/me/proxy/8000", "https://hub.example/user/me/proxy/8000/"),
        ("https://hub.example/user/a%40b.kr/proxy/8000/", "https://hub.example/user/a%40b.kr/proxy/8000/"),
        ("http://192.168.0.7:8000", "http://192.168.0.7:8000/"),
    ],
)
def test_an_address_as_it_is_typed(text, url):
    assert read_forwarded(text).url == url


@pytest.mark.parametrize(
    "text",
    "https:// ftp://a.example/ https://*.example/ https://a.example/?x https://a.example/#x https://a.example/../ "
    "https://me@a.example/ https://a.example:0/ https://[::1/ https://A.example/ https://a.example//b/ * "
    "https://a.example\\b https://a.example;b".split(),
)
def test_what_is_no_address(text):
    with pytest.raises(Failure, match="주소는 쓸 수 없어요"):
        read_forwarded(text)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A served page, to which an address of Codespaces leads."""
    top = tmp_path_factory.mktemp("served")
    pages = top / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("<!doctype html><body>page</body>")
    with running(built(top, top, pages), {}, CODESPACE) as box:
        yield box


OWN = "127.0.0.1:{port}"


@pytest.mark.parametrize(
    "host, origin, status",
    [
        (OWN, None, 200),
        (OWN, "http://127.0.0.1:{port}", 200),
        (CODESPACE.host, None, 200),
        (CODESPACE.host, CODESPACE.origin, 200),
        (OWN, CODESPACE.origin, 200),  # who forwards puts our Host and leaves the Origin
        (CODESPACE.host, "http://127.0.0.1:{port}", 403),
        (CODESPACE.host, f"http://{CODESPACE.host}", 403),
        (CODESPACE.host, f"{CODESPACE.origin}:443", 403),
        (CODESPACE.host, "null", 403),
        (CODESPACE.host, "https://evil-8000.app.github.dev", 403),
        (f"{CODESPACE.host}:443", None, 403),
        (f"{CODESPACE.host}.evil.example", None, 403),
        (f"x{CODESPACE.host}", None, 403),
        (CODESPACE.host.upper(), None, 403),
        ("evil-8000.app.github.dev", None, 403),
        (OWN, "https://evil-8000.app.github.dev", 403),
    ],
)
@pytest.mark.parametrize("target", ["/", "/_live/live.js"])
def test_no_other_host_and_origin(server, target, host, origin, status):
    headers = [f"Origin: {origin.format(port=server.port)}"] if origin else []
    answer = ask(server, target, host=host.format(port=server.port), headers=headers)
    assert answer.status == status and (b"page" in answer.body or status == 403 or target != "/")


def test_a_refusal_says_where_to_come_in(server):
    assert CODESPACE.url in ask(server, host="evil.example").body.decode()


def test_code_is_as_closed_as_before(server):
    """Who comes by the forwarded address needs the token too, and what it is traded for goes over https alone."""
    by_forward = {"host": CODESPACE.host}
    assert ask(server, "/_live/enter?token=x", **by_forward).status == 403
    assert b"false" in ask(server, "/_live/may", **by_forward).body
    target = server.door.address().removeprefix(CODESPACE.origin)
    led = ["Sec-Fetch-Site: cross-site", "Referer: https://evil.example/"]
    assert ask(server, target, headers=led, **by_forward).status == 403
    answer = ask(server, target, **by_forward)
    assert answer.status == 200 and "; Secure" in answer.headers["set-cookie"]
    assert ask(server, target, **by_forward).status == 403, "a token is good for one visit"


def test_the_terminal_shows_the_forwarded_address():
    assert Door(Places(8000, CODESPACE), print).address().startswith(f"{CODESPACE.url}_live/enter?token=")


def pass_on(here, there, first=b""):
    with suppress(OSError):  # either has gone
        there.sendall(first)
        while data := here.recv(65536):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)


@contextmanager
def forwarder(path):
    """What JupyterHub does, in small: leads PATH/x at its own port to /x at another -> (its port, set the other's)."""
    listener, target = socket.create_server(("127.0.0.1", 0)), []

    def lead(browser):
        head = b""
        while b"\r\n\r\n" not in head:
            head += browser.recv(65536)
        line, _, rest = head.partition(b"\r\n")
        fields = rest.replace(b"Connection: keep-alive", b"Connection: close")
        server = socket.create_connection(("127.0.0.1", *target))
        way = line.replace(f" {path}".encode(), b" /", 1) + b"\r\n"
        threading.Thread(target=pass_on, args=[browser, server, way + fields], daemon=True).start()
        pass_on(server, browser)

    def listen():
        while True:
            try:
                browser, _ = listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=lead, args=[browser], daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    yield listener.getsockname()[1], target.append
    listener.close()


def test_a_cell_runs_behind_a_path(site, root, tmp_path, page):
    path = "/user/me/proxy/8000/"
    (tmp_path / "snippets").symlink_to(root / "snippets")
    with (
        forwarder(path) as (port, lead_to),
        running(built(tmp_path, tmp_path, site), {}, Forwarded("http", f"127.0.0.1:{port}", path)) as box,
    ):
        lead_to(box.port)
        page.goto(box.door.address())
        page.wait_for_url(f"http://127.0.0.1:{port}{path}")
        page.goto(f"http://127.0.0.1:{port}{path}notebooks/multihead")
        page.wait_for_url(f"http://127.0.0.1:{port}{path}notebooks/multihead/")
        page.get_by_role("button", name="실행: 코드 1", exact=True).click()
        expect(page.locator(".cells-panel")).to_contain_text("돌렸어요", timeout=90_000)
        assert not page.heard.errors
        box.builds.version += 2  # a build that the page has not seen
        with page.expect_navigation():
            for socket_of_page in list(box.sockets[StateSocket]):
                box.loop.call_soon_threadsafe(socket_of_page.write_message, json.dumps(box.builds.state()))
