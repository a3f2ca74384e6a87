# %% [markdown]
# # 패치에도 순서가 필요할까요?
#
# 같은 모델, 같은 학습 방법에서 위치를 알려 주는 방식만 바꿔요. ViT 논문 부록 D.4(Table 8)가 던진 질문을 8×8 손글씨 숫자로 다시 물어요.
# 숫자 하나를 2×2 픽셀 패치 16개로 자르니, 획이 **어디에** 있는지 모르면 맞히기 어려운 문제예요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.digits import load, small_vit
from lib.figure import BLUE, GREEN, ORANGE, plt, show, table
from lib.measure import accuracy, relative_error
from lib.together import train_digits
from permutation import shuffle_patches
from position_similarity import distance_correlation
from sklearn.datasets import load_sample_image
from torch import nn

torch.set_num_threads(1)
SEEDS = range(5)
G, P = 4, 2  # a grid of 4 x 4 patches of 2 x 2 pixels
IMAGES, STEPS = 500, 200  # each image is seen about 13 times


# %% [markdown]
# ## 가까운 패치끼리 정말 더 닮았을까요?
#
# 모델 없이 데이터만 봐요. 사진은 16×16 픽셀 패치의 평균 밝기끼리, 숫자는 두 패치에서 하나씩 고른 픽셀끼리 상관계수를 구해 거리별로 평균해요.


# %%
def photo_correlation(apart, patch=16, shuffled=False):
    """Correlation of the brightness of two patches so many places apart in a row or
    a column, mean over two photos.

    shuffled: with the patches of each photo in a random order.
    """
    found, generator = [], torch.Generator().manual_seed(0)
    for name in ("china.jpg", "flower.jpg"):
        photo = torch.tensor(load_sample_image(name)).float().mean(-1)  # (H, W)
        grid = F.avg_pool2d(photo[None], patch)[0]  # (H / patch, W / patch)
        if shuffled:
            grid = grid.flatten()[
                torch.randperm(grid.numel(), generator=generator)
            ].view_as(grid)
        for one, other in (
            (grid[:, apart:], grid[:, :-apart]),
            (grid[apart:], grid[:-apart]),
        ):
            found.append(
                torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[
                    0, 1
                ].item()
            )
    return statistics.mean(found)


def digit_correlation(images, apart):
    """Mean |correlation| of two pixels whose patches lie so many places apart:
    images (n, 1, 8, 8) -> float."""
    pixels = images.flatten(1)
    inked = pixels.std(0) > 0.1  # the corners hardly ever hold ink
    place = torch.cartesian_prod(
        torch.arange(G * P) // P, torch.arange(G * P) // P
    )[inked].float()  # patch of a pixel
    size = torch.corrcoef(pixels[:, inked].T).abs()
    return size[torch.cdist(place, place, p=torch.inf) == apart].mean().item()


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    data = {
        seed: load(seed) for seed in SEEDS
    }  # train, validation, test for each seed
    every_digit = torch.cat([images for images, _ in data[0]])  # (1797, 1, 8, 8)
    orders = {
        seed: torch.randperm(G * G, generator=torch.Generator().manual_seed(seed))
        for seed in SEEDS
    }
    mixed_digit = shuffle_patches(every_digit, orders[0], P)
    mixed = null["패치를 섞은 이미지"] = {}
    for apart in (1, 2, 3):
        evidence[f"photo_corr_{apart}"] = photo_correlation(apart)
        evidence[f"digit_corr_{apart}"] = digit_correlation(every_digit, apart)
        mixed[f"photo_corr_{apart}"] = photo_correlation(apart, shuffled=True)
        mixed[f"digit_corr_{apart}"] = digit_correlation(mixed_digit, apart)
    rows = [
        [name, *[f"{values[f'{key}_corr_{apart}']:.2f}" for apart in (1, 2, 3)]]
        for name, values, key in (
            ("사진 두 장", evidence, "photo"),
            ("패치를 섞은 사진", mixed, "photo"),
            ("숫자", evidence, "digit"),
            ("패치를 섞은 숫자", mixed, "digit"),
        )
    ]
    table(
        "dependency",
        "두 패치의 거리와 상관의 크기",
        ["데이터", "1칸", "2칸", "3칸"],
        rows,
    )


# %% [markdown]
# ## 위치를 알려 주는 방법들
#
# - **1차원 학습형**은 `vit.py`에 있는 그대로예요. 패치를 한 줄로 세워 자리마다 벡터 하나를 배워요. 처음에는 무작위 벡터라 누가 누구의 이웃인지 몰라요.
# - **격자에 맞춘 사인파**는 행과 열을 사인과 코사인으로 적어 두고 배우지 않아요. 파장이 4칸(격자의 한 변)에서 16칸까지라, **이웃한 자리끼리 닮고**
#   먼 자리일수록 덜 닮아요. 가까움을 처음부터 알려 주는 셈이에요.


