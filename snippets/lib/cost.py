"""What a call costs: clocks that wait for the device, peak memory, out of memory as a result, turns, power laws.

Needs PyTorch alone. attention_cost.py explains it, gpu_benchmark.py measures a whole device with it.
"""

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

os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # below it the profiler tells standard error when it starts and stops
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")
NO_KERNEL = ("No available kernel", "No viable backend")  # what SDPA says where a backend cannot take its inputs
MEMORY_METHODS = {
    "cuda": "torch.cuda.max_memory_allocated",
    "cpu": "torch profiler: every allocation of the CPU allocator",
}


def seconds_of(run, number, kind, cpu_clock=time.perf_counter):
    """Seconds that `number` calls of run() take on a device of kind "cuda", "mps" or "cpu", waited for: float."""
    if kind == "cuda":  # events stand in the stream itself: the time between them is the device's own
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
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
    """Something to time: run() once, inside context(), whose own entering and leaving is not timed."""

    name: str
    run: Callable
    context: Callable = nullcontext


@dataclass(frozen=True)
class Failed:
    """What came of a contender that could not be measured. status: "oom", "unsupported" or "error"."""

    status: str
    error: str


def failed(error):
    """An exception -> Failed. Keeps words alone: the exception itself would hold on to the tensors of its frames."""
    words = " ".join(str(error).split())
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(part in words for part in OUT_OF_MEMORY):
        status = "oom"
    else:
        status = "unsupported" if any(part in words for part in NO_KERNEL) else "error"
    return Failed(status, f"{type(error).__name__}: {words}"[:300])


def attempt(measure, kind="cpu"):
    """What measure() returns, Failed if it raises. KeyboardInterrupt goes on up."""
    try:
        return measure()
    except Exception as error:
        result = failed(error)
    free_memory(kind)  # outside of the except: there the frames, and so the tensors, are still alive
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


def interleave(contenders, kind, rounds=7, least=0.05, budget=60.0, cpu_clock=time.perf_counter):
    """Time contenders in turns -> {name: [seconds a call, one per round] or Failed}.

    A clock that slows down as the chip grows warm, or another program, hits all alike: each round goes through all of
    them, starting one further than the last. A call is repeated until `least` seconds have passed. Where all rounds
    would take more than `budget` seconds there are fewer, three at least.
    """

    def timed(one, number):
        def measure():
            with one.context():
                return seconds_of(one.run, number, kind, cpu_clock) / number

        result = attempt(measure, kind)
        if kind == "cpu" and isinstance(result, Failed) and result.status == "oom":
            result = attempt(measure, kind)  # the first try has cleared the holes of a heap that is kept
        return result

    once = {one.name: _warm_up(lambda number: timed(one, number), kind, least) for one in contenders}
    results = {name: seconds if isinstance(seconds, Failed) else [] for name, seconds in once.items()}
    alive = [one for one in contenders if not isinstance(results[one.name], Failed)]
    numbers = {one.name: _calls(once[one.name], least) for one in alive}
    expected = sum(once[name] * number for name, number in numbers.items())
    rounds = max(3, min(rounds, int(budget / expected))) if expected else 0
    for turn in range(rounds):
        start = turn % len(alive)
        for one in alive[start:] + alive[:start]:
            if isinstance(results[one.name], Failed):
                continue
            seconds = timed(one, numbers[one.name])
            if isinstance(seconds, Failed):
                results[one.name] = seconds
            else:
                results[one.name].append(seconds)
    return results


def _warm_up(timed, kind, least):
    """Seconds of one call once pages, caches and the choice of kernels are settled: float, or Failed."""
    once = timed(1)
    if not isinstance(once, Failed) and once < 2:
        once = timed(1)
    if not isinstance(once, Failed) and kind != "cpu" and once < least:
        once = timed(_calls(once, least))  # clocks rise under load, and one call alone is mostly its launch
    return once


def _calls(once, least):
    """How many calls of so many seconds it takes to fill `least` seconds: int."""
    return max(1, min(10_000, math.ceil(least / max(once, 1e-6))))


def spread(samples):
    """Median and quartiles of some numbers, beside the numbers: dict. Quartiles of two or fewer are their ends."""
    low, high = min(samples), max(samples)
    if len(samples) > 2:
        low, _, high = statistics.quantiles(samples, n=4)
    return {"median": statistics.median(samples), "low": low, "high": high, "samples": list(samples)}


def peak_memory(run, kind):
    """Bytes of tensors at the fullest moment of run(), beyond those that were there before: int, None on MPS.

    Counts what PyTorch's allocator hands out (MEMORY_METHODS says how). On the CPU a library's own scratch space is
    not in it; on MPS PyTorch keeps no peak.
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
    held = most = 0
    events = (event for event in profiler.kineto_results.events() if event.name() == "[memory]")
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()  # frees are negative
        most = max(most, held)
    return most


def fit_exponent(sizes, values):
    """a of values ~ sizes^a, by least squares on the logarithms, and its standard error: (float, float).

    Raises ValueError with fewer than three points: two always lie on a line.
    """
    if len(sizes) < 3:
        raise ValueError(f"an exponent and its error need three sizes or more, not {len(sizes)}")
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    slope, intercept = statistics.linear_regression(x, y)
    residual = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y))
    return slope, math.sqrt(residual / (len(x) - 2) / statistics.pvariance(x) / len(x))
