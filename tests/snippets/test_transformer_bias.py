import scenes
import torch
from lib.measure import accuracy
from torch import nn
from train_vit import PATCH, SIZE, build
from transformer_bias import (
    GRID,
    MAKE,
    answers,
    digit_cnn,
    digit_vit,
    equivariance_error,
    everywhere,
    learn,
    likeness,
    moved_accuracy,
    place,
    relative_error,
    roll_tokens,
    seen_tokens,
    shown,
    shuffled,
    shuffled_pixels,
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


def test_digits_stay_whole_for_a_shift_of_one_patch():
    digits = torch.rand(3, 1, 8, 8)
    for dy, dx in ((0, 4), (4, 0), (-4, 0), (0, 0)):
        x = place(digits, dy, dx)
        assert x.shape == (3, 1, 16, 16) and torch.equal(x[..., 4 + dy : 12 + dy, 4 + dx : 12 + dx], digits)


def test_everywhere_is_each_place_once_with_its_labels():
    digits, labels = torch.rand(3, 1, 8, 8) + 1, torch.tensor([3, 1, 2])
    images, again = shown("anywhere", digits, labels)
    assert torch.equal(images, everywhere(digits)) and len(images) == len(again) == 81 * 3
    assert len(images.flatten(1).unique(dim=0)) == 81 * 3
    assert torch.equal(again[:6], torch.tensor([3, 1, 2, 3, 1, 2]))
    assert torch.equal(images[3 * 40 : 3 * 41], place(digits))  # (0, 0) stands in the middle of the 81


def test_shuffled_pixels_are_the_same_pixels_in_one_order():
    images = torch.rand(2, 1, 16, 16)
    mixed = shuffled_pixels(images)
    assert torch.equal(mixed, shuffled_pixels(images)) and not torch.equal(mixed, images)
    assert torch.equal(mixed.flatten(1).sort().values, images.flatten(1).sort().values)
    one = shuffled_pixels(torch.arange(256.0).view(1, 1, 16, 16)).long().flatten()
    assert torch.equal(mixed.flatten(1), images.flatten(1)[:, one])
    assert torch.equal(
        shown("vit_shuffled", images[..., :8, :8], torch.zeros(2))[0], shuffled_pixels(place(images[..., :8, :8]))
    )


def test_digit_vit_without_position_does_not_know_which_patch_is_where():
    digits = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        for position, same in ((None, True), (0.5, False)):
            model = digit_vit(0, position).eval()
            assert (relative_error(model(place(digits, dx=4)), model(place(digits))) < 1e-5) == same
    assert abs(digit_vit(0).pos_embed.std() - 0.02) < 0.005
    assert PATCH * GRID == SIZE


def test_digit_cnn_says_the_same_wherever_the_digit_stands():
    digits, model = torch.rand(3, 1, 8, 8), digit_cnn(0)
    with torch.no_grad():
        for dy, dx in ((0, 1), (3, -2), (-4, 4)):
            assert relative_error(model(place(digits, dy, dx)), model(place(digits))) < 1e-5


def test_moved_accuracy_is_the_mean_of_four_ways():
    class Right(nn.Module):
        """Right of digits that stand to the right of the middle."""

        def forward(self, x):
            right = x[..., 8:].sum((1, 2, 3)) > x[..., :8].sum((1, 2, 3)) + 1e-3
            return torch.stack([~right, right], dim=1).float()

    digits, labels = torch.ones(5, 1, 8, 8), torch.ones(5, dtype=torch.long)
    assert accuracy(Right(), place(digits, dx=2), labels) == 1
    assert moved_accuracy(Right(), digits, labels, 2) == 0.25
    assert moved_accuracy(Right(), digits, labels, 0) == 0


def test_answers_are_named_by_condition_and_shift():
    digits, labels = torch.rand(4, 1, 8, 8), torch.zeros(4, dtype=torch.long)

    def zero(x):  # sure of a 0 where the middle is the brightest
        return (x.flatten(1).argmax(1) == 8 * 16 + 8).float()[:, None] * torch.eye(10)[0] + torch.eye(10)[1] / 2

    bright = digits.clone()
    bright[..., 4, 4] = 9
    assert answers("cnn", zero, bright, labels, (0, 2)) == {"cnn_0px": 1, "cnn_2px": 0}
    assert set(answers("cnn", zero, bright, labels)) == {f"cnn_{s}px" for s in range(5)}
    assert answers("cnn_shuffled", zero, bright, labels) == {"cnn_shuffled": 0}


def test_learning_starts_from_the_seed_and_moves(monkeypatch):
    monkeypatch.setattr("transformer_bias.STEPS", 2)
    images, labels = shown("cnn", torch.rand(4, 1, 8, 8), torch.arange(4))
    first, a, b = digit_cnn(3), *(learn("cnn", 0.01, 3, images, labels) for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters()))
    assert any(not torch.equal(p, q) for p, q in zip(a.parameters(), first.parameters()))
    assert set(MAKE) >= {"cnn", "anywhere", "anywhere_longer"}
