import pytest
import torch
import torch.nn.functional as F
from pe_interpolation import (
    METHODS,
    classify,
    lead,
    measure,
    misplacement,
    neighbour_similarity,
    repeat,
    resample_1d,
    same_everywhere,
    similarity_map,
    sincos_at_centres,
    zoom_order1,
)
from scipy import ndimage
from vit import VisionTransformer, resample_abs_pos_embed, sincos_pos_embed


def random_pos_embed(G, D=6, seed=0):
    return torch.randn(1, 1 + G * G, D, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(3, 3), (5, 5), (7, 7), (3, 5), (6, 4)])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_fills_the_grid_and_leaves_the_class_token_alone(name, size):
    pos_embed = random_pos_embed(3)
    new = METHODS[name](pos_embed, size)
    assert new.shape == (1, 1 + size[0] * size[1], 6)
    assert torch.equal(new[:, :1], pos_embed[:, :1])
    if size == (3, 3) and name != "same":
        torch.testing.assert_close(new, pos_embed)


@pytest.mark.parametrize("size", [(6, 6), (5, 5), (9, 9), (6, 9)])
def test_zoom_order1_is_scipys_zoom(size):
    pos_embed = random_pos_embed(3)
    grid = pos_embed[0, 1:].reshape(3, 3, 6).numpy()
    zoomed = torch.from_numpy(ndimage.zoom(grid, (size[0] / 3, size[1] / 3, 1), order=1))
    torch.testing.assert_close(zoom_order1(pos_embed, size)[0, 1:].unflatten(0, size), zoomed)


def test_zoom_order1_pins_corners_and_timm_does_not():
    pos_embed = torch.tensor([9.0, 0, 1, 2, 3]).reshape(1, 5, 1)  # class token, then the grid [[0, 1], [2, 3]]
    pinned = zoom_order1(pos_embed, (2, 4))[0, 1:, 0]
    torch.testing.assert_close(pinned[:4], torch.tensor([0, 1 / 3, 2 / 3, 1]))
    centred = resample_abs_pos_embed(pos_embed, (2, 4), interpolation="bilinear")[0, 1:, 0]
    torch.testing.assert_close(centred[:4], torch.tensor([0, 0.25, 0.75, 1]))  # new centres at -1/4, 1/4, 3/4, 5/4


def test_resample_abs_pos_embed_gives_timms_numbers():
    pos_embed = torch.tensor([9.0, 0, 1, 4, 9]).reshape(1, 5, 1)
    timm = torch.tensor(
        [  # timm 1.0.31, resample_abs_pos_embed(pos_embed, (3, 4))
            9.0,
            -0.32817280,
            -0.11052558,
            0.32105380,
            0.53870094,
            1.73529398,
            2.62142873,
            4.37857151,
            5.26470566,
            3.79876184,
            5.35338449,
            8.43609142,
            9.99071312,
        ]
    )
    torch.testing.assert_close(resample_abs_pos_embed(pos_embed, (3, 4))[0, :, 0], timm)


@pytest.mark.parametrize("prefix", [0, 1, 2, 5])
def test_prefix_tokens_stay_whatever_their_number(prefix):
    pos_embed = torch.randn(1, prefix + 16, 4, generator=torch.Generator().manual_seed(1))
    new = resample_abs_pos_embed(pos_embed, (6, 3), num_prefix_tokens=prefix)
    assert new.shape == (1, prefix + 18, 4)
    assert torch.equal(new[:, :prefix], pos_embed[:, :prefix])


def test_one_dimension_crosses_the_ends_of_rows():
    pos_embed = torch.tensor([9.0, 0, 0, 1, 1]).reshape(1, 5, 1)  # rows 0 0 and 1 1
    flat = resample_1d(pos_embed, (4, 4))[0, 1:, 0].reshape(4, 4)
    assert not torch.equal(flat, flat[:, :1].expand(4, 4))  # the columns of a row come out different
    square = resample_abs_pos_embed(pos_embed, (4, 4))[0, 1:, 0].reshape(4, 4)
    torch.testing.assert_close(square, square[:, :1].expand(4, 4))


def test_repeat_starts_again_and_same_everywhere_is_the_mean():
    pos_embed = torch.tensor([9.0, 1, 2, 3, 4]).reshape(1, 5, 1)
    assert repeat(pos_embed, (2, 3)).flatten().tolist() == [9, 1, 2, 3, 4, 1, 2]
    assert same_everywhere(pos_embed, (2, 3)).flatten().tolist() == [9] + [2.5] * 6


def test_sincos_at_centres_is_the_models_own_on_its_grid():
    torch.testing.assert_close(sincos_at_centres((14, 14), 14), sincos_pos_embed(14, 192))


def test_sincos_at_centres_puts_the_middle_of_three_where_the_only_one_was():
    torch.testing.assert_close(sincos_at_centres((3, 3), 1)[0, 5], sincos_at_centres((1, 1), 1)[0, 1])


def test_misplacement_by_hand():
    truth = F.pad(torch.eye(6), (0, 0, 1, 0))[None]  # six places that resemble nothing but themselves
    assert misplacement(truth, truth, (2, 3)) == 0
    swapped = truth[:, [0, 2, 1, 3, 4, 5, 6]]  # two neighbours in the first row change places
    assert misplacement(swapped, truth, (2, 3)) == pytest.approx(2 / 6)
    assert misplacement(truth[:, [0, 4, 2, 3, 1, 5, 6]], truth, (2, 3)) == pytest.approx(2 / 6)  # one row apart


def test_similarity_map_is_one_at_its_own_place():
    heat = similarity_map(random_pos_embed(4), (4, 4), (1, 2))
    assert heat.shape == (4, 4)
    assert heat[1, 2] == pytest.approx(1, abs=1e-6) and heat.abs().max() <= 1 + 1e-6


def test_neighbour_similarity_tells_right_from_below():
    rows_alike = torch.eye(3)[:, None].expand(3, 4, 3).reshape(1, 12, 3)  # each of three rows has one vector
    assert neighbour_similarity(F.pad(rows_alike, (0, 0, 1, 0)), (3, 4)) == (1.0, 0.0)


@pytest.mark.parametrize("H, W", [(16, 16), (24, 24), (16, 32), (8, 20)])
def test_classify_with_timms_formula_is_the_model_itself(H, W):
    torch.manual_seed(0)
    model = VisionTransformer(img_size=16, patch_size=4, num_classes=3, embed_dim=12, depth=2, num_heads=2)
    images = torch.randn(2, 3, H, W)
    pos_embed = resample_abs_pos_embed(model.pos_embed, (H // 4, W // 4))
    torch.testing.assert_close(classify(model, images, pos_embed), model(images))


def test_lead_is_paired_by_seed_and_averaged_over_sizes():
    runs = {
        80: [{"bicubic": 0.8, "line": 0.6}, {"bicubic": 0.7, "line": 0.7}],
        96: [{"bicubic": 0.6, "line": 0.2}, {"bicubic": 0.5, "line": 0.4}],
    }
    assert lead(runs, "line") == pytest.approx([0.3, 0.05])


def test_scenes_of_the_size_of_training_need_no_new_positions():
    torch.manual_seed(0)
    model = VisionTransformer(img_size=64, patch_size=8, num_classes=10, embed_dim=12, depth=1, num_heads=2).eval()
    scores = measure(model, 64, seed=0, n=20)
    assert {key: score for key, score in scores.items() if key != "same"} == dict.fromkeys(
        ("bicubic", "bilinear", "original", "line", "repeat"), scores["bicubic"]
    )
