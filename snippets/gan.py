# %% [markdown]
# # GAN: 누가 누구를 속이나요?
#
# GAN은 잡음 $z$로 표본을 만드는 **생성자**(generator) $G$와, 표본이 진짜인지 만든 것인지 가리는 **판별자**(discriminator) $D$를 겨루게 해요.
# 판별자가 무엇을 배우는지, 그 답이 생성자에게 어떤 기울기를 주는지, 판별자를 덜 가르치면 어떻게 되는지 차례로 재요.

# %%
from statistics import mean, stdev

import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, show, table
from matplotlib import pyplot as plt
from torch import nn


class MLPs(nn.Module):
    """S perceptrons side by side, one for each seed, that share nothing: (S, B,
    inputs) -> (S, B, outputs)."""

    def __init__(self, seeds, *sizes):
        super().__init__()
        pairs = list(zip(sizes, sizes[1:]))
        self.weights = nn.ParameterList(
            torch.randn(seeds, a, b) * (2 / a) ** 0.5 for a, b in pairs
        )
        self.biases = nn.ParameterList(
            2 * torch.rand(seeds, 1, b) - 1 for _, b in pairs
        )

    def forward(self, x):
        *hidden, last = zip(self.biases, self.weights)
        for bias, weight in hidden:
            x = F.leaky_relu(torch.baddbmm(bias, x, weight), 0.2)
        return torch.baddbmm(last[0], x, last[1])


# D(x) is the sigmoid of a logit a; each loss is a mean over the batch: logits (S,
# B, 1) -> (S)
def classify(a_real, a_fake):
    """Minus the value of GAN (1406.2661) Eq. 1: -log D(x) for real ones, -log(1 -
    D(x)) for made ones."""
    return (F.softplus(-a_real) + F.softplus(a_fake)).mean(dim=(1, 2))


GENERATOR_LOSSES = {
    "minimax": lambda a: (
        -F.softplus(a).mean(dim=(1, 2))
    ),  # log(1 - D(G(z))), GAN Eq. 1
    "practical": lambda a: F.softplus(-a).mean(dim=(1, 2)),  # -log D(G(z)), GAN §3
    "wgan": lambda a: -a.mean(dim=(1, 2)),  # minus the critic, WGAN (1701.07875) §3
}


