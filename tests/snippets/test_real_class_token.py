"""What the run on the class token measures with: by hand, and on a tiny model."""

import pytest
import real_class_token as rc
import torch
from real_vit import features, normalise

torch.set_num_threads(1)


def test_a_look_ends_in_the_model_s_own_tokens(small_vit):
    images = torch.rand(2, 3, 56, 56)
    seen, tokens = rc.look(small_vit, images), features(small_vit, normalise(images, small_vit.pretrained_cfg))
    assert seen["cls"].shape == seen["mean"].shape == (2, 3, 32) and seen["both"].shape == (2, 3, 64)
    torch.testing.assert_close(seen["cls"][:, -1], tokens[:, 0])
    torch.testing.assert_close(seen["mean"][:, -1], tokens[:, 1:].mean(dim=1))
    halves = seen["both"].unflatten(-1, (2, 32)).norm(dim=-1)
    torch.testing.assert_close(halves, torch.ones_like(halves))
    for token, one in zip(tokens, seen["patch"]):
        assert (token[1:] == one).all(dim=1).any(), "one of its patches"


def test_crops_find_one_another_by_hand():
    angles = torch.tensor([0.0, 10, 30, 100, 180, 190]).deg2rad()
    vectors = torch.stack([angles.cos(), angles.sin()], dim=1) * torch.arange(1, 7)[:, None]  # lengths do not matter
    right, rank, margin = rc.find(vectors, 3)
    # 30 is nearest to 10, 100 to 30 (70 away) before 180 (80 away)
    assert right.tolist() == pytest.approx([1, 2 / 3])
    assert rank.tolist() == pytest.approx([1, (1 / 2 + 1 + 1) / 3])
    cosine = lambda degrees: torch.tensor(degrees).deg2rad().cos().item()  # noqa: E731
    expected = sum(cosine(own) - cosine(other) for own, other in ((10.0, 100.0), (10.0, 90.0), (20.0, 70.0))) / 3
    assert margin[0].item() == pytest.approx(expected, abs=1e-5)
    assert (margin > 0).tolist() == [True, True]


def test_layers_are_found_one_by_one():
    vectors = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(0))
    layers = rc.by_layer(vectors, 3)
    assert all(values.shape == (2, 4) for values in layers)
    for k in range(4):
        for values, alone in zip(layers, rc.find(vectors[:, k], 3)):
            assert torch.equal(values[:, k], alone)


def test_no_photograph_chooses_its_own_layer():
    values = torch.tensor([[9.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    # without the first the second layer is best; without either other the first is
    assert rc.best_elsewhere(values).tolist() == [0, 0, 0]
    values = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.5, 0.0], [0.8, 0.0, 0.7]])
    assert rc.best_elsewhere(values).tolist() == pytest.approx([1, 0.9, 0.8])
