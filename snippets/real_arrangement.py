# %% [markdown]
# # 진짜 ViT의 사진을 섞고, 밀고, 돌려 보기
#
# 어텐션은 순서를 모르고, 자리는 위치 임베딩이 알려 줘요. 사진을 배운 ViT는 그 자리에 얼마나 기댈까요?
# `real_vit.py`로 읽은 공개된 ViT-S/14에 사진 열두 장을 넣고, 패치를 섞고, 픽셀 단위로 밀고, 돌려요.
#
# 구조는 DINOv2의 것이고 **눈에 띄는 곳을 찾도록 더 학습했을 수도 있는** 가중치예요. 그래서 여기서 나온 것은 이 모델과 이 사진들의 이야기예요.
# 위치를 뺀 모델, 가중치를 뒤섞은 모델, 다른 사진을 함께 재서 견줘요.
#
# 네트워크가 있다면 아래 `NAME`에 timm의 이름을 적어 다른 ViT로도 재 볼 수 있어요.

# %%
import copy
import math

import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, PINK, plt, show, table
from lib.photos import photos
from lib.scramble import scrambled
from permutation import shuffle_patches
from real_vit import load_real, normalise

torch.set_num_threads(1)
NAME = None  # or timm's name of another model: "vit_small_patch16_224"
PIXELS = 224


# %% [markdown]
# ## 사진마다 클래스 토큰과 패치 토큰을 꺼내요
#
# 클래스 토큰은 **블록마다** 꺼내 마지막 LayerNorm을 씌워요. 마지막 것은 모델이 내놓는 값 그대로예요.


# %%
@torch.inference_mode()
def look(model, images):
    """What a model makes of images (n, 3, S, S) in [0, 1], one put in at a time:
    class tokens after each block (n, depth, D), last patch tokens (n, N, D)."""
    by_block, patches = [], []
    for image in normalise(images, model.pretrained_cfg):
        x = model.embed(image[None])
        states = []
        for block in model.blocks:
            x, _ = block(x)
            states.append(model.norm(x[0, 0]))
        by_block.append(torch.stack(states))
        patches.append(model.norm(x)[0, 1:])
    return torch.stack(by_block), torch.stack(patches)


def without_positions(model):
    """A copy that adds nothing to its tokens, whatever their place."""
    model = copy.deepcopy(model)
    model.pos_embed = None
    return model


def alike(a, b):
    """Cosine of two sets of vectors (..., D) -> (...)."""
    return F.cosine_similarity(a, b, dim=-1)


def to_others(tokens):
    """Mean cosine of each of n photographs' tokens (n, D) to those of the others:
    (n,)."""
    among = alike(tokens[:, None], tokens[None])
    return (among.sum(dim=1) - among.diagonal()) / (len(tokens) - 1)


def found(queries, gallery):
    """One over the rank of a photograph's own among all by cosine, (n, D) twice ->
    (n,): 1 where it is the nearest."""
    among = alike(queries[:, None], gallery[None])
    return 1 / (1 + (among > among.diagonal()[:, None]).sum(dim=1))


def change(a, b):
    """Norm of a - b over the norm of b, one a photograph: (n, ...) -> (n,)."""
    return (a - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)


def interval(values):
    """Half the width of the 95% interval of the mean of 12 photographs: (..., 12) ->
    (...)."""
    return 2.2 * values.std(dim=-1) / math.sqrt(values.shape[-1])  # t of 11 degrees


def window(images, x, room):
    """What a camera sees of images (n, 3, S, S) when all moves x px right, room px
    at most: (n, 3, S - room, S - room)."""
    size, top, left = images.shape[-1] - room, room // 2, room - x
    return images[:, :, top : top + size, left : left + size]


def by_pixel(a, b):
    """How far pictures themselves are apart, 1 less the cosine: (n, ...) -> (n,)."""
    a, b = (x.flatten(1) - x.flatten(1).mean(dim=1, keepdim=True) for x in (a, b))
    return 1 - alike(a, b)


