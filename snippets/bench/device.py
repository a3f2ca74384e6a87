"""The device that is measured and the machine around it: names, memory, versions, clocks."""

import csv
import ctypes
import io
import os
import platform
import re
import statistics
import subprocess
import sys
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


def _first_line(pattern, path):
    try:
        found = re.search(pattern, Path(path).read_text(errors="replace"), re.M)
    except OSError:
        return None
    return found[1].strip() if found else None


def _output(*command, **options):
    """What a command prints, None where it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, **options)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def cpu_name():
    """The processor's name: str."""
    name = _first_line(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo")
    if name is None and sys.platform == "darwin":
        name = _output("sysctl", "-n", "machdep.cpu.brand_string")
    return name or platform.processor() or platform.machine()


def describe_device(device):
    """What is known of a torch.device: dict of plain values, None for what cannot be told."""
    kind = device.type
    about = {
        "kind": kind,
        "name": cpu_name(),
        "memory_bytes": None,
        "threads": torch.get_num_threads(),
        "driver": None,
        "capability": None,
        "multiprocessors": None,
        "cuda": None,
        "cudnn": None,
        "datasheet": None,
    }
    if kind == "cuda":
        properties = torch.cuda.get_device_properties(device)
        gpu = nvidia_smi("driver_version") or {}
        about |= {
            "name": properties.name,
            "memory_bytes": properties.total_memory,
            "driver": gpu.get("driver_version"),
            "capability": f"{properties.major}.{properties.minor}",
            "multiprocessors": properties.multi_processor_count,
            "cuda": torch.version.cuda or torch.version.hip,
            "cudnn": torch.backends.cudnn.version(),
            "datasheet": DATASHEET.get(properties.name),
        }
    elif kind == "mps":
        recommended = getattr(torch.mps, "recommended_max_memory", lambda: None)
        about |= {"memory_bytes": recommended(), "driver": platform.mac_ver()[0] or None}
    else:
        flags = [name for name in ("avx2", "avx512", "avx512_bf16", "amx_tile", "amx_bf16") if cpu_has(name)]
        about |= {"memory_bytes": total_memory(), "capability": " ".join(flags) or None}
    return about


def cpu_has(name):
    """Whether PyTorch says that the processor has such instructions, "avx512_bf16" say: bool."""
    probe = getattr(torch.cpu, f"_is_{name}_supported", None)
    return bool(probe and probe())


def total_memory():
    """Bytes of the machine's memory, a container's limit if that is less; None where the system does not say."""
    total = _first_line(r"^MemTotal:\s+(\d+) kB", "/proc/meminfo")
    if total is None:
        total = _output("sysctl", "-n", "hw.memsize")
        return int(total) if total else None
    limit = _first_line(r"^(\d+)$", "/sys/fs/cgroup/memory.max")
    return min(int(total) * 1024, int(limit)) if limit else int(total) * 1024


def describe_host():
    """The machine around the device: dict. Neither its name nor its user's."""
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "memory_bytes": total_memory(),
    }


def versions():
    """Versions of Python and of the packages that matter: {name: str}, without those that are not installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = torch.__version__ if package == "torch" else version(package)
        except PackageNotFoundError:
            continue
    return found


def commit():
    """The commit that this file is of, "-dirty" behind it if files were changed; None outside a git repository."""
    folder = Path(__file__).resolve().parent
    if _output("git", "ls-files", "--error-unmatch", Path(__file__).name, cwd=folder) is None:
        return None  # the folder may lie in somebody else's repository
    return _output("git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12", cwd=folder)


def nvidia_smi(*fields):
    """What nvidia-smi says of the current CUDA device: {field: str or None}; None without nvidia-smi."""
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    uuid = getattr(torch.cuda.get_device_properties(torch.cuda.current_device()), "uuid", None)
    if uuid is not None:  # nvidia-smi counts all of the machine's GPUs, PyTorch those that CUDA_VISIBLE_DEVICES names
        command.append(f"--id={uuid if str(uuid).startswith(('GPU-', 'MIG-')) else f'GPU-{uuid}'}")
    text = _output(*command)
    rows = list(csv.reader(io.StringIO(text), skipinitialspace=True)) if text else []
    if not rows or len(rows[0]) != len(fields):
        return None

    return {field: None if word.startswith("[") else word for field, word in zip(fields, rows[0])}  # "[N/A]"


def clocks(kind, when):
    """Clocks, temperature and power now: dict with None for what is not told. when: a word for the moment."""
    names = {
        "sm_mhz": "clocks.sm",
        "memory_mhz": "clocks.mem",
        "sm_max_mhz": "clocks.max.sm",
        "temperature_c": "temperature.gpu",
        "power_w": "power.draw",
        "power_limit_w": "power.limit",
    }
    found = {"when": when, **dict.fromkeys(names), "throttle": None, "load": None}
    if kind == "cuda":
        told = nvidia_smi(*names.values()) or {}
        found |= {name: float(told[field]) if told.get(field) else None for name, field in names.items()}
        reasons = nvidia_smi("clocks_event_reasons.active") or nvidia_smi("clocks_throttle_reasons.active") or {}
        found["throttle"] = next(iter(reasons.values()), None)
    elif kind == "cpu":
        try:
            speeds = re.findall(r"^cpu MHz\s*:\s*([\d.]+)", Path("/proc/cpuinfo").read_text(), re.M)
        except OSError:
            speeds = []
        found["sm_mhz"] = statistics.fmean(map(float, speeds)) if speeds else None
        found["load"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None  # what else runs here
    return found


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


def available_memory():
    """Bytes of memory that this process may still take, None where the system does not say."""
    try:
        free = int(re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())[1]) * 1024
    except (OSError, TypeError):
        return None
    try:  # a container's own limit
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        free = min(free, limit - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return free


def refuse_too_much_memory(share=0.9):
    """Make Linux refuse memory that the machine does not have -> the limit in bytes, None on other systems.

    Without it Linux promises any amount, and kills the process when it uses what is not there.
    """
    free = available_memory()
    if free is None:
        return None
    import resource

    used = int(re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    limit, (_, hard) = int(used + share * free), resource.getrlimit(resource.RLIMIT_DATA)
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
