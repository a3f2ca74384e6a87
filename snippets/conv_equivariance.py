# %% [markdown]
# # 합성곱은 무엇을 가정할까요: 지역성, 가중치 공유, 등변성
#
# "CNN은 이동에 불변"이라는 말을 한 층, 한 모델씩 재면서 풀어 봐요. 먼저 층이 입력의 어디를 보는지 그리고, 이미지를 옮기고 돌렸을 때
# 한 층의 출력이 어떻게 바뀌는지 잰 다음, 학습한 CNN 셋에 자리를 옮긴 숫자를 보여 줘요.

# %%
import statistics

import scenes
import torch
import torch.nn.functional as F
from lib.digits import MEAN, STD, load, train
from lib.figure import BLUE, GREEN, INK, ORANGE, plt, show, table
from lib.measure import accuracy, relative_error
from torch import nn

SEEDS = LAYER_SEEDS = range(5)
LENGTH = 12  # of the sequences


# %% [markdown]
# ## 층마다 어디를 볼까요
#
# 길이 12인 수열을 넣고 $|\partial y_i / \partial x_j|$를 모든 짝에서 재요. 막 초기화한 층이라 배운 것이 없으니, 보이는 무늬는 모두 **구조가 정한 가정**이에요.


# %%
def sequence_layers(seed):
    """Three untrained maps of a sequence, (1, T) -> (1, T) each: a convolution, an
    RNN, a fully connected layer."""
    torch.manual_seed(seed)
    conv, fc = nn.Conv1d(1, 1, kernel_size=3, padding=1), nn.Linear(LENGTH, LENGTH)
    rnn, out = nn.RNN(1, 16, bias=False), nn.Linear(16, 1)
    return {"합성곱": conv, "RNN": lambda x: out(rnn(x.T)[0]).T, "완전 연결": fc}


def jacobian(f, x):
    """dy_i / dx_j of f: (1, T) -> (1, T) at x, as a (T, T) matrix: row = output,
    column = input."""
    return torch.autograd.functional.jacobian(f, x)[0, :, 0]


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {"fc_weights": LENGTH**2}, {}
    lag = torch.arange(LENGTH)[:, None] - torch.arange(
        LENGTH
    )  # i - j: how long ago the input came
    conv_reach, conv_spread, copy_difference, fc_zeros = 0, 0, 0, 0
    rnn_future, rnn_decay, rnn_delay, fc_flip, mean_flip = 0, [], 0, [], 0
    for seed in LAYER_SEEDS:
        f, x = sequence_layers(seed), torch.randn(1, LENGTH)
        J = {name: jacobian(f[name], x) for name in f}
        conv_reach = max(conv_reach, lag[J["합성곱"] != 0].abs().max().item())
        conv_spread = max(
            conv_spread,
            max(J["합성곱"].diagonal(k).std().item() for k in (-1, 0, 1)),
        )
        fc_zeros += (J["완전 연결"] == 0).sum().item()
        rnn_future = max(rnn_future, J["RNN"][lag < 0].abs().max().item())
        size = J["RNN"].abs()
        rnn_decay.append(
            (size.diagonal(-6).mean() / size.diagonal().mean()).item()
        )  # six steps ago against now
        delayed = F.pad(x, (3, 0))[:, :LENGTH]  # three steps of silence first
        rnn_delay = max(
            rnn_delay, relative_error(f["RNN"](delayed)[:, 3:], f["RNN"](x)[:, :-3])
        )
        fc_flip.append(
            relative_error(f["완전 연결"](x.flip(1)), f["완전 연결"](x))
        )  # the same inputs in reverse
        mean_flip = max(mean_flip, abs(x.flip(1).mean() / x.mean() - 1).item())
        f["완전 연결"].weight.data, f["완전 연결"].bias.data = (
            J["합성곱"],
            f["합성곱"].bias.data.repeat(LENGTH),
        )
        copy_difference = max(
            copy_difference, (f["완전 연결"](x) - f["합성곱"](x)).abs().max().item()
        )
        if seed == 0:
            conv_zeros = (J["합성곱"] == 0).double().mean().item()
            fig, axes = plt.subplots(1, 3, figsize=(4.5, 2))
            for ax, name in zip(axes, J):
                size = J[name].abs() / J[name].abs().max()
                ax.imshow(
                    size.where(size > 0, torch.nan).log10(),
                    cmap="Blues",
                    vmin=-4,
                    vmax=0,
                )
                ax.set(title=name, xticks=[], yticks=[], xlabel="입력 j")
                ax.spines[:].set_visible(True)
                ax.grid(False)
            axes[0].set_ylabel("출력 i")
    evidence |= {
        "conv_reach": conv_reach,
        "conv_zeros": conv_zeros,
        "conv_spread": conv_spread,
    }
    evidence |= {
        "rnn_future": rnn_future,
        "rnn_decay": rnn_decay,
        "rnn_delay": rnn_delay,
    }
    evidence |= {"fc_zeros": fc_zeros, "fc_flip": fc_flip, "mean_flip": mean_flip}
    evidence["copy_difference"] = copy_difference
    show(
        fig,
        "jacobian",
        f"합성곱은 {conv_reach}칸 이웃까지만, RNN은 지나간 입력만, 완전 연결은 모든 입력을 봐요. 빈칸은 미분이 "
        "정확히 0인 짝이고, 진할수록 영향이 커요.",
    )
    print(
        f"합성곱: {LENGTH}×{LENGTH}칸 가운데 {conv_zeros:.0%}가 0이고, 남은 칸을 채우는 가중치는 3개뿐이에요."
    )
    print(
        f"완전 연결의 가중치에 그 띠를 베껴 넣으면 합성곱과 출력 차이 {copy_difference:.0e}"
    )
    print(
        f"RNN: 뒤에 올 입력의 영향 {rnn_future}, 여섯 걸음 전의 영향은 지금의 {statistics.mean(rnn_decay):.2f}배"
    )


