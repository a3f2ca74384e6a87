# %% [markdown]
# # 작은 ViT를 처음부터 학습하기
#
# 여기 있는 실험들이 함께 쓰는 모델이에요. 64 px 장면을 8 px 패치로 잘라 8×8개의 토큰으로 보고, 낱자 여섯 개 가운데 하나를 맞혀요.
# 낱자들은 **획이 놓인 자리로만** 다르니, 패치의 배열을 봐야 풀 수 있는 문제예요.
# 데이터는 학습하는 동안 계속 새로 그려요. 같은 장면을 두 번 보는 일이 없어요.

# %%
import math
import os
import time

import scenes
import torch
import torch.nn.functional as F
import vit
from lib.paths import data_path
from safetensors.torch import load_file, save_file
from torch import nn

SIZE, PATCH = 64, 8  # pixels: 8 x 8 tokens
# steps: what a plain run shows, and what made the committed weights
SHORT, FULL = 300, 4000
WEIGHTS = data_path("train_vit.safetensors")
WITHOUT = data_path("train_vit_none.safetensors")  # learnt without positions


# %% [markdown]
# ## 모델: 위치 임베딩은 평면을 아는 채로 시작해요
#
# 위치 임베딩을 아무 값에서나 시작하면 이웃이 이웃인 줄부터 배워야 해서 오래 걸려요. 그래서 행과 열의 사인·코사인에서 시작하고,
# 그다음은 다른 가중치와 함께 학습해요. 격자 8칸에 맞게 0.3에서 2.2라디안까지의 진동수를 써요.


# %%
def waves(grid, dim):
    """Sines and cosines of row and column at frequencies that fit a small grid:
    (1, 1 + grid^2, dim), zeros for the class token; dim divisible by 4."""
    omega = torch.linspace(0.3, 2.2, dim // 4)  # radians a cell
    y, x = torch.cartesian_prod(torch.arange(grid), torch.arange(grid)).T
    y, x = y[:, None] * omega, x[:, None] * omega  # (N, D/4) each
    grid = torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1)
    return torch.cat([torch.zeros(1, dim), grid])[None]


def build(seed=0, pos_embed="learn"):
    """The untrained model: (B, 3, 64, 64) -> (B, 6)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = vit.VisionTransformer(
            img_size=SIZE,
            patch_size=PATCH,
            num_classes=len(scenes.CLASSES),
            embed_dim=64,
            depth=6,
            num_heads=4,
            mlp_ratio=2,
            pos_embed=pos_embed,
        )
        # std 0.02 suits widths near 768; at 64 it makes every attention map flat
        for weight in model.blocks.parameters():
            if weight.ndim == 2:
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
        if pos_embed == "learn":
            nn.init.normal_(model.pos_embed, std=0.1)
            model.pos_embed.data += 0.7 * waves(SIZE // PATCH, 64)
    return model


def load_trained(pos_embed="learn"):
    """The trained model, in eval mode, from snippets/data: the one with positions,
    or the one that learnt without ("none")."""
    model = build(pos_embed=pos_embed)
    model.load_state_dict(load_file(WEIGHTS if pos_embed == "learn" else WITHOUT))
    return model.eval()


def train(model, until=FULL, steps=FULL, batch=32, lr=1e-3, warmup=100):
    """AdamW, warm-up and cosine over so many steps, new scenes at each; stops after
    until steps. Returns the losses."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
    told, losses = time.monotonic(), []
    model.train()
    for step in range(until):
        cosine = 0.5 + 0.5 * math.cos(
            math.pi * max(0, step - warmup) / (steps - warmup)
        )
        optimizer.param_groups[0]["lr"] = lr * min((step + 1) / warmup, cosine)
        images, labels, _ = scenes.draw(
            batch, SIZE, seed=1_000_000 + step
        )  # seeds below a million are held out
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if time.monotonic() - told > 5 or step + 1 == until:
            told = time.monotonic()
            print(
                f"{step + 1:,}/{until:,}단계: 최근 50단계의 평균 손실 {sum(losses[-50:]) / len(losses[-50:]):.3f}",
                flush=True,
            )
    model.eval()
    return losses


@torch.no_grad()
def evaluate(model, images, labels):
    """Accuracy and mean cross-entropy of the model on images (n, 3, H, W) and
    labels (n,)."""
    logits = torch.cat([model(part) for part in images.split(250)])
    return (logits.argmax(1) == labels).float().mean().item(), F.cross_entropy(
        logits, labels
    ).item()


