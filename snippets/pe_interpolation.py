# %% [markdown]
# # 위치 임베딩 보간: 더 큰 이미지에 학습한 위치를 옮겨 심기
#
# 패치 크기를 그대로 두고 이미지를 키우면 토큰이 늘어서, 학습해 둔 위치 임베딩(position embedding)이 모자라요.
# ViT는 위치 벡터를 **격자에 다시 펴 놓고 그림처럼 늘려요**. 한 줄로 늘리거나 늘리지 않으면 어떻게 되는지 함께 재 봐요.

# %%
import statistics
from functools import partial

import torch
import torch.nn.functional as F
from lib.figure import BLUE, ORANGE, PINK, VIOLET, plt, show, table
from scenes import draw
from scipy import ndimage
from train_vit import PATCH, SIZE, load_trained
from vit import resample_abs_pos_embed

torch.set_num_threads(1)
G = SIZE // PATCH  # patches on a side in training


# %% [markdown]
# ## 견줄 방법
#
# `vit.py`의 `resample_abs_pos_embed`가 timm의 식이에요(2D bicubic). 나머지는 맨 처음 공개된 ViT 코드의 식과, 2D 격자를 잊었을 때 하게 되는 일들이에요.
# 모두 (1, 1+N, D)를 받아 (1, 1+N', D)를 돌려주고, 맨 앞에 있는 클래스 토큰의 위치 벡터는 건드리지 않아요.


# %%
def zoom_order1(pos_embed, new_size):
    """The first ViT code's resizing, scipy.ndimage.zoom(order=1): bilinear with
    corner patches pinned to the corners.

    New place i lies at i (G - 1) / (G' - 1) of the old grid; in timm's formula at
    (i + 1/2) G / G' - 1/2."""
    prefix, grid = pos_embed[:, :1], pos_embed[:, 1:]
    side = int(grid.shape[1] ** 0.5)
    grid = grid.unflatten(1, (side, side)).permute(0, 3, 1, 2)  # (1, D, G, G)
    grid = F.interpolate(grid, size=new_size, mode="bilinear", align_corners=True)
    return torch.cat([prefix, grid.flatten(2).transpose(1, 2)], dim=1)


def resample_1d(pos_embed, new_size):
    """Stretch the flattened sequence, as if the end of a row lay next to the start
    of the row below."""
    prefix, sequence = (
        pos_embed[:, :1],
        pos_embed[:, 1:].transpose(1, 2),
    )  # (1, D, N)
    sequence = F.interpolate(
        sequence, size=new_size[0] * new_size[1], mode="linear"
    )
    return torch.cat([prefix, sequence.transpose(1, 2)], dim=1)


def repeat(pos_embed, new_size):
    """No interpolation: token i of the longer sequence gets vector i, and after the
    last one they start again."""
    prefix, sequence = pos_embed[:, :1], pos_embed[:, 1:]
    return torch.cat(
        [
            prefix,
            sequence[
                :, torch.arange(new_size[0] * new_size[1]) % sequence.shape[1]
            ],
        ],
        dim=1,
    )


def same_everywhere(pos_embed, new_size):
    """No position: every patch gets the mean of the patches' vectors, so that
    nothing tells one place from another."""
    prefix, mean = pos_embed[:, :1], pos_embed[:, 1:].mean(dim=1, keepdim=True)
    return torch.cat(
        [prefix, mean.expand(-1, new_size[0] * new_size[1], -1)], dim=1
    )


METHODS = {
    "bicubic": resample_abs_pos_embed,
    "bilinear": partial(resample_abs_pos_embed, interpolation="bilinear"),
    "original": zoom_order1,
    "line": resample_1d,
    "repeat": repeat,
    "same": same_everywhere,
}
NAMES = {
    "bicubic": "2D bicubic",
    "bilinear": "2D bilinear",
    "original": "2D 첫 코드",
    "line": "1D 선형",
    "repeat": "되풀이",
    "same": "위치 없음",
}


