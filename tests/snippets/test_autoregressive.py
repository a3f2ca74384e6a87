import autoregressive
import pytest
import torch
from lib.binary_digits import all_states, frequencies
from parameter_count import fit, log_prob


def test_the_mask_shows_only_so_many_pixels_before():
    assert autoregressive.before(4, 2).tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]]
    assert torch.equal(autoregressive.before(4, 3), autoregressive.before(4, 99))


def test_no_pixel_sees_itself_or_what_follows():
    torch.manual_seed(0)
    model = autoregressive.LogisticAR(autoregressive.before(6, 5))
    torch.nn.init.normal_(model.weight)
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x[None])[0], torch.rand(6))
    assert (jacobian.triu() == 0).all() and (jacobian.tril(-1)[1:].abs().sum(dim=1) > 0).all()


def test_any_weights_give_probabilities_that_sum_to_1():
    torch.manual_seed(0)
    model = autoregressive.LogisticAR(autoregressive.before(6, 5)).double()
    torch.nn.init.normal_(model.weight, std=3)
    with torch.no_grad():
        assert autoregressive.nll(model, all_states(6)).neg().exp().sum().item() == pytest.approx(1)


def test_trained_on_pairs_it_finds_the_table():
    torch.set_num_threads(1)
    x = torch.tensor([[0.0, 0.0]] * 40 + [[0.0, 1.0]] * 10 + [[1.0, 0.0]] * 20 + [[1.0, 1.0]] * 30)
    model = autoregressive.train(autoregressive.LogisticAR(autoregressive.before(2, 1)), x, steps=300)
    with torch.no_grad():
        p = autoregressive.nll(model, all_states(2).float()).neg().exp()
    assert torch.allclose(p, torch.tensor([0.4, 0.1, 0.2, 0.3]), atol=0.01)


def test_samples_follow_the_model():
    torch.manual_seed(0)
    model = autoregressive.LogisticAR(autoregressive.before(3, 2))
    torch.nn.init.normal_(model.weight, std=2)
    with torch.no_grad():
        p = autoregressive.nll(model, all_states(3).float()).neg().exp()
    counted = frequencies(autoregressive.sample(model, 3, 20_000))
    assert (counted - p).abs().max() < 0.02


def test_each_order_visits_every_pixel_and_neighbours_follow_in_the_snake():
    found = autoregressive.orders(0)
    assert all(sorted(order.tolist()) == list(range(64)) for order in found.values())
    assert found["세로줄"][:3].tolist() == [0, 8, 16]
    rows, columns = found["뱀 모양"] // 8, found["뱀 모양"] % 8
    assert ((rows.diff().abs() + columns.diff().abs()) == 1).all()


def test_for_the_full_table_no_order_changes_the_distribution():
    torch.manual_seed(0)
    states, p = all_states(4), torch.rand(16, dtype=torch.double)
    order = torch.randperm(4)
    x = states[:, order]
    assert torch.allclose(log_prob(fit(x, 3, p / p.sum(), pseudo=0), x, 3).exp(), p / p.sum())


def test_the_mixture_of_the_second_number_alone_looks_back():
    torch.manual_seed(0)
    model, x = autoregressive.MixtureAR(), torch.randn(4, 2)
    assert model(x).shape == (4,)
    separate = autoregressive.MixtureAR(mask=torch.zeros(2, 2))
    with torch.no_grad():
        changed = x + torch.tensor([1.0, 0.0])
        at_zero = separate(torch.stack([x[:, 0], 0 * x[:, 1]], dim=1))
        again = separate(torch.stack([changed[:, 0], 0 * x[:, 1]], dim=1))
        gap = separate(x) - at_zero, separate(changed) - again
    assert torch.allclose(*gap, atol=1e-5)  # log p(x2) - log p(0) does not depend on x1
