"""Handwritten digits as 8 x 8 pixels with ink or without: what the experiments with
generative models share."""

import torch
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits


def load(seed):
    """The 1797 digits in an order of the seed's, as 0. and 1.: train (1297, 64),
    test (500, 64) and their labels."""
    digits = load_digits()
    order = torch.randperm(
        len(digits.target), generator=torch.Generator().manual_seed(seed)
    )
    x = (
        torch.tensor(digits.images >= 8).double().flatten(1)[order]
    )  # ink runs from 0 to 16
    labels = torch.tensor(digits.target)[order]
    return *x.split([1297, 500]), *labels.split([1297, 500])


def middle(x):
    """The 2 x 5 pixels in the middle of images (B, 64) -> (B, 10), so few that all
    1024 states can be listed."""
    return x.unflatten(1, (8, 8))[:, 3:5, 1:6].flatten(1)


def all_states(n):
    """Every state of n binary pixels: (2^n, n), double."""
    return torch.cartesian_prod(
        *[torch.tensor([0.0, 1.0], dtype=torch.double)] * n
    ).reshape(-1, n)


def frequencies(x):
    """How often each of the 2^n states, in the order of all_states, comes among x
    (B, n): (2^n), sum 1."""
    n = x.shape[1]
    state = (x * 2 ** torch.arange(n - 1, -1, -1)).sum(dim=1).long()
    return torch.bincount(state, minlength=2**n).double() / len(x)


def draw_rows(rows):
    """A figure with one line of pictures for each (title, images (k, 64) of 0 to
    1)."""
    count = len(rows[0][1])
    figure, axes = plt.subplots(
        len(rows), count, figsize=(4.5, 0.82 * len(rows)), squeeze=False
    )
    for line, (title, images) in zip(axes, rows):
        for axis, image in zip(line, images):
            axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
            axis.spines[:].set_visible(True)
        line[0].set_title(title)
    return figure
