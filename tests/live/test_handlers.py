"""The door, the socket of the builds and the socket of a page's cells, attacked over the wire."""

import asyncio
import json
import socket
from contextlib import suppress

import psutil
import pytest
from commands import wait_for
from server import address, ask, built, enter, in_loop, print_one, running, talk
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from mundap.live import handlers
from mundap.live.door import Entered
from mundap.live.handlers import MAX_MESSAGE, CellSocket, StateSocket


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A served page and a snippet, with kernels of this interpreter."""
    top = tmp_path_factory.mktemp("cells")
    (top / "snippets").mkdir()
    (top / "snippets" / "example.py").write_text("# %%\nprint(42)\n", encoding="utf-8")
    pages = top / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("<!doctype html><title>t</title><body>page</body>")
    with running(built(top, top, pages), {}) as box:
        yield box


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
    assert f'"version": {server.builds.version}' in message and '"problems": []' in message


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
    answers = connect(server, StateSocket.LIMIT + 20, Origin=f"http://{server.hosts[0]}")
    assert sum(answer == 503 for answer in answers) >= 20
    wait_for(lambda: not server.sockets[StateSocket])  # closed sockets are forgotten


# Who comes in


def test_a_browser_comes_in_once(server):
    first = address(server)
    answer = ask(server, first)
    assert answer.status == 200 and "enter.js" in answer.body.decode()
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"]
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "samesite=strict"}
    token = first.partition("=")[2]
    assert token not in cookie + answer.body.decode(), "the token itself is kept by nobody"
    assert ask(server, first).status == 403, "a token is good for one visit"
    assert server.announced[-1].endswith(server.door.token), "the next browser's address is told"
    assert talk(server, print_one, enter(server)).text == "1\n"


def test_the_private_file_leads_in_once_and_voids_nothing(server):
    """As a browser asks that was started with the file, which it calls another site."""
    sent = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
    shown = address(server)
    target = server.door.address_for_file().partition(server.hosts[0])[2]
    announced = len(server.announced)
    for wrong in (
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"],
        [*sent, "Referer: http://evil.example/"],
        [*sent, "Purpose: prefetch"],
        ["Sec-Fetch-Site: same-site", *sent[1:]],
    ):
        assert ask(server, target, headers=wrong).status == 403
    assert ask(server, shown, headers=sent).status == 403, "the address in the terminal is no link of any page"
    assert ask(server, target, headers=sent).status == 200
    assert ask(server, target, headers=sent).status == 403
    assert len(server.announced) == announced and ask(server, shown).status == 200


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
    target = address(server)
    answer = ask(server, change(target))
    assert answer.status in (400, 403) and "set-cookie" not in answer.headers
    assert ask(server, target).status == 200, "a guess does not void the right one"


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
    target = address(server)
    answer = ask(server, target, headers=[header])
    assert answer.status == 403 and "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS"])
def test_only_a_visit_comes_in(server, method):
    target = address(server)
    assert ask(server, target, method=method).status == 405
    assert ask(server, target).status == 200


def test_a_visit_as_browsers_make_it(server):
    target = address(server)
    sent = ["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-User: ?1"]
    assert ask(server, target, headers=sent).status == 200


def test_may(server):
    cookie, secret = enter(server)
    said, other = f"Mundap-Secret: {secret}", f"Mundap-Secret: {enter(server).secret}"
    assert json.loads(ask(server, "/_live/may", headers=[cookie, said]).body) == {"may": True}
    for wrong in (
        [],
        [cookie],
        [said],
        [cookie, other],
        [cookie, said + "x"],
        [cookie, "Mundap-Secret:"],
        [cookie, "Mundap-Secret: \udcff"],
        ["Cookie: mundap-1=x", said],
        [cookie + "x", said],
        [cookie.replace(server.door.cookie_name, "mundap-1"), said],
        ["Cookie: 쿠키=\udcff", said],
        [cookie.partition("=")[0] + "=쿠키", said],
    ):
        assert json.loads(ask(server, "/_live/may", headers=wrong).body) == {"may": False}
    assert ask(server, "/_live/may", headers=[cookie, said, "Sec-Fetch-Site: cross-site"]).status == 403
    assert ask(server, "/_live/may", headers=[cookie, said], host="evil.example").status == 403


def test_no_page_holds_a_token(server):
    cookie, _ = enter(server)
    secrets = [server.door.token, *(secret for entered in server.door.entered for secret in entered)]
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
    entered, count = enter(server), server.pool.started
    asked = {name: value and value.format(port=server.port) for name, value in headers.items()}
    assert talk(server, print_one, entered, **asked) == 403
    assert server.pool.started == count, "no process was started"


@pytest.mark.parametrize("cookie", [None, "mundap=1", "{name}=", "{name}=x", "{name}={token}"])
def test_no_kernel_without_the_cookie(server, cookie):
    server.door.address()
    cookie = cookie and cookie.format(name=server.door.cookie_name, token=server.door.token)
    assert talk(server, print_one, Entered(cookie, enter(server).secret)) == 403


@pytest.mark.parametrize(
    "secret", [None, "", "x", "\ud800", "{other}", "{cookie}", "{token}"], ids=lambda secret: repr(secret)
)
def test_no_kernel_for_the_cookie_alone(server, secret):
    """Cookies do not know ports: whoever serves another one of 127.0.0.1 is sent it."""
    entered, count = enter(server), server.pool.started
    if secret:
        value = entered.cookie.partition("=")[2]
        secret = secret.format(other=enter(server).secret, cookie=value, token=server.door.token)

    async def conversation(say, hear):
        if secret is not None:
            await say({"do": "enter", "secret": secret})
        with suppress(WebSocketClosedError):  # it may be closed before it is asked
            return await print_one(say, hear)
        return await hear("closed")

    answer = talk(server, conversation, Entered(entered.cookie, ""))
    assert answer.what == "closed" and answer.code == 1008
    assert server.pool.started == count, "no process was started"


def test_the_secret_is_said_once_and_soon(server, monkeypatch):
    entered = enter(server)

    async def again(say, hear):
        await say({"do": "enter", "secret": entered.secret})
        return await hear("nothing")

    assert talk(server, again, entered).code == 1008
    monkeypatch.setattr(handlers, "PATIENCE", 0.2)

    async def silence(say, hear):
        return await hear("nothing")

    assert talk(server, silence, Entered(entered.cookie, "")).code == 1008


@pytest.mark.parametrize("target", ["/_live/kernel", "/_live/kernel/", "/_live/kernels", "/_live/../_live/kernel"])
def test_the_socket_is_no_page(server, target):
    assert ask(server, target, headers=[enter(server).cookie]).status in (400, 403, 404)


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


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "example.py", "", "없음", "os"])
def test_only_snippets_of_the_project_are_found(server, name):
    async def conversation(say, hear):
        await say({"do": "snippet", "cell": 0, "of": name, "edits": []})
        return await hear("done")

    answer = talk(server, conversation, enter(server))
    assert answer.status == "trouble" and "스니펫이 없어요" in answer.value


def test_a_thousand_connections(server):
    """Idle ones, and sockets without the cookie: those who have it are served all the same."""
    entered, idle = enter(server), []
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
        assert talk(server, print_one, entered).text == "1\n"
    finally:
        for each in idle:
            each.close()


def test_pages_have_a_limit(server):
    cookie = enter(server).cookie.removeprefix("Cookie: ")

    async def main():
        request = HTTPRequest(
            f"ws://127.0.0.1:{server.port}/_live/kernel",
            headers={"Origin": f"http://{server.hosts[0]}", "Cookie": cookie},
        )
        opened, refused = [], []
        for _ in range(CellSocket.LIMIT + 5):
            try:
                opened.append(await websocket_connect(request))
            except HTTPClientError as error:
                refused.append(error.code)
            while len(server.sockets[CellSocket]) < len(opened):  # the server learns of it a moment later
                await asyncio.sleep(0.01)
        for connection in opened:
            connection.close()
        while server.sockets[CellSocket]:
            await asyncio.sleep(0.01)
        at_once = await asyncio.gather(
            *[websocket_connect(request) for _ in range(CellSocket.LIMIT + 5)], return_exceptions=True
        )
        await asyncio.sleep(0.5)
        assert len(server.sockets[CellSocket]) <= CellSocket.LIMIT, (
            "handshakes at the same time do not pass the limit either"
        )
        for connection in at_once:
            if not isinstance(connection, Exception):
                connection.close()
        return len(opened), refused

    wait_for(lambda: not server.sockets[CellSocket])
    assert in_loop(main()) == (CellSocket.LIMIT, [503] * 5)
    wait_for(lambda: not server.sockets[CellSocket])


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
        return [psutil.Process(page.kernel.pid) for page in server.pool.owners]

    [process] = talk(server, conversation, enter(server))
    assert not psutil.wait_procs([process], timeout=20)[1], "the kernel went with its page"


def test_what_is_no_text_ends_like_the_rest(server):
    """Half a surrogate pair, which no UTF-8 has: ipykernel fails to send it, in an error too."""

    async def conversation(say, hear):
        await say({"do": "run", "cell": 0, "code": "print('a\\ud800b')\nraise ValueError('\\ud800')"})
        await hear("done")
        await say({"do": "run", "cell": 0, "code": "print(2)"})
        return (await hear("done", "closed")).status

    assert talk(server, conversation, enter(server)) == "ok"