# %% [markdown]
# ## 학습해요
#
# 그냥 실행하면 처음 몇백 단계만 학습해서 손실이 줄기 시작하는 모습을 봐요. 끝까지 학습해 가중치를 새로 만들려면
# 환경 변수 `FULL_RUN=1`을 주세요. 한 코어로 십몇 분 걸려요.
#
# 모델을 둘 만들어요. 하나는 그대로, 하나는 **위치 임베딩 없이** 같은 데이터로 같은 만큼 학습해요. 위치가 없는 ViT는 패치를 어떻게 섞어도
# 같은 답을 내니, 이 모델이 맞히는 만큼이 **조각만 보고** 알 수 있는 만큼이에요.

# %%
if __name__ == "__main__":
    from lib.figure import BLUE, INK, plt, show, table

    torch.set_num_threads(1)
    evidence, null = (
        {"short_steps": SHORT, "full_steps": FULL},
        {"배우지 않은 모델": {}},
    )
    untrained = null["배우지 않은 모델"]
    model = build()
    full_run = os.environ.get("FULL_RUN") == "1"
    losses = train(model, until=FULL if full_run else SHORT)
    if full_run:
        save_file(model.state_dict(), WEIGHTS)
        blind = build(pos_embed="none")
        train(blind)
        save_file(blind.state_dict(), WITHOUT)
    evidence["loss_first"] = sum(losses[:25]) / 25
    evidence["loss_last"] = sum(losses[SHORT - 25 : SHORT]) / 25
    seen = [
        scenes.draw(32, SIZE, seed=1_000_000 + step)[:2]
        for step in range(SHORT - 25, SHORT)
    ]  # the same scenes
    untrained["loss_last"] = (
        sum(evaluate(build(), images, labels)[1] for images, labels in seen) / 25
    )

    window = len(losses) // 25
    means = torch.tensor(losses).unfold(0, window, window).mean(1)
    figure, axis = plt.subplots()
    axis.plot(torch.arange(1, len(means) + 1) * window, means, color=BLUE)
    axis.axhline(
        math.log(len(scenes.CLASSES)), color=INK, linewidth=1, linestyle=":"
    )
    axis.annotate(
        "찍었을 때 (ln 6)",
        (len(losses), math.log(len(scenes.CLASSES))),
        (0, 4),
        textcoords="offset points",
        ha="right",
    )
    axis.set(xlabel="학습 단계", title=f"손실 ({window}단계 평균)", ylim=(0, 2.0))
    alt = f"{len(losses):,}단계를 학습하는 동안 손실이 {means[0]:.2f}에서 {means[-1]:.2f}로 줄었어요."
    show(figure, "loss_curve", alt)


# %% [markdown]
# ## 처음 보는 장면으로 재요
#
# 저장해 둔 가중치를 불러 학습에 쓰지 않은 시드로 그린 장면에서 정확도를 재요.
# 그다음 **학습된 모델에서** 부품을 하나씩 빼 봐요. 빼고 나서 다시 학습하지 않았으니, 없어도 되는지가 아니라 이 모델이 그것에 기대는지를 알려 줘요.


# %%
def shuffle_patches(images, seed=0):
    """Move the patches of each image to random places, the same for all: (B, 3, S,
    S) -> (B, 3, S, S)."""
    columns = F.unfold(images, PATCH, stride=PATCH)  # (B, 3 * P * P, N)
    order = torch.randperm(
        columns.shape[2], generator=torch.Generator().manual_seed(seed)
    )
    return F.fold(columns[:, :, order], images.shape[-2:], PATCH, stride=PATCH)


def without(part):
    """The trained model with one part taken out."""
    model = load_trained()
    if part == "position":
        nn.init.zeros_(model.pos_embed)
    elif part == "final norm":
        model.norm = nn.Identity()
    for block in model.blocks:
        if part == "block norms":
            block.norm1 = block.norm2 = nn.Identity()
        elif part == "gelu":
            block.mlp.forward = lambda x, mlp=block.mlp: mlp.fc2(mlp.fc1(x))
        elif part == "residual":
            block.forward = lambda x, _, b=block: (
                b.mlp(b.norm2(b.attn(b.norm1(x))[0])),
                None,
            )
    return model.eval()


