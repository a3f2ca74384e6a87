"""Means with and without the class token: by hand, and on a tiny model."""

import pytest
import torch
from lib.digits import small_vit
from mean_with_cls import MeanOfAll, MeanOfPatches, both_means, moved, pulled, swapped

torch.set_num_threads(1)


def test_means_by_hand():
    tokens = torch.tensor([[[8.0, 0.0], [0.0, 2.0], [4.0, 4.0]]])  # the class token, two patches
    with_cls, patches = both_means(tokens)
    assert with_cls.tolist() == [[4, 2]] and patches.tolist() == [[2, 3]]
    torch.testing.assert_close(pulled(tokens), with_cls)


def test_the_two_classifiers_differ_by_the_class_token_alone():
    model, x = small_vit(0, MeanOfPatches), torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        tokens = model.embed(x)
        for block in model.blocks:
            tokens, _ = block(tokens)
        with_cls, patches = both_means(model.norm(tokens))
        torch.testing.assert_close(model(x), model.head(patches))
        torch.testing.assert_close(swapped(model, MeanOfAll)(x), model.head(with_cls))
        assert not torch.allclose(model(x), swapped(model, MeanOfAll)(x), atol=1e-4)


def test_swapping_twice_gives_the_model_back():
    model, x = small_vit(1, MeanOfAll), torch.randn(2, 1, 8, 8)
    back = swapped(swapped(model, MeanOfPatches), MeanOfAll)
    assert torch.equal(model(x), back(x))


def test_moved_is_a_share_of_the_way_to_the_nearest_other():
    angles = torch.tensor([0.0, 60.0, 150.0]).deg2rad()
    vectors = torch.stack([angles.cos(), angles.sin()], dim=1)
    ahead = torch.tensor([60.0, 60.0, 150.0]).deg2rad()
    others = 7 * torch.stack([ahead.cos(), ahead.sin()], dim=1)  # lengths do not matter
    assert moved(vectors, others).tolist() == pytest.approx([1, 0, 0], abs=1e-5)
