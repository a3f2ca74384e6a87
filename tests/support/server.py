"""The live server's application in a thread, and requests to it: as bytes, and as a page's conversation."""

import asyncio
import json
import re
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import psutil
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.websocket import websocket_connect

from mundap.live import app
from mundap.live.builds import Builds
from mundap.live.connections import HEADER_LIMIT, accept
from mundap.live.door import Door, Entered
from mundap.live.places import Places
from mundap.live.pool import Pool
from mundap.project import snippets


def in_loop(coroutine):
    """The result of a coroutine, in a thread of its own: the browser's driver may hold this one's event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def built(root, folder, pages):
    """Builds that already have their pages, and the snippets of root/snippets."""
    builds = Builds(root, folder, lambda root: (None, []))
    builds.pages = pages
    builds.project = SimpleNamespace(snippets=snippets.load(root / "snippets"))
    return builds


@contextmanager
def running(builds, pool=None, forwarded=None):
    """The server's application on a free port, in a thread. pool: options of a Pool, if code may run.

    forwarded: an address that leads there, a Forwarded.

    The result has port, hosts, builds, door, pool, announced (addresses that the terminal would show) and sockets
    (handler class -> open ones).
    """
    listener, port = app.listen(0)
    ready = threading.Event()
    places = Places(port, forwarded)
    box = SimpleNamespace(port=port, builds=builds, hosts=places.local, announced=[])
    box.url = f"http://{box.hosts[0]}"
    box.door = box.pool = None

    async def main():
        box.loop, box.stop, tasks = asyncio.get_running_loop(), asyncio.Event(), []
        if pool is not None:
            kernels = builds.folder / "k"
            kernels.mkdir()
            box.door = Door(places, box.announced.append)
            box.pool = Pool(builds.root, kernels, **{"python": sys.executable, **pool})
            tasks.append(asyncio.ensure_future(box.pool.watch()))
        application = app.application(builds, places, box.door, box.pool)
        box.sockets = application.settings["sockets"]
        server = HTTPServer(application, idle_connection_timeout=HEADER_LIMIT)
        tasks.append(asyncio.ensure_future(accept(listener, server, lambda: app.streams(application))))
        ready.set()
        await box.stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        listener.close()
        app.close_sockets(application)
        if box.pool:
            await box.pool.close()
        await server.close_all_connections()

    thread = threading.Thread(target=asyncio.run, args=[main()])
    thread.start()
    ready.wait(10)
    try:
        yield box
    finally:
        box.loop.call_soon_threadsafe(box.stop.set)
        thread.join(30)


def ask(server, target="/", method="GET", host=None, headers=(), raw=None):
    """Send one request as bytes, exactly as written -> status, headers, body."""
    lines = [
        f"{method} {target} HTTP/1.1",
        *([f"Host: {host or server.hosts[0]}"] if host != "" else []),
        *headers,
        "Connection: close",
        "",
        "",
    ]
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(raw if raw is not None else "\r\n".join(lines).encode("utf-8", "surrogateescape"))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return SimpleNamespace(status=int(status.split()[1]) if status else 0, headers=headers, body=body)


def address(server):
    """The path and query of a new address that lets one browser in."""
    return server.door.address().partition(server.hosts[0])[2]


def enter(server, target=None):
    """Come in as the learner does -> the header that a browser then sends, and the secret that its page keeps."""
    answer = ask(server, target or address(server))
    assert answer.status == 200, answer.body
    secret = re.search(r'data-secret="([\w-]+)"', answer.body.decode())[1]
    return Entered("Cookie: " + answer.headers["set-cookie"].partition(";")[0], secret)


def talk(server, conversation, entered=None, **headers):
    """Open the kernel's socket and let conversation(say, hear) speak -> its result, or the refusal's status.

    entered: what enter() returns; without a secret the conversation has to come in by itself.
    """
    fields = {"Origin": f"http://{server.hosts[0]}", **headers}
    if entered and entered.cookie:
        fields["Cookie"] = entered.cookie.removeprefix("Cookie: ")

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
            if entered and entered.secret:
                await say({"do": "enter", "secret": entered.secret})
            return await conversation(say, hear)
        finally:
            connection.close()

    return in_loop(main())


async def print_one(say, hear):
    """A conversation: run print(1) -> what is heard of it."""
    await say({"do": "run", "cell": 3, "code": "print(1)"})
    return await hear("text", "closed")


def kernels(process=None):
    """The kernels that a process, this one by default, has started."""
    return [
        child
        for child in (process or psutil.Process()).children(recursive=True)
        if any("ipykernel" in word for word in child.cmdline())
    ]
