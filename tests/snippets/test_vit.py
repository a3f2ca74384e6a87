"""What the runs of vit, scenes and train_vit do not show: checkpoints of timm, other sizes, errors, gradients."""

import pytest
import torch
import torch.nn.functional as F
from vit import Attention, VisionTransformer, resample_abs_pos_embed, sincos_pos_embed, vit

torch.set_num_threads(1)  # two threads on two busy cores are many times slower than one

TIMM_BLOCK = """
    norm1.weight norm1.bias attn.qkv.weight attn.qkv.bias attn.proj.weight attn.proj.bias
    norm2.weight norm2.bias mlp.fc1.weight mlp.fc1.bias mlp.fc2.weight mlp.fc2.bias
""".split()
TIMM_SHAPES = {  # vit_tiny_patch16_224, in timm's order
    "cls_token": (1, 1, 192),
    "pos_embed": (1, 197, 192),
    "patch_embed.proj.weight": (192, 3, 16, 16),
    "patch_embed.proj.bias": (192,),
    **{
        f"blocks.{i}.{name}": shape
        for i in range(12)
        for name, shape in zip(
            TIMM_BLOCK,
            [
                (192,),
                (192,),
                (576, 192),
                (576,),
                (192, 192),
                (192,),
                (192,),
                (192,),
                (768, 192),
                (768,),
                (192, 768),
                (192,),
            ],
        )
    },
    "norm.weight": (192,),
    "norm.bias": (192,),
    "head.weight": (1000, 192),
    "head.bias": (1000,),
}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return VisionTransformer(img_size=32, patch_size=8, num_classes=5, embed_dim=32, depth=3, num_heads=4).eval()


def test_timm_checkpoint_loads_strictly():
    with torch.device("meta"):
        model = vit("Ti/16")
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == TIMM_SHAPES
    model.load_state_dict({name: torch.empty(shape, device="meta") for name, shape in TIMM_SHAPES.items()}, strict=True)


def test_sizes_by_name():
    with torch.device("meta"):
        model = vit("B/32", num_classes=10, pos_embed="none")
    assert model.patch_embed.proj.weight.shape == (768, 3, 32, 32)
    assert len(model.blocks) == 12 and model.blocks[0].attn.num_heads == 12
    assert model.head.out_features == 10 and model.pos_embed is None
    with pytest.raises(KeyError):
        vit("XL/16")


def test_maps_of_all_blocks(model):
    logits, attn = model(torch.randn(2, 3, 32, 32), return_attn=True)
    assert logits.shape == (2, 5) and attn.shape == (2, 3, 4, 17, 17)
    torch.testing.assert_close(attn.sum(-1), torch.ones(2, 3, 4, 17))


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (16, 48), (8, 8)])
def test_any_size_and_both_paths(model, size):
    x = torch.randn(2, 3, *size)
    logits, attn = model(x, return_attn=True)
    assert attn.shape[-1] == 1 + size[0] * size[1] // 64
    torch.testing.assert_close(model(x), logits)


