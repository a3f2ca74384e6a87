import parameter_count
import pytest
import torch
from lib import binary_digits


def test_all_states_are_listed_in_the_order_of_frequencies():
    states = binary_digits.all_states(3)
    assert states.tolist()[:3] == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert torch.equal(binary_digits.frequencies(states), torch.full((8,), 1 / 8, dtype=torch.double))
    assert binary_digits.frequencies(states[[5, 5, 0, 7]]).tolist() == [0.25, 0, 0, 0, 0, 0.5, 0, 0.25]


def test_digits_are_split_without_overlap_and_middle_takes_its_ten_pixels():
    train, test, labels, test_labels = binary_digits.load(0)
    assert (train.shape, test.shape, len(labels), len(test_labels)) == ((1297, 64), (500, 64), 1297, 500)
    assert set(train.unique().tolist()) == {0, 1}
    again = binary_digits.load(1)
    assert torch.equal(torch.cat([train, test]).sum(dim=0), torch.cat(again[:2]).sum(dim=0))
    assert not torch.equal(train, again[0])
    places = binary_digits.middle(torch.arange(64)[None])
    assert places.tolist() == [[25, 26, 27, 28, 29, 33, 34, 35, 36, 37]]


@pytest.mark.parametrize("parents, numbers", [(0, 5), (1, 1 + 4 * 2), (2, 1 + 2 + 3 * 4), (4, 31), (9, 31)])
def test_every_choice_of_parents_is_a_distribution(parents, numbers):
    states = binary_digits.all_states(5)
    places, used = parameter_count.lookup(states, parents)
    assert used == numbers and set(places.flatten().tolist()) == set(range(numbers))
    theta = torch.rand(used, dtype=torch.double)
    assert parameter_count.log_prob(theta, states, parents).exp().sum().item() == pytest.approx(1)


def test_a_pixel_looks_at_the_pixels_just_before_it():
    theta = torch.tensor([0.5, 0.1, 0.9, 0.2, 0.8])  # P(x1), P(x2 | x1 = 0), P(x2 | x1 = 1), P(x3 | x2 = 0), ...
    x = torch.tensor([[1.0, 0.0, 1.0]])
    assert parameter_count.log_prob(theta, x, 1).exp().item() == pytest.approx(0.5 * (1 - 0.9) * 0.2)


def test_fitting_with_the_whole_past_gives_any_distribution_back():
    torch.manual_seed(0)
    states, p = binary_digits.all_states(4), torch.rand(16, dtype=torch.double)
    p = p / p.sum()
    log_q = parameter_count.log_prob(parameter_count.fit(states, 3, p, pseudo=0), states, 3)
    assert torch.allclose(log_q.exp(), p)
    assert parameter_count.kl(p, log_q) == pytest.approx(0, abs=1e-12)


def test_weights_count_as_repeated_states():
    x = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    weighted = parameter_count.fit(x, 1, torch.tensor([3, 1]))
    assert torch.allclose(weighted, parameter_count.fit(x[[0, 0, 0, 1]], 1))


def test_the_full_table_agrees_with_the_conditional_tables():
    torch.manual_seed(0)
    train, test = (torch.rand(size, 6).round().double() for size in (40, 20))
    expected = -parameter_count.log_prob(parameter_count.fit(train, 5), test, 5).mean().item()
    assert parameter_count.full_table_nll(train, test) == pytest.approx(expected)


def test_free_parameters_do_not_count_what_changes_nothing():
    def log_p(theta):  # three numbers, of which only the sum of the first two and the third matter
        return torch.stack([theta[0] + theta[1], theta[2], torch.zeros(())]).log_softmax(0)

    assert parameter_count.free_parameters(log_p, torch.randn(3)) == 2


def test_nearest_counts_pixels():
    train = torch.zeros(2, 64)
    train[1, :10] = 1
    x = torch.zeros(1, 64)
    x[0, :9] = 1
    assert parameter_count.nearest(x, train) == 1


def test_y_can_be_dropped_only_where_z_makes_it_independent():
    x_z, y_z, z = (
        torch.tensor([[0.2, 0.7], [0.8, 0.3]]),
        torch.tensor([[0.5, 0.1], [0.5, 0.9]]),
        torch.tensor([0.4, 0.6]),
    )
    built = (x_z[:, None] * y_z * z).double()
    assert parameter_count.without_y(built) < 1e-6
    built[0, 0, 0] += 0.1  # now y tells something of x even where z is known
    assert parameter_count.without_y(built / built.sum()) > 0.05


def test_pixels_are_learnt_within_each_class():
    labels = torch.arange(10).repeat(30)
    train = (labels[:, None] == torch.arange(64)[None] % 10).double()
    theta, prior = parameter_count.by_class(train, labels)
    assert (theta[3, 3], theta[3, 4]) == (pytest.approx(30.5 / 31), pytest.approx(0.5 / 31))
    assert torch.allclose(prior, torch.full((10,), 0.1))


def test_correlation_is_that_of_pixels_side_by_side():
    torch.manual_seed(0)
    alone = torch.rand(4000, 64).round().double()
    twins = alone.unflatten(1, (8, 8))[:, :, :1].expand(-1, 8, 8).flatten(1)
    assert abs(parameter_count.correlation(alone)) < 0.02
    assert parameter_count.correlation(twins) == pytest.approx(1)
