# %% [markdown]
# # 확산 모델: 잡음에서 이미지까지 1000걸음
#
# 확산 모델(diffusion model)에는 방향이 반대인 두 과정이 있어요. 정방향(forward)은 이미지를 잡음으로 바꾸는데, **배우는 것이 하나도 없어요.**
# 역방향(reverse)은 잡음에서 이미지로 오는 길이고, 신경망은 여기서 **섞인 잡음이 무엇인지** 알아맞혀요.
# 8 × 8 손글씨 숫자로 작은 DDPM을 학습해, 무엇이 남고 무엇이 사라지는지, 나온 이미지가 정말 새것인지 재 볼게요.

# %%
from statistics import mean, stdev

import torch
import torch.nn.functional as F
from lib.digits import MEAN, STD, load
from lib.figure import BLUE, GREEN, INK, ORANGE, show, table
from matplotlib import pyplot as plt
from torch import nn

T = 1000  # DDPM (2006.11239) §4: the steps, and beta from 1e-4 to 0.02 in a straight line
BETA = torch.linspace(1e-4, 0.02, T, dtype=torch.double)  # beta_1, ..., beta_T
ALPHA_BAR = torch.cat(
    [torch.ones(1), (1 - BETA).cumprod(dim=0)]
).float()  # at t = 0, ..., T: the signal's share of variance


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


# %% [markdown]
# ## 정방향: 잡음을 더하고, 신호는 줄여요
#
# 한 걸음은 $x_t = \sqrt{1 - \beta_t}\,x_{t-1} + \sqrt{\beta_t}\,\epsilon$이에요. 앞에 곱한 $\sqrt{1 - \beta_t}$가 신호를 **조금씩 줄여요.**
# 이 걸음을 1000번 걸은 것이 식 한 줄 $x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1 - \bar\alpha_t}\,\epsilon$과 같은 분포인지, 줄이지 않으면 어떻게 되는지 걸어 보며 확인해요.

# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {}
    splits = [
        [images.flatten(1) for images, _ in load(seed)] for seed in range(5)
    ]  # train, validation, test: (n, 64)
    train_set, _, test = splits[0]
    torch.manual_seed(0)
    x0 = x = grown = train_set  # (1000, 64)
    walked = []  # t, signal left, deviation of the noise, variance, variance without shrinking
    for t, beta in enumerate(BETA.float(), start=1):
        noise = beta.sqrt() * torch.randn_like(x)
        x, grown = (
            (1 - beta).sqrt() * x + noise,
            grown + noise,
        )  # DDPM Eq. 2; the same without shrinking
        if t % 125 == 0:
            signal = (x * x0).mean() / x0.square().mean()  # the slope of x_t on x_0
            walked.append(
                [t, signal, (x - signal * x0).std(), x.var(), grown.var()]
            )
    walked = torch.tensor(walked)
    a = ALPHA_BAR[walked[:, 0].long()]
    signal_error = (walked[:, 1] - a.sqrt()).abs().max().item()
    noise_error = (walked[:, 2] - (1 - a).sqrt()).abs().max().item()
    print(
        f"걸어서 잰 신호와 √ᾱ의 최대 차이 {signal_error:.4f}, 잡음의 크기와 √(1 - ᾱ)의 최대 차이 {noise_error:.4f}"
    )
    print(
        f"ᾱ_1000 = {ALPHA_BAR[T]:.3g}, 곧 신호의 크기는 처음의 {ALPHA_BAR[T].sqrt():.4f}배"
    )
    print(
        f"처음 분산 {x0.var():.2f}, 1000걸음 뒤 {x.var():.2f}, 줄이지 않고 더하기만 하면 {grown.var():.2f}"
    )
    evidence |= {
        "signal_error": signal_error,
        "noise_error": noise_error,
        "alpha_bar_T": ALPHA_BAR[T].item(),
        "signal_T": ALPHA_BAR[T].sqrt().item(),
        "variance_start": x0.var().item(),
        "variance_T": x.var().item(),
        "variance_without_shrinking": grown.var().item(),
    }

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
# 얼마나 잘 맞힌 것인지는 대조가 있어야 알아요. 배우기 전의 신경망과, 신경망 없이 평균과 공분산만으로 **선형으로 가장 잘** 맞힌 짐작을 나란히 둬요.


