# %% [markdown]
# # 합성곱은 무엇을 가정할까요: 지역성, 가중치 공유, 등변성
#
# "CNN은 이동에 불변"이라는 말을 한 층, 한 모델씩 재면서 풀어 봐요. 먼저 층이 입력의 어디를 보는지 그리고, 이미지를 옮기고 돌렸을 때
# 한 층의 출력이 어떻게 바뀌는지 잰 다음, 가장자리를 채우는 법과 반씩 줄이는 층과 마지막 풀링을 하나씩만 바꾼 CNN들에
# 옮기고 돌린 숫자를 보여 줘요.

# %%
import copy
import math
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


# %% [markdown]
# 완전 연결은 배우기 전에 어느 입력도 따로 대하지 않아요. 입력의 순서를 바꾸고 첫 층 가중치의 열도 똑같이 바꾸면, **배우는 과정까지** 똑같은지 봐요.
# 처음 가중치는 모두 같은 분포에서 뽑으니, 열을 바꾼 가중치도 똑같이 나올 법한 시작이에요.


# %%
def learned_in_order(seed, order, steps=20):
    """What two fully connected layers answer after learning from inputs put in this
    order, their first weights put in it too: (64, 4)."""
    torch.manual_seed(seed)
    x, y = torch.randn(64, LENGTH), torch.randn(64, 4)
    model = nn.Sequential(nn.Linear(LENGTH, 32), nn.ReLU(), nn.Linear(32, 4))
    model[0].weight.data = model[0].weight.data[:, order]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(model(x[:, order]), y).backward()
        optimizer.step()
    return model(x[:, order]).detach()


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {"fc_weights": LENGTH**2}, {}
    lag = torch.arange(LENGTH)[:, None] - torch.arange(
        LENGTH
    )  # i - j: how long ago the input came
    conv_reach, conv_spread, copy_difference, fc_zeros = 0, 0, 0, 0
    rnn_future, rnn_decay, rnn_delay, fc_order = 0, [], 0, []
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
        order = torch.arange(LENGTH)
        forward, reverse = (
            learned_in_order(seed, o) for o in (order, order.flip(0))
        )
        fc_order.append(relative_error(reverse, forward))
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
    evidence |= {"fc_zeros": fc_zeros, "fc_order": fc_order}
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


def four_ways(conv, x):
    """A group convolution's first layer: what each filter finds in each of its four
    turns, kept apart: (n, 3, S, S) -> (4, n, 16, S, S)."""
    turns = [conv.weight.rot90(k, dims=(2, 3)) for k in range(4)]
    wide = F.pad(x, (1, 1, 1, 1), mode="circular")
    return torch.stack([F.conv2d(wide, turn) for turn in turns])


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

    averaged = symmetric(copy.deepcopy(conv))

    def gap(x, conv=conv):  # everywhere's mean: (n, 16, 1, 1)
        return conv(x).relu().mean((2, 3), keepdim=True)

    def found(x):  # how much of each filter's each turn there is: (4, 1, 16)
        return four_ways(conv, x).relu().mean((3, 4))

    bar = torch.zeros(1, 3, 12, 12)
    bar[:, :, 5, 2:10] = 1  # a stroke from left to right
    stroke = bar.rot90(dims=(2, 3))  # and one from top to bottom
    kept = four_ways(conv, x)  # turned, each turn's output is the next's
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
        "symmetric_rotation": rotation_error(averaged, x),
        "bars_averaged": relative_error(gap(stroke, averaged), gap(bar, averaged)),
        "four_ways": relative_error(
            four_ways(conv, x.rot90(dims=(2, 3))),
            kept.roll(1, 0).rot90(dims=(3, 4)),
        ),
        "bars_kept": relative_error(found(stroke), found(bar)),
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
        "symmetric_rotation": "네 방향을 평균 낸 필터, 90° 돌림",
        "bars_averaged": "평균 낸 필터: 가로획과 세로획의 차이",
        "four_ways": "네 방향을 따로 둔 필터, 90° 돌림",
        "bars_kept": "따로 둔 필터: 가로획과 세로획의 차이",
    }
    error = {key: statistics.mean(evidence[f"error_{key}"]) for key in korean}
    rows = [
        [korean[key], f"{value:.2f}" if value > 0.005 else f"{value:.0e}"]
        for key, value in error.items()
    ]
    table(
        "layer_errors",
        "학습하지 않은 3×3 합성곱 한 층의 출력은 입력을 1 px 옮기면 똑같이 따라 옮겨 가지만(오차 "
        f"{error['shift']:.0f}), 보폭이 2이거나({error['stride_1px']:.2f}) 입력을 90° "
        f"돌리면({error['rotation']:.2f}) 따라가지 못해요. 상대 오차, 시드 다섯의 평균",
        ["무엇을 했나", "오차"],
        rows,
    )

