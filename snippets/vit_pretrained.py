# %% [markdown]
# # 공개된 ViT 가중치 읽기
#
# 가중치 파일에 든 것은 **이름과 텐서**뿐이에요. 모델은 이쪽 코드이고, 파일은 그 파라미터에 들어갈 수예요.
# 그래서 이름과 모양이 맞으면 들어가고, 다르면 옮겨 적어야 하고, 파일에 적히지 않은 약속은 **읽는 사람이 알아야** 해요. 셋을 차례로 봐요.
#
# 모델은 `vit.py` 그대로예요. 공개된 가중치는 이렇게 읽어요.
#
# ```python
# from vit_pretrained import load_pretrained, preprocess
#
# model = load_pretrained("vit_tiny_patch16_224")  # 처음 한 번은 내려받아요
# logits, attn = model(preprocess(image, model.pretrained_cfg), return_attn=True)  # image: (3, H, W), 0에서 1까지
# ```

# %%
import argparse
import json
import math
import os
import re
import shutil
import sys
import tempfile
from fractions import Fraction
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from tqdm import tqdm
from vit import SIZES, Block, VisionTransformer, resample_abs_pos_embed


class CheckpointError(ValueError):
    """Weights that cannot be had, or are not of a model that is known here. The
    message says why, in Korean."""


# %% [markdown]
# ## DeiT III: 두 군데만 달라요
#
# DeiT III의 블록에는 갈래마다 채널별 배율 $\gamma$가 있고(LayerScale), 위치 임베딩은 패치에만 있어요.
# 논문의 가중치를 이름 그대로 받으려면 모델에도 그 자리가 있어야 해요.


# %%
class LayerScale(nn.Module):
    """Each channel times a learned number, CaiT (2103.17239) section 2: (..., D) ->
    (..., D)."""

    def __init__(self, dim):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x):
        return x * self.gamma


class ScaledBlock(Block):
    """A Block with LayerScale at the end of both branches."""

    def __init__(self, dim, *options):
        super().__init__(dim, *options)
        self.ls1, self.ls2 = LayerScale(dim), LayerScale(dim)

    def forward(self, x, return_attn=False):
        z, attn = self.attn(self.norm1(x), return_attn)
        x = x + self.ls1(z)
        return x + self.ls2(self.mlp(self.norm2(x))), attn


