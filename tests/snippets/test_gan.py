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


def test_coverage_tells_collapse_from_samples_between_the_modes():
    at_two = gan.CENTRES[[0, 3]].repeat(100, 1)
    at_five = gan.CENTRES[:5].repeat(40, 1)
    between = torch.zeros(200, 2)
    mostly_between = torch.cat([at_two[:90], between[:110]])
    x = torch.stack([at_two, at_five, between, mostly_between])
    modes, near, collapsed = gan.coverage(gan.shares(x))
    assert modes.tolist() == [2, 5, 0, 2] and near.tolist() == pytest.approx([1, 1, 0, 0.45])
    assert collapsed.tolist() == [True, False, False, False]
    assert gan.distance(x)[:3].tolist() == pytest.approx([0, 0, 2], abs=1e-5)
    torch.manual_seed(0)
    modes, near, collapsed = gan.coverage(gan.shares(gan.ring(2, 4000)))
    assert modes.tolist() == [8, 8] and (near > 0.97).all() and not collapsed.any()  # 0.989 within three deviations


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
    untrained = gan.networks(S=2)[0]
    nets = gan.networks(S=2)
    gan.play(nets, "practical", 1, 0, 3)  # D alone: the generator stays as it was
    assert gan.apart(nets[0], untrained) == 0
    still = [p.detach().clone() for p in nets[1].parameters()]
    gan.play(nets, "practical", 0, 1, 3)  # G alone: the discriminator stays
    assert gan.apart(nets[0], untrained) > 0
    assert all(torch.equal(p, q) for p, q in zip(nets[1].parameters(), still))


def test_a_lying_discriminator_learns_the_names_the_other_way_round():
    told = []
    for truth in (1, -1):
        nets = gan.networks(S=2)
        gan.play(nets, "practical", 1, 0, 100, truth)
        torch.manual_seed(1)
        told.append(gan.accuracy(nets[1], gan.ring(2, 500), gan.made(nets[0], 500)))
    assert (told[0] > 0.6).all() and (told[1] < 0.4).all()


def test_height_is_the_rank_on_the_grid():
    x = torch.tensor([[[-3.0, 0.0], [0.0, 2.0], [3.1, -1.0]]])
    for i, share in enumerate((0, 30 / 61, 1)):
        found = gan.height(lambda x: x[..., :1], x[:, i : i + 1])
        assert found.item() == pytest.approx(share, abs=0.02)


def test_the_best_critic_is_the_best_of_all_matchings():
    from itertools import permutations

    real, fake = torch.randn(2, 4, 1), torch.randn(2, 4, 1)
    least = torch.stack([(real[:, list(order)] - fake).abs().mean(dim=(1, 2)) for order in permutations(range(4))])
    assert torch.allclose(gan.wasserstein(real, fake), least.min(dim=0).values)
    assert gan.line_shares(gan.LINE[:4, None].expand(1, -1, 1)).tolist() == [[0.25] * 4 + [0] * 4]


def test_only_what_was_not_cleared_reaches_the_generator():
    right = gan.by_hand(detach=True, clear=True, rounds=3)
    cleared = gan.by_hand(detach=False, clear=True, rounds=3)
    slip = gan.by_hand(detach=False, clear=False, rounds=3)
    early = gan.by_hand(detach=True, clear=False, rounds=3)
    nets = gan.networks()
    gan.play(nets, "practical", 1, 1, 3)
    assert gan.apart(right, cleared) == gan.apart(right, early) == gan.apart(right, nets[0]) == 0
    assert gan.apart(right, slip) > 1e-4
    assert gan.left_in_generator(detach=True) == 0 < gan.left_in_generator(detach=False)
    assert "second time" in gan.reuse()


def test_what_is_kept_is_of_all_games():
    from safetensors.torch import load_file

    kept, stopped = load_file(gan.KEPT), load_file(gan.STOPPED)
    assert kept["shares"].shape == (len(gan.GAMES), 10, 8, 8)
    assert stopped["stages"].shape == (len(gan.STAGES), 8, 500, 2)
    modes, near, _ = gan.coverage(kept["shares"])
    assert (near <= 1).all() and (modes[gan.GAMES.index(("gan", "1_1", 1500)), -1] >= 7).all()
