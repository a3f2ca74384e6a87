# %% [markdown]
# # 작은 ViT를 처음부터 학습하기
#
# 여기 있는 실험들이 함께 쓰는 모델이에요. 64 px 장면을 8 px 패치로 잘라 8×8개의 토큰으로 보고, 낱자 열 개 가운데 하나를 맞혀요.
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
SHORT, FULL = (
    250,
    10_000,
)  # steps of training: what a plain run shows, and what made the committed weights
WEIGHTS = data_path("train_vit.safetensors")


# %%
def build(seed=0, pos_embed="learn"):
    """The untrained model: (B, 3, 64, 64) -> (B, 10)."""
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
        # and drowns the positions
        for weight in model.blocks.parameters():
            if weight.ndim == 2:
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
        if pos_embed == "learn":
            nn.init.normal_(model.pos_embed, std=0.5)
    return model


def load_trained():
    """The trained model, in eval mode, from snippets/data/train_vit.safetensors."""
    model = build()
    model.load_state_dict(load_file(WEIGHTS))
    return model.eval()


def train(model, until=FULL, steps=FULL, batch=16, lr=1e-3, warmup=100):
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
# 환경 변수 `FULL_RUN=1`을 주세요. 한 코어로 몇 분 걸려요.

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
    evidence["loss_first"] = sum(losses[:25]) / 25
    evidence["loss_last"] = sum(losses[SHORT - 25 : SHORT]) / 25
    seen = [
        scenes.draw(16, SIZE, seed=1_000_000 + step)[:2]
        for step in range(SHORT - 25, SHORT)
    ]  # the same scenes
    untrained["loss_last"] = (
        sum(evaluate(build(), images, labels)[1] for images, labels in seen) / 25
    )

    window = len(losses) // 25
    means = torch.tensor(losses).unfold(0, window, window).mean(1)
    figure, axis = plt.subplots()
    axis.plot(torch.arange(1, len(means) + 1) * window, means, color=BLUE)
    axis.axhline(math.log(10), color=INK, linewidth=1, linestyle=":")
    axis.annotate(
        "찍었을 때 (ln 10)",
        (len(losses), math.log(10)),
        (0, 4),
        textcoords="offset points",
        ha="right",
    )
    axis.set(xlabel="학습 단계", title=f"손실 ({window}단계 평균)", ylim=(0, 2.6))
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
    for model, found in ((trained, evidence), (plain, untrained)):
        accuracies = torch.tensor(
            [evaluate(model, images, labels)[0] for images, labels in held_out]
        )
        found["accuracy"], found["accuracy_std"] = (
            accuracies.mean().item(),
            accuracies.std().item(),
        )
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

    def ablated(whole, less):
        """{what is changed: (accuracy, loss)} of a model; less: makes it without a
        part."""
        return {
            "그대로": evaluate(whole, images, labels),
            **{
                f"{name} 빼기": evaluate(less(part), images, labels)
                for name, part in parts.items()
            },
            "패치 섞기": evaluate(whole, shuffle_patches(images), labels),
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
