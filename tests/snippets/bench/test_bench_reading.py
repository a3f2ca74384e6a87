import pytest
from bench import reading
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


def raced(precision, **medians):
    """A race in which each peer takes that many times our time, each time alike."""
    peers = {name: dict.fromkeys(("median", "low", "high"), median) for name, median in medians.items()}
    fastest = min(medians, key=medians.__getitem__)
    ratio = peers[fastest]
    return {
        "precision": precision,
        "peers": peers,
        "fastest": fastest,
        "ratio": ratio,
        "verdict": reading.judge(ratio),
    }


@pytest.mark.parametrize(
    "ratios, fastest, verdict",
    [
        ({"timm": [1.1, 1.1, 1.1], "torchvision": [1.3, 1.3, 1.3]}, "timm", "맞음"),
        ({"timm": [0.9, 0.9, 0.9], "torchvision": [1.3, 1.3, 1.3]}, "timm", "틀림"),
        ({"timm": [0.98, 0.98, 0.98]}, "timm", "맞음"),  # within 3 %
        ({"timm": [0.8, 0.9, 0.9, 1.1, 1.2]}, "timm", "미확인"),  # within the spread
        ({"timm": [0.9, 0.96, 1.0, 1.0, 1.0]}, "timm", "미확인"),  # the lower quartile is slower
        ({"timm": [1.2, 1.2, 1.2], "vit-pytorch": [1.0, 1.0, 1.0]}, "vit-pytorch", "맞음"),
    ],
)
def test_race_is_against_the_fastest_and_forgives_noise(ratios, fastest, verdict):
    [found] = reading.race(against(**ratios))
    assert (found["fastest"], found["verdict"]) == (fastest, verdict)
    assert found["peers"].keys() == ratios.keys()


def test_a_cell_that_no_peer_ran_is_no_race():
    assert reading.race(against()) == []


def test_averages_are_of_a_library_and_a_precision():
    items = [raced("bf16", timm=ratio, other=0.8) for ratio in (0.5, 2.0, 1.0)]
    found = reading.compare([*items, raced("float32", timm=1.0)])
    assert found.keys() == {("timm", "bf16"), ("other", "bf16")}, "one cell has no spread"
    timm, other = found["timm", "bf16"], found["other", "bf16"]
    assert timm["median"] == pytest.approx(1.0) and timm["low"] * timm["high"] == pytest.approx(1.0)
    assert timm["low"] == pytest.approx(2 ** (-2 / 3**0.5)) and timm["verdict"] == "미확인"
    assert other["verdict"] == "틀림"


def test_the_answer_says_whom_it_keeps_up_with_and_where_it_loses():
    even = [raced(how, timm=ratio, quick=ratio - 0.2) for how in ("bf16", "float32") for ratio in (0.99, 1.01)]
    assert reading.summary(even) == (
        "timm만큼 빨라요(0.99~1.01배).",
        "bf16에서는 quick보다 최대 1.27배 느려요.",
    )
    ahead = [raced("bf16", slow=ratio) for ratio in (1.2, 1.3)]
    assert reading.summary(ahead) == (
        "같은 빠르기라고 할 구현은 없어요.",
        "어느 칸에서도 가장 빠른 구현보다 느리지 않아요.",
    )


@pytest.mark.parametrize(
    "value, digits, text",
    [
        (None, 3, "-"),
        (1234.5, 3, "1,234"),
        (489.73, 3, "490"),
        (7.0034, 4, "7.003"),
        (0.38577, 3, "0.386"),
        (19.0, 3, "19"),
    ],
)
def test_numbers_are_short_and_have_no_exponent(value, digits, text):
    assert reading.short(value, digits) == text


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
    assert reading.curve(record, "flash", "bf16") == {197: 0.5, 1025: 2.0}
    assert reading.curve(record, "flash", "bf16", quantity="memory") == {1025: 100.0}
    assert reading.fused_methods(record, "bf16") == ["flash"]
