import conv_equivariance
import pytest
import torch
from conv_equivariance import (
    LENGTH,
    MODELS,
    RATES,
    best_rate,
    cnn,
    four_ways,
    jacobian,
    layer_errors,
    learned_in_order,
    moved,
    note,
    place,
    relative_error,
    right,
    rotation_error,
    sequence_layers,
    shift_error,
    side_accuracy,
    symmetric,
    touched,
    trained,
    turn,
    turned,
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


def test_learning_knows_no_order_of_the_inputs():
    order = torch.arange(LENGTH)
    straight = learned_in_order(0, order)
    assert relative_error(learned_in_order(0, order.flip(0)), straight) < 1e-5
    assert relative_error(learned_in_order(0, order, steps=0), straight) > 0.1  # it learns
    assert relative_error(learned_in_order(0, order * 0), straight) > 0.1  # one input alone is another task


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


def test_four_ways_starts_with_the_filter_itself():
    conv = nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular", bias=False)
    x = torch.randn(2, 3, 8, 8)
    kept = four_ways(conv, x)
    assert kept.shape == (4, 2, 4, 8, 8)
    torch.testing.assert_close(kept[0], conv(x))
    assert min(relative_error(kept[k], kept[0]) for k in (1, 2, 3)) > 0.3


def test_striding_errors_do_not_come_from_the_padding():
    errors = layer_errors(0, torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    nothing = ("shift", "stride_2px", "gap_shift", "symmetric_rotation", "bars_averaged", "four_ways")
    assert max(errors[key] for key in nothing) < 1e-5
    assert min(errors[key] for key in ("stay", "stride_1px", "max_pool_1px", "rotation")) > 0.3
    assert errors["bars_kept"] > 0.05


@pytest.mark.parametrize("key", MODELS)
def test_models_give_ten_logits_and_differ_as_they_say(key):
    _, padding, halve, pool = MODELS[key]
    model = cnn(padding, halve, pool)
    assert model(torch.randn(3, 1, 16, 16)).shape == (3, 10) and key in RATES
    convolutions = [layer for layer in model if isinstance(layer, nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [8, 16, 32]
    assert {c.padding_mode for c in convolutions} == {padding}
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in model) == 2 * halve
    assert any(isinstance(layer, nn.AdaptiveMaxPool2d) for layer in model) == pool


def test_who_is_invariant_before_it_learns():
    digits = load(0)[0][0][:20]

    def changes(pixels):
        found = {}
        for key, (_, *options) in MODELS.items():
            torch.manual_seed(0)
            model = cnn(*options).eval()
            with torch.no_grad():
                found[key] = relative_error(model(place(digits, dx=pixels)), model(place(digits)))
        return found

    one, four = changes(1), changes(4)
    assert one["pooled"] < 1e-5 and min(one["halved"], one["flat"]) > 1e-3
    assert max(four["pooled"], four["halved"]) < 1e-5 and min(four["halved_zeros"], four["flat"]) > 1e-3


def test_zeros_reach_three_pixels_and_all_that_was_halved():
    x = torch.randn(8, 1, 16, 16)
    whole = touched(0, False, x)
    assert whole.shape == (16, 16) and not whole[3:-3, 3:-3].any() and whole[:3].all() and whole[:, -3:].all()
    assert touched(0, True, x).shape == (4, 4) and touched(0, True, x).all()


def test_place_keeps_all_ink_wherever_it_goes():
    digits = load(0)[0][0][:5]
    middle = place(digits)
    assert middle.shape == (5, 1, 16, 16) and torch.equal(middle[..., 4:12, 4:12], digits)
    for pixels in (1, 2, 4):
        for x in moved(digits, pixels):
            assert not torch.equal(x, middle)
            torch.testing.assert_close(x.sum(), middle.sum())
    right, left, down, up = moved(digits, 4)
    assert torch.equal(right[..., 4:12, 8:], digits) and torch.equal(left[..., 4:12, :8], digits)
    assert torch.equal(down[..., 8:, 4:12], digits) and torch.equal(up[..., :8, 4:12], digits)


def test_turn_by_right_angles_is_exact():
    x = place(load(0)[0][0][:5])
    torch.testing.assert_close(turn(x, 0), x, atol=1e-4, rtol=0)
    torch.testing.assert_close(turn(x, 90), x.rot90(dims=(2, 3)), atol=1e-4, rtol=0)
    assert 0.05 < relative_error(turn(x, 10), x) < relative_error(turn(x, 45), x)
    assert relative_error(turn(turn(x, 45), -45), x) < relative_error(turn(x, 45), x)


def test_turned_tells_the_turned_from_those_turned_back():
    digits, labels = load(0)[0][0][:100], torch.arange(100)
    straight = place(digits).flatten(1)

    def nearest(x):  # knows the digits, upright
        return -torch.cdist(x.flatten(1), straight)

    there, back = turned(nearest, digits, labels, 90)
    assert back == 1 and there < 0.5


def test_learning_happens_and_starts_from_the_seed(monkeypatch):
    digits, labels = load(0)[0]
    monkeypatch.setitem(conv_equivariance.STEPS, True, 40)
    one, again, other = (trained("halved_zeros", seed, 0.03, digits, labels) for seed in (0, 0, 1))
    assert torch.equal(one[0].weight, again[0].weight) and not torch.equal(one[0].weight, other[0].weight)
    with torch.no_grad():
        assert (one(place(digits)).argmax(1) == labels).double().mean() > 0.5


def test_best_rate_asks_the_validation_alone(monkeypatch):
    asked = []

    def learn(key, seed, lr, digits, labels):
        return lr

    def right(model, images, labels):
        asked.append(len(labels))
        return {0.003: 0.5, 0.01: 0.9, 0.03: 0.7}[model]

    monkeypatch.setattr(conv_equivariance, "trained", learn)
    monkeypatch.setattr(conv_equivariance, "accuracy", right)
    assert best_rate("flat") == 0.01 and set(asked) == {297}


def test_right_is_the_accuracy_of_all():
    scores = torch.eye(10)[torch.arange(200) % 10]
    labels = torch.cat([torch.arange(100) % 10, torch.zeros(100, dtype=torch.int64)])
    assert right(lambda x: x, scores, labels) == pytest.approx(0.55)


def test_note_appends():
    book = {}
    note(book, "a", 1)
    note(book, "a", 2)
    assert book == {"a": [1, 2]}


def test_side_accuracy_finds_sides_and_knows_when_they_are_gone():
    digits = load(0)[2][0]
    assert side_accuracy(nn.Flatten(), digits, 200) > 0.95
    assert side_accuracy(lambda x: x.flatten(1).sort(dim=1).values, digits, 200) == 0.5
