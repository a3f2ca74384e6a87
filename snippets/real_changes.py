# %% [markdown]
# # 학습한 ViT의 부품을 바꾸면 무엇이 얼마나 달라지나요?
#
# 공개된 ViT-S/14를 그대로 두고 하나씩만 바꿔요. 활성화 함수, LayerNorm의 자리, 수의 정밀도, 그리고 헤드예요. 다시 학습하지 않아요.
# 그러니 "그 부품이 필요한가"가 아니라 **"이 가중치가 거기에 얼마나 기대고 있나"**를 재요.
#
# 사진마다 세 가지를 재요. 끝의 토큰의 **상대 오차**와 **코사인**, 그리고 어텐션 맵이 옮긴 몫(**총변동**)이에요. 총변동 0.1은 모든 행에서 어텐션의 10%가 다른 곳으로 갔다는 뜻이에요.
#
# 네트워크가 있다면 아래 `NAME`에 timm의 이름을 적어 다른 ViT로도 재 볼 수 있어요.

# %%
import copy

import torch
import torch.nn.functional as F
from attention_distance import attention_distance
from lib.figure import BLUE, GREEN, INK, ORANGE, plt, show, table
from lib.measure import relative_error
from lib.photos import photos
from lib.scramble import scrambled
from real_vit import load_real, normalise
from torch import nn

torch.set_num_threads(1)
NAME = None  # or timm's name of another model: "vit_small_patch16_224"
PIXELS = 224


# %% [markdown]
# ## 바꾸는 법: 활성화 함수와 LayerNorm의 자리
#
# 가중치는 건드리지 않고 계산만 바꿔요. post-LN은 처음의 Transformer처럼 **더한 뒤에** 정규화하는 것이라, 파라미터의 이름도 모양도 그대로예요.


# %%
def with_activation(model, act):
    """A copy whose MLPs put act where GELU was."""
    model = copy.deepcopy(model)
    for block in model.blocks:
        mlp = block.mlp
        mlp.forward = lambda y, mlp=mlp: mlp.fc2(act(mlp.fc1(y)))
    return model


def post_ln(model):
    """A copy that reads the same weights as post-LN blocks (1706.03762, 3.1)."""
    model = copy.deepcopy(model)
    for block in model.blocks:

        def forward(x, return_attn=False, block=block):
            z, attn = block.attn(x, return_attn)
            x = block.norm1(x + z)
            return block.norm2(x + block.mlp(x)), attn

        block.forward = forward
    return model


def without_final_norm(model):
    """A copy that hands on what the last block left."""
    model = copy.deepcopy(model)
    model.norm = nn.Identity()
    return model


# %% [markdown]
# ## 바꾸는 법: 정밀도
#
# 정수로 줄였다가 되돌린 값으로 계산해요. 배율(scale) 하나를 함께 쓰는 수들 가운데 **가장 큰 수**가 배율을 정하니, 큰 수 하나가 섞이면 나머지는 거칠어져요.
# 가중치는 행마다, 또는 32개마다 배율을 두고, 활성값은 텐서 하나에 하나, 또는 토큰마다 하나를 둬요.


# %%
def rounded(values, bits):
    """Numbers of a last axis that share one scale, as integers of so many bits and
    back: (..., n) -> (..., n)."""
    most = 2 ** (bits - 1) - 1  # 127 of 8 bits
    scale = values.abs().amax(dim=-1, keepdim=True) / most
    return (values / scale).round() * scale