class ScaledViT(VisionTransformer):
    """A ViT with timm's two options of DeiT III (2204.07118), each of which may be
    left out.

    layer_scale: LayerScale in all blocks; no_embed_class: pos_embed (1, N, D) is
    for the patches alone."""

    def __init__(
        self,
        layer_scale=True,
        no_embed_class=True,
        embed_dim=768,
        depth=12,
        num_heads=12,
        mlp_ratio=4.0,
        qkv_bias=True,
        **options,
    ):
        super().__init__(
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            mlp_ratio=mlp_ratio,
            qkv_bias=qkv_bias,
            **options,
        )
        if layer_scale:
            self.blocks = nn.ModuleList(
                ScaledBlock(embed_dim, num_heads, mlp_ratio, qkv_bias)
                for _ in range(depth)
            )
        if no_embed_class:
            self.pos_embed = nn.Parameter(self.pos_embed[:, 1:].detach().clone())
        self.no_embed_class = no_embed_class

    def embed(self, x):
        if not self.no_embed_class:
            return super().embed(x)
        P, (H, W) = self.patch_embed.patch_size, x.shape[-2:]
        x = self.patch_embed(x) + resample_abs_pos_embed(
            self.pos_embed, (H // P, W // P), num_prefix_tokens=0
        )
        return torch.cat(
            [self.cls_token.expand(len(x), -1, -1), x], dim=1
        )  # (B, 1 + N, D)


# %% [markdown]
# ## 모양에서 크기를 읽어요
#
# 임베딩 차원도 블록 수도 패치 크기도 텐서의 모양에 남아 있어요. **헤드 수와 LayerNorm의 $\epsilon$은 남지 않아요.**
# 헤드 수는 널리 쓰는 네 크기만 표에서 찾고, 나머지는 직접 적게 해요. 짐작해서 틀리는 것보다 나아요.

# %%
HEADS = {embed_dim: num_heads for embed_dim, _, num_heads in SIZES.values()}
OTHERS = {  # part of a name -> the kind of model that has it, and would give wrong numbers here
    "dist_token": "증류 토큰(distillation token)이 있는 DeiT",
    "distillation_token": "증류 토큰(distillation token)이 있는 DeiT",
    "reg_token": "레지스터 토큰(register token)이 있는 ViT",
    "register_tokens": "레지스터 토큰(register token)이 있는 ViT",
    "fc_norm": "패치 토큰을 평균 내어 분류하는 ViT",
    "norm_pre": "블록 앞에서 한 번 더 정규화하는 ViT(CLIP)",
    "q_norm": "쿼리와 키를 정규화하는 ViT",
    "rel_pos": "상대 위치를 쓰는 ViT",
}


def from_state_dict(state, num_heads=None, eps=None):
    """The model of these weights, {name: tensor} in timm's or Hugging Face's names,
    strictly loaded and in eval mode.

    num_heads: needed where embed_dim is none of ViT-Ti, S, B and L. eps: of the
    LayerNorms; unless given it is 1e-6, as timm has it, for Hugging Face's names
    1e-12, as its configurations have it. Without a head in the weights the model
    returns the class token that the head would get, (B, D). Raises CheckpointError.
    """
    if any("embeddings." in name for name in state):
        state, eps = from_huggingface(state), eps or 1e-12
    options = read_options(state, num_heads)
    layer_scale = "blocks.0.ls1.gamma" in state
    no_embed_class = (options["img_size"] // options["patch_size"]) ** 2 == state[
        "pos_embed"
    ].shape[1]
    with torch.device("meta"):  # shapes without memory: nothing to initialise
        if layer_scale or no_embed_class:
            model = ScaledViT(layer_scale, no_embed_class, **options)
        else:
            model = VisionTransformer(**options)
        if "head.weight" not in state:
            model.head = nn.Identity()
    check_names(
        {name: tuple(value.shape) for name, value in model.state_dict().items()},
        {name: tuple(value.shape) for name, value in state.items()},
    )
    model.to_empty(device="cpu").load_state_dict(state, strict=True)
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = eps or 1e-6
    return model.eval()


def read_options(state, num_heads=None):
    """The options of the model that weights in timm's names are of: dict. Raises
    CheckpointError."""
    for part, kind in OTHERS.items():
        if found := next((name for name in state if part in name), None):
            raise CheckpointError(
                f"{kind}의 가중치예요(`{found}`). 여기서는 클래스 토큰으로 분류하는 ViT, DeiT, DeiT III만 읽어요."
            )
    try:
        embed_dim, in_chans, patch_size, _ = state["patch_embed.proj.weight"].shape
        hidden_dim, tokens = (
            len(state["blocks.0.mlp.fc1.weight"]),
            state["pos_embed"].shape[1],
        )
        num_classes = len(state["head.weight"]) if "head.weight" in state else 0
    except KeyError as error:
        raise CheckpointError(
            f"ViT의 가중치가 아니에요. `{error.args[0]}`이라는 텐서가 없어요."
        ) from None
    except (ValueError, IndexError, TypeError):
        raise CheckpointError(
            "`patch_embed.proj.weight`나 `pos_embed`의 축의 수가 ViT와 달라요."
        ) from None
    grid = math.isqrt(tokens)
    if grid**2 not in (tokens, tokens - 1):
        raise CheckpointError(
            f"`pos_embed`가 {tokens}개예요. 정사각 격자도, 격자에 클래스 토큰을 더한 수도 아니에요."
        )
    num_heads = num_heads or HEADS.get(embed_dim)
    if not num_heads or embed_dim % num_heads:
        raise CheckpointError(
            f"헤드 수는 가중치에 남지 않아요. {embed_dim}차원을 나누는 `num_heads`를 적어 주세요."
        )
    return {
        "img_size": grid * patch_size,
        "patch_size": patch_size,
        "in_chans": in_chans,
        "num_classes": num_classes or 1,
        "embed_dim": embed_dim,
        "depth": len(
            {name.split(".")[1] for name in state if name.startswith("blocks.")}
        ),
        "num_heads": num_heads,
        "mlp_ratio": Fraction(hidden_dim, embed_dim),
        "qkv_bias": "blocks.0.attn.qkv.bias" in state,
    }


def check_names(wanted, found):
    """Raise one CheckpointError that lists what differs between two dicts of name
    -> shape, if anything does."""
    wrong = [f"`{name}`: 가중치에 없어요" for name in wanted if name not in found]
    wrong += [
        f"`{name}`: 모델에 없는 이름이에요" for name in found if name not in wanted
    ]
    wrong += [
        f"`{name}`: 모양이 {shape}여야 하는데 {found[name]}예요"
        for name, shape in wanted.items()
        if found.get(name, shape) != shape
    ]
    if wrong:
        rest = [f"… 이 밖에 {len(wrong) - 5}개"] if len(wrong) > 5 else []
        raise CheckpointError(
            "\n  ".join(["가중치가 모델과 맞지 않아요.", *wrong[:5], *rest])
        )


# %% [markdown]
# ## 이름이 다르면 옮겨 적어요
#
# Hugging Face의 ViT는 같은 모델을 다른 이름으로 저장해요. 표 하나로 옮기고, 따로 저장된 쿼리·키·값을 **이 순서로** 이어 붙이면 끝이에요.

# %%
HUGGING_FACE = {  # replaced in this order: names in files (transformers 4 and 5) and in the models of transformers 5
    "vit.": "",
    "embeddings.cls_token": "cls_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "encoder.layer.": "blocks.",
    "layers.": "blocks.",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "layernorm": "norm",
    "classifier": "head",
    "attention.attention.query": "attn.q",
    "attention.attention.key": "attn.k",
    "attention.attention.value": "attn.v",
    "attention.q_proj": "attn.q",
    "attention.k_proj": "attn.k",
    "attention.v_proj": "attn.v",
    "attention.output.dense": "attn.proj",
    "attention.o_proj": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
}


def rename(name):
    """Hugging Face's name of a tensor -> timm's; of the query, key and value those
    that are joined to qkv."""
    for theirs, ours in HUGGING_FACE.items():
        name = name.replace(theirs, ours)
    return name


def from_huggingface(state):
    """Weights of Hugging Face's ViTModel or ViTForImageClassification under timm's
    names.

    The pooler of ViTModel, an extra layer behind the class token, is left out.
    Where the image is not as large as in training, theirs resizes the positions
    without antialias and so gives slightly other numbers than timm and this one.
    """
    renamed = {rename(name): value for name, value in state.items()}
    renamed = {
        name: value
        for name, value in renamed.items()
        if not name.startswith("pooler.")
    }
    for name in [name for name in renamed if ".attn.q." in name]:
        qkv = [name.replace(".q.", f".{part}.") for part in "qkv"]
        if all(part in renamed for part in qkv):  # three of (D, D) -> (3 D, D)
            renamed[name.replace(".q.", ".qkv.")] = torch.cat(
                [renamed.pop(part) for part in qkv]
            )
    return renamed


# %% [markdown]
# ## 파일을 읽고 내려받아요
#
# safetensors 파일은 글과 수뿐이라 읽는 동안 남의 코드가 돌지 않아요. 내려받을 때는 임시 폴더에 받아 크기와 머리말을 확인하고, **온전할 때만** 제자리에 옮겨요.

# %%
HUB = "https://huggingface.co/timm"
TAGS = {  # what timm itself loads for a name without a tag
    "vit_tiny_patch16_224": "augreg_in21k_ft_in1k",
    "vit_small_patch16_224": "augreg_in21k_ft_in1k",
    "vit_base_patch16_224": "augreg2_in21k_ft_in1k",
    "vit_large_patch16_224": "augreg_in21k_ft_in1k",
    "deit3_small_patch16_224": "fb_in1k",
    "deit3_base_patch16_224": "fb_in1k",
    "deit3_large_patch16_224": "fb_in1k",
}


def read_tensors(path):
    """The tensors of a .safetensors file, {name: tensor}. Raises
    CheckpointError."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: 파일이 없어요.") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: safetensors 파일이 아니거나 일부가 빠졌어요. ({error})"
        ) from None


def read_config(path):
    """What timm says of its weights, the dict of config.json. Raises
    CheckpointError."""
    try:
        config = json.loads(Path(path).read_text(encoding="utf-8"))
        config["pretrained_cfg"]["mean"], config["architecture"]
        return config
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(f"{path}: timm의 설정 파일이 아니에요.") from None


def download(url, path, read):
    """Save what url holds as path: only if it came whole and read(file) takes it.
    Raises CheckpointError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder, path.name)
            with (
                urlopen(
                    Request(url, headers={"User-Agent": "mundap"}), timeout=30
                ) as response,
                part.open("wb") as file,
            ):
                size = response.headers.get("Content-Length")
                with tqdm.wrapattr(
                    response, "read", total=size and int(size), desc=path.name
                ) as source:
                    shutil.copyfileobj(source, file)
            if size and part.stat().st_size != int(size):
                raise CheckpointError(
                    f"{url}: {int(size):,}바이트 가운데 {part.stat().st_size:,}바이트만 왔어요. 다시 해 보세요."
                )
            try:
                read(part)
            except CheckpointError:
                raise CheckpointError(
                    f"{url}: 받은 파일이 온전하지 않아요. 조금 뒤에 다시 해 보세요."
                ) from None
            part.replace(path)
    except HTTPError as error:
        if error.code in (
            401,
            404,
        ):  # the hub answers 401 for a repository that is not there
            raise CheckpointError(
                f"{url}: 그런 이름의 가중치가 없어요. timm의 이름을 점과 꼬리표까지 확인해 주세요."
            ) from None
        raise CheckpointError(
            f"{url}: 서버가 보내 주지 않아요. (HTTP {error.code}) 조금 뒤에 다시 해 보세요."
        ) from None
    except (URLError, ConnectionError, TimeoutError, HTTPException) as error:
        raise CheckpointError(
            f"네트워크로 받지 못했어요. ({getattr(error, 'reason', error)}) 다른 곳에서 config.json과 "
            f"model.safetensors를 받아 두어도 돼요.\n  어디서: {url.rpartition('/')[0]}\n  어디에: {path.parent}"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path}: 저장하지 못했어요. ({error})") from None


