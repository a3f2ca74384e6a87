"""Commands of mundap in processes of their own, and what they leave running."""

import subprocess
import sys
import time

import psutil


def mundap(project, *arguments, **options):
    """Run `mundap ARGUMENTS` in a project's folder -> subprocess.CompletedProcess with texts."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "mundap", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        **options,
    )


def wait_for(condition, seconds=30):
    """Wait until a function returns something true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def processes_in(folder):
    """The processes that run in a folder or below it, such as the kernels of a project, but for this one."""
    places = ((process.pid, process.info["cwd"] or "") for process in psutil.process_iter(["cwd"]))
    return [pid for pid, place in places if place.startswith(str(folder)) and pid != psutil.Process().pid]
