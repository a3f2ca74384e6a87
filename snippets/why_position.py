# %% [markdown]
# # 패치에도 순서가 필요할까요?
#
# 같은 모델, 같은 학습 방법에서 위치를 알려 주는 방식만 바꿔요. ViT 논문 부록 D.4(Table 8)가 던진 질문을 8×8 손글씨 숫자로 다시 물어요.
# 숫자 하나를 2×2 픽셀 패치 16개로 자르니, 획이 **어디에** 있는지 모르면 맞히기 어려운 문제예요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.digits import load, small_vit, train
from lib.figure import BLUE, GREEN, ORANGE, plt, show, table
from lib.measure import accuracy, relative_error
from permutation import shuffle_patches
from position_similarity import distance_correlation
from sklearn.datasets import load_sample_image
from torch import nn
from vit import Attention, VisionTransformer, sincos_pos_embed

torch.set_num_threads(1)
SEEDS = range(5)
G, P = 4, 2  # a grid of 4 x 4 patches of 2 x 2 pixels


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
    order = torch.randperm(G * G, generator=torch.Generator().manual_seed(0))
    mixed_digit = shuffle_patches(every_digit, order, P)
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
# 1차원 학습형은 `vit.py`에 있는 그대로예요. 패치를 한 줄로 세워 자리마다 벡터 하나를 배워요. 2차원은 행 벡터와 열 벡터를 반씩 이어 붙여요.
# 상대 위치는 입력에 아무것도 더하지 않고, **두 토큰이 몇 칸 떨어졌는지**를 어텐션의 로짓(logit)에 더해요.


