# %% [markdown]
# # 어텐션 거리: 헤드마다 얼마나 먼 곳의 정보를 모을까요?
#
# 어텐션 거리(attention distance)는 패치가 본 곳까지의 **평균 거리**예요. 헤드마다, 층마다 하나씩 나와요.
# 어텐션 롤아웃(attention rollout)의 지도가 얼마나 **퍼져 있는지**와 헷갈리기 쉬워서, 두 양을 같은 모델에서 나란히 재요.

# %%
import statistics

import torch
from attention_rollout import cls_map, density_in_box, patches_in_box, rollout
from lib.figure import BLUE, GREEN, INK, ORANGE, plt, show, table
from scenes import draw
from train_vit import PATCH, SIZE, build, load_trained

torch.set_num_threads(1)
G, SEEDS = SIZE // PATCH, range(400, 405)  # patches on a side; of the scenes


# %% [markdown]
# ## 거리: 어텐션 가중치 × 패치 사이의 픽셀 거리
#
# 거리를 재려면 **보는 쪽과 보이는 쪽**의 자리가 모두 있어야 해요. 클래스 토큰은 자리가 없어서 행과 열에서 모두 빼고,
# 남은 행의 합이 1이 되게 다시 나눠요. 논문은 이 처리를 밝히지 않으니, 우리가 정한 것이에요.


# %%
def patch_distances(grid, patch_size):
    """Pixels between the centres of all patches: grid = (rows, columns) -> (N,
    N)."""
    centres = torch.cartesian_prod(
        *[(torch.arange(n) + 0.5) * patch_size for n in grid]
    )  # (N, 2): y, x
    return (centres[:, None] - centres).norm(dim=-1)


def patch_rows(attn, num_prefix_tokens=1):
    """Attention among patches alone, rows summing to 1 again: (..., prefix + N,
    prefix + N) -> (..., N, N)."""
    attn = attn[..., num_prefix_tokens:, num_prefix_tokens:]
    return attn / attn.sum(dim=-1, keepdim=True)


def attention_distance(attn, grid, patch_size):
    """ViT (2010.11929) appendix D.7: distance weighted by attention, averaged over
    queries, in pixels.

    Maps with a class token in front, (..., 1 + N, 1 + N) -> (...): one number a
    map, so one a head and layer."""
    return (
        (patch_rows(attn) * patch_distances(grid, patch_size))
        .sum(dim=-1)
        .mean(dim=-1)
    )


# %% [markdown]
# ## 퍼진 정도: 고르게 나눠 본 패치가 몇 개쯤인가
#
# 가중치의 엔트로피 $H$로 재요. $e^H$는 "고르게 나눠 본 패치의 수"라서, 전체로 나누면 1은 모든 패치를 고르게, $1/N$은 한 패치만 본 거예요.


# %%
def spread(weights):
    """exp(entropy) over the number of patches: (..., N) non-negative weights ->
    (...), between 1 / N and 1."""
    p = weights / weights.sum(dim=-1, keepdim=True)
    return (
        torch.special.entr(p).sum(dim=-1).exp() / p.shape[-1]
    )  # entr is -p log p, 0 at 0


# %% [markdown]
# ## 답을 아는 맵에서 먼저 재요
#
# 224 px 이미지를 16 px 패치로 자른 14×14 격자예요. **가장 먼 패치 하나만** 보는 맵은 한 점에 모였는데 거리는 가장 길어요.


# %%
def with_class_token(cls_row, rows):
    """A map of one layer and head from the class token's row (N) and the patches'
    rows (N, N): (1, 1, 1 + N, 1 + N)."""
    attn = torch.zeros(1 + len(rows), 1 + len(rows))
    attn[0, 1:], attn[1:, 1:] = cls_row, rows
    return attn[None, None]


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    grid, N = (14, 14), 14 * 14
    distances = patch_distances(grid, 16)
    itself, uniform = torch.eye(N), torch.full((N, N), 1 / N)
    farthest = torch.eye(N)[distances.argmax(dim=1)]  # the farthest corner
    nearest = torch.eye(N)[distances.where(distances > 0, torch.inf).argmin(dim=1)]
    known = {
        "itself": ("자기 자신만", itself),
        "nearest": ("이웃 하나만", nearest),
        "uniform": ("모든 패치를 고르게", uniform),
        "farthest": ("가장 먼 패치만", farthest),
    }
    rows = []
    for key, (name, weights) in known.items():
        evidence[key] = pixels = attention_distance(
            with_class_token(uniform[0], weights), grid, 16
        ).item()
        evidence[f"{key}_spread"] = share = spread(weights).mean().item()
        rows.append([name, f"{share:.3f}", f"{pixels:.1f}"])
    # two pixels of one patch, as Figure 11 of the paper counts them
    evidence["pixel_itself"] = apart = patch_distances((16, 16), 1).mean().item()
    print(f"픽셀끼리 재면 자기 패치만 봐도 {apart:.1f} px이에요.")
    table(
        "known",
        "만든 맵의 퍼진 정도와 어텐션 거리 (224 px, 16 px 패치)",
        ["보는 곳", "퍼진 정도", "거리(px)"],
        rows,
    )

