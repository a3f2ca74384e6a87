import pytest
import torch
from attention_score import (
    DIVISORS,
    all_head_scores,
    attention,
    correlation,
    divided_scores,
    head_scores,
    saturation,
    score_variance,
)
from torch.func import jacrev, vmap
from vit import Attention


def test_two_tokens_by_hand():
    q, k = torch.tensor([[2.0, 0, 0, 0], [0, 0, 0, 0]]), torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    output, weights = attention(q, k, torch.tensor([[1.0], [0.0]]))
    share = torch.tensor([1.0, 0.0]).softmax(dim=0)[0]  # scores 2 and 0, over the root of 4
    torch.testing.assert_close(weights, torch.stack([torch.stack([share, 1 - share]), torch.tensor([0.5, 0.5])]))
    torch.testing.assert_close(output, weights[:, :1])


def test_the_order_of_keys_does_not_matter():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 5, 8)
    order = torch.randperm(5)
    torch.testing.assert_close(attention(q, k[order], v[order])[0], attention(q, k, v)[0])


def test_a_key_of_length_root_d_makes_the_readings_agree():
    torch.manual_seed(0)
    q, k = torch.randn(2, 6, 16)
    k = 4 * k / k.norm(dim=-1, keepdim=True)
    constant, length = (divided_scores(q, k, DIVISORS[name]) for name in ("√d_k", "‖k‖"))
    torch.testing.assert_close(constant, length)


@pytest.mark.parametrize("d_k", [3, 40])
def test_a_vector_with_itself_has_mean_d(d_k):
    mean, variance = score_variance(d_k, seed=0, pairs=100_000, same=True)  # chi squared with d_k degrees of freedom
    assert mean == pytest.approx(d_k, rel=0.02) and variance == pytest.approx(2 * d_k, rel=0.05)


@pytest.mark.parametrize("scale", [1 / 3, 1.0])
def test_gradients_are_those_of_autograd(scale):
    generator = torch.Generator().manual_seed(3)
    q, k = torch.randn(6, 9, generator=generator), torch.randn(5, 9, generator=generator)

    def weights(q):
        return (k @ q * scale).softmax(dim=-1)

    top, effective, gradient, to_query = saturation(9, seed=3, scale=scale, keys=5, queries=6)
    torch.testing.assert_close(top, torch.stack([weights(row).max() for row in q]))
    by_scores = vmap(jacrev(lambda s: s.softmax(dim=-1)))(q @ k.T * scale)
    torch.testing.assert_close(gradient, by_scores.norm(dim=(1, 2)))
    torch.testing.assert_close(to_query, vmap(jacrev(weights))(q).norm(dim=(1, 2)))
    assert ((1 <= effective) & (effective <= 5)).all()


def test_correlation_by_hand():
    a = torch.tensor([[1.0, 2, 3], [1.0, 2, 3], [0.0, 1, 0]])
    b = torch.tensor([[5.0, 7, 9], [3.0, 2, 1], [1.0, 0, -1]])
    torch.testing.assert_close(correlation(a, b), torch.tensor([1.0, -1.0, 0.0]))


@pytest.fixture
def given_queries():
    """An attention layer of two heads over width 4 whose first head scores q_i k_j as told, by matrices: make(Wq, Wk)."""

    def make(Wq, Wk):
        attn = Attention(4, num_heads=2)
        with torch.no_grad():
            attn.qkv.bias.zero_()
            attn.qkv.weight.zero_()
            attn.qkv.weight[0:2, :2], attn.qkv.weight[4:6, :2] = Wq, Wk  # the first head's two rows
            attn.qkv.weight[2:4, :2] = torch.eye(2)  # the second head: Q = K = x
            attn.qkv.weight[6:8, :2] = torch.eye(2)
        return attn

    return make


def circle(n):
    """Tokens on the unit circle, not evenly spaced: (1, n, 4), two numbers of each 0."""
    angle = torch.linspace(0, 2, n) ** 1.5
    return torch.stack([angle.cos(), angle.sin(), 0 * angle, 0 * angle], dim=-1)[None]


def test_heads_that_score_likeness_its_opposite_and_a_turn(given_queries):
    x = circle(9)
    with torch.no_grad():
        found = head_scores(x, given_queries(torch.eye(2), -torch.eye(2)))
        assert found["likeness"].shape == (1, 2)
        torch.testing.assert_close(found["likeness"], torch.tensor([[-1.0, 1.0]]))
        torch.testing.assert_close(found["own_first"], torch.tensor([[0.0, 1.0]]))
        torch.testing.assert_close(found["mutual"], torch.tensor([[1.0, 1.0]]))
        turn = torch.tensor([[0.0, 1], [-1, 0]])  # a quarter: s_ij = -s_ji
        found = head_scores(x, given_queries(turn, torch.eye(2)))
        assert found["mutual"][0, 0].item() == pytest.approx(-1)
        scores = (x[0, :, :2] @ turn.T) @ x[0, :, :2].T / 2**0.5
        torch.testing.assert_close(found["spread"][0, 0], scores.std(dim=1).mean())


def test_every_block_is_asked_with_its_own_tokens(small_vit):
    images = torch.rand(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    found = all_head_scores(small_vit, images)
    assert {name: values.shape for name, values in found.items()} == dict.fromkeys(found, (2, 3, 2))
    with torch.no_grad():
        x, _ = small_vit.blocks[0](small_vit.embed(images))
        second = head_scores(small_vit.blocks[1].norm1(x), small_vit.blocks[1].attn)
    for name, values in second.items():
        torch.testing.assert_close(found[name][:, 1], values)