def gradient_penalty(D, real, fake):
    """(|dD/dx| - 1)^2 between the real and the made: WGAN-GP (1704.00028) Eq. 3.
    (S, B, n) twice -> (S)."""
    share = torch.rand(*real.shape[:2], 1)
    between = (share * real + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    return (slope.norm(dim=-1) - 1).square().mean(dim=1)


def critic_loss(D, real, fake, penalty=1.0):
    """What a WGAN-GP critic makes small: (S)."""
    return (D(fake) - D(real)).mean(dim=(1, 2)) + penalty * gradient_penalty(
        D, real, fake
    )


def adam(net, lr):
    """The optimizer of both networks."""
    return torch.optim.Adam(net.parameters(), lr, betas=(0.5, 0.9), fused=True)


def step(optimizer, loss):
    """One step down; loss: one for each seed."""
    optimizer.zero_grad()
    loss.sum().backward()  # the seeds share no weight, so their losses do not meet
    optimizer.step()


# %% [markdown]
# ## 판별자가 배우는 것
#
# 생성자를 멈춰 두고 판별자만 가르쳐요. 진짜 $p$는 봉우리가 둘, 생성한 표본 $q$는 하나인 1차원 분포예요. 논문의 명제 1대로라면 $D^* = p/(p+q)$여야 해요.
# 판별자에게 공식은 알려 주지 않고 표본만 줘요.
# 이름표를 **거꾸로** 붙여 줘서 거짓말하도록 배운 판별자와, 진짜와 가짜가 같은 분포일 때도 함께 봐요.


# %%
def two_hills(S, B):
    """Real ones (S, B, 1)."""
    return torch.randint(2, (S, B, 1)) * 3 - 1.5 + 0.5 * torch.randn(S, B, 1)


def one_hill(S, B):
    """Made ones (S, B, 1)."""
    return 0.5 + torch.randn(S, B, 1)


def densities(x):
    """p and q of the two at x."""
    normal = torch.distributions.Normal
    p = sum(normal(centre, 0.5).log_prob(x).exp() for centre in (-1.5, 1.5)) / 2
    return p, normal(0.5, 1.0).log_prob(x).exp()


def best_accuracy(p, q):
    """Share that the best of all discriminators tells right, p and q being
    densities on one even grid."""
    return (torch.maximum(p, q).sum() / (p + q).sum()).item()


@torch.no_grad()
def accuracy(D, real, fake):
    """Share of real and fake (S, B, n) that D tells right: (S)."""
    return torch.cat([D(real) > 0, D(fake) < 0], dim=1).float().mean(dim=(1, 2))


@torch.no_grad()
def curve(D, grid):
    """D(x) of S seeds at the places grid (n): (S, n)."""
    return D(grid.expand(len(D.biases[0]), -1)[..., None]).sigmoid()[..., 0]


def miss(curve, target, weight):
    """Mean distance of curves (S, n) to the target (n), each place by its weight: a
    list, one for each seed."""
    return ((curve - target).abs() @ weight).tolist()


def train_discriminator(draw_real, draw_fake, seed, S=5, steps=300, lr=0.01):
    """Discriminators of S seeds, taught by samples alone."""
    torch.manual_seed(seed)
    D = MLPs(S, 1, 64, 64, 1)
    optimizer = adam(D, lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=steps, cycle_momentum=False
    )
    for _ in range(steps):
        step(optimizer, classify(D(draw_real(S, 200)), D(draw_fake(S, 200))))
        schedule.step()
    return D


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {}
    grid = torch.linspace(-3, 4, 141)
    p, q = densities(grid)
    optimal, weight = p / (p + q), (p + q) / (p + q).sum()

    pairs = {
        "honest": (two_hills, one_hill),
        "lying": (one_hill, two_hills),
        "same": (one_hill, one_hill),
    }
    targets = {
        "honest": optimal,
        "lying": 1 - optimal,
        "same": torch.full_like(grid, 0.5),
    }
    nets = {
        name: train_discriminator(*pair, seed=0) for name, pair in pairs.items()
    }
    curves = {name: curve(D, grid) for name, D in nets.items()}
    misses = {name: miss(curves[name], targets[name], weight) for name in pairs}
    wrong_target = miss(curves["lying"], optimal, weight)
    with torch.no_grad():
        told = accuracy(
            nets["honest"], two_hills(5, 5000), one_hill(5, 5000)
        ).tolist()
    for name, label in (
        ("honest", "바른 이름표, p/(p+q)와"),
        ("lying", "거꾸로 된 이름표, q/(p+q)와"),
        ("same", "같은 분포, 1/2과"),
    ):
        print(
            f"{label}의 차이: {mean(misses[name]):.3f} ± {stdev(misses[name]):.3f}"
        )
    print(f"거꾸로 배운 판별자와 p/(p+q)의 차이: {mean(wrong_target):.2f}")
    print(
        f"배운 판별자의 정확도 {mean(told):.1%}, 있을 수 있는 가장 좋은 정확도 {best_accuracy(p, q):.1%}"
    )
    evidence |= {
        **{f"{name}_miss": found for name, found in misses.items()},
        "lying_from_optimal": wrong_target,
    }
    evidence |= {"honest_accuracy": told, "best_accuracy": best_accuracy(p, q)}
    torch.manual_seed(0)
    raw = curve(MLPs(5, 1, 64, 64, 1), grid)
    null["배우지 않은 판별자"] = {
        f"{name}_miss": miss(raw, targets[name], weight) for name in pairs
    }
    null["배우지 않은 판별자"]["lying_from_optimal"] = miss(raw, optimal, weight)

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    axis.fill_between(
        grid, p, color=GREEN, alpha=0.25, linewidth=0, label="진짜의 밀도 p"
    )
    axis.fill_between(
        grid, q, color="gray", alpha=0.25, linewidth=0, label="생성한 표본의 밀도 q"
    )
    axis.plot(
        grid,
        curves["honest"].T,
        color=BLUE,
        linewidth=1.2,
        label=["배운 D (시드 다섯)", *[None] * 4],
    )
    axis.plot(grid, optimal, color=INK, linestyle="--", label="p / (p + q)")
    axis.set(xlabel="x", ylim=(0, 1.02), xlim=(-3, 4))
    figure.legend(loc="outside upper center", ncols=2)
    alt = f"표본만 보고 배운 판별자 다섯이 p/(p+q)의 곡선을 평균 {mean(misses['honest']):.3f}의 차이로 따라가요."
    show(figure, "discriminator", alt)

# %% [markdown]
# ## 생성자가 받는 기울기
#
# 진짜는 4, 만든 것은 0 근처에 있어 겹치지 않아요. 판별자를 조금씩 더 가르치면서, 만든 표본 하나가 받는 기울기의 크기를 재요.
# 논문의 첫 목적은 $\log(1 - D)$를 줄이는 것이고, 실제로는 $-\log D$를 줄여요. WGAN-GP의 비평자(critic)도 나란히 둬요.
# 비평자의 기울기는 1이어야 하는데, 어기면 벌점을 받을 뿐이라 조금은 넘을 수 있어요. 벌점의 무게는 논문의 10과 그보다 가벼운 1이에요.


# %%
def pull(D, loss, fake):
    """Mean size of the gradient of the loss that a made sample gets: (S)."""
    fake = fake.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(D(fake)).sum(), fake)
    return (
        (slope * fake.shape[1]).norm(dim=-1).mean(dim=1)
    )  # the loss is a mean over the batch


