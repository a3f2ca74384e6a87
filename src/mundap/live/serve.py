"""The live server: the site on 127.0.0.1, built again when a file is saved, with mistakes shown in the open page.

Only this computer's own pages may ask: every request's Host, and its Origin where it has one, must be exact. That also
holds off DNS rebinding and other sites' scripts, which no firewall does.
"""

import asyncio
import filecmp
import json
import mimetypes
import os
import re
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
import traceback
import webbrowser
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from tornado.httpserver import HTTPServer
from tornado.web import Application, Finish, HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

from mundap.problems import Failure
from mundap.site.build import build_site, render  # noqa: F401 (build_site: for the command line)

WATCHED = ["docs", "overrides", "snippets", "qa_index.yaml", "mkdocs.yml"]
POLL = 0.15  # seconds between looks at the watched files
PAUSE = 2  # seconds without a save before the whole site is built again
THREAD = re.compile(r"docs/qa/[^/]+/[^/]+\.yaml")
SEARCH_INDEX = "pagefind"
ASSETS = (".css", ".js", ".mjs", ".svg", ".png", ".woff2")
MAX_SOCKETS = 200

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

HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # ask each time; the entity tag spares the body
}

EMPTY_PAGE = """<!doctype html><html lang="ko"><meta charset="utf-8"><title>문답</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<body style="font-family: sans-serif; padding: 1rem"><main><h1>{title}</h1><p>{text}</p></main></body></html>"""


class Live:
    """The site as it was last built without a mistake, and what is wrong since.

    A save of a thread builds only the pages that it changes, to show them at once; when the author pauses, the whole
    site is built, with its search index, by another process. Each build fills a folder of its own, and the server turns
    to it when it is whole.

    check: root -> [Problem], run before each build; a build happens only when it finds nothing.
    """

    def __init__(self, root, folder, check, url=None):
        self.root, self.folder, self.check, self.url = Path(root), Path(folder), check, url
        self.pages = None  # folder of the last good build
        self.before = None  # of the one before, for requests under way
        self.version = int(time.time() * 1000)  # never the same again after a restart
        self.problems = []
        self.sockets = set()  # of the open pages
        self.waiting = set()  # names of the files that changed since the last good build
        self.known = None  # of that build, for the next: see build.render
        self.cache = self.folder / "templates"
        self.cache.mkdir()

    def update(self, names=()):
        """Check and build after a change of the named files. Returns what the open pages must know: see `state`."""
        self.waiting.update(names)
        try:
            problems = [
                {"place": f"{p.path}:{p.line}:{p.column}", "what": p.what, "todo": p.todo}
                for p in self.check(self.root)
            ]
            changed = [] if problems else self._build()
        except Failure as failure:
            problems, changed = [{"place": "", "what": str(failure), "todo": ""}], []
        except Exception as error:  # a fault of ours, not of the author: keep serving, and show it
            traceback.print_exc()
            problems, changed = [{"place": "", "what": f"{type(error).__name__}: {error}", "todo": ""}], []
        self.problems = problems
        return self.state(changed)

    def state(self, changed=None):
        """{version, problems, pages, assets}: pages is the list of HTML files that changed, None for 'not known'."""
        return {
            "version": self.version,
            "problems": self.problems,
            "pages": None if changed is None else [name for name in changed if name.endswith(".html")],
            "assets": any(name.endswith(ASSETS) and not name.startswith(SEARCH_INDEX) for name in changed or []),
        }

    def _build(self):
        """Build the pages that the waiting files can change. Returns the names of the files that changed."""
        new = self.folder / f"{self.version + 1}"
        quick = bool(self.pages and self.known and self.waiting and all(map(THREAD.fullmatch, self.waiting)))
        options = {
            "mundap": {"search": self.pages is None},
            "mkdocs-jupyter": {"cache": not quick, "cache_dir": str(self.folder / "notebooks")},
        }
        try:
            known = render(self.root, new, self.url, options, self.cache, self.known if quick else None)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        if quick:
            fill(new, self.pages)
        elif self.pages and (self.pages / SEARCH_INDEX).exists():  # an index of before is better than none
            fill(new / SEARCH_INDEX, self.pages / SEARCH_INDEX)
        self.known = known
        self.waiting.clear()
        return self._turn(new)

    def _turn(self, new):
        """Serve another folder from now on. Returns the names of the files that are not the same."""
        changed = differences(self.pages, new)
        if self.before:
            shutil.rmtree(self.before)
        self.before, self.pages = self.pages, new
        self.version += 1
        return changed

    async def build_whole(self):
        """Build all, once the author pauses, in a process that ends with this task. Returns the state, as update."""
        await asyncio.sleep(PAUSE)
        out = self.folder / f"{self.version + 1}-whole"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "mundap.site.build",
            str(self.root),
            str(out),
            self.url,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said = (await process.communicate())[1].decode("utf-8", "replace")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if process.returncode != 0:
                shutil.rmtree(out, ignore_errors=True)
        if process.returncode == 0:
            return self.state(self._turn(out))
        self.problems = [{"place": "", "what": said.strip(), "todo": ""}]
        return self.state([])


