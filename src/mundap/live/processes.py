"""Ending a process with all that it has started, on every system."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

HAS_GROUPS = hasattr(os, "killpg")  # Windows has none
MARK = "MUNDAP_KERNEL"  # the variable that a kernel's processes inherit: its folder


def end_tree(pid: int, gently: bool = False) -> None:
    """End a process that was started with `start_new_session`, and all that it has started.

    Where the system has process groups the whole group gets the signal, so that also those go whose parent has ended;
    everywhere the descendants are looked for, so that also those go that have left the group. gently: by a signal on
    which they may clean up (on Windows by none).
    """
    family: list[psutil.Process] = []
    with suppress(psutil.Error):
        leader = psutil.Process(pid)
        family = [leader, *leader.children(recursive=True)]
    if HAS_GROUPS:
        with suppress(ProcessLookupError, PermissionError):  # gone; or a zombie, on macOS
            os.killpg(pid, signal.SIGTERM if gently else signal.SIGKILL)
    for process in family:
        with suppress(psutil.Error):
            if gently:
                process.terminate()
            else:
                process.kill()


def end_marked(folder: Path) -> None:
    """End what still runs of the kernel of that folder, or of those of folders below it, whoever its parent is now."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # gone, or another user's
            mark = process.environ().get(MARK)
            if mark and process.pid != os.getpid() and Path(mark).is_relative_to(folder):
                process.kill()
