"""A process that does one job: how it is started, and how it answers.

It answers in JSON on its standard output, and ends when its standard input does.
"""

import _thread
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from mundap.problems import Failure

PATIENCE = 30  # seconds that a worker has to end by itself


class Worker:
    """A process that runs `python -m MODULE ARGUMENTS`, whose main() calls answer(). environment: None for this one's."""

    def __init__(self, module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> None:
        self.answer = tempfile.TemporaryFile()  # noqa: SIM115  (a pipe could fill up; closed by outcome)
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,  # never written to: the worker ends when it closes
            stdout=self.answer,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def has_ended(self) -> bool:
        """Whether its outcome is there, without waiting."""
        return self.process.poll() is not None

    def end(self) -> None:
        """Tell it to end, without waiting."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def outcome(self) -> dict[str, Any] | Failure:
        """Wait until it has ended -> its answer, or why there is none."""
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
        return Failure(reply["failure"]) if "failure" in reply else reply


@contextmanager
def all_ended(running: Mapping[str, Worker]) -> Generator[None, None, None]:
    """When the block is left, however that is, no worker goes on."""
    try:
        yield
    finally:
        for worker in running.values():
            worker.end()
        for worker in running.values():
            worker.outcome()


def answer(work: Callable[[], dict[str, Any]]) -> None:
    """Be a worker: do the work, and answer with what it returns, or with {"failure": a Korean message} that it raises."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")  # no process of the work's inherits it
    os.dup2(2, 1)  # and what else is printed is no answer
    lifeline = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the work has nothing to read
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the parent's to handle
    for ending in ("SIGTERM", "SIGHUP"):  # an orderly end: what the work has started goes, no part file stays
        if hasattr(signal, ending):
            signal.signal(getattr(signal, ending), lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    try:
        reply = work()
    except Failure as failure:
        reply = {"failure": str(failure)}
    except Exception as error:
        reply = {"failure": f"실행하지 못했어요({type(error).__name__}: {error})."}
    with stream:
        json.dump(reply, stream)


def _end_with_parent(lifeline: int) -> None:
    """Wait until standard input closes, which happens however the parent ends; then end in the orderly way, or at all."""
    while os.read(lifeline, 1):  # sys.stdin would hold its lock while Python shuts down
        pass
    _thread.interrupt_main(signal.SIGTERM)
    time.sleep(PATIENCE / 2)
    os._exit(1)
