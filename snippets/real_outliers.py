# %% [markdown]
# # 첫 층이 몰아 보는 패치: 어디에 있고, 없으면 무엇이 달라지나요?
#
# `real_attention.py`에서 공개된 ViT-S/14의 첫 층은 모든 패치가 똑같은 몇 패치를 봤어요. 롤아웃의 밝은 점도 거기서 왔고요.
# 더 큰 ViT에서는 **크기가 튀는 토큰**이 밋밋한 배경에 생겨 사진 전체의 정보를 담는다는 보고가 있어요(2309.16588). 여기 것도 그런가요?
#
# 그 보고에서 튀는 토큰은 2%쯤이에요. 패치 256개의 2%인 **다섯**을 사진마다 골라, 자리와 쓸모와 담긴 정보를 차례로 재요.
#
# 네트워크가 있다면 아래 `NAME`에 timm의 이름을 적어 다른 ViT로도 재 볼 수 있어요.

# %%
import torch
import torch.nn.functional as F
from attention_rollout import cls_map, patches_in_box
from lib.figure import BLUE, GREEN, INK, ORANGE, plt, show, table
from lib.measure import relative_error
from lib.photos import CORNERS, photos, squares
from lib.scramble import scrambled
from real_attention import incoming, rank_in_box, rollout
from real_vit import load_real, normalise

torch.set_num_threads(1)
NAME = None  # or timm's name of another model: "vit_small_patch16_224"
PIXELS, FEW = 224, 5  # of 256 patches: 2 %


def brightest(heat, k=FEW):
    """The k patches of the largest values: (n, N) -> (n, k)."""
    return heat.topk(k, dim=1).indices


# %% [markdown]
# ## 한 장을 넣고, 모든 층의 토큰과 맵을 남겨요
#
# 첫 층에서 몇 패치를 **가릴** 수도 있어요. 맵에서 그 열을 0으로 두고 행의 합이 1이 되게 다시 나눠요. 패치는 그대로 있고, 첫 층의 어텐션만 그 패치를 못 봐요.


# %%
def attend(attn, x, hidden):
    """Attention of tokens (1, 1 + N, D) with patches hidden from all queries, and
    its maps (1, heads, 1 + N, 1 + N), rows summing to 1 again."""
    B, N, D = x.shape
    qkv = attn.qkv(x).reshape(B, N, 3, attn.num_heads, -1)  # (1, 1 + N, 3, h, d)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (1, h, 1 + N, d)
    maps = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(dim=-1)
    maps[..., 1 + hidden] = 0
    maps = maps / maps.sum(dim=-1, keepdim=True)
    return attn.proj((maps @ v).transpose(1, 2).reshape(B, N, D)), maps


@torch.inference_mode()
def trace(model, images, hidden=None):
    """Images (n, 3, S, S) in [0, 1], put in one by one -> tokens after each block
    and, last, after the final LayerNorm (n, depth + 1, 1 + N, D), and maps with
    their heads averaged (n, depth, 1 + N, 1 + N).

    hidden: of each image the patches that the first layer may not look at."""
    tokens, maps = [], []
    for i, image in enumerate(normalise(images, model.pretrained_cfg)):
        x = model.embed(image[None])
        rows, seen = [], []
        for k, block in enumerate(model.blocks):
            if k == 0 and hidden is not None:
                z, attn = attend(block.attn, block.norm1(x), hidden[i])
                x = x + z
                x = x + block.mlp(block.norm2(x))
            else:
                x, attn = block(x, return_attn=True)
            rows.append(x[0])
            seen.append(attn[0].mean(dim=0))
        tokens.append(torch.stack([*rows, model.norm(x)[0]]))
        maps.append(torch.stack(seen))
    return torch.stack(tokens), torch.stack(maps)


