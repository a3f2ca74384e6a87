"""Run several snippets, each in a process of its own, and show how far they are."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import IO, TextIO

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
    schedule, waiting = _schedule(imports), []
    results: dict[str, float | Failure] = {}
    with Progress(len(names), stream) as progress, Workers(root, time_limit) as running:
        while schedule.is_active():
            waiting += schedule.get_ready()
            outcomes = running.outcomes()
            while waiting and len(running) < workers:
                name = waiting.pop(0)
                if broken := [other for other in imports[name] if isinstance(results[other], Failure)]:
                    outcomes[name] = Failure(f"먼저 돌아야 할 `{broken[0]}` 스니펫이 실패해서 돌리지 않았어요.")
                else:
                    running.start(name)
                    progress.start(name)
            for name, outcome in outcomes.items():
                results[name] = outcome
                schedule.done(name)
                progress.finish(name, outcome)
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


class Workers:
    """The processes that record snippets now. Leaving the block ends them, and waits until they have ended."""

    def __init__(self, root: Path, time_limit: float) -> None:
        self.root, self.time_limit = root, time_limit
        self.processes: dict[str, tuple[subprocess.Popen[bytes], IO[bytes]]] = {}  # with what they answer

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for process, _ in self.processes.values():
            process.stdin.close()
        for process, answer in self.processes.values():
            _outcome(process, answer)

    def __len__(self) -> int:
        return len(self.processes)

    def start(self, name: str) -> None:
        """Start to record a snippet."""
        answer = tempfile.TemporaryFile()  # noqa: SIM115  (a pipe could fill up; closed once its worker has ended)
        process = subprocess.Popen(
            [sys.executable, "-m", "mundap.running.record", str(self.root), name, str(self.time_limit)],
            stdin=subprocess.PIPE,  # never written to: the worker ends when it closes
            stdout=answer,
            stderr=subprocess.DEVNULL,
        )
        self.processes[name] = process, answer

    def outcomes(self) -> dict[str, float | Failure]:
        """What came of those that have ended since the last call."""
        ended = [name for name, (process, _) in self.processes.items() if process.poll() is not None]
        return {name: _outcome(*self.processes.pop(name)) for name in ended}


def _outcome(process: subprocess.Popen[bytes], answer: IO[bytes]) -> float | Failure:
    """Wait for a worker that ends -> the seconds that its run took, or why there is no record."""
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdin.close()
    with answer:
        answer.seek(0)
        text = answer.read()
    if not text:
        return Failure(f"실행 과정이 갑자기 끝났어요(종료 코드 {process.returncode}). 메모리가 모자랐을 수 있어요.")
    outcome = json.loads(text)
    return Failure(outcome["failure"]) if "failure" in outcome else outcome["seconds"]


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
