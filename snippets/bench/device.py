"""The device that is measured and the machine around it: names, memory,
versions."""

import ctypes
import os
import platform
import re
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = (
    "torch",
    "timm",
    "transformers",
    "torchvision",
    "vit-pytorch",
    "triton",
    "numpy",
)


def pick_device(name):
    """A torch.device by name, "auto" for the fastest kind. Raises ValueError if
    missing."""
    have = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, there in have.items() if there)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"{name}: 그런 장치는 없어요.") from None
    index, cuda = device.index or 0, device.type == "cuda"
    if not have.get(device.type) or cuda and index >= torch.cuda.device_count():
        raise ValueError(f"{name}: 이 컴퓨터의 PyTorch에는 이 장치가 없어요.")
    if cuda:
        device = torch.device("cuda", index)
        torch.cuda.set_device(
            device
        )  # events and memory statistics are the current one's
    return device


def cpu_has(name):
    """Whether the processor has such instructions, "avx512_bf16" say: bool."""
    probe = getattr(torch.cpu, f"_is_{name}_supported", None)
    return bool(probe and probe())


def precisions_of(device):
    """The precisions that a torch.device has of its own, the fastest first:
    list."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return ["bf16", "tf32", "float32"]
    if device.type != "cpu":
        return ["fp16", "float32"]
    half = cpu_has("avx512_bf16") or cpu_has("amx_bf16")
    return ["bf16", "float32"] if half else ["float32"]


def describe_device(device):
    """What is known of a torch.device: dict, None for what cannot be told."""
    unknown = (
        "memory_bytes",
        "driver",
        "capability",
        "multiprocessors",
        "cuda",
        "cudnn",
    )
    about = {
        "kind": device.type,
        "name": cpu_name(),
        "threads": torch.get_num_threads(),
    }
    about |= dict.fromkeys(unknown)
    if device.type == "cpu":
        flags = ("avx2", "avx512", "avx512_bf16", "amx_tile", "amx_bf16")
        about["capability"] = " ".join(filter(cpu_has, flags)) or None
        about["memory_bytes"] = total_memory()
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        driver = _output(
            "nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"
        )
        about |= {
            "name": gpu.name,
            "memory_bytes": gpu.total_memory,
            "driver": driver.splitlines()[0]
            if driver
            else None,  # one for all GPUs
            "capability": f"{gpu.major}.{gpu.minor}",
            "multiprocessors": gpu.multi_processor_count,
            "cuda": torch.version.cuda or torch.version.hip,
            "cudnn": torch.backends.cudnn.version(),
        }
    return about


def describe_host():
    """The machine around the device: dict. Neither its name nor its user's."""
    system = f"{platform.system()} {platform.release()}"
    cores, memory = os.cpu_count(), total_memory()
    return {
        "cpu": cpu_name(),
        "cores": cores,
        "system": system,
        "memory_bytes": memory,
    }


def versions():
    """Versions of Python and of the packages that are installed: {name: str}."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def commit():
    """The commit that this file is of, "-dirty" if files were changed, None outside
    git."""
    file = Path(__file__).resolve()
    if (
        _output("git", "ls-files", "--error-unmatch", file.name, cwd=file.parent)
        is None
    ):
        return None  # the folder may lie in somebody else's repository
    describe = (
        "git",
        "describe",
        "--always",
        "--dirty",
        "--exclude=*",
        "--abbrev=12",
    )
    return _output(*describe, cwd=file.parent)


def cpu_name():
    """The processor's name: str."""
    names = _read(r"^model name\s*:\s*(.*\S)", "/proc/cpuinfo")
    name = (
        names[0] if names else _output("sysctl", "-n", "machdep.cpu.brand_string")
    )
    return name or platform.processor() or platform.machine()


def total_memory():
    """Bytes of the machine's memory, None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return None


def refuse_too_much_memory(share=0.9):
    """Make Linux refuse memory that the machine, or a container, does not have.

    Else it promises any amount, and kills the process that uses what is not there.
    """
    free = [
        1024 * int(kB)
        for kB in _read(r"^MemAvailable:\s+(\d+) kB", "/proc/meminfo")
    ]
    paths = (f"/sys/fs/cgroup/memory.{name}" for name in ("max", "current"))
    free += [
        int(most) - int(now)
        for most, now in zip(*(_read(r"^(\d+)$", path) for path in paths))
    ]
    if not free:
        return
    import resource

    [used] = _read(r"^VmData:\s+(\d+) kB", "/proc/self/status")
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = int(1024 * int(used) + share * min(free))
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def keep_freed_memory():
    """Make glibc keep what is freed, as CUDA's allocator does -> whether it does:
    bool.

    Otherwise each call asks the system for its large tensors anew, and their empty
    pages may cost more than their numbers, and never the same.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    no_mmap, no_trim = (-4, 0), (-1, -1)  # M_MMAP_MAX, M_TRIM_THRESHOLD
    return all([mallopt(*setting) == 1 for setting in (no_mmap, no_trim)])


def _read(pattern, path):
    """What a pattern matches in a system's file: list, empty without the file."""
    try:
        return re.findall(pattern, Path(path).read_text(errors="replace"), re.M)
    except OSError:
        return []


def _output(*command, **options):
    """What a command prints, None where it cannot be run or fails."""
    options |= {"capture_output": True, "text": True, "timeout": 30, "check": True}
    try:
        return subprocess.run(command, **options).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
