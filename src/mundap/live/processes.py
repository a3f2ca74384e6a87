"""Ending a process with all that it has started, on every system."""

import os
import signal
from contextlib import suppress

import psutil

HAS_GROUPS = hasattr(os, "killpg")  # Windows has none


def end_tree(pid: int, gently: bool = False) -> None:
    """End a process that was started with `start_new_session`, and all that it has started.

    Where the system has process groups the whole group gets the signal, so that also those go whose parent has ended;
    on Windows the descendants are looked for. gently: by a signal on which they may clean up (on Windows by none).
    """
    if HAS_GROUPS:
        with suppress(ProcessLookupError, PermissionError):  # gone; or a zombie, on macOS
            os.killpg(pid, signal.SIGTERM if gently else signal.SIGKILL)
        return
    with suppress(psutil.Error):
        leader = psutil.Process(pid)
        for process in [leader, *leader.children(recursive=True)]:
            with suppress(psutil.Error):
                process.kill()