def fill(new, old):
    """Link the files of an old folder into a new one where it has none of that name. Built files are never written."""
    for path in old.rglob("*"):
        target = new / path.relative_to(old)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)


def differences(old, new):
    """Names, relative and sorted, of the files that are not the same in two folders."""

    def names(folder):
        paths = folder.rglob("*") if folder else []
        return {path.relative_to(folder).as_posix() for path in paths if path.is_file()}

    before, after = names(old), names(new)
    same = filecmp.cmpfiles(old, new, before & after, shallow=False)[0] if old else []
    return sorted((before | after) - set(same))


def snapshot(root):
    """{path: (time of change, size)} of all that the site is made of."""
    found, waiting = {}, [os.path.join(root, name) for name in WATCHED]
    while waiting:
        path = waiting.pop()
        try:
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode):
                waiting += [
                    os.path.join(path, name)
                    for name in os.listdir(path)
                    if not name.startswith(".") and name not in ("__pycache__", "node_modules")
                ]
            else:
                found[path] = status.st_mtime_ns, status.st_size
        except OSError:
            continue  # gone, or being replaced by an editor: the next look tells
    return found


class Local(RequestHandler):
    """Answers nobody but pages of this server in a browser of this computer. Read only."""

    SUPPORTED_METHODS = ("GET", "HEAD")

    def initialize(self, live):
        self.live = live

    def set_default_headers(self):
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self):
        hosts = self.settings["hosts"]
        if self.request.headers.get_list("Host") not in [[host] for host in hosts]:
            raise HTTPError(403, reason="Foreign Host")
        origins = self.request.headers.get_list("Origin")
        if origins and origins != [f"http://{self.request.host}"]:
            raise HTTPError(403, reason="Foreign Origin")

    def write_error(self, status, **_):
        texts = {
            403: f"이 주소로는 열 수 없어요. http://{self.settings['hosts'][0]}/ 로 들어와 주세요.",
            405: "읽기만 할 수 있어요.",
        }
        self.set_header("Content-Type", "text/html; charset=utf-8")
        if status == 405:
            self.set_header("Allow", "GET, HEAD")
        self.finish(EMPTY_PAGE.format(title=status, text=texts.get(status, "요청을 처리하지 못했어요.")))


