import gc
import statistics
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from lib import cost

SNIPPETS = Path(cost.__file__).parents[1]
MIB = 2**20


def burn(calls):
    """A run that notes its name in `calls`."""
    return lambda name: cost.Contender(name, lambda: calls.append(name))


def test_rounds_take_turns():
    calls = []
    samples = cost.interleave([burn(calls)(name) for name in "abc"], "cpu", rounds=4, least=1e-9)
    assert {name: len(times) for name, times in samples.items()} == {"a": 4, "b": 4, "c": 4}
    rounds = [calls[start : start + 3] for start in range(6, 18, 3)]
    assert rounds == [list("abc"), list("bca"), list("cab"), list("abc")], "each round has all, another one first"


def test_drift_hits_all_contenders_alike():
    """A clock that runs ever slower changes no ratio by more than one round's drift."""
    now = [0.0]

    def run(cost):
        def step():
            now[0] += cost * (1 + now[0] / 5)  # slower and slower

        return step

    contenders = [cost.Contender("one", run(0.01)), cost.Contender("two", run(0.02))]
    samples = cost.interleave(contenders, "cpu", rounds=9, least=0.05, cpu_clock=lambda: now[0])
    ratio = statistics.median(b / a for a, b in zip(samples["one"], samples["two"]))
    assert ratio == pytest.approx(2, rel=0.02)
    assert samples["one"][-1] > 1.05 * samples["one"][0]


def test_short_calls_are_repeated_and_long_rounds_are_fewer():
    now, calls = [0.0], []

    def step():
        calls.append(1)
        now[0] += 1e-3

    clock = {"cpu_clock": lambda: now[0]}
    times = cost.interleave([cost.Contender("x", step)], "cpu", rounds=5, least=0.1, **clock)["x"]
    assert times == pytest.approx([1e-3] * 5) and len(calls) == pytest.approx(2 + 5 * 100, abs=10)
    assert len(cost.interleave([cost.Contender("x", step)], "cpu", rounds=50, least=1, budget=7, **clock)["x"]) in (
        6,
        7,
    )
    assert len(cost.interleave([cost.Contender("x", step)], "cpu", rounds=50, least=1, budget=0.1, **clock)["x"]) == 3


def test_context_is_entered_outside_of_the_timing():
    events = []

    class Context:
        def __enter__(self):
            events.append("in")

        def __exit__(self, *error):
            events.append("out")

    cost.interleave([cost.Contender("x", lambda: events.append("run"), Context)], "cpu", rounds=3, least=1e-9)
    assert events == ["in", "run", "out"] * (2 + 3), "to warm up, and in each round"


def test_one_failure_leaves_the_others():
    calls = []

    def fails_later():
        calls.append(1)
        if len(calls) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    def fails():
        raise RuntimeError("No available kernel. Aborting execution.")

    found = cost.interleave(
        [cost.Contender("good", lambda: None), cost.Contender("bad", fails), cost.Contender("later", fails_later)],
        "cpu",
        rounds=5,
        least=1e-9,
    )
    assert len(found["good"]) == 5
    assert found["bad"] == cost.Failed("unsupported", "RuntimeError: No available kernel. Aborting execution.")
    assert found["later"].status == "oom"


def test_memory_that_fails_once_is_tried_again_on_a_cpu():
    """Its allocator may keep holes that others left; the first failure clears them."""
    calls = []

    def fits_at_second_try():
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    found = cost.interleave([cost.Contender("x", fits_at_second_try)], "cpu", rounds=4, least=1e-9)["x"]
    assert len(found) == 4


def test_spread():
    found = cost.spread([3.0, 1.0, 2.0, 4.0, 100.0])
    assert found["median"] == 3 and found["low"] == 1.5 and found["samples"] == [3.0, 1.0, 2.0, 4.0, 100.0]
    assert cost.spread([2.0])["low"] == cost.spread([2.0])["high"] == 2.0


def test_cuda_is_timed_by_events_in_its_stream(monkeypatch):
    log = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            log.append("record")

        def synchronize(self):
            log.append("wait")

        def elapsed_time(self, end):
            return 250.0  # milliseconds

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: log.append("synchronize"))
    assert cost.seconds_of(lambda: log.append("run"), 3, "cuda") == 0.25
    assert log == ["synchronize", "record", "run", "run", "run", "record", "wait"]


