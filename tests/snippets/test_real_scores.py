"""The run of the real ViT's scores: each photograph goes through a model of its own, normalised."""

import real_scores as rs
import torch
from attention_score import all_head_scores
from lib.photos import photos
from lib.scramble import scrambled
from real_vit import normalise

torch.set_num_threads(1)


def test_each_photograph_has_its_own_model(small_vit):
    images = photos(56)[0][:2]
    models = [small_vit, scrambled(small_vit)]
    found = rs.by_photo(iter(models), images)
    for i, model in enumerate(models):
        alone = all_head_scores(model, normalise(images[i : i + 1], small_vit.pretrained_cfg))
        for name, values in alone.items():
            torch.testing.assert_close(found[name][i], values[0])
    assert not torch.allclose(found["likeness"][0], found["likeness"][1])
