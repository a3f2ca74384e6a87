"""What the run of the real ViT measures with: by hand, and beside the toy's functions."""

import math

import pytest
import real_attention as ra
import torch
from attention_rollout import rollout as rollout_of_heads
from lib.photos import CORNERS, photos
from real_vit import features, normalise

torch.set_num_threads(1)


def test_a_look_keeps_what_the_model_computes(small_vit):
    images = photos(56)[0][:2]
    found = ra.look(small_vit, images)
    with torch.inference_mode():
        attn = small_vit(normalise(images, small_vit.pretrained_cfg), return_attn=True)[1]
    assert found["distance"].shape == (2, 3, 2) and found["norms"].shape == (2, 3, 17)
    torch.testing.assert_close(found["maps"], attn.mean(dim=2))
    torch.testing.assert_close(ra.rollout(found["maps"]), rollout_of_heads(attn))
    tokens = features(small_vit, normalise(images, small_vit.pretrained_cfg))
    assert tokens.shape == (2, 17, 32)


def test_rank_by_hand():
    heat = torch.tensor([[[3.0, 1.0], [2.0, 1.0]]])
    inside = torch.tensor([[[True, True], [False, False]]])
    # 3 > 2, 3 > 1, 1 < 2, 1 = 1: two and a half of four
    assert ra.rank_in_box(heat, inside).tolist() == [2.5 / 4]
    assert ra.rank_in_box(torch.ones(1, 2, 2), inside).tolist() == [0.5]
    assert math.isnan(ra.rank_in_box(heat, inside | True).item())


def test_scores_leave_out_views_without_a_box():
    n = len(CORNERS)
    heat = torch.zeros(n, 2, 2)
    heat[:, 0, 0] = 1
    inside = torch.zeros(n, 2, 2, dtype=torch.bool)
    inside[:3, 0, 0] = inside[3:, 1, 1] = True
    kept = torch.tensor([True, True, False, True, False])
    found = ra.scores(heat, inside, kept)
    assert found["peak"].tolist() == pytest.approx([2 / 3]) and found["density"].tolist() == pytest.approx([8 / 3])


def test_rollout_of_a_first_layer_that_looks_at_one_patch():
    """Whatever the layers above look at, what they pay flows there."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(5, 4, 10, 10, generator=generator)
    maps[:, 0, :, 3] += 50
    maps = maps / maps.sum(dim=-1, keepdim=True)
    same, together = ra.of_first_layer(maps)
    assert same.tolist() == [1] and together.item() > 0.9
    paid = ra.incoming(maps)
    assert paid.shape == (5, 9) and (paid.argmax(dim=1) == 2).all(), "the class token is no patch"
    assert (ra.excess(paid) > 50).all()


def test_shares_of_near_and_far_heads():
    distance = torch.tensor([[[1.0, 3.0], [2.0, 2.0], [4.0, 4.0], [2.0, 4.0]]])  # one photograph, four layers
    found = {name: value.item() for name, value in ra.distances({"distance": distance}, even=4.0).items()}
    assert found["first"] == 0.5 and found["second"] == 0.5 and found["last"] == 0.75
    assert found["near_lower"] == 0.25 and found["far_lower"] == 0.75
    assert found["near_upper"] == 0.5 and found["far_upper"] == 1 and found["lower"] == 0.5
