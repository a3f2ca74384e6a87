import patch_embedding
import pytest
import torch
import torch.nn.functional as F


def test_patchify_by_hand():
    x = torch.arange(2 * 4 * 6).reshape(1, 2, 4, 6)
    patches = patch_embedding.patchify(x, 2)
    assert patches.shape == (1, 6, 2, 2, 2)
    for n, (row, column) in enumerate((row, column) for row in (0, 2) for column in (0, 2, 4)):
        assert torch.equal(patches[0, n], x[0, :, row : row + 2, column : column + 2].permute(1, 2, 0))


@pytest.mark.parametrize("P, C", [(2, 1), (2, 3), (4, 3)])
def test_rows_by_channel_turns_unfold_into_patchify(P, C):
    x = torch.randn(2, C, 8, 12)
    unfolded = F.unfold(x, kernel_size=P, stride=P).transpose(1, 2)
    flat = patch_embedding.patchify(x, P).flatten(2)
    assert torch.equal(unfolded[..., patch_embedding.rows_by_channel(P, C)], flat)


@pytest.mark.parametrize("how", ["inside", "patches", "all"])
def test_shuffles_lose_no_pixel(how):
    patches = torch.arange(6 * 4 * 3).reshape(6, 4, 3)
    moved = patch_embedding.shuffled(patches, how)
    assert moved.shape == patches.shape and not torch.equal(moved, patches)
    assert sorted(moved.flatten(0, 1).tolist()) == patches.flatten(0, 1).tolist()  # colours of a pixel stay together
    if how == "inside":
        assert all(sorted(a.tolist()) == b.tolist() for a, b in zip(moved, patches))
    if how == "patches":
        assert sorted(moved.tolist()) == patches.tolist()


def test_lost_is_the_share_that_no_matrix_makes():
    x = torch.zeros(4, 1, 2, dtype=torch.float64)
    x[0, 0, 0] = x[1, 0, 1] = 1  # the matrix reaches the first two rows of z and no other
    z = torch.tensor([[3.0], [0.0], [4.0], [0.0]], dtype=torch.float64)
    assert patch_embedding.lost(x, z) == pytest.approx(4 / 5)


def test_explained_by_hand():
    patches = torch.tensor([[3.0, 0], [-3, 0], [0, 4], [0, -4]])[:, None]
    assert patch_embedding.explained(patches).tolist() == pytest.approx([16 / 25, 1])


def test_reach_finds_the_pixels_that_count():
    x = torch.randn(1, 3, 4, 4)
    heat = patch_embedding.reach(lambda x: torch.stack([x[0, 0, 1, 2], -x[0, 0, 1, 2], x[0, 2, 3, 0]]), x)
    assert heat.nonzero().tolist() == [[1, 2], [3, 0]]
