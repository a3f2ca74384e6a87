# %% [markdown]
# # 진짜 ViT의 어텐션: 거리, 지도, 튀는 토큰
#
# 작은 모델로 본 것이 사진을 배운 ViT에서도 그런가요? `real_vit.py`로 읽은 공개된 ViT-S/14에 사진 열두 장을 넣고 어텐션 맵을 모두 꺼내요.
# 층 12개에 헤드가 6개씩이라 사진마다 맵이 72개예요.
#
# 이 모델은 DINOv2의 구조에, **눈에 띄는 곳을 찾도록 더 학습했을 수도 있는** 가중치예요. 그래서 여기서 나온 것은 이 모델과 이 사진들의 이야기예요.
# 견줄 것으로 가중치를 뒤섞은 모델, 무작위 어텐션, 한가운데만 밝은 지도를 함께 재요.
#
# 네트워크가 있다면 아래 `NAME`에 timm의 이름을 적어 다른 ViT로도 재 볼 수 있어요.

# %%
import torch
from attention_distance import attention_distance, patch_distances, spread
from attention_rollout import cls_map, density_in_box, patches_in_box, peak_in_box
from attention_rollout import rollout as rollout_of_heads
from lib.figure import BLUE, GREEN, INK, ORANGE, plt, show, table
from lib.photos import CORNERS, photos, views
from lib.scramble import scrambled
from real_vit import load_real, normalise

torch.set_num_threads(1)
NAME = None  # or timm's name of another model: "vit_small_patch16_224"
PIXELS = 224


# %% [markdown]
# ## 사진을 한 장씩 넣고, 쓸 것만 남겨요


# %%
@torch.inference_mode()
def look(model, images):
    """What is kept of images (n, 3, S, S) in [0, 1], one put in at a time.

    -> {"distance": (n, depth, heads) in px, "maps": heads averaged, (n, depth,
    1 + N, 1 + N), "norms": of the tokens after each block, (n, depth, 1 + N)}."""
    P = model.patch_embed.patch_size
    G = images.shape[-1] // P
    found = {"distance": [], "maps": [], "norms": []}
    for image in normalise(images, model.pretrained_cfg):
        x = model.embed(image[None])
        distance, maps, norms = [], [], []
        for block in model.blocks:
            x, attn = block(x, return_attn=True)  # (1, heads, 1 + N, 1 + N)
            distance.append(attention_distance(attn[0], (G, G), P))
            maps.append(attn[0].mean(dim=0))
            norms.append(x[0].norm(dim=-1))
        for name, values in zip(found, (distance, maps, norms)):
            found[name].append(torch.stack(values))
    return {name: torch.stack(values) for name, values in found.items()}


# %% [markdown]
# ## 어텐션 거리: 논문의 Figure 7 오른쪽을 다시 그려요
#
# 점 하나가 헤드 하나이고, 사진 열두 장에서 평균 낸 거리예요. 모두 고르게 볼 때와 가장 먼 곳만 볼 때를 선으로 그었어요.

# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    model = load_real(PIXELS, NAME)
    seen = look(model, photos(PIXELS)[0])
    mixed = look(scrambled(model), photos(PIXELS)[0])
    P = model.patch_embed.patch_size
    G = PIXELS // P
    between = patch_distances((G, G), P)
    even, longest = between.mean().item(), between.amax(dim=1).mean().item()
    evidence |= {"even": even, "farthest": longest, "photos": len(seen["maps"])}


def distances(seen, even):
    """Distances over that of even attention, one value a photograph: of layers, and
    of the nearest and the farthest head of the lower and the upper half."""
    shares = seen["distance"] / even  # (n, depth, heads)
    half = shares.shape[1] // 2
    lower, upper = shares[:, :half].flatten(1), shares[:, half:].flatten(1)
    layers = shares.mean(dim=2)  # (n, depth)
    return {
        "first": layers[:, 0],
        "second": layers[:, 1],
        "last": layers[:, -1],
        "lower": layers[:, 1:half].mean(dim=1),
        "upper": layers[:, half:].mean(dim=1),
        "near_lower": lower.amin(dim=1),
        "far_lower": lower.amax(dim=1),
        "near_upper": upper.amin(dim=1),
        "far_upper": upper.amax(dim=1),
    }


