# %% [markdown]
# # GAN: 누가 누구를 속이나요?
#
# GAN은 잡음 $z$로 표본을 만드는 **생성자**(generator) $G$와, 표본이 진짜인지 만든 것인지 가리는 **판별자**(discriminator) $D$를 겨루게 해요.
# 판별자가 무엇을 배우는지, 그 답이 생성자에게 어떤 기울기를 주는지, 둘을 몇 번씩 가르쳐야 하는지, 표본은 왜 뭉치는지 차례로 재요.

# %%
import copy
import os
from statistics import mean, stdev

import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, show, table
from lib.paths import data_path
from matplotlib import pyplot as plt
from safetensors.torch import load_file, save_file
from torch import nn

KEPT = data_path("gan.safetensors")
STOPPED = data_path("gan_stopped.safetensors")  # of the discriminator that stops


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
# ## 몇 번씩 가르쳐야 할까요?
#
# 가우시안 여덟 개를 고리에 늘어놓고 시드 여덟으로 배워요. 바꾸는 것은 둘이에요. 판별자와 생성자를 **번갈아 가르치는 비율**(5:1, 1:1, 1:5)과
# **판별자가 배우는 횟수**(300, 1,500). 그래야 비율 탓인지 덜 배운 탓인지 가를 수 있어요. 비율 탓이라면 오래 배워도 1:5는 봉우리를 잃고,
# 덜 배운 탓이라면 1:5도 오래 배울 때 나아져야 해요. 1:5에서는 생성자가 배운 횟수도 7,500번으로 늘어나니, 그 탓인지 보려고 1:1로 7,500번씩도 배워요.
#
# 수도 둘을 세요. 표본의 1% 이상이 가운데에서 0.3 안에 놓이면 그 봉우리를 **찾은** 것이고, 어느 봉우리에든 0.3 안에 놓인 표본이 **놓인** 표본이에요.
# 표본의 절반 이상이 봉우리에 놓였는데 찾은 봉우리가 절반(넷) 이하인 순간만 **모드 붕괴**로 세요. 어느 봉우리에도 놓이지 못한 표본은 무너진 것이 아니라
# 아직 배우지 못한 거예요. 고리에서 바로 뽑은 표본과 배우지 않은 생성자를 곁에 둬요.
# 학습률과 벌점의 무게는 아래에 쓰지 않은 시드에서 골랐어요.

# %%
ANGLES = torch.arange(8) * torch.pi / 4
CENTRES = 2 * torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1)  # (8, 2)


def ring(S, B):
    """Real ones (S, B, 2)."""
    return CENTRES[torch.randint(8, (S, B))] + 0.1 * torch.randn(S, B, 2)


def shares(x):
    """Share of samples (..., B, 2) that lie at each mode: (..., 8)."""
    return (torch.cdist(x, CENTRES) < 0.3).float().mean(dim=-2)


