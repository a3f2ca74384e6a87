# %% [markdown]
# # 위치 임베딩, 정해 둘까요 배울까요?
#
# 위치 임베딩(position embedding)만 바꾼 같은 모델을 견줘요. 배우는 것, 무작위로 정해 두고 **얼려 둔** 것, 사인파, 그리고 번호예요.
# 얼려 둔 무작위 벡터가 열쇠예요. 학습형과 똑같이 시작해서 배우지만 않으니, 둘의 차이가 곧 **배워서 얻는 것**이에요.

# %%
import statistics

import torch
from lib.digits import load, small_vit, train
from lib.figure import BLUE, GREEN, ORANGE, PINK, VIOLET, plt, show, table
from lib.measure import accuracy, relative_error
from torch import nn
from vit import VisionTransformer, sincos_pos_embed

torch.set_num_threads(1)
SEEDS, G = range(5), 4
SIZES = {1000: 150, 100: 100}  # images to train on: steps


# %% [markdown]
# ## 견줄 것 다섯 가지
#
# - **사인파**는 행과 열을 여러 주파수의 사인과 코사인으로 적은 거예요. SimpleViT가 쓰는 식이고, 가장 느린 파장은 수만 칸이에요.
# - **편 사인파**는 같은 식에서 모든 자리에 공통인 몫을 빼고 크기를 학습형의 처음 크기에 맞춘 거예요. 여전히 배우지 않아요.
# - **번호**는 패치에 순서대로 매긴 수 하나에, 학습하는 벡터 하나를 곱해 더해요.
#
# 작게 시작하면 배우는 몫이 커질까 봐, 처음 크기를 표준편차 0.5에서 0.02로 줄인 학습형과 얼린 벡터도 따로 학습해요.

# %%
STD = 0.5  # of learned vectors at the start, as in digits.small_vit


def spread_out(pos_embed):
    """Without the mean of all patches and as large as vectors at random are: (1, 1
    + N, D) -> (1, 1 + N, D)."""
    patches = pos_embed[:, 1:] - pos_embed[:, 1:].mean(dim=1, keepdim=True)
    return torch.cat([pos_embed[:, :1], patches * (STD / patches.std())], dim=1)


class Numbered(VisionTransformer):
    """One number for each token, in order, times one learned vector."""

    def __init__(self, **options):
        super().__init__(**options, pos_embed="none")
        self.pos_embed = nn.Parameter(torch.zeros(options["embed_dim"]))
        number = torch.arange(G * G + 1.0)
        self.register_buffer(
            "number", (number - number.mean()) / number.std()
        )  # (1 + N,)

    def embed(self, x):
        x = torch.cat(
            [self.cls_token.expand(len(x), -1, -1), self.patch_embed(x)], dim=1
        )  # (B, 1 + N, D)
        return x + self.number[:, None] * self.pos_embed


def build(kind, seed):
    """The model of digits.small_vit with the position embedding of that kind."""
    if kind == "number":
        return small_vit(seed, make=Numbered)
    model = small_vit(seed)  # "learned"
    if kind.startswith("frozen"):
        model.pos_embed.requires_grad_(False)
    if kind.endswith("small"):
        model.pos_embed.data *= 0.02 / STD
    if kind in ("sincos", "spread"):
        pos_embed = sincos_pos_embed(G, model.pos_embed.shape[-1])
        pos_embed = spread_out(pos_embed) if kind == "spread" else pos_embed
        model.pos_embed = nn.Parameter(pos_embed, requires_grad=False)
    return model


NAMES = {
    "learned": "학습형",
    "frozen": "얼린 무작위",
    "spread": "편 사인파",
    "sincos": "사인파",
    "number": "번호",
}
TRIED = [(1000, kind) for kind in (*NAMES, "learned_small", "frozen_small")]
TRIED += [(100, kind) for kind in ("learned", "frozen", "sincos")]


# %% [markdown]
# ## 무엇이 학습되고, 자리끼리 얼마나 다른가요?


# %%
def distances(model):
    """Distances between the position vectors of any two patches: (N (N - 1) /
    2,)."""
    vectors = model.pos_embed[0, 1:].detach()
    return torch.pdist(vectors)


