# %% [markdown]
# # GELU를 다른 활성화 함수로 바꾸면 달라질까요?
#
# GELU의 모양과 기울기를 ReLU, SiLU, ELU와 견주고, 작은 ViT의 MLP에서 활성화 함수(activation function)만 바꿔 똑같은 예산으로 학습해요.
# **활성화 함수를 아예 뺀 모델**도 함께 재요. 이 대조군이 뒤처지지 않는다면 실험이 차이를 볼 수 없다는 뜻이니까요. 순위는 짝지은 차이의
# **95% 구간**이 정해요. 구간이 0을 사이에 두면 어느 쪽이 나은지 말할 수 없어요.
# 마지막으로 정확한 GELU(erf)와 tanh 근사가 얼마나 다른지 재요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.digits import load, shift, small_vit, training
from lib.figure import BLUE, GREEN, ORANGE, PINK, VIOLET, show, table
from lib.measure import accuracy
from matplotlib import pyplot as plt
from torch import nn
from vit import vit

ACTIVATIONS = {
    "GELU": F.gelu,
    "ReLU": F.relu,
    "SiLU": F.silu,
    "ELU": F.elu,
    "없음": lambda x: x,
}
KEYS = dict(zip(ACTIVATIONS, ("gelu", "relu", "silu", "elu", "none")))
COLOURS = dict(zip(ACTIVATIONS, (BLUE, ORANGE, GREEN, PINK, VIOLET)))
TRAINED = [name for name in ACTIVATIONS if name != "SiLU"]
SEEDS, STEPS, MARKS = (0, 1, 2, 3, 4), 300, (50, 100, 150, 200, 250, 300)


# %% [markdown]
# ## 모양과 기울기
#
# $\mathrm{GELU}(x) = x\,\Phi(x)$예요. $\Phi$는 표준정규분포의 누적분포함수라서, 값이 클수록 더 온전히 통과시켜요.
# ReLU가 0에서 뚝 꺾이는 것과 달리 매끄럽고, 음수에서도 기울기가 조금 남아요.


# %%
def gelu(x):
    """GELU (1606.08415): x Phi(x), Phi the normal distribution's cumulative
    function, by erf."""
    return x * (1 + torch.erf(x / 2**0.5)) / 2


def gelu_tanh(x):
    """The approximation of GELU by tanh, from the same paper."""
    return x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2


