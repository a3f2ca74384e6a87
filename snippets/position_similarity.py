# %% [markdown]
# # 학습한 위치 임베딩은 언제 이웃끼리 닮을까요?
#
# ViT 논문의 Fig. 7을 보면 학습한 위치 임베딩(position embedding)이 가까운 자리끼리 닮아 있어요. 처음에는 무작위 벡터였으니 데이터에서 배운 거예요.
# **무엇을 가려 두고 맞히게 하느냐**에 따라 정말 달라지는지, 성질을 아는 그림 세 가지로 확인해요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.figure import plt, show, table
from torch import nn
from vit import VisionTransformer

torch.set_num_threads(1)
G, DIM, SEEDS = 5, 32, range(5)  # 5 x 5 places
HIDDEN, STEPS, BATCH, LR = 0.3, 300, 32, 0.01  # share of the places to be filled in
PLACE = torch.cartesian_prod(
    torch.arange(G), torch.arange(G)
).float()  # (N, 2): row and column
DISTANCE = torch.cdist(PLACE, PLACE)  # (N, N)


# %% [markdown]
# ## 그림 세 가지: 가까운 곳이 답인 그림, 먼 곳이 답인 그림, 답이 없는 그림
#
# - **매끈한 그림**: 가까운 자리끼리 값이 비슷해요. 가려진 값은 이웃을 보면 맞힐 수 있어요.
# - **점대칭 그림**: 한가운데를 두고 마주 보는 자리와 값이 같고, 이웃과는 아무 상관이 없어요. 먼 곳을 봐야 해요.
# - **잡음**: 어느 자리와도 상관이 없어서 맞힐 길이 없어요. 비교 기준이에요.


# %%
def draw(kind, n, generator):
    """n random images (n, 1, G, G), every value of mean 0 and variance 1."""
    x = torch.randn(n, G * G, generator=generator)
    if kind == "smooth":
        covariance = torch.exp(-(DISTANCE**2) / (2 * 2**2)) + 1e-4 * torch.eye(
            G * G
        )  # of length 2 places
        x = x @ torch.linalg.cholesky(covariance).T
    elif kind == "mirror":
        i = torch.arange(G * G)
        x = x[
            :, torch.minimum(i, i.flip(0))
        ]  # place i faces place N - 1 - i, and has its value
    return x.reshape(n, 1, G, G)


NAMES = {"smooth": "매끈한 그림", "mirror": "점대칭 그림", "noise": "잡음"}


# %% [markdown]
# ## 모델: 가린 자리를 채우는 한 층짜리 ViT
#
# 가린 자리에는 마스크 토큰(mask token)을 놓고, 학습형 위치 임베딩을 더해 블록 하나를 통과시켜요. 자리마다 값 하나를 내놓아요.


# %%
class Inpainter(VisionTransformer):
    """Fill in hidden places: images (B, 1, G, G), hidden (B, N) bool -> values (B,
    N), maps (B, h, N, N) or None."""

    def __init__(self):
        super().__init__(
            img_size=G,
            patch_size=1,
            in_chans=1,
            num_classes=1,
            embed_dim=DIM,
            depth=1,
            num_heads=4,
            mlp_ratio=2,
        )
        self.mask_token = nn.Parameter(torch.zeros(DIM))
        for module in (
            self.blocks.modules()
        ):  # std 0.02 suits wide models; one of 32 dimensions would hardly start
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
        nn.init.normal_(self.pos_embed, std=0.2)

    def forward(self, x, hidden, return_attn=False):
        z = torch.where(
            hidden[..., None], self.mask_token, self.patch_embed(x)
        )  # (B, N, D)
        z, attn = self.blocks[0](
            z + self.pos_embed[:, 1:], return_attn
        )  # there is no class token
        return self.head(self.norm(z))[..., 0], attn


def untrained(seed):
    """An Inpainter as it starts."""
    torch.manual_seed(seed)
    return Inpainter()


def train(kind, seed):
    """An Inpainter trained on images of that kind."""
    model, generator = untrained(seed), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LR, weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, total_steps=STEPS, pct_start=0.2
    )
    for _ in range(STEPS):
        x, hidden = (
            draw(kind, BATCH, generator),
            torch.rand(BATCH, G * G, generator=generator) < HIDDEN,
        )
        loss = F.mse_loss(model(x, hidden)[0][hidden], x.flatten(1)[hidden])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


# %% [markdown]
# ## 재는 것 세 가지
#
# - **채우기 오차**: 가린 값의 평균제곱오차예요. 1이면 아무것도 못 맞힌 거예요.
# - **유사도와 거리의 상관**: 두 자리의 위치 벡터가 얼마나 닮았는지(코사인 유사도)와 두 자리의 거리 사이의 상관계수예요. 이웃끼리 닮았다면 음수예요.
# - **어텐션**: 가린 자리가 어디를 보는지예요. 평균 거리와, 마주 보는 자리에 준 몫을 재요.


# %%
def similarity(pos_embed):
    """Cosine similarity between the vectors of all places: (N, D) -> (N, N)."""
    unit = F.normalize(pos_embed, dim=-1)
    return unit @ unit.T


def distance_correlation(pos_embed):
    """Correlation of cosine similarity with distance on the square grid, over all
    pairs of places: (N, D) -> float."""
    side = int(len(pos_embed) ** 0.5)
    place = torch.cartesian_prod(torch.arange(side), torch.arange(side)).float()
    i, j = torch.triu_indices(
        len(place), len(place), offset=1
    )  # each pair once, none with itself
    pairs = torch.stack(
        [similarity(pos_embed)[i, j], torch.cdist(place, place)[i, j]]
    )
    return torch.corrcoef(pairs)[0, 1].item()


