"""Who may run code: a token becomes, once, a cookie and a secret, and both are asked for.

Whoever may run code here may do all that this computer's user may. So a page asks in vain unless its browser came in by
an address with a token, good for one visit: the one that the terminal shows, or the one in a private file that the
browser is started with (a command line can be read by every user of the computer). The visit gets a cookie that no
script can read and no other site can send; but cookies know no ports, and a server at another port of 127.0.0.1 is sent
it too. So it also gets a secret that the page's origin keeps, and browsers tell origins apart by their ports. Host and
Origin are compared by `web.Local`, as for every request.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mundap.live.places import Places

READ_AHEAD = ("Sec-Purpose", "Purpose", "X-Moz")  # what browsers send that load a page before anyone opens it


class Entered(NamedTuple):
    """What a browser has that came in."""

    cookie: str
    secret: str


class Door:
    """The tokens of the moment and who came in. announce: told the address for the next browser."""

    def __init__(self, places: Places, announce: Callable[[str], object]):
        self.url, self.announce = places.url, announce
        self.cookie_name = f"mundap-{places.port}"  # cookies do not know ports
        self.is_secure = self.url.startswith("https:")
        self.entered: set[Entered] = set()
        self.token: str | None = None  # of the address in the terminal
        self.file_token: str | None = None  # of the one in the private file

    def address(self) -> str:
        """A new address that lets one browser in; the one before is void."""
        self.token = secrets.token_urlsafe(32)
        return self._address(self.token)

    def address_for_file(self) -> str:
        """A new address for a file that only this user can read."""
        self.file_token = secrets.token_urlsafe(32)
        return self._address(self.file_token)

    def _address(self, token: str) -> str:
        return f"{self.url}_live/enter?token={token}"

    def enter(self, token: str, headers: Mapping[str, str]) -> Entered | None:
        """What lets a browser run code, for a token in a request with those headers, or None. The token is void then."""
        if same(token, self.file_token) and is_from_file(headers):
            self.file_token = None
        elif same(token, self.token) and is_visit(headers):
            self.announce(self.address())
        else:
            return None
        entered = Entered(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        self.entered.add(entered)
        return entered

    def knows(self, cookie: str | None) -> bool:
        """Whether a cookie is one of ours. Alone it opens nothing; see `may`."""
        # A list, not a generator: all are compared, so the time tells nothing of which one was nearly right.
        return any([same(cookie, own.cookie) for own in self.entered])

    def may(self, cookie: str | None, secret: str | None) -> bool:
        """Whether a cookie and a secret are those of one browser that came in."""
        return any([same(cookie, own.cookie) & same(secret, own.secret) for own in self.entered])


def same(given: str | None, own: str | None) -> bool:
    """Whether two secrets are the same, and there is one; in a time that tells nothing of how near it was."""
    return hmac.compare_digest((given or "").encode(), (own or "").encode()) and bool(own)


def sent_by(headers: Mapping[str, str], site: str) -> bool:
    """Whether a request comes from that Sec-Fetch-Site. Browsers that do not tell have the Origin, which is compared."""
    return headers.get("Sec-Fetch-Site", site) == site


def is_visit(headers: Mapping[str, str]) -> bool:
    """Whether someone opened the address themselves: no page's link, picture or frame, no browser that reads ahead."""
    return sent_by(headers, "none") and not has_led(headers)


def is_from_file(headers: Mapping[str, str]) -> bool:
    """Whether a file of this computer may have led here: as a whole page, which browsers call cross-site."""
    sent = [headers.get(f"Sec-Fetch-{name}") for name in ("Site", "Mode", "Dest")]
    return is_visit(headers) or sent == ["cross-site", "navigate", "document"] and not has_led(headers)


def has_led(headers: Mapping[str, str]) -> bool:
    """Whether a request names the page that led to it, or was sent before anyone opened it."""
    return bool(headers.get("Referer") or any(headers.get(name) for name in READ_AHEAD))