# %% [markdown]
# ## 밋밋한 배경인가요?
#
# 패치마다 두 가지를 재요. **대비**는 패치 안 픽셀의 표준편차이고, **이웃과 닮은 정도**는 위치를 더하기 전의 토큰과 위아래 왼오른쪽 이웃의 코사인이에요.
# 사진마다 다르니, 고른 패치보다 값이 작은 패치의 몫으로 바꿔요. 아무 패치나 고르면 절반이에요. 보고대로 밋밋한 곳이라면 대비는 0, 이웃과 닮은 정도는 1 쪽이에요.


# %%
def contrast(images, P):
    """Standard deviation of each patch's pixels, channels averaged: (n, 3, S, S) ->
    (n, N)."""
    patches = images.unfold(2, P, P).unfold(3, P, P).flatten(-2)  # (n, 3, G, G, PP)
    return patches.std(dim=-1).mean(dim=1).flatten(1)


def like_neighbours(tokens, G):
    """Mean cosine of each patch to those beside, above and below it: (n, N, D) ->
    (n, N)."""
    grid = F.normalize(tokens.unflatten(1, (G, G)), dim=-1)
    total, count = torch.zeros(grid.shape[:-1]), torch.zeros(grid.shape[:-1])
    for axis in (1, 2):
        near, far = grid.narrow(axis, 0, G - 1), grid.narrow(axis, 1, G - 1)
        cosine = (near * far).sum(dim=-1)
        for start in (0, 1):
            total.narrow(axis, start, G - 1).add_(cosine)
            count.narrow(axis, start, G - 1).add_(1)
    return (total / count).flatten(1)


def standing(values, chosen):
    """Share of an image's patches that lie below its chosen ones, ties half: (n, N)
    and (n, k) -> (n)."""
    difference = values.gather(1, chosen)[:, :, None] - values[:, None]
    return (difference.sign().mean(dim=(1, 2)) + 1) / 2


def share(paid, chosen):
    """Share of what the patches pay one another that the chosen get: (n)."""
    return paid.gather(1, chosen).sum(dim=1) / paid.sum(dim=1)


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    model = load_real(PIXELS, NAME)
    images, boxes = photos(PIXELS)
    n, P = len(images), model.patch_embed.patch_size
    G = PIXELS // P
    tokens, maps = trace(model, images)  # (12, 13, 257, 384), (12, 12, 257, 257)
    mixed = trace(scrambled(model), images)[1]
    with torch.inference_mode():
        patches = model.patch_embed(normalise(images, model.pretrained_cfg))
    texture, likeness = contrast(images, P), like_neighbours(patches, G)
    generator = torch.Generator().manual_seed(0)
    anywhere = torch.rand(n, G * G, generator=generator)
    worlds = {"": maps, "_mixed": mixed}
    depth = maps.shape[1]
    by_layer = {
        world + name: torch.zeros(n, depth)
        for world in worlds
        for name in ("share", "contrast", "likeness")
    }
    for world, of in worlds.items():
        for k in range(depth):
            paid = incoming(of, k)
            chosen = brightest(paid)
            by_layer[world + "share"][:, k] = share(paid, chosen)
            by_layer[world + "contrast"][:, k] = standing(texture, chosen)
            by_layer[world + "likeness"][:, k] = standing(likeness, chosen)
    paid = incoming(maps)
    chosen = brightest(paid)  # (12, 5)
    random_few = brightest(anywhere)
    null["아무 패치 다섯"] = {
        "contrast": standing(texture, random_few),
        "likeness": standing(likeness, random_few),
        "share": share(paid, random_few),
    }
    for name in ("share", "contrast", "likeness"):
        evidence[name] = by_layer[name][:, 0]
        evidence[f"{name}_mixed"] = by_layer["_mixed" + name][:, 0]
    null["가중치를 뒤섞은 모델"] = {"share": evidence["share_mixed"]}
    inside = patches_in_box(boxes, (G, G))
    evidence["photos"], evidence["patches"] = n, G * G
    evidence["row_sum_error"] = (maps.sum(dim=-1) - 1).abs().max().item()
    evidence["in_box"] = inside.flatten(1).gather(1, chosen).float().mean(dim=1)
    evidence["box_area"] = inside.float().mean(dim=(1, 2))