def slope(f, x):
    """The derivative of f at each of x (n,)."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x).sum(), x)[0]


def bend(f, x):
    """Share of the variance of f(x) that no straight line through x (n,) explains,
    0 (a line) to 1."""
    return 1 - torch.corrcoef(torch.stack([x, f(x)]))[0, 1].item() ** 2


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {"배우지 않은 모델": {}}
    x = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    evidence["formula_difference"] = (gelu(x) - F.gelu(x)).abs().max().item()
    lowest, steepest = gelu(x).min().item(), slope(gelu, x).max().item()
    lowest_at, steepest_at = (
        x[gelu(x).argmin()].item(),
        x[slope(gelu, x).argmax()].item(),
    )
    samples = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    dead = {
        name: (slope(f, samples) == 0).double().mean().item()
        for name, f in ACTIVATIONS.items()
    }
    beside = torch.tensor([-1e-4, 1e-4])  # just below and just above 0
    jump = {name: slope(f, beside).diff().item() for name, f in ACTIVATIONS.items()}
    bends = {name: bend(f, samples) for name, f in ACTIVATIONS.items()}
    evidence |= {
        "lowest": lowest,
        "lowest_at": lowest_at,
        "steepest": steepest,
        "steepest_at": steepest_at,
    }
    for name in ("GELU", "ReLU"):
        evidence |= {
            f"{KEYS[name]}_dead": dead[name],
            f"{KEYS[name]}_jump": jump[name],
        }
    evidence |= {
        f"{KEYS[name]}_bend": bends[name]
        for name in ("GELU", "ReLU", "SiLU", "ELU")
    }
    print(
        f"GELU의 가장 작은 값은 x = {lowest_at:.2f}에서 {lowest:.3f}, 가장 큰 기울기는 x = {steepest_at:.2f}에서 {steepest:.3f}"
    )
    rows = [
        [name, f"{dead[name]:.0%}", f"{jump[name]:.3f}", f"{bends[name]:.0%}"]
        for name in list(ACTIVATIONS)[:4]
    ]
    table(
        "slopes",
        "기울기가 0인 입력의 비율, 0에서 기울기가 뛰는 폭, 직선으로 설명되지 않는 몫 (표준정규분포 입력)",
        ["함수", "기울기 0", "뛰는 폭", "굽은 몫"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(2, 1, figsize=(4.5, 5), sharex=True)
    for name, style in zip(("GELU", "ReLU", "SiLU", "ELU"), ("-", "--", "-.", ":")):
        axes[0].plot(
            x, ACTIVATIONS[name](x), style, color=COLOURS[name], label=name
        )
        axes[1].plot(x, slope(ACTIVATIONS[name], x), style, color=COLOURS[name])
    axes[0].set(title="값", ylim=(-1.2, 3), xlim=(-4, 3))
    axes[1].set(title="기울기", xlabel="입력")
    axes[0].legend()
    alt = (
        f"ReLU는 0에서 꺾이고 기울기가 {jump['ReLU']:.0f}만큼 뛰지만 GELU와 SiLU는 매끄럽고, GELU는 x = {lowest_at:.2f}에서 "
        f"{lowest:.2f}까지 내려갔다가 기울기가 1을 조금 넘어 {steepest:.2f}까지 올라가요."
    )
    show(figure, "curves", alt)

# %% [markdown]
# ## 같은 예산으로 학습해 보면
#
# 데이터는 12×12 칸의 가운데 아홉 자리 가운데 하나에 놓인 손글씨 숫자예요. 시드마다 초기값, 데이터 나누기, 보는 순서가 정해지고 네 모델이
# 그것을 똑같이 써요. 다른 것은 MLP 가운데의 함수 하나뿐이라, 시드별로 **짝지어** 견줄 수 있어요.


# %%
class ActivationMlp(nn.Module):
    """vit.py's Mlp with another activation: (B, N, D) -> (B, N, D)."""

    def __init__(self, mlp, activation):
        super().__init__()
        self.fc1, self.fc2, self.activation = mlp.fc1, mlp.fc2, activation

    def forward(self, x):
        return self.fc2(self.activation(self.fc1(x)))


def trained(activation, seed):
    """A trained model with that activation, and its accuracy on the seed's test
    images before and after MARKS steps."""
    (images, labels), _, (test_images, test_labels) = load(seed)
    images, test_images = shift(images, seed), shift(test_images, seed + 100)
    model = small_vit(seed, img_size=12, patch_size=6)
    for block in model.blocks:
        block.mlp = ActivationMlp(block.mlp, activation)
    curve = [accuracy(model, test_images, test_labels)]
    for step, _ in enumerate(
        training(model, images, labels, seed, steps=STEPS), start=1
    ):
        if step in MARKS:
            curve.append(accuracy(model, test_images, test_labels))
    return model, curve