# %% [markdown]
# ## 지도는 그대로 두고 거리만, 거리는 그대로 두고 지도만
#
# 롤아웃의 지도는 **클래스 토큰의 행**이고 어텐션 거리는 **패치들의 행**에서 나와요. 한 층이라면 둘을 따로 정할 수 있어요.
# 한 점에 모인 지도에 긴 거리를, 고르게 퍼진 지도에 0인 거리를 붙여 볼게요.

# %%
if __name__ == "__main__":
    one_patch = torch.eye(N)[7 * 14 + 9]
    pairs = {
        "모인 지도": with_class_token(one_patch, farthest),
        "퍼진 지도": with_class_token(uniform[0], itself),
    }
    pair_distance = [
        attention_distance(attn, grid, 16).item() for attn in pairs.values()
    ]
    pair_map = [cls_map(rollout(attn), grid) for attn in pairs.values()]
    for key, heat, pixels in zip(("gathered", "spread"), pair_map, pair_distance):
        evidence[f"{key}_map_spread"] = spread(heat.flatten()).item()
        evidence[f"{key}_map_distance"] = pixels
    swapped = cls_map(
        rollout(with_class_token(one_patch, nearest)), grid
    )  # the first, but patches look next door
    evidence["nearest_map_change"] = (swapped - pair_map[0]).abs().max().item()
    figure, axes = plt.subplots(1, 2, figsize=(4.5, 2.8))
    for axis, name, heat, pixels in zip(axes, pairs, pair_map, pair_distance):
        axis.imshow(heat / heat.max(), cmap="inferno", vmin=0, vmax=1)
        axis.set_title(f"{name}\n거리 {pixels:.0f} px")
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
    show(
        figure,
        "cls_maps",
        f"롤아웃 지도가 한 점에 모였는데 어텐션 거리는 {pair_distance[0]:.0f} px이고, "
        f"지도가 고르게 퍼졌는데 거리는 {pair_distance[1]:.0f} px이에요.",
    )

# %% [markdown]
# ## 헤드를 평균하면 헤드마다 다르다는 사실이 사라져요
#
# 헤드 하나는 자기만, 다른 하나는 가장 먼 곳만 보는 층과, 두 헤드가 모두 반반씩 보는 층을 만들어요.
# 헤드를 평균한 가중치는 같아서 롤아웃은 두 층을 구별하지 못하지만, 헤드마다 잰 거리는 전혀 달라요.

# %%
if __name__ == "__main__":
    near, far = (
        with_class_token(uniform[0], itself),
        with_class_token(uniform[0], farthest),
    )
    split, alike = (
        torch.cat([near, far], dim=1),
        ((near + far) / 2).expand(-1, 2, -1, -1),
    )  # (1, 2, 1 + N, 1 + N)
    evidence["same_rollout"] = apart = (
        (rollout(split) - rollout(alike)).abs().max().item()
    )
    both = {"split": split, "alike": alike}
    (near_px, far_px), (first_px, second_px) = (
        attention_distance(a, grid, 16)[0].tolist() for a in both.values()
    )
    evidence |= {
        "split_near": near_px,
        "split_far": far_px,
        "alike_first": first_px,
        "alike_second": second_px,
    }
    print(f"두 층의 롤아웃 차이: {apart:.1e}")
    print(f"역할을 나눈 층의 헤드별 거리: {near_px:.0f} px, {far_px:.0f} px")
    print(f"두 헤드가 같은 층의 헤드별 거리: {first_px:.0f} px, {second_px:.0f} px")

# %% [markdown]
# ## 학습한 ViT에서 헤드마다, 층마다 재요
#
# 처음 보는 장면 32개씩 시드 5개예요. 견줄 것은 같은 구조의 **학습하지 않은** 모델 다섯 벌과, 모든 패치를 고르게 볼 때의 거리예요.


