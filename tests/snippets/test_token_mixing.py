import pytest
import torch
from token_mixing import change, flops, mixers, shares, strength, token_jacobian, what_changes, with_query_scaled
from vit import Attention


def test_blocks_of_a_mixing_matrix():
    A = torch.tensor([[1.0, 2, 0], [0, 0, 3], [4, 0, 1]])
    J = token_jacobian(lambda x: A @ x, torch.randn(3, 5))
    torch.testing.assert_close(J, A[:, :, None, None] * torch.eye(5))
    torch.testing.assert_close(strength(lambda x: A @ x, torch.randn(3, 5)), A * 5**0.5)
    torch.testing.assert_close(shares(lambda x: A @ x, torch.randn(3, 5)), A / A.sum(dim=1, keepdim=True))


def test_jacobian_is_output_by_input():
    J = token_jacobian(lambda x: x.roll(1, dims=0), torch.zeros(4, 2))  # z_i = x_{i - 1}
    assert J[1, 0].equal(torch.eye(2)) and not J[0, 1].any()


def test_what_changes_by_hand():
    x, y = torch.ones(4, 2), 2 * torch.ones(4, 2)
    total = torch.ones(4, 4)
    same_input, neighbours, jacobian, moved = what_changes(lambda x: total @ x, x, y)
    assert (same_input, neighbours, jacobian, moved) == (0, 0.75, 0, 0)  # 4 and, with three tokens doubled, 7
    assert what_changes(torch.square, x, y) == (0, 0, 1, 0)  # the Jacobian 2 x doubles, no token sees another


def test_change_is_relative_to_the_first():
    assert change(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 0.0])) == 1


def test_queries_scaled_by_one_and_by_zero():
    torch.manual_seed(0)
    attn, x = Attention(16, num_heads=4), torch.randn(5, 16)
    before = attn.qkv.weight.clone()
    torch.testing.assert_close(with_query_scaled(attn, 1)(x), attn(x[None])[0][0])
    values = attn.qkv(x)[:, 32:]
    torch.testing.assert_close(with_query_scaled(attn, 0)(x), attn.proj(values.mean(dim=0)).expand(5, 16))
    assert attn.qkv.weight.equal(before)


def test_every_mixer_keeps_the_shape():
    for f in mixers(dim=16, N=6).values():
        assert f(torch.randn(6, 16)).shape == (6, 16)


@pytest.mark.parametrize("N", [3, 10])
def test_flops_of_two_products(N):
    assert flops(lambda x: x @ x.T @ x, N, 7) == 2 * 2 * N * N * 7
