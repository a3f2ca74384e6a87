"""Who may run code: a token in the terminal becomes a cookie, once.

Whoever may run code here may do all that this computer's user may. So a page asks in vain unless its browser came in by
the address that the terminal shows: its token is good for one visit, which gets a cookie that no script can read and no
other site can send. Host and Origin are compared by `web.Local`, as for every request.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping

READ_AHEAD = ("Sec-Purpose", "Purpose", "X-Moz")  # what browsers send that load a page before anyone opens it


class Door:
    """The token of the moment and the cookies given. host: HOST:PORT; announce: told the address for the next browser."""

    def __init__(self, host: str, announce: Callable[[str], object]):
        self.host, self.announce = host, announce
        self.cookie_name = f"mundap-{host.rpartition(':')[2]}"  # cookies do not know ports
        self.cookies: set[str] = set()
        self.token: str | None = None

    def address(self) -> str:
        """A new address that lets one browser in; the one before is void."""
        self.token = secrets.token_urlsafe(32)
        return f"http://{self.host}/_live/enter?token={self.token}"

    def enter(self, token: str) -> str | None:
        """A cookie for a token, or None. The token is void afterwards."""
        if self.token is None or not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        cookie = secrets.token_urlsafe(32)
        self.cookies.add(cookie)
        self.announce(self.address())
        return cookie

    def may(self, cookie: str | None) -> bool:
        """Whether a cookie is one of ours."""
        # A list, not a generator: all are compared, so the time tells nothing of which one was nearly right.
        return any([hmac.compare_digest((cookie or "").encode(), own.encode()) for own in self.cookies])


def sent_by(headers: Mapping[str, str], site: str) -> bool:
    """Whether a request comes from that Sec-Fetch-Site. Browsers that do not tell have the Origin, which is compared."""
    return headers.get("Sec-Fetch-Site", site) == site


def is_visit(headers: Mapping[str, str]) -> bool:
    """Whether someone opened the address themselves: no page's link, picture or frame, no browser that reads ahead."""
    elsewhere = headers.get("Referer") or any(headers.get(name) for name in READ_AHEAD)
    return sent_by(headers, "none") and not elsewhere
