import class_token
import pytest
import torch
from lib.digits import small_vit
from vit import Attention


def test_global_pool_has_no_class_token():
    model, x = small_vit(0, class_token.GlobalPool), torch.randn(2, 1, 8, 8)
    model(x).sum().backward()
    assert model.cls_token.grad is None
    assert model.pos_embed.grad[:, 0].abs().max() == 0 and model.pos_embed.grad[:, 1:].abs().min() > 0


def test_global_pool_without_positions_ignores_the_order_of_patches():
    model, x = small_vit(0, class_token.GlobalPool), torch.randn(2, 1, 8, 8)
    with torch.no_grad():
        model.pos_embed.zero_()
        assert torch.allclose(model(x), model(x.roll(2, dims=3)), atol=1e-5)  # by one patch


def test_one_way_attention_hides_the_class_token_from_the_patches_alone():
    torch.manual_seed(0)
    attn, x = class_token.OneWayAttention(8, num_heads=2), torch.randn(1, 5, 8)
    jacobian = torch.autograd.functional.jacobian(lambda x: attn(x)[0][0], x)[:, :, 0].norm(dim=(1, 3))  # (N, N)
    assert (jacobian[1:, 0] == 0).all()
    assert (jacobian[0] > 0).all() and (jacobian[1:, 1:] > 0).all()


def test_one_way_attention_is_attention_for_the_class_token():
    torch.manual_seed(0)
    attn, x = class_token.OneWayAttention(8, num_heads=2), torch.randn(2, 5, 8)
    plain = Attention(8, num_heads=2)
    plain.load_state_dict(attn.state_dict())
    assert torch.allclose(attn(x)[0][:, 0], plain(x)[0][:, 0], atol=1e-6)
    assert torch.allclose(attn(x)[0][:, 1:], plain(x[:, 1:])[0], atol=1e-6)


def test_one_way_puts_its_attention_into_every_block():
    assert all(isinstance(block.attn, class_token.OneWayAttention) for block in small_vit(0, class_token.OneWay).blocks)


def test_readout_finds_a_line_and_r2_scores_it():
    x, test_x = torch.randn(50, 3), torch.randn(20, 3)
    line = lambda x: x @ torch.tensor([[1.0, 2], [0, -1], [3, 0]]) + torch.tensor([5.0, -4])  # noqa: E731
    assert class_token.r2(class_token.readout(x, line(x), test_x), line(test_x)) == pytest.approx(1, abs=1e-5)
    assert class_token.r2(line(test_x).mean(dim=0).expand(20, 2), line(test_x)) == pytest.approx(0, abs=1e-6)


def test_the_last_of_cls_by_depth_makes_the_logits():
    model, x = small_vit(0), torch.randn(3, 1, 8, 8)
    states = class_token.cls_by_depth(model, x)
    assert len(states) == 3
    assert torch.allclose(model.head(model.norm(states[-1])), model(x), atol=1e-6)


def test_influence_of_a_block_that_mixes_nothing_is_diagonal():
    block = small_vit(0).blocks[0]
    torch.nn.init.zeros_(block.attn.proj.weight)
    strength = class_token.influence(block, torch.randn(4, 32))
    assert (strength - strength.diag().diag()).abs().max() == 0 and strength.diag().min() > 0


def test_contents_are_read_by_place_and_by_seed():
    digit, image = class_token.contents([small_vit(seed) for seed in class_token.SEEDS])
    assert digit.keys() == image.keys() == {0, 1, 2}
    assert all(len(values) == len(class_token.SEEDS) for values in (*digit.values(), *image.values()))
    assert max(digit[0]) < 0.2 and max(image[0]) < 0.01  # before the blocks it is the same vector for every image
