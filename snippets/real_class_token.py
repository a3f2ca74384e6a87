# %% [markdown]
# # 진짜 ViT의 클래스 토큰은 사진을 얼마나 알아볼까요?
#
# 클래스 토큰 하나와 패치 토큰의 평균, 그 둘을 이어 붙인 것 가운데 무엇이 사진을 더 잘 나타낼까요?
# `real_vit.py`로 읽은 공개된 ViT-S/14에 사진 열두 장의 조각들을 넣고, **같은 사진의 다른 조각**을 찾게 해요. 학습은 하지 않아요.
#
# 구조는 DINOv2의 것이고 **눈에 띄는 곳을 찾도록 더 학습했을 수도 있는** 가중치예요. 그래서 여기서 나온 것은 이 모델과 이 사진들의 이야기예요.
# 가중치를 뒤섞은 모델, 평균 색, 아무 패치 하나, 무작위 벡터도 함께 재요.
#
# 네트워크가 있다면 아래 `NAME`에 timm의 이름을 적어 다른 ViT로도 재 볼 수 있어요.

# %%
import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, INK, ORANGE, plt, show, table
from lib.photos import CORNERS, photos, squares
from lib.scramble import scrambled
from real_vit import load_real, normalise

torch.set_num_threads(1)
NAME = None  # or timm's name of another model: "vit_small_patch16_224"
PIXELS = 224
CROPS = {  # side over the photograph's shorter one, and where: 4 corners, or a 5th
    "wide": ("겹치는 조각", 0.65, CORNERS),
    "quarter": ("네 귀퉁이", 0.5, CORNERS[1:]),
    "small": ("작은 귀퉁이", 0.33, CORNERS[1:]),
}
KINDS = {"cls": "클래스 토큰", "mean": "패치 평균", "both": "이어 붙임"}


# %% [markdown]
# ## 블록마다 꺼내요
#
# 블록을 지날 때마다 클래스 토큰과 패치 토큰의 평균을 꺼내 마지막 LayerNorm을 씌워요. 이어 붙일 때는 길이를 1로 맞춰, 한쪽이 다른 쪽을 덮지 않게 해요.


# %%
@torch.inference_mode()
def look(model, images):
    """What stands for images (n, 3, S, S) in [0, 1] after each block, put in one at
    a time: {"cls", "mean": (n, depth, D), "both": (n, depth, 2 D), "patch": some one
    patch token of the last block, (n, 1, D)}."""
    generator = torch.Generator().manual_seed(0)
    cls, mean, patch = [], [], []
    for image in normalise(images, model.pretrained_cfg):
        x, states = model.embed(image[None]), []
        for block in model.blocks:
            x, _ = block(x)
            states.append(model.norm(x[0]))  # (1 + N, D)
        tokens = torch.stack(states)
        cls.append(tokens[:, 0])
        mean.append(tokens[:, 1:].mean(dim=1))
        one = torch.randint(1, tokens.shape[1], (1,), generator=generator)
        patch.append(tokens[-1, one])
    seen = {"cls": torch.stack(cls), "mean": torch.stack(mean)}
    both = [F.normalize(tokens, dim=-1) for tokens in seen.values()]
    return {**seen, "both": torch.cat(both, dim=-1), "patch": torch.stack(patch)}


# %% [markdown]
# ## 같은 사진의 조각을 찾게 해요
#
# 조각 하나를 빼고 나머지를 코사인이 큰 차례로 세워요.
#
# - **맞힘**: 첫째가 같은 사진의 조각인 비율이에요.
# - **찾은 정도**: 같은 사진의 조각이 처음 나온 차례의 역수예요. 첫째면 1, 둘째면 0.5예요(mean reciprocal rank).
# - **여유**: 같은 사진에서 가장 가까운 조각의 코사인에서, 다른 사진에서 가장 가까운 조각의 코사인을 뺀 거예요. 0보다 크면 맞힌 거예요.
#
# 사진 하나의 값은 그 조각들의 평균이에요.


# %%
def find(vectors, count):
    """How well the crops of a photograph, count of them side by side, find one
    another by cosine among all: vectors (n * count, D) -> three of (n,): share whose
    nearest is right, one over the rank of the first right one, margin."""
    vectors = F.normalize(vectors, dim=-1)
    among = (vectors @ vectors.T).fill_diagonal_(-2)  # never itself
    photo = torch.arange(len(vectors)) // count
    same = photo[:, None] == photo
    order = among.argsort(dim=1, descending=True)
    first = same.gather(1, order).float().argmax(dim=1)  # 0 where the nearest is
    right = among.where(same, -2).amax(dim=1)
    margin = right - among.where(~same, -2).amax(dim=1)
    measures = (first == 0).float(), 1 / (1 + first), margin
    return [values.view(-1, count).mean(dim=1) for values in measures]


