"""A run of the benchmark: its tasks one by one into a record that is written after each, and told as it goes.

What runs out of memory, fails or comes too late is a recorded result, and Ctrl-C keeps what was measured.
"""

import math
import sys
import time
from datetime import UTC, datetime

import torch
from bench.device import clocks, commit, describe_device, describe_host, versions
from bench.peers import optional
from bench.records import FORMAT, rounded, save
from bench.sections import tasks
from bench.turns import outcome
from bench.work import context_of
from lib.cost import MEMORY_METHODS, Contender, Failed, attempt, fit_exponent, free_memory, interleave

WORDS = {"oom": "메모리 부족", "unsupported": "없음", "error": "오류", "skipped": "건너뜀"}


def measure(bench, settings, minutes, path=None, progress=None):
    """Run all tasks -> the record, finished or not. Written after every task, so that nothing is lost.

    settings: what the record says of the run beside what `bench` knows: quick, threads, keeps_memory.
    """
    start = time.monotonic()
    record = _new_record(bench, {**settings, "minutes": minutes})
    bench.memory_bytes = record["device"]["memory_bytes"]
    todo, broken = tasks(bench), None
    progress = progress or Progress(len(todo))
    try:
        for task in todo:
            late = time.monotonic() - start > 60 * minutes and not task.always
            if late or broken:
                cells = [cell | {"status": "skipped", "error": broken or "the time was up"} for cell in task.cells]
            else:
                progress.begin(task.name)
                cells = _cells_of(task, bench.kind)
                broken = lost(bench.kind)
            record["cells"] += cells
            rate(record["cells"], record["device"]["datasheet"] or {})
            if cells[0].get("when") == "start" and not broken:
                record["clocks"].append(load_clocks(bench))
            record |= {"seconds": time.monotonic() - start, "fits": fits(record["cells"])}
            if path:
                save(record, path)
            progress.end(task.name, cells)
        record["finished"] = not broken
        if not broken:
            record["clocks"].append(load_clocks(bench))
    except KeyboardInterrupt:
        progress.say("멈췄어요. 여기까지 잰 것을 남겨요.")
    finally:
        progress.close()
    record["seconds"] = time.monotonic() - start
    if path:
        save(record, path)
    return rounded(record)


def _new_record(bench, settings):
    """A record without cells: what is measured, when, on what, by what."""
    clock = {"cuda": "torch.cuda.Event", "mps": "perf_counter after torch.mps.synchronize"}
    settings |= {name: getattr(bench, name) for name in ("precisions", "libraries", "compile", "grid")}
    settings |= {"sections": list(bench.sections), "clock": clock.get(bench.kind, f"time.{bench.cpu_clock.__name__}")}
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
        "memory_method": MEMORY_METHODS.get(bench.kind),
        "clocks": [clocks(bench.kind, "idle")],
        "fits": [],
        "cells": [],
    }


def _cells_of(task, kind):
    """The cells of a task with what came of it, its failure included."""
    cells = attempt(task.measure, kind)
    free_memory(kind)
    return [cell | outcome(cells) for cell in task.cells] if isinstance(cells, Failed) else cells


def lost(kind):
    """Why the device can do no more work, None while it can: after an illegal access CUDA fails whatever is asked."""
    if kind != "cuda":
        return None
    result = attempt(torch.cuda.synchronize, "cpu")
    return result.error if isinstance(result, Failed) else None


def rate(cells, datasheet):
    """Fill in images a second and MFU: the counted FLOPs over those of the fastest matrix product of this run."""
    peaks = {}
    measured = [cell for cell in cells if cell["status"] == "ok"]
    for cell in measured:
        if cell["section"] == "matmul":
            speed = cell["flops"] / cell["seconds"]["median"]
            peaks[cell["precision"]] = max(speed, peaks.get(cell["precision"], 0))
    for cell in measured:
        if cell["section"] in ("sweep", "model", "share", "patch"):
            how, speed = cell["precision"], cell["flops"] / cell["seconds"]["median"]
            cell |= {
                "images_per_second": cell["batch"] / cell["seconds"]["median"],
                "mfu": speed / peaks[how] if how in peaks else None,
                "mfu_datasheet": speed / datasheet[how] if how in datasheet else None,
            }


