"""What every answer of the live server has in common, and the files that it sends.

Only this computer's own pages may ask: every request's Host, and its Origin where it has one, must be exact. That also
holds off DNS rebinding and other sites' scripts, which no firewall does.
"""

import mimetypes
import re
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

from mundap.live.builds import Builds
from mundap.live.places import Places

STATIC = Path(__file__).with_name("static")  # scripts and styles that no static site has

# The system's table of types differs from machine to machine: use Python's own, and what it does not know.
TYPES = mimetypes.MimeTypes()
for suffix, kind in {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".ipynb": "application/x-ipynb+json",
    ".py": "text/plain",
    ".yaml": "text/plain",
    ".yml": "text/plain",
    ".md": "text/plain",
}.items():
    TYPES.add_type(kind, suffix)

# What a page may do. Its scripts are files of this server: no script that stands in a page itself ever runs.
PAGE_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "script-src-attr 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",  # a thread opens a page of this site inside it
    ]
)
# What any other file may do that is opened by itself, such as a drawing: be looked at.
FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
WITH_PAGE_POLICY = ("text/html", "text/javascript")  # a worker's script has the policy of its own answer

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # ask each time; the entity tag spares the body
}

HTML = "text/html; charset=utf-8"
EMPTY_PAGE = """<!doctype html><html lang="ko"><meta charset="utf-8"><title>문답</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<body style="font-family: sans-serif; padding: 1rem"><main><h1>{title}</h1><p>{text}</p></main></body></html>"""
# A page that has moved: the browser takes the anchor along where an answer, not the page, says so.
MOVED = re.compile(rb'<meta http-equiv="refresh" content="0; url=(\.\.?/[\w/.-]*)">')
MOVED_SIZE = 2000  # bytes at the beginning of a page, where this stands
NOTHING = EMPTY_PAGE.format(title="문답", text="아직 보여 드릴 페이지가 없어요.")


def media_type(name: str) -> str:
    """The Content-Type of a file by its name."""
    kind, packing = TYPES.guess_type(name)
    kind = "application/gzip" if packing == "gzip" else kind or "application/octet-stream"
    if kind.startswith("text/") or kind in ("application/json", "application/xml", "application/x-ipynb+json"):
        kind += "; charset=utf-8"
    return kind


def locate(site: Path, path: str) -> Path | None:
    """The file of a site that a request's path, without its first slash, names; None if there is none.

    A path that names a page's folder without the slash at its end -> the folder.
    """
    try:
        name = unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return None
    *folders, last = name.split("/")
    parts = [*folders, last or "index.html"]
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        return None
    try:
        base = site.resolve()
        target = base.joinpath(*parts).resolve()
        there = target.is_file() or (target / "index.html").is_file()
    except (OSError, RuntimeError):  # a name too long, links in a circle
        return None
    return target if there and target.is_relative_to(base) else None


def root_from(path: str) -> str:
    """The way from a request's path to the first page: "../../" from /qa/one/."""
    return "../" * (path.count("/") - 1) or "./"


def read_file(path: Path | None) -> tuple[bytes, str] | None:
    """A file -> (bytes, Content-Type), or None if it is not there."""
    try:
        return (path.read_bytes(), media_type(path.name)) if path else None
    except OSError:  # gone this moment
        return None


class Local(RequestHandler):
    """Answers nobody but pages of this server in a browser of this computer. Read only."""

    SUPPORTED_METHODS = ("GET", "HEAD")

    def set_default_headers(self):
        """The headers of every answer, of refusals too."""
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", FILE_POLICY)

    def prepare(self):
        """Refuse a foreign Host or Origin."""
        places: Places = self.settings["places"]
        hosts, origins = (self.request.headers.get_list(name) for name in ("Host", "Origin"))
        if len(hosts) != 1 or not places.is_host(hosts[0]):
            raise HTTPError(403, reason="Foreign Host")
        if origins and not (len(origins) == 1 and places.is_origin(origins[0], hosts[0])):
            raise HTTPError(403, reason="Foreign Origin")

    def send(self, content: bytes, kind: str):
        """Answer with bytes of that Content-Type."""
        self.set_header("Content-Type", kind)
        if kind.startswith(WITH_PAGE_POLICY):
            self.set_header("Content-Security-Policy", PAGE_POLICY)
        self.finish(content)

    def write_error(self, status_code, **kwargs):
        """A small page that says what can be done."""
        texts = {
            403: f"이 주소로는 열 수 없어요. {self.settings['places'].url} 로 들어와 주세요.",
            405: "읽기만 할 수 있어요.",
        }
        if status_code == 405:
            self.set_header("Allow", "GET, HEAD")
        text = texts.get(status_code, "요청을 처리하지 못했어요.")
        self.send(EMPTY_PAGE.format(title=status_code, text=text).encode(), HTML)


class SitePage(Local):
    """A file of the site; a page gets the live scripts on its way out."""

    def initialize(self, builds: Builds, scripts: str):
        """scripts: <script> elements, with {root} where the way to the first page goes, {version} the build's number."""
        self.builds, self.scripts = builds, scripts

    def get(self):
        """Send the file; the site's 404.html for what is missing; redirect to a folder's address with its slash."""
        site = self.builds.pages
        target = locate(site, self.request.path.removeprefix("/")) if site else None
        if site and target and target.is_dir():
            self.redirect(f"./{quote(target.name)}/")  # relative: who forwards may have put a path before ours
            return
        page = read_file(target)
        if page is None:
            self.set_status(404)
            page = read_file(locate(site, "404.html") if site else None) or (NOTHING.encode(), HTML)
        content, kind = page
        if kind.startswith("text/html"):
            if moved := MOVED.search(content[:MOVED_SIZE]):
                self.redirect(moved[1].decode())
                return
            head, end, tail = content.rpartition(b"</body>")
            scripts = self.scripts.format(root=root_from(self.request.path), version=self.builds.version).encode()
            content = head + scripts + end + tail if end else content + scripts
        self.send(content, kind)

    head = get


class StaticFile(Local):
    """A file of live/static."""

    def get(self, name: str):
        """Send the file of that name, which its route has found to be there."""
        self.send((STATIC / name).read_bytes(), media_type(name))

    head = get


class LocalSocket(Local, WebSocketHandler):
    """A WebSocket for pages of this server alone, and for a limited number of them."""

    SUPPORTED_METHODS = ("GET",)
    LIMIT = 0  # how many of a kind may be open

    @property
    def opened(self) -> set["LocalSocket"]:
        """The open sockets of this kind."""
        return self.settings["sockets"][type(self)]

    def prepare(self):
        """Refuse what does not say where it comes from, and one too many."""
        super().prepare()
        if not self.request.headers.get_list("Origin"):
            raise HTTPError(403, reason="No Origin")
        if len(self.opened) >= self.LIMIT:
            raise HTTPError(503)

    def check_origin(self, origin):
        """Whether an Origin is ours: prepare has compared it, exactly."""
        return True

    def open(self):
        """Count the socket in, unless there are too many."""
        if len(self.opened) >= self.LIMIT:  # others shook hands at the same time
            self.close(1013)
        else:
            self.opened.add(self)
            self.start()

    def start(self) -> None:
        """What begins once the socket is open."""
        raise NotImplementedError

    def on_close(self):
        """Count it out."""
        self.opened.discard(self)
