import pytest
import torch
from global_context import (
    EDGE,
    MODELS,
    SIZE,
    PatchScores,
    at_object,
    averaged,
    cnn,
    core,
    draw,
    pull,
    reach,
    span,
    stages,
)
from torch import nn

INNER = slice(EDGE, -EDGE)


def test_labels_say_what_is_drawn():
    for task in ("far", "near", "hint", "flipped"):
        images, labels, middle = draw(200, 0, task)
        assert images.shape == (200, 1, SIZE, SIZE) and middle.shape == (200, 2)
        assert 0.35 < labels.float().mean() < 0.65
        top = images[:, 0, 0]  # water lies: a row of it is all of one colour
        water = top.std(1) < 0.7
        left = torch.tensor(
            [
                image[0, y - 1 : y + 1, x - 2 : x].mean() > image[0, y - 1 : y + 1, x + 1 : x + 3].mean()
                for image, (y, x) in zip(images, middle.tolist())
            ]
        )
        agree = (water == left).float().mean()
        if task == "far":
            assert torch.equal(labels.bool(), water)
        else:
            assert torch.equal(labels.bool(), left)
            assert {"near": 0.3 < agree < 0.7, "hint": agree == 1, "flipped": agree == 0}[task]


def test_far_scenes_differ_at_the_edge_alone():
    images, labels, _ = draw(400, 1, "far")
    inner = images[:, 0, INNER, INNER].flatten(1)
    means = torch.stack([inner[labels == y].mean(0) for y in (0, 1)])
    assert (means[0] - means[1]).abs().max() < 0.6  # noise of 200 images each, objects in 16 places
    assert inner.flatten().sub(inner.mean()).abs().max() < 5


def test_scenes_come_again_and_differ_by_seed():
    first, again, other = draw(4, 7, "near")[0], draw(4, 7, "near")[0], draw(4, 8, "near")[0]
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_narrow_and_wide_have_the_same_shapes():
    narrow, wide = cnn((1, 1)).state_dict(), cnn((2, 4)).state_dict()
    assert {key: value.shape for key, value in narrow.items()} == {key: value.shape for key, value in wide.items()}


@pytest.mark.parametrize("key", MODELS)
def test_scores_are_read_where_the_object_is(key):
    _, make, read = MODELS[key]
    images, _, middle = draw(5, 0, "far")
    scores = make()(images)
    answer = read(scores, middle)
    assert answer.shape == (5, 2)
    if read is at_object:
        cell = SIZE // scores.shape[-1]
        expected = [scores[i, :, y // cell, x // cell] for i, (y, x) in enumerate(middle.tolist())]
        assert torch.equal(answer, torch.stack(expected))
    else:
        assert read is averaged
        torch.testing.assert_close(answer, scores.flatten(2).mean(2))


def test_reach_of_known_layers():
    x = torch.randn(3, 1, 16, 16)
    assert span(reach(nn.Conv2d(1, 1, 5, padding=2), x, 8, 8)) == 5
    assert span(reach(nn.Conv2d(1, 1, 3, padding=4, dilation=4), x, 8, 8)) == 9
    assert reach(nn.Conv2d(1, 1, 3, padding=1), x, 8, 3).nonzero()[0].tolist() == [7, 2]
    seen = torch.zeros(9, 9, dtype=torch.bool)
    seen[2, 3] = seen[6, 4] = True
    assert span(seen) == 5


def test_core_is_the_smallest_square_that_holds_the_share():
    even = torch.ones(9, 9)
    assert core(even, 4, 4) == 9 and core(even, 4, 4, share=0.3) == 5
    one = torch.zeros(9, 9)
    one[4, 6] = 1
    assert core(one, 4, 4) == 5 and core(one, 4, 6) == 1


def test_pull_is_the_size_of_the_gradient():
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.constant_(layer.weight, 2)
    strength = pull(layer, torch.ones(2, 1, 8, 8), 3, 3)
    assert strength[2:5, 2:5].eq(2 * 18 * 2).all() and strength.count_nonzero() == 9


def test_last_stage_sees_what_the_whole_model_sees():
    x = draw(8, 0, "far")[0]
    for make in (lambda: cnn((1, 1)), PatchScores):
        torch.manual_seed(0)
        model = make()
        parts, cells = stages(model), model(x).shape[-1]
        assert parts[-1](x).shape[-1] == cells
        assert torch.equal(reach(parts[-1], x, 1, 1), reach(model, x, 1, 1))
