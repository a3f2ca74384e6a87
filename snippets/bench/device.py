"""The device that is measured and the machine around it: names, memory, versions, clocks."""

import ctypes
import os
import platform
import re
import statistics
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = ("torch", "timm", "transformers", "torchvision", "vit-pytorch", "triton", "numpy")

# Dense peaks in FLOP/s by the makers' data sheets (no sparsity; bf16/fp16 with float32 accumulation), bytes/s of the
# memory. Only exact names: an "H100 PCIe" or "H200 NVL" is another chip.
DATASHEET = {
    "NVIDIA H200": {"float32": 66.9e12, "tf32": 494.7e12, "bf16": 989.4e12, "bandwidth": 4.8e12},
    "NVIDIA H100 80GB HBM3": {"float32": 66.9e12, "tf32": 494.7e12, "bf16": 989.4e12, "bandwidth": 3.35e12},
    "NVIDIA H100 PCIe": {"float32": 51.2e12, "tf32": 378e12, "bf16": 756e12, "bandwidth": 2.0e12},
    "NVIDIA A100-SXM4-40GB": {"float32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "bandwidth": 1.555e12},
    "NVIDIA A100-SXM4-80GB": {"float32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "bandwidth": 2.039e12},
    "NVIDIA A100-PCIE-40GB": {"float32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "bandwidth": 1.555e12},
    "NVIDIA A100 80GB PCIe": {"float32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "bandwidth": 1.935e12},
    "NVIDIA GeForce RTX 4090": {"float32": 82.6e12, "tf32": 82.6e12, "bf16": 165.2e12, "bandwidth": 1.008e12},
    "NVIDIA L4": {"float32": 30.3e12, "tf32": 60e12, "bf16": 121e12, "bandwidth": 0.3e12},
    "Tesla T4": {"float32": 8.1e12, "fp16": 65e12},
}
CLOCKS = {
    "sm_mhz": "clocks.sm",
    "memory_mhz": "clocks.mem",
    "sm_max_mhz": "clocks.max.sm",
    "temperature_c": "temperature.gpu",
    "power_w": "power.draw",
    "power_limit_w": "power.limit",
}


def _read(pattern, path):
    """What a pattern's groups match in a system's file: list, empty where there is no such file."""
    try:
        return re.findall(pattern, Path(path).read_text(errors="replace"), re.M)
    except OSError:
        return []


def _output(*command, **options):
    """What a command prints, None where it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, **options)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def cpu_name():
    """The processor's name: str."""
    names = _read(r"^model name\s*:\s*(.*\S)", "/proc/cpuinfo") or [_output("sysctl", "-n", "machdep.cpu.brand_string")]
    return names[0] or platform.processor() or platform.machine()


def cpu_has(name):
    """Whether PyTorch says that the processor has such instructions, "avx512_bf16" say: bool."""
    probe = getattr(torch.cpu, f"_is_{name}_supported", None)
    return bool(probe and probe())


def describe_device(device):
    """What is known of a torch.device: dict of plain values, None for what cannot be told."""
    unknown = ("memory_bytes", "driver", "capability", "multiprocessors", "cuda", "cudnn", "datasheet")
    about = {"kind": device.type, "name": cpu_name(), "threads": torch.get_num_threads(), **dict.fromkeys(unknown)}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return about | {
            "name": properties.name,
            "memory_bytes": properties.total_memory,
            "driver": nvidia_smi(device, "driver_version")["driver_version"],
            "capability": f"{properties.major}.{properties.minor}",
            "multiprocessors": properties.multi_processor_count,
            "cuda": torch.version.cuda or torch.version.hip,
            "cudnn": torch.backends.cudnn.version(),
            "datasheet": DATASHEET.get(properties.name),
        }
    if device.type == "mps":
        return about | {"memory_bytes": torch.mps.recommended_max_memory(), "driver": platform.mac_ver()[0] or None}
    flags = [name for name in ("avx2", "avx512", "avx512_bf16", "amx_tile", "amx_bf16") if cpu_has(name)]
    return about | {"memory_bytes": total_memory(), "capability": " ".join(flags) or None}


def describe_host():
    """The machine around the device: dict. Neither its name nor its user's."""
    system = f"{platform.system()} {platform.release()}"
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "system": system, "memory_bytes": total_memory()}


def versions():
    """Versions of Python and of the packages that matter: {name: str}, without those that are not installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def commit():
    """The commit that this file is of, "-dirty" behind it if files were changed; None outside a git repository."""
    file = Path(__file__).resolve()
    if _output("git", "ls-files", "--error-unmatch", file.name, cwd=file.parent) is None:
        return None  # the folder may lie in somebody else's repository
    return _output("git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12", cwd=file.parent)


def nvidia_smi(device, *fields):
    """What nvidia-smi says of a CUDA device: {field: str, or None for what it does not tell}."""
    uuid = torch.cuda.get_device_properties(device).uuid  # not a number: nvidia-smi counts hidden GPUs too
    command = ("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", f"--id=GPU-{uuid}")
    words = (_output(*command) or "").split(", ")
    if len(words) != len(fields):
        return dict.fromkeys(fields)
    return {field: None if word.startswith("[") else word or None for field, word in zip(fields, words)}  # "[N/A]"


def clocks(device, when):
    """Clocks, temperature and power now: dict with None for what is not told. when: a word for the moment."""
    now = {"when": when, **dict.fromkeys(CLOCKS), "throttle": None, "load": None}
    if device.type == "cuda":
        answers = nvidia_smi(device, *CLOCKS.values())
        reasons = "clocks_event_reasons.active"
        now |= {name: float(answers[field]) if answers[field] else None for name, field in CLOCKS.items()}
        now["throttle"] = nvidia_smi(device, reasons)[reasons]
    elif device.type == "cpu":
        speeds = [float(speed) for speed in _read(r"^cpu MHz\s*:\s*([\d.]+)", "/proc/cpuinfo")]
        now["sm_mhz"] = statistics.fmean(speeds) if speeds else None
        now["load"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None  # what else runs here
    return now


def keep_freed_memory():
    """Make glibc keep what is freed, as CUDA's allocator does -> whether it does: bool, False without glibc.

    Otherwise each call asks the system for its large tensors anew, and their empty pages may cost more than their
    numbers: on a virtual machine many times more, and never the same.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    no_mmap, no_trim = (-4, 0), (-1, -1)  # M_MMAP_MAX, M_TRIM_THRESHOLD
    return all([mallopt(*setting) == 1 for setting in (no_mmap, no_trim)])


def total_memory():
    """Bytes of the machine's memory, a container's limit if that is less; None where the system does not say."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return None
    return min([total, *map(int, _read(r"^(\d+)$", "/sys/fs/cgroup/memory.max"))])


def available_memory():
    """Bytes of memory that this process may still take, None where the system does not say."""
    free = [1024 * int(number) for number in _read(r"^MemAvailable:\s+(\d+) kB", "/proc/meminfo")]
    limit, used = (_read(r"^(\d+)$", f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    return min(free + [int(limit[0]) - int(used[0])] if limit and used else free, default=None)


def refuse_too_much_memory(share=0.9):
    """Make Linux refuse memory that the machine does not have -> the limit in bytes, None on other systems.

    Without it Linux promises any amount, and kills the process when it uses what is not there.
    """
    free = available_memory()
    if free is None:
        return None
    import resource

    [used] = _read(r"^VmData:\s+(\d+) kB", "/proc/self/status")
    limit, (_, hard) = int(1024 * int(used) + share * free), resource.getrlimit(resource.RLIMIT_DATA)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    return limit


def pick_device(name):
    """A torch.device by name, "auto" for the fastest kind there is; raises ValueError where there is none of it."""
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in have.items() if there)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"{name}: 그런 장치는 없어요.") from None
    if not have.get(device.type) or device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"{name}: 이 컴퓨터의 PyTorch에는 이 장치가 없어요.")
    if device.type == "cuda":
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)  # events and memory statistics are those of the current device
    return device
