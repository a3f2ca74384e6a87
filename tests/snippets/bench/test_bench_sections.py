import io
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import torch
import torch.nn.functional as F
from attention_cost import naive_attention
from bench import peers
from bench import run as bench
from bench.work import Traffic
from lib.cost import spread
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode
from vit import vit

SNIPPETS = Path(bench.__file__).parents[1]
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


@pytest.fixture(autouse=True)
def one_thread():
    """Two workers with two threads each on two cores wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def faults(record):
    """What the schema says of a record, as JSON reads it: list."""
    validator = jsonschema.Draft7Validator(SCHEMA)
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(json.loads(json.dumps(record)))]


def made(sections, device="cpu", precisions=("float32",), libraries=("mundap",), grid=None):
    return bench.Bench(
        torch.device(device), {**TINY, **(grid or {})}, list(precisions), list(libraries), False, tuple(sections)
    )


def settings_of(one):
    return {
        "quick": True,
        "threads": torch.get_num_threads(),
        "precisions": one.precisions,
        "compile": one.compile,
        "libraries": one.libraries,
        "sections": list(one.sections),
        "keeps_memory": False,
        "clock": "time.process_time",
    }


def measured(one, path=None, minutes=10):
    progress = bench.Progress(0, io.StringIO())
    result = bench.measure(one, settings_of(one), minutes, path, progress)
    assert faults(result) == []
    return result


# ---------------------------------------------------------------- the record


def test_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", sorted((SNIPPETS / "data" / "benchmarks").glob("*.json")), ids=lambda path: path.stem)
def test_committed_records_keep_to_the_schema(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    if path.name != "schema.json":
        assert faults(content) == []


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
    one = made([])
    good = bench.measure(one, settings_of(one), 1, None, bench.Progress(0, io.StringIO()))
    assert faults(good) == [] and faults({**good, **change}) != []


def test_the_longest_sequences_come_last_but_for_the_products_that_tell_of_drift():
    one = made(bench.SECTIONS, grid={"pixels": [224, 1024, 1440], "backward_pixels": [224, 1440]})
    told = [
        (cell["section"], cell.get("when") or cell.get("tokens")) for task in one.tasks() for cell in task.cells[:1]
    ]
    assert told[-3:] == [("attention", 8101), ("attention", 8101), ("matmul", "end")]
    assert told.index(("attention", 4097)) < told.index(("model", None)) < told.index(("profile", None))


def test_small_run_of_every_section(tmp_path):
    path = tmp_path / "result.json"
    one = made(bench.SECTIONS, libraries=["mundap", "timm"])
    result = measured(one, path)
    assert json.loads(path.read_text()) == json.loads(json.dumps(result)) and result["finished"]
    cells = result["cells"]
    assert {cell["section"] for cell in cells} == {*bench.SECTIONS, "sweep"}
    assert {cell["status"] for cell in cells} == {"ok", "unsupported"}
    assert {cell["method"] for cell in cells if cell["status"] == "unsupported"} <= {"efficient", "cudnn"}
    assert [cell["when"] for cell in cells if cell["section"] == "matmul"] == ["start", "start", "end", "end"]
    for cell in cells:
        if cell["section"] == "attention" and cell["status"] == "ok":
            assert cell["difference"] < 1e-5 and cell["memory_bytes"] > 0
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

    monkeypatch.setattr(bench, "naive_attention", naive)
    cells = measured(made(["attention"], grid={"backward_pixels": []}))["cells"]
    states = {(cell["method"], cell["tokens"]): cell["status"] for cell in cells}
    assert states["naive", 17] == "ok" and states["naive", 37] == "oom" and states["math", 37] == "ok"
    [cell] = [cell for cell in cells if cell["method"] == "naive" and cell["status"] == "oom"]
    assert "out of memory" in cell["error"] and "seconds" not in cell


def test_a_cell_that_fails_is_recorded_with_its_error(monkeypatch):
    monkeypatch.setattr(bench.Bench, "measure_share", lambda *_: 1 / 0)
    result = measured(made(["share", "copy"]))
    [share] = [cell for cell in result["cells"] if cell["section"] == "share"]
    assert (share["status"], share["error"]) == ("error", "ZeroDivisionError: division by zero")
    assert [cell["status"] for cell in result["cells"] if cell["section"] == "copy"] == ["ok"] and result["finished"]


def test_a_library_that_fails_leaves_the_others(monkeypatch):
    real = bench.build

    def build(library, *arguments):
        if library == "timm":
            raise ImportError("no timm")
        return real(library, *arguments)

    monkeypatch.setattr(bench, "build", build)
    one = made(["model"], libraries=["mundap", "timm", "torchvision"], grid={"batches": [1]})
    cells = [cell for cell in measured(one)["cells"] if cell["section"] == "model"]
    states = {(cell["library"], cell["mode"]): cell["status"] for cell in cells}
    assert states["timm", "inference"] == states["timm", "training"] == "error"
    assert states["mundap", "training"] == states["torchvision", "training"] == "ok"


def test_ctrl_c_keeps_what_was_measured(monkeypatch, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.Bench, "measure_share", stop)
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


def test_a_lost_device_ends_the_measuring(monkeypatch):
    monkeypatch.setattr(bench, "lost", lambda kind: "AcceleratorError: an illegal memory access was encountered")
    result = measured(made(["matmul", "copy"]))
    assert not result["finished"]
    assert [cell["status"] for cell in result["cells"]] == ["ok", "ok", "skipped", "skipped", "skipped"]


def test_models_too_large_to_stand_side_by_side_take_turns_with_ours(monkeypatch):
    """In chunks, ours in each, so that every ratio is of rounds that took turns."""
    seen, real = [], bench.Bench.time
    monkeypatch.setattr(bench, "resident", lambda *_: 2)
    monkeypatch.setattr(
        bench.Bench,
        "time",
        lambda self, runs, **options: (seen.append([run.name for run in runs]), real(self, runs, **options))[1],
    )
    one = made(["model"], libraries=["mundap", "timm", "torchvision"], grid={"batches": [1]})
    cells = [cell for cell in measured(one)["cells"] if cell["section"] == "model" and cell["mode"] == "inference"]
    assert [names for names in seen if "timm" in names or "torchvision" in names][:2] == [
        ["mundap", "timm"],
        ["mundap", "torchvision"],
    ]
    assert [cell["library"] for cell in cells] == ["mundap", "timm", "torchvision"]
    assert all("times_ours" in cell for cell in cells[1:])


def test_a_batch_too_large_for_all_side_by_side_is_halved(monkeypatch):
    real = bench.make_step

    def step(model, mode, images, *rest):
        if len(images) > 1 and type(model).__module__.startswith("torchvision"):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(model, mode, images, *rest)

    monkeypatch.setattr(bench, "make_step", step)
    one = made(["model"], libraries=["mundap", "torchvision"], grid={"batches": [2]})
    cells = [cell for cell in measured(one)["cells"] if cell["section"] == "model"]
    assert {(cell["status"], cell["batch"]) for cell in cells} == {("ok", 1)}


# ---------------------------------------------------------------- the grid


@pytest.mark.parametrize(
    "kind, memory",
    [
        ("cuda", 8e9),
        ("cuda", 16e9),
        ("cuda", 24e9),
        ("cuda", 80e9),
        ("cuda", 150e9),
        ("mps", 12e9),
        ("mps", None),
        ("cpu", 4e9),
        ("cpu", 25e9),
        ("cpu", 512e9),
    ],
)
@pytest.mark.parametrize("quick", [False, True])
def test_grid_fits_the_memory(kind, memory, quick):
    grid = bench.choose_grid(kind, memory, quick)
    assert grid["models"] and set(grid["compiled"]) <= set(grid["models"]) <= set(peers.SIZES)
    for size in grid["models"]:
        assert 16 * bench.PARAMETERS[size] * bench.resident(size, memory) < (memory or 8e9)
    largest = max(grid["matmul"])
    assert 3 * 4 * largest**2 < (memory or 8e9) and 2 * grid["copy_bytes"] < (memory or 8e9)
    if not quick:
        assert bench.tokens_of(max(grid["pixels"])) >= 16385 and min(grid["pixels"]) == 224
    assert json.dumps(grid)


def test_more_memory_measures_more():
    small, large = (bench.choose_grid("cuda", memory) for memory in (8e9, 150e9))
    assert "L" not in small["models"] and large["models"][0] == "L"
    assert len(small["pixels"]) < len(large["pixels"]) and small["tokens"] < large["tokens"]
    assert set(bench.choose_grid("cuda", 8e9, quick=True)["pixels"]) < set(small["pixels"])


def test_precisions_are_those_of_the_device(monkeypatch):
    assert bench.precisions_of("cuda", (9, 0)) == ["bf16", "tf32", "float32"]
    assert bench.precisions_of("cuda", (7, 5)) == ["fp16", "float32"], "a T4 has neither bf16 nor TF32"
    monkeypatch.setattr(bench, "cpu_has", lambda name: name == "amx_bf16")
    assert bench.precisions_of("cpu") == ["bf16", "float32"]
    monkeypatch.setattr(bench, "cpu_has", lambda name: False)
    assert bench.precisions_of("cpu") == ["float32"]


def test_batch_where_the_device_is_full():
    rates = {1: 100, 2: 190, 4: 350, 8: 500, 16: 545, 32: 550, 64: 549}
    assert bench.pick_batch(rates) == 16
    grown = [bench.saturated(dict(list(rates.items())[:count])) for count in range(1, 8)]
    assert grown == [False, False, False, False, False, False, True]


# ---------------------------------------------------------------- counting


@pytest.mark.parametrize("backward", [False, True])
def test_attention_flops_are_those_that_are_counted(backward):
    q, k, v = torch.empty(3, 2, bench.HEADS, 37, bench.HEAD_DIM, device="meta").requires_grad_(backward)
    with FlopCounterMode(display=False) as counter:
        out = naive_attention(q, k, v)
        if backward:
            out.sum().backward()
    assert counter.get_total_flops() == bench.attention_flops(2, 37, backward)


def test_attention_bytes_are_those_that_are_counted():
    N = 37
    with FakeTensorMode(), torch.inference_mode():
        q, k, v = torch.empty(3, 2, bench.HEADS, N, bench.HEAD_DIM, dtype=torch.bfloat16).unbind(0)
        with Traffic() as naive:
            naive_attention(q, k, v)
        with Traffic() as fused:
            F.scaled_dot_product_attention(q, k, v)
    assert naive.bytes == bench.attention_bytes(2, N, torch.bfloat16, fused=False)
    extra = 2 * bench.HEADS * N * 4  # the kernel also gives the logarithm of each row's sum, in float32
    assert fused.bytes - bench.attention_bytes(2, N, torch.bfloat16, fused=True) in (0, extra)


def test_training_is_three_times_inference_but_for_the_gradient_of_the_image():
    forward = bench.flops_of("Ti/16", 64, "inference")
    embedding = 2 * 16 * 192 * 768  # 16 patches of 768 numbers each
    assert bench.flops_of("Ti/16", 64, "training") == 3 * forward - embedding


def test_bytes_of_a_model_hold_its_weights_once_and_grow_with_the_batch():
    weights = sum(value.numel() for value in vit("Ti/16").parameters())
    one, two, nine = (bench.bytes_of("Ti/16", 224, batch, torch.float32) for batch in (1, 2, 9))
    assert one > 4 * weights and nine - one == pytest.approx(8 * (two - one), rel=0.01)
    half = bench.bytes_of("Ti/16", 224, 1, torch.bfloat16)
    assert 0.45 < half / one < 0.7  # positions are interpolated in float32


def test_precision_is_set_and_put_back():
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with bench.precision("tf32"):
        assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32
        with bench.precision("float32"):
            assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before


# ---------------------------------------------------------------- peers


@pytest.mark.parametrize("library", ["timm", "transformers", "torchvision"])
def test_peers_compute_the_same_function_with_our_weights(library):
    torch.manual_seed(0)
    ours = vit("Ti/16").eval()
    for value in ours.parameters():  # no zeros and ones, that any order of biases and norms would forgive
        torch.nn.init.normal_(value, std=0.05)
    model, same = peers.build(library, "Ti/16", ours.state_dict())
    image = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        expected, found = ours(image), model.eval()(image)
    assert same and (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_vit_pytorch_is_another_network_of_the_same_size():
    model, same = peers.build("vit-pytorch", "Ti/16", vit("Ti/16").state_dict())
    count = sum(value.numel() for value in model.parameters())
    assert not same and count == pytest.approx(bench.PARAMETERS["Ti"], rel=0.02)


def test_parameter_names_of_older_transformers():
    state = {name: torch.empty(value.shape, device="meta") for name, value in vit("Ti/16").state_dict().items()}
    found = peers.to_transformers(state, ["vit.encoder.layer.0.attention.attention.query.weight"])
    assert found["vit.encoder.layer.11.attention.attention.value.bias"].shape == (192,)
    assert found["vit.encoder.layer.3.intermediate.dense.weight"].shape == (768, 192)
    assert found["vit.encoder.layer.3.output.dense.weight"].shape == (192, 768)
    assert found["vit.encoder.layer.3.attention.output.dense.weight"].shape == (192, 192)
    assert len(found) == len(state) + 12 * 4  # query, key and value apart, weight and bias


def test_parameters_are_counted_right():
    for size, about in bench.PARAMETERS.items():
        with torch.device("meta"):
            count = sum(value.numel() for value in vit(f"{size}/16").parameters())
        assert count == pytest.approx(about, rel=0.01)


def test_what_is_not_installed_is_not_measured(monkeypatch):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    assert peers.installed_libraries() == ["mundap"]


# ---------------------------------------------------------------- progress and the command line


def test_progress_without_a_terminal_is_a_line_a_task():
    stream = io.StringIO()
    progress = bench.Progress(2, stream)
    progress.begin("첫 일")
    progress.end("첫 일", [{"section": "matmul", "n": 64, "status": "oom", "error": "x"}])
    progress.end("둘째 일", [])
    progress.close()
    assert stream.getvalue() == "[1/2] 첫 일: 64 메모리 부족\n[2/2] 둘째 일: 결과 없음\n"


def test_progress_on_a_terminal_is_a_bar(monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: True
    progress = bench.Progress(1, stream)
    assert progress.bar is not None
    progress.begin("첫 일")
    progress.end("첫 일", [])
    progress.close()
    assert "첫 일: 결과 없음" in stream.getvalue()


def script(*arguments, folder):
    environment = {**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, SNIPPETS / "gpu_benchmark.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
    )


def test_one_command(tmp_path):
    done = script("--device", "cpu", "--quick", "--sections", "copy", "--out", "deep/result.json", folder=tmp_path)
    assert done.returncode == 0 and "[1/1] 메모리 복사" in done.stderr, done.stderr
    record = json.loads((tmp_path / "deep" / "result.json").read_text())
    assert faults(record) == [] and record["finished"]
    again = script("--device", "cpu", "--out", "deep/result.json", folder=tmp_path)
    assert again.returncode == 2 and "이미 있는 파일" in again.stderr
    same = script("--compare", "deep/result.json", "deep/result.json", folder=tmp_path)
    assert same.returncode == 0 and "느려짐 0, 빨라짐 0" in same.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--device", "cuda:99"], "장치"),
        (["--device", "toaster"], "장치"),
        (["--sections", "matmul,all"], "all"),
        (["--minutes", "0"], "0보다"),
        (["--models", "XXL"], "XXL"),
        (["--compare", "none.json", "none.json"], "읽을 수 없어요"),
    ],
)
def test_wrong_arguments_end_with_two(arguments, words, capsys):
    try:
        status = bench.main(arguments)
    except SystemExit as ended:
        status = ended.code
    assert status == 2 and words in capsys.readouterr().err


def test_exit_status_of_a_comparison(tmp_path, capsys):
    one = made(["matmul"])
    result = measured(one)
    for cell in result["cells"]:  # a device that does not move
        cell["seconds"] = spread([1e-3, 1.01e-3, 0.99e-3, 1e-3])
    slower = json.loads(json.dumps(result))
    for cell in slower["cells"]:
        cell["seconds"] = {
            key: [2 * x for x in value] if key == "samples" else 2 * value for key, value in cell["seconds"].items()
        }
    paths = [tmp_path / name for name in ("a.json", "b.json", "broken.json")]
    for path, content in zip(paths, (json.dumps(result), json.dumps(slower), "{")):
        path.write_text(content)
    pairs = [(paths[one], paths[other]) for one, other in ((0, 0), (0, 1), (1, 0), (0, 2))]
    assert [bench.main(["--compare", str(one), str(other)]) for one, other in pairs] == [0, 1, 0, 2]
    assert "2.000배 시간" in capsys.readouterr().out


def test_device_is_the_fastest_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert bench.pick_device("auto").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert bench.pick_device("auto").type == "cpu"
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    assert bench.pick_device("auto").type == "cuda" and bench.pick_device("cuda:1").index == 1
    assert [device.index for device in chosen] == [0, 1], "set_device takes no device without a number"


# ---------------------------------------------------------------- a real GPU


@pytest.mark.gpu
def test_small_run_on_a_gpu():
    precisions = bench.precisions_of("cuda", torch.cuda.get_device_capability())
    grid = {"tokens": 4096, "matmul": [256, 512], "copy_bytes": 2**24, "compiled": ["Ti"]}
    one = made(bench.SECTIONS, "cuda", precisions, peers.installed_libraries(), grid)
    one.compile = True
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
    load = next(clock for clock in result["clocks"] if clock["when"] == "load")
    assert load["sm_mhz"] is None or load["sm_mhz"] > 0
    assert result["memory_method"] == "torch.cuda.max_memory_allocated"


@pytest.mark.gpu
def test_attention_without_memory_enough_is_recorded_on_a_gpu():
    free, _ = torch.cuda.mem_get_info()
    pixels = next(px for px in range(512, 10**6, 512) if 4 * bench.HEADS * bench.tokens_of(px) ** 2 > free)
    one = made(["attention"], "cuda", ["fp16"], grid={"pixels": [224, pixels], "backward_pixels": []})
    cells = measured(one)["cells"]
    states = {(cell["method"], cell["tokens"]): cell["status"] for cell in cells}
    assert states["naive", 197] == "ok" and states["naive", bench.tokens_of(pixels)] == "oom"
    assert torch.cuda.memory_allocated() < 2**30
