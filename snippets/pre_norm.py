# %% [markdown]
# # LayerNorm을 왜 어텐션과 MLP 앞에 둘까요?
#
# 2017년의 Transformer는 잔차를 더한 **뒤에** LayerNorm을 뒀고(post-LN), ViT는 갈래의 **앞에** 둬요(pre-LN).
# 같은 부품을 자리만 바꿔 놓고, 학습을 시작하기 전의 기울기와, 학습률과 워밍업을 바꿔 가며 배운 정확도를 견줘요.
# 데이터는 8×8 손글씨 숫자예요. 4×4 픽셀씩 네 패치로 잘라서, 층이 열둘이어도 금세 배워요.

# %%
import os
import re
import statistics
from functools import partial

import torch
import torch.nn.functional as F
from lib.digits import load, small_vit
from lib.figure import BLUE, GREEN, INK, ORANGE, VIOLET, plt, show, table
from lib.measure import accuracy
from lib.paths import data_path
from lib.together import train_together
from safetensors.torch import load_file, save_file
from torch import nn
from vit import Block, VisionTransformer

torch.set_num_threads(1)
SEEDS, DEPTHS = (0, 1, 2, 3, 4), (4, 12, 36)
DEPTH, STEPS, WARMUP, RATE = 12, 50, 25, 0.003
LONG, LONG_WARMUP, RATES = 200, 50, (0.0003, 0.001, 0.003, 0.01)
KEPT = data_path("pre_norm.safetensors")

# %% [markdown]
# ## 부품은 같고 자리만 달라요
#
# pre-LN은 $x + f(\mathrm{LN}(x))$, post-LN은 $\mathrm{LN}(x + f(x))$예요.
# pre-LN에는 블록을 다 지난 뒤 LayerNorm이 하나 더 있어요. post-LN은 블록마다 LayerNorm으로 끝나니 그것이 필요 없어요.


# %%
class PostBlock(Block):
    """The block with a LayerNorm after each sum instead of before each branch:
    (B, N, D) -> (B, N, D) and the attention maps."""

    def forward(self, x, return_attn=False):
        z, attn = self.attn(x, return_attn)
        x = self.norm1(x + z)
        return self.norm2(x + self.mlp(x)), attn


class PreNorm(VisionTransformer):
    """The ViT as it is; its attention is written out, for vmap knows it so: (B, C,
    H, W) -> logits."""

    def forward(self, x):
        return super().forward(x, return_attn=True)[0]


class PostNorm(PreNorm):
    """A ViT of such blocks, without a LayerNorm after the last."""

    def __init__(self, **options):
        super().__init__(**options)
        for block in self.blocks:
            block.__class__ = PostBlock  # the same weights, another order
        self.norm = nn.Identity()


KINDS = {"post": PostNorm, "pre": PreNorm}


def build(kind, seed, depth=DEPTH):
    """An untrained model of that kind for the digits: 4 patches, 32 dimensions."""
    return small_vit(seed, KINDS[kind], depth=depth, patch_size=4)


# %% [markdown]
# ## 갈래를 끄면 무엇이 남을까요?
#
# 어텐션과 MLP가 0을 내게 하면, pre-LN의 블록은 들어온 것을 **그대로** 내보내요. 그래서 어떤 깊이에서도 입력과 기울기가 지나갈 길이 남아요.
# post-LN은 그 길 위에도 LayerNorm이 있어서, 갈래가 0이어도 블록마다 크기를 다시 맞춰요.


# %%
@torch.no_grad()
def left_alone(block, x):
    """How far a block whose branches give 0 moves x (B, N, D): the largest change."""
    for layer in block.attn.proj, block.mlp.fc2:
        nn.init.zeros_(layer.weight), nn.init.zeros_(layer.bias)
    return (block(x)[0] - x).abs().max().item()


# %%
if __name__ == "__main__":
    evidence, null = {}, {"둘 다 앞에 둔 모델": {}, "배우지 않은 모델": {}}
    x = 3 * torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    for kind in KINDS:
        moved = left_alone(build(kind, 0).blocks[0], x)
        evidence[f"{kind}_moved"] = moved
        print(f"{kind}-LN: 갈래가 0인 블록이 입력을 바꾼 폭 {moved:.2g}")

# %% [markdown]
# ## 학습하기 전의 기울기
#
# 블록의 끝에 있는 MLP의 가중치(`fc2`)가 처음 받는 기울기의 크기를 블록마다 재요. 깊이를 바꿔 가며, 시드마다 초기값도 이미지도 새로 뽑아요.


# %%
def first_gradients(kind, depth, seed):
    """Norms of the first gradient of each block's fc2.weight, first block first."""
    model = build(kind, seed, depth)
    images, labels = load(seed)[0]
    F.cross_entropy(model(images[:64]), labels[:64]).backward()
    return [block.mlp.fc2.weight.grad.norm().item() for block in model.blocks]


