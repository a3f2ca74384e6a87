# %% [markdown]
# # 토큰을 섞는 것은 누구일까요?
#
# 토큰 j를 아주 조금 흔들었을 때 토큰 i의 출력이 얼마나 움직이는지 재면 돼요. 야코비안(Jacobian) $\partial z_i / \partial x_j$예요.
# 이 행렬이 0이면 i는 j를 모르고, 0이 아니면 섞인 거예요. 눈대중이 아니라 **층 전체를 미분해서** 확인해요.

# %%
import copy
from statistics import mean

import scenes
import torch
from lib.figure import show, table
from matplotlib import pyplot as plt
from torch import nn
from torch.func import jacrev
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from train_vit import PATCH, SIZE, build, load_trained
from vit import Block


def token_jacobian(f, x):
    """f maps (N, D) -> (N, D): blocks dz_i/dx_j, (N, N, D, D)."""
    return jacrev(f)(x).transpose(1, 2)  # (N, D, N, D) -> (N, N, D, D)


def strength(f, x):
    """How strongly token i's output depends on token j's input: (N, N), the norm of
    each block of the Jacobian."""
    return token_jacobian(f, x).norm(dim=(2, 3))


# %% [markdown]
# ## 블록을 부품별로 미분해요
#
# 블록은 `vit.py`에서 그대로 가져왔어요. 막 초기화한 가중치이고, 시드를 바꿔 다섯 벌을 재요.
# 대조군은 폭이 3인 1차원 합성곱이에요. 합성곱도 이웃을 보지만 **가까운 이웃만** 봐요.


# %%
def layers(dim):
    """A block and its parts, each (N, D) -> (N, D), by name."""
    block = Block(dim, num_heads=4)
    without_attention = copy.deepcopy(block)
    nn.init.zeros_(
        without_attention.attn.proj.weight
    )  # attention adds only a bias now
    conv = nn.Conv1d(dim, dim, kernel_size=3, padding=1)
    return {
        "attention": lambda x: block.attn(x[None], return_attn=True)[0][0],
        "ffn": block.mlp,
        "layer_norm": block.norm1,
        "block": lambda x: block(x[None], return_attn=True)[0][0],
        "block_without_attention": lambda x: without_attention(
            x[None], return_attn=True
        )[0][0],
        "conv": lambda x: conv(x.T).T,  # Conv1d wants (D, N)
    }


LABELS = {
    "attention": "어텐션",
    "ffn": "FFN",
    "layer_norm": "LayerNorm",
    "block": "블록 전체",
    "block_without_attention": "어텐션을 뺀 블록",
    "conv": "합성곱 (폭 3)",
}

