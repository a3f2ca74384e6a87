# %% [markdown]
# # 자기회귀 모델은 바로 앞만 볼까요?
#
# 자기회귀(autoregressive) 모델은 변수에 순서를 정하고 $p(x) = \prod_i p(x_i \mid x_1, \dots, x_{i-1})$로 써요.
# 바로 앞 하나만 보는 마르코프(Markov) 모델은 그 가운데 가장 근시안인 **특별한 경우**예요. 8 × 8 손글씨 숫자로 시야를 넓혀 가며 재 볼게요.

# %%
import time
from statistics import mean, stdev

import torch
import torch.nn.functional as F
from lib.binary_digits import all_states, frequencies, load, middle
from lib.figure import BLUE, GREEN, ORANGE, show, table
from matplotlib import pyplot as plt
from parameter_count import fit, kl, log_prob
from torch import nn


def before(n, reach):
    """Mask (n, n): row i has ones at the `reach` pixels before i."""
    return torch.ones(n, n).tril(-1) - torch.ones(n, n).tril(-1 - reach)


class LogisticAR(nn.Module):
    """Each pixel by a logistic regression on the pixels that its row of the mask
    shows: x (B, n) -> logits (B, n)."""

    def __init__(self, mask):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(mask.shape))
        self.bias = nn.Parameter(torch.zeros(len(mask)))
        self.register_buffer("mask", mask)

    def forward(self, x):
        return x @ (self.weight * self.mask).T + self.bias


def nll(model, x):
    """-log p(x) in nats, (B): all conditionals by one call, as all of x is
    known."""
    return F.binary_cross_entropy_with_logits(model(x), x, reduction="none").sum(
        dim=1
    )