# %%
class Grid2D(VisionTransformer):
    """A learned vector of D/2 for each row and one for each column, side by side
    (ViT appendix D.4, 2-dimensional)."""

    def __init__(self, **options):
        super().__init__(**options, pos_embed="none")
        self.pos_embed = nn.Parameter(
            torch.zeros(2, G, self.cls_token.shape[-1] // 2)
        )

    def embed(self, x):
        rows, columns = self.pos_embed  # (G, D/2) each
        pos = torch.cat(
            [rows[:, None].expand(-1, G, -1), columns[None].expand(G, -1, -1)],
            dim=-1,
        )  # (G, G, D)
        x = self.patch_embed(x) + pos.flatten(0, 1)  # (B, N, D)
        return torch.cat(
            [self.cls_token.expand(len(x), -1, -1), x], dim=1
        )  # (B, 1 + N, D)


class RelativeAttention(Attention):
    """Attention whose logits get q_i . r_{i - j}, r a vector of each offset in the
    row of tokens (ViT appendix D.4)."""

    def __init__(self, dim, num_heads, pos_embed, skip):
        super().__init__(dim, num_heads)
        self.pos_embed, self.skip = (
            pos_embed,
            skip,
        )  # (2 T - 1, d) for T tokens; tokens in front that have no place

    def forward(self, x, return_attn=False):
        B, N, D = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, D // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, h, N, d)
        place = torch.arange(N - self.skip)
        offset = self.pos_embed[
            place[:, None] - place + len(place) - 1
        ]  # (T, T, d)
        offset = F.pad(offset, (0, 0, self.skip, 0, self.skip, 0))  # (N, N, d)
        logits = (
            q @ k.transpose(-2, -1) + torch.einsum("bhid,ijd->bhij", q, offset)
        ) * q.shape[-1] ** -0.5
        attn = logits.softmax(dim=-1)  # (B, h, N, N)
        return self.proj(
            (attn @ v).transpose(1, 2).reshape(B, N, D)
        ), attn if return_attn else None


class Relative(VisionTransformer):
    """Nothing added to the tokens, offsets in every block's logits; without_cls:
    between patches only."""

    def __init__(self, without_cls=False, **options):
        super().__init__(**options, pos_embed="none")
        heads, tokens = options["num_heads"], G * G + 1 - without_cls
        self.pos_embed = nn.Parameter(
            torch.zeros(2 * tokens - 1, options["embed_dim"] // heads)
        )
        for block in self.blocks:
            block.attn = RelativeAttention(
                options["embed_dim"], heads, self.pos_embed, skip=int(without_cls)
            )

    def embed(self, x):
        return torch.cat(
            [self.cls_token.expand(len(x), -1, -1), self.patch_embed(x)], dim=1
        )


def build(kind, seed):
    """A ViT of about 19,000 parameters that is told of places in that way: (B, 1,
    8, 8) -> logits (B, 10)."""
    if kind == "2d":
        return small_vit(seed, make=Grid2D)
    if kind in ("relative", "relative_without_cls"):
        return small_vit(
            seed, make=Relative, without_cls=kind == "relative_without_cls"
        )
    model = small_vit(seed)  # "1d": a learned vector for each token of the row
    if kind == "none":
        model.pos_embed = None
    if kind == "sincos":
        model.pos_embed = nn.Parameter(
            sincos_pos_embed(G, model.pos_embed.shape[-1]), requires_grad=False
        )
    return model


# %% [markdown]
# ## 학습해서 견줘요
#
# 시드마다 학습 이미지 1000장과 시험 이미지 500장을 새로 나눠요. 어느 방식이든 같은 시드는 같은 이미지를 같은 순서로 봐요.


# %%
def run(kind, seed, split, order=None):
    """Train a model of that kind, all images with their patches in the given order:
    (model, test accuracy)."""
    (images, labels), _, (test_images, test_labels) = split
    if order is not None:
        images, test_images = (
            shuffle_patches(images, order, P),
            shuffle_patches(test_images, order, P),
        )
    model = build(kind, seed)
    train(model, images, labels, seed)
    return model.eval(), accuracy(model, test_images, test_labels)


# %%
if __name__ == "__main__":
    NAMES = {
        "none": "없음",
        "1d": "1차원 학습형",
        "2d": "2차원 학습형",
        "relative": "상대 위치",
        "sincos": "2차원 사인파",
    }
    untrained, no_position = null["배우지 않은 모델"], null["위치를 뺀 모델"] = (
        {},
        {},
    )
    runs = {kind: [run(kind, seed, data[seed]) for seed in SEEDS] for kind in NAMES}
    accuracies = {kind: [score for _, score in runs[kind]] for kind in NAMES}
    mean = {kind: statistics.mean(scores) for kind, scores in accuracies.items()}
    for kind, scores in accuracies.items():
        evidence[f"acc_{kind}"] = scores  # one a seed
        start = [accuracy(build(kind, seed), *data[seed][2]) for seed in SEEDS]
        untrained[f"acc_{kind}"] = start
        if kind != "none":
            no_position[f"acc_{kind}"] = accuracies["none"]

    figure, axis = plt.subplots(figsize=(4.5, 2.7))
    for y, (kind, scores) in enumerate(accuracies.items()):
        colour = {"none": ORANGE, "sincos": GREEN}.get(kind, BLUE)
        axis.plot(
            scores, [y] * len(scores), "o", color=colour, markersize=7, alpha=0.7
        )
        axis.plot([mean[kind]] * 2, [y - 0.3, y + 0.3], color=colour)
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
        f"시험 정확도는 {', '.join(parts)}이에요. 학습하는 세 방식은 모두 '없음'보다 훨씬 높고 서로 비슷해요.",
    )

# %% [markdown]
# ## 위치가 없으면 패치 주머니예요
#
# 학습을 마친 모델에 패치를 뒤섞은 시험 이미지를 넣어요. 위치가 없는 모델은 섞은 줄도 몰라요.

# %%
if __name__ == "__main__":
    shuffled = {kind: [] for kind in ("none", "1d")}
    changes = []
    for kind in shuffled:
        for seed, (model, _) in zip(SEEDS, runs[kind]):
            images, labels = data[seed][2]
            mixed_images = shuffle_patches(images, order, P)
            shuffled[kind].append(accuracy(model, mixed_images, labels))
            if kind == "none":
                with torch.no_grad():
                    changes.append(
                        relative_error(model(mixed_images), model(images))
                    )
    evidence["none_logit_change"] = max(changes)
    evidence |= {f"shuffled_{kind}": scores for kind, scores in shuffled.items()}
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

# %% [markdown]
# ## 가깝고 먼 것을 알아서 좋아진 걸까요?
#
# **모든** 이미지의 패치를 똑같은 순서로 재배치하고, 처음부터 그것으로 학습해요. 이웃하던 패치가 멀어져요.
#
# 1차원 학습형으로는 가를 수 없어요. 어느 자리가 어느 자리의 이웃인지 처음부터 모르니 재배치해도 달라질 것이 없거든요.
# 사인파는 달라요. 이웃한 자리끼리 닮은 벡터라 **가까움을 처음부터 알려 줘요**. 그 덕에 정확도가 오른 것이라면,
# 이웃이 흩어진 이미지에서는 틀린 가까움을 알려 주니 오르지 않아야 해요.
#
# 상대 위치 모델에서는 클래스 토큰(class token)을 줄에서 빼 봐요. 줄 맨 앞의 클래스 토큰이 빠지면 패치끼리의 거리만 남아요.

# %%
if __name__ == "__main__":
    controls = {
        "sincos_rearranged": ("sincos", order),
        "relative_without_cls": ("relative_without_cls", None),
    }
    for name, (kind, places) in controls.items():
        scores = [run(kind, seed, data[seed], places)[1] for seed in SEEDS]
        start = [accuracy(build(kind, seed), *data[seed][2]) for seed in SEEDS]
        evidence[f"acc_{name}"], untrained[f"acc_{name}"] = scores, start
        no_position[f"acc_{name}"] = accuracies["none"]
    rows = [
        [name, f"{statistics.mean(scores):.3f}±{statistics.stdev(scores):.3f}"]
        for name, scores in (
            ("없음", evidence["acc_none"]),
            ("사인파", evidence["acc_sincos"]),
            ("사인파, 재배치한 이미지", evidence["acc_sincos_rearranged"]),
            ("상대 위치", evidence["acc_relative"]),
            ("상대 위치, 클래스 토큰은 빼고", evidence["acc_relative_without_cls"]),
        )
    ]
    table(
        "controls",
        f"시험 정확도, 시드 {len(SEEDS)}개의 평균과 표준편차",
        ["모델", "정확도"],
        rows,
    )

# %% [markdown]
# ## 해상도와는 어떤 사이일까요?
#
# 12×12 이미지를 넣으면 패치가 늘어나요. 위치가 없는 모델은 그대로 받고, 학습형은 벡터의 수가 모자라요.
# 끝으로 숫자를 분류하며 배운 위치 벡터가 이웃끼리 닮았는지도 재요.

# %%
if __name__ == "__main__":
    larger = torch.zeros(1, 1, 12, 12)
    (with_position, _), (without, _) = runs["1d"][0], runs["none"][0]
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
        for model, _ in runs["1d"]
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
        if name.startswith(("acc", "shuffled", "similarity"))
    }
    tolerance["none_logit_change"] = 1e-5
    evidence