# %%
@torch.no_grad()
def measure(model, seed, n=128):
    """What describe() says of the model's maps on n scenes."""
    images, _, boxes = draw(n, SIZE, seed)
    _, attn = model(images, return_attn=True)  # (n, depth, heads, 1 + N, 1 + N)
    return describe(attn, boxes)


def describe(attn, boxes):
    """Means over scenes, each (depth, heads), or (depth) for what is of the class
    token or a whole layer.

    attn: maps (n, depth, heads, 1 + N, 1 + N); boxes: (n, 4) as in scenes.draw.
    """
    joint = torch.stack(
        [rollout(attn[:, : k + 1]) for k in range(attn.shape[1])], dim=1
    )  # (n, depth, 1 + N, 1 + N)
    seen = patch_rows(attn).mean(
        dim=-2
    )  # what all patches together look at: (n, depth, heads, N)
    in_box = patches_in_box(boxes, (G, G)).repeat_interleave(
        seen[0, ..., 0].numel(), dim=0
    )
    found = {
        "distance": attention_distance(attn, (G, G), PATCH),
        "head_spread": spread(patch_rows(attn)).mean(dim=-1),  # of a patch's row
        "seen_spread": spread(seen),
        "density": density_in_box(
            seen.flatten(0, 2).unflatten(-1, (G, G)), in_box
        ).view(seen.shape[:3]),
        "rollout_spread": spread(joint[..., 0, 1:]),
        "cls_spread": spread(attn.mean(dim=2)[..., 0, 1:]),
        "rollout_distance": attention_distance(joint, (G, G), PATCH),
        "raw_distance": (attn[..., 1:, 1:] * patch_distances((G, G), PATCH))
        .sum(-1)
        .mean(dim=(-1, -2)),
    }
    return {key: value.mean(dim=0) for key, value in found.items()}


def gather(runs):
    """List of dicts of tensors -> dict of tensors with a first axis for the
    runs."""
    return {key: torch.stack([run[key] for run in runs]) for key in runs[0]}


# %%
if __name__ == "__main__":
    model = load_trained()
    trained = gather([measure(model, seed, n=32) for seed in SEEDS])
    untrained = gather(
        [measure(build(i).eval(), seed, n=16) for i, seed in enumerate(SEEDS)]
    )
    between = patch_distances((G, G), PATCH)  # (N, N)
    evidence["even"] = even = (
        between.mean().item()
    )  # every patch looks at all alike
    evidence["longest"] = longest = (
        between.amax(dim=1).mean().item()
    )  # every patch looks at the farthest
    for key, runs in (("", trained), ("untrained_", untrained)):  # one value a seed
        evidence[f"{key}first_layer"] = runs["distance"][:, 0].mean(dim=1)
        evidence[f"{key}last_layer"] = runs["distance"][:, -1].mean(dim=1)
    by_head, by_layer = (
        trained["distance"].mean(dim=0),
        trained["distance"].mean(dim=(0, 2)),
    )  # (depth, heads), (depth)
    depth, heads = by_head.shape
    evidence |= {"depth": depth, "heads": depth * heads}
    evidence |= {
        "shortest_head": by_head.min().item(),
        "longest_head": by_head.max().item(),
    }
    evidence["first_layer_range"] = (by_head[0].max() - by_head[0].min()).item()
    rows = [
        [layer + 1, *[f"{d:.1f}" for d in by_head[layer]], f"{by_layer[layer]:.1f}"]
        for layer in range(depth)
    ]
    caption = f"학습한 ViT의 어텐션 거리(px). 모든 패치를 고르게 보면 {even:.1f}, 가장 먼 곳만 보면 {longest:.1f}"
    table(
        "distances",
        caption,
        ["층", *[f"헤드 {h + 1}" for h in range(heads)], "평균"],
        rows,
    )