class Page(Local):
    """A file of the site; a page gets the live script on its way out."""

    def get(self):
        content, kind = self.find(self.request.path.removeprefix("/"))
        if content is None:
            self.set_status(404)
            content, kind = self.find("404.html")
            if content is None:
                content = EMPTY_PAGE.format(title="문답", text="아직 보여 드릴 페이지가 없어요.").encode()
                kind = "text/html; charset=utf-8"
        if kind.startswith("text/html"):
            script = f'<script src="/_live/live.js" data-version="{self.live.version}" defer></script>'.encode()
            if self.settings["cells"]:
                script += b'<script src="/_live/cells.js" type="module"></script>'
            head, end, tail = content.rpartition(b"</body>")
            content = head + script + end + tail if end else content + script
        self.set_header("Content-Type", kind)
        self.finish(content)

    head = get

    def find(self, path):
        """(bytes, media type) of a file of the site, or (None, None). A folder without its slash is redirected."""
        try:
            path = unquote_to_bytes(path).decode("utf-8")
        except UnicodeDecodeError:
            return None, None
        parts = path.split("/")
        folder = parts[-1] == ""
        parts = parts[:-1] if folder else parts
        if self.live.pages is None or "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in parts):
            return None, None
        base = self.live.pages.resolve()
        target = base.joinpath(*parts, *(["index.html"] if folder else []))
        try:
            target = target.resolve()
            if not target.is_relative_to(base):
                return None, None
            if (target / "index.html").is_file():
                self.redirect("/" + quote("/".join(parts)) + "/")
                raise Finish
            content = target.read_bytes()
        except (OSError, RuntimeError):  # missing, a folder, a name too long, links in a circle
            return None, None
        kind, packing = TYPES.guess_type(target.name)
        kind = "application/gzip" if packing == "gzip" else kind or "application/octet-stream"
        if kind.startswith("text/") or kind in ("application/json", "application/xml", "application/x-ipynb+json"):
            kind += "; charset=utf-8"
        return content, kind


class Script(Local):
    """The script that the live server adds to its pages, and that no static site has."""

    def get(self):
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.finish(files("mundap.live").joinpath("static", "live.js").read_bytes())

    head = get


class LocalSocket(Local, WebSocketHandler):
    """A WebSocket for pages of this server alone, and for a limited number of them."""

    SUPPORTED_METHODS = ("GET",)

    def others(self):
        """The open sockets of this kind, and how many there may be -> (set, int)."""
        raise NotImplementedError

    def prepare(self):
        super().prepare()
        if not self.request.headers.get_list("Origin"):
            raise HTTPError(403, reason="No Origin")
        others, most = self.others()
        if len(others) >= most:
            raise HTTPError(503)

    def check_origin(self, origin):
        return True  # prepare has compared it, exactly


class Socket(LocalSocket):
    """Tells an open page of new builds and mistakes. A WebSocket: browsers allow a host only six event streams."""

    def others(self):
        return self.live.sockets, MAX_SOCKETS

    def open(self):
        self.live.sockets.add(self)
        self.write_message(json.dumps(self.live.state()))

    def on_message(self, message):
        self.close(1008, "read only")

    def on_close(self):
        self.live.sockets.discard(self)


def application(live, hosts, cells=None):
    """The tornado application. hosts: the exact Host values that it answers to; cells: cells.Cells, if code may run."""
    routes = [
        (r"/_live/live\.js", Script, {"live": live}),
        (r"/_live/socket", Socket, {"live": live}),
        *(cells.routes(live) if cells else []),
    ]
    return Application(
        routes,
        default_handler_class=Page,
        default_handler_args={"live": live},
        hosts=hosts,
        cells=cells,
        log_function=lambda handler: None,
        websocket_ping_interval=30,
        websocket_max_message_size=4096,
    )


def listen(port, tries=100):
    """A socket on 127.0.0.1 at `port` (0: any), or at the first free one after it -> (socket, port)."""
    for candidate in range(port, min(port + tries, 65536)):
        try:
            listener = socket.create_server(("127.0.0.1", candidate), backlog=128)
        except OSError:
            continue
        listener.setblocking(False)
        return listener, listener.getsockname()[1]
    raise Failure(f"{port}번부터 쓸 수 있는 포트가 없어요. `make serve PORT=9000`처럼 다른 번호를 골라 주세요.")


