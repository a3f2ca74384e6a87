"""What the run of strict_loading leans on: changes that are what they say, and nothing more."""

import pytest
import torch
from scenes import draw
from strict_loading import readings, reorder, with_tanh_gelu
from train_vit import WEIGHTS
from vit_pretrained import from_state_dict, read_tensors


@pytest.fixture
def weights():
    return read_tensors(WEIGHTS)


def test_reorder_moves_the_three_parts_alone(weights):
    changed = reorder(weights, "kqv")
    for name, value in weights.items():
        if ".qkv." in name:
            (q, k, v), (first, second, third) = value.chunk(3), changed[name].chunk(3)
            assert torch.equal(first, k) and torch.equal(second, q) and torch.equal(third, v)
        else:
            assert changed[name] is value
    again = reorder(changed, "kqv")
    assert all(torch.equal(again[name], value) for name, value in weights.items())


def test_swapped_query_and_key_transpose_the_scores(weights):
    x = torch.randn(1, 65, 64)
    given, swapped = (
        from_state_dict(state, num_heads=4).blocks[0].attn for state in (weights, reorder(weights, "kqv"))
    )
    _, attn = given(x, return_attn=True)
    _, other = swapped(x, return_attn=True)
    # softmax over the other axis: the ratio of two entries of a column, read along the row
    scores, other_scores = attn.log(), other.log()
    centred = [
        s - s.mean(-1, keepdim=True) - s.mean(-2, keepdim=True) + s.mean((-1, -2), keepdim=True)
        for s in (scores, other_scores.transpose(-1, -2))
    ]
    torch.testing.assert_close(*centred, atol=1e-4, rtol=1e-4)


def test_tanh_gelu_changes_that_model_alone(weights):
    images = torch.randn(2, 3, 64, 64)
    model = from_state_dict(weights, num_heads=4)
    before = model(images)
    changed = with_tanh_gelu(from_state_dict(weights, num_heads=4))
    assert torch.equal(model(images), before)
    assert 0 < (changed(images) - before).abs().max() < 0.05


def test_each_reading_breaks_its_promise_and_the_first_breaks_none(weights):
    tests = [draw(4, 64, seed=9)]
    found = readings(weights, tests)
    assert len({name for name, _, _ in found.values()}) == len(found) == 8
    images = tests[0][0]
    expected = from_state_dict(weights, num_heads=4)(images)
    first, *others = found.values()
    assert torch.equal(first[1](first[2][0][0]), expected)
    assert not any(torch.equal(model(given[0][0]), expected) for _, model, given in others)