# %% [markdown]
# ## CNN 다섯: 하나씩만 바꿔요
#
# 모두 3×3 합성곱 셋이고 폭도 같아요(8, 16, 32채널). 바꾸는 것은 셋이에요.
#
# - **가장자리**: 반대편과 이어 붙이거나(circular), 흔히 하듯 0으로 채워요(zero padding).
# - **반씩 줄이기**: 앞의 두 합성곱 뒤에 2×2 최대 풀링을 두거나 두지 않아요. 두면 16×16이 4×4가 돼요.
# - **마지막**: 모든 자리에서 가장 큰 값만 남기거나(전역 풀링), 모든 자리를 한 줄로 펴요.


# %%
SIZE, WIDTHS = 16, (8, 16, 32)


def cnn(padding, halve, pool):
    """Three convolutions, (B, 1, 16, 16) -> (B, 10). padding: "circular" or "zeros";
    halve: max-pool after the first two; pool: forget the place at the end."""
    layers = []
    for depth, (C, D) in enumerate(zip((1, *WIDTHS), WIDTHS)):
        layers += [nn.Conv2d(C, D, 3, padding=1, padding_mode=padding), nn.ReLU()]
        if halve and depth < 2:
            layers.append(nn.MaxPool2d(2))
    if pool:
        layers.append(nn.AdaptiveMaxPool2d(1))
    cells = 1 if pool else SIZE // 4 if halve else SIZE  # a side
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(WIDTHS[-1] * cells**2, 10)
    )


MODELS = {  # key: name, padding, halve, pool
    "pooled": ("이어 붙임", "circular", False, True),
    "zeros": ("0 채움", "zeros", False, True),
    "halved": ("이어 붙임, 반씩 줄임", "circular", True, True),
    "halved_zeros": ("0 채움, 반씩 줄임", "zeros", True, True),
    "flat": ("0 채움, 반씩 줄임, 펼치기", "zeros", True, False),
}


# %% [markdown]
# 배우기 전에 먼저, 0 채움이 닿는 칸이 얼마나 되는지 봐요. **가중치가 같은** 두 모델에서 채우는 법만 바꾸고 출력이 달라지는 칸을 세요.


# %%
@torch.no_grad()
def touched(seed, halve, x):
    """Which cells before the last pooling hear how the border of x (n, 1, 16, 16)
    is filled: (S, S) of True and False."""
    bodies = []
    for padding in ("circular", "zeros"):
        torch.manual_seed(seed)
        bodies.append(cnn(padding, halve, True)[:-3])
    difference = bodies[0](x) - bodies[1](x)  # (n, 32, S, S)
    return difference.abs().amax((0, 1)) > 1e-5


# %%
if __name__ == "__main__":
    fig, axes = plt.subplots(1, 2, figsize=(4.5, 2.4))
    for ax, halve, key, name in zip(
        axes, (False, True), ("whole", "halved"), ("줄임 없음", "두 번 반씩 줄임")
    ):
        x = torch.randn(16, 1, SIZE, SIZE)
        cells = torch.stack([touched(seed, halve, x) for seed in LAYER_SEEDS])
        evidence[f"touched_{key}"] = cells.double().mean((1, 2)).tolist()
        ax.imshow(cells.any(0), cmap="Oranges", vmin=0, vmax=1.6)
        share = statistics.mean(evidence[f"touched_{key}"])
        ax.set(title=f"{name}: {share:.0%}", xticks=[], yticks=[])
        ax.grid(False)
    show(
        fig,
        "border",
        "0 채움이 닿는 칸(진한 색)은 합성곱 셋이면 테두리 3 px이고, 사이에 두 번 반씩 줄이면 "
        f"4×4칸의 {share:.0%}예요.",
    )


# %% [markdown]
# ## 가운데에서만 배우고, 옮긴 숫자로 시험해요
#
# 8×8 손글씨 숫자를 16×16 칸의 **가운데에만** 놓고 1000장을 배워요. 시험할 때는 네 방향으로 1, 2, 4 px 옮겨요. 4 px이면 숫자가 가장자리에 닿아요.
# 반씩 줄이는 모델은 늦게 맞아 들어가서 더 오래 학습해요. 시험 500장은 어디에서도 고르는 데 쓰지 않았고, 시드가 바꾸는 것은 처음 가중치와 배우는 순서예요.


