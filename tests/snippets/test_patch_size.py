import pytest
import torch
import torch.nn.functional as F
from patch_size import (
    lost_share,
    misfits,
    pi_resize,
    reach,
    resize_matrix,
    shrink,
    stretch,
    with_patch_size,
)
from vit import VisionTransformer


def small(img_size=16, patch_size=4):
    torch.manual_seed(0)
    return VisionTransformer(
        img_size=img_size, patch_size=patch_size, num_classes=5, embed_dim=16, depth=2, num_heads=2
    )


@pytest.mark.parametrize("old, new", [(4, 8), (8, 16), (8, 6), (3, 5)])
def test_resize_matrix_is_the_resizing(old, new):
    patches = torch.randn(3, old, old)
    resized = F.interpolate(patches[:, None], size=(new, new), mode="bilinear", antialias=True).flatten(1)
    B = resize_matrix(old, new)
    assert B.shape == (new * new, old * old)
    torch.testing.assert_close(patches.flatten(1) @ B.T, resized)
    torch.testing.assert_close(B.sum(dim=1), torch.ones(new * new))


@pytest.mark.parametrize("new", [8, 12, 16])
def test_pi_resize_gives_enlarged_patches_the_tokens_of_the_small_ones(new):
    weight, patches = torch.randn(16, 3, 8, 8), torch.randn(10, 3, 8, 8)
    larger = (patches.flatten(2) @ resize_matrix(8, new).T).unflatten(2, (new, new))
    before = torch.einsum("dcyx,bcyx->bd", weight, patches)
    torch.testing.assert_close(
        torch.einsum("dcyx,bcyx->bd", pi_resize(weight, new), larger), before, rtol=1e-3, atol=1e-3
    )


def test_a_stretched_weight_makes_flat_patches_four_times_as_strong():
    weight = torch.randn(16, 3, 4, 4)
    flat = torch.ones(3)[:, None, None]
    before = (weight * flat).sum(dim=(1, 2, 3))
    torch.testing.assert_close((stretch(weight, 8) * flat).sum(dim=(1, 2, 3)), 4 * before, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close((pi_resize(weight, 8) * flat).sum(dim=(1, 2, 3)), before, rtol=1e-3, atol=1e-3)


def test_with_patch_size_leaves_the_model_as_it_was():
    model = small().eval()
    images = torch.randn(2, 3, 16, 16)
    before = model(images)
    doubled = with_patch_size(model, 8, pi_resize)
    assert torch.equal(model(images), before) and model.patch_embed.patch_size == 4
    assert doubled.embed(torch.randn(2, 3, 32, 32)).shape == (2, 17, 16)
    larger = F.interpolate(
        images.reshape(2, 3, 4, 4, 4, 4).transpose(3, 4).reshape(-1, 3 * 16, 4, 4),
        size=(8, 8),
        mode="bilinear",
        antialias=True,
    )  # each patch enlarged by itself
    larger = larger.reshape(2, 3, 4, 4, 8, 8).transpose(3, 4).reshape(2, 3, 32, 32)
    torch.testing.assert_close(doubled(larger), before, rtol=1e-3, atol=1e-3)


def test_misfits():
    weights = small().state_dict()
    assert misfits(weights, small()) == []
    assert misfits(weights, small(img_size=32)) == ["pos_embed"]
    assert misfits(weights, small(img_size=32, patch_size=8)) == ["patch_embed.proj.weight"]
    assert set(misfits(weights, small(patch_size=8))) == {"pos_embed", "patch_embed.proj.weight"}


def test_reach_of_the_projection_is_its_patch():
    model = small()
    assert reach(model, 16, blocks=0) == 1 / 16
    assert reach(model, 32, blocks=0) == 1 / 64
    assert reach(model, 16, blocks=1) == 1


def test_lost_share_by_hand():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(50, 1, 8, 8, generator=generator)
    assert lost_share(images, 4, 16) == 0 and lost_share(images, 4, 20) == 0
    flat = images[:, :, ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3)  # one value a patch
    assert lost_share(flat, 4, 1) == pytest.approx(0, abs=1e-6)
    assert 0.3 < lost_share(images, 4, 8) < 0.5  # noise: a bit less than half of 16 equal directions
    assert lost_share(images, 4, 4) > lost_share(images, 4, 8)


def test_shrink_averages_blocks_and_tells_no_stripes_apart():
    images = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert shrink(images, 2).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    upright = torch.tensor([-1.0, 1.0]).repeat(4, 2)[None, None]
    assert torch.equal(shrink(upright, 2), shrink(upright.transpose(2, 3), 2))