# %% [markdown]
# ## 정답을 아는 격자에서 먼저 재요
#
# 사인·코사인 위치 임베딩은 어느 자리에서든 식으로 구할 수 있어서 촘촘한 격자의 **정답**이 있어요.
# 224 px에서 384 px로 갈 때처럼 14×14를 24×24로 늘려, 정답과의 코사인 유사도와 '어긋난 거리'를 재요.
# 어긋난 거리는 늘린 벡터가 가장 닮은 정답의 자리까지의 거리예요. 위치가 다 같아도 유사도는 꽤 높게 나와서 유사도만 보면 속아요.


# %%
def sincos_at_centres(size, base, dim=192):
    """Sines and cosines of the patch centres of a grid size = (rows, columns) laid
    over an image base patches wide.

    (1, 1 + rows * columns, dim); a base patch is the unit, the class token's vector
    is zero."""
    omega = 10000 ** -torch.linspace(0, 1, dim // 4)
    y, x = [
        ((torch.arange(n) + 0.5) * base / n - 0.5)[:, None] * omega for n in size
    ]  # (n, dim / 4)
    y, x = (
        y[:, None].expand(-1, size[1], -1),
        x[None].expand(size[0], -1, -1),
    )  # (rows, columns, dim / 4)
    grid = torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=-1).flatten(0, 1)
    return torch.cat([torch.zeros(1, dim), grid])[None]


def misplacement(pos_embed, truth, size):
    """Mean distance, in patches of the new grid, from a vector's place to the true
    place that it resembles most."""
    vectors, truth = (
        F.normalize(pos_embed[0, 1:], dim=-1),
        F.normalize(truth[0, 1:], dim=-1),
    )
    place = torch.cartesian_prod(
        *[torch.arange(n).float() for n in size]
    )  # (N, 2): row, column
    return (
        (place - place[(vectors @ truth.T).argmax(dim=1)]).norm(dim=1).mean().item()
    )


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    old, size = sincos_at_centres((14, 14), 14), (24, 24)
    truth = sincos_at_centres(size, 14)
    resized = {key: method(old, size) for key, method in METHODS.items()}
    cosine = {
        key: F.cosine_similarity(new, truth, dim=-1)[:, 1:].mean().item()
        for key, new in resized.items()
    }
    off = {key: misplacement(new, truth, size) for key, new in resized.items()}
    for key in METHODS:
        evidence |= {f"cosine_{key}": cosine[key], f"off_{key}": off[key]}
    rows = [
        [name, f"{cosine[key]:.4f}", f"{off[key]:.1f}"]
        for key, name in NAMES.items()
    ]
    table(
        "truth",
        "14×14를 24×24로 늘린 벡터와 정답의 코사인 유사도, 어긋난 거리",
        ["방법", "유사도", "어긋난 패치"],
        rows,
    )
    null["1D로 늘린 벡터"] = {
        "cosine_bicubic": cosine["line"],
        "off_bicubic": off["line"],
    }
    wide = sincos_at_centres(
        (14, 24), 14
    )  # the image grows to the right only: 14 rows as before
    stretched = resample_1d(old, (14, 24))
    wide_cosine = F.cosine_similarity(stretched, wide, dim=-1)[:, 1:].mean().item()
    wide_off = misplacement(stretched, wide, (14, 24))
    evidence |= {"wide_cosine_line": wide_cosine, "wide_off_line": wide_off}
    null["가로로만 늘린 격자"] = {"cosine_line": wide_cosine, "off_line": wide_off}
    print(
        f"가로로만 늘려 14×24로 만들면 1D 보간도 정답과의 코사인 유사도가 {wide_cosine:.4f}"
    )
    print(f"어긋난 거리는 {wide_off:.1f}패치")


# %% [markdown]
# ## 학습한 위치 임베딩은 어떻게 변하나
#
# 한 자리의 벡터가 다른 자리들과 얼마나 닮았는지 그리면 격자가 살아 있는지 한눈에 보여요(ViT 논문 Fig. 7처럼).
# 1D로 늘리면 이웃이 옆으로만 번지고, 되풀이하면 엉뚱한 줄에 같은 벡터가 다시 나와요.