# %%
STEPS = {False: 180, True: 320}  # halved, it fits later
SEEDS, SHIFTS = range(5), (0, 1, 2, 4)


def place(digits, dy=0, dx=0):
    """Digits (n, 1, 8, 8) on an empty 16 x 16 canvas, dy down and dx right of its
    middle."""
    return F.pad(digits, (4 + dx, 4 - dx, 4 + dy, 4 - dy), value=-MEAN / STD)


def moved(digits, pixels):
    """The digits moved by so many pixels in each of the four directions: four
    batches (n, 1, 16, 16)."""
    return [
        place(digits, pixels * dy, pixels * dx)
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0))
    ]


def right(model, images, labels):
    """Accuracy by batches of 100, which the processor's cache holds: faster."""
    return statistics.mean(
        accuracy(model, *batch)
        for batch in zip(images.split(100), labels.split(100), strict=True)
    )


def trained(key, seed, lr, digits, labels):
    """The model of this key after learning the digits in the middle."""
    torch.manual_seed(seed)
    _, padding, halve, pool = MODELS[key]
    model = cnn(padding, halve, pool)
    if halve or padding == "zeros":  # faster; else circular padding is, without
        model = model.to(memory_format=torch.channels_last)
    train(model, place(digits), labels, seed, lr=lr, steps=STEPS[halve])
    return model


# %% [markdown]
# 학습률은 모델마다 0.003, 0.01, 0.03 가운데 **가운데 놓인 검증 297장**에서 가장 많이 맞힌 것이에요. 아래 함수로 골랐는데, 1분쯤 걸려서 고른 값만 적어
# 뒀어요.


# %%
def best_rate(key, seeds=(97, 98, 99)):
    """The rate whose models, of seeds that are not used again, do best in the
    validation."""
    (digits, labels), (unseen, answers), _ = load(0)

    def score(lr):
        return statistics.mean(
            accuracy(trained(key, seed, lr, digits, labels), place(unseen), answers)
            for seed in seeds
        )

    return max((0.003, 0.01, 0.03), key=score)


RATES = {
    "pooled": 0.01,
    "zeros": 0.03,
    "halved": 0.03,
    "halved_zeros": 0.01,
    "flat": 0.01,
}


# %% [markdown]
# 함께 물어요. 숫자가 왼쪽에 있는지 오른쪽에 있는지를 마지막 층에 들어가는 특징에서 **읽어 낼 수 있을까요?** 2 px 왼쪽과 오른쪽에 놓은 숫자의 특징에
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


# %% [markdown]
# 돌리는 것도 재요. 5°나 30°로 돌리면 픽셀 사이의 값을 메워야 해서(bilinear) 그림이 조금 흐려져요. 흐려진 탓과 돌린 탓을 가르려고,
# **돌렸다가 되돌린** 숫자도 맞혀 보게 해요. 두 번 흐려졌지만 똑바로 서 있어요.


# %%
ANGLES = (5, 10, 15, 20, 30, 45, 90)


def turn(images, degrees):
    """Images (n, 1, S, S) turned about their middle."""
    angle = torch.deg2rad(torch.tensor(float(degrees)))
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.tensor([[cos, -sin, 0], [sin, cos, 0]])
    grid = F.affine_grid(
        matrix.expand(len(images), 2, 3), images.shape, align_corners=False
    )
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def turned(model, digits, labels, degrees):
    """Accuracy on digits (n, 1, 8, 8) turned to the left, and on the same turned
    back again."""
    there = turn(place(digits), degrees)
    back = turn(there, -degrees)
    return right(model, there, labels), right(model, back, labels)


def note(book, name, value):
    """Put a value at the end of the book's list of this name."""
    book.setdefault(name, []).append(value)


