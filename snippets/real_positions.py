# %% [markdown]
# # 진짜 ViT가 배운 위치: 무엇이 담겼고, 크기를 바꾸면 어떻게 되나
#
# `real_vit.py`로 읽은 공개된 ViT-S/14에는 $37 \times 37$ 격자의 자리마다 384차원 벡터가 하나씩 있어요. 518 px 이미지에 딱 맞는 격자예요.
# 두 가지를 봐요. **배운 벡터에 격자의 모양이 담겼는지**, 그리고 다른 크기의 이미지에 **어떻게 옮겨야** 모델의 특징이 그대로인지예요.
#
# 이 모델은 DINOv2의 구조에, 눈에 띄는 곳을 찾도록 더 학습했을 수도 있는 가중치예요. 그래서 여기서 나온 것은 이 모델과 이 사진들의 이야기예요.
#
# 네트워크가 있다면 아래 `NAME`에 timm의 이름을 적어 다른 ViT로도 재 볼 수 있어요.

# %%
import math
from functools import partial

import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, plt, show, table
from lib.measure import relative_error
from lib.photos import CORNERS, photos, squares
from lib.scramble import scrambled
from position_similarity import distance_correlation, similarity
from real_vit import load_real, normalise
from vit import resample_abs_pos_embed, sincos_pos_embed

torch.set_num_threads(1)
NAME = None  # or timm's name of another model: "vit_small_patch16_224"


def side_of(vectors):
    """Places on a side of the square grid that vectors (..., G G, D) are for: G."""
    return math.isqrt(vectors.shape[-2])


# %% [markdown]
# ## 배운 위치는 서로 얼마나 닮았나요? 논문의 Figure 7 가운데를 다시 그려요
#
# × 자리의 벡터가 다른 자리의 벡터와 얼마나 닮았는지 코사인 유사도로 그려요. 견줄 것은 같은 격자의 **사인파**와, 배운 벡터의 **자리만 뒤섞은** 것이에요.


# %%
def by_direction(vectors, near, far):
    """Mean cosine similarity of places near to far cells apart, those that share a
    row or a column and those that do not: (G G, D) -> two floats."""
    G = side_of(vectors)
    place = torch.cartesian_prod(torch.arange(G), torch.arange(G)).float()
    apart = torch.cdist(place, place)  # (N, N)
    one_line = (place[:, None] == place).any(dim=-1)  # a row or a column shared
    wanted, alike = (apart >= near) & (apart <= far), similarity(vectors)
    return alike[wanted & one_line].mean().item(), alike[
        wanted & ~one_line
    ].mean().item()


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    model = load_real(None, NAME)  # with the positions as they were learned
    P = model.patch_embed.patch_size
    positions = model.pos_embed.detach()  # (1, 1 + 37 * 37, 384)
    learned = positions[0, 1:]
    G = side_of(learned)  # 37 places on a side: 518 px / 14 px
    near, far = (G + 3) // 4, G // 2  # 10 to 18 of them
    S, M, L = (2 * round(share * G) for share in (0.22, 0.33, 0.43))  # 16, 24, 32
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(G * G, generator=generator)
    kinds = {
        "배운 위치": learned,
        "사인파": sincos_pos_embed(G, learned.shape[1])[0, 1:],
        "자리를 뒤섞은 위치": learned[order],
        "무작위 벡터": torch.randn(learned.shape, generator=generator),
    }
    rows = []
    for name, vectors in kinds.items():
        found = {"distance_corr": distance_correlation(vectors)}
        found["line_far"], found["off_far"] = by_direction(vectors, near, far)
        # + 0: no minus before what rounds to nothing
        rows.append([name, *[f"{round(v, 2) + 0:.2f}" for v in found.values()]])
        if name == "배운 위치":
            evidence |= found
        elif name == "사인파":
            evidence |= {f"{key}_sincos": value for key, value in found.items()}
        else:
            null[name] = found
    table(
        "similarity",
        f"유사도와 거리의 상관, {near}~{far}칸 떨어진 두 자리의 유사도",
        ["벡터", "거리와의 상관", "같은 행이나 열", "다른 줄"],
        rows,
    )