# %%
if __name__ == "__main__":
    layers = torch.arange(1, depth + 1)
    figure, axes = plt.subplots(2, 1, figsize=(4.5, 4.8), sharex=True)
    axes[0].plot(
        layers, by_layer["share"].mean(0), "o-", color=BLUE, label="이 모델"
    )
    axes[0].plot(
        layers,
        by_layer["_mixedshare"].mean(0),
        ":",
        color=INK,
        label="가중치를 뒤섞은 모델",
    )
    axes[0].set(title="가장 많이 보인 다섯 패치가 받은 몫", ylim=(0, 0.36))
    axes[0].legend(loc="upper right")
    for name, style, colour, label in (
        ("contrast", "s--", ORANGE, "대비"),
        ("likeness", "^-.", GREEN, "이웃과 닮은 정도"),
    ):
        axes[1].errorbar(
            layers,
            by_layer[name].mean(0),
            by_layer[name].std(0),
            fmt=style,
            color=colour,
            capsize=3,
            label=label,
        )
    axes[1].axhline(0.5, color=INK, linewidth=1, linestyle=":")
    axes[1].set(
        title="그 다섯의 서열 (점선: 아무 패치나)",
        xlabel="층",
        ylim=(-0.05, 1.45),
        xticks=layers,
        yticks=[0, 0.5, 1],
    )
    axes[1].legend(loc="upper center", ncols=2)
    alt = (
        f"첫 층에서 다섯 패치가 어텐션의 {evidence['share'].mean():.0%}를 받고, 다른 층에서는 "
        f"{by_layer['share'][:, 1:].mean(0).max():.0%}를 넘지 않아요. 그 다섯의 대비는 "
        f"{evidence['contrast'].mean():.2f}로 높고 이웃과 닮은 정도는 "
        f"{evidence['likeness'].mean():.2f}로 낮아요."
    )
    show(figure, "places", alt)
    print(
        f"첫 층의 다섯이 물체의 상자 안에: {evidence['in_box'].mean():.0%} "
        f"(상자의 넓이 {evidence['box_area'].mean():.0%})"
    )

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(2, 4, figsize=(4.5, 2.4))
    for column in range(4):  # the first four photographs, as they come
        small = F.avg_pool2d(images[column], 2).movedim(0, 2)
        x, y = chosen[column] % G, chosen[column] // G
        heat = cls_map(rollout(maps), (G, G))[column]
        for axis, picture in ((axes[0, column], small), (axes[1, column], heat)):
            axis.imshow(
                picture, cmap="inferno", extent=(0, G, G, 0), interpolation="none"
            )
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            axis.grid(False)
        axes[0, column].plot(
            x + 0.5, y + 0.5, "s", ms=6, mfc="none", mec="#ffffff", mew=2.5
        )
        axes[0, column].plot(
            x + 0.5, y + 0.5, "s", ms=6, mfc="none", mec="#d6518f", mew=1.2
        )
    axes[0, 0].set_ylabel("사진")
    axes[1, 0].set_ylabel("롤아웃")
    bright = brightest(rollout(maps)[:, 0, 1:])
    both = sum(torch.isin(*pair).sum().item() for pair in zip(bright[:4], chosen))
    alt = (
        "위에는 첫 층이 몰아 보는 다섯 패치를 네모로, 아래에는 롤아웃을 그린 사진 네 장이에요. 롤아웃에서 가장 밝은 "
        f"스무 패치 가운데 {both}개가 그 네모예요."
    )
    show(figure, "chosen", alt)

# %% [markdown]
# ## 같은 자리인가요, 같은 무늬인가요?
#
# 사진을 패치 몇 칸만큼 통째로 밀어요. 밀려난 쪽은 반대편에서 들어와서 패치의 내용은 하나도 바뀌지 않고 **자리만** 바뀌어요.
# 다섯 패치가 내용을 따라 옮겨 가는지, 제자리에 남는지 세요.

