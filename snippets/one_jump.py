# %% [markdown]
# # 확산 모델이 한 번에 그리면 무엇이 나올까요?
#
# 확산 모델은 잡음에서 이미지까지 조금씩 걸어와요. 같은 신경망으로 잡음에서 이미지로 **단번에** 뛰면 왜 안 될까요?
# 걸음 수를 1, 2, 5, 20, 100, 1000으로 바꿔 가며 그려 보고, 걸음마다 되섞는 잡음은 얼마나 커야 하는지도 재 볼게요.

# %%
from statistics import mean

import torch
from diffusion import (
    SEEDS,
    SIGMA,
    Denoiser,
    T,
    diffuse,
    generate,
    linear_noise,
    optimal_noise,
    pictures,
    same_side,
    trained,
)
from lib.digits import load
from lib.figure import show, table
from lib.measure import relative_error

COUNT = 200  # images drawn, and real ones beside them

# %% [markdown]
# ## 단번에 뛰면 평균이 나와요
#
# $x_{1000}$에는 어느 이미지였는지가 남아 있지 않아요. 그런 입력에서 제곱 오차를 가장 줄이는 짐작은 가능한 이미지 모두의 **평균**이에요.
# 단번에 뛴 이미지가 학습 이미지의 평균에서 얼마나 떨어져 있는지, 서로 얼마나 다른지(진짜에 견준 분산) 재요. 진짜 이미지 가운데 평균에 가장 가까운 것보다도
# 가깝다면 평균이라고 할 만해요. 배운 신경망과 **학습 손실이 가장 작은 답**이 저마다 뛰어 봐요.
#
# 배운 신경망은 조심해서 봐야 해요. $\hat x_0 = (x_t - \sqrt{1 - \bar\alpha_t}\,\hat\epsilon)/\sqrt{\bar\alpha_t}$라서, 잡음을 맞히며 남긴 오차가 이미지에서는 $\sqrt{(1 - \bar\alpha_t)/\bar\alpha_t}$배로 커져요.


# %%
def from_mean(x, images):
    """Distances (B) of x (B, 64) from the mean of images (n, 64)."""
    return (x - images.mean(dim=0)).norm(dim=1)


def variety(x, real):
    """Variance of images x (B, 64) over that of real ones (n, 64)."""
    return (x.var(dim=0).sum() / real.var(dim=0).sum()).item()


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {}
    splits = [
        [images.flatten(1) for images, _ in load(seed)] for seed in SEEDS
    ]  # train, validation, test: (n, 64)
    models = [trained(seed) for seed in SEEDS]

    def record(name, value):
        """Add one seed's value to the evidence of that name."""
        evidence.setdefault(name, []).append(value)

    for seed, (images, _, test) in enumerate(splits):
        torch.manual_seed(seed)
        start = torch.randn(COUNT, 64)
        for name, guess in (
            ("jump", models[seed]),
            ("best", optimal_noise(images)),
        ):
            x, noise = generate(guess, start, 1), torch.randn_like(test)
            t = torch.full((len(test),), T)
            with torch.no_grad():
                error = guess(diffuse(test, t, noise), t) - noise
            record(f"{name}_error", error.square().mean().item())
            record(f"{name}_from_mean", from_mean(x, images).mean().item())
            record(f"{name}_variety", variety(x, test))
        x = generate(optimal_noise(images), start, 2, eta=0.0)
        record("best_two_variety", variety(x, test))
        record("real_nearest_mean", from_mean(test, images).min().item())
        record("real_from_mean", from_mean(test, images).mean().item())
    for name, label in (
        ("jump", "배운 신경망으로 단번에"),
        ("best", "손실이 최소인 답으로 단번에"),
    ):
        print(
            f"{label}: t = 1000에서 잡음의 제곱 오차 {mean(evidence[f'{name}_error']):.1e}, "
            f"평균에서 {mean(evidence[f'{name}_from_mean']):.3f}, 분산은 진짜의 {mean(evidence[f'{name}_variety']):.4f}배"
        )
    print(f"잡음의 오차는 이미지에서 {SIGMA[T]:.0f}배가 돼요.")
    print(
        f"진짜: 평균에서 평균 {mean(evidence['real_from_mean']):.2f}, 가장 가까운 것이 {mean(evidence['real_nearest_mean']):.2f}"
    )

# %% [markdown]
# ## 걸음 수와 되섞는 잡음
#
# 학습은 그대로 두고, 되돌릴 때만 걸음을 띄엄띄엄 골라요. 되섞는 잡음은 세 가지예요. 섞지 않거나(DDIM), DDPM이 고른 두 분산 가운데
# 작은 $\tilde\beta_t$를 쓰거나 큰 $\beta_t$를 써요. 띄엄띄엄 뛸 때의 $\beta_t$는 뛴 걸음을 하나로 본 값($1 - \bar\alpha_t/\bar\alpha_s$)이에요.
# 시드마다 출발한 잡음도 되섞는 난수도 같게 두어 짝을 지어요. 재는 것은 표본과 진짜를 섞었을 때 가장 가까운 이웃이 같은 편인 비율이에요(50%면 구별할 수 없어요).
#
# 두 분산이 1000걸음에서 비슷하다면, 비율의 차이가 걸음을 1000에서 5로 줄였을 때의 차이보다 작아야 해요. 난수를 같게 두었으니 이미지끼리의 상대 차이도 재요.
# 걸음을 줄일수록 두 분산이 벌어진다면 1000걸음보다 20걸음에서 커야 해요. 구간이 그렇게 나오지 않으면 그렇다고 하지 않아요.

