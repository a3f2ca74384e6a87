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
    r"^cls_token": "model.vit.embeddings.cls_token",
    r"^pos_embed": "model.vit.embeddings.position_embeddings",
    r"^patch_embed\.proj": "model.vit.embeddings.patch_embeddings.projection",
    r"^norm": "model.vit.layernorm",
    r"^head": "model.classifier",
    r"^blocks": "model.vit.layers",
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

    vit-pytorch's is another network of the same size: norms around the patches, no bias in Q, K, V. Raises ImportError
    where the library is not installed.
    """
    size, P = name.partition("/")[0], int(name.partition("/")[2])
    D, depth, num_heads = SIZES[size]
    if library != "mundap" and "torchvision" in installed_libraries():
        attempt(import_torchvision)  # all others import it where it is installed
    if library == "vit-pytorch":
        shape = {"dim": D, "depth": depth, "heads": num_heads, "mlp_dim": 4 * D, "dim_head": D // num_heads}
        network = importlib.import_module("vit_pytorch").ViT(image_size=224, patch_size=P, num_classes=1000, **shape)
        return network, False
    if library == "timm":
        shape = {"patch_size": P, "embed_dim": D, "depth": depth, "num_heads": num_heads}
        network = importlib.import_module("timm").models.VisionTransformer(**shape)
    elif library == "torchvision":
        network = import_torchvision().models.VisionTransformer(224, P, depth, num_heads, D, 4 * D)
        state = renamed(state, TORCHVISION)
    elif library == "transformers":
        network, state = Logits(P, D, depth, num_heads), to_transformers(state)
    else:
        network = vit(name)
    network.load_state_dict(state, strict=True)
    return network, True


def to_transformers(state):
    """Our state_dict under the names of Logits: dict. There Q, K and V stand apart."""
    state = renamed(state, TRANSFORMERS)
    for name in [name for name in state if ".qkv." in name]:
        parts = zip("qkv", state.pop(name).chunk(3))
        state |= {name.replace(".qkv.", f".{part}_proj."): value for part, value in parts}
    return state


def renamed(state, names):
    """A state_dict under other names: dict. names: {regular expression: what stands there}."""
    result = {}
    for name, value in state.items():
        for pattern, other in names.items():
            name = re.sub(pattern, other, name)
        result[name] = value
    return result


class Logits(torch.nn.Module):
    """The ViT of transformers, but that it gives its logits alone."""

    def __init__(self, P, D, depth, num_heads):
        super().__init__()
        transformers = importlib.import_module("transformers")
        sizes = {"hidden_size": D, "num_hidden_layers": depth, "num_attention_heads": num_heads}
        sizes |= {"intermediate_size": 4 * D, "patch_size": P, "num_labels": 1000, "layer_norm_eps": 1e-6}
        self.model = transformers.ViTForImageClassification(transformers.ViTConfig(**sizes))

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
