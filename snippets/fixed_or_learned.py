# %% [markdown]
# # 위치 임베딩, 정해 둘까요 배울까요?
#
# 위치 임베딩(position embedding)을 **배우지 않고 정해 두기만** 한 모델들을 학습해요. 배우는 모델과 격자에 맞춘 사인파는
# `why_position.py`에서 같은 이미지, 같은 시드, 같은 학습률로 이미 학습했으니 그것과 시드마다 짝지어 견줘요.

# %%
import statistics

import torch
from lib.digits import load, small_vit, train
from lib.figure import GREEN, ORANGE, VIOLET, plt, show, table
from lib.measure import accuracy, relative_error
from lib.together import train_digits
from torch import nn
from vit import sincos_pos_embed
from why_position import IMAGES, STEPS, G, grid_sincos

torch.set_num_threads(1)
SEEDS = range(5)


# %% [markdown]
# ## 정해 두는 세 가지
#
# - **얼린 무작위**: 학습형과 똑같은 무작위 벡터로 시작해서 배우지만 않아요. 학습형과의 차이가 곧 **배워서 얻는 것**이에요.
# - **사인파(10,000)**: Transformer와 SimpleViT의 식 그대로예요. 긴 문장까지 담는 식이라 가장 느린 파장이 수만 칸이고, 네 칸짜리 격자에서는 많은 차원이
#   어느 자리에서나 거의 같아요.
# - **가까운 무작위**: 얼린 무작위 벡터를 줄여서 자리 사이의 평균 거리를 이 사인파와 **똑같이** 맞췄어요. 사인파가 뒤지는 까닭이 거리뿐이라면 이것도
#   똑같이 뒤져야 해요.


# %%
def distances(pos_embed):
    """Distances between the position vectors of any two patches: (1, 1 + N, D) ->
    (N (N - 1) / 2,)."""
    return torch.pdist(pos_embed[0, 1:].detach())


def build(kind, seed):
    """The model of digits.small_vit with the position embedding of that kind."""
    model = small_vit(seed)  # "learned"
    if kind != "learned":
        model.pos_embed.requires_grad_(False)
    slow = sincos_pos_embed(G, model.pos_embed.shape[-1])
    if kind == "sincos":
        model.pos_embed = nn.Parameter(slow, requires_grad=False)
    if kind == "near":
        model.pos_embed *= (
            distances(slow).mean() / distances(model.pos_embed).mean()
        )
    return model


NAMES = {
    "frozen": "얼린 무작위",
    "near": "가까운 무작위",
    "sincos": "사인파(10,000)",
}
# vectors that lie so near each other take twice as long until the model fits
BUDGET = {"frozen": STEPS, "near": 2 * STEPS, "sincos": 2 * STEPS}


# %% [markdown]
# ## 자리끼리 얼마나 다른가요?

# %%
if __name__ == "__main__":
    evidence, null = {}, {"배우지 않은 모델": {}}
    vectors = {
        "learned": build("learned", 0).pos_embed,
        "fit": grid_sincos(G, 32),
        **{kind: build(kind, 0).pos_embed for kind in NAMES},
    }
    korean = {"learned": "학습형의 처음", "fit": "격자에 맞춘 사인파", **NAMES}
    rows = []
    for kind, pos_embed in vectors.items():
        apart = distances(pos_embed)
        evidence[f"apart_{kind}"] = apart.mean().item()
        evidence[f"least_apart_{kind}"] = apart.min().item()
        rows.append([korean[kind], f"{apart.mean():.2f}", f"{apart.min():.2f}"])
    table(
        "kinds",
        "두 자리의 벡터 사이의 거리 (16자리)",
        ["방식", "평균", "가장 가까운 둘"],
        rows,
    )

# %% [markdown]
# ## 학습 이미지를 거의 다 맞힐 때까지 배우면
#
# 이미지 500장을 200단계 배워요. 자리끼리 가까운 두 가지는 그만큼으로 학습 이미지도 다 맞히지 못해서 두 배인 400단계를 배워요.

