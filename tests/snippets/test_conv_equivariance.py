import pytest
import torch
from conv_equivariance import (
    KEYS,
    LENGTH,
    LRS,
    MODELS,
    border_error,
    jacobian,
    layer_errors,
    moved,
    place,
    relative_error,
    rotation_error,
    sequence_layers,
    shift_error,
    side_accuracy,
    stack,
    symmetric,
)
from lib.digits import load
from torch import nn


def test_jacobian_of_a_linear_map_is_its_matrix():
    matrix = torch.randn(LENGTH, LENGTH)
    torch.testing.assert_close(jacobian(lambda x: x @ matrix.T, torch.randn(1, LENGTH)), matrix)


def test_sequence_layers_keep_the_shape():
    for f in sequence_layers(0).values():
        assert f(torch.randn(1, LENGTH)).shape == (1, LENGTH)


def test_rnn_jacobian_agrees_with_differences():
    f, x = sequence_layers(0)["RNN"], torch.randn(1, LENGTH, dtype=torch.float32)
    J, step = jacobian(f, x), 1e-2
    for j in (0, 5, 11):
        e = torch.zeros(1, LENGTH)
        e[0, j] = step
        numeric = (f(x + e) - f(x - e))[0] / (2 * step)
        torch.testing.assert_close(J[:, j], numeric, atol=1e-3, rtol=0)


def test_shift_error_takes_the_best_fit():
    x = torch.randn(2, 1, 8, 8)
    assert shift_error(lambda x: x, x, 2) == 0
    assert shift_error(lambda x: x[..., ::2, ::2], x, 2) == 0  # two pixels are one cell
    assert shift_error(lambda x: x[..., ::2, ::2], x, 1) > 0.5
    assert shift_error(lambda x: x * torch.linspace(0, 1, 8), x, 1) > 0.1  # weights that know the place


def test_rotation_error_by_hand():
    x = torch.randn(2, 1, 8, 8)
    assert rotation_error(lambda x: x.relu(), x) == 0
    assert rotation_error(lambda x: x.roll(1, 3), x) > 0.5  # turned, it would have to move down


def test_symmetric_filters_are_their_own_turns():
    conv = symmetric(nn.Conv2d(3, 4, 3))
    torch.testing.assert_close(conv.weight, conv.weight.rot90(dims=(2, 3)))
    assert conv.weight.abs().sum() > 0


def test_striding_errors_do_not_come_from_the_padding():
    errors = layer_errors(0, torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    assert errors["shift"] < 1e-6 and errors["stride_2px"] < 1e-6 and errors["gap_shift"] < 1e-5
    assert min(errors[key] for key in ("stay", "stride_1px", "max_pool_1px", "rotation")) > 0.3


def test_crops_show_the_same_scene_a_pixel_apart():
    wide = torch.randn(2, 3, 13, 13)
    assert border_error(lambda x: x, wide).max() == 0  # no padding, no error
    assert border_error(lambda x: x * torch.linspace(0, 1, 12), wide).max() > 0.01  # and it can be seen
    torch.manual_seed(0)
    wrong = border_error(stack(2), wide)
    assert wrong.shape == (11, 11) and wrong[2:-2, 2:-2].max() < 1e-5 and wrong[:2].min() > 1e-3


def test_place_keeps_all_ink_wherever_it_goes():
    digits = load(0)[0][0][:5]
    middle = place(digits)
    assert middle.shape == (5, 1, 12, 12) and torch.equal(middle[..., 2:10, 2:10], digits)
    for pixels in (1, 2):
        for x in moved(digits, pixels):
            assert not torch.equal(x, middle)
            torch.testing.assert_close(x.sum(), middle.sum())
    right, left, down, up = moved(digits, 2)
    assert torch.equal(right[..., 4:], middle[..., 2:10]) and torch.equal(down[..., 4:, :], middle[..., 2:10, :])


@pytest.mark.parametrize("make", MODELS.values(), ids=KEYS)
def test_models_give_ten_logits(make):
    assert len(KEYS) == len(LRS) == len(MODELS)
    assert make()(torch.randn(3, 1, 12, 12)).shape == (3, 10)


def test_only_the_first_is_invariant_before_it_learns():
    digits = load(0)[0][0][:20]
    changes = []
    for make in MODELS.values():
        torch.manual_seed(0)
        model = make().eval()
        with torch.no_grad():
            changes.append(relative_error(model(place(digits, dx=1)), model(place(digits))))
    assert changes[0] < 1e-5 < 0.01 < min(changes[1:])


def test_side_accuracy_finds_sides_and_knows_when_they_are_gone():
    digits = load(0)[2][0]
    assert side_accuracy(nn.Flatten(), digits, 200) > 0.95
    assert side_accuracy(lambda x: x.flatten(1).sort(dim=1).values, digits, 200) == 0.5
