import pytest
import torch
from attention_distance import (
    G,
    attention_distance,
    describe,
    gather,
    patch_distances,
    patch_rows,
    sharpest_head,
    spread,
    with_class_token,
)


def maps(*batch, N=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*batch, 1 + N, 1 + N, generator=generator).softmax(dim=-1)


def test_patch_distances_by_hand():
    d = patch_distances((2, 3), 4)  # places 0 1 2 / 3 4 5
    assert d.shape == (6, 6)
    assert d[0, 2] == 8 and d[0, 3] == 4 and d[1, 4] == 4
    assert d[0, 4] == pytest.approx(32**0.5) and d[3, 2] == pytest.approx(80**0.5)
    assert torch.equal(d, d.T) and d.diagonal().sum() == 0


def test_uniform_attention_on_14_by_14_patches_of_16_px():
    # the mean over all pairs of cells, summed by offset: (14 - |dy|)(14 - |dx|) pairs lie dy rows and dx columns apart
    offsets = range(-13, 14)
    by_offset = (
        sum((14 - abs(y)) * (14 - abs(x)) * 16 * (y * y + x * x) ** 0.5 for y in offsets for x in offsets) / 196**2
    )
    assert by_offset == pytest.approx(116.5, abs=0.05)
    uniform = torch.full((197, 197), 1 / 197)
    assert attention_distance(uniform, (14, 14), 16).item() == pytest.approx(by_offset, rel=1e-5)


def test_two_pixels_of_one_patch_are_half_a_side_apart():
    # of two points of a unit square 0.5214 apart on average; of 16 pixels a side, some of them the same, a little less
    assert patch_distances((16, 16), 1).mean().item() == pytest.approx(0.5214 * 16, rel=0.01)


def test_one_query_by_hand():
    rows = torch.eye(6)
    rows[0] = torch.tensor([0.5, 0.25, 0, 0.25, 0, 0])  # a quarter each to two patches 4 px away: 2 px
    attn = with_class_token(torch.ones(6) / 6, rows)
    assert attention_distance(attn, (2, 3), 4).item() == pytest.approx(2 / 6)


def test_the_class_tokens_row_and_column_do_not_count():
    attn = maps()
    before = attention_distance(attn, (2, 3), 8)
    changed = attn.clone()
    changed[0] = torch.eye(7)[3]  # what the class token looks at
    changed[1:] *= 0.25  # and a larger share of each patch's look for the class token
    changed[1:, 0] = 0.75 + 0.25 * attn[1:, 0]
    torch.testing.assert_close(changed.sum(dim=-1), torch.ones(7))
    torch.testing.assert_close(attention_distance(changed, (2, 3), 8), before)
    torch.testing.assert_close(patch_rows(attn).sum(dim=-1), torch.ones(6))


def test_more_prefix_tokens():
    attn = maps(N=8)
    assert patch_rows(attn, num_prefix_tokens=3).shape == (6, 6)
    torch.testing.assert_close(patch_rows(attn, 3), attn[3:, 3:] / attn[3:, 3:].sum(dim=-1, keepdim=True))


def test_one_number_for_each_head_and_layer():
    attn = maps(2, 3, 4)
    together = attention_distance(attn, (2, 3), 8)
    assert together.shape == (2, 3, 4)
    torch.testing.assert_close(together[1, 2, 3], attention_distance(attn[1, 2, 3], (2, 3), 8))


def test_distance_scales_with_the_patch_and_not_with_the_order_of_axes():
    attn = maps()
    torch.testing.assert_close(attention_distance(attn, (2, 3), 16), 2 * attention_distance(attn, (2, 3), 8))
    assert (attention_distance(attn, (2, 3), 8) - attention_distance(attn, (3, 2), 8)).abs() > 1e-4


def test_spread_counts_patches():
    assert spread(torch.ones(8)).item() == pytest.approx(1)
    assert spread(torch.eye(8)[3]).item() == pytest.approx(1 / 8)
    assert spread(torch.tensor([3.0, 3, 0, 0])).item() == pytest.approx(0.5)  # not normalised, two of four
    assert spread(torch.rand(5, 2, 8)).shape == (5, 2)


def test_gather_puts_runs_first():
    runs = [{"a": torch.zeros(3)}, {"a": torch.ones(3)}]
    assert torch.equal(gather(runs)["a"], torch.tensor([[0.0] * 3, [1.0] * 3]))


def test_describe_of_a_layer_that_looks_evenly():
    N = G * G
    even = with_class_token(torch.ones(N) / N, torch.full((N, N), 1 / N))[None]  # (1, 1, 1, 1 + N, 1 + N)
    found = describe(even, torch.tensor([[0.0, 0.0, 0.5, 0.5]]))
    distance = patch_distances((G, G), 8).mean()
    torch.testing.assert_close(found["distance"], distance.expand(1, 1))
    torch.testing.assert_close(found["rollout_distance"], distance.expand(1) / 2)  # half of it stays where it is
    torch.testing.assert_close(found["density"], torch.ones(1, 1))
    torch.testing.assert_close(found["head_spread"], torch.ones(1, 1))


def test_sharpest_head_is_chosen_for_each_run():
    runs = {
        "head_spread": torch.tensor([[[0.5, 0.2]], [[0.1, 0.9]]]),  # (runs, depth, heads)
        "seen_spread": torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]]),
        "density": torch.tensor([[[5.0, 6.0]], [[7.0, 8.0]]]),
        "distance": torch.tensor([[[9.0, 10.0]], [[11.0, 12.0]]]),
    }
    found = {name: values.tolist() for name, values in sharpest_head(runs).items()}
    assert found["sharpest_spread"] == pytest.approx([0.2, 0.1])
    assert found["sharpest_density"] == [6, 7] and found["sharpest_distance"] == [10, 11]