# %%
if __name__ == "__main__":
    splits = [load(seed) for seed in SEEDS]
    learn = [(images[:IMAGES], labels[:IMAGES]) for (images, labels), *_ in splits]
    tests = [test for *_, test in splits]
    for kind in NAMES:
        models = [build(kind, seed) for seed in SEEDS]
        untrained = [accuracy(model, *test) for model, test in zip(models, tests)]
        train_digits(models, learn, steps=BUDGET[kind])
        fitted = [accuracy(model, *seen) for model, seen in zip(models, learn)]
        scores = [accuracy(model, *test) for model, test in zip(models, tests)]
        evidence |= {f"acc_{kind}": scores, f"fitted_{kind}": fitted}  # one a seed
        null["배우지 않은 모델"][f"acc_{kind}"] = untrained
        if kind == "sincos":
            moved = (models[0].pos_embed - vectors[kind]).abs().max().item()
            evidence["moved_sincos"] = moved
    figure, axis = plt.subplots(figsize=(4.5, 2.2))
    for y, (kind, colour) in enumerate(zip(NAMES, (VIOLET, ORANGE, GREEN))):
        scores = evidence[f"acc_{kind}"]
        axis.plot(
            scores, [y] * len(scores), "o", color=colour, markersize=7, alpha=0.7
        )
        axis.plot([statistics.mean(scores)] * 2, [y - 0.3, y + 0.3], color=colour)
    axis.set(
        yticks=range(len(NAMES)),
        yticklabels=NAMES.values(),
        xlim=(0, 1),
        xlabel=f"시험 정확도 (점: 시드 {len(SEEDS)}개)",
    )
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    parts = [
        f"{name} {statistics.mean(evidence[f'acc_{kind}']):.2f}"
        for kind, name in NAMES.items()
    ]
    show(
        figure,
        "accuracy",
        f"배우지 않는 위치 벡터로 학습한 시험 정확도는 {', '.join(parts)}이에요. 평균 거리가 같은 두 가지도 정확도가 달라요.",
    )

# %% [markdown]
# ## 학습형은 무엇을 배우나요?
#
# 학습형은 자리마다 제 벡터가 있는 `nn.Parameter`예요. 토큰 17개에 32차원이니 수 544개가 다른 가중치처럼 기울기를 받아 움직여요. 열 걸음만 배워 봐요.

# %%
if __name__ == "__main__":
    for kind in ("learned", "sincos"):
        model = build(kind, 0)
        kept = model.pos_embed.detach().clone()
        evidence[f"trained_{kind}"] = (
            model.pos_embed.numel() * model.pos_embed.requires_grad
        )
        train(model, *load(0)[0], 0, steps=10)
        evidence[f"step_{kind}"] = (model.pos_embed - kept).abs().max().item()
        print(
            f"{kind}: 학습하는 수 {evidence[f'trained_{kind}']}, "
            f"열 걸음의 최대 변화 {evidence[f'step_{kind}']:.4f}"
        )

# %% [markdown]
# ## 번호를 매기면 안 되나요?
#
# 번호 $i$에 벡터 하나를 곱해 더하면 열일곱 자리가 모두 **한 직선** 위에 놓여요. 자리의 표(17×32 행렬)의 랭크(rank)가 1이에요. 학습형의 표는 17이에요.
# 번호를 **모든** 차원에 그대로 더하면 아예 사라져요. 블록과 헤드는 토큰을 언제나 LayerNorm을 거쳐 읽고, LayerNorm은 토큰마다 평균을 빼니까요.


# %%
@torch.no_grad()
def logits_with(model, images, pos):
    """The model's logits when pos (1 + N, D) or (1 + N, 1) is added to its tokens:
    (B, num_classes)."""
    x = model.embed(images) + pos
    for block in model.blocks:
        x, _ = block(x)
    return model.head(model.norm(x)[:, 0])


# %%
if __name__ == "__main__":
    model, images = build("learned", 0).double(), load(0)[2][0].double()
    number = torch.arange(G * G + 1.0, dtype=torch.double)[:, None]  # (17, 1)
    table_of_learned = model.pos_embed[0].detach()  # (17, 32)
    ranks = [
        torch.linalg.matrix_rank(each).item()
        for each in (number * table_of_learned[:1], table_of_learned)
    ]
    evidence["rank_number"], evidence["rank_learned"] = ranks
    print(f"자리의 표의 랭크: 번호 {ranks[0]}, 학습형 {ranks[1]}")
    plain = logits_with(model, images, 0 * number)
    evidence["number_change"] = same = relative_error(
        logits_with(model, images, number), plain
    )
    random = torch.randn(
        17, 32, generator=torch.Generator().manual_seed(0)
    ).double()
    evidence["vector_change"] = other = relative_error(
        logits_with(model, images, random * number.std()), plain
    )
    print(f"로짓의 상대 변화: 번호를 모든 차원에 더하면 {same:.0e}")
    print(f"자리마다 다른 벡터를 더하면 {other:.1f}")


# %%
if __name__ == "__main__":
    # a training of this size takes another path on another CPU
    tolerance = {f"acc_{kind}": 0.12 for kind in NAMES}
    tolerance |= {f"fitted_{kind}": 0.05 for kind in NAMES}
    evidence
