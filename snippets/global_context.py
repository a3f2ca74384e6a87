# %% [markdown]
# # 멀리 봐야만 풀리는 문제
#
# 똑같이 생긴 물체가 물 위에 있으면 배, 땅 위에 있으면 차인 장면을 그려요. 답을 정하는 배경은 물체에서 멀리 떨어져 있어요. 배경까지 보지 못하는 CNN과
# 보는 CNN, 그리고 작은 ViT에게 물체가 있는 자리에서 답을 물어요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, VIOLET, plt, show, table
from torch import nn
from vit import VisionTransformer

SIZE, EDGE, SEEDS = 24, 4, (0, 1, 2, 3, 4)
STEPS = 60  # of 32 scenes each


# %% [markdown]
# ## 장면과 과제
#
# 몸통 위에 칸이 하나 얹힌 물체가 가운데쯤에 있고, 화면의 가장자리 4 px에만 가로 물결(물)이나 세로줄(땅)이 있어요. 그 사이는 잡음뿐이에요.
#
# - **배경이 정해요**(far): 물체는 늘 똑같아요. 배경이 물이면 배, 땅이면 차예요.
# - **모양이 정해요**(near, 대조): 칸이 왼쪽이면 배, 오른쪽이면 차예요. 배경은 답과 무관해요.
# - **배경이 귀띔해요**(hint): 답은 모양이 정하는데, 학습할 때는 배경도 늘 같은 답을 가리켜요. 시험할 때는 배경을 뒤집어(flipped) 놓아요. 배경과 답의 이런
#   관계를 허위 상관(spurious correlation), 거기에 기대어 배우는 것을 지름길 학습(shortcut learning)이라고 해요.


