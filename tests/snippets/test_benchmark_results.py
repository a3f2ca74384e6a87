"""The lesson over records that are not there yet: a made-up GPU, whole and in part."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import benchmark_results as results
import pytest
from bench.drawing import lines_of

SNIPPETS = Path(results.__file__).parent
RUN = """\
import json, runpy
import lib.figure, lib.paths
shown = []
lib.figure.show = lambda figure, name, alt: shown.append((name, alt))
lib.figure.table = lambda name, caption, header, rows: shown.append((name, [header, *rows]))
evidence = runpy.run_path("benchmark_results.py", run_name="__main__")["evidence"]
print(json.dumps([evidence, shown]))
"""


def as_gpu(record):
    """A CPU's record turned into a GPU's: a thousand times as fast, cuDNN beside flash, no room for the longest map."""
    record["device"] |= {"kind": "cuda", "name": "NVIDIA H200"}
    cells = [cell for cell in record["cells"] if cell.get("method") != "cudnn"]
    for cell in cells:
        if "seconds" in cell:
            cell["seconds"] = in_less_time(cell["seconds"], 1000)
        if cell["section"] == "model" and cell["model"] == "L/16":
            cell |= {"compile": True, "mfu": 0.7 if cell["mode"] == "inference" else 0.4}
        if cell.get("method") == "naive" and cell["tokens"] == 4097:
            cell["status"] = "oom"
            del cell["seconds"], cell["memory_bytes"]
    cells += [
        {**cell, "method": "cudnn", "seconds": in_less_time(cell["seconds"], 2)}
        for cell in cells
        if cell.get("method") == "flash" and "seconds" in cell
    ]
    fits = [*record["fits"], *({**fit, "method": "cudnn"} for fit in record["fits"] if fit["method"] == "flash")]
    return record | {"cells": cells, "fits": fits}


def in_less_time(seconds, times):
    return {
        key: [each / times for each in value] if isinstance(value, list) else value / times
        for key, value in seconds.items()
    }


@pytest.fixture
def copy(tmp_path):
    """A copy of the snippets, to put records into."""
    shutil.copytree(SNIPPETS, tmp_path / "snippets", ignore=shutil.ignore_patterns("__pycache__", "*.pt"))
    return tmp_path / "snippets"


def told(folder):
    """What the lesson leaves and shows in a copy: its evidence, {name: sentence or table}."""
    done = subprocess.run([sys.executable, "-c", RUN], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    evidence, shown = json.loads(done.stdout.splitlines()[-1])
    return evidence, dict(shown)


def put(folder, record):
    (folder / "data/benchmarks/gpu.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.fixture
def gpu():
    return as_gpu(json.loads((SNIPPETS / "data/benchmarks/amd-epyc.json").read_text(encoding="utf-8")))


def test_a_whole_record_of_a_gpu_leads(copy, gpu):
    put(copy, gpu)
    evidence, shown = told(copy)
    assert evidence["device"] == "NVIDIA H200" and evidence["cpu_device"].startswith("AMD EPYC")
    assert (evidence["gpu_words"], evidence["gpu_about"]) == ("1대", "NVIDIA H200, MFU 70%")
    assert evidence["longest"] == 2305, "the longest that the plain formula had room for"
    assert shown.keys() >= {"ratios_inference", "ratios_training", "ratios_inference_2", "ratios_training_2"}
    assert "NVIDIA H200" in shown["ratios_inference"] and "AMD EPYC" in shown["ratios_inference_2"]
    goals = {row[0]: row[2] for row in shown["verdicts"] if "MFU" in row[0]}
    assert [(name.split(":")[0], verdict) for name, verdict in goals.items()] == [
        ("NVIDIA H200", "맞음"),
        ("NVIDIA H200", "틀림"),
    ]
    header, first, *_ = shown["attention"]
    assert first[:3] == ["NVIDIA H200", "bf16", "197"] and "cuDNN ms" in header
    [longest] = [row for row in shown["attention"] if row[:3] == ["NVIDIA H200", "bf16", "4,097"]]
    assert longest[header.index("식 그대로 ms")] == "메모리 부족"
    assert {row[0].split(", ")[1] for row in shown["attention_ends"][1:]} == {"식 그대로", "cuDNN"}


def test_a_record_of_a_part_stands_in_tables_alone(copy, gpu):
    put(copy, gpu | {"cells": [cell for cell in gpu["cells"] if cell["section"] in ("matmul", "copy")]})
    evidence, shown = told(copy)
    assert evidence["device"].startswith("AMD EPYC") and evidence["gpu_words"] == "1대"
    assert [row[0] for row in shown["devices"][1:]] == [evidence["device"], "NVIDIA H200"]
    assert {row[2] for row in shown["verdicts"] if "MFU" in row[0]} == {"미확인"}
    assert "ratios_inference_2" not in shown


def test_without_a_gpu_the_page_invites_one(copy):
    evidence, shown = told(copy)
    assert (evidence["gpu_records"], evidence["gpu_words"]) == (0, "아직 없어요")
    assert {row[2] for row in shown["verdicts"] if row[0].startswith("GPU")} == {"미확인"}


def test_a_compiled_model_is_named_where_its_own_row_does_not_stand_above():
    def race(model, compiled):
        return {"model": model, "precision": "bf16", "compile": compiled}

    lines = lines_of([race("L/16", True), race("S/16", True), race("S/16", False)])
    assert [label for _, label, _ in lines] == ["bf16", "S/16", "compile", "L/16 compile"]
