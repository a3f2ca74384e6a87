"""What the tests share: the project's root, its built site behind an address, and a real browser."""

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest
from browsing import new_page
from filelock import FileLock
from setup_env import find_browser

ROOT = Path(__file__).resolve().parents[1]
BASE = "mundap"  # pages live below a folder, as on a project's GitHub Pages
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")


@pytest.fixture(scope="session")
def root():
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def site(root, tmp_path_factory, worker_id):
    """Folder of the built site: built once a test session, whichever worker comes first."""
    from mundap.site.build import build_site

    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    out = shared / "www" / BASE
    with FileLock(shared / "site.lock"):
        if not out.exists():
            out.parent.mkdir(exist_ok=True)
            os.environ["SITE_URL"] = f"http://127.0.0.1/{BASE}/"  # what 404.html, served at any depth, is made for
            build_site(root, out)
    return out


class Handler(http.server.SimpleHTTPRequestHandler):
    """A static host: files, 404.html for what is missing, no log."""

    protocol_version = "HTTP/1.1"
    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".ipynb": "application/json",
    }

    def send_error(self, code, message=None, explain=None):
        page = Path(self.directory) / BASE / "404.html"
        if code != 404 or not page.exists():
            return super().send_error(code, message, explain)
        body = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def host():
    """host(folder) -> address of a folder on a static host of its own, ending in '/'."""
    servers = []

    def serve(folder):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def site_url(site, host):
    """Address of the built site on a static host, ending in '/'."""
    return f"{host(site.parent)}{BASE}/"


@pytest.fixture(scope="session")
def browser():
    """A Chromium, driven by Playwright's synchronous API; one for each worker."""
    from playwright.sync_api import sync_playwright

    root = hasattr(os, "geteuid") and os.geteuid() == 0  # for whom Chromium has no sandbox
    flags = [*FLAGS, "--no-sandbox"] if root else FLAGS
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find_browser(), args=flags) as browser,
    ):
        yield browser


@pytest.fixture
def page_factory(browser):
    """page_factory(width=1280, height=800, theme="light", **context) -> a page of a fresh browser context, which hears (browsing.py)."""
    contexts = []

    def make(width=1280, height=800, theme="light", **options):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, locale="ko-KR", **options
        )
        contexts.append(context)
        return new_page(context)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(page_factory):
    """A page of 1280 × 800 in the light theme."""
    return page_factory()


def pytest_collection_modifyitems(items):
    """Skip what needs a GPU where there is none."""
    if not any(item.get_closest_marker("gpu") for item in items):
        return
    import torch

    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