# %% [markdown]
# ## 한 층: 옮기고 돌려 봐요
#
# 출력이 **따라 옮겨 가면** 등변(equivariance), **그대로면** 불변(invariance)이에요. 입력을 옮겨 넣은 출력과 원래 출력을 칸 단위로 옮긴 것을 견줘서,
# 가장 잘 맞는 자리에서의 상대 오차를 재요. 이미지는 24 px 장면이고, 가장자리는 반대편과 이어 붙였어요(circular).


# %%
def shift_error(f, x, pixels):
    """Relative error between f of images x moved diagonally and f(x) moved by the
    number of cells that fits best."""
    moved, z = f(x.roll((pixels, pixels), dims=(2, 3))), f(x)  # (n, C, h, w)
    return min(
        relative_error(moved, z.roll((cells, cells), dims=(2, 3)))
        for cells in range(pixels + 1)
    )


def rotation_error(f, x):
    """Relative error between f of images x turned by 90 degrees and f(x) turned."""
    return relative_error(f(x.rot90(dims=(2, 3))), f(x).rot90(dims=(2, 3)))


def symmetric(conv):
    """Make each filter the mean of its four turns, so that it looks the same from
    all four sides."""
    with torch.no_grad():
        conv.weight.copy_(
            sum(conv.weight.rot90(k, dims=(2, 3)) for k in range(4)) / 4
        )
    return conv


@torch.no_grad()
def layer_errors(seed, x):
    """What an untrained 3 x 3 convolution does to images x (n, 3, S, S) that are
    moved or turned: name -> error."""
    torch.manual_seed(seed)
    conv = nn.Conv2d(3, 16, 3, padding=1, padding_mode="circular", bias=False)
    strided = nn.Conv2d(
        3, 16, 3, stride=2, padding=1, padding_mode="circular", bias=False
    )
    strided.load_state_dict(conv.state_dict())

    def gap(x):  # everywhere's mean: (n, 16, 1, 1)
        return conv(x).relu().mean((2, 3), keepdim=True)

    return {
        "shift": shift_error(conv, x, 1),
        "stay": relative_error(
            conv(x.roll((1, 1), dims=(2, 3))), conv(x)
        ),  # invariance, not equivariance
        "stride_1px": shift_error(strided, x, 1),
        "stride_2px": shift_error(strided, x, 2),
        "max_pool_1px": shift_error(
            lambda x: F.max_pool2d(conv(x).relu(), 2), x, 1
        ),
        "gap_shift": shift_error(gap, x, 1),
        "rotation": rotation_error(conv, x),
        "symmetric_rotation": rotation_error(symmetric(conv), x),
    }