# %%
def grid_sincos(grid, dim):
    """Fixed sines and cosines of row and column, waves of grid to 4 grid places:
    (1, 1 + grid^2, dim), zeros for the class token."""
    omega = 2 * torch.pi / grid * torch.linspace(1, 1 / 4, dim // 4)  # (D / 4,)
    place = torch.cartesian_prod(torch.arange(grid), torch.arange(grid))  # (N, 2)
    y, x = (place[:, axis, None] * omega for axis in (0, 1))  # (N, D / 4) each
    pos = torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1)  # (N, D)
    return torch.cat([torch.zeros(1, dim), pos])[None]


def build(kind, seed):
    """A ViT of about 19,000 parameters that is told of places in that way: (B, 1,
    8, 8) -> logits (B, 10)."""
    model = small_vit(seed)  # "1d": a learned vector for each token of the row
    if kind == "none":
        model.pos_embed = None
    if kind == "fit":
        model.pos_embed = nn.Parameter(
            grid_sincos(G, model.pos_embed.shape[-1]), requires_grad=False
        )
    return model


# %% [markdown]
# ## 학습해서 견줘요
#
# 시드마다 학습 이미지 500장과 시험 이미지 500장을 새로 나눠요. 어느 방식이든 같은 시드는 같은 이미지를 같은 순서로 봐요. 위치를 아는 모델은
# 학습 이미지를 거의 다 맞힐 때까지 배워요. 학습률은 시험 이미지가 아닌 검증 이미지로 0.005와 0.01을 견줘 골랐어요. 위치를 아는 방식은 모두
# 0.005가 나았고, 위치가 없는 모델만 0.01이 2~3%p 높았어요.


# %%
def run(kind, splits, orders=None):
    """Train a model of that kind a seed, all images with their patches in the seed's
    order: [(model, accuracy on what it learned from, test accuracy)]."""
    learn, tests = [], []
    for seed, ((images, labels), _, test) in zip(SEEDS, splits):
        learn.append((images[:IMAGES], labels[:IMAGES]))
        tests.append(test)
        for parts in (learn, tests) if orders else ():
            x, y = parts[-1]
            parts[-1] = shuffle_patches(x, orders[seed], P), y
    models = [build(kind, seed) for seed in SEEDS]
    train_digits(models, learn, steps=STEPS)
    return [
        (model, accuracy(model, *seen), accuracy(model, *test))
        for model, seen, test in zip(models, learn, tests)
    ]


# %%
if __name__ == "__main__":
    NAMES = {
        "none": "없음",
        "1d": "1차원 학습형",
        "fit": "격자에 맞춘 사인파",
        "fit_rearranged": "사인파, 재배치한 이미지",
    }
    untrained, no_position = null["배우지 않은 모델"], null["위치를 뺀 모델"] = (
        {},
        {},
    )
    runs = {}
    for name in NAMES:
        kind, _, rearranged = name.partition("_")
        runs[name] = run(kind, data.values(), orders if rearranged else None)
        evidence[f"fitted_{name}"] = [fitted for _, fitted, _ in runs[name]]
        evidence[f"acc_{name}"] = [score for *_, score in runs[name]]  # one a seed
        untrained[f"acc_{name}"] = [
            accuracy(build(kind, seed), *data[seed][2]) for seed in SEEDS
        ]
        if kind != "none":
            no_position[f"acc_{name}"] = evidence["acc_none"]
    mean = {name: statistics.mean(evidence[f"acc_{name}"]) for name in NAMES}

    figure, axis = plt.subplots(figsize=(4.5, 2.5))
    for y, name in enumerate(NAMES):
        colour = {"none": ORANGE, "1d": BLUE}.get(name, GREEN)
        scores = evidence[f"acc_{name}"]
        axis.plot(
            scores, [y] * len(scores), "o", color=colour, markersize=7, alpha=0.7
        )
        axis.plot([mean[name]] * 2, [y - 0.3, y + 0.3], color=colour)
    axis.set(
        yticks=range(len(NAMES)),
        yticklabels=NAMES.values(),
        xlim=(0, 1),
        xlabel=f"시험 정확도 (점: 시드 {len(SEEDS)}개)",
    )
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    parts = [f"{name} {mean[kind]:.2f}" for kind, name in NAMES.items()]
    show(
        figure,
        "kinds",
        f"시험 정확도는 {', '.join(parts)}이에요. 이웃을 흩어 놓은 이미지에 틀린 가까움을 알려 줘도 '없음'보다 높아요.",
    )
    fitted = [
        f"{name} {statistics.mean(evidence[f'fitted_{kind}']):.0%}"
        for kind, name in NAMES.items()
    ]
    print("학습 이미지를 맞힌 비율: " + ", ".join(fitted))

# %% [markdown]
# ## 위치가 없으면 패치 주머니예요
#
# 학습을 마친 모델에 패치를 뒤섞은 시험 이미지를 넣어요. 위치가 없는 모델은 섞은 줄도 몰라요.