# %%
if __name__ == "__main__":
    middle = (G // 2, G // 2)
    panels = [("배운 위치, 한가운데", learned, middle)]
    panels += [("배운 위치, 왼쪽 위", learned, (G // 6, G // 4))]
    panels += [("사인파", kinds["사인파"], middle)]
    panels += [("자리를 뒤섞은 위치", kinds["자리를 뒤섞은 위치"], middle)]
    figure, axes = plt.subplots(2, 2, figsize=(4.5, 4.9))
    for axis, (name, vectors, place) in zip(axes.flat, panels):
        alike = similarity(vectors)[place[0] * G + place[1]].unflatten(0, (G, G))
        heat = axis.imshow(alike, vmin=-0.5, vmax=1, interpolation="none")
        axis.plot(
            place[1], place[0], "x", color="black", markersize=7, markeredgewidth=2
        )
        axis.set(xticks=[], yticks=[])
        axis.set_title(name)
        axis.spines[:].set_visible(False)
        axis.grid(False)
    figure.colorbar(
        heat,
        ax=axes,
        location="bottom",
        shrink=0.7,
        label="× 자리와의 코사인 유사도",
    )
    alt = (
        "배운 위치에서는 × 둘레의 밝은 점에서 같은 행과 같은 열로 밝은 띠가 뻗어요. "
        f"{near}~{far}칸 떨어져도 같은 행이나 열이면 "
        f"{evidence['line_far']:.2f}, 다른 줄이면 {evidence['off_far']:.2f}예요. 자리를 뒤섞으면 무늬가 없어요."
    )
    show(figure, "similarity_maps", alt)


# %% [markdown]
# ## 행과 열의 합, 그리고 느린 물결
#
# 띠가 십자로 뻗는다면 벡터가 **행의 몫과 열의 몫의 합**에 가깝다는 뜻일 거예요. 평균에서 벗어난 몫 가운데 행 벡터 37개와 열 벡터 37개의 합으로 설명되는 비율을 재요.
# 벡터 1369개를 74개로 나타내는 셈이라, 무작위 벡터라면 5%쯤이에요. 사인파는 처음부터 행과 열을 따로 적으니 100%예요.
#
# 얼마나 매끈한지는 격자를 384장의 그림으로 보고 푸리에 변환으로 재요. 주파수 4는 격자를 가로지르는 동안 네 번 물결친다는 뜻이에요.


# %%
def row_plus_column(vectors):
    """The best sum of one vector a row and one a column: (G G, D) -> (G G, D)."""
    grid = vectors.unflatten(0, (side_of(vectors), -1))
    rows, columns = grid.mean(dim=1, keepdim=True), grid.mean(dim=0, keepdim=True)
    return (rows + columns - grid.mean(dim=(0, 1))).flatten(0, 1)


def explained(vectors):
    """Share of what differs between places that row_plus_column keeps: float."""
    middle = vectors.mean(dim=0)
    sums, whole = row_plus_column(vectors) - middle, vectors - middle
    return (sums.square().sum() / whole.square().sum()).item()


def waves(vectors):
    """Share of what differs between places at each frequency, waves over the grid,
    the larger one of down and across: (G G, D) -> (1 + G // 2,), 0 at 0."""
    G = side_of(vectors)
    grid = (vectors - vectors.mean(dim=0)).T.unflatten(1, (G, G))  # (D, G, G)
    energy = torch.fft.fft2(grid).abs().square().sum(dim=0)  # (G, G)
    one = torch.fft.fftfreq(G, 1 / G).abs().round().long()
    larger = torch.maximum(one[:, None], one)
    shares = torch.zeros(1 + G // 2).index_add(
        0, larger.flatten(), energy.flatten()
    )
    return shares / shares.sum()


# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    styles = [(BLUE, "o-"), (GREEN, "^-."), None, (ORANGE, "s--")]
    for (name, vectors), style in zip(kinds.items(), styles):
        upto = waves(vectors).cumsum(dim=0)  # (1 + G // 2,)
        found = {"row_column": explained(vectors)}
        found |= {"slow": upto[S // 4].item(), "fast": 1 - upto[S // 2].item()}
        if name == "배운 위치":
            evidence |= found
        elif name == "사인파":
            evidence |= {f"{key}_sincos": value for key, value in found.items()}
        else:
            null[name] |= found
            if style:
                evidence |= {f"{key}_random": value for key, value in found.items()}
        print(
            f"{name}: 행과 열의 합으로 {found['row_column']:.1%}, "
            f"주파수 {S // 4}까지 {found['slow']:.0%}, {S // 2}보다 빠른 것 {found['fast']:.0%}"
        )
        if style:
            axis.plot(upto, style[1], color=style[0], label=name)
    axis.axvline(S // 2, color=INK, linewidth=1, linestyle=":")
    axis.annotate(f"{S}×{S}이 담는 한계", (S // 2 + 0.3, 0.76))
    axis.set(
        xlabel="주파수 (격자를 가로지르는 물결의 수)",
        title="그 주파수까지의 몫",
        ylim=(0, 1.03),
        xticks=range(0, G // 2, 4),
    )
    axis.legend(loc="lower right")
    alt = (
        f"배운 위치는 주파수 {S // 4}까지에 {evidence['slow']:.0%}가 몰려 있어서 사인파의 {evidence['slow_sincos']:.0%}와 비슷해요. "
        f"무작위 벡터는 {null['무작위 벡터']['slow']:.0%}뿐이에요."
    )
    show(figure, "waves", alt)

# %% [markdown]
# ## 다른 크기로 옮기는 방법
#
# 224 px이면 격자가 $16 \times 16$이에요. 37×37에서 16×16을 만드는 길은 여럿이고, **모두 오류 없이 들어가요.** 클래스 토큰의 벡터는 건드리지 않아요.
#
# 모두 (1, 1 + 1369, 384)를 받아 (1, 1 + N', 384)를 돌려줘요. aa는 antialias를 켠 것이에요.


# %%
def with_patches(positions, patches):
    """The class token's vector as it was, and these for the patches."""
    return torch.cat([positions[:, :1], patches], dim=1)


def on_grid(mode, antialias=False):
    """2D: a function of positions and (rows, columns)."""
    return partial(resample_abs_pos_embed, interpolation=mode, antialias=antialias)


own = on_grid("bicubic")  # how the published file does it


def in_line(positions, size):
    """1D: all rows one behind the other, and that line made shorter or longer."""
    line = positions[:, 1:].transpose(1, 2)  # (1, D, N)
    line = F.interpolate(line, size=size[0] * size[1], mode="linear")
    return with_patches(positions, line.transpose(1, 2))


def by_number(positions, size):
    """Patch i gets vector i, and after the last one they start again."""
    number = torch.arange(size[0] * size[1]) % (positions.shape[1] - 1)
    return with_patches(positions, positions[:, 1:][:, number])


def window(positions, size):
    """The vectors of the middle of the old grid, none of them changed."""
    old = [side_of(positions[:, 1:])] * 2
    top, left = ((o - n) // 2 for o, n in zip(old, size))
    grid = positions[:, 1:].unflatten(1, old)
    grid = grid[:, top : top + size[0], left : left + size[1]]
    return with_patches(positions, grid.flatten(1, 2))


def same(positions, size):
    """No positions: the mean for every patch."""
    mean = positions[:, 1:].mean(dim=1, keepdim=True)
    return with_patches(positions, mean.expand(-1, size[0] * size[1], -1))


def shuffled(positions, size):
    """Right vectors in wrong places."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(size[0] * size[1], generator=generator)
    return with_patches(positions, own(positions, size)[:, 1:][:, order])


def sums_only(positions, size):
    """2D, of nothing but the sums of a row's vector and a column's."""
    return own(
        with_patches(positions, row_plus_column(positions[0, 1:])[None]), size
    )


METHODS = {
    "bicubic": ("2D bicubic", own),
    "bicubic_aa": ("bicubic, aa", on_grid("bicubic", True)),
    "bilinear": ("2D bilinear", on_grid("bilinear")),
    "nearest": ("2D 가장 가까운 것", on_grid("nearest-exact")),
    "sums": ("행과 열의 합만", sums_only),
    "window": ("한가운데만", window),
    "line": ("1D 선형", in_line),
    "number": ("앞에서부터", by_number),
    "same": ("위치 없음", same),
    "shuffled": ("자리를 뒤섞음", shuffled),
}
NAMES = {key: name for key, (name, _) in METHODS.items()}

# %% [markdown]
# ## 분류 헤드가 없으니 특징으로 재요
#
# 기준은 위치를 건드리지 않은 **518 px의 특징**이에요. 같은 사진을 다른 크기로 넣고 두 가지를 재요.
#
# - **일치도**: 사진의 같은 곳에 있는 두 패치 토큰의 코사인 유사도예요. 모든 토큰에 공통인 몫은 양쪽에서 저마다 빼고 재요. 1이면 518 px에서와 같은 특징이에요.
# - **찾기**: 클래스 토큰이 518 px의 클래스 토큰 열두 개 가운데 **같은 사진의 것**과 가장 닮았는지예요. 찍으면 열두 번에 한 번이에요.


# %%
@torch.inference_mode()
def features_with(model, images, positions):
    """All tokens after the last LayerNorm with positions (1, 1 + N, D) in place of
    the model's own: images (B, 3, H, W) in [0, 1] -> (B, 1 + N, D)."""
    found = []
    for image in normalise(images, model.pretrained_cfg):
        x = model.patch_embed(image[None])  # (1, N, D)
        x = torch.cat([model.cls_token, x], dim=1) + positions
        for block in model.blocks:
            x, _ = block(x)
        found.append(model.norm(x))
    return torch.cat(found)


def at_places(patches, old, new):
    """Patch features of one grid as averages at the places of another: (B, N, D) ->
    (B, N', D)."""
    maps = patches.unflatten(1, old).movedim(-1, 1)  # (B, D, rows, columns)
    maps = F.interpolate(maps, size=new, mode="bilinear", antialias=True)
    return maps.flatten(2).transpose(1, 2)


def agreement(patches, others):
    """Cosine similarity at the same place once the mean of each side is taken off,
    mean over places: (B, N, D) twice -> (B,)."""
    sides = [side - side.mean(dim=(0, 1)) for side in (patches, others)]
    return F.cosine_similarity(*sides, dim=-1).mean(dim=1)


def finds(queries, known, owner):
    """Whether each query's most similar one of known (n, D), the mean of known taken
    off both, is its owner: (B, D), (B,) -> (B,) of 0.0 and 1.0."""
    centre = known.mean(dim=0)
    alike = (
        F.normalize(queries - centre, dim=-1)
        @ F.normalize(known - centre, dim=-1).T
    )
    return (alike.argmax(dim=1) == owner).float()


# %%
if __name__ == "__main__":
    native = features_with(model, photos(G * P)[0], positions)  # (12, 1370, 384)
    known = native[:, 0]  # (12, 384): the class tokens
    everyone = torch.arange(len(native))
    patches = model.patch_embed(normalise(photos(S * P)[0], model.pretrained_cfg))
    evidence |= {"photos": len(native), "size": learned.norm(dim=1).mean().item()}
    evidence["patch_size"] = patches.norm(dim=-1).mean().item()
    low, mid, high = (str(grid * P) for grid in (S, M, L))  # 224, 336, 448 px
    tried = {  # the grid, how many photographs, the methods
        low: ((S, S), 12, METHODS),
        mid: ((M, M), 12, ("bicubic", "line", "same")),
        high: ((L, L), 3, ("bicubic", "line")),
        "wide": ((S, M), 6, ("bicubic", "window", "line")),
    }
    tokens = {}
    for name, (size, count, keys) in tried.items():
        side, spare = size[1], (size[1] - size[0]) // 2  # rows off above and below
        images = photos(P * side)[0][:count]
        images = images[:, :, P * spare : P * (side - spare)]
        there = at_places(native[:count, 1:], (G, G), (side, side))
        there = there[:, side * spare : side * (side - spare)]  # (count, N', 384)
        for key in keys:
            resized = METHODS[key][1](positions, size)
            if (name, key) == ("wide", "window"):  # of the square's 24 x 24 places
                resized = window(own(positions, (M, M)), size)
            tokens[name, key] = found = features_with(model, images, resized)
            evidence[f"agree_{name}_{key}"] = agreement(found[:, 1:], there)
            if name == low:
                hits = finds(found[:, 0], known, everyone)
                evidence[f"finds_{key}"] = int(hits.sum())
        if name == low:
            own_tokens = tokens[low, "bicubic"][:, 1:]
            others = agreement(own_tokens, there.roll(1, dims=0))
            evidence["agree_other"] = others
    ratio = evidence["size"] / evidence["patch_size"]
    print(f"위치 벡터의 크기는 패치 벡터의 {ratio:.0%}")
    print(f"다른 사진의 특징과는 일치도가 {others.mean():.2f}")

# %%
if __name__ == "__main__":

    def cells(key):
        """The line of the table for one method."""
        values = [evidence.get(f"agree_{name}_{key}") for name in tried]
        line = ["" if value is None else f"{value.mean():.2f}" for value in values]
        return [NAMES[key], *line, f"{evidence[f'finds_{key}']}장"]

    table(
        "sizes",
        f"{G * P} px의 특징과의 일치도. {high}은 앞의 {tried[high][1]}장, {low}×{mid}은 앞의 {tried['wide'][1]}장, "
        f"나머지는 {len(native)}장의 평균이에요. "
        f"찾기는 {low} px로 넣은 {len(native)}장 가운데 찾은 것이고, aa는 antialias예요.",
        ["옮긴 방법", low, mid, high, f"{low}×{mid}", "찾기"],
        [cells(key) for key in METHODS],
    )
    figure, axis = plt.subplots(figsize=(4.5, 3.9))
    mean = {key: evidence[f"agree_{low}_{key}"].mean().item() for key in METHODS}
    for y, key in enumerate(METHODS):
        values = evidence[f"agree_{low}_{key}"]
        axis.plot(values, [y] * len(values), "o", color=BLUE, alpha=0.45)
        axis.plot(mean[key], y, "|", color=ORANGE, markersize=16, markeredgewidth=3)
    axis.axvline(others.mean(), color=INK, linewidth=1, linestyle=":")
    axis.set(
        title=f"{G * P} px의 특징과의 일치도 ({low} px)",
        xlabel="점: 사진 한 장, 막대: 평균, 점선: 다른 사진",
    )
    axis.set_yticks(range(len(METHODS)), list(NAMES.values()))
    axis.invert_yaxis()
    two_d = [mean[key] for key in ("bicubic", "bicubic_aa", "bilinear", "nearest")]
    alt = (
        f"2D로 옮긴 것은 식이 달라도 평균이 모두 {sum(two_d) / 4:.2f}쯤이에요. 한가운데만 잘라 쓰면 "
        f"{mean['window']:.2f}, 1D는 {mean['line']:.2f}, 위치를 없애면 {mean['same']:.2f}예요. aa는 antialias예요."
    )
    show(figure, "agreement", alt)

# %% [markdown]
# **2D이기만 하면 어떤 식이든 비슷해요.** 가장 가까운 자리의 벡터를 그냥 집어 와도 그래요. 아마 배운 위치가 매끈하기 때문일 거예요.
# 행과 열의 합만 남기고 나머지를 버려도 그대로예요.
#
# antialias는 어떤가요? 특징이 달라지기는 해요. 하지만 518 px의 특징에 **더 가까워지지는** 않아요.

# %%
if __name__ == "__main__":
    for key in ("bicubic_aa", "bilinear", "nearest"):
        pairs = zip(tokens[low, key][:, 1:], own_tokens)
        changed = torch.tensor([relative_error(a, b) for a, b in pairs])
        closer = evidence[f"agree_{low}_{key}"] - evidence[f"agree_{low}_bicubic"]
        evidence[f"change_{key}"] = changed
        print(
            f"{NAMES[key]}: 특징이 평균 {changed.mean():.0%} 달라지고, "
            f"{G * P} px과의 일치도는 {closer.mean():+.3f}"
        )

# %% [markdown]
# ## 위치를 빼면 무엇을 잃나요?
#
# 같은 사진, 같은 크기에서 위치만 빼거나 뒤섞고 특징을 견줘요. **가중치를 뒤섞은 모델**은 위치를 쓰는 법을 배우지 않았으니, 견줄 것이 돼요.
#
# 조각으로 제 사진을 찾는지도 세요. 사진의 왼쪽 위와 오른쪽 아래를 한 변의 65%로 잘라 224 px로 넣어요. 견줄 사진 열두 장은 둘로 준비해요.
# **위치를 쓴 518 px의 것**과, 조각과 **똑같은 방법으로** 위치를 바꾼 224 px의 것이에요. 특징이 달라진 것과 사진을 구별하지 못하는 것은 다른 일이거든요.

# %%
if __name__ == "__main__":
    whole = tokens[low, "bicubic"][:, 1:]
    for key in ("same", "shuffled", "sums"):
        values = agreement(tokens[low, key][:, 1:], whole)
        evidence[f"kept_{key}"] = values
        print(f"{NAMES[key]}: 위치를 그대로 둔 것과의 일치도 {values.mean():.2f}")
    mixed, images = scrambled(model), photos(S * P)[0]
    theirs = own(mixed.pos_embed.detach(), (S, S))
    first = features_with(mixed, images, theirs)
    second = features_with(mixed, images, same(theirs, (S, S)))
    evidence["kept_mixed"] = values = agreement(second[:, 1:], first[:, 1:])
    print(f"가중치를 뒤섞은 모델의 위치 없음: {values.mean():.2f}")

    pieces = squares(S * P, 0.65, CORNERS[1::3])[0]  # (24, 3, 224, 224)
    owner = everyone.repeat_interleave(2)
    for key in ("bicubic", "same"):
        resized = METHODS[key][1](positions, (S, S))
        queries = features_with(model, pieces, resized)[:, 0]  # (24, 384)
        alike = tokens[low, key][:, 0]  # (12, 384)
        for name, those in (("pieces", known), ("among", alike)):
            hits = finds(queries, those, owner).view(-1, 2).mean(dim=1)
            evidence[f"{name}_{key}"] = hits
        print(
            f"{NAMES[key]}: 위치를 쓴 {G * P} px의 사진에서 "
            f"{evidence[f'pieces_{key}'].mean():.0%}, "
            f"같은 방법의 {low} px 사진에서 {evidence[f'among_{key}'].mean():.0%}"
        )

# %% [markdown]
# 위치를 빼면 특징이 달라져서 **위치를 쓴 특징과는** 견줄 수 없게 돼요. 하지만 위치를 뺀 것끼리 견주면 여전히 제 사진을 찾아요.

# %% [markdown]
# ## 늘리는 쪽도 봐요: 정답을 아는 16×16에서 24×24로
#
# 미세 조정에서는 위치를 **늘려요**. 그래서 37×37을 16×16으로 줄여 224 px로만 배운 모델인 척하고, 그것을 24×24로 다시 늘려 336 px 사진에 써요.
# 기준은 37×37에서 바로 24×24를 만든 모델이에요. 사진도 크기도 같고 위치만 다르니, 달라지는 것은 모두 위치 탓이에요.

# %%
if __name__ == "__main__":
    small, size, images = own(positions, (S, S)), (M, M), photos(M * P)[0]
    larger = {"same": tokens[mid, "same"]}
    for key in ("bicubic", "line"):
        larger[key] = features_with(model, images, METHODS[key][1](small, size))
    rows = []
    for key in ("bicubic", "line", "same"):
        values = agreement(larger[key][:, 1:], tokens[mid, "bicubic"][:, 1:])
        evidence[f"larger_{key}"] = values
        rows.append([NAMES[key], f"{values.mean():.3f}", f"{values.min():.2f}"])
    table(
        "larger",
        f"{S}×{S}을 {M}×{M}로 늘린 모델과 정답인 모델의 일치도 ({mid} px, 사진 {len(images)}장)",
        ["늘린 방법", "평균", "가장 나쁜 사진"],
        rows,
    )

# %% [markdown]
# ## 효과가 없는 세계
#
# 어떤 방법으로 옮기든 위치가 지워지는 모델, 2D 대신 1D로 옮긴 모델, 자리를 뒤섞은 모델에서 같은 값이 어떻게 나오는지 남겨요.

# %%
if __name__ == "__main__":
    erased = null["위치를 지운 모델"] = {
        name: torch.zeros(len(value))
        for name, value in evidence.items()
        if name.startswith("change")
    }
    for name, value in evidence.items():
        start, _, key = name.rpartition("_")
        if f"{start}_same" in evidence and start not in ("finds", "kept"):
            erased[name] = evidence[f"{start}_same"]
    erased["kept_sums"] = evidence["kept_same"]
    erased |= {
        f"agree_{low}_{key}": evidence[f"agree_{low}_same"] for key in METHODS
    }
    in_a_line = (f"{low}_bicubic_aa", f"{high}_bicubic", "wide_bicubic")
    null["1D로 옮긴 위치"] = {
        f"agree_{name}": evidence[f"agree_{name.split('_')[0]}_line"]
        for name in in_a_line
    }
    null["자리를 뒤섞은 위치"] |= {
        f"agree_{low}_bicubic": evidence[f"agree_{low}_shuffled"],
        f"agree_{low}_line": evidence[f"agree_{low}_shuffled"],
        "kept_sums": evidence["kept_shuffled"],
    }
    null["가중치를 뒤섞은 모델"] = {"kept_same": evidence["kept_mixed"]}
    tolerance = {
        name: 0.02 for name, value in evidence.items() if torch.is_tensor(value)
    }
    tolerance |= {  # a near tie between two photographs may fall otherwise elsewhere
        name: 1 if name.startswith("finds") else 0.5
        for name in evidence
        if name.startswith(("finds", "pieces", "among"))
    }
    evidence