# %%
if __name__ == "__main__":
    x = scenes.draw(16, 24, seed=0)[0]
    errors = [layer_errors(seed, x) for seed in LAYER_SEEDS]
    evidence |= {f"error_{key}": [e[key] for e in errors] for key in errors[0]}
    korean = {
        "shift": "1 px 옮김: 따라 옮겨 가나",
        "stay": "1 px 옮김: 그대로인가",
        "stride_1px": "보폭 2, 1 px 옮김",
        "stride_2px": "보폭 2, 2 px 옮김",
        "max_pool_1px": "2×2 최대 풀링, 1 px 옮김",
        "gap_shift": "전역 평균 풀링, 1 px 옮김",
        "rotation": "90° 돌림",
        "symmetric_rotation": "돌려도 같은 필터, 90° 돌림",
    }
    error = {key: statistics.mean(evidence[f"error_{key}"]) for key in korean}
    rows = [
        [korean[key], f"{value:.2f}" if value > 0.005 else f"{value:.0e}"]
        for key, value in error.items()
    ]
    table(
        "layer_errors",
        "막 초기화한 합성곱 한 층의 상대 오차 (시드 5개 평균): 0이면 그 성질이 있어요",
        ["무엇을 했나", "오차"],
        rows,
    )

# %% [markdown]
# ## 가장자리를 0으로 채우면
#
# 실제로는 가장자리를 0으로 채울 때가 많아요(zero padding). 넓은 장면을 1 px 비껴서 두 번 오려 내고, 겹치는 부분의 출력을 견줘요.
# 합성곱을 쌓을수록 어긋나는 테두리가 안으로 번져요.


# %%
def stack(depth):
    """Convolutions with zeros at the border and ReLUs: (n, 3, S, S) -> (n, 16, S,
    S)."""
    widths = [3] + [16] * depth
    return nn.Sequential(
        *[
            nn.Sequential(nn.Conv2d(C, D, 3, padding=1), nn.ReLU())
            for C, D in zip(widths, widths[1:])
        ]
    )


@torch.no_grad()
def border_error(f, wide):
    """Where f of two crops of (n, 3, S + 1, S + 1) a pixel apart disagrees, over
    f's mean size: (S - 1, S - 1)."""
    a, b = (
        f(wide[..., 1:, 1:]),
        f(wide[..., :-1, :-1]),
    )  # b shows the same a pixel further right and down
    return (b[..., 1:, 1:] - a[..., :-1, :-1]).abs().mean((0, 1)) / a.abs().mean()


# %%
if __name__ == "__main__":
    wide = scenes.draw(16, 25, seed=1)[0]
    rings, inner, outer = {}, 0, []
    fig, axes = plt.subplots(1, 2, figsize=(4.5, 2.4))
    for depth, ax in zip((1, 3), axes):
        maps = []
        for seed in LAYER_SEEDS:
            torch.manual_seed(seed)
            maps.append(border_error(stack(depth), wide))
        wrong = torch.stack(maps).amax(0)  # (23, 23): at worst
        rings[depth] = (
            (wrong[11, :12] > 1e-5).sum().item()
        )  # px from the left, halfway down
        inner = max(inner, wrong[3:-3, 3:-3].max().item())
        outer.append(torch.stack(maps)[:, :, 0].mean().item())
        picture = ax.imshow(
            torch.stack(maps).mean(0), cmap="Oranges", vmin=0, vmax=0.5
        )
        ax.set(title=f"합성곱 {depth}층", xticks=[], yticks=[])
        ax.grid(False)
    evidence |= {
        "border_inner": inner,
        "border_outer": outer[0],
        "border_ring_1": rings[1],
        "border_ring_3": rings[3],
    }
    fig.colorbar(picture, ax=axes, shrink=0.8, label="상대 오차")
    show(
        fig,
        "border",
        f"어긋나는 곳은 가장자리뿐이에요. 테두리의 폭은 한 층이면 {rings[1]} px, 세 층이면 {rings[3]} px이고, 그 안쪽 오차는 "
        f"{inner:.0e}이에요.",
    )


