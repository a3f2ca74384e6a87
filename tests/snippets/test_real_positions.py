"""What the run of the real ViT's positions measures with: by hand, on grids whose answers are known."""

import pytest
import real_positions as rp
import torch
from real_vit import features, normalise

torch.set_num_threads(1)
G = 37


@pytest.fixture(scope="module")
def places():
    return torch.cartesian_prod(torch.arange(G), torch.arange(G))  # (G G, 2): row, column


@pytest.fixture(scope="module")
def numbered():
    """Positions that say where they are: the class token -1, then row and column."""
    place = torch.cartesian_prod(torch.arange(G), torch.arange(G)).float()
    return torch.cat([torch.full((1, 2), -1.0), place])[None]


def test_similarity_along_a_line(places):
    """Rows and columns of their own: alike where one is shared, not at all where none is."""
    vectors = torch.eye(2 * G)[places[:, 0]] + torch.eye(2 * G)[G + places[:, 1]]
    assert rp.by_direction(vectors, 10, 18) == pytest.approx((0.5, 0.0), abs=1e-6)


def test_sums_of_rows_and_columns_are_explained(places):
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.randn(2, G, 8, generator=generator)
    vectors = rows[places[:, 0]] + columns[places[:, 1]]
    torch.testing.assert_close(rp.row_plus_column(vectors), vectors)
    assert rp.explained(vectors) == pytest.approx(1, abs=1e-5)
    product = rows[places[:, 0]] * columns[places[:, 1]]
    assert rp.explained(product - rp.row_plus_column(product)) == pytest.approx(0, abs=1e-5)
    noise = torch.randn(G * G, 384, generator=generator)
    assert rp.explained(noise) == pytest.approx(72 / 1368, abs=0.005), "two times 36 of 1368 directions"


@pytest.mark.parametrize("frequency", [1, 5, 18])
def test_a_wave_is_found_at_its_frequency(places, frequency):
    down = torch.cos(2 * torch.pi * frequency * places[:, :1] / G) + 3
    shares = rp.waves(down)
    assert shares.shape == (1 + G // 2,) and shares[frequency].item() == pytest.approx(1, abs=1e-4)
    across = torch.cos(2 * torch.pi * (places[:, :1] + frequency * places[:, 1:]) / G)
    assert rp.waves(across)[frequency].item() == pytest.approx(1, abs=1e-4), "the larger of the two counts"


@pytest.mark.parametrize("key", rp.METHODS)
def test_each_method_gives_a_vector_a_patch_and_leaves_the_class_token(numbered, key):
    for size in ((16, 16), (16, 24)):
        found = rp.METHODS[key][1](numbered, size)
        assert found.shape == (1, 1 + size[0] * size[1], 2)
        assert torch.equal(found[:, 0], numbered[:, 0])


@pytest.mark.parametrize("key", ["bicubic", "bicubic_aa", "bilinear", "nearest", "sums"])
def test_in_two_dimensions_a_patch_gets_its_place(numbered, key):
    """New place i lies at (i + 1/2) G / G' - 1/2 of the old grid."""
    rows, columns = 16, 24
    found = rp.METHODS[key][1](numbered, (rows, columns))[0, 1:].unflatten(0, (rows, columns))
    inner = slice(2, -2)  # at the edge there is nothing beyond to average with
    down = (torch.arange(rows) + 0.5) * G / rows - 0.5
    across = (torch.arange(columns) + 0.5) * G / columns - 0.5
    near = 0.5 if key == "nearest" else 0.1  # torch's bicubic bends a straight line a little
    torch.testing.assert_close(found[inner, 0, 0], down[inner], atol=near, rtol=0)
    torch.testing.assert_close(found[0, inner, 1], across[inner], atol=near, rtol=0)


def test_without_two_dimensions_it_does_not(numbered):
    line = rp.in_line(numbered, (16, 16))[0, 1:].unflatten(0, (16, 16))
    assert line[:, :, 0].diff(dim=0).mean().item() == pytest.approx(G / 16, abs=0.1), "rows go on downwards"
    wanted = (8 + 0.5) * G / 16 - 0.5  # the ninth patch of the top row is past the middle
    assert abs(line[0, 8, 1] - wanted) > 10, "columns are lost"
    number = rp.by_number(numbered, (16, 16))[0, 1:]
    assert number[16].tolist() == [0, 16], "the second row's first patch gets a place of the first row"
    again = rp.by_number(numbered, (G + 1, G))[0, 1:]
    assert again[G * G].tolist() == [0, 0], "after the last one they start again"


def test_window_same_and_shuffled(numbered):
    window = rp.window(numbered, (16, 24))[0, 1:]
    assert window[0].tolist() == [10, 6] and window[-1].tolist() == [25, 29]
    same = rp.same(numbered, (4, 4))[0, 1:]
    torch.testing.assert_close(same, torch.full((16, 2), (G - 1) / 2))
    mixed, right = (f(numbered, (16, 16))[0, 1:] for f in (rp.shuffled, rp.own))
    assert not torch.equal(mixed, right)
    assert sorted(mixed.tolist()) == sorted(right.tolist())


def test_the_model_with_its_own_positions_is_the_model(small_vit):
    images = torch.rand(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    found = rp.features_with(small_vit, images, small_vit.pos_embed.detach())
    expected = features(small_vit, normalise(images, small_vit.pretrained_cfg))
    torch.testing.assert_close(found, expected)
    other = rp.features_with(small_vit, images, rp.with_patches(small_vit.pos_embed.detach(), torch.zeros(1, 16, 32)))
    assert not torch.allclose(found, other)


def test_features_are_averaged_at_their_places():
    rows = torch.arange(4.0).repeat_interleave(4)[None, :, None]  # (1, 16, 1): the row's number
    found = rp.at_places(rows, (4, 4), (2, 2)).flatten()
    assert found[0] == found[1] < found[2] == found[3]
    torch.testing.assert_close(rp.at_places(rows, (4, 4), (4, 4)), rows)


def test_agreement_by_hand():
    one = torch.tensor([[[2.0, 1.0], [0.0, 1.0]], [[1.0, 2.0], [1.0, 0.0]]])  # around (1, 1)
    other = torch.tensor([[[3.0, 0.0], [-3.0, 0.0]], [[0.0, -2.0], [0.0, 2.0]]])  # around nothing
    torch.testing.assert_close(rp.agreement(one, other), torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(rp.agreement(one + 5, one), torch.ones(2))  # what all share does not count
    turned = one.flip(1)
    torch.testing.assert_close(rp.agreement(turned, one), -torch.ones(2))  # place by place


def test_finding_by_hand():
    known = torch.tensor([[3.0, 1.0], [1.0, 1.0]])  # around (2, 1)
    queries = torch.tensor([[2.5, 1.2], [2.5, 1.2], [0.5, 2.0]])
    assert rp.finds(queries, known, torch.tensor([0, 1, 1])).tolist() == [1.0, 0.0, 1.0]
