"""What the run on arrangement measures with: by hand, and on a tiny model."""

import pytest
import real_arrangement as ra
import torch
from permutation import shuffle_patches
from real_vit import features, normalise

torch.set_num_threads(1)
P, SIDE = 14, 56


@pytest.fixture
def images():
    return torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def test_a_look_ends_in_the_model_s_own_tokens(small_vit, images):
    by_block, patches = ra.look(small_vit, images)
    tokens = features(small_vit, normalise(images, small_vit.pretrained_cfg))
    assert by_block.shape == (3, 3, 32) and patches.shape == (3, 16, 32)
    torch.testing.assert_close(by_block[:, -1], tokens[:, 0])
    torch.testing.assert_close(patches, tokens[:, 1:])


def test_without_positions_tokens_follow_their_patches(small_vit, images):
    plain = ra.without_positions(small_vit)
    assert small_vit.pos_embed is not None, "a copy is changed, not the model"
    moved, orders = ra.shuffled(images, 1, P)
    (still, patches), (now, followed) = ra.look(plain, images), ra.look(plain, moved)
    assert ra.change(now[:, -1], still[:, -1]).max() < 1e-5
    assert ra.change(followed, ra.taken(patches, orders)).max() < 1e-5
    assert ra.change(followed, patches).min() > 0.01
    assert ra.change(ra.look(small_vit, moved)[0][:, -1], ra.look(small_vit, images)[0][:, -1]).min() > 1e-4


@pytest.mark.parametrize("cells", [1, 2])
def test_blocks_are_moved_whole_and_each_image_in_its_own_order(images, cells):
    moved, orders = ra.shuffled(images, cells, P)
    for image, picture, order in zip(images, moved, orders):
        assert order.sort().values.tolist() == list(range(16))
        assert torch.equal(shuffle_patches(image[None], order, P)[0], picture)
    assert not torch.equal(orders[0], orders[1])
    if cells == 2:  # neighbours in a block stay neighbours
        rows = orders.view(3, 4, 4)
        assert (rows[:, :, 1::2] - rows[:, :, ::2] == 1).all()


def test_likeness_and_rank_by_hand():
    tokens = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    half = 0.5**0.5
    assert ra.to_others(tokens).tolist() == pytest.approx([half / 2, half / 2, half])
    queries = torch.tensor([[1.0, 0.1], [1.0, 0.9], [1.0, -0.1]])
    # the second's own is the farthest of all; the third's the second
    assert ra.found(queries, tokens).tolist() == pytest.approx([1, 1 / 3, 1 / 2])


def test_a_window_moves_what_is_seen_to_the_right():
    wide = torch.arange(40.0 * 40).view(1, 1, 40, 40)
    before, after = ra.window(wide, 0, 28), ra.window(wide, 3, 28)
    assert before.shape == (1, 1, 12, 12)
    assert torch.equal(after[..., 3:], before[..., :-3])
    doubled = torch.arange(80.0).expand(1, 1, 80, 80)
    assert ra.window(doubled, 0, 56).shape == (1, 1, 24, 24) and ra.window(doubled, 6, 56)[0, 0, 0, 0] == 50
    assert ra.by_pixel(wide, wide).abs().item() < 1e-6 and ra.by_pixel(wide, -wide).item() == pytest.approx(2)


def test_tokens_that_moved_are_like_their_content():
    torch.manual_seed(0)
    still = torch.randn(2, 16, 16, 8)
    content, place = ra.followed(still.roll(2, dims=2).flatten(1, 2), still.flatten(1, 2), 2.0)
    assert content.tolist() == pytest.approx([1, 1]) and place.abs().max() < 0.2
    between = (still + still.roll(1, dims=2)).flatten(1, 2)  # half of each content in one cell
    content, _ = ra.followed(between, still.flatten(1, 2), 0.5)
    assert content.tolist() == pytest.approx([1, 1])
    content, _ = ra.followed(between.unflatten(1, (16, 16)).roll(1, dims=2).flatten(1, 2), still.flatten(1, 2), 1.5)
    assert content.tolist() == pytest.approx([1, 1])


def test_a_quarter_turn_moves_pixels_alone():
    images = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(ra.turned(images, 90), images.rot90(1, dims=(2, 3)), atol=1e-5, rtol=0)
    assert (ra.turned(images, 45) - images).abs().max() > 0.05


def test_a_disc_lies_on_the_mean_colour(small_vit):
    disc = ra.disc(torch.zeros(1, 3, 64, 64), small_vit.pretrained_cfg)
    assert disc[0, :, 32, 32].tolist() == [0, 0, 0] and disc[0, :, 0, 0].tolist() == [0.5] * 3
    assert ra.within(64, 1).float().mean().item() == pytest.approx(torch.pi / 4, abs=0.01)