# %%
if __name__ == "__main__":
    layers = torch.arange(1, depth + 1)
    figure, axis = plt.subplots()
    axis.axhline(longest, color=INK, linewidth=1, linestyle="--")
    axis.axhline(even, color=INK, linewidth=1, linestyle=":")
    looks = {
        "학습 안 함": (untrained, ORANGE, "s", 0.15),
        "학습함": (trained, BLUE, "o", -0.15),
    }
    for name, (values, colour, marker, aside) in looks.items():
        dots = values["distance"].mean(dim=0).flatten()  # (depth * heads)
        axis.plot(
            (layers + aside).repeat_interleave(heads),
            dots,
            marker,
            color=colour,
            label=name,
        )
    axis.annotate(
        "가장 먼 패치만 볼 때",
        (depth + 0.4, longest),
        (0, 4),
        textcoords="offset points",
        ha="right",
    )
    axis.annotate(
        "고르게 볼 때",
        (depth + 0.4, even),
        (0, 6),
        textcoords="offset points",
        ha="right",
    )
    axis.set(
        xlabel="층 (점 하나가 헤드 하나)",
        title="어텐션 거리 (px)",
        ylim=(0, longest + 8),
        xticks=layers,
    )
    axis.legend(loc="lower left")
    alt = (
        f"헤드 {depth * heads}개의 어텐션 거리가 어느 층에서나 {by_head.min():.1f}~{by_head.max():.1f} px로, "
        f"고르게 볼 때의 {even:.1f} px 가까이에 모여 있어요."
    )
    show(figure, "distance_by_layer", alt)

# %% [markdown]
# 이 작은 모델에서는 층이 깊어져도 거리가 거의 늘지 않고, 아래층에 가까운 곳만 보는 헤드도 없어요. 큰 모델에서 논문이 본 것과 달라요.
#
# 그렇다고 모두 고르게 보는 것은 아니에요. 어텐션이 가장 한곳에 몰린 헤드를 골라, 패치 하나하나의 행과 **모든 행의 평균**을 견줘 봐요.
# 둘이 똑같이 몰려 있으면 패치들이 저마다 가까운 곳이 아니라 **다 같이 한곳**을 본다는 뜻이에요.


# %%
def sharpest_head(runs):
    """What gather() holds of the head of each run whose patches' rows are the least
    spread: {name: (runs,)}."""
    head = runs["head_spread"].flatten(1).argmin(dim=1, keepdim=True)
    keys = {
        "spread": "head_spread",
        "seen": "seen_spread",
        "density": "density",
        "distance": "distance",
    }
    return {
        f"sharpest_{name}": runs[key].flatten(1).gather(1, head)[:, 0]
        for name, key in keys.items()
    }


# %%
if __name__ == "__main__":
    evidence |= sharpest_head(trained)  # one value a seed
    evidence["head_correlation"] = [
        torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()
        for a, b in zip(trained["distance"], trained["head_spread"])
    ]
    own, seen, times, away = (
        values.mean() for values in sharpest_head(trained).values()
    )
    print(f"퍼진 정도: 패치의 행 {own:.2f}, 모든 행의 평균 {seen:.2f}")
    print(f"낱자의 상자 안에 모인 어텐션: 고르게 볼 때의 {times:.1f}배")
    print(f"그런데도 거리는 {away:.1f} px")
    correlation = statistics.mean(evidence["head_correlation"])
    print(
        f"헤드 {depth * heads}개에서 퍼진 정도와 거리의 상관계수: {correlation:.2f}"
    )

# %% [markdown]
# 이웃만 보는 헤드가 있었다면 이렇게 재서 알 수 있었을까요? 패치마다 가장 가까운 이웃 하나만 보는 맵을 만들어 같은 함수로 재 봐요.

# %%
if __name__ == "__main__":
    next_door = torch.eye(G * G)[
        between.where(between > 0, torch.inf).argmin(dim=1)
    ]
    local = with_class_token(next_door[0], next_door).expand(
        32, 1, 1, -1, -1
    )  # (n, depth, heads, 1 + N, 1 + N)
    neighbours = gather(
        [describe(local, draw(32, SIZE, seed)[2]) for seed in SEEDS]
    )
    null["이웃만 보는 헤드"] = sharpest_head(neighbours)
    null["배우지 않은 모델"] = sharpest_head(untrained)
    print(
        f"이웃만 보는 헤드의 거리는 {null['이웃만 보는 헤드']['sharpest_distance'].mean():.1f} px"
    )

# %% [markdown]
# ## 롤아웃이 퍼진 정도와 나란히 놓아요
#
# 1에 가까울수록 거리는 '고르게 볼 때'만큼, 지도는 '고르게 퍼진 것'만큼이라는 뜻이에요.

