"""A small benchmark for the tests: a grid that takes a moment, and what the schema says of its record."""

import json
import tempfile
from pathlib import Path

import jsonschema
import torch
from bench import run
from bench.work import Bench

SNIPPETS = Path(run.__file__).parents[1]
SCHEMA = json.loads((SNIPPETS / "data" / "benchmarks" / "schema.json").read_text(encoding="utf-8"))
TINY = {
    "pixels": [32, 64, 96],
    "backward_pixels": [32, 64],
    "share_pixels": [32],
    "tokens": 1,
    "matmul": [32, 64],
    "copy_bytes": 2**12,
    "models": ["Ti"],
    "compiled": [],
    "batches": [1, 2],
    "rounds": 3,
    "least": 1e-6,
    "budget": 0.01,
    "standard": "Ti",
}


def faults(record):
    """What the schema says of a record, as JSON reads it: list."""
    validator = jsonschema.Draft7Validator(SCHEMA)
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(json.loads(json.dumps(record)))]


def made(sections, device="cpu", precisions=("float32",), libraries=("mundap",), grid=None):
    """A Bench of these sections and the small grid; grid: what is another there."""
    return Bench(torch.device(device), TINY | (grid or {}), list(precisions), list(libraries), list(sections))


def measured(bench, path=None, minutes=10):
    """The record of a Bench, which keeps to the schema."""
    with tempfile.TemporaryDirectory() as folder:
        record = run.measure(bench, minutes, path or Path(folder) / "record.json")
    assert faults(record) == []
    return record
