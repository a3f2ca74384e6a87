# %% [markdown]
# # top-k와 top-p는 무엇을 잘라낼까요?
#
# 분포에서 그대로 뽑으면 확률이 낮은 글자도 가끔 걸려요. top-k는 그럴듯한 것 k개만, top-p는 확률을 더해 p가 될 때까지만 남기고 뽑아요.
# 한글 날짜를 옮기는 모델에서 **무엇이 잘리는지** 재요. 정답이 셋뿐이라, 맞을 확률을 뽑아 보지 않고도 정확히 셈할 수 있어요.

# %%
import math
from statistics import mean

import torch
from lib.figure import table
from seq2seq import (
    PAD,
    SHARES,
    VOCAB,
    load_trained,
    sources,
    split,
    targets,
    translations,
    untrained,
)

# %% [markdown]
# ## 세 가지 손질
#
# 온도는 모든 확률을 $p^{1/T}$으로 바꾸고 다시 합이 1이 되게 해요. top-k와 top-p는 일부를 0으로 만들고 **나머지를 같은 수로** 나눠요.


# %%
def temperature(p, T):
    """The distribution (..., V) of the logits divided by T."""
    return (p.log() / T).softmax(dim=-1)


def top_k(p, k):
    """Only the k likeliest of (..., V), as shares of their sum."""
    kept = torch.zeros_like(p).scatter(-1, p.topk(k).indices, 1.0)
    return p * kept / (p * kept).sum(dim=-1, keepdim=True)


def top_p(p, share):
    """Only the smallest set of the likeliest of (..., V) whose sum reaches the
    share."""
    falling, order = p.sort(dim=-1, descending=True)
    before = falling.cumsum(dim=-1) - falling  # what likelier ones sum up to
    kept = torch.zeros_like(p).scatter(-1, order, (before < share).to(p.dtype))
    return p * kept / (p * kept).sum(dim=-1, keepdim=True)


WAYS = {
    "plain": ("그대로", lambda p: p),
    "cold": ("온도 0.3", lambda p: temperature(p, 0.3)),
    "hot": ("온도 2", lambda p: temperature(p, 2.0)),
    "k2": ("top-k, k = 2", lambda p: top_k(p, 2)),
    "k5": ("top-k, k = 5", lambda p: top_k(p, 5)),
    "p90": ("top-p, p = 0.9", lambda p: top_p(p, 0.9)),
    "p50": ("top-p, p = 0.5", lambda p: top_p(p, 0.5)),
}

# %% [markdown]
# ## 남은 것끼리의 비율
#
# 남은 두 토큰의 비율이 손질한 뒤에 달라지는지 봐요. 식대로라면 온도 $T$에서는 비율이 $1/T$제곱이 되고, 나머지 둘에서는 그대로여야 해요.


# %%
def ratio(p, pair):
    """How many times as likely the first of two tokens (n, 2) is, of (n, V): (n,)."""
    first, second = p.gather(1, pair).unbind(dim=1)
    return first / second


# %%
if __name__ == "__main__":
    evidence, null = {}, {"자르지 않은 분포": {}, "배우지 않은 모델": {}}
    torch.set_num_threads(1)
    p = torch.randn(1000, 50, generator=torch.Generator().manual_seed(0)).double()
    p = (3 * p).softmax(dim=-1)
    order = p.argsort(dim=-1, descending=True)[:, :2]  # the two likeliest
    even = p.max(dim=-1).values < 0.5  # there top-p keeps more than one
    r, by_k, by_p, cold = (
        ratio(q, order)[even]
        for q in (p, top_k(p, 5), top_p(p, 0.9), temperature(p, 0.3))
    )
    changes = torch.stack([by_k / r - 1, by_p / r - 1]).abs()
    evidence["ratio_error"] = changes.max().item()
    evidence["temperature_error"] = (cold / r ** (1 / 0.3) - 1).abs().max().item()
    evidence["temperature_change"] = (cold / r).mean().item()
    print(f"top-k, top-p: 비율이 달라진 정도 {evidence['ratio_error']:.1e}")
    print(f"온도 0.3: 1/T제곱과의 차이 {evidence['temperature_error']:.1e}")

# %% [markdown]
# ## 맞는 번역의 확률을 정확히 셈해요
#
# 번역 하나의 확률은 글자마다의 확률을 곱한 거예요. 정답 셋의 확률을 더하면 **맞을 확률**이고, 셋에 어떻게 나뉘었는지가 **다양함**이에요.
# 다양함은 $e^{H}$로 세요. 셋에 고르게 나뉘면 3, 하나에 몰리면 1이에요.


