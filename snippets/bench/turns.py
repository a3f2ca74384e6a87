"""A device that is measured, and how one task of a run is: contenders in turns, one for each cell of the record."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from bench.grid import SECTIONS
from bench.work import DTYPES
from lib.cost import Failed, attempt, interleave, peak_memory, spread


@dataclass
class Task:
    """One thing to measure. cells: what it is about to record; measure() -> the cells with their results."""

    name: str
    cells: list
    measure: Callable
    always: bool = False  # also when the time is up


@dataclass
class Bench:
    """A device and what to measure on it. batches: (model, mode, precision) -> the batch that fills the device."""

    device: torch.device
    grid: dict
    precisions: list
    libraries: list
    compile: bool = True
    sections: tuple = SECTIONS
    memory_bytes: int | None = None
    batches: dict = field(default_factory=dict)

    @property
    def kind(self):
        """What PyTorch calls such a device: "cuda", "mps" or "cpu"."""
        return self.device.type

    @property
    def cpu_clock(self):
        """One thread's own CPU time leaves out what other programs took; that of several counts their waiting."""
        return time.process_time if torch.get_num_threads() == 1 else time.perf_counter

    def tensor(self, *shape, how="float32"):
        """Random numbers on the device, in a precision: on zeros a chip draws less power and runs faster."""
        return torch.randn(*shape, device=self.device).to(DTYPES[how])

    def time(self, contenders, **options):
        """lib.cost.interleave() by this device's grid."""
        settings = {key: self.grid[key] for key in ("rounds", "least", "budget")} | {"cpu_clock": self.cpu_clock}
        return interleave(contenders, self.kind, **settings | options)


def in_turns(bench, cells, contenders):
    """Time contenders in turns, one for each cell -> the cells with what came of them."""
    times = bench.time(contenders)
    return [cell | outcome(times[one.name]) for cell, one in zip(cells, contenders)]


def outcome(samples):
    """Seconds of the rounds, or Failed -> the part of a cell that says what came of it."""
    if isinstance(samples, Failed):
        return {"status": samples.status, "error": samples.error}
    return {"status": "ok", "error": None, "seconds": spread(samples)}


def memory_of(contender, kind):
    """Peak memory of one call in bytes, None where it cannot be told."""

    def measure():
        with contender.context():
            return peak_memory(contender.run, kind)

    value = attempt(measure, kind)
    return None if isinstance(value, Failed) else value