def with_weights(model, change):
    """A copy whose linear layers have change(weight (out, in)) for a weight."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.copy_(change(module.weight))
    return model


def with_inputs(model, change):
    """A copy whose linear layers take change(x) for their input x (B, N, D)."""
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(lambda _, args: (change(args[0]),))
    return model


def with_bf16_products(model):
    """A copy whose matrix products are in bf16, of weights and activations alike."""
    model = copy.deepcopy(model)
    in_bf16 = torch.autocast("cpu", torch.bfloat16)
    model.embed = in_bf16(model.embed)
    for block in model.blocks:
        block.forward = in_bf16(block.forward)
    return model


# %% [markdown]
# ## 재는 법


# %%
@torch.inference_mode()
def trace(model, x):
    """All tokens after the final LayerNorm (1 + N, D) and all maps (depth, heads,
    1 + N, 1 + N) of one image (1, 3, S, S)."""
    x = model.embed(x)
    maps = []
    for block in model.blocks:
        x, attn = block(x, return_attn=True)
        maps.append(attn[0])
    return model.norm(x)[0], torch.stack(maps)


def compare(found, expected):
    """What trace() gave twice -> relative error and mean cosine of the tokens, and
    total variation of the maps' rows: three numbers."""
    (tokens, maps), (right, right_maps) = found, expected
    moved = [  # by layer: less to hold at a time
        (one - other).abs().sum(dim=-1).mean().item() / 2
        for one, other in zip(maps, right_maps)
    ]
    return (
        relative_error(tokens, right),
        F.cosine_similarity(tokens, right, dim=-1).mean().item(),
        sum(moved) / len(moved),
    )


# %%
CHANGES = {
    "same": ("바꾸지 않음", copy.deepcopy),
    "tanh": (
        "GELU → tanh 근사",
        lambda m: with_activation(m, lambda y: F.gelu(y, approximate="tanh")),
    ),
    "quick": (
        "GELU → xσ(1.702x)",
        lambda m: with_activation(m, lambda y: y * torch.sigmoid(1.702 * y)),
    ),
    "relu": ("GELU → ReLU", lambda m: with_activation(m, F.relu)),
    "final": ("마지막 LN 뺌", without_final_norm),
    "post": ("post-LN으로 읽음", post_ln),
    "bf16": (
        "가중치 bf16",
        lambda m: with_weights(m, lambda w: w.bfloat16().float()),
    ),
    "autocast": ("가중치·활성값 bf16", with_bf16_products),
    "int8": (
        "가중치 int8, 행마다",
        lambda m: with_weights(m, lambda w: rounded(w, 8)),
    ),
    "int4": (
        "가중치 int4, 32개씩",
        lambda m: with_weights(
            m, lambda w: rounded(w.unflatten(1, (-1, 32)), 4).flatten(1)
        ),
    ),
    "token": (
        "활성값 int8, 토큰마다",
        lambda m: with_inputs(m, lambda y: rounded(y, 8)),
    ),
    "tensor": (
        "활성값 int8, 텐서마다",
        lambda m: with_inputs(m, lambda y: rounded(y.flatten(), 8).view_as(y)),
    ),
}
MEASURES = "error", "cosine", "maps"


def measure(model, images, expected, keys=tuple(CHANGES)):
    """{key: (n, 3)}: compare() of each change with what the model itself gives, one
    row an image (1, 3, S, S); expected: trace() of each."""
    found = {}
    for key in keys:
        changed = CHANGES[key][1](model)
        found[key] = torch.tensor(
            [
                compare(trace(changed, x), right)
                for x, right in zip(images, expected)
            ]
        )
    return found


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    model = load_real(PIXELS, NAME)
    x = normalise(photos(PIXELS)[0], model.pretrained_cfg)  # (12, 3, 224, 224)
    images = x.split(1)
    n = evidence["photos"] = len(images)
    traced = [trace(model, image) for image in images]
    measured = measure(model, images, traced)
    for key, values in measured.items():
        for what, column in zip(MEASURES, values.T):
            evidence[f"{what}_{key}"] = column
    null["바꾸지 않은 모델"] = {
        f"{what}_{key}": evidence[f"{what}_same"]
        for key in ("relu", "quick", "post", "final", "tensor", "token")
        for what in MEASURES
    }
    null["xσ(1.702x)를 넣은 모델"] = {"error_tanh": evidence["error_quick"]}
    null["가중치를 int4로 줄인 모델"] = {
        f"{what}_int8": evidence[f"{what}_int4"] for what in MEASURES
    }

    keys, mixed = ("relu", "tensor"), scrambled(model)
    mixed_traced = [trace(mixed, image) for image in images]
    null["가중치를 뒤섞은 모델"] = {}
    for key, values in measure(mixed, images, mixed_traced, keys).items():
        for what, column in zip(MEASURES, values.T):
            null["가중치를 뒤섞은 모델"][f"{what}_{key}"] = column
            evidence[f"{what}_{key}_mixed"] = column
    order = sorted(CHANGES, key=lambda key: measured[key][:, 0].mean())
    rows = [
        [
            CHANGES[key][0],
            f"{measured[key][:, 0].mean():.2%}",
            f"{measured[key][:, 1].mean():.5f}",
            f"{measured[key][:, 2].mean():.4f}",
        ]
        for key in order
    ]
    table(
        "changes",
        f"바꾼 것과 달라진 것 (사진 {n}장의 평균, 오차가 작은 것부터)",
        ["바꾼 것", "상대 오차", "코사인", "맵의 총변동"],
        rows,
    )

