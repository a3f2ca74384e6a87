# %% [markdown]
# # 확산 모델: 잡음에서 이미지까지 1000걸음
#
# 확산 모델(diffusion model)에는 방향이 반대인 두 과정이 있어요. 정방향(forward)은 이미지를 잡음으로 바꾸는데, **배우는 것이 하나도 없어요.**
# 역방향(reverse)은 잡음에서 이미지로 오는 길이고, 신경망은 여기서 **섞인 잡음이 무엇인지** 알아맞혀요.
# 8 × 8 손글씨 숫자로 작은 DDPM을 학습해, 무엇이 남고 무엇이 사라지는지, 나온 이미지가 정말 새것인지 재 볼게요.

# %%
import os
from statistics import mean, stdev

import torch
import torch.nn.functional as F
from lib.digits import MEAN, STD, load
from lib.figure import BLUE, GREEN, INK, ORANGE, show, table
from lib.measure import relative_error
from lib.paths import data_path
from matplotlib import pyplot as plt
from safetensors.torch import load_file, save_file
from torch import nn

SEEDS = range(5)
WEIGHTS = data_path("diffusion.safetensors")

T = 1000  # DDPM (2006.11239) §4: steps; beta from 1e-4 to 0.02 in a straight line
BETA = torch.linspace(1e-4, 0.02, T, dtype=torch.double)  # beta_1, ..., beta_T
ALPHA_BAR = torch.cat(
    [torch.ones(1), (1 - BETA).cumprod(dim=0)]
).float()  # at t = 0, ..., T: the signal's share of variance
SIGMA = ((1 - ALPHA_BAR) / ALPHA_BAR).sqrt()  # noise beside a signal of full size


def draw(axis, image):
    """One image (64)."""
    axis.imshow(
        image.reshape(8, 8), cmap="gray_r", vmin=-MEAN / STD, vmax=(16 - MEAN) / STD
    )
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(True)


