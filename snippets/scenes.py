# %% [markdown]
# # 어떤 해상도로도 그릴 수 있는 장면: 획이 놓인 자리로만 다른 한글 낱자
#
# 여기 있는 실험들이 함께 쓰는 데이터예요. 밝은 획 두 개가 낱자 하나이고, 모델은 그 낱자가 무엇인지 맞혀요.
# 파일로 모아 둔 이미지는 없어요. 장면을 숫자 몇 개로 정해 두고 원하는 해상도로 그때그때 그려요.
#
# - 낱자 여섯은 모두 **가로획 하나와 세로획 하나**예요. 길이와 굵기와 색은 낱자와 상관없이 뽑으니, 다른 것은 **두 획이 놓인 자리**뿐이에요.
# - 두 획은 서로 떨어져 있어요. 그래서 조각만 봐서는 어느 낱자인지 다 알 수 없고, 조각들이 **어떻게 놓였는지**를 봐야 해요.
# - 모든 것이 **식**으로 그려져서, 같은 시드는 48 px에서도 128 px에서도 같은 장면이에요.
# - 낱자가 놓인 **상자**를 정확히 알아요. 그래서 모델이 어디를 보는지 잴 수 있어요.

# %%
import math

import torch
import torch.nn.functional as F

CLASSES = list("ㄱㄴㅏㅓㅗㅜ")
# Where the middle of the upright stroke lies from that of the level one: half of
# their lengths across and down, and the gap across and down; y points down
PLACES = torch.tensor(
    [
        [[1, 1], [0, 1]],  # ㄱ: below the right end
        [[-1, -1], [0, -1]],  # ㄴ: above the left end
        [[-1, 0], [-1, 0]],  # ㅏ: left of the left end
        [[1, 0], [1, 0]],  # ㅓ: right of the right end
        [[0, -1], [0, -1]],  # ㅗ: above the middle
        [[0, 1], [0, 1]],  # ㅜ: below the middle
    ]
).float()
GAP = 0.12  # between the two strokes' lines, a fraction of the frame
SMALLEST, LARGEST = 0.13, 0.21  # half a stroke's length, the same
DISTRACTORS, WAVES = 6, 3


# %% [markdown]
# ## 장면을 숫자로 정해요
#
# 길이는 모두 화면에 대한 비율이에요. 획의 길이와 굵기, 낱자의 자리와 색과 기울기를 장면마다 새로 뽑아요.
# 방해물은 바탕보다 **어두운** 막대와 점이고, 낱자의 상자에는 들어오지 않아요. 낱자의 획은 바탕보다 **밝아요**.