# %%
if __name__ == "__main__":
    curves = {
        "어텐션 거리": (
            trained["distance"].mean(dim=2) / even,
            BLUE,
            "o-",
        ),  # (runs, depth) each
        "롤아웃이 퍼진 정도": (trained["rollout_spread"], ORANGE, "s--"),
        "그 층의 맵이 퍼진 정도": (trained["cls_spread"], GREEN, "^-."),
    }
    figure, axis = plt.subplots()
    for name, (values, colour, style) in curves.items():
        axis.errorbar(
            layers,
            values.mean(dim=0),
            values.std(dim=0),
            fmt=style,
            color=colour,
            capsize=3,
            label=name,
        )
    axis.set(xlabel="층", title="고를 때를 1로 본 값", ylim=(0, 1.1), xticks=layers)
    axis.legend(loc="lower left")
    first, last = (
        [values.mean(dim=0)[k].item() for values, _, _ in curves.values()]
        for k in (0, -1)
    )
    evidence["rollout_spread_first"], evidence["rollout_spread_last"] = trained[
        "rollout_spread"
    ][:, [0, -1]].T
    show(
        figure,
        "two_quantities",
        f"첫 층에서 마지막 층까지 어텐션 거리는 거의 그대로({first[0]:.2f} → {last[0]:.2f})인데, "
        f"롤아웃은 퍼지고({first[1]:.2f} → {last[1]:.2f}) 그 층의 클래스 토큰 맵은 층마다 오르내려요({first[2]:.2f} → {last[2]:.2f}).",
    )

# %% [markdown]
# ## 롤아웃에다 거리의 식을 쓰면 안 될까요?
#
# 계산은 돼요. 하지만 롤아웃에는 층마다 단위행렬이 반씩 섞여서, 아래층에서는 **자기 자신**의 몫이 크고 위로 갈수록 절반씩 줄어요.
# 그래서 아무것도 배우지 않은 모델에서도 거리가 층을 따라 길어져요.
#
# 답을 아는 층을 쌓으면 계산법의 모양이라는 것이 드러나요. 패치들은 모두 고르게 보고 클래스 토큰은 한 패치만 보는, 똑같은 층이에요.
# 헤드마다 잰 거리는 조금도 변하지 않는데, 롤아웃은 퍼지고 롤아웃으로 잰 거리는 길어져요.

# %%
if __name__ == "__main__":
    one, evenly = torch.eye(G * G)[0], torch.full((G * G, G * G), 1 / G**2)
    even_map = with_class_token(one, evenly).expand(
        1, depth, 1, -1, -1
    )  # (1, depth, 1, 1 + N, 1 + N)
    flat = gather([describe(even_map, draw(1, SIZE, seed=0)[2])])
    looked = {"만든 층": flat, "학습 안 함": untrained, "학습함": trained}
    header, columns = ["층"], [range(1, depth + 1)]
    for name, runs in looked.items():
        for what, value in (
            ("헤드", runs["distance"].mean(dim=2)),
            ("롤아웃", runs["rollout_distance"]),
        ):
            header.append(f"{name}: {what}")
            columns.append([f"{pixels:.1f}" for pixels in value.mean(dim=0)])
    caption = "헤드의 맵으로 잰 거리와 롤아웃으로 잰 거리(px)"
    table("rollout_distance", caption, header, [list(row) for row in zip(*columns)])
    for end, layer in (("first", 0), ("last", -1)):
        evidence[f"flat_{end}"] = flat["distance"][0, layer].item()
        evidence[f"flat_rollout_{end}"] = flat["rollout_distance"][0, layer].item()
        evidence[f"flat_rollout_spread_{end}"] = flat["rollout_spread"][
            0, layer
        ].item()
        evidence[f"untrained_rollout_{end}"] = untrained["rollout_distance"][
            :, layer
        ]  # one value a seed
    grown = [
        f"{evidence[f'flat_rollout_spread_{end}']:.2f}" for end in ("first", "last")
    ]
    print(f"만든 층의 롤아웃이 퍼진 정도: {grown[0]}에서 {grown[1]}")
    raw = trained["raw_distance"].mean().item() / trained["distance"].mean().item()
    evidence["raw_over_renormalised"] = raw
    print(f"클래스 토큰의 몫을 빼고 다시 나누지 않으면 거리가 {raw:.3f}배")

# %%
if __name__ == "__main__":
    tolerance = {
        "rollout_spread_first": 0.01,
        "rollout_spread_last": 0.01,
        "head_correlation": 0.05,
    }
    tolerance |= {"first_layer_range": 0.05, "sharpest_density": 0.05}
    evidence
