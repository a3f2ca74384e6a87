# %% [markdown]
# # 두 분포는 얼마나 다를까요?
#
# 생성 모델을 가르치려면 모델의 분포가 데이터의 분포와 **얼마나 다른지** 재는 척도가 있어야 해요. KL, 제프리스(Jeffreys), JS, 바서슈타인(Wasserstein),
# 네 가지 척도를 같은 분포에 대 보고, 척도마다 성질이 어떻게 다른지 확인해요.

# %%
from statistics import mean

import numpy as np
from lib.figure import BLUE, GREEN, ORANGE, PINK, show, table
from matplotlib import pyplot as plt
from scipy.optimize import linprog
from scipy.special import rel_entr

# p and q below: probabilities (..., n) of n places in a row, each of sum 1; what
# comes back is in nats (...)


def kl(p, q):
    """KL(p || q) = sum of p log(p / q); infinite where p has something and q
    nothing."""
    return rel_entr(p, q).sum(axis=-1)


def jeffreys(p, q):
    """KL both ways, added."""
    return kl(p, q) + kl(q, p)


def js(p, q):
    """Mean KL of p and q to their mixture m."""
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


def wasserstein(p, q, step=1.0):
    """Least mean way that probability has to be carried from p to q, the places
    being `step` apart."""
    return np.abs(np.cumsum(p - q, axis=-1)).sum(axis=-1) * step


# %% [markdown]
# ## 거리라고 불러도 될까요?
#
# 거리(metric)라면 어느 쪽에서 재도 같고, 들렀다 가는 길이 곧장 가는 길보다 짧지 않아야 해요(삼각 부등식). 다섯 칸짜리 무작위 분포를 셋씩 20만 번 뽑아 세어 볼게요.
#
# 학습의 기준으로 쓰는 데는 다른 것이 필요해요. 척도가 작아지면 두 분포가 정말 가까워져야 해요. 어떤 사건을 골라도 두 분포의 확률이
# $\sqrt{\mathrm{KL}/2}$보다 더 다를 수 없다는 것이 핀스커(Pinsker) 부등식이에요. 다른 척도에도 그런 한계가 있어요.
# 평균의 차이 같은 것은 0이 되어도 분포가 전혀 다를 수 있으니, 같은 20만 쌍에서 함께 세어 볼게요.

# %%
MEASURES = {
    "KL": kl,
    "제프리스": jeffreys,
    "JS": js,
    "√JS": lambda p, q: np.sqrt(np.maximum(js(p, q), 0)),
    "바서슈타인": wasserstein,
}


LIMITS = {  # by how much the probability of any event can differ at most
    "KL": lambda value: np.sqrt(value / 2),
    "제프리스": lambda value: np.sqrt(value) / 2,
    "JS": lambda value: np.sqrt(2 * value),
    "√JS": lambda value: np.sqrt(2) * value,
    "바서슈타인": lambda value: value,
}


def most_apart(p, q):
    """By how much the probability of an event differs between p and q, for the
    event where it differs most."""
    return np.abs(p - q).sum(axis=-1) / 2


def means_apart(p, q):
    """Distance between the mean places of p and q."""
    return np.abs((p - q) @ np.arange(p.shape[-1]))


def random_distributions(rng, count, places=5):
    """Dirichlet draws (count, places), from lumpy to flat."""
    return (
        rng.dirichlet(np.full(places, 0.5), count) * 0.999 + 0.001 / places
    )  # no empty place