# %%
def similarity_map(pos_embed, size, place):
    """Cosine similarity of the vector at place = (row, column) with those of all
    places: (rows, columns)."""
    grid = F.normalize(pos_embed[0, 1:], dim=-1).unflatten(
        0, size
    )  # (rows, columns, D)
    return grid @ grid[place]


def neighbour_similarity(pos_embed, size):
    """Mean cosine similarity of a place with the one to its right, and with the one
    below."""
    grid = F.normalize(pos_embed[0, 1:], dim=-1).unflatten(0, size)
    return (grid[:, 1:] * grid[:, :-1]).sum(-1).mean().item(), (
        grid[1:] * grid[:-1]
    ).sum(-1).mean().item()


# %%
if __name__ == "__main__":
    model = load_trained()
    learned = model.pos_embed.detach()  # (1, 1 + G G, D)
    double = (2 * G, 2 * G)
    doubled = {key: method(learned, double) for key, method in METHODS.items()}
    evidence |= {
        "tokens_before": G * G,
        "tokens_after": doubled["bicubic"].shape[1] - 1,
    }
    evidence |= {
        "dim_before": learned.shape[2],
        "dim_after": doubled["bicubic"].shape[2],
    }
    number = torch.arange(-1.0, G * G)[None, :, None]  # place 0, 1, ... of the line
    row = number.div(G, rounding_mode="floor")  # each place's row
    for key, each in (("line", number), ("bicubic", row)):
        at = METHODS[key](each, double)[0, 1:, 0].unflatten(0, double)
        evidence[f"step_below_{key}"] = (at[G + 1, G] - at[G, G]).item()
    print(
        f"늘린 격자에서 바로 아래: 1D는 옛 줄에서 {evidence['step_below_line']:.1f}칸 뒤, "
        f"2D는 옛 격자에서 {evidence['step_below_bicubic']:.1f}행 아래"
    )
    panels = [(f"학습한 그대로 {G}×{G}", learned, (G, G), (2, 5))]
    panels += [
        (f"{NAMES[key]}", doubled[key], double, (5, 11))
        for key in ("bicubic", "line", "repeat")
    ]
    figure, axes = plt.subplots(2, 2, figsize=(4.5, 4.9))
    for axis, (name, pos_embed, grid, place) in zip(axes.flat, panels):
        heat = axis.imshow(
            similarity_map(pos_embed, grid, place),
            vmin=-0.5,
            vmax=1,
            interpolation="none",
        )
        axis.plot(
            place[1], place[0], "x", color="black", markersize=7, markeredgewidth=2
        )
        axis.set_title(name)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.grid(False)
    figure.colorbar(
        heat,
        ax=axes,
        location="bottom",
        shrink=0.7,
        label="× 자리와의 코사인 유사도",
    )
    right, below = neighbour_similarity(doubled["bicubic"], double)
    line_right, line_below = neighbour_similarity(doubled["line"], double)
    evidence |= {
        "similarity_right_bicubic": right,
        "similarity_below_bicubic": below,
    }
    evidence |= {
        "similarity_right_line": line_right,
        "similarity_below_line": line_below,
    }
    alt = (
        f"위치 벡터의 유사도 지도 네 장. {2 * G}×{2 * G}로 늘렸을 때 오른쪽 이웃과 아래쪽 이웃의 유사도가 2D bicubic은 "
        f"{right:.2f}, {below:.2f}인데 1D는 {line_right:.2f}, {line_below:.2f}예요. 되풀이는 떨어진 줄에 똑같은 벡터가 또 나와요."
    )
    show(figure, "similarity_maps", alt)


# %% [markdown]
# ## 식은 서로 얼마나 다른가
#
# 첫 ViT 코드는 `scipy.ndimage.zoom(order=1)`로 늘렸어요. 구석 패치를 구석에 묶어 두는 식이라, 패치의 **한가운데**를 맞추는 timm과 자리가 조금씩 달라요.

