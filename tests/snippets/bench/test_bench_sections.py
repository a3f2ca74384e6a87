import json

import jsonschema
import pytest
import torch
from attention_cost import naive_attention
from bench import device, peers, run, sections, work
from bench.sections import SECTIONS
from benchmarks import SCHEMA, SNIPPETS, faults, made, measured
from vit import vit


def test_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


RECORDS = [path for path in sorted((SNIPPETS / "data" / "benchmarks").glob("*.json")) if path.name != "schema.json"]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_committed_records_keep_to_the_schema(path):
    assert faults(json.loads(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"device": None},
        {"commit": "main"},
        {"extra": 1},
        {"cells": [{"section": "copy", "precision": "float32", "batch": 1, "status": "ok", "error": None}]},
        {"cells": [{"section": "copy", "precision": "float32", "batch": 1, "status": "oom", "error": None}]},
        {"cells": [{"section": "copy", "precision": "int8", "batch": 1, "status": "oom", "error": "x"}]},
    ],
)
def test_schema_refuses_what_is_no_record(change):
    assert faults({**measured(made([])), **change}) != []


def test_the_longest_sequences_come_last_but_for_the_products_that_tell_of_drift():
    one = made(SECTIONS, grid={"pixels": [224, 1024, 1440], "backward_pixels": [224, 1440]})
    told = [
        (cell["section"], cell.get("when") or cell.get("tokens"))
        for _, cells, _ in sections.tasks(one)
        for cell in cells[:1]
    ]
    assert told[-3:] == [("attention", 8101), ("attention", 8101), ("matmul", "end")]
    assert told.index(("attention", 4097)) < told.index(("model", None)) < told.index(("profile", None))


def test_small_run_of_every_section(tmp_path):
    path = tmp_path / "result.json"
    one = made(SECTIONS, libraries=["mundap", "timm"])
    result = measured(one, path)
    assert json.loads(path.read_text()) == json.loads(json.dumps(result)) and result["finished"]
    cells = result["cells"]
    assert {cell["section"] for cell in cells} == {*SECTIONS, "sweep"}
    assert {cell["status"] for cell in cells} == {"ok", "unsupported"}
    assert {cell["method"] for cell in cells if cell["status"] == "unsupported"} <= {"efficient", "cudnn"}
    assert [cell["when"] for cell in cells if cell["section"] == "matmul"] == ["start", "start", "end", "end"]
    for cell in cells:
        if cell["section"] == "attention" and cell["status"] == "ok":
            assert cell["memory_bytes"] > 0
    [timm] = [cell for cell in cells if cell.get("library") == "timm" and cell["mode"] == "inference"]
    assert timm["same_weights"] and timm["difference"] < 1e-5 and timm["times_ours"]["median"] > 0
    assert timm["mfu"] > 0 and len(timm["times_ours"]["samples"]) == len(timm["seconds"]["samples"])
    [naive] = [fit for fit in result["fits"] if (fit["method"], fit["quantity"]) == ("naive", "memory")]
    assert naive["tokens"] == [5, 17, 37] and 1 < naive["exponent"] < 2.1
    assert any(cell["section"] == "profile" and cell["operators"][0]["share"] > 0 for cell in cells)


def test_out_of_memory_is_recorded_and_the_rest_goes_on(monkeypatch):
    def naive(q, k, v):
        if q.shape[2] > 17:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return naive_attention(q, k, v)

    monkeypatch.setattr(sections, "naive_attention", naive)
    cells = measured(made(["attention"], grid={"backward_pixels": []}))["cells"]
    states = {(cell["method"], cell["tokens"]): cell["status"] for cell in cells}
    assert states["naive", 17] == "ok" and states["naive", 37] == "oom" and states["math", 37] == "ok"
    [cell] = [cell for cell in cells if cell["method"] == "naive" and cell["status"] == "oom"]
    assert "out of memory" in cell["error"] and "seconds" not in cell


def test_a_cell_that_fails_is_recorded_with_its_error(monkeypatch):
    monkeypatch.setattr(sections, "_measure_share", lambda *_: 1 / 0)
    result = measured(made(["share", "copy"]))
    [share] = [cell for cell in result["cells"] if cell["section"] == "share"]
    assert (share["status"], share["error"]) == ("error", "ZeroDivisionError: division by zero")
    assert [cell["status"] for cell in result["cells"] if cell["section"] == "copy"] == ["ok"] and result["finished"]


def test_a_library_that_fails_leaves_the_others(monkeypatch):
    real = sections.build

    def build(library, *arguments):
        if library == "timm":
            raise ImportError("no timm")
        return real(library, *arguments)

    monkeypatch.setattr(sections, "build", build)
    one = made(["model"], libraries=["mundap", "timm", "torchvision"], grid={"batches": [1]})
    cells = [cell for cell in measured(one)["cells"] if cell["section"] == "model"]
    states = {(cell["library"], cell["mode"]): cell["status"] for cell in cells}
    assert states["timm", "inference"] == states["timm", "training"] == "error"
    assert states["mundap", "training"] == states["torchvision", "training"] == "ok"


def test_a_compiled_model_is_called_as_any_other():
    one, cell = made(["model"]), {"model": "Ti/16", "mode": "training", "precision": "float32", "batch": 1}
    network = vit("Ti/16")
    work.vit_call(one, cell, torch.compile(network))  # compiles at its first call, and has no len()
    assert network.training and cell["flops"] == work.flops_of("Ti/16", 224, training=True)


