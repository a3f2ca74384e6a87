# %% [markdown]
# # Transformer에는 정말 귀납적 편향이 없을까요?
#
# ViT를 부품으로 나눠, 부품마다 무엇을 가정하는지 재요. 그다음 숫자를 1 px씩 옮기면서 물어요. 구조가 주지 않은 이동 불변성을
# **데이터에서 배우려면 얼마나 들까요?**

# %%
import os
import statistics

import scenes
import torch
import torch.nn.functional as F
import vit
from lib.digits import MEAN, STD, load, small_vit, train
from lib.figure import BLUE, GREEN, INK, ORANGE, VIOLET, plt, show, table
from lib.measure import accuracy, relative_error
from lib.paths import data_path
from safetensors.torch import load_file, save_file
from torch import nn
from train_vit import PATCH, SIZE, build, load_trained

SEEDS = range(5)
GRID = SIZE // PATCH
STEPS, LONGER = 300, 6000  # of 32 images each
WEIGHTS = data_path("transformer_bias.safetensors")


# %% [markdown]
# ## 부품마다 무엇을 가정할까요
#
# 학습한 ViT의 부품 하나하나에 두 가지를 물어요. (1) **등변인가요?** 입력의 패치들을 한 칸 밀면 출력도 한 칸 밀린 것과 같은가요? (2) **지역적인가요?**
# 토큰 하나의 출력을 미분했을 때 0이 아닌 입력 토큰은 몇 개인가요?


# %%
def roll_tokens(x, cells):
    """Move the tokens of (B, G * G, D) so many cells right on their grid, around
    the edge."""
    return x.unflatten(1, (GRID, GRID)).roll(cells, dims=2).flatten(1, 2)


@torch.no_grad()
def equivariance_error(part, x):
    """Relative error between part of tokens (B, N, D) moved by one cell and part(x)
    moved by one cell."""
    return relative_error(part(roll_tokens(x, 1)), roll_tokens(part(x), 1))


