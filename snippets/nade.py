# %% [markdown]
# # NADE: 확률을 값으로 내놓는 신경망
#
# NADE(Neural Autoregressive Distribution Estimator)는 이미지를 주면 그 이미지의 **확률을 정확한 값으로** 돌려줘요. 그래서 명시적(explicit) 모델이라고 해요.
# 정말 확률인지, 얼마나 좋은 확률인지, 그 값으로 무엇을 할 수 있는지 차례로 볼게요.

# %%
import time
from statistics import mean, stdev

import torch
from autoregressive import LogisticAR, before, nll, sample
from autoregressive import train as train_logistic
from lib.binary_digits import all_states, draw_rows, frequencies, load, middle
from lib.figure import show, table
from parameter_count import fit, log_prob, nearest
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class NADE(nn.Module):
    """A hidden layer for each pixel, all sharing W and c: x (B, n) -> logits of x_i
    = 1 given x_<i (B, n)."""

    def __init__(self, n, hidden):
        super().__init__()
        self.W = nn.Parameter(0.1 * torch.randn(n, hidden))
        self.V = nn.Parameter(0.1 * torch.randn(n, hidden))
        self.c = nn.Parameter(torch.zeros(hidden))
        self.bias = nn.Parameter(torch.zeros(n))

    def forward(self, x):
        # NADE (1605.02226) §2: h_i = sigm(W_<i x_<i + c), p(x_i = 1 | x_<i) =
        # sigm(V_i h_i + b_i)
        terms = x[:, :, None] * self.W  # (B, n, H): what each pixel adds
        h = torch.sigmoid(
            self.c + terms.cumsum(dim=1) - terms
        )  # (B, n, H): the sum up to i, without i
        return (h * self.V).sum(dim=-1) + self.bias


def begin(x, hidden, seed):
    """A NADE for x (B, n) that has learnt nothing but each pixel's own
    frequency."""
    torch.manual_seed(seed)
    model = NADE(x.shape[1], hidden)
    with torch.no_grad():
        model.bias.copy_(((x.sum(dim=0) + 0.5) / (len(x) + 1)).logit())
    return model