async def watch(live, seen):
    """Build anew whenever a watched file was saved, and tell every open page; runs until it is cancelled.

    seen: the snapshot before the last build.
    """
    loop = asyncio.get_running_loop()
    whole = None

    def tell(state):
        for page in list(live.sockets):
            page.write_message(json.dumps(state))

    def tell_whole(task):
        if not task.cancelled():
            if live.problems:
                report(task.result())
            tell(task.result())

    try:
        while True:
            await asyncio.sleep(POLL)
            now = snapshot(live.root)
            if now == seen:
                continue
            while True:  # an editor may be half way through writing
                await asyncio.sleep(POLL / 3)
                now, before = snapshot(live.root), now
                if now == before:
                    break
            names = sorted(
                Path(path).relative_to(live.root).as_posix()
                for path in now.keys() | seen.keys()
                if now.get(path) != seen.get(path)
            )
            seen, start = now, time.perf_counter()
            if whole:
                whole.cancel()
            state = await loop.run_in_executor(None, live.update, names)
            report(state, names, time.perf_counter() - start)
            tell(state)
            if not live.problems:
                whole = asyncio.create_task(live.build_whole())
                whole.add_done_callback(tell_whole)
    finally:
        if whole:
            whole.cancel()
            await asyncio.wait([whole])


def report(state, names=(), seconds=0.0):
    """Tell the terminal what the pages are told."""
    if state["problems"]:
        print(f"고칠 곳이 {len(state['problems'])}개 있어요.")
        for problem in state["problems"]:
            place = f"{problem['place']}: " if problem["place"] else ""
            print(f"  {place}{problem['what']} {problem['todo']}".rstrip())
    else:
        print(f"다시 만들었어요({seconds:.1f}초): {', '.join(names[:3])}{' …' if len(names) > 3 else ''}")
    sys.stdout.flush()


def default_check(root):
    """Problems that keep the pages from being made; a record that waits to be run again is none."""
    from mundap.project.load import load

    return [problem for problem in load(root)[1] if not problem.minor]


async def run(root, port, open_browser, check):
    from mundap.live.cells import Cells  # which is built on this module

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listener, port = listen(port)
    url = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory(prefix="mundap-") as folder:
        live = Live(root, folder, check, url)
        seen = snapshot(live.root)
        print("사이트를 만들고 있어요.", flush=True)
        first = asyncio.get_running_loop().run_in_executor(None, live.update)
        await asyncio.wait([first, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            if live.problems:
                report(live.state())
            kernels = Path(folder) / "kernels"
            kernels.mkdir(mode=0o700)
            cells = Cells(
                root,
                kernels,
                f"127.0.0.1:{port}",
                lambda address: print(
                    f"다른 브라우저에서도 코드를 돌리려면 이 주소로 들어오세요: {address}", flush=True
                ),
            )
            server = HTTPServer(
                application(live, [f"127.0.0.1:{port}", f"localhost:{port}"], cells),
                max_body_size=1 << 16,
                idle_connection_timeout=60,
            )
            server.add_socket(listener)
            watcher = asyncio.ensure_future(watch(live, seen))
            idle = asyncio.ensure_future(cells.look_for_idle())
            address = cells.address()
            print(
                f"문답이 열렸어요: {url}\n페이지의 코드까지 돌리려면 이 주소로 들어오세요(한 번만 쓸 수 있어요): {address}\n"
                "글을 저장하면 열려 있는 페이지가 바로 바뀌어요. 끝내려면 Ctrl-C를 누르세요.",
                flush=True,
            )
            if open_browser and (sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()):
                webbrowser.open(address)  # elsewhere it might start a browser inside the terminal
            await asyncio.wait([watcher, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
            server.stop()
            idle.cancel()
            await cells.close()
            for page in list(live.sockets):
                page.close(1001)
            if watcher.done():
                watcher.result()  # raises what ended it
            watcher.cancel()
            await asyncio.wait([watcher])
        await first


def serve(root, port=8000, open_browser=True, check=default_check):
    """Build the site and serve it on 127.0.0.1 until Ctrl-C. Returns the exit status, 0."""
    asyncio.run(run(Path(root).resolve(), port, open_browser, check))
    print("\n서버를 닫았어요. 또 만나요.")
    return 0
