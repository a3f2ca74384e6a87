"""What the make targets do, on every system: `python make.py serve` is `make serve`.

    python make.py TARGET [ARGUMENT ...]

Each target makes the environment that it runs in first. Arguments go on to what the target runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

import setup_env  # noqa: E402

MUNDAP, RUFF = ["-m", "mundap"], ["-m", "ruff"]
PYTEST = ["-m", "pytest", "-n", "2", "--dist", "worksteal"]
ENGINE = [f"tests/{room}" for room in ("project", "pages", "running", "site", "live", "cli")]
CHECKS = {  # `make check`, or some of it: `python make.py check lint types`
    "format": [*RUFF, "format", "--check"],
    "lint": [*RUFF, "check"],
    "types": ["-m", "ty", "check"],
    "imports": ["-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"],
    "web": ["tools/web.py", "check"],
    "content": [*MUNDAP, "check"],
}
TARGETS = {  # name: what it does, its environment, what its python runs
    "serve": ("사이트를 이 컴퓨터(127.0.0.1)에서 열어요. 글을 저장하면 바로 보여요.", "site", [[*MUNDAP, "serve"]]),
    "test": ("모든 코드와 주장을 다시 실행해서 확인해요.", "test", [PYTEST]),
    "test-engine": ("엔진(src/mundap)의 테스트만 해요.", "test", [[*PYTEST, *ENGINE]]),
    "check": ("서식, 린트, 타입, 글을 몇 초 만에 살펴요.", "check", []),
    "format": (
        "코드를 정해 둔 서식으로 고쳐요.",
        "check",
        [[*RUFF, "format"], [*RUFF, "check", "--fix"], ["tools/web.py", "format"]],
    ),
    "site": ("정적 사이트를 site/에 만들어요.", "site", [[*MUNDAP, "site"]]),
    "lock": ("pyproject.toml을 고친 뒤 requirements/의 버전을 다시 정해요.", "test", [["tools/lock.py"]]),
}


def run(python: Path, commands: list[list[str]], arguments: list[str]) -> int:
    """Run commands one after the other, up to one that fails; arguments go to the last. Returns the exit status."""
    *first, last = ([str(python), *command] for command in commands)
    for command in first:
        if status := subprocess.run(command, cwd=ROOT).returncode:
            return status
    if os.name == "posix":  # signals reach what runs, not this script
        os.chdir(ROOT)
        os.execv(python, [*last, *arguments])
    try:
        return subprocess.run([*last, *arguments], cwd=ROOT).returncode
    except KeyboardInterrupt:  # what runs has had it too, and said so
        return 130


def check(python: Path, names: list[str]) -> int:
    """Run the checks, all or those named, and show what those that fail say. Returns 0 if all pass."""
    os.environ["VIRTUAL_ENV"] = str(python.parents[1])  # whose packages ty looks at
    failed = 0
    for name in names or CHECKS:
        start = time.monotonic()
        done = subprocess.run(
            [python, *CHECKS[name]],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        failed += done.returncode != 0
        print(f"{name:8} {'실패' if done.returncode else '통과'} {time.monotonic() - start:5.1f}초", flush=True)
        if done.returncode:
            sys.stdout.buffer.write(done.stdout)
            sys.stdout.flush()
    return int(failed > 0)


def main(arguments: list[str]) -> int:
    """The command. Returns its exit status."""
    setup_env.speak_utf8()
    target, *rest = arguments or ["help"]
    if target not in TARGETS:
        for name, (text, *_) in TARGETS.items():
            print(f"make {name:12} {text}")
        return 0 if target == "help" else 2
    if target == "check" and not set(rest) <= CHECKS.keys():
        print(f"쓰는 법: python make.py check [{'|'.join(CHECKS)} ...]", file=sys.stderr)
        return 2
    os.environ.update(NO_MKDOCS_2_WARNING="1", PYTHONUTF8="1")
    _, kind, commands = TARGETS[target]
    python = setup_env.prepare(kind)
    return check(python, rest) if target == "check" else run(python, commands, rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
