import nade
import pytest
import torch
from autoregressive import nll
from lib.binary_digits import all_states, frequencies


def make(n=7, hidden=5):
    torch.manual_seed(0)
    model = nade.NADE(n, hidden).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def test_all_ways_to_the_logits_agree():
    model, x = make(), all_states(7)
    for way in (nade.from_scratch, nade.by_recursion):
        assert torch.allclose(way(model, x), model(x))


def test_no_pixel_sees_itself_or_what_follows():
    model = make()
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x[None])[0], torch.rand(7).double())
    assert jacobian.triu().abs().max() < 1e-12
    assert (jacobian.tril(-1)[1:].abs().sum(dim=1) > 1e-6).all()


def test_any_weights_give_probabilities_that_sum_to_1():
    with torch.no_grad():
        assert nll(make(), all_states(7)).neg().exp().sum().item() == pytest.approx(1)


def test_samples_follow_the_model():
    model = make(n=4)
    with torch.no_grad():
        p = nll(model, all_states(4)).neg().exp()
    assert (frequencies(nade.draw(model, 20_000).double()) - p).abs().max() < 0.02


def test_at_the_beginning_pixels_are_almost_independent():
    torch.manual_seed(0)
    x = (torch.rand(2000, 5) < torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9])).float()
    with torch.no_grad():
        found = nade.begin(x, 4, seed=0)(x).sigmoid()
    assert torch.allclose(found, x.mean(dim=0).expand_as(found), atol=0.12)


def test_training_raises_the_likelihood():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    first = torch.rand(300, 1).round()
    x = torch.cat([first, first, torch.rand(300, 1).round()], dim=1)  # the second pixel copies the first
    model = nade.train(x, hidden=4, seed=0, steps=200)
    with torch.no_grad():
        found = nll(model, x).mean().item()
    assert 1.3 < found < 1.5  # two coins take 2 log 2 = 1.39 nats, where independent pixels would take three


def test_images_seen_finds_equal_images_only():
    drawn = torch.eye(4)
    assert nade.images_seen(torch.eye(4)[:2], drawn) == 1
    assert nade.images_seen(torch.cat([torch.eye(4)[:1], torch.ones(3, 4)]), drawn) == 0.25
