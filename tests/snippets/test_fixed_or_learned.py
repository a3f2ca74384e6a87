import pytest
import torch
from fixed_or_learned import NAMES, STD, build, distances, logits_with, spread_out
from lib.digits import load, train
from vit import sincos_pos_embed


def test_spread_out_keeps_the_form():
    pos_embed = sincos_pos_embed(4, 32)
    wide = spread_out(pos_embed)
    assert torch.equal(wide[:, :1], pos_embed[:, :1])
    torch.testing.assert_close(wide[:, 1:].mean(1), torch.zeros(1, 32), atol=1e-6, rtol=0)
    assert wide[:, 1:].std().item() == pytest.approx(STD)
    ratio = torch.pdist(wide[0, 1:]) / torch.pdist(pos_embed[0, 1:])
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))  # all distances grow alike


def test_frozen_starts_as_learned_does():
    learned, frozen = build("learned", 3), build("frozen", 3)
    for (name, a), (other, b) in zip(learned.named_parameters(), frozen.named_parameters()):
        assert name == other and torch.equal(a, b)
    assert [name for name, p in frozen.named_parameters() if not p.requires_grad] == ["pos_embed"]
    small = build("frozen_small", 3)
    torch.testing.assert_close(small.pos_embed * STD / 0.02, learned.pos_embed)
    assert build("learned_small", 3).pos_embed.requires_grad and not small.pos_embed.requires_grad


@pytest.mark.parametrize("kind", NAMES)
def test_training_moves_what_is_learned(kind):
    model, before = build(kind, 0), build(kind, 0).pos_embed
    train(model, *load(0)[0], 0, steps=3)
    assert torch.equal(model.pos_embed, before) == (kind not in ("learned", "number"))


def test_numbers_lie_on_one_line():
    model, x = build("number", 0), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    plain = build("number", 0)
    torch.nn.init.zeros_(plain.pos_embed)
    added = model.embed(x) - plain.embed(x)  # (2, 17, 32)
    steps = added.diff(dim=1)
    torch.testing.assert_close(steps, steps[:, :1].expand_as(steps))  # each token one step further than the last
    assert model.number.mean().abs() < 1e-6 and model.number.std().item() == pytest.approx(1)
    assert torch.linalg.matrix_rank(added[0].detach(), rtol=1e-4) == 1


def test_logits_with_nothing_added_is_the_model():
    model, x = build("learned", 0), torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(logits_with(model, x, torch.zeros(17, 1)), model(x))
    assert distances(model).shape == (16 * 15 // 2,)