# %% [markdown]
# ## 학습한 CNN: 마지막에 무엇을 두느냐가 갈라요
#
# 8×8 손글씨 숫자를 12×12 칸의 **가운데에만** 놓고 학습한 다음, 시험할 때 한두 픽셀 옮겨요.
#
# - **줄임 없음 + 전체 풀링**: 반씩 줄이지 않는 합성곱 셋. 모든 자리에서 가장 큰 값만 남기고(전역 최대 풀링) 분류해요.
# - **반씩 줄임 + 전체 풀링**: 흔히 하듯 합성곱마다 2×2 최대 풀링을 두고, 마지막은 같아요.
# - **반씩 줄임 + 펼치기**: 마지막 풀링 대신 모든 자리를 한 줄로 펴서 분류해요.


# %%
def equivariant_body():
    """Three convolutions and nothing that skips a pixel: (B, 1, 12, 12) -> (B, 32,
    12, 12)."""
    options = {"kernel_size": 3, "padding": 1, "padding_mode": "circular"}
    return [
        nn.Conv2d(1, 8, **options),
        nn.ReLU(),
        nn.Conv2d(8, 16, **options),
        nn.ReLU(),
        nn.Conv2d(16, 32, **options),
        nn.ReLU(),
    ]


def halving_body():
    """Two convolutions, each with max-pooling: (B, 1, 12, 12) -> (B, 32, 3, 3)."""
    return [
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]


MODELS = {
    "줄임 없음 + 전체 풀링": lambda: nn.Sequential(
        *equivariant_body(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ),
    "반씩 줄임 + 전체 풀링": lambda: nn.Sequential(
        *halving_body(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, 10)
    ),
    "반씩 줄임 + 펼치기": lambda: nn.Sequential(
        *halving_body(), nn.Flatten(), nn.Linear(288, 10)
    ),
}
KEYS = ("pooled", "halved_pooled", "flat")
LRS = (0.03, 0.03, 0.01)


def place(digits, dy=0, dx=0):
    """Digits (n, 1, 8, 8) on an empty 12 x 12 canvas, dy down and dx right of its
    middle."""
    return F.pad(digits, (2 + dx, 2 - dx, 2 + dy, 2 - dy), value=-MEAN / STD)


def moved(digits, pixels):
    """The digits moved by so many pixels in each of the four directions: four
    batches (n, 1, 12, 12)."""
    return [
        place(digits, pixels * dy, pixels * dx)
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0))
    ]


# %% [markdown]
# 함께 하나 더 물어요. 숫자가 왼쪽에 있는지 오른쪽에 있는지, 마지막 층에 들어가는 특징에서 **읽어 낼 수 있을까요?** 2 px 왼쪽과 오른쪽에 놓은 숫자의 특징에
# 선형 분류기를 맞춰 봐요.


# %%
def side_accuracy(features, digits, n_train):
    """How well ridge regression on features tells digits moved two pixels left from
    right, the first n_train fitted."""
    with torch.no_grad():
        X = torch.stack(
            [features(place(digits, dx=side)) for side in (-2, 2)]
        )  # (2, n, d)
    X = F.pad((X - X.mean((0, 1))) / (X.std((0, 1)) + 1e-6), (0, 1), value=1.0)
    seen, unseen = X[:, :n_train].flatten(0, 1), X[:, n_train:]
    side = torch.tensor([-1.0, 1.0])[:, None]
    targets = side.expand(-1, n_train).flatten()  # (2 * n_train,)
    weights = torch.linalg.solve(
        seen.T @ seen + 0.01 * n_train * torch.eye(X.shape[-1]), seen.T @ targets
    )
    return (
        ((unseen @ weights > 0) == (side > 0)).double().mean().item()
    )  # a score of 0 says left