# %%
if __name__ == "__main__":
    rng, evidence = np.random.default_rng(0), {}
    null = {}
    p, q, r = (random_distributions(rng, 200_000) for _ in range(3))
    rows, english = (
        [],
        dict(zip(MEASURES, ("kl", "jeffreys", "js", "root_js", "wasserstein"))),
    )
    for name, measure in MEASURES.items():
        asymmetry = np.abs(measure(p, q) - measure(q, p)).max()
        violations = np.mean(measure(p, r) > measure(p, q) + measure(q, r) + 1e-12)
        rows.append(
            [
                name,
                f"{asymmetry:.1e}",
                f"{violations:.1%}",
                f"{measure(p, p).max():.0e}",
            ]
        )
        evidence[f"{english[name]}_asymmetry"] = asymmetry
        evidence[f"{english[name]}_triangle_violations"] = violations
    table(
        "metric",
        "무작위 분포에서 확인한 거리의 성질",
        ["척도", "방향에 따른 차이", "삼각 부등식 위반", "자기 자신까지"],
        rows,
    )
    js_max, to_itself = (
        js(p, q).max(),
        max(measure(p, p).max() for measure in MEASURES.values()),
    )
    beyond = {
        name: np.mean(most_apart(p, q) > limit(MEASURES[name](p, q)) + 1e-12)
        for name, limit in LIMITS.items()
    }
    beyond_means = np.mean(most_apart(p, q) > means_apart(p, q) + 1e-12)
    ends, centre = np.array([0.5, 0, 0.5]), np.array([0.0, 1, 0])
    print(f"JS의 최댓값 {js_max:.3f} (log 2 = {np.log(2):.3f})")
    print(
        f"어떤 사건의 확률이 한계보다 더 다른 쌍: 다섯 척도에서 {max(beyond.values()):.0%}, 평균의 차이라면 {beyond_means:.0%}"
    )
    print(
        f"양 끝에 반씩 있는 분포와 가운데에 다 있는 분포: 평균의 차이 {means_apart(ends, centre):.0f}, "
        f"KL {kl(ends, centre):.0f}, 바서슈타인 {wasserstein(ends, centre):.0f}"
    )
    evidence |= {
        "js_max": js_max,
        "to_itself": to_itself,
        "beyond_limit": max(beyond.values()),
        "log_2": np.log(2),
    }
    null["평균의 차이를 기준으로 삼으면"] = {"beyond_limit": beyond_means}

# %% [markdown]
# ## 겹치지 않으면 무슨 일이 생길까요?
#
# 폭이 1인 균등분포 둘을 두고 하나를 $\theta$만큼 밀어요. $\theta > 1$이면 서로 겹치지 않아요. WGAN 논문의 예 1과 같은 생각이에요.
# KL은 조금만 밀어도 무한대예요. 그래서 둘레에 $\varepsilon$만큼의 확률을 얇게 깔아 주고, $\varepsilon$을 줄일 때 어떻게 커지는지 봐요.

# %%
STEP = 0.01
LINE = np.arange(-1, 6, STEP) + STEP / 2  # middles of the places


def uniform(theta):
    """Uniform on [theta, theta + 1]."""
    inside = (LINE > theta) & (LINE < theta + 1)
    return inside / inside.sum()


def thickened(p, epsilon):
    """p with a share epsilon of it spread over all of LINE."""
    return (1 - epsilon) * p + epsilon / len(p)


# %%
if __name__ == "__main__":
    still, thetas = uniform(0), np.arange(0, 3.01, 0.1)
    js_curve, w_curve = (
        np.array([measure(still, uniform(theta)) for theta in thetas])
        for measure in (js, lambda p, q: wasserstein(p, q, STEP))
    )
    apart = uniform(2)
    infinite = [
        bool(np.isinf(measure(still, uniform(theta))))
        for measure in (kl, jeffreys)
        for theta in (0.5, 2)
    ]
    thin = [
        kl(still, thickened(apart, epsilon)) for epsilon in (1e-2, 1e-4, 1e-6, 1e-8)
    ]
    per_decade = (thin[-1] - thin[0]) / 6  # nats for each factor of ten
    slopes = {
        name: [
            (
                measure(still, uniform(theta + STEP))
                - measure(still, uniform(theta - STEP))
            )
            / (2 * STEP)
            for theta in (0.5, 2)
        ]
        for name, measure in (
            ("JS", js),
            ("바서슈타인", lambda p, q: wasserstein(p, q, STEP)),
        )
    }
    print(
        f"θ = 2에서 JS {js(still, apart):.4f} (log 2 = {np.log(2):.4f}), 바서슈타인 {wasserstein(still, apart, STEP):.2f}"
    )
    print(
        f"ε을 10분의 1로 줄일 때마다 KL은 {per_decade:.2f}씩 끝없이 커져요: {', '.join(f'{value:.1f}' for value in thin)}"
    )
    for name, (near, far) in slopes.items():
        print(f"{name}의 기울기: 겹칠 때 {near:.2f}, 떨어져 있을 때 {far:.2f}")
        (
            evidence[f"{english[name]}_slope_overlapping"],
            evidence[f"{english[name]}_slope_apart"],
        ) = near, far
    evidence |= {
        "kl_infinite_overlapping": infinite[0],
        "kl_infinite_apart": infinite[1],
        "jeffreys_infinite_apart": infinite[3],
        "kl_epsilon_2": thin[0],
        "kl_epsilon_8": thin[-1],
        "kl_per_decade": per_decade,
        "js_apart": js(still, apart),
        "wasserstein_error": np.abs(w_curve - thetas).max(),
    }

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    axis.plot(
        thetas, w_curve, color=GREEN, marker="D", markevery=5, label="바서슈타인"
    )
    for epsilon, style in ((1e-2, ":"), (1e-8, "-")):
        curve = [kl(still, thickened(uniform(theta), epsilon)) for theta in thetas]
        axis.plot(
            thetas,
            curve,
            color=ORANGE,
            linestyle=style,
            label=f"KL (ε = {epsilon:g})",
        )
    axis.plot(thetas, js_curve, color=BLUE, marker="o", markevery=5, label="JS")
    axis.set(xlabel="민 거리 θ", title="두 분포의 차이", ylim=(0, 6))
    figure.legend(loc="outside upper center", ncols=2)
    alt = (
        f"겹치지 않게 되는 θ = 1부터 JS는 {js_curve[-1]:.2f}에 멈추고 바서슈타인은 θ를 따라 {w_curve[-1]:.1f}까지 늘어요. "
        "KL은 깔아 준 ε이 작을수록 끝없이 커져요."
    )
    show(figure, "shift", alt)

