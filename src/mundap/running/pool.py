"""Run several snippets, each in a process of its own, and show how far they are."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TextIO

from mundap.problems import Failure
from mundap.project.snippets import Snippet, closure, order
from mundap.running.record import TIME_LIMIT

LOOK = 0.1  # seconds between looks at the workers
PATIENCE = 30  # seconds that a worker has to end by itself


def run_all(
    root: Path,
    snippets: Mapping[str, Snippet],
    names: Iterable[str],
    time_limit: float = TIME_LIMIT,
    workers: int = 2,
    stream: TextIO = sys.stderr,
) -> dict[str, float | Failure]:
    """Record snippets, each after those it imports, `workers` at a time -> {name: seconds or Failure}.

    time_limit: seconds for each. A snippet whose import failed is not run. However this process ends, its workers end
    too. Raises Failure where snippets import each other.
    """
    names = order(snippets, names)
    imports = {name: [other for other in closure(snippets, name) if other in names] for name in names}
    schedule = _schedule(imports)
    waiting: list[str] = []
    running: dict[str, Worker] = {}
    results: dict[str, float | Failure] = {}
    with Progress(len(names), stream) as progress, _all_ended(running):

        def finish(name: str, outcome: float | Failure) -> None:
            results[name] = outcome
            schedule.done(name)
            progress.finish(name, outcome)

        while schedule.is_active():
            for name in [name for name, worker in running.items() if worker.has_ended()]:
                finish(name, running.pop(name).outcome())
            waiting += schedule.get_ready()
            while waiting and len(running) < workers:
                name = waiting.pop(0)
                if broken := [other for other in imports[name] if isinstance(results[other], Failure)]:
                    finish(name, Failure(f"먼저 돌아야 할 `{broken[0]}` 스니펫이 실패해서 돌리지 않았어요."))
                else:
                    running[name] = Worker(root, name, time_limit)
                    progress.start(name)
            progress.tick()
            time.sleep(LOOK)
    return results


def _schedule(imports: Mapping[str, Iterable[str]]) -> TopologicalSorter[str]:
    schedule = TopologicalSorter(imports)
    try:
        schedule.prepare()
    except CycleError as error:
        circle = ", ".join(f"`{name}`" for name in sorted(set(error.args[1])))
        raise Failure(f"{circle} 스니펫이 서로를 불러와서 돌릴 수 없어요. 한쪽에서만 불러오게 고쳐 주세요.") from None
    return schedule


class Worker:
    """A process that records one snippet."""

    def __init__(self, root: Path, name: str, time_limit: float) -> None:
        self.answer = tempfile.TemporaryFile()  # noqa: SIM115  (a pipe could fill up; closed by outcome)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mundap.running.record", str(root), name, str(time_limit)],
            stdin=subprocess.PIPE,  # never written to: the worker ends when it closes
            stdout=self.answer,
            stderr=subprocess.DEVNULL,
        )

    def has_ended(self) -> bool:
        """Whether its outcome is there, without waiting."""
        return self.process.poll() is not None

    def end(self) -> None:
        """Tell it to end, without waiting."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def outcome(self) -> float | Failure:
        """Wait until it has ended -> the seconds that its run took, or why there is no record."""
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.end()
        with self.answer:
            self.answer.seek(0)
            text = self.answer.read()
        if not text:
            status = self.process.returncode
            return Failure(f"실행 과정이 갑자기 끝났어요(종료 코드 {status}). 메모리가 모자랐을 수 있어요.")
        reply = json.loads(text)
        return Failure(reply["failure"]) if "failure" in reply else reply["seconds"]


@contextmanager
def _all_ended(running: Mapping[str, Worker]) -> Generator[None, None, None]:
    """When the block is left, however that is, no worker goes on."""
    try:
        yield
    finally:
        for worker in running.values():
            worker.end()
        for worker in running.values():
            worker.outcome()


class Progress:
    """What runs and what came of it: a bar with lines above it on a terminal, else lines alone."""

    def __init__(self, total: int, stream: TextIO) -> None:
        from tqdm import tqdm

        self.stream, self.is_terminal = stream, stream.isatty()
        self.running: list[str] = []
        self.bar = tqdm(
            total=total,
            file=stream,
            disable=not self.is_terminal,
            leave=False,
            mininterval=1,
            miniters=0,
            bar_format="{n_fmt}/{total_fmt} |{bar}| {elapsed}{postfix}",
        )
        self.done, self.total = 0, total

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def start(self, name: str) -> None:
        """A snippet runs now."""
        self.running.append(name)
        self.bar.set_postfix_str(", ".join(self.running))
        if not self.is_terminal:
            self._say(f"{name}: 돌리는 중")

    def finish(self, name: str, outcome: float | Failure) -> None:
        """A snippet has been recorded, or not."""
        self.running = [other for other in self.running if other != name]
        self.done += 1
        self.bar.update()
        self.bar.set_postfix_str(", ".join(self.running))
        words = f"실패. {outcome}" if isinstance(outcome, Failure) else f"{outcome:.1f}초"
        self._say(f"[{self.done}/{self.total}] {name}: {words}")

    def tick(self) -> None:
        """Let the bar's clock go on."""
        self.bar.update(0)

    def _say(self, text: str) -> None:
        if self.is_terminal:
            self.bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)
