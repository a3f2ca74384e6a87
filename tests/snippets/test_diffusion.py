import diffusion
import pytest
import torch
from diffusion import ALPHA_BAR, BETA, SIGMA, T


def test_one_jump_has_the_moments_of_all_the_steps():
    mean, variance = 1.0, 0.0
    for t, beta in enumerate(BETA, start=1):  # x_t = sqrt(1 - beta) x + sqrt(beta) noise, from a fixed x_0 = 1
        mean, variance = (1 - beta).sqrt() * mean, (1 - beta) * variance + beta
        assert mean.item() == pytest.approx(ALPHA_BAR[t].sqrt().item(), rel=1e-5)
        assert variance.item() == pytest.approx(1 - ALPHA_BAR[t].item(), rel=1e-3)
    x0, noise, t = torch.randn(3, 64), torch.randn(3, 64), torch.tensor([1, 500, T])
    assert torch.allclose(
        diffusion.diffuse(x0, t, noise),
        torch.stack([ALPHA_BAR[k].sqrt() * a + (1 - ALPHA_BAR[k]).sqrt() * b for k, a, b in zip(t, x0, noise)]),
    )


def test_walks_have_the_moments_of_their_steps():
    torch.manual_seed(0)
    x0, more = torch.full((500, 64), 2.0), torch.tensor([1.0, 2.0, 2.0])
    *_, x = diffusion.walk(x0, torch.tensor([0.5, 1.0, 0.5]), more)
    assert x.mean().item() == pytest.approx(2 * 0.25, abs=0.05)
    assert x.var().item() == pytest.approx((1 + 4) * 0.25 + 4, rel=0.03)
    *_, x = diffusion.walk(x0, torch.ones(T), SIGMA.square().diff().sqrt())  # as much as the one jump has, nothing lost
    assert (x - x0).std().item() == pytest.approx(SIGMA[T].item(), rel=0.02)


def test_adding_alone_makes_the_images_of_ddim():
    torch.manual_seed(0)
    guess, start = diffusion.linear_noise(torch.randn(300, 64) / 2 + 1), torch.randn(20, 64)
    for first in (T, 400):
        scale = (1 - ALPHA_BAR[first]).sqrt()
        shrunk = diffusion.generate(guess, scale * start, 25, first, eta=0.0)
        assert torch.allclose(diffusion.exploding(guess, SIGMA[first] * start, 25, first), shrunk, atol=1e-3)


