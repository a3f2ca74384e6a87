import pytest
import torch
from lib import digits
from sklearn.datasets import load_digits


def test_every_digit_is_in_one_part_and_has_its_label():
    parts = digits.load(seed=3)
    assert [len(labels) for _, labels in parts] == [1000, 297, 500]
    found = sorted(
        (image.flatten().mul(digits.STD).add(digits.MEAN).round().int().tolist(), label.item())
        for images, labels in parts
        for image, label in zip(images, labels)
    )
    data = load_digits()
    assert found == sorted(
        (image.astype(int).flatten().tolist(), int(label)) for image, label in zip(data.images, data.target)
    )


def test_pixels_are_standardised():
    images = torch.cat([images for images, _ in digits.load(seed=0)])
    assert images.mean().item() == pytest.approx(0, abs=1e-3)
    assert images.std().item() == pytest.approx(1, abs=1e-3)


def test_seeds_shuffle_differently_and_again_the_same():
    first, second, again = (digits.load(seed)[0][1] for seed in (0, 1, 0))
    assert torch.equal(first, again) and not torch.equal(first, second)


def test_shift_keeps_the_digit_whole_at_nine_places():
    images = torch.rand(200, 1, 8, 8) + 1  # brighter than the empty canvas
    canvas = digits.shift(images, seed=0)
    inked = canvas[:, 0] > 0
    places = {tuple((mask.nonzero().amin(dim=0)).tolist()) for mask in inked}
    assert places == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}
    assert torch.equal(canvas[:, 0][inked].view(200, -1), images.flatten(1))


def test_models_of_a_seed_begin_the_same_and_training_shows_them_the_same():
    images, labels = torch.randn(40, 1, 8, 8), torch.randint(10, (40,))
    runs = [(model := digits.small_vit(5), digits.train(model, images, labels, seed=1, steps=3)) for _ in range(2)]
    (first, losses), (second, again) = runs
    assert losses == again and len(losses) == 3
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
