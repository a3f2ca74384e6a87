"""How to measure: clocks that wait for the device, peak memory, out of memory as a result, turns, power laws, records.

Needs PyTorch alone. gpu_benchmark.py explains it, benchmark_run.py measures a whole device with it.
"""

import csv
import ctypes
import gc
import io
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")
NO_KERNEL = ("No available kernel", "No viable backend")  # what SDPA says where a backend cannot take its inputs
MEMORY_METHODS = {
    "cuda": "torch.cuda.max_memory_allocated",
    "cpu": "torch profiler: every allocation of the CPU allocator",
}
PACKAGES = ("torch", "timm", "transformers", "torchvision", "vit-pytorch", "triton", "numpy")

# ---------------------------------------------------------------- time


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
    run: object
    context: object = nullcontext


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

    def tried(call):
        found = attempt(call, kind)
        if kind == "cpu" and isinstance(found, Failed) and found.status == "oom":
            found = attempt(call, kind)  # the first try has cleared the holes that others left in a heap that is kept
        return found

    results, numbers, alive = {}, {}, []
    for contender in contenders:

        def first(contender=contender):
            with contender.context():
                once = seconds_of(contender.run, 1, kind, cpu_clock)  # pages, caches, choice of kernels
                if once < 2:
                    for _ in range(warm_up - 1):
                        once = seconds_of(contender.run, 1, kind, cpu_clock)
                if kind != "cpu" and once < least:  # clocks rise under load, and one call alone is mostly its launch
                    number = min(10_000, math.ceil(least / max(once, 1e-6)))
                    once = seconds_of(contender.run, number, kind, cpu_clock) / number
            return once

        once = tried(first)
        results[contender.name] = once if isinstance(once, Failed) else []
        if not isinstance(once, Failed):
            numbers[contender.name] = max(1, min(10_000, math.ceil(least / max(once, 1e-6))))
            alive.append((contender, once * numbers[contender.name]))
    expected = sum(cost for _, cost in alive)
    rounds = max(3, min(rounds, int(budget / expected))) if expected else 0
    alive = [contender for contender, _ in alive]
    for turn in range(rounds):
        start = turn % max(1, len(alive))
        for contender in alive[start:] + alive[:start]:
            if isinstance(results[contender.name], Failed):
                continue
            number = numbers[contender.name]

            def once_more(contender=contender, number=number):
                with contender.context():
                    return seconds_of(contender.run, number, kind, cpu_clock) / number

            seconds = tried(once_more)
            if isinstance(seconds, Failed):
                results[contender.name] = seconds
            else:
                results[contender.name].append(seconds)
    return results


def spread(samples):
    """Median and quartiles of some numbers, beside the numbers: dict. Quartiles of two or fewer are their ends."""
    low, high = min(samples), max(samples)
    if len(samples) > 2:
        low, _, high = statistics.quantiles(samples, n=4)
    return {"median": statistics.median(samples), "low": low, "high": high, "samples": list(samples)}


# ---------------------------------------------------------------- memory


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


# ---------------------------------------------------------------- counting


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


