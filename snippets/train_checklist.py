# %% [markdown]
# # 일부러 실수를 넣어 보고, 어느 점검이 찾아내는지 봐요
#
# ViT를 처음부터 학습하면 실수가 있어도 오류가 나지 않고 **정확도만 낮게** 나와요. 그래서 똑같은 학습 코드에 흔한 실수를 하나씩 일부러 넣고,
# 학습하는 사람이 쉽게 해 볼 수 있는 점검 여덟 가지를 모두 돌려요. 울린 점검이 그 실수를 찾아낸 거예요.
# 데이터는 8×8 손글씨 숫자 1000장, 모델은 `vit.py`를 작게 줄인 것이고, 시드는 다섯이에요. 시드마다 데이터 나누기와 초기값이 모두 달라요.

# %%
import math
import statistics
from dataclasses import dataclass, replace
from functools import cache

import torch
import torch.nn.functional as F
from lib.digits import MEAN, STD, load, shift, small_vit
from lib.figure import BLUE, GREEN, INK, ORANGE, PINK, VIOLET, plt, show, table
from lib.measure import accuracy
from vit import VisionTransformer

load = cache(load)  # each seed's split is read once
SEEDS, STEPS, BATCH, ONE_BATCH_STEPS = (0, 1, 2, 3, 4), 150, 64, 100
CLASSES, MEMORISED = 10, -math.log(0.9)  # the right answer at 90%


# %% [markdown]
# ## 실수를 켜고 끌 수 있는 학습 코드
#
# `Recipe`의 기본값이 실수 없는 학습이에요. 칸 하나를 바꾸면 실수 하나가 들어가요. 드롭아웃(dropout)이 있는 모델을 써서,
# `eval()`을 빼먹으면 무엇이 달라지는지도 볼 수 있게 했어요.


# %%
@dataclass(frozen=True)
class Recipe:
    """One way to train. The defaults are without a mistake."""

    lr: float = 0.005
    warm_up: float = 0.2  # share of the steps in which the rate rises
    normalised: bool = True
    positions: bool = True
    right_labels: bool = True
    softmax: bool = False  # before the loss, which has a softmax of its own
    images: int = 1000  # to learn from
    moved: bool = False  # each image by a pixel at most, anew at each step
    again: bool = False  # other random numbers, else the same


class Dropped(VisionTransformer):
    """A ViT with dropout of a tenth on its embedded tokens."""

    def embed(self, x):
        return F.dropout(super().embed(x), 0.1, self.training)


def build(recipe, seed):
    """The model that the recipe trains: 4 patches of 4 x 4 pixels, 32 dimensions,
    two blocks."""
    model = small_vit(seed + 100 * recipe.again, Dropped, patch_size=4)
    if not recipe.positions:
        model.pos_embed.data.zero_()
        model.pos_embed.requires_grad_(False)
    return model


def raw(images):
    """Normalised digits as they are in the file, ink from 0 to 16."""
    return images * STD + MEAN


def move(images, seed):
    """Digits (n, 1, 8, 8), each moved by one pixel or none, down and across."""
    return shift(images, seed)[:, :, 2:10, 2:10]


def rate(step, steps, warm_up):
    """Share of the learning rate at a step: up a line in warm_up of the steps, and
    down a cosine to 0."""
    rise = min(1, (step + 1) / max(1, warm_up * steps))
    return rise * (1 + math.cos(math.pi * step / steps)) / 2


