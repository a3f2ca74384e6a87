import one_jump
import torch


def test_distance_from_the_mean_by_hand():
    images = torch.zeros(2, 64)
    images[1, 0] = 2.0  # the mean is 1 in the first pixel
    x = torch.zeros(2, 64)
    x[0, 0], x[1, 1] = 4.0, 1.0
    assert torch.allclose(one_jump.from_mean(x, images), torch.tensor([3.0, 2.0**0.5]))


def test_variety_is_a_share_of_the_real_variance():
    torch.manual_seed(0)
    real = torch.randn(2000, 64)
    assert one_jump.variety(real, real) == 1
    assert abs(one_jump.variety(0.5 * torch.randn(2000, 64) + 7, real) - 0.25) < 0.01
    assert one_jump.variety(torch.ones(9, 64), real) == 0


def test_the_best_guess_jumps_to_the_mean_and_not_farther():
    torch.manual_seed(0)
    images, start = torch.randn(50, 64), torch.randn(20, 64)
    guess = one_jump.optimal_noise(images)
    assert one_jump.from_mean(one_jump.generate(guess, start, 1), images).max() < 0.3
    walked = one_jump.generate(guess, start, 50, eta=0.0)
    assert one_jump.from_mean(walked, images).min() > 3