# %% [markdown]
# 떨어져 있는 동안 JS의 기울기는 0이라, 기울기를 따라가도 분포를 **옮길 수 없어요.** 바서슈타인은 어디서나 옮길 방향을 알려 줘요.


# %%
def follow(measure, theta, rate=0.1, steps=60):
    """Where descent on the measured slope of measure(uniform(0), uniform(theta))
    ends."""
    still = uniform(0)
    for _ in range(steps):
        slope = (
            measure(still, uniform(theta + STEP))
            - measure(still, uniform(theta - STEP))
        ) / (2 * STEP)
        theta = round((theta - rate * slope) / STEP) * STEP
    return theta


# %%
if __name__ == "__main__":
    ends = {
        name: [follow(measure, theta) for theta in (0.8, 2)]
        for name, measure in (
            ("JS", js),
            ("바서슈타인", lambda p, q: wasserstein(p, q, STEP)),
        )
    }
    for name, (near, far) in ends.items():
        print(f"{name}의 기울기를 따라간 θ: 0.80 → {near:.2f}, 2.00 → {far:.2f}")
        (
            evidence[f"{english[name]}_end_overlapping"],
            evidence[f"{english[name]}_end_apart"],
        ) = near, far

# %% [markdown]
# ## JS는 어떻게 GAN으로 이어질까요?
#
# 판별자 $D$는 진짜 $p$와 가짜 $q$를 가르며 $V = E_p[\log D] + E_q[\log(1 - D)]$를 키워요. 최적의 판별자가 무엇인지 **모르는 체하고** 기울기로만 키워 본 뒤,
# 논문이 말하는 $D^* = p/(p+q)$와 $C = -\log 4 + 2\,\mathrm{JS}$에 맞춰 봐요.


# %%
def train_discriminator(p, q, steps):
    """D (..., n) after gradient ascent on V from D = 1/2, each place a free logit;
    and V (...)."""
    logit = np.zeros_like(p)
    for _ in range(steps):
        D = 1 / (1 + np.exp(-logit))
        logit += (
            4 / (p + q) * (p * (1 - D) - q * D)
        )  # dV / dlogit, in steps that suit each place
    D = 1 / (1 + np.exp(-logit))
    # GAN (1406.2661) Eq. 1, for a given generator
    return D, (p * np.log(D) + q * np.log(1 - D)).sum(axis=-1)


# %%
if __name__ == "__main__":
    p, q = (random_distributions(rng, 50, places=20) for _ in range(2))
    D, value = train_discriminator(p, q, steps=2000)
    best = -np.log(4) + 2 * js(p, q)  # GAN Theorem 1
    D_error, game_error = np.abs(D - p / (p + q)).max(), np.abs(value - best).max()
    early = train_discriminator(p, q, steps=1)[1]
    _, same = train_discriminator(p, p, steps=50)
    print(
        f"무작위 분포 50쌍: D와 p/(p+q)의 최대 차이 {D_error:.0e}, V와 -log 4 + 2 JS의 최대 차이 {game_error:.0e}"
    )
    print(
        f"한 걸음만 배운 판별자의 V는 그보다 평균 {mean(best - early):.2f} 작아요."
    )
    print(f"p = q이면 V는 {same.max():.4f} (-log 4 = {-np.log(4):.4f})")
    evidence |= {
        "discriminator_error": D_error,
        "game_error": game_error,
        "early_gap": mean(best - early),
        "early_gap_min": (best - early).min(),
        "game_when_equal": same.max(),
    }

