# %% [markdown]
# # 지역성을 넣은 ViT: 합성곱 스템, 창, 문
#
# CNN과 ViT 사이에는 여러 길이 있어요. 여기서는 **토큰 수와 블록이 같은** 작은 ViT에 지역성을 세 가지로 넣어요. 패치를 자르는 대신 합성곱으로 토큰을
# 만들고(스템), 가까운 토큰끼리만 보게 하고(창), 이웃에서 시작하되 떠날 수 있게 해요(문). 그러고는 이미지가 적을 때, 가정이 틀린 세상에서, 멀리 봐야 하는
# 문제에서 견줘요.

# %%
import os

import torch
import torch.nn.functional as F
from ladder import SIDE, draw, load
from lib.figure import BLUE, INK, ORANGE, VIOLET, plt, show, table
from lib.measure import relative_error
from lib.paths import data_path
from safetensors.torch import load_file, save_file
from torch import nn

PATCH, DIM, HEADS = 3, 24, 4
GRID = SIDE // PATCH  # 4 x 4 tokens
COUNT, STEPS, BATCH = 5, 300, 32
SEEDS = range(COUNT)
WEIGHTS = data_path("local_vit.safetensors")

# %% [markdown]
# ## 시드 다섯을 한 모델에 담아요
#
# 시드 다섯의 가중치를 맨 앞 축 S에 나란히 두고 한꺼번에 학습해요. 시드끼리는 아무것도 나누지 않아요.


# %%
class Linear(nn.Module):
    """nn.Linear, one for each seed: (S, n, inner) -> (S, n, outer)."""

    def __init__(self, inner, outer, seeds=COUNT):
        super().__init__()
        bound = (6 / (inner + outer)) ** 0.5  # as nn.init.xavier_uniform_
        self.weight = nn.Parameter(
            torch.empty(seeds, inner, outer).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(torch.zeros(seeds, 1, outer))

    def forward(self, x):
        return torch.baddbmm(self.bias, x.flatten(1, -2), self.weight).view(
            *x.shape[:-1], -1
        )


class Norm(nn.Module):
    """nn.LayerNorm, one for each seed: (S, B, N, D) of the same shape."""

    def __init__(self, seeds=COUNT):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(seeds, 1, 1, DIM))
        self.bias = nn.Parameter(torch.zeros(seeds, 1, 1, DIM))

    def forward(self, x):
        return F.layer_norm(x, (DIM,), eps=1e-6) * self.weight + self.bias


class Stem(nn.Module):
    """Tokens by a convolution of 3 x 3, one of 3 x 3 in strides of a patch and one
    of 1 x 1: (S, B, 1, 12, 12) -> (S, B, N, D)."""

    def __init__(self, seeds=COUNT):
        super().__init__()
        self.seeds = seeds  # groups: every seed has its own channels
        self.conv1 = nn.Conv2d(seeds, 8 * seeds, 3, padding=1, groups=seeds)
        self.conv2 = nn.Conv2d(
            8 * seeds, DIM * seeds, 3, stride=PATCH, padding=1, groups=seeds
        )
        self.proj = Linear(DIM, DIM, seeds)

    def forward(self, x):
        x = x[:, :, 0].transpose(0, 1)  # (B, S, 12, 12)
        x = self.conv2(self.conv1(x).relu()).relu()  # (B, S D, 4, 4)
        x = x.unflatten(1, (self.seeds, DIM)).flatten(-2)  # (B, S, D, N)
        return self.proj(x.permute(1, 0, 3, 2))


def cut(x):
    """Images (…, 12, 12) in patches (…, N, P, P)."""
    x = x.unflatten(-1, (GRID, PATCH)).unflatten(-3, (GRID, PATCH))
    return x.transpose(-3, -2).flatten(-4, -3)


class Patches(nn.Module):
    """Tokens by cutting: (S, B, 1, 12, 12) -> (S, B, N, D)."""

    def __init__(self, seeds=COUNT):
        super().__init__()
        self.proj = Linear(PATCH**2, DIM, seeds)

    def forward(self, x):
        return self.proj(cut(x[:, :, 0]).flatten(-2))


