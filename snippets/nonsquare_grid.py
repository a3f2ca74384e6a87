# %% [markdown]
# # 정사각형이 아닌 이미지: 위치를 늘리다가 틀리는 길들
#
# 위치 임베딩은 한 줄로 저장돼 있어서, 늘리려면 **행과 열이 몇 개인지** 알아야 해요. 흔한 코드는 그것을 토큰의 수에서 짐작해요.
# 정사각형에서는 맞던 짐작이 정사각형이 아닌 이미지에서 어떻게 틀리는지, 정답을 아는 격자와 학습한 작은 모델로 하나씩 재 봐요.

# %%
import math

import scenes
import torch
import torch.nn.functional as F
from lib.figure import table
from pe_interpolation import classify, misplacement, sincos_at_centres
from train_vit import PATCH, SIZE, load_trained

torch.set_num_threads(1)
SEEDS = range(600, 605)

# %% [markdown]
# ## 바른 길
#
# 새 격자의 행과 열은 이미지에서 구해요. `(H // P, W // P)`, 이 순서예요. 옛 격자도 짐작하지 않고 받아요. 클래스 토큰은 먼저 떼어 둬요.


# %%
def as_grid(pos_embed, old_size):
    """Position vectors of patches (1, N, D) as an image: (1, D, rows, columns).

    Raises ValueError if N is not rows * columns."""
    rows, columns = old_size
    if pos_embed.shape[1] != rows * columns:
        raise ValueError(f"{pos_embed.shape[1]} vectors do not fill {old_size}")
    return pos_embed.unflatten(1, old_size).permute(0, 3, 1, 2)


def resize(pos_embed, old_size, new_size):
    """The right way: (1, 1 + N, D) -> (1, 1 + N', D), sizes (rows, columns)."""
    prefix, patches = pos_embed[:, :1], pos_embed[:, 1:]
    grid = F.interpolate(
        as_grid(patches, old_size), size=new_size, mode="bicubic"
    )  # (1, D, rows', columns')
    return torch.cat([prefix, grid.flatten(2).transpose(1, 2)], dim=1)


# %% [markdown]
# ## 조용히 틀리는 네 가지
#
# 오류가 나지 않아서 더 나빠요. 모두 모양은 맞고 자리만 틀려요.


# %%
def swapped(pos_embed, old_size, new_size):
    """Width before height: as many tokens, another grid."""
    return resize(pos_embed, old_size, new_size[::-1])


def guessed(pos_embed, old_size, new_size):
    """The old grid guessed from the number of tokens: int(sqrt(N)) on a side.

    Raises ValueError if that is not all of them."""
    side = int(math.sqrt(pos_embed.shape[1] - 1))
    return resize(pos_embed, (side, side), new_size)


def by_count(pos_embed, old_size, new_size):
    """As they are where their number is right, whatever the grid."""
    if pos_embed.shape[1] - 1 == new_size[0] * new_size[1]:
        return pos_embed
    return resize(pos_embed, old_size, new_size)


def with_class_token(pos_embed, old_size, new_size):
    """The class token's vector taken for the first patch's, and one patch lost."""
    moved = torch.cat([pos_embed[:, :1], pos_embed[:, :-1]], dim=1)
    return resize(moved, old_size, new_size)


WRONG = {
    "swapped": ("가로와 세로를 바꿈", swapped, (8, 8), (8, 16)),
    "guessed": ("옛 격자를 int(sqrt(N))으로 짐작", guessed, (4, 16), (8, 16)),
    "by_count": ("개수만 같으면 그대로 씀", by_count, (8, 8), (4, 16)),
    "with_class_token": (
        "클래스 토큰까지 격자에 폄",
        with_class_token,
        (8, 8),
        (8, 16),
    ),
}

# %% [markdown]
# 정답은 `pe_interpolation.py`의 사인·코사인 격자예요. 어느 자리의 벡터든 식으로 구할 수 있어요. 늘린 벡터와 가장 닮은 정답이 몇 칸 떨어져 있는지 재요.
# 그다음 학습한 작은 모델에 가로가 긴 장면을 넣어 정확도를 재요. 모델은 8×8 격자로 배웠어요.


# %%
def off(method, old_size, new_size):
    """Mean distance, in patches, from a vector's place to the true place that it
    resembles most: float."""
    old, true = (sincos_at_centres(size, 8) for size in (old_size, new_size))
    return misplacement(method(old, old_size, new_size), true, new_size)


@torch.no_grad()
def share(model, pos_embed, size, drawn):
    """Share of the drawn scenes (images, labels), squeezed to a grid of size (rows,
    columns), that the model names rightly with pos_embed: float."""
    images, labels = drawn
    pixels = size[0] * PATCH, size[1] * PATCH
    images = F.interpolate(images, size=pixels, mode="area")
    right = classify(model, images, pos_embed).argmax(dim=1) == labels
    return right.double().mean().item()