# %%
if __name__ == "__main__":
    larger = (3 * G // 2, 3 * G // 2)

    def change(a, b):
        """|a - b| / |a|, as a number."""
        return ((a - b).norm() / a.norm()).item()

    grid = learned[0, 1:].unflatten(0, (G, G)).numpy()
    by_scipy = torch.from_numpy(ndimage.zoom(grid, (1.5, 1.5, 1), order=1)).flatten(
        0, 1
    )
    grids = {
        key: METHODS[key](learned, larger)[:, 1:]
        for key in ("bicubic", "bilinear", "original")
    }
    without = resample_abs_pos_embed(learned, larger, antialias=False)[:, 1:]
    evidence["scipy_difference"] = (
        (grids["original"][0] - by_scipy).abs().max().item()
    )
    evidence["corner_change"] = corner_change = change(
        grids["bilinear"], grids["original"]
    )
    evidence["cubic_change"] = cubic_change = change(
        grids["bicubic"], grids["bilinear"]
    )
    evidence["antialias_change"] = antialias_change = change(
        grids["bicubic"], without
    )
    evidence["prefix_change"] = max(
        (new[:, :1] - learned[:, :1]).abs().max().item() for new in doubled.values()
    )
    same_size = [
        METHODS[key](learned, (G, G)) - learned for key in NAMES if key != "same"
    ]
    evidence["unchanged_at_same_size"] = max(
        left.abs().max().item() for left in same_size
    )
    print(
        f"구석을 묶으면 벡터가 {corner_change:.0%}, bicubic 대신 bilinear면 {cubic_change:.0%}, "
        f"antialias를 끄면 {antialias_change:.0%} 달라져요."
    )


# %% [markdown]
# ## 더 큰 이미지에서 정확도를 재요
#
# 같은 장면을 더 촘촘한 픽셀로 **새로 그려서** 넣어요. 미세 조정 없이 위치 임베딩만 바꿔 끼우고, 같은 장면들로 모든 방법을 견줘요.


# %%
def classify(model, images, pos_embed):
    """The model's logits with pos_embed (1, 1 + N, D) in place of its own: (B, C,
    H, W) -> (B, num_classes)."""
    x = model.patch_embed(images)  # (B, N, D)
    x = torch.cat([model.cls_token.expand(len(x), -1, -1), x], dim=1) + pos_embed
    for block in model.blocks:
        x, _ = block(x)
    return model.head(model.norm(x)[:, 0])


@torch.no_grad()
def measure(model, size, seed, n=80):
    """Accuracy of each method on n scenes drawn at size x size px: {method's key:
    share named rightly}."""
    images, labels, _ = draw(n, size, seed)
    grid, scores = (size // PATCH, size // PATCH), {}
    for key, method in METHODS.items():
        pos_embed = method(model.pos_embed, grid)
        answers = torch.cat(
            [
                classify(model, part, pos_embed).argmax(dim=1)
                for part in images.split(20)
            ]
        )
        scores[key] = (answers == labels).double().mean().item()
    return scores


# %%
if __name__ == "__main__":
    sizes, seeds = [SIZE, SIZE * 5 // 4, SIZE * 3 // 2, SIZE * 2], range(300, 305)
    runs = {size: [measure(model, size, seed) for seed in seeds] for size in sizes}
    for size in sizes:  # one value a seed
        evidence |= {
            f"accuracy_{size}_{key}": [run[key] for run in runs[size]]
            for key in METHODS
        }
    mean = {
        key: [statistics.mean(run[key] for run in runs[size]) for size in sizes]
        for key in METHODS
    }
    std = {
        key: [statistics.stdev(run[key] for run in runs[size]) for size in sizes]
        for key in METHODS
    }
    rows = [
        [name, *[f"{share:.0%}" for share in mean[key]]]
        for key, name in NAMES.items()
    ]
    spread = max(max(values) for values in std.values())
    caption = f"미세 조정 없이 잰 정확도 (장면 80개씩 시드 {len(runs[SIZE])}개의 평균, 표준편차는 {spread:.0%}p 이하)"
    table("accuracy", caption, ["방법", *[f"{size}px" for size in sizes]], rows)

    figure, axis = plt.subplots()
    styles = {
        "bicubic": (BLUE, "o-"),
        "line": (ORANGE, "s--"),
        "repeat": (PINK, "^-."),
        "same": (VIOLET, "D:"),
    }
    for key, (colour, style) in styles.items():
        axis.errorbar(
            sizes,
            mean[key],
            std[key],
            fmt=style,
            color=colour,
            capsize=3,
            label=NAMES[key],
        )
    axis.set(
        xlabel="이미지 크기(px), 패치는 늘 8px",
        title="정확도",
        ylim=(0, 1),
        xticks=sizes,
    )
    axis.legend(loc="lower left")
    middle = [f"{NAMES[key]} {mean[key][1]:.0%}" for key in styles]
    show(
        figure,
        "accuracy_by_size",
        f"2D로 늘린 위치만 큰 해상도에서도 정확도를 지켜요. {sizes[1]}px에서는 {', '.join(middle)}예요.",
    )


# %% [markdown]
# 2D가 다른 방법보다 얼마나 앞서는지, 같은 장면들끼리 짝지어 커진 세 크기에서 평균해요.


# %%
def lead(runs, key):
    """How far 2D bicubic is ahead of a method, mean over the sizes of runs: one
    number a seed."""
    by_seed = zip(*runs.values())
    return [
        statistics.mean(run["bicubic"] - run[key] for run in group)
        for group in by_seed
    ]


# %%
if __name__ == "__main__":
    larger_runs = {size: runs[size] for size in sizes[1:]}
    leads = {key: lead(larger_runs, key) for key in METHODS if key != "bicubic"}
    evidence |= {f"lead_over_{key}": values for key, values in leads.items()}
    for key, values in leads.items():
        print(
            f"{NAMES[key]}보다: " + ", ".join(f"{value:+.1%}p" for value in values)
        )
    erased = {  # whatever the method, the model gets no position
        size: [dict.fromkeys(METHODS, run["same"]) for run in found]
        for size, found in larger_runs.items()
    }
    null["위치를 지운 모델"] = {
        f"lead_over_{key}": lead(erased, key) for key in leads
    }
    for key in ("line", "repeat"):
        null["위치를 지운 모델"] |= {
            f"accuracy_{size}_{key}": evidence[f"accuracy_{size}_same"]
            for size in sizes
        }
    null["1D로 늘린 위치"] = {
        f"lead_over_{key}": leads["line"] for key in ("bilinear", "original")
    } | {
        f"accuracy_{size}_bicubic": evidence[f"accuracy_{size}_line"]
        for size in sizes
    }

# %% [markdown]
# 2D 격자에서 늘리면 어느 크기에서나 가장 나아요. 1D로 늘린 위치는 절반쯤만 맞히고, 되풀이하거나 지우면 거의 찍는 수준이에요.
# 2D 안에서는 bicubic이든 bilinear든, 구석을 묶든 말든 시드 사이의 차이보다 작아요.
#
# 아마 획이 놓인 자리로 푸는 과제라, 자리만 바로 알려 주면 두 배 큰 이미지에서도 거의 맞혀요. 늘린 위치에서 시작해 미세 조정하면 어떻게 되는지는 `finetune_resolution.py`에서 재요.

# %%
if __name__ == "__main__":
    # a scene whose two best logits nearly tie may be named otherwise on another CPU
    tolerance = {
        name: 0.05 for name in evidence if name.startswith(("accuracy", "lead"))
    }
    tolerance |= {
        "scipy_difference": 1e-5,
        "prefix_change": 0.0,
        "unchanged_at_same_size": 1e-5,
    }
    evidence
