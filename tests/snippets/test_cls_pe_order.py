import pytest
import torch
from cls_pe_order import (
    Appended,
    Misplaced,
    PositionFirst,
    Shifted,
    compared,
    error_of,
    fold,
    misused,
    sgd_step,
    unfold,
)
from lib.digits import small_vit
from vit import VisionTransformer, sincos_pos_embed


def pair(seed=0):
    concat_first, position_first = small_vit(seed), small_vit(seed + 1, PositionFirst)
    torch.nn.init.normal_(concat_first.cls_token), torch.nn.init.normal_(position_first.cls_token)
    return concat_first, position_first


def test_position_first_has_no_entry_for_the_class_token():
    concat_first, position_first = pair()
    assert concat_first.pos_embed.shape == (1, 17, 32) and position_first.pos_embed.shape == (1, 16, 32)
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(position_first.embed(x)[:, 0], position_first.cls_token[0].expand(2, -1))


@pytest.mark.parametrize("H, W", [(8, 8), (12, 12), (4, 8)])
def test_fold_and_unfold_keep_the_logits_at_every_size(H, W):
    concat_first, position_first = pair()
    x = torch.randn(3, 1, H, W)
    logits = concat_first(x), position_first(x)
    other_first, other_concat = small_vit(2, PositionFirst), small_vit(3)
    other_first.load_state_dict(fold(concat_first.state_dict()))
    other_concat.load_state_dict(unfold(position_first.state_dict()))
    assert torch.equal(other_first(x), logits[0]) and torch.equal(other_concat(x), logits[1])


def test_fold_undoes_unfold():
    state = pair()[1].state_dict()
    back = fold(unfold(state))
    assert back.keys() == state.keys() and all(torch.equal(back[name], state[name]) for name in state)


def test_fixed_positions_have_zeros_for_the_class_token_so_that_either_order_is_the_same():
    assert sincos_pos_embed(4, 32)[:, 0].abs().max() == 0


@pytest.mark.parametrize("make, tensors", [(VisionTransformer, 2), (PositionFirst, 1)])
def test_a_step_moves_the_class_tokens_place_once_for_each_tensor_there(make, tensors):
    model = small_vit(0, make)
    x, y = torch.randn(8, 1, 8, 8), torch.randint(10, (8,))
    moved = sgd_step(model, x, y, lr=0.01)
    assert torch.allclose(moved, -0.01 * tensors * model.cls_token.grad[0, 0], atol=1e-6)


def test_the_two_orders_are_one_function_before_training_and_the_dropped_one_is_another():
    (concat_first, position_first, dropped), (one, other, _) = compared(learnt=False)[0]
    x = torch.randn(4, 1, 8, 8)
    assert one == other and torch.equal(concat_first(x), position_first(x))
    assert not torch.allclose(concat_first(x), dropped(x), atol=0.1)
    assert torch.equal(dropped.pos_embed, concat_first.pos_embed[:, 1:])


def test_adding_all_positions_to_the_patches_fails_and_the_error_is_named():
    assert error_of(small_vit(0, Misplaced), torch.randn(1, 1, 8, 8)) == "RuntimeError"
    assert error_of(small_vit(0), torch.randn(1, 1, 8, 8)) == "없음"


def test_a_shifted_model_gives_each_patch_the_position_before_its_own():
    model, x = small_vit(0), torch.randn(2, 1, 8, 8)
    moved, patches = misused(model, Shifted).embed(x), model.patch_embed(x)
    torch.testing.assert_close(moved[:, 1:] - patches, model.pos_embed[:, :-1].expand(2, -1, -1))
    assert torch.equal(moved[:, 0], model.cls_token[0].expand(2, -1))


def test_an_appended_class_token_stands_last_with_the_last_position():
    model, x = small_vit(0), torch.randn(2, 1, 8, 8)
    torch.nn.init.normal_(model.cls_token)
    tokens = misused(model, Appended).embed(x)
    torch.testing.assert_close(tokens[:, -1], (model.cls_token + model.pos_embed[:, -1:])[0].expand(2, -1))
    torch.testing.assert_close(tokens[:, 0], model.patch_embed(x)[:, 0] + model.pos_embed[:, 0])
