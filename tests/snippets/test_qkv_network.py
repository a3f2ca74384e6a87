import pytest
import torch
from qkv_network import PerPosition, additivity_error, candidates, homogeneity_error, scores_of, swap_errors
from torch import nn


def test_errors_of_the_square_by_hand():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])
    assert additivity_error(torch.square, x, y) == pytest.approx(0.5)  # (x + y)^2 = 4 x^2, x^2 + y^2 = 2 x^2
    assert homogeneity_error(torch.square, x, 3) == pytest.approx(2 / 3)  # (3 x)^2 = 9 x^2


@pytest.mark.parametrize("bias", [True, False])
def test_a_bias_is_no_error(bias):
    torch.manual_seed(0)
    f, (x, y) = nn.Linear(5, 7, bias=bias), torch.randn(2, 3, 5)
    assert additivity_error(f, x, y) < 1e-6
    assert homogeneity_error(f, x, -3) < 1e-6


def test_scores_come_back_from_the_black_box():
    torch.manual_seed(0)
    mha, x, y = nn.MultiheadAttention(8, num_heads=2), torch.randn(4, 8), torch.randn(6, 8)
    nn.init.normal_(mha.in_proj_bias)
    to_q, to_k, _ = zip(mha.in_proj_weight.chunk(3), mha.in_proj_bias.chunk(3))
    q = nn.functional.linear(x, *to_q).unflatten(-1, (2, 4)).transpose(0, 1)  # (h, N, d)
    k = nn.functional.linear(y, *to_k).unflatten(-1, (2, 4)).transpose(0, 1)
    scores = q @ k.transpose(-2, -1) / 2
    torch.testing.assert_close(scores_of(mha, x, y), scores - scores.mean(dim=-1, keepdim=True), atol=1e-5, rtol=1e-4)


def test_swapped_tokens_tell_sharing_from_a_layer_a_place():
    torch.manual_seed(0)
    mha, x = nn.MultiheadAttention(8, num_heads=2), torch.randn(4, 8)
    assert max(swap_errors(mha, nn.Linear(8, 8), x, 0, 2)) < 1e-5
    assert min(swap_errors(mha, PerPosition(8, 4), x, 0, 2)) > 0.1
    assert min(swap_errors(mha, lambda x: x.cumsum(dim=0), x, 0, 2)) > 0.1, "mixing over places is not sharing"


def test_scores_before_the_softmax_are_products_of_the_input():
    torch.manual_seed(0)
    x = torch.randn(3, 8)
    maps = candidates(8, x)
    torch.testing.assert_close(maps["product"](3 * x), 9 * maps["product"](x))
    assert maps["product"](x).shape == (3, 3)
    assert maps["softmax"](x).sum(dim=-1).tolist() == pytest.approx([1] * 3)
