"""Runs of this repository's own snippets, and whether they agree with its records."""

import functools
import json
import multiprocessing
import os
import sys
import traceback
from pathlib import Path
from unittest import mock

import script

from mundap.project.agreement import agree
from mundap.project.check import examine
from mundap.project.draft import Files
from mundap.project.model import Project
from mundap.running import conditions

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 900  # seconds for one snippet, on a machine that does other things too
HEAVY = ["torch", "matplotlib.pyplot", "koreanize_matplotlib", "sklearn.datasets"]  # seconds to import


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


@functools.cache
def processes():
    """Where new processes come from. Linux can copy one that has imported what nearly every snippet imports."""
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload(HEAVY)
    return context


def run_anew(name, folder):
    """Run a snippet as `python snippets/NAME.py` would, from another folder -> {evidence, tolerance} or {error}."""
    log, result = folder / f"{name}.log", folder / f"{name}.result"
    path = ROOT / "snippets" / f"{name}.py"
    process = processes().Process(target=script.run, args=(path, folder, log, result))
    with mock.patch.dict(os.environ, environment(), clear=True):
        process.start()
    process.join(LIMIT)
    if process.is_alive():
        process.kill()
        return {"error": f"not done after {LIMIT} seconds"}
    if process.exitcode or not result.is_file():
        output = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        return {"error": f"exit status {process.exitcode}\n{output[-4000:]}"}
    return json.loads(result.read_text(encoding="utf-8"))


def disagreement(old, new, tolerance):
    """What differs between recorded and fresh evidence, in words; "" where they agree.

    tolerance: name -> allowed absolute difference, None or inf for any; without one, 1e-3 of the size or 1e-5.
    """
    differences = [
        f"{name}: only in the {'record' if name in old else 'fresh run'}" for name in sorted(old.keys() ^ new.keys())
    ]
    for name in sorted(old.keys() & new.keys()):
        if not agree(name, old[name], new[name], tolerance):
            allowed = f", allowed {tolerance[name]!r}" if name in tolerance else ""
            differences.append(f"{name}: {old[name]!r} recorded, {new[name]!r} now{allowed}")
    return "; ".join(differences)
