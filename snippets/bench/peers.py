"""The ViTs of other libraries, with our weights where they compute the same
function.

None of them is needed: what is not installed is not measured.
"""

import re
from importlib import import_module
from importlib.util import find_spec

import torch
from lib.cost import attempt
from vit import SIZES, vit

LIBRARIES = ("mundap", "timm", "transformers", "torchvision", "vit-pytorch")
DECLARED = []  # a torch.library.Library takes its operators along when it goes

# Our parameters' names, which are timm's, in another library: pattern ->
# replacement
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
    """Those of LIBRARIES that can be imported here: list. The first is ours."""
    return [
        "mundap",
        *(name for name in LIBRARIES[1:] if find_spec(name.replace("-", "_"))),
    ]


def build(library, name, state):
    """A library's ViT of that name with our weights -> (module, whether they fit).

    vit-pytorch's is another network of the same size: norms around the patches, no
    bias in Q, K, V. Raises ImportError where the library is not installed.
    """
    size, P = name.split("/")[0], int(name.split("/")[1])
    D, depth, num_heads = SIZES[size]
    if library == "mundap":
        network = vit(name)
        network.load_state_dict(state)
        return network, True
    attempt(import_torchvision)  # all others import it where it is installed
    module = import_module(library.replace("-", "_"))
    if library == "vit-pytorch":
        shape = {
            "dim": D,
            "depth": depth,
            "heads": num_heads,
            "dim_head": D // num_heads,
        }
        shape |= {"image_size": 224, "patch_size": P, "mlp_dim": 4 * D}
        return module.ViT(num_classes=1000, **shape), False
    if library == "timm":
        shape = {"embed_dim": D, "depth": depth, "num_heads": num_heads}
        network = module.models.VisionTransformer(patch_size=P, **shape)
    elif library == "torchvision":
        network = module.models.VisionTransformer(
            224, P, depth, num_heads, D, 4 * D
        )
        state = renamed(state, TORCHVISION)
    else:
        shape = {"hidden_size": D, "intermediate_size": 4 * D, "patch_size": P}
        shape |= {"num_hidden_layers": depth, "num_attention_heads": num_heads}
        config = module.ViTConfig(num_labels=1000, layer_norm_eps=1e-6, **shape)
        network, state = (
            Logits(module.ViTForImageClassification(config)),
            to_transformers(state),
        )
    network.load_state_dict(state)
    return network, True


class Logits(torch.nn.Module):
    """A network of transformers that gives its logits alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).logits


def to_transformers(state):
    """Our state_dict under the names of Logits: dict. There Q, K and V stand
    apart."""
    state = renamed(state, TRANSFORMERS)
    for name in [name for name in state if ".qkv." in name]:
        for part, value in zip("qkv", state.pop(name).chunk(3)):
            state[name.replace(".qkv.", f".{part}_proj.")] = value
    return state


def renamed(state, names):
    """A state_dict under other names: dict. names: {pattern: replacement}, in
    order."""
    result = {}
    for name, value in state.items():
        for pattern, other in names.items():
            name = re.sub(pattern, other, name)
        result[name] = value
    return result


def import_torchvision():
    """Import torchvision, also its CUDA wheel beside a CPU PyTorch.

    That lacks two operators, which no ViT uses.
    """
    try:
        return import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    DECLARED.append(torch.library.Library("torchvision", "DEF"))
    for name in ("nms", "qnms"):
        DECLARED[0].define(
            f"{name}(Tensor dets, Tensor scores, float threshold) -> Tensor"
        )
    return import_module("torchvision")