@torch.no_grad()
def measure(model, digits, labels):
    """What a model makes of digits (n, 1, 8, 8) that are moved or turned: name ->
    number."""
    middle = place(digits)
    found = {"0px": accuracy(model, middle, labels)}
    for pixels in (1, 2):
        found[f"{pixels}px"] = statistics.mean(
            accuracy(model, x, labels) for x in moved(digits, pixels)
        )
    found["rotated"] = accuracy(model, middle.rot90(dims=(2, 3)), labels)
    found["side"] = side_accuracy(model[:-1], digits, n_train=200)
    found["logit"] = relative_error(model(place(digits, 2, 1)), model(middle))
    return found


# %% [markdown]
# 배우지 않은 같은 모델도 곁에서 재요. 거기서도 나오는 값이라면 배워서 생긴 것이 아니니까요.

# %%
if __name__ == "__main__":
    untrained = null["배우지 않은 모델"] = {}
    for seed in SEEDS:
        (digits, labels), _, (test_digits, test_labels) = load(seed)
        for key, make, lr in zip(KEYS, MODELS.values(), LRS):
            torch.manual_seed(seed)
            model = make().to(
                memory_format=torch.channels_last
            )  # the same numbers, faster on a CPU
            before = measure(model, test_digits[:300], test_labels[:300])
            train(model, place(digits), labels, seed, lr=lr, steps=200)
            after = measure(model, test_digits[:300], test_labels[:300])
            for name in after:
                untrained.setdefault(f"{key}_{name}", []).append(before[name])
                evidence.setdefault(f"{key}_{name}", []).append(after[name])
    null["옮기지도 돌리지도 않은 숫자"] = {
        f"{key}_{name}": evidence[f"{key}_0px"]
        for key in KEYS
        for name in ("1px", "2px", "rotated")
    }
    mean = {
        name: statistics.mean(value)
        for name, value in evidence.items()
        if isinstance(value, list)
    }

    fig, ax = plt.subplots()
    for key, name, colour, marker in zip(
        KEYS, MODELS, (BLUE, GREEN, ORANGE), "osD"
    ):
        y = torch.tensor([evidence[f"{key}_{pixels}px"] for pixels in (0, 1, 2)])
        ax.plot([0, 1, 2], y.mean(1), marker=marker, color=colour, label=name)
        ax.fill_between(
            [0, 1, 2], y.amin(1), y.amax(1), color=colour, alpha=0.2, linewidth=0
        )
    ax.axhline(0.1, color=INK, linewidth=1, linestyle=":")
    ax.set(
        xlabel="시험할 때 옮긴 거리 (px)",
        title="시험 정확도",
        xticks=[0, 1, 2],
        ylim=(0, 1.02),
    )
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 0.12))
    show(
        fig,
        "shift_accuracy",
        "2 px 옮기면 시험 정확도가 "
        + ", ".join(
            f"{name} {mean[f'{key}_0px']:.0%} → {mean[f'{key}_2px']:.0%}"
            for key, name in zip(KEYS, MODELS)
        )
        + "로 바뀌어요.",
    )
    rows = [
        [name, f"{mean[f'{key}_rotated']:.0%}", f"{mean[f'{key}_side']:.0%}"]
        for key, name in zip(KEYS, MODELS)
    ]
    table(
        "what_is_lost",
        "시드 5개 평균: 찍으면 숫자는 10%, 좌우는 50%예요",
        ["모델", "90° 돌린 숫자", "좌우 알아내기"],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {name: 0.1 for name in evidence if name.startswith(KEYS)}
    tolerance |= {"pooled_logit": 1e-4, "pooled_side": 1e-6}
    evidence