# %%
if __name__ == "__main__":
    evidence, null, rows, kept = {}, {}, [], {}
    model = load_trained()
    learned = model.pos_embed.detach()
    drawn = [scenes.draw(40, 2 * SIZE, seed)[:2] for seed in SEEDS]
    for key, (name, method, old, new) in WRONG.items():
        ours = resize(learned, (8, 8), old)  # where another grid is the old one
        found = {}
        for how in (resize, method):
            pos_embed = how(ours, old, new)
            at = (how.__name__, old, new)
            if at not in kept:
                kept[at] = [share(model, pos_embed, new, each) for each in drawn]
            found[how] = kept[at]
        evidence |= {
            f"off_{key}": off(method, old, new),
            f"off_{key}_right": off(resize, old, new),
            f"accuracy_{key}": found[method],
            f"accuracy_{key}_right": found[resize],
        }
        percent = [f"{sum(each) / len(each):.0%}" for each in found.values()]
        grids = "→".join("×".join(map(str, size)) for size in (old, new))
        rows.append([name, grids, f"{evidence[f'off_{key}']:.1f}", *percent])
    null["바르게 늘린 위치"] = {
        f"{what}_{key}": evidence[f"{what}_{key}_right"]
        for what in ("off", "accuracy")
        for key in WRONG
    }
    header = ["틀린 길", "격자", "어긋난 칸", "바르게", "틀리게"]
    table("wrong", "자리가 어긋난 거리와, 작은 모델의 정확도", header, rows)

# %% [markdown]
# ## 오류가 나면 차라리 나아요
#
# 토큰의 수가 제곱수가 아니면 `int(sqrt(N))`은 버림이 되어 격자를 채우지 못하고, 그때서야 오류가 나요. 클래스 토큰을 세지 않은 것도 마찬가지예요.

# %%
if __name__ == "__main__":
    told = {}
    for columns in range(2, 57):
        pos_embed = torch.zeros(1, 1 + 14 * columns, 1)
        try:
            guessed(pos_embed, (14, columns), (14, columns))
            told[columns] = "조용히" if columns != 14 else "맞음"
        except ValueError:
            told[columns] = "오류"
    silent = [columns for columns, how in told.items() if how == "조용히"]
    evidence |= {
        "guess_14x28": int(math.sqrt(14 * 28)),
        "guess_errors": list(told.values()).count("오류"),
        "guess_tried": len(told),
        "guess_silent": len(silent),
        "guess_197": int(math.sqrt(197)) ** 2,
    }
    print(f"14×28이면 int(sqrt(392)) = {evidence['guess_14x28']}, 제곱하면 361")
    print(f"행이 14개일 때 조용히 틀리는 열의 수: {silent}")

# %% [markdown]
# ## `scale_factor`는 가끔 한 칸이 모자라요
#
# `F.interpolate`는 `scale_factor`를 받으면 새 크기를 **곱한 뒤 버림**해서 정해요. 14 × (61 / 14)는 부동소수점에서 60.999…라 60이 돼요.
# 처음의 DINO는 새 크기에 0.1을 더해 피했어요. 개수는 맞지만, 늘리는 배율에도 0.1이 들어가서 자리가 조금씩 당겨져요.


# %%
def sides(old, new, offset=0.0):
    """Rows that F.interpolate makes of old ones, asked for new by scale_factor."""
    column = torch.zeros(1, 1, old, 1)
    scale = (new + offset) / old
    return F.interpolate(column, scale_factor=(scale, 1.0)).shape[2]


def pulled(old, new, offset=0.1):
    """How far the last row's place is from where size= puts it, in new rows."""
    ramp = torch.arange(float(old))[None, None, :, None]  # its own row number
    options = {"mode": "bilinear", "align_corners": False}
    scale = (new + offset) / old
    by_scale = F.interpolate(ramp, scale_factor=(scale, 1.0), **options)
    by_size = F.interpolate(ramp, size=(new, 1), **options)
    middle = new // 2  # away from the edge, where places are cut off
    apart = (by_size - by_scale)[0, 0, middle, 0].item() * new / old
    return apart / (middle + 0.5) * (new - 0.5)


# %%
if __name__ == "__main__":
    short = {
        old: [new for new in range(1, 129) if sides(old, new) != new]
        for old in (14, 16, 24, 37)
    }
    with_offset = [
        new for old in short for new in range(1, 129) if sides(old, new, 0.1) != new
    ]
    evidence |= {f"short_{old}": len(found) for old, found in short.items()}
    evidence |= {
        "sides_61": sides(14, 61),
        "short_with_offset": len(with_offset),
        "pulled": pulled(37, 16),
        "least_short": min(new for found in short.values() for new in found),
    }
    rows = [
        [f"{old}×{old}", len(found), ", ".join(map(str, found)) or "없음"]
        for old, found in short.items()
    ]
    caption = "`scale_factor`로 1에서 128까지 늘릴 때 한 칸 모자란 새 크기"
    table("short", caption, ["옛 격자", "몇 번", "새 격자의 한 변"], rows)
    print(f"0.1을 더하면 끝에서 새 패치의 {evidence['pulled']:.3f}칸 당겨져요.")

# %%
if __name__ == "__main__":
    tolerance = {name: 0.05 for name in evidence if name.startswith("accuracy")} | {
        "pulled": 0.01
    }
    evidence
