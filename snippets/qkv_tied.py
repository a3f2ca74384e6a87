# %% [markdown]
# # Q, K, V를 함께 만들면 무엇을 잃을까요?
#
# Q와 K를 **같은 층**으로 만들면 점수 $s_{ij} = q_i \cdot q_j$는 늘 대칭이에요. 하지만 softmax는 줄마다 따로 나누니 가중치는 대칭이 아니에요.
# 무엇이 좁아지고 무엇은 그대로인지, 그리고 V는 왜 또 따로 두는지를 작은 과제 하나로 재요.

# %%
from statistics import mean

import torch
from lib.figure import BLUE, ORANGE, show
from lib.measure import relative_error
from matplotlib import pyplot as plt
from torch import nn
from torch.func import functional_call, stack_module_state, vmap


def scores_and_weights(q, k):
    """Scores Q K^T / sqrt(d) and attention weights, (N, N) each, of q, k (N, d)."""
    scores = q @ k.T / q.shape[-1] ** 0.5
    return scores, scores.softmax(dim=-1)  # each row sums to 1, no column need


# %% [markdown]
# ## 점수는 대칭, 가중치는 아니에요
#
# 토큰 셋이면 손으로도 돼요. q = k = (1, 0), (2, 2), (0, 6)을 형용사, 명사, 동사라고 해 봐요.
# 점수는 대칭인데도 형용사는 명사를, 명사는 동사를 가장 많이 봐요. **한쪽으로 향하는 관계도 담긴다**는 뜻이에요.

# %%
if __name__ == "__main__":
    evidence = {}
    torch.set_num_threads(1)
    words = ["형용사", "명사", "동사"]
    q = torch.tensor([[1.0, 0.0], [2.0, 2.0], [0.0, 6.0]])
    scores, weights = scores_and_weights(q, q)
    names = ["adjective_looks_at", "noun_looks_at", "verb_looks_at"]
    for name, word, row, score in zip(names, words, weights, scores):
        evidence[name] = words[row.argmax()]
        print(
            f"{word}: 점수 {[round(s, 1) for s in score.tolist()]},",
            f"가중치 {[round(a, 2) for a in row.tolist()]}",
        )

    D, N = 64, 6
    for name in ("score_two_maps", "score_one_map", "weight_one_map"):
        evidence[name] = []
    for seed in range(5):
        torch.manual_seed(seed)
        to_q, to_k = nn.Linear(D, D), nn.Linear(D, D)
        x = torch.randn(N, D)
        with torch.no_grad():
            two, _ = scores_and_weights(to_q(x), to_k(x))
            one, weights = scores_and_weights(to_q(x), to_q(x))
        evidence["score_two_maps"].append(relative_error(two.T, two))
        evidence["score_one_map"].append(relative_error(one.T, one))
        evidence["weight_one_map"].append(relative_error(weights.T, weights))
    for name in ("score_two_maps", "score_one_map", "weight_one_map"):
        print(f"{name}: 대칭에서 벗어난 정도 {mean(evidence[name]):.2g}")

# %% [markdown]
# ## 그래도 못 하는 일: 고리에서 앞 토큰 찾기
#
# 토큰이 고리로 이어져 있고 저마다 **뒤 토큰보다 앞 토큰**에 높은 점수를 줘야 한다면 $s_{i,i-1} > s_{i,i+1}$이에요.
# 대칭이면 $s_{i,i+1} = s_{i+1,i}$이고, 이것은 다시 $s_{i+1,i+2}$보다 커요. 한 바퀴 돌면 점수가 자기 자신보다 커야 하니 모순이에요.
# q와 k를 마구 뽑아 그런 고리가 몇 번 나오는지 세어 봐요.


# %%
def all_look_back(scores):
    """Whether each token of a ring scores the one before above the one after:
    scores (..., N, N) -> (...) of bool."""
    before = scores.roll(1, dims=-1).diagonal(dim1=-2, dim2=-1)  # s[i, i - 1]
    after = scores.roll(-1, dims=-1).diagonal(dim1=-2, dim2=-1)  # s[i, i + 1]
    return (before > after).all(dim=-1)


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    q, k = torch.randn(2, 10_000, N, 8, dtype=torch.float64)
    for name, other in (("rings_separate", k), ("rings_shared", q)):
        found = all_look_back(q @ other.transpose(-2, -1))
        evidence[name] = int(found.sum())
        print(f"{name}: 10,000번 가운데 {evidence[name]}번")

