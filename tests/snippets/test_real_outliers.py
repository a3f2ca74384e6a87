"""What the run of the outlying patches measures with: by hand, and on a small model."""

import pytest
import real_outliers as ro
import torch
from lib.photos import photos
from real_vit import features, normalise

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def images():
    return photos(56)[0][:2]


def test_a_trace_keeps_what_the_model_computes(small_vit, images):
    tokens, maps = ro.trace(small_vit, images)
    x = normalise(images, small_vit.pretrained_cfg)
    with torch.inference_mode():
        attn = small_vit(x, return_attn=True)[1]
    assert tokens.shape == (2, 4, 17, 32)
    torch.testing.assert_close(tokens[:, -1], features(small_vit, x))
    torch.testing.assert_close(maps, attn.mean(dim=2))


def test_hidden_patches_are_seen_by_none_in_the_first_layer_alone(small_vit, images):
    hidden = torch.tensor([[3, 7], [0, 15]])
    tokens, maps = ro.trace(small_vit, images, hidden)
    for i, few in enumerate(hidden):
        assert (maps[i, 0][:, 1 + few] == 0).all() and (maps[i, 1][:, 1 + few] > 0).all()
    torch.testing.assert_close(maps.sum(dim=-1), torch.ones(2, 3, 17))
    nothing, whole = ro.trace(small_vit, images, torch.empty(2, 0, dtype=torch.long)), ro.trace(small_vit, images)
    torch.testing.assert_close(nothing[0], whole[0])
    assert (ro.change(tokens, whole[0]) > 1e-4).all() and ro.change(whole[0], whole[0]).tolist() == [0, 0]


def test_what_is_left_of_the_sequence_decides(small_vit, images):
    every = torch.arange(16).expand(2, -1)
    alone = ro.without(small_vit, images, every)  # the class token and nothing else
    assert alone.shape == (2, 1, 1, 32)
    torch.testing.assert_close(alone[0], alone[1])
    none = ro.without(small_vit, images, torch.empty(2, 0, dtype=torch.long))
    torch.testing.assert_close(none[:, 0], features(small_vit, normalise(images, small_vit.pretrained_cfg))[:, :1])


def test_contrast_of_a_flat_patch_and_of_stripes():
    image = torch.full((1, 3, 4, 4), 0.5)
    image[..., :2, 2:] = torch.tensor([0.0, 1.0])  # the upper right patch of 2 x 2
    found = ro.contrast(image, 2)[0]
    assert found[[0, 2, 3]].tolist() == [0, 0, 0] and found[1].item() == pytest.approx((4 * 0.25 / 3) ** 0.5)


def test_neighbours_are_those_above_below_and_beside():
    tokens = torch.zeros(1, 9, 2)
    tokens[..., 0] = 1
    tokens[0, 4] = torch.tensor([0.0, 1.0])  # the middle is at right angles to all others
    found = ro.like_neighbours(tokens, 3)[0].tolist()
    assert found[4] == 0 and found[0] == 1 and found[1] == pytest.approx(2 / 3)


def test_standing_and_share_by_hand():
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert ro.standing(values, torch.tensor([[3]])).item() == pytest.approx(3.5 / 4)
    assert ro.standing(values, torch.tensor([[0, 1, 2, 3]])).item() == 0.5
    assert ro.standing(torch.ones(1, 4), torch.tensor([[2]])).item() == 0.5
    assert ro.share(values, ro.brightest(values, 2)).item() == pytest.approx(0.7)


def test_patches_of_equal_weight_are_others_and_just_enough():
    paid = torch.tensor([[0.4] + [0.1] * 6])
    (others,) = ro.of_equal_weight(paid, torch.tensor([[0]]), torch.Generator().manual_seed(0))
    assert 0 not in others and len(set(others.tolist())) == 4


def test_a_token_that_knows_its_photograph_finds_the_other_piece():
    of = torch.eye(3).repeat_interleave(2, dim=0)  # three photographs of two pieces
    assert ro.finds(of[:, None], of, 2).tolist() == [[1.0]] * 6
    same = torch.ones(6, 1, 3)
    assert ro.finds(same, torch.ones(6, 3), 2).tolist() == [[0.5]] * 6
    wrong = of.roll(2, dims=0)
    assert (ro.finds(wrong[:, None], of, 2) < 0.5).all()
