# %% [markdown]
# # 확률분포 하나에 숫자가 몇 개 필요할까요?
#
# 동전은 숫자 하나, 주사위는 다섯이면 분포가 정해져요. 픽셀 $n$개짜리 흑백 이미지는 $2^n - 1$개예요.
# 공식을 외우는 대신, **자유롭게 움직일 수 있는 방향이 몇 개인지**를 야코비안(Jacobian)의 랭크(rank)로 세어 볼게요.

# %%
import math
from statistics import mean, stdev

import torch
from lib.binary_digits import all_states, draw_rows, frequencies, load, middle
from lib.figure import BLUE, GREEN, ORANGE, PINK, show, table
from matplotlib import pyplot as plt


def free_parameters(log_p, theta):
    """In how many independent directions theta moves the distribution: rank of d
    log p(every state) / d theta."""
    jacobian = torch.func.jacfwd(log_p)(theta)  # (states, numbers in theta)
    return torch.linalg.matrix_rank(jacobian).item()


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    evidence, null = {}, {}
    # scores of m faces, made a distribution by softmax: m numbers are written, but
    # are all of them free?
    free_faces = {
        m: free_parameters(
            lambda scores: scores.log_softmax(0), torch.randn(m).double()
        )
        for m in (2, 6, 4**3, 8**3)
    }
    for m, free in free_faces.items():
        print(f"면이 {m}개: 숫자 {m}개로 적었지만 자유로운 것은 {free}개")
    names = {2: "bernoulli", 6: "die", 4**3: "colours_4", 8**3: "colours_8"}
    evidence |= {names[m]: free for m, free in free_faces.items()}

    rgb = torch.rand(
        256, 256, 256, dtype=torch.double
    )  # one colour pixel: a probability for every (r, g, b)
    rgb /= rgb.sum()
    written = rgb.flatten()[:-1]  # leave one out: the sum of 1 brings it back
    rgb_error = abs((1 - written.sum()) / rgb[-1, -1, -1] - 1).item()
    print(
        f"색 픽셀 하나: 경우 {rgb.numel():,}가지, 숫자 {written.numel():,}개만 적고 되찾은 마지막 칸의 상대 오차 {rgb_error:.0e}"
    )
    evidence |= {
        "rgb_cases": rgb.numel(),
        "rgb_parameters": written.numel(),
        "rgb_error": rgb_error,
    }

# %% [markdown]
# 확률은 모두 더해 1이니 언제나 하나는 나머지에서 정해져요.
#
# ## 앞의 픽셀을 몇 개까지 보느냐가 개수를 정해요
#
# 연쇄 법칙(chain rule)은 어떤 분포든 $p(x_1)\,p(x_2|x_1)\cdots p(x_n|x_1, \dots, x_{n-1})$로 쪼개요.
# 픽셀마다 조건부 확률표를 하나씩 두고, 앞의 픽셀을 `parents`개까지만 보게 할게요. 0이면 독립, 1이면 마르코프(Markov), $n-1$이면 아무 가정도 없는 연쇄 법칙이에요.


# %%
def lookup(x, parents):
    """Which number of all conditional tables applies to each pixel: states (B, n)
    -> places (B, n), numbers in all.

    The table of pixel i has a line for every state of the `parents` pixels before
    it."""
    places, used = torch.empty(x.shape, dtype=torch.long), 0
    for i in range(x.shape[1]):
        before = x[:, max(0, i - parents) : i].long()  # (B, at most parents)
        places[:, i] = used + (before * 2 ** torch.arange(before.shape[1])).sum(
            dim=1
        )
        used += 2 ** before.shape[1]
    return places, used


def log_prob(theta, x, parents):
    """log p(x) = sum of log p(x_i | the parents before it), theta holding P(x_i = 1
    | ...): (B, n) -> (B)."""
    p = theta[lookup(x, parents)[0]]  # (B, n)
    return torch.where(x == 1, p, 1 - p).log().sum(dim=1)