def by_layer(vectors, count):
    """find() for each layer of vectors (n * count, depth, D): three of (n, depth)."""
    layers = [find(layer, count) for layer in vectors.unbind(dim=1)]
    return [torch.stack(values, dim=1) for values in zip(*layers)]


def best_elsewhere(values):
    """For each photograph the value of the layer that is best for the others: values
    (n, depth) -> (n,). So no photograph chooses its own layer."""
    others = (values.sum(dim=0) - values) / (len(values) - 1)
    return values.gather(1, others.argmax(dim=1, keepdim=True))[:, 0]


# %%
if __name__ == "__main__":
    evidence, null = {}, {"가중치를 뒤섞은 모델": {}, "무작위 벡터": {}}
    mixed_world, random_world = null.values()
    generator = torch.Generator().manual_seed(0)
    model = load_real(PIXELS, NAME)
    mixed, curves, rows = scrambled(model), {}, []
    for crop, (name, share, places) in CROPS.items():
        images, count = squares(PIXELS, share, places)[0], len(places)
        seen, others = look(model, images), look(mixed, images)
        for kind in KINDS:
            first, rank, margin = by_layer(seen[kind], count)  # (12, depth) each
            mixed_rank = by_layer(others[kind], count)[1]
            curves[crop, kind], curves[crop, f"mixed_{kind}"] = rank, mixed_rank
            key = f"{kind}_{crop}"
            evidence |= {key: rank[:, -1], f"{key}_best": best_elsewhere(rank)}
            evidence |= {
                f"{key}_first": first[:, -1],
                f"{key}_margin": margin[:, -1],
            }
            mixed_world[key] = mixed_rank[:, -1]
            mixed_world[f"{key}_best"] = best_elsewhere(mixed_rank)
            chance = find(
                torch.randn(seen["cls"][:, 0].shape, generator=generator), count
            )
            random_world |= {key: chance[1], f"{key}_best": chance[1]}
        evidence[f"mixed_{crop}"] = mixed_world[f"cls_{crop}"]
        evidence[f"mixed_{crop}_best"] = mixed_world[f"cls_{crop}_best"]
        evidence[f"patch_{crop}"] = find(seen["patch"][:, 0], count)[1]
        colour = images.mean(dim=(2, 3)) - images.mean(dim=(0, 2, 3))
        evidence[f"colour_{crop}"] = find(colour, count)[1]
    evidence |= {"photos": len(evidence["cls_wide"]), "layers": rank.shape[1]}

# %%
if __name__ == "__main__":
    rows = []
    for kind, name in KINDS.items():
        last = [f"{evidence[f'{kind}_{crop}'].mean():.2f}" for crop in CROPS]
        best = [f"{evidence[f'{kind}_{crop}_best'].mean():.2f}" for crop in CROPS]
        rows += [[f"{name}, 마지막 층", *last], [f"{name}, 가장 좋은 층", *best]]
    for key, name in (
        ("mixed", "뒤섞은 모델의 클래스 토큰"),
        ("patch", "아무 패치 하나"),
        ("colour", "평균 색"),
    ):
        means = [f"{evidence[f'{key}_{crop}'].mean():.2f}" for crop in CROPS]
        rows.append([f"[{name}]", *means])
    chance = [f"{random_world[f'cls_{crop}'].mean():.2f}" for crop in CROPS]
    rows.append(["[무작위 벡터]", *chance])
    table(
        "finding",
        f"같은 사진의 조각을 찾은 정도 (사진 {evidence['photos']}장, 1이면 모두 첫째, 대괄호 안은 비교 대상)",
        ["나타낸 것", *(name for name, _, _ in CROPS.values())],
        rows,
    )
    rows = [
        [
            name,
            *(f"{evidence[f'{kind}_{crop}_first'].mean():.0%}" for crop in CROPS),
            f"{evidence[f'{kind}_wide_margin'].mean():+.2f}",
        ]
        for kind, name in KINDS.items()
    ]
    table(
        "nearest",
        "마지막 층에서 첫째로 맞힌 조각과, 겹치는 조각에서의 여유",
        ["나타낸 것", *(name for name, _, _ in CROPS.values()), "여유"],
        rows,
    )

