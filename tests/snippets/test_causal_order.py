import pytest
import torch
from causal_order import ORDERS, last_changes, place_difference, stack


def tokens(n=4, seed=0):
    return torch.randn(n, 64, generator=torch.Generator().manual_seed(seed)).double() * 64**-0.25


def test_orders_move_all_but_the_last():
    assert len({tuple(order.tolist()) for order in ORDERS}) == 5
    assert (ORDERS[:, -1] == 3).all() and [0, 1, 2, 3] not in ORDERS.tolist()
    assert torch.equal(ORDERS.sort(dim=1).values, torch.arange(4).expand(5, 4))


def test_a_layer_by_hand():
    x = tokens()
    expected = torch.empty_like(x)
    for t in range(4):
        weights = (x[: t + 1] @ x[t] / 64**0.5).softmax(0)
        expected[t] = x[t] + weights @ x[: t + 1]
    torch.testing.assert_close(stack(x[None], 1)[0], expected)
    torch.testing.assert_close(stack(x[None], 2), stack(stack(x[None], 1), 1))


@pytest.mark.parametrize("layers, is_causal, knows", [(1, True, False), (2, True, True), (2, False, False)])
def test_the_last_token_knows_the_order_after_two_causal_layers(layers, is_causal, knows):
    changes = last_changes(tokens(), layers, is_causal)
    assert changes.shape == (5,)
    assert (changes > 1e-3).all() if knows else (changes < 1e-12).all()


def test_places_differ_only_if_the_tokens_do():
    x = tokens()
    assert place_difference(x[:1].expand(4, -1), 3) < 1e-12
    assert place_difference(x, 1) > 0.1
