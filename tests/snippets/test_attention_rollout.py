import pytest
import torch
from attention_rollout import (
    cls_map,
    cls_map_by_sqrt,
    last_layer,
    patches_in_box,
    peak_in_box,
    product_without_identity,
    reversed_rollout,
    rollout,
)


def maps(depth=3, heads=2, N=5, batch=(), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*batch, depth, heads, N, N, generator=generator).softmax(dim=-1)


def test_two_layers_of_three_tokens_by_hand():
    first = torch.tensor([[0.0, 1, 0], [0, 1, 0], [0.5, 0, 0.5]])
    last = torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 0, 1]])
    # A1 = [[1/2, 1/2, 0], [0, 1, 0], [1/4, 0, 3/4]], A2 = [[1/2, 0, 1/2], [1/2, 1/2, 0], [0, 0, 1]], and A2 A1 =
    by_hand = torch.tensor([[0.375, 0.25, 0.375], [0.25, 0.75, 0.0], [0.25, 0.0, 0.75]])
    assert torch.equal(rollout(torch.stack([first, last])[:, None]), by_hand)
    assert not torch.allclose(rollout(torch.stack([last, first])[:, None]), by_hand)  # A1 A2 is another matrix


def test_what_goes_over_two_layers_arrives_in_one_order_only():
    cls, tree, sky = torch.eye(3)  # the row of a token that looks at that one
    maps = torch.stack([torch.stack([cls, sky, sky]), torch.stack([tree, tree, sky])])[:, None]
    assert rollout(maps)[0].tolist() == [0.5, 0.25, 0.25]
    assert reversed_rollout(maps)[0].tolist() == [0.5, 0.5, 0]


def test_token_that_attends_to_itself_alone_stays_itself():
    eye = torch.eye(4).expand(6, 3, 4, 4)
    assert torch.equal(rollout(eye), torch.eye(4))
    assert torch.equal(product_without_identity(eye), torch.eye(4))


def test_one_layer_is_half_attention_half_identity():
    attn = maps(depth=1)
    torch.testing.assert_close(rollout(attn), 0.5 * last_layer(attn) + 0.5 * torch.eye(5))
    torch.testing.assert_close(product_without_identity(attn), last_layer(attn))


def test_uniform_attention_leaves_the_identity_a_share_of_half_to_the_depth():
    uniform = torch.full((4, 2, 5, 5), 1 / 5)
    torch.testing.assert_close(rollout(uniform), torch.eye(5) / 2**4 + (1 - 1 / 2**4) / 5)


def test_any_leading_axes_give_the_same_numbers():
    attn = maps(batch=(2, 3))
    together = rollout(attn)
    assert together.shape == (2, 3, 5, 5)
    torch.testing.assert_close(together[1, 2], rollout(attn[1, 2]))
    torch.testing.assert_close(together.sum(-1), torch.ones(2, 3, 5))


def test_heads_are_averaged_before_they_are_multiplied():
    attn = maps()
    torch.testing.assert_close(rollout(attn), rollout(attn.mean(dim=1, keepdim=True)))
    per_head = rollout(attn.transpose(0, 1).unsqueeze(2)).mean(0)  # each head rolled out by itself, then averaged
    assert (rollout(attn) - per_head).abs().max() > 1e-4


@pytest.mark.parametrize("grid", [(3, 3), (2, 6), (6, 2), (1, 7)])
@pytest.mark.parametrize("prefix", [1, 2, 5])
def test_cls_map_keeps_rows_and_columns(grid, prefix):
    N = prefix + grid[0] * grid[1]
    joint = torch.arange(N * N).float().reshape(N, N)
    heat = cls_map(joint, grid, prefix)
    assert heat.shape == grid
    assert heat[0, 0] == prefix and heat[-1, -1] == N - 1 and heat[0, -1] == prefix + grid[1] - 1


def test_cls_map_refuses_a_grid_of_another_size():
    with pytest.raises(RuntimeError):
        cls_map(torch.rand(10, 10), (2, 4))


def test_the_shortcut_fails_loudly_or_quietly():
    assert torch.equal(cls_map_by_sqrt(torch.eye(17)), cls_map(torch.eye(17), (4, 4)))
    with pytest.raises(RuntimeError):
        cls_map_by_sqrt(torch.rand(18, 18))  # one more prefix token
    assert cls_map_by_sqrt(torch.rand(37, 37)).shape == (6, 6)  # a grid of 4 x 9, and no error


def test_patches_in_box_by_hand():
    boxes = torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 1.0, 0.25], [0.3, 0.3, 0.31, 0.31]])
    inside = patches_in_box(boxes, (4, 2))  # centres: y .125 .375 .625 .875, x .25 .75
    assert inside[0].tolist() == [[True, False], [True, False], [False, False], [False, False]]
    assert inside[1].tolist() == [[False, True]] + [[False, False]] * 3
    assert not inside[2].any()


def test_peak_in_box_by_hand():
    inside = patches_in_box(torch.tensor([[0.0, 0.0, 0.5, 1.0]] * 2), (2, 2))
    heat = torch.tensor([[[0.1, 0.2], [0.9, 0.3]], [[0.1, 0.9], [0.2, 0.3]]])
    assert peak_in_box(heat, inside).tolist() == [True, False]