def fits(cells):
    """Exponents of time and memory of one sequence against N, for each way to compute attention: list of dicts."""
    points = {}
    for cell in cells:
        if cell["section"] == "attention" and cell["status"] == "ok":
            for quantity, value in (("time", cell["seconds"]["median"]), ("memory", cell.get("memory_bytes"))):
                key = cell["method"], cell["pass"], cell["precision"], quantity
                if value:
                    points.setdefault(key, []).append((cell["tokens"], value / cell["batch"]))
    found = []
    for key, pairs in points.items():
        if len(pairs) >= 3:
            tokens, values = map(list, zip(*pairs))
            exponent, error = fit_exponent(tokens, values)
            names = dict(zip(("method", "pass", "precision", "quantity"), key))
            found.append({**names, "exponent": exponent, "error": error, "tokens": tokens})
    return found


def load_clocks(bench):
    """Clocks while the device is at work: what they fall to then is what the times were measured at."""
    if bench.kind != "cuda":
        return clocks(bench.kind, "load")
    found = attempt(lambda: _busy_clocks(bench), bench.kind)
    return clocks(bench.kind, "load") if isinstance(found, Failed) else found


def _busy_clocks(bench):
    """clocks() while a GPU multiplies matrices."""
    how = bench.precisions[0]
    a = bench.tensor(8192, 8192, how=how)
    with context_of(how)():
        once = max(1e-4, interleave([Contender("warm", lambda: a @ a)], "cuda", rounds=3, least=0.2)["warm"][-1])
        for _ in range(math.ceil(1.5 / once)):  # calls return at once: the GPU has work for a second and a half
            a @ a
        time.sleep(0.5)
        found = clocks("cuda", "load")
        torch.cuda.synchronize()
    return found


class Progress:
    """A bar on a terminal, a line for each task elsewhere."""

    def __init__(self, total, stream=sys.stderr):
        self.stream, self.total, self.done, self.bar = stream, total, 0, None
        if stream.isatty():
            try:
                tqdm = optional("tqdm").tqdm
            except ImportError:
                return
            look = "{n_fmt}/{total_fmt} |{bar}| {elapsed}<{remaining} {postfix}"
            self.bar = tqdm(total=total, file=stream, leave=False, bar_format=look)

    def begin(self, name):
        """Tell which task is being measured."""
        if self.bar is not None:
            self.bar.set_postfix_str(name)

    def say(self, text):
        """A line of its own."""
        if self.bar is not None:
            self.bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)

    def end(self, name, cells):
        """Tell what came of a task."""
        self.done += 1
        if self.bar is not None:
            self.bar.update()
        self.say(f"[{self.done}/{self.total}] {name}: {'; '.join(map(brief, cells)) or '결과 없음'}")

    def close(self):
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()


def brief(cell):
    """A cell's result in a few words: str."""
    name = next((str(cell[key]) for key in ("method", "library", "n") if cell.get(key)), "")
    if cell["section"] in ("sweep", "patch"):
        name = f"배치 {cell['batch']}" if cell["section"] == "sweep" else cell["model"]
    if cell["status"] != "ok":
        return f"{name} {WORDS[cell['status']]}".strip()
    if "seconds" not in cell:
        return ", ".join(f"{item['name']} {item['share']:.0%}" for item in cell["operators"][:3])
    seconds = cell["seconds"]["median"]
    text = f"{name} {1e3 * seconds:.3g} ms"
    if cell.get("images_per_second"):
        text = f"{name} {cell['images_per_second']:,.1f}장/초"
    elif cell["section"] == "matmul":
        text += f" {cell['flops'] / seconds / 1e12:.3g} TFLOP/s"
    if cell.get("mfu"):
        text += f" MFU {cell['mfu']:.0%}"
    return text + (f", 어텐션 {cell['time_share']['median']:.1%}" if cell.get("time_share") else "")