# %%
if __name__ == "__main__":
    evidence |= distances(seen, even)
    null["가중치를 뒤섞은 모델"] = distances(mixed, even)
    by_head = seen["distance"].mean(dim=0)  # (depth, heads)
    depth, heads = by_head.shape
    layers = torch.arange(1, depth + 1)
    figure, axis = plt.subplots()
    for height, name in ((longest, "가장 먼 패치만 볼 때"), (even, "고르게 볼 때")):
        axis.axhline(height, color=INK, linewidth=1, linestyle=":")
        axis.annotate(
            name,
            (depth + 0.4, height),
            (0, 4),
            textcoords="offset points",
            ha="right",
        )
    axis.plot(layers.repeat_interleave(heads), by_head.flatten(), "o", color=BLUE)
    axis.plot(layers, by_head.mean(dim=1), color=ORANGE, label="헤드의 평균")
    axis.set(
        xlabel="층 (점 하나가 헤드 하나)",
        title="어텐션 거리 (px)",
        ylim=(0, longest + 25),
        xticks=layers,
    )
    axis.legend(loc="upper left", bbox_to_anchor=(0, 0.9))
    half = depth // 2
    lower, upper = by_head[1:half], by_head[half:]
    alt = (
        f"2~{half}층에는 {lower.min():.0f} px인 헤드와 {lower.max():.0f} px인 헤드가 섞여 있고, 뒤쪽 절반은 "
        f"{upper.min():.0f}~{upper.max():.0f} px이에요. 첫 층은 모두 "
        f"{by_head[0].min():.0f} px보다 길어서, 고르게 볼 때의 {even:.0f} px에 가까워요."
    )
    show(figure, "distance_by_layer", alt)
    rows = [
        [
            layer,
            f"{by_head[layer - 1].min():.0f}",
            f"{by_head[layer - 1].max():.0f}",
            f"{by_head[layer - 1].mean():.0f}",
            f"{seen['distance'][:, layer - 1].mean(dim=1).std():.0f}",
            f"{mixed['distance'][:, layer - 1].mean():.0f}",
        ]
        for layer in layers.tolist()
    ]
    caption = (
        f"어텐션 거리(px). 고르게 보면 {even:.0f}, 퍼짐은 사진 사이의 표준편차"
    )
    table(
        "distances",
        caption,
        ["층", "가까운 헤드", "먼 헤드", "평균", "퍼짐", "뒤섞은 모델"],
        rows,
    )

# %% [markdown]
# 크기를 바꾸면 어떨까요? 위치를 336 px에 맞게 늘리고 같은 사진을 넣어요. 고르게 볼 때의 거리로 나눠 견줘요.