# %%
if __name__ == "__main__":
    rows, counts = [], {}
    for n in (2, 4, 6, 8, 10):
        states = all_states(n)  # (2^n, n)
        for name, parents in (
            ("independent", 0),
            ("markov", 1),
            ("second", 2),
            ("chain", n - 1),
        ):
            theta = 0.1 + 0.8 * torch.rand(
                lookup(states, parents)[1], dtype=torch.double
            )
            counts[name, n] = free_parameters(
                lambda numbers: log_prob(numbers, states, parents), theta
            )
        scores = torch.randn(2**n, dtype=torch.double)
        counts["table", n] = free_parameters(
            lambda numbers: numbers.log_softmax(0), scores
        )
        rows.append(
            [
                n,
                2**n,
                *(
                    counts[name, n]
                    for name in ("table", "chain", "markov", "independent")
                ),
            ]
        )
    table(
        "counts",
        "픽셀 n개의 분포에 필요한 숫자 (야코비안의 랭크)",
        ["n", "경우의 수", "표", "연쇄 법칙", "마르코프", "독립"],
        rows,
    )
    positive = (
        (
            log_prob(
                0.1 + 0.8 * torch.rand(10, dtype=torch.double), all_states(10), 0
            )
            > -torch.inf
        )
        .sum()
        .item()
    )
    print(f"독립이라고 해도 나올 수 있는 상태는 {positive}가지 그대로예요.")
    blank = torch.zeros(1, 28 * 28)
    large = {
        name: lookup(blank, parents)[1]
        for name, parents in (("independent", 0), ("markov", 1))
    }
    digits_28 = len(str(2**784 - 1))
    print(
        f"28 x 28이면 독립 {large['independent']}개, 마르코프 {large['markov']:,}개, 표는 {digits_28}자리 수만큼의 숫자가 필요해요."
    )
    evidence |= {f"{name}_{n}": free for (name, n), free in counts.items()}
    evidence |= {f"{name}_784": free for name, free in large.items()}
    evidence |= {"independent_states": positive, "table_784_digits": digits_28}

# %% [markdown]
# ## 세 규칙은 무작위 분포에서도 성립할까요?
#
# 연쇄 법칙과 베이즈 규칙은 **항상**, 조건부 독립(conditional independence)의 규칙은 **그렇게 만든 분포에서만** 성립해야 해요.


# %%
def without_y(p):
    """By how much p(x | y, z) and p(x | z) differ at most, p being a table (X, Y,
    Z)."""
    x_given_yz = p / p.sum(dim=0, keepdim=True)
    x_given_z = p.sum(dim=1) / p.sum(dim=(0, 1))  # (X, Z)
    return (x_given_yz - x_given_z[:, None]).abs().max().item()


# %%
if __name__ == "__main__":
    p = torch.rand(3, 4, 5, dtype=torch.double)
    p = p / p.sum()
    p_x, p_y, p_xy = p.sum(dim=(1, 2)), p.sum(dim=(0, 2)), p.sum(dim=2)
    y_given_x, z_given_xy = p_xy / p_x[:, None], p / p_xy[:, :, None]
    chain_error = (
        (p_x[:, None, None] * y_given_x[:, :, None] * z_given_xy - p)
        .abs()
        .max()
        .item()
    )
    bayes_error = (p_xy / p_y - y_given_x * p_x[:, None] / p_y).abs().max().item()

    x_z, y_z = (
        torch.rand(3, 5, dtype=torch.double),
        torch.rand(4, 5, dtype=torch.double),
    )
    built = (
        (x_z / x_z.sum(dim=0))[:, None] * (y_z / y_z.sum(dim=0)) * p.sum(dim=(0, 1))
    )  # p(x|z) p(y|z) p(z)
    drop_built, drop_any = without_y(built), without_y(p)
    pair = built.sum(dim=2)
    still_dependent = (
        (pair - pair.sum(dim=1, keepdim=True) * pair.sum(dim=0)).abs().max().item()
    )
    print(
        f"연쇄 법칙의 오차 {chain_error:.0e}, 베이즈 규칙의 오차 {bayes_error:.0e}"
    )
    print(
        f"y를 떼어 낼 때의 차이: 조건부 독립인 분포 {drop_built:.0e}, 아무 분포 {drop_any:.2f}"
    )
    print(
        f"조건부 독립인 분포에서 z를 모를 때 p(x, y)와 p(x)p(y)의 차이: {still_dependent:.3f}"
    )
    evidence |= {"chain_error": chain_error, "bayes_error": bayes_error}
    evidence |= {
        "drop_when_independent": drop_built,
        "drop_in_general": drop_any,
        "still_dependent": still_dependent,
    }

