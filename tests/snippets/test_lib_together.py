"""Training side by side is training apart."""

import pytest
import torch
from lib.digits import load, small_vit, train
from lib.together import train_digits, train_together


def test_each_model_learns_as_it_would_alone():
    data = [load(seed)[0] for seed in (0, 1)]
    alone, beside = ([small_vit(seed) for seed in (5, 6)] for _ in range(2))
    expected = [train(model, *part, seed, steps=8) for seed, (model, part) in enumerate(zip(alone, data))]
    losses = train_digits(beside, data, steps=8)
    torch.testing.assert_close(losses, torch.tensor(expected).T, atol=2e-3, rtol=0)
    for one, other, start in zip(alone, beside, (5, 6)):
        before = small_vit(start).state_dict()
        for name, value in one.state_dict().items():
            moved = (value - before[name]).norm()
            assert (other.state_dict()[name] - value).norm() < 0.05 * moved + 1e-6, name


def test_what_is_not_to_learn_stays():
    models = [small_vit(seed) for seed in (0, 1)]
    for model in models:
        model.pos_embed.requires_grad_(False)
    kept = [model.pos_embed.clone() for model in models]
    train_digits(models, [load(seed)[0] for seed in (0, 1)], steps=6)
    assert all(torch.equal(model.pos_embed, one) for model, one in zip(models, kept))


def test_rate_and_schedule_are_those_asked_for():
    rates = []

    class Watched(torch.optim.SGD):
        def step(self, *arguments):
            rates.append(self.param_groups[0]["lr"])
            return super().step(*arguments)

    train_together(
        [small_vit(0)],
        [load(0)[0]],
        3,
        lambda parameters: Watched(parameters, 0.5),
        lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1),
    )
    assert rates == pytest.approx([0.5, 0.05, 0.005])