# %% [markdown]
# ## 층마다 그려요
#
# 마지막 층이 가장 좋을 것 같지만, 그렇지 않아요. 찾은 정도는 가운데 층에서 가장 높고 마지막 층에서 뚝 떨어져요.
# 이 가중치가 눈에 띄는 곳을 찾도록 더 학습했다면 그럴 만한데, 아마 그럴 뿐 여기서 가르지는 못해요.
#
# 표의 "가장 좋은 층"은 **나머지 열한 장**에서 가장 좋은 층이에요. 재려는 사진으로 층을 고르면 그만큼 좋게 나오거든요.

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(2, 1, figsize=(4.5, 5), sharex=True)
    layers = range(1, evidence["layers"] + 1)
    for axis, crop in zip(axes, ("wide", "quarter")):
        for kind, colour, style, name in (
            ("cls", BLUE, "o-", "클래스 토큰"),
            ("mean", ORANGE, "s--", "패치 평균"),
            ("both", GREEN, "^-.", "이어 붙임"),
            ("mixed_cls", INK, ":", "뒤섞은 모델"),
        ):
            height = curves[crop, kind].mean(dim=0)
            axis.plot(layers, height, style, color=colour, label=name)
        axis.set(title=f"찾은 정도: {CROPS[crop][0]}", ylim=(0.35, 1.05))
        axis.set_xticks(layers)
    axes[0].legend(loc="lower left", ncols=2)
    axes[1].set_xlabel("층")
    height = curves["quarter", "cls"].mean(dim=0)
    alt = (
        f"네 귀퉁이에서 클래스 토큰이 찾은 정도는 첫 층에서 {height[0]:.2f}, 가장 높은 "
        f"{height.argmax() + 1}층에서 {height.max():.2f}, 마지막 층에서 {height[-1]:.2f}만큼이에요."
    )
    show(figure, "by_layer", alt)

# %% [markdown]
# ## 사진을 꾸며도 알아볼까요?
#
# 사진 열두 장을 뒤집고, 색을 빼고, 흐리고, 어둡게 한 것으로 본래 사진을 찾아요. 열두 장뿐이라 조각보다 쉬워요.

# %%
if __name__ == "__main__":
    plain = photos(PIXELS)[0]

    def blurred(images, size=28):
        """Images brought down to size x size px and up again."""
        small = F.interpolate(images, (size, size), mode="bicubic", antialias=True)
        return F.interpolate(small, images.shape[-2:], mode="bicubic").clamp(0, 1)

    ways = {
        "flip": ("좌우로 뒤집음", plain.flip(3)),
        "grey": ("색을 뺌", plain.mean(dim=1, keepdim=True).expand_as(plain)),
        "blur": ("28 px로 흐림", blurred(plain)),
        "dark": ("절반으로 어둡게", plain / 2),
    }
    gallery, rows = look(model, plain), []
    for way, (name, images) in ways.items():
        queries = look(model, images)
        for kind in KINDS:
            pairs = torch.stack(
                [queries[kind], gallery[kind]], dim=1
            )  # (12, 2, ...)
            a, b = F.normalize(pairs, dim=-1).unbind(dim=1)
            among = torch.einsum("ild,jld->lij", a, b)  # (depth, 12, 12)
            own = among.diagonal(dim1=1, dim2=2)[..., None]
            rank = 1 / (1 + (among > own).sum(dim=2))  # (depth, 12)
            evidence[f"{kind}_{way}"] = rank[-1]
            evidence[f"{kind}_{way}_best"] = best_elsewhere(rank.T)
        heights = [evidence[f"{kind}_{way}"].mean() for kind in KINDS]
        heights.append(evidence[f"cls_{way}_best"].mean())
        rows.append([name, *(f"{height:.2f}" for height in heights)])
    table(
        "changed",
        "꾸민 사진으로 본래 사진을 찾은 정도 (마지막 층, 끝 칸은 클래스 토큰의 가장 좋은 층)",
        ["꾸민 법", *KINDS.values(), "가장 좋은 층"],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {k: 0.2 for k, v in evidence.items() if torch.is_tensor(v)}
    tolerance |= {k: 0.02 for k in evidence if k.endswith("_margin")}
    evidence
