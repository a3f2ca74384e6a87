import pytest
import qkv
import torch


@pytest.fixture
def pair():
    """Three Linears, one fused Linear with their weights, and tokens (2, 7, 24)."""
    torch.manual_seed(0)
    three, fused = qkv.ThreeLinears(24, 4), qkv.FusedLinear(24, 4)
    qkv.copy_weights(three, fused)
    return three, fused, torch.randn(2, 7, 24)


def test_fused_and_separate_agree_once_weights_are_copied(pair):
    three, fused, x = pair
    assert qkv.difference(three(x), fused(x)) < 1e-6
    assert [tuple(y.shape) for y in fused(x)] == [(2, 4, 7, 6)] * 3


def test_fused_differs_before_weights_are_copied(pair):
    three, _, x = pair
    assert qkv.difference(three(x), qkv.FusedLinear(24, 4)(x)) > 0.1


def test_head_i_of_the_query_is_the_ith_slice_of_the_projection(pair):
    three, fused, x = pair
    q, _, _ = fused(x)
    assert torch.allclose(q[:, 2], three.to_q(x)[..., 12:18], atol=1e-6)


def test_no_class_is_needed(pair):
    _, fused, x = pair
    assert qkv.difference(qkv.qkv_function(x, fused.qkv.weight, fused.qkv.bias, 4), fused(x)) < 1e-6


def test_wrong_order_has_the_right_shape_and_wrong_numbers(pair):
    _, fused, x = pair
    wrong = qkv.wrong_order(x, fused.qkv.weight, fused.qkv.bias, 4)
    assert wrong.shape == torch.stack(fused(x)).shape
    assert qkv.relative_error(wrong, torch.stack(fused(x))) > 0.5


def test_wrong_order_is_right_for_rows_in_its_own_order(pair):
    _, fused, x = pair
    order = [slot * 24 + head * 6 + i for head in range(4) for slot in range(3) for i in range(6)]
    reordered = qkv.wrong_order(x, fused.qkv.weight[order], fused.qkv.bias[order], 4)
    assert qkv.difference(reordered, fused(x)) < 1e-6


def test_changed_tokens_sees_which_places_a_token_reaches(pair):
    three, _, x = pair
    assert qkv.changed_tokens(lambda x: three(x)[0], x, token=3) == [3]
    mixed = qkv.changed_tokens(lambda x: three.to_q(x).reshape(2, 4, 7, 6), x, token=3)
    assert mixed == [0, 1, 5, 6]  # rows 12 to 15 of the 4 x 7 that reshape fills in order


def test_time_ratio_is_that_of_the_costs(monkeypatch):
    now, costs, turns = [0.0], {"slow": 3e-3, "fast": 1e-3}, []

    def run(name):
        turns.append(name)
        now[0] += costs[name]

    monkeypatch.setattr(qkv.time, "process_time", lambda: now[0])
    ratios = qkv.time_ratios(lambda x: run("slow"), lambda x: run("fast"), None, rounds=5, least=0.005)
    assert ratios == pytest.approx([3] * 5)
    assert turns[30:] == (["slow"] * 6 + ["fast"] * 6) * 5, "after the warm-up in turns, each for `least` seconds"
