# %% [markdown]
# # 해상도를 두 배로 올려 미세 조정하기: P를 둘까요, 키울까요?
#
# 64 px, P = 8로 학습한 작은 ViT를 128 px로 옮겨 조금 더 학습해요. P를 그대로 두면 토큰이 네 배가 되고, P도 두 배로 키우면 그대로예요.
# P를 그대로 둘 때는 위치 임베딩을 세 가지로 옮겨 놓고 시작해요. **무엇에서 시작하느냐가 끝에도 남을까요?**

# %%
import os

import scenes
import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, VIOLET, plt, show, table
from lib.paths import data_path
from patch_size import pi_resize, with_patch_size
from pe_interpolation import METHODS
from safetensors.torch import load_file, save_file
from torch import nn
from train_vit import PATCH, SIZE, load_trained

torch.set_num_threads(1)
SEEDS = range(5)
STEPS, BATCH, RATE, WARMUP = 100, 8, 3e-4, 15
TESTED = 200  # scenes a seed, before and after
ANSWERS = data_path("finetune_resolution.safetensors")

# %% [markdown]
# ## 과제: 낱자를 절반으로 줄인 장면
#
# 모델이 배운 장면에서 낱자만 제자리에서 **절반으로** 줄여요. 64 px에서는 낱자 하나가 패치 한둘에 들어가 버려요.
# 128 px에서 P를 그대로 두면 패치에 견준 크기가 배운 대로 돌아와요.


# %%
def halve(scene):
    """The same scenes (from scenes.sample) with each letter half as large, its box's
    middle where it was."""
    middle = (scene["boxes"][:, :2] + scene["boxes"][:, 2:]) / 2  # (n, 2)
    ends = middle.repeat(1, 2)[:, None]  # (n, 1, 4)
    strokes = ends + (scene["strokes"] - ends) / 2
    return scene | {"strokes": strokes, "width": scene["width"] / 2}


def draw(n, size, seed):
    """n scenes with halved letters: images (n, 3, size, size), labels (n,)."""
    scene = halve(scenes.sample(n, seed))
    parts = [{k: v[i : i + 16] for k, v in scene.items()} for i in range(0, n, 16)]
    return torch.cat([scenes.render(part, size) for part in parts]), scene["labels"]


# %% [markdown]
# ## 출발점 다섯
#
# - **64 px, P = 8**: 해상도를 올리지 않고 같은 만큼 더 학습해요(대조). 토큰 64개.
# - **128 px, P = 16**: 투영 E를 PI-resize로 키워요. 토큰 64개.
# - **128 px, P = 8**: 토큰 256개. 위치 임베딩은 2D로 늘리거나, 한 줄로 늘리거나, 모두 평균 벡터로 바꿔요(위치 없음).


