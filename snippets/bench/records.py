"""Records of devices: written, read, joined, compared. Needs the standard library
alone."""

import json
import math
import os
import re
from pathlib import Path

FORMAT = 1  # of a record; data/benchmarks/schema.json describes it
KEY = "section when library model mode pass method compile precision n tokens img_size".split()
PRECISIONS = ("bf16", "fp16", "tf32", "float32")


def rounded(record):
    """A record with six significant digits: it says no more than was measured."""
    text = json.dumps(record, allow_nan=False)
    return json.loads(
        text, parse_float=lambda number: float(f"{float(number):.6g}")
    )


def save(record, path):
    """Write a record, whole or not at all."""
    text = json.dumps(rounded(record), ensure_ascii=False)
    text = re.sub(r'(?<=[\[,]) ?(?=\{"section")', "\n  ", text)  # a cell a line
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text + "\n", encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_record(path):
    """The record in a file. Raises ValueError, which says what is wrong with
    which."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        form = record["format"]
    except json.JSONDecodeError as error:
        place, problem = (
            f"{path}:{error.lineno}:{error.colno}",
            f"JSON으로 읽을 수 없어요({error.msg})",
        )
        raise ValueError(
            f"{place}: {problem}. 고치거나 다시 재어 주세요."
        ) from None
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: UTF-8로 읽을 수 없어요({error.reason}). 다시 재어 주세요."
        ) from None
    except (OSError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{path}: 벤치마크 기록으로 읽을 수 없어요({why})."
        ) from None
    if form != FORMAT:
        raise ValueError(
            f"{path}: 이 기록의 꼴은 {form!r}인데, 읽을 수 있는 것은 {FORMAT}이에요."
        )
    return record


def read_folder(folder):
    """The records of a folder -> [dict], one a device, GPUs first.

    Raises ValueError as read_record() does.
    """
    devices = {}
    paths = [
        path for path in sorted(folder.glob("*.json")) if path.name != "schema.json"
    ]
    for record in sorted(
        map(read_record, paths), key=lambda record: record["when"]
    ):
        device = record["device"]
        kind = ("cuda", "mps", "cpu").index(device["kind"])
        devices.setdefault((kind, device["name"], device["threads"]), []).append(
            record
        )
    return [join(devices[key]) for key in sorted(devices)]


def join(records):
    """Records of one device, in order of time, as one: the later of two cells
    counts."""
    cells, fits, precisions, libraries, pixels = {}, {}, set(), {}, set()
    for record in records:
        for cell in record["cells"]:
            if cell["status"] != "skipped" or key_of(cell) not in cells:
                cells[key_of(cell)] = cell
        for fit in record["fits"]:
            fits[fit["method"], fit["pass"], fit["precision"], fit["quantity"]] = (
                fit
            )
        settings = record["settings"]
        precisions |= set(settings["precisions"])
        libraries |= dict.fromkeys(settings["libraries"])
        pixels |= set(settings["grid"]["pixels"])
    settings = {
        "precisions": sorted(precisions, key=PRECISIONS.index),
        "libraries": list(libraries),
        "grid": {"pixels": sorted(pixels)},
    }
    return records[0] | {
        "settings": records[0]["settings"] | settings,
        "cells": list(cells.values()),
        "fits": list(fits.values()),
        "seconds": sum(record["seconds"] for record in records),
    }


def key_of(cell):
    """What a cell measured, as opposed to what came out: the same on two
    machines."""
    return (
        *map(cell.get, KEY),
        cell["batch"] if cell["section"] == "sweep" else None,
    )


def label(cell):
    """A cell in one line: str."""
    named = {key: cell[key] for key in KEY if cell.get(key)}
    if cell["section"] == "sweep":
        named["batch"] = cell["batch"]
    words = (
        value if isinstance(value, str) else f"{key}={value}"
        for key, value in named.items()
    )
    return " ".join(words)


def log_median(cell):
    """Logarithm of the seconds of one image, sequence or product, and its standard
    error.

    The quartiles tell the error: they forgive a stray round. Infinite below three
    rounds."""
    low, high, samples = (
        cell["seconds"][key] for key in ("low", "high", "samples")
    )
    middle = math.log(cell["seconds"]["median"] / (cell["batch"] or 1))
    if len(samples) < 3:
        return middle, math.inf
    return middle, 1.2533 * math.log(high / low) / 1.349 / math.sqrt(len(samples))


def drift(record):
    """How far the device moved during a run: the largest |log| of its matrix
    products."""
    ends = {"start": {}, "end": {}}
    for cell in record["cells"]:
        if cell["section"] == "matmul" and cell["status"] == "ok":
            ends[cell["when"]][cell["precision"], cell["n"]] = log_median(cell)[0]
    start, end = ends.values()
    return max(
        (abs(end[key] - start[key]) for key in start.keys() & end.keys()),
        default=0.0,
    )


def compare(first, second, threshold=0.03, errors=4.0):
    """What differs beyond noise in the cells of both records, the largest change
    first.

    -> [{what, cell, ratio, noise, states}]. what: "slower", "faster" (the second)
    or "status". A time differs beyond `errors` standard errors AND `threshold` AND
    drift."""
    floor = max(math.log1p(threshold), drift(first), drift(second))
    others, found = {key_of(cell): cell for cell in second["cells"]}, []
    for one in first["cells"]:
        other = others.get(key_of(one), one)
        item = {
            "cell": label(one),
            "ratio": 1.0,
            "states": (one["status"], other["status"]),
        }
        if one["status"] != other["status"]:
            found.append(item | {"what": "status"})
        elif "seconds" in one:
            (before, error), (after, other_error) = (
                log_median(one),
                log_median(other),
            )
            change, bound = (
                after - before,
                max(floor, errors * math.hypot(error, other_error)),
            )
            if abs(change) > bound:
                item |= {"ratio": math.exp(change), "noise": math.expm1(bound)}
                found.append(item | {"what": "slower" if change > 0 else "faster"})
    return sorted(found, key=lambda item: -abs(math.log(item["ratio"])))


def missing(first, second):
    """How many cells only one of two records has: int."""
    ones, others = (set(map(key_of, record["cells"])) for record in (first, second))
    return len(ones ^ others)
