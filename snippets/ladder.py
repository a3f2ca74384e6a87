# %% [markdown]
# # 사다리: MLP에서 합성곱까지 가정을 하나씩 더하기
#
# CNN의 이득은 어디에서 올까요? 가까운 픽셀만 보는 것(지역성), 같은 필터를 모든 자리에 쓰는 것(가중치 공유), 자리를 버리는 것(전역 풀링)을
# **하나씩** 더하면서 같은 데이터, 같은 스텝으로 학습해 봐요. 옆에는 다른 길로 가는 ViT를 둬요.

# %%
import os
import statistics

import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, VIOLET, plt, show, table
from lib.measure import relative_error
from lib.paths import data_path
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits
from torch import nn
from torch.func import functional_call, stack_module_state
from torch.nn.attention import SDPBackend, sdpa_kernel
from vit import VisionTransformer

SIDE = 12  # pixels of an image
SIZES, SEEDS = (50, 200, 1000), range(5)
STEPS, BATCH = 1000, 32
WEIGHTS = data_path("ladder_vit.safetensors")

# %% [markdown]
# ## 데이터: 아무 데나 놓인 손글씨 숫자
#
# 8×8 손글씨 숫자 1797장을 12×12 칸의 아무 자리(25곳 가운데 하나)에 놓아요. 시험 497장과 검증 300장은 **모든 시드에 똑같고**,
# 시드가 바꾸는 것은 나머지 1000장에서 무엇을 어디에 놓고 배우는지와 초기값이에요.


# %%
def place(digits, offsets):
    """Digits (n, 8, 8) on blank images, the corner of each at its offset (row,
    column), standardised: (n, 1, 12, 12)."""
    images = torch.zeros(len(digits), 1, SIDE, SIDE)
    for image, digit, (row, column) in zip(images, digits, offsets.tolist()):
        image[0, row : row + 8, column : column + 8] = digit
    return (images - 0.1356) / 0.2865  # mean and std of all pixels


def somewhere(n, generator):
    """Places for n digits, uniform over those that fit: (n, 2)."""
    return torch.randint(SIDE - 8 + 1, (n, 2), generator=generator)


def load():
    """(images, labels) of the test and of the validation, then (digits, labels) to
    learn from: 497, 300 and 1000."""
    generator = torch.Generator().manual_seed(0)
    data = load_digits()
    order = torch.randperm(len(data.target), generator=generator)
    digits = torch.tensor(data.images).float()[order] / 16
    labels = torch.tensor(data.target)[order]
    offsets = somewhere(797, generator)
    seen = place(digits[:797], offsets)
    return (
        (seen[:497], labels[:497]),
        (seen[497:], labels[497:797]),
        (digits[797:], labels[797:]),
    )


