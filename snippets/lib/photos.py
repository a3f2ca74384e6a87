"""Photographs that may be shipped, each with a box that we drew around one thing in
it."""

import json

import numpy as np
import torch
import torch.nn.functional as F
from lib.paths import data_path
from PIL import Image

FOLDER = data_path("photos")


def table_of_photos():
    """What photos.json says of each photograph: [{"file", "object", "box", "alt",
    "source", "licence", ...}]."""
    return json.loads((FOLDER / "photos.json").read_text(encoding="utf-8"))


def middle(image, box, size):
    """The middle square of an image (3, H, W) at size x size px, and where in it a
    box of [x0, y0, x1, y1], shares of the image's width and height, then lies."""
    H, W = image.shape[1:]
    side = min(H, W)
    top, left = (H - side) // 2, (W - side) // 2
    image = F.interpolate(
        image[None, :, top : top + side, left : left + side],
        (size, size),
        mode="bicubic",
        antialias=True,
    )
    pixels = torch.tensor(box) * torch.tensor([W, H, W, H])
    box = (pixels - torch.tensor([left, top, left, top])) / side
    return image[0].clamp(0, 1), box.clamp(0, 1)


def photos(size=224):
    """All photographs: their middle squares (n, 3, size, size) in [0, 1] and the
    boxes (n, 4) as x0, y0, x1, y1 in [0, 1]."""
    squares = []
    for photo in table_of_photos():
        with Image.open(FOLDER / photo["file"]) as file:
            pixels = np.array(file.convert("RGB"))
        image = torch.from_numpy(pixels).movedim(2, 0) / 255
        squares.append(middle(image, photo["box"], size))
    images, boxes = zip(*squares)
    return torch.stack(images), torch.stack(boxes)