def test_attention_is_that_of_torch():
    torch.manual_seed(0)
    ours, theirs = Attention(32, num_heads=4), torch.nn.MultiheadAttention(32, 4, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.qkv.weight,
            "in_proj_bias": ours.qkv.bias,
            "out_proj.weight": ours.proj.weight,
            "out_proj.bias": ours.proj.bias,
        }
    )
    x = torch.randn(2, 7, 32)
    z, attn = ours(x, return_attn=True)
    expected_z, expected_attn = theirs(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(z, expected_z)
    torch.testing.assert_close(attn, expected_attn)


def test_unchanged_grid_keeps_positions_exactly(model):
    assert torch.equal(resample_abs_pos_embed(model.pos_embed, (4, 4)), model.pos_embed)


@pytest.mark.parametrize("prefix", [0, 1, 2])
def test_resampling_is_that_of_an_image(prefix):
    pos_embed = torch.randn(1, prefix + 16, 6)
    new = resample_abs_pos_embed(pos_embed, (5, 9), num_prefix_tokens=prefix)
    assert torch.equal(new[:, :prefix], pos_embed[:, :prefix])
    image = pos_embed[0, prefix:].T.reshape(1, 6, 4, 4)
    expected = F.interpolate(image, (5, 9), mode="bicubic", antialias=True)
    torch.testing.assert_close(new[0, prefix:].T.reshape(1, 6, 5, 9), expected)


def test_resampling_keeps_the_dtype():
    assert resample_abs_pos_embed(torch.randn(1, 17, 4).bfloat16(), (6, 6)).dtype == torch.bfloat16


def test_a_grid_that_is_no_square_is_read_as_it_was_written():
    """16 positions may be 4 x 4 or 2 x 8: only old_size tells."""
    pos_embed = torch.cat([torch.full((1, 1, 1), 9.0), torch.arange(8.0).repeat(2)[None, :, None]], dim=1)
    assert torch.equal(resample_abs_pos_embed(pos_embed, (2, 8), old_size=(2, 8)), pos_embed)
    square = resample_abs_pos_embed(pos_embed, (4, 4), old_size=(2, 8))
    assert square[0, 0] == 9 and not torch.equal(square, pos_embed)
    assert (square[0, 1:, 0].reshape(4, 4).diff(dim=0).abs() < 1e-5).all(), "the columns run along a row as before"
    with pytest.raises(RuntimeError):
        resample_abs_pos_embed(pos_embed, (4, 4), old_size=(3, 5))


@pytest.mark.parametrize("pos_embed", ["learn", "sincos", "none"])
def test_gradient_reaches_every_parameter(pos_embed):
    torch.manual_seed(0)
    model = VisionTransformer(32, 8, num_classes=5, embed_dim=32, depth=2, num_heads=4, pos_embed=pos_embed)
    model(torch.randn(2, 3, 32, 32)).square().sum().backward()
    for name, parameter in model.named_parameters():
        if name.endswith("attn.qkv.bias"):  # adding one vector to all keys changes no softmax, so its gradient is 0
            q, k, v = parameter.grad.chunk(3)
            assert q.abs().sum() > 0 and v.abs().sum() > 0, name
        else:
            assert parameter.grad.abs().sum() > 0, name
    assert ("pos_embed" in dict(model.named_parameters())) == (pos_embed == "learn")


def test_sincos_is_fixed_and_two_dimensional():
    pos = sincos_pos_embed(4, 16)[0]
    assert pos.shape == (17, 16) and (pos[0] == 0).all()
    grid = pos[1:].reshape(4, 4, 16)
    assert torch.equal(grid[0, :, :8], grid[3, :, :8])  # the first half tells the column alone
    assert torch.equal(grid[:, 0, 8:], grid[:, 3, 8:])  # the second half the row
    assert len({tuple(vector.tolist()) for vector in pos[1:]}) == 16
    model = VisionTransformer(img_size=32, patch_size=8, embed_dim=16, depth=1, num_heads=2, pos_embed="sincos")
    assert torch.equal(model.state_dict()["pos_embed"][0], pos)


def test_wrong_sizes_are_named(model):
    with pytest.raises(ValueError, match="30x32 px cannot be cut into patches of 8 px"):
        model(torch.randn(1, 3, 30, 32))
    with pytest.raises(ValueError, match="img_size 30"):
        VisionTransformer(img_size=30, patch_size=8)
    with pytest.raises(ValueError, match="num_heads 5"):
        VisionTransformer(embed_dim=32, num_heads=5)
    with pytest.raises(ValueError, match="divisible by 4"):
        VisionTransformer(embed_dim=18, num_heads=2, pos_embed="sincos")
    with pytest.raises(ValueError, match="'rotary'"):
        VisionTransformer(embed_dim=32, num_heads=2, depth=1, pos_embed="rotary")


def test_export_takes_other_sizes(model):
    class Maps(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x, return_attn=True)

    rows, columns = torch.export.Dim("rows", min=2, max=32), torch.export.Dim("columns", min=2, max=32)
    program = torch.export.export(Maps(), (torch.randn(1, 3, 48, 64),), dynamic_shapes=({2: 8 * rows, 3: 8 * columns},))
    for size in [(32, 32), (64, 64), (16, 40)]:
        x = torch.randn(1, 3, *size)
        with torch.no_grad():
            torch.testing.assert_close(program.module()(x), model(x, return_attn=True))