# %% [markdown]
# 못 하는 것은 **모두**예요. 벡터의 길이가 뒤로 갈수록 3분의 1로 줄면, q = k여도 열두 토큰 가운데 열하나는 앞 토큰에 가장 높은 점수를 줘요.
# 자기 자신보다도 높아요.


# %%
def shrinking(length, ratio=3.0):
    """q = k for a ring (N, N), each vector shorter than the one before by ratio, so
    that all tokens but the first score the one before highest."""
    axes = torch.eye(length, dtype=torch.float64)
    after = torch.nn.functional.pad(axes[1:], (0, 0, 0, 1))  # 0 for the last
    return ratio ** -torch.arange(length)[:, None] * (axes + after)


# %%
if __name__ == "__main__":
    q = shrinking(12)
    best = (q @ q.T).argmax(dim=-1)
    evidence["rings_eleven"] = int((best == (torch.arange(12) - 1) % 12).sum())
    print(f"앞 토큰이 1등인 토큰: 열둘 가운데 {evidence['rings_eleven']}개")

# %% [markdown]
# ## 배워서 풀게 해 봐요
#
# 열두 토큰이 저마다 내용(난수 8개)과 자리(원-핫 12개)를 가져요. 헤드 **하나**가 바로 앞 토큰의 내용을 내놓아야 해요.
# 아무것도 못 하고 0만 내놓으면 오차가 1이고, 앞뒤를 반씩 섞으면 0.5예요.
#
# - **Q=K**: 헤드를 넓히거나, 자기 자신을 가리거나, 뒤쪽을 가려 봐요. 하나만 가리면 모순이 남아요. 자신이 보이면 앞 토큰의 벡터가 저보다 길어야
#   이기는데, 고리에서는 모두가 그럴 수 없거든요. **자신과 뒤를 함께** 가려야 견줄 짝이 사라져요.
# - **K=V**: 찾는 데 쓰는 것과 건네는 것이 같은 벡터예요. 내용이 8차원인데 헤드도 8차원이면 자리를 적을 칸이 모자라요.
# - **V 없음**: 토큰을 그대로 섞어요. 출력에 곱하는 $W^O$가 내용만 골라낼 수 있어요.


# %%
LENGTH, CHANNELS = 12, 8  # tokens on the ring; numbers that each carries


class OneHead(nn.Module):
    """One attention head, (B, N, D) -> (B, N, C). tied: "" for three maps, "q=k",
    "k=v", or "no v"."""

    def __init__(self, width=8, tied=""):
        super().__init__()
        dim, self.width = CHANNELS + LENGTH, width
        self.to_q, self.to_k, self.to_v = (
            nn.Linear(dim, width, bias=False) for _ in range(3)
        )
        if tied == "q=k":
            self.to_k = self.to_q
        if tied == "k=v":
            self.to_v = self.to_k
        if tied == "no v":
            self.to_v = nn.Identity()
        self.proj = nn.Linear(dim if tied == "no v" else width, CHANNELS)  # W^O

    def forward(self, x, hidden):
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        scores = q @ k.transpose(-2, -1) / self.width**0.5  # (B, N, N)
        attn = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)
        return self.proj(attn @ v)


def hidden_places(mask):
    """Which keys each token must not see, (N, N) of bool. mask: "" for none, "self",
    "ahead" (all but itself and the five before, around the ring), or "both"."""
    place = torch.arange(LENGTH)
    back = (place[:, None] - place) % LENGTH  # how far key j lies behind query i
    hidden = {"": back < 0, "self": back == 0, "ahead": back > 5}
    return hidden["self"] | hidden["ahead"] if mask == "both" else hidden[mask]


def batch(*size):
    """Tokens (..., N, C + N), content beside place, and the content before each (...,
    N, C)."""
    content = torch.randn(*size, LENGTH, CHANNELS)
    place = torch.eye(LENGTH).expand(*size, -1, -1)
    return torch.cat([content, place], dim=-1), content.roll(1, dims=-2)