@pytest.mark.parametrize(
    "error, status",
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "oom"),
        (MemoryError(), "oom"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"),
            "oom",
        ),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), "oom"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "oom"),
        (RuntimeError("No available kernel. Aborting execution."), "unsupported"),
        (RuntimeError("No viable backend for scaled_dot_product_attention was found."), "unsupported"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "error"),
        (KeyError("x"), "error"),
    ],
)
def test_what_an_error_means(error, status):
    found = cost.failed(error)
    assert found.status == status and found.error.startswith(type(error).__name__) and len(found.error) <= 300


def test_out_of_memory_is_a_result_and_frees_what_was_held():
    gone = []

    def measure():
        held = torch.empty(1000)
        gone.append(weakref.ref(held))
        return torch.empty(2**58)

    assert cost.attempt(measure).status == "oom"
    gc.collect()
    assert gone[0]() is None
    assert cost.attempt(lambda: 7) == 7


def test_ctrl_c_is_no_failure():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cost.attempt(stop)


def test_the_profiler_says_nothing_of_its_own(capfd):
    assert cost.peak_memory(lambda: torch.ones(MIB), "cpu") >= 4 * MIB
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_fit_recovers_the_exponent_within_its_error(exponent):
    generator = np.random.default_rng(0)
    sizes = np.array([256, 512, 1024, 2048, 4096])
    misses = []
    for _ in range(200):
        noise = np.exp(generator.normal(0, 0.1, len(sizes)))  # 10 %, the same everywhere
        found, error = cost.fit_exponent(sizes, 3e-7 * sizes**exponent * noise)
        misses.append((found - exponent) / error)
    assert abs(np.mean(misses)) < 0.3
    assert 0.8 < np.mean(np.abs(misses) < 3.18) < 1  # Student's t with 3 degrees of freedom: 95 %


def test_fit_of_an_exact_power_has_no_error():
    found, error = cost.fit_exponent([10, 20, 40, 80], [5 * n**1.7 for n in (10, 20, 40, 80)])
    assert found == pytest.approx(1.7) and error < 1e-9


def test_fit_agrees_with_numpy():
    generator = np.random.default_rng(1)
    sizes, values = np.array([197, 577, 1025, 2305]), generator.uniform(1, 9, 4)
    coefficients, covariance = np.polyfit(np.log(sizes), np.log(values), deg=1, cov=True)
    assert cost.fit_exponent(sizes, values) == pytest.approx((coefficients[0], covariance[0, 0] ** 0.5))


def test_fit_refuses_two_points():
    with pytest.raises(ValueError, match="three sizes or more"):
        cost.fit_exponent([1, 2], [1, 4])


def floats(mebibytes):
    return torch.empty(mebibytes * MIB // 4)


def test_peak_memory_sees_a_known_allocation():
    assert cost.peak_memory(lambda: floats(3), "cpu") == 3 * MIB


def test_peak_memory_adds_what_is_held_together_and_no_more():
    assert cost.peak_memory(lambda: (floats(3), floats(5)), "cpu") == 8 * MIB

    def one_after_the_other():
        floats(3)
        floats(5)

    assert cost.peak_memory(one_after_the_other, "cpu") == 5 * MIB


def test_peak_memory_of_nothing_is_zero():
    assert cost.peak_memory(lambda: None, "cpu") == 0


def test_peak_memory_leaves_out_what_was_there_before():
    x = floats(4)
    assert cost.peak_memory(x.clone, "cpu") == 4 * MIB


def test_measuring_memory_prints_nothing(capfd):
    cost.peak_memory(lambda: floats(1), "cpu")
    assert capfd.readouterr() == ("", "")


@pytest.mark.gpu
def test_peak_memory_sees_a_known_allocation_on_a_gpu():
    held = torch.empty(4 * MIB, dtype=torch.uint8, device="cuda")
    assert cost.peak_memory(held.clone, "cuda") == 4 * MIB


@pytest.mark.gpu
def test_a_gpu_without_memory_enough_is_a_result_and_goes_on():
    assert cost.attempt(lambda: torch.empty(2**50, dtype=torch.uint8, device="cuda"), "cuda").status == "oom"
    assert torch.ones(3, device="cuda").sum().item() == 3


@pytest.mark.gpu
def test_events_measure_a_gpu_and_not_the_calls():
    a = torch.randn(4096, 4096, device="cuda")
    once, ten = (cost.seconds_of(lambda: a @ a, number, "cuda") for number in (10, 100))
    assert 5 < ten / once < 20  # of calls that return at once