# %%
if __name__ == "__main__":
    (digits, labels), _, (test_digits, test_labels) = load(0)
    blurred, still = {}, {}

    for key in MODELS:
        for seed in SEEDS:
            model = trained(key, seed, RATES[key], digits, labels)
            note(evidence, f"{key}_fit", right(model, place(digits), labels))
            for pixels in SHIFTS:
                found = [
                    right(model, x, test_labels)
                    for x in moved(test_digits, pixels)[: 4 if pixels else 1]
                ]
                note(evidence, f"{key}_{pixels}px", statistics.mean(found))
            if key in ("pooled", "halved_zeros", "flat"):
                side = side_accuracy(model[:-1], test_digits, n_train=300)
                note(evidence, f"{key}_side", side)
            for angle in ANGLES if key == "pooled" else ():
                there, back = turned(model, test_digits, test_labels, angle)
                note(evidence, f"turned_{angle}", there)
                note(blurred, f"turned_{angle}", back)
            if key in ("pooled", "halved"):
                with torch.no_grad():
                    before, after = (
                        model(place(test_digits, 4 * by)) for by in (0, 1)
                    )
                note(evidence, f"{key}_logit", relative_error(after, before))
        for pixels in SHIFTS:
            still[f"{key}_{pixels}px"] = evidence[f"{key}_0px"]
    still |= {f"turned_{angle}": evidence["pooled_0px"] for angle in ANGLES}
    null["옮기지도 돌리지도 않은 숫자"] = still
    null["돌렸다 되돌린 숫자"] = blurred
    evidence["turned_back_45"] = blurred["turned_45"]
    evidence["fit"] = min(min(evidence[f"{key}_fit"]) for key in MODELS)
    mean = {
        name: statistics.mean(value)
        for name, value in evidence.items()
        if isinstance(value, list)
    }

    fig, ax = plt.subplots(figsize=(4.5, 3.2))
    colours = (BLUE, BLUE, GREEN, GREEN, ORANGE)
    for (key, (name, padding, *_)), colour in zip(MODELS.items(), colours):
        y = torch.tensor([evidence[f"{key}_{pixels}px"] for pixels in SHIFTS])
        style = "o-" if padding == "circular" else "s--"
        ax.plot(SHIFTS, y.mean(1), style, color=colour, label=name)
        ax.fill_between(
            SHIFTS, y.amin(1), y.amax(1), color=colour, alpha=0.2, linewidth=0
        )
    ax.axhline(0.1, color=INK, linewidth=1, linestyle=":")
    ax.set(
        xlabel="시험할 때 옮긴 거리 (px)",
        title="시험 정확도",
        xticks=SHIFTS,
        ylim=(0, 1.02),
    )
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    show(
        fig,
        "shift_accuracy",
        "4 px 옮기면 시험 정확도가 "
        + ", ".join(
            f"{name} {mean[f'{key}_0px']:.0%} → {mean[f'{key}_4px']:.0%}"
            for key, (name, *_) in MODELS.items()
        )
        + "로 바뀌어요. 점선은 찍기(10%)예요.",
    )
    rows = [
        [
            name,
            f"{sum(p.numel() for p in cnn(*options).parameters()):,}",
            f"{STEPS[options[1]]}",
            f"{RATES[key]}",
            f"{mean[f'{key}_fit']:.1%}",
            f"{mean[f'{key}_0px']:.1%}",
        ]
        for key, (name, *options) in MODELS.items()
    ]
    straight = [math.floor(100 * mean[f"{key}_0px"]) / 100 for key in MODELS]
    table(
        "trained",
        f"옮기지 않은 시험 숫자는 다섯 모델이 모두 {min(straight):.0%} 넘게 맞혀요. "
        f"한 스텝에 32장씩 학습했고, 시드 {len(SEEDS)}개의 평균이에요",
        ["모델", "파라미터", "스텝", "학습률", "학습", "시험"],
        rows,
    )

# %%
if __name__ == "__main__":
    fig, ax = plt.subplots()
    for name, book, colour, style in (
        ("돌렸다 되돌린 숫자", blurred, INK, "^:"),
        ("돌린 숫자", evidence, BLUE, "o-"),
    ):
        y = torch.tensor(
            [evidence["pooled_0px"], *(book[f"turned_{a}"] for a in ANGLES)]
        )
        ax.plot((0, *ANGLES), y.mean(1), style, color=colour, label=name)
        ax.fill_between(
            (0, *ANGLES), y.amin(1), y.amax(1), color=colour, alpha=0.2, linewidth=0
        )
    ax.axhline(0.1, color=INK, linewidth=1, linestyle=":")
    ax.set(
        xlabel="돌린 각도 (°)",
        title="시험 정확도",
        xticks=(0, 15, 30, 45, 60, 90),
        ylim=(0, 1.02),
    )
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.legend(loc="center right")
    show(
        fig,
        "turned",
        f"전역 풀링을 둔 CNN의 시험 정확도는 5° 돌리면 {mean['turned_5']:.0%}, 15°에 "
        f"{mean['turned_15']:.0%}, 30°에 {mean['turned_30']:.0%}, 45°에 "
        f"{mean['turned_45']:.0%}예요. 돌렸다 되돌린 숫자는 45°에서도 "
        f"{statistics.mean(blurred['turned_45']):.0%}예요.",
    )

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.1 for name in evidence if name.startswith((*MODELS, "turned"))
    }
    tolerance |= {"pooled_logit": 1e-4, "halved_logit": 1e-4, "pooled_side": 1e-6}
    tolerance["fit"] = 0.02
    evidence