def fit(recipe, seed, one_batch=False):
    """Train a model by the recipe -> the model in eval mode, and each step's loss.

    one_batch: on the same 32 images all the time."""
    images, labels = (part[: recipe.images] for part in load(seed)[0])
    generator = torch.Generator().manual_seed(seed + 100 * recipe.again)
    if not recipe.right_labels:
        labels = labels[torch.randperm(len(labels), generator=generator)]
    model = build(recipe, seed).train()
    steps = ONE_BATCH_STEPS if one_batch else STEPS
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.lr, weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate(step, steps, recipe.warm_up)
    )
    losses = []
    for step in range(steps):
        i = torch.randint(len(labels), (BATCH,), generator=generator)
        if one_batch:
            i = torch.arange(32)
        x = move(images[i], 1000 * seed + step) if recipe.moved else images[i]
        logits = model(x if recipe.normalised else raw(x))  # (BATCH, 10)
        loss = F.cross_entropy(
            logits.softmax(dim=1) if recipe.softmax else logits, labels[i]
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return model.eval(), losses


# %% [markdown]
# ## 점검 여덟 가지
#
# 기준은 결과를 보기 **전에** 정했어요. 되도록 저절로 있는 기준(0, 찍기, 아주 단순한 분류기)을 썼어요.
#
# | 점검 | 울리는 조건 |
# |---|---|
# | 첫 손실 | 학습 전의 손실이 $\ln 10$과 10% 넘게 달라요 |
# | 한 배치 | 이미지 32장만 100번 보여 줘도 손실이 0.105(정답의 확률 90%) 아래로 가지 않아요 |
# | 두 번 | 같은 이미지를 두 번 넣었는데 답이 달라요 |
# | 입력 크기 | 학습과 검증 입력의 표준편차가 0.5와 2 사이가 아니거나 서로 10% 넘게 달라요 |
# | 패치 섞기 | 패치를 섞어 넣어도 로짓이 그대로예요 |
# | 찍기 | 검증 정확도가 찍는 것과 구별되지 않아요 |
# | 평균 그림 | 검증 정확도가 숫자마다 평균 그림 하나를 두고 가장 가까운 것을 고르는 것보다 낮아요 |
# | 차이 | 학습 이미지의 정확도가 검증보다 10%p 넘게 높아요 |


# %%
def swap_patches(images):
    """The images (n, 1, 8, 8) with their 4 x 4 patches in the reverse order."""
    return images.roll((4, 4), dims=(2, 3))  # of 2 x 2: the diagonal ones swapped


def nearest_mean(seed):
    """Validation accuracy of the class whose mean image is nearest: float."""
    (images, labels), (others, answers), _ = load(seed)
    means = torch.stack(
        [images[labels == label].mean(0).flatten() for label in range(CLASSES)]
    )  # (10, 64)
    nearest = torch.cdist(others.flatten(1), means).argmin(1)
    return (nearest == answers).double().mean().item()


@torch.no_grad()
def examine(recipe, seed, trained, memorised, evaluate=True, prepare=None):
    """What there is to look at after a training: {name: float}.

    trained, memorised: what fit() returns, of all images and of one batch;
    evaluate=False leaves the model in train mode, prepare changes the validation
    images only."""
    model, losses = trained
    model.train(not evaluate)
    torch.manual_seed(seed)
    (images, labels), (others, answers), _ = load(seed)
    images, labels = images[: recipe.images], labels[: recipe.images]
    seen = images if recipe.normalised else raw(images)
    new = others if recipe.normalised else raw(others)  # (297, 1, 8, 8)
    new = prepare(new) if prepare else new
    found = {
        "accuracy": accuracy(model, new, answers),
        "gap": accuracy(model, seen, labels) - accuracy(model, new, answers),
        "first": losses[0],
        "last": statistics.mean(losses[-5:]),
        "batch": statistics.mean(memorised[1][-5:]),
        "twice": (model(new) - model(new)).abs().max().item(),
        "size": seen.std().item(),
        "sizes": seen.std().item() / new.std().item(),
        "simple": nearest_mean(seed),
    }
    model.eval()
    swapped = (model(new) - model(swap_patches(new))).abs().max().item()
    return found | {"swapped": swapped}


def rings(found, n=297):
    """Which checks ring at what examine() found, n images to validate by: {check:
    bool}."""
    chance = 1 / CLASSES
    error = (chance * (1 - chance) / n) ** 0.5
    return {
        "첫 손실": abs(found["first"] / math.log(CLASSES) - 1) > 0.1,
        "한 배치": found["batch"] > MEMORISED,
        "두 번": found["twice"] > 0,
        "입력 크기": not 0.5 < found["size"] < 2 or abs(found["sizes"] - 1) > 0.1,
        "패치 섞기": found["swapped"] < 1e-4,
        "찍기": found["accuracy"] < chance + 2 * error,
        "평균 그림": found["accuracy"] < found["simple"],
        "차이": found["gap"] > 0.1,
    }


# %% [markdown]
# ## 실수를 하나씩 넣어요
#
# 첫 줄은 실수가 없고, 마지막 두 줄은 실수가 아니라 **데이터가 적은** 경우예요. 검증에서만 하는 실수 둘은 실수 없이 학습한 모델을 그대로 써요.

# %%
BASE = Recipe()
MISTAKES = {
    "none": ("실수 없음", BASE, {}),
    "labels": ("라벨이 섞임", replace(BASE, right_labels=False), {}),
    "raw": ("정규화를 빼먹음", replace(BASE, normalised=False), {}),
    "raw_test": ("검증만 정규화 빼먹음", BASE, {"prepare": raw}),
    "fast": ("학습률이 열 배", replace(BASE, lr=10 * BASE.lr), {}),
    "slow": ("학습률이 10분의 1", replace(BASE, lr=BASE.lr / 10), {}),
    "cold": ("워밍업이 없음", replace(BASE, warm_up=0), {}),
    "blind": ("위치를 빠뜨림", replace(BASE, positions=False), {}),
    "softmax": ("softmax를 두 번", replace(BASE, softmax=True), {}),
    "dropout": ("eval()을 빼먹음", BASE, {"evaluate": False}),
    "few": ("이미지가 100장뿐", replace(BASE, images=100), {}),
    "moved": ("100장을 옮겨 가며", replace(BASE, images=100, moved=True), {}),
    "again": ("실수 없음, 다른 난수", replace(BASE, again=True), {}),
}

# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    runs, batches, found = {}, {}, {}
    for key, (_, recipe, how) in MISTAKES.items():
        same = replace(recipe, images=1000, moved=False, again=False)
        for seed in SEEDS:  # what has been trained is not trained again
            if (recipe, seed) not in runs:
                runs[recipe, seed] = fit(recipe, seed)
            if (same, seed) not in batches:
                batches[same, seed] = fit(same, seed, one_batch=True)
        results = [
            examine(recipe, seed, runs[recipe, seed], batches[same, seed], **how)
            for seed in SEEDS
        ]
        found[key] = {
            name: [result[name] for result in results] for name in results[0]
        }
        found[key]["rings"] = [rings(result) for result in results]
    rows = [
        [
            name,
            f"{statistics.mean(found[key]['accuracy']):.0%}",
            f"{min(found[key]['accuracy']):.0%}~{max(found[key]['accuracy']):.0%}",
            f"{statistics.mean(found[key]['last']):.2f}",
            f"{statistics.mean(found[key]['batch']):.2f}",
        ]
        for key, (name, _, _) in MISTAKES.items()
    ]
    simple = statistics.mean(found["none"]["simple"])
    rows.append(["(견줄 것) 평균 그림", f"{simple:.0%}", "", "", ""])
    table(
        "accuracies",
        f"검증 정확도와 손실 (시드 {len(SEEDS)}개의 평균과 범위)",
        ["실수", "정확도", "범위", "끝 손실", "한 배치"],
        rows,
    )

# %% [markdown]
# ## 어느 점검이 어느 실수를 찾았나요
#
# 칸의 수는 시드 다섯 가운데 울린 횟수예요. 실수가 없는 첫 줄에서는 하나도 울리지 않아야 믿을 수 있는 점검이에요.

# %%
if __name__ == "__main__":
    shown = [key for key in MISTAKES if key != "again"]
    checks = list(found["none"]["rings"][0])
    counts = [
        [sum(ring[check] for ring in found[key]["rings"]) for check in checks]
        for key in shown
    ]  # (mistakes, checks)
    figure, axis = plt.subplots(figsize=(4.5, 4.6))
    for y, line in enumerate(counts):
        for x, count in enumerate(line):
            if count:
                square = plt.Rectangle(
                    (x - 0.45, y - 0.42), 0.9, 0.84, color=ORANGE, alpha=count / 10
                )
                axis.add_patch(square)
            text = str(count) if count else "·"
            axis.text(x, y, text, ha="center", va="center", color=INK)
    axis.set_xticks(range(len(checks)), checks, rotation=90)
    axis.xaxis.tick_top()
    axis.set_yticks(range(len(shown)), [MISTAKES[key][0] for key in shown])
    axis.set(xlim=(-0.5, len(checks) - 0.5), ylim=(len(shown) - 0.5, -0.5))
    axis.tick_params(length=0)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    silent = [
        MISTAKES[key][0]
        for key, line in zip(shown, counts)
        if key != "none" and not any(line)
    ]
    most = max(sum(line[x] > 0 for line in counts) for x in range(len(checks)))
    alt = (
        f"실수 {len(shown) - 1}줄과 점검 {len(checks)}칸의 표예요. 한 점검이 찾은 것은 많아야 {most}줄이고, "
        f"실수가 없으면 {sum(counts[0])}번 울려요. 아무 점검도 울리지 않은 것은 {', '.join(silent) or '없어요'}."
    )
    show(figure, "which", alt)

# %% [markdown]
# ## 손실 곡선의 모양
#
# 학습 손실을 시드 하나로 그렸어요. softmax를 두 번 씌우면 손실이 $\ln(e + 9) - 1$ 아래로 내려갈 수 없어요. 정답의 확률이 1이어도
# 그 위에 softmax를 한 번 더 씌우면 $e / (e + 9)$밖에 안 되기 때문이에요.

# %%
if __name__ == "__main__":
    perfect = F.one_hot(torch.tensor([0]), CLASSES).double()  # as probabilities
    floor = F.cross_entropy(perfect, torch.tensor([0])).item()
    figure, axis = plt.subplots(figsize=(4.5, 3.4))
    for key, colour, style in (
        ("labels", PINK, "-"),
        ("slow", VIOLET, "--"),
        ("softmax", GREEN, "-."),
        ("fast", ORANGE, ":"),
        ("none", BLUE, "-"),
    ):
        name, recipe, _ = MISTAKES[key]
        losses = torch.tensor(runs[recipe, SEEDS[0]][1])
        smooth = losses.unfold(0, 5, 1).mean(1)  # of five steps
        axis.plot(smooth, style, color=colour, label=name)
    axis.axhline(floor, color=INK, linewidth=0.8, alpha=0.5)
    axis.set(xlabel="걸음", title="학습 손실", ylim=(0, 3.9))
    axis.legend(ncols=2, loc="upper right")
    alt = (
        f"손실 곡선이에요. 라벨이 섞이면 ln 10 곁에 머물고, softmax를 두 번 씌우면 {floor:.2f} 위에서 멈추고, "
        f"학습률이 10분의 1이면 천천히 내려가요. 실수가 없으면 {statistics.mean(found['none']['last']):.2f}까지 내려가요."
    )
    show(figure, "curves", alt)


# %%
if __name__ == "__main__":
    evidence = {"floor": floor, "memorised": MEMORISED, "mistakes": len(shown) - 1}
    evidence |= {"checks": len(checks), "most": most, "silent": len(silent)}
    evidence["simple"] = found["none"]["simple"]
    for key in shown:
        for name in ("accuracy", "last", "batch", "gap"):
            evidence[f"{name}_{key}"] = found[key][name]
    for key in ("none", "dropout"):
        evidence[f"twice_{key}"] = found[key]["twice"]
    for key in ("none", "blind"):
        evidence[f"swapped_{key}"] = found[key]["swapped"]
    evidence["false_alarms"] = sum(counts[0])
    null = {"실수를 넣지 않은 학습": {}}
    for key in shown[1:]:
        for name in ("accuracy", "last", "batch", "gap"):
            null["실수를 넣지 않은 학습"][f"{name}_{key}"] = found["again"][name]
    tolerance = {
        name: 0.1 for name in evidence if name.startswith(("accuracy_", "gap_"))
    }
    tolerance |= {
        name: 0.3 for name in evidence if name.startswith(("last_", "batch_"))
    }
    tolerance |= {"twice_dropout": 10, "swapped_none": 10, "swapped_blind": 1e-4}
    tolerance |= {"most": 2, "silent": 2, "false_alarms": 2}
    evidence