# %% [markdown]
# ## 숫자가 많으면 데이터가 얼마나 더 필요할까요?
#
# 손글씨 숫자 이미지 가운데의 픽셀 10개를 보고, 그 1,024가지 상태의 실제 빈도를 **정답 분포**로 삼아요. 거기서 표본을 원하는 만큼 뽑아 네 모델을 맞추고,
# 정답과의 KL 발산(KL divergence)을 정확히 계산해요. 본 적 없는 경우의 확률이 0이 되지 않게 칸마다 0.5씩 더하고 세요.


# %%
def fit(x, parents, weights=None, pseudo=0.5):
    """The conditional tables that are likeliest for x (B, n), each weighing weights
    (B); pseudo is added to counts."""
    places, size = lookup(x, parents)
    weights = (torch.ones(len(x)) if weights is None else weights).double()[:, None]
    seen = torch.bincount(
        places.flatten(), (weights + 0 * x).flatten(), minlength=size
    )
    ones = torch.bincount(places.flatten(), (weights * x).flatten(), minlength=size)
    return (ones + pseudo) / (seen + 2 * pseudo)


def kl(p, log_q):
    """KL(p || q) in nats: how many more nats than needed q's code takes on what
    comes from p."""
    return (
        (torch.special.xlogy(p, p) - torch.where(p > 0, p * log_q, 0.0))
        .sum()
        .item()
    )


def learning_curve(truth, parents, sizes, seeds=5, pseudo=0.5):
    """KL of the truth (2^n) to what is learnt from samples of each size: {size:
    [one for each seed]}."""
    states, found = all_states(truth.numel().bit_length() - 1), {}
    for size in sizes:
        found[size] = []
        for seed in range(seeds):
            drawn = torch.multinomial(
                truth,
                size,
                replacement=True,
                generator=torch.Generator().manual_seed(seed),
            )
            weights = torch.bincount(drawn, minlength=truth.numel())
            found[size].append(
                kl(
                    truth,
                    log_prob(
                        fit(states, parents, weights, pseudo), states, parents
                    ),
                )
            )
    return found


# %%
if __name__ == "__main__":
    SIZES = [30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000]
    MODELS = {
        "independent": ("독립", 0),
        "markov": ("마르코프", 1),
        "second": ("앞의 둘", 2),
        "chain": ("가정 없음", 9),
    }
    states = all_states(10)
    truth = frequencies(middle(torch.cat(load(0)[:2])))  # (1024)
    curves = {
        name: learning_curve(truth, parents, SIZES)
        for name, (_, parents) in MODELS.items()
    }
    best = {
        name: kl(
            truth, log_prob(fit(states, parents, truth, pseudo=0), states, parents)
        )
        for name, (_, parents) in MODELS.items()
    }  # what each can do at best, knowing the truth
    flat = log_prob(
        fit(states, 0, truth), states, 0
    ).exp()  # control: pixels that really are independent
    control = {
        name: learning_curve(flat, parents, [300, 100_000])
        for name, (_, parents) in MODELS.items()
    }
    drawn = torch.multinomial(
        truth, 1000, replacement=True, generator=torch.Generator().manual_seed(0)
    )
    missed = (
        (truth > 0).sum().item() - drawn.unique().numel()
    )  # states that exist and did not come once
    bare = learning_curve(truth, 1, [1000], pseudo=0)[1000]
    for name, (label, _) in MODELS.items():
        found = ", ".join(
            f"{mean(curves[name][size]):.3f}" for size in (30, 300, 3000, 100_000)
        )
        print(
            f"{label}: 숫자 {counts[name, 10]}개, 표본 30, 300, 3,000, 100,000개의 KL {found}, 최선 {best[name]:.3f}"
        )
    print(
        f"픽셀이 정말 독립일 때 표본 300개의 KL: 독립 {mean(control['independent'][300]):.3f}, "
        f"가정 없음 {mean(control['chain'][300]):.3f}"
    )
    print(
        f"0.5를 더하지 않으면: 표본 1,000개에 한 번도 나오지 않은 상태 {missed}가지의 확률이 0, 마르코프의 KL은 {mean(bare):.3f}"
    )
    evidence |= {
        f"{name}_kl_{size}": values
        for name, curve in curves.items()
        for size, values in curve.items()
    }
    evidence |= {f"{name}_kl_best": value for name, value in best.items()}
    evidence |= {
        f"control_{name}_kl_300": curve[300] for name, curve in control.items()
    }
    evidence |= {
        "states": (truth > 0).sum().item(),
        "missed_1000": missed,
        "markov_bare_kl_1000": bare,
    }
    null["픽셀이 독립인 자료"] = {
        f"{name}_kl_300": curve[300] for name, curve in control.items()
    }

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    for (name, (label, _)), color, marker in zip(
        MODELS.items(), (BLUE, ORANGE, PINK, GREEN), "os^D"
    ):
        centre = [mean(curves[name][size]) for size in SIZES]
        axis.fill_between(
            SIZES,
            *zip(
                *(
                    (min(curves[name][size]), max(curves[name][size]))
                    for size in SIZES
                )
            ),
            color=color,
            alpha=0.25,
        )
        axis.plot(
            SIZES,
            centre,
            color=color,
            marker=marker,
            label=f"{label} ({counts[name, 10]:,}개)",
        )
    axis.axvline(counts["chain", 10], color="gray", linestyle=":")
    axis.set(
        xscale="log", xlabel="표본 수", title="정답과의 KL (나트)", ylim=(0, None)
    )
    axis.xaxis.set_major_formatter("{x:,.0f}")
    figure.legend(loc="outside upper center", ncols=2)
    alt = (
        f"독립과 마르코프는 표본이 늘어도 KL이 {best['independent']:.2f}와 {best['markov']:.2f}에 멈추고, 숫자가 "
        f"{counts['chain', 10]:,}개인 모델은 표본 30개에서 {mean(curves['chain'][30]):.2f}이다가 100,000개에서 "
        f"{mean(curves['chain'][100_000]):.3f}까지 내려가요."
    )
    show(figure, "learning_curve", alt)

