import json
import math
import random
import re

import pytest
from bench import records
from lib.cost import spread


def test_save_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "result.json"
    records.save({"cells": [{"section": "copy", "x": 1 / 3}, {"section": "copy"}], "n": 3}, path)
    assert json.loads(path.read_text()) == {"cells": [{"section": "copy", "x": 0.333333}, {"section": "copy"}], "n": 3}
    assert len(path.read_text().splitlines()) == 3
    with pytest.raises(ValueError):
        records.save({"x": math.nan}, path)
    assert json.loads(path.read_text())["n"] == 3 and list(path.parent.iterdir()) == [path]


def test_records_lead_with_gpus_and_leave_the_schema_out(tmp_path):
    (tmp_path / "records").mkdir()
    for name, kind in (("a", "cpu"), ("b", "cuda"), ("c", "mps"), ("d", "cuda")):
        content = {
            "format": records.FORMAT,
            "device": {"kind": kind, "name": name, "threads": 1},
            "when": "",
            "cells": [],
            "fits": [],
            "seconds": 1,
            "settings": {"precisions": ["bf16"], "libraries": [], "grid": {"pixels": [224], "batches": [1]}},
        }
        (tmp_path / "records" / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "records" / "schema.json").write_text('{"type": "object"}')
    assert [record["device"]["name"] for record in records.read_folder(tmp_path / "records")] == ["b", "d", "c", "a"]


@pytest.mark.parametrize("content, place", [(b'{"cells": [],\n "when" 1}', ":2:9: JSON"), (b"\xff{}", ": UTF-8")])
def test_a_broken_record_is_named(tmp_path, content, place):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "mine.json").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"mine.json{place}") + ".*다시 재어 주세요"):
        records.read_folder(tmp_path / "records")


def timed(median, noise=0.01, count=7, seed=0, **fields):
    """A cell whose rounds scatter around a median by that share."""
    generator = random.Random(seed)
    samples = [median * math.exp(generator.gauss(0, noise)) for _ in range(count)]
    return {
        "section": "model",
        "library": "mundap",
        "model": "B/16",
        "status": "ok",
        "batch": 8,
        "seconds": spread(samples),
        **fields,
    }


def record(*cells, end=1.0):
    products = [
        {
            "section": "matmul",
            "when": when,
            "precision": "bf16",
            "n": 64,
            "batch": 1,
            "status": "ok",
            "seconds": spread([value] * 3),
        }
        for when, value in (("start", 1.0), ("end", end))
    ]
    return {"cells": [*products, *cells]}


def test_the_same_record_differs_nowhere():
    assert records.compare(record(timed(1)), record(timed(1))) == []


@pytest.mark.parametrize("change, expected", [(1.2, ["slower"]), (0.8, ["faster"]), (1.01, []), (0.99, [])])
def test_what_is_beyond_noise_is_told(change, expected):
    found = records.compare(record(timed(1, seed=1)), record(timed(change, seed=2)))
    assert [item["what"] for item in found] == expected
    if found:
        assert found[0]["ratio"] == pytest.approx(change, rel=0.03) and "B/16" in found[0]["cell"]


def test_a_noisy_cell_needs_a_larger_change():
    assert records.compare(record(timed(1, noise=0.15, seed=1)), record(timed(1.2, noise=0.15, seed=2))) == []
    assert records.compare(record(timed(1, noise=0.15, seed=1)), record(timed(3, noise=0.15, seed=2)))


def test_a_device_that_drifted_is_believed_less():
    first, second = record(timed(1), end=1.15), record(timed(1.1))
    assert records.drift(first) == pytest.approx(math.log(1.15)) and records.drift(second) == 0
    assert not [item for item in records.compare(first, second) if "model" in item["cell"]]


def test_false_alarms_are_rare():
    """Two runs of the same thing, ten thousand cells whose rounds scatter by 5 %."""
    cells = [
        [timed(1, noise=0.05, seed=2 * number + side, model=f"B/{number}") for number in range(5000)]
        for side in range(2)
    ]
    assert len(records.compare(record(*cells[0]), record(*cells[1]))) < 0.02 * 5000


def test_a_batch_of_another_size_is_compared_by_image():
    assert records.compare(record(timed(1, noise=0, batch=8)), record(timed(2, noise=0, batch=16))) == []
    sweeps = [timed(1, section="sweep", batch=batch) for batch in (8, 16)]
    assert records.missing(record(sweeps[0]), record(sweeps[1])) == 2


def test_statuses_and_missing_cells_are_told():
    lost = {**timed(1), "status": "oom"}
    del lost["seconds"]
    found = records.compare(record(timed(1), timed(1, model="L/16")), record(lost))
    assert [(item["what"], item["states"]) for item in found] == [("status", ("ok", "oom"))]
    assert records.missing(record(timed(1), timed(1, model="L/16")), record(lost)) == 1


def test_files_of_one_device_are_one_record():
    def part(when, cells, pixels, precisions):
        return {
            "when": when,
            "device": {"kind": "cuda"},
            "seconds": 10.0,
            "fits": [],
            "cells": cells,
            "settings": {"precisions": precisions, "libraries": ["mundap"], "grid": {"pixels": pixels, "batches": [1]}},
        }

    skipped = {**timed(1, model="L/16"), "status": "skipped"}
    found = records.join(
        [
            part("1", [timed(1), timed(2, model="L/16")], [224], ["float32"]),
            part("2", [timed(3), timed(4, model="S/16"), skipped], [224, 512], ["bf16", "float32"]),
        ]
    )
    assert {cell["model"]: cell["seconds"]["median"] for cell in found["cells"]} == pytest.approx(
        {"B/16": 3, "L/16": 2, "S/16": 4}, rel=0.02
    )
    assert found["settings"]["precisions"] == ["bf16", "float32"] and found["settings"]["grid"]["pixels"] == [224, 512]
    assert found["seconds"] == 20