def shuffled(images, seed=0):
    """The same new order of pixels for every image: neighbours are lost, nothing
    else."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(SIDE**2, generator=generator)
    return images.flatten(-2)[..., order].view_as(images)


# %% [markdown]
# ## 네 칸: 아래 칸은 위 칸의 특별한 경우예요
#
# 넷 다 은닉 숫자의 개수가 같아요. 12×12 → 8×8×8 → 4×4×16 → 10이에요. 다른 것은 선이 몇 개이고, 그 가운데 몇 개가 같은 값인지뿐이에요.
#
# - **MLP**: 모든 픽셀과 모든 은닉 숫자를 이어요.
# - **지역**: 5×5 창 안만 이어요. 나머지 선은 0이에요. 가중치는 자리마다 따로예요.
# - **공유**: 모든 자리의 창이 같은 가중치를 써요. 이게 **합성곱**이에요.
# - **풀링**: 마지막에 16채널을 자리 16곳에서 평균 내요. 답을 내는 층이 자리를 몰라요.


# %%
class Local(nn.Module):
    """nn.Conv2d(c, d, k) whose weights differ from place to place: (B, c, s, s) ->
    (B, d, n, n) with n = s - k + 1."""

    def __init__(self, c, d, k, s):
        super().__init__()
        self.k, self.n = k, s - k + 1
        bound = (c * k * k) ** -0.5  # as nn.Conv2d starts
        weight = torch.empty(self.n**2, d, c * k * k)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound))
        bias = torch.empty(self.n**2, d)
        self.bias = nn.Parameter(bias.uniform_(-bound, bound))

    def forward(self, x):
        windows = F.unfold(x, self.k)  # (B, c k k, n n)
        y = torch.einsum("bkp,pdk->bdp", windows, self.weight) + self.bias.T
        return y.unflatten(2, (self.n, self.n))


def mlp():
    """Every pixel with every hidden number: (B, 1, 12, 12) -> (B, 10)."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(144, 512),
        nn.ReLU(),
        nn.Linear(512, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def local():
    """Windows of 5 x 5 alone, each place's weights its own."""
    return nn.Sequential(
        Local(1, 8, 5, 12),  # (B, 8, 8, 8)
        nn.ReLU(),
        Local(8, 16, 5, 8),  # (B, 16, 4, 4)
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def shared():
    """The same, every place with the same weights: convolutions."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.ReLU(),
        nn.Conv2d(8, 16, 5),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def pooled():
    """The same, and the answer no longer knows the place."""
    return nn.Sequential(
        *shared()[:4],
        nn.AdaptiveAvgPool2d(1),  # (B, 16, 1, 1): the mean over all places
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def vit():
    """9 patches of 4 x 4 pixels, two blocks: (B, 1, 12, 12) -> (B, 10)."""
    model = VisionTransformer(
        img_size=SIDE,
        patch_size=4,
        in_chans=1,
        num_classes=10,
        embed_dim=32,
        depth=2,
        num_heads=4,
        mlp_ratio=2,
    )
    for weight in model.blocks.parameters():
        if weight.ndim == 2:  # std 0.02 is too small for so narrow a model
            nn.init.xavier_uniform_(weight)
    return model


MODELS = {
    "mlp": mlp,
    "local": local,
    "shared": shared,
    "pooled": pooled,
    "vit": vit,
}
NAMES = dict(zip(MODELS, ("MLP", "지역", "공유(합성곱)", "풀링", "ViT")))

# %% [markdown]
# "특별한 경우"라는 말을 확인해 봐요. 풀링 모델의 가중치를 옮겨 담으면 공유 모델이, 그것을 자리마다 베끼면 지역 모델이, 창 밖을 0으로 채우면
# MLP가 **같은 함수**가 돼요. 거꾸로는 안 돼요. 그래서 한 칸 내려갈 때마다 고를 수 있는 함수가 줄어요. 편향이 **강해진다**는 말의 뜻이에요.


# %%
def as_shared(model):
    """The shared model that is the same function as a pooled one."""
    same = shared()
    same[0], same[2] = model[0], model[2]
    head = model[-1].weight.repeat_interleave(16, dim=1) / 16  # (10, 256)
    same[-1].weight.data, same[-1].bias.data = head, model[-1].bias.data
    return same


def as_local(model):
    """The local model that is the same function as a shared one."""
    same = local()
    for i in (0, 2):  # the same at every place
        same[i].weight.data[:] = model[i].weight.flatten(1)
        same[i].bias.data[:] = model[i].bias
    same[-1] = model[-1]
    return same


def as_mlp(model):
    """The MLP that is the same function as a local one: each layer's matrix is what
    it makes of every single pixel."""
    same = mlp()
    for i, at, (c, s) in ((0, 1, (1, 12)), (2, 3, (8, 8))):
        zero = model[i](torch.zeros(1, c, s, s)).flatten()
        single = torch.eye(c * s * s).view(-1, c, s, s)
        same[at].weight.data = (model[i](single).flatten(1) - zero).T
        same[at].bias.data = zero
    same[-1] = model[-1]
    return same


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {"배우지 않은 모델": {}}
    test, validation, pool = load()
    torch.manual_seed(0)
    with torch.no_grad():
        model = pooled()
        answers = model(test[0])
        for name, wider in (
            ("shared", as_shared),
            ("local", as_local),
            ("mlp", as_mlp),
        ):
            model = wider(model)
            evidence[f"{name}_same"] = relative_error(model(test[0]), answers)
            print(
                f"{NAMES[name]}에 옮겨 담으면 로짓의 차이가 {evidence[f'{name}_same']:.0e}"
            )
    for name, make in MODELS.items():
        evidence[f"{name}_params"] = sum(p.numel() for p in make().parameters())
        print(f"{NAMES[name]}: 파라미터 {evidence[f'{name}_params']:,}개")


# %% [markdown]
# ## 시드 다섯을 한꺼번에 학습해요
#
# 가중치를 시드끼리 쌓아 두고 `torch.vmap`으로 함께 계산해요. 모델마다 1000스텝, 한 스텝에 32장이고 AdamW예요. 학습 이미지가 몇 장이든 같아요.


# %%
def untrained(make, seeds):
    """A model of each seed, their parameters stacked: {name: (seeds, …)}."""
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(make())
    params, _ = stack_module_state(models)
    return {name: p.detach().requires_grad_() for name, p in params.items()}


def logits(make, params, images):
    """Each seed's answers on its images: (seeds, n, 1, 12, 12) -> (seeds, n, 10)."""
    model = make()
    with sdpa_kernel(SDPBackend.MATH):  # the one that vmap can stack
        return torch.vmap(lambda p, x: functional_call(model, p, (x,)))(
            params, images
        )


def train(make, images, labels, lr, seeds, steps=STEPS, watch=None):
    """Stacked parameters, each seed's learnt from its own images (seeds, n, 1, 12,
    12) and labels (seeds, n); watch(params) is called every 100 steps."""
    params = untrained(make, seeds)
    optimizer = torch.optim.AdamW(params.values(), lr=lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=steps, pct_start=0.2
    )
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(len(images))[:, None]
    for step in range(1, steps + 1):
        i = torch.randint(
            images.shape[1], (len(images), BATCH), generator=generator
        )
        out = logits(make, params, images[rows, i])  # (seeds, 32, 10)
        loss = F.cross_entropy(out.flatten(0, 1), labels[rows, i].flatten())
        optimizer.zero_grad()
        (len(images) * loss).backward()  # each seed's own mean
        optimizer.step()
        schedule.step()
        if watch and step % 100 == 0:
            watch(params)
    return params


@torch.no_grad()
def accuracy(make, params, images, labels):
    """Each seed's share of right answers on images (n, …) or (seeds, n, …)."""
    if images.ndim == 4:
        images = images.expand(len(next(iter(params.values()))), *images.shape)
    return (logits(make, params, images).argmax(-1) == labels).double().mean(1)


@torch.no_grad()
def test_loss(make, params, images, labels):
    """Each seed's mean cross-entropy on images (n, …), in nats: (seeds,)."""
    count = len(next(iter(params.values())))
    out = logits(make, params, images.expand(count, *images.shape))
    every = F.cross_entropy(
        out.flatten(0, 1), labels.repeat(count), reduction="none"
    )
    return every.view(count, -1).mean(1)


# %% [markdown]
# ## 네 가지 세상
#
# - **그대로**: 숫자마다 아무 자리 하나.
# - **섞음**: 모든 이미지의 픽셀을 똑같은 순서로 섞어요. "가까운 픽셀", "옮겨도 같은 무늬"라는 가정이 **둘 다** 틀려요.
# - **증강**: 숫자 50개를 저마다 25곳 모두에 놓아요. "자리는 상관없다"를 데이터로 알려 주는 거예요.
# - **틀린 이름표**: 1000장 가운데 다섯에 하나에 틀린 이름표를 붙여요. 이것까지 외우는 것이 과적합이에요.


# %%
def seen_in(world, images):
    """Images as a world shows them."""
    return shuffled(images) if world == "shuffled" else images


def draw(pool, n, seeds, world="plain"):
    """What each seed learns from: images (seeds, n, 1, 12, 12), labels (seeds, n)
    and which of these are wrong (seeds, n); 25 n instead of n where moved."""
    drawn = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(1000 + seed)
        i = torch.randperm(len(pool[1]), generator=generator)[:n]
        digits, labels = pool[0][i], pool[1][i]
        offsets = somewhere(n, generator)
        if world == "moved":
            digits, labels = digits.repeat(25, 1, 1), labels.repeat(25)
            corners = torch.arange(SIDE - 8 + 1)
            offsets = torch.cartesian_prod(corners, corners).repeat_interleave(
                n, dim=0
            )
        wrong = torch.zeros(len(labels), dtype=torch.bool)
        if world == "noisy":
            wrong[: n // 5] = True
            labels = (
                labels + wrong * torch.randint(1, 10, (n,), generator=generator)
            ) % 10
        images = place(digits, offsets)
        drawn.append((seen_in(world, images), labels, wrong))
    return [torch.stack(parts) for parts in zip(*drawn)]


# %% [markdown]
# 학습률은 모델마다, 그대로인 이미지와 섞은 이미지에서 **따로** 골라요. 시험에 쓰지 않는 시드 하나로 200장과 1000장을 배워 검증 이미지의
# 평균이 가장 높은 값이에요. 고른 학습률과 느린 ViT의 가중치는 저장해 두고 불러요. 환경 변수 `FULL_RUN=1`을 주면 다시 고르고 학습해요.

# %%
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


def best_rate(make, world, pool, validation, seeds=(99,)):
    """The rate of RATES that does best in the validation, and {rate: accuracy}."""
    look, found = seen_in(world, validation[0]), {}
    for lr in RATES:
        found[lr] = statistics.mean(
            accuracy(
                make, train(make, *data[:2], lr, seeds), look, validation[1]
            ).item()
            for data in (draw(pool, n, seeds, world) for n in SIZES[1:])
        )
    return max(found, key=found.get), found


# %%
if __name__ == "__main__":
    full_run = os.environ.get("FULL_RUN") == "1"
    kept = {} if full_run else load_file(WEIGHTS)
    for name, make in MODELS.items():
        for world in ("plain", "shuffled"):
            key = f"{name}_{world}_rate"
            if full_run:
                best, found = best_rate(make, world, pool, validation)
                kept[key] = torch.tensor(best, dtype=torch.float64)
                tried = ", ".join(f"{lr}: {a:.0%}" for lr, a in found.items())
                print(f"{NAMES[name]}, {world}: {best} (검증 {tried})")
            evidence[key] = kept[key].item()


# %%
def learnt(name, images, labels, key, world):
    """Stacked parameters after training, and the test loss on the way: (10, seeds).
    The ViT's come from kept unless this is a full run."""
    make, curve, look = MODELS[name], [], seen_in(world, test[0])
    chosen = "shuffled" if world == "shuffled" else "plain"
    if name == "vit" and not full_run:
        params = {
            part.removeprefix(f"{key}."): value.float()
            for part, value in kept.items()
            if part.startswith(f"{key}.")
        }
        return params, params.pop("curve")
    params = train(
        make,
        images,
        labels,
        evidence[f"{name}_{chosen}_rate"],
        SEEDS,
        watch=lambda params: curve.append(test_loss(make, params, look, test[1])),
    )
    curve = torch.stack(curve)
    if name == "vit":  # as they are kept
        kept.update(
            {f"{key}.{part}": p.detach().half() for part, p in params.items()}
        )
        kept[f"{key}.curve"] = curve
        params = {part: p.detach().half().float() for part, p in params.items()}
    return params, curve


# %%
if __name__ == "__main__":
    fresh = null["배우지 않은 모델"]
    trained, curves = {}, {}
    TASKS = {f"plain_{n}": (n, "plain") for n in SIZES}
    TASKS |= {f"shuffled_{n}": (n, "shuffled") for n in SIZES[1:]}
    TASKS |= {"moved_50": (50, "moved"), "noisy_1000": (1000, "noisy")}
    for task, (n, world) in TASKS.items():
        images, labels, wrong = draw(pool, n, SEEDS, world)
        look = seen_in(world, test[0])
        for name, make in MODELS.items():
            params, curves[name, task] = learnt(name, images, labels, task, world)
            trained[name, task] = params
            evidence[f"{name}_{task}_train"] = accuracy(
                make, params, images, labels
            )
            evidence[f"{name}_{task}"] = accuracy(make, params, look, test[1])
            fresh[f"{name}_{task}"] = accuracy(
                make, untrained(make, SEEDS), look, test[1]
            )
            if world == "noisy":
                i = wrong[0]  # the same first fifth for all
                evidence[f"{name}_memorised"] = accuracy(
                    make, params, images[:, i], labels[:, i]
                )
                fresh[f"{name}_memorised"] = accuracy(
                    make, untrained(make, SEEDS), images[:, i], labels[:, i]
                )
    if full_run:
        save_file(kept, WEIGHTS)

    # in a world where the assumptions are wrong, and in one where nothing is
    null["픽셀을 섞은 이미지"], null["픽셀을 섞지 않은 이미지"] = {}, {}
    null["증강하지 않은 50장"], null["바른 이름표"] = {}, {}
    for name in MODELS:
        for n in SIZES[1:]:
            plain, mixed = f"{name}_plain_{n}", f"{name}_shuffled_{n}"
            null["픽셀을 섞은 이미지"][plain] = evidence[mixed]
            null["픽셀을 섞지 않은 이미지"][mixed] = evidence[plain]
        null["증강하지 않은 50장"][f"{name}_moved_50"] = evidence[
            f"{name}_plain_50"
        ]
        null["바른 이름표"][f"{name}_noisy_1000"] = evidence[f"{name}_plain_1000"]
    mean = {k: v.mean().item() for k, v in evidence.items() if torch.is_tensor(v)}
    table(
        "accuracy",
        "시험 정확도(괄호는 학습 정확도). 시드 다섯의 평균이고, 찍으면 10%예요",
        ["", *NAMES.values()],
        [
            [
                {
                    "plain": "",
                    "shuffled": "섞은 ",
                    "moved": "증강한 ",
                    "noisy": "틀린 이름표 ",
                }[world]
                + f"{n}장",
                *(
                    f"{mean[f'{name}_{task}']:.0%} ({mean[f'{name}_{task}_train']:.0%})"
                    for name in MODELS
                ),
            ]
            for task, (n, world) in TASKS.items()
        ],
    )

# %% [markdown]
# ## 무엇이 이득을 줬을까요
#
# 칸을 하나 내려갈 때마다 **같은 시드끼리** 정확도의 차이를 봐요. 점 하나가 시드 하나예요.

# %%
if __name__ == "__main__":
    RUNGS = ("mlp", "local", "shared", "pooled")
    fig, axes = plt.subplots(2, 1, figsize=(4.5, 5), sharex=True, sharey=True)
    for ax, n in zip(axes, SIZES[1:]):
        for shift, part, colour, word in (
            (-0.15, "plain", BLUE, "이미지 그대로"),
            (0.15, "shuffled", ORANGE, "픽셀을 섞음"),
        ):
            for i, (above, below) in enumerate(zip(RUNGS, RUNGS[1:])):
                gain = (
                    evidence[f"{below}_{part}_{n}"]
                    - evidence[f"{above}_{part}_{n}"]
                )
                x = i + shift
                ax.bar(x, gain.mean(), 0.28, color=colour, alpha=0.45, label=word)
                ax.plot([x] * len(gain), gain, "o", color=colour, markersize=4)
                word = None
        ax.axhline(0, color=INK, linewidth=1)
        ax.set_title(f"{n}장: 바로 위 칸보다 얼마나 나은지")
        ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%p")
    axes[0].legend(loc="upper left")
    axes[1].set_xticks(range(3), ("+ 지역성", "+ 가중치 공유", "+ 전역 풀링"))
    words = {
        part: ", ".join(
            f"{word} {100 * (mean[f'{below}_{part}_1000'] - mean[f'{above}_{part}_1000']):+.0f}%p"
            for word, above, below in zip(
                ("지역성", "가중치 공유", "전역 풀링"), RUNGS, RUNGS[1:]
            )
        )
        for part in ("plain", "shuffled")
    }
    show(
        fig,
        "gains",
        f"바로 위 칸보다 오른 정확도이고, 점 하나가 시드 하나예요. 1000장에서 그대로면 {words['plain']}, "
        f"픽셀을 섞으면 {words['shuffled']}예요.",
    )

    fig, ax = plt.subplots(figsize=(4.5, 3.2))
    colours = dict(zip(MODELS, (GREEN, VIOLET, BLUE, INK, ORANGE)))
    for name, marker in zip(MODELS, "Dv^so"):
        y = [mean[f"{name}_plain_{n}"] for n in SIZES]
        ax.plot(SIZES, y, marker=marker, color=colours[name], label=NAMES[name])
    ax.axhline(0.1, color=INK, linestyle=":", linewidth=1)
    ax.set(title="시험 정확도", xscale="log", ylim=(0, 1.4))
    ax.set_xlabel("학습 이미지 수 (로그 축)")
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.set_xticks(SIZES, SIZES)
    ax.set_yticks((0, 0.2, 0.4, 0.6, 0.8, 1))
    ax.minorticks_off()
    ax.legend(loc="upper left", ncols=3)
    ends = ", ".join(
        f"{NAMES[name]} {mean[f'{name}_plain_1000']:.0%}" for name in MODELS
    )
    show(fig, "by_size", f"학습 이미지 1000장에서 {ends}예요.")

# %% [markdown]
# ## 조금 돌리면 어떨까요
#
# 1000장으로 배운 모델에게 시험 이미지를 가운데를 축으로 돌려서 보여 줘요. 아무도 돌린 숫자를 배우지 않았어요.


# %%
def turned(images, degrees):
    """Images turned about their middle, what comes from outside blank: same shape."""
    angle = torch.deg2rad(torch.tensor(float(degrees)))
    row = torch.stack([angle.cos(), angle.sin(), torch.zeros(())])
    column = torch.stack([-angle.sin(), angle.cos(), torch.zeros(())])
    grid = F.affine_grid(
        torch.stack([row, column]).expand(len(images), 2, 3),
        images.shape,
        align_corners=False,
    )
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


# %%
if __name__ == "__main__":
    DEGREES = (5, 10, 20, 30, 45, 90)
    for name, make in MODELS.items():
        for degrees in DEGREES:
            look = turned(test[0], degrees)
            right = accuracy(make, trained[name, "plain_1000"], look, test[1])
            evidence[f"{name}_turned_{degrees}"] = right
            null["배우지 않은 모델"][f"{name}_turned_{degrees}"] = accuracy(
                make, untrained(make, SEEDS), look, test[1]
            )
    table(
        "turned",
        "돌린 시험 이미지의 정확도 (1000장으로 학습, 시드 다섯의 평균)",
        ["", "0°", *(f"{degrees}°" for degrees in DEGREES)],
        [
            [
                NAMES[name],
                f"{mean[f'{name}_plain_1000']:.0%}",
                *(f"{evidence[f'{name}_turned_{d}'].mean():.0%}" for d in DEGREES),
            ]
            for name in MODELS
        ],
    )

# %% [markdown]
# ## 과적합: 틀린 이름표까지 외울까요
#
# 학습하는 동안 시험 손실을 봐요. 더 배울수록 나빠지면 과적합이에요.

# %%
if __name__ == "__main__":
    fig, ax = plt.subplots(figsize=(4.5, 3.2))
    for name, marker in zip(MODELS, "Dv^so"):
        loss = curves[name, "noisy_1000"]  # (10, seeds)
        evidence[f"{name}_loss_rise"] = loss[-1] - loss.min(dim=0).values
        null["바른 이름표"][f"{name}_loss_rise"] = (
            curves[name, "plain_1000"][-1]
            - curves[name, "plain_1000"].min(dim=0).values
        )
        x = range(100, STEPS + 1, 100)
        ax.plot(
            x, loss.mean(1), marker=marker, color=colours[name], label=NAMES[name]
        )
    ax.set(title="시험 손실: 이름표 다섯에 하나가 틀릴 때", xlabel="스텝")
    ax.set_ylim(0, 3.4)
    ax.legend(loc="upper left", ncols=3)
    rises = ", ".join(
        f"{NAMES[name]} {evidence[f'{name}_loss_rise'].mean():.1f}"
        for name in MODELS
    )
    show(
        fig,
        "overfitting",
        f"가장 낮았던 때보다 끝에 오른 시험 손실(나트): {rises}.",
    )
    table(
        "memorised",
        "틀린 이름표 200장을 그대로 외운 몫과 시험 정확도 (시드 다섯의 평균)",
        ["", "외운 몫", "시험 정확도", "바른 이름표였다면"],
        [
            [
                NAMES[name],
                f"{evidence[f'{name}_memorised'].mean():.0%}",
                f"{mean[f'{name}_noisy_1000']:.0%}",
                f"{mean[f'{name}_plain_1000']:.0%}",
            ]
            for name in MODELS
        ],
    )

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.1 for name, value in evidence.items() if torch.is_tensor(value)
    }
    tolerance |= {f"{name}_loss_rise": 1.0 for name in MODELS}
    evidence