# %%
if __name__ == "__main__":
    worlds = "가중치를 뒤섞은 모델", "위치를 뺀 모델", "픽셀의 코사인"
    evidence, null = {}, {world: {} for world in worlds}
    mixed_world, plain_world, pixel_world = null.values()
    model = load_real(PIXELS, NAME)
    plain, mixed = without_positions(model), scrambled(model)
    P = model.patch_embed.patch_size
    G = PIXELS // P  # 16 x 16 patches
    wide = photos(PIXELS + 2 * P)[0]  # (12, 3, 252, 252)
    base = window(wide, 0, 2 * P)  # (12, 3, 224, 224)
    states, patches = look(model, base)  # (12, 12, 384), (12, 256, 384)
    plain_states, plain_patches = look(plain, base)
    mixed_states, _ = look(mixed, base)
    last, plain_last, mixed_last = (
        s[:, -1] for s in (states, plain_states, mixed_states)
    )
    evidence |= {"photos": len(base), "other": to_others(last)}
    mixed_world["other"] = to_others(mixed_last)
    print(
        f"서로 다른 사진의 클래스 토큰이 닮은 정도: {evidence['other'].mean():.2f}"
    )

# %% [markdown]
# ## 패치를 섞어요
#
# 8 × 8, 4 × 4, 2 × 2 패치씩 묶어 섞고, 마지막에는 모두 따로 섞어요. 패치 안의 픽셀은 그대로예요. 순서는 사진마다 달라요.