@pytest.mark.parametrize("t", [2, 300, T])
def test_a_step_is_that_of_ddpm(t):
    """Algorithm 2 with the posterior's variance, Eq. 7 and 11."""
    x, noise = torch.randn(5, 64).double(), torch.randn(5, 64).double()
    abar, before, beta = ALPHA_BAR[t].double(), ALPHA_BAR[t - 1].double(), 1 - ALPHA_BAR[t].double() / ALPHA_BAR[t - 1]
    mean = (x - beta / (1 - abar).sqrt() * noise) / (1 - beta).sqrt()
    [(_, found)] = diffusion.reversing(lambda x, t: noise, x, torch.tensor([t, t - 1]), fresh=False)
    assert torch.allclose(found, mean, rtol=1e-3, atol=1e-3)
    torch.manual_seed(0)
    [(_, found)] = diffusion.reversing(lambda x, t: noise, x, torch.tensor([t, t - 1]))
    torch.manual_seed(0)
    sigma = ((1 - before) / (1 - abar) * beta).sqrt()
    assert torch.allclose(found, mean + sigma * torch.randn_like(x), rtol=1e-3, atol=1e-3)
    torch.manual_seed(0)
    [(_, found)] = diffusion.reversing(lambda x, t: noise, x, torch.tensor([t, t - 1]), wide=True)
    torch.manual_seed(0)  # the mean stays, the variance is beta
    assert torch.allclose(found, mean + beta.sqrt() * torch.randn_like(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("wide", [False, True])
def test_the_last_step_puts_no_noise_in(wide):
    x, t = torch.randn(5, 64), torch.tensor([1, 0])
    (_, found), (_, again) = (next(diffusion.reversing(lambda x, t: x / 2, x, t, wide=wide)) for _ in range(2))
    assert torch.equal(found, again)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_who_knows_the_noise_finds_the_image_again(eta):
    x0 = torch.randn(4, 64)
    guess = diffusion.optimal_noise(x0[:1])  # the only image there can be
    found = diffusion.generate(guess, torch.randn(4, 64), steps=50, eta=eta)
    assert torch.allclose(found, x0[:1].expand(4, 64), atol=1e-3)


def test_the_optimal_guess_has_the_least_training_loss():
    images = torch.randn(20, 64)
    torch.manual_seed(0)
    x0, t, noise = images.repeat(50, 1), torch.full((1000,), 500), torch.randn(1000, 64)
    x = diffusion.diffuse(x0, t, noise)
    guess = diffusion.optimal_noise(images)
    best = (guess(x, t) - noise).square().mean()
    for factor in (0.9, 1.1):
        assert (factor * guess(x, t) - noise).square().mean() > best
    assert best < (x - noise).square().mean()
    t = torch.tensor([1, 500, T])  # each step by itself
    assert torch.allclose(guess(x[:3], t), torch.cat([guess(x[k : k + 1], t[k : k + 1]) for k in range(3)]), atol=1e-3)


def test_the_linear_guess_is_the_best_of_all_for_gaussian_data():
    torch.manual_seed(0)
    images = torch.randn(4000, 64) @ torch.randn(64, 64) / 8 + 1
    guess, t = diffusion.linear_noise(images), torch.full((4000,), 400)
    noise = torch.randn_like(images)
    x = diffusion.diffuse(images, t, noise)
    found, solved = guess(x, t), torch.linalg.lstsq(torch.cat([x, torch.ones(4000, 1)], dim=1), noise).solution
    best = torch.cat([x, torch.ones(4000, 1)], dim=1) @ solved  # least squares on these very draws
    loss, least = ((y - noise).square().mean().item() for y in (found, best))
    assert least < loss < 1.05 * least


def test_gaussian_data_are_regained_by_the_gaussians_best_guess():
    """For x_0 ~ N(0, v) the best guess is linear in x_t, and walking back with it must give the variance v."""
    v = 0.25

    def guess(x, t):
        a = ALPHA_BAR[t, None]
        return (1 - a).sqrt() * x / (a * v + 1 - a)

    torch.manual_seed(0)
    for eta, allowed in ((1.0, 0.03), (0.0, 0.03)):
        found = diffusion.generate(guess, torch.randn(400, 64), eta=eta)
        assert found.var().item() == pytest.approx(v, rel=allowed)


def test_ddim_takes_nothing_but_its_start():
    model, start = diffusion.Denoiser(8), torch.randn(3, 64)
    first, second = (diffusion.generate(model, start, steps=20, eta=0.0) for _ in range(2))
    assert torch.equal(first, second)
    first, second = (diffusion.generate(model, start, steps=20) for _ in range(2))
    assert not torch.allclose(first, second, atol=0.1)


def test_measures_by_hand():
    images = torch.zeros(3, 64)
    images[:, 0] = torch.tensor([0.0, 1.0, 5.0])
    assert diffusion.nearest(images[:1], images[1:]).tolist() == [1.0]
    far = images + 100
    assert diffusion.same_side(images, far) == 1
    torch.manual_seed(0)
    x, y = torch.randn(2, 400, 64)
    assert abs(diffusion.same_side(x, y) - 0.5) < 0.06
    assert abs(diffusion.energy_distance(x, y)) < 0.02 < diffusion.energy_distance(x, 1.2 * y)


def test_training_lowers_the_loss_and_every_parameter_learns():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.randn(2, 64).repeat(100, 1)
    model = diffusion.train(images, seed=0, steps=60)
    with torch.no_grad():
        assert diffusion.noise_loss(model, images) < 0.6 * diffusion.noise_loss(diffusion.Denoiser(), images)
    model = diffusion.Denoiser(8)
    diffusion.noise_loss(model, images).backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_what_is_kept_has_learnt():
    test = diffusion.load(1)[2][0].flatten(1)
    with torch.no_grad():
        torch.manual_seed(0)
        learnt = diffusion.noise_loss(diffusion.trained(1), test)
        torch.manual_seed(0)
        assert learnt < 0.6 * diffusion.noise_loss(diffusion.Denoiser(), test)
