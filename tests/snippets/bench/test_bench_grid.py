import json

import pytest
import torch
from bench import grid
from vit import SIZES, vit


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
    chosen = grid.choose_grid(kind, memory, quick)
    assert chosen["models"] and set(chosen["compiled"]) <= set(chosen["models"]) <= set(SIZES)
    for size in chosen["models"]:
        assert 16 * grid.PARAMETERS[size] * grid.resident(size, memory) < (memory or 8e9)
    largest = max(chosen["matmul"])
    assert 3 * 4 * largest**2 < (memory or 8e9) and 2 * chosen["copy_bytes"] < (memory or 8e9)
    if not quick:
        assert grid.tokens_of(max(chosen["pixels"])) >= 16385 and min(chosen["pixels"]) == 224
    assert json.dumps(chosen)


def test_more_memory_measures_more():
    small, large = (grid.choose_grid("cuda", memory) for memory in (8e9, 150e9))
    assert "L" not in small["models"] and large["models"][0] == "L"
    assert len(small["pixels"]) < len(large["pixels"]) and small["tokens"] < large["tokens"]
    assert set(grid.choose_grid("cuda", 8e9, quick=True)["pixels"]) < set(small["pixels"])


def test_precisions_are_those_of_the_device(monkeypatch):
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert grid.precisions_of(gpu) == ["bf16", "tf32", "float32"]
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert grid.precisions_of(gpu) == ["fp16", "float32"], "a T4 has neither bf16 nor TF32"
    monkeypatch.setattr(grid, "cpu_has", lambda name: name == "amx_bf16")
    assert grid.precisions_of(cpu) == ["bf16", "float32"]
    monkeypatch.setattr(grid, "cpu_has", lambda name: False)
    assert grid.precisions_of(cpu) == ["float32"]


def test_batch_where_the_device_is_full():
    rates = {1: 100, 2: 190, 4: 350, 8: 500, 16: 545, 32: 550, 64: 549}
    assert grid.pick_batch(rates) == 16
    grown = [grid.saturated(dict(list(rates.items())[:count])) for count in range(1, 8)]
    assert grown == [False, False, False, False, False, False, True]


def test_parameters_are_counted_right():
    for size, about in grid.PARAMETERS.items():
        with torch.device("meta"):
            count = sum(value.numel() for value in vit(f"{size}/16").parameters())
        assert count == pytest.approx(about, rel=0.01)
