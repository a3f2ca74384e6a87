import scenes
import torch
from train_vit import PATCH, SIZE, build
from transformer_bias import (
    GRID,
    digit_vit,
    equivariance_error,
    likeness,
    pan,
    place,
    relative_error,
    roll_tokens,
    roomy,
    seen_tokens,
    shuffled,
)


def test_roll_tokens_moves_right_on_the_grid():
    x = torch.arange(GRID**2).float().reshape(1, -1, 1)
    moved = roll_tokens(x, 1).reshape(GRID, GRID)
    assert torch.equal(moved, x.reshape(GRID, GRID).roll(1, 1))
    assert torch.equal(roll_tokens(roll_tokens(x, 1), -1), x)


def test_equivariance_error_and_reach_by_hand():
    x = torch.randn(2, GRID**2, 4)
    assert equivariance_error(lambda x: x.cumsum(1), x) > 0.1 and equivariance_error(lambda x: x * 2, x) == 0
    assert seen_tokens(lambda x: x, x[:1]) == 1
    assert seen_tokens(lambda x: x - x.mean(1, keepdim=True), x[:1]) == GRID**2
    assert seen_tokens(lambda x: x.cumsum(1), x[:1]) == GRID**2 // 2 + 1


def test_shuffled_without_a_new_order_is_the_model():
    model, images = build().eval(), scenes.draw(2, SIZE, seed=0)[0]
    with torch.no_grad():
        torch.testing.assert_close(shuffled(model, images, torch.arange(GRID**2)), model(images))


def test_likeness_by_hand():
    row = torch.arange(GRID).float().repeat_interleave(GRID) / GRID * torch.pi  # a half turn from top to bottom
    p = torch.stack([row.cos(), row.sin()], dim=1)
    p = torch.cat([torch.zeros(1, 2), p])[None]
    assert likeness(p, 1, 1.1) > likeness(p, 3, 4) > likeness(p, 6, 7)


def test_pan_moves_every_pixel_and_nothing_else():
    scene = scenes.sample(8, seed=3)
    before, after = scenes.render(scene, SIZE), scenes.render(pan(scene, 5), SIZE)
    torch.testing.assert_close(after[..., 5:], before[..., :-5], atol=1e-4, rtol=0)
    assert not torch.allclose(after, before, atol=0.1)
    assert all(torch.equal(pan(scene, 0)[key], value) for key, value in scene.items())


def test_roomy_scenes_keep_their_letter_in_the_frame():
    scene = roomy(50, seed=0, margin=16)
    assert len(scene["labels"]) == 50 and set(map(len, scene.values())) == {50}
    assert (scene["boxes"][:, 2] + 16 / SIZE < 1).all()
    assert scene["labels"].unique().numel() == len(scenes.CLASSES)


def test_digits_stay_whole_for_a_shift_of_one_patch():
    digits = torch.rand(3, 1, 8, 8)
    for dy, dx in ((0, 4), (4, 0), (-4, 0), (0, 0)):
        x = place(digits, dy, dx)
        assert x.shape == (3, 1, 16, 16) and torch.equal(x[..., 4 + dy : 12 + dy, 4 + dx : 12 + dx], digits)


def test_digit_vit_without_position_does_not_know_which_patch_is_where():
    digits = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        for position, same in ((None, True), (0.5, False)):
            model = digit_vit(0, position).eval()
            assert (relative_error(model(place(digits, dx=4)), model(place(digits))) < 1e-5) == same
    assert abs(digit_vit(0, 0.02).pos_embed.std() - 0.02) < 0.005
    assert PATCH * GRID == SIZE
