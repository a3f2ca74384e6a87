# %% [markdown]
# # 평균 풀링에 클래스 토큰까지 넣으면 얼마나 달라질까요?
#
# `x.mean(1)`과 `x[:, 1:].mean(1)`은 클래스 토큰 하나만큼 달라요. 그 하나가 얼마나 되는지 식으로 보고,
# 작은 ViT를 두 방법으로 학습해 견주고, 공개된 ViT-S/14에서 평균이 얼마나 움직이는지 재요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.digits import load, small_vit
from lib.figure import table
from lib.measure import accuracy, relative_error
from lib.photos import photos
from lib.together import train_digits
from real_vit import features, load_real, normalise
from vit import VisionTransformer

torch.set_num_threads(1)
SEEDS, PIXELS = (0, 1, 2, 3, 4), 224
NAME = None  # or timm's name of another model: "vit_small_patch16_224"

# %% [markdown]
# ## 몫은 1/(N+1)이에요
#
# 패치 N개의 평균을 $m$, 클래스 토큰을 $c$라 하면 모두의 평균은 $m + (c - m)/(N+1)$이에요. 그러니 움직이는 크기는 둘에 달려 있어요.
# 토큰이 몇 개인지, 그리고 클래스 토큰이 평균에서 **얼마나 먼지**예요.


# %%
def both_means(tokens):
    """The means of tokens (n, 1 + N, D) with and without the first: (n, D) each."""
    return tokens.mean(dim=1), tokens[:, 1:].mean(dim=1)


def pulled(tokens):
    """The mean of the patches moved towards the class token by 1/(N + 1) of the way:
    (n, 1 + N, D) -> (n, D)."""
    mean = tokens[:, 1:].mean(dim=1)
    return mean + (tokens[:, 0] - mean) / tokens.shape[1]


# %%
if __name__ == "__main__":
    evidence, null = {}, {"배우지 않은 모델": {}, "클래스 토큰만 쓴 벡터": {}}
    tokens = torch.randn(8, 17, 32, generator=torch.Generator().manual_seed(0))
    evidence["formula_error"] = relative_error(
        both_means(tokens)[0], pulled(tokens)
    )
    evidence["wrong_error"] = relative_error(*both_means(tokens))
    print(f"식과 x.mean(1)의 차이 {evidence['formula_error']:.0e}")

# %% [markdown]
# ## 작은 ViT를 두 방법으로 학습해요
#
# 둘 다 클래스 토큰이 있고, 헤드에 들어가는 평균만 달라요. 토큰이 17개뿐이라 클래스 토큰의 몫은 1/17이에요.


# %%
class MeanOfPatches(VisionTransformer):
    """A ViT that classifies by the mean of its patch tokens."""

    first = 1

    def forward(self, x):
        x = self.embed(x)  # (B, 1 + N, D)
        for block in self.blocks:
            x, _ = block(x)
        return self.head(self.norm(x)[:, self.first :].mean(dim=1))


class MeanOfAll(MeanOfPatches):
    """The same with the class token in the mean."""

    first = 0


def swapped(model, make):
    """A model of another class with the weights of a trained one."""
    other = small_vit(0, make)
    other.load_state_dict(model.state_dict())
    return other


# %%
if __name__ == "__main__":
    kinds = {"patches": MeanOfPatches, "all": MeanOfAll}
    untrained = null["배우지 않은 모델"]
    learn, _, held_out = zip(*(load(seed) for seed in SEEDS))
    for key, make in kinds.items():
        other = MeanOfAll if make is MeanOfPatches else MeanOfPatches
        for world, learnt in (evidence, True), (untrained, False):
            models = [small_vit(seed, make) for seed in SEEDS]
            if learnt:
                train_digits(models, learn)
            for name, tested in (
                ("test", models),
                ("swapped", [swapped(model, other) for model in models]),
            ):
                world[f"{key}_{name}"] = [
                    accuracy(model, *part) for model, part in zip(tested, held_out)
                ]
    names = {"patches": "패치만", "all": "클래스 토큰까지"}
    told = {
        key: f"{statistics.mean(v):.1%}"
        for key, v in evidence.items()
        if key[:3] in ("pat", "all")
    }
    table(
        "trained",
        f"시험 정확도 (시드 {len(SEEDS)}개 평균)",
        ["학습한 평균", "같은 평균으로 시험", "다른 평균으로 시험"],
        [
            [name, told[f"{key}_test"], told[f"{key}_swapped"]]
            for key, name in names.items()
        ],
    )

# %% [markdown]
# ## 공개된 ViT-S/14에서는 얼마나 움직일까요?
#
# 사진 열두 장을 넣고 마지막 LayerNorm을 지난 토큰으로 재요. 비교할 것은 **다른 사진과의 거리**예요. 두 평균의 차이가
# 가장 가까운 다른 사진과의 거리보다 훨씬 작다면, 가까운 사진을 찾는 데는 어느 쪽이든 비슷할 거예요.


# %%
def moved(vectors, others):
    """Cosine distance between each vector and its other, over that to the nearest
    other vector of the same kind: (n, D), (n, D) -> (n,)."""
    vectors, others = F.normalize(vectors, dim=1), F.normalize(others, dim=1)
    apart = (1 - vectors @ vectors.T).fill_diagonal_(torch.inf).amin(dim=1)
    return (1 - (vectors * others).sum(dim=1)) / apart


# %%
if __name__ == "__main__":
    model = load_real(PIXELS, NAME)
    images = normalise(photos(PIXELS)[0], model.pretrained_cfg)
    with torch.inference_mode():
        tokens = torch.cat([features(model, image[None]) for image in images])
    with_cls, patches = both_means(tokens)
    cls = tokens[:, 0]
    evidence["real_tokens"], evidence["photos"] = tokens.shape[1], len(tokens)
    evidence["norm_ratio"] = cls.norm(dim=1) / tokens[:, 1:].norm(dim=2).mean(dim=1)
    evidence["distance_ratio"] = (cls - patches).norm(dim=1) / patches.norm(dim=1)
    evidence["change"] = (with_cls - patches).norm(dim=1) / patches.norm(dim=1)
    evidence["moved"] = moved(patches, with_cls)
    null["클래스 토큰만 쓴 벡터"]["moved"] = moved(patches, cls)
    null["클래스 토큰만 쓴 벡터"]["change"] = evidence["distance_ratio"]
    evidence["cls_moved"] = moved(patches, cls)
    rows = [
        ["클래스 토큰의 크기 / 패치 하나의 크기", "norm_ratio", "{:.2f}"],
        ["평균에서 클래스 토큰까지 / 평균의 크기", "distance_ratio", "{:.2f}"],
        ["평균이 움직인 몫", "change", "{:.2%}"],
        ["움직인 거리 / 가장 가까운 다른 사진", "moved", "{:.2%}"],
    ]
    table(
        "real",
        f"공개된 ViT-S/14의 마지막 층 (토큰 {tokens.shape[1]}개, 사진 {len(tokens)}장)",
        ["잰 것", "평균", "가장 큰 사진"],
        [
            [
                name,
                form.format(evidence[key].mean()),
                form.format(evidence[key].max()),
            ]
            for name, key, form in rows
        ],
    )

# %%
if __name__ == "__main__":
    tolerance = {
        key: 0.06 for key in evidence if key.startswith(("patches_", "all_"))
    }
    tolerance |= {"norm_ratio": 0.05, "distance_ratio": 0.05, "cls_moved": 0.2}
    tolerance |= {"change": 0.002, "moved": 0.01}
    evidence