# %%
def shuffled(images, cells, P, seed=0):
    """Images whose blocks of cells x cells patches of P px stand in an order of each
    one's own, and which patch now stands at each place: (n, 3, S, S), (n, N)."""
    grid = images.shape[-1] // P
    places = torch.arange(grid**2).view(1, 1, grid, grid)
    pictures, orders = [], []
    for k, image in enumerate(images):
        generator = torch.Generator().manual_seed(100 * seed + k)
        order = torch.randperm((grid // cells) ** 2, generator=generator)
        pictures.append(shuffle_patches(image[None], order, P * cells)[0])
        orders.append(shuffle_patches(places, order, cells).flatten())
    return torch.stack(pictures), torch.stack(orders)


def taken(tokens, orders):
    """Tokens (n, N, D) in the orders (n, N) that their patches were put in."""
    return torch.stack([t[o] for t, o in zip(tokens, orders)])


# %%
if __name__ == "__main__":
    images, orders = shuffled(base, 1, P)
    moved_states, moved_patches = look(plain, images)
    evidence["plain_shuffled"] = change(moved_states[:, -1], plain_last)
    evidence["plain_followed"] = change(moved_patches, taken(plain_patches, orders))
    plain_own = alike(moved_states[:, -1], plain_last)
    plain_world["found_last"] = found(moved_states[:, -1], plain_last)
    exact, two = copy.deepcopy(plain).double(), slice(0, 2)
    evidence["plain_shuffled_float64"] = change(
        look(exact, images[two].double())[0][:, -1],
        look(exact, base[two].double())[0][:, -1],
    )
    print(f"위치를 빼고 모두 섞으면 {max(evidence['plain_shuffled']):.0e}만큼,")
    print(f"float64로는 {max(evidence['plain_shuffled_float64']):.0e}만큼 변해요.")

# %% [markdown]
# 위치를 빼면 클래스 토큰은 반올림만큼만 변하고, 패치 토큰은 제 패치를 따라 옮겨 가요. 진짜 모델도 식대로예요.
# 위치가 있으면 어떤가요? **닮은 정도**(코사인)와, 섞은 사진의 클래스 토큰이 열두 장 가운데 **제 사진을 찾는지**를 봐요.
# 값은 제 사진이 몇째로 가까운지의 역수라서, 첫째면 1이고 아무렇게나 고르면 0.26쯤이에요.

# %%
if __name__ == "__main__":
    doses = [side for side in (8, 7, 4, 2, 1) if G % side == 0]  # moved as one
    by_block = {}  # how well photographs are found, by dose: (depth,)
    for cells in doses:
        images, orders = shuffled(base, cells, P)
        moved_states, moved_patches = look(model, images)
        evidence[f"own_{cells}"] = alike(moved_states[:, -1], last)
        ranks = [
            found(a, b) for a, b in zip(moved_states.unbind(1), states.unbind(1))
        ]
        by_block[cells] = torch.stack([rank.mean() for rank in ranks])
    evidence["found_last"], evidence["found_ninth"] = ranks[-1], ranks[-4]
    again = look(model, shuffled(base, 1, P, seed=1)[0])[0][:, -1]
    evidence["found_among_shuffled"] = found(again, moved_states[:, -1])
    evidence["other_shuffled"] = to_others(moved_states[:, -1])
    evidence["by_content"] = alike(moved_patches, taken(patches, orders)).mean(1)
    evidence["by_place"] = alike(moved_patches, patches).mean(dim=1)
    elsewhere = taken(patches, orders.flip(1))  # some other patch of the photograph
    evidence["by_chance"] = alike(moved_patches, elsewhere).mean(dim=1)
    null["아무 패치"] = {"by_content": evidence["by_chance"]}

    for cells in (doses[0], 1):
        images, _ = shuffled(base, cells, P)
        moved = look(mixed, images)[0][:, -1]
        mixed_world[f"own_{cells}"] = alike(moved, mixed_last)
    mixed_world["found_last"] = found(moved, mixed_last)
    evidence["mixed_own_1"] = mixed_world["own_1"]
    evidence["found_colour"] = found(images.mean(dim=(2, 3)), base.mean(dim=(2, 3)))

# %%
if __name__ == "__main__":
    names = {c: f"{c}×{c}씩" if c > 1 else "모두 따로" for c in doses}
    figure, axis = plt.subplots()
    x = range(len(doses) + 1)
    own = torch.stack(
        [torch.ones(len(base)), *(evidence[f"own_{c}"] for c in doses)]
    )
    axis.errorbar(
        x,
        own.mean(dim=1),
        interval(own),
        fmt="o-",
        color=BLUE,
        capsize=3,
        label="섞은 제 사진 (95% 구간)",
    )
    axis.plot(x[-1], plain_own.mean(), "D", color=GREEN, label="위치를 뺀 모델")
    axis.axhline(
        evidence["other"].mean(),
        color=INK,
        linestyle=":",
        linewidth=1,
        label="다른 사진",
    )
    axis.set(title="섞기 전의 클래스 토큰과 닮은 정도", ylim=(0.3, 1.05))
    axis.set_xticks(x, ["그대로", *(names[c] for c in doses)])
    axis.legend(loc="lower left")
    alt = (
        f"섞기 전의 클래스 토큰과 닮은 정도는 {names[doses[0]]} 섞을 때 "
        f"{own[1].mean():.2f}, 모두 따로 섞을 때 "
        f"{evidence['own_1'].mean():.2f}만큼이고, 다른 사진과는 "
        f"{evidence['other'].mean():.2f}만큼이에요. 위치를 뺀 모델은 모두 섞어도 1이에요."
    )
    show(figure, "doses", alt)

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    layers = range(1, states.shape[1] + 1)
    looks = zip(doses, ("^-.", "s--", "D:", "o-"), (GREEN, ORANGE, PINK, BLUE))
    for cells, style, colour in looks:
        axis.plot(layers, by_block[cells], style, color=colour, label=names[cells])
    chance = sum(1 / k for k in range(1, 13)) / 12
    axis.axhline(chance, color=INK, linestyle=":", linewidth=1, label="아무렇게나")
    axis.set(xlabel="층", title="섞은 사진에서 제 사진을 찾은 정도", xticks=layers)
    axis.set_ylim(0, 1.05)
    axis.legend(loc="center left")
    late = len(layers) - 3
    alt = (
        f"모두 따로 섞어도 {late}층의 클래스 토큰까지는 제 사진을 찾은 정도가 "
        f"{by_block[1][-4]:.2f}만큼이지만 마지막 층에서는 {by_block[1][-1]:.2f}만큼뿐이에요. "
        f"{names[doses[0]]} 섞으면 마지막 층에서도 {by_block[doses[0]][-1]:.2f}만큼 찾아요."
    )
    show(figure, "found_by_layer", alt)
    ranks = {
        "섞은 사진으로 섞기 전을": evidence["found_last"],
        "섞은 사진으로 달리 섞은 것을": evidence["found_among_shuffled"],
        f"{late}층에서 섞기 전을": evidence["found_ninth"],
        "평균 색만 보고 섞기 전을": evidence["found_colour"],
        "가중치를 뒤섞은 모델이 섞기 전을": mixed_world["found_last"],
    }
    table(
        "found",
        f"모두 따로 섞은 사진 {len(base)}장에서 제 사진을 찾은 정도 (첫째면 1)",
        ["무엇으로 무엇을", "찾은 정도"],
        [[name, f"{rank.mean():.2f}"] for name, rank in ranks.items()],
    )

# %% [markdown]
# ## 픽셀 단위로 밀어요
#
# 먼저 **돌려 밀어요**. 오른쪽으로 나간 것이 왼쪽으로 들어와서 사진에 새로 생기는 것이 없어요.
# 위치를 빼고 패치 하나(14 px)를 밀면 패치 토큰이 정확히 한 칸 옮겨 가고 클래스 토큰은 그대로예요. 반 패치(7 px)를 밀면 패치마다 담긴 것이 달라져요.

# %%
if __name__ == "__main__":
    for pixels in (P // 2, P):
        rolled = base.roll(pixels, dims=3)
        pixel_world[f"rolled_{pixels}"] = by_pixel(rolled, base)
        for key, one, before, grid in (
            ("plain_rolled", plain, plain_last, plain_patches),
            ("rolled", model, last, patches),
        ):
            moved, cells = look(one, rolled)
            evidence[f"{key}_{pixels}"] = change(moved[:, -1], before)
            if pixels == P:  # every patch one column further
                on = grid.unflatten(1, (G, G)).roll(1, dims=2).flatten(1, 2)
                evidence[f"{key}_cells"] = change(cells, on)
    rows = [
        [name, *(f"{evidence[f'{key}_{p}'].mean():.2g}" for p in (P // 2, P))]
        for name, key in (("위치 없음", "plain_rolled"), ("위치 있음", "rolled"))
    ]
    table(
        "rolled",
        "돌려 밀 때 클래스 토큰의 상대 변화",
        ["모델", f"{P // 2} px (반 패치)", f"{P} px (패치 하나)"],
        rows,
    )

# %% [markdown]
# 돌려 밀면 사진의 끝이 한가운데에 생겨요. 그래서 이번에는 더 큰 사진에서 **창을 옮겨** 잘라요. 카메라를 조금 돌린 것과 같아서,
# 한쪽 끝에서 밀린 만큼만 새로 들어와요. 변화는 1에서 코사인을 뺀 거예요. 패치 토큰은 **같은 내용**끼리와 **같은 자리**끼리 견줘요.


# %%
def followed(moved, still, cells):
    """Cosines of patch tokens moved by so many cells (n, N, D) to those of the same
    content before, between two of them where cells is no whole number, and to those
    of the same place: two of (n,)."""
    G = math.isqrt(moved.shape[1])
    moved, still = (t.unflatten(1, (G, G)) for t in (moved, still))
    whole, part = int(cells), cells % 1
    before = still[:, :, : G - whole]
    if part:  # half of its content stood in one cell, half in the next
        left = still[:, :, : G - whole - 1]
        before = (1 - part) * still[:, :, 1 : G - whole] + part * left
    after = moved[:, :, G - before.shape[2] :]
    return alike(after, before).mean(dim=(1, 2)), alike(moved, still).mean(
        dim=(1, 2)
    )


# %%
if __name__ == "__main__":
    steps = (P // 2, P, 3 * P // 2, 2 * P)
    rows = []
    for step in steps:
        view = window(wide, step, 2 * P)
        moved, cells = look(model, view)
        evidence[f"moved_{step}"] = 1 - alike(moved[:, -1], last)
        pixel_world[f"moved_{step}"] = by_pixel(view, base)
        content, place = followed(cells, patches, step / P)
        evidence |= {f"content_{step}": content, f"place_{step}": place}
        if step == P:
            content, place = followed(cells, patches.roll(1, dims=0), 1)
            null["다른 사진의 패치"] = {
                f"content_{P}": content,
                f"place_{P}": place,
            }
        rows.append(
            [
                f"{step} px",
                *(
                    f"{evidence[f'{key}_{step}'].mean():.{digits}f}"
                    for key, digits in (("moved", 3), ("content", 2), ("place", 2))
                ),
            ]
        )
    table(
        "moved",
        f"창을 옮겼을 때 (다른 사진과는 클래스 토큰의 변화 {1 - evidence['other'].mean():.2f})",
        ["옮긴 거리", "클래스 토큰의 변화", "같은 내용의 패치", "같은 자리의 패치"],
        rows,
    )

# %% [markdown]
# ## 패치를 반으로 줄인 셈 치고 다시 밀어요
#
# 사진을 **두 배로 키워** 넣으면 패치 하나가 보는 폭이 반이 돼요. 같은 7 px이 반 패치에서 패치 하나가 되지요.
# 패치 격자가 까닭이라면 변화가 줄어야 해요. 168 px 사진과, 그것을 336 px로 키운 사진으로 견줘요.

# %%
if __name__ == "__main__":
    size, half = 12 * P, P // 2  # 168 px, 7 px
    narrow = photos(size + 2 * P)[0]  # (12, 3, 196, 196)
    doubled = F.interpolate(narrow, scale_factor=2, mode="bicubic").clamp(0, 1)
    small, large = load_real(size, NAME), load_real(2 * size, NAME)

    def moved_by(model, images, steps, room):
        """How far images moved so many px right are from before: by the last class
        token and by their pixels, two of (n,) for each of the steps."""
        before = window(images, 0, room)
        still = look(model, before)[0][:, -1]
        for x in steps:
            after = window(images, x, room)
            moved = look(model, after)[0][:, -1]
            yield 1 - alike(moved, still), by_pixel(after, before)

    ((coarse, coarse_pixels),) = moved_by(small, narrow, [half], 2 * P)
    (fine, fine_pixels), (finest, _) = moved_by(large, doubled, [P, half], 4 * P)
    evidence |= {
        f"coarse_{half}": coarse,
        f"fine_{half}": fine,
        "fine_half": finest,
    }
    pixel_world |= {f"coarse_{half}": coarse_pixels, f"fine_{half}": fine_pixels}
    enlarged = f"{2 * size} px로 키움"
    rows = [
        [f"{size} px", f"{P} px", f"{half} px", f"{coarse.mean():.3f}"],
        [enlarged, f"{half} px", f"{half} px", f"{fine.mean():.3f}"],
        [enlarged, f"{half} px", f"{half / 2:g} px", f"{finest.mean():.3f}"],
    ]
    table(
        "half_patches",
        f"{size} px 사진의 픽셀로 센 패치의 폭과 옮긴 거리, 클래스 토큰의 변화",
        ["넣은 사진", "패치의 폭", "옮긴 거리", "변화"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    moved = torch.stack([0 * last[:, 0], *(evidence[f"moved_{s}"] for s in steps)])
    axis.errorbar(
        (0, *steps),
        moved.mean(dim=1),
        interval(moved),
        fmt="o-",
        color=BLUE,
        capsize=3,
        label="평균과 95% 구간",
    )
    for count, at in ((1, P), (2, 2 * P)):
        axis.axvline(at, color=INK, linewidth=1, linestyle=":")
        axis.annotate(
            f"패치 {count}개",
            (at, 0),
            (-4, 6),
            textcoords="offset points",
            ha="right",
        )
    axis.set(
        xlabel="옮긴 거리 (px)", title="클래스 토큰의 변화", xticks=(0, *steps)
    )
    axis.set_ylim(0, None)
    axis.legend(loc="upper left")
    first, second, *others = (
        f"{s} px에서 {m.mean():.3f}" for s, m in zip(steps, moved[1:])
    )
    alt = (
        f"클래스 토큰의 변화는 평균이 반 패치인 {first}, 패치 하나인 {second}, "
        f"{', '.join(others)}만큼이에요. "
        "사진마다 달라서 구간이 겹쳐요."
    )
    show(figure, "moved_by_pixel", alt)

# %% [markdown]
# ## 돌려요
#
# 귀퉁이가 잘리지 않게 사진을 원판으로 오려 견줘요. DINOv2를 학습하는 코드는 사진을 자르고, 좌우로 뒤집고, 색을 바꿔요. 돌리지는 않아요.
# 그러니 **뒤집기**와 **돌리기**가 다를지 볼 만해요. 90도 돌리기와 뒤집기는 픽셀을 옮기기만 해서 흐려지는 것이 없어요.


# %%
def turned(images, degrees):
    """Images or maps (n, C, S, S) turned about their middle, bilinear."""
    a = math.radians(degrees)
    turn = torch.tensor(
        [[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0]]
    )
    places = F.affine_grid(
        turn.expand(len(images), 2, 3), images.shape, align_corners=False
    )
    return F.grid_sample(images, places, padding_mode="border", align_corners=False)


def within(size, radius):
    """Whether a cell's middle lies in a circle of so much of half the width:
    (size, size) of bool."""
    at = (torch.arange(size) + 0.5) / size * 2 - 1
    return at[:, None] ** 2 + at**2 < radius**2


def disc(images, cfg):
    """Images cut out as discs, on the mean colour of what the weights saw."""
    ground = torch.tensor(cfg["mean"]).view(3, 1, 1)
    return torch.where(within(images.shape[-1], 1), images, ground)


# %%
if __name__ == "__main__":
    ways = {
        "flip": ("좌우로 뒤집기", lambda x: x.flip(3)),
        "turn_15": ("15도 돌리기", lambda x: turned(x, 15)),
        "turn_45": ("45도 돌리기", lambda x: turned(x, 45)),
        "turn_90": ("90도 돌리기", lambda x: turned(x, 90)),
        "there_and_back": (
            "45도 돌렸다 되돌리기",
            lambda x: turned(turned(x, 45), -45),
        ),
    }
    inner, rows = within(G, 0.85), []
    cfg = model.pretrained_cfg
    (still, cells), (mixed_still, _) = (
        look(m, disc(base, cfg)) for m in (model, mixed)
    )
    evidence["other_disc"] = to_others(still[:, -1])
    maps = cells.transpose(1, 2).unflatten(2, (G, G))  # (12, 384, 16, 16)
    for key, (name, way) in ways.items():
        images = disc(way(base), cfg)
        moved, cells = look(model, images)
        evidence[key] = alike(moved[:, -1], still[:, -1])
        now = cells.transpose(1, 2).unflatten(2, (G, G))
        with_it, in_place = (
            F.cosine_similarity(now, other, dim=1)[:, inner].mean(dim=1)
            for other in (way(maps), maps)
        )
        evidence |= {f"{key}_content": with_it, f"{key}_place": in_place}
        if key in ("flip", "turn_90"):
            mixed_moved, _ = look(mixed, images)
            mixed_world[key] = alike(mixed_moved[:, -1], mixed_still[:, -1])
        values = evidence[key], with_it, in_place
        rows.append([name, *(f"{value.mean():.2f}" for value in values)])
    table(
        "turned",
        f"원판을 돌렸을 때 닮은 정도 (다른 사진의 클래스 토큰과는 {evidence['other_disc'].mean():.2f})",
        ["한 일", "클래스 토큰", "같은 내용의 패치", "같은 자리의 패치"],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {k: 0.02 for k, v in evidence.items() if torch.is_tensor(v)}
    exact = [
        k
        for k in evidence
        if k.startswith("plain_") and k != f"plain_rolled_{P // 2}"
    ]
    tolerance |= dict.fromkeys(exact, 1e-5)
    tolerance |= {k: 0.67 for k in evidence if k.startswith("found_")}  # near ties
    evidence
