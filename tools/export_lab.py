"""Make docs/assets/lab/vit.onnx: the trained ViT of snippets/train_vit.py for the 실험실 page.

    .venv/bin/python tools/export_lab.py

The graph is snippets/vit.py itself, with every attention map as an output and the image's size left open. Only the
place where positions are added differs: the page chooses there. Inputs, with rows = H / 8 and columns = W / 8:

    image  (1, 3, H, W)         as scenes.render draws it
    keep   (2,)                 weights of the class token's position and of the patches' positions, interpolated
    order  (rows, columns)      int64: which place's position each patch gets; 0, 1, 2, … is its own
    mix    (rows, columns, 64)  positions added besides, as weights of the 64 trained ones (instead of interpolating)

Outputs: logits (1, 10), attn (1, 6, 4, 1 + N, 1 + N) and tokens (1, 1 + N, 64), what enters the first block.
"""

import hashlib
import sys
import warnings
from pathlib import Path

import torch
from torch.export import Dim

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "snippets"))

from scenes import CLASSES  # noqa: E402
from train_vit import PATCH, SIZE, WEIGHTS, load_trained  # noqa: E402
from vit import VisionTransformer, resample_abs_pos_embed  # noqa: E402

TARGET = ROOT / "docs" / "assets" / "lab" / "vit.onnx"
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
    print(f"{TARGET.relative_to(ROOT)}: {len(content):,} bytes")
