import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
import train_checklist
from lib.digits import load
from train_checklist import BASE, MISTAKES


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(train_checklist, "STEPS", 3)
    monkeypatch.setattr(train_checklist, "ONE_BATCH_STEPS", 3)


def examined(recipe, **how):
    return train_checklist.examine(
        recipe, 0, train_checklist.fit(recipe, 0), train_checklist.fit(recipe, 0, True), **how
    )


def test_raw_is_the_ink_in_the_file():
    ink = train_checklist.raw(load(0)[0][0])
    assert torch.allclose(ink, ink.round(), atol=1e-4) and ink.min() > -1e-4 and ink.max() < 16 + 1e-4


def test_move_moves_by_a_pixel_at_most():
    images = load(0)[0][0][:50]
    moved = train_checklist.move(images, 0)
    padded = F.pad(images, (1, 1, 1, 1), value=images.min())
    places = [padded[:, :, y : y + 8, x : x + 8] for y in range(3) for x in range(3)]
    same = torch.stack([(place - moved).flatten(1).abs().amax(1) < 1e-5 for place in places])
    assert same.any(0).all() and same.any(1).sum() == 9  # each at one of nine places, and all are used


def test_the_rate_rises_and_falls_to_nothing():
    rates = [train_checklist.rate(step, 100, 0.2) for step in range(100)]
    assert rates.index(max(rates)) == 19 and rates[0] < 0.06 and rates[-1] < 0.001
    assert train_checklist.rate(0, 100, 0) == 1


def test_swapped_patches_are_the_same_patches():
    x = torch.arange(64.0).reshape(1, 1, 8, 8)
    swapped = train_checklist.swap_patches(x)
    assert torch.equal(swapped[..., :4, :4], x[..., 4:, 4:]) and torch.equal(swapped[..., :4, 4:], x[..., 4:, :4])


def test_each_mistake_changes_one_thing():
    for key, (_, recipe, how) in MISTAKES.items():
        changed = [name for name, value in vars(recipe).items() if value != getattr(BASE, name)]
        assert len(changed) + len(how) == {"none": 0, "moved": 2}.get(key, 1)


def test_softmax_twice_has_a_floor():
    sure = torch.eye(10)[0] * 100
    loss = F.cross_entropy(sure.softmax(0)[None], torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log(math.e + 9) - 1, abs=1e-5)


def test_labels_that_are_shuffled_are_the_same_labels_elsewhere():
    first = [train_checklist.fit(replace(BASE, right_labels=right), 0)[1][0] for right in (True, False)]
    assert first[0] == pytest.approx(first[1], rel=0.2) and first[0] != first[1]


def test_without_positions_the_order_of_patches_does_not_matter():
    assert examined(replace(BASE, positions=False))["swapped"] < 1e-4
    assert examined(BASE)["swapped"] > 1e-3


def test_in_train_mode_two_answers_differ():
    assert examined(BASE, evaluate=False)["twice"] > 0
    assert examined(BASE)["twice"] == 0


def test_two_checks_need_no_training():
    images = load(0)[1][0]
    for recipe, moves in ((BASE, True), (replace(BASE, positions=False), False)):
        model = train_checklist.build(recipe, 0).eval()
        swapped = (model(images) - model(train_checklist.swap_patches(images))).abs().max().item()
        assert (swapped > 1e-4) == moves
        assert torch.equal(model(images), model(images))
        assert not torch.equal(model.train()(images), model(images))


def test_rings():
    sound = {"first": 2.3, "batch": 0.01, "twice": 0.0, "size": 1.0, "sizes": 1.0, "swapped": 3.0}
    sound |= {"accuracy": 0.95, "simple": 0.9, "gap": 0.01}
    assert not any(train_checklist.rings(sound).values())
    for change, check in (
        ({"first": 3.0}, "첫 손실"),
        ({"batch": 0.2}, "한 배치"),
        ({"twice": 0.1}, "두 번"),
        ({"size": 6.0}, "입력 크기"),
        ({"sizes": 1.2}, "입력 크기"),
        ({"swapped": 1e-6}, "패치 섞기"),
        ({"accuracy": 0.12, "simple": 0.1}, "찍기"),
        ({"accuracy": 0.85}, "평균 그림"),
        ({"gap": 0.2}, "차이"),
    ):
        assert [name for name, rings in train_checklist.rings(sound | change).items() if rings] == [check]


def test_nearest_mean_beats_chance_and_not_by_looking():
    assert 0.8 < train_checklist.nearest_mean(0) < 1
