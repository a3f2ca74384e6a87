"""Models of one class trained side by side: their weights stacked, one computation for
all."""

import torch
import torch.nn.functional as F
from torch.func import functional_call, stack_module_state, vmap


def train_together(models, data, steps, optimizer, schedule, batch_size=32):
    """Train the models in place, each on images of its own; losses (steps, models).

    data: (images (n, ...), labels (n,)) a model. optimizer(parameters) and
    schedule(optimizer) make those. The i-th model draws its images by the seed i, as
    it would alone. The models' forward must be one that vmap knows."""
    parameters, _ = stack_module_state(models)  # {name: (models, ...)}
    stepping = optimizer(parameters.values())
    scheduled = schedule(stepping)
    draws = [torch.Generator().manual_seed(seed) for seed in range(len(models))]

    def loss_of(parameters, images, labels):
        logits = functional_call(models[0], parameters, (images,))
        return F.cross_entropy(logits, labels)

    losses = torch.empty(steps, len(models))
    for step in range(steps):
        chosen = [
            torch.randint(len(labels), (batch_size,), generator=draw)
            for (_, labels), draw in zip(data, draws)
        ]
        pairs = [(x[i], y[i]) for i, (x, y) in zip(chosen, data)]
        images, labels = (torch.stack(part) for part in zip(*pairs))
        each = vmap(loss_of)(parameters, images, labels)  # (models,)
        stepping.zero_grad()
        each.sum().backward()
        stepping.step()
        scheduled.step()
        losses[step] = each.detach()
    for i, model in enumerate(models):
        model.load_state_dict({k: v[i].detach() for k, v in parameters.items()})
    return losses


def train_digits(models, data, lr=0.005, steps=150, batch_size=32):
    """What digits.train() does, for all models side by side: the i-th on data[i] by
    the seed i."""
    return train_together(
        models,
        data,
        steps,
        lambda parameters: torch.optim.AdamW(
            parameters, lr, weight_decay=0.01, fused=True
        ),
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, lr, total_steps=steps, pct_start=0.2
        ),
        batch_size,
    )