def pulls_while_learning(checkpoints, S=5, lr=0.003):
    """{(name, steps of D): pulls (S)}, the real ones about 4 and the made ones
    about 0, and the nets by name."""
    torch.manual_seed(0)
    nets = {name: MLPs(S, 1, 64, 64, 1) for name in ("D", "critic_10", "critic_1")}
    optimizers, found = {name: adam(net, lr) for name, net in nets.items()}, {}
    for done in range(max(checkpoints) + 1):
        real, fake = 4 + 0.3 * torch.randn(S, 64, 1), 0.3 * torch.randn(S, 64, 1)
        if done in checkpoints:
            for name in ("minimax", "practical"):
                found[name, done] = pull(nets["D"], GENERATOR_LOSSES[name], fake)
            for name in ("critic_10", "critic_1"):
                found[name, done] = pull(nets[name], GENERATOR_LOSSES["wgan"], fake)
        step(optimizers["D"], classify(nets["D"](real), nets["D"](fake)))
        for name, penalty in (("critic_10", 10), ("critic_1", 1)):
            step(optimizers[name], critic_loss(nets[name], real, fake, penalty))
    return found, nets


# %%
if __name__ == "__main__":
    checkpoints = 0, 3, 30, 300
    pulls, nets = pulls_while_learning(checkpoints)
    labels = {
        "minimax": "log(1 - D)를 줄일 때",
        "practical": "-log D를 줄일 때",
        "critic_10": "WGAN-GP, 벌점의 무게 10",
        "critic_1": "WGAN-GP, 벌점의 무게 1",
    }
    rows = [
        [label, *(f"{pulls[name, done].mean():.5f}" for done in checkpoints)]
        for name, label in labels.items()
    ]
    table(
        "pulls",
        "만든 표본이 받는 기울기의 크기 (시드 다섯의 평균)",
        ["생성자의 손실", *(f"D를 {done}번" for done in checkpoints)],
        rows,
    )
    apart = accuracy(
        nets["D"], 4 + 0.3 * torch.randn(5, 2000, 1), 0.3 * torch.randn(5, 2000, 1)
    ).tolist()
    print(f"{checkpoints[-1]}번 배운 판별자의 정확도 {mean(apart):.1%}")
    evidence |= {
        f"pull_{name}_{done}": found.tolist()
        for (name, done), found in pulls.items()
        if done
    }
    evidence["accuracy"] = apart
    null["배우지 않은 판별자"] |= {
        f"pull_{name}_{done}": pulls[name, 0].tolist()
        for name, done in pulls
        if done
    }
    line, normal = torch.linspace(-2, 6, 801), torch.distributions.Normal
    ends = (normal(centre, 0.3).log_prob(line).exp() for centre in (4, 0))
    null["겹치지 않는 두 분포"] = {
        "honest_accuracy": apart,
        "best_accuracy": best_accuracy(*ends),
    }

