"""Make the environments that the make targets run in: `.venv-site` for `site` (no torch), `.venv` for `test`.

    python3 tools/setup_env.py site|run|test

`run` is what the live cells' kernels run in: `.venv` where the tests have made it, else `.venv-run`; the last line that it
prints is the path of its python.

Needs nothing but Python's standard library. Every version is pinned in requirements/. A stamp with a digest of what an
environment was made from lets the next call start at once; an environment whose making was cut short is made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = {"site": ".venv-site", "run": ".venv-run", "test": ".venv"}
STAMP, UNFINISHED = ".mundap-stamp", "unfinished"
PLAIN_PAUSE = 5  # seconds between lines of progress where no terminal shows a line that changes
BROWSERS = ["chromium", "google-chrome-stable", "google-chrome", "chromium-browser"]
TORCH_WITHOUT_CUDA = "https://download.pytorch.org/whl/cpu"
PIP_VERSION = "26.3"
PIP_WHEEL = (
    "https://files.pythonhosted.org/packages/07/25/"
    f"ee8c38ae72d66b844ce8eb9711ba905dba21ca1a8a0c960057c41cd23337/pip-{PIP_VERSION}-py3-none-any.whl"
)
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


class SetupError(Exception):
    """Set-up cannot go on; the text says in Korean what to do."""


def say(text: str) -> None:
    print(f"[준비] {text}", flush=True)


def succeeds(*command: str | Path) -> bool:
    """Whether a command can be run and exits with 0; its output is dropped."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
    except OSError:
        return False