# %%
class Denoiser(nn.Module):
    """Guesses the noise in images x (B, 64) at steps t (B): (B, 64). A small
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


def noise_loss(model, x0):
    """Mean squared error of the noise, at steps drawn at random: DDPM Eq. 14,
    L_simple."""
    t, noise = torch.randint(1, T + 1, (len(x0),)), torch.randn_like(x0)
    return F.mse_loss(model(diffuse(x0, t, noise), t), noise)


def train(images, seed, steps=2000, lr=0.01):
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


# %%
if __name__ == "__main__":
    models = [train(split[0], seed) for seed, split in enumerate(splits)]
    losses = {"train": [], "test": [], "raw": [], "linear": []}
    for seed, (model, (images, _, test)) in enumerate(zip(models, splits)):
        for name, guess, part in (
            ("train", model, images),
            ("test", model, test),
            ("raw", Denoiser(), test),
            ("linear", linear_noise(images), test),
        ):
            torch.manual_seed(seed)  # the same steps and noise for all
            with torch.no_grad():
                losses[name].append(
                    mean(noise_loss(guess, part).item() for _ in range(20))
                )
    parameters = sum(p.numel() for p in models[0].parameters())
    print(f"파라미터 {parameters:,}개. 잡음의 제곱 오차 (0이라고만 답하면 1)")
    for name, label in (
        ("raw", "배우기 전"),
        ("linear", "선형으로 가장 잘"),
        ("test", "배운 뒤"),
        ("train", "배운 뒤, 학습 이미지에서"),
    ):
        print(f"  {label}: {mean(losses[name]):.3f} ± {stdev(losses[name]):.3f}")
    evidence |= {
        "parameters": parameters,
        "train_loss": losses["train"],
        "test_loss": losses["test"],
    }
    evidence |= {"raw_loss": losses["raw"], "linear_loss": losses["linear"]}
    null["배우지 않은 신경망"] = {"test_loss": losses["raw"]}
    null["선형으로 가장 좋은 짐작"] = {"test_loss": losses["linear"]}

# %% [markdown]
# ## 역방향: 조금 걷어 내고, 조금 되섞어요
#
# 잡음을 알아맞히면 이미지도 $\hat x_0 = (x_t - \sqrt{1 - \bar\alpha_t}\,\hat\epsilon)/\sqrt{\bar\alpha_t}$로 짐작할 수 있어요. 하지만 그리로 단번에 뛰지 않고, 짐작한 쪽으로
# **조금만** 다가간 뒤 새 잡음을 조금 섞어요. $\eta = 1$이고 1000걸음을 다 걸으면 DDPM이고, $\eta = 0$이면 새 잡음을 섞지 않는 DDIM이에요.


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
def reversing(model, x, times, eta=1.0, fresh=True):
    """Walk x (B, 64) down the steps times (from the noisiest to 0); yields each
    (step, x).

    eta: 1 for DDPM, 0 for DDIM (2010.02502) Eq. 12 and 16. fresh: whether the new
    noise is really put in."""
    for t, s in zip(times, times[1:]):
        a, b = (
            ALPHA_BAR[t],
            ALPHA_BAR[s],
        )  # b > a: the signal at the next, cleaner step
        noise = model(x, t.expand(len(x)))
        x0 = (x - (1 - a).sqrt() * noise) / a.sqrt()  # DDPM Eq. 15
        sigma = eta * ((1 - b) / (1 - a) * (1 - a / b)).sqrt()
        x = b.sqrt() * x0 + (1 - b - sigma**2).clamp(min=0).sqrt() * noise
        if fresh:
            x = x + sigma * torch.randn_like(x)
        yield s.item(), x


def generate(model, start, steps=T, first=T, **options):
    """The images (B, 64) at the end of so many steps from start (B, 64), which is
    at step `first`."""
    for _, x in reversing(
        model, start, torch.linspace(first, 0, steps + 1).round().long(), **options
    ):
        pass
    return x


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    x = torch.randn(500, 64)
    kept, moved = {T: x}, []
    for t, new in reversing(models[0], x, torch.arange(T, -1, -1)):
        moved.append(((new - x).norm(dim=1) / x.norm(dim=1)).mean().item())
        x = new
        if t in (600, 400, 300, 200, 100, 0):
            kept[t] = x
    samples = [
        x,
        *(generate(model, torch.randn(500, 64)) for model in models[1:]),
    ]  # 500 of each model
    step_size = mean(moved)
    evidence["step_size"] = step_size
    rows = [(f"t = {t}", images[:8]) for t, images in kept.items()]
    alt = (
        f"여덟 장 모두 잡음에서 시작해 한 걸음에 평균 {step_size:.1%}씩 바뀌며 숫자가 돼요. "
        "흐릿한 모양이 먼저 드러나고 바탕은 마지막 100걸음에서 깨끗해져요."
    )
    show(pictures(rows), "reverse", alt)

# %% [markdown]
# ## 얼마나 진짜 같고, 얼마나 새것일까요?
#
# 척도 셋으로 재요. 저마다 학습 이미지 1000장 가운데 **가장 가까운 것까지의 거리**, 표본 500장과 처음 보는 진짜 500장을 섞었을 때 **가장 가까운 이웃이 같은 편인 비율**
# (구별할 수 없으면 50%), 그리고 두 무리 사이의 에너지 거리(energy distance)예요.
# 대조군은 처음 보는 진짜, 평균과 공분산만 배운 가우시안, 픽셀을 따로 뽑은 것이에요.


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


def fit_gaussian(images):
    """The Gaussian of the images' mean and covariance; pixels that never change get
    a hair of variance."""
    return torch.distributions.MultivariateNormal(
        images.mean(dim=0), images.T.cov() + 1e-4 * torch.eye(64)
    )


def optimal_noise(images):
    """The guess that has the least training loss of all: the noise's mean if x_0
    can be nothing but one of images (n, 64)."""

    def guess(x, t):
        a = ALPHA_BAR[t, None]
        weight = (
            -torch.cdist(x, a[0].sqrt() * images).square() / (2 * (1 - a))
        ).softmax(dim=1)  # (B, n)
        return (x - a.sqrt() * (weight @ images)) / (1 - a).sqrt()

    return guess


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    found, drawn = {}, {}
    for (images, _, test), made in zip(splits, samples):
        drawn = {
            "real": test,
            "ddpm": made,
            "gaussian": fit_gaussian(images).sample((500,)),
            "independent": images.mean(dim=0)
            + images.std(dim=0) * torch.randn(500, 64),
            "noise": torch.randn(500, 64),
            "optimal": generate(optimal_noise(images), torch.randn(500, 64), 100),
        }
        close = nearest(test, images).quantile(
            0.01
        )  # only one real image in a hundred is so near to a training image
        for name, x in drawn.items():
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
    scores = {
        name: [mean(column) for column in zip(*rows)]
        for name, rows in found.items()
    }
    spread = {
        name: [stdev(column) for column in zip(*rows)]
        for name, rows in found.items()
    }
    names = {
        "real": "처음 보는 진짜",
        "ddpm": "DDPM 1000걸음",
        "gaussian": "가우시안",
        "independent": "픽셀 따로",
        "noise": "출발한 잡음",
        "optimal": "손실이 최소인 답",
    }
    rows = [
        [
            names[name],
            *(
                f"{a:{form}} ± {b:{form}}"
                for a, b, form in zip(
                    scores[name], spread[name], (".2f", ".1%", ".3f")
                )
            ),
        ]
        for name in names
    ]
    table(
        "quality",
        "500장씩 (시드 다섯의 평균 ± 표준편차)",
        ["무엇", "가까운 학습 이미지", "같은 편 이웃", "에너지 거리"],
        rows,
    )
    print(
        f"학습 이미지를 베꼈다고 할 만큼 가까운 것: DDPM {scores['ddpm'][3]:.1%}, 손실이 최소인 답 {scores['optimal'][3]:.1%}"
    )
    measures = "nearest", "same_side", "energy", "copies"
    listed = {
        f"{name}_{key}": list(column)
        for name in names
        for key, column in zip(measures, zip(*found[name]))
    }
    evidence |= listed
    null["평균과 공분산만 배운 가우시안"] = {
        "ddpm_nearest": listed["gaussian_nearest"]
    }
    null["학습 이미지의 복사본"] = {"ddpm_copies": listed["optimal_copies"]}
    real = {key: listed[f"real_{key}"] for key in measures}
    null["처음 보는 진짜"] = {
        "ddpm_same_side": real["same_side"],
        "optimal_energy": real["energy"],
        "optimal_copies": real["copies"],
    }

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
        f"새로 뽑은 이미지는 가장 가까운 학습 이미지와 {scores['ddpm'][0]:.2f}만큼 떨어져 있어요. 처음 보는 진짜도 "
        f"{scores['real'][0]:.2f}만큼 떨어져 있으니, 학습 이미지를 꺼낸 것이 아니에요."
    )
    show(pictures(rows), "samples", alt)

# %% [markdown]
# ## 원래 이미지로 되돌아갈까요?
#
# 처음 보는 이미지에 잡음을 $t$번 섞은 뒤 200장씩 역방향으로 되돌려요(다섯 걸음을 한 번에 뛰어요). 돌아온 것이 **원래 이미지**와 가까운지, 상관없는 이미지와의 거리와 견줘요.
# 신경망의 솜씨와 상관없이 정보가 남아 있기는 한지도 봐요. 원래 이미지 500장을 모두 펼쳐 놓고 $x_t$가 어느 것에서 왔는지 **가장 잘 맞히는 방법**으로 골라 봐요.

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    starts = (50, 125, 250, 375, 500, 750, 1000)
    back, identified = {t: [] for t in starts}, {t: [] for t in starts}
    for model, (_, _, test) in zip(models, splits):
        for t in starts:
            blurred = diffuse(test, torch.full((500,), t), torch.randn_like(test))
            returned = generate(model, blurred[:200], steps=t // 5, first=t)
            original, other = (
                (returned - x).norm(dim=1).mean().item()
                for x in (test[:200], test[200:400])
            )
            back[t].append(original / other)
            choice = torch.cdist(blurred, ALPHA_BAR[t].sqrt() * test).argmin(
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
    axis.set(xlabel="잡음을 섞은 걸음 t", ylim=(0, 1.15))
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

# %% [markdown]
# 같은 잡음에서 출발하면 같은 이미지가 나올까요? 출발점 20개에서 열 번씩 되돌려 보면, DDPM은 길에서 섞는 잡음이 이미지를 정하고 DDIM은 출발점이 이미지를 정해요.

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    for name, eta in (("ddpm", 1.0), ("ddim", 0.0)):
        ratios = []
        for model in models:
            start = torch.randn(20, 64).repeat_interleave(
                10, dim=0
            )  # (200, 64): each start ten times
            distance = torch.cdist(
                *[generate(model, start, steps=100, eta=eta)] * 2,
                compute_mode="donot_use_mm_for_euclid_dist",
            )
            group = torch.arange(200) // 10
            same = (group[:, None] == group) & ~torch.eye(200, dtype=torch.bool)
            ratios.append(
                (
                    distance[same].mean() / distance[group[:, None] != group].mean()
                ).item()
            )
        print(
            f"{name.upper()}: 같은 출발점에서 나온 이미지끼리의 거리는 다른 출발점에서 나온 이미지끼리의 {mean(ratios):.2f}배"
        )
        evidence[f"same_start_{name}"] = ratios

    x, t = torch.randn(500, 64), torch.tensor([500, 499])
    once, again = (next(reversing(models[0], x, t))[1] for _ in range(2))
    mixed_in = (once - again).var().item() / 2  # only the fresh noise differs
    mixed_in /= BETA[500 - 1].item()  # beside what the forward step added
    print(
        f"t = 500의 한 걸음이 되섞는 잡음의 분산은 정방향의 그 걸음이 더한 것의 {mixed_in:.2f}배"
    )
    evidence["mixed_in"] = mixed_in

# %% [markdown]
# ## 꼭 1000걸음이어야 할까요?
#
# 학습은 그대로 두고, 되돌릴 때만 걸음을 띄엄띄엄 골라요. DDPM처럼 새 잡음을 섞을 때와 DDIM처럼 섞지 않을 때를 나란히 봐요.
# 끝으로 손실이 최소인 답이 한 걸음에 뛰면 무엇이 나오는지, 1000걸음을 다 걷되 DDPM의 식에서 **새 잡음만 빼면** 어떻게 되는지 봐요.

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    counts = (1, 5, 20, 100)
    fewer = {
        (name, count): [
            same_side(
                generate(model, torch.randn(500, 64), count, eta=eta), split[2]
            )
            for model, split in zip(models, splits)
        ]
        for name, eta in (("ddpm", 1.0), ("ddim", 0.0))
        for count in counts
    }
    fewer["ddpm", T] = [row[1] for row in found["ddpm"]]
    rows = [
        [
            f"{count}",
            *(
                f"{mean(fewer[key, count]):.1%} ± {stdev(fewer[key, count]):.1%}"
                if (key, count) in fewer
                else "–"
                for key in ("ddpm", "ddim")
            ),
        ]
        for count in (*counts, T)
    ]
    table(
        "steps",
        "걸음 수와 같은 편 이웃의 비율 (50%에 가까울수록 진짜와 닮음)",
        ["걸음", "새 잡음을 섞음", "섞지 않음 (DDIM)"],
        rows,
    )
    evidence |= {
        f"{name}_{count}": values for (name, count), values in fewer.items()
    }
    null["다섯 걸음만 걸은 것"] = {
        f"ddpm_{T}": fewer["ddpm", 5],
        "ddim_100": fewer["ddim", 5],
    }

    quiet = generate(models[0], torch.randn(100, 64), fresh=False)
    one_jump = generate(optimal_noise(splits[0][0]), torch.randn(100, 64), steps=1)
    variety = {
        name: (x.var(dim=0).sum() / splits[0][2].var(dim=0).sum()).item()
        for name, x in (
            ("ddpm", samples[0]),
            ("quiet", quiet),
            ("one_jump", one_jump),
        )
    }
    print(
        f"진짜에 견준 표본의 분산: DDPM {variety['ddpm']:.2f}배, 새 잡음을 빼면 {variety['quiet']:.3f}배"
    )
    evidence |= {f"variety_{name}": value for name, value in variety.items()}
    print(
        f"손실이 최소인 답으로 한 걸음에 뛰면 {variety['one_jump']:.3f}배, 곧 모두 같은 평균 이미지"
    )

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    start = torch.randn(8, 64)
    rows = [
        ("한 걸음, 최선", one_jump[:8]),
        *(
            (f"DDIM {count}걸음", generate(models[0], start, count, eta=0.0))
            for count in (5, 20, 100)
        ),
        ("새 잡음 없이", quiet[:8]),
    ]
    alt = (
        f"한 걸음에 뛰면 최선의 답도 모두 같은 평균 이미지이고, DDIM은 걸음이 늘수록 또렷해져요. DDPM에서 새 잡음을 빼면 분산이 진짜의 "
        f"{variety['quiet']:.3f}배로 줄어 여덟 장이 거의 같아져요."
    )
    show(pictures(rows), "few_steps", alt)

# %%
if __name__ == "__main__":
    tolerance = {
        "step_size": 0.01,
        **{name: 0.005 for name in evidence if name.endswith("_loss")},
        "variance_T": 0.02,
        "variance_without_shrinking": 0.2,
        **{name: 0.3 for name in evidence if name.endswith("_nearest")},
        **{
            name: 0.05
            for name in evidence
            if name.endswith(("_same_side", "_copies"))
        },
        **{name: 0.02 for name in evidence if name.endswith("_energy")},
        **{
            name: 0.05
            for name in evidence
            if name.startswith(("ddpm_1", "ddpm_2", "ddpm_5", "ddim_"))
        },
        **{
            name: 0.05
            for name in evidence
            if name.startswith(("back_", "identified_", "variety_", "same_start_"))
        },
    }
    evidence
