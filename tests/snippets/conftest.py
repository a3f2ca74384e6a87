"""What the tests of the snippets share."""

import pytest
import torch
from vit import VisionTransformer


@pytest.fixture(scope="module")
def small_vit():
    """A ViT as real_vit.load_real gives it, and small: 56 px in patches of 14, three layers of two heads, width 32."""
    torch.manual_seed(0)
    model = VisionTransformer(img_size=56, patch_size=14, num_classes=1, embed_dim=32, depth=3, num_heads=2).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.2, 0.2, 0.2)}
    return model
