from math import log, pi

import pytest
import torch
import vae
from lib.binary_digits import all_states


@pytest.fixture
def model():
    torch.manual_seed(0)
    return vae.VAE()


@pytest.fixture
def x():
    torch.manual_seed(1)
    return torch.randint(2, (6, 64)).float()


def test_kl_agrees_with_torch_and_is_0_at_the_prior():
    mu, sigma = torch.randn(5, 8), torch.rand(5, 8) + 0.1
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mu, sigma), normal(0.0, 1.0)).sum(dim=-1)
    assert torch.allclose(vae.kl(mu, sigma), expected, atol=1e-5)
    assert vae.kl(torch.zeros(1, 8), torch.ones(1, 8)).item() == 0


def test_reconstruction_is_minus_the_log_of_a_probability():
    logits = torch.randn(7).double().expand(128, 7)
    assert vae.reconstruction(logits, all_states(7)).neg().exp().sum().item() == pytest.approx(1)


def test_beta_weighs_the_kl_alone(model, x):
    heavy = vae.VAE(beta=5)
    heavy.load_state_dict(model.state_dict())
    losses = []
    for which in (model, heavy):
        torch.manual_seed(3)
        losses.append(which.loss(x))
    assert torch.allclose(losses[1] - losses[0], 4 * vae.kl(*model.posterior(x)), atol=1e-4)


def test_weights_are_the_densities_of_torch_distributions(model, x):
    normal = torch.distributions.Normal
    with torch.no_grad():
        torch.manual_seed(3)
        found = vae.log_weights(model, x, 4)
        torch.manual_seed(3)
        mu, sigma = model.posterior(x)
        z = mu + sigma * torch.randn(4, *mu.shape)
        joint = normal(0.0, 1.0).log_prob(z).sum(dim=-1) - vae.reconstruction(model.decoder(z), x)
        assert torch.allclose(found, joint - normal(mu, sigma).log_prob(z).sum(dim=-1), atol=1e-4)


def test_both_estimates_of_log_p_meet_the_integral_and_the_elbo_stays_below(monkeypatch, x):
    monkeypatch.setattr(vae, "LATENT", 1)  # so few that a grid over z gives log p(x) itself
    torch.manual_seed(0)
    model = vae.VAE()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.15)
    z = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        logits = model.decoder(z)[:, None].expand(-1, 6, -1)  # (4001, 6, 64)
        log_joint = -vae.reconstruction(logits, x) - z.square() / 2 - log(2 * pi) / 2  # (4001, 6)
        exact = log_joint.logsumexp(dim=0) + log(16 / 4000)
    torch.manual_seed(0)
    weights = vae.log_weights(model, x, 20_000)
    assert torch.allclose(weights.logsumexp(dim=0) - log(20_000), exact, atol=0.1)
    assert torch.allclose(vae.log_p_by_prior(model, x, 20_000), exact, atol=0.1)
    assert (weights.mean(dim=0) < exact).all()


def test_the_encoder_learns_by_the_outside_noise_alone(model, x):
    model.loss(x).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())
    pathwise, score = vae.gradients(model, x[:2], 30_000)
    assert torch.allclose(pathwise.mean(dim=0), score.mean(dim=0), atol=0.1)


def test_energy_distance_tells_apart_what_differs_alone():
    torch.manual_seed(0)
    x, y = torch.randn(2, 1500, 3)
    assert abs(vae.energy_distance(x, y)) < 0.02
    assert vae.energy_distance(x, y + 1) > 0.2
    assert vae.energy_distance(x, 2 * y) > 0.1
    a, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [5.0]])
    assert vae.energy_distance(a, b) == pytest.approx(2 * 3.5 - 1 - 2)


def test_fitted_codes_have_the_mean_and_the_covariance_of_the_codes():
    torch.manual_seed(0)
    codes = torch.randn(500, 3) @ torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.3]]) + 4
    drawn = vae.fitted_codes(codes, 40_000)
    assert torch.allclose(drawn.mean(dim=0), codes.mean(dim=0), atol=0.05)
    assert torch.allclose(drawn.T.cov(), codes.T.cov(), atol=0.15)


def test_codes_in_other_units_are_of_the_same_autoencoder(x):
    torch.manual_seed(0)
    model, many = vae.Autoencoder(), torch.randint(2, (200, 64)).float()
    same = vae.rescaled(model, many)
    codes = same.code(many)
    assert torch.allclose(codes.mean(dim=0), torch.zeros(vae.LATENT), atol=1e-4)
    assert torch.allclose(codes.std(dim=0), torch.ones(vae.LATENT), atol=1e-4)
    assert torch.allclose(same.loss(x), model.loss(x), atol=1e-3)
    assert not torch.allclose(model.code(many), codes, atol=0.1)  # the given one is left as it is


def test_the_way_leads_from_one_code_to_the_other(x):
    torch.manual_seed(0)
    model = vae.Autoencoder()
    way = vae.way_between(model, x[:2], x[2:4], 3)
    for place, images in ((0, x[:2]), (2, x[2:4])):
        assert torch.allclose(way[place], vae.decode(model, model.code(images)), atol=1e-5)


@pytest.mark.parametrize("both, beta", [(False, 64), (True, 8)])
def test_a_mean_over_the_pixels_weighs_the_kl_by_their_number(x, both, beta):
    slip, right = vae.MeanVAE(both), vae.VAE(beta)
    right.load_state_dict(slip.state_dict())
    torch.manual_seed(3)
    expected = right.loss(x).mean()
    torch.manual_seed(3)
    assert torch.allclose(64 * slip.loss(x).mean(), expected, rtol=1e-5)
    right.beta = 1
    assert not torch.allclose(64 * slip.loss(x).mean(), right.loss(x).mean(), rtol=0.01)


def test_decodings_differ_only_where_the_decoder_reads_the_code(model, x):
    assert vae.costs(model, x)["changed"] > 0.1
    torch.nn.init.zeros_(model.decoder[0].weight)
    found = vae.costs(model, x)
    assert found["changed"] == pytest.approx(0, abs=1e-5)
    assert found["elbo"] == pytest.approx(-found["error"] - found["kl"])