# %%
if __name__ == "__main__":
    evidence = {}
    torch.set_num_threads(1)
    N, D = 8, 32
    others = ~torch.eye(N, dtype=torch.bool)
    maps = {name: [] for name in LABELS}
    for seed in range(5):
        torch.manual_seed(seed)
        x = torch.randn(N, D)
        for name, f in layers(D).items():
            maps[name].append(strength(f, x).detach())
    evidence["tokens"], evidence["output_tokens"] = N, len(maps["attention"][0])
    rows = []
    for name, label in LABELS.items():
        found = torch.stack(maps[name])  # (seeds, N, N)
        smallest, largest = (
            found[:, others].min().item(),
            found[:, others].max().item(),
        )
        reach = (found > 0).sum(dim=2).float().mean().item()
        evidence[f"{name}_others_min"], evidence[f"{name}_others_max"] = (
            smallest,
            largest,
        )
        evidence[f"{name}_reach"] = reach
        rows.append([label, f"{smallest:.2g}", f"{largest:.2g}", f"{reach:.1f}"])
    table(
        "mixing",
        f"다른 토큰에서 오는 몫 ‖∂z_i/∂x_j‖(i ≠ j)와, 토큰 {N}개 가운데 보는 수 (시드 다섯)",
        ["부품", "최소", "최대", "보는 토큰"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(1, 3, figsize=(4.5, 2.6), sharey=True)
    for axis, name in zip(axes, ("attention", "ffn", "block")):
        found = maps[name][0] / maps[name][0].max()
        image = axis.imshow(
            found.where(found > 0, torch.nan), vmin=0, vmax=1, cmap="viridis"
        )  # 0 stays empty
        axis.set(
            title=LABELS[name],
            xlabel="흔든 j",
            xticks=range(0, N, 2),
            yticks=range(0, N, 2),
        )
        axis.grid(False)
    axes[0].set_ylabel("움직인 i")
    figure.colorbar(
        image,
        ax=axes,
        location="bottom",
        aspect=40,
        label="움직인 정도 (빈칸은 0)",
    )
    alt = (
        f"어텐션은 모든 칸이 0보다 커서 어느 토큰이든 다른 토큰 {N - 1}개를 다 보지만, FFN은 대각선만 남고 나머지가 "
        f"{evidence['ffn_others_max']:.0f}이에요. 블록 전체에는 어텐션이 섞은 몫이 남아요."
    )
    show(figure, "jacobian", alt)

# %% [markdown]
# ## 합성곱도 이웃을 보는데, 무엇이 다를까요?
#
# 나눠서 물어야 해요. **입력 전체가 같을 때** 출력이 변하는지, **내 토큰은 같고 이웃만 다를 때** 변하는지, 그리고 **섞는 방법 자체가** 입력에 따라 변하는지예요.
# 셋째가 핵심이에요. 합성곱 $z_i = \sum_j W_{i-j}\,x_j$에서 $x_j$에 곱하는 것은 입력과 상관없는 $W$이고,
# 어텐션 $z_i = \sum_j a_{ij}(x)\,W^O W^V x_j$에서는 비율 $a_{ij}$를 입력이 정해요.
# 그래서 두 입력에서 야코비안을 견주고, 어텐션은 **어텐션 맵** $a(x)$와 $a(y)$도 바로 견줘요.


# %%
def change(first, second):
    """Norm of the difference over the norm of the first."""
    return ((second - first).norm() / first.norm()).item()


def moved(first, second):
    """Share of a row that goes to other tokens from one attention map to another
    (total variation), mean of all rows: (..., N, N) twice -> float in 0 to 1."""
    return (first - second).abs().sum(dim=-1).mean().item() / 2


def what_changes(f, x, y, token=3):
    """How much differs between two inputs x, y (N, D) that differ in every token.

    Returns the relative change of the output if the input is repeated, of one
    token's output if all its neighbours are new, and of the Jacobian."""
    neighbours = y.clone()
    neighbours[token] = x[token]
    return (
        change(f(x), f(x.clone())),
        change(f(x)[token], f(neighbours)[token]),
        change(token_jacobian(f, x), token_jacobian(f, y)),
    )


def with_query_scaled(attn, factor):
    """A copy of an attention layer whose queries are factor times as large."""
    attn = copy.deepcopy(attn)
    dim = attn.proj.in_features
    with torch.no_grad():
        attn.qkv.weight[:dim] *= factor
        attn.qkv.bias[:dim] *= factor
    return attn


def attend(attn):
    """The layer's output as a function (N, D) -> (N, D)."""
    return lambda x: attn(x[None], return_attn=True)[0][0]


@torch.no_grad()
def attention_map(attn, x):
    """The maps of a layer on tokens x (N, D): (heads, N, N)."""
    return attn(x[None], return_attn=True)[1][0]


def mixers(attn, N):
    """Layers to compare with an attention layer, and itself, each (N, D) -> (N, D),
    by name."""
    dim = attn.proj.in_features
    mlp = Block(dim, num_heads=4).mlp
    conv, across = nn.Conv1d(dim, dim, kernel_size=3, padding=1), nn.Linear(N, N)
    return {
        "ffn": mlp,
        "conv": lambda x: conv(x.T).T,
        "conv_gelu": lambda x: F.gelu(conv(x.T).T),
        "across": lambda x: (
            across(x.T).T
        ),  # a layer of an MLP over the places: one weight for each pair
        "attention": attend(attn),
        "no_query": attend(with_query_scaled(attn, 0)),
    }


MIXERS = {
    "ffn": "FFN",
    "conv": "합성곱",
    "conv_gelu": "합성곱, GELU",
    "across": "자리 Linear",
    "attention": "어텐션",
    "no_query": "쿼리 0배",
}

# %%
if __name__ == "__main__":
    changes = {name: [] for name in MIXERS}
    evidence |= {f"moved_{factor}": [] for factor in (0, 1, 4)}
    for seed in range(5):
        torch.manual_seed(seed)
        x, y = torch.randn(2, N, D)
        attn = Block(D, num_heads=4).attn
        for name, f in mixers(attn, N).items():
            changes[name].append(what_changes(f, x, y))
        for factor in (0, 1, 4):
            scaled = with_query_scaled(attn, factor)
            maps = attention_map(scaled, x), attention_map(scaled, y)
            evidence[f"moved_{factor}"].append(moved(*maps))
    rows = []
    for name, label in MIXERS.items():
        same_input, output, jacobian = zip(*changes[name])
        evidence[f"{name}_same_input"] = max(same_input)
        evidence[f"{name}_other_neighbours"] = output
        evidence[f"{name}_jacobian"] = jacobian
        shown = (
            f"{mean(values):.2f}" if any(values) else "0"
            for values in (output, jacobian)
        )
        rows.append([label, *shown])
    same_input = max(evidence[f"{name}_same_input"] for name in MIXERS)
    print(f"입력 전체가 같을 때 출력이 변한 정도는 모든 층에서 {same_input:.0f}")
    caption = "변한 정도 (시드 다섯의 평균): 이웃만 바꿀 때의 출력, 두 입력 사이의 야코비안"
    table("what_changes", caption, ["층", "출력", "야코비안"], rows)
    for factor, label in ((0, "0배"), (1, "그대로"), (4, "4배")):
        print(
            f"쿼리 {label}: 맵에서 옮겨 간 몫 {mean(evidence[f'moved_{factor}']):.1%}"
        )

# %% [markdown]
# 막 초기화한 층은 점수가 작아서 맵이 거의 평평해요. 그래서 **학습한** 작은 ViT에 서로 다른 두 장면을 넣고도 견줘요. 장면 스무 쌍, 층과 헤드를 모두 평균해요.

# %%
if __name__ == "__main__":
    images = scenes.draw(40, SIZE, seed=7)[0]  # scenes that were not learnt from
    learnt = {"map_moved": load_trained(), "map_moved_untrained": build().eval()}
    for name, model in learnt.items():
        with torch.no_grad():
            attn = model(images, return_attn=True)[1]  # (40, depth, heads, 65, 65)
        evidence[name] = [moved(*pair) for pair in zip(attn[:20], attn[20:])]
        print(f"{name}: {mean(evidence[name]):.0%}")

# %%
if __name__ == "__main__":
    grid, query = SIZE // PATCH, (3, 4)  # the query's row and column
    with torch.no_grad():
        attn = load_trained()(images[[0, 20]], return_attn=True)[1]
        torch.manual_seed(0)
        kernel = nn.Conv2d(64, 64, kernel_size=3).weight.norm(dim=(0, 1))  # (3, 3)
    seen = attn[:, 2].mean(dim=1)[:, 1 + query[0] * grid + query[1], 1:]
    filters = torch.zeros(grid, grid)
    filters[query[0] - 1 : query[0] + 2, query[1] - 1 : query[1] + 2] = kernel
    figure, axes = plt.subplots(2, 3, figsize=(4.5, 3.3))
    for row, picture, shares, letter in zip(axes, images[[0, 20]], seen, "AB"):
        row[0].imshow(scenes.to_rgb(picture), extent=(-0.5, 7.5, 7.5, -0.5))
        row[1].imshow(filters, cmap="viridis")
        row[2].imshow(shares.view(grid, grid), cmap="viridis", vmin=0)
        row[0].set_ylabel(f"입력 {letter}")
        for axis in row:
            axis.plot(query[1], query[0], "s", ms=9, mfc="none", mec="white")
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
            axis.spines[:].set_visible(False)
    for axis, title in zip(axes[0], ("장면", "합성곱", "어텐션")):
        axis.set_title(title)
    alt = (
        "흰 네모가 있는 패치가 어느 패치를 얼마나 섞는지 두 장면에서 그렸어요. 합성곱의 3×3 필터는 두 장면에서 같고, "
        f"셋째 층의 어텐션은 달라요. 학습한 ViT 전체에서는 두 장면 사이에 맵의 {mean(evidence['map_moved']):.0%}가 옮겨 가요."
    )
    show(figure, "two_inputs", alt)

# %% [markdown]
# 표를 읽을 때 조심할 것이 있어요. GELU가 붙은 합성곱과 FFN도 **야코비안**은 변해요. 활성화가 성분마다 통과시키는 양을 바꾸니까요.
# 어텐션의 야코비안에도 값뿐 아니라 점수를 거치는 길이 함께 들어 있어요. 그래서 누구를 얼마나 섞는지는 야코비안이 아니라 맵으로 견줬어요.
# 쿼리를 0으로 만들면 누구나 1/N씩 섞어서, 맵이 입력을 따르지 않아요.
#
# ## 그 값으로 계산이 더 들어요
#
# 섞는 비율을 입력마다 새로 만들려면 모든 쌍을 견줘야 해요. 토큰을 두 배로 늘리면 그 몫은 네 배가 돼요.


# %%
def flops(f, N, D):
    """Multiply-adds x 2 of f on N tokens."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        f(torch.zeros(N, D))
    return counter.get_total_flops()


# %%
if __name__ == "__main__":
    D = 768  # ViT-B
    block, conv = Block(D, num_heads=12), nn.Conv1d(D, D, kernel_size=3, padding=1)
    attention_flops, projection_flops, conv_flops = {}, {}, {}
    for N in (197, 394):
        attention_flops[N] = flops(
            lambda x: block.attn(x[None], return_attn=True)[0], N, D
        )
        projection_flops[N] = flops(
            lambda x: block.attn.proj(block.attn.qkv(x)[:, :D]), N, D
        )
        conv_flops[N] = flops(lambda x: conv(x.T), N, D)
    pairs = [
        attention_flops[N] - projection_flops[N] for N in (197, 394)
    ]  # Q K^T and the map times V
    evidence["pair_growth"], evidence["conv_growth"] = (
        pairs[1] / pairs[0],
        conv_flops[394] / conv_flops[197],
    )
    evidence["attention_over_ffn"] = attention_flops[197] / flops(block.mlp, 197, D)
    growth = f"어텐션의 쌍 계산 {evidence['pair_growth']:.1f}배, 합성곱 {evidence['conv_growth']:.1f}배"
    print(f"토큰이 두 배가 되면: {growth}")
    print(
        f"ViT-B, 토큰 197개: 어텐션 전체의 연산량은 FFN의 {evidence['attention_over_ffn']:.2f}배"
    )

# %%
if __name__ == "__main__":
    tolerance = {}
    evidence
