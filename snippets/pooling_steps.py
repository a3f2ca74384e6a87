# %% [markdown]
# # 오래 배우면 클래스 토큰과 평균 풀링의 차이가 줄어들까요?
#
# `class_token.py`에서 낮은 학습률로 150단계만 배우면 클래스 토큰이 평균 풀링을 크게 앞섰어요.
# 학습률은 그대로 두고 **단계 수만** 세 배로 늘려서, 모으는 방법이 나빴던 것인지 덜 배운 것인지 봐요.

# %%
import statistics

import torch
from class_token import RATES, SEEDS, GlobalPool
from lib.digits import load, small_vit
from lib.figure import table
from lib.measure import accuracy
from lib.together import train_digits
from vit import VisionTransformer

torch.set_num_threads(1)
RATE, SHORT, LONG = RATES[0], 150, 450  # steps of 32 images

# %% [markdown]
# ## 시드 다섯 개를 한꺼번에 학습해요
#
# 다섯 모델의 가중치를 쌓아 한 번에 계산해요. 저마다 다른 이미지를 보고 서로 섞이지 않아서, 하나씩 학습한 것과 같아요.


# %%
class Pooled(GlobalPool):
    """A GlobalPool that writes its attention out, which vmap knows: (B, C, H, W) ->
    logits (B, num_classes)."""

    def forward(self, x):
        x = self.patch_embed(x) + self.pos_embed[:, 1:]
        for block in self.blocks:
            x, _ = block(x, return_attn=True)
        return self.head(self.norm(x).mean(dim=1))


class ByClassToken(VisionTransformer):
    """A VisionTransformer that does so too."""

    def forward(self, x):
        return super().forward(x, return_attn=True)[0]


def learnt(make, steps):
    """Five models of that class, one a seed, trained as lib.digits trains one."""
    models = [small_vit(seed, make) for seed in SEEDS]
    train_digits(models, [load(seed)[0] for seed in SEEDS], lr=RATE, steps=steps)
    return models


# %%
if __name__ == "__main__":
    evidence, null = {}, {"배우지 않은 모델": {}}
    kinds = {"cls": ("클래스 토큰", ByClassToken), "gap": ("평균 풀링", Pooled)}
    rows = []
    for key, (name, make) in kinds.items():
        models = learnt(make, LONG)
        plain = [small_vit(seed, make) for seed in SEEDS]
        for world, those in (evidence, models), (null["배우지 않은 모델"], plain):
            for part, field in (0, "train"), (2, "test"):
                world[f"{key}_{field}"] = [
                    accuracy(model, *load(seed)[part])
                    for model, seed in zip(those, SEEDS)
                ]
        means = [statistics.mean(evidence[f"{key}_{f}"]) for f in ("train", "test")]
        rows.append([name, *(f"{mean:.1%}" for mean in means)])
    evidence |= {"steps": LONG, "short_steps": SHORT, "rate": RATE}
    table(
        "long",
        f"학습률 {RATE}로 {LONG}단계를 배운 정확도 (시드 {len(SEEDS)}개 평균)",
        ["모델", "학습 이미지", "시험 이미지"],
        rows,
    )
    ahead = [
        100 * (a - b) for a, b in zip(evidence["cls_test"], evidence["gap_test"])
    ]
    print(
        f"클래스 토큰이 앞선 폭: {statistics.mean(ahead):+.1f} ± {statistics.stdev(ahead):.1f}%p (시드별 차이의 표준편차)"
    )

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.05 for name in evidence if name.endswith(("_train", "_test"))
    }
    evidence