def train(model, x, steps=100, lr=0.1):
    """Maximise the likelihood of x (B, n) by Adam, all of x in each step; returns
    the model."""
    with torch.no_grad():
        model.bias.copy_(
            ((x.sum(dim=0) + 0.5) / (len(x) + 1)).logit()
        )  # begin as independent pixels
    optimizer = torch.optim.Adam(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for _ in range(steps):
        loss = nll(model, x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, apart = {}, {}
    REACHES = [0, 1, 2, 7, 8, 63]
    splits = [[part.float() for part in load(seed)[:2]] for seed in range(5)]
    by_reach = {reach: [] for reach in REACHES}
    for seed, (x, test) in enumerate(splits):
        for reach in REACHES:
            all_before = train(LogisticAR(before(64, reach)), x)  # 63 is the last
            by_reach[reach].append(nll(all_before, test).mean().item())
        torch.manual_seed(seed)
        loose = [
            part.gather(0, torch.rand(part.shape).argsort(dim=0))
            for part in (x, test)
        ]
        for reach in (
            1,
            63,
        ):  # where no pixel tells of another: each comes from an image of its own
            model = train(LogisticAR(before(64, reach)), loose[0])
            apart.setdefault(f"nll_{reach}", []).append(
                nll(model, loose[1]).mean().item()
            )
    parameters = {reach: int(before(64, reach).sum()) + 64 for reach in REACHES}
    evidence |= {f"nll_{reach}": found for reach, found in by_reach.items()}
    evidence["parameters_63"] = parameters[63]
    rows = [
        [reach, parameters[reach], f"{mean(found):.2f} ± {stdev(found):.2f}"]
        for reach, found in by_reach.items()
    ]
    caption = "앞의 픽셀을 몇 개까지 보는지와, 처음 보는 이미지 하나에 드는 나트 (시드 다섯의 평균 ± 표준편차)"
    table("reach", caption, ["보는 픽셀", "파라미터", "나트"], rows)

# %% [markdown]
# 한 줄이 8픽셀이라, 8개 앞이 바로 **위** 픽셀이에요. 앞의 모두를 보면 훨씬 나아요.
#
# ## 순서는 얼마나 중요할까요?
#
# 픽셀을 늘어놓는 순서를 바꿔 가며, 바로 앞만 보는 모델과 앞의 모두를 보는 모델을 견줘요. 가로줄(raster), 세로줄, 줄마다 방향을 뒤집는 뱀 모양, 무작위 순서예요.
#
# 시드마다 시험 이미지가 달라 나트가 통째로 오르내려요. 그래서 순서의 효과는 **같은 시드 안의 차이**로 재요. 순서가 상관없다면 그 차이의
# 구간이 0을 담고, 상관있다면 0에서 벗어나요. 데이터가 적을 때 순서가 더 중요하다는 보고(Order Matters, 1511.06391의 5.1절)가 있어서,
# 앞의 모두를 보는 모델은 학습 이미지를 100장으로 줄여서도 견줘 봐요.


# %%
def orders(seed):
    """Ways to go through 8 x 8 pixels: {name: places (64)}."""
    grid = torch.arange(64).reshape(8, 8)
    snake = torch.stack(
        [line.flip(0) if i % 2 else line for i, line in enumerate(grid)]
    )
    shuffled = torch.randperm(64, generator=torch.Generator().manual_seed(seed))
    return {
        "가로줄": grid.flatten(),
        "세로줄": grid.T.flatten(),
        "뱀 모양": snake.flatten(),
        "무작위": shuffled,
    }


# %%
if __name__ == "__main__":
    markov, everything, few = {}, {}, {}
    english = {
        "가로줄": "raster",
        "세로줄": "column",
        "뱀 모양": "snake",
        "무작위": "random",
    }
    for seed, (x, test) in enumerate(splits):
        torch.manual_seed(seed)
        for name, order in orders(seed).items():
            a, b = x[:, order], test[:, order]
            markov.setdefault(name, []).append(
                -log_prob(fit(a, 1), b, 1).mean().item()
            )
            model = train(LogisticAR(before(64, 63)), a)
            everything.setdefault(name, []).append(nll(model, b).mean().item())
            if name not in ("세로줄", "무작위"):
                continue
            model = train(LogisticAR(before(64, 63)), a[:100])
            few.setdefault(name, []).append(nll(model, b).mean().item())
            loose = [
                part.gather(0, torch.rand(part.shape).argsort(dim=0))
                for part in (a, b)
            ]
            cost = -log_prob(fit(loose[0], 1), loose[1], 1).mean().item()
            apart.setdefault(f"markov_{english[name]}", []).append(cost)
            model = train(LogisticAR(before(64, 63)), loose[0])
            cost = nll(model, loose[1]).mean().item()
            apart.setdefault(f"all_{english[name]}", []).append(cost)
    for name in markov:
        print(
            f"{name}: 바로 앞만 {mean(markov[name]):.2f} ± {stdev(markov[name]):.2f}, "
            f"앞의 모두 {mean(everything[name]):.2f} ± {stdev(everything[name]):.2f}"
        )

    for label, by_order in (
        ("바로 앞만", markov),
        ("앞의 모두", everything),
        ("앞의 모두, 100장으로 배움", few),
    ):
        effect = [a - b for a, b in zip(by_order["무작위"], by_order["세로줄"])]
        print(
            f"{label}: 무작위 - 세로줄이 시드마다 {', '.join(f'{value:.2f}' for value in effect)}"
        )
    edge_ink = torch.cat(splits[0]).unflatten(1, (8, 8))[:, :, [0, 7]].mean().item()
    print(f"줄의 양 끝에 잉크가 있는 픽셀 {edge_ink:.1%}")
    evidence |= {f"markov_{english[name]}": found for name, found in markov.items()}
    evidence |= {
        f"all_{english[name]}": found for name, found in everything.items()
    }
    evidence |= {f"few_{english[name]}": found for name, found in few.items()}
    evidence["edge_ink"] = edge_ink
    null = {"픽셀이 독립인 자료": apart}

    x = splits[0][0].double()
    theta, both = fit(x, 1), LogisticAR(before(64, 1)).double()
    with torch.no_grad():  # the table of P(x_i = 1 | x_(i-1)) written as weights
        both.bias.copy_(
            torch.cat([theta[:1], theta[1::2]]).logit()
        )  # where the pixel before is 0
        both.weight[1:] += (theta[2::2].logit() - theta[1::2].logit())[:, None]
        markov_error = (nll(both, x) + log_prob(theta, x, 1)).abs().max().item()
    print(
        f"마르코프 모델을 시야 1의 자기회귀 모델로 옮겨 적었을 때의 차이 {markov_error:.0e}"
    )
    evidence["markov_error"] = markov_error

    truth = frequencies(
        middle(torch.cat(load(0)[:2]))
    )  # of ten pixels in the middle: (1024)
    table_kl, markov_kl = [], []
    for seed in range(10):
        order = torch.randperm(10, generator=torch.Generator().manual_seed(seed))
        states = all_states(10)[:, order]
        for parents, found in ((9, table_kl), (1, markov_kl)):
            found.append(
                kl(
                    truth,
                    log_prob(
                        fit(states, parents, truth, pseudo=0), states, parents
                    ),
                )
            )
    print(
        f"픽셀 10개, 무작위 순서 열 가지에서 정답과의 KL: 표로 앞의 모두를 보면 {max(table_kl):.0e} 이하, "
        f"바로 앞만 보면 {min(markov_kl):.2f}~{max(markov_kl):.2f}"
    )
    evidence |= {
        "table_kl_max": max(table_kl),
        "markov_kl_min": min(markov_kl),
        "markov_kl_max": max(markov_kl),
    }

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(4.5, 2.8))
    for found, color, marker, label in (
        (markov, ORANGE, "^", "바로 앞만"),
        (everything, BLUE, "o", "앞의 모두"),
    ):
        centre = [mean(found[name]) for name in markov]
        axis.plot(
            centre,
            color=color,
            marker=marker,
            linestyle="",
            markersize=9,
            label=label,
        )
        for place, name in enumerate(markov):
            axis.plot([place] * len(found[name]), found[name], "_", color=color)
    axis.set(
        xticks=range(4),
        xticklabels=markov,
        xlim=(-0.5, 3.5),
        ylim=(17.5, None),
        title="이미지 하나에 드는 나트",
    )
    figure.legend(loc="outside upper center", ncols=2)
    alt = (
        f"바로 앞만 보는 모델은 순서에 따라 {mean(markov['세로줄']):.1f}~{mean(markov['무작위']):.1f}나트로 달라지지만, "
        f"앞의 모두를 보는 모델은 어느 순서에서나 {mean(everything['가로줄']):.1f}나트쯤이에요."
    )
    show(figure, "orders", alt)

# %% [markdown]
# ## 확률은 한 번에, 생성은 한 픽셀씩
#
# 확률을 잴 때는 $x$를 다 알고 있으니 조건부 확률 64개가 모델 호출 **한 번**에 나와요. 생성할 때는 앞의 픽셀이 정해져야 다음을 뽑으니 64번 불러야 해요.
# 순서를 정하지 않고 픽셀마다 **나머지 모두**를 보게 하면 어떻게 되는지도 봐요.


# %%
@torch.no_grad()
def sample(model, n, count):
    """Images (count, n), one pixel after another: n calls of the model."""
    x = torch.zeros(count, n)
    for i in range(n):
        x[:, i] = torch.bernoulli(model(x)[:, i].sigmoid())
    return x


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    few, states = middle(splits[0][0]), all_states(10).float()
    ordered = train(LogisticAR(before(10, 9)), few)
    unordered = train(
        LogisticAR(1 - torch.eye(10)), few
    )  # each pixel from all the others
    with torch.no_grad():
        p, product = (
            nll(model.double(), states.double()).neg().exp()
            for model in (ordered, unordered)
        )
    drawn = frequencies(sample(ordered.float(), 10, 20_000))
    exact = torch.multinomial(p, 20_000, replacement=True)
    exact = torch.bincount(exact, minlength=1024) / 20_000
    distance, exact_distance = (
        (found - p).abs().sum().item() / 2 for found in (drawn, exact)
    )  # total variation
    print(
        f"확률의 합: 순서가 있으면 {p.sum():.12f}, 서로가 서로를 보면 {product.sum():.2f}"
    )
    print(
        f"한 픽셀씩 뽑은 20,000장과 계산한 확률의 차이 {distance:.3f}, 확률표에서 바로 뽑으면 {exact_distance:.3f}"
    )
    evidence |= {
        "sum_error": abs(p.sum().item() - 1),
        "unordered_sum": product.sum().item(),
    }
    evidence |= {
        "sample_distance": distance,
        "exact_sample_distance": exact_distance,
    }
    null["순서를 정한 모델"] = {"unordered_sum": p.sum().item()}

    calls = []
    all_before.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        start = time.process_time()
        nll(all_before, splits[0][1])
        middle_time, probability_calls = time.process_time(), len(calls)
        sample(all_before, 64, 500)
        probability_time, sample_time = (
            middle_time - start,
            time.process_time() - middle_time,
        )
    sample_calls = len(calls) - probability_calls
    print(
        f"이미지 500장의 확률은 호출 {probability_calls}번, 이미지 500장의 생성은 호출 {sample_calls}번"
    )
    evidence |= {
        "probability_calls": probability_calls,
        "sample_calls": sample_calls,
    }
    evidence["sample_time_ratio"] = sample_time / probability_time

# %% [markdown]
# ## 연속 변수에는 밀도를 끼워 넣으면 돼요
#
# 조건부 확률을 조건부 **밀도**로 바꾸기만 하면 돼요. 평균이 앞의 값에 선형인 가우시안이면 다변량 가우시안과 **똑같고**,
# 여러 가우시안을 섞은 것을 작은 신경망이 정하게 하면 고리처럼 휜 분포도 배워요.


# %%
def gaussian_chain(x, covariance):
    """log N(x; 0, covariance) as a sum of log p(x_i | x_<i), each a Gaussian with a
    linear mean: x (B, n) -> (B)."""
    total = 0
    for i in range(x.shape[1]):
        slope = torch.linalg.solve(
            covariance[:i, :i], covariance[:i, i]
        )  # (i): best linear guess of x_i from x_<i
        variance = covariance[i, i] - covariance[i, :i] @ slope
        total = total + torch.distributions.Normal(
            x[:, :i] @ slope, variance.sqrt()
        ).log_prob(x[:, i])
    return total


class MixtureAR(nn.Module):
    """Each number by a mixture of Gaussians that a small network makes of the
    numbers before it, or of none."""

    def __init__(self, n=2, components=8, width=32, mask=None):
        super().__init__()
        self.register_buffer("mask", before(n, n) if mask is None else mask)
        self.nets = nn.ModuleList(
            nn.Sequential(
                nn.Linear(n, width), nn.Tanh(), nn.Linear(width, 3 * components)
            )
            for _ in range(n)
        )

    def forward(self, x):
        """log p(x): (B, n) -> (B)."""
        total = 0
        for i, net in enumerate(self.nets):
            weight, centre, log_std = net(x * self.mask[i]).chunk(
                3, dim=1
            )  # (B, components) each
            inside = torch.distributions.Normal(centre, log_std.exp()).log_prob(
                x[:, i : i + 1]
            )
            total = total + (weight.log_softmax(dim=1) + inside).logsumexp(dim=1)
        return total


def ring(count):
    """Points (count, 2) about a circle of radius 2."""
    angle, radius = 2 * torch.pi * torch.rand(count), 2 + 0.2 * torch.randn(count)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def train_mixture(seed, mask=None, steps=120):
    """A trained MixtureAR and its mean -log p of new points."""
    torch.manual_seed(seed)
    model = MixtureAR(mask=mask)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        loss = -model(ring(200)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return model, -model(ring(5000)).mean().item()


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    root = torch.randn(5, 5, dtype=torch.double)
    covariance, x = root @ root.T, torch.randn(100, 5, dtype=torch.double)
    whole = torch.distributions.MultivariateNormal(
        torch.zeros(5).double(), covariance
    ).log_prob(x)
    gaussian_error = (gaussian_chain(x, covariance) - whole).abs().max().item()
    print(
        f"가우시안: 하나씩 곱한 로그 밀도와 한꺼번에 계산한 것의 차이 {gaussian_error:.0e}"
    )

    chains, chain_nll = zip(*(train_mixture(seed) for seed in range(5)))
    _, separate_nll = zip(
        *(train_mixture(seed, torch.zeros(2, 2)) for seed in range(5))
    )
    torch.manual_seed(0)
    x = ring(5000)
    normal_nll = (
        -torch.distributions.MultivariateNormal(x.mean(dim=0), x.T.cov())
        .log_prob(x)
        .mean()
        .item()
    )
    line = torch.linspace(-4, 4, 241)
    grid = torch.cartesian_prod(line, line)  # (241^2, 2)
    with torch.no_grad():
        density = chains[0](grid).exp().reshape(241, 241)
    integral = (density.sum() * (line[1] - line[0]) ** 2).item()
    print(
        f"고리: 앞의 값을 보면 {mean(chain_nll):.2f} ± {stdev(chain_nll):.2f}나트, 독립이면 {mean(separate_nll):.2f}, "
        f"가우시안 하나면 {normal_nll:.2f}. 밀도의 적분 {integral:.3f}, 가장 높은 밀도 {density.max():.2f}"
    )
    evidence |= {
        "gaussian_error": gaussian_error,
        "ring_nll": chain_nll,
        "ring_separate_nll": separate_nll,
    }
    evidence |= {
        "ring_normal_nll": normal_nll,
        "ring_integral": integral,
        "ring_density_max": density.max().item(),
    }
    null["앞의 값을 가린 모델"] = {"ring_nll": separate_nll}

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(1, 2, figsize=(4.5, 2.7), sharey=True)
    axes[0].scatter(*x[:1000].T, s=3, color=GREEN)
    axes[1].imshow(density.T, origin="lower", extent=(-4, 4, -4, 4), cmap="viridis")
    for axis, title in zip(axes, ("데이터", "배운 밀도")):
        axis.set(
            title=title,
            xlabel="첫째 값",
            aspect="equal",
            xlim=(-3.2, 3.2),
            ylim=(-3.2, 3.2),
        )
        axis.grid(False)
    axes[0].set_ylabel("둘째 값")
    alt = f"한 변수씩 배운 밀도가 데이터의 고리 모양을 그대로 따라가고, 적분하면 {integral:.2f}이에요."
    show(figure, "ring", alt)

# %%
if __name__ == "__main__":
    tolerance = {
        **{
            name: 0.1
            for name in evidence
            if name.startswith(("nll_", "all_", "few_", "ring_"))
        },
        "unordered_sum": 0.2,
        "sample_distance": 0.01,
        "exact_sample_distance": 0.01,
        "sample_time_ratio": float("inf"),
    }
    evidence
