import pytest
import torch
from bias_strength import (
    CANVAS,
    MEAN,
    MODELS,
    PERMUTATION,
    SEEDS,
    SIZES,
    STD,
    TEST,
    accuracy,
    convolution_errors,
    follow,
    images,
    load,
    mlp,
    place,
    random_offsets,
    train,
)
from torch import nn


def test_place_by_hand():
    digits = torch.arange(1.0, 129).reshape(2, 8, 8)
    canvas = place(digits, torch.tensor([[0, 4], [3, 1]]))
    assert canvas.shape == (2, 12, 12)
    assert torch.equal(canvas[0, 0:8, 4:12], digits[0])
    assert torch.equal(canvas[1, 3:11, 1:9], digits[1])
    assert canvas.sum() == digits.sum()  # nothing else is drawn


def test_random_offsets_reach_every_place_that_fits():
    offsets = random_offsets(2000, torch.Generator().manual_seed(0))
    assert len(offsets.unique(dim=0)) == (CANVAS - 8 + 1) ** 2
    assert offsets.min() == 0 and offsets.max() == CANVAS - 8


def test_permutation_is_a_bijection_and_the_same_for_all_images():
    assert torch.equal(PERMUTATION.sort().values, torch.arange(CANVAS**2))
    digits, offsets, _ = load(0)[0]
    plain, permuted = images(digits, offsets), images(digits, offsets, permuted=True)
    back = permuted.flatten(1)[:, PERMUTATION.argsort()].view_as(plain)
    assert torch.equal(back, plain)
    neighbours = (PERMUTATION[1:] - PERMUTATION[:-1]).abs() == 1
    assert neighbours.float().mean() < 0.05  # hardly any two pixels stay side by side


@pytest.mark.parametrize("seed", SEEDS)
def test_pool_and_test_set_share_no_digit(seed):
    (digits, offsets, labels), (test_digits, test_offsets, test_labels) = load(seed)
    assert len(test_labels) == TEST and len(labels) == 1797 - TEST >= max(SIZES)
    assert len(digits) == len(offsets) == len(labels) and len(test_digits) == len(test_offsets) == TEST
    pool = {digit.numpy().tobytes() for digit in digits}
    assert not any(digit.numpy().tobytes() in pool for digit in test_digits)
    assert set(labels[: SIZES[0]].tolist()) == set(range(10))  # even the smallest training set shows each digit


def test_images_are_standardised():
    x = images(*load(0)[0][:2])
    assert x.shape[1:] == (1, CANVAS, CANVAS)
    assert abs(x.mean()) < 0.02 and abs(x.std() - 1) < 0.05
    assert x.min() == pytest.approx(-MEAN / STD) and x.max() == pytest.approx((1 - MEAN) / STD)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_models_give_ten_logits(make):
    assert make()(torch.randn(3, 1, CANVAS, CANVAS)).shape == (3, 10)


def test_parameter_counts_are_comparable():
    counts = [sum(p.numel() for p in make().parameters()) for make in MODELS.values()]
    assert max(counts) < 1.1 * min(counts)


def test_permuting_pixels_changes_nothing_for_an_mlp_but_its_first_weights():
    model = mlp()
    digits, offsets, _ = (part[:20] for part in load(0)[0])
    shuffled, plain = images(digits, offsets, permuted=True), model(images(digits, offsets))
    torch.testing.assert_close(follow(model)(shuffled), plain)
    assert not torch.allclose(model(shuffled), plain, atol=0.01)


def test_training_is_reproducible_and_learns():
    torch.set_num_threads(1)
    digits, offsets, labels = (part[:50] for part in load(0)[0])
    first, again = (train(mlp, digits, offsets, labels, lr=0.01, seed=0) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters()))
    assert accuracy(first, images(digits, offsets), labels) == 1


def test_accuracy_by_hand():
    x = torch.eye(4).reshape(4, 1, 2, 2)
    assert accuracy(nn.Flatten(), x, torch.tensor([0, 1, 2, 0])) == 0.75


def test_circular_convolution_is_exactly_equivariant_and_zero_padding_is_not():
    x = torch.randn(4, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    for kernel in (1, 3, 5):
        torch.manual_seed(kernel)
        conv = nn.Conv2d(1, 4, kernel, padding=kernel // 2, padding_mode="circular", bias=False)
        assert convolution_errors(conv, x)["shift_equivariance"] < 1e-6
    torch.manual_seed(0)
    assert convolution_errors(nn.Conv2d(1, 4, 3, padding=1, bias=False), x)["shift_equivariance"] > 0.1


def test_rotation_is_kept_by_a_filter_that_is_the_same_from_all_sides():
    x = torch.randn(4, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    conv = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    conv.weight.data = torch.tensor([[1.0, 2, 1], [2, 3, 2], [1, 2, 1]])[None, None]
    assert convolution_errors(conv, x)["rotation_equivariance"] < 1e-6
