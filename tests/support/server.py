"""The live server's application in a thread, and requests to it as bytes."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

from tornado.httpserver import HTTPServer

from mundap.live import serve


def in_loop(coroutine):
    """The result of a coroutine, in a thread of its own: the browser's driver may hold this one's event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@contextmanager
def running(live, make_cells=None):
    """The server's application on a free port, in a thread. make_cells: host -> cells.Cells, if code may run."""
    listener, port = serve.listen(0)
    ready = threading.Event()
    box = SimpleNamespace(port=port, live=live, hosts=[f"127.0.0.1:{port}", f"localhost:{port}"])

    async def main():
        box.loop, box.stop = asyncio.get_running_loop(), asyncio.Event()
        box.cells = make_cells(box.hosts[0]) if make_cells else None
        server = HTTPServer(serve.application(live, box.hosts, box.cells), idle_connection_timeout=60)
        server.add_socket(listener)
        idle = asyncio.ensure_future(box.cells.look_for_idle()) if box.cells else None
        ready.set()
        await box.stop.wait()
        server.stop()
        if box.cells:
            idle.cancel()
            await box.cells.close()
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