# %%
def sample(n, seed):
    """The numbers that make n scenes; lengths are fractions of the frame. A dict of
    tensors whose first axis is n."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    labels = torch.randint(len(CLASSES), (n,), generator=generator)
    radius = SMALLEST * (LARGEST / SMALLEST) ** uniform(0, 1)  # log-uniform
    width = radius * uniform(0.16, 0.2)  # half the stroke's width
    stretch = uniform(-0.15, 0.15).exp()
    half = torch.stack([radius * stretch, radius / stretch], dim=1)  # (n, 2)
    across, down = half * torch.tensor([1, 0]), half * torch.tensor([0, 1])
    by_half, by_gap = PLACES[labels].unbind(1)  # (n, 2) each
    upright = (
        by_half * half + by_gap * GAP
    )  # its middle; that of the level one is 0
    ends = torch.stack([-across, across, upright - down, upright + down], dim=1)
    turn = uniform(-0.15, 0.15)
    rotation = torch.stack(
        [turn.cos(), turn.sin(), -turn.sin(), turn.cos()], dim=1
    ).reshape(n, 2, 2)
    ends = ends @ rotation  # (n, 4, 2)
    low, high = (
        ends.amin(1) - width[:, None],
        ends.amax(1) + width[:, None],
    )  # the box around the letter, still about the origin
    centre = (
        uniform(0, 1, 2) * (1 - (high - low)) - low
    )  # anywhere inside the frame
    boxes = torch.cat([centre + low, centre + high], dim=1)
    strokes = (ends + centre[:, None]).reshape(n, 2, 4)

    # bars and dots: of 8 places tried, the first one that is clear of the letter's
    # box; without one, not drawn
    angle = uniform(-0.15, 0.15, DISTRACTORS) + math.pi / 2 * (
        uniform(0, 1, DISTRACTORS) < 0.5
    )
    half = torch.stack([angle.cos(), angle.sin()], dim=-1) * uniform(
        -0.1, 0.14, DISTRACTORS, 1
    ).clamp(min=0)
    thick = uniform(0.02, 0.04, DISTRACTORS)
    places = uniform(0, 1, DISTRACTORS, 8, 2)
    reach = (half.abs() + thick[..., None])[:, :, None] + 0.01
    clear = (
        (places + reach < boxes[:, None, None, :2])
        | (places - reach > boxes[:, None, None, 2:])
    ).any(-1)
    place = places.gather(
        2, clear.float().argmax(2)[..., None, None].expand(-1, -1, -1, 2)
    )[:, :, 0]
    bars = torch.cat([place - half, place + half], dim=-1)  # (n, DISTRACTORS, 4)

    base = uniform(0.3, 0.5, 1) + uniform(-0.12, 0.12, 3)
    darker = -uniform(0.2, 0.3, DISTRACTORS, 1) + uniform(-0.1, 0.1, DISTRACTORS, 3)
    brighter = uniform(0.3, 0.5, 1, 1) + uniform(-0.12, 0.12, 1, 3)
    colours = base[:, None] + torch.cat([darker, brighter], dim=1)
    return {
        "labels": labels,
        "boxes": boxes,
        "strokes": strokes,
        "width": width,
        "bars": bars,
        "thick": thick.where(clear.any(-1), -1.0),
        "colours": colours,
        "base": base,
        "frequency": 2
        * math.pi
        * uniform(-6, 6, WAVES + 1, 2)
        * torch.tensor([1.0] * WAVES + [0.06])[:, None],
        "phase": 2 * math.pi * uniform(0, 1, WAVES + 1),
        "waves": uniform(-0.06, 0.06, WAVES + 1, 3),
    }


# %% [markdown]
# ## 정한 해상도로 그려요
#
# 픽셀마다 도형까지의 거리를 식으로 구하고, 경계에 걸친 픽셀은 걸친 만큼만 칠해요(안티에일리어싱).


# %%
def distance2(u, segments):
    """Squared distance of every pixel to segments (n, 4), pixel centres u (S,) on
    both axes: (n, S, S)."""
    x0, y0, x1, y1 = segments[:, :, None, None].unbind(1)  # (n, 1, 1) each
    x, y, dx, dy = u[None, None, :] - x0, u[None, :, None] - y0, x1 - x0, y1 - y0
    along = ((x * dx + y * dy) / (dx**2 + dy**2 + 1e-12)).clamp_(
        0, 1
    )  # where on the segment the nearest point is
    return (x - along * dx).square_().add_((y - along * dy).square_())


def render(scene, size):
    """Draw scenes (from sample) at size x size pixels: (n, 3, size, size), colour
    0.5 at 0 and 0.25 a unit."""
    u = (torch.arange(size) + 0.5) / size  # pixel centres
    fx, fy = scene["frequency"].unbind(-1)
    wave = (
        torch.exp(1j * (fx[..., None] * u)),
        torch.exp(1j * (fy[..., None] * u + scene["phase"][..., None])),
    )
    image = (
        torch.einsum(
            "nkc,nky,nkx->ncyx", scene["waves"] + 0j, wave[1], wave[0]
        ).imag
        + scene["base"][..., None, None]
    )

    def paint(
        gap, colour
    ):  # gap: distance to the shape's edge as a fraction of the frame, negative inside
        image.lerp_(
            colour[:, :, None, None], (0.5 - gap * size).clamp_(0, 1)[:, None]
        )

    for k in range(DISTRACTORS):
        paint(
            distance2(u, scene["bars"][:, k]).sqrt_()
            - scene["thick"][:, k, None, None],
            scene["colours"][:, k],
        )
    nearest = torch.minimum(
        distance2(u, scene["strokes"][:, 0]), distance2(u, scene["strokes"][:, 1])
    )
    paint(nearest.sqrt_() - scene["width"][:, None, None], scene["colours"][:, -1])
    return (image.clamp_(0, 1) - 0.5) / 0.25


def draw(n, size, seed):
    """n scenes at size x size px: images (n, 3, size, size), labels (n,) int64,
    boxes (n, 4) x0 y0 x1 y1 in [0, 1].

    One seed means the same scenes at every size; the images have mean near 0 and
    standard deviation near 1."""
    scene = sample(n, seed)
    parts = [
        {key: value[i : i + 16] for key, value in scene.items()}
        for i in range(0, n, 16)
    ]  # 16 fit in the cache
    return (
        torch.cat([render(part, size) for part in parts]),
        scene["labels"],
        scene["boxes"],
    )


def to_rgb(images):
    """Undo the normalisation for showing: (..., 3, S, S) -> (..., S, S, 3) in [0,
    1]."""
    return (images * 0.25 + 0.5).clamp(0, 1).movedim(-3, -1)


# %% [markdown]
# ## 그려 볼까요
#
# 낱자 여섯을 하나씩 뽑았어요. 네모가 낱자의 상자이고, 나머지는 모두 방해물이에요.

# %%
if __name__ == "__main__":
    from lib.figure import ORANGE, plt, show, table

    torch.set_num_threads(1)
    evidence, null = {"classes": len(CLASSES)}, {}
    images, labels, boxes = draw(100, 64, seed=0)
    figure, axes = plt.subplots(2, 3, figsize=(4.5, 3.4))
    for label, axis in enumerate(axes.flat):
        i = (labels == label).nonzero()[0].item()  # the first scene of that class
        axis.imshow(
            to_rgb(images[i]), extent=(0, 1, 1, 0), interpolation="none"
        )  # pixels as they are: a smaller SVG
        x0, y0, x1, y1 = boxes[i].tolist()
        axis.add_patch(
            plt.Rectangle(
                (x0, y0),
                x1 - x0,
                y1 - y0,
                fill=False,
                edgecolor=ORANGE,
                linewidth=1.5,
            )
        )
        axis.set(title=CLASSES[label], xticks=[], yticks=[])
        axis.grid(False)
    alt = f"낱자 {len(CLASSES)}종이 저마다 다른 색과 크기로 막대와 점 사이에 놓인 장면이에요."
    show(figure, "classes", alt)


# %% [markdown]
# ## 해상도를 바꿔도 같은 장면이에요
#
# 96 px로 그려서 절반으로 줄인 것과 처음부터 48 px로 그린 것을 견줘요. 비교 기준으로는 다른 시드의 장면과 잰 차이를 써요.

# %%
if __name__ == "__main__":
    sizes = [24, 64, 192]
    figure, axes = plt.subplots(1, 3, figsize=(4.5, 1.8))
    for size, axis in zip(sizes, axes):
        axis.imshow(to_rgb(draw(1, size, seed=6)[0][0]), interpolation="none")
        axis.set(title=f"{size}×{size}", xticks=[], yticks=[])
        axis.grid(False)
    small, large, other = (
        draw(200, 48, seed=1)[0],
        draw(200, 96, seed=1)[0],
        draw(200, 48, seed=2)[0],
    )
    halved = F.avg_pool2d(large, 2)
    # times 0.25: back to the scale where white is 1
    evidence["same_scene_difference"] = (
        (small - halved).abs().mean() * 0.25
    ).item()
    evidence["other_scene_difference"] = (
        (small - other).abs().mean() * 0.25
    ).item()
    alt = (
        f"같은 시드는 {', '.join(map(str, sizes))} px에서 같은 장면이에요. 반으로 줄인 그림과 픽셀값이 평균 "
        f"{evidence['same_scene_difference']:.4f}만큼만 달라요."
    )
    show(figure, "resolutions", alt)


# %% [markdown]
# ## 쉬운 길은 없을까요
#
# 픽셀에서 바로 정답을 내는 선형 분류기와, 채널별 평균과 표준편차만 보는 선형 분류기를 학습해 봐요.
# 둘 다 낮다면 **선형 분류기가** 밝기나 색, 정해진 자리의 픽셀만으로 풀 수는 없는 문제예요. 쉬운 길이 있을 때 이 분류기들이 알아채는지도
# 봐요. 낱자마다 바탕색을 다르게 칠하고 모두 한가운데에 놓은 장면이에요.
# 상자도 확인해요. 낱자의 색만 바꿔 다시 그렸을 때 달라지는 픽셀은 모두 상자 안에 있어야 해요.


# %%
def linear_accuracy(features, labels, n_train):
    """Held-out accuracy of ridge regression on one-hot labels: features (n, d), the
    first n_train for training.

    The best of three strengths of regularisation on the held-out part, which
    flatters the baseline."""
    X = (features - features[:n_train].mean(0)) / (features[:n_train].std(0) + 1e-6)
    train, rest = X[:n_train], X[n_train:]
    targets = F.one_hot(labels[:n_train], len(CLASSES)).float() - 1 / len(CLASSES)
    gram, moment = train.T @ train, train.T @ targets
    found = []
    for strength in (0.01, 0.1, 1):
        weights = torch.linalg.solve(
            gram + strength * n_train * torch.eye(len(gram)), moment
        )
        found.append(
            ((rest @ weights).argmax(1) == labels[n_train:]).float().mean().item()
        )
    return max(found)


# %%
if __name__ == "__main__":

    def easy(scene):
        """The scenes with every letter in the middle, and a background whose colour
        tells it."""
        middle = (scene["boxes"][:, :2] + scene["boxes"][:, 2:]) / 2  # (n, 2)
        scene["strokes"] += (0.5 - middle).repeat(1, 2)[:, None]
        label = scene["labels"]
        scene["base"] = torch.stack(
            [label % 2, label // 2 % 2, label // 4 / 2], dim=1
        )
        return scene

    def baselines(images, labels, n_train=6000):
        """What linear classifiers find: {evidence: accuracy}, of all pixels and of
        the channels' means and deviations."""
        colour = torch.cat(
            [images.mean((2, 3)), images.std((2, 3))], dim=1
        )  # (n, 6)
        return {
            "linear_pixels": linear_accuracy(images.flatten(1), labels, n_train),
            "linear_colour": linear_accuracy(colour, labels, n_train),
        }

    images, labels, _ = draw(9000, 24, seed=3)
    evidence |= baselines(images, labels)
    null["자리와 바탕색이 정해진 장면"] = baselines(
        render(easy(sample(9000, seed=3)), 24), labels
    )
    share = torch.bincount(labels, minlength=len(CLASSES)) / len(labels)
    evidence["share_min"], evidence["share_max"] = (
        share.min().item(),
        share.max().item(),
    )

    scene = sample(200, seed=4)
    before = render(scene, 64)
    scene["colours"][:, -1] = 1 - scene["colours"][:, -1]  # the letter alone
    changed = (render(scene, 64) - before).abs().amax(1) > 0.01  # (n, 64, 64)
    at = (torch.arange(64) + 0.5) / 64
    x0, y0, x1, y1 = scene["boxes"][:, :, None].unbind(1)  # (n, 1)
    in_x, in_y = (
        (at > x0 - 0.5 / 64) & (at < x1 + 0.5 / 64),
        (at > y0 - 0.5 / 64) & (at < y1 + 0.5 / 64),
    )
    evidence["pixels_outside_box"] = (
        (changed & ~(in_y[:, :, None] & in_x[:, None, :])).sum().item()
    )
    letter_size = (scene["boxes"][:, 2:] - scene["boxes"][:, :2]).amax(
        1
    )  # the box's longer side
    evidence["letter_size_min"], evidence["letter_size_max"] = (
        letter_size.min().item(),
        letter_size.max().item(),
    )
    rows = [
        ["가장 많은 낱자만 답하기", f"{evidence['share_max']:.1%}"],
        ["평균·표준편차 6개, 선형", f"{evidence['linear_colour']:.1%}"],
        [f"픽셀 {images[0].numel()}개, 선형", f"{evidence['linear_pixels']:.1%}"],
    ]
    rows += [
        [
            f"(쉬운 길이 있는 장면) {name}",
            f"{null['자리와 바탕색이 정해진 장면'][key]:.1%}",
        ]
        for name, key in (
            ("평균·표준편차 6개, 선형", "linear_colour"),
            ("픽셀, 선형", "linear_pixels"),
        )
    ]
    table(
        "baselines",
        "장면 6,000장으로 학습하고 3,000장으로 잰 정확도",
        ["방법", "정확도"],
        rows,
    )
    print(
        f"낱자의 색을 바꿨을 때 상자 밖에서 달라진 픽셀: {evidence['pixels_outside_box']}개"
    )
    print(
        f"낱자의 크기: 화면의 {letter_size.min():.0%}에서 {letter_size.max():.0%}까지"
    )


# %%
if __name__ == "__main__":
    tolerance = {"linear_pixels": 0.01, "linear_colour": 0.01}
    evidence
