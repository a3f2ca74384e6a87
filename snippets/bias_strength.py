# %% [markdown]
# # 귀납적 편향의 세기, 데이터 양으로 재 보기
#
# 귀납적 편향(inductive bias)은 데이터를 보기 **전부터** 모델이 품고 있는 가정이에요. 가정이 강한 순서로 CNN, ViT, MLP 셋을 놓고,
# 학습 이미지 수를 바꿔 가며 시험 정확도를 재요. 그다음 픽셀 순서를 뒤섞어 CNN의 가정만 깨뜨리고 똑같이 다시 재요.
# 두 결과를 나란히 놓으면 "강한 편향이 좋다"와 "약한 편향이 좋다" 가운데 무엇이 맞는지 드러나요.

# %%
import copy
import statistics

import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, show, table
from lib.measure import accuracy, relative_error
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from torch import nn
from vit import VisionTransformer

CANVAS, TEST, SIZES, SEEDS = 12, 500, (50, 250, 1250), (0, 1, 2)
STEPS, BATCH = 340, 32
RATES = {
    "CNN": (0.003, 0.01, 0.03),
    "ViT": (0.001, 0.003, 0.01),
    "MLP": (0.003, 0.01, 0.03),
}  # learning rates to try
MEAN, STD = 0.1356, 0.2865  # of all the canvas's pixels, ink running from 0 to 1


# %% [markdown]
# ## 데이터: 아무 데나 놓인 손글씨 숫자
#
# 8×8 손글씨 숫자를 12×12 빈 칸의 아무 자리(25곳 가운데 하나)에 놓아요. 가운데에 고정해 두면 픽셀 자리만 외워도 맞힐 수 있어서,
# 자리를 옮겨야 "어디에 있든 같은 숫자"라는 CNN의 가정이 뜻을 가져요.
# 뒤섞은 데이터는 모든 이미지의 픽셀을 **똑같은 순서로** 재배치한 거예요. 담긴 정보는 그대로인데 이웃한 픽셀끼리 닮았다는 가정만 무너져요.

# %%
PERMUTATION = torch.randperm(
    CANVAS**2, generator=torch.Generator().manual_seed(0)
)  # the same one for every image


def place(digits, offsets):
    """Digits (n, 8, 8) on empty canvases (n, 12, 12), the corner of each at its
    offset (row, column)."""
    rows, columns = (
        offsets[:, axis, None] + torch.arange(8) for axis in (0, 1)
    )  # (n, 8) each
    canvas = torch.zeros(len(digits), CANVAS, CANVAS)
    canvas[
        torch.arange(len(digits))[:, None, None],
        rows[:, :, None],
        columns[:, None, :],
    ] = digits
    return canvas


def random_offsets(n, generator):
    """Places for n digits, uniform over those that fit: (n, 2)."""
    return torch.randint(CANVAS - 8 + 1, (n, 2), generator=generator)


def images(digits, offsets, permuted=False):
    """What a model sees: standardised (n, 1, 12, 12), all with their pixels in the
    same new order if permuted."""
    x = (place(digits, offsets) - MEAN) / STD
    if permuted:
        x = x.flatten(1)[:, PERMUTATION].view_as(x)
    return x[:, None]


def load(seed):
    """The seed's pool of 1297 digits to train on and its 500 to test on: (digits,
    offsets, labels) each."""
    generator = torch.Generator().manual_seed(seed)
    data = load_digits()
    order = torch.randperm(len(data.target), generator=generator)
    digits, labels = (
        torch.tensor(data.images).float()[order] / 16,
        torch.tensor(data.target)[order],
    )
    offsets = random_offsets(len(order), generator)
    return [
        [part[where] for part in (digits, offsets, labels)]
        for where in (slice(TEST, None), slice(TEST))
    ]


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    digits, offsets, labels = load(SEEDS[0])[0]
    fig, axes = plt.subplots(2, 5, figsize=(4.5, 2.1))
    for permuted, row in zip((False, True), axes):
        for ax, x in zip(row, images(digits[:5], offsets[:5], permuted)):
            ax.imshow(x[0], cmap="gray_r")
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel("섞음" if permuted else "그대로")
    show(
        fig,
        "digits",
        f"위는 숫자 {', '.join(str(int(label)) for label in labels[:5])}이고, 아래는 같은 이미지의 픽셀을 "
        "모두 같은 순서로 섞은 것이라 사람 눈에는 점무늬로만 보여요.",
    )