@torch.no_grad()
def measure(model, kind, n=500):
    """Error on new images (over all that is hidden, and of guessing the mean of
    what is seen), attention (N, N)."""
    generator = torch.Generator().manual_seed(1000)
    x, hidden = (
        draw(kind, n, generator),
        torch.rand(n, G * G, generator=generator) < HIDDEN,
    )
    values, attn = model(x, hidden, return_attn=True)
    x, seen = x.flatten(1), (~hidden).float()
    mean = ((x * seen).sum(1, keepdim=True) / seen.sum(1, keepdim=True)).expand_as(
        x
    )
    query = hidden[
        ..., None
    ].float()  # of a hidden place as the query, averaged over heads and images
    attn = (attn.mean(1) * query).sum(0) / query.sum(0)
    return (
        F.mse_loss(values[hidden], x[hidden]).item(),
        F.mse_loss(mean[hidden], x[hidden]).item(),
        attn,
    )


def scores(model, kind):
    """What the text above lists, and the maps behind it: dict of floats, (2, N,
    N)."""
    pos_embed, everyone = model.pos_embed[0, 1:].detach(), torch.arange(G * G)
    mse, _, attn = measure(model, kind)
    found = {
        "mse": mse,
        "corr": distance_correlation(pos_embed),
        "attention_distance": (attn * DISTANCE).sum(1).mean().item(),
        "facing": attn[everyone, everyone.flip(0)].mean().item(),
    }
    return found, torch.stack([similarity(pos_embed), attn])


# %%
if __name__ == "__main__":
    maps, rows, nothing = {}, [], {}
    evidence, null = {}, {"배우지 않은 모델": nothing}
    for kind, name in NAMES.items():
        runs, maps[kind] = zip(*[scores(train(kind, seed), kind) for seed in SEEDS])
        before = [scores(untrained(seed).eval(), kind)[0] for seed in SEEDS]
        for what in runs[0]:  # one value a seed
            evidence[f"{what}_{kind}"] = [run[what] for run in runs]
            nothing[f"{what}_{kind}"] = [run[what] for run in before]
        found = torch.tensor([list(run.values()) for run in runs])  # (seeds, 4)
        (mse, corr, distance, facing), std = found.mean(0).tolist(), found.std(0)
        spread = [f"{mse:.2f}±{std[0]:.2f}", f"{corr:.2f}±{std[1]:.2f}"]
        rows.append([name, *spread, f"{distance:.1f}칸", f"{facing:.0%}"])
    evidence["corr_before"] = [
        run["corr"] for run in before
    ]  # the same start for every kind
    table(
        "fields",
        f"시드 {len(SEEDS)}개의 평균과 표준편차",
        [
            "그림",
            "채우기 오차",
            "유사도·거리 상관",
            "어텐션 거리",
            "마주 보는 자리",
        ],
        rows,
    )
    evidence["attention_distance_uniform"] = uniform = DISTANCE.mean().item()
    evidence["facing_uniform"] = 1 / G**2
    evidence["mse_smooth_by_mean"] = by_mean = measure(untrained(0), "smooth")[1]
    # what nobody can know: the facing place hidden too, and the middle one
    evidence["mse_mirror_floor"] = floor = HIDDEN * (1 - 1 / G**2) + 1 / G**2
    strongest = max(map(abs, evidence["corr_before"]))
    print(f"배우기 전에는 유사도와 거리의 상관이 커야 {strongest:.2f}")
    print(
        f"고르게 보면 어텐션 거리 {uniform:.1f}칸, 마주 보는 자리의 몫 {1 / G**2:.0%}"
    )
    print(f"매끈한 그림에서 보이는 값의 평균으로 찍은 오차 {by_mean:.2f}")
    print(f"점대칭 그림에서 가능한 최소 오차 {floor:.2f}")

# %% [markdown]
# 아래 그림에서 윗줄은 × 자리의 위치 벡터가 다른 자리와 얼마나 닮았는지예요. 파랄수록 닮았고 붉을수록 반대예요.
# 아랫줄은 × 자리를 가렸을 때 어디를 보는지예요. 둘 다 시드 다섯의 평균이에요.

# %%
if __name__ == "__main__":
    row, column = 1, 1
    figure, axes = plt.subplots(2, 3, figsize=(4.5, 3.2))
    for axis, (kind, name) in zip(axes.T, NAMES.items()):
        shown = (
            torch.stack(maps[kind])
            .mean(0)[:, row * G + column]
            .unflatten(1, (G, G))
        )  # (2, G, G)
        for ax, values, colours, limits in zip(
            axis, shown, ("RdBu", "Oranges"), ((-0.8, 0.8), (0, 0.4))
        ):
            ax.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1])
            ax.plot(
                column,
                row,
                "X",
                color="black",
                markeredgecolor="white",
                markersize=9,
            )
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            ax.grid(False)
        axis[0].set_title(name)
    axes[0, 0].set_ylabel("위치의 유사도")
    axes[1, 0].set_ylabel("어텐션")
    names = ("corr_smooth", "facing_mirror")
    smooth, mirror = (statistics.mean(evidence[name]) for name in names)
    alt = (
        f"유사도와 거리의 상관은 매끈한 그림에서만 {smooth:.2f}로 뚜렷해요. 어텐션은 매끈한 그림에서 "
        f"이웃에, 점대칭 그림에서는 마주 보는 먼 자리에 {mirror:.0%}가 몰리고 잡음에서는 고르게 퍼져요."
    )
    show(figure, "maps", alt)


# %%
if __name__ == "__main__":
    settled = (
        "attention_distance_uniform",
        "facing_uniform",
        "mse_smooth_by_mean",
        "mse_mirror_floor",
    )
    tolerance = {
        name: 0.3 if "distance" in name else 0.1
        for name in evidence
        if name not in settled
    }
    evidence