# %% [markdown]
# 세로 점선이 숫자의 개수 1,023이에요. 그보다 표본이 적어도 꼭 지지는 않아요. 파라미터가 적은 모델은 가정이 데이터에 맞지 않으면 표본이 아무리 많아도 정답에 닿지 못하니까요.
# 하지만 픽셀이 64개로 늘면 이야기가 달라져요. 이미지 전체에 같은 일을 해 볼게요.
#
# ## 독립 가정으로는 무엇을 할 수 있을까요?
#
# 8 × 8 손글씨 숫자를 픽셀마다 따로 배우고, 거기서 새 이미지를 뽑아요. 숫자의 종류(0~9)를 먼저 정하고 **그 안에서만** 독립이라고 한 모델도 나란히 둬요.
# 가정이 전혀 없는 표는 지금까지의 픽셀이 똑같았던 학습 이미지만 세어 다음 픽셀을 맞혀요.


# %%
def full_table_nll(train, test, pseudo=0.5):
    """Mean -log p of test (T, n) under the table of all 2^n states, learnt from
    train (R, n) with pseudo-counts."""
    nll, alike = (
        0,
        torch.ones(len(test), len(train), dtype=torch.bool),
    )  # (T, R): all pixels so far agree
    for i in range(test.shape[1]):
        seen = alike.sum(dim=1)
        alike &= test[:, i, None] == train[:, i]
        nll -= (
            (alike.sum(dim=1) + pseudo) / (seen + 2 * pseudo)
        ).log()  # of the pixel as it is: (T)
    return nll.mean().item()


def by_class(train, labels):
    """Independent pixels within each of the ten digits: P(pixel = 1 | digit) (10,
    64) and P(digit) (10)."""
    theta = torch.stack([fit(train[labels == digit], 0) for digit in range(10)])
    return theta, torch.bincount(labels, minlength=10) / len(labels)


def nearest(x, train):
    """Mean over images x (B, 64) of the number of pixels in which the most similar
    training image differs."""
    return torch.cdist(x, train, p=1).amin(dim=1).mean().item()


def correlation(x):
    """Mean correlation of pixels with their right neighbours, over images (B, 64),
    where both vary."""
    x = x.unflatten(1, (8, 8))
    left, right = (side - side.mean(dim=0) for side in (x[:, :, :-1], x[:, :, 1:]))
    spread = (left.square().mean(dim=0) * right.square().mean(dim=0)).sqrt()
    return (
        ((left * right).mean(dim=0)[spread > 0.02] / spread[spread > 0.02])
        .mean()
        .item()
    )


