# %% [markdown]
# # 오래 배우면 클래스 토큰과 평균 풀링의 차이가 줄어들까요?
#
# `class_token.py`에서 낮은 학습률로 150단계만 배우면 클래스 토큰이 평균 풀링을 크게 앞섰어요. **단계 수를** 세 배로 늘려서, 모으는 방법이 나빴던
# 것인지 덜 배운 것인지 봐요. 먼저 그 학습률 그대로, 다음에는 저마다 검증 이미지로 고른 학습률에서요. 차이의 95% 구간이 0을 품으면 이 과제로는
# 어느 쪽이 낫다고 말할 수 없어요.

# %%
import os
import statistics

import torch
from class_token import RATES, SEEDS, GlobalPool
from lib.digits import load, small_vit
from lib.figure import table
from lib.measure import accuracy
from lib.paths import data_path
from lib.together import train_digits
from safetensors.torch import load_file, save_file
from vit import VisionTransformer

torch.set_num_threads(1)
LOW, SHORT, LONG = RATES[0], 150, 450  # steps of 32 images
WEIGHTS = data_path("pooling_steps.safetensors")

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


KINDS = {"cls": ("클래스 토큰", ByClassToken), "gap": ("평균 풀링", Pooled)}


def learnt(make, lr, steps):
    """Five models of that class, one a seed, trained as lib.digits trains one."""
    models = [small_vit(seed, make) for seed in SEEDS]
    train_digits(models, [load(seed)[0] for seed in SEEDS], lr=lr, steps=steps)
    return models


def scores(models, part):
    """Accuracy of each seed's model on its training (0), validation (1) or test (2)
    images."""
    return [
        accuracy(model, *load(seed)[part]) for model, seed in zip(models, SEEDS)
    ]


# %% [markdown]
# ## 학습률을 저마다 골라요
#
# 후보는 `class_token.py`와 같은 셋이에요. 검증 정확도의 평균이 가장 높은 것을 골라, 그것과 낮은 학습률의 가중치를 저장해 두고 불러요. 환경 변수
# `TRAIN_AGAIN=1`을 주면 모두 다시 학습해요.


# %%
def train_all():
    """{name: tensor}: validation accuracies at each rate, and the weights at the
    lowest and at the best."""
    kept = {}
    for key, (_, make) in KINDS.items():
        found = {lr: learnt(make, lr, LONG) for lr in RATES}
        validation = {lr: scores(models, 1) for lr, models in found.items()}
        best = max(RATES, key=lambda lr: statistics.mean(validation[lr]))
        kept[f"{key}.validation"] = torch.tensor(
            list(validation.values())
        )  # (3, 5)
        for name, lr in (("low", LOW), ("best", best)):
            for seed, model in zip(SEEDS, found[lr]):
                for part, value in model.state_dict().items():
                    kept[f"{key}.{name}.{seed}.{part}"] = value.half()
    return kept


def kept_models(kept, key, name):
    """The five models whose weights are kept under that name."""
    models = [small_vit(seed, KINDS[key][1]) for seed in SEEDS]
    for seed, model in zip(SEEDS, models):
        start = f"{key}.{name}.{seed}."
        model.load_state_dict(
            {
                part.removeprefix(start): value.float()
                for part, value in kept.items()
                if part.startswith(start)
            }
        )
    return models


# %%
if __name__ == "__main__":
    if os.environ.get("TRAIN_AGAIN") == "1":
        save_file(train_all(), WEIGHTS)
    kept = load_file(WEIGHTS)
    evidence = {"steps": LONG, "short_steps": SHORT, "rate": LOW}
    untrained, rows = {}, []
    for key, (title, make) in KINDS.items():
        validation = kept[f"{key}.validation"].mean(dim=1)  # (3,)
        evidence[f"{key}_rate"] = RATES[validation.argmax()]
        plain = [small_vit(seed, make) for seed in SEEDS]
        for name, end, lr in (
            ("low", "", LOW),
            ("best", "_best", evidence[f"{key}_rate"]),
        ):
            models = kept_models(kept, key, name)
            for part, field in (0, "train"), (2, "test"):
                evidence[f"{key}{end}_{field}"] = scores(models, part)
                untrained[f"{key}{end}_{field}"] = scores(plain, part)
            means = [
                statistics.mean(evidence[f"{key}{end}_{field}"])
                for field in ("train", "test")
            ]
            rows.append([f"{title}, {lr}", *(f"{mean:.1%}" for mean in means)])
    null = {"배우지 않은 모델": untrained}
    table(
        "long",
        f"{LONG}단계를 배운 정확도 (시드 {len(SEEDS)}개 평균, 모델마다 둘째 줄이 검증 이미지로 고른 학습률)",
        ["모델, 학습률", "학습 이미지", "시험 이미지"],
        rows,
    )
    for end, words in ("", f"학습률 {LOW}"), ("_best", "저마다 고른 학습률"):
        pairs = zip(evidence[f"cls{end}_test"], evidence[f"gap{end}_test"])
        ahead = [100 * (a - b) for a, b in pairs]
        print(
            f"{words}: 클래스 토큰이 앞선 폭 {statistics.mean(ahead):+.1f} ± "
            f"{statistics.stdev(ahead):.1f}%p (시드별 차이의 표준편차)"
        )

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.05 for name in evidence if name.endswith(("_train", "_test"))
    }
    evidence
