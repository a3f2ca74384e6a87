# %% [markdown]
# # Transformer에는 정말 귀납적 편향이 없을까요?
#
# ViT를 부품으로 나눠, 부품마다 무엇을 가정하는지 재요. 그다음 입력을 1 px씩 옮겨 패치 하나만큼 밀 때까지 따라가요.
# 구조가 보장하는 것과 데이터에서 배운 것이 여기서 갈려요.

# %%
import statistics

import scenes
import torch
import torch.nn.functional as F
import vit
from lib.digits import MEAN, STD, load, small_vit, train
from lib.figure import BLUE, INK, ORANGE, plt, show, table
from lib.measure import accuracy, relative_error
from torch import nn
from train_vit import PATCH, SIZE, build, load_trained

SEEDS = range(5)
GRID = SIZE // PATCH


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
        f"ViT의 부품: 한 칸 밀었을 때의 등변 오차와, 보는 토큰의 수 (모두 {GRID**2}개)",
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
# ## 학습한 ViT의 입력을 1 px씩 옮겨요
#
# 이 모델은 낱자가 **아무 자리에나** 놓인 장면으로 학습했어요. 장면을 식으로 그리니, 이미지를 밀어 빈 곳을 만드는 대신 카메라를 옮기듯
# 장면 전체를 옮겨 다시 그려요. 낱자가 화면 밖으로 나가지 않는 장면만 써요. 시드마다 장면 200장을 새로 그려요.


# %%
def pan(scene, pixels):
    """The scene (from scenes.sample) seen by a camera turned so that everything
    moves so many pixels right."""
    move = torch.tensor([pixels / SIZE, 0.0])
    return {
        **scene,
        "strokes": scene["strokes"] + move.repeat(2),
        "bars": scene["bars"] + move.repeat(2),
        "phase": scene["phase"] - scene["frequency"] @ move,
    }


def roomy(n, seed, margin):
    """n scenes whose letter stays whole when moved margin pixels right."""
    scene = scenes.sample(8 * n, seed)
    fits = (scene["boxes"][:, 2] < 1 - margin / SIZE).nonzero()[:n, 0]
    return {key: value[fits] for key, value in scene.items()}


# %%
if __name__ == "__main__":
    steps, untrained = (
        [0, 1, 2, 4, 8, 12, 16],
        null.setdefault("배우지 않은 모델", {}),
    )
    nowhere, first = load_trained(), build().eval()
    nn.init.zeros_(nowhere.pos_embed)
    with torch.no_grad():
        for seed in SEEDS:
            scene = roomy(200, seed, margin=steps[-1])
            views = {s: scenes.render(pan(scene, s), SIZE) for s in steps}
            for world, model in ((evidence, trained), (untrained, first)):
                logits = {s: model(view) for s, view in views.items()}
                for s in steps:
                    right = (
                        (logits[s].argmax(1) == scene["labels"])
                        .double()
                        .mean()
                        .item()
                    )
                    world.setdefault(f"accuracy_{s}px", []).append(right)
                    world.setdefault(f"change_{s}px", []).append(
                        relative_error(logits[s], logits[0])
                    )
        for s, name in ((4, "4px"), (PATCH, "patch")):
            rolled = image.roll(s, dims=3)
            evidence[f"without_position_{name}"] = relative_error(
                nowhere(rolled), nowhere(image)
            )
            evidence[f"with_position_{name}"] = relative_error(
                trained(rolled), trained(image)
            )
    mean = {
        name: statistics.mean(value)
        for name, value in evidence.items()
        if isinstance(value, list)
    }
    null["옮기지 않은 그림"] = {
        f"change_{s}px": evidence["change_0px"] for s in steps
    }

    fig, ax = plt.subplots()
    y = torch.tensor([evidence[f"change_{s}px"] for s in steps])
    ax.plot(steps, y.mean(1), "o-", color=BLUE)
    ax.fill_between(steps, y.amin(1), y.amax(1), color=BLUE, alpha=0.2, linewidth=0)
    ax.set(
        xlabel="옮긴 거리 (px)",
        title="로짓의 상대 변화",
        xticks=[0, 4, 8, 12, 16],
        ylim=(0, None),
    )
    for s in (PATCH, 2 * PATCH):
        ax.axvline(s, color=INK, linewidth=1, linestyle=":")
    ax.annotate(
        "패치 하나", (PATCH, 0), (-4, 6), textcoords="offset points", ha="right"
    )
    ax.annotate(
        "패치 둘", (2 * PATCH, 0), (-4, 6), textcoords="offset points", ha="right"
    )
    show(
        fig,
        "logit_change",
        f"로짓은 패치 반 개({PATCH // 2} px)를 옮길 때 {mean['change_4px']:.2f}만큼 바뀌었다가, "
        f"패치 하나({PATCH} px)를 옮기면 {mean['change_8px']:.2f}만큼만 바뀌어요. 변화가 패치 크기를 주기로 오르내려요.",
    )
    rows = [
        [
            f"{s} px",
            f"{mean[f'accuracy_{s}px']:.1%}",
            f"{mean[f'change_{s}px']:.2f}",
        ]
        for s in steps
    ]
    table(
        "trained_shift",
        "장면 200장씩, 시드 5개: 옮긴 거리와 정확도",
        ["옮긴 거리", "정확도", "로짓 변화"],
        rows,
    )