# %%
if __name__ == "__main__":
    moves = [(3, 5), (8, 8), (5, 11), (13, 2)]  # cells down and across
    followed, stayed, by_chance = torch.zeros(3, len(moves), n)
    for j, (down, across) in enumerate(moves):
        moved = images.roll((down * P, across * P), dims=(2, 3))
        with torch.inference_mode():
            x = model.embed(normalise(moved, model.pretrained_cfg))
            found = model.blocks[0](x, return_attn=True)[1].mean(dim=1)
        there = brightest(incoming(found[:, None]))
        row, column = (chosen // G + down) % G, (chosen % G + across) % G
        carried = row * G + column  # where the content of the five has gone
        for i in range(n):
            followed[j, i] = torch.isin(there[i], carried[i]).float().mean()
            stayed[j, i] = torch.isin(there[i], chosen[i]).float().mean()
            other = carried[i - 1]  # those of another photograph
            by_chance[j, i] = torch.isin(there[i], other).float().mean()
    evidence["followed"] = followed.mean(dim=0)
    evidence["stayed"] = stayed.mean(dim=0)
    null["다른 사진의 다섯 패치"] = {"followed": by_chance.mean(dim=0)}
    print(f"내용을 따라간 몫 {evidence['followed'].mean():.0%}")
    print(f"자리에 남은 몫 {evidence['stayed'].mean():.0%}")

# %% [markdown]
# ## 첫 층에서 가리면 무엇이 달라지나요?
#
# 다섯 패치는 첫 층 어텐션의 4분의 1쯤을 받아요. 첫 층에서만 가리고 끝의 클래스 토큰이 얼마나 달라지는지 상대 오차로 재요.
# 견줄 것은 둘이에요. **아무 패치 다섯**을 가리거나, 가린 **어텐션의 몫이 같아질 때까지** 다른 패치를 가려요.


# %%
def of_equal_weight(paid, chosen, generator):
    """Other patches, drawn at random, that are paid as much as the chosen: for each
    image a list of indices; paid: (n, N), chosen: (n, k)."""
    found = []
    for values, few in zip(paid, chosen):
        order = torch.randperm(len(values), generator=generator)
        order = order[~torch.isin(order, few)]
        enough = values[order].cumsum(dim=0) >= values[few].sum()
        found.append(order[: int(enough.float().argmax()) + 1])
    return found


def change(tokens, before):
    """Relative error of each image's class token: (n, ..., 1 + N, D) twice, of
    which the last layer counts -> (n)."""
    return torch.tensor(
        [relative_error(a[0], b[0]) for a, b in zip(tokens[:, -1], before[:, -1])]
    )


# %%
if __name__ == "__main__":
    equal = of_equal_weight(paid, chosen, generator)
    hidden = {
        "few": ("첫 층이 몰아 본 다섯", chosen),
        "equal": ("몫이 같은 다른 패치들", equal),
        "random": ("아무 패치 다섯", random_few),
    }
    flat = rollout(maps)[:, 0, 1:]
    whole_rank = rank_in_box(flat.unflatten(1, (G, G)), inside)
    rows = [["가리지 않음", "0", "0%", f"{whole_rank.mean():.2f}"]]
    for key, (name, those) in hidden.items():
        after, new = trace(model, images, those)
        evidence[f"hidden_{key}"] = moved_by = change(after, tokens)
        heat = rollout(new)[:, 0, 1:].unflatten(1, (G, G))
        evidence[f"rank_{key}"] = rank = rank_in_box(heat, inside)
        count = sum(map(len, those)) / n
        rows.append(
            [name, f"{count:.0f}", f"{moved_by.mean():.1%}", f"{rank.mean():.2f}"]
        )
    evidence["rank"] = whole_rank
    evidence["equal_patches"] = sum(map(len, equal)) / n
    null["몫이 같은 다른 패치들을 가림"] = {"hidden_few": evidence["hidden_equal"]}
    table(
        "hidden",
        f"첫 층에서 가린 패치와 클래스 토큰의 상대 오차 (사진 {n}장)",
        ["가린 것", "수", "상대 오차", "롤아웃의 순위"],
        rows,
    )

# %% [markdown]
# ## 롤아웃의 밝은 패치는 모델이 쓰는 패치인가요?
#
# 작은 모델에서 하던 **지우기**를 해요. 지도마다 가장 밝은 다섯 패치를 시퀀스에서 아예 빼고 클래스 토큰이 얼마나 달라지는지 봐요.
# 모델을 전혀 쓰지 않는 지도도 하나 넣어요. 픽셀의 **대비**예요.


# %%
@torch.inference_mode()
def without(model, images, dropped):
    """Class tokens after the final LayerNorm with those patches (n, k) taken out of
    the sequence: (n, 1, 1, D), as change() wants them."""
    found = []
    for image, few in zip(normalise(images, model.pretrained_cfg), dropped):
        x = model.embed(image[None])
        keep = torch.ones(x.shape[1], dtype=torch.bool)
        keep[1 + few] = False
        x = x[:, keep]
        for block in model.blocks:
            x, _ = block(x)
        found.append(model.norm(x)[:, :1])
    return torch.stack(found)


# %%
if __name__ == "__main__":
    heats = {
        "average": ("층 평균", maps.mean(dim=1)[:, 0, 1:]),
        "last": ("마지막 층", maps[:, -1, 0, 1:]),
        "skip": ("첫 층을 뺀 롤아웃", rollout(maps[:, 1:])[:, 0, 1:]),
        "contrast": ("픽셀의 대비", texture),
        "rollout": ("롤아웃", flat),
        "first": ("첫 층이 몰아 본 것", paid),
        "random": ("아무 패치", anywhere),
    }
    for key, (_, heat) in heats.items():
        evidence[f"without_{key}"] = change(
            without(model, images, brightest(heat)), tokens
        )
    null["아무 패치 다섯"] |= {
        f"without_{key}": evidence["without_random"] for key in heats
    }
    figure, axis = plt.subplots()
    found = [evidence[f"without_{key}"] for key in heats]
    axis.barh(
        [name for name, _ in heats.values()],
        [values.mean() for values in found],
        xerr=[values.std() / n**0.5 for values in found],
        color=[ORANGE if key == "rollout" else BLUE for key in heats],
        error_kw={"ecolor": INK, "capsize": 3},
    )
    axis.set(title="밝은 다섯을 지울 때 클래스 토큰의 상대 오차")
    axis.xaxis.set_major_formatter("{x:.0%}")
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    alt = "지도마다 밝은 다섯 패치를 지우면 클래스 토큰은 " + ", ".join(
        f"{name} {values.mean():.0%}"
        for (name, _), values in zip(heats.values(), found)
    )
    show(figure, "without", f"{alt} 달라져요. 선은 표준오차예요.")

# %% [markdown]
# ## 사진 전체의 정보를 담고 있나요?
#
# 사진을 **겹치지 않는** 네 조각으로 잘라 따로 넣어요. 패치 토큰 하나만 보고 같은 사진의 다른 조각을 찾을 수 있나요?
# 조각의 패치 토큰을 평균 낸 것과 코사인으로 견줘, 같은 사진의 조각이 다른 사진의 조각보다 닮았을 확률(순위)을 재요. 아무것도 모르면 절반이에요.
# 대상으로 삼은 평균은 어느 패치에나 똑같으니, 토큰 하나가 조각 밖의 것을 얼마나 아는지만 갈라요.
#
# 다만 같은 사진의 조각은 **색과 밝기**부터 닮았어요. 그것만으로 얼마나 찾는지는 가중치를 뒤섞은 모델이 알려 줘요.


# %%
def finds(tokens, gallery, each):
    """How often a token is nearer to another piece of its photograph than to one of
    another photograph: tokens (m, k, D), gallery (m, D), `each` pieces a photograph
    side by side -> (m, k)."""
    cosine = F.normalize(tokens, dim=-1) @ F.normalize(gallery, dim=-1).T
    of = torch.arange(len(tokens)) // each
    own = of[:, None] == of
    others = own & ~torch.eye(len(tokens), dtype=torch.bool)
    found = []
    for values, right, wrong in zip(cosine, others, ~own):  # values: (k, m)
        difference = values[:, right, None] - values[:, None, wrong]
        found.append((difference.sign().mean(dim=(1, 2)) + 1) / 2)
    return torch.stack(found)


# %%
if __name__ == "__main__":
    pieces, _ = squares(PIXELS, 0.5, CORNERS[1:])  # (48, 3, 224, 224)
    each = len(CORNERS) - 1
    piece_tokens, piece_maps = trace(model, pieces)
    few = brightest(incoming(piece_maps))
    unlearnt, _ = trace(scrambled(model), pieces)
    known = {
        name: torch.zeros(n, depth) for name in ("few", "all", "cls", "all_mixed")
    }
    for k in range(depth):
        level = k if k < depth - 1 else depth  # the last after its LayerNorm
        of, plain = piece_tokens[:, level], unlearnt[:, level]  # (48, 257, 384)
        scores = finds(of[:, 1:], of[:, 1:].mean(dim=1), each)  # (48, 256)
        columns = {
            "few": scores.gather(1, few).mean(dim=1),
            "all": scores.mean(dim=1),
            "cls": finds(of[:, :1], of[:, 0], each)[:, 0],
            "all_mixed": finds(plain[:, 1:], plain[:, 1:].mean(dim=1), each).mean(
                dim=1
            ),
        }
        for name, values in columns.items():
            known[name][:, k] = values.view(n, each).mean(dim=1)
    evidence |= {f"known_{name}": values[:, -1] for name, values in known.items()}
    figure, axis = plt.subplots()
    for name, label, style, colour in (
        ("cls", "클래스 토큰", "o-", BLUE),
        ("all", "패치 하나, 모두의 평균", "s--", GREEN),
        ("few", "첫 층이 몰아 본 다섯", "^-.", ORANGE),
    ):
        axis.plot(layers, known[name].mean(dim=0), style, color=colour, label=label)
    plain = known["all_mixed"].mean(dim=0)
    axis.plot(layers, plain, ":", color=INK, label="뒤섞은 모델의 패치 모두")
    axis.axhline(0.5, color=INK, linewidth=1, linestyle=":")
    axis.set(
        title="같은 사진의 다른 조각을 찾는 순위",
        xlabel="층",
        ylim=(0.4, 1.4),
        xticks=layers,
        yticks=[0.4, 0.6, 0.8, 1],
    )
    axis.legend(loc="upper right")
    alt = (
        f"마지막 층에서 순위는 첫 층이 몰아 본 다섯이 {evidence['known_few'].mean():.2f}, 패치 모두의 평균이 "
        f"{evidence['known_all'].mean():.2f}, 클래스 토큰이 {evidence['known_cls'].mean():.2f}예요. "
        f"가중치를 뒤섞은 모델의 패치가 {evidence['known_all_mixed'].mean():.2f}로 오히려 높아요."
    )
    show(figure, "known", alt)

# %%
if __name__ == "__main__":
    tolerance = {
        name: 0.03 for name, value in evidence.items() if torch.is_tensor(value)
    }
    # a near tie between two patches may fall otherwise elsewhere
    tolerance |= {"in_box": 0.21, "followed": 0.11, "stayed": 0.06}
    tolerance |= {name: 0.1 for name in evidence if name.startswith("without")}
    tolerance |= {"equal_patches": 3, "row_sum_error": 1e-5}
    evidence