# %% [markdown]
# ## 어텐션에 더하는 것
#
# - **창**: 2×2 토큰씩 나눈 창 안에서만 봐요. 둘째 블록에서는 창을 한 칸 옮겨요. Swin의 생각이에요.
# - **문**: 내용으로 정한 가중치와 **거리로 정한** 가중치를 헤드마다 섞어요. ConViT의 생각을 짧게 적은 거예요. 거리로 정한 쪽의 몫이
#   $g = \sigma(\lambda)$이고 $\lambda$와 너비 $\alpha$, 중심을 모두 배워요. 헤드 넷은 저마다 다른 방향으로 반 칸 비낀 곳에서 시작해요.


# %%
AT = torch.cartesian_prod(torch.arange(GRID), torch.arange(GRID))  # (N, 2)
STEP = (AT[None] - AT[:, None]).float()  # from each token to each: (N, N, 2)
NEAR = STEP.abs().amax(-1) <= 1  # itself and those around: (N, N)


def window(shift):
    """Which tokens share a window of 2 x 2, the grid moved by shift: bool (N, N)."""
    at = (AT + shift) // 2
    return (at[None] == at[:, None]).all(-1)


class Attention(nn.Module):
    """Self-attention over the grid of tokens, (S, B, N, D) -> (S, B, N, D); its map
    (S, B, heads, N, N) is left in self.map.

    allowed: bool (N, N), where weight may be; gated: a part of the weight is by
    place alone."""

    def __init__(self, allowed=None, gated=False, seeds=COUNT):
        super().__init__()
        self.qkv, self.proj = Linear(DIM, 3 * DIM, seeds), Linear(DIM, DIM, seeds)
        self.gated = gated
        self.hidden = torch.zeros(GRID**2, GRID**2)
        if allowed is not None:
            self.hidden[~allowed] = -torch.inf
        if gated:
            half = torch.tensor([-0.5, 0.5])
            corners = torch.cartesian_prod(half, half)  # (h, 2)
            self.centre = nn.Parameter(corners.repeat(seeds, 1, 1))
            self.alpha = nn.Parameter(torch.ones(seeds, HEADS, 1, 1))
            self.gate = nn.Parameter(torch.ones(seeds, HEADS, 1, 1))  # lambda

    def forward(self, x):
        qkv = self.qkv(x).unflatten(-1, (3, HEADS, DIM // HEADS))
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)  # each (S, B, h, N, d)
        scores = (DIM // HEADS) ** -0.5 * q @ k.transpose(-2, -1)
        attn = (scores + self.hidden).softmax(dim=-1)  # (S, B, h, N, N)
        if self.gated:
            away = (STEP - self.centre[:, :, None, None]).square().sum(-1)
            place = (self.hidden - self.alpha * away).softmax(dim=-1)
            g = self.gate.sigmoid()[:, None]  # (S, 1, h, 1, 1)
            attn = (1 - g) * attn + g * place[:, None]
        self.map = attn
        return self.proj((attn @ v).transpose(2, 3).flatten(-2))


# %% [markdown]
# ## 모델
#
# 스템은 보폭이 1, 3, 1이라 패치로 자를 때와 **토큰 수가 같아요**. 클래스 토큰 없이 마지막에 토큰을 평균 내요. 클래스 토큰은 어디든 볼 수 있어서, 창을
# 두는 뜻이 없어지니까요.


# %%
class Block(nn.Module):
    """Pre-LN block: (S, B, N, D) of the same shape."""

    def __init__(self, allowed, gated, seeds):
        super().__init__()
        self.norm1, self.norm2 = Norm(seeds), Norm(seeds)
        self.attn = Attention(allowed, gated, seeds)
        self.fc1 = Linear(DIM, 2 * DIM, seeds)
        self.fc2 = Linear(2 * DIM, DIM, seeds)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class SmallViT(nn.Module):
    """16 tokens of 3 x 3 pixels, the mean of all read out: (S, B, 1, 12, 12) ->
    (S, B, classes). allowed: for each block what Attention takes."""

    def __init__(
        self,
        stem=False,
        gated=False,
        allowed=(None, None),
        classes=10,
        seeds=COUNT,
    ):
        super().__init__()
        self.patch_embed = (Stem if stem else Patches)(seeds)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(seeds, 1, GRID**2, DIM))
        self.blocks = nn.Sequential(
            *(Block(where, gated, seeds) for where in allowed)
        )
        self.norm, self.head = Norm(seeds), Linear(DIM, classes, seeds)

    def tokens(self, x):
        """Tokens after all blocks: (S, B, N, D)."""
        return self.blocks(self.patch_embed(x) + self.pos_embed)

    def forward(self, x):
        return self.head(self.norm(self.tokens(x)).mean(2))


MODELS = {
    "plain": {},
    "stem": {"stem": True},
    "window": {"allowed": (window(0), window(1))},
    "gate": {"gated": True},
}
NAMES = dict(zip(MODELS, ("그냥 ViT", "합성곱 스템", "창", "문")))


def build(name, seed=0, **more):
    """The model of that name before training."""
    torch.manual_seed(seed)
    return SmallViT(**MODELS[name] | more)


# %% [markdown]
# ## 어디까지 보이나요
#
# 블록을 지난 토큰을 픽셀로 미분해, 기울기가 0이 아닌 픽셀을 세어요. 문은 멀수록 **옅게** 볼 뿐 처음부터 어디든 보고, 창은 옮겨야 창 밖을 봐요.


# %%
def seen(model):
    """Which pixels each token of a model of one seed depends on: bool (N, 12,
    12)."""
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(DIM, generator=generator)
    image = torch.randn(1, 1, 1, SIDE, SIDE, generator=generator)
    slopes = torch.autograd.functional.jacobian(
        lambda x: model.tokens(x)[0, 0] @ weights, image
    )
    return slopes[:, 0, 0, 0] != 0


def width(model):
    """The most pixel columns that a token sees: int."""
    return seen(model).any(1).sum(1).max().item()


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {"배우지 않은 모델": {}}
    rows = []
    for name in MODELS:
        model = build(name, seeds=1)
        evidence[f"{name}_params"] = sum(p.numel() for p in model.parameters())
        for depth in (2, 1, 0):
            model.blocks = model.blocks[:depth]
            evidence[f"{name}_sees_{depth}"] = width(model)
        rows.append(
            [
                NAMES[name],
                f"{evidence[f'{name}_params']:,}",
                *(f"{evidence[f'{name}_sees_{depth}']} px" for depth in range(3)),
            ]
        )
    fixed = build("window", seeds=1, allowed=(window(0), window(0)))
    evidence["fixed_sees_2"] = width(fixed)
    rows.append(["옮기지 않은 창", rows[2][1], *rows[2][2:4]])
    rows[-1].append(f"{evidence['fixed_sees_2']} px")
    table(
        "sees",
        "한 토큰이 보는 너비(이미지는 12 px)",
        ["", "파라미터", "토큰을 만들 때", "블록 1", "블록 2"],
        rows,
    )

# %% [markdown]
# ## 두 가지 세상과 먼 문제
#
# - **그대로**: 12×12 칸의 아무 자리에 놓인 숫자.
# - **섞음**: 3×3 패치 16개의 자리를, 모든 이미지에서 똑같은 순서로 섞어요. 패치 안은 그대로예요. 이웃이라는 말이 뜻을 잃어서 **지역성이 도움이 될 까닭이
#   없는** 세상이에요. 그냥 ViT에게는 위치 임베딩의 줄만 바꾸면 **똑같은 문제**라, 다시 배울 것도 없어요.
# - **먼 문제**: 왼쪽 끝과 오른쪽 끝에 패치만 한 네모가 있고 저마다 밝거나 어두워요. **둘의 밝기가 같은가요?**


# %%
ORDER = torch.randperm(GRID**2, generator=torch.Generator().manual_seed(0))


def jumbled(images):
    """The patches of each image in the order ORDER: (…, 12, 12) of the same
    shape."""
    mixed = cut(images)[..., ORDER, :, :].unflatten(-3, (GRID, GRID))
    return mixed.transpose(-3, -2).flatten(-4, -3).flatten(-2)


WORLDS = {"plain": lambda images: images, "jumbled": jumbled}


def squares(bright, row, noise=0.0):
    """Scenes (n, 1, 12, 12) of a square at each end, bright or dark (n, 2), in a row
    of tokens (n, 2); noise: number or of the scenes' shape."""
    tokens = torch.zeros(len(bright), 1, GRID, GRID)
    for side, column in enumerate((0, GRID - 1)):
        at = torch.arange(len(bright)), 0, row[:, side], column
        tokens[at] = 4.0 * bright[:, side] - 2
    big = tokens.repeat_interleave(PATCH, -1).repeat_interleave(PATCH, -2)
    return big + noise


def pairs(n, seed):
    """n scenes (n, 1, 12, 12) and whether the two are alike (n,)."""
    generator = torch.Generator().manual_seed(seed)
    bright = torch.randint(2, (n, 2), generator=generator)
    row = torch.randint(GRID, (n, 2), generator=generator)
    noise = 0.3 * torch.randn(n, 1, SIDE, SIDE, generator=generator)
    return squares(bright, row, noise), (bright[:, 0] == bright[:, 1]).long()


# %% [markdown]
# ## 학습
#
# 300스텝, 한 스텝에 32장이에요. 학습률은 모델마다 숫자 1000장을 그대로 배우게 해서 검증 이미지로 골라요. 시간이 걸려서 학습한 가중치를 저장해 두고
# 불러요. 환경 변수 `TRAIN_AGAIN=1`을 주면 모두 다시 학습해요.


# %%
def train(model, images, labels, lr):
    """The model, each seed learnt from its own images (S, n, 1, 12, 12), labels (S,
    n)."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=STEPS, pct_start=0.2
    )
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(len(images))[:, None]
    for _ in range(STEPS):
        i = torch.randint(
            images.shape[1], (len(images), BATCH), generator=generator
        )
        out = model(images[rows, i])  # (S, 32, classes)
        loss = F.cross_entropy(out.flatten(0, 1), labels[rows, i].flatten())
        optimizer.zero_grad()
        (len(images) * loss).backward()  # each seed's own mean
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def accuracy(model, images, labels):
    """Each seed's share of right answers on images (n, …) or (S, n, …): (S,)."""
    if images.ndim == 4:
        images = images.expand(len(model.head.weight), *images.shape)
    return (model(images).argmax(-1) == labels).double().mean(1)


RATES = (0.003, 0.01, 0.03)
TASKS = (("plain", 200), ("jumbled", 200))
JOBS = (
    [  # to the plain ViT jumbled patches are no other problem
        (name, *task) for name in MODELS for task in TASKS if name != "plain"
    ]
    + [("plain", *task) for task in TASKS[:1]]
)
FAR = {
    "plain": MODELS["plain"],
    "window": MODELS["window"],
    "fixed": {"allowed": (window(0), window(0))},
    "gate": MODELS["gate"],
}


def best_rate(name, pool, validation):
    """The rate that does best in the validation, and {rate: accuracy}."""
    images, labels, _ = draw(pool, 1000, (99,))
    found = {}
    for lr in RATES:
        model = train(build(name, 99, seeds=1), images, labels, lr)
        found[lr] = accuracy(model, *validation).item()
    return max(found, key=found.get), found


def learn(name, world, n, lr, pool):
    """The model after training on n digits in that world."""
    images, labels, _ = draw(pool, n, SEEDS)
    return train(build(name), WORLDS[world](images), labels, lr)


def learn_far(name, lr):
    """The model after training on 1000 scenes of two squares."""
    scenes = zip(*(pairs(1000, 1000 + seed) for seed in SEEDS))
    return train(far(name), *map(torch.stack, scenes), lr)


def far(name, **more):
    """The model for the question of the two squares before training."""
    return build("plain", classes=2, **FAR[name] | more)


# %%
if __name__ == "__main__":
    test, validation, pool = load()
    if os.environ.get("TRAIN_AGAIN") == "1":
        rate, models = {}, {}
        for name in MODELS:
            rate[name], found = best_rate(name, pool, validation)
            print(NAMES[name], rate[name], found)
        rate["fixed"] = rate["window"]
        for job in JOBS:
            models["_".join(map(str, job))] = learn(*job, rate[job[0]], pool)
        for name in FAR:
            models[f"{name}_same"] = learn_far(name, rate[name])
        kept = {
            f"{name}.rate": torch.tensor(lr, dtype=torch.float64)
            for name, lr in rate.items()
        }
        for key, model in models.items():
            for part, value in model.state_dict().items():
                kept[f"{key}.{part}"] = value.half()
        save_file(kept, WEIGHTS)
    kept = load_file(WEIGHTS)


def learnt(key, model):
    """The model with the kept weights of that name."""
    weights = {
        part.removeprefix(f"{key}."): value.float()
        for part, value in kept.items()
        if part.startswith(f"{key}.")
    }
    model.load_state_dict(weights)
    return model


# %%
if __name__ == "__main__":
    fresh = null["배우지 않은 모델"]
    null["패치를 섞은 이미지"], null["패치를 섞지 않은 이미지"] = {}, {}
    for name in MODELS:
        evidence[f"{name}_rate"] = kept[f"{name}.rate"].item()
    untrained = {
        (name, world): accuracy(build(name), change(test[0]), test[1])
        for name in MODELS
        for world, change in WORLDS.items()
    }
    for name, world, n in JOBS:
        key, change = f"{name}_{world}_{n}", WORLDS[world]
        model = learnt(key, build(name))
        evidence[key] = accuracy(model, change(test[0]), test[1])
        fresh[key] = untrained[name, world]
        images, labels, _ = draw(pool, n, SEEDS)
        evidence[f"{key}_train"] = accuracy(
            model, change(images[:, :200]), labels[:, :200]
        )

    # the plain ViT, its places jumbled with the patches: the same function
    model = learnt("plain_plain_200", build("plain"))
    with torch.no_grad():
        answers = model(test[0].expand(len(SEEDS), -1, -1, -1, -1))
        model.pos_embed.copy_(model.pos_embed[:, :, ORDER])
        mixed = model(jumbled(test[0]).expand(len(SEEDS), -1, -1, -1, -1))
    evidence["plain_indifferent"] = relative_error(mixed, answers)
    evidence["plain_jumbled_200"] = evidence["plain_plain_200"]
    fresh["plain_jumbled_200"] = fresh["plain_plain_200"]
    for name in MODELS:
        plain, mixed = f"{name}_plain_200", f"{name}_jumbled_200"
        null["패치를 섞은 이미지"][plain] = evidence[mixed]
        null["패치를 섞지 않은 이미지"][mixed] = evidence[plain]
    mean = {k: v.mean().item() for k, v in evidence.items() if torch.is_tensor(v)}
    WORDS = dict(zip(TASKS, ("200장", "섞은 200장")))
    table(
        "accuracy",
        "시험 정확도(괄호는 학습 이미지). 시드 다섯의 평균이고, 찍으면 10%예요",
        ["", *NAMES.values()],
        [
            [
                word,
                *(
                    f"{mean[key]:.0%}"
                    + (
                        f" ({mean[f'{key}_train']:.0%})"
                        if f"{key}_train" in mean
                        else ""
                    )
                    for key in (f"{name}_{world}_{n}" for name in MODELS)
                ),
            ]
            for (world, n), word in WORDS.items()
        ],
    )

# %% [markdown]
# ## 그냥 ViT보다 얼마나 나은가요
#
# 점 하나가 시드 하나예요. 같은 숫자로 배운 **같은 시드끼리** 뺐어요.

# %%
if __name__ == "__main__":
    others = list(MODELS)[1:]
    gains = {
        (name, task): evidence[f"{name}_{task[0]}_{task[1]}"]
        - evidence[f"plain_{task[0]}_{task[1]}"]
        for name in others
        for task in TASKS
    }
    fig, ax = plt.subplots(figsize=(4.5, 3.2))
    for shift, task, colour in zip((-0.15, 0.15), TASKS, (BLUE, ORANGE)):
        for i, name in enumerate(others):
            gain, x = gains[name, task], i + shift
            word = None if i else WORDS[task]
            ax.bar(x, gain.mean(), 0.28, color=colour, alpha=0.45, label=word)
            ax.plot([x] * len(gain), gain, "o", color=colour, markersize=4)
    ax.axhline(0, color=INK, linewidth=1)
    ax.set_title("그냥 ViT보다 더 맞힌 몫")
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%p")
    ax.set_xticks(range(3), [NAMES[name] for name in others])
    ax.legend()
    told = "; ".join(
        f"{word} "
        + ", ".join(
            f"{NAMES[name]} {100 * gains[name, task].mean():+.0f}%p"
            for name in others
        )
        for task, word in WORDS.items()
    )
    show(fig, "gains", f"그냥 ViT와의 정확도 차이: {told}.")

# %% [markdown]
# ## 먼 문제: 무엇을 못 배우게 되나요
#
# 둘을 함께 보는 토큰이 없으면 점수는 $f(\text{왼쪽}) + g(\text{오른쪽})$이라, 네 경우의 점수를 더하고 빼면 0이에요. 그런 점수로는 네 경우 가운데 많아야 셋(75%)을
# 맞혀요.


# %%
@torch.no_grad()
def gap(model):
    """How far each seed's score is from a sum of one part a square: |s11 + s00 -
    s10 - s01| over the largest |s|, (S,)."""
    bright = torch.tensor([[1, 1], [0, 0], [1, 0], [0, 1]])
    scenes = squares(bright, torch.full((4, 2), 1))
    out = model(scenes.expand(len(SEEDS), -1, -1, -1, -1))
    score = out[..., 1] - out[..., 0]  # (S, 4)
    return (score @ torch.tensor([1.0, 1, -1, -1])).abs() / score.abs().amax(1)


@torch.no_grad()
def outside(model, images):
    """Share of the weight beyond the 3 x 3 neighbours, of all heads and blocks:
    (S,)."""
    model(images.expand(len(SEEDS), *images.shape))
    maps = torch.stack([block.attn.map for block in model.blocks])
    return (maps * ~NEAR).sum(-1).mean((0, 2, 3, 4))


# %%
if __name__ == "__main__":
    scenes, alike = pairs(500, seed=7)
    for name in FAR:
        model = learnt(f"{name}_same", far(name))
        evidence[f"{name}_same"] = accuracy(model, scenes, alike)
        evidence[f"{name}_gap"] = gap(model)
        fresh[f"{name}_same"] = accuracy(far(name), scenes, alike)
        fresh[f"{name}_gap"] = gap(far(name))
    for key, images, model in (
        ("digits", test[0], learnt("gate_plain_200", build("gate"))),
        ("jumbled", jumbled(test[0]), learnt("gate_jumbled_200", build("gate"))),
        ("far", scenes, learnt("gate_same", far("gate"))),
    ):
        evidence[f"outside_{key}"] = outside(model, images)
        gates = [block.attn.gate.sigmoid().flatten(1) for block in model.blocks]
        evidence[f"gate_{key}"] = torch.cat(gates, 1).mean(1).detach()
        start = build("gate", classes=model.head.bias.shape[-1])
        evidence[f"start_{key}"] = outside(start, images)
        fresh[f"outside_{key}"] = fresh[f"start_{key}"] = evidence[f"start_{key}"]
        fresh[f"gate_{key}"] = torch.full((len(SEEDS),), 1.0).sigmoid()
    evidence["gate_start"] = torch.tensor(1.0).sigmoid().item()
    evidence["even"] = (~NEAR).float().mean().item()
    table(
        "far",
        "두 네모의 밝기가 같은지 맞힌 몫. 시드 다섯의 평균이고, 찍으면 50%예요",
        ["", "정확도", "합에서 벗어난 만큼"],
        [
            [
                word,
                f"{evidence[f'{name}_same'].mean():.0%}",
                f"{evidence[f'{name}_gap'].mean():.0e}",
            ]
            for name, word in (
                ("plain", "그냥 ViT"),
                ("fixed", "옮기지 않은 창"),
                ("window", "옮긴 창"),
                ("gate", "문"),
            )
        ],
    )

    fig, ax = plt.subplots(figsize=(4.5, 3))
    for i, (key, word) in enumerate(
        (("digits", "숫자"), ("jumbled", "섞은 숫자"), ("far", "먼 문제"))
    ):
        before, after = evidence[f"start_{key}"], evidence[f"outside_{key}"]
        ax.bar(i, after.mean(), 0.5, color=VIOLET, alpha=0.4)
        ax.plot([i] * len(after), after, "o", color=VIOLET)
        ax.plot([i - 0.3, i + 0.3], [before.mean()] * 2, color=INK, linewidth=2)
    ax.axhline(evidence["even"], color=INK, linestyle=":", linewidth=1)
    ax.set_xticks(range(3), ("숫자", "섞은 숫자", "먼 문제"))
    ax.set(
        title="이웃 밖을 보는 몫 (검은 줄: 배우기 전, 점선: 고르게 볼 때)",
        ylim=(0, 0.75),
    )
    ax.yaxis.set_major_formatter("{x:.0%}")
    found = ", ".join(
        f"{word} {evidence[f'outside_{key}'].mean():.0%}"
        for key, word in (
            ("digits", "숫자"),
            ("jumbled", "섞은 숫자"),
            ("far", "먼 문제"),
        )
    )
    show(fig, "left", f"문이 배운 뒤에 이웃 밖을 보는 몫: {found}.")

# %%
if __name__ == "__main__":
    tolerance = {k: 0.1 for k, v in evidence.items() if torch.is_tensor(v)}
    evidence