def seen_tokens(part, x):
    """How many of the tokens (1, N, D) the output of the middle one depends on."""
    x = x.clone().requires_grad_()
    part(x)[0, x.shape[1] // 2].pow(2).sum().backward()
    return (x.grad[0].norm(dim=1) > 0).sum().item()


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {"tokens": GRID**2}, {}
    trained, image = load_trained(), scenes.draw(16, SIZE, seed=1)[0]
    block, position = trained.blocks[0], trained.pos_embed[:, 1:].detach()
    with torch.no_grad():
        tokens = trained.patch_embed(image)  # (16, 64, 64)
        cut = {
            pixels: relative_error(
                trained.patch_embed(image.roll(pixels, dims=3)),
                roll_tokens(tokens, round(pixels / PATCH)),
            )
            for pixels in (1, PATCH)
        }
    torch.manual_seed(0)
    flat = nn.Sequential(
        nn.Flatten(),
        nn.Linear(GRID**2 * 64, GRID**2 * 64),
        nn.Unflatten(1, (GRID**2, 64)),
    )
    parts = {
        "위치 임베딩": lambda x: x + position,
        "어텐션": lambda x: block.attn(block.norm1(x))[0],
        "MLP": lambda x: block.mlp(block.norm2(x)),
        "(대조) 토큰을 모두 편 선형층": flat,
    }
    moved = {name: equivariance_error(part, tokens) for name, part in parts.items()}
    seen = {name: seen_tokens(part, tokens[:1]) for name, part in parts.items()}

    def cut_and_back(x):
        """The same patches as a row of tokens, so that it can be asked the same."""
        return trained.patch_embed(
            F.fold(x.transpose(1, 2), SIZE, PATCH, stride=PATCH)
        )

    seen_by_cut = seen_tokens(
        cut_and_back, F.unfold(image[:1], PATCH, stride=PATCH).transpose(1, 2)
    )
    evidence |= {
        "cut_1px": cut[1],
        "cut_patch": cut[PATCH],
        "cut_sees": seen_by_cut,
    }
    for key, name in {
        "position": "위치 임베딩",
        "attention": "어텐션",
        "mlp": "MLP",
        "flat": "(대조) 토큰을 모두 편 선형층",
    }.items():
        evidence |= {f"{key}_error": moved[name], f"{key}_sees": seen[name]}
    rows = [
        [
            "패치 자르기",
            f"{PATCH} px: {cut[PATCH]:.0e}, 1 px: {cut[1]:.2f}",
            seen_by_cut,
        ]
    ]
    rows += [
        [
            name,
            f"{moved[name]:.2f}" if moved[name] > 0.005 else f"{moved[name]:.0e}",
            seen[name],
        ]
        for name in parts
    ]
    table(
        "parts",
        f"학습한 ViT의 부품에 토큰을 한 칸 밀어 넣으면 MLP와 어텐션의 출력은 똑같이 밀리고(오차 {moved['MLP']:.0f}), "
        f"위치 임베딩을 더하면 어긋나요({moved['위치 임베딩']:.2f}). 토큰 {GRID**2}개 가운데 MLP는 "
        f"{seen['MLP']}개, 어텐션은 {seen['어텐션']}개를 봐요.",
        ["부품", "등변 오차", "보는 토큰"],
        rows,
    )


# %% [markdown]
# ## 패치 사이의 공간은 모두 배워야 해요
#
# 패치를 한 순서로 섞고 위치 임베딩의 줄도 **같은 순서로** 섞으면 로짓이 그대로예요. ViT에게는 어느 패치가 이웃인지 미리 정해진 것이 없다는 뜻이에요.
# ViT의 위치 임베딩은 작은 무작위 값에서 시작해요. 그래서 학습 전에는 이웃이든 먼 칸이든 서로 닮지 않았어요.
# (우리의 작은 모델은 빨리 배우도록 사인·코사인에서 시작했으니, 여기서는 `vit.py`의 처음 값을 그대로 재요.)


# %%
def shuffled(model, images, order):
    """Logits where patches and position embeddings are put in the same new order:
    images (B, 3, S, S)."""
    x = model.patch_embed(images)[:, order] + model.pos_embed[:, 1:][:, order]
    x = torch.cat(
        [(model.cls_token + model.pos_embed[:, :1]).expand(len(x), -1, -1), x],
        dim=1,
    )
    for block in model.blocks:
        x, _ = block(x)
    return model.head(model.norm(x)[:, 0])


def likeness(pos_embed, low, high):
    """Mean cosine similarity of position embeddings (1, 1 + G * G, D) whose cells
    are low to high cells apart."""
    p = pos_embed[0, 1:] - pos_embed[0, 1:].mean(0)
    cell = (
        torch.stack(
            torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij"),
            -1,
        )
        .reshape(-1, 2)
        .float()
    )
    distance, cosine = (
        torch.cdist(cell, cell),
        F.cosine_similarity(p[:, None], p[None], dim=-1),
    )
    return cosine[(distance >= low) & (distance < high)].mean().item()


# %%
if __name__ == "__main__":
    order = torch.randperm(GRID**2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = trained(image)
        both = relative_error(shuffled(trained, image, order), logits)
        kept = trained.pos_embed.clone()
        trained.pos_embed[:, 1:] = kept[:, 1:][
            :, order.argsort()
        ]  # patches in their places, positions not
        alone = relative_error(trained(image), logits)
        trained.pos_embed.copy_(kept)
        for seed in SEEDS:
            torch.manual_seed(seed)
            fresh = vit.VisionTransformer(SIZE, PATCH, embed_dim=64, num_heads=4)
            for name, apart in (("near", (1, 1.1)), ("far", (4, 99))):
                found = likeness(fresh.pos_embed, *apart)
                evidence.setdefault(f"{name}_before", []).append(found)
    evidence |= {"shuffled_both": both, "shuffled_positions": alone}
    null["사인·코사인에서 시작한 모델"] = {
        f"{name}_before": [
            likeness(build(seed).pos_embed, *apart) for seed in SEEDS
        ]
        for name, apart in (("near", (1, 1.1)), ("far", (4, 99)))
    }
    print(
        f"패치와 위치 임베딩을 함께 섞으면 로짓 변화 {both:.0e}, 위치 임베딩만 섞으면 {alone:.2f}"
    )
    near, far = (
        statistics.mean(evidence[f"{name}_before"]) for name in ("near", "far")
    )
    print(f"학습 전 위치 임베딩의 코사인 유사도: 이웃 {near:.2f}, 먼 칸 {far:.2f}")


# %% [markdown]
# 위치 임베딩을 0으로 두고 장면을 오른쪽으로 밀어 봐요. 나간 것은 왼쪽으로 들어와요. 패치 하나를 밀면 같은 토큰이 자리만 바꾸고, 반 개를 밀면 토큰이 달라져요.

# %%
if __name__ == "__main__":
    nowhere = load_trained()
    nn.init.zeros_(nowhere.pos_embed)
    with torch.no_grad():
        for s, name in ((PATCH // 2, "4px"), (PATCH, "patch")):
            rolled = image.roll(s, dims=3)
            for key, model in (("without", nowhere), ("with", trained)):
                found = relative_error(model(rolled), model(image))
                evidence[f"{key}_position_{name}"] = found
                word = {"without": "위치 없이", "with": "위치를 두고"}[key]
                print(f"{word} {s} px을 밀면 로짓 변화 {found:.0e}")


# %% [markdown]
# ## 이동 불변성을 데이터에서 배우려면
#
# 손글씨 숫자(8×8)를 16×16 칸에 놓아요. 학습 1000장, 학습률을 고를 검증 297장, 시험 500장이고 시드마다 같아요. 시드가 바꾸는 것은 초기값과 보는 순서예요.
#
# - **가운데**: 숫자를 가운데에만 놓아요. 학습 이미지는 1000장이에요.
# - **아무 데**: 숫자가 잘리지 않는 자리 9×9곳에 모두 놓아요. 학습 이미지는 81,000장이에요.
#
# 시험할 때는 가운데에서 위, 아래, 왼쪽, 오른쪽으로 옮기고 넷의 평균을 내요.


# %%
def place(digits, dy=0, dx=0):
    """Digits (n, 1, 8, 8) on an empty 16 x 16 canvas, dy down and dx right of its
    middle."""
    return F.pad(digits, (4 + dx, 4 - dx, 4 + dy, 4 - dy), value=-MEAN / STD)


def everywhere(digits):
    """Digits (n, 1, 8, 8) at each of the 81 places where they stay whole: (81 n, 1,
    16, 16)."""
    places = [(dy, dx) for dy in range(-4, 5) for dx in range(-4, 5)]
    return torch.cat([place(digits, dy, dx) for dy, dx in places])


def shuffled_pixels(images):
    """The same new order of pixels for every image: (n, 1, S, S), so again."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(images[0].numel(), generator=generator)
    return images.flatten(1)[:, order].view_as(images)


def digit_vit(seed, position=0.02):
    """A ViT with 4 x 4 patches of 4 px: (B, 1, 16, 16) -> (B, 10); position: std of
    its embeddings, 0.02 as in timm, None for none."""
    model = small_vit(seed, img_size=16, patch_size=4)
    if position:
        nn.init.normal_(model.pos_embed, std=position)
    else:
        model.pos_embed = None
    return model


def digit_cnn(seed):
    """Three circular convolutions and the maximum over all places: (B, 1, 16, 16) ->
    (B, 10)."""
    torch.manual_seed(seed)
    options = {"kernel_size": 3, "padding": 1, "padding_mode": "circular"}
    return nn.Sequential(
        nn.Conv2d(1, 8, **options),
        nn.ReLU(),
        nn.Conv2d(8, 16, **options),
        nn.ReLU(),
        nn.Conv2d(16, 32, **options),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),  # (B, 32, 1, 1)
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def moved_accuracy(model, digits, labels, pixels):
    """Accuracy on digits moved so many pixels from the middle, mean of four ways:
    float."""
    ways = {(0, pixels), (0, -pixels), (pixels, 0), (-pixels, 0)}  # one for none
    return statistics.mean(
        accuracy(model, place(digits, dy, dx), labels) for dy, dx in ways
    )


def answers(key, model, digits, labels, shifts=range(5)):
    """What a condition's model gets right of the testing: {evidence name:
    accuracy}."""
    if "shuffled" in key:
        return {key: accuracy(model, *shown(key, digits, labels))}
    return {
        f"{key}_{s}px": moved_accuracy(model, digits, labels, s) for s in shifts
    }


# %% [markdown]
# 학습률은 조건마다 검증 이미지로 넷 가운데에서 골라요(시험에 쓰지 않는 시드 하나). 오래 걸리는 것은 가중치를 저장해 두고 불러요.
# 환경 변수 `TRAIN_AGAIN=1`을 주면 학습률부터 모두 다시 해요.

# %%
MAKE = {
    "cnn": digit_cnn,
    "fixed_with_position": digit_vit,
    "fixed_without_position": lambda seed: digit_vit(seed, None),
    "cnn_shuffled": digit_cnn,
    "vit_shuffled": digit_vit,
    "anywhere": digit_vit,
    "anywhere_longer": digit_vit,
}
STORED = "cnn", "shuffled", "anywhere"  # what takes long


def shown(key, digits, labels):
    """What a condition sees of digits (n, 1, 8, 8): images, labels."""
    if key.startswith("anywhere"):
        return everywhere(digits), labels.repeat(81)
    images = place(digits)
    return (shuffled_pixels(images) if "shuffled" in key else images), labels


def learn(key, lr, seed, images, labels):
    """The model of a condition, its learning done."""
    model = MAKE[key](seed)
    steps = LONGER if "longer" in key else STEPS
    train(model, images, labels, seed, lr=lr, steps=steps)
    return model


def best_rate(key, images, labels, look):
    """The rate whose model does best in the validation, and {rate: accuracy}."""
    rates = 0.001, 0.003, 0.01, 0.03
    found = {
        lr: accuracy(learn(key, lr, 99, images, labels), *look) for lr in rates
    }
    return max(found, key=found.get), found


# %%
if __name__ == "__main__":
    learning, validation, testing = load(0)
    train_again = os.environ.get("TRAIN_AGAIN") == "1"
    kept = {} if train_again else load_file(WEIGHTS)
    untrained = null.setdefault("배우지 않은 모델", {})
    for key, make in MAKE.items():
        seen = shown(key, *learning)
        if train_again:
            rate, found = best_rate(key, *seen, shown(key, *validation))
            kept[f"{key}.rate"] = torch.tensor(rate, dtype=torch.float64)
            tried = ", ".join(f"{lr}: {a:.1%}" for lr, a in found.items())
            print(f"{key}: 학습률 {rate} (검증 {tried})")
        rate = evidence[f"{key}_rate"] = kept[f"{key}.rate"].item()
        some = torch.randperm(
            len(seen[1]), generator=torch.Generator().manual_seed(0)
        )[:1000]  # enough to see whether they have been learnt
        for seed in SEEDS:
            prefix = f"{key}.{seed}."
            stored = any(word in key for word in STORED)
            if train_again or not stored:
                model = learn(key, rate, seed, *seen)
            if stored:  # rounded to half in the file, so measured as rounded
                if train_again:
                    kept |= {
                        prefix + k: v.half() for k, v in model.state_dict().items()
                    }
                model = make(seed)
                model.load_state_dict(
                    {
                        k.removeprefix(prefix): v.float()
                        for k, v in kept.items()
                        if k.startswith(prefix)
                    }
                )
            found = answers(key, model, *testing)
            found[f"{key}_train"] = accuracy(model, seen[0][some], seen[1][some])
            for name, right in found.items():
                evidence.setdefault(name, []).append(right)
            if "anywhere" not in key:  # these start as fixed_with_position does
                for name, right in answers(
                    key, make(seed), *testing, (0, 2, 4)
                ).items():
                    untrained.setdefault(name, []).append(right)
    for key in ("anywhere", "anywhere_longer"):
        for s in (0, 2, 4):
            untrained[f"{key}_{s}px"] = untrained[f"fixed_with_position_{s}px"]
    if train_again:
        save_file(kept, WEIGHTS)

# %%
if __name__ == "__main__":
    mean = {
        name: statistics.mean(value)
        for name, value in evidence.items()
        if isinstance(value, list)
    }
    share, count = mean["fixed_with_position_0px"], len(testing[1])
    evidence |= {
        "cnn_params": sum(p.numel() for p in digit_cnn(0).parameters()),
        "vit_params": sum(p.numel() for p in digit_vit(0).parameters()),
        "steps": STEPS,
        "longer_steps": LONGER,
        "times": LONGER // STEPS,
        "test_digits": count,
        "binomial_error": (share * (1 - share) / count) ** 0.5,
    }
    null["옮기지 않은 그림"] = {
        f"{key}_{s}px": evidence[f"{key}_0px"]
        for key in ("fixed_with_position", "fixed_without_position")
        for s in range(1, 5)
    }
    null["가운데에서만 배운 모델"] = {
        f"{key}_{s}px": evidence[f"fixed_with_position_{s}px"]
        for key in ("anywhere", "anywhere_longer")
        for s in range(5)
    }
    null["픽셀을 섞지 않은 이미지"] = {
        "cnn_shuffled": evidence["cnn_0px"],
        "vit_shuffled": evidence["fixed_with_position_0px"],
    }
    rates = ", ".join(f"{key} {evidence[f'{key}_rate']}" for key in MAKE)
    print(f"고른 학습률: {rates}")
    print(
        f"시험 숫자 {count}장의 이항 표준오차는 {100 * evidence['binomial_error']:.1f}%p예요."
    )

# %%
if __name__ == "__main__":
    styles = {
        "cnn": ("CNN, 가운데", GREEN, "D-"),
        "anywhere_longer": (f"ViT, 아무 데 {LONGER}스텝", VIOLET, "^-"),
        "anywhere": (f"ViT, 아무 데 {STEPS}스텝", VIOLET, "v:"),
        "fixed_with_position": ("ViT, 가운데", BLUE, "o-"),
        "fixed_without_position": ("위치 없는 ViT, 가운데", ORANGE, "s--"),
    }
    fig, ax = plt.subplots(figsize=(4.5, 4.2))
    for key, (label, colour, style) in styles.items():
        y = torch.tensor([evidence[f"{key}_{s}px"] for s in range(5)])
        ax.plot(range(5), y.mean(1), style, color=colour, label=label)
        ax.fill_between(
            range(5), y.amin(1), y.amax(1), color=colour, alpha=0.2, linewidth=0
        )
    ax.axhline(0.1, color=INK, linewidth=1, linestyle=":")
    ax.set(
        xlabel="시험할 때 옮긴 거리 (px, 4 px가 패치 하나)",
        title="시험 정확도 (띠는 시드 다섯의 범위)",
        xticks=range(5),
        ylim=(0, 1.02),
    )
    ax.yaxis.set_major_formatter("{x:.0%}")
    fig.legend(loc="outside lower center", ncols=2)
    two = {key: f"{mean[f'{key}_2px']:.0%}" for key in styles}
    show(
        fig,
        "fixed_place",
        f"2 px을 옮기면 가운데에서만 배운 ViT는 {two['fixed_with_position']}이고, 전역 풀링을 둔 CNN은 {two['cnn']}예요. "
        f"아무 데서나 {STEPS}스텝을 배운 ViT는 {two['anywhere']}, {LONGER}스텝을 배운 ViT는 {two['anywhere_longer']}예요.",
    )
    order = [
        "cnn",
        "fixed_with_position",
        "fixed_without_position",
        "anywhere",
        "anywhere_longer",
    ]
    table(
        "price",
        f"2 px 옮긴 숫자를 가운데에서만 배운 CNN은 {two['cnn']}, ViT는 "
        f"{two['fixed_with_position']} 맞혀요. 아무 데서나 {LONGER}스텝을 배운 ViT는 "
        f"{two['anywhere_longer']}예요. 가운데는 {STEPS}스텝, 한 스텝에 32장. 시드 다섯의 평균",
        ["", "학습 정확도", "0 px", "2 px", "4 px"],
        [
            [
                styles[key][0],
                *(
                    f"{mean[f'{key}_{s}']:.0%}"
                    for s in ("train", "0px", "2px", "4px")
                ),
            ]
            for key in order
        ],
    )

# %% [markdown]
# ## 픽셀을 섞으면
#
# 가운데에 놓은 숫자의 픽셀을 모두 **똑같은 순서로** 섞고 처음부터 다시 배워요. 이웃이라는 가정이 틀린 데이터예요.

# %%
if __name__ == "__main__":
    table(
        "shuffled_pixels",
        "가운데 놓인 숫자의 픽셀을 섞으면 CNN이 "
        f"{100 * (mean['cnn_0px'] - mean['cnn_shuffled']):.0f}%p, ViT가 "
        f"{100 * (mean['fixed_with_position_0px'] - mean['vit_shuffled']):.0f}%p를 잃어요. "
        f"{STEPS}스텝씩 배운 시험 정확도(학습 정확도), 시드 다섯의 평균",
        ["", "그대로", "픽셀을 섞음"],
        [
            [
                name,
                f"{mean[f'{plain}_0px']:.0%} ({mean[f'{plain}_train']:.0%})",
                f"{mean[mixed]:.0%} ({mean[f'{mixed}_train']:.0%})",
            ]
            for name, plain, mixed in (
                ("CNN", "cnn", "cnn_shuffled"),
                ("ViT", "fixed_with_position", "vit_shuffled"),
            )
        ],
    )

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.1
        for name in evidence
        if isinstance(evidence[name], list) and "before" not in name
    }
    evidence
