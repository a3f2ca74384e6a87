"""Handwritten digits and a ViT so small that it learns them in about a second: what
several experiments share."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from vit import VisionTransformer

MEAN, STD = 4.884, 6.017  # of all pixels, ink running from 0 to 16


def load(seed):
    """The 1797 digits in an order of the seed's: 1000 to train on, 297 to choose
    by, 500 to test on.

    -> [(images (n, 1, 8, 8), labels (n,))]. Images have mean 0 and standard
    deviation 1."""
    digits = load_digits()
    order = torch.randperm(
        len(digits.target), generator=torch.Generator().manual_seed(seed)
    )
    images = (torch.tensor(digits.images).float()[order, None] - MEAN) / STD
    return list(
        zip(
            images.split([1000, 297, 500]),
            torch.tensor(digits.target)[order].split([1000, 297, 500]),
        )
    )


def shift(images, seed):
    """The images (n, 1, 8, 8) on empty canvases (n, 1, 12, 12), each at one of the
    nine places about the middle."""
    n = len(images)
    offsets = torch.randint(
        1, 4, (n, 2), generator=torch.Generator().manual_seed(seed)
    )
    rows, columns = (
        offsets[:, axis, None] + torch.arange(8) for axis in (0, 1)
    )  # (n, 8) each
    canvas = torch.full((n, 12, 12), -MEAN / STD)
    canvas[
        torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]
    ] = images[:, 0]
    return canvas[:, None]


def small_vit(seed, make=VisionTransformer, **options):
    """A ViT for the digits: 16 patches of 2 x 2 pixels, 32 dimensions, two blocks.
    make: its class."""
    torch.manual_seed(seed)
    model = make(
        **{
            "img_size": 8,
            "patch_size": 2,
            "in_chans": 1,
            "num_classes": 10,
            "embed_dim": 32,
            "depth": 2,
            "num_heads": 4,
            "mlp_ratio": 2,
            **options,
        }
    )
    for module in (
        model.blocks.modules()
    ):  # the small weights of a wide model would make so narrow a one learn slowly
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
    nn.init.normal_(model.pos_embed, std=0.5)
    return model


def training(model, images, labels, seed, lr=0.005, steps=150, batch_size=32):
    """Train by AdamW, the learning rate rising for a fifth of the steps, then
    falling to 0; yields each step's loss.

    Which images come when depends on the seed alone, so that two models see the
    same."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=lr, weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=steps, pct_start=0.2
    )
    for _ in range(steps):
        i = torch.randint(len(labels), (batch_size,), generator=generator)
        loss = F.cross_entropy(model(images[i]), labels[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield loss.item()


def train(model, images, labels, seed, **options):
    """The whole of training(): returns every step's loss."""
    return list(training(model, images, labels, seed, **options))
