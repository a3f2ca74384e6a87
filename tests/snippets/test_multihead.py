import multihead
import pytest
import torch
from torch import nn


def make(num_heads, dim=24):
    torch.manual_seed(0)
    return multihead.MultiHeadAttention(dim, num_heads), torch.randn(2, 7, dim)


@pytest.mark.parametrize("num_heads", [1, 2, 4])
def test_all_heads_at_once_agree_with_torch(num_heads):
    model, x = make(num_heads)
    reference = nn.MultiheadAttention(24, num_heads, batch_first=True)
    reference.load_state_dict(
        {
            "in_proj_weight": model.qkv.weight,
            "in_proj_bias": model.qkv.bias,
            "out_proj.weight": model.proj.weight,
            "out_proj.bias": model.proj.bias,
        }
    )
    y, attn = model(x)
    expected_y, expected_attn = reference(x, x, x, average_attn_weights=False)
    assert torch.allclose(y, expected_y, atol=1e-6)
    assert torch.allclose(attn, expected_attn, atol=1e-6)


@pytest.mark.parametrize("num_heads", [1, 2, 4])
def test_heads_one_by_one_agree_with_all_at_once(num_heads):
    model, x = make(num_heads)
    heads = multihead.heads_one_by_one(model, x)
    assert [tuple(head.shape) for head in heads] == [(2, 7, 24 // num_heads)] * num_heads
    assert torch.allclose(model.proj(torch.cat(heads, dim=-1)), model(x)[0], atol=1e-6)


def test_one_head_keeps_the_weights_and_changes_the_result():
    model, x = make(num_heads=4)
    joint = multihead.as_one_head(model, keep_scale=False)
    assert joint(x)[1].shape == (2, 1, 7, 7)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), joint.parameters(), strict=True))
    assert multihead.relative_error(joint(x)[0], model(x)[0]) > 0.01


def test_one_head_can_keep_the_scale_of_a_head():
    model, x = make(num_heads=4)
    q, k, v = model.qkv(x).chunk(3, dim=-1)
    expected = model.proj((q @ k.mT / 6**0.5).softmax(dim=-1) @ v)  # a head has 6 of 24
    torch.testing.assert_close(multihead.as_one_head(model)(x)[0], expected)


def test_along_the_head_axis_heads_stay_apart_and_along_the_last_they_do_not():
    q, k, v = torch.randn(3, 4, 2, 1, 7, 6).unbind(0)  # 4 heads of (B, 1, N, d)
    heads = list(zip(q, k, v, strict=True))
    alone = torch.cat([multihead.concatenated([head], dim=1) for head in heads], dim=1)
    torch.testing.assert_close(multihead.concatenated(heads, dim=1), alone)
    scores = sum(a @ b.mT for a, b, _ in heads) / 6**0.5
    expected = scores.softmax(dim=-1) @ torch.cat(list(v), dim=-1)
    torch.testing.assert_close(multihead.concatenated(heads, dim=3), expected)


def test_one_head_of_one_head_is_itself():
    model, x = make(num_heads=1)
    assert torch.equal(multihead.as_one_head(model)(x)[0], model(x)[0])


def test_batch_asks_for_the_tokens_before_and_after():
    x, y = multihead.batch(3, length=5, channels=2)
    assert torch.equal(y[:, 2, :2], x[:, 1]) and torch.equal(y[:, 2, 2:], x[:, 3])
    assert torch.equal(y[:, 0, :2], x[:, 4]) and torch.equal(y[:, 4, 2:], x[:, 0])


def test_weight_at_reads_a_map_around_the_ring():
    after = torch.eye(6).roll(1, dims=1)  # row i looks at i + 1
    maps = torch.stack([after, after.T])
    assert multihead.weight_at(maps, 1).tolist() == [1, 0]
    assert multihead.weight_at(maps, -1).tolist() == [0, 1]


def test_favourite_is_that_of_the_lesser_head():
    after = torch.eye(6).roll(1, dims=1)
    assert multihead.favourite(torch.stack([after, 0.5 * after + 0.25 * (after.T + torch.eye(6))])) == 0.5


def test_two_heads_learn_what_one_map_cannot():
    torch.set_num_threads(1)
    (_, two), (_, one) = (multihead.train(num_heads, seed=3) for num_heads in (2, 1))
    assert two < 0.05 < 0.4 < one
