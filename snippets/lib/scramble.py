"""A model whose matrices have learnt nothing, and otherwise as the one that has."""

import copy

import torch


def scrambled(model, seed=0):
    """A copy whose weight matrices, positions among them, have their numbers shuffled
    within each, as large as before; biases and LayerNorms stay as they were learnt."""
    model = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                order = torch.randperm(weight.numel(), generator=generator)
                weight.copy_(weight.flatten()[order].view_as(weight))
    return model
