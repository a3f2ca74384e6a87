"""Make docs/assets/lab/photo.*: the real ViT of snippets/real_vit.py for the page 실험실: 진짜 모델, and what it gives first.

    .venv/bin/python tools/export_photo_lab.py

The graph is snippets/vit.py itself, with every attention map as an output and the image's size left open. Only the place where
positions are added differs: the page says how they are mixed. Inputs, with rows = H / 14 and columns = W / 14:

    image  (1, 3, H, W)           colours in [0, 1], normalised in the graph
    mix    (rows, columns, 1369)  each patch's position, as weights of the 37 x 37 learned ones

Outputs: tokens (1, 1 + N, 384), after the last LayerNorm, and attn (1, 12, 6, 1 + N, 1 + N).

Weights and positions are int8, one scale a row, and the file is packed: so a reader fetches a fifth of the published one.

photo.json is what torch gives for the photograph that the page opens with; it is shown until the model is there. The
photographs are those of snippets/data/photos/, as they are.
"""

import gzip
import json
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.export import Dim

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "snippets"))

from lib.photos import FOLDER, photos, table_of_photos  # noqa: E402
from real_vit import IMAGENET, SHA256, load_real, normalise  # noqa: E402

TARGET = ROOT / "docs" / "assets" / "lab" / "photo.onnx.gz"
FIRST = TARGET.with_name("photo.json")
PHOTOS = TARGET.with_name("photos")
FIRST_PHOTO = "flower"  # as docs/assets/js/photo/state.js has it
PATCH, GRID = 14, 37  # pixels; learned positions on a side
LARGEST = 127  # of int8, the same on both sides of zero
SMALL = 10_000  # numbers of a tensor that stays float32: biases, LayerNorms, the class token


class PhotoViT(torch.nn.Module):
    """The real model with its positions mixed from outside, and no head."""

    def __init__(self):
        super().__init__()
        self.model = load_real(PATCH * GRID)  # at this size the positions are the learned ones
        first, places = self.model.pos_embed.detach().split([1, GRID**2], dim=1)
        self.register_buffer("start", self.model.cls_token.detach() + first)
        self.register_buffer("places", places[0].clone())
        for name, values in IMAGENET.items():
            self.register_buffer(name, torch.tensor(values).reshape(3, 1, 1))

    def forward(self, image, mix):
        """The inputs above -> the outputs above."""
        model = self.model
        x = model.patch_embed((image - self.mean) / self.std)  # (1, N, D)
        x = torch.cat([self.start, x + mix.flatten(0, 1) @ self.places], dim=1)
        maps = []
        for block in model.blocks:
            x, attn = block(x, return_attn=True)
            maps.append(attn)
        return model.norm(x), torch.stack(maps, dim=1)


def resized(rows, columns):
    """The mix with which positions are as real_vit.fit resizes them: (rows, columns, 1369), without antialias."""
    own = torch.eye(GRID**2).reshape(1, GRID**2, GRID, GRID)
    return torch.nn.functional.interpolate(own, (rows, columns), mode="bicubic")[0].permute(1, 2, 0).contiguous()


def exported():
    """The graph with float32 weights, an onnx.ModelProto."""
    rows, columns = Dim("rows", min=2, max=64), Dim("columns", min=2, max=64)
    shapes = {"image": {2: PATCH * rows, 3: PATCH * columns}, "mix": {0: rows, 1: columns}}
    height, width = 10, 11  # neither equal nor those of training, or the exporter would take them as fixed
    example = torch.zeros(1, 3, PATCH * height, PATCH * width), torch.zeros(height, width, GRID**2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one input names the axes, and the exporter says so of the other
        model = torch.onnx.export(
            PhotoViT().eval(),
            example,
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=["image", "mix"],
            output_names=["tokens", "attn"],
            external_data=False,
            verbose=False,
        ).model_proto
    for node in model.graph.node:  # where in the source each node came from
        node.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    return model


def quantised(weight, axis):
    """A weight as int8 and the scales (float32) along an axis that give it back: the largest of each row is 127."""
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.abs(weight).max(axis=others).astype(np.float32) / LARGEST
    shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
    return np.round(weight / scale.reshape(shape)).astype(np.int8), scale


def with_small_weights(model):
    """The graph with its large weights as int8, each followed by the node that gives its float32 back."""
    graph = model.graph
    takers = {value: node for node in graph.node for value in node.input}
    kept, added = [], []
    for constant in graph.initializer:
        weight = numpy_helper.to_array(constant)
        if weight.dtype != np.float32 or weight.size < SMALL:
            kept.append(constant)
            continue
        axis = 0 if takers[constant.name].op_type == "Conv" else weight.ndim - 1  # of what comes out
        numbers, scale = quantised(weight, axis)
        names = [f"{constant.name}.int8", f"{constant.name}.scale"]
        kept += [numpy_helper.from_array(part, name) for part, name in zip((numbers, scale), names, strict=True)]
        added.append(helper.make_node("DequantizeLinear", names, [constant.name], axis=axis))
    nodes = [*added, *graph.node]
    for field, parts in (("initializer", kept), ("node", nodes)):
        graph.ClearField(field)
        getattr(graph, field).extend(parts)
    return model


def export():
    """The graph as an onnx.ModelProto."""
    model = with_small_weights(exported())
    model.doc_string = "The ViT of snippets/vit.py with the weights that snippets/real_vit.py reads, as int8"
    model.metadata_props.add(key="published_sha256", value=SHA256)
    return model


def unpacked():
    """The committed graph."""
    return onnx.load_from_string(gzip.decompress(TARGET.read_bytes()))


@torch.inference_mode()
def reference(model, image):
    """What torch gives for an image (3, H, W) in [0, 1]: tokens (1 + N, D) and attn (depth, heads, 1 + N, 1 + N)."""
    x = model.embed(normalise(image[None], model.pretrained_cfg))
    maps = []
    for block in model.blocks:
        x, attn = block(x, return_attn=True)
        maps.append(attn[0])
    return model.norm(x)[0], torch.stack(maps)


def names():
    """The names of the photographs."""
    return [Path(photo["file"]).stem for photo in table_of_photos()]


def first():
    """The class token's row in the last layer, heads averaged (257), for the photograph that the page opens with."""
    image = photos()[0][names().index(FIRST_PHOTO)]
    heat = reference(load_real(), image)[1][-1, :, 0].mean(dim=0)
    return {"photo": FIRST_PHOTO, "heat": [round(value, 6) for value in heat.tolist()]}


if __name__ == "__main__":
    content = export().SerializeToString()
    TARGET.write_bytes(gzip.compress(content, 9, mtime=0))
    FIRST.write_text(json.dumps(first()) + "\n", encoding="utf-8")
    PHOTOS.mkdir(exist_ok=True)
    for photo in table_of_photos():
        shutil.copy(FOLDER / photo["file"], PHOTOS)
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size:,} bytes of {len(content):,}; {FIRST.relative_to(ROOT)}")