# %%
SAMPLERS = {
    "ddim": {"eta": 0.0},
    "small": {},
    "wide": {"wide": True},
}

if __name__ == "__main__":

    def told_apart(guess, seed, steps, **options):
        """How well images that the guess makes are told from real ones, and the
        images; the same start and fresh noise for all of a seed."""
        torch.manual_seed(seed)
        made = generate(guess, torch.randn(COUNT, 64), steps, **options)
        return same_side(made, splits[seed][2][:COUNT]), made

    for seed, (images, _, test) in enumerate(splits):
        made = {}
        for name, options in SAMPLERS.items():
            for steps in (1, 2, 5, 20, 100, *((T,) if name != "ddim" else ())):
                key = f"{name}_{steps}"
                found, made[key] = told_apart(models[seed], seed, steps, **options)
                record(key, found)
        x = made["ddim_100"]
        record("steps_from_mean", from_mean(x, images).mean().item())
        for steps in (20, T):
            small, wide = (made[f"{name}_{steps}"] for name in ("small", "wide"))
            record(f"apart_{steps}", relative_error(wide, small))
        again = told_apart(models[seed], seed, 20)[1]
        record("same_20", relative_error(again, made["small_20"]))
        fresh = Denoiser()
        for steps in (1, 5, 100):
            record(f"raw_{steps}", told_apart(fresh, seed, steps, eta=0.0)[0])
        record(
            "linear_100", told_apart(linear_noise(images), seed, 100, eta=0.0)[0]
        )
        record("real_same_side", same_side(images[:COUNT], test[:COUNT]))
    evidence["ddpm_1000"] = evidence["small_1000"]
    table(
        "steps",
        f"같은 편 이웃의 비율(시드 다섯의 평균). 한 걸음은 누구나 가려내고({mean(evidence['ddim_1']):.0%}), 걸음이 늘수록 진짜끼리의 "
        f"{mean(evidence['real_same_side']):.0%}에 다가가요. 두 분산은 20걸음에서 "
        f"{mean(evidence['small_20']):.0%}와 {mean(evidence['wide_20']):.0%}, 1000걸음에서 "
        f"{mean(evidence['small_1000']):.0%}와 {mean(evidence['wide_1000']):.0%}예요.",
        ["걸음", "섞지 않음 (DDIM)", "작은 분산", "큰 분산"],
        [
            [
                f"{steps}",
                *(
                    f"{mean(evidence[key]):.1%}"
                    if (key := f"{name}_{steps}") in evidence
                    else "–"
                    for name in SAMPLERS
                ),
            ]
            for steps in (1, 2, 5, 20, 100, T)
        ],
    )
    null["100걸음을 걸은 것"] = {
        f"{name}_from_mean": evidence["steps_from_mean"]
        for name in ("jump", "best")
    }
    null["배우지 않은 신경망"] = {
        f"ddim_{steps}": evidence[f"raw_{steps}"] for steps in (1, 5, 100)
    }
    null["다섯 걸음만 걸은 것"] = {"ddim_100": evidence["ddim_5"]}
    null["다섯 걸음만 걸은 것"] |= {
        f"{name}_1000": evidence[f"{name}_5"] for name in ("small", "wide")
    }
    print(
        f"두 분산으로 그린 이미지의 상대 차이: 20걸음 {mean(evidence['apart_20']):.3f}, 1000걸음 {mean(evidence['apart_1000']):.3f}"
    )
    null["같은 분산"] = {"apart_20": evidence["same_20"]}

# %%
if __name__ == "__main__":
    images, _, test = splits[0]
    torch.manual_seed(0)
    start = torch.randn(8, 64)
    rows = [
        (f"{steps}걸음", generate(models[0], start, steps, eta=0.0))
        for steps in (1, 2, 5, 20, 100)
    ]
    alt = (
        "손실이 최소인 답이 한 걸음에 뛰면 여덟 장이 모두 같은 흐릿한 평균이고, 배운 신경망은 거기에 얼룩까지 져요. "
        "같은 잡음에서 DDIM으로 걸음을 늘릴수록 저마다 다른 또렷한 숫자가 돼요."
    )
    best = ("최선 1걸음", generate(optimal_noise(images), start, 1))
    show(pictures([best, *rows]), "jumps", alt)

# %% [markdown]
# ## 출발한 잡음이 이미지를 정할까요?
#
# 출발점 10개에서 다섯 번씩 되돌려요(100걸음). DDPM은 길에서 섞는 잡음이 이미지를 정하고, DDIM은 출발점이 이미지를 정해요.

# %%
if __name__ == "__main__":
    group = torch.arange(50) // 5
    same = (group[:, None] == group) & ~torch.eye(50, dtype=torch.bool)
    apart = group[:, None] != group
    for seed, model in enumerate(models):
        torch.manual_seed(seed)
        start = torch.randn(10, 64).repeat_interleave(5, dim=0)  # (50, 64)
        for name, eta in (("ddpm", 1.0), ("ddim", 0.0)):
            x = generate(model, start, 100, eta=eta)
            distance = (x[:, None] - x).norm(dim=2)  # (50, 50)
            record(
                f"same_start_{name}",
                (distance[same].mean() / distance[apart].mean()).item(),
            )
    for name in ("ddpm", "ddim"):
        print(
            f"{name.upper()}: 같은 출발점에서 나온 이미지끼리의 거리는 다른 출발점에서 나온 이미지끼리의 {mean(evidence[f'same_start_{name}']):.2f}배"
        )

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.3 if name.endswith("_mean") else 0.05
        for name in evidence
        if name != "same_start_ddim"
    } | {"jump_error": 1e-5, "best_error": 1e-5}
    evidence
