# %% [markdown]
# # N²을 줄이는 네 가지 방법과 내주는 것
#
# 모든 쌍을 견주지 않으면 쌍 계산을 줄일 수 있어요. 네 가지를 짧게 짜서, 연산이 얼마나 느는지와 **무엇을 못 하게 되는지**를 함께 재요.
#
# | 방법 | 쿼리 하나가 보는 것 |
# |---|---|
# | 윈도 | 이웃한 패치 8 × 8 = 64개 |
# | 띄엄띄엄 | 이미지 전체에 고르게 흩어진 패치 64개 |
# | 묶기 | 패치를 2 × 2씩 평균 낸 키와 값 |
# | 선형 | 모든 패치. 단, softmax 대신 곱으로 풀리는 식 |
#
# 클래스 토큰은 빼고 패치끼리의 어텐션만 봐요. 클래스 토큰 하나가 모두를 보는 데는 어차피 N만큼만 들어요.

# %%
import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, PINK, plt, show, table
from lib.measure import relative_error
from lib.photos import photos
from lib.scramble import scrambled
from real_vit import load_real, normalise
from torch.utils.flop_counter import FlopCounterMode

torch.set_num_threads(1)
PATCH = 14  # pixels; 224 px are 16 x 16 patches


# %%
def full(q, k, v):
    """Every query looks at every key: (h, N, d) x 3 -> (h, N, d)."""
    return (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(dim=-1) @ v


def grouped(q, k, v, spread=False):
    """Each query looks at 64 patches of the square grid, (h, N, d) x 3 -> (h, N, d):
    those of its own 8 x 8 window, or 8 x 8 spread evenly over all of the grid."""
    h, N, d = q.shape
    G = int(N**0.5)
    # a side of G patches as (which window, where in it), or the other way round
    sides = (8, G // 8, 8, G // 8) if spread else (G // 8, 8, G // 8, 8)
    order = (0, 2, 4, 1, 3, 5) if spread else (0, 1, 3, 2, 4, 5)
    back = (0, 3, 1, 4, 2, 5) if spread else (0, 1, 3, 2, 4, 5)
    split = [
        x.reshape(h, *sides, d).permute(order).reshape(-1, 64, d) for x in (q, k, v)
    ]  # (h N / 64, 64, d) each
    z = full(*split).reshape(h, G // 8, G // 8, 8, 8, d)
    return z.permute(back).reshape(h, N, d)


def merged(q, k, v):
    """Keys and values are means of 2 x 2 patches: (h, N, d) x 3 -> (h, N, d)."""
    G = int(k.shape[1] ** 0.5)
    k, v = (
        F.avg_pool2d(x.unflatten(1, (G, G)).movedim(-1, 1), 2).flatten(2).mT
        for x in (k, v)
    )  # (h, N / 4, d) each
    return full(q, k, v)


def linear(q, k, v):
    """phi(q) (phi(k)^T v) over phi(q) sum phi(k), phi = elu + 1 (2006.16236):
    (h, N, d) x 3 -> (h, N, d)."""
    q, k = F.elu(q) + 1, F.elu(k) + 1
    sums = q @ k.sum(dim=1, keepdim=True).transpose(-2, -1)  # (h, N, 1)
    return q @ (k.transpose(-2, -1) @ v) / sums  # no N x N anywhere


def even(q, k, v):
    """No attention at all: everybody gets the mean of all values."""
    return v.mean(dim=1, keepdim=True).expand_as(v)


KINDS = {
    "full": ("모두", full),
    "window": ("윈도", grouped),
    "spread": ("띄엄띄엄", lambda q, k, v: grouped(q, k, v, spread=True)),
    "merged": ("묶기", merged),
    "linear": ("선형", linear),
    "even": ("그냥 평균", even),
}

# %% [markdown]
# ## 연산은 얼마나 느나요?
#
# 이미지의 한 변을 두 배로 키우면 패치가 네 배예요. 연산도 네 배면 N에 비례하는 것이고, 열여섯 배면 N²이에요. 행렬곱의 연산을 하나씩 세요.


# %%
def flops(attention, pixels, heads=6, d=64):
    """FLOPs of the matrix products of one layer's attention among the patches of an
    image: int."""
    N = (pixels // PATCH) ** 2
    q, k, v = torch.empty(3, heads, N, d, device="meta")  # shapes alone
    with FlopCounterMode(display=False) as counter:
        attention(q, k, v)
    return counter.get_total_flops()


# %% [markdown]
# ## 한 층에서 몇 패치에 닿나요?
#
# 한 자리의 출력을 값 벡터들로 미분해서, 0이 아닌 패치를 세요. 선형 어텐션은 모두에 닿는 대신 다른 것을 내줘요. 헤드의 맵이
# $\phi(Q)\phi(K)^\top$을 줄마다 나눈 것이라, 랭크가 헤드의 차원을 넘지 못해요. 맵은 값 자리에 단위행렬을 넣으면 나와요.


# %%
def reached(attention, N=256, d=64):
    """How many patches the first patch's output depends on by their values: int."""
    q, k, v = torch.randn(3, 1, N, d).requires_grad_().unbind(0)
    (gradient,) = torch.autograd.grad(attention(q, k, v)[0, 0].sum(), v)
    return int((gradient[0] != 0).any(dim=1).sum())


def rank_of_map(attention, N=256, d=64):
    """Rank of the map that an attention makes of random queries and keys whose
    scores are far apart: int."""
    q, k = 3 * torch.randn(2, 1, N, d, dtype=torch.float64)
    return int(
        torch.linalg.matrix_rank(attention(q, k, torch.eye(N).double()[None]))
    )


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    torch.manual_seed(0)
    rows = []
    for key, (name, attention) in KINDS.items():
        if key == "even":
            continue
        small, large = flops(attention, 448), flops(attention, 896)
        share = large / flops(full, 896)
        evidence[f"growth_{key}"] = large / small
        evidence[f"share_{key}"] = share
        evidence[f"reach_{key}"] = reached(attention)
        cells = f"{large / small:.0f}배", f"{share:.1%}", evidence[f"reach_{key}"]
        rows.append([name, *cells])
    evidence["rank_full"], evidence["rank_linear"] = map(
        rank_of_map, (full, linear)
    )
    table(
        "costs",
        "한 변이 두 배일 때 느는 연산, 896 px에서 모두 볼 때의 몇 %인지, 한 층에서 닿는 패치(256개 가운데)",
        ["방법", "느는 배수", "연산", "닿는 패치"],
        rows,
    )
    ranks = f"모두 {evidence['rank_full']}, 선형 {evidence['rank_linear']}"
    print(f"패치 256개의 맵의 랭크: {ranks}")

# %% [markdown]
# ## 배운 어텐션에서는 무엇을 잃나요?
#
# 공개된 ViT-S/14에 사진을 넣고, 층마다 쿼리·키·값을 그대로 가져와 어텐션만 바꿔 계산해요. 원래 출력과의 상대 오차를 층 열두 개에서 평균 내요.
# 다시 학습하지 않으니 **배운 맵이 무엇을 필요로 하는지**를 재는 것이지, 그 방법으로 처음부터 학습한 모델이 얼마나 못한지는 아니에요.
#
# 견줄 것은 **그냥 평균**이에요. 아무것도 견주지 않고 모든 값을 평균 낸 것보다 나쁘다면, 배운 맵을 흉내 냈다고 할 수 없어요.
# 가중치를 뒤섞은 모델에서도 재요. 배우지 않은 어텐션이라면 그냥 평균이 훨씬 가까워요.


# %%
@torch.inference_mode()
def layer_errors(model, x, kinds):
    """Relative error of each attention's output among the patches, layer by layer:
    images (B, 3, S, S) -> {kind: (depth, B)}."""
    found = {kind: torch.zeros(len(model.blocks), len(x)) for kind in kinds}
    x = model.embed(x)
    for layer, block in enumerate(model.blocks):
        qkv = block.attn.qkv(block.norm1(x))[:, 1:]  # the patches': (B, N, 3 D)
        parts = qkv.unflatten(-1, (3, block.attn.num_heads, -1))
        for i, one in enumerate(parts.permute(0, 2, 3, 1, 4)):  # (3, h, N, d)
            right = full(*one)
            for kind in kinds:
                z = KINDS[kind][1](*one)
                found[kind][layer, i] = relative_error(z, right)
        x, _ = block(x)
    return found


# %%
if __name__ == "__main__":
    model = load_real()
    x = normalise(photos(224)[0], model.pretrained_cfg)  # (12, 3, 224, 224)
    kinds = [kind for kind in KINDS if kind != "full"]
    learned = layer_errors(model, x, kinds)
    mixed = layer_errors(scrambled(model), x, kinds)
    evidence["photos"] = len(x)
    null["가중치를 뒤섞은 모델"] = {}
    for kind in kinds:  # one number a photograph: the mean over layers
        evidence[f"error_{kind}"] = learned[kind].mean(dim=0)
        null["가중치를 뒤섞은 모델"][f"error_{kind}"] = mixed[kind].mean(dim=0)
    table(
        "errors",
        f"원래 어텐션의 출력과의 상대 오차 (층 12개와 사진 {len(x)}장의 평균)",
        ["방법", "배운 모델", "뒤섞은 모델"],
        [
            [
                KINDS[kind][0],
                f"{learned[kind].mean():.2f}",
                f"{mixed[kind].mean():.2f}",
            ]
            for kind in kinds
        ],
    )

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(4.5, 3.4))
    for kind, (color, marker) in zip(
        kinds,
        ((BLUE, "o"), (GREEN, "s"), (PINK, "^"), (ORANGE, "D"), (INK, "")),
    ):
        axis.plot(
            range(1, len(model.blocks) + 1),
            learned[kind].mean(dim=1),
            marker=marker,
            color=color,
            linestyle="-" if marker else "--",
            label=KINDS[kind][0],
        )
    axis.set(
        xlabel="층", title="출력의 상대 오차", xticks=range(1, 13), ylim=(0, None)
    )
    figure.legend(loc="outside lower center", ncols=3)
    parts = ", ".join(f"{KINDS[k][0]} {learned[k].mean():.2f}" for k in kinds)
    alt = f"배운 모델에서 어텐션만 바꾸면 출력이 층 평균 {parts}만큼 달라져요."
    show(figure, "errors_by_layer", alt)

# %%
if __name__ == "__main__":
    tolerance = {f"error_{kind}": 0.01 for kind in kinds}
    evidence