# %% [markdown]
# ## 겨루게 하면 어디에 닿을까요?
#
# 가우시안 여덟 개를 고리에 늘어놓고 시드 여덟으로 배워요. 생성자는 어느 경우나 300번 배우고, 그동안 **판별자가** 배우는
# 횟수만 바꿔요. 표본의 1% 이상이 가운데에서 0.3 안에 놓이면 그 봉우리를 찾은 것으로 세요.
# 학습률과 벌점의 무게는 아래에 쓰지 않은 시드에서 골랐어요.

# %%
ANGLES = torch.arange(8) * torch.pi / 4
CENTRES = 2 * torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1)  # (8, 2)


def ring(S, B):
    """Real ones (S, B, 2)."""
    return CENTRES[torch.randint(8, (S, B))] + 0.1 * torch.randn(S, B, 2)


def coverage(x):
    """Modes found, share of samples that lie at one, and mean distance to the
    nearest, of x (S, B, 2): (S) each."""
    distance, mode = torch.cdist(x, CENTRES.expand(len(x), 8, 2)).min(
        dim=-1
    )  # (S, B)
    near = distance < 0.3
    share = (F.one_hot(mode, 8) * near[..., None]).float().mean(dim=1)  # (S, 8)
    return (
        (share >= 0.01).sum(dim=1),
        near.float().mean(dim=1),
        distance.mean(dim=1),
    )


def spread(x):
    """Mean distance of samples to their own mean, of x (..., B, 2) -> (...): about
    2 on the whole ring."""
    return (x - x.mean(dim=-2, keepdim=True)).norm(dim=-1).mean(dim=-1)