# %%
if __name__ == "__main__":
    shuffled, changes = {"none": [], "1d": []}, []
    evidence["erased_1d"] = []
    for kind in shuffled:
        for seed, (model, *_) in zip(SEEDS, runs[kind]):
            images, labels = data[seed][2]
            mixed_images = shuffle_patches(images, orders[seed], P)
            shuffled[kind].append(accuracy(model, mixed_images, labels))
            with torch.no_grad():
                if kind == "none":
                    changes.append(
                        relative_error(model(mixed_images), model(images))
                    )
                else:
                    kept = model.pos_embed.clone()
                    model.pos_embed.zero_()
                    evidence["erased_1d"].append(accuracy(model, images, labels))
                    model.pos_embed.copy_(kept)
    evidence["none_logit_change"] = max(changes)
    evidence |= {f"shuffled_{kind}": scores for kind, scores in shuffled.items()}
    no_position["erased_1d"] = evidence["acc_none"]
    rows = [
        [NAMES[kind], f"{mean[kind]:.3f}", f"{statistics.mean(scores):.3f}"]
        for kind, scores in shuffled.items()
    ]
    table(
        "shuffled",
        "학습한 뒤에 패치를 섞으면",
        ["위치 임베딩", "그대로", "섞은 이미지"],
        rows,
    )
    print(
        f"위치가 없는 모델의 로짓은 패치를 섞어도 상대적으로 {max(changes):.0e}만큼만 달라져요."
    )
    erased = statistics.mean(evidence["erased_1d"])
    print(f"학습한 뒤에 위치 벡터를 0으로 지우면 {erased:.3f}")

# %% [markdown]
# ## 가깝고 먼 것을 알아서 좋아진 걸까요?
#
# 앞 그림의 마지막 줄이 그 답이에요. 시드마다 자리를 바꾸는 순서를 하나 정해 **모든** 이미지의 패치를 그 순서로 재배치하고, 처음부터 그것으로 학습했어요.
#
# 1차원 학습형으로는 가를 수 없어요. 누가 이웃인지 처음부터 모르니, 재배치해도 정확도가 같은 것이 당연해요.
# 사인파는 달라요. 이웃이 흩어진 이미지에서는 **틀린 가까움**을 알려 줘요. 가까움을 알려 준 덕에 정확도가 오른 것이라면, 여기서는 오르지 않아야 해요.

# %%
if __name__ == "__main__":
    places = grid_sincos(G, 32)[0, 1:]  # (N, D)
    evidence["fit_corr"] = told = distance_correlation(places)
    # what stood at place j of the picture now stands at order.argsort()[j]
    found = [distance_correlation(places[orders[seed].argsort()]) for seed in SEEDS]
    evidence["fit_corr_rearranged"] = found
    print(f"사인파의 유사도와, 그림에서의 거리 사이의 상관: {told:+.2f}")
    print("재배치하면 " + ", ".join(f"{value:+.2f}" for value in found))
    lost = [
        a - b for a, b in zip(evidence["acc_fit_rearranged"], evidence["acc_fit"])
    ]
    print("재배치해서 달라진 정확도: " + ", ".join(f"{d:+.3f}" for d in lost))

# %% [markdown]
# ## 해상도와는 어떤 사이일까요?
#
# 12×12 이미지를 넣으면 패치가 늘어나요. 위치가 없는 모델은 그대로 받고, 학습형은 벡터의 수가 모자라요.
# 끝으로 숫자를 분류하며 배운 위치 벡터가 이웃끼리 닮았는지도 재요.

# %%
if __name__ == "__main__":
    larger = torch.zeros(1, 1, 12, 12)
    with_position, without = runs["1d"][0][0], runs["none"][0][0]
    evidence["vectors"] = vectors = with_position.pos_embed.shape[1]
    evidence["tokens_at_12px"] = tokens = (
        1 + with_position.patch_embed(larger).shape[1]
    )
    with torch.no_grad():
        evidence["none_takes_larger"] = takes = without(larger).shape == (1, 10)
    print(f"12×12 이미지의 토큰 {tokens}개, 배워 둔 위치 벡터 {vectors}개")
    print(
        f"위치가 없는 모델이 12×12 이미지를 받나요? {'네' if takes else '아니요'}"
    )
    similar = [
        distance_correlation(model.pos_embed[0, 1:].detach())
        for model, *_ in runs["1d"]
    ]
    evidence["similarity_corr"] = similar
    print(
        "숫자를 분류하며 배운 위치 벡터의 유사도와 거리의 상관: "
        + ", ".join(f"{value:+.2f}" for value in similar)
    )


# %%
if __name__ == "__main__":
    # a training of this size takes another path on another CPU
    tolerance = {
        name: 0.1
        for name in evidence
        if name.startswith(("acc", "erased", "fitted", "shuffled", "similarity"))
    }
    tolerance["none_logit_change"] = 1e-5
    evidence