def load_pretrained(name, num_heads=None, hub=HUB, cache=None):
    """The model of that name of timm with its published weights; its pretrained_cfg
    says how to preprocess an image.

    name: "vit_tiny_patch16_224" say, or with a tag:
    "vit_tiny_patch16_224.augreg_in21k". num_heads: as in from_state_dict. The files
    are kept in the folder cache, by default ~/.cache/mundap or
    $XDG_CACHE_HOME/mundap, and read from there without a network. Raises
    CheckpointError where they cannot be had, are broken, or are of a model that
    this one is not."""
    if not re.fullmatch(r"\w+(\.\w+)?", name, re.ASCII):
        raise CheckpointError(
            f"{name!r}: timm의 모델 이름이 아니에요. 예: vit_tiny_patch16_224"
        )
    if name in TAGS:
        name = f"{name}.{TAGS[name]}"
    folder = Path(
        cache
        or Path(
            os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mundap"
        ),
        name,
    )
    for file, read in (
        ("config.json", read_config),
        ("model.safetensors", read_tensors),
    ):
        if not (folder / file).exists():
            download(f"{hub}/{name}/resolve/main/{file}", folder / file, read)
    config = read_config(folder / "config.json")
    if config.get("global_pool", "token") != "token" or {
        "act_layer",
        "norm_layer",
    } & set(config.get("model_args", ())):
        raise CheckpointError(
            f"{name}: 클래스 토큰으로 분류하는 ViT가 아니거나, 활성화 함수나 정규화 층이 달라요."
        )
    model = from_state_dict(read_tensors(folder / "model.safetensors"), num_heads)
    model.pretrained_cfg = config["pretrained_cfg"]
    return model


