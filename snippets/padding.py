# %% [markdown]
# # 빈칸을 가리고 배우기, 그냥 배우기, 빈칸을 배우기
#
# 길이가 다른 문장을 함께 넣으려면 짧은 문장의 뒤를 PAD로 채워요. 그 자리를 어떻게 할지는 여러 가지예요.
# 한글 날짜를 옮기는 Transformer를 세 가지로 배우고, 쓸 때 PAD가 늘거나 줄면 어떻게 되는지 봐요.

# %%
import os
from statistics import mean

import torch
import torch.nn.functional as F
from lib.figure import table
from lib.paths import data_path
from safetensors.torch import load_file, save_file
from seq2seq import (
    PAD,
    Transformer,
    exact_match,
    greedy,
    load_trained,
    sources,
    split,
    texts,
    train,
    without_padding_mask,
)
from torch import nn

STEPS, SEEDS = 1000, range(5)
DATES = 250  # to be tested on, a seed
LONGEST, EXTRA = 11, 10  # characters of the longest date; PADs put behind it
KEPT = data_path("padding.safetensors")

# %% [markdown]
# ## 가리면 혼자 넣을 때와 같아요
#
# 패딩 마스크(padding mask)는 PAD의 점수를 $-\infty$로 만들어요. 가중치가 0이 되니 PAD가 몇 개든 더해지는 것이 없어요.


# %%
def longer(source):
    """The source with EXTRA more PADs behind: (B, N) -> (B, N + EXTRA)."""
    return F.pad(source, (0, EXTRA), value=PAD)


@torch.no_grad()
def moved(model, source):
    """How far the encoder's output for the first sentence, put in alone, is from
    that together with the others and with EXTRA more PADs: largest difference."""
    single = source[:1, source[0] != PAD]  # (1, n)
    together = model.encode(longer(source))[0][:1, : single.shape[1]]
    return (together - model.encode(single)[0]).abs().max().item()


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {"steps": STEPS}, {}
    models = [load_trained(seed) for seed in range(3)]
    # one of the shortest dates first: the longest beside it leaves most to fill
    source = sources([(1, 1, 1), (99, 12, 31)])
    evidence["moved"] = [moved(model, source) for model in models]
    bare = [without_padding_mask(model) for model in models]
    evidence["moved_bare"] = [moved(model, source) for model in bare]
    print(f"가리면 많아야 {max(evidence['moved']):.0e} 달라지고")
    print(f"마스크를 떼면 적어도 {min(evidence['moved_bare']):.1f} 달라져요.")

# %% [markdown]
# ## 세 가지로 배워요
#
# - **가리고**: 패딩 마스크를 둬요. 쓸 때는 마스크를 두기도 하고 떼기도 해 봐요.
# - **그냥**: 마스크 없이 배워요. PAD도 다른 글자처럼 벡터가 있는 토큰이에요.
# - **빈칸을 배움**: 마스크 없이, 문장마다 **늘 21자리**가 되도록 채우고 자리마다 패딩 토큰을 하나씩 배워요. DALL·E가 글의 256자리를 이렇게 채워요.


# %%
class Unmasked(Transformer):
    """PAD is read like any character."""

    def encode(self, source, mask=None):
        return super().encode(source, (source >= 0)[:, None, None])  # all


class PaddingLearned(Unmasked):
    """PAD has a vector of its own at each place; training fills every source up to
    one length."""

    def __init__(self, length=LONGEST + EXTRA):
        super().__init__()
        self.padding = nn.Parameter(torch.randn(length, self.dim))

    def embed(self, ids, start=0):
        own = self.padding[start : start + ids.shape[1]]
        return torch.where((ids == PAD)[..., None], own, super().embed(ids, start))

    def encode(self, source, mask=None):
        if self.training:
            room = len(self.padding) - source.shape[1]
            source = F.pad(source, (0, room), value=PAD)
        return super().encode(source)


def written(net, dates):
    """What a model makes of dates with the PADs that the batch needs, and with EXTRA
    more: ids (2, B, 12)."""
    source = sources(dates)
    found = [greedy(net.eval(), each) for each in (source, longer(source))]
    return torch.stack(
        [F.pad(ids, (0, 12 - ids.shape[1]), value=PAD) for ids in found]
    )


# %% [markdown]
# 시드 다섯으로 1,000단계씩, 곧 가리고 배운 모델이 처음 보는 날짜를 거의 다 맞힐 때까지 배워요. 한 모델에 반 분쯤 걸려서 **쓴 번역**을 저장해 두고 읽어요.
# 환경 변수 `TRAIN_AGAIN=1`을 주면 모두 다시 배워요.
#
# 배우기 전에 이렇게 정했어요. 그냥 배운 모델이 절반도 못 맞히면 "가려야만 배운다"가 맞아요. PAD를 더 붙여도 그대로 맞히면 "함께 넣은 문장의 길이에 기댄다"가
# 틀려요.

# %%
WAYS = {"masked": Transformer, "plain": Unmasked, "learned": PaddingLearned}


def learn(way, seed):
    """Train a model that way -> {name: what it wrote (2, B, 12)} and its dates."""
    dates = split(seed)[1][:DATES]
    net, _ = train(seed, STEPS, build=WAYS[way])
    found = {way: written(net, dates)}
    if way == "masked":
        found["bare"] = written(without_padding_mask(net), dates)
    return found | {"dates": torch.tensor(dates)}


# %%
if __name__ == "__main__":
    if os.environ.get("TRAIN_AGAIN") == "1":
        save_file(
            {
                f"{seed}.{name}": ids.half()  # exact: below 2048
                for seed in SEEDS
                for way in WAYS
                for name, ids in learn(way, seed).items()
            },
            KEPT,
        )
    kept = load_file(KEPT)
    rows = []
    for name, title in (
        ("masked", "가리고 배워 가리고 씀"),
        ("bare", "가리고 배워 안 가리고 씀"),
        ("plain", "그냥 배워 그냥 씀"),
        ("learned", "21자리로 빈칸을 배움"),
    ):
        for i, where in enumerate(("own", "more")):
            evidence[f"{name}_{where}"] = [
                exact_match(
                    texts(kept[f"{seed}.{name}"][i].long()),
                    [tuple(date) for date in kept[f"{seed}.dates"].long().tolist()],
                )
                for seed in SEEDS
            ]
        rows.append(
            [
                title,
                *(
                    f"{mean(evidence[f'{name}_{where}']):.0%} "
                    f"({min(evidence[f'{name}_{where}']):.0%}~"
                    f"{max(evidence[f'{name}_{where}']):.0%})"
                    for where in ("own", "more")
                ),
            ]
        )
    null["쓸 때만 마스크를 뗀 모델"] = {
        "plain_own": evidence["bare_own"],
        "learned_more": evidence["bare_more"],
    }
    null["마스크를 떼지 않은 모델"] = {
        f"bare_{where}": evidence[f"masked_{where}"] for where in ("own", "more")
    }
    null["PAD를 더 붙이지 않은 문장"] = {"plain_more": evidence["plain_own"]}
    table(
        "ways",
        f"끝까지 맞힌 비율: 처음 보는 날짜 {DATES}개, 시드 다섯의 평균 (가장 못한 것~가장 나은 것)",
        ["배우고 쓴 방법", "빈칸만 (11자리)", "PAD 10개 더 (21자리)"],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {
        "moved": 1e-4,
        "moved_bare": 0.5,
        **{name: 0.01 for name in evidence if name.endswith(("own", "more"))},
    }
    evidence