# %%
def start(key):
    """The model that a fine-tuning starts from: "base", "pi", or at 128 px with P = 8
    a method of pe_interpolation ("bicubic", "line", "same")."""
    model = load_trained()
    if key == "pi":
        model = with_patch_size(model, 2 * PATCH, pi_resize)
    elif key != "base":
        grid = (2 * SIZE // PATCH, 2 * SIZE // PATCH)
        model.pos_embed = nn.Parameter(METHODS[key](model.pos_embed.detach(), grid))
    return model


def size_of(key):
    """Pixels on a side of the images that the model of that key sees."""
    return SIZE if key == "base" else 2 * SIZE


def tune(model, key, seed, until=STEPS):
    """Fine-tune all weights on new scenes at each step, the same ones for every key:
    AdamW, warm-up, then down to 0 along a line. Returns the losses (until,)."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    losses = []
    for step in range(until):
        rate = min((step + 1) / WARMUP, (STEPS - step) / (STEPS - WARMUP))
        optimizer.param_groups[0]["lr"] = RATE * rate
        images, labels = draw(BATCH, size_of(key), 2_000_000 + 1000 * seed + step)
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def answer(model, images):
    """Logits of many images (n, 3, S, S), a few at a time: (n, 6)."""
    return torch.cat([model(part) for part in images.split(20)])


def run_one(key, seed):
    """One fine-tuning: {"before", "after": logits (TESTED, 6), "losses": (STEPS,)}."""
    model, images = start(key), draw(TESTED, size_of(key), 700 + seed)[0]
    before = answer(model, images)
    losses = torch.tensor(tune(model, key, seed))
    found = {"before": before, "after": answer(model, images), "losses": losses}
    return {name: value.half() for name, value in found.items()}


# %% [markdown]
# ## 미세 조정 앞뒤를 재요
#
# 시드 다섯(위치 없음은 둘)마다 배우는 장면과 재는 장면을 새로 뽑고, 한 시드 안에서는 모든 출발점이 **같은 장면을 같은 순서로** 봐요. 그래서 짝지어 뺄 수 있어요.
# 100걸음에 8장씩 800장이에요. 학습률은 모두 같고, 처음 모델은 하나예요.
#
# 모두 배우는 데는 한 코어로 몇 분이 걸려서, 재는 장면에 낸 답(로짓)을 저장해 두고 읽어요. `TRAIN_AGAIN=1`을 주면 처음부터 다시 배워요.

# %%
STARTS = {
    "base": "64 px, P = 8",
    "pi": "128 px, P = 16",
    "bicubic": "128 px, P = 8, 2D",
    "line": "128 px, P = 8, 1D",
    "same": "128 px, P = 8, 위치 없음",
}


def seeds_of(key):
    """The seeds of a start; two where a glance is enough."""
    return SEEDS[:2] if key == "same" else SEEDS


def shares(kept, key, when):
    """Share of the scenes that the stored logits name rightly, one a seed: list."""
    found = []
    for seed in seeds_of(key):
        labels = scenes.sample(TESTED, 700 + seed)["labels"]
        named = kept[f"{key}.{seed}.{when}"].float().argmax(dim=1)
        found.append((named == labels).double().mean().item())
    return found


# %%
if __name__ == "__main__":
    if os.environ.get("TRAIN_AGAIN") == "1":
        stored = {}
        for key in STARTS:
            for seed in seeds_of(key):
                for name, value in run_one(key, seed).items():
                    stored[f"{key}.{seed}.{name}"] = value
        save_file(stored, ANSWERS)
    kept = load_file(ANSWERS)
    first = tune(start("bicubic"), "bicubic", 0, until=4)
    again = (torch.tensor(first) - kept["bicubic.0.losses"][:4].float()).abs()
    print(f"네 걸음을 다시 배워 저장된 손실과 견준 차이: {again.max():.4f}")

    evidence = {"again": again.max().item()}
    for key in STARTS:
        for when in ("before", "after"):
            evidence[f"{key}_{when}"] = shares(kept, key, when)
    null = {"1D에서 시작한 모델": {"bicubic_after": evidence["line_after"]}}


# %%
if __name__ == "__main__":

    def percent(name):
        """Mean and standard deviation over the seeds, as text."""
        found = torch.tensor(evidence[name])
        return f"{found.mean():.1%} ± {found.std():.1%}"

    rows = [
        [
            name,
            64 if key in ("base", "pi") else 256,
            percent(f"{key}_before"),
            percent(f"{key}_after"),
        ]
        for key, name in STARTS.items()
    ]
    caption = (
        f"작은 낱자의 정확도 (장면 {TESTED}장씩 시드 {len(SEEDS)}개, "
        f"위치 없음은 {len(seeds_of('same'))}개, {STEPS}걸음)"
    )
    table("accuracy", caption, ["출발점", "토큰", "전", "후"], rows)

    figure, axis = plt.subplots()
    colours = [INK, GREEN, BLUE, ORANGE, VIOLET]
    for y, (key, colour) in enumerate(zip(STARTS, colours)):
        before, after = (
            torch.tensor(evidence[f"{key}_{when}"]) for when in ("before", "after")
        )
        axis.plot([before.mean(), after.mean()], [y, y], color=colour)
        axis.plot(before.mean(), y, "o", color=colour, markerfacecolor="none")
        axis.errorbar(
            after.mean(), y, xerr=after.std(), fmt="o", color=colour, capsize=3
        )
    axis.set(
        yticks=range(len(STARTS)),
        yticklabels=STARTS.values(),
        xlim=(0, 1),
        xlabel="작은 낱자의 정확도 (○ 전, ● 후)",
    )
    axis.invert_yaxis()
    means = {
        name: torch.tensor(values).mean().item()
        for name, values in evidence.items()
        if name != "again"
    }
    told = [
        f"{name} {means[f'{key}_before']:.0%}에서 {means[f'{key}_after']:.0%}"
        for key, name in STARTS.items()
    ]
    show(figure, "before_and_after", f"미세 조정 앞뒤의 정확도: {', '.join(told)}.")

# %%
if __name__ == "__main__":
    tolerance = {name: 0.02 for name in evidence} | {"again": 0.01}
    evidence