def train(x, hidden, seed, steps=300, lr=0.1):
    """A NADE trained by Adam on batches of 100 of x (B, n)."""
    model = begin(x, hidden, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for _ in range(steps):
        loss = nll(model, x[torch.randint(len(x), (100,))]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


# %% [markdown]
# ## 모두 더하면 1일까요?
#
# 확률이라면 가능한 상태를 빠짐없이 더했을 때 1이어야 해요. 숫자 이미지 가운데의 픽셀 10개로 줄이면 상태가 $2^{10}$가지라 **전부** 더해 볼 수 있어요.

# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {}
    splits = [[part.float() for part in load(seed)[:2]] for seed in range(5)]
    few, states = middle(splits[0][0]), all_states(10)
    torch.manual_seed(0)
    small = train(few, 16, seed=0)
    models = (
        ("배우기 전", NADE(10, 16), "sum_error_untrained"),
        ("배운 뒤", small, "sum_error"),
    )
    for label, model, name in models:
        with torch.no_grad():
            total = (
                nll(model.double(), states).neg().exp().sum().item()
            )  # over all 1024
        print(f"{label}: 1,024가지 상태의 확률을 모두 더하면 {total:.12f}")
        evidence[name] = abs(total - 1)

# %% [markdown]
# 배우기 전에도 1이에요. 조건부 확률마다 $p$와 $1-p$로 나눠 갖게 만든 **구조** 덕분이지, 배워서 얻은 성질이 아니에요.
#
# ## 앞의 합을 이어 쓰면 빨라요
#
# 픽셀마다 은닉층을 처음부터 계산하면 $0 + 1 + \cdots + (n-1)$, 곧 $n^2$에 비례하는 곱셈이 들어요.
# $W$를 함께 쓰니 앞의 합에 $x_i W_i$만 더하면 돼요. 은닉층의 크기가 $H$일 때 $O(nH)$예요. 새 이미지도 같은 길로 뽑아요.


# %%
def from_scratch(model, x):
    """The logits (B, n) with each hidden layer computed anew: O(n^2 H)."""
    return torch.stack(
        [
            torch.sigmoid(x[:, :i] @ model.W[:i] + model.c) @ model.V[i]
            + model.bias[i]
            for i in range(x.shape[1])
        ],
        dim=1,
    )


def by_recursion(model, x):
    """The logits (B, n), each hidden layer from the one before: O(n H)."""
    a, logits = model.c.expand(len(x), -1), []  # (B, H)
    for i in range(x.shape[1]):
        logits.append(torch.sigmoid(a) @ model.V[i] + model.bias[i])
        a = a + x[:, i : i + 1] @ model.W[i : i + 1]  # NADE §2: one pixel is new
    return torch.stack(logits, dim=1)


@torch.no_grad()
def draw(model, count):
    """New images (count, n): the same recursion, each pixel drawn before its line
    of W is added."""
    a, pixels = model.c.expand(count, -1), []  # (count, H)
    for W, V, bias in zip(model.W, model.V, model.bias):
        pixels.append(
            torch.bernoulli(torch.sigmoid(torch.sigmoid(a) @ V + bias))
        )  # (count)
        a = a + pixels[-1][:, None] * W
    return torch.stack(pixels, dim=1)


@torch.no_grad()
def seconds(function, n, hidden=32, count=100):
    """CPU seconds of one call for images of n pixels, the best of two."""
    model, x, found = NADE(n, hidden), torch.randint(2, (count, n)).float(), []
    for _ in range(2):
        start = time.process_time()
        function(model, x)
        found.append(time.process_time() - start)
    return min(found)


def multiplications(function, n, hidden=32):
    """Multiplications by W in one call for one image of n pixels."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        function(NADE(n, hidden), torch.zeros(1, n))
    return counter.get_total_flops() // 2  # it counts each with an addition


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    model, x = NADE(64, 64).double(), splits[0][1].double()
    with torch.no_grad():
        recursion_error = max(
            (way(model, x) - model(x)).abs().max().item()
            for way in (from_scratch, by_recursion)
        )
    growth = {
        way.__name__: seconds(way, 1600) / seconds(way, 200)
        for way in (from_scratch, by_recursion)
    }
    work = {
        way.__name__: multiplications(way, 1600) / multiplications(way, 200)
        for way in (from_scratch, by_recursion)
    }
    print(
        f"처음부터, 이어서, 한꺼번에 계산한 로짓의 최대 차이: {recursion_error:.0e}"
    )
    print(
        f"픽셀이 8배가 되면 곱셈은 처음부터 {work['from_scratch']:.0f}배, 이어서 {work['by_recursion']:.0f}배예요."
    )
    print(
        f"시간은 처음부터 {growth['from_scratch']:.0f}배, 이어서 {growth['by_recursion']:.0f}배예요."
    )
    evidence |= {
        "recursion_error": recursion_error,
        **{f"growth_{name}": value for name, value in growth.items()},
        **{f"work_{name}": value for name, value in work.items()},
    }

# %% [markdown]
# ## 얼마나 잘 배울까요?
#
# 이미지 1,297장으로 배우고 처음 보는 500장에 주는 확률을 재요. 단위는 이미지 하나의 $-\log p$, 나트(nat)예요.
# 은닉층이 없는 로지스틱 회귀도 앞의 픽셀을 **모두** 보게 해서 나란히 둬요. 무엇 덕분에 나아지는지 가리려면 이 대조가 필요해요.

# %%
if __name__ == "__main__":
    names = {
        "independent": "독립",
        "markov": "마르코프",
        "logistic": "로지스틱 (앞의 모두)",
        "narrow": "NADE (은닉 8)",
        "nade": "NADE (은닉 32)",
    }
    scores, nades, logistics, train_nll = {name: [] for name in names}, [], [], []
    untrained = []
    apart = {f"{name}_nll": [] for name in names if name != "narrow"}
    for seed, (x, test) in enumerate(splits):
        logistic, nade = (
            train_logistic(LogisticAR(before(64, 63)), x),
            train(x, 32, seed),
        )
        narrow = train(x, 8, seed)
        untrained.append(begin(x, 32, seed))
        loose, loose_test = (
            part.gather(0, torch.rand(part.shape).argsort(dim=0))
            for part in (x, test)
        )
        # on images whose pixels each come from an image of their own
        apart_nade = train(loose, 32, seed)
        apart_logistic = train_logistic(LogisticAR(before(64, 63)), loose)
        with torch.no_grad():
            scores["independent"].append(
                -log_prob(fit(x, 0), test, 0).mean().item()
            )
            scores["markov"].append(-log_prob(fit(x, 1), test, 1).mean().item())
            scores["logistic"].append(nll(logistic, test).mean().item())
            scores["narrow"].append(nll(narrow, test).mean().item())
            scores["nade"].append(nll(nade, test).mean().item())
            train_nll.append(nll(nade, x).mean().item())
            apart["independent_nll"].append(
                -log_prob(fit(loose, 0), loose_test, 0).mean().item()
            )
            apart["markov_nll"].append(
                -log_prob(fit(loose, 1), loose_test, 1).mean().item()
            )
            apart["nade_nll"].append(nll(apart_nade, loose_test).mean().item())
            apart["logistic_nll"].append(
                nll(apart_logistic, loose_test).mean().item()
            )
        nades.append(nade)
        logistics.append(logistic)
    parameters = sum(p.numel() for p in nade.parameters())
    rows = [
        [names[name], f"{mean(found):.2f} ± {stdev(found):.2f}"]
        for name, found in scores.items()
    ]
    table(
        "nll",
        "처음 보는 이미지 하나에 드는 나트 (시드 다섯의 평균 ± 표준편차, 작을수록 좋아요)",
        ["모델", "나트"],
        rows,
    )
    print(
        f"NADE의 파라미터 {parameters:,}개, 학습 이미지 {len(x):,}장. 학습 이미지에서는 {mean(train_nll):.2f} ± {stdev(train_nll):.2f}나트"
    )
    evidence |= {
        **{f"{name}_nll": found for name, found in scores.items()},
        "train_nll": train_nll,
    }
    evidence |= {
        "parameters": parameters,
        "train_images": len(x),
        "train_targets": x.numel(),
    }

    def gains(scored, best):
        """What the best model saves over the logistic regression, which lacks
        only its hidden layer, and over independent pixels; a list by seeds."""
        return {
            f"gain_over_{name}": [
                a - b for a, b in zip(scored[f"{name}_nll"], scored[best])
            ]
            for name in ("logistic", "independent")
        }

    evidence |= gains(evidence, "nade_nll")
    null["픽셀이 독립인 자료"] = apart | gains(apart, "nade_nll")
    null["은닉층이 없는 모델"] = gains(evidence, "logistic_nll")

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    distances, copies, blots = (
        {name: [] for name in ("real", "independent", "logistic", "nade")},
        [],
        [],
    )
    for (x, test), logistic, nade, raw in zip(splits, logistics, nades, untrained):
        drawn = {
            "real": test,
            "independent": torch.bernoulli(fit(x, 0).expand(500, 64)).float(),
            "logistic": sample(logistic, 64, 500),
            "nade": draw(nade, 500),
        }
        for name, images in drawn.items():
            distances[name].append(nearest(images, x))
        copies.append(
            (torch.cdist(drawn["nade"], x, p=1).amin(dim=1) == 0)
            .float()
            .mean()
            .item()
        )
        blots.append(nearest(draw(raw, 500), x))
    evidence |= {
        **{f"nearest_{name}": found for name, found in distances.items()},
        "copies": copies,
    }
    null["배우지 않은 NADE"] = {"nearest_nade": blots}
    far = {name: mean(found) for name, found in distances.items()}
    alt = (
        f"NADE가 뽑은 이미지는 가장 닮은 학습 이미지와 {far['nade']:.1f}픽셀 다르고 획이 이어져요. 독립 모델은 "
        f"{far['independent']:.1f}픽셀, 처음 보는 진짜는 {far['real']:.1f}픽셀이에요."
    )
    titles = {
        "real": "진짜",
        "independent": "독립",
        "logistic": "로지스틱",
        "nade": "NADE",
    }
    show(
        draw_rows([(titles[name], images[:8]) for name, images in drawn.items()]),
        "samples",
        alt,
    )
    print(f"NADE의 표본 가운데 학습 이미지와 똑같은 것: {mean(copies):.1%}")

# %% [markdown]
# ## 확률을 알면 무엇이 달라질까요?
#
# 표본만 내놓는 암묵적(implicit) 모델이라면 확률은 **뽑아서 세어 볼** 수밖에 없어요. 같은 NADE를 두 방식으로 써 봐요.
# 하나는 확률을 바로 묻고, 하나는 표본 20,000장을 뽑아 그 이미지가 몇 번 나왔는지 세어요.


# %%
def images_seen(x, drawn):
    """Share of the images x (B, n) that occur among drawn (S, n)."""
    seen = {image.tobytes() for image in drawn.byte().numpy()}
    return mean(image.tobytes() in seen for image in x.byte().numpy())


# %%
if __name__ == "__main__":
    with torch.no_grad():
        p, test_nll = (
            nll(small, states).neg().exp(),
            nll(nade, test),
        )  # (1024), (500)
    counted = frequencies(draw(small, 20_000))
    small_difference = ((counted - p).abs().sum() / 2).item()
    seen_small = images_seen(middle(splits[0][1]), draw(small, 20_000))
    seen_large = images_seen(test, draw(nade, 20_000))
    needed = test_nll.median().exp().item()  # samples for one hit on average
    print(
        f"픽셀 10개: 세어 본 확률과 계산한 확률의 차이 {small_difference:.3f}, 시험 이미지의 {seen_small:.0%}가 표본에 나왔어요."
    )
    print(
        f"픽셀 64개: 시험 이미지의 {seen_large:.1%}만 표본에 나왔어요. 확률이 중간인 이미지는 평균 {needed:.1e}장에 한 번꼴이에요."
    )
    evidence |= {
        "small_difference": small_difference,
        "seen_small": seen_small,
        "seen_large": seen_large,
    }
    evidence["samples_needed"] = needed

# %% [markdown]
# 확률을 바로 알면 처음 보는 이미지가 **숫자다운지**도 물을 수 있어요. 같은 이미지를 위아래로 뒤집거나, 잉크의 양은 그대로 두고 픽셀을 뒤섞어서 견줘요.

# %%
if __name__ == "__main__":
    preferred = {}
    for seed, (x, test) in enumerate(splits):
        torch.manual_seed(seed)
        flipped = test.unflatten(1, (8, 8)).flip(1).flatten(1)
        shuffled = test.gather(1, torch.rand(test.shape).argsort(dim=1))
        theta = fit(x, 0)
        models = {
            "nade": lambda x: -nll(nades[seed], x),
            "untrained": lambda x: -nll(untrained[seed], x),
            "independent": lambda x: log_prob(theta, x, 0),
        }
        with torch.no_grad():
            for name, log_p in models.items():
                for change, images in (
                    ("flipped", flipped),
                    ("shuffled", shuffled),
                ):
                    share = (log_p(test) > log_p(images)).float().mean().item()
                    preferred.setdefault((name, change), []).append(share)
    print("바꾼 이미지보다 원래 이미지에 높은 확률을 준 비율")
    for (name, change), found in preferred.items():
        print(f"  {name}, {change}: {mean(found):.1%} ± {stdev(found):.1%}")
    evidence |= {
        f"{name}_over_{change}": found
        for (name, change), found in preferred.items()
        if name != "untrained"
    }
    null["배우지 않은 NADE"] |= {
        f"nade_over_{change}": preferred["untrained", change]
        for change in ("flipped", "shuffled")
    }

# %%
if __name__ == "__main__":
    tolerance = {
        **{
            name: 0.15
            for name in evidence
            if "_nll" in name or name.startswith("gain")
        },
        **{name: 0.5 for name in evidence if name.startswith("nearest")},
        **{name: 0.05 for name in evidence if "_over_" in name},
        "copies": 0.03,
        "small_difference": 0.02,
        "seen_small": 0.03,
        "seen_large": 0.03,
        "samples_needed": float("inf"),
        "growth_from_scratch": float("inf"),
        "growth_by_recursion": float("inf"),
    }
    evidence