# %%
if __name__ == "__main__":
    drawn = [key for key in order if key != "same"]
    figure, axis = plt.subplots(figsize=(4.5, 4.2))
    for row, key in enumerate(drawn):
        values = measured[key][:, 0]
        axis.plot(values, [row] * n, "o", color=BLUE, ms=3.5, alpha=0.5)
        axis.plot(values.mean(), row, "|", color=ORANGE, ms=15, mew=3)
    axis.set(
        xscale="log",
        title="끝의 토큰의 상대 오차 (점: 사진 한 장)",
        yticks=range(len(drawn)),
        yticklabels=[CHANGES[key][0] for key in drawn],
    )
    ticks = 0.001, 0.01, 0.1, 1
    axis.set_xticks(
        ticks, [f"{tick:.1%}" if tick < 0.01 else f"{tick:.0%}" for tick in ticks]
    )
    axis.invert_yaxis()
    low, high = drawn[0], drawn[-1]
    alt = (
        f"오차가 가장 작은 것은 {CHANGES[low][0]}({measured[low][:, 0].mean():.2%}), 가장 큰 것은 "
        f"{CHANGES[high][0]}({measured[high][:, 0].mean():.0%})예요. tanh 근사는 "
        f"{measured['tanh'][:, 0].mean():.2%}, ReLU는 {measured['relu'][:, 0].mean():.0%}예요."
    )
    show(figure, "sizes", alt)


# %% [markdown]
# ## 헤드를 하나씩 꺼요
#
# 헤드 하나를 끄려면 `proj`에 들어가기 전에 그 헤드의 칸을 0으로 둬요. 72개를 하나씩 끄고, 끝의 클래스 토큰과 패치 토큰이 얼마나 달라지는지 재요.
# 고를 때 쓴 사진으로 다시 재면 후하게 나와요. 그래서 여섯 장에서 순서를 정하고, **나머지 여섯 장**에서 여럿을 함께 꺼 봐요.


# %%
def without_heads(block, x, heads):
    """A block's output, (B, N, D) -> (B, N, D), with those heads' slices of proj's
    input set to zero."""
    attn = block.attn
    B, N, D = x.shape
    qkv = attn.qkv(block.norm1(x)).reshape(B, N, 3, attn.num_heads, -1)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, h, N, d)
    z = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)  # (B, N, h, d)
    kept = torch.ones(attn.num_heads, 1)
    kept[heads] = 0
    x = x + attn.proj((z * kept).reshape(B, N, D))
    return x + block.mlp(block.norm2(x))


@torch.inference_mode()
def ablate(model, x, removed, start=0):
    """All tokens after the final LayerNorm, (B, 1 + N, D), without heads: removed is
    {layer: [head, ...]}; x: what enters layer `start`."""
    for k, block in enumerate(model.blocks):
        if k < start:
            continue
        x = without_heads(block, x, removed[k]) if k in removed else block(x)[0]
    return model.norm(x)


