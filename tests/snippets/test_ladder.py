import pytest
import torch
import torch.nn.functional as F
from ladder import (
    MODELS,
    Local,
    accuracy,
    as_local,
    as_mlp,
    as_shared,
    best_rate,
    draw,
    load,
    logits,
    place,
    pooled,
    shared,
    shuffled,
    somewhere,
    train,
    untrained,
    vit,
)
from ladder import test_loss as loss_on_test
from torch import nn

POOL = (torch.rand(60, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 10)


def test_digits_lie_where_they_are_put_and_everywhere_that_fits():
    digits = torch.arange(1.0, 129).reshape(2, 8, 8)
    images = place(digits, torch.tensor([[0, 4], [3, 1]]))
    blank = place(torch.zeros(1, 8, 8), torch.zeros(1, 2, dtype=torch.long))
    ink = (images - blank) * 0.2865
    assert images.shape == (2, 1, 12, 12)
    torch.testing.assert_close(ink[0, 0, :8, 4:], digits[0])
    torch.testing.assert_close(ink[1, 0, 3:11, 1:9], digits[1])
    assert ink.sum() == pytest.approx(digits.sum().item())
    assert len(somewhere(2000, torch.Generator().manual_seed(0)).unique(dim=0)) == 25


def test_test_and_validation_are_the_same_at_every_call_and_apart():
    (test, _), (validation, _), (digits, labels) = load()
    assert torch.equal(test, load()[0][0]) and len(labels) == 1000 == len(digits)
    assert (len(test), len(validation)) == (497, 300)
    assert abs(test.mean()) < 0.05 and abs(test.std() - 1) < 0.05


def test_shuffling_loses_neighbours_and_nothing_else():
    images = torch.arange(2 * 144.0).reshape(2, 1, 12, 12)
    moved = shuffled(images)
    assert torch.equal(moved.flatten(1).sort(dim=1).values, images.flatten(1))
    assert torch.equal(moved[1] - moved[0], torch.full((1, 12, 12), 144.0)), "one order for all"
    assert (moved == images).float().mean() < 0.1


def test_local_with_equal_weights_is_a_convolution_and_without_is_none():
    conv, own = nn.Conv2d(2, 3, 5), Local(2, 3, 5, 8)
    x = torch.randn(4, 2, 8, 8)
    assert own(x).shape == (4, 3, 4, 4)
    own.weight.data[:] = conv.weight.flatten(1)
    own.bias.data[:] = conv.bias
    torch.testing.assert_close(own(x), conv(x))
    own.weight.data[5] += 1  # the window of row 1, column 1
    far = (own(x) - conv(x)).abs().sum((0, 1)) > 1e-4
    assert far.nonzero().tolist() == [[1, 1]]


@pytest.mark.parametrize("narrow, make, wider", [(pooled, shared, as_shared), (shared, None, as_local)])
def test_each_rung_is_a_special_case_of_the_one_above(narrow, make, wider):
    model, x = narrow(), torch.randn(5, 1, 12, 12)
    torch.testing.assert_close(wider(model)(x), model(x))


def test_an_mlp_can_be_what_a_local_model_is():
    model, x = MODELS["local"](), torch.randn(5, 1, 12, 12)
    torch.testing.assert_close(as_mlp(model)(x), model(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_seeds_learn_apart_from_each_other(name):
    make = MODELS[name]
    images, labels, _ = draw(POOL, 20, (0, 1))
    assert images.shape == (2, 20, 1, 12, 12) and labels.shape == (2, 20)
    assert not torch.equal(images[0], images[1])
    both = untrained(make, (0, 1))
    torch.manual_seed(1)
    alone = make()
    torch.testing.assert_close(logits(make, both, images)[1], alone(images[1]), rtol=1e-4, atol=1e-5)
    out = logits(make, both, images)
    F.cross_entropy(out[0], labels[0]).backward()
    assert all(p.grad[1].abs().sum() == 0 for p in both.values())


def test_what_is_learnt_is_known_and_labels_without_meaning_are_not_foreseen():
    images, labels, _ = draw(POOL, 20, (0, 1))
    params = train(shared, images, labels, 0.01, (0, 1), steps=200)
    assert accuracy(shared, params, images, labels).min() == 1
    assert accuracy(shared, untrained(shared, (0, 1)), images, labels).max() < 0.5
    others = draw(POOL, 60, (2,))
    assert accuracy(shared, params, others[0][0], others[1][0]).max() < 0.6, "POOL is noise: seen ones alone are known"


def test_the_rate_is_that_of_the_validation(monkeypatch):
    marks = iter([0.3, 0.5, 0.9, 0.9, 0.1, 0.2])
    monkeypatch.setattr("ladder.RATES", (1, 2, 3))
    monkeypatch.setattr("ladder.train", lambda *_, **__: None)
    monkeypatch.setattr("ladder.accuracy", lambda *_: torch.tensor([next(marks)]))
    best, found = best_rate(vit, "plain", POOL, (None, None))
    assert best == 2 and list(found.values()) == pytest.approx([0.4, 0.9, 0.15])


def test_worlds_differ_in_what_they_say():
    images, labels, wrong = draw(POOL, 50, (0, 1))
    mixed = draw(POOL, 50, (0, 1), "shuffled")
    assert torch.equal(mixed[0], shuffled(images)) and torch.equal(mixed[1], labels) and not wrong.any()
    noisy = draw(POOL, 50, (0, 1), "noisy")
    assert torch.equal(noisy[0], images) and torch.equal(noisy[1] != labels, noisy[2])
    assert noisy[2].sum(1).tolist() == [10, 10]
    moved = draw(POOL, 2, (0,), "moved")
    assert moved[0].shape == (1, 50, 1, 12, 12) and len(moved[0].flatten(2).unique(dim=1)[0]) == 50
    assert torch.equal(moved[1][0], moved[1][0, :2].repeat(25))


def test_loss_of_a_seed_is_its_own():
    images, labels, _ = draw(POOL, 20, (0, 1))
    params = untrained(shared, (0, 1))
    torch.manual_seed(1)
    alone = F.cross_entropy(shared()(images[0]), labels[0])
    assert loss_on_test(shared, params, images[0], labels[0])[1].item() == pytest.approx(alone.item(), rel=1e-4)


def test_watching_changes_nothing():
    images, labels, _ = draw(POOL, 20, (0, 1))
    seen = []
    one = train(shared, images, labels, 0.01, (0, 1), steps=200, watch=lambda p: seen.append(1))
    two = train(shared, images, labels, 0.01, (0, 1), steps=200)
    assert len(seen) == 2 and all(torch.equal(one[key], two[key]) for key in one)