def train(seeds, width=8, tied="", mask="", rate=0.03, steps=450):
    """Mean squared error on 1000 new rings after steps of Adam on 32 rings each, a
    head a seed, side by side: [float]."""
    heads = []
    for seed in seeds:
        torch.manual_seed(seed)
        heads.append(OneHead(width, tied))
    weights, _ = stack_module_state(heads)  # {name: (S, ...)}
    hidden = hidden_places(mask)

    def error(weights, x, y):
        return (functional_call(heads[0], weights, (x, hidden)) - y).square().mean()

    optimizer = torch.optim.Adam(weights.values(), lr=rate)
    for _ in range(steps):
        loss = vmap(error)(weights, *batch(len(seeds), 32)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return vmap(error)(weights, *batch(len(seeds), 1000)).tolist()


WORLDS = {
    "separate": ("셋 다 따로", {}),
    "shared": ("Q=K", {"tied": "q=k"}),
    "shared_wide": ("Q=K, 32차원", {"tied": "q=k", "width": 32}),
    "shared_self": ("Q=K, 자신 가림", {"tied": "q=k", "mask": "self"}),
    "shared_ahead": ("Q=K, 뒤 가림", {"tied": "q=k", "mask": "ahead"}),
    "shared_both": ("Q=K, 둘 다 가림", {"tied": "q=k", "mask": "both"}),
    "key_value": ("K=V", {"tied": "k=v"}),
    "key_value_wide": ("K=V, 32차원", {"tied": "k=v", "width": 32}),
    "no_value": ("V 없음", {"tied": "no v"}),
}

# %% [markdown]
# 학습률은 세계마다 따로 골라요. 판정에 쓰지 않는 시드로 두 가지를 돌려 오차가 작은 쪽이에요.

# %%
if __name__ == "__main__":
    SEEDS, RATES, CHOOSING = range(5), (0.01, 0.03), 100
    untrained = {}
    for name, (label, options) in WORLDS.items():
        tried = {
            rate: train([CHOOSING], rate=rate, steps=300, **options)
            for rate in RATES
        }
        rate = min(tried, key=tried.get)
        errors = train(SEEDS, rate=rate, **options)
        evidence[name] = errors
        untrained[name] = train(SEEDS, steps=0, **options)
        listed = " ".join(f"{error:.4f}" for error in errors)
        print(f"{label}: 학습률 {rate}, 오차 {listed}")
    null = {"배우지 않은 헤드": untrained}

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(4.5, 3.8))
    for row, name in enumerate(WORLDS):
        color = ORANGE if mean(evidence[name]) > 0.1 else BLUE
        axis.plot(evidence[name], [row] * len(SEEDS), "o", color=color)
    axis.axvline(0.5, color="gray", linestyle=":", linewidth=1)
    axis.text(0.5, -0.75, "앞뒤를 반씩", ha="center")
    axis.set(
        xlim=(-0.05, 1.05),
        ylim=(len(WORLDS) - 0.5, -0.6),
        xlabel="앞 토큰의 내용을 내놓은 오차 (0만 내놓으면 1)",
        yticks=range(len(WORLDS)),
        yticklabels=[label for label, _ in WORLDS.values()],
    )
    alt = (
        f"셋을 따로 두면 오차가 {mean(evidence['separate']):.4f}인데 Q와 K가 같으면 {mean(evidence['shared']):.2f}이고, "
        f"자신과 뒤를 함께 가려야 {mean(evidence['shared_both']):.4f}이 돼요. K와 V가 같으면 8차원에서 {mean(evidence['key_value']):.2f}, "
        f"32차원에서 {mean(evidence['key_value_wide']):.4f}이에요."
    )
    show(figure, "tied", alt)

# %% [markdown]
# Q=K의 손해는 넓혀도 남지만 **자신과 뒤를 함께 가리자 사라졌어요.** K=V의 손해는 거꾸로 **넓히자 사라졌어요.** 아마 하나는 점수의 모양 탓이고, 하나는 칸이 모자란 탓이에요.
# V가 없어도 헤드 하나는 풀어요. $W^V$와 $W^O$는 곱으로만 나타나거든요. 대신 8차원이 아니라 토큰의 차원 그대로를 섞어야 해요.

# %%
if __name__ == "__main__":
    tolerance = {name: 1e-5 for name in ("score_one_map",)}
    tolerance |= {name: 0.05 for name in WORLDS}
    evidence