def errors(tokens, before):
    """Relative errors of the class token and of the patch tokens of (B, 1 + N, D)
    twice: (B, 2)."""
    pairs = zip(tokens, before)
    return torch.tensor(
        [
            [relative_error(a[:1], b[:1]), relative_error(a[1:], b[1:])]
            for a, b in pairs
        ]
    )


@torch.inference_mode()
def one_by_one(model, x):
    """Errors without each single head: images (B, 3, S, S) -> (B, depth, heads,
    2)."""
    x = model.embed(x)
    whole = ablate(model, x, {})
    found = []
    for k, block in enumerate(model.blocks):
        heads = range(block.attn.num_heads)
        found += [
            errors(ablate(model, x, {k: [head]}, start=k), whole) for head in heads
        ]
        x, _ = block(x)
    return torch.stack(found, dim=1).unflatten(1, (len(model.blocks), -1))


def by_layer(numbers, heads):
    """Heads numbered through all layers -> {layer: [head, ...]}."""
    found = {}
    for i in numbers.tolist():
        found.setdefault(i // heads, []).append(i % heads)
    return found


def rank_correlation(a, b):
    """Spearman's, of each image's heads: (B, n) twice -> (B)."""
    ranks = [
        (v[:, :, None] - v[:, None]).sign().sum(dim=-1).double()  # ties share one
        for v in (a, b)
    ]
    return torch.stack(
        [torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(*ranks)]
    )


# %%
if __name__ == "__main__":
    ranking, held_out = x[0::2], x[1::2]  # six photographs each
    effects = one_by_one(model, ranking)  # (6, 12, 6, 2)
    depth, heads = effects.shape[1:3]
    seen = [maps for _, maps in traced[0::2]]  # (12, 6, 257, 257) each
    P = model.patch_embed.patch_size
    grid = (PIXELS // P, PIXELS // P)
    distance = torch.stack([attention_distance(maps, grid, P) for maps in seen])
    number = torch.arange(depth).repeat_interleave(heads).expand(len(ranking), -1)
    of_class, of_patches = effects.flatten(1, 2).unbind(-1)  # (6, 72) each
    far = distance.flatten(1)
    evidence["heads"] = depth * heads
    evidence["effect_mean"] = of_class.mean(dim=1)
    evidence["effect_least"] = of_class.amin(dim=1)
    evidence["effect_most"] = of_class.amax(dim=1)
    evidence["far_class"] = rank_correlation(of_class, far)
    evidence["far_patches"] = rank_correlation(of_patches, far)
    evidence["depth_class"] = rank_correlation(of_class, number)
    evidence["class_patches"] = rank_correlation(of_class, of_patches)
    null["멀리 볼수록 중요하게 심은 모델"] = {
        "far_class": rank_correlation(far, far),
        "far_patches": rank_correlation(far, far),
    }
    # the head of the first layer that pays the fewest patches the most
    top = torch.stack(
        [maps[0, :, 1:, 1:].mean(dim=1).topk(5).values.sum(-1) for maps in seen]
    )
    peaked = top.mean(dim=0).argmax().item()
    evidence["peaked_share"] = top[:, peaked]
    evidence["peaked_effect"] = effects[:, 0, peaked, 0]
    others = [head for head in range(heads) if head != peaked]
    evidence["first_effect"] = effects[:, 0, others, 0].mean(dim=1)
    null["첫 층의 다른 헤드"] = {
        "peaked_share": top[:, others].mean(dim=1),
        "peaked_effect": evidence["first_effect"],
    }
    null["아무 층의 헤드"] = {"peaked_effect": evidence["effect_mean"]}

    figure, axis = plt.subplots()
    mean_effect, mean_far = of_class.mean(dim=0), far.mean(dim=0)
    ends = [0, depth // 3, 2 * depth // 3, depth]
    for a, b, style, colour in zip(ends, ends[1:], "o^s", (BLUE, GREEN, ORANGE)):
        part, name = slice(a * heads, b * heads), f"{a + 1}~{b}층"
        axis.plot(
            mean_far[part], mean_effect[part], style, color=colour, label=name
        )
    axis.set(
        xlabel="어텐션 거리 (px)",
        title="헤드 하나를 끌 때 클래스 토큰의 상대 오차",
        yscale="log",
    )
    ticks = 0.03, 0.1, 0.3
    axis.set_yticks(ticks, [f"{tick:.0%}" for tick in ticks])
    axis.minorticks_off()
    axis.legend(ncols=3, loc="upper center", columnspacing=0.8, handletextpad=0.3)
    axis.set_ylim(0.025, 0.9)
    alt = (
        f"헤드 {depth * heads}개를 하나씩 끄면 클래스 토큰이 {mean_effect.min():.0%}에서 {mean_effect.max():.0%}까지 달라져요. "
        f"거리와의 순위 상관은 {evidence['far_class'].mean():.2f}, 층과의 순위 상관은 "
        f"{evidence['depth_class'].mean():.2f}예요."
    )
    show(figure, "heads", alt)
    where = mean_effect.argsort()
    rows = [
        [
            f"{i // heads + 1}층 {i % heads + 1}번",
            f"{mean_far[i]:.0f}",
            f"{mean_effect[i]:.0%}",
            f"{of_patches[:, i].mean():.0%}",
        ]
        for i in [*where[:3].tolist(), *where[-3:].tolist()]
    ]
    table(
        "extremes",
        f"끌 때 가장 적게 달라지는 헤드 셋과 가장 많이 달라지는 헤드 셋 (사진 {len(ranking)}장)",
        ["헤드", "거리(px)", "클래스 토큰", "패치 토큰"],
        rows,
    )

# %%
if __name__ == "__main__":
    start = model.embed(held_out).detach()
    whole = torch.stack([tokens for tokens, _ in traced[1::2]])
    generator = torch.Generator().manual_seed(0)
    draws = [torch.randperm(depth * heads, generator=generator) for _ in range(2)]
    orders = {
        "least": ("영향이 작은 것부터", [where]),
        "random": ("아무것이나 (두 번의 평균)", draws),
    }
    counts = 6, 24
    figure, axis = plt.subplots()
    for (key, (name, tries)), style, colour in zip(
        orders.items(), ("o-", "s--"), (BLUE, INK)
    ):
        for count in counts:
            found = [
                errors(ablate(model, start, by_layer(order[:count], heads)), whole)
                for order in tries
            ]
            evidence[f"off_{key}_{count}"] = torch.stack(found).mean(dim=0)[:, 0]
        curve = [0, *(evidence[f"off_{key}_{count}"].mean() for count in counts)]
        axis.plot([0, *counts], curve, style, color=colour, label=name)
    start = mixed.embed(held_out).detach()
    whole = torch.stack([tokens for tokens, _ in mixed_traced[1::2]])
    found = [
        errors(ablate(mixed, start, by_layer(order[:24], heads)), whole)
        for order in draws
    ]
    evidence["off_random_24_mixed"] = torch.stack(found).mean(dim=0)[:, 0]
    null["가중치를 뒤섞은 모델"]["off_random_24"] = evidence["off_random_24_mixed"]
    null["바꾸지 않은 모델"]["off_least_24"] = torch.zeros(len(held_out))
    axis.set(
        xlabel=f"끈 헤드의 수 ({depth * heads}개 가운데)",
        title="클래스 토큰의 상대 오차 (고를 때 쓰지 않은 사진)",
        xticks=[0, *counts],
        ylim=(0, 1.3),
    )
    axis.yaxis.set_major_formatter("{x:.0%}")
    axis.legend(loc="upper left")
    alt = "헤드를 여섯 개 끄면 클래스 토큰은 " + ", ".join(
        f"{name} {evidence[f'off_{key}_6'].mean():.0%}"
        for key, (name, _) in orders.items()
    )
    show(figure, "off", f"{alt} 달라져요.")

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.03 for name, value in evidence.items() if torch.is_tensor(value)
    }
    # products in bf16 are added up in another order on another processor
    tolerance |= {f"{what}_tanh": 5e-4 for what in MEASURES}
    tolerance |= {f"{what}_bf16": 1e-3 for what in MEASURES}
    evidence