# %%
def draw(n, seed, task):
    """n scenes (n, 1, 24, 24), labels (n,), 1 for a boat, and the row and column of
    each object's middle (n, 2)."""
    generator = torch.Generator().manual_seed(seed)
    image = 0.3 * torch.randn(n, SIZE, SIZE, generator=generator)
    water, left = torch.rand(2, n, generator=generator) < 0.5
    water = {"hint": left, "flipped": ~left}.get(task, water)
    phase = torch.randint(4, (n, 1, 1), generator=generator)
    at = torch.arange(SIZE)
    along = torch.where(
        water[:, None, None], at[:, None], at
    )  # stripes lie on water and stand on land
    edge = (at < EDGE) | (at >= SIZE - EDGE)
    image += ((along + phase) // 2 % 2 * 2 - 1) * (edge[:, None] | edge)
    middle = torch.randint(
        SIZE // 2 - 2, SIZE // 2 + 2, (n, 2), generator=generator
    )
    dy, dx = at[:, None] - middle[:, 0, None, None], at - middle[:, 1, None, None]
    hull = (dx.abs() <= 2) & (dy >= 1) & (dy <= 2)
    side = (
        dx.abs() <= 1
        if task == "far"
        else torch.where(left[:, None, None], dx <= -1, dx >= 1) & (dx.abs() <= 2)
    )
    cabin = side & (dy >= -1) & (dy <= 0)
    return (
        (image + 2 * (hull | cabin))[:, None],
        (water if task == "far" else left).long(),
        middle,
    )


# %% [markdown]
# ## 모델 셋: 자리마다 점수를 내요
#
# 두 CNN은 층도 파라미터도 똑같고, 필터의 칸을 벌려 놓는 간격(dilation)만 달라요. ViT는 클래스 토큰 대신 패치 토큰마다 점수를 내게 했어요.


# %%
def cnn(dilations, width=12):
    """Scores of every second pixel, (B, 1, 24, 24) -> (B, 2, 12, 12), by three 3 x
    3 convolutions."""
    layers = [nn.Conv2d(1, width, 3, stride=2, padding=1), nn.ReLU()]
    for dilation in dilations:
        layers += [
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d(width, 2, 1)).to(
        memory_format=torch.channels_last
    )


class PatchScores(VisionTransformer):
    """A ViT that scores each patch from its own token: (B, 1, 24, 24) -> (B, 2, 4,
    4)."""

    def __init__(self):
        super().__init__(
            img_size=SIZE,
            patch_size=6,
            in_chans=1,
            num_classes=2,
            embed_dim=32,
            depth=2,
            num_heads=4,
            mlp_ratio=2,
        )
        for module in (
            self.blocks.modules()
        ):  # a std of 0.02 is too small for so narrow a model
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
        nn.init.normal_(self.pos_embed, std=0.5)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x, _ = block(x)
        return (
            self.head(self.norm(x)[:, 1:]).transpose(1, 2).unflatten(2, (4, 4))
        )  # class token left out


def at_object(scores, middle):
    """The scores (B, 2, h, w) of the cell that the object's middle (B, 2) lies in:
    (B, 2)."""
    row, column = (middle * scores.shape[-1] // SIZE).T
    return scores[torch.arange(len(scores)), :, row, column]


def averaged(scores, middle):
    """The mean of the scores over all cells, as global average pooling would give:
    (B, 2)."""
    return scores.mean((2, 3))


MODELS = {  # key -> name, model, where its answer is read
    "local": ("좁은 CNN", lambda: cnn((1, 1)), at_object),
    "pooled": ("좁은 CNN + 평균", lambda: cnn((1, 1)), averaged),
    "wide": ("넓은 CNN", lambda: cnn((2, 4)), at_object),
    "vit": ("작은 ViT", PatchScores, at_object),
}
COLOURS = dict(zip(MODELS, (ORANGE, VIOLET, BLUE, GREEN)))


# %% [markdown]
# ## 어디까지 볼까요
#
# 한가운데 칸의 특징을 미분해서, 기울기가 0이 아닌 입력 픽셀의 범위를 재요. 수용 영역(receptive field)을 공식으로 세는 대신 직접 재는 거예요.
# 닿는다고 고르게 쓰는 것은 아니어서, 기울기의 95%가 몰린 가운데의 너비도 함께 재요(유효 수용 영역, effective receptive field).


# %%
def pull(f, x, row, column):
    """How strongly f(x) (n, C, h, w) at that cell depends on each pixel of x (n, 1, S,
    S): the mean size of the gradient, (S, S)."""
    x = x.clone().requires_grad_()
    f(x)[:, :, row, column].pow(2).sum().backward()
    return x.grad.abs().mean(0)[0]


def reach(f, x, row, column):
    """Pixels of x (n, 1, S, S) that f(x) (n, C, h, w) depends on at that cell: bool
    (S, S)."""
    return pull(f, x, row, column) != 0


def core(strength, row, column, share=0.95):
    """Width in pixels of the smallest square around a pixel that holds this share of
    a strength (S, S)."""
    at = torch.arange(len(strength))
    ring = torch.maximum((at - row).abs()[:, None], (at - column).abs())
    held = torch.zeros(int(ring.max()) + 1).scatter_add(
        0, ring.flatten(), strength.flatten()
    )
    inside = held.cumsum(0) / strength.sum() >= share
    return 2 * inside.nonzero()[0].item() + 1


def stages(model):
    """The model cut short after each layer that mixes places: [image -> (B, C, h,
    w)]."""
    if not isinstance(model, PatchScores):
        return [model[:end] for end in range(2, len(model) + 1, 2)]

    def after(depth):
        def features(x):
            x = model.embed(x)
            for block in model.blocks[:depth]:
                x, _ = block(x)
            return x[:, 1:].transpose(1, 2).unflatten(2, (4, 4))

        return features

    return [after(depth) for depth in range(len(model.blocks) + 1)]


def span(seen):
    """The longer side in pixels of the box around the True pixels of (S, S)."""
    return max(
        (axis.nonzero().max() - axis.nonzero().min() + 1).item()
        for axis in (seen.any(0), seen.any(1))
    )


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {"size": SIZE}, {}
    x = draw(16, seed=0, task="far")[0]
    spans = {}
    frame = torch.ones(SIZE, SIZE, dtype=torch.bool)
    frame[EDGE:-EDGE, EDGE:-EDGE] = False
    for key in ("local", "wide", "vit"):
        torch.manual_seed(0)
        model = MODELS[key][1]()
        cells = model(x).shape[-1]
        spans[key] = [
            span(reach(f, x, cells // 2, cells // 2)) for f in stages(model)
        ]
        places = {
            m * cells // SIZE for m in range(SIZE // 2 - 2, SIZE // 2 + 2)
        }  # wherever an object may be
        seen = [
            (reach(model, x, i, j) & frame).sum().item()
            for i in places
            for j in places
        ]
        evidence[f"{key}_sees_edge"] = sum(seen)
    torch.manual_seed(0)
    plain = nn.Sequential(
        *[
            nn.Sequential(nn.LazyConv2d(8, 3, padding=1), nn.ReLU())
            for _ in range(12)
        ]
    )
    spans["plain"] = [
        span(reach(plain[:depth], x, 12, 12)) for depth in range(1, 13)
    ]
    cores = [core(pull(plain[:depth], x, 12, 12), 12, 12) for depth in range(1, 13)]
    evidence["plain_core"] = cores[-1]
    plain_layers = next(k for k, s in enumerate(spans["plain"], 1) if s == SIZE)
    evidence |= {"local_reach": spans["local"][-1], "wide_reach": spans["wide"][-1]}
    evidence |= {"vit_reach_patch": spans["vit"][0], "vit_reach_1": spans["vit"][1]}
    evidence |= {"wide_reach_1": spans["wide"][0], "plain_layers": plain_layers}
    evidence |= {
        "plain_reach_1": spans["plain"][0],
        "plain_reach_2": spans["plain"][1],
    }

    fig, ax = plt.subplots()
    ax.plot(
        range(1, 13),
        spans["plain"],
        ".-",
        color=INK,
        linewidth=1,
        alpha=0.6,
        label="3×3 합성곱만 쌓기",
    )
    ax.plot(range(1, 13), cores, ":", color=INK, label="그 가운데 기울기의 95%")
    for key, marker in zip(("local", "wide", "vit"), "osD"):
        layers = range(key != "vit", len(spans[key]) + (key != "vit"))
        ax.plot(
            layers,
            spans[key],
            marker=marker,
            color=COLOURS[key],
            label=MODELS[key][0],
        )
    ax.axhline(SIZE, color=INK, linewidth=1, linestyle=":")
    ax.set(
        xlabel="지나온 층 (ViT의 0은 패치 자르기)",
        title="보는 범위의 너비 (px)",
        ylim=(0, 26),
        xticks=range(0, 13, 2),
    )
    ax.legend(loc="lower right")
    show(
        fig,
        "reach_by_layer",
        f"ViT는 블록 하나를 지나면 {spans['vit'][1]} px 전체를 봐요. 3×3 합성곱은 한 층에 2 px씩 넓어져 "
        f"{plain_layers}층이 필요하지만 기울기의 95%는 가운데 {cores[-1]} px에 있어요. 좁은 CNN은 {spans['local'][-1]} px에서 끝나요.",
    )


# %%
if __name__ == "__main__":
    fig, axes = plt.subplots(1, 4, figsize=(4.5, 1.5))
    width = spans["local"][-1]
    for ax, (task, wanted, title) in zip(
        axes,
        (
            ("far", 1, "배경: 배"),
            ("far", 0, "배경: 차"),
            ("near", 1, "모양: 배"),
            ("near", 0, "모양: 차"),
        ),
    ):
        images, labels, middle = draw(20, 3, task)
        i = (labels == wanted).nonzero()[0].item()
        ax.imshow(images[i, 0], cmap="gray_r", vmin=-1.5, vmax=2.5)
        corner = (
            middle[i].flip(0) // 2 * 2 - width / 2
        )  # of the cell's middle pixel
        ax.add_patch(
            plt.Rectangle(
                corner.tolist(),
                width,
                width,
                fill=False,
                edgecolor=ORANGE,
                linewidth=2,
            )
        )
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(False)
    show(
        fig,
        "scenes",
        f"왼쪽 둘은 물체가 똑같고 가장자리만 달라요. 주황 네모는 좁은 CNN이 물체 자리에서 보는 {width} px이고, "
        "가장자리에 닿지 않아요.",
    )


# %% [markdown]
# ## 학습해서 견줘요
#
# 장면은 스텝마다 새로 그려요. 같은 장면을 두 번 보지 않으니 외워서 맞힐 수는 없어요. 배우기 전의 정확도도 함께 재요.


# %%
def fresh(make, seed):
    """A model that make() gives, not trained."""
    torch.manual_seed(seed)
    return make()


def train(make, read, task, seed, steps=STEPS, lr=0.01, batch_size=32):
    """A model that make() gives, trained on new scenes at each step."""
    model = fresh(make, seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=lr, weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=steps, pct_start=0.2
    )
    for step in range(steps):
        images, labels, middle = draw(batch_size, 1000 * (seed + 1) + step, task)
        loss = F.cross_entropy(read(model(images), middle), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def accuracy(model, read, task, seed, scenes=draw):
    """Share of 500 scenes, none of them trained on, whose label the model gives."""
    images, labels, middle = scenes(500, seed, task)
    return (read(model(images), middle).argmax(1) == labels).double().mean().item()


# %%
if __name__ == "__main__":
    untrained = null["배우지 않은 모델"] = {}
    for key, (_, make, read) in MODELS.items():
        # what the mean of all cells does where the shape decides takes longer: see
        # same_or_count
        tasks = ("far",) if key == "pooled" else ("far", "near", "hint")
        models = {
            task: [train(make, read, task, seed) for seed in SEEDS]
            for task in tasks
        }
        if "hint" in models:
            models["flipped"] = models["hint"]
        for task in models:
            evidence[f"{key}_{task}"] = [
                accuracy(m, read, task, seed)
                for m, seed in zip(models[task], SEEDS)
            ]
            untrained[f"{key}_{task}"] = [
                accuracy(fresh(make, seed), read, task, seed) for seed in SEEDS
            ]
        evidence[f"{key}_params"] = sum(p.numel() for p in make().parameters())
    mean = {
        name: statistics.mean(value)
        for name, value in evidence.items()
        if isinstance(value, list)
    }
    # scenes where nothing that matters lies far away, and the narrow CNN in the
    # place of those that see far
    null["모양이 답인 장면"] = {
        f"{key}_far": evidence[f"{key}_near"] for key in ("local", "vit")
    }
    null["좁은 CNN"] = {f"{key}_{name}": evidence[f"local_{name}"] for key in ("wide", "vit")
                      for name in ("sees_edge", *models)}  # fmt: skip

    fig, ax = plt.subplots()
    for i, (key, (name, _, _)) in enumerate(MODELS.items()):
        for j, task in enumerate(("far", "near")):
            if f"{key}_{task}" not in evidence:
                continue
            place = j + 0.2 * (i - 1.5)
            ax.bar(
                place,
                mean[f"{key}_{task}"],
                width=0.18,
                color=COLOURS[key],
                label=None if j else name,
            )
            ax.plot(
                [place] * len(SEEDS),
                evidence[f"{key}_{task}"],
                "o",
                color=INK,
                markersize=3,
            )
    ax.axhline(0.5, color=INK, linewidth=1, linestyle=":")
    ax.set(title="정확도 (점선은 찍었을 때)", ylim=(0, 1.02))
    ax.set_xticks([0, 1], ["배경이 정해요 (멀리)", "모양이 정해요 (가까이)"])
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.set_axisbelow(True)
    ax.grid(axis="x", visible=False)
    fig.legend(ncols=2, loc="outside upper left")
    show(
        fig,
        "accuracy",
        "배경이 답을 정하는 장면에서 배경에 닿지 못하는 좁은 CNN은 물체 자리에서 읽으면 "
        f"{mean['local_far']:.0%}로 찍는 수준이고, 모든 칸을 평균 내면 "
        f"{mean['pooled_far']:.0%}예요. 배경에 닿는 넓은 CNN은 {mean['wide_far']:.0%}, 작은 ViT는 "
        f"{mean['vit_far']:.0%}예요. 물체의 모양이 답을 정하면 좁은 CNN도 "
        f"{mean['local_near']:.0%}예요.",
    )

# %% [markdown]
# 배경이 귀띔해 주는 장면으로 배운 모델들은 배경을 뒤집으면 어떻게 될까요? 답은 여전히 물체의 모양에 다 들어 있어요.

# %%
if __name__ == "__main__":
    rows = [
        [
            name,
            *(
                f"{mean[f'{key}_{task}']:.0%}"
                for task in ("near", "hint", "flipped")
            ),
        ]
        for key, (name, _, _) in MODELS.items()
        if key != "pooled"
    ]
    table(
        "misled",
        "물체의 모양이 답인데 배경이 늘 같은 답을 귀띔하는 장면으로 배우면, 배경을 뒤집었을 때 배경이 보이는 넓은 CNN은 "
        f"{mean['wide_flipped']:.0%}, 작은 ViT는 {mean['vit_flipped']:.0%}만 맞혀요. 배경이 보이지 "
        f"않는 좁은 CNN은 {mean['local_flipped']:.0%}예요. 정확도, 시드 다섯의 평균",
        [
            "모델",
            "배경이 무관할 때",
            "배경이 귀띔할 때",
            "귀띔으로 배우고 뒤집힌 배경에서",
        ],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.05 for name, value in evidence.items() if isinstance(value, list)
    }
    tolerance |= {"wide_flipped": 0.2, "vit_flipped": 0.1}
    evidence["steps"] = STEPS
    evidence
