import finetune_resolution
import pytest
import scenes
import torch
from finetune_resolution import draw, halve, shares, size_of, start, tune
from lib.measure import relative_error
from train_vit import load_trained


def test_halved_letters_are_half_as_large_where_they_were():
    scene = scenes.sample(20, seed=1)
    small = halve(scene)
    ends = [each["strokes"].unflatten(2, (2, 2)).flatten(1, 2) for each in (scene, small)]  # (n, 4, 2)
    spans = [each.amax(1) - each.amin(1) for each in ends]
    torch.testing.assert_close(spans[1], spans[0] / 2)
    torch.testing.assert_close(small["width"], scene["width"] / 2)
    assert torch.equal(small["bars"], scene["bars"])  # the distractors stay
    middle = (scene["boxes"][:, :2] + scene["boxes"][:, 2:]) / 2
    torch.testing.assert_close((ends[1].amax(1) + ends[1].amin(1)) / 2, middle, atol=1e-5, rtol=0)


@pytest.mark.parametrize("key, tokens", [("base", 64), ("pi", 64), ("bicubic", 256), ("line", 256), ("same", 256)])
def test_starts_cut_their_images_into_as_many_tokens(key, tokens):
    model, images = start(key), draw(2, size_of(key), seed=1)[0]
    assert images.shape[-1] == size_of(key)
    assert model.embed(images).shape == (2, 1 + tokens, 64)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_pi_starts_as_the_trained_model_on_enlarged_patches():
    images = draw(2, 64, seed=1)[0]
    patches = images.unflatten(3, (8, 8)).unflatten(2, (8, 8)).permute(0, 1, 2, 4, 3, 5)  # (n, 3, 8, 8, 8, 8)
    larger = torch.nn.functional.interpolate(
        patches.reshape(-1, 1, 8, 8), scale_factor=2, mode="bilinear", antialias=True
    )
    larger = larger.reshape(2, 3, 8, 8, 16, 16).permute(0, 1, 2, 4, 3, 5).reshape(2, 3, 128, 128)
    with torch.no_grad():
        assert relative_error(start("pi")(larger), load_trained()(images)) < 1e-3


def test_tune_changes_the_model_and_gives_the_losses(monkeypatch):
    monkeypatch.setattr(finetune_resolution, "BATCH", 2)
    model = start("base")
    before = model.head.weight.clone()
    losses = tune(model, "base", seed=0, until=2)
    assert len(losses) == 2 and losses[0] != losses[1]
    assert not torch.equal(model.head.weight, before)


def test_shares_are_of_each_seeds_own_scenes():
    kept = {}
    for seed in finetune_resolution.SEEDS:
        labels = scenes.sample(finetune_resolution.TESTED, 700 + seed)["labels"]
        right = torch.nn.functional.one_hot(labels, 6).half()
        right[: 20 * seed] = right[: 20 * seed].roll(1, dims=1)  # so many named wrongly
        kept[f"base.{seed}.after"] = right
    found = shares(kept, "base", "after")
    assert found == pytest.approx([1 - 20 * seed / finetune_resolution.TESTED for seed in finetune_resolution.SEEDS])