# %% [markdown]
# 생성자는 그 $D$를 **그대로 둔 채** $q$를 움직여요. 논문의 $E_q[\log(1 - D)]$를 줄일 때와, 실제로 더 많이 쓰는 $E_q[-\log D]$를 줄일 때 기울기가 무엇과 같은지 봐요.

# %%
WIDE = np.arange(-10, 15, 0.05)


def normal(centre, width):
    """A Gaussian on the places WIDE, of sum 1."""
    density = np.exp(-0.5 * ((WIDE - centre) / width) ** 2)
    return density / density.sum()


def generator_slopes(loss, theta=1.0, step=1e-4):
    """d/dtheta of E_q loss(D*), D* fixed at theta, and of 2 JS and KL(q || p) - 2
    JS (1701.04862, Theorem 2.5): p = N(0, 1), q = N(theta, 1)."""
    p, q = normal(0, 1), normal(theta, 1)
    ahead, behind = normal(theta + step, 1), normal(theta - step, 1)
    slope = ((ahead - behind) * loss(p / (p + q))).sum() / (2 * step)
    js_slope = (js(p, ahead) - js(p, behind)) / (2 * step)
    kl_slope = (kl(ahead, p) - kl(behind, p)) / (2 * step)
    return slope, 2 * js_slope, kl_slope - 2 * js_slope


# %%
if __name__ == "__main__":
    minimax, js_slope, mixed_slope = generator_slopes(lambda D: np.log(1 - D))
    in_practice, *_ = generator_slopes(lambda D: -np.log(D))
    print(f"E[log(1 - D)]의 기울기 {minimax:.4f}, 2 JS의 기울기 {js_slope:.4f}")
    print(
        f"E[-log D]의 기울기 {in_practice:.4f}, KL(q‖p) - 2 JS의 기울기 {mixed_slope:.4f}"
    )
    evidence |= {
        "minimax_slope": minimax,
        "minimax_error": abs(minimax - js_slope),
        "in_practice_slope": in_practice,
        "in_practice_error": abs(in_practice - mixed_slope),
        "js_slope": js_slope,
    }

# %% [markdown]
# ## 바서슈타인은 어떻게 WGAN으로 이어질까요?
#
# 칸마다 값을 매기는 함수 $f$를 두고 $E_p[f] - E_q[f]$를 키우되, **기울기가 1을 넘지 못하게** 해요. 그 최댓값이 바서슈타인 거리라는 것이 칸토로비치–루빈시타인 쌍대성이에요.
# 선형 계획으로 $f$를 직접 찾아서, 확률을 실제로 나르는 최소 비용과 맞춰 봐요.


# %%
def best_critic(p, q):
    """max E_p f - E_q f over f (n) that change by at most 1 from place to place:
    WGAN (1701.07875) Eq. 2."""
    n = len(p)
    steps = (
        np.eye(n, k=1)[:-1] - np.eye(n)[:-1]
    )  # (n - 1, n): f of the next place minus f of this one
    limits = np.vstack([steps, -steps])
    found = linprog(
        q - p, A_ub=limits, b_ub=np.ones(len(limits)), bounds=[(0, n)] * n
    )
    return found.x, -found.fun


def least_transport(p, q):
    """Least mean way over all plans (n, n) that carry p to q."""
    n = len(p)
    way = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    leave, arrive = np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))
    return linprog(
        way.ravel(), A_eq=np.vstack([leave, arrive]), b_eq=np.concatenate([p, q])
    ).fun


# %%
if __name__ == "__main__":
    pairs = list(zip(*(random_distributions(rng, 10, places=12) for _ in range(2))))
    critic_error = max(
        abs(best_critic(p, q)[1] - wasserstein(p, q)) for p, q in pairs
    )
    transport_error = max(
        abs(least_transport(p, q) - wasserstein(p, q)) for p, q in pairs
    )
    print(
        f"누적합 식과의 차이: 가장 좋은 f {critic_error:.0e}, 가장 싼 운반 {transport_error:.0e}"
    )
    evidence |= {"critic_error": critic_error, "transport_error": transport_error}

