"""Run several snippets, each in a process of its own, and show how far they are."""

import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, TextIO

from mundap.problems import Failure
from mundap.project.snippets import Snippet, closure, order
from mundap.running.record import TIME_LIMIT
from mundap.running.worker import Worker, all_ended

LOOK = 0.1  # seconds between looks at the workers

Reply = dict[str, Any] | Failure  # what a worker answers, "seconds" among it, or why it does not


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

    def start(name: str) -> Worker:
        return Worker("mundap.running.record", root, name, time_limit)

    with Progress(len(names), stream) as progress:
        results = do_all(imports, start, workers, progress, progress.finish)
    return {name: reply if isinstance(reply, Failure) else reply["seconds"] for name, reply in results.items()}


def do_all(
    waits: Mapping[str, Iterable[str]],
    start: Callable[[str], Worker],
    workers: int,
    progress: "Progress",
    finished: Callable[[str, Reply], None],
) -> dict[str, Reply]:
    """Do jobs, each by a worker of its own, `workers` at a time -> {job: reply}.

    waits: {job: those that come before it}, in the order in which they are begun; one that failed keeps those that wait
    for it from being done. finished: called with each job and its reply at once.
    """
    schedule = _schedule(waits)
    waiting: list[str] = []
    running: dict[str, Worker] = {}
    results: dict[str, Reply] = {}
    with all_ended(running):

        def finish(name: str, outcome: Reply) -> None:
            results[name] = outcome
            schedule.done(name)
            finished(name, outcome)

        while schedule.is_active():
            for name in [name for name, worker in running.items() if worker.has_ended()]:
                finish(name, running.pop(name).outcome())
            waiting += schedule.get_ready()
            while waiting and len(running) < workers:
                name = waiting.pop(0)
                if broken := [other for other in waits[name] if isinstance(results[other], Failure)]:
                    finish(name, Failure(f"먼저 돌아야 할 `{broken[0]}` 스니펫이 실패해서 돌리지 않았어요."))
                else:
                    running[name] = start(name)
                    progress.start(name)
            progress.tick()
            time.sleep(LOOK)
    return results


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}초" if seconds else "글만 바뀌어서 돌리지 않고 옮겼어요"


def _schedule(waits: Mapping[str, Iterable[str]]) -> TopologicalSorter[str]:
    schedule = TopologicalSorter(waits)
    try:
        schedule.prepare()
    except CycleError as error:
        circle = ", ".join(f"`{name}`" for name in sorted(set(error.args[1])))
        raise Failure(f"{circle} 스니펫이 서로를 불러와서 돌릴 수 없어요. 한쪽에서만 불러오게 고쳐 주세요.") from None
    return schedule


class Progress:
    """What runs and what came of it: a bar with lines above it on a terminal, else lines alone.

    expected: {job: seconds that it takes, as far as is known}, from which the time that is left is told.
    """

    def __init__(self, total: int, stream: TextIO, expected: Mapping[str, float] | None = None) -> None:
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
        self.expected, self.worked, self.started = expected or {}, 0.0, time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def start(self, name: str) -> None:
        """A job is being done now."""
        self.running.append(name)
        self._show()
        if not self.is_terminal:
            self._say(f"{name}: 돌리는 중")

    def finish(self, name: str, outcome: Reply) -> None:
        """A job is done, or has failed."""
        self.running = [other for other in self.running if other != name]
        self.done += 1
        self.worked += self.expected.get(name, 0)
        self.bar.update()
        self._show()
        words = f"실패. {outcome}" if isinstance(outcome, Failure) else _seconds(outcome["seconds"])
        self._say(f"[{self.done}/{self.total}] {name}: {words}{'' if self.is_terminal else self._left(' · ')}")

    def tick(self) -> None:
        """Let the bar's clock go on."""
        self.bar.update(0)

    def _show(self) -> None:
        self.bar.set_postfix_str(self._left("", ", ") + ", ".join(self.running))

    def _left(self, before: str, after: str = "") -> str:
        """The time that is left, at the pace so far; "" where it cannot be told, or none is."""
        rest = sum(self.expected.values()) - self.worked
        if not self.worked or self.done == self.total:
            return ""
        minutes = math.ceil((time.monotonic() - self.started) * rest / self.worked / 60)
        hours, minutes = divmod(minutes, 60)
        return f"{before}{f'{hours}시간 ' if hours else ''}{minutes}분쯤 남음{after}"

    def _say(self, text: str) -> None:
        if self.is_terminal:
            self.bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)