def measure(train, test, labels, test_labels):
    """What the models learn of images train (R, 64) and say of test (T, 64): {name:
    value}, nll in nats an image."""
    theta, (class_theta, prior) = fit(train, 0), by_class(train, labels)
    given = torch.stack(
        [log_prob(row, test, 0) for row in class_theta], dim=1
    )  # log p(x | digit): (T, 10)
    joint = prior.log() + given  # log p(digit, x)
    samples = torch.bernoulli(theta.expand(500, 64))
    class_samples = torch.bernoulli(
        class_theta[torch.multinomial(prior, 500, replacement=True)]
    )
    return {
        "table_nll": full_table_nll(train, test),
        "independent_nll": -log_prob(theta, test, 0).mean().item(),
        "markov_nll": -log_prob(fit(train, 1), test, 1).mean().item(),
        "class_nll": -joint.logsumexp(dim=1).mean().item(),
        "class_accuracy": (joint.argmax(dim=1) == test_labels)
        .double()
        .mean()
        .item(),
        "mean_error": (samples.mean(dim=0) - test.mean(dim=0)).abs().mean().item(),
        "real_correlation": correlation(test),
        "independent_correlation": correlation(samples),
        "class_correlation": correlation(class_samples),
        "real_nearest": nearest(test, train),
        "independent_nearest": nearest(samples, train),
        "class_nearest": nearest(class_samples, train),
    }


# %%
if __name__ == "__main__":
    results, apart, misnamed = [], [], []
    for seed in range(5):
        train, test, labels, test_labels = load(seed)
        torch.manual_seed(seed)
        results.append(measure(train, test, labels, test_labels))
        # where there is nothing to find: every pixel from an image of its own,
        # digits named at random
        loose = (
            x.gather(0, torch.rand(x.shape).argsort(dim=0)) for x in (train, test)
        )
        apart.append(measure(*loose, labels, test_labels))
        misnamed.append(
            measure(train, test, labels[torch.randperm(len(labels))], test_labels)
        )
    found = {name: [result[name] for result in results] for name in results[0]}
    evidence |= {**found, "uniform_nll": 64 * math.log(2)}
    null["픽셀이 독립인 자료"] |= {
        name: [result[name] for result in apart] for name in found
    }
    null["이름표를 섞은 자료"] = {
        name: [result[name] for result in misnamed]
        for name in found
        if name.startswith("class_")
    }
    names = {
        "uniform": "동전 던지기",
        "table": "표 전체",
        "independent": "독립",
        "markov": "마르코프",
        "class": "숫자마다 독립",
    }
    scores = {name: found[name + "_nll"] for name in names if name != "uniform"}
    rows = [[names["uniform"], f"{evidence['uniform_nll']:.1f}"]]
    rows += [
        [names[name], f"{mean(values):.1f} ± {stdev(values):.1f}"]
        for name, values in scores.items()
    ]
    table(
        "digits_nll",
        "처음 보는 이미지 하나에 드는 나트 (시드 다섯의 평균 ± 표준편차, 작을수록 좋아요)",
        ["모델", "나트"],
        rows,
    )
    for kind, label in (
        ("real", "처음 보는 진짜"),
        ("independent", "독립"),
        ("class", "숫자마다 독립"),
    ):
        print(
            f"{label}: 옆 픽셀과의 상관 {mean(found[kind + '_correlation']):.2f}, "
            f"가장 닮은 학습 이미지와 {mean(found[kind + '_nearest']):.1f}픽셀 차이"
        )
    print(f"숫자마다 독립인 모델로 분류하면 {mean(found['class_accuracy']):.1%}")

# %%
if __name__ == "__main__":
    theta, (class_theta, prior) = fit(train, 0), by_class(train, labels)
    samples = torch.bernoulli(theta.expand(8, 64))
    class_samples = torch.bernoulli(class_theta[torch.multinomial(prior, 8)])
    rows = [("진짜", test[:8]), ("독립", samples), ("숫자마다 독립", class_samples)]
    alt = (
        f"독립 모델이 뽑은 이미지는 획이 흩어져 가장 닮은 학습 이미지와 {mean(found['independent_nearest']):.1f}픽셀이나 달라요. "
        f"숫자를 먼저 정하면 {mean(found['class_nearest']):.1f}픽셀로 줄고, 진짜는 {mean(found['real_nearest']):.1f}픽셀이에요."
    )
    show(draw_rows(rows), "samples", alt)

# %%
if __name__ == "__main__":
    tolerance = {
        name: 1e-9
        for name in (
            "rgb_error",
            "chain_error",
            "bayes_error",
            "drop_when_independent",
        )
    }
    evidence
