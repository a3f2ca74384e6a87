import gc
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace

import benchmark_lib as lib
import pytest
import torch

SNIPPETS = Path(lib.__file__).parent


def burn(calls):
    """A run that notes its name in `calls`."""
    return lambda name: lib.Contender(name, lambda: calls.append(name))


# ---------------------------------------------------------------- time


def test_rounds_take_turns():
    calls = []
    samples = lib.interleave([burn(calls)(name) for name in "abc"], "cpu", rounds=4, least=1e-9, warm_up=1)
    assert {name: len(times) for name, times in samples.items()} == {"a": 4, "b": 4, "c": 4}
    rounds = [calls[start : start + 3] for start in range(3, 15, 3)]
    assert rounds == [list("abc"), list("bca"), list("cab"), list("abc")], "each round has all, another one first"


def test_drift_hits_all_contenders_alike():
    """A clock that runs ever slower changes no ratio by more than one round's drift."""
    now = [0.0]

    def run(cost):
        def step():
            now[0] += cost * (1 + now[0] / 5)  # slower and slower

        return step

    contenders = [lib.Contender("one", run(0.01)), lib.Contender("two", run(0.02))]
    samples = lib.interleave(contenders, "cpu", rounds=9, least=0.05, cpu_clock=lambda: now[0])
    ratio = statistics.median(b / a for a, b in zip(samples["one"], samples["two"]))
    assert ratio == pytest.approx(2, rel=0.02)
    assert samples["one"][-1] > 1.05 * samples["one"][0]


def test_short_calls_are_repeated_and_long_rounds_are_fewer():
    now, calls = [0.0], []

    def step():
        calls.append(1)
        now[0] += 1e-3

    clock = {"cpu_clock": lambda: now[0]}
    times = lib.interleave([lib.Contender("x", step)], "cpu", rounds=5, least=0.1, **clock)["x"]
    assert times == pytest.approx([1e-3] * 5) and len(calls) == pytest.approx(2 + 5 * 100, abs=10)
    assert len(lib.interleave([lib.Contender("x", step)], "cpu", rounds=50, least=1, budget=7, **clock)["x"]) in (6, 7)
    assert len(lib.interleave([lib.Contender("x", step)], "cpu", rounds=50, least=1, budget=0.1, **clock)["x"]) == 3


def test_context_is_entered_outside_of_the_timing():
    events = []

    class Context:
        def __enter__(self):
            events.append("in")

        def __exit__(self, *error):
            events.append("out")

    lib.interleave([lib.Contender("x", lambda: events.append("run"), Context)], "cpu", rounds=3, least=1e-9, warm_up=2)
    assert events == ["in", "run", "run", "out", *["in", "run", "out"] * 3]


def test_one_failure_leaves_the_others():
    calls = []

    def fails_later():
        calls.append(1)
        if len(calls) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    def fails():
        raise RuntimeError("No available kernel. Aborting execution.")

    found = lib.interleave(
        [lib.Contender("good", lambda: None), lib.Contender("bad", fails), lib.Contender("later", fails_later)],
        "cpu",
        rounds=5,
        least=1e-9,
        warm_up=1,
    )
    assert len(found["good"]) == 5
    assert found["bad"] == lib.Failed("unsupported", "RuntimeError: No available kernel. Aborting execution.")
    assert found["later"].status == "oom"


def test_memory_that_fails_once_is_tried_again_on_a_cpu():
    """Its allocator may keep holes that others left; the first failure clears them."""
    calls = []

    def fits_at_second_try():
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    found = lib.interleave([lib.Contender("x", fits_at_second_try)], "cpu", rounds=4, least=1e-9)["x"]
    assert len(found) == 4


def test_spread():
    found = lib.spread([3.0, 1.0, 2.0, 4.0, 100.0])
    assert found["median"] == 3 and found["low"] == 1.5 and found["samples"] == [3.0, 1.0, 2.0, 4.0, 100.0]
    assert lib.spread([2.0])["low"] == lib.spread([2.0])["high"] == 2.0


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
    assert lib.seconds_of(lambda: log.append("run"), 3, "cuda") == 0.25
    assert log == ["synchronize", "record", "run", "run", "run", "record", "wait"]


