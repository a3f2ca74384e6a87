"""Units of measure that several experiments share."""

import torch


def relative_error(found, expected):
    """Norm of the difference of two tensors over the norm of the second: float."""
    return ((found - expected).norm() / expected.norm()).item()


@torch.no_grad()
def accuracy(model, images, labels):
    """Share of the images that the model labels right, 0 to 1: float."""
    return (model(images).argmax(dim=1) == labels).double().mean().item()