# %%
if __name__ == "__main__":
    trained, plain = load_trained(), build().eval()
    held_out = [scenes.draw(500, SIZE, seed)[:2] for seed in range(1, 6)]
    blind = load_trained(pos_embed="none")
    for model, found, name in (
        (trained, evidence, "accuracy"),
        (plain, untrained, "accuracy"),
        (blind, evidence, "accuracy_blind"),
        (build(pos_embed="none").eval(), untrained, "accuracy_blind"),
    ):
        accuracies = torch.tensor([evaluate(model, *test)[0] for test in held_out])
        found[name] = accuracies.mean().item()
        found[f"{name}_std"] = accuracies.std().item()
    labels = torch.cat([labels for _, labels in held_out])
    evidence["majority"] = (torch.bincount(labels).max() / len(labels)).item()
    images, labels, _ = scenes.draw(9000, 24, seed=3)
    evidence["linear"] = scenes.linear_accuracy(
        images.flatten(1), labels, n_train=6000
    )
    rows = [
        [
            "학습한 ViT",
            f"{evidence['accuracy']:.1%} ± {evidence['accuracy_std']:.1%}",
        ],
        [
            "위치 없이 배운 ViT",
            f"{evidence['accuracy_blind']:.1%} ± {evidence['accuracy_blind_std']:.1%}",
        ],
        [
            "배우지 않은 ViT",
            f"{untrained['accuracy']:.1%} ± {untrained['accuracy_std']:.1%}",
        ],
        ["픽셀의 선형 분류기", f"{evidence['linear']:.1%}"],
        ["가장 많은 낱자만 답하기", f"{evidence['majority']:.1%}"],
    ]
    table(
        "accuracy",
        f"처음 보는 장면의 정확도 (ViT는 시드 {len(held_out)}개, 시드마다 500장)",
        ["방법", "정확도"],
        rows,
    )

# %%
if __name__ == "__main__":
    parts = {
        "위치 임베딩": "position",
        "마지막 LayerNorm": "final norm",
        "블록의 LayerNorm": "block norms",
        "GELU": "gelu",
        "잔차": "residual",
    }
    images, labels = held_out[0]

    def plain_without(part):
        """The same part taken out of the model that has learnt nothing."""
        model = without(part)
        model.load_state_dict(
            plain.state_dict(), strict=False
        )  # what is taken out has no place for its weights
        if part == "position":
            nn.init.zeros_(model.pos_embed)
        return model

    def shuffled(model, orders=5):
        """Mean accuracy and loss with the patches in so many random orders."""
        found = [
            evaluate(model, shuffle_patches(images, seed), labels)
            for seed in range(orders)
        ]
        return [sum(values) / orders for values in zip(*found)]

    def ablated(whole, less):
        """{what is changed: (accuracy, loss)} of a model; less: makes it without a
        part."""
        return {
            "그대로": evaluate(whole, images, labels),
            **{
                f"{name} 빼기": evaluate(less(part), images, labels)
                for name, part in parts.items()
            },
            "패치 섞기": shuffled(whole),
        }

    result = ablated(trained, without)
    for found, values in (
        (evidence, result),
        (untrained, ablated(plain, plain_without)),
    ):
        found["accuracy_whole"], found["loss_whole"] = values["그대로"]
        for name, part in parts.items():
            found[f"accuracy_without_{part.replace(' ', '_')}"] = values[
                f"{name} 빼기"
            ][0]
        found["loss_without_final_norm"] = values["마지막 LayerNorm 빼기"][1]
        found["accuracy_shuffled_patches"] = values["패치 섞기"][0]
    rows = [
        [name, f"{accuracy:.1%}", f"{loss:.2f}"]
        for name, (accuracy, loss) in result.items()
    ]
    table(
        "ablation",
        f"학습된 모델에서 하나씩 빼면 (장면 {len(labels)}장)",
        ["무엇을 바꿨나", "정확도", "손실"],
        rows,
    )

# %%
if __name__ == "__main__":
    for model, found in ((trained, evidence), (plain, untrained)):
        with torch.no_grad():
            x, spread = model.embed(images), []
            for block in model.blocks:
                x, _ = block(x)
                spread.append(
                    x[:, 0].std(dim=-1).mean().item()
                )  # of the class token
            found["cls_std_after_final_norm"] = (
                model.norm(x)[:, 0].std(dim=-1).mean().item()
            )
        found["cls_std_first_block"], found["cls_std_last_block"] = (
            spread[0],
            spread[-1],
        )
    evidence["parameters"] = sum(p.numel() for p in trained.parameters())


# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.02
        for name in evidence
        if name.startswith(("accuracy", "linear", "cls_std"))
    }
    tolerance |= {
        "loss_first": 0.02,
        "loss_last": 0.1,
        "loss_whole": 0.05,
        "loss_without_final_norm": 0.1,
    }
    evidence
