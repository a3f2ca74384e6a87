"""The photographs: small enough to ship, allowed to be shipped, and their boxes where the things are."""

import pytest
import torch
from lib.photos import FOLDER, cut, photos, table_of_photos, views
from PIL import Image

TABLE = table_of_photos()
LICENCES = {"CC0 1.0", "퍼블릭 도메인", "CC BY 2.0"}


def test_the_table_and_the_folder_tell_of_the_same_files():
    assert len(TABLE) >= 12
    assert sorted(photo["file"] for photo in TABLE) == sorted(path.name for path in FOLDER.glob("*.jpg"))


@pytest.mark.parametrize("photo", TABLE, ids=lambda photo: photo["file"])
def test_a_photograph_is_small_and_says_whose_it_is(photo):
    path = FOLDER / photo["file"]
    assert path.stat().st_size <= 60_000
    with Image.open(path) as image:
        assert max(image.size) <= 336
    assert photo["licence"] in LICENCES and photo["source"] and photo["changed"] and photo["alt"].endswith("요.")
    assert "author" in photo or photo["licence"] == "퍼블릭 도메인"
    x0, y0, x1, y1 = photo["box"]
    assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1


def test_attributions_stand_in_the_licence_of_the_content():
    text = (FOLDER.parents[2] / "LICENSE-CONTENT").read_text(encoding="utf-8")
    for photo in TABLE:
        if photo["licence"].startswith("CC BY"):
            assert photo["file"] in text and photo["author"] in text


def test_a_box_moves_with_the_square_that_is_cut_out():
    image = torch.zeros(3, 40, 80)
    image[:, 10:20, 50:70] = 1
    square, box = cut(image, [50 / 80, 10 / 40, 70 / 80, 20 / 40], 40)
    assert box.tolist() == pytest.approx([30 / 40, 10 / 40, 1, 20 / 40])  # 70 px lies beyond the square's right edge
    assert square[0, 15, 35] > 0.9 and square[0, 15, 20] < 0.1
    assert torch.equal(square[0] > 0.5, image[0, :, 20:60] > 0.5)


def test_a_corner_is_cut_where_it_says():
    image = torch.zeros(3, 40, 80)
    image[:, 20:, 60:] = 1
    corner, box = cut(image, [60 / 80, 20 / 40, 1, 1], 20, share=0.5, place=(1, 1))
    assert torch.all(corner > 0.99) and box.tolist() == [0, 0, 1, 1]
    other, box = cut(image, [60 / 80, 20 / 40, 1, 1], 20, share=0.5, place=(0, 0))
    assert torch.all(other < 0.01) and box.tolist() == [1, 1, 1, 1], "nothing of the box is in it"


def test_views_of_a_photograph_stand_side_by_side():
    images, boxes = views(28, share=1.0)
    assert images.shape == (5 * len(TABLE), 3, 28, 28) and boxes.shape == (5 * len(TABLE), 4)
    assert torch.equal(images[::5], photos(28)[0]) and torch.equal(boxes[::5], photos(28)[1])


def test_all_photographs_come_as_squares_with_a_box_in_each():
    images, boxes = photos(56)
    assert images.shape == (len(TABLE), 3, 56, 56) and boxes.shape == (len(TABLE), 4)
    assert images.min() >= 0 and images.max() <= 1
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert area.min() > 0.03 and area.max() < 0.75  # each leaves room to miss it
