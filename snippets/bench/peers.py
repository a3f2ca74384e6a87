"""The ViTs of other libraries, with our weights in them where they compute the same function.

None of them is needed: what is not installed is not measured.
"""

import importlib
import importlib.util
import sys

import torch
from lib.cost import attempt
from vit import SIZES, vit

LIBRARIES = ("mundap", "timm", "transformers", "torchvision", "vit-pytorch")
DECLARED = []  # a torch.library.Library takes its operators along when it goes


def optional(name):
    """Import a package that this repository does not ask for; raises ImportError where it is missing."""
    return importlib.import_module(name)


def installed_libraries():
    """Those of LIBRARIES that can be imported here: list. The first is this repository's own."""
    return ["mundap", *(name for name in LIBRARIES[1:] if importlib.util.find_spec(name.replace("-", "_")))]


def build(library, name, state, img_size=224):
    """The ViT of that name as a library makes it, with our weights where they fit -> (module, whether they do).

    Raises ImportError where the library is not installed.
    """
    if library == "mundap":
        model = vit(name, img_size=img_size)
        model.load_state_dict(state, strict=True)
        return model, True
    if "torchvision" in installed_libraries():
        attempt(import_torchvision)  # all others import it where it is installed
    size, P = name.split("/")[0], int(name.split("/")[1])
    return MAKERS[library](state, img_size, P, *SIZES[size])


def _timm(state, img_size, P, D, depth, num_heads):
    make = optional("timm").models.VisionTransformer
    model = make(img_size=img_size, patch_size=P, embed_dim=D, depth=depth, num_heads=num_heads)
    model.load_state_dict(state, strict=True)
    return model, True


def _torchvision(state, img_size, P, D, depth, num_heads):
    model = import_torchvision().models.VisionTransformer(img_size, P, depth, num_heads, D, 4 * D)
    model.load_state_dict(to_torchvision(state), strict=True)
    return model, True


def _transformers(state, img_size, P, D, depth, num_heads):
    transformers = optional("transformers")
    config = transformers.ViTConfig(
        image_size=img_size,
        patch_size=P,
        hidden_size=D,
        num_hidden_layers=depth,
        num_attention_heads=num_heads,
        intermediate_size=4 * D,
        num_labels=1000,
        layer_norm_eps=1e-6,
    )
    model = transformers.ViTForImageClassification(config)
    model.load_state_dict(to_transformers(state, model.state_dict()), strict=True)
    return Logits(model), True


def _vit_pytorch(state, img_size, P, D, depth, num_heads):
    """Another network of the same size: norms around the patches, no bias in Q, K, V."""
    shape = {"dim": D, "depth": depth, "heads": num_heads, "mlp_dim": 4 * D, "dim_head": D // num_heads}
    return optional("vit_pytorch").ViT(image_size=img_size, patch_size=P, num_classes=1000, **shape), False


MAKERS = {"timm": _timm, "torchvision": _torchvision, "transformers": _transformers, "vit-pytorch": _vit_pytorch}


def import_torchvision():
    """Import torchvision, also a CUDA wheel beside a CPU PyTorch: it misses two operators that no ViT uses."""
    try:
        return optional("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    DECLARED.append(torch.library.Library("torchvision", "DEF"))
    for name in ("nms", "qnms"):
        DECLARED[-1].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return optional("torchvision")


def renamed(state, names, layers, qkv):
    """timm's parameters under another library's names: dict.

    names: timm's name -> the other's, of what stands outside the blocks and of a block's parts. layers: what stands
    before a block's number. qkv: the part that holds Q, K and V together, or one for each.
    """
    result = {}
    for name, value in state.items():
        if name in names:
            result[names[name]] = value
            continue
        stem, kind = name.rsplit(".", 1)
        if not stem.startswith("blocks."):
            result[f"{names[stem]}.{kind}"] = value
            continue
        _, layer, inner = stem.split(".", 2)
        parts = zip(qkv, value.chunk(len(qkv))) if inner == "attn.qkv" else [(f"{names[inner]}.", value)]
        result |= {f"{layers}{layer}.{part}{kind}": piece for part, piece in parts}
    return result


def to_torchvision(state):
    """timm's parameter names -> torchvision's: dict."""
    names = {
        "cls_token": "class_token",
        "pos_embed": "encoder.pos_embedding",
        "patch_embed.proj": "conv_proj",
        "norm": "encoder.ln",
        "head": "heads.head",
        "norm1": "ln_1",
        "norm2": "ln_2",
        "mlp.fc1": "mlp.0",
        "mlp.fc2": "mlp.3",
        "attn.proj": "self_attention.out_proj",
    }
    return renamed(state, names, "encoder.layers.encoder_layer_", ["self_attention.in_proj_"])


def to_transformers(state, keys):
    """timm's parameter names -> those of transformers' ViTForImageClassification, old or new as `keys` are: dict."""
    old = any("attention.attention.query" in key for key in keys)
    names = {
        "cls_token": "vit.embeddings.cls_token",
        "pos_embed": "vit.embeddings.position_embeddings",
        "patch_embed.proj": "vit.embeddings.patch_embeddings.projection",
        "norm": "vit.layernorm",
        "head": "classifier",
        "norm1": "layernorm_before",
        "norm2": "layernorm_after",
        "mlp.fc1": "intermediate.dense" if old else "mlp.fc1",
        "mlp.fc2": "output.dense" if old else "mlp.fc2",
        "attn.proj": "attention.output.dense" if old else "attention.o_proj",
    }
    qkv = [f"attention.attention.{x}." if old else f"attention.{x[0]}_proj." for x in ("query", "key", "value")]
    return renamed(state, names, "vit.encoder.layer." if old else "vit.layers.", qkv)


class Logits(torch.nn.Module):
    """A model of transformers that gives its logits alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).logits
