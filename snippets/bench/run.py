"""A run of the benchmark: its tasks one by one into a record that is written after each, and told as it goes.

What runs out of memory, fails or comes too late is a recorded result, and Ctrl-C keeps what was measured.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import torch
from bench.device import clocks, commit, describe_host, versions
from bench.records import FORMAT, rounded, save
from bench.sections import tasks
from bench.work import outcome, precision
from lib.cost import MEMORY_METHODS, Failed, attempt, fit_exponent, free_memory

WORDS = {"oom": "메모리 부족", "unsupported": "없음", "error": "오류", "skipped": "건너뜀"}


def measure(bench, settings, minutes, path=None):
    """Run all tasks -> the record, finished or not. Written after every task, so that nothing is lost.

    settings: what the record says of the run beside what `bench` knows: quick, threads, keeps_memory.
    """
    start = time.monotonic()
    record, broken = _new_record(bench, {**settings, "minutes": minutes}), None
    todo = tasks(bench)
    try:
        for number, task in enumerate(todo, 1):
            print(f"[{number}/{len(todo)}] {task.name}: ", end="", file=sys.stderr, flush=True)
            if broken or time.monotonic() - start > 60 * minutes and not task.always:
                cells = [cell | {"status": "skipped", "error": broken or "the time was up"} for cell in task.cells]
            else:
                cells = _cells_of(bench, task)
                broken = lost(bench.kind)
            record["cells"] += cells
            rate(record["cells"], bench.about["datasheet"] or {})
            if cells[0].get("when") == "start" and not broken:
                record["clocks"].append(load_clocks(bench))
            record |= {"seconds": time.monotonic() - start, "fits": fits(record["cells"])}
            if path:
                save(record, path)
            print("; ".join(map(brief, cells)), file=sys.stderr)
        record["finished"] = not broken
        if not broken:
            record["clocks"].append(load_clocks(bench))
    except KeyboardInterrupt:
        print("\n멈췄어요. 여기까지 잰 것을 남겨요.", file=sys.stderr)
    record["seconds"] = time.monotonic() - start
    if path:
        save(record, path)
    return rounded(record)


def _new_record(bench, settings):
    """A record without cells: what is measured, when, on what, by what."""
    clock = {"cuda": "torch.cuda.Event", "mps": "perf_counter after torch.mps.synchronize"}
    settings |= {name: getattr(bench, name) for name in ("precisions", "libraries", "sections", "grid")}
    settings |= {"compile": True, "clock": clock.get(bench.kind, f"time.{bench.cpu_clock.__name__}")}
    return {
        "format": FORMAT,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": False,
        "seconds": 0.0,
        "device": bench.about,
        "host": describe_host(),
        "versions": versions(),
        "commit": commit(),
        "settings": settings,
        "memory_method": MEMORY_METHODS.get(bench.kind),
        "clocks": [clocks(bench.device, "idle")],
        "fits": [],
        "cells": [],
    }


def _cells_of(bench, task):
    """The cells of a task with what came of it, its failure included."""
    cells = attempt(lambda: task.measure(bench, task.cells), bench.kind)
    free_memory(bench.kind)
    return [cell | outcome(cells) for cell in task.cells] if isinstance(cells, Failed) else cells


def lost(kind):
    """Why the device can do no more work, None while it can: after an illegal access CUDA fails whatever is asked."""
    result = attempt(torch.cuda.synchronize) if kind == "cuda" else None
    return result.error if isinstance(result, Failed) else None


def rate(cells, datasheet):
    """Fill in images a second and MFU: the counted FLOPs over those of the fastest matrix product of this run."""
    peaks, measured = {}, [cell for cell in cells if cell["status"] == "ok" and "seconds" in cell]
    for cell in measured:
        how, seconds = cell["precision"], cell["seconds"]["median"]
        if cell["section"] == "matmul":
            peaks[how] = max(cell["flops"] / seconds, peaks.get(how, 0))
    for cell in measured:
        how, seconds = cell["precision"], cell["seconds"]["median"]
        if cell["section"] in ("sweep", "model", "share", "patch"):
            cell["images_per_second"] = cell["batch"] / seconds
            for name, most in (("mfu", peaks), ("mfu_datasheet", datasheet)):
                cell[name] = cell["flops"] / seconds / most[how] if how in most else None


def fits(cells):
    """Exponents of time and memory of one sequence against N, for each way to compute attention: list of dicts."""
    points = {}
    for cell in cells:
        if cell["section"] == "attention" and cell["status"] == "ok":
            for quantity, value in (("time", cell["seconds"]["median"]), ("memory", cell.get("memory_bytes"))):
                if value:
                    key = cell["method"], cell["pass"], cell["precision"], quantity
                    points.setdefault(key, {})[cell["tokens"]] = value / cell["batch"]
    results = []
    for (method, which, how, quantity), values in points.items():
        if len(values) >= 3:
            exponent, error = fit_exponent(list(values), list(values.values()))
            names = {"method": method, "pass": which, "precision": how, "quantity": quantity}
            results.append({**names, "exponent": exponent, "error": error, "tokens": list(values)})
    return results


def load_clocks(bench):
    """Clocks while the device is at work: what they fall to then is what the times were measured at."""
    found = attempt(lambda: _busy_clocks(bench), bench.kind) if bench.kind == "cuda" else None
    return found if isinstance(found, dict) else clocks(bench.device, "load")


def _busy_clocks(bench):
    """clocks() of a GPU that has multiplied matrices for half a second and still does."""
    a = bench.tensor(8192, 8192, how=bench.precisions[0])

    def ask():
        time.sleep(0.5)
        return clocks(bench.device, "load")

    with ThreadPoolExecutor(1) as pool, precision(bench.precisions[0]):
        answer = pool.submit(ask)
        while not answer.done():
            a @ a
            torch.cuda.synchronize()
    return answer.result()


def brief(cell):
    """A cell's result in a few words: str."""
    name = next((str(cell[key]) for key in ("method", "library", "n", "model") if cell.get(key)), "")
    if cell["section"] == "sweep":
        name = f"배치 {cell['batch'] or ''}".strip()
    if cell["status"] != "ok":
        return f"{name} {WORDS[cell['status']]}".strip()
    if "seconds" not in cell:
        return ", ".join(f"{item['name']} {item['share']:.0%}" for item in cell["operators"][:3])
    speed = cell.get("images_per_second")
    words = [name, f"{speed:,.1f}장/초" if speed else f"{1e3 * cell['seconds']['median']:.3g} ms"]
    words += [f"{cell['flops'] / cell['seconds']['median'] / 1e12:.3g} TFLOP/s"] if cell["section"] == "matmul" else []
    words += [f"MFU {cell['mfu']:.0%}"] if cell.get("mfu") else []
    words += [f"어텐션 {cell['time_share']['median']:.1%}"] if "time_share" in cell else []
    return " ".join(words).strip()