def preprocess(image, cfg):
    """An image (3, H, W) in [0, 1] -> (1, 3, S, S) as the weights of that
    pretrained_cfg want it.

    Shorter side to S / crop_pct, the middle S x S of it, then less mean over std,
    as timm does when it evaluates."""
    S = cfg["input_size"][-1]
    shorter, (H, W) = math.floor(S / cfg["crop_pct"]), image.shape[1:]
    size = [int(shorter * side / min(H, W)) for side in (H, W)]
    image = F.interpolate(
        image[None], size=size, mode=cfg["interpolation"], antialias=True
    ).clamp(0, 1)
    top, left = (round((side - S) / 2) for side in size)
    mean, std = (torch.tensor(cfg[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    return (image[:, :, top : top + S, left : left + S] - mean) / std


# %% [markdown]
# 명령줄에서도 써 볼 수 있어요. 그림을 함께 주면 확률이 높은 클래스 번호를 다섯 개 보여 줘요.
#
# ```
# python snippets/vit_pretrained.py vit_tiny_patch16_224 그림.jpg
# ```


# %%
def main(arguments):
    """The command line: load the named weights and, if there is an image, classify
    it. Returns the exit status."""
    parser = argparse.ArgumentParser(
        description="timm의 ViT 가중치를 내려받아 읽어요."
    )
    parser.add_argument(
        "name",
        help="timm의 모델 이름: vit_tiny_patch16_224, deit3_small_patch16_224 등",
    )
    parser.add_argument("image", nargs="?", help="분류해 볼 그림 파일")
    options = parser.parse_args(arguments)
    try:
        model = load_pretrained(options.name)
        cfg = model.pretrained_cfg
        print(
            f"{options.name}: 파라미터 {sum(p.numel() for p in model.parameters()):,}개, 블록 {len(model.blocks)}개, "
            f"헤드 {model.blocks[0].attn.num_heads}개"
        )
        print(
            f"입력 {cfg['input_size']}, 평균 {cfg['mean']}, 표준편차 {cfg['std']}"
        )
        if options.image:
            print_classes(model, options.image)
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def print_classes(model, path):
    """Print the five most probable classes of an image file. Raises CheckpointError
    if it is none."""
    import numpy as np
    from PIL import Image

    if isinstance(model.head, nn.Identity):
        raise CheckpointError("분류 헤드가 없는 가중치라 클래스를 말할 수 없어요.")
    try:
        image = (
            torch.from_numpy(np.array(Image.open(path).convert("RGB"))).movedim(
                2, 0
            )
            / 255
        )
    except OSError as error:
        raise CheckpointError(f"{path}: 그림을 읽지 못했어요. ({error})") from None
    with torch.inference_mode():
        best = model(preprocess(image, model.pretrained_cfg))[0].softmax(0).topk(5)
    for probability, number in zip(best.values.tolist(), best.indices.tolist()):
        print(f"클래스 {number}번: {probability:.1%}")


if __name__ == "__main__":
    if (
        sys.argv[0].endswith("vit_pretrained.py") and sys.argv[1:]
    ):  # a notebook's kernel has arguments of its own
        sys.exit(main(sys.argv[1:]))


# %% [markdown]
# ## 파일 하나를 열어 봐요
#
# 네트워크 없이도 볼 수 있게, 이 사이트에서 학습한 작은 ViT의 파일을 써요. 이름은 timm의 것과 같아요.
# 파일에서 읽은 모양만으로 모델을 만들고, 학습한 모델과 로짓이 같은지 확인해요.

# %%
if __name__ == "__main__":
    from lib.figure import table
    from safetensors.torch import save_file
    from scenes import draw
    from train_vit import SIZE, WEIGHTS, load_trained

    torch.set_num_threads(1)
    evidence = {}
    weights = read_tensors(WEIGHTS)
    model = from_state_dict(weights, num_heads=4)
    images = draw(20, SIZE, seed=101)[0]  # (20, 3, 64, 64)
    with torch.inference_mode():
        evidence["own_difference"] = (
            (model(images) - load_trained()(images)).abs().max().item()
        )
    evidence["tensors"] = len(weights)
    tells = {
        "cls_token": "임베딩 차원",
        "pos_embed": "격자의 칸 수와 클래스 토큰",
        "patch_embed.proj.weight": "채널과 패치 크기",
        "blocks.0.attn.qkv.weight": "쿼리, 키, 값의 순서로 이어 붙인 것",
        "blocks.0.mlp.fc1.weight": "MLP의 너비",
        "blocks.5.mlp.fc2.bias": "블록은 여섯 개",
        "head.weight": "클래스 수",
    }
    rows = [
        [name, "×".join(map(str, weights[name].shape)), what]
        for name, what in tells.items()
    ]
    table(
        "names",
        f"train_vit.safetensors의 텐서 {len(weights)}개 가운데 일곱 개",
        ["이름", "모양", "알려 주는 것"],
        rows,
    )
    print(
        f"파일의 모양으로 만든 모델과 학습한 모델의 로짓 차이: {evidence['own_difference']}"
    )

# %% [markdown]
# ## 같은 가중치를 Hugging Face의 이름으로 적으면
#
# 이름을 바꾸고 쿼리·키·값을 따로 적은 파일을 만들어 다시 읽어요. 표를 지나면 제자리로 돌아와요.


# %%
def to_huggingface(state):
    """Weights with timm's names as the hub's files for ViTForImageClassification
    have them."""
    block = [
        "layernorm_before",
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
        "attention.output.dense",
        "layernorm_after",
        "intermediate.dense",
        "output.dense",
    ]
    depth = len(
        {name.split(".")[1] for name in state if name.startswith("blocks.")}
    )
    layers = [
        "vit.embeddings.patch_embeddings.projection",
        "vit.layernorm",
        "classifier",
        *(
            f"vit.encoder.layer.{i}.{layer}"
            for i in range(depth)
            for layer in block
        ),
    ]
    found = {}
    for name in [
        "vit.embeddings.cls_token",
        "vit.embeddings.position_embeddings",
        *(f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")),
    ]:
        if part := re.fullmatch(r"(.+)\.([qkv])\.(\w+)", rename(name)):
            found[name] = state[f"{part[1]}.qkv.{part[3]}"].chunk(3)[
                "qkv".index(part[2])
            ]
        else:
            found[name] = state[rename(name)]
    return found


# %%
if __name__ == "__main__":
    theirs = to_huggingface(weights)
    with torch.inference_mode():
        translated = from_state_dict(theirs, num_heads=4, eps=1e-6)
        evidence["hugging_face_difference"] = (
            (translated(images) - model(images)).abs().max().item()
        )
    evidence["hugging_face_tensors"] = len(theirs)
    start = "vit.encoder.layer.0."
    rows = [
        [name.removeprefix(start), rename(name).removeprefix("blocks.0.")]
        for name in theirs
        if name.startswith(start) and name.endswith("weight")
    ]
    table(
        "hugging_face",
        f"0번 블록의 이름 (앞의 {start}과 blocks.0.은 뺐어요)",
        ["Hugging Face", "옮긴 이름"],
        rows,
    )
    print(
        f"옮겨 적은 가중치와 원래 가중치의 로짓 차이: {evidence['hugging_face_difference']}"
    )

# %% [markdown]
# ## DeiT III도 접으면 보통의 ViT예요
#
# 배율 $\gamma$는 바로 앞 선형 층의 출력에 곱하는 수라서 그 층의 가중치에 미리 곱해 둘 수 있어요.
#
# $$\gamma \odot (Wx + b) = (\mathrm{diag}(\gamma)\,W)\,x + \gamma \odot b$$
#
# 위치 임베딩은 클래스 자리에 0을 하나 넣으면 돼요. 그러면 `vit.py`의 모델에 그대로 들어가요. 반올림의 순서만 달라져요.


# %%
def fold(state):
    """Weights of a ScaledViT as those of a plain ViT with the same logits and
    attention."""
    state = dict(state)
    for i in range(
        len({name.split(".")[1] for name in state if name.startswith("blocks.")})
    ):
        for scale, layer in (("ls1", "attn.proj"), ("ls2", "mlp.fc2")):
            gamma = state.pop(
                f"blocks.{i}.{scale}.gamma"
            )  # (D,): one for each row of W
            state[f"blocks.{i}.{layer}.weight"] = (
                gamma[:, None] * state[f"blocks.{i}.{layer}.weight"]
            )
            state[f"blocks.{i}.{layer}.bias"] = (
                gamma * state[f"blocks.{i}.{layer}.bias"]
            )
    return {**state, "pos_embed": F.pad(state["pos_embed"], (0, 0, 1, 0))}


# %%
if __name__ == "__main__":
    folds, drops = [], []
    for seed in range(3):
        torch.manual_seed(seed)
        deit3 = ScaledViT(
            img_size=SIZE, patch_size=8, embed_dim=192, depth=12, num_heads=3
        )
        for name, parameter in deit3.named_parameters():
            nn.init.normal_(parameter, std=0.1)
            if "gamma" in name:
                nn.init.uniform_(parameter, 0.1, 1)
        state = deit3.state_dict()
        read = from_state_dict(state)
        without_gamma = from_state_dict(
            {name: value for name, value in state.items() if "gamma" not in name}
        )
        plain = from_state_dict(fold(state))
        with torch.inference_mode():
            reference = read(images)
            folds.append(
                ((plain(images) - reference).norm() / reference.norm()).item()
            )
            drops.append(
                (
                    (without_gamma(images) - reference).norm() / reference.norm()
                ).item()
            )
    evidence["fold_difference"], evidence["gamma_dropped"] = max(folds), drops
    evidence["scaled_tensors"], evidence["folded_tensors"] = (
        len(state),
        len(fold(state)),
    )
    print(
        f"{type(read).__name__}를 접으면 {type(plain).__name__}, 텐서 {len(state)}개가 {len(fold(state))}개로"
    )
    print(f"접은 모델과의 로짓 차이(상대): 시드 셋에서 가장 커야 {max(folds):.1e}")
    print(f"γ를 접지 않고 버리면(상대): {min(drops):.2f}~{max(drops):.2f}")

# %% [markdown]
# ## 읽을 수 없는 파일은 까닭을 말하고 멈춰요
#
# 그럴듯한 로짓을 내는 틀린 모델보다 오류가 나아요. 파일을 일부러 망가뜨려서 무엇이라고 하는지 봐요.

# %%
if __name__ == "__main__":
    told = 0
    with tempfile.TemporaryDirectory() as folder:
        whole, cut = (
            Path(folder, "whole.safetensors"),
            Path(folder, "cut.safetensors"),
        )
        save_file(weights, whole)
        cut.write_bytes(whole.read_bytes()[:-1000])
        one_less = {
            name: value for name, value in weights.items() if name != "norm.bias"
        }
        nobody = "http://127.0.0.1:9"  # nothing answers there, as without a network
        attempts = {
            "끝이 끊긴 파일": lambda: read_tensors(cut),
            "하나 모자란 파일": lambda: from_state_dict(one_less, num_heads=4),
            "하나 남는 파일": lambda: from_state_dict(
                {**weights, "blocks.0.scale": torch.ones(1)}, num_heads=4
            ),
            "모양이 다른 파일": lambda: from_state_dict(
                {**weights, "head.bias": torch.zeros(9)}, num_heads=4
            ),
            "헤드 수를 적지 않음": lambda: from_state_dict(weights),
            "증류한 DeiT": lambda: from_state_dict(
                {**weights, "dist_token": torch.zeros(1, 1, 64)}, num_heads=4
            ),
            "네트워크 없음": lambda: load_pretrained(
                "vit_tiny_patch16_224", hub=nobody, cache=folder
            ),
        }
        for what, attempt in attempts.items():
            try:
                attempt()
            except CheckpointError as error:
                told += 1
                print(f"[{what}] {str(error).replace(folder, '폴더')}")

# %%
if __name__ == "__main__":
    evidence["wrong_files"], evidence["errors_told"] = len(attempts), told
    tolerance = {"fold_difference": 1e-5, "gamma_dropped": 0.1}
    evidence