# %% [markdown]
# ## 한 자리에서만 배우면
#
# 위의 모델은 모든 자리를 보며 배웠으니, 자리가 바뀌어도 맞히는 힘이 구조에서 왔는지 데이터에서 왔는지 알 수 없어요.
# 그래서 손글씨 숫자를 16×16 칸의 **가운데에만** 놓고 작은 ViT(패치 4 px)를 학습해서 옮겨 봐요. 하나는 위치 임베딩이 있고 하나는 없어요.


# %%
def place(digits, dy=0, dx=0):
    """Digits (n, 1, 8, 8) on an empty 16 x 16 canvas, dy down and dx right of its
    middle."""
    return F.pad(digits, (4 + dx, 4 - dx, 4 + dy, 4 - dy), value=-MEAN / STD)


def digit_vit(seed, position):
    """A ViT with 4 x 4 patches of 4 px: (B, 1, 16, 16) -> (B, 10); position: std of
    its embeddings, None for none."""
    model = small_vit(seed, img_size=16, patch_size=4)
    if position:
        nn.init.normal_(model.pos_embed, std=position)
    else:
        model.pos_embed = None
    return model


# %%
if __name__ == "__main__":
    kinds = {
        "with": 0.5,
        "without": None,
        "small": 0.02,
    }  # 0.02 is what timm starts a ViT with
    for seed in SEEDS:
        (digits, labels), _, (test_digits, test_labels) = load(seed)
        test_digits, test_labels = test_digits[:250], test_labels[:250]
        for kind, position in kinds.items():
            model = digit_vit(seed, position)
            for world in (untrained, evidence):
                if world is evidence:
                    train(model, place(digits), labels, seed, lr=0.005, steps=120)
                for s in range(5):
                    two = place(test_digits, dx=s), place(test_digits, dy=s)
                    right = statistics.mean(
                        accuracy(model, x, test_labels) for x in two
                    )
                    world.setdefault(f"fixed_{kind}_position_{s}px", []).append(
                        right
                    )
    mean = {
        name: statistics.mean(value)
        for name, value in evidence.items()
        if isinstance(value, list)
    }
    for kind in kinds:
        still = evidence[f"fixed_{kind}_position_0px"]
        null["옮기지 않은 그림"] |= {
            f"fixed_{kind}_position_{s}px": still for s in range(1, 5)
        }
    # the same distances in patches: none and a half
    null["가운데에서만 배운 모델"] = {
        f"accuracy_{s}px": evidence[f"fixed_with_position_{s // 2}px"]
        for s in (0, 4)
    }

    fig, ax = plt.subplots()
    for kind, label, colour, marker in (
        ("with", "위치 임베딩 있음", BLUE, "o"),
        ("without", "위치 임베딩 없음", ORANGE, "s"),
    ):
        y = torch.tensor(
            [evidence[f"fixed_{kind}_position_{s}px"] for s in range(5)]
        )
        ax.plot(range(5), y.mean(1), marker=marker, color=colour, label=label)
        ax.fill_between(
            range(5), y.amin(1), y.amax(1), color=colour, alpha=0.2, linewidth=0
        )
    ax.axhline(0.1, color=INK, linewidth=1, linestyle=":")
    ax.set(
        xlabel="시험할 때 옮긴 거리 (px, 4 px가 패치 하나)",
        title="시험 정확도",
        xticks=range(5),
        ylim=(0, 1.02),
    )
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.legend(loc="upper center")
    show(
        fig,
        "fixed_place",
        "가운데에서만 배운 ViT는 2 px만 옮겨도 위치 임베딩이 "
        + ", ".join(
            f"{name} {mean[f'fixed_{kind}_position_0px']:.0%} → {mean[f'fixed_{kind}_position_2px']:.0%}"
            for kind, name in (("with", "있으면"), ("without", "없으면"))
        )
        + f"로 무너져요. 패치 하나를 옮기면 있는 쪽은 {mean['fixed_with_position_4px']:.0%}, 없는 쪽은 {mean['fixed_without_position_4px']:.0%}예요.",
    )
    print(
        f"위치 임베딩을 아주 작은 값(표준편차 {kinds['small']})에서 시작하면 패치 하나를 옮겼을 때 {mean['fixed_small_position_4px']:.0%}"
    )

# %%
if __name__ == "__main__":
    tolerance = {name: 0.1 for name in evidence if name.startswith("fixed")} | {
        name: 0.02 for name in evidence if name.startswith(("change", "accuracy"))
    }
    evidence
