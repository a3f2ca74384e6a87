"""A run of the benchmark: its tasks one by one, into a record that grows with each.

What runs out of memory, fails or comes too late is a result, and Ctrl-C keeps what
was measured.
"""

import sys
import time
import warnings
from datetime import UTC, datetime

import torch
from bench.device import commit, describe_device, describe_host, versions
from bench.records import FORMAT, rounded, save
from bench.sections import tasks
from bench.work import outcome
from lib.cost import Failed, attempt, fit_exponent, free_memory

WORDS = {
    "oom": "메모리 부족",
    "unsupported": "없음",
    "error": "오류",
    "skipped": "건너뜀",
}
CLOCK = {
    "cuda": "torch.cuda.Event",
    "mps": "perf_counter after torch.mps.synchronize",
}
MEMORY = {
    "cuda": "torch.cuda.max_memory_allocated",
    "cpu": "torch profiler: every allocation of the CPU allocator",
}


def measure(bench, minutes, path):
    """Run all tasks -> the record, finished or not, written after each of them."""
    record, todo, begin = (
        _new_record(bench, minutes),
        tasks(bench),
        time.monotonic(),
    )
    try:
        for number, (title, cells, task) in enumerate(todo, 1):
            print(
                f"[{number}/{len(todo)}] {title}: ",
                end="",
                file=sys.stderr,
                flush=True,
            )
            late = time.monotonic() - begin > 60 * minutes
            if late and cells[0].get("when") != "end":
                cells = [
                    cell | {"status": "skipped", "error": "the time was up"}
                    for cell in cells
                ]
            else:
                cells = _results(bench, cells, task)
            record["cells"] += cells
            add_rates(record["cells"])
            record |= {
                "fits": fits(record["cells"]),
                "seconds": time.monotonic() - begin,
            }
            print("; ".join(map(brief, cells)), file=sys.stderr)
            save(record, path)
            if bench.kind == "cuda":
                torch.cuda.synchronize()  # raises if the device is lost for good
        record["finished"] = True
    except (KeyboardInterrupt, RuntimeError) as error:
        print(f"{error}\n멈췄어요. 여기까지 잰 것을 남겨요.", file=sys.stderr)
    save(record, path)
    return rounded(record)


def _new_record(bench, minutes):
    """A record without cells: what is measured, when, on what, by what."""
    names = ("keeps_memory", "precisions", "libraries", "sections", "grid")
    settings = {name: getattr(bench, name) for name in names}
    settings |= {"minutes": minutes, "threads": torch.get_num_threads()}
    settings["clock"] = CLOCK.get(bench.kind, f"time.{bench.cpu_clock.__name__}")
    return {
        "format": FORMAT,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": False,
        "seconds": 0.0,
        "device": describe_device(bench.device),
        "host": describe_host(),
        "versions": versions(),
        "commit": commit(),
        "settings": settings,
        "memory_method": MEMORY.get(bench.kind),
        "fits": [],
        "cells": [],
    }


def _results(bench, cells, task):
    """The cells of a task with what came of it, its failure included."""
    with warnings.catch_warnings():  # libraries' advice, and why a kernel cannot
        warnings.simplefilter("ignore")
        results = attempt(lambda: task(bench, cells), bench.kind)
    free_memory(bench.kind)
    return (
        [cell | outcome(results) for cell in cells]
        if isinstance(results, Failed)
        else results
    )


def add_rates(cells):
    """Images a second, and MFU: FLOPs over those of this run's fastest matrix
    product."""
    peaks, timed = {}, [cell for cell in cells if "seconds" in cell]
    for cell in timed:
        if cell["section"] == "matmul":
            speed = cell["flops"] / cell["seconds"]["median"]
            peaks[cell["precision"]] = max(speed, peaks.get(cell["precision"], 0))
    for cell in timed:
        if cell["section"] in ("sweep", "model", "share", "patch"):
            speed, peak = (
                cell["flops"] / cell["seconds"]["median"],
                peaks.get(cell["precision"]),
            )
            cell["images_per_second"] = cell["batch"] / cell["seconds"]["median"]
            cell["mfu"] = speed / peak if peak else None


def fits(cells):
    """Exponents of a sequence's time and memory against N: [dict], one a kernel."""
    points = {}
    for cell in cells:
        if cell["section"] == "attention" and cell["status"] == "ok":
            names = {key: cell[key] for key in ("method", "pass", "precision")}
            values = {
                "time": cell["seconds"]["median"],
                "memory": cell["memory_bytes"],
            }
            for quantity, value in values.items():
                if value:
                    key = tuple((names | {"quantity": quantity}).items())
                    points.setdefault(key, {})[cell["tokens"]] = (
                        value / cell["batch"]
                    )
    results = []
    for key, values in points.items():
        if len(values) >= 3:
            exponent, error = fit_exponent(list(values), list(values.values()))
            fit = {"exponent": exponent, "error": error, "tokens": list(values)}
            results.append(dict(key) | fit)
    return results


def brief(cell):
    """A cell's result in a few words: str."""
    names = ("method", "library", "n", "model")
    name = next((str(cell[key]) for key in names if key in cell), "")
    if cell["section"] == "sweep":
        name = f"배치 {cell['batch'] or ''}".strip()
    if cell["status"] != "ok":
        return f"{name} {WORDS[cell['status']]}".strip()
    if "seconds" not in cell:
        return ", ".join(
            f"{item['name']} {item['share']:.0%}" for item in cell["operators"][:3]
        )
    if "images_per_second" in cell:
        return f"{name} {cell['images_per_second']:,.1f}장/초"
    return f"{name} {1e3 * cell['seconds']['median']:.3g} ms".strip()
