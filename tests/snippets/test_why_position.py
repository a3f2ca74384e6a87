import pytest
import torch
from lib.digits import small_vit
from permutation import shuffle_patches
from position_similarity import distance_correlation
from why_position import build, digit_correlation, grid_sincos, photo_correlation


def images(n=2, seed=0):
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_grid_sincos_by_hand():
    pos = grid_sincos(4, 32)
    assert pos.shape == (1, 17, 32) and not pos[0, 0].any()
    for row in range(4):
        for column in range(4):
            vector = pos[0, 1 + 4 * row + column]
            for k in range(8):
                speed = torch.pi / 2 * (1 - 0.75 * k / 7)  # a wave of 4 places to one of 16
                angles = torch.tensor([column * speed, column * speed, row * speed, row * speed])
                expected = torch.tensor([angles[0].sin(), angles[1].cos(), angles[2].sin(), angles[3].cos()])
                torch.testing.assert_close(vector[k::8], expected)


def test_grid_sincos_tells_near_from_far_until_rearranged():
    places = grid_sincos(4, 32)[0, 1:]
    assert distance_correlation(places) < -0.8
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    moved = shuffle_patches(x, order, 1).flatten()  # what stands at each place
    # the vector that each patch of the picture gets, in the picture's own order
    torch.testing.assert_close(places[order.argsort()][moved.long()], places)
    assert abs(distance_correlation(places[order.argsort()])) < 0.5


def test_the_fixed_one_starts_as_the_others_do():
    learned, fixed, none = build("1d", 3), build("fit", 3), build("none", 3)
    assert none.pos_embed is None and learned.pos_embed.requires_grad and not fixed.pos_embed.requires_grad
    assert torch.equal(fixed.pos_embed, grid_sincos(4, 32))
    others = dict(fixed.named_parameters())
    for name, weight in small_vit(3).named_parameters():
        if name != "pos_embed":
            assert torch.equal(others[name], weight) and torch.equal(dict(none.named_parameters())[name], weight)


def test_without_positions_a_shuffled_image_is_the_same():
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    x = images()
    torch.testing.assert_close(build("none", 0)(shuffle_patches(x, order, 2)), build("none", 0)(x))
    assert not torch.allclose(build("fit", 0)(shuffle_patches(x, order, 2)), build("fit", 0)(x), atol=1e-3)


def test_digit_correlation_tells_near_from_far():
    generator = torch.Generator().manual_seed(0)
    columns = torch.randn(4000, 5, generator=generator)  # a pixel's column of patches shares noise with the next one's
    values = (columns[:, :-1] + columns[:, 1:]).repeat_interleave(2, dim=1)  # (4000, 8)
    x = values[:, None, None, :].expand(-1, 1, 8, 8)
    near, far = digit_correlation(x, 1), digit_correlation(x, 3)
    assert near > far + 0.2 and far == pytest.approx(expected_far(), abs=0.03)


def expected_far():
    """Of the pairs 3 apart in rows or columns, by the columns' distance: correlation 1, 0.5 or 0."""
    total = count = 0
    for a in range(16):
        for b in range(16):
            rows, columns = abs(a // 4 - b // 4), abs(a % 4 - b % 4)
            if max(rows, columns) == 3:
                total, count = total + {0: 1, 1: 0.5}.get(columns, 0), count + 1
    return total / count


def test_photos_are_bundled_and_smooth():
    assert 0.5 < photo_correlation(4) < photo_correlation(1) < 1
    assert abs(photo_correlation(1, shuffled=True)) < 0.1
