"""Photographs that may be shipped, each with a box that we drew around one thing in
it."""

import json

import numpy as np
import torch
import torch.nn.functional as F
from lib.paths import data_path
from PIL import Image

FOLDER = data_path("photos")
CORNERS = [
    (0.5, 0.5),
    (0, 0),
    (0, 1),
    (1, 0),
    (1, 1),
]  # down and across; the middle


def table_of_photos():
    """What photos.json says of each photograph: [{"file", "object", "box", "alt",
    "source", "licence", ...}]."""
    return json.loads((FOLDER / "photos.json").read_text(encoding="utf-8"))


def cut(image, box, size, share=1.0, place=(0.5, 0.5)):
    """A square of an image (3, H, W) at size x size px, and where in it a box of
    [x0, y0, x1, y1], shares of the image's width and height, then lies.

    share: the square's side over the image's shorter one; place: how far down and
    across it is cut, (0, 0) at the upper left, (1, 1) at the lower right."""
    H, W = image.shape[1:]
    side = int(min(H, W) * share)
    top, left = int((H - side) * place[0]), int((W - side) * place[1])
    image = F.interpolate(
        image[None, :, top : top + side, left : left + side],
        (size, size),
        mode="bicubic",
        antialias=True,
    )
    pixels = torch.tensor(box) * torch.tensor([W, H, W, H])
    box = (pixels - torch.tensor([left, top, left, top])) / side
    return image[0].clamp(0, 1), box.clamp(0, 1)


def squares(size, share, places):
    """Squares of all photographs, (n * places, 3, size, size) in [0, 1], those of a
    photograph side by side, and their boxes (n * places, 4), as of cut()."""
    found = []
    for photo in table_of_photos():
        with Image.open(FOLDER / photo["file"]) as file:
            pixels = np.array(file.convert("RGB"))
        image = torch.from_numpy(pixels).movedim(2, 0) / 255
        found += [cut(image, photo["box"], size, share, place) for place in places]
    images, boxes = zip(*found)
    return torch.stack(images), torch.stack(boxes)


def photos(size=224):
    """The middle squares of all photographs: (n, 3, size, size) in [0, 1] and boxes
    (n, 4) as x0, y0, x1, y1 in [0, 1]."""
    return squares(size, 1.0, CORNERS[:1])


def views(size=224, share=0.65):
    """Five smaller squares of each photograph, the middle and the corners, so that
    the thing is not always in the middle: as photos(), (5 n, ...)."""
    return squares(size, share, CORNERS)
