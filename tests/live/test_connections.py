"""Connections: half-open ones, and too many, keep nobody out and fill no log."""

import asyncio
import logging
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from server import ask, built, enter, print_one, running, talk

from mundap.live import connections


@pytest.fixture
def server(tmp_path):
    """A served page, with kernels of this interpreter, and room for few connections."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (tmp_path / "snippets").mkdir()
    (pages / "index.html").write_text("<!doctype html><title>t</title><body>page</body>")
    with running(built(tmp_path, tmp_path, pages), {}) as box:
        yield box


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(connections, "most_connections", lambda: 20)


def test_half_open_connections_keep_nobody_out(few, server, caplog):
    """Those that say nothing, and those that stop half-way: the oldest goes. An open socket stays."""
    entered, idle = enter(server), []

    async def conversation(say, hear):
        assert (await print_one(say, hear)).text == "1\n"
        for number in range(300):
            idle.append(socket.create_connection(("127.0.0.1", server.port), 5))
            if number % 2:
                idle[-1].sendall(b"GET /_live/kernel HTTP/1.1\r\nHost: ")
            if number % 50 == 49:
                assert await asyncio.to_thread(lambda: ask(server).status) == 200
        return await print_one(say, hear)

    try:
        assert talk(server, conversation, entered).text == "1\n", "the page's socket was open all the time"
        assert talk(server, print_one, entered).text == "1\n"
    finally:
        for each in idle:
            each.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_connection_has_to_speak():
    assert connections.HEADER_LIMIT <= 10
    assert 1 <= connections.most_connections() <= connections.MOST


def test_no_descriptor_left(monkeypatch, caplog):
    """Accepting pauses, and goes on when there is room again."""
    monkeypatch.setattr(connections, "PAUSE", 0.05)
    failures = []

    async def serve_one():
        loop = asyncio.get_running_loop()
        accept = loop.sock_accept

        async def full(listener):
            if len(failures) < 3:
                failures.append(1)
                raise OSError(24, "Too many open files")
            return await accept(listener)

        monkeypatch.setattr(loop, "sock_accept", full)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        handled = asyncio.Event()

        class Server:
            def handle_stream(self, stream, address):
                stream.close()
                handled.set()

        task = asyncio.ensure_future(connections.accept(listener, Server(), set))
        with socket.create_connection(listener.getsockname(), 5):
            await asyncio.wait_for(handled.wait(), 5)
        task.cancel()
        listener.close()

    with ThreadPoolExecutor(1) as pool:  # a browser's test may have left its loop running in this thread
        pool.submit(asyncio.run, serve_one()).result()
    assert len(failures) == 3 and not caplog.records
