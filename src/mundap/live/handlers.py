"""The requests that are no files: the socket of the builds, the door, the socket of a page's cells."""

import asyncio
import json
import traceback
from typing import Any

from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError

from mundap.live.builds import Builds
from mundap.live.door import Door, sent_by
from mundap.live.orders import read_order
from mundap.live.pool import Pool
from mundap.live.session import Session
from mundap.live.web import EMPTY_PAGE, HTML, Local, LocalSocket

MAX_MESSAGE = 1 << 20  # bytes: a page's cells, not a file
PATIENCE = 10  # seconds that a socket has to say its secret
ENTERED = """<!doctype html><html lang="ko"><meta charset="utf-8"><title>문답</title>
<script src="enter.js" data-secret="{secret}"></script>"""
USED = "이 주소는 이미 썼거나 이 서버의 것이 아니에요. 터미널에 마지막으로 나온 주소를 열어 주세요."


class StateSocket(LocalSocket):
    """Tells an open page of new builds and mistakes. A WebSocket: browsers allow a host only six event streams."""

    LIMIT = 200

    def initialize(self, builds: Builds):
        """The builds to tell of."""
        self.builds = builds

    def start(self):
        """Say at once how things stand."""
        self.write_message(json.dumps(self.builds.state()))

    def on_message(self, message):
        """Nothing is to be said here."""
        self.close(1008, "read only")


class Guarded(Local):
    """A request about running code."""

    @property
    def door(self) -> Door:
        """The door that decides."""
        return self.settings["door"]

    def log_exception(self, typ, value, tb):
        """Tell of a fault of ours without the request, which may hold a token."""
        if not isinstance(value, HTTPError):
            traceback.print_exception(typ, value, tb)

    @property
    def cookie(self) -> str | None:
        """The cookie of a browser that came in."""
        return self.get_cookie(self.door.cookie_name)

    def require_own_page(self):
        """Refuse what a page of another origin sent."""
        if not sent_by(self.request.headers, "same-origin"):
            raise HTTPError(403, reason="Foreign page")


class Enter(Guarded):
    """An address with a token, which becomes a cookie and a secret; the address bar forgets it."""

    SUPPORTED_METHODS = ("GET",)

    def get(self):
        """Trade the token in, once; refuse what no one opened themselves."""
        tokens = self.get_query_arguments("token")
        entered = self.door.enter(tokens[0], self.request.headers) if len(tokens) == 1 else None
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        if entered is None:
            self.set_status(403)
            self.send(EMPTY_PAGE.format(title="들어갈 수 없어요", text=USED).encode(), HTML)
            return
        self.set_cookie(
            self.door.cookie_name,
            entered.cookie,
            path="",  # the browser's own: of this address, whatever path who forwards has put before it
            httponly=True,
            samesite="Strict",
            secure=self.door.is_secure,
        )
        self.send(ENTERED.format(secret=entered.secret).encode(), HTML)


class May(Guarded):
    """Tells a page whether its buttons would do something."""

    def get(self):
        """{"may": bool} as JSON."""
        self.require_own_page()
        self.set_header("Cache-Control", "no-store")
        may = self.door.may(self.cookie, self.request.headers.get("Mundap-Secret"))
        self.send(json.dumps({"may": may}).encode(), "application/json")

    head = get


class CellSocket(Guarded, LocalSocket):
    """An open page that runs code: carries its orders to a session, and the session's messages back."""

    SUPPORTED_METHODS = ("GET",)
    LIMIT = 32  # open pages that may have asked for a kernel
    session: Session | None = None
    clock: asyncio.TimerHandle | None = None  # until the secret is said

    def initialize(self, pool: Pool, builds: Builds):
        """The pool that gives kernels, the builds whose snippets the page shows."""
        self.pool, self.builds = pool, builds

    def prepare(self):
        """Refuse what is no page of this server in a browser that came in."""
        super().prepare()
        self.require_own_page()
        if not self.door.knows(self.cookie):
            raise HTTPError(403, reason="Not entered")

    @property
    def max_message_size(self):
        """In bytes; the other sockets take less."""
        return MAX_MESSAGE

    def start(self):
        """Wait for the secret, for a while."""
        self.clock = asyncio.get_running_loop().call_later(PATIENCE, self.close, 1008, "no secret")

    async def on_message(self, message):
        """Hand an order on, once the secret was said; a malformed one closes the socket."""
        if self not in self.opened:
            return
        try:
            order = read_order(message)
            if order["do"] == "enter":
                self.enter(order["secret"])
            elif self.session:
                await self.session.do(order)
            else:
                self.close(1008, "not entered")
        except ValueError as error:
            self.close(1008, str(error))
        except asyncio.QueueFull:
            self.close(1008, "too many runs")

    def enter(self, secret: str) -> None:
        """Give the page a session, for a secret that is right, once."""
        if self.session or not self.door.may(self.cookie, secret):
            self.close(1008, "not entered")
            return
        self._stop_clock()
        self.session = Session(self.pool, lambda: self.builds.snippets, self.tell)

    def on_close(self):
        """End the session with its page."""
        super().on_close()
        self._stop_clock()
        if self.session:
            self.pool.release(self.session)

    def _stop_clock(self):
        if self.clock:
            self.clock.cancel()

    def tell(self, news: dict[str, Any]) -> asyncio.Future[None]:
        """Send a message to the page. Returns what can be awaited, to write no faster than it is read."""
        try:
            return self.write_message(json.dumps(news))
        except WebSocketClosedError:
            gone = asyncio.get_running_loop().create_future()
            gone.set_result(None)
            return gone
