"""Five models trained at once learn as one alone does."""

import torch
from class_token import SEEDS, GlobalPool
from lib.digits import load, small_vit, train
from pooling_steps import KINDS, LOW, WEIGHTS, ByClassToken, Pooled, kept_models, learnt, scores
from safetensors.torch import load_file
from vit import VisionTransformer

torch.set_num_threads(1)


def test_written_out_they_are_the_models_of_the_other_experiment():
    x = torch.randn(3, 1, 8, 8)
    for ours, plain in (Pooled, GlobalPool), (ByClassToken, VisionTransformer):
        torch.testing.assert_close(small_vit(2, ours)(x), small_vit(2, plain)(x), atol=1e-5, rtol=1e-5)


def test_each_of_the_five_is_trained_as_one_alone():
    x = torch.randn(4, 1, 8, 8)
    for ours, plain in (Pooled, GlobalPool), (ByClassToken, VisionTransformer):
        models = learnt(ours, LOW, steps=8)
        alone = small_vit(SEEDS[3], plain)
        before = alone(x)
        train(alone, *load(SEEDS[3])[0], SEEDS[3], lr=LOW, steps=8)
        torch.testing.assert_close(models[3](x), alone(x), atol=1e-3, rtol=1e-3)
        assert not torch.allclose(models[3](x), before, atol=1e-2)


def test_kept_weights_are_of_the_rate_that_validation_chose():
    kept = load_file(WEIGHTS)
    for key in KINDS:
        validation = kept[f"{key}.validation"]
        assert validation.shape == (3, len(SEEDS))
        best = validation[validation.mean(dim=1).argmax()]
        torch.testing.assert_close(
            torch.tensor(scores(kept_models(kept, key, "best"), 1)).double(), best.double(), atol=0.01, rtol=0
        )
        torch.testing.assert_close(
            torch.tensor(scores(kept_models(kept, key, "low"), 1)).double(), validation[0].double(), atol=0.01, rtol=0
        )
