"""The addresses that lead to this server: its own, and one that somebody else forwards to it.

The server listens on 127.0.0.1 alone. In Codespaces, JupyterHub and the like the browser is elsewhere and shows another
address; `mundap serve --host ADDRESS` names it, and it is compared as exactly as our own.
"""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from mundap.problems import Failure

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?")
PATH = re.compile(r"(/[\w.~%@+-]+)*/")


class Forwarded(NamedTuple):
    """An address as a browser shows it: https, name.example:8443, /user/me/proxy/8000/."""

    scheme: str
    host: str
    path: str

    @property
    def origin(self) -> str:
        """What a browser sends as Origin."""
        return f"{self.scheme}://{self.host}"

    @property
    def url(self) -> str:
        """The address of the first page, with a slash at its end."""
        return self.origin + self.path


class Places:
    """Which Host and Origin are ours. port: that we listen at; forwarded: the address that leads here too, if any."""

    def __init__(self, port: int, forwarded: Forwarded | None = None):
        self.port, self.forwarded = port, forwarded
        self.local = [f"127.0.0.1:{port}", f"localhost:{port}"]
        self.url = forwarded.url if forwarded else f"http://{self.local[0]}/"  # where a reader is sent

    def is_host(self, host: str) -> bool:
        """Whether a Host is one of ours, exactly."""
        return host in self.local or bool(self.forwarded and host == self.forwarded.host)

    def is_origin(self, origin: str, host: str) -> bool:
        """Whether an Origin may ask that Host of ours. Some who forward put our own Host, and leave the Origin."""
        own = origin == f"http://{host}" and host in self.local
        return own or bool(self.forwarded and origin == self.forwarded.origin)


def read_forwarded(text: str) -> Forwarded:
    """An address as it is typed, with or without https:// -> its parts. Raises Failure."""
    typed = text if "://" in text else f"https://{text}"
    try:
        scheme, host, path, query, fragment = urlsplit(typed)
    except ValueError:  # a bracket alone
        scheme = host = path = query = fragment = ""
    path = path.removesuffix("/") + "/"
    fits = scheme in ("http", "https") and NAME.fullmatch(host) and PATH.fullmatch(path) and ".." not in path
    if not fits or query or fragment:
        raise Failure(
            f"`{text}` 주소는 쓸 수 없어요. 브라우저에 보이는 주소를 `https://이름-8000.app.github.dev`처럼 적어 주세요."
        )
    standard = {"http": ":80", "https": ":443"}[scheme]  # which no browser sends
    return Forwarded(scheme, host.removesuffix(standard), path)
