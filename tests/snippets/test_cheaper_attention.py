"""Each cheaper attention against full attention under the mask that it stands for."""

import copy

import cheaper_attention as ca
import pytest
import torch

G, D = 16, 4  # patches a side, width of a head
Y, X = (side.flatten() for side in torch.meshgrid(torch.arange(G), torch.arange(G), indexing="ij"))


@pytest.fixture
def qkv():
    return torch.randn(3, 2, G * G, D, generator=torch.Generator().manual_seed(0))


def masked(q, k, v, seen):
    scores = (q @ k.mT / D**0.5).masked_fill(~seen, -torch.inf)
    return scores.softmax(dim=-1) @ v


def same(*labels):
    return torch.stack([label[:, None] == label[None] for label in labels]).all(dim=0)


def test_a_window_is_full_attention_under_a_mask_of_neighbours(qkv):
    torch.testing.assert_close(ca.grouped(*qkv), masked(*qkv, same(Y // 8, X // 8)))


def test_spread_patches_are_every_second_of_a_row_and_a_column(qkv):
    torch.testing.assert_close(ca.grouped(*qkv, spread=True), masked(*qkv, same(Y % 2, X % 2)))


def test_one_window_is_full_attention(qkv):
    few = qkv[:, :, :64]
    for spread in (False, True):
        torch.testing.assert_close(ca.grouped(*few, spread=spread), ca.full(*few))


def test_merging_takes_means_of_squares(qkv):
    q, k, v = qkv
    squares = [((Y // 2 == row) & (X // 2 == column)).nonzero().flatten() for row in range(8) for column in range(8)]
    means = [torch.stack([x[:, square].mean(dim=1) for square in squares], dim=1) for x in (k, v)]
    torch.testing.assert_close(ca.merged(q, k, v), ca.full(q, *means))


def test_merging_what_is_alike_loses_nothing(qkv):
    q, k, v = qkv
    square = (Y // 2) * G + X // 2
    k, v = k[:, square], v[:, square]  # the four of a square are one
    torch.testing.assert_close(ca.merged(q, k, v), ca.full(q, k, v))


def test_linear_attention_by_its_map(qkv):
    q, k, v = qkv
    weights = torch.where(q > 0, q + 1, q.exp()) @ torch.where(k > 0, k + 1, k.exp()).mT
    torch.testing.assert_close(ca.linear(q, k, v), weights / weights.sum(dim=-1, keepdim=True) @ v)


@pytest.mark.parametrize("kind", ca.KINDS)
def test_weights_add_up_to_one(kind, qkv):
    q, k, v = qkv
    torch.testing.assert_close(ca.KINDS[kind][1](q, k, torch.ones_like(v)), torch.ones_like(v))


def test_flops_by_formula():
    N, d, heads = 16 * 16, 64, 6
    assert ca.flops(ca.full, 224) == 4 * heads * d * N * N
    assert ca.flops(ca.grouped, 224) == 4 * heads * d * N * 64
    assert ca.flops(ca.merged, 224) == 4 * heads * d * N * N // 4
    assert ca.flops(ca.linear, 224) == heads * (4 * N * d * d + 2 * N * d)


def test_reach_and_rank():
    torch.manual_seed(0)
    assert [ca.reached(attention) for _, attention in ca.KINDS.values()] == [256, 64, 64, 256, 256, 256]
    assert ca.rank_of_map(ca.linear) == 64 < ca.rank_of_map(ca.full)


def test_errors_of_layers(small_vit):
    x = torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))  # 8 x 8 patches: one window
    model = copy.deepcopy(small_vit)
    model.pos_embed = torch.nn.Parameter(torch.randn(1, 65, 32))
    found = ca.layer_errors(model, x, ["window", "even"])
    assert found["window"].shape == (3, 2)
    assert found["window"].max() < 1e-5 < 0.01 < found["even"].min()