def coverage(share):
    """Modes found, share of samples at one, and whether that is mode collapse, of
    shares (..., modes): (...) each."""
    modes, near = (share >= 0.01).sum(dim=-1), share.sum(dim=-1)
    return modes, near, (near >= 0.5) & (modes <= share.shape[-1] // 2)


def distance(x):
    """Mean distance to the nearest mode of x (S, B, 2): (S)."""
    return torch.cdist(x, CENTRES).min(dim=-1).values.mean(dim=-1)


def spread(x):
    """Mean distance of samples to their own mean, of x (..., B, 2) -> (...): about
    2 on the whole ring."""
    return (x - x.mean(dim=-2, keepdim=True)).norm(dim=-1).mean(dim=-1)


def networks(seed=0, S=8, lr=0.001):
    """G and D of S seeds, and their optimizers."""
    torch.manual_seed(seed)
    G, D = MLPs(S, 2, 64, 64, 2), MLPs(S, 2, 64, 64, 1)
    return G, D, adam(G, lr), adam(D, lr)


def play(nets, generator_loss, d_steps, g_steps, rounds, truth=1):
    """Let the networks play on the ring.

    truth: 1 for a discriminator that names the real ones real, -1 for one that is
    taught to lie."""
    G, D, optimizer_G, optimizer_D = nets
    S = len(G.biases[0])
    for _ in range(rounds):
        for _ in range(d_steps):
            real, fake = ring(S, 64), G(torch.randn(S, 64, 2)).detach()
            step(
                optimizer_D,
                critic_loss(D, real, fake)
                if generator_loss == "wgan"
                else classify(truth * D(real), truth * D(fake)),
            )
        for _ in range(g_steps):  # G never sees the real ones
            a_fake = D(G(torch.randn(S, 64, 2)))
            step(optimizer_G, GENERATOR_LOSSES[generator_loss](a_fake))


@torch.no_grad()
def made(G, count):
    """New samples (S, count, 2) from noise, at one go."""
    return G(torch.randn(len(G.biases[0]), count, 2))


# %%
RATIOS = {"5_1": (5, 1), "1_1": (1, 1), "1_5": (1, 5)}
KINDS = {"gan": "practical", "wgan": "wgan"}
GAMES = [(k, r, d) for k in KINDS for d in (300, 1500) for r in RATIOS]
GAMES += [(k, "1_1", 7500) for k in KINDS]  # G learns as often as at 1:5


def train_grid(games=GAMES, S=8, moments=20):
    """Of each game: share at each mode (games, 10, S, 8) and spread (games, 10, S)
    of 500 samples at ten moments of the second half, and the last samples of the
    second seed (games, 500, 2)."""
    at_modes, wide, last = [], [], []
    for kind, ratio, d_updates in games:
        (d_steps, g_steps), nets, late = RATIOS[ratio], networks(S=S), []
        for moment in range(moments):
            rounds = d_updates // d_steps // moments
            play(nets, KINDS[kind], d_steps, g_steps, rounds)
            if moment >= moments // 2:
                late.append(made(nets[0], 500))
        at_modes.append(torch.stack([shares(x) for x in late]))
        wide.append(torch.stack([spread(x) for x in late]))
        last.append(late[-1])
    return {
        "shares": torch.stack(at_modes),
        "spread": torch.stack(wide),
        "samples": torch.stack(last)[:, 1].half(),
    }


def over_time(share, wide):
    """Of one game's shares (moments, S, 8) and spread (moments, S): means over the
    moments, a list of S each."""
    found = zip(("modes", "near", "collapsed"), coverage(share))
    measured = {name: values.float().mean(dim=0).tolist() for name, values in found}
    return measured | {"spread": wide.mean(dim=0).tolist()}


# %% [markdown]
# 모두 배우는 데 한 코어로 3분쯤 걸려서, 학습 후반 열 순간에 센 것을 저장해 두고 읽어요. `TRAIN_AGAIN=1`을 주면 처음부터 다시 배워요.

# %%
if __name__ == "__main__":
    if os.environ.get("TRAIN_AGAIN") == "1":
        save_file(train_grid(), KEPT)
    kept = load_file(KEPT)
    games = {
        game: over_time(kept["shares"][i], kept["spread"][i])
        for i, game in enumerate(GAMES)
    }
    torch.manual_seed(0)
    drawn = torch.stack([ring(8, 500) for _ in range(10)])
    raw = torch.stack([made(networks(seed)[0], 500) for seed in range(10)])
    worlds = {
        name: over_time(shares(x), spread(x))
        for name, x in (("고리에서 뽑은 표본", drawn), ("배우지 않은 생성자", raw))
    }

    def told(found):
        """Both numbers of one game as a table's cells."""
        modes, near = found["modes"], found["near"]
        return [f"{mean(modes):.1f}", f"{mean(near):.0%}"]

    rows = [
        [
            ratio.replace("_", ":"),
            f"{d:,} : {d * RATIOS[ratio][1] // RATIOS[ratio][0]:,}",
            *told(games["gan", ratio, d]),
            *told(games["wgan", ratio, d]),
        ]
        for kind, ratio, d in GAMES
        if kind == "gan"
    ]
    rows += [[name, "", *told(found) * 2] for name, found in worlds.items()]
    table(
        "modes",
        "찾은 봉우리와 봉우리에 놓인 표본, 시드 여덟과 학습 후반 열 순간의 평균",
        [
            "D:G",
            "배운 횟수",
            "GAN 봉우리",
            "표본",
            "WGAN-GP 봉우리",
            "표본",
        ],
        rows,
    )
    for kind in KINDS:
        found = games[kind, "1_5", 1500]
        print(
            f"{kind} 1:5, 판별자 1,500번: 시드마다 퍼진 정도 {[round(v, 1) for v in found['spread']]}, "
            f"모드 붕괴인 순간 {[round(v, 1) for v in found['collapsed']]}"
        )

    def flat(found):
        """Evidence names of all games, values from the game's own key."""
        return {
            f"{kind}_{ratio}_{d}_{name}": values
            for kind, ratio, d in GAMES
            for name, values in found((kind, ratio, d)).items()
        }

    evidence |= flat(games.get)
    for name, found in worlds.items():
        evidence |= {
            f"{'drawn' if found is worlds['고리에서 뽑은 표본'] else 'raw'}_{key}": values
            for key, values in found.items()
        }
        null[name] = flat(lambda game, found=found: found)

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(1, 2, figsize=(4.5, 5.0), sharey=True)
    lines = {"배우지 않은 생성자": (worlds["배우지 않은 생성자"], INK)}
    for kind, label, colour in (("wgan", "WGAN-GP", ORANGE), ("gan", "GAN", BLUE)):
        for _, ratio, d in reversed([game for game in GAMES if game[0] == kind]):
            name = f"{label} {ratio.replace('_', ':')}, {d:,}번"
            lines[name] = games[kind, ratio, d], colour
    lines["고리에서 뽑은 표본"] = worlds["고리에서 뽑은 표본"], INK
    for axis, name, title in zip(
        axes, ("modes", "near"), ("찾은 봉우리", "놓인 표본의 비율")
    ):
        for y, (found, colour) in enumerate(lines.values()):
            axis.plot(found[name], [y] * 8, "o", color=colour, alpha=0.55, ms=4)
        most = 8 if name == "modes" else 1
        axis.set(title=title, xlim=(-0.06 * most, 1.06 * most))
        axis.set(xticks=[0, most / 2, most])
    axes[0].set(yticks=range(len(lines)), yticklabels=lines)
    alt = (
        f"판별자를 1,500번 가르치면 5:1과 1:1의 GAN은 봉우리 {mean(games['gan', '5_1', 1500]['modes']):.1f}개와 "
        f"{mean(games['gan', '1_1', 1500]['modes']):.1f}개를 찾고, 1:5는 시드에 따라 "
        f"{min(games['gan', '1_5', 1500]['modes']):.1f}개에서 {max(games['gan', '1_5', 1500]['modes']):.1f}개까지예요. "
        f"놓인 표본은 가장 많아도 {max(max(found['near']) for found in games.values()):.0%}예요."
    )
    show(figure, "grid", alt)

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(2, 3, figsize=(4.5, 3.4), sharex=True, sharey=True)
    for line, kind, label, colour in zip(
        axes, KINDS, ("GAN", "WGAN-GP"), (BLUE, ORANGE)
    ):
        for axis, ratio in zip(line, RATIOS):
            axis.scatter(
                *CENTRES.T, s=90, facecolors="none", edgecolors=INK, linewidths=0.8
            )
            axis.scatter(
                *kept["samples"][GAMES.index((kind, ratio, 1500))].float().T,
                s=3,
                color=colour,
                alpha=0.5,
                linewidths=0,
                rasterized=True,  # one picture, not hundreds of marks
            )
            axis.set(
                title=f"{label} {ratio.replace('_', ':')}",
                aspect="equal",
                xlim=(-3, 3),
                ylim=(-3, 3),
                xticks=[],
                yticks=[],
            )
    alt = (
        "판별자를 1,500번 가르친 시드 하나의 마지막 표본이에요. 5:1과 1:1은 고리를 따라 퍼졌고, 1:5에서는 "
        "GAN도 WGAN-GP도 한곳에 뭉쳤어요."
    )
    show(figure, "ring", alt)

# %% [markdown]
# ## 판별자까지 속이려 든다면
#
# "서로 속인다"가 맞는 말이라면 판별자도 거짓말을 해야 해요. 이름표를 거꾸로 배운 판별자와 바르게 배운 판별자를 **똑같이** 번갈아 300번씩 겨루게 해요.
# 둘이 **값 하나를** 두고 반대로 당기는지는 손실의 기울기로 봐요. 판별자의 손실과 생성자의 손실을 더해 0이 되는 게임이라면
# 생성자의 가중치에 대한 두 기울기가 부호만 다르고 똑같아야 해요.


# %%
def not_opposite(generator_loss, S=8):
    """|d(D's loss + G's loss) / dG| over |d(D's loss) / dG|, of S seeds: 0 where
    one loses just what the other wins."""
    G, D, *_ = networks(S=S)
    real, a_fake = ring(S, 1000), D(G(torch.randn(S, 1000, 2)))
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
    judged = {}
    for name, truth in (("honest", 1), ("lying", -1)):
        nets = networks()
        play(nets, "practical", 1, 1, 300, truth)
        x = made(nets[0], 2000)
        judged[name] = {
            "distance": distance(x).tolist(),
            "modes": coverage(shares(x))[0].tolist(),
        }
    for name, label in (("honest", "정직한"), ("lying", "거짓말하는")):
        far = judged[name]["distance"]
        print(
            f"{label} 판별자와 번갈아 300번: 찾은 봉우리 {judged[name]['modes']}, 가장 가까운 봉우리까지 "
            f"평균 {mean(far):.2f} ({min(far):.2f}~{max(far):.2f})"
        )
    evidence |= {
        f"{name}_game_{key}": values
        for name, found in judged.items()
        for key, values in found.items()
    }
    null["정직한 판별자"] = {
        "lying_game_distance": judged["honest"]["distance"],
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

# %% [markdown]
# ## 표본은 왜 뭉칠까요?
#
# 판별자를 멈춰 두면 생성자에게 가장 좋은 답은 판별자가 가장 높게 치는 점에 모두 놓는 거예요. 평균은 가장 큰 값을 넘을 수 없으니까요.
# 가장 좋은 답이 그렇다고 해서 배우는 길에 **정말 거기로 가는지**는 따로 재야 해요. 300번씩 겨룬 생성자를 둘로 갈라, 하나는 판별자를 멈춘 채
# 1,500번 더 배우고 하나는 계속 겨뤄요. 멈춘 탓이라면 멈춘 쪽만 봉우리를 잃어야 해요. 계속 겨룬 쪽에서도 그다음에 판별자를 멈춰 봐요.
#
# 표본이 놓인 곳의 $D$가 네모 $[-3, 3]^2$의 격자점 가운데 몇 %보다 높은지도 재요. 100%면 가장 높은 곳이에요. 배운 표본은 저장해 두고 읽어요.


# %%
@torch.no_grad()
def height(D, x):
    """Share of a grid over [-3, 3]^2 where D is lower than at the samples x (S, B,
    2), their mean: (S)."""
    axis = torch.linspace(-3, 3, 61)
    grid = torch.cartesian_prod(axis, axis).expand(len(x), -1, -1)  # (S, 3721, 2)
    levels = D(grid)[..., 0].sort(dim=1).values
    rank = torch.searchsorted(levels, D(x)[..., 0].contiguous())  # (S, B)
    return rank.float().mean(dim=1) / levels.shape[1]


STAGES = {
    "start": "300번씩 겨룸",
    "alone_early": "그 판별자를 멈추고 생성자만 1,500번",
    "together": "계속 1,500번씩 겨룸",
    "alone_late": "그다음 판별자를 멈추고 생성자만 1,500번",
}


def stop_discriminator(start=300, more=1500):
    """Samples (4, S, 500, 2) at the four STAGES, and how high D values them: (4, S)."""
    nets = networks()
    play(nets, "practical", 1, 1, start)
    alone = copy.deepcopy(nets)
    stages = [(nets, 1, 0), (alone, 0, more), (nets, 1, more), (nets, 0, more)]
    samples, heights = [], []
    for (G, D, *optimizers), d_steps, rounds in stages:
        play((G, D, *optimizers), "practical", d_steps, 1, rounds)
        samples.append(made(G, 500))
        heights.append(height(D, samples[-1]))
    return {"stages": torch.stack(samples).half(), "heights": torch.stack(heights)}


# %%
if __name__ == "__main__":
    if os.environ.get("TRAIN_AGAIN") == "1":
        save_file(stop_discriminator(), STOPPED)
    stopped, rows = load_file(STOPPED), []
    for i, (name, label) in enumerate(STAGES.items()):
        x, high = stopped["stages"][i].float(), stopped["heights"][i]
        modes, near, _ = coverage(shares(x))
        away = int((x.norm(dim=-1).mean(dim=1) > 4).sum())
        evidence |= {
            f"{name}_modes": modes.tolist(),
            f"{name}_near": near.tolist(),
            f"{name}_height": high.tolist(),
            f"{name}_away": away,
        }
        rows.append(
            [
                label,
                f"{modes.float().mean():.1f} ({modes.min()}~{modes.max()})",
                f"{near.mean():.0%}",
                f"{high.mean():.0%}",
                away,
            ]
        )
    table(
        "stopped",
        "판별자를 멈추면: 시드 여덟의 평균(과 범위)",
        [
            "생성자",
            "찾은 봉우리",
            "놓인 표본",
            "D가 이보다 낮은 곳",
            "고리를 멀리 떠난 시드",
        ],
        rows,
    )
    null["판별자를 멈추지 않은 생성자"] = {
        "alone_early_modes": evidence["together_modes"]
    }

# %% [markdown]
# ## 비평자가 늘 최적이라면
#
# WGAN 논문은 비평자를 최적까지 가르치면 모드 붕괴가 **불가능하다**고 해요. 신경망 비평자가 최적인지는 알 수 없지만, 1차원에서는 최적의 비평자를
# 정확히 알아요. 진짜와 만든 것을 저마다 크기 순서로 세워 짝지으면 짝 사이 거리의 평균이 두 표본의 바서슈타인 거리이고, 최적의 비평자가 만든 표본을 미는 방향은
# 짝을 향한 ±1이에요. 봉우리 여덟을 한 줄에 놓고, 생성자를 **봉우리 하나에 무너뜨려 놓은 뒤** 이 비평자에게 배워요. 논문의 말과 달리 무너진 채로
# 머물거나 보통 시작에서 무너지는 순간이 나오면 반례예요.

# %%
LINE = torch.arange(8) - 3.5


def on_line(S, B):
    """Real ones (S, B, 1) at eight places on a line."""
    return (LINE[torch.randint(8, (S, B))] + 0.05 * torch.randn(S, B))[..., None]


def line_shares(x):
    """Share of samples (S, B, 1) that lie at each place: (S, 8)."""
    return ((x - LINE).abs() < 0.15).float().mean(dim=1)


def wasserstein(real, fake):
    """Distance of two samples (S, B, 1) as their best critic tells it: (S)."""
    return (
        (real.sort(dim=1).values - fake.sort(dim=1).values).abs().mean(dim=(1, 2))
    )


def best_critic(collapsed, steps=200, S=8):
    """Shares at the places (1 + steps / 10, S, 8) while G learns from the best critic
    of each batch. collapsed: whether all samples of seed i begin at place i."""
    torch.manual_seed(0)
    G = MLPs(S, 2, 64, 64, 1)
    optimizer, seen = adam(G, 0.001), []
    for _ in range(300 if collapsed else 0):
        away = G(torch.randn(S, 64, 2)) - LINE[torch.arange(S) % 8][:, None, None]
        step(optimizer, away.square().mean(dim=(1, 2)))
    for done in range(steps + 1):
        if done % 10 == 0:
            seen.append(line_shares(made(G, 500)))
        step(optimizer, wasserstein(on_line(S, 64), G(torch.randn(S, 64, 2))))
    return torch.stack(seen)


# %%
if __name__ == "__main__":
    for name, collapsed in (("fresh", False), ("rescued", True)):
        modes, _, fallen = coverage(best_critic(collapsed))
        later = fallen[10:].float().mean(dim=0)  # after 100 steps
        evidence |= {
            f"{name}_before": modes[0].tolist(),
            f"{name}_after": modes[-1].tolist(),
            f"{name}_collapsed": later.tolist(),
        }
        print(
            f"{name}: 찾은 봉우리 {modes[0].tolist()} -> 200번 뒤 {modes[-1].tolist()}, "
            f"100번 뒤로 무너진 순간 {later.mean():.0%}"
        )
    null["무너진 채로 둔 생성자"] = {
        "rescued_after": evidence["rescued_before"],
        "rescued_collapsed": [1.0] * 8,
        "wgan_5_1_1500_modes": evidence["rescued_before"],
    }

# %% [markdown]
# ## 왜 `.detach()`인가요?
#
# 판별자를 가르칠 때 만든 표본을 `.detach()`로 떼지 않으면 `backward()`가 생성자까지 내려가, **판별자에게 좋은 쪽**의 기울기를 생성자의 `grad`에 적어요.
# 판별자의 optimizer는 판별자만 옮기니까 그것만으로 생성자가 움직이지는 않아요. 생성자의 `backward()` 앞에서 그 기울기를 지우는지에 달렸어요.
# 지우는데도 결과가 달라지거나, 지우지 않는데도 같다면 이 설명이 틀린 거예요.


# %%
def by_hand(detach, clear, generator_loss="practical", rounds=300):
    """A generator after so many rounds as they are often written.

    clear: whether G's gradient is cleared just before its own backward(), not
    before D's."""
    G, D, optimizer_G, optimizer_D = networks()
    for _ in range(rounds):
        real, fake = ring(8, 64), G(torch.randn(8, 64, 2))
        optimizer_D.zero_grad()
        if not clear:
            optimizer_G.zero_grad()
        a_fake = D(fake.detach() if detach else fake)
        classify(D(real), a_fake).sum().backward()
        optimizer_D.step()
        if clear:
            optimizer_G.zero_grad()
        a_fake = D(G(torch.randn(8, 64, 2)))
        GENERATOR_LOSSES[generator_loss](a_fake).sum().backward()
        optimizer_G.step()
    return G


def left_in_generator(detach):
    """Size of the gradient that D's backward() leaves in G."""
    G, D, *_ = networks()
    fake = G(torch.randn(8, 64, 2))
    a_fake = D(fake.detach() if detach else fake)
    classify(D(ring(8, 64)), a_fake).sum().backward()
    return sum(p.grad.norm().item() for p in G.parameters() if p.grad is not None)


def apart(G, other):
    """The largest difference of two networks' weights."""
    pairs = zip(G.parameters(), other.parameters())
    return max((p - q).abs().max().item() for p, q in pairs)


def reuse():
    """What PyTorch says when one undetached fake serves both backward() calls."""
    G, D, *_ = networks()
    fake = G(torch.randn(8, 64, 2))
    classify(D(ring(8, 64)), D(fake)).sum().backward()
    try:
        GENERATOR_LOSSES["practical"](D(fake)).sum().backward()
    except RuntimeError as error:
        return str(error).split("(")[0].strip()
    return ""


# %%
if __name__ == "__main__":
    short = [by_hand(detach, clear=True, rounds=10) for detach in (True, False)]
    evidence |= {
        "undetached_difference": apart(*short),
        "left_detached": left_in_generator(detach=True),
        "left_undetached": left_in_generator(detach=False),
        "right_modes": judged["honest"]["modes"],  # the same code in two lines
    }
    for name, clear, generator_loss in (
        ("slip", False, "practical"),
        ("right_minimax", True, "minimax"),
        ("slip_minimax", False, "minimax"),
    ):
        G = by_hand(clear, clear, generator_loss)
        evidence[f"{name}_modes"] = coverage(shares(made(G, 2000)))[0].tolist()
    for name in ("right", "slip", "right_minimax", "slip_minimax"):
        modes = evidence[f"{name}_modes"]
        print(f"{name}: 찾은 봉우리 {modes}, 평균 {mean(modes):.1f}")
    G, D, optimizer_G, _ = networks()
    before = copy.deepcopy(G)
    GENERATOR_LOSSES["practical"](D(made(G, 64))).sum().backward()  # no graph to G
    optimizer_G.step()
    evidence |= {
        "cut_off_difference": apart(G, before),
        "reuse_fails": bool(reuse()),
    }
    print(
        f"D의 backward()가 생성자에 남긴 기울기: 떼면 {evidence['left_detached']}, "
        f"떼지 않으면 {evidence['left_undetached']:.2f}"
    )
    print(f"떼지 않고 지우면 가중치의 차이 {evidence['undetached_difference']}")
    print(f"만든 표본 하나를 떼지 않고 두 번 쓰면: {reuse()}")
    null["기울기를 지운 코드"] = {
        "slip_modes": evidence["right_modes"],
        "slip_minimax_modes": evidence["right_minimax_modes"],
    }

# %%
if __name__ == "__main__":
    tolerance = {
        **{
            name: 3
            for name in evidence
            if name.endswith(("_modes", "_before", "_after"))
        },
        **{
            name: 0.3
            for name in evidence
            if name.endswith(("_near", "_height", "_collapsed"))
        },
        **{name: 1 for name in evidence if name.endswith(("_spread", "_distance"))},
        **{name: 0.02 for name in evidence if name.endswith("_miss")},
        **{name: 0.02 for name in evidence if name.endswith("_accuracy")},
        **{
            name: 5 if "practical" in name else 0.5
            for name in evidence
            if name.startswith("pull_")
        },
        "lying_from_optimal": 0.1,
        "lying_game_distance": 30,
        "left_undetached": 2,
    }
    evidence
