import pytest
import torch
from attention_score import DIVISORS, attention, divided_scores, saturation, score_variance
from torch.func import jacrev, vmap


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
