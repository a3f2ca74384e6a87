"""The ViTs of other libraries, with our weights in them where they compute the same function.

None of them is needed: what is not installed is not measured.
"""

import importlib
import importlib.util
import re

import torch
from lib.cost import attempt
from vit import SIZES, vit

LIBRARIES = ("mundap", "timm", "transformers", "torchvision", "vit-pytorch")
DECLARED = []  # a torch.library.Library takes its operators along when it goes

# timm's parameter names in those of another library: a regular expression and what stands there, in this order
TORCHVISION = {
    r"^cls_token": "class_token",
    r"^pos_embed": "encoder.pos_embedding",
    r"^patch_embed\.proj": "conv_proj",
    r"^norm": "encoder.ln",
    r"^head": "heads.head",
    r"^blocks\.": "encoder.layers.encoder_layer_",
    r"\.norm(\d)": r".ln_\1",
    r"mlp\.fc1": "mlp.0",
    r"mlp\.fc2": "mlp.3",
    r"attn\.qkv\.": "self_attention.in_proj_",
    r"attn\.proj": "self_attention.out_proj",
}
TRANSFORMERS = {
    r"^cls_token": "vit.embeddings.cls_token",
    r"^pos_embed": "vit.embeddings.position_embeddings",
    r"^patch_embed\.proj": "vit.embeddings.patch_embeddings.projection",
    r"^norm": "vit.layernorm",
    r"^head": "classifier",
    r"^blocks": "vit.layers",
    r"\.norm1": ".layernorm_before",
    r"\.norm2": ".layernorm_after",
    r"attn\.proj": "attention.o_proj",
    r"attn\.": "attention.",
}


def installed_libraries():
    """Those of LIBRARIES that can be imported here: list. The first is this repository's own."""
    return ["mundap", *(name for name in LIBRARIES[1:] if importlib.util.find_spec(name.replace("-", "_")))]


def build(library, name, state):
    """The ViT of that name as a library makes it, with our weights where they fit -> (module, whether they do).

    Raises ImportError where the library is not installed.
    """
    if library == "mundap":
        model = vit(name)
        model.load_state_dict(state, strict=True)
        return model, True
    if "torchvision" in installed_libraries():
        attempt(import_torchvision)  # all others import it where it is installed
    size, P = name.split("/")
    return MAKERS[library](state, int(P), *SIZES[size])


def _timm(state, P, D, depth, num_heads):
    vision_transformer = importlib.import_module("timm").models.VisionTransformer
    model = vision_transformer(patch_size=P, embed_dim=D, depth=depth, num_heads=num_heads)
    model.load_state_dict(state, strict=True)
    return model, True


def _torchvision(state, P, D, depth, num_heads):
    model = import_torchvision().models.VisionTransformer(224, P, depth, num_heads, D, 4 * D)
    model.load_state_dict(renamed(state, TORCHVISION), strict=True)
    return model, True


def _transformers(state, P, D, depth, num_heads):
    transformers = importlib.import_module("transformers")
    sizes = {"hidden_size": D, "num_hidden_layers": depth, "num_attention_heads": num_heads, "intermediate_size": 4 * D}
    config = transformers.ViTConfig(patch_size=P, num_labels=1000, layer_norm_eps=1e-6, **sizes)
    model = transformers.ViTForImageClassification(config)
    state = renamed(state, TRANSFORMERS)
    for name in [name for name in state if ".qkv." in name]:  # Q, K and V apart
        parts = zip("qkv", state.pop(name).chunk(3))
        state |= {name.replace(".qkv.", f".{part}_proj."): value for part, value in parts}
    model.load_state_dict(state, strict=True)
    return Logits(model), True


def _vit_pytorch(state, P, D, depth, num_heads):
    """Another network of the same size: norms around the patches, no bias in Q, K, V."""
    shape = {"dim": D, "depth": depth, "heads": num_heads, "mlp_dim": 4 * D, "dim_head": D // num_heads}
    make = importlib.import_module("vit_pytorch").ViT
    return make(image_size=224, patch_size=P, num_classes=1000, **shape), False


MAKERS = {"timm": _timm, "torchvision": _torchvision, "transformers": _transformers, "vit-pytorch": _vit_pytorch}


def renamed(state, names):
    """A state_dict under other names: dict. names: {regular expression: what stands there}."""
    result = {}
    for name, value in state.items():
        for pattern, other in names.items():
            name = re.sub(pattern, other, name)
        result[name] = value
    return result


class Logits(torch.nn.Module):
    """A model of transformers that gives its logits alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).logits


def import_torchvision():
    """Import torchvision, also a CUDA wheel beside a CPU PyTorch: it misses two operators that no ViT uses."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    DECLARED.append(torch.library.Library("torchvision", "DEF"))
    for name in ("nms", "qnms"):
        DECLARED[-1].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("torchvision")
