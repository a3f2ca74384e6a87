"""Ending a process with all that it has started, by either way."""

import subprocess
import sys

import psutil
import pytest
from commands import wait_for

from mundap.live import processes

PARENT = "import subprocess; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"


def ended(process):
    """Whether a process has ended, though nobody may have asked for its status yet."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("groups", [True, False], ids=["groups", "descendants"])
@pytest.mark.parametrize("gently", [True, False])
def test_the_whole_tree_ends(monkeypatch, groups, gently):
    monkeypatch.setattr(processes, "HAS_GROUPS", groups)
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, start_new_session=True)
    with parent:
        child = psutil.Process(int(parent.stdout.readline()))
        processes.end_tree(parent.pid, gently)
        assert parent.wait(10) != 0
        wait_for(lambda: ended(child), 10)
    processes.end_tree(parent.pid, gently)  # nobody is there
