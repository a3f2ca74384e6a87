"""What a call costs: clocks that wait for the device, peak memory, turns, power
laws.

Needs PyTorch alone. attention_cost.py explains it, gpu_benchmark.py measures a
device."""

import ctypes
import gc
import math
import os
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass

import torch

os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else the profiler writes to stderr
OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
NO_KERNEL = (
    "No available kernel",
    "No viable backend",
)  # of SDPA, for these inputs


def seconds_of(run, number, kind, cpu_clock=time.perf_counter):
    """Seconds that `number` calls of run() take on "cuda", "mps" or "cpu":
    float."""
    if (
        kind == "cuda"
    ):  # events stand in the stream: their distance is the device's own
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start.record()
        for _ in range(number):
            run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3
    wait = torch.mps.synchronize if kind == "mps" else lambda: None
    wait()
    begin = cpu_clock()
    for _ in range(number):
        run()
    wait()
    return cpu_clock() - begin


@dataclass
class Contender:
    """Something to time: run() inside context(), whose entering is not timed."""

    name: str
    run: Callable
    context: Callable = nullcontext


@dataclass(frozen=True)
class Failed:
    """What could not be measured, and why. status: "oom", "unsupported" or
    "error"."""

    status: str
    error: str


def failed(error):
    """An exception -> Failed, in words: the exception would keep its tensors
    alive."""
    words = " ".join(str(error).split())
    status = "unsupported" if any(part in words for part in NO_KERNEL) else "error"
    if isinstance(error, MemoryError) or any(
        part in words for part in OUT_OF_MEMORY
    ):
        status = "oom"
    return Failed(status, f"{type(error).__name__}: {words}"[:300])


def attempt(measure, kind="cpu"):
    """What measure() returns, Failed if it raises. KeyboardInterrupt goes on up."""
    try:
        return measure()
    except Exception as error:
        result = failed(error)
    free_memory(kind)  # after the except, in which the tensors are still alive
    return result


def free_memory(kind):
    """Give back what nothing refers to any more."""
    gc.collect()
    if kind == "cpu":
        with suppress(AttributeError, OSError, TypeError):  # no glibc
            ctypes.CDLL(None).malloc_trim(0)
    else:
        with suppress(RuntimeError):  # a device that an earlier error has lost
            getattr(torch, kind).empty_cache()


def interleave(
    contenders, kind, rounds=7, least=0.05, budget=60.0, cpu_clock=time.perf_counter
):
    """Time contenders in turns -> {name: [seconds a call, one a round] or Failed}.

    Each round goes through all of them, starting one further than the last, so that
    a clock that slows down or another program hits all alike. A call is repeated
    for
    `least` seconds. Above `budget` seconds there are fewer rounds, three at least.
    """

    def timed(one, number):
        def measure():
            with one.context():
                return seconds_of(one.run, number, kind, cpu_clock) / number

        result = attempt(measure, kind)
        if kind == "cpu" and isinstance(result, Failed) and result.status == "oom":
            return attempt(
                measure, kind
            )  # the first try has cleared the heap's holes
        return result

    once = {one.name: _warm_up(timed, one, kind, least) for one in contenders}
    alive = [one for one in contenders if not isinstance(once[one.name], Failed)]
    numbers = {one.name: _calls(once[one.name], least) for one in alive}
    expected = sum(once[name] * number for name, number in numbers.items())
    rounds = max(3, min(rounds, int(budget / max(expected, 1e-6))))
    results = once | {one.name: [] for one in alive}
    for turn in range(rounds):
        start = turn % max(1, len(alive))
        for one in alive[start:] + alive[:start]:
            seconds = timed(one, numbers[one.name])
            if isinstance(seconds, Failed):
                results[one.name] = seconds
                alive.remove(one)
            else:
                results[one.name].append(seconds)
    return results


def _warm_up(timed, one, kind, least):
    """Seconds of a call once caches and the choice of kernels are settled, or
    Failed."""
    once = timed(one, 1)
    if not isinstance(once, Failed) and once < 2:
        once = timed(one, 1)
    if not isinstance(once, Failed) and kind != "cpu" and once < least:
        once = timed(one, _calls(once, least))  # clocks rise under load
    return once


def _calls(once, least):
    """How many calls of so many seconds it takes to fill `least` seconds: int."""
    return max(1, min(10_000, math.ceil(least / max(once, 1e-6))))


def spread(samples):
    """Median and quartiles beside the numbers themselves: dict. Of two: their
    ends."""
    low, high = min(samples), max(samples)
    if len(samples) > 2:
        low, _, high = statistics.quantiles(samples, n=4)
    middle = statistics.median(samples)
    return {"median": middle, "low": low, "high": high, "samples": list(samples)}


def peak_memory(run, kind):
    """Bytes of tensors at the fullest moment of run(), beyond those before it: int.

    What PyTorch's allocator hands out, so without the scratch space of a CPU's
    libraries. None on MPS, where no peak is kept.
    """
    if kind == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    if kind != "cpu":
        return None
    with torch.autograd.profiler.profile(profile_memory=True) as profiler:
        run()
    events = sorted(
        profiler.kineto_results.events(), key=lambda event: event.start_ns()
    )
    held = most = 0
    for event in events:
        if event.name() == "[memory]":
            held += event.nbytes()  # frees are negative
            most = max(most, held)
    return most


def fit_exponent(sizes, values):
    """a of values ~ sizes^a by least squares on logarithms, and its standard error.

    Raises ValueError with fewer than three points: two always lie on a line.
    """
    if len(sizes) < 3:
        raise ValueError(
            f"an exponent and its error need three sizes or more, not {len(sizes)}"
        )
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    slope, intercept = statistics.linear_regression(x, y)
    residual = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y))
    return slope, math.sqrt(
        residual / (len(x) - 2) / statistics.pvariance(x) / len(x)
    )
