import gan
import pytest
import torch


@pytest.fixture
def nets():
    torch.manual_seed(0)
    return gan.MLPs(3, 2, 8, 2), gan.MLPs(3, 2, 8, 1)


def test_seeds_side_by_side_share_nothing(nets):
    G, _ = nets
    z = torch.randn(3, 5, 2)
    hidden = torch.nn.functional.leaky_relu(z[1] @ G.weights[0][1] + G.biases[0][1], 0.2)
    assert torch.allclose(G(z)[1], hidden @ G.weights[1][1] + G.biases[1][1], atol=1e-6)
    G(z)[1].sum().backward()
    assert all(p.grad[[0, 2]].abs().sum() == 0 and p.grad[1].abs().sum() > 0 for p in G.parameters())


def test_losses_are_the_formulas_in_D():
    a, b = torch.randn(2, 3, 50, 1)
    D_real, D_fake = a.sigmoid(), b.sigmoid()
    assert torch.allclose(gan.classify(a, b), -(D_real.log() + (1 - D_fake).log()).mean(dim=(1, 2)), atol=1e-5)
    assert torch.allclose(gan.GENERATOR_LOSSES["minimax"](b), (1 - D_fake).log().mean(dim=(1, 2)), atol=1e-5)
    assert torch.allclose(gan.GENERATOR_LOSSES["practical"](b), -D_fake.log().mean(dim=(1, 2)), atol=1e-5)


def test_both_generator_losses_pull_one_way_in_the_ratio_of_the_odds():
    a = torch.tensor([-6.0, 0.0, 3.0]).requires_grad_()
    slopes = {
        name: torch.autograd.grad(gan.GENERATOR_LOSSES[name](a[:, None, None]).sum(), a)[0]
        for name in ("minimax", "practical")
    }
    assert torch.allclose(slopes["minimax"], -a.sigmoid(), atol=1e-5)
    assert torch.allclose(slopes["practical"] / slopes["minimax"], (1 - a.sigmoid()) / a.sigmoid(), rtol=1e-4)


def test_the_minimax_generator_wants_the_opposite_of_the_discriminator(nets):
    G, D = nets
    real, z = torch.randn(3, 20, 2), torch.randn(3, 20, 2)
    for p, q in zip(
        torch.autograd.grad(gan.classify(D(real), D(G(z))).sum(), G.parameters()),
        torch.autograd.grad(gan.GENERATOR_LOSSES["minimax"](D(G(z))).sum(), G.parameters()),
    ):
        assert torch.allclose(p, -q, atol=1e-6)


def test_the_penalty_is_0_where_the_slope_is_1():
    real, fake = torch.randn(2, 3, 40, 2)
    for slope, penalty in ((1.0, 0.0), (3.0, 4.0), (0.0, 1.0)):
        direction = torch.tensor([0.6, 0.8]) * slope
        found = gan.gradient_penalty(lambda x, w=direction: (x * w).sum(dim=-1, keepdim=True), real, fake)
        assert torch.allclose(found, torch.full((3,), penalty), atol=1e-4)


def test_a_soft_penalty_lets_the_slope_exceed_1():
    real, fake = torch.full((1, 8, 1), 4.0), torch.zeros(1, 8, 1)
    for penalty, best in ((10, 1.2), (1, 3.0)):  # of 4 s - penalty (s - 1)^2: s = 1 + 4 / (2 penalty)
        w = torch.tensor(1.0, requires_grad=True)
        loss = gan.critic_loss(lambda x, w=w: x * w, real, fake, penalty)
        assert torch.autograd.grad(loss.sum(), w)[0].item() == pytest.approx(-4, abs=1e-4)  # 1 is not where it rests
        w = torch.tensor(best, requires_grad=True)
        loss = gan.critic_loss(lambda x, w=w: x * w, real, fake, penalty)
        assert torch.autograd.grad(loss.sum(), w)[0].item() == pytest.approx(0, abs=1e-3)


def test_coverage_counts_modes_and_what_lies_between():
    at_two = gan.CENTRES[[0, 3]].repeat(100, 1)
    between = torch.zeros(200, 2)
    modes, near, distance = gan.coverage(torch.stack([at_two, between]))
    assert modes.tolist() == [2, 0] and near.tolist() == [1, 0]
    assert distance.tolist() == pytest.approx([0, 2])
    torch.manual_seed(0)
    modes, near, _ = gan.coverage(gan.ring(2, 4000))
    assert modes.tolist() == [8, 8] and (near > 0.97).all()  # within three standard deviations: 0.989


def test_the_best_accuracy_is_that_of_the_likelier_name():
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.5, 0.5])
    assert gan.best_accuracy(p, q) == pytest.approx(0.75)
    assert gan.best_accuracy(p, p) == 0.5
    real, fake = torch.ones(2, 8, 1), -torch.ones(2, 8, 1)
    assert gan.accuracy(lambda x: x, real, fake).tolist() == [1, 1]
    assert gan.accuracy(lambda x: x, real, -fake).tolist() == [0.5, 0.5]


def test_only_the_first_objective_is_a_game_of_one_value():
    assert max(gan.not_opposite("minimax")) < 1e-5
    assert min(gan.not_opposite("practical")) > 0.1


def test_spread_is_the_distance_to_the_middle():
    square = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert gan.spread(square + 5).item() == pytest.approx(2**0.5)


def test_densities_sum_to_1_and_match_the_draws():
    x = torch.linspace(-8, 8, 3201)
    torch.manual_seed(0)
    for density, draw in zip(gan.densities(x), (gan.two_hills, gan.one_hill)):
        assert density.sum().item() * 0.005 == pytest.approx(1, abs=1e-3)
        assert (density * x).sum().item() * 0.005 == pytest.approx(draw(2, 20_000).mean().item(), abs=0.05)
        assert (density * x**2).sum().item() * 0.005 == pytest.approx(draw(2, 20_000).square().mean().item(), abs=0.1)


def test_a_generator_learns_through_the_discriminator_alone():
    torch.set_num_threads(1)
    G, snapshots = gan.train_gan("practical", 1, 1, 20, S=2)
    assert len(snapshots) == 20 and snapshots[0].shape == (2, 500, 2)
    torch.manual_seed(0)
    untrained = gan.MLPs(2, 2, 64, 64, 2)
    assert not torch.equal(G.weights[0], untrained.weights[0])
    still, _ = gan.train_gan("practical", 1, 0, 20, S=2)  # D alone: the generator stays as it was
    assert torch.equal(still.weights[0], untrained.weights[0])