# ---------------------------------------------------------------- failures


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
    found = lib.failed(error)
    assert found.status == status and found.error.startswith(type(error).__name__) and len(found.error) <= 300


def test_out_of_memory_is_a_result_and_frees_what_was_held():
    gone = []

    def measure():
        held = torch.empty(1000)
        gone.append(weakref.ref(held))
        return torch.empty(2**58)

    assert lib.attempt(measure).status == "oom"
    gc.collect()
    assert gone[0]() is None
    assert lib.attempt(lambda: 7) == 7


def test_ctrl_c_is_no_failure():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lib.attempt(stop)


@pytest.mark.skipif(sys.platform != "linux", reason="a limit that only Linux has")
def test_too_large_a_run_fails_instead_of_being_killed():
    """Linux would promise the memory and kill the process that uses it."""
    code = """
import torch, benchmark_lib as lib
free = lib.available_memory()
lib.refuse_too_much_memory(share=0.01)
print(lib.attempt(lambda: torch.ones(free // 20 // 4)), torch.ones(3).sum().item())
"""
    environment = {**os.environ, "PYTHONPATH": str(SNIPPETS)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "status='oom'" in done.stdout and done.stdout.endswith("3.0\n")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_is_freed_can_be_kept():
    """A call's large tensors take new pages of the system each time, unless the allocator keeps those of the last."""
    code = """
import resource, sys, torch, benchmark_lib as lib
print(lib.keep_freed_memory() if sys.argv[1] == "keep" else "")
torch.set_num_threads(1)
run = lambda: torch.ones(2**24).sum()
for _ in range(20):  # the heap finds its order
    run()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
run()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    environment = {**os.environ, "PYTHONPATH": str(SNIPPETS)}
    kept, anew = (
        subprocess.run(
            [sys.executable, "-c", code, how], capture_output=True, text=True, env=environment, check=True
        ).stdout.split()
        for how in ("keep", "no")
    )
    assert kept[0] == "True" and int(kept[1]) < int(anew[0]) / 4


def test_quiet_stderr_hides_and_gives_back(capfd):
    with pytest.raises(KeyError), lib.quiet_stderr():
        os.write(2, b"hidden")
        raise KeyError
    os.write(2, b"seen")
    assert capfd.readouterr().err == "seen"


# ---------------------------------------------------------------- counting


def test_traffic_counts_each_operand_once_and_views_not():
    with torch.device("meta"):
        x, y = torch.empty(10, 20), torch.empty(20, 30, dtype=torch.bfloat16)
    with lib.Traffic() as traffic:
        x.t().reshape(20, 10)[:, :5].unsqueeze(0).detach()
    assert traffic.bytes == 0
    with lib.Traffic() as traffic:
        x + x.exp()
    assert traffic.bytes == 200 * 4 * (2 + 3)
    with lib.Traffic() as traffic:
        x.bfloat16() @ y
    assert traffic.bytes == 200 * (4 + 2) + 2 * (200 + 600 + 300)


# ---------------------------------------------------------------- what is told of a device


def test_every_datasheet_peak_is_that_of_a_dense_chip():
    for name, sheet in lib.DATASHEET.items():
        assert sheet.keys() <= {"float32", "tf32", "bf16", "fp16", "bandwidth"}, name
        assert sheet["float32"] < max(sheet.get("bf16", 0), sheet.get("fp16", 0)) < 1e15
    ratio = lib.DATASHEET["NVIDIA H200"]["bf16"] / lib.DATASHEET["NVIDIA H200"]["tf32"]
    assert ratio == pytest.approx(2, rel=0.01)


def smi(monkeypatch, answers):
    """nvidia-smi that answers some queries; -> the commands that were asked."""
    asked = []

    def output(*command, **options):
        asked.append(command)
        return answers.get(command[1].removeprefix("--query-gpu="))

    monkeypatch.setattr(lib, "_output", output)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda device: SimpleNamespace(
            uuid="01234567-89ab",
            name="NVIDIA H200",
            total_memory=150_000_000_000,
            major=9,
            minor=0,
            multi_processor_count=132,
        ),
    )
    return asked


def test_clocks_of_a_gpu(monkeypatch):
    query = "clocks.sm,clocks.mem,clocks.max.sm,temperature.gpu,power.draw,power.limit"
    asked = smi(
        monkeypatch,
        {query: "1980, 3201, 1980, 41, [N/A], 700.00", "clocks_throttle_reasons.active": "0x0000000000000004"},
    )
    found = lib.clocks("cuda", "load")
    assert found == {
        "when": "load",
        "sm_mhz": 1980.0,
        "memory_mhz": 3201.0,
        "sm_max_mhz": 1980.0,
        "temperature_c": 41.0,
        "power_w": None,
        "power_limit_w": 700.0,
        "throttle": "0x0000000000000004",
        "load": None,
    }
    assert all(command[-1] == "--id=GPU-01234567-89ab" for command in asked), "of the GPU that is measured"


def test_a_gpu_without_nvidia_smi(monkeypatch):
    smi(monkeypatch, {})
    assert lib.clocks("cuda", "idle")["sm_mhz"] is None
    found = lib.describe_device(torch.device("cuda", 1))
    assert found["driver"] is None and found["capability"] == "9.0"
    assert found["datasheet"] == lib.DATASHEET["NVIDIA H200"]


def test_device_and_host_tell_nothing_of_their_owner():
    told = json.dumps(
        [lib.describe_device(torch.device("cpu")), lib.describe_host(), lib.versions(), lib.clocks("cpu", "idle")]
    )
    names = [name for name in (platform.node(), str(Path.home())) if len(name) > 4]  # shorter ones may be any word
    assert not [name for name in names if name in told]
    assert lib.versions()["torch"] == torch.__version__


def test_commit_is_none_in_a_repository_that_is_not_this_one(tmp_path, monkeypatch):
    (tmp_path / "lib.py").write_text("")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(lib, "__file__", str(tmp_path / "lib.py"))
    assert lib.commit() is None  # not tracked
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", tmp_path, "add", "lib.py"], check=True)
    subprocess.run(["git", "-C", tmp_path, *identity, "commit", "-qm", "x"], check=True)
    clean = lib.commit()
    assert len(clean) == 12 and int(clean, 16) >= 0
    (tmp_path / "lib.py").write_text("x = 1\n")
    assert lib.commit() == f"{clean}-dirty"
    monkeypatch.setenv("PATH", "")
    assert lib.commit() is None  # no git


def test_save_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "result.json"
    lib.save({"cells": [{"section": "copy", "x": 1 / 3}, {"section": "copy"}], "n": 3}, path)
    assert json.loads(path.read_text()) == {"cells": [{"section": "copy", "x": 0.333333}, {"section": "copy"}], "n": 3}
    assert len(path.read_text().splitlines()) == 3
    with pytest.raises(ValueError):
        lib.save({"x": math.nan}, path)
    assert json.loads(path.read_text())["n"] == 3 and list(path.parent.iterdir()) == [path]


# ---------------------------------------------------------------- comparing


def timed(median, noise=0.01, count=7, seed=0, **fields):
    """A cell whose rounds scatter around a median by that share."""
    generator = random.Random(seed)
    samples = [median * math.exp(generator.gauss(0, noise)) for _ in range(count)]
    return {
        "section": "model",
        "library": "mundap",
        "model": "B/16",
        "status": "ok",
        "batch": 8,
        "seconds": lib.spread(samples),
        **fields,
    }


def record(*cells, end=1.0):
    products = [
        {
            "section": "matmul",
            "when": when,
            "precision": "bf16",
            "n": 64,
            "batch": 1,
            "status": "ok",
            "seconds": lib.spread([value] * 3),
        }
        for when, value in (("start", 1.0), ("end", end))
    ]
    return {"cells": [*products, *cells]}


def test_the_same_record_differs_nowhere():
    assert lib.compare(record(timed(1)), record(timed(1))) == []


@pytest.mark.parametrize("change, expected", [(1.2, ["slower"]), (0.8, ["faster"]), (1.01, []), (0.99, [])])
def test_what_is_beyond_noise_is_told(change, expected):
    found = lib.compare(record(timed(1, seed=1)), record(timed(change, seed=2)))
    assert [item["what"] for item in found] == expected
    if found:
        assert found[0]["ratio"] == pytest.approx(change, rel=0.03) and "B/16" in found[0]["cell"]


def test_a_noisy_cell_needs_a_larger_change():
    assert lib.compare(record(timed(1, noise=0.15, seed=1)), record(timed(1.2, noise=0.15, seed=2))) == []
    assert lib.compare(record(timed(1, noise=0.15, seed=1)), record(timed(3, noise=0.15, seed=2)))


def test_a_device_that_drifted_is_believed_less():
    first, second = record(timed(1), end=1.15), record(timed(1.1))
    assert lib.drift(first) == pytest.approx(math.log(1.15)) and lib.drift(second) == 0
    assert not [item for item in lib.compare(first, second) if "model" in item["cell"]]


def test_false_alarms_are_rare():
    """Two runs of the same thing, ten thousand cells whose rounds scatter by 5 %."""
    cells = [
        [timed(1, noise=0.05, seed=2 * number + side, model=f"B/{number}") for number in range(5000)]
        for side in range(2)
    ]
    assert len(lib.compare(record(*cells[0]), record(*cells[1]))) < 0.02 * 5000


def test_a_batch_of_another_size_is_compared_by_image():
    assert lib.compare(record(timed(1, noise=0, batch=8)), record(timed(2, noise=0, batch=16))) == []
    sweeps = [timed(1, section="sweep", batch=batch) for batch in (8, 16)]
    assert [item["what"] for item in lib.compare(record(sweeps[0]), record(sweeps[1]))] == ["missing", "missing"]


def test_statuses_and_missing_cells_are_told():
    lost = {**timed(1), "status": "oom"}
    del lost["seconds"]
    found = lib.compare(record(timed(1), timed(1, model="L/16")), record(lost))
    assert [(item["what"], item["states"]) for item in found] == [("status", ["ok", "oom"]), ("missing", ["ok", None])]


def test_files_of_one_device_are_one_record():
    def part(when, cells, pixels, precisions):
        return {
            "when": when,
            "device": {"kind": "cuda"},
            "seconds": 10.0,
            "fits": [],
            "cells": cells,
            "settings": {"precisions": precisions, "libraries": ["mundap"], "grid": {"pixels": pixels, "batches": [1]}},
        }

    skipped = {**timed(1, model="L/16"), "status": "skipped"}
    found = lib.join(
        [
            part("1", [timed(1), timed(2, model="L/16")], [224], ["float32"]),
            part("2", [timed(3), timed(4, model="S/16"), skipped], [224, 512], ["bf16", "float32"]),
        ]
    )
    assert {cell["model"]: cell["seconds"]["median"] for cell in found["cells"]} == pytest.approx(
        {"B/16": 3, "L/16": 2, "S/16": 4}, rel=0.02
    )
    assert found["settings"]["precisions"] == ["bf16", "float32"] and found["settings"]["grid"]["pixels"] == [224, 512]
    assert found["seconds"] == 20


@pytest.mark.gpu
def test_a_gpu_without_memory_enough_is_a_result_and_goes_on():
    assert lib.attempt(lambda: torch.empty(2**50, dtype=torch.uint8, device="cuda"), "cuda").status == "oom"
    assert torch.ones(3, device="cuda").sum().item() == 3


@pytest.mark.gpu
def test_events_measure_a_gpu_and_not_the_calls():
    a = torch.randn(4096, 4096, device="cuda")
    once, ten = (lib.seconds_of(lambda: a @ a, number, "cuda") for number in (10, 100))
    assert 5 < ten / once < 20  # of calls that return at once


@pytest.mark.gpu
def test_nvidia_smi_knows_this_gpu():
    assert lib.nvidia_smi("name")["name"] == torch.cuda.get_device_name()
    assert lib.clocks("cuda", "idle")["sm_mhz"] > 0