# %% [markdown]
# ## 모델 셋: 파라미터 수는 거의 같고 가정만 달라요
#
# - **CNN**: 가까운 픽셀끼리 먼저 엮고(지역성), 같은 필터를 모든 자리에 써요(가중치 공유). 가정이 가장 강해요.
# - **ViT**: 4×4 패치로 자를 때만 이웃을 가정하고, 패치끼리의 관계는 어텐션으로 배워요.
# - **MLP**: 픽셀 144개를 그냥 펴서 넣어요. 어느 픽셀이 이웃인지도 모르니, 픽셀 순서를 섞어도 풀어야 할 문제가 똑같아요.


# %%
def cnn():
    """Two 3 x 3 convolutions, each with pooling, then two linear layers: (B, 1, 12,
    12) -> (B, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (B, 16, 6, 6)
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (B, 32, 3, 3)
        nn.Flatten(),
        nn.Linear(288, 48),
        nn.ReLU(),
        nn.Linear(48, 10),
    )


def vit():
    """A ViT of 9 patches and two blocks: (B, 1, 12, 12) -> (B, 10)."""
    model = VisionTransformer(
        img_size=CANVAS,
        patch_size=4,
        in_chans=1,
        num_classes=10,
        embed_dim=32,
        depth=2,
        num_heads=4,
        mlp_ratio=2,
    )
    for module in model.blocks.modules():
        if isinstance(
            module, nn.Linear
        ):  # as the authors' own code: a std of 0.02 is too small for so narrow a model
            nn.init.xavier_uniform_(module.weight)
    return model


def mlp(width=80):
    """Two hidden layers: (B, 1, 12, 12) -> (B, 10)."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(CANVAS**2, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, 10),
    )


MODELS = {"CNN": cnn, "ViT": vit, "MLP": mlp}


# %% [markdown]
# ## 학습법도 똑같이
#
# 셋 다 AdamW로 미니배치 32장씩 340번 보고, 학습률은 올렸다가(처음 20 %) 코사인으로 내려요. 학습 이미지가 몇 장이든 스텝 수는 같아요.
# `moving=True`이면 스텝마다 숫자를 새 자리에 놓아요. 모델은 그대로인데 "자리는 상관없다"는 가정을 데이터로 넣어 주는 셈이에요.


# %%
def untrained(make, seed):
    """The model that train() starts from."""
    torch.manual_seed(seed)
    return make().to(
        memory_format=torch.channels_last
    )  # the same numbers, and pooling is faster on a CPU


