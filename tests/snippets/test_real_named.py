"""Every run of the real ViT takes another of timm's models by its name: patches of 16 px, learned on 14 x 14 of them."""

import json
from pathlib import Path

import lib.photos
import pytest
import real_vit
import torch
from matplotlib import pyplot as plt
from vit import VisionTransformer

SNIPPETS = Path(real_vit.__file__).parent
NAMES = "attention", "arrangement", "changes", "class_token", "outliers", "positions", "scores"


@pytest.fixture
def asked(monkeypatch):
    """The names that the hub was asked for; a small model comes instead. Four photographs do."""
    torch.manual_seed(0)
    model = VisionTransformer(embed_dim=96, depth=4, num_heads=3).eval()  # timm's widths are multiples of 32
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model.pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "input_size": (3, 224, 224)}
    names, four = [], lib.photos.table_of_photos()[:4]
    monkeypatch.setattr(real_vit, "load_pretrained", lambda name: names.append(name) or model)
    monkeypatch.setattr(real_vit, "published_file", lambda: pytest.fail("the published model, where a name was given"))
    monkeypatch.setattr(lib.photos, "table_of_photos", lambda: four)
    return names


@pytest.mark.parametrize("name", NAMES)
def test_a_named_model_goes_through_the_whole_run(asked, name):
    source = (SNIPPETS / f"real_{name}.py").read_text(encoding="utf-8")
    with_name = source.replace("\nNAME = None ", '\nNAME = "vit_small_patch16_224" ')
    assert with_name != source
    scope = {"__name__": "__main__"}
    exec(compile(with_name, name, "exec"), scope)
    plt.close("all")
    assert set(asked) == {"vit_small_patch16_224"}
    assert scope["null"] and json.dumps(scope["evidence"], default=torch.Tensor.tolist, allow_nan=False)
