"""What a call costs: clocks that wait for the device, peak memory, out of memory as a result, turns, power laws.

Needs PyTorch alone. attention_cost.py explains it, gpu_benchmark.py measures a whole device with it.
"""

import ctypes
import gc
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")
NO_KERNEL = ("No available kernel", "No viable backend")  # what SDPA says where a backend cannot take its inputs


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
    try:
        if kind == "cuda":
            torch.cuda.empty_cache()
        elif kind == "mps":
            torch.mps.empty_cache()
        else:
            ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        pass  # no glibc
    except RuntimeError:
        pass  # a device that an earlier error has lost


def interleave(contenders, kind, rounds=7, least=0.05, budget=60.0, warm_up=2, cpu_clock=time.perf_counter):
    """Time contenders in turns -> {name: [seconds a call, one per round] or Failed}.

    A clock that slows down as the chip grows warm, or another program, hits all alike: each round goes through all of
    them, starting one further than the last. A call is repeated until `least` seconds have passed. Where all rounds
    would take more than `budget` seconds there are fewer, three at least.
    """

    def tried(contender, measure):
        def inside():
            with contender.context():
                return measure(contender.run)

        result = attempt(inside, kind)
        if kind == "cpu" and isinstance(result, Failed) and result.status == "oom":
            result = attempt(
                inside, kind
            )  # the first try has cleared the holes that others left in a heap that is kept
        return result

    once = {one.name: tried(one, lambda run: _warm_up(run, kind, least, warm_up, cpu_clock)) for one in contenders}
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
            number = numbers[one.name]
            seconds = tried(one, lambda run: seconds_of(run, number, kind, cpu_clock) / number)
            if isinstance(seconds, Failed):
                results[one.name] = seconds
            else:
                results[one.name].append(seconds)
    return results


def _warm_up(run, kind, least, times, cpu_clock):
    """Seconds of one call once pages, caches and the choice of kernels are settled: float."""
    once = seconds_of(run, 1, kind, cpu_clock)
    for _ in range(times - 1 if once < 2 else 0):
        once = seconds_of(run, 1, kind, cpu_clock)
    if kind != "cpu" and once < least:  # clocks rise under load, and one call alone is mostly its launch
        number = _calls(once, least)
        once = seconds_of(run, number, kind, cpu_clock) / number
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


@contextmanager
def quiet_stderr():
    """Keep what C++ writes to the process's standard error (the profiler's start and stop lines) off the screen."""
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


MEMORY_METHODS = {
    "cuda": "torch.cuda.max_memory_allocated",
    "cpu": "torch profiler: every allocation of the CPU allocator",
}


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
    with quiet_stderr(), torch.autograd.profiler.profile(profile_memory=True) as profiler:
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
    x_mean, y_mean = statistics.fmean(x), statistics.fmean(y)
    width = sum((a - x_mean) ** 2 for a in x)
    slope = sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y)) / width
    residual = sum((b - y_mean - slope * (a - x_mean)) ** 2 for a, b in zip(x, y))
    return slope, math.sqrt(residual / (len(x) - 2) / width)