# %%
if __name__ == "__main__":
    evidence, null = {}, {"배우지 않은 모델": {}}
    data = {
        seed: load(seed) for seed in SEEDS
    }  # train, validation, test for each seed
    start = {kind: build(kind, seed=0) for kind in NAMES}
    models, scores = {}, {}
    for n, kind in TRIED:
        untrained = []
        for seed in SEEDS:
            (images, labels), _, test = data[seed]
            model = build(kind, seed)
            untrained.append(accuracy(model, *test))
            train(model, images[:n], labels[:n], seed, steps=SIZES[n])
            scores.setdefault((n, kind), []).append(accuracy(model, *test))
            models.setdefault((n, kind), model)  # that of the first seed
        evidence[f"{kind}_{n}"] = scores[n, kind]  # one a seed
        null["배우지 않은 모델"][f"{kind}_{n}"] = untrained
    rows = []
    for kind, name in NAMES.items():
        pos_embed, learned = start[kind].pos_embed, models[1000, kind].pos_embed
        count = pos_embed.numel() * pos_embed.requires_grad
        moved = (learned - pos_embed).abs().max().item()
        evidence |= {f"trained_{kind}": count, f"moved_{kind}": moved}
        apart = "–"
        if kind != "number":
            evidence[f"apart_{kind}"] = distance = (
                distances(start[kind]).mean().item()
            )
            apart = f"{distance:.1f}"
        rows.append([name, count, f"{moved:.2f}", apart])
    table(
        "kinds",
        "학습하는 수, 학습 뒤의 변화, 자리 사이의 처음 거리",
        ["방식", "학습하는 수", "최대 변화", "평균 거리"],
        rows,
    )

# %% [markdown]
# ## 어느 쪽이 더 나은가요?

# %%
if __name__ == "__main__":
    mean = {key: statistics.mean(values) for key, values in scores.items()}
    std = {key: statistics.stdev(values) for key, values in scores.items()}
    figure, axis = plt.subplots()
    colours = dict(zip(NAMES, (BLUE, VIOLET, GREEN, ORANGE, PINK)))
    for y, kind in enumerate(NAMES):
        for n, shift, marker in ((1000, -0.15, "o"), (100, 0.15, "^")):
            values = scores.get((n, kind), [])
            axis.plot(
                values,
                [y + shift] * len(values),
                marker,
                color=colours[kind],
                markersize=7,
                alpha=0.7,
            )
    axis.set(
        yticks=range(len(NAMES)),
        yticklabels=NAMES.values(),
        xlim=(0, 1),
        xlabel="시험 정확도 (●: 1000장, ▲: 100장)",
    )
    axis.margins(y=0.12)
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    parts = [f"{name} {mean[1000, kind]:.2f}" for kind, name in NAMES.items()]
    show(
        figure,
        "accuracy",
        f"1000장으로 학습한 정확도는 {', '.join(parts)}이에요. 학습형과 얼린 무작위 벡터는 100장에서도 거의 같아요.",
    )
    rows = [
        [
            name,
            *[
                f"{mean[n, kind]:.3f}±{std[n, kind]:.3f}"
                if (n, kind) in mean
                else "–"
                for n in SIZES
            ],
        ]
        for kind, name in NAMES.items()
    ]
    table(
        "scores",
        f"시험 정확도, 시드 {len(SEEDS)}개의 평균과 표준편차",
        ["방식", *[f"{n}장" for n in SIZES]],
        rows,
    )
    for n in SIZES:  # seed by seed
        gain = [a - b for a, b in zip(scores[n, "learned"], scores[n, "frozen"])]
        print(
            f"{n}장에서 배워서 얻은 정확도: "
            + ", ".join(f"{value:+.3f}" for value in gain)
        )
    small, still = mean[1000, "learned_small"], mean[1000, "frozen_small"]
    print(
        f"처음 크기가 0.02이면 1000장에서 학습형 {small:.3f}, 얼린 무작위 {still:.3f}"
    )

# %% [markdown]
# ## 패치 번호를 그대로 더하면 어떻게 될까요?
#
# 번호 i를 i번째 토큰의 **모든** 차원에 더해요. 블록과 헤드는 토큰을 언제나 LayerNorm을 거쳐 읽고, LayerNorm은 토큰마다 평균을 빼요.


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
    model, images = start["learned"].double(), data[0][2][0].double()
    number = torch.arange(G * G + 1.0, dtype=torch.double)[:, None]
    plain = logits_with(model, images, 0 * number)
    evidence["number_change"] = same = relative_error(
        logits_with(model, images, number), plain
    )
    vectors = (
        torch.randn(
            G * G + 1, 32, generator=torch.Generator().manual_seed(0)
        ).double()
        * number.std()
    )
    evidence["vector_change"] = other = relative_error(
        logits_with(model, images, vectors), plain
    )
    print(f"로짓의 상대 변화: 번호를 모든 차원에 더하면 {same:.0e}")
    print(f"자리마다 다른 벡터를 더하면 {other:.1f}")


# %%
if __name__ == "__main__":
    # a training of this size takes another path on another CPU
    tolerance = {f"{kind}_{n}": 0.12 for n, kind in TRIED}
    tolerance |= {f"moved_{kind}": 0.3 for kind in ("learned", "number")}
    evidence
