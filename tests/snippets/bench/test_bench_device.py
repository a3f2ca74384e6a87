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


@pytest.mark.parametrize("answer, driver", [("570.1\n570.1", "570.1"), (None, None)])
def test_a_gpu_with_and_without_nvidia_smi(answer, driver, monkeypatch):
    gpu = {"name": "NVIDIA H200", "total_memory": 150_000_000_000, "multi_processor_count": 132, "major": 9, "minor": 0}
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(**gpu))
    monkeypatch.setattr(device, "_output", lambda *command: answer)
    found = device.describe_device(GPU)
    assert (found["name"], found["driver"], found["capability"]) == ("NVIDIA H200", driver, "9.0")


def test_precisions_are_those_of_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert device.precisions_of(GPU) == ["bf16", "tf32", "float32"]
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert device.precisions_of(GPU) == ["fp16", "float32"], "a T4 has neither bf16 nor TF32"
    monkeypatch.setattr(device, "cpu_has", lambda name: name == "amx_bf16")
    assert device.precisions_of(CPU) == ["bf16", "float32"]
    monkeypatch.setattr(device, "cpu_has", lambda name: False)
    assert device.precisions_of(CPU) == ["float32"]


def test_device_and_host_tell_nothing_of_their_owner():
    told = json.dumps([device.describe_device(CPU), device.describe_host(), device.versions()])
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
free = 1024 * int(device._read(r"^MemAvailable:\\s+(\\d+)", "/proc/meminfo")[0])
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
def test_driver_of_this_gpu_is_told():
    assert float(device.describe_device(GPU)["driver"].split(".")[0]) > 0


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
