import pytest
import torch
from nonsquare_grid import WRONG, as_grid, by_count, guessed, off, pulled, resize, sides, swapped, with_class_token
from vit import resample_abs_pos_embed


def random_pos_embed(rows, columns, D=6):
    return torch.randn(1, 1 + rows * columns, D, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("old, new", [((3, 5), (6, 5)), ((4, 4), (4, 8)), ((2, 8), (4, 4))])
def test_resize_is_timms_formula_told_the_old_size(old, new):
    pos_embed = random_pos_embed(*old)
    expected = resample_abs_pos_embed(pos_embed, new, old_size=old, antialias=False)
    torch.testing.assert_close(resize(pos_embed, old, new), expected)


def test_as_grid_keeps_rows_and_refuses_another_number():
    patches = torch.arange(6.0)[None, :, None]
    assert as_grid(patches, (2, 3))[0, 0].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="6 vectors"):
        as_grid(patches, (2, 2))


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ways_give_the_right_shape_and_other_vectors(name):
    _, method, old, new = WRONG[name]
    pos_embed = random_pos_embed(*old)
    right, wrong = resize(pos_embed, old, new), method(pos_embed, old, new)
    assert wrong.shape == right.shape and not torch.allclose(wrong, right)
    assert torch.equal(wrong[:, :1], pos_embed[:, :1])
    assert off(method, old, new) > 1 > off(resize, old, new)


def test_each_wrong_way_is_what_it_says():
    pos_embed = random_pos_embed(4, 4)
    assert torch.equal(swapped(pos_embed, (4, 4), (2, 8)), resize(pos_embed, (4, 4), (8, 2)))
    assert torch.equal(by_count(pos_embed, (4, 4), (2, 8)), pos_embed)
    assert torch.equal(by_count(pos_embed, (4, 4), (2, 4)), resize(pos_embed, (4, 4), (2, 4)))
    assert torch.equal(guessed(random_pos_embed(2, 8), (2, 8), (4, 4)), random_pos_embed(2, 8))  # taken for 4 x 4
    with pytest.raises(ValueError):
        guessed(random_pos_embed(2, 7), (2, 7), (4, 4))
    shifted = with_class_token(pos_embed, (4, 4), (4, 4))
    torch.testing.assert_close(shifted[:, 1:], pos_embed[:, :-1])


def test_scale_factor_floors_and_an_offset_pulls():
    assert sides(14, 61) == 60 and sides(14, 62) == 62 and sides(16, 61) == 61
    assert sides(14, 61, offset=0.1) == 61
    assert pulled(37, 16, offset=0) == pytest.approx(0, abs=1e-5)
    # (n - 1/2) 0.1 / (n + 0.1) new rows at the last of n
    assert pulled(37, 16) == pytest.approx(15.5 * 0.1 / 16.1, abs=1e-3)
