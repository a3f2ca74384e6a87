"""The live server: the site on 127.0.0.1, built again when a file is saved, with mistakes shown in the open page."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import threading
import warnings
import webbrowser
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application

from mundap.live.builds import Builds, State, watch
from mundap.live.connections import HEADER_LIMIT, accept
from mundap.live.door import Door
from mundap.live.folders import private_folder, private_page, sweep
from mundap.live.handlers import CellSocket, Enter, May, StateSocket
from mundap.live.places import Forwarded, Places, read_forwarded
from mundap.live.pool import Pool
from mundap.live.saves import snapshot
from mundap.live.web import STATIC, SitePage, StaticFile
from mundap.problems import Failure, Problem
from mundap.project.check import examine

LIVE_SCRIPT = '<script src="{root}_live/live.js" data-version="{version}" defer></script>'
CELL_SCRIPT = '<script src="{root}_live/cells.js" type="module"></script>'

Check = Callable[[Path], tuple[Any, list[Problem]]]  # see Builds


def application(builds: Builds, places: Places, door: Door | None = None, pool: Pool | None = None) -> Application:
    """The tornado application. places: the addresses that it answers at; door, pool: if code may run."""
    names = "|".join(re.escape(path.name) for path in STATIC.iterdir() if path.is_file())
    routes: list[tuple] = [
        (r"/_live/socket", StateSocket, {"builds": builds}),
        (rf"/_live/({names})", StaticFile),
    ]
    if door and pool:
        routes += [
            (r"/_live/enter", Enter),
            (r"/_live/may", May),
            (r"/_live/kernel", CellSocket, {"pool": pool, "builds": builds}),
        ]
    return Application(
        routes,
        default_handler_class=SitePage,
        default_handler_args={"builds": builds, "scripts": LIVE_SCRIPT + (CELL_SCRIPT if door else "")},
        places=places,
        door=door,
        sockets=defaultdict(set),  # {handler class: its open sockets}
        log_function=lambda handler: None,
        websocket_ping_interval=30,
        websocket_max_message_size=4096,
    )


def tell_pages(app: Application, state: State) -> None:
    """Tell every open page the state of the builds."""
    for page in list(app.settings["sockets"][StateSocket]):
        page.write_message(json.dumps(state))


def close_sockets(app: Application) -> None:
    """Tell every open page that the server goes away."""
    for sockets in app.settings["sockets"].values():
        for page in list(sockets):
            page.close(1001)


def streams(app: Application) -> set[IOStream]:
    """The connections of the open sockets."""
    pages = (page for sockets in app.settings["sockets"].values() for page in sockets)
    return {page.ws_connection.stream for page in pages if page.ws_connection}


def listen(port: int, tries: int = 100) -> tuple[socket.socket, int]:
    """A socket on 127.0.0.1 at `port` (0: any), or at the first free one of `tries` -> (socket, port). Raises Failure."""
    for candidate in range(port, min(port + tries, 65536)):
        try:
            listener = socket.create_server(("127.0.0.1", candidate), backlog=128)
        except OSError:
            continue
        listener.setblocking(False)
        return listener, listener.getsockname()[1]
    raise Failure(f"{port}번부터 쓸 수 있는 포트가 없어요. `make serve PORT=9000`처럼 다른 번호를 골라 주세요.")


def report(state: State, names: list[str] | None = None, seconds: float = 0.0) -> None:
    """Tell the terminal what the pages are told."""
    if state["problems"]:
        print(f"고칠 곳이 {len(state['problems'])}개 있어요.")
        for problem in state["problems"]:
            place = f"{problem['place']}: " if problem["place"] else ""
            print(f"  {place}{problem['what']} {problem['todo']}".rstrip())
    elif names:
        print(f"다시 만들었어요({seconds:.1f}초): {', '.join(names[:3])}{' …' if len(names) > 3 else ''}")
    sys.stdout.flush()


def welcome(places: Places, address: str) -> None:
    """Tell the terminal where the site is."""
    url = places.url
    if places.forwarded:
        print(f"{url} 주소에서도 들어올 수 있어요. 코드를 돌릴 수 있는 서버이니 포트는 꼭 나만 보게(private) 두세요.")
    print(
        f"문답이 열렸어요: {url}\n페이지의 코드까지 돌리려면 이 주소로 들어오세요(한 번만 쓸 수 있어요): {address}\n"
        "글을 저장하면 열려 있는 페이지가 바로 바뀌어요. 끝내려면 Ctrl-C를 누르세요.",
        flush=True,
    )


def open_browser(folder: Path, address: str) -> None:
    """Open an address where that starts no browser inside the terminal.

    By way of a private file: a browser's command line, which would hold the token, can be read by every user.
    """
    if sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        page = private_page(folder, address).as_uri()
        threading.Thread(target=webbrowser.open, args=[page], daemon=True).start()  # some wait until it is closed


def announce(address: str) -> None:
    """Tell the terminal the address that lets the next browser in."""
    print(f"다른 브라우저에서도 코드를 돌리려면 이 주소로 들어오세요: {address}", flush=True)


def stop_event() -> asyncio.Event:
    """An event that Ctrl-C, SIGTERM and the end of the terminal set."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup ignores it
        numbers.append(signal.SIGHUP)
    for number in numbers:
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # on Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop


async def run(root: Path, port: int, forwarded: Forwarded | None, opens: bool, check: Check) -> None:
    """Build, then serve until Ctrl-C. Raises Failure without a free port."""
    stop = asyncio.ensure_future(stop_event().wait())
    listener, port = listen(port, 1 if forwarded else 100)  # one port is forwarded, not the next
    places = Places(port, forwarded)
    sweep()
    with private_folder() as folder:
        builds = Builds(root, Path(folder), check, places.url)
        seen = snapshot(builds.root)
        print("사이트를 만들고 있어요.", flush=True)
        first = asyncio.get_running_loop().run_in_executor(None, builds.update)
        await asyncio.wait([first, stop], return_when=asyncio.FIRST_COMPLETED)
        if not stop.done():
            if builds.problems:
                report(builds.state())
            await answer(builds, seen, listener, places, opens, stop)
        await first


async def answer(
    builds: Builds, seen: dict, listener: socket.socket, places: Places, opens: bool, stop: asyncio.Future
) -> None:
    """Serve the builds at a listening socket, and build anew at each save, until `stop` is done.

    seen: the snapshot before the first build.
    """
    kernels = builds.folder / "k"  # short, as the paths of sockets have to be
    kernels.mkdir(mode=0o700)
    door, pool = Door(places, announce), Pool(builds.root, kernels)
    app = application(builds, places, door, pool)
    server = HTTPServer(app, max_body_size=1 << 16, idle_connection_timeout=HEADER_LIMIT)

    def tell(state, names, seconds):
        report(state, names, seconds)
        tell_pages(app, state)

    coroutines = watch(builds, seen, tell), accept(listener, server, lambda: streams(app)), pool.watch()
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    welcome(places, door.address())
    if opens:
        open_browser(builds.folder, door.address_for_file())
    await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    listener.close()
    close_sockets(app)
    await pool.close()
    for task in failed:
        task.result()  # raises what ended it


def serve(
    root: Path, port: int = 8000, opens: bool = True, check: Check = examine, forwarded: str | None = None
) -> int:
    """Build the site and serve it on 127.0.0.1 until Ctrl-C. Returns the exit status, 0.

    forwarded: the address that a browser elsewhere shows, which others lead to the port. Raises Failure.
    """
    place = read_forwarded(forwarded) if forwarded else None
    warnings.filterwarnings("ignore", "Proactor event loop")  # pyzmq on Windows, of a thread that it needs
    asyncio.run(run(Path(root).resolve(), port, place, opens, check))
    print("\n서버를 닫았어요. 또 만나요.")
    return 0