def train(make, digits, offsets, labels, lr, seed, permuted=False, moving=False):
    """A model made by make() and trained; with moving=True each step puts the
    digits in new places."""
    model = untrained(make, seed)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=lr, weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=STEPS, pct_start=0.2
    )
    still = images(digits, offsets, permuted)
    for _ in range(STEPS):
        i = torch.randint(len(labels), (BATCH,), generator=generator)
        x = (
            images(digits[i], random_offsets(BATCH, generator), permuted)
            if moving
            else still[i]
        )
        loss = F.cross_entropy(model(x), labels[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


# %% [markdown]
# 학습률만큼은 모델마다 맞는 값이 달라요. 1000장으로 학습하고, 시험 이미지가 아닌 나머지 297장에서 두 데이터의 평균 정확도가 가장 높은 값을 골라요.

# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    seen, unseen, rate = slice(1000), slice(1000, None), {}
    for name, make in MODELS.items():
        validation = dict.fromkeys(RATES[name], 0)
        for lr in RATES[name]:
            for permuted in (False, True):
                model = train(
                    make, digits[seen], offsets[seen], labels[seen], lr, 0, permuted
                )
                x = images(digits[unseen], offsets[unseen], permuted)
                validation[lr] += accuracy(model, x, labels[unseen]) / 2
        rate[name] = max(validation, key=validation.get)
        print(
            f"{name}: 학습률 {rate[name]} (검증 정확도 {', '.join(f'{lr}: {a:.2f}' for lr, a in validation.items())})"
        )
        evidence[f"{name.lower()}_lr"] = rate[name]
    params = {
        name: sum(p.numel() for p in make().parameters())
        for name, make in MODELS.items()
    }
    evidence |= {f"{name.lower()}_params": count for name, count in params.items()}
    print("파라미터 수:", params)

# %% [markdown]
# ## 데이터 양을 바꿔 가며 재요
#
# 시드 세 개로 데이터 나누기와 초기값을 모두 바꿔 가며 반복해요. 띠는 시드 사이의 표준편차예요. 배우지 않은 모델의 정확도도 함께 재 둬요.


# %%
def key(name, permuted, what):
    """How a model's measurement is named: "cnn_permuted_test_250"."""
    return f"{name.lower()}_{'permuted_' if permuted else ''}{what}"


# %%
if __name__ == "__main__":
    fresh = null["배우지 않은 모델"] = {}
    shuffled_turned = []
    for seed in SEEDS:
        (digits, offsets, labels), (test_digits, test_offsets, test_labels) = load(
            seed
        )
        test_still = images(test_digits, test_offsets)
        for permuted in (False, True):
            x, test_x = (
                images(digits, offsets, permuted),
                images(test_digits, test_offsets, permuted),
            )
            for n in SIZES:
                for name, make in MODELS.items():
                    model = train(
                        make,
                        digits[:n],
                        offsets[:n],
                        labels[:n],
                        rate[name],
                        seed,
                        permuted,
                    )
                    for world, learnt in (
                        (evidence, model),
                        (fresh, untrained(make, seed)),
                    ):
                        test = accuracy(learnt, test_x, test_labels)
                        gap = accuracy(learnt, x[:n], labels[:n]) - test
                        world.setdefault(
                            key(name, permuted, f"test_{n}"), []
                        ).append(test)
                        world.setdefault(
                            key(name, permuted, f"gap_{n}"), []
                        ).append(gap)
                        if (name, permuted, n) == ("CNN", False, SIZES[-1]):
                            turned = accuracy(
                                learnt, test_x.rot90(dims=(2, 3)), test_labels
                            )
                            world.setdefault("cnn_rotated_1250", []).append(turned)
                    if (name, permuted, n) == ("CNN", True, SIZES[-1]):
                        turned = test_still.rot90(dims=(2, 3)).flatten(1)
                        turned = turned[:, PERMUTATION].view_as(test_x)
                        shuffled_turned.append(accuracy(model, turned, test_labels))
    mean = {
        name: statistics.mean(value)
        for name, value in evidence.items()
        if isinstance(value, list)
    }
    measured = [f"{what}_{n}" for what in ("test", "gap") for n in SIZES]
    null["픽셀을 섞지 않은 자료"] = {
        key(name, True, what): evidence[key(name, False, what)]
        for name in MODELS
        for what in measured
    }
    # with 50 images nothing is learnt from shuffled pixels, so there is nothing to
    # compare
    null["픽셀을 섞어 배운 CNN"] = {f"cnn_{what}": evidence[f"cnn_permuted_{what}"]
                              for what in measured if not what.endswith("_50")}  # fmt: skip
    null["픽셀을 섞어 배운 CNN"]["cnn_rotated_1250"] = shuffled_turned

    fig, axes = plt.subplots(2, 1, figsize=(4.5, 5.6), sharex=True, sharey=True)
    for permuted, ax, title in zip(
        (False, True), axes, ("이미지 그대로", "픽셀 순서를 섞었을 때")
    ):
        for name, colour, marker in zip(MODELS, (BLUE, ORANGE, GREEN), "osD"):
            y = [mean[key(name, permuted, f"test_{n}")] for n in SIZES]
            spread = [
                statistics.stdev(evidence[key(name, permuted, f"test_{n}")])
                for n in SIZES
            ]
            ax.plot(SIZES, y, marker=marker, color=colour, label=name)
            ax.fill_between(
                SIZES,
                [a - b for a, b in zip(y, spread)],
                [a + b for a, b in zip(y, spread)],
                color=colour,
                alpha=0.2,
                linewidth=0,
            )
        ax.axhline(0.1, color=INK, linestyle=":", linewidth=1, alpha=0.6)
        ax.set(title=f"{title}: 시험 정확도", xscale="log", ylim=(0, 1.02))
        ax.yaxis.set_major_formatter("{x:.0%}")
        ax.set_xticks(SIZES, SIZES)
        ax.minorticks_off()
    axes[0].text(SIZES[-1], 0.115, "찍었을 때", ha="right", va="bottom")
    axes[0].legend(loc="upper left")
    axes[1].set_xlabel("학습 이미지 수 (로그 눈금)")
    show(
        fig,
        "accuracy_by_size",
        f"이미지 그대로면 50장에서 CNN {mean['cnn_test_50']:.0%}, ViT {mean['vit_test_50']:.0%}, "
        f"MLP {mean['mlp_test_50']:.0%}이고, 픽셀을 섞으면 1250장에서 CNN {mean['cnn_permuted_test_1250']:.0%}, "
        f"ViT {mean['vit_permuted_test_1250']:.0%}, MLP {mean['mlp_permuted_test_1250']:.0%}예요.",
    )

# %% [markdown]
# MLP에게는 두 데이터가 **같은 문제**예요. 첫 층의 가중치를 픽셀과 같은 순서로 섞으면, 섞은 이미지에서 똑같은 답을 내는 MLP가 돼요.


# %%
def follow(model):
    """An MLP whose first weights follow the shuffled pixels: for shuffled images
    what model is for the others."""
    twin = copy.deepcopy(model)
    twin[1].weight.data = model[1].weight.data[:, PERMUTATION]
    return twin


# %%
if __name__ == "__main__":
    model = untrained(mlp, 0)
    with torch.no_grad():
        plain, shuffled = (
            images(test_digits, test_offsets, permuted)
            for permuted in (False, True)
        )
        evidence["mlp_follow_error"] = relative_error(
            follow(model)(shuffled), model(plain)
        )
    print(
        f"가중치를 따라 섞은 MLP와 원래 MLP의 로짓 차이(상대 오차): {evidence['mlp_follow_error']:.0e}"
    )

# %% [markdown]
# ## 과적합: 학습 정확도와 시험 정확도의 차이
#
# 250장까지는 셋 다 학습 이미지를 모두 외워요. 그래서 거기서는 두 정확도의 차이가 시험에서 틀린 몫과 같아요.
# 1250장에서는 학습 정확도가 100%가 아니에요. 340스텝이 빠듯하다는 뜻이니, 그 줄은 학습 정확도도 함께 보세요.

# %%
if __name__ == "__main__":

    def both(name, permuted, n):
        """Accuracy in training and in the test, in percent."""
        test, gap = (
            mean[key(name, permuted, f"{what}_{n}")] for what in ("test", "gap")
        )
        return f"{100 * (test + gap):.0f} / {100 * test:.0f}"

    table(
        "train_and_test",
        "학습 정확도 / 시험 정확도 (%, 시드 3개 평균)",
        ["픽셀", "장수", *MODELS],
        [
            [
                "섞음" if permuted else "그대로",
                n,
                *(both(name, permuted, n) for name in MODELS),
            ]
            for permuted in (False, True)
            for n in SIZES
        ],
    )

    fig, ax = plt.subplots()
    for shift, permuted, alpha in ((-0.2, False, 1), (0.2, True, 0.45)):
        for i, (name, colour) in enumerate(zip(MODELS, (BLUE, ORANGE, GREEN))):
            values = evidence[key(name, permuted, "gap_250")]
            ax.bar(
                i + shift,
                statistics.mean(values),
                width=0.36,
                color=colour,
                alpha=alpha,
            )
            ax.plot(
                [i + shift] * len(values), values, "o", color=INK, markersize=3.5
            )
    ax.set(title="학습 정확도 − 시험 정확도", ylim=(0, 0.8))
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%p")
    ticks = [
        (i + shift, label)
        for i, name in enumerate(MODELS)
        for shift, label in ((-0.2, "그대로"), (0, "\n" + name), (0.2, "섞음"))
    ]
    ax.set_xticks(*zip(*ticks))
    ax.tick_params(axis="x", length=0)
    ax.set_axisbelow(True)
    ax.grid(axis="x", visible=False)
    show(
        fig,
        "gap_at_250",
        "250장으로 학습했을 때 학습 정확도와 시험 정확도의 차이는 "
        + ", ".join(
            f"{name} {100 * mean[key(name, False, 'gap_250')]:.0f}%p"
            f"(픽셀을 섞으면 {100 * mean[key(name, True, 'gap_250')]:.0f}%p)"
            for name in MODELS
        )
        + "예요.",
    )

# %% [markdown]
# ## 가정은 구조 밖에서도 들어와요
#
# 같은 50장을 스텝마다 새 자리에 놓아 주면(데이터 증강, augmentation) 어떻게 될까요? 폭(width)만 네 배로 늘린 MLP도 곁에 놓아요.

# %%
if __name__ == "__main__":
    evidence["wide_mlp_params"] = sum(
        p.numel() for p in mlp(width=320).parameters()
    )
    for seed in SEEDS:
        (digits, offsets, labels), (test_digits, test_offsets, test_labels) = load(
            seed
        )
        test_x = images(test_digits, test_offsets)
        for name, make in MODELS.items():
            model = train(
                make,
                digits[:50],
                offsets[:50],
                labels[:50],
                rate[name],
                seed,
                moving=True,
            )
            evidence.setdefault(f"{name.lower()}_moving_50", []).append(
                accuracy(model, test_x, test_labels)
            )
        model = train(
            lambda: mlp(width=320),
            digits[:250],
            offsets[:250],
            labels[:250],
            rate["MLP"],
            seed,
        )
        for world, learnt in (
            (evidence, model),
            (fresh, untrained(lambda: mlp(width=320), seed)),
        ):
            world.setdefault("wide_mlp_test_250", []).append(
                accuracy(learnt, test_x, test_labels)
            )
    null["자리를 옮기지 않은 학습"] = {}
    for name in ("cnn", "vit", "mlp"):
        null["자리를 옮기지 않은 학습"][f"{name}_moving_50"] = evidence[
            f"{name}_test_50"
        ]
        fresh[f"{name}_moving_50"] = fresh[f"{name}_test_50"]
    mean = {
        name: statistics.mean(value)
        for name, value in evidence.items()
        if isinstance(value, list)
    }
    rows = [
        [
            name,
            *(
                f"{mean[f'{name.lower()}_{what}']:.1%}"
                for what in ("test_50", "moving_50", "test_250")
            ),
        ]
        for name in MODELS
    ]
    rows.append(["폭 4배 MLP", "–", "–", f"{mean['wide_mlp_test_250']:.1%}"])
    table(
        "assumption_in_data",
        "시험 정확도: 증강은 매번 새 자리에 놓기 (시드 3개 평균)",
        ["모델", "50장", "50장+증강", "250장"],
        rows,
    )

# %% [markdown]
# ## CNN은 이동과 회전에 불변일까요?
#
# 등변성(equivariance)은 입력을 옮기면 출력도 **따라 옮겨 가는** 것, 불변성(invariance)은 출력이 **그대로인** 것이에요.
# 합성곱 한 층에 이미지를 옮기거나 돌려서 넣고 재요. 가장자리가 끼어들지 않게 패딩은 반대편과 이어 붙여요(circular).


# %%
@torch.no_grad()
def convolution_errors(conv, x):
    """Relative errors of one convolution on images x (n, 1, H, H) that are shifted
    or turned."""
    shifted, turned, z = (
        x.roll((2, 3), dims=(2, 3)),
        x.rot90(dims=(2, 3)),
        conv(x),
    )  # z: (n, C, H, H)
    return {
        "shift_equivariance": relative_error(
            conv(shifted), z.roll((2, 3), dims=(2, 3))
        ),
        "shift_invariance": relative_error(conv(shifted), z),
        "pooled_shift_invariance": relative_error(
            conv(shifted).relu().mean((2, 3)), z.relu().mean((2, 3))
        ),
        "rotation_equivariance": relative_error(conv(turned), z.rot90(dims=(2, 3))),
    }


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 16, 3, padding=1, padding_mode="circular", bias=False)
    errors = convolution_errors(conv, images(test_digits, test_offsets))
    evidence |= {f"conv_{name}_error": value for name, value in errors.items()}
    korean = {
        "shift_equivariance": "이동 등변성",
        "shift_invariance": "이동 불변성",
        "pooled_shift_invariance": "자리 평균 뒤의 이동 불변성",
        "rotation_equivariance": "90° 회전 등변성",
    }
    table(
        "convolution_errors",
        "합성곱 한 층의 상대 오차: 0이면 그 성질이 있어요",
        ["성질", "상대 오차"],
        [
            [korean[name], f"{value:.0e}" if 0 < value < 1e-3 else f"{value:.2f}"]
            for name, value in errors.items()
        ],
    )
    print(
        f"1250장으로 학습한 CNN의 시험 정확도: 그대로 {mean['cnn_test_1250']:.1%}, "
        f"90° 돌리면 {mean['cnn_rotated_1250']:.1%}"
    )

# %%
if __name__ == "__main__":
    exact = ("_params", "_error")  # all else comes out of trainings
    tolerance = {name: 0.1 for name in evidence if not name.endswith(exact)}
    evidence
