import divergence
import numpy as np
import pytest
from scipy.stats import entropy, wasserstein_distance


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return divergence.random_distributions(rng, 2, places=6)


def test_kl_js_and_wasserstein_agree_with_scipy(pair):
    p, q = pair
    assert divergence.kl(p, q) == pytest.approx(entropy(p, q))
    m = (p + q) / 2
    assert divergence.js(p, q) == pytest.approx((entropy(p, m) + entropy(q, m)) / 2)
    assert divergence.wasserstein(p, q) == pytest.approx(wasserstein_distance(range(6), range(6), p, q))
    assert divergence.jeffreys(p, q) == pytest.approx(entropy(p, q) + entropy(q, p))


def test_a_known_value_by_hand():
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    assert divergence.kl(p, q) == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))
    assert divergence.wasserstein(p, q, step=3.0) == pytest.approx(0.75)


def test_empty_places_are_infinitely_far_by_kl_alone():
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert np.isinf(divergence.kl(p, q)) and np.isinf(divergence.jeffreys(p, q))
    assert divergence.js(p, q) == pytest.approx(np.log(2))
    assert divergence.kl(p, np.array([0.5, 0.5])) == pytest.approx(np.log(2))


def test_distributions_are_of_sum_1_without_empty_places():
    rng = np.random.default_rng(0)
    found = divergence.random_distributions(rng, 1000)
    assert np.allclose(found.sum(axis=-1), 1) and found.min() > 0
    assert divergence.uniform(0.5).sum() == pytest.approx(1)
    assert (divergence.uniform(0.5) > 0).sum() * divergence.STEP == pytest.approx(1)
    assert divergence.thickened(divergence.uniform(0), 1e-3).min() > 0


def test_the_critic_is_1_lipschitz_and_no_other_does_better(pair):
    p, q = pair
    f, value = divergence.best_critic(p, q)
    assert np.abs(np.diff(f)).max() < 1 + 1e-9
    assert value == pytest.approx(divergence.least_transport(p, q)) == pytest.approx((p - q) @ f)


def test_no_discriminator_beats_the_optimal_one(pair):
    p, q = pair
    best = p * np.log(p / (p + q)) + q * np.log(q / (p + q))
    rng = np.random.default_rng(1)
    for D in rng.uniform(0.01, 0.99, (200, 6)):
        assert (p * np.log(D) + q * np.log(1 - D)).sum() <= best.sum()
    D, value = divergence.train_discriminator(p, q, steps=2000)
    assert np.allclose(D, p / (p + q), atol=1e-3) and value == pytest.approx(best.sum(), abs=1e-6)


def test_the_elbo_never_exceeds_the_evidence():
    rng = np.random.default_rng(0)
    prior, likelihood = divergence.random_distributions(rng, 1)[0], rng.uniform(0.05, 0.95, 5)
    for guess in divergence.random_distributions(rng, 200):
        assert divergence.elbo(prior, likelihood, guess) <= np.log(prior @ likelihood) + 1e-12


def test_minimax_and_practical_losses_pull_the_generator_differently():
    for theta in (0.5, 2.0):
        slope, js_slope, _ = divergence.generator_slopes(lambda D: np.log(1 - D), theta)
        assert slope == pytest.approx(js_slope, abs=1e-6)
        slope, _, mixed_slope = divergence.generator_slopes(lambda D: -np.log(D), theta)
        assert slope == pytest.approx(mixed_slope, abs=1e-6)


def test_no_event_is_further_apart_than_a_measure_allows():
    rng = np.random.default_rng(0)
    p, q = (divergence.random_distributions(rng, 5000) for _ in range(2))
    events = np.array([[event >> place & 1 for place in range(5)] for event in range(32)])
    apart = np.abs((p - q) @ events.T).max(axis=-1)  # of all 32 events
    assert divergence.most_apart(p, q) == pytest.approx(apart)
    for name, limit in divergence.LIMITS.items():
        share = apart / limit(divergence.MEASURES[name](p, q))
        assert 0.6 < share.max() <= 1 + 1e-9, name  # none beyond, and the limit is not an idle one


def test_different_distributions_may_have_the_same_mean():
    ends, centre = np.array([0.5, 0, 0.5]), np.array([0.0, 1, 0])
    assert divergence.means_apart(ends, centre) == 0
    assert divergence.most_apart(ends, centre) == 1
    assert divergence.means_apart(ends, np.array([0.0, 0.5, 0.5])) == pytest.approx(0.5)