def digest(root: Path, kind: str) -> str:
    """What an environment depends on: its place, Python's version, the pins, the package's metadata, this script."""
    sources = [root / "requirements" / f"{kind}.txt", root / "pyproject.toml", Path(__file__)]
    parts = [str(root).encode(), f"{sys.version_info[:2]}".encode(), *(path.read_bytes() for path in sources)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def stamp_of(env: Path) -> str | None:
    try:
        return (env / STAMP).read_text(encoding="utf-8")
    except OSError:
        return None


@contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Hold the set-up lock: two calls in two terminals take turns. It goes with the process, however that ends."""
    (root / ".cache").mkdir(exist_ok=True)
    with open(root / ".cache" / "setup.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("다른 터미널에서 준비하고 있어요. 끝나기를 기다려요.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def apt_install(*packages: str) -> bool:
    """Install Debian packages where that takes no password. Returns whether it worked."""
    if not shutil.which("apt-get"):
        return False
    prefix: list[str] = []
    if os.geteuid() != 0:
        prefix = ["sudo", "-n"]
        if not succeeds(*prefix, "true"):
            return False
    say(f"apt-get으로 {', '.join(packages)} 패키지를 설치해요.")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    succeeds(*apt, "update")  # an old list may still do; the install decides
    return succeeds(*apt, "install", "-y", "--no-install-recommends", *packages)


def pip_wheel(folder: Path) -> Path:
    """Fetch pip's own wheel, checked against its pinned digest. Raises OSError without a connection."""
    path = folder / PIP_WHEEL.rpartition("/")[2]
    with urllib.request.urlopen(PIP_WHEEL, timeout=30) as response:
        content = response.read()
    if hashlib.sha256(content).hexdigest() != PIP_SHA256:
        raise SetupError(f"내려받은 pip 파일이 알려진 것과 달라 멈췄어요: {PIP_WHEEL}")
    path.write_bytes(content)
    return path


def make_venv(env: Path, python: Path) -> None:
    """Make an environment with pip in it, also where Debian's python3 lacks ensurepip, and as any user."""

    def modules(*names: str) -> bool:
        importlib.invalidate_caches()
        return all(importlib.util.find_spec(name) for name in names)

    def venv(*options: str) -> bool:
        return succeeds(sys.executable, "-m", "venv", *options, env)

    if modules("venv", "ensurepip") and venv():
        return
    if modules("venv") and venv("--without-pip"):
        try:
            wheel = pip_wheel(env)
            if succeeds(python, "-I", wheel / "pip", "install", "--no-index", wheel):
                return
        except OSError as error:
            say(f"pip을 내려받지 못했어요({error}).")
    if apt_install("python3-venv") and venv():
        return
    raise SetupError(
        "Python 가상 환경을 만들 수 없어요. `sudo apt-get install python3-venv`를 실행한 뒤 다시 시도해 주세요."
    )


def pip_install(python: Path, *arguments: str | Path, total: int = 0) -> None:
    """Run pip, showing how far it is: on one line of a terminal, or now and then a line. Raises SetupError with pip's words."""
    command = [python, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *arguments]
    last: deque[str] = deque(maxlen=15)
    count, name, live, said = 0, "", sys.stdout.isatty(), time.monotonic()

    def show(text: str) -> None:
        nonlocal said
        if live:
            print(f"\r\033[K[준비] {text}", end="", flush=True)
        elif text and time.monotonic() - said > PLAIN_PAUSE:
            said = time.monotonic()
            say(text)

    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            word, _, rest = line.strip().partition(" ")
            if word == "Progress":  # --progress-bar raw: "Progress BYTES of BYTES"
                done, _, size = rest.partition(" of ")
                if size.isdigit() and int(size):
                    show(f"[{count}/{total}] {name} {int(size) / 1e6:.0f} MB 중 {int(done) / int(size):.0%}")
                continue
            last.append(line)
            if word == "Collecting":
                count, name = count + 1, rest.partition("==")[0].partition(" ")[0]
                show(f"[{count}/{total}] {name}")
            elif word == "Installing":
                show("내려받은 패키지를 풀고 있어요.")
    show("")
    if live:
        print("\r", end="")
    if process.returncode:
        errors = [line for line in last if line.startswith("ERROR")] or last
        raise SetupError(
            "".join(errors) + "패키지를 설치하지 못했어요. 인터넷 연결과 디스크 공간을 확인하고 다시 실행해 주세요."
        )


def set_up(root: Path, kind: str) -> Path:
    """Bring one environment to what the pins say, and return its python. Does nothing when its stamp says it is."""
    env = root / ENVIRONMENTS[kind]
    python = env / "bin" / "python"
    requirements = root / "requirements" / f"{kind}.txt"
    if stamp_of(env) == digest(root, kind) and python.exists():
        return python
    if kind == "run":
        tested = root / ENVIRONMENTS["test"]
        if stamp_of(tested) == digest(root, "test") and (tested / "bin" / "python").exists():
            return tested / "bin" / "python"
    with one_at_a_time(root):
        wanted = digest(root, kind)
        if stamp_of(env) == wanted and python.exists():  # another call made it while this one waited
            return python
        unfinished = stamp_of(env) == UNFINISHED
        new = unfinished or not succeeds(python, "-I", "-m", "pip", "--version")
        if new and env.exists():
            say(f"{'지난번에 끝나지 않은' if unfinished else '쓸 수 없는'} {env.name} 폴더를 지우고 새로 만들어요.")
            shutil.rmtree(env)
        env.mkdir(exist_ok=True)
        (env / STAMP).write_text(UNFINISHED, encoding="utf-8")
        if new:
            say(f"{env.name}에 Python 환경을 만들어요. 처음 한 번만 몇 분 걸려요.")
            make_venv(env, python)
        pip_install(python, "--quiet", f"pip=={PIP_VERSION}")  # an older pip knows no raw progress
        pins = [line for line in requirements.read_text(encoding="utf-8").splitlines() if "==" in line]
        say(f"패키지 {len(pins)}개를 준비해요.")
        if kind != "site" and "PIP_EXTRA_INDEX_URL" not in os.environ and not shutil.which("nvidia-smi"):
            say(
                f"GPU가 없다면 명령 앞에 `PIP_EXTRA_INDEX_URL={TORCH_WITHOUT_CUDA}`을 붙여 실행하면 훨씬 작은 torch를 받아요."
            )
        pip_install(python, "--progress-bar", "raw", "-r", requirements, total=len(pins))
        if kind != "run":  # a kernel imports no engine
            pip_install(python, "--quiet", "--no-deps", "--no-build-isolation", "--editable", root)
        (env / STAMP).write_text(wanted, encoding="utf-8")
        say(f"{env.name} 준비가 끝났어요.")
    return python


def find_browser() -> str | None:
    """Path of a Chromium or Chrome of the system, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def set_up_browser(python: Path) -> None:
    """See that the tests have a browser (the system's, Debian's package, or Playwright's own) and can drive it."""
    driver = (python, "-c", "from playwright.sync_api import sync_playwright as p\nwith p(): pass")
    drives = succeeds(*driver)
    missing = ([] if find_browser() else ["chromium", "fonts-nanum"]) + ([] if drives else ["libatomic1"])
    if not missing:
        return
    if apt_install(*missing) and find_browser() and (drives or succeeds(*driver)):
        return
    say("테스트가 쓸 브라우저를 확인해요.")
    launch = "from playwright.sync_api import sync_playwright as p\nwith p() as q: q.chromium.launch().close()"
    if not (succeeds(python, "-m", "playwright", "install", "chromium") and succeeds(python, "-c", launch)):
        needed = " ".join(dict.fromkeys(["chromium", *missing]))
        raise SetupError(
            f"브라우저를 준비하지 못했어요. `sudo apt-get install {needed}`를 실행한 뒤 다시 시도해 주세요."
        )


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ENVIRONMENTS:
        print(f"쓰는 법: python3 tools/setup_env.py {'|'.join(ENVIRONMENTS)}", file=sys.stderr)
        return 2
    if sys.version_info < (3, 11):
        print("Python 3.11 이상이 필요해요. 있다면 `make test PYTHON=python3.11`처럼 알려 주세요.", file=sys.stderr)
        return 1
    try:
        python = set_up(ROOT, arguments[0])
        if arguments[0] == "test":
            set_up_browser(python)
        if arguments[0] == "run":
            print(python)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n멈췄어요. 다시 실행하면 처음부터 깨끗하게 준비해요.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