def diffuse(x0, t, noise):
    """x_t for images x0 (B, 64) and steps t (B), in one jump: DDPM Eq. 4."""
    a = ALPHA_BAR[t, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


def walk(x, shrink, scale):
    """Every x_t of images x (B, 64): step by step shrunk by shrink (T), then noise
    of the deviation scale (T) added."""
    for less, more in zip(shrink, scale):
        x = less * x + more * torch.randn_like(x)
        yield x


# %% [markdown]
# ## 정방향: 잡음을 더하고, 신호는 줄여요
#
# 한 걸음은 $x_t = \sqrt{1 - \beta_t}\,x_{t-1} + \sqrt{\beta_t}\,\epsilon$이에요. 앞에 곱한 $\sqrt{1 - \beta_t}$가 신호를 **조금씩 줄여요.**
# 이 걸음을 1000번 걸은 것이 식 한 줄 $x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1 - \bar\alpha_t}\,\epsilon$과 같은 분포인지 걸어 보며 확인해요.
#
# 줄이지 않는 방식도 두 가지 걸어 봐요. 하나는 DDPM의 잡음을 그대로 **더하기만** 하고, 하나는 더하기만 하되 잡음을 $\sigma_t = \sqrt{(1 - \bar\alpha_t)/\bar\alpha_t}$까지
# **훨씬 크게** 키워요(variance exploding, VE). 끝에 남는 신호대잡음비(SNR, 신호의 분산 ÷ 잡음의 분산)를 견줘요.

# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {}
    splits = [
        [images.flatten(1) for images, _ in load(seed)] for seed in SEEDS
    ]  # train, validation, test: (n, 64)
    x0, test = splits[0][0][:500], splits[0][2]  # (500, 64)
    torch.manual_seed(0)
    beta, whole = BETA.float(), torch.ones(T)
    ways = {
        "vp": ((1 - beta).sqrt(), beta.sqrt()),  # DDPM Eq. 2
        "added": (whole, beta.sqrt()),
        "ve": (whole, SIGMA.square().diff().sqrt()),  # score SDE Eq. 8
    }
    walked = []  # t, signal left, deviation of the noise
    for name, (shrink, scale) in ways.items():
        for t, x in enumerate(walk(x0, shrink, scale), start=1):
            if name == "vp" and t % 125 == 0:
                signal = (x * x0).mean() / x0.square().mean()  # slope of x_t on x_0
                walked.append([t, signal, (x - signal * x0).std()])
        left = shrink.prod()
        evidence[f"{name}_variance"] = x.var().item()
        evidence[f"{name}_snr"] = (
            left.square() * x0.var() / (x - left * x0).var()
        ).item()
        print(
            f"{name}: 끝의 분산 {x.var():.5g}, 신호대잡음비 {evidence[f'{name}_snr']:.2g}"
        )
    walked = torch.tensor(walked)
    a = ALPHA_BAR[walked[:, 0].long()]
    evidence |= {
        "signal_error": (walked[:, 1] - a.sqrt()).abs().max().item(),
        "noise_error": (walked[:, 2] - (1 - a).sqrt()).abs().max().item(),
        "alpha_bar_T": ALPHA_BAR[T].item(),
        "signal_T": ALPHA_BAR[T].sqrt().item(),
        "sigma_T": SIGMA[T].item(),
        "variance_start": x0.var().item(),
    }
    print(
        f"걸어서 잰 신호와 √ᾱ의 최대 차이 {evidence['signal_error']:.4f}, "
        f"잡음의 크기와 √(1 - ᾱ)의 최대 차이 {evidence['noise_error']:.4f}"
    )

# %%
if __name__ == "__main__":
    shown = torch.tensor([0, 100, 200, 300, 500, 750, 1000])
    figure, axes = plt.subplot_mosaic(
        [list("abcdefg"), ["curve"] * 7], figsize=(4.5, 3.6), height_ratios=[1, 2.6]
    )
    for name, t, image in zip(
        "abcdefg", shown, diffuse(test[:1].expand(7, 64), shown, torch.randn(1, 64))
    ):
        draw(axes[name], image)
        axes[name].set_title(f"{t}", loc="center")
    axis = axes["curve"]
    axis.plot(ALPHA_BAR.sqrt(), color=BLUE, label="남은 신호 √ᾱ")
    axis.plot(
        (1 - ALPHA_BAR).sqrt(),
        color=ORANGE,
        linestyle="--",
        label="섞인 잡음 √(1 - ᾱ)",
    )
    axis.plot(walked[:, 0], walked[:, 1], "o", color=BLUE)
    axis.plot(
        walked[:, 0],
        walked[:, 2],
        "s",
        color=ORANGE,
        label="점: 한 걸음씩 걸어서 잰 값",
    )
    axis.set(xlabel="걸음 t", title="크기")
    axis.legend()
    alt = (
        f"걸음이 늘수록 신호는 1에서 {ALPHA_BAR[T].sqrt():.4f}로 줄고 잡음은 1로 커져서 이미지가 사라져요. "
        "한 걸음씩 걸어서 잰 점이 식 한 줄로 그린 곡선 위에 놓여요."
    )
    show(figure, "forward", alt)

# %% [markdown]
# ## 배우는 것: 섞인 잡음 알아맞히기
#
# 걸음 $t$를 아무렇게나 골라 이미지에 잡음을 섞고, 섞은 $\epsilon$을 맞히게 해요. 손실은 제곱 오차 하나예요. 걸음마다 신경망이 따로 있는 것이 아니라 **하나를** 함께 써요.
# 8,000스텝, 한 스텝에 128장이에요. 시간이 걸려서 배운 가중치를 저장해 두고 불러요. 환경 변수 `TRAIN_AGAIN=1`을 주면 다시 배워요.
#
# 얼마나 잘 맞힌 것인지는 대조가 있어야 알아요. 배우기 전의 신경망, 신경망 없이 평균과 공분산만으로 **선형으로 가장 잘** 맞힌 짐작,
# 그리고 **학습 손실이 가장 작은 답**을 나란히 둬요. 끝의 것은 학습 이미지마다 $x_t$가 거기서 나왔을 가능성을 저울질해 평균한 거예요.


# %%
class Denoiser(nn.Module):
    """Guesses the noise in images x (B, 64) at steps t (B or 1): (B, 64). A small
    perceptron, told the step as scale and shift."""

    def __init__(self, width=192):
        super().__init__()
        self.embed, self.hidden, self.out = (
            nn.Linear(64, width),
            nn.Linear(width, width),
            nn.Linear(width, 64),
        )
        self.time = nn.Linear(16, 4 * width)

    def forward(self, x, t):
        angle = torch.pi / 2 * (t[:, None] / T) * 2 ** torch.arange(8)  # (B, 8)
        scale1, shift1, scale2, shift2 = self.time(
            torch.cat([angle.sin(), angle.cos()], dim=1)
        ).chunk(4, dim=1)
        h = self.embed(x)  # (B, width)
        h = h + self.hidden(F.silu(h * (1 + scale1) + shift1))
        rest = self.out(F.silu(h * (1 + scale2) + shift2))  # (B, 64)
        a = ALPHA_BAR[t, None]
        return (
            (1 - a).sqrt() * x + a.sqrt() * rest
        )  # late steps are nearly all noise: only the rest needs learning


def linear_noise(images):
    """The linear guess of the noise with the least loss: the best of all if images
    (n, 64) were Gaussian."""
    mean, (variance, axes) = (
        images.mean(dim=0),
        torch.linalg.eigh(images.T.cov()),
    )  # (64), (64), (64, 64)

    def guess(x, t):
        a = ALPHA_BAR[t, None]
        along = (
            x - a.sqrt() * mean
        ) @ axes  # (B, 64): along the directions in which the images vary
        return (along * (1 - a).sqrt() / (a * variance + 1 - a)) @ axes.T

    return guess


def optimal_noise(images):
    """The guess that has the least training loss of all: the noise's mean if x_0
    can be nothing but one of images (n, 64)."""
    squares = images.square().sum(dim=1)  # (n)

    def guess(x, t):
        a = ALPHA_BAR[t, None]
        near = a.sqrt() * x @ images.T - a / 2 * squares  # (B, n)
        weight = (near / (1 - a)).softmax(dim=1)  # how likely x came from each
        return (x - a.sqrt() * (weight @ images)) / (1 - a).sqrt()

    return guess


def noise_loss(model, x0):
    """Mean squared error of the noise, at steps drawn at random: DDPM Eq. 14,
    L_simple."""
    t, noise = torch.randint(1, T + 1, (len(x0),)), torch.randn_like(x0)
    return F.mse_loss(model(diffuse(x0, t, noise), t), noise)


def train(images, seed, steps=8000, lr=0.01):
    """A Denoiser trained by Adam on batches of 128 of images (n, 64)."""
    torch.manual_seed(seed)
    model = Denoiser()
    optimizer = torch.optim.Adam(
        model.parameters(), lr, betas=(0.9, 0.99), fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=steps, pct_start=0.1
    )
    for _ in range(steps):
        loss = noise_loss(model, images[torch.randint(len(images), (128,))])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


def trained(seed):
    """The Denoiser that learnt from the seed's images, its weights kept as halves."""
    model, kept = Denoiser(), load_file(WEIGHTS)
    model.load_state_dict(
        {name: kept[f"{seed}.{name}"].float() for name in model.state_dict()}
    )
    return model


# %%
if __name__ == "__main__":
    if os.environ.get("TRAIN_AGAIN") == "1":
        kept = {}
        for seed in SEEDS:
            for name, value in train(splits[seed][0], seed).state_dict().items():
                kept[f"{seed}.{name}"] = value.half()
        save_file(kept, WEIGHTS)
    torch.manual_seed(0)
    models = [trained(seed) for seed in SEEDS]
    guesses = {
        "raw": [Denoiser() for _ in SEEDS],
        "linear": [linear_noise(images) for images, _, _ in splits],
        "ddpm": models,
        "optimal": [optimal_noise(images) for images, _, _ in splits],
    }
    losses = {name: [] for name in guesses}  # (train, test), one a seed
    for name in guesses:
        for seed, (images, _, test) in enumerate(splits):
            torch.manual_seed(seed)  # the same steps and noise for all
            with torch.no_grad():
                losses[name].append(
                    [
                        mean(
                            noise_loss(guesses[name][seed], part[:500]).item()
                            for _ in range(10)
                        )
                        for part in (images, test)
                    ]
                )
        learnt, new = zip(*losses[name])
        evidence |= {f"{name}_train_loss": [*learnt], f"{name}_loss": [*new]}
        print(
            f"{name}: 학습 이미지 {mean(learnt):.3f}, 처음 보는 이미지 {mean(new):.3f}"
        )
    evidence["parameters"] = sum(p.numel() for p in models[0].parameters())
    worlds = {"raw": "배우지 않은 신경망", "linear": "선형으로 가장 좋은 짐작"}
    for name, world in worlds.items():
        null[world] = {"ddpm_loss": evidence[f"{name}_loss"]}
    null["배운 신경망"] = {
        f"optimal_{part}": evidence[f"ddpm_{part}"]
        for part in ("train_loss", "loss")
    }

# %% [markdown]
# ## 역방향: 조금 걷어 내고, 조금 되섞어요
#
# 잡음을 알아맞히면 이미지도 $\hat x_0 = (x_t - \sqrt{1 - \bar\alpha_t}\,\hat\epsilon)/\sqrt{\bar\alpha_t}$로 짐작할 수 있어요. 하지만 그리로 단번에 뛰지 않고, 짐작한 쪽으로
# **조금만** 다가간 뒤 새 잡음을 조금 섞어요. $\eta = 1$이고 1000걸음을 다 걸으면 DDPM이고, $\eta = 0$이면 새 잡음을 섞지 않는 DDIM이에요.
# 되섞는 잡음의 분산은 $\tilde\beta_t = \frac{1 - \bar\alpha_{t-1}}{1 - \bar\alpha_t}\beta_t$예요. `wide`면 그 대신 $\beta_t$를 써요. 마지막 걸음에는 섞지 않아요.


# %%
def pictures(rows):
    """A figure with a line of pictures for each (title, images (k, 64))."""
    figure, axes = plt.subplots(
        len(rows), len(rows[0][1]), figsize=(4.5, 0.52 * len(rows)), squeeze=False
    )
    for line, (title, images) in zip(axes, rows):
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
        for axis, image in zip(line, images):
            draw(axis, image)
    return figure


@torch.no_grad()
def reversing(model, x, times, eta=1.0, fresh=True, wide=False):
    """Walk x (B, 64) down the steps times (from the noisiest to 0); yields each
    (step, x).

    eta: 1 for DDPM, 0 for DDIM (2010.02502) Eq. 12 and 16. fresh: whether the new
    noise is really put in; wide: with DDPM's other variance, beta_t."""
    for t, s in zip(times, times[1:]):
        a, b = (
            ALPHA_BAR[t],
            ALPHA_BAR[s],
        )  # b > a: the signal at the next, cleaner step
        noise = model(x, t[None])
        x0 = (x - (1 - a).sqrt() * noise) / a.sqrt()  # DDPM Eq. 15
        sigma = eta * ((1 - b) / (1 - a) * (1 - a / b)).sqrt()
        x = b.sqrt() * x0 + (1 - b - sigma**2).clamp(min=0).sqrt() * noise
        if fresh:
            spread = (1 - a / b).sqrt() if wide and s > 0 else sigma
            x = x + spread * torch.randn_like(x)
        yield s.item(), x


def generate(model, start, steps=T, first=T, **options):
    """The images (B, 64) at the end of so many steps from start (B, 64), which is
    at step `first`."""
    for _, x in reversing(
        model, start, torch.linspace(first, 0, steps + 1).round().long(), **options
    ):
        pass
    return x


@torch.no_grad()
def exploding(model, x, steps, first=T):
    """What DDIM makes of x (B, 64) in the form that never shrinks the signal: from
    deviation SIGMA[first] of noise to none."""
    times = torch.linspace(first, 0, steps + 1).round().long()
    for t, s in zip(times, times[1:]):
        noise = model(ALPHA_BAR[t].sqrt() * x, t[None])
        x = x + (SIGMA[s] - SIGMA[t]) * noise
    return x


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    x = torch.randn(100, 64)
    shots, moved = {T: x}, []
    for t, new in reversing(models[0], x, torch.arange(T, -1, -1)):
        moved.append(((new - x).norm(dim=1) / x.norm(dim=1)).mean().item())
        x = new
        if t in (600, 400, 300, 200, 100, 0):
            shots[t] = x
    evidence["step_size"] = mean(moved)
    alt = (
        f"여덟 장 모두 잡음에서 시작해 한 걸음에 평균 {mean(moved):.1%}씩 바뀌며 숫자가 돼요. "
        "흐릿한 모양이 먼저 드러나고 바탕은 마지막 100걸음에서 깨끗해져요."
    )
    show(pictures([(f"t = {t}", x[:8]) for t, x in shots.items()]), "reverse", alt)

    quiet = generate(models[0], torch.randn(100, 64), fresh=False)
    for name, images in (("ddpm", shots[0]), ("quiet", quiet)):
        share = images.var(dim=0).sum() / splits[0][2].var(dim=0).sum()
        evidence[f"variety_{name}"] = share.item()
    x, t = torch.randn(500, 64), torch.tensor([500, 499])
    once, again = (next(reversing(models[0], x, t))[1] for _ in range(2))
    mixed_in = (once - again).var().item() / 2  # only the fresh noise differs
    evidence["mixed_in"] = mixed_in / BETA[500 - 1].item()
    print(
        f"진짜에 견준 표본의 분산: DDPM {evidence['variety_ddpm']:.2f}배, 새 잡음을 빼면 {evidence['variety_quiet']:.3f}배"
    )
    print(
        f"t = 500의 한 걸음이 되섞는 잡음의 분산은 정방향의 그 걸음이 더한 것의 {evidence['mixed_in']:.2f}배"
    )

# %% [markdown]
# ## 얼마나 진짜 같고, 얼마나 새것일까요?
#
# 네 짐작으로 똑같이 되돌려요(열 걸음을 한 번에 뛰어 100번). 척도는 셋이에요. 학습 이미지 1000장 가운데 **가장 가까운 것까지의 거리**,
# 표본 500장과 처음 보는 진짜 500장을 섞었을 때 **가장 가까운 이웃이 같은 편인 비율**(구별할 수 없으면 50%), 그리고 두 무리 사이의 에너지 거리(energy distance)예요.
# 손실과 한 표에 놓으면 손실이 얼마나 줄어야 숫자다워지는지 보여요. 배운 신경망이 선형 짐작보다 숫자답지 않다면 신경망이 배운 것이 없는 거예요.


# %%
def nearest(x, images):
    """Distance (B) from each of x (B, 64) to the nearest of images (n, 64)."""
    return torch.cdist(x, images).amin(dim=1)


def same_side(x, y):
    """Share of x and y (n, 64) together whose nearest other image is of their own
    kind: 0.5 if the two are alike."""
    distance = torch.cdist(torch.cat([x, y]), torch.cat([x, y])).fill_diagonal_(
        float("inf")
    )
    kind = torch.arange(len(distance)) < len(x)
    return (kind[distance.argmin(dim=1)] == kind).float().mean().item()


def energy_distance(x, y):
    """2 E|x - y| - E|x - x'| - E|y - y'|, estimated without bias: 0 if x and y are
    draws of one distribution."""
    within = sum(torch.cdist(z, z).sum() / (len(z) * (len(z) - 1)) for z in (x, y))
    return (2 * torch.cdist(x, y).mean() - within).item()


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    found, samples = {}, []
    for seed, (images, _, test) in enumerate(splits):
        drawn = {
            name: generate(guesses[name][seed], torch.randn(500, 64), T // 10)
            for name in guesses
        }
        samples.append(drawn["ddpm"])
        close = nearest(test, images).quantile(
            0.01
        )  # only one real image in a hundred is so near to a training image
        for name, x in (drawn | {"real": test}).items():
            other = (
                images[:500] if name == "real" else x
            )  # the real ones are compared with training images
            found.setdefault(name, []).append(
                [
                    nearest(x, images).median().item(),
                    same_side(other, test),
                    energy_distance(other, test),
                    (nearest(x, images) < close).float().mean().item(),
                ]
            )
    measures = "nearest", "same_side", "energy", "copies"
    listed = {
        f"{name}_{key}": [*column]
        for name in found
        for key, column in zip(measures, zip(*found[name]))
    }
    evidence |= listed
    names = {
        "raw": "배우기 전",
        "linear": "선형으로 가장 잘",
        "ddpm": "배운 뒤",
        "optimal": "학습 손실이 최소",
        "real": "처음 보는 진짜",
    }
    keys = (
        ("loss", ".3f"),
        ("nearest", ".2f"),
        ("same_side", ".1%"),
        ("energy", ".3f"),
    )
    table(
        "quality",
        f"손실(처음 보는 이미지, 0이라고만 답하면 1)과 표본 500장의 품질. 시드 다섯의 평균이에요. 선형 짐작의 손실이 "
        f"{mean(evidence['linear_loss']):.3f}, 배운 뒤가 {mean(evidence['ddpm_loss']):.3f}이고, 같은 편 이웃은 "
        f"{mean(listed['linear_same_side']):.0%}에서 {mean(listed['ddpm_same_side']):.0%}로 줄어요.",
        ["짐작", "손실", "가까운 학습 이미지", "같은 편 이웃", "에너지 거리"],
        [
            [
                label,
                *(
                    f"{mean(evidence[f'{name}_{key}']):{form}}"
                    if f"{name}_{key}" in evidence
                    else "–"
                    for key, form in keys
                ),
            ]
            for name, label in names.items()
        ],
    )
    print(
        f"학습 이미지를 베꼈다고 할 만큼 가까운 것: DDPM {mean(listed['ddpm_copies']):.1%}, 손실이 최소인 답 {mean(listed['optimal_copies']):.1%}"
    )
    for name, world in worlds.items():
        null[world] |= {
            f"ddpm_{key}": listed[f"{name}_{key}"] for key in measures[:2]
        }
    null["학습 이미지의 복사본"] = {"ddpm_copies": listed["optimal_copies"]}
    null["배운 신경망"]["optimal_copies"] = listed["ddpm_copies"]

# %%
if __name__ == "__main__":
    images, _, test = splits[0]
    rows = []
    for name, x in (("새 표본", samples[0][:8]), ("처음 보는 진짜", test[:8])):
        rows += [
            (name, x),
            ("닮은 학습 이미지", images[torch.cdist(x, images).argmin(dim=1)]),
        ]
    alt = (
        f"새로 뽑은 이미지는 가장 가까운 학습 이미지와 {mean(listed['ddpm_nearest']):.2f}만큼, 처음 보는 진짜는 "
        f"{mean(listed['real_nearest']):.2f}만큼 떨어져 있어요."
    )
    show(pictures(rows), "samples", alt)

# %% [markdown]
# ## 더하기만 하는 방식으로도 그려질까요?
#
# 신경망은 그대로 두고 되돌리는 식만 VE로 바꿔요. 출발은 $\mathcal{N}(0, \sigma_{1000}^2 I)$이에요. 같은 $\epsilon$에서 출발한 VP의 DDIM과 이미지를 견줘요.
# DDPM의 잡음을 더하기만 한 끝에서도 출발해 봐요. 거기서는 신호가 덜 묻혔으니, 정규분포에서 뽑은 출발점은 진짜 $x_t$와 달라요. 모두 DDIM 50걸음이에요.

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    added = beta.sum().sqrt()  # deviation of the noise after adding alone
    early = (SIGMA - added).abs().argmin().item()  # the step that is as noisy
    found = {name: [] for name in ways}
    difference = []
    for model, (_, _, test) in zip(models, splits):
        start = torch.randn(500, 64)
        made = {
            "vp": generate(model, start, 50, eta=0.0),
            "added": exploding(
                model,
                evidence["added_variance"] ** 0.5 * start,
                round(50 * early / T),
                early,
            ),
            "ve": exploding(model, SIGMA[T] * start, 50),
        }
        difference.append(relative_error(made["ve"], made["vp"]))
        for name, x in made.items():
            found[name].append(energy_distance(x, test))
    evidence |= {f"{name}_way_energy": column for name, column in found.items()}
    evidence |= {"ve_difference": difference, "early": early}
    labels = {
        "vp": "줄이며 더함 (DDPM)",
        "added": "더하기만, 같은 잡음",
        "ve": "더하기만, 큰 잡음 (VE)",
    }
    table(
        "ways",
        f"정방향의 끝(1000걸음)과, 같은 분산의 정규분포에서 출발한 표본. 크게 더하기만 해도 신호대잡음비가 "
        f"{evidence['ve_snr']:.5f}로 DDPM과 같고, 이미지의 상대 차이가 {max(difference):.5f}뿐이에요.",
        ["정방향", "끝의 분산", "신호대잡음비", "에너지 거리"],
        [
            [
                label,
                f"{evidence[f'{name}_variance']:,.1f}",
                f"{evidence[f'{name}_snr']:.5f}",
                f"{mean(found[name]):.3f}",
            ]
            for name, label in labels.items()
        ],
    )

# %% [markdown]
# ## 원래 이미지로 되돌아갈까요?
#
# 처음 보는 이미지에 잡음을 $t$번 섞은 뒤 100장씩 역방향으로 되돌려요(다섯 걸음을 한 번에 뛰어요). 돌아온 것이 **원래 이미지**와 가까운지, 상관없는 이미지와의 거리와 견줘요.
# 신경망의 솜씨와 상관없이 정보가 남아 있기는 한지도 봐요. 원래 이미지 500장을 모두 펼쳐 놓고 $x_t$가 어느 것에서 왔는지 **가장 잘 맞히는 방법**으로 골라 봐요.

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    starts = (50, 125, 250, 375, 500, 750, 1000)
    back, identified = {t: [] for t in starts}, {t: [] for t in starts}
    for model, (_, _, test) in zip(models, splits):
        for t in starts:
            mixed = diffuse(test, torch.full((500,), t), torch.randn_like(test))
            returned = generate(model, mixed[:100], steps=t // 5, first=t)
            original, other = (
                (returned - x).norm(dim=1).mean().item()
                for x in (test[:100], test[100:200])
            )
            back[t].append(original / other)
            choice = torch.cdist(mixed, ALPHA_BAR[t].sqrt() * test).argmin(
                dim=1
            )  # the likeliest original
            identified[t].append(
                (choice == torch.arange(500)).float().mean().item()
            )
    figure, axis = plt.subplots()
    axis.errorbar(
        starts,
        [mean(back[t]) for t in starts],
        [stdev(back[t]) for t in starts],
        color=BLUE,
        marker="o",
        label="원래 이미지와의 거리 (상관없는 이미지 = 1)",
    )
    axis.plot(
        starts,
        [mean(identified[t]) for t in starts],
        color=GREEN,
        marker="D",
        linestyle="--",
        label="어느 이미지였는지 맞힌 비율",
    )
    axis.axhline(1, color=INK, linewidth=1, linestyle=":")
    axis.set(xlabel="잡음을 섞은 횟수 t", ylim=(0, 1.15))
    figure.legend(loc="outside upper left")
    alt = (
        f"125걸음에서 되돌리면 원래 이미지와의 거리가 상관없는 이미지의 {mean(back[125]):.2f}배지만, 1000걸음에서는 {mean(back[1000]):.2f}배라 "
        f"아무 이미지나 다름없어요. 어느 이미지였는지 맞히는 비율도 {mean(identified[1000]):.1%}로 떨어져요."
    )
    show(figure, "original", alt)
    for t in starts:
        print(
            f"t = {t}: 원래 이미지와의 거리 {mean(back[t]):.2f}배, 어느 것이었는지 맞힌 비율 {mean(identified[t]):.1%}"
        )
        evidence[f"back_{t}"], evidence[f"identified_{t}"] = back[t], identified[t]
    few, all_of_it = (
        {"back": back[t], "identified": identified[t]} for t in (125, T)
    )
    null["잡음을 125번만 섞은 이미지"] = {
        f"{name}_{T}": values for name, values in few.items()
    }
    null["잡음을 1000번 섞은 이미지"] = {
        f"{name}_{t}": values
        for name, values in all_of_it.items()
        for t in (50, 125)
    }

# %%
if __name__ == "__main__":
    tolerance = {
        "step_size": 0.01,
        "ve_variance": 500,
        "ve_difference": 1e-3,
        "added_variance": 0.2,
        "vp_variance": 0.02,
        **{name: 0.005 for name in evidence if name.endswith("_loss")},
        "optimal_loss": 0.5,
        **{name: 0.3 for name in evidence if name.endswith("_nearest")},
        **{
            name: 0.05
            for name in evidence
            if name.endswith(("_same_side", "_copies"))
            or name.startswith(("back_", "identified_", "variety_"))
        },
        **{name: 0.02 for name in evidence if name.endswith("_energy")},
    }
    evidence
