import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from bench import device

SNIPPETS = Path(device.__file__).parents[1]
CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


def test_every_datasheet_peak_is_that_of_a_dense_chip():
    for name, sheet in device.DATASHEET.items():
        assert sheet.keys() <= {"float32", "tf32", "bf16", "fp16", "bandwidth"}, name
        assert sheet["float32"] < max(sheet.get("bf16", 0), sheet.get("fp16", 0)) < 1e15
    ratio = device.DATASHEET["NVIDIA H200"]["bf16"] / device.DATASHEET["NVIDIA H200"]["tf32"]
    assert ratio == pytest.approx(2, rel=0.01)


def smi(monkeypatch, answers):
    """nvidia-smi that answers some queries; -> the commands that were asked."""
    asked = []

    def output(*command, **options):
        asked.append(command)
        return answers.get(command[1].removeprefix("--query-gpu="))

    monkeypatch.setattr(device, "_output", output)
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
        {query: "1980, 3201, 1980, 41, [N/A], 700.00", "clocks_event_reasons.active": "0x0000000000000004"},
    )
    found = device.clocks(GPU, "load")
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
    assert device.clocks(GPU, "idle")["sm_mhz"] is None
    found = device.describe_device(GPU)
    assert found["driver"] is None and found["capability"] == "9.0"
    assert found["datasheet"] == device.DATASHEET["NVIDIA H200"]


def test_device_and_host_tell_nothing_of_their_owner():
    told = json.dumps(
        [
            device.describe_device(CPU),
            device.describe_host(),
            device.versions(),
            device.clocks(CPU, "idle"),
        ]
    )
    names = [name for name in (platform.node(), str(Path.home())) if len(name) > 4]  # shorter ones may be any word
    assert not [name for name in names if name in told]
    assert device.versions()["torch"] == torch.__version__


def test_commit_is_none_in_a_repository_that_is_not_this_one(tmp_path, monkeypatch):
    (tmp_path / "device.py").write_text("")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(device, "__file__", str(tmp_path / "device.py"))
    assert device.commit() is None  # not tracked
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", tmp_path, "add", "device.py"], check=True)
    subprocess.run(["git", "-C", tmp_path, *identity, "commit", "-qm", "x"], check=True)
    clean = device.commit()
    assert len(clean) == 12 and int(clean, 16) >= 0
    (tmp_path / "device.py").write_text("x = 1\n")
    assert device.commit() == f"{clean}-dirty"
    monkeypatch.setenv("PATH", "")
    assert device.commit() is None  # no git


@pytest.mark.skipif(sys.platform != "linux", reason="a limit that only Linux has")
def test_too_large_a_run_fails_instead_of_being_killed():
    """Linux would promise the memory and kill the process that uses it."""
    code = """
import torch
from bench import device
from lib import cost
free = device.available_memory()
device.refuse_too_much_memory(share=0.01)
print(cost.attempt(lambda: torch.ones(free // 20 // 4)), torch.ones(3).sum().item())
"""
    environment = {**os.environ, "PYTHONPATH": str(SNIPPETS)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "status='oom'" in done.stdout and done.stdout.endswith("3.0\n")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_is_freed_can_be_kept():
    """A call's large tensors take new pages of the system each time, unless the allocator keeps those of the last."""
    code = """
import resource, sys, torch
from bench import device
print(device.keep_freed_memory() if sys.argv[1] == "keep" else "")
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


@pytest.mark.gpu
def test_nvidia_smi_knows_this_gpu():
    assert device.nvidia_smi(GPU, "name")["name"] == torch.cuda.get_device_name()
    assert device.clocks(GPU, "idle")["sm_mhz"] > 0


def test_device_is_the_fastest_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device.pick_device("auto").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device.pick_device("auto").type == "cpu"
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    assert device.pick_device("auto").type == "cuda" and device.pick_device("cuda:1").index == 1
    assert [each.index for each in chosen] == [0, 1], "set_device takes no device without a number"
