"""Make docs/assets/lab/: the trained ViT of snippets/train_vit.py for the 실험실 page, and what it gives first.

    .venv/bin/python tools/export_lab.py

The graph, vit.onnx, is snippets/vit.py itself, with every attention map as an output and the image's size left open. Only the
place where positions are added differs: the page chooses there. Inputs, with rows = H / 8 and columns = W / 8:

    image  (1, 3, H, W)         as scenes.render draws it
    keep   (2,)                 weights of the class token's position and of the patches' positions, interpolated
    order  (rows, columns)      int64: which place's position each patch gets; 0, 1, 2, … is its own
    mix    (rows, columns, 64)  positions added besides, as weights of the 64 trained ones (instead of interpolating)

Outputs: logits (1, 6), attn (1, 6, 4, 1 + N, 1 + N) and tokens (1, 1 + N, 64), what enters the first block.

first.json is what torch gives for the scene that the page opens with; it is shown until the model is there.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path
from unittest.mock import patch

import torch
from torch.export import Dim

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "snippets"))

from attention_rollout import rollout  # noqa: E402
from scenes import CLASSES, render, sample  # noqa: E402
from train_vit import PATCH, SIZE, WEIGHTS, load_trained  # noqa: E402
from vit import VisionTransformer, resample_abs_pos_embed  # noqa: E402

TARGET = ROOT / "docs" / "assets" / "lab" / "vit.onnx"
FIRST = TARGET.with_name("first.json")
FIRST_SCENE = 24  # as docs/assets/js/lab/state.js has it
GRID = SIZE // PATCH  # 8 trained positions on a side
INPUTS, OUTPUTS = ["image", "keep", "order", "mix"], ["logits", "attn", "tokens"]


class LabViT(VisionTransformer):
    """The model with its positions chosen from outside."""

    def embed(self, tokens):
        """Tokens as they are: `place` has made them."""
        return tokens

    def place(self, image, keep, order, mix):
        """Image (1, 3, H, W) -> tokens (1, 1 + N, D), positions as chosen."""
        x = self.patch_embed(image)  # (1, N, D)
        rows, columns = image.shape[-2] // PATCH, image.shape[-1] // PATCH
        own = resample_abs_pos_embed(self.pos_embed, (rows, columns))
        patches = keep[1] * own[:, 1:][:, order.flatten()] + mix.flatten(0, 1) @ self.pos_embed[:, 1:]
        return torch.cat([self.cls_token + keep[0] * own[:, :1], x + patches], dim=1)

    def forward(self, image, keep, order, mix):
        """The inputs above -> the outputs above."""
        tokens = self.place(image, keep, order, mix)
        logits, attn = super().forward(tokens, return_attn=True)
        return logits, attn, tokens


def trained():
    """The trained model as a LabViT, in eval mode."""
    model = LabViT(SIZE, PATCH, num_classes=len(CLASSES), embed_dim=64, depth=6, num_heads=4, mlp_ratio=2)
    model.load_state_dict(load_trained().state_dict())
    return model.eval()


def weights_digest():
    """SHA-256 of the committed weights."""
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


def mulberry32(seed):
    """The page's random numbers in [0, 1), one after the other."""
    state = seed & 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((state ^ (state >> 15)) * (state | 1)) & 0xFFFFFFFF
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        yield (t ^ (t >> 14)) / 2**32


def page_scene(seed):
    """The numbers of the page's scene of a seed, as scenes.sample gives them for n = 1."""
    numbers = mulberry32(seed)

    def rand(*shape, generator=None):
        return torch.tensor([next(numbers) for _ in range(torch.Size(shape).numel())]).reshape(shape)

    def randint(high, shape, generator=None):
        return (rand(*shape) * high).long()

    with patch.object(torch, "rand", rand), patch.object(torch, "randint", randint):
        return sample(1, seed=0)


def first():
    """Logits (6) of the scene that the page opens with, and its rollout's row of the class token (65), rounded."""
    with torch.no_grad():
        logits, attn = load_trained()(render(page_scene(FIRST_SCENE), SIZE), return_attn=True)
    heat = rollout(attn[0])[0]
    return {
        "scene": FIRST_SCENE,
        "logits": [round(value, 4) for value in logits[0].tolist()],
        "heat": [round(value, 6) for value in heat.tolist()],
    }


def export():
    """The graph as an onnx.ModelProto."""
    rows, columns = Dim("rows", min=2, max=64), Dim("columns", min=2, max=64)
    shapes = {
        "image": {2: PATCH * rows, 3: PATCH * columns},
        "keep": {},
        "order": {0: rows, 1: columns},
        "mix": {0: rows, 1: columns},
    }
    height, width = 10, 11  # neither equal nor those of training, or the exporter would take them as fixed
    example = (
        torch.zeros(1, 3, PATCH * height, PATCH * width),
        torch.ones(2),
        torch.arange(height * width).reshape(height, width),
        torch.zeros(height, width, GRID * GRID),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one input names the axes, and the exporter says so of the others
        model = torch.onnx.export(
            trained(),
            example,
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=INPUTS,
            output_names=OUTPUTS,
            external_data=False,
            verbose=False,
        ).model_proto
    for node in model.graph.node:  # a quarter of the file: where in the source each node came from
        node.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    model.doc_string = "The ViT of snippets/vit.py with the weights of snippets/train_vit.py"
    model.metadata_props.add(key="weights_sha256", value=weights_digest())
    return model


if __name__ == "__main__":
    content = export().SerializeToString()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(content)
    FIRST.write_text(json.dumps(first()) + "\n", encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(content):,} bytes; {FIRST.relative_to(ROOT)}")
