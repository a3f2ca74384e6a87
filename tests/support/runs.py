"""Runs of this repository's own snippets, and whether they agree with its records."""

import functools
import json
import math
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

from mundap.project.check import examine
from mundap.project.draft import Files
from mundap.project.model import Project
from mundap.running import conditions

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 300  # seconds for one snippet, on a machine that does other things too
SCRIPT = """
import json, runpy, sys
path, result = sys.argv[1:]
sys.argv = [path]
names = runpy.run_path(path, run_name="__main__")
plain = lambda value: value.item() if hasattr(value, "item") else value
bound = {name: {key: plain(value) for key, value in names.get(name, {}).items()} for name in ("evidence", "tolerance")}
json.dump(bound, open(result, "w"))
"""


@functools.cache
def own_project():
    """This repository's own project, read once a process -> (Project, what is wrong with it).

    Raises nothing, as tests are named after what is in it: of a project that cannot be read, an empty one is left, and
    test_project_has_no_mistake says why.
    """
    try:
        return examine(ROOT)
    except Exception:
        return Project(ROOT, Files(None, None, False, [], {})), [traceback.format_exc()]


def environment():
    """What a script sees: the conditions of a run, its own folder to import from, and no wish for the full length."""
    return {**conditions.environment(), "PYTHONPATH": str(ROOT / "snippets")}


def run_anew(name, folder):
    """Run a snippet as `python snippets/NAME.py` would, from another folder -> {evidence, tolerance} or {error}."""
    result = folder / f"{name}.result"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(ROOT / "snippets" / f"{name}.py"), str(result)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return {"error": f"not done after {LIMIT} seconds"}
    if process.returncode or not result.is_file():
        return {"error": f"exit status {process.returncode}\n{output[-4000:]}"}
    return json.loads(result.read_text())


def disagreement(old, new, tolerance):
    """What differs between recorded and fresh evidence, in words; "" where they agree.

    tolerance: name -> allowed absolute difference, None or inf for any; without one, 1e-3 of the size or 1e-5.
    """
    differences = [
        f"{name}: only in the {'record' if name in old else 'fresh run'}" for name in sorted(old.keys() ^ new.keys())
    ]
    for name in sorted(old.keys() & new.keys()):
        if not _agree(old[name], new[name], tolerance.get(name, 0), name in tolerance):
            allowed = f", allowed {tolerance[name]!r}" if name in tolerance else ""
            differences.append(f"{name}: {old[name]!r} recorded, {new[name]!r} now{allowed}")
    return "; ".join(differences)


def _agree(one, other, allowed, is_set):
    if isinstance(one, str) != isinstance(other, str) or isinstance(one, bool) != isinstance(other, bool):
        return False
    if allowed is None or allowed == math.inf:
        return True
    if isinstance(one, str | bool):
        return one == other
    return abs(one - other) <= (allowed if is_set else max(1e-3 * max(abs(one), abs(other)), 1e-5))
