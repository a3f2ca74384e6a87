"""Run snippets again in other worlds; as a command, the worker that does one such run."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock

from mundap.problems import Failure
from mundap.project import records, reruns, snippets
from mundap.project.model import Project
from mundap.project.reruns import Rerun
from mundap.running.conditions import environment
from mundap.running.pool import Progress, Reply, do_all
from mundap.running.worker import Worker, answer

LOCK = ".cache/reruns.lock"  # two commands may finish runs at the same moment
TIME_LIMIT = 3600  # seconds for one run: several go on at once, and a world may take longer


def run_again(
    project: Project,
    jobs: Iterable[tuple[str, str]],
    time_limit: float = TIME_LIMIT,
    workers: int = 2,
    stream: TextIO = sys.stderr,
) -> dict[tuple[str, str], Failure | None]:
    """Run snippets again, in that order, and keep each run when it is done -> {(snippet, world): None or why it failed}.

    However this process ends, its workers end too, and what is done is kept.
    """
    named = {f"{name} {world}": (name, world) for name, world in jobs}
    failed: dict[tuple[str, str], Failure | None] = {}
    seconds = {label: project.records[name].seconds for label, (name, _) in named.items() if name in project.records}

    def start(label: str) -> Worker:
        return Worker("mundap.running.again", project.root, *named[label], time_limit)

    def finished(label: str, reply: Reply) -> None:
        if not isinstance(reply, Failure):
            rerun = Rerun(**reply["rerun"])
            keep(project, rerun)
            reply = Failure(rerun.failure) if rerun.evidence is None else reply
        failed[named[label]] = reply if isinstance(reply, Failure) else None
        progress.finish(label, reply)

    with Progress(len(named), stream, seconds) as progress:
        do_all(dict.fromkeys(named, ()), start, workers, progress, finished)
    return failed


def keep(project: Project, rerun: Rerun) -> None:
    """Put a run in its file, whatever other commands put there at the same time."""
    if (record := project.records.get(rerun.snippet)) and record.digest == rerun.digest:
        rerun = replace(rerun, beside=record.numbers)
    lock = project.root / LOCK
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock):
        reruns.keep(project.root, rerun)


def rerun(root: Path, name: str, world: str, time_limit: float) -> Rerun:
    """Run a snippet at full length in a world, on a copy of the snippets: nothing of the project is written to.

    time_limit: in seconds. Raises Failure where the process ended before it could answer.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = Path(folder).resolve() / "snippets"
        shutil.copytree(root / "snippets", copy, ignore=shutil.ignore_patterns("__pycache__"))
        known = snippets.load(copy)
        digest = snippets.digest(snippets.sources(known, name))
        reply = _run(world, known[name].path, time_limit)
    evidence = {
        key: reruns.rounded(value) for key, value in reply.get("evidence", {}).items() if not records.fault(key, value)
    }
    why = reply.get("error") or "증거(`evidence`)를 남기지 않았어요."
    return Rerun(name, world, digest, evidence) if evidence else Rerun(name, world, digest, None, why)


def _run(world: str, path: Path, time_limit: float) -> dict[str, Any]:
    child, late = Worker("mundap.running.worlds", world, path, environment=environment(full=True)), False
    try:
        child.process.wait(time_limit)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        child.process.kill()
        reply = child.outcome()
    if late:
        return {"error": f"실행이 {time_limit:g}초 안에 끝나지 않았어요."}
    return {"error": str(reply)} if isinstance(reply, Failure) else reply


def main() -> None:
    """`python -m mundap.running.again ROOT NAME WORLD SECONDS` answers {"rerun": …, "seconds": …}."""
    root, name, world, time_limit = sys.argv[1:]

    def work() -> dict[str, Any]:
        started = time.monotonic()
        made = rerun(Path(root), name, world, float(time_limit))
        return {"rerun": asdict(made), "seconds": time.monotonic() - started}

    answer(work)


if __name__ == "__main__":
    main()
