import pytest
import torch
import torch.nn.functional as F
from local_vit import (
    DIM,
    GRID,
    HEADS,
    MODELS,
    NEAR,
    ORDER,
    Attention,
    Linear,
    Norm,
    accuracy,
    best_rate,
    build,
    cut,
    far,
    gap,
    jumbled,
    outside,
    pairs,
    seen,
    squares,
    train,
    width,
    window,
)


def test_layers_of_seeds_are_those_of_torch_side_by_side():
    layer, x = Linear(3, 4, seeds=2), torch.randn(2, 5, 6, 3)
    torch.testing.assert_close(layer(x)[1], F.linear(x[1], layer.weight[1].T, layer.bias[1, 0]))
    norm, y = Norm(seeds=2), torch.randn(2, 5, 6, DIM)
    norm.weight.data[1], norm.bias.data[1] = 2, 1
    torch.testing.assert_close(norm(y)[1], 2 * F.layer_norm(y[1], (DIM,), eps=1e-6) + 1)


def test_attention_without_anything_added_is_the_formula():
    attn, x = Attention(seeds=2), torch.randn(2, 3, GRID**2, DIM)
    q, k, v = attn.qkv(x)[1].chunk(3, dim=-1)
    q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (q, k, v))
    z = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(-2)
    torch.testing.assert_close(attn(x)[1], z @ attn.proj.weight[1] + attn.proj.bias[1])


def test_windows_are_squares_of_four_and_move():
    at = lambda row, column: row * GRID + column  # noqa: E731
    still, moved = window(0), window(1)
    assert still[at(0, 0)].nonzero().flatten().tolist() == [at(0, 0), at(0, 1), at(1, 0), at(1, 1)]
    assert moved[at(1, 1)].nonzero().flatten().tolist() == [at(1, 1), at(1, 2), at(2, 1), at(2, 2)]
    assert moved[at(0, 0)].sum() == 1, "a corner is alone in a moved window"
    assert NEAR[at(1, 1)].sum() == 9 and NEAR[at(0, 0)].sum() == 4


def test_a_window_gives_no_weight_outside():
    model = build("window", seeds=1)
    model(torch.randn(1, 2, 1, 12, 12))
    for block, allowed in zip(model.blocks, MODELS["window"]["allowed"]):
        assert (block.attn.map[..., ~allowed] == 0).all()
        torch.testing.assert_close(block.attn.map.sum(-1), torch.ones(1, 2, HEADS, GRID**2))


def test_a_closed_gate_is_attention_and_an_open_one_is_place_alone():
    gated, plain, x = Attention(gated=True, seeds=1), Attention(seeds=1), torch.randn(1, 2, GRID**2, DIM)
    plain.load_state_dict({k: v for k, v in gated.state_dict().items() if k in plain.state_dict()})
    gated.gate.data[:] = -50
    torch.testing.assert_close(gated(x), plain(x))
    gated.gate.data[:], gated.centre.data[:] = 50, 0
    gated(x)
    one, other = gated.map[0, 0, 0].detach(), gated.map[0, 1, 3].detach()
    torch.testing.assert_close(one, other)
    assert one[5, 5] / one[5, 6] == pytest.approx(torch.e, rel=1e-4), "one step away: e to the minus alpha"
    assert one[5, 5] / one[5, 7] == pytest.approx(torch.e**4, rel=1e-3), "by the square of the distance"


def test_every_model_starts_alike_but_for_what_is_added():
    for name in MODELS:
        one, same, other = build(name), build(name), build(name, seed=1)
        assert torch.equal(one.pos_embed, same.pos_embed) and not torch.equal(one.pos_embed, other.pos_embed)
        assert one.tokens(torch.randn(5, 2, 1, 12, 12)).shape == (5, 2, GRID**2, DIM)


@pytest.mark.parametrize("name", MODELS)
def test_seeds_learn_apart_from_each_other(name):
    model, x = build(name, seeds=2), torch.randn(2, 3, 1, 12, 12)
    model(x)[0].sum().backward()
    for key, parameter in model.named_parameters():
        if "conv" not in key:
            assert parameter.grad[1].abs().sum() == 0, key
    half = len(model.patch_embed.conv1.weight) // 2 if name == "stem" else 0
    assert not half or model.patch_embed.conv1.weight.grad[half:].abs().sum() == 0


def test_reach_is_the_patch_then_the_window_then_all():
    model = build("window", seeds=1)
    assert width(model) == 12
    model.blocks = model.blocks[:1]
    corner = torch.zeros(12, 12, dtype=torch.bool)
    corner[:6, :6] = True
    assert torch.equal(seen(model)[0], corner)
    model.blocks = model.blocks[:0]
    assert width(model) == 3


def test_jumbling_moves_patches_and_nothing_in_them():
    images = torch.arange(2 * 144.0).reshape(2, 1, 12, 12)
    assert torch.equal(cut(images)[0, 0, 1], images[0, 0, :3, 3:6])
    assert torch.equal(cut(jumbled(images)), cut(images)[..., ORDER, :, :])
    assert len(ORDER.unique()) == GRID**2 and (torch.arange(GRID**2) != ORDER).float().mean() > 0.5


def test_squares_lie_at_the_ends_and_half_the_pairs_are_alike():
    image = squares(torch.tensor([[1, 0]]), torch.tensor([[0, 2]]))[0, 0]
    assert (image[:3, :3] == 2).all() and (image[6:9, 9:] == -2).all() and (image != 0).sum() == 18
    scenes, alike = pairs(2000, seed=0)
    left, right = (scenes[:, 0, :, columns].abs().amax((1, 2)) for columns in (slice(3), slice(9, 12)))
    assert min(left.min(), right.min()) > 1.5
    assert alike.float().mean() == pytest.approx(0.5, abs=0.05)


def test_a_sum_has_no_gap_and_attention_to_both_has():
    assert gap(far("fixed")).max() < 1e-5
    model = far("plain")
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    assert gap(model).min() > 1e-3


def test_outside_is_what_it_says():
    model = build("gate")
    for block in model.blocks:
        block.attn.gate.data[:], block.attn.alpha.data[:] = 50, 0
    even = (~NEAR).float().mean()
    torch.testing.assert_close(outside(model, torch.randn(3, 1, 12, 12)), even.expand(5))
    for block in model.blocks:
        block.attn.alpha.data[:] = 100
    assert outside(model, torch.randn(3, 1, 12, 12)).max() < 1e-6


def test_what_is_learnt_is_known_and_the_rate_is_that_of_the_validation(monkeypatch):
    images, labels = torch.randn(2, 20, 1, 12, 12), torch.arange(20).remainder(10).expand(2, -1)
    model = train(build("plain", seeds=2), images, labels, 0.01)
    assert accuracy(model, images, labels).min() == 1
    marks = iter([0.3, 0.9, 0.5])
    monkeypatch.setattr("local_vit.train", lambda *_: None)
    monkeypatch.setattr("local_vit.accuracy", lambda *_: torch.tensor([next(marks)]))
    best, found = best_rate("plain", (torch.rand(1000, 8, 8), torch.zeros(1000).long()), (None, None))
    assert best == 0.01 and list(found.values()) == pytest.approx([0.3, 0.9, 0.5])