# %%
if __name__ == "__main__":
    larger = look(load_real(336, NAME), photos(336)[0])
    larger_even = patch_distances((336 // P, 336 // P), P).mean().item()
    at_336 = distances(larger, larger_even)
    evidence |= {
        f"{name}_336": at_336[name] for name in ("first", "lower", "upper")
    }
    spans = f"2~{half}층", f"{half + 1}~{depth}층"
    for name, what in zip(("first", "lower", "upper"), ("첫 층", *spans)):
        small, large = evidence[name].mean(), at_336[name].mean()
        print(
            f"{what}: 224 px에서 고를 때의 {small:.2f}배, 336 px에서 {large:.2f}배"
        )

# %% [markdown]
# ## 지도가 퍼진 정도는 층을 따라 어떻게 변하나요?
#
# 그 층 하나의 클래스 토큰 맵과, 거기까지 쌓은 롤아웃을 나란히 재요. 1이면 모든 패치에 고르게, 0에 가까우면 몇 패치에 몰린 거예요.


# %%
def rollout(maps):
    """Rollout of head-averaged maps: (..., depth, N, N) -> (..., N, N)."""
    return rollout_of_heads(maps[..., None, :, :])


def spreads(maps):
    """How spread the class token's row is, own layer and rollout up to it: maps (n,
    depth, 1 + N, 1 + N) -> two of (n, depth)."""
    own = spread(maps[..., 0, 1:])
    stacked = [
        spread(rollout(maps[:, : k + 1])[:, 0, 1:]) for k in range(maps.shape[1])
    ]
    return own, torch.stack(stacked, dim=1)


# %%
if __name__ == "__main__":
    own, stacked = spreads(seen["maps"])
    mixed_own, mixed_stacked = spreads(mixed["maps"])
    for name, values, others in (
        ("own", own, mixed_own),
        ("stacked", stacked, mixed_stacked),
    ):
        for end, k in (("first", 0), ("last", -1)):
            evidence[f"{name}_spread_{end}"] = values[:, k]
            null["가중치를 뒤섞은 모델"][f"{name}_spread_{end}"] = others[:, k]
    figure, axis = plt.subplots()
    for values, colour, style, name in (
        (own, GREEN, "^-.", "그 층의 맵"),
        (stacked, ORANGE, "s--", "거기까지 쌓은 롤아웃"),
    ):
        axis.errorbar(
            layers,
            values.mean(0),
            values.std(0),
            fmt=style,
            color=colour,
            capsize=3,
            label=name,
        )
    axis.set(
        xlabel="층",
        title="클래스 토큰의 지도가 퍼진 정도",
        ylim=(0, 1.35),
        xticks=layers,
    )
    axis.legend(loc="upper left")
    alt = (
        f"그 층의 맵은 첫 층의 {own[:, 0].mean():.2f}에서 셋째 층의 "
        f"{own[:, 2].mean():.2f}까지 퍼졌다가 마지막 층에서 {own[:, -1].mean():.2f}이고, "
        f"쌓은 롤아웃은 {stacked[:, 0].mean():.2f}에서 {stacked[:, -1].mean():.2f}로 변해요."
    )
    show(figure, "spread_by_layer", alt)


# %% [markdown]
# ## 어느 지도가 물체를 가리키나요?
#
# 물체는 사진 한가운데에 자주 있어서, **한가운데만 밝은 지도**도 잘 맞혀요. 그래서 사진마다 한가운데와 네 귀퉁이를 잘라 다섯 조각으로 재요.
# 상자가 조각의 3%보다 작거나 80%보다 크면 빼요. 사진 하나의 값은 남은 조각의 평균이에요.
#
# - **정점**: 가장 밝은 패치가 상자 안에 있는 조각의 비율이에요.
# - **농도**: 상자 안에 든 값의 몫이, 고르게 폈을 때의 몇 배인가예요.
# - **순위**: 상자 안의 패치 하나가 밖의 패치 하나보다 밝을 확률이에요. 아무렇게나 칠하면 절반이에요.


# %%
def rank_in_box(heat, inside):
    """How often a patch in the box is hotter than one outside, ties half: (B, rows,
    columns) twice -> (B,), nan where all or none are inside."""
    shares = []
    for values, mask in zip(heat.flatten(1), inside.flatten(1)):
        difference = values[mask][:, None] - values[~mask]
        shares.append((difference.sign().mean() + 1) / 2)
    return torch.stack(shares)


def incoming(maps, layer=0):
    """What the patches of a layer pay each patch on average: maps (n, depth, 1 + N,
    1 + N) -> (n, N)."""
    return maps[:, layer, 1:, 1:].mean(dim=1)


METHODS = {
    "rollout": ("롤아웃", rollout),
    "skip": ("첫 층을 뺀 롤아웃", lambda maps: rollout(maps[:, 1:])),
    "skip_last": ("끝 층을 뺀 롤아웃", lambda maps: rollout(maps[:, :-1])),
    "reversed": ("거꾸로 곱한 롤아웃", lambda maps: rollout(maps.flip(1))),
    "average": ("층 평균", lambda maps: maps.mean(dim=1)),
    "last": ("마지막 층", lambda maps: maps[:, -1]),
    "before_last": ("끝에서 둘째 층", lambda maps: maps[:, -2]),
    "first": ("첫 층", lambda maps: maps[:, 0]),
}


def scores(heat, inside, kept):
    """{"peak", "density", "rank"}: one value a photograph, the mean of its kept
    views; heat, inside: (n * 5, G, G); kept: (n * 5) of bool."""
    measures = {"peak": peak_in_box, "density": density_in_box, "rank": rank_in_box}
    return {
        name: torch.where(kept, measure(heat, inside).float(), torch.nan)
        .view(-1, len(CORNERS))
        .nanmean(dim=1)
        for name, measure in measures.items()
    }


# %%
if __name__ == "__main__":
    images, boxes = views(PIXELS)
    inside = patches_in_box(boxes, (G, G))
    area = inside.float().mean(dim=(1, 2))
    kept = (area > 0.03) & (area < 0.8)
    maps = look(model, images)["maps"]  # (60, depth, 1 + N, 1 + N)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(maps.shape, generator=generator).mul(2).softmax(dim=-1)
    mixed_maps = look(scrambled(model), images)["maps"]
    order = torch.randperm(G * G, generator=generator)
    off = (torch.arange(G) + 0.5) / G - 0.5
    middle = torch.exp(-(off[:, None] ** 2 + off**2) / (2 * 0.25**2))
    heats = {key: cls_map(of(maps), (G, G)) for key, (_, of) in METHODS.items()}
    controls = {
        "가중치를 뒤섞은 모델": {
            k: cls_map(of(mixed_maps), (G, G)) for k, (_, of) in METHODS.items()
        },
        "무작위 어텐션": {
            k: cls_map(of(noise), (G, G)) for k, (_, of) in METHODS.items()
        },
        "자리를 뒤섞은 지도": {
            k: heat.flatten(1)[:, order].view_as(heat) for k, heat in heats.items()
        },
        "다른 사진의 지도": {
            k: heat.roll(len(CORNERS), dims=0) for k, heat in heats.items()
        },
        "한가운데만 밝은 지도": {
            k: middle.expand_as(heat) for k, heat in heats.items()
        },
    }
    evidence["views"], evidence["box_area"] = (
        kept.sum().item(),
        area[kept].mean().item(),
    )
    rows = []

    def row(name, found):
        """A line of the table from what scores() found."""
        return [
            name,
            f"{found['peak'].double().mean():.0%}",
            f"{found['density'].double().mean():.1f}배",
            f"{found['rank'].double().mean():.2f}",
        ]

    for key, (name, _) in METHODS.items():
        found = scores(heats[key], inside, kept)
        evidence |= {f"{what}_{key}": values for what, values in found.items()}
        rows.append(row(name, found))
    for world, others in controls.items():
        of_world = null.setdefault(world, {})
        for key, heat in others.items():
            found = scores(heat, inside, kept)
            of_world |= {f"{what}_{key}": values for what, values in found.items()}
        rows.append(row(f"[{world}]", scores(others["rollout"], inside, kept)))
    for of_world in null.values():  # the peaks of the model that has learnt nothing
        of_world["peak_mixed"] = of_world["peak_rollout"]
    evidence["peak_mixed"] = null["가중치를 뒤섞은 모델"].pop("peak_mixed")
    evidence["rank_middle"] = null["한가운데만 밝은 지도"]["rank_last"]
    evidence["peak_middle"] = null["한가운데만 밝은 지도"]["peak_last"]
    caption = (
        f"클래스 토큰의 지도는 물체를 가리키나 (사진 {len(seen['maps'])}장의 조각 {kept.sum()}개, "
        f"상자의 넓이 {area[kept].mean():.0%}). 대괄호 안은 비교 대상이고, 한가운데만 밝은 지도 말고는 모두 롤아웃이에요."
    )
    table("pointing", caption, ["지도", "정점", "농도", "순위"], rows)

# %%
if __name__ == "__main__":
    chosen = slice(0, 4)  # the first four photographs, as they come
    whole = photos(PIXELS)
    drawn = {
        "첫 층": seen["maps"][chosen, 0],
        "끝 층": seen["maps"][chosen, -1],
        "롤아웃": rollout(seen["maps"][chosen]),
        "첫 층 빼고": rollout(seen["maps"][chosen, 1:]),
    }
    figure, axes = plt.subplots(len(drawn) + 1, 4, figsize=(4.5, 5.6))
    for column in range(4):
        small = torch.nn.functional.avg_pool2d(whole[0][column], 2)
        axes[0, column].imshow(
            small.movedim(0, 2), extent=(0, 1, 1, 0), interpolation="none"
        )
        for line, matrices in zip(axes[1:], drawn.values()):
            line[column].imshow(
                cls_map(matrices, (G, G))[column],
                cmap="inferno",
                extent=(0, 1, 1, 0),
                interpolation="none",
            )
        x0, y0, x1, y1 = whole[1][column].tolist()
        for axis in axes[:, column]:
            frame = plt.Rectangle(
                (x0, y0),
                x1 - x0,
                y1 - y0,
                fill=False,
                edgecolor="white",
                linewidth=1,
            )
            axis.add_patch(frame)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            axis.grid(False)
    for line, name in zip(axes, ("사진", *drawn)):
        line[0].set_ylabel(name)
    in_four = patches_in_box(whole[1][chosen], (G, G))
    hits = {
        name: peak_in_box(cls_map(m, (G, G)), in_four).sum().item()
        for name, m in drawn.items()
    }
    alt = (
        "사진 네 장의 클래스 토큰 지도예요. 가장 밝은 패치가 흰 상자 안에 있는 것은 "
        + ", ".join(f"{name} {count}장" for name, count in hits.items())
    )
    show(figure, "maps", f"{alt}이에요.")

# %% [markdown]
# **정점은 믿을 자가 못 돼요.** 가중치를 뒤섞은 모델의 롤아웃도 정점을 배운 모델만큼 맞혀요. 배우지 않아도 무늬가 튀는 패치는 어텐션이 조금 다르거든요.
# 하지만 그 차이는 아주 옅어서 농도는 거의 1배예요. 그래서 아래에서는 농도와 순위를 봐요.
#
# ## 롤아웃의 밝은 점은 어디서 오나요?
#
# 첫 층에서 **거의 모든 패치가 똑같은 몇 패치**를 봐요. 롤아웃은 첫 층부터 곱하니, 위층이 무엇을 보든 그 몇 패치로 값이 흘러들어요.
# 롤아웃의 가장 밝은 패치가 첫 층에서 가장 많이 보인 패치인지 세고, 첫 층을 빼고 곱해 봐요.
#
# 크기가 튀는 토큰(2309.16588)도 찾아요. 그런 토큰이 있다면 마지막 블록을 지난 토큰의 크기 가운데 몇 개만 아주 커요.


# %%
def of_first_layer(maps):
    """Of how many views rollout has its peak where the first layer looks most, and
    how it correlates with that: two of one value a photograph; maps: (n * 5, depth,
    1 + N, 1 + N)."""
    heat, paid = rollout(maps)[:, 0, 1:], incoming(maps)
    same = (heat.argmax(dim=1) == paid.argmax(dim=1)).float()
    together = [torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(heat, paid)]
    return [
        v.view(-1, len(CORNERS)).mean(dim=1) for v in (same, torch.stack(together))
    ]


def excess(values):
    """The largest over the median: (..., N) -> (...)."""
    return values.amax(dim=-1) / values.median(dim=-1).values


# %%
if __name__ == "__main__":
    names = "same_peak", "first_correlation"
    evidence |= dict(zip(names, of_first_layer(maps)))
    null["가중치를 뒤섞은 모델"] |= dict(zip(names, of_first_layer(mixed_maps)))
    null["무작위 어텐션"] |= dict(zip(names, of_first_layer(noise)))
    evidence["first_layer_rank"] = scores(
        incoming(maps).unflatten(-1, (G, G)), inside, kept
    )["rank"]
    paid = torch.stack(
        [excess(incoming(seen["maps"], k)) for k in range(depth)], dim=1
    )
    large = excess(seen["norms"][:, :, 1:])  # (n, depth)
    evidence |= {"paid_first": paid[:, 0], "paid_last": paid[:, -1]}
    evidence |= {"norm_last": large[:, -1], "norm_most": large.amax(dim=1)}
    evidence["norm_last_336"] = excess(larger["norms"][:, -1, 1:])
    planted = seen["norms"][:, -1, 1:].clone()
    planted[:, 0] *= 10  # about as large as those of 2309.16588
    null["토큰 하나를 열 배로 키운 모델"] = {"norm_last": excess(planted)}
    null["가중치를 뒤섞은 모델"]["paid_first"] = excess(incoming(mixed["maps"]))
    figure, axis = plt.subplots()
    axis.semilogy(layers, paid.mean(dim=0), "o-", color=BLUE, label="받은 어텐션")
    axis.semilogy(
        layers, large.mean(dim=0), "s--", color=ORANGE, label="토큰의 크기"
    )
    axis.set(xlabel="층", title="가장 큰 패치는 중앙값의 몇 배인가", xticks=layers)
    axis.set_yticks(times := [1, 3, 10, 30, 100], [f"{n}배" for n in times])
    axis.minorticks_off()
    axis.legend()
    alt = (
        f"가장 많이 보인 패치가 받은 어텐션은 첫 층에서 중앙값의 {paid[:, 0].mean():.0f}배이고 마지막 층에서 "
        f"{paid[:, -1].mean():.1f}배예요. 토큰의 크기는 마지막 층에서 "
        f"{large[:, -1].mean():.1f}배뿐이에요."
    )
    show(figure, "outliers", alt)
    print(
        f"롤아웃의 정점이 첫 층에서 가장 많이 보인 패치인 조각: {evidence['same_peak'].mean():.0%}"
    )
    print(
        f"롤아웃과 첫 층에서 받은 어텐션의 상관계수: {evidence['first_correlation'].mean():.2f}"
    )
    print(
        f"첫 층에서 많이 보인 패치가 물체 위에 있는지, 순위로: {evidence['first_layer_rank'].mean():.2f}"
    )

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.02 for name, value in evidence.items() if torch.is_tensor(value)
    }
    tolerance |= {  # a near tie between two patches may fall otherwise elsewhere
        name: 0.34 for name in evidence if name.startswith(("peak", "same_peak"))
    }
    tolerance |= {"paid_first": 2.0, "paid_last": 0.1}
    evidence
