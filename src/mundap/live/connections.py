"""Taking connections in: no more than there is room for, whoever opens them and leaves them half open."""

import asyncio
import socket
from collections.abc import Callable, Collection

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

MOST = 400  # connections, of which handlers allow some to be sockets
SHARE = 0.4  # of the file descriptors that this process may have
PAUSE = 0.5  # seconds, where there is no descriptor left for another connection
HEADER_LIMIT = 10  # seconds that a connection may wait for a request, its first or another


async def accept(listener: socket.socket, server: HTTPServer, kept: Callable[[], Collection[IOStream]]) -> None:
    """Hand a listening socket's connections to a server until this is cancelled.

    Where there are too many, the one that was opened first goes. kept: the streams that stay all the same.
    """
    loop = asyncio.get_running_loop()
    limit = most_connections()
    streams: list[IOStream] = []  # in the order of their coming
    while True:
        try:
            connection, address = await loop.sock_accept(listener)
        except OSError:  # no descriptor is left, or the other side has gone
            await asyncio.sleep(PAUSE)
            continue
        streams = [stream for stream in streams if not stream.closed()]
        if len(streams) >= limit:
            stay = kept()
            next((stream for stream in streams if stream not in stay), streams[0]).close()
        stream = IOStream(connection)
        streams.append(stream)
        server.handle_stream(stream, address)


def most_connections() -> int:
    """How many connections there may be: kernels and files need descriptors too."""
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # on Windows, which has no such limit
        return MOST
    return max(1, min(MOST, int(getrlimit(RLIMIT_NOFILE)[0] * SHARE)))