# %%
def rights(dates):
    """The ids of the three right translations (3, B, T) without BOS, and which
    tokens may come at each step if what is before is right (3, B, T, V)."""
    width = max(len(text) for date in dates for text in translations(date)) + 2
    ids = torch.full((3, len(dates), width), PAD)
    for i in range(3):
        row = targets([translations(date)[i] for date in dates])
        ids[i, :, : row.shape[1]] = row
    same = (ids[:, None] == ids[None]).long().cumprod(dim=-1)[..., :-1] > 0
    ids = ids[..., 1:]  # same: do the two agree up to here? (3, 3, B, T)
    may = torch.zeros(*ids.shape, len(VOCAB), dtype=torch.bool)
    for i in range(3):
        for j in range(3):
            here = torch.zeros_like(may[i]).scatter_(-1, ids[j][..., None], True)
            may[i] |= here & same[i, j][..., None]
    return ids, may


@torch.no_grad()
def along(model, dates, ids):
    """The model's distributions along each translation (3, B, T, V), the right
    tokens before each step given."""
    start = targets([""] * len(dates))[:, :1]  # BOS
    return torch.stack(
        [
            model(sources(dates), torch.cat([start, row[:, :-1]], dim=1))
            .softmax(dim=-1)
            .double()
            for row in ids
        ]
    )


def outcome(p, ids):
    """Of distributions (3, B, T, V): the chance that a draw is a right translation,
    and how many notations the right ones amount to (1 to 3); means over the
    dates."""
    each = p.gather(-1, ids[..., None])[..., 0].masked_fill(ids == PAD, 1.0)
    whole = each.prod(dim=-1)  # (3, B)
    shares = whole / whole.sum(dim=0).clamp(min=1e-30)
    kinds = torch.special.entr(shares).sum(dim=0).exp()
    return whole.sum(dim=0).mean().item(), kinds.mean().item()


def removed(p, q, may, ids):
    """What q leaves out of p: the mass a step, the share of the wrong tokens' mass,
    the share of the right ones'."""
    steps = ids != PAD
    out = torch.where(q > 0, 0.0, p)[steps]
    p, may = p[steps], may[steps]
    wrong = (out * ~may).sum() / (p * ~may).sum()
    right = (out * may).sum() / (p * may).sum()
    return out.sum(dim=-1).mean().item(), wrong.item(), right.item()


def kept(q, may, ids):
    """Mean number of tokens left where one is right, and where two are."""
    steps = ids != PAD
    left, choices = (q > 0).sum(dim=-1)[steps], may.sum(dim=-1)[steps]
    return [left[choices == n].double().mean().item() for n in (1, 2)]


# %%
def measured(model, dates):
    """{name: number} of every way."""
    ids, may = rights(dates)
    p, found = along(model, dates, ids), {}
    for key, (_, way) in WAYS.items():
        q = way(p)
        right, found[f"{key}_kinds"] = outcome(q, ids)
        found[f"{key}_wrong"] = 1 - right
        numbers = *removed(p, q, may, ids), *kept(q, may, ids)
        names = "cut", "wrong_cut", "right_cut", "left_one", "left_two"
        found |= {f"{key}_{name}": n for name, n in zip(names, numbers)}
    return found


# %%
if __name__ == "__main__":
    seeds = range(3)
    tests = [split(seed)[1][:500] for seed in seeds]
    for world, make in (
        (evidence, load_trained),
        (null["배우지 않은 모델"], untrained),
    ):
        found = [measured(make(seed), tests[seed]) for seed in seeds]
        world |= {name: [one[name] for one in found] for name in found[0]}
    for key in WAYS:
        for name in "wrong", "kinds", "left_one", "left_two":
            null["자르지 않은 분포"][f"{key}_{name}"] = evidence[f"plain_{name}"]
    evidence["data_kinds"] = math.prod(share**-share for share in SHARES)
    rows = []
    for key, (title, _) in WAYS.items():
        wrong, kinds, cut = (
            mean(evidence[f"{key}_{name}"]) for name in ("wrong", "kinds", "cut")
        )
        rows.append([title, f"{wrong:.2%}", f"{kinds:.2f}", f"{cut:.2%}"])
    table(
        "cut",
        "고르는 법에 따라 달라지는 것 (시드 셋의 평균, 날짜 500개씩)",
        ["고르는 법", "틀릴 확률", "표기의 수", "글자마다 자른 확률"],
        rows,
    )
    for key in "k2", "p90", "p50":
        wrong, right = (
            mean(evidence[f"{key}_{which}_cut"]) for which in ("wrong", "right")
        )
        one, two = (
            mean(evidence[f"{key}_left_{which}"]) for which in ("one", "two")
        )
        print(f"{WAYS[key][0]}: 틀린 글자의 확률 가운데 {wrong:.0%}를 잘라요.")
        print(f"  맞는 글자는 {right:.1%}. 남긴 글자 {one:.2f}개와 {two:.2f}개")

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.02
        for name in evidence
        if name.endswith(("_wrong", "_kinds", "_cut", "_left_one", "_left_two"))
    }
    tolerance |= {"hot_wrong": 0.05, "ratio_error": 1e-9, "temperature_error": 1e-9}
    evidence
