import benchmark_results as results
import pytest
from lib.cost import spread

SAME = {
    "section": "model",
    "model": "B/16",
    "mode": "inference",
    "precision": "bf16",
    "compile": True,
    "batch": 8,
    "status": "ok",
    "error": None,
}


def against(**ratios):
    """A record in which each peer takes that many times our time, round by round."""
    ours = {**SAME, "library": "mundap", "seconds": spread([1.0, 1.0, 1.0])}
    peers = [
        {**SAME, "library": name, "seconds": spread(samples), "times_ours": spread(samples)}
        for name, samples in ratios.items()
    ]
    return {"cells": [ours, *peers]}


@pytest.mark.parametrize(
    "ratios, fastest, slower",
    [
        ({"timm": [1.1, 1.1, 1.1], "torchvision": [1.3, 1.3, 1.3]}, "timm", False),
        ({"timm": [0.9, 0.9, 0.9], "torchvision": [1.3, 1.3, 1.3]}, "timm", True),
        ({"timm": [0.98, 0.98, 0.98]}, "timm", False),  # within 3 %
        ({"timm": [0.8, 0.9, 0.9, 1.1, 1.2]}, "timm", False),  # within the spread
        ({"timm": [1.2, 1.2, 1.2], "vit-pytorch": [1.0, 1.0, 1.0]}, "vit-pytorch", False),
    ],
)
def test_race_is_against_the_fastest_and_forgives_noise(ratios, fastest, slower):
    [found] = results.race(against(**ratios))
    assert (found["fastest"], found["slower"]) == (fastest, slower)
    assert found["peers"].keys() == ratios.keys()


def test_a_cell_that_no_peer_ran_is_no_race():
    assert results.race(against()) == []


def test_curve_is_of_one_sequence():
    cells = [
        {
            "section": "attention",
            "method": "flash",
            "precision": "bf16",
            "pass": "forward",
            "status": "ok",
            "tokens": N,
            "batch": batch,
            "seconds": spread([time] * 3),
            "memory_bytes": memory,
        }
        for N, batch, time, memory in ((1025, 4, 8.0, 400), (197, 20, 10.0, None))
    ]
    cells.append({**cells[0], "tokens": 4097, "status": "oom"})
    record = {"cells": cells}
    assert results.curve(record, "flash", "bf16") == {197: 0.5, 1025: 2.0}
    assert results.curve(record, "flash", "bf16", quantity="memory") == {1025: 100.0}
    assert results.fused_methods(record, "bf16") == ["flash"]