def train_gan(
    generator_loss, d_steps, g_steps, rounds, seed=0, S=8, lr=0.001, truth=1
):
    """Play on the ring: G of S seeds, and its samples (S, 500, 2) after each
    twentieth of the rounds.

    truth: 1 for a discriminator that names the real ones real, -1 for one that is
    taught to lie."""
    torch.manual_seed(seed)
    G, D = MLPs(S, 2, 64, 64, 2), MLPs(S, 2, 64, 64, 1)
    optimizers, loss, snapshots = (
        (adam(G, lr), adam(D, lr)),
        GENERATOR_LOSSES[generator_loss],
        [],
    )
    for done in range(1, rounds + 1):
        for _ in range(d_steps):
            real, fake = ring(S, 64), G(torch.randn(S, 64, 2)).detach()
            step(
                optimizers[1],
                critic_loss(D, real, fake)
                if generator_loss == "wgan"
                else classify(truth * D(real), truth * D(fake)),
            )
        for _ in range(g_steps):
            step(
                optimizers[0], loss(D(G(torch.randn(S, 64, 2))))
            )  # G never sees the real ones
        if done % (rounds // 20) == 0:
            snapshots.append(made(G, 500))
    return G, snapshots


@torch.no_grad()
def made(G, count):
    """New samples (S, count, 2) from noise, at one go."""
    return G(torch.randn(len(G.biases[0]), count, 2))


# %%
if __name__ == "__main__":
    ratios, kinds = (
        {"5_1": (5, 1, 300), "1_1": (1, 1, 300), "1_5": (1, 5, 60)},
        {"practical": "GAN", "wgan": "WGAN-GP"},
    )
    results, samples, rows = {}, {}, []
    for kind in kinds:
        for name, ratio in ratios.items():
            G, snapshots = train_gan(kind, *ratio)
            late = torch.stack(
                snapshots[10:]
            )  # (10, S, 500, 2): the second half of the play
            modes, near = zip(*(coverage(x)[:2] for x in late))
            homes = (
                torch.cdist(late, CENTRES).argmin(dim=-1).mode(dim=-1).values
            )  # (10, S): where most samples lie
            found = {
                "modes": torch.stack(modes).float().mean(dim=0).tolist(),
                "near": torch.stack(near).mean(dim=0).tolist(),
                "distance": coverage(late[-1])[2].tolist(),
                "spread": spread(late).mean(dim=0).tolist(),
                "homes": [len(set(seed.tolist())) for seed in homes.T],
            }
            results[kind, name], samples[kind, name] = found, made(G, 500)
            rows.append(
                [
                    f"{kinds[kind]} {name.replace('_', ':')}",
                    f"{mean(found['modes']):.1f} ± {stdev(found['modes']):.1f}",
                    f"{min(found['modes']):.1f}~{max(found['modes']):.1f}",
                    f"{mean(found['near']):.0%}",
                    f"{mean(found['spread']):.2f}",
                    f"{mean(found['homes']):.1f}",
                ]
            )
    table(
        "modes",
        "학습 후반 열 번의 평균 (시드 여덟의 평균 ± 표준편차)",
        [
            "모델, D:G",
            "찾은 봉우리",
            "시드의 범위",
            "봉우리에 놓인 표본",
            "퍼진 정도",
            "표본이 가장 몰린 봉우리의 가짓수",
        ],
        rows,
    )
    games = {
        f"{'gan' if kind == 'practical' else kind}_{name}": found
        for (kind, name), found in results.items()
    }
    evidence |= {
        f"{game}_{name}": values
        for game, found in games.items()
        for name, values in found.items()
    }
    torch.manual_seed(0)
    modes, near, _ = (
        values.tolist() for values in coverage(made(MLPs(8, 2, 64, 64, 2), 500))
    )
    raw = {"modes": modes, "near": near}
    null["배우지 않은 생성자"] = {
        f"{game}_{name}": values for game in games for name, values in raw.items()
    }
    null["판별자를 덜 가르친 모델"] = {
        f"{kind}_5_1_modes": games[f"{kind}_1_5"]["modes"]
        for kind in ("gan", "wgan")
    }

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(2, 3, figsize=(4.5, 3.4), sharex=True, sharey=True)
    for line, kind, colour in zip(axes, kinds, (BLUE, ORANGE)):
        for axis, name in zip(line, ratios):
            axis.scatter(
                *CENTRES.T, s=90, facecolors="none", edgecolors=INK, linewidths=0.8
            )
            axis.scatter(
                *samples[kind, name][0].T,
                s=3,
                color=colour,
                alpha=0.5,
                linewidths=0,
            )
            axis.set(
                title=f"{kinds[kind]} {name.replace('_', ':')}",
                aspect="equal",
                xlim=(-3, 3),
                ylim=(-3, 3),
                xticks=[],
                yticks=[],
            )
    found = {key: mean(values["modes"]) for key, values in results.items()}
    alt = (
        f"판별자가 다섯 번 배울 때마다 생성자가 한 번 배우면 GAN은 봉우리 {found['practical', '5_1']:.1f}개, "
        f"WGAN-GP는 {found['wgan', '5_1']:.1f}개를 찾고, 거꾸로 하면 {found['practical', '1_5']:.1f}개와 "
        f"{found['wgan', '1_5']:.1f}개뿐이에요."
    )
    show(figure, "ring", alt)

# %% [markdown]
# ## 판별자까지 속이려 든다면
#
# "서로 속인다"가 맞는 말이라면 판별자도 거짓말을 해야 해요. 이름표를 거꾸로 배운 판별자를 상대로 똑같이 겨루게 해 봐요.
# 둘이 **값 하나를** 두고 반대로 당기는지는 손실의 기울기로 봐요. 판별자의 손실과 생성자의 손실을 더해 0이 되는 게임이라면
# 생성자의 가중치에 대한 두 기울기가 부호만 다르고 똑같아야 해요.


# %%
def not_opposite(generator_loss, S=8):
    """|d(D's loss + G's loss) / dG| over |d(D's loss) / dG|, of S seeds: 0 where
    one loses just what the other wins."""
    torch.manual_seed(0)
    G, D, real = MLPs(S, 2, 64, 64, 2), MLPs(S, 2, 64, 64, 1), ring(S, 1000)
    a_fake = D(G(torch.randn(S, 1000, 2)))
    losses = classify(D(real), a_fake), GENERATOR_LOSSES[generator_loss](a_fake)
    one, other = (
        torch.autograd.grad(loss.sum(), list(G.parameters()), retain_graph=True)
        for loss in losses
    )
    one, other = (
        torch.cat([slope.flatten(1) for slope in slopes], dim=1)
        for slopes in (one, other)
    )  # (S, weights)
    return ((one + other).norm(dim=1) / one.norm(dim=1)).tolist()


# %%
if __name__ == "__main__":
    G, _ = train_gan("practical", 1, 1, 300, truth=-1)
    lying_modes, _, lying_distance = (
        values.tolist() for values in coverage(made(G, 2000))
    )
    honest_distance = games["gan_1_1"]["distance"]
    print(f"거짓말하는 판별자와 번갈아 배운 생성자: 찾은 봉우리 {lying_modes}")
    print(
        f"가장 가까운 봉우리까지 평균 {mean(lying_distance):.1f} ({min(lying_distance):.1f}~{max(lying_distance):.1f}), "
        f"정직한 판별자와 번갈아 배우면 {mean(honest_distance):.2f}"
    )
    evidence |= {"lying_modes": lying_modes, "lying_distance": lying_distance}
    null["정직한 판별자"] = {
        "lying_distance": honest_distance,
        "lying_from_optimal": misses["honest"],
    }

    opposite = {name: not_opposite(name) for name in ("minimax", "practical")}
    print(
        f"log(1 - D)를 줄일 때 두 기울기가 어긋난 정도 {max(opposite['minimax']):.0e}"
    )
    print(
        f"-log D를 줄일 때 {mean(opposite['practical']):.2f} ± {stdev(opposite['practical']):.2f}"
    )
    evidence |= {f"{name}_not_opposite": found for name, found in opposite.items()}

# %%
if __name__ == "__main__":
    tolerance = {
        **{name: 2 for name in evidence if name.endswith(("_modes", "_homes"))},
        **{name: 0.2 for name in evidence if name.endswith("_near")},
        **{name: 1 for name in evidence if name.endswith(("_spread", "_distance"))},
        **{name: 0.02 for name in evidence if name.endswith("_miss")},
        **{name: 0.02 for name in evidence if name.endswith("_accuracy")},
        **{
            name: 5 if "practical" in name else 0.5
            for name in evidence
            if name.startswith("pull_")
        },
        "lying_from_optimal": 0.1,
        "lying_distance": 30,
        "lying_modes": 1,
    }
    evidence