class Traffic(TorchDispatchMode):
    """Counts the bytes that operators read and write, each once, as if nothing stayed in a cache: .bytes

    Views move nothing. Use it on meta or fake tensors: values are not needed.
    """

    FREE = {"_unsafe_view", "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "detach"}

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        schema = function._schema
        view = any(value.alias_info is not None and not value.alias_info.is_write for value in schema.returns)
        if not view and schema.name.removeprefix("aten::") not in self.FREE:
            leaves = torch.utils._pytree.tree_leaves((args, kwargs or {}, result))
            self.bytes += sum(leaf.numel() * leaf.element_size() for leaf in leaves if isinstance(leaf, torch.Tensor))
        return result


# ---------------------------------------------------------------- what was measured, and on what

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


def rounded(value, digits=6):
    """The same with every float at so many significant digits: a record says no more than was measured."""
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def save(result, path):
    """Write a record, whole or not at all."""
    path, text = Path(path), json.dumps(rounded(result), ensure_ascii=False, allow_nan=False)
    text = re.sub(r'(?<=[\[,]) ?(?=\{"section")', "\n  ", text)  # a cell a line: readable, and diffs stay small
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text + "\n", encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_record(path):
    """What a JSON file holds. Raises ValueError, which names the file and the place, where it is no JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}:{error.lineno}:{error.colno}: JSON으로 읽을 수 없어요({error.msg}). 고치거나 다시 재어 주세요."
        ) from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: UTF-8로 읽을 수 없어요({error.reason}). 다시 재어 주세요.") from None


def read_folder(name):
    """The records of a folder beside this file -> [dict], one a device, GPUs first. Files of one device are joined.

    Raises ValueError as read_record() does.
    """
    records = [read_record(path) for path in sorted(Path(__file__).with_name(name).glob("*.json"))]
    devices = {}
    for record in sorted((record for record in records if "cells" in record), key=lambda record: record["when"]):
        device = record["device"]  # the schema lies in the folder too
        devices.setdefault((device["kind"], device["name"], device["threads"]), []).append(record)
    order = sorted(devices, key=lambda key: (("cuda", "mps", "cpu").index(key[0]), *key[1:]))
    return [join(devices[key]) for key in order]


def join(records):
    """Records of one device, in order of time, as one: a cell that two of them measured is the later one's."""
    cells, first = {}, records[0]
    for record in records:
        for cell in record["cells"]:
            earlier = cells.get(key_of(cell))
            if earlier is None or cell["status"] != "skipped":
                cells[key_of(cell)] = cell
    every = {
        name: [value for record in records for value in record["settings"][name]]
        for name in ("precisions", "libraries")
    }
    grids = [record["settings"]["grid"] for record in records]
    lists = {name: sorted({value for grid in grids for value in grid[name]}) for name in ("pixels", "batches")}
    order = ("bf16", "fp16", "tf32", "float32")
    settings = {
        **first["settings"],
        "precisions": sorted(set(every["precisions"]), key=order.index),
        "libraries": list(dict.fromkeys(every["libraries"])),
        "grid": {**grids[0], **lists},
    }
    fits = {
        (fit["method"], fit["pass"], fit["precision"], fit["quantity"]): fit
        for record in records
        for fit in record["fits"]
    }
    return {
        **first,
        "settings": settings,
        "cells": list(cells.values()),
        "fits": list(fits.values()),
        "seconds": sum(record["seconds"] for record in records),
    }


# ---------------------------------------------------------------- comparing two records

KEY = (
    "section",
    "when",
    "library",
    "model",
    "mode",
    "pass",
    "method",
    "compile",
    "precision",
    "n",
    "tokens",
    "img_size",
)


def key_of(cell):
    """What a cell measured, as opposed to what came out: the same in two records of two machines."""
    extra = (cell.get("batch"),) if cell["section"] == "sweep" else ()
    return tuple(cell.get(name) for name in KEY) + extra


def label(cell):
    """A cell in one line: str."""
    words = [cell["section"], *(cell.get(name) for name in ("library", "model", "mode", "method", "pass", "precision"))]
    words += ["compile"] if cell.get("compile") else []
    words += [f"N={cell['tokens']}"] if cell.get("tokens") else []
    words += [f"n={cell['n']}"] if cell.get("n") else []
    words += [f"batch={cell['batch']}"] if cell["section"] == "sweep" else []
    words += [f"({cell['when']})"] if cell.get("when") else []
    return " ".join(word for word in words if word)


def per_item(cell):
    """Seconds a cell took for one image, sequence or product: spread()'s dict, whatever its batch."""
    return {name: cell["seconds"][name] / (cell.get("batch") or 1) for name in ("median", "low", "high")} | {
        "samples": [seconds / (cell.get("batch") or 1) for seconds in cell["seconds"]["samples"]]
    }


def noise(seconds):
    """Standard error of the logarithm of a median, by the quartiles: they forgive a stray round."""
    count = len(seconds["samples"])
    if count < 3:
        return math.inf
    return 1.2533 * math.log(seconds["high"] / seconds["low"]) / 1.349 / math.sqrt(count)


def drift(record):
    """How far the device itself moved from the start of a run to its end: the largest |log| of its matrix products."""
    moved = [0.0]
    cells = {key_of(cell): cell for cell in record["cells"] if cell["section"] == "matmul" and cell["status"] == "ok"}
    for cell in cells.values():
        other = cells.get(key_of({**cell, "when": "end"}))
        if cell["when"] == "start" and other:
            moved.append(abs(math.log(other["seconds"]["median"] / cell["seconds"]["median"])))
    return max(moved)


def compare(first, second, threshold=0.03, errors=4.0):
    """What differs between two records beyond noise: [{cell, what, ratio, noise}], the largest change first.

    what: "slower" or "faster" (the second against the first), "status" where one of them was not measured, "missing"
    where only one has the cell. A time differs where the logarithm of the ratio is beyond `errors` standard errors of
    both medians AND beyond `threshold` AND beyond what each device drifted during its own run.
    """
    floor = max(math.log1p(threshold), drift(first), drift(second))
    ones, others = ({key_of(cell): cell for cell in record["cells"]} for record in (first, second))
    found = []
    for key in dict.fromkeys([*ones, *others]):
        one, other = ones.get(key), others.get(key)
        if one is None or other is None:
            found.append(
                {
                    "cell": label(one or other),
                    "what": "missing",
                    "ratio": None,
                    "noise": None,
                    "states": [cell["status"] if cell else None for cell in (one, other)],
                }
            )
        elif one["status"] != other["status"]:
            found.append(
                {
                    "cell": label(one),
                    "what": "status",
                    "ratio": None,
                    "noise": None,
                    "states": [one["status"], other["status"]],
                }
            )
        elif one["status"] == "ok" and "seconds" in one:
            a, b = per_item(one), per_item(other)
            change = math.log(b["median"] / a["median"])
            bound = max(floor, errors * math.hypot(noise(a), noise(b)))
            if abs(change) > bound:
                found.append(
                    {
                        "cell": label(one),
                        "what": "slower" if change > 0 else "faster",
                        "ratio": math.exp(change),
                        "noise": math.expm1(bound),
                        "states": ["ok", "ok"],
                    }
                )
    order = {"slower": 0, "faster": 0, "status": 1, "missing": 2}
    return sorted(found, key=lambda item: (order[item["what"]], -abs(math.log(item["ratio"] or 1))))
