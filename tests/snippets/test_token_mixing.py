import pytest
import torch
from token_mixing import (
    attend,
    attention_map,
    change,
    flops,
    mixers,
    moved,
    strength,
    token_jacobian,
    what_changes,
    with_query_scaled,
)
from vit import Attention


def test_blocks_of_a_mixing_matrix():
    A = torch.tensor([[1.0, 2, 0], [0, 0, 3], [4, 0, 1]])
    J = token_jacobian(lambda x: A @ x, torch.randn(3, 5))
    torch.testing.assert_close(J, A[:, :, None, None] * torch.eye(5))
    torch.testing.assert_close(strength(lambda x: A @ x, torch.randn(3, 5)), A * 5**0.5)


def test_jacobian_is_output_by_input():
    J = token_jacobian(lambda x: x.roll(1, dims=0), torch.zeros(4, 2))  # z_i = x_{i - 1}
    assert J[1, 0].equal(torch.eye(2)) and not J[0, 1].any()


def test_what_changes_by_hand():
    x, y = torch.ones(4, 2), 2 * torch.ones(4, 2)
    total = torch.ones(4, 4)
    assert what_changes(lambda x: total @ x, x, y) == (0, 0.75, 0)  # 4 and, with three tokens doubled, 7
    assert what_changes(torch.square, x, y) == (0, 0, 1)  # the Jacobian 2 x doubles, no token sees another


def test_what_moves_between_two_maps():
    first = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0]])
    second = torch.tensor([[0.0, 1, 0], [0.5, 0.25, 0.25]])
    assert moved(first, second) == pytest.approx((1 + 0.25) / 2) and moved(first, first) == 0


def test_change_is_relative_to_the_first():
    assert change(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 0.0])) == 1


def test_queries_scaled_by_one_and_by_zero():
    torch.manual_seed(0)
    attn, x = Attention(16, num_heads=4), torch.randn(5, 16)
    before = attn.qkv.weight.clone()
    torch.testing.assert_close(attend(with_query_scaled(attn, 1))(x), attn(x[None])[0][0])
    values = attn.qkv(x)[:, 32:]
    torch.testing.assert_close(attend(with_query_scaled(attn, 0))(x), attn.proj(values.mean(dim=0)).expand(5, 16))
    torch.testing.assert_close(attention_map(with_query_scaled(attn, 0), x), torch.full((4, 5, 5), 0.2))
    scores = torch.log(attention_map(attn, x))
    torch.testing.assert_close(attention_map(with_query_scaled(attn, 4), x), (4 * scores).softmax(dim=-1))
    assert attn.qkv.weight.equal(before)


def test_every_mixer_keeps_the_shape():
    for f in mixers(Attention(16, num_heads=4), N=6).values():
        assert f(torch.randn(6, 16)).shape == (6, 16)


@pytest.mark.parametrize("N", [3, 10])
def test_flops_of_two_products(N):
    assert flops(lambda x: x @ x.T @ x, N, 7) == 2 * 2 * N * N * 7