# %%
if __name__ == "__main__":
    norms = {
        (kind, depth): torch.tensor(
            [first_gradients(kind, depth, seed) for seed in SEEDS]
        )
        for kind in KINDS
        for depth in DEPTHS
    }  # (seeds, depth) each
    shallow, deep = DEPTHS[0], DEPTHS[-1]
    rows = []
    for (kind, depth), found in norms.items():
        evidence[f"{kind}_last_{depth}"] = found[:, -1]
        null["둘 다 앞에 둔 모델"][f"{kind}_last_{depth}"] = norms["pre", depth][
            :, -1
        ]
        first, last = found[:, 0].mean(), found[:, -1].mean()
        whole = found.square().sum(dim=1).sqrt().mean()
        rows.append(
            [f"{kind}-LN, {depth}층", *(f"{n:.3f}" for n in (first, last, whole))]
        )
    evidence |= {"shallow": shallow, "deep": deep}
    table(
        "gradients",
        f"처음 기울기의 크기 (시드 {len(SEEDS)}개 평균)",
        ["모델", "첫 블록", "끝 블록", "모두 합쳐서"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    for kind, colour, style in ("post", ORANGE, "s--"), ("pre", BLUE, "o-"):
        lasts = torch.stack([norms[kind, depth][:, -1] for depth in DEPTHS])
        axis.plot(DEPTHS, lasts, style[0], color=colour, alpha=0.4, markersize=4)
        axis.plot(
            DEPTHS, lasts.mean(dim=1), style, color=colour, label=f"{kind}-LN"
        )
    start = norms["pre", shallow][:, -1].mean()
    axis.plot(
        DEPTHS,
        [start * (shallow / depth) ** 0.5 for depth in DEPTHS],
        ":",
        color=INK,
        label="1/√층수",
    )
    axis.set(
        xscale="log", yscale="log", xlabel="층수", title="끝 블록의 처음 기울기"
    )
    axis.set_xticks(DEPTHS, DEPTHS)
    axis.minorticks_off()
    axis.set_yticks([0.01, 0.03, 0.1], ["0.01", "0.03", "0.1"])
    axis.legend()
    fall = {
        kind: (norms[kind, deep][:, -1] / norms[kind, shallow][:, -1]).mean()
        for kind in KINDS
    }
    alt = (
        f"층을 {shallow}개에서 {deep}개로 늘리면 끝 블록의 처음 기울기가 pre-LN에서는 {fall['pre']:.2f}배로 줄고, "
        f"post-LN에서는 {fall['post']:.2f}배예요."
    )
    show(figure, "last_gradient", alt)

# %% [markdown]
# ## 같은 학습률에서 워밍업을 빼 봐요
#
# 12층 모델을 Adam으로 똑같이 50단계 학습해요. 워밍업은 학습률을 처음 25단계 동안 조금씩 올리는 거예요. 뒤의 절반은 어느 쪽이나 0까지 내려요.
# 시드 다섯 개의 모델을 쌓아 한꺼번에 학습해요. 저마다 다른 이미지를 보고, 서로 섞이지 않아요.


# %%
def share_of_rate(step, steps, warmup):
    """The share of the rate at a step: up over the warm-up, down over the last half."""
    up = min(1, (step + 1) / warmup) if warmup else 1
    return up * min(1, 2 * (1 - step / max(steps, 1)))


def trained(kind, rate, warmup, steps=STEPS):
    """Five models trained at once, one a seed: accuracies on the images to choose
    by (5,), on the test images (5,), and losses (steps, 5)."""
    models, data = [build(kind, s) for s in SEEDS], [load(s) for s in SEEDS]
    share = partial(share_of_rate, steps=steps, warmup=warmup)
    losses = train_together(
        models,
        [parts[0] for parts in data],
        steps,
        lambda parameters: torch.optim.Adam(parameters, rate, fused=True),
        lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, share),
    )
    found = [
        torch.tensor([accuracy(m, *parts[i]) for m, parts in zip(models, data)])
        for i in (1, 2)
    ]
    return *found, losses


# %%
ARMS = {
    f"{kind}_{how}": (
        f"{kind}-LN, 워밍업{' 없음' if how == 'cold' else ''}",
        kind,
        w,
    )
    for kind in KINDS
    for how, w in (("cold", 0), ("warm", WARMUP))
}

# %%
if __name__ == "__main__":
    curves, rows = {}, []
    plain = {kind: trained(kind, RATE, 0, steps=0)[1] for kind in KINDS}
    for key, (name, kind, warmup) in ARMS.items():
        _, evidence[key], curves[key] = trained(kind, RATE, warmup)
        null["배우지 않은 모델"][key] = plain[kind]
        values = evidence[key].tolist()
        rows.append(
            [
                name,
                f"{statistics.mean(values):.0%} ({min(values):.0%}–{max(values):.0%})",
                f"{curves[key][-10:].mean():.2f}",
            ]
        )
    evidence |= {"depth": DEPTH, "steps": STEPS, "rate": RATE}
    table(
        "warmup",
        f"{DEPTH}층 모델을 학습률 {RATE}로 {STEPS}단계 학습한 뒤 (시드 {len(SEEDS)}개의 평균과 범위)",
        ["모델", "시험 정확도", "끝 손실"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    for key, colour, style in (
        ("post_cold", ORANGE, "-"),
        ("post_warm", GREEN, "--"),
        ("pre_cold", BLUE, "-"),
        ("pre_warm", VIOLET, "--"),
    ):
        axis.plot(curves[key], style, color=colour, alpha=0.2, linewidth=1)
        axis.plot(curves[key].mean(dim=1), style, color=colour, label=ARMS[key][0])
    axis.set(xlabel="단계", title="학습 손실", ylim=(0, 3))
    axis.legend(loc="lower left")
    means = {key: evidence[key].mean() for key in ARMS}
    alt = (
        f"워밍업이 없으면 post-LN은 정확도 {means['post_cold']:.0%}에 머물고 pre-LN은 {means['pre_cold']:.0%}를 맞혀요. "
        f"워밍업을 주면 {means['post_warm']:.0%}와 {means['pre_warm']:.0%}예요."
    )
    show(figure, "losses", alt)

# %% [markdown]
# ## 저마다 가장 좋은 학습률에서
#
# 학습률 하나에서 견주면 그 학습률이 맞는 쪽이 이겨요. 그래서 학습률 넷을 모두 해 보고, 네 배 길게(200단계, 워밍업이면 처음 50단계) 배워요.
# 학습률은 시험 이미지가 아니라 **고르기 위해 남겨 둔 이미지 297장**으로 골라요.
# 몇 분이 걸려서 정확도를 저장해 두고 읽어요. 환경 변수 `TRAIN_AGAIN=1`을 주면 처음부터 다시 학습해요.
#
# 워밍업이 꼭 있어야 하는 것이라면 워밍업 없는 post-LN이 가장 좋은 학습률에서도 뒤지고, 학습률만 낮추면 되는 것이라면 비슷할 거예요.


# %%
def grid(kind):
    """Accuracies of that kind on the images to choose by and on the test images,
    each (2: without and with warm-up, rates, seeds)."""
    found = [
        [trained(kind, rate, warmup, LONG)[:2] for rate in RATES]
        for warmup in (0, LONG_WARMUP)
    ]
    return [
        torch.stack([torch.stack([both[i] for both in row]) for row in found])
        for i in (0, 1)
    ]


# %%
if __name__ == "__main__":
    if os.environ.get("TRAIN_AGAIN") == "1":
        choose, test = zip(*(grid(kind) for kind in KINDS))
        save_file({"choose": torch.stack(choose), "test": torch.stack(test)}, KEPT)
    kept = load_file(KEPT)  # (2 kinds, 2, rates, seeds) each
    rows, chance = [], torch.full((len(SEEDS),), 0.1)
    for i, kind in enumerate(KINDS):
        for j, (how, title) in enumerate((("cold", "없음"), ("warm", "있음"))):
            best = kept["choose"][i, j].mean(dim=1).argmax().item()
            evidence[f"{kind}_{how}_best"] = kept["test"][i, j, best]
            evidence[f"{kind}_{how}_best_rate"] = RATES[best]
            for rate, found in zip(RATES, kept["test"][i, j]):
                evidence[f"{kind}_{how}_{rate:g}".replace(".", "_")] = found
            cells = [f"{found.mean():.0%}" for found in kept["test"][i, j]]
            cells[best] += " ✓"
            rows.append([f"{kind}-LN", title, *cells])
    evidence |= {"long_steps": LONG, "long_warmup": LONG_WARMUP}
    for name in list(evidence):
        if re.match("(pre|post)_(cold|warm)_(best|0_[0-9]+)$", name):
            null["배우지 않은 모델"][name] = chance
        if re.match("post_(cold|warm)_(best|0_[0-9]+)$", name):
            null["둘 다 앞에 둔 모델"][name] = evidence[name.replace("post", "pre")]
    table(
        "grid",
        f"학습률마다 {LONG}단계를 배운 시험 정확도 (시드 {len(SEEDS)}개 평균, ✓는 고른 학습률)",
        ["모델", "워밍업", *(f"{rate:g}" for rate in RATES)],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {key: 0.15 for key in ARMS} | {"post_cold": 0.3}
    tolerance |= {name: 0.02 for name in evidence if "_last_" in name}
    evidence