def test_ctrl_c_keeps_what_was_measured(monkeypatch, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sections, "_measure_share", stop)
    path = tmp_path / "result.json"
    result = measured(made(["matmul", "share", "copy"]), path)
    assert not result["finished"] and [cell["section"] for cell in result["cells"]] == ["matmul", "matmul", "copy"]
    assert json.loads(path.read_text())["finished"] is False


def test_when_the_time_is_up_the_rest_is_skipped_and_said():
    result = measured(made(["matmul", "copy", "share"]), minutes=1e-9)
    told = [(cell["section"], cell.get("when"), cell["status"]) for cell in result["cells"]]
    assert (
        told
        == [("matmul", "start", "skipped")] * 2
        + [("copy", None, "skipped"), ("share", None, "skipped")]
        + [("matmul", "end", "ok")] * 2
    )
    assert result["finished"]


def test_a_lost_device_ends_the_measuring(monkeypatch, capsys):
    def synchronize():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def results(bench, cells, task):
        return [cell | {"status": "error", "error": "an illegal memory access"} for cell in cells]

    about = device.describe_device(torch.device("cpu")) | {"kind": "cuda"}
    monkeypatch.setattr(run, "describe_device", lambda device: about)
    monkeypatch.setattr(run, "_results", results)
    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    result = measured(made(["matmul", "copy"], "cuda"))
    assert not result["finished"] and [cell["section"] for cell in result["cells"]] == ["matmul", "matmul"]
    assert "illegal memory access was encountered\n멈췄어요." in capsys.readouterr().err


def test_a_few_libraries_at_a_time_take_turns_with_ours(monkeypatch):
    """So that memory holds them, and every ratio is of rounds that took turns."""
    seen, real = [], sections.race

    def race(bench, cells, make, **options):
        seen.append([cell["library"] for cell in cells])
        return real(bench, cells, make, **options)

    monkeypatch.setattr(sections, "ROOM", 1)
    monkeypatch.setattr(sections, "race", race)
    one = made(["model"], libraries=["mundap", "timm", "torchvision"], grid={"batches": [1]})
    cells = [cell for cell in measured(one)["cells"] if cell["section"] == "model" and cell["mode"] == "inference"]
    assert seen[1:3] == [["mundap", "timm"], ["mundap", "torchvision"]]
    assert [cell["library"] for cell in cells] == ["mundap", "timm", "torchvision"]
    assert all("times_ours" in cell for cell in cells[1:])


def test_batch_where_the_device_is_full():
    rates = {1: 100, 2: 190, 4: 350, 8: 500, 16: 545, 32: 550, 64: 549}
    assert sections.pick_batch(rates) == 16
    grown = [sections.saturated(dict(list(rates.items())[:count])) for count in range(1, 8)]
    assert grown == [False, False, False, False, False, False, True]


def test_a_batch_too_large_for_all_side_by_side_is_halved(monkeypatch):
    real = sections.vit_call

    def call(bench, cell, network):
        if cell["batch"] > 1 and cell["library"] == "torchvision":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(bench, cell, network)

    monkeypatch.setattr(sections, "vit_call", call)
    one = made(["model"], libraries=["mundap", "torchvision"], grid={"batches": [2]})
    cells = [cell for cell in measured(one)["cells"] if cell["section"] == "model"]
    assert {(cell["status"], cell["batch"]) for cell in cells} == {("ok", 1)}


def test_progress_is_a_line_a_task(capsys, monkeypatch):
    monkeypatch.setattr(sections, "_product", lambda *_: torch.empty(2**60))
    measured(made(["matmul", "copy"]))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "[1/3] 행렬곱 float32",
        "[2/3] 메모리 복사",
        "[3/3] 행렬곱 float32",
    ]
    assert lines[0].endswith(": 32 메모리 부족; 64 메모리 부족") and lines[1].endswith(" ms")


@pytest.mark.gpu
def test_small_run_on_a_gpu():
    precisions = device.precisions_of(torch.device("cuda", 0))
    small = {"tokens": 4096, "matmul": [256, 512], "copy_bytes": 2**24, "compiled": ["Ti"]}
    one = made(SECTIONS, "cuda", precisions, peers.installed_libraries(), small)
    result = measured(one)
    assert result["finished"] and not [cell for cell in result["cells"] if cell["status"] == "error"]
    ok = {
        (cell["method"], cell["precision"])
        for cell in result["cells"]
        if cell["section"] == "attention" and cell["status"] == "ok"
    }
    assert {("naive", how) for how in precisions if how != "tf32"} <= ok and ("efficient", "float32") in ok
    assert ("flash", "float32") not in ok, "flash takes 16 bits alone"
    if "bf16" in precisions:
        assert ("flash", "bf16") in ok
    assert result["memory_method"] == "torch.cuda.max_memory_allocated"


@pytest.mark.gpu
def test_attention_without_memory_enough_is_recorded_on_a_gpu():
    free, _ = torch.cuda.mem_get_info()
    pixels = next(px for px in range(512, 10**6, 512) if 4 * sections.HEADS * sections.tokens_of(px) ** 2 > free)
    one = made(["attention"], "cuda", ["fp16"], grid={"pixels": [224, pixels], "backward_pixels": []})
    cells = measured(one)["cells"]
    states = {(cell["method"], cell["tokens"]): cell["status"] for cell in cells}
    assert states["naive", 197] == "ok" and states["naive", sections.tokens_of(pixels)] == "oom"
    assert torch.cuda.memory_allocated() < 2**30


@pytest.fixture(autouse=True)
def one_thread():
    """Two workers with two threads each on two cores wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