# %%
if __name__ == "__main__":
    runs = {
        name: [trained(ACTIVATIONS[name], seed) for seed in SEEDS]
        for name in TRAINED
    }
    for name in TRAINED:
        key = KEYS[name]
        evidence[f"{key}_test"] = [curve[-1] for _, curve in runs[name]]
        null["배우지 않은 모델"][f"{key}_test"] = [
            curve[0] for _, curve in runs[name]
        ]
    ahead = {  # how far GELU is ahead, seed by seed, in %p
        name: [
            100 * (a - b)
            for a, b in zip(evidence["gelu_test"], evidence[f"{KEYS[name]}_test"])
        ]
        for name in TRAINED
    }

    def interval(values):
        """Mean of five values and half of its 95% interval (Student's t)."""
        half = 2.776 * statistics.stdev(values) / len(values) ** 0.5
        return statistics.mean(values), half

    rows = []
    for name in TRAINED:
        middle, half = interval(ahead[name])
        rows.append(
            [
                name,
                f"{statistics.mean(evidence[f'{KEYS[name]}_test']):.0%}",
                f"{middle - half:+.1f}~{middle + half:+.1f}"
                if name != "GELU"
                else "–",
            ]
        )
    table(
        "activations",
        f"{STEPS}스텝 뒤 시험 정확도와, 시드마다 GELU가 앞선 폭(%p)의 95% 구간 (시드 {len(SEEDS)}개)",
        ["함수", "정확도", "GELU가 앞선 폭"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    for name, style in zip(TRAINED, ("-", "--", ":", (0, (1, 3)))):
        mean = torch.tensor([curve[1:] for _, curve in runs[name]]).mean(
            dim=0
        )  # (marks,)
        axis.plot(
            MARKS,
            mean,
            linestyle=style,
            marker="o",
            color=COLOURS[name],
            label=name,
        )
    axis.set(xlabel="학습 스텝", title="시험 정확도 (시드 평균)")
    axis.yaxis.set_major_formatter("{x:.0%}")
    axis.legend(loc="lower right")
    last = {
        name: f"{statistics.mean(evidence[f'{KEYS[name]}_test']):.0%}"
        for name in TRAINED
    }
    alt = (
        f"GELU와 ReLU의 학습 곡선은 거의 겹쳐서 {STEPS}스텝 뒤에 {last['GELU']}, {last['ReLU']}이고, "
        f"ELU는 {last['ELU']}, 활성화 함수를 뺀 모델은 {last['없음']}로 뒤처져요."
    )
    show(figure, "learning_curves", alt)

# %% [markdown]
# ## erf와 tanh 근사
#
# tanh 근사는 erf보다 싸게 계산하려고 나온 식이에요. PyTorch의 `GELU()`는 erf가 기본이고 Google의 ViT 코드가 쓰는 Flax의 `nn.gelu`는
# tanh 근사가 기본이라, 가중치를 옮길 때 섞이기 쉬워요. 함수값, 큰 모델의 로짓, 학습한 작은 모델의 예측에서 차례로 재요.


# %%
def with_activation(model, activation):
    """The same weights with another activation: changes the model and returns
    it."""
    for block in model.blocks:
        block.mlp = ActivationMlp(block.mlp, activation)
    return model


# %%
if __name__ == "__main__":
    gap = (gelu(x) - gelu_tanh(x)).abs()
    evidence["tanh_formula_difference"] = (
        (gelu_tanh(x) - F.gelu(x, approximate="tanh")).abs().max().item()
    )
    evidence["tanh_gap"], evidence["tanh_gap_at"] = (
        gap.max().item(),
        abs(x[gap.argmax()].item()),
    )
    torch.manual_seed(0)
    large, image = vit("Ti/16"), torch.randn(2, 3, 224, 224)
    same, moved = {gelu_tanh: [], F.relu: []}, []  # one for each seed
    with torch.inference_mode():
        exact = large(image)
        evidence["tanh_logit_gap"] = (
            (with_activation(large, gelu_tanh)(image) - exact).abs().max().item()
        )
        for seed, (model, _) in zip(SEEDS, runs["GELU"]):
            images = shift(load(seed)[2][0], seed + 100)
            exact = model(images)
            for activation, found in same.items():
                other = with_activation(model, activation)(images)
                found.append(
                    (exact.argmax(dim=1) == other.argmax(dim=1))
                    .double()
                    .mean()
                    .item()
                )
                if activation is gelu_tanh:
                    moved.append((exact - other).abs().max().item())
    evidence["tanh_logit_gap_trained"], evidence["tanh_same_prediction"] = (
        moved,
        same[gelu_tanh],
    )
    evidence["relu_same_prediction"] = same[F.relu]
    print(
        f"함수값의 최대 차이: x = {evidence['tanh_gap_at']:.2f}에서 {evidence['tanh_gap']:.1e}"
    )
    print(
        f"ViT-Ti/16(학습 전) 로짓의 최대 차이: {evidence['tanh_logit_gap']:.1e}, 학습한 작은 모델 로짓의 최대 차이: "
        f"{max(moved):.1e}"
    )
    print(
        f"학습한 모델의 예측이 같은 시험 이미지의 비율 (가장 낮은 시드): tanh 근사 {min(same[gelu_tanh]):.1%}, "
        f"ReLU {min(same[F.relu]):.1%}"
    )

# %%
if __name__ == "__main__":
    tolerance = {name: 0.05 for name in evidence if name.endswith("_test")}
    tolerance |= {
        "tanh_logit_gap": 0.01,
        "tanh_logit_gap_trained": 0.05,
        "tanh_same_prediction": 0.01,
        "relu_same_prediction": 0.05,
    }
    evidence