# %% [markdown]
# ## KL은 어떻게 최대 가능도와 VAE로 이어질까요?
#
# 데이터에 높은 확률을 주도록 모델을 맞추는 최대 가능도(maximum likelihood)는 KL(데이터‖모델)을 줄이는 것과 **같은 일**이에요.
# 둘의 차이인 데이터의 엔트로피는 모델과 상관없으니까요.
# VAE는 $\log p(x)$를 직접 셀 수 없어 아래에서 받치는 값(ELBO)을 키워요. 그 틈도 KL이에요.
# 숨은 변수가 여섯 가지뿐인 모델이라면 모두 정확히 셀 수 있어요.


# %%
def elbo(prior, likelihood, guess):
    """E_guess[log p(x | z)] - KL(guess || prior), for p(z) (Z), p(x | z) of one x
    (Z) and q(z | x) (Z)."""
    return (guess * np.log(likelihood)).sum() - kl(
        guess, prior
    )  # VAE (1312.6114) Eq. 3


# %%
if __name__ == "__main__":
    data, models = random_distributions(rng, 1)[0], random_distributions(rng, 500)
    cross_entropy = -(data * np.log(models)).sum(
        axis=-1
    )  # mean -log likelihood of endless data
    entropy = -(data * np.log(data)).sum()
    likelihood_error = np.abs(cross_entropy - entropy - kl(data, models)).max()
    same_best = bool(cross_entropy.argmin() == kl(data, models).argmin())

    prior, guess = random_distributions(rng, 2, places=6)
    likelihood = rng.uniform(0.05, 0.95, 6)
    evidence_log, posterior = (
        np.log(prior @ likelihood),
        prior * likelihood / (prior @ likelihood),
    )
    elbo_gap = evidence_log - elbo(prior, likelihood, guess)
    elbo_error = abs(elbo_gap - kl(guess, posterior))
    tight_gap = abs(evidence_log - elbo(prior, likelihood, posterior))
    print(
        f"-log 가능도와 KL + 엔트로피의 차이 {likelihood_error:.0e}, 가장 좋은 모델이 같은가: {same_best}"
    )
    print(
        f"log p(x)와 ELBO의 틈 {elbo_gap:.3f}은 KL(q‖사후 분포)와 {elbo_error:.0e}까지 같고, q가 사후 분포이면 {tight_gap:.0e}"
    )

    evidence |= {
        "likelihood_error": likelihood_error,
        "likelihood_same_best": same_best,
        "elbo_gap": elbo_gap,
        "elbo_error": elbo_error,
        "elbo_gap_posterior": tight_gap,
    }

    hills = 0.6 * normal(0, 0.4) + 0.4 * normal(4, 0.4)
    grid = [
        (centre, width)
        for centre in np.arange(-10, 51) / 10
        for width in np.arange(2, 31) / 10
    ]
    fits = np.array([normal(*point) for point in grid])  # (points, places)
    forward, reverse = (
        grid[kl(hills, fits).argmin()],
        grid[kl(fits, hills).argmin()],
    )
    print("봉우리 둘에 가우시안 하나를 맞출 때 줄인 것과 그 결과")
    for name, (centre, width) in (
        ("KL(데이터‖모델)", forward),
        ("KL(모델‖데이터)", reverse),
    ):
        print(f"  {name}: 중심 {centre:.1f}, 폭 {width:.1f}")
    evidence |= {"forward_centre": forward[0], "forward_width": forward[1]}
    evidence |= {"reverse_centre": reverse[0], "reverse_width": reverse[1]}

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(4.5, 2.8))
    axis.fill_between(WIDE, hills / 0.05, color="gray", alpha=0.35, label="데이터")
    axis.plot(
        WIDE, normal(*forward) / 0.05, color=BLUE, label="KL(데이터‖모델)을 줄임"
    )
    axis.plot(
        WIDE,
        normal(*reverse) / 0.05,
        color=PINK,
        linestyle="--",
        label="KL(모델‖데이터)를 줄임",
    )
    axis.set(xlabel="x", title="밀도", xlim=(-4, 8), ylim=(0, None))
    figure.legend(loc="outside upper center", ncols=2)
    alt = (
        f"앞의 KL을 줄인 가우시안은 두 봉우리를 다 덮으려고 가운데 {forward[0]:.1f}에서 폭 {forward[1]:.1f}만큼 퍼지고, "
        f"뒤의 KL을 줄인 가우시안은 봉우리 하나에 폭 {reverse[1]:.1f}만으로 들어앉아요."
    )
    show(figure, "directions", alt)

# %%
if __name__ == "__main__":
    evidence
