"""Records of devices: written whole or not at all, read, joined, compared. Needs the standard library alone."""

import functools
import json
import math
import os
import re
from pathlib import Path

FORMAT = 1  # of a record; data/benchmarks/schema.json describes it
KEY = "section when library model mode pass method compile precision n tokens img_size".split()


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
    """The record that a file holds. Raises ValueError, which names the file and what is wrong with it."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        form = record["format"]
    except json.JSONDecodeError as error:
        place, problem = f"{path}:{error.lineno}:{error.colno}", f"JSON으로 읽을 수 없어요({error.msg})"
        raise ValueError(f"{place}: {problem}. 고치거나 다시 재어 주세요.") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: UTF-8로 읽을 수 없어요({error.reason}). 다시 재어 주세요.") from None
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: 벤치마크 기록으로 읽을 수 없어요({type(error).__name__}: {error}).") from None
    if form != FORMAT:
        raise ValueError(f"{path}: 이 기록의 꼴은 {form!r}인데, 읽을 수 있는 것은 {FORMAT}이에요.")
    return record


def read_folder(folder):
    """The records of a folder -> [dict], one a device, GPUs first. Files of one device are joined.

    Raises ValueError as read_record() does.
    """
    devices = {}
    paths = [path for path in sorted(folder.glob("*.json")) if path.name != "schema.json"]
    for record in sorted(map(read_record, paths), key=lambda record: record["when"]):
        device = record["device"]
        devices.setdefault((device["kind"], device["name"], device["threads"]), []).append(record)
    order = sorted(devices, key=lambda key: (("cuda", "mps", "cpu").index(key[0]), *key[1:]))
    return [join(devices[key]) for key in order]


def join(records):
    """Records of one device, in order of time, as one: a cell that two of them measured is the later one's."""
    cells, fits = {}, {}
    for record in records:
        for cell in record["cells"]:
            if cell["status"] != "skipped" or key_of(cell) not in cells:
                cells[key_of(cell)] = cell
        fits |= {(fit["method"], fit["pass"], fit["precision"], fit["quantity"]): fit for fit in record["fits"]}
    settings = functools.reduce(_united, (record["settings"] for record in records))
    settings["precisions"] = [how for how in ("bf16", "fp16", "tf32", "float32") if how in settings["precisions"]]
    settings["grid"]["pixels"] = sorted(settings["grid"]["pixels"])
    seconds = sum(record["seconds"] for record in records)
    merged = {"settings": settings, "cells": list(cells.values()), "fits": list(fits.values()), "seconds": seconds}
    return {**records[0], **merged}


def _united(first, second):
    """Settings of two records as one: what either list holds, else the first's."""
    if isinstance(first, dict):
        return {key: _united(value, second.get(key, value)) for key, value in first.items()}
    return list(dict.fromkeys([*first, *second])) if isinstance(first, list) else first


def key_of(cell):
    """What a cell measured, as opposed to what came out: the same in two records of two machines."""
    return (*map(cell.get, KEY), cell.get("batch") if cell["section"] == "sweep" else None)


def label(cell):
    """A cell in one line: str."""
    words = [cell["section"], *map(cell.get, ("library", "model", "mode", "method", "pass", "precision"))]
    words += ["compile"] if cell.get("compile") else []
    words += [f"{name}={cell[key]}" for name, key in (("N", "tokens"), ("n", "n")) if cell.get(key)]
    words += [f"batch={cell['batch']}"] if cell["section"] == "sweep" else []
    words += [f"({cell['when']})"] if cell.get("when") else []
    return " ".join(word for word in words if word)


def log_median(cell):
    """Logarithm of the seconds of one image, sequence or product, and its standard error: (float, float).

    The error is told by the quartiles: they forgive a stray round. It is infinite below three rounds.
    """
    seconds = cell["seconds"]
    count = len(seconds["samples"])
    error = 1.2533 * math.log(seconds["high"] / seconds["low"]) / 1.349 / math.sqrt(count) if count > 2 else math.inf
    return math.log(seconds["median"] / (cell.get("batch") or 1)), error


def drift(record):
    """How far the device itself moved from the start of a run to its end: the largest |log| of its matrix products."""
    cells = {key_of(cell): cell for cell in record["cells"] if cell["section"] == "matmul" and cell["status"] == "ok"}
    pairs = [(cell, cells.get(key_of(cell | {"when": "end"}))) for cell in cells.values() if cell["when"] == "start"]
    return max((abs(log_median(end)[0] - log_median(start)[0]) for start, end in pairs if end), default=0.0)


def compare(first, second, threshold=0.03, errors=4.0):
    """What differs between two records beyond noise: [{cell, what, ratio, noise, states}], the largest change first.

    what: "slower" or "faster" (the second against the first), "status" where one of them was not measured, "missing"
    where only one has the cell. A time differs where the logarithm of the ratio is beyond `errors` standard errors of
    both medians AND beyond `threshold` AND beyond what each device drifted during its own run.
    """
    floor = max(math.log1p(threshold), drift(first), drift(second))
    ones, others = ({key_of(cell): cell for cell in record["cells"]} for record in (first, second))
    pairs = [(ones.get(key), others.get(key)) for key in ones | others]
    differences = [item for pair in pairs if (item := _difference(*pair, floor, errors))]
    order = {"slower": 0, "faster": 0, "status": 1, "missing": 2}
    return sorted(differences, key=lambda item: (order[item["what"]], -abs(math.log(item["ratio"] or 1))))


def _difference(one, other, floor, errors):
    """What compare() says of a cell of both records, None where there is nothing to say."""
    states = [cell["status"] if cell else None for cell in (one, other)]
    item = {"cell": label(one or other), "ratio": None, "noise": None, "states": states}
    if states[0] != states[1]:
        return item | {"what": "missing" if None in states else "status"}
    if states[0] != "ok" or "seconds" not in one:
        return None
    (before, one_error), (after, other_error) = log_median(one), log_median(other)
    change, bound = after - before, max(floor, errors * math.hypot(one_error, other_error))
    if abs(change) <= bound:
        return None
    what = "slower" if change > 0 else "faster"
    return item | {"what": what, "ratio": math.exp(change), "noise": math.expm1(bound)}
