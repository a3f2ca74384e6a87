import pytest
import torch
from fixed_or_learned import NAMES, build, distances, logits_with
from lib.digits import load, train
from vit import sincos_pos_embed


def images():
    return torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_frozen_starts_as_learned_does():
    learned, frozen = build("learned", 3), build("frozen", 3)
    for (name, a), (other, b) in zip(learned.named_parameters(), frozen.named_parameters()):
        assert name == other and torch.equal(a, b)
    assert [name for name, p in frozen.named_parameters() if not p.requires_grad] == ["pos_embed"]


@pytest.mark.parametrize("seed", [0, 4])
def test_near_is_frozen_and_as_far_apart_as_the_slow_sinusoid(seed):
    near, frozen = build("near", seed).pos_embed, build("frozen", seed).pos_embed
    ratio = near / frozen
    torch.testing.assert_close(ratio, ratio[0, 0, 0].expand_as(ratio))  # nothing but smaller
    slow = sincos_pos_embed(4, 32)
    assert distances(near).mean().item() == pytest.approx(distances(slow).mean().item())
    assert torch.equal(build("sincos", seed).pos_embed, slow)


@pytest.mark.parametrize("kind", ["learned", *NAMES])
def test_training_moves_only_what_is_learned(kind):
    model, before = build(kind, 0), build(kind, 0).pos_embed
    train(model, *load(0)[0], 0, steps=3)
    assert torch.equal(model.pos_embed, before) == (kind != "learned")


def test_distances_are_of_all_pairs_of_patches():
    pos_embed = torch.zeros(1, 4, 2)
    pos_embed[0, 1:] = torch.tensor([[0.0, 0], [3, 4], [0, 1]])  # the class token's is left out
    torch.testing.assert_close(distances(pos_embed), torch.tensor([5.0, 1, 18**0.5]))


def test_logits_with_nothing_added_is_the_model():
    model = build("learned", 0)
    torch.testing.assert_close(logits_with(model, images(), torch.zeros(17, 1)), model(images()))
    numbered = logits_with(model, images(), torch.arange(17.0)[:, None])
    torch.testing.assert_close(numbered, model(images()), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(logits_with(model, images(), torch.ones(17, 32).cumsum(1)), model(images()), atol=1e-2)
