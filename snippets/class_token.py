# %% [markdown]
# # 클래스 토큰은 무엇을 모으고, 꼭 있어야 할까요?
#
# 클래스 토큰(class token)은 패치 앞에 붙이는 학습 가능한 벡터예요. 어느 토큰이 어느 토큰을 보는지 미분으로 확인하고,
# 마지막에 무엇이 로짓(logit)을 정하는지 보고, 전역 평균 풀링(GAP)과 **저마다 가장 좋은 학습률에서** 견줘요.
# 데이터는 8×8 손글씨 숫자, 모델은 `vit.py`를 작게 줄인 것이에요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.digits import load, small_vit
from lib.figure import BLUE, ORANGE, show, table
from lib.measure import accuracy
from lib.together import train_digits
from matplotlib import pyplot as plt
from vit import Attention, VisionTransformer

SEEDS, RATES = (0, 1, 2, 3, 4), (0.001, 0.005, 0.02)


# %% [markdown]
# ## 비교할 두 모델
#
# `GlobalPool`은 클래스 토큰을 빼고 패치 토큰들을 평균 내요. `OneWay`에는 클래스 토큰이 있지만, 패치들이 그 토큰을 보지 못하게 가려요.


# %%
class GlobalPool(VisionTransformer):
    """A ViT without a class token: (B, C, H, W) -> logits (B, num_classes) of the
    mean of the patch tokens."""

    def forward(self, x):
        x = self.patch_embed(x) + self.pos_embed[:, 1:]  # (B, N, D)
        for block in self.blocks:
            x, _ = block(x)
        return self.head(self.norm(x).mean(dim=1))


class OneWayAttention(Attention):
    """Attention in which the class token sees all, and the patches see only one
    another: (B, N, D) -> (B, N, D)."""

    def forward(self, x, return_attn=False):
        N = x.shape[1]
        visible = torch.ones(N, N, dtype=torch.bool)  # row = query, column = key
        visible[1:, 0] = False
        q, k, v = (
            self.qkv(x)
            .unflatten(-1, (3, self.num_heads, -1))
            .permute(2, 0, 3, 1, 4)
        )  # (B, h, N, d) each
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        return self.proj(z.transpose(1, 2).flatten(2)), None


class OneWay(VisionTransformer):
    """A ViT whose patches do not see its class token."""

    def __init__(self, **options):
        super().__init__(**options)
        for block in self.blocks:
            block.attn = OneWayAttention(options["embed_dim"], options["num_heads"])


# %% [markdown]
# ## 저마다 가장 좋은 학습률에서 견줘요
#
# 학습률은 시험 이미지를 보지 않고 검증 이미지로 골라요. 시드마다 데이터 나누기와 초기값이 모두 달라서, 같은 시드끼리 짝지어 견줘요.
# 배우지 않은 모델도 똑같이 재서 비교 기준으로 삼아요.


# %%
def scores(make, lr):
    """Models of that class, one a seed, and their accuracies on validation and test
    images. lr 0: not trained."""
    learn, choose, held_out = zip(*(load(seed) for seed in SEEDS))
    models = [small_vit(seed, make) for seed in SEEDS]
    if lr:
        train_digits(models, learn, lr=lr)
    validation = [accuracy(model, *part) for model, part in zip(models, choose)]
    test = [accuracy(model, *part) for model, part in zip(models, held_out)]
    return models, validation, test


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {"배우지 않은 모델": {}}
    untrained = null["배우지 않은 모델"]
    kinds = {
        "클래스 토큰": ("cls", VisionTransformer),
        "평균 풀링": ("gap", GlobalPool),
    }
    results = {
        name: {lr: scores(make, lr) for lr in RATES}
        for name, (_, make) in kinds.items()
    }
    test = {
        name: {lr: statistics.mean(result[lr][2]) for lr in RATES}
        for name, result in results.items()
    }
    best = {}
    evidence["low_rate"] = RATES[0]
    for name, (key, make) in kinds.items():
        best[name] = max(
            RATES, key=lambda lr: statistics.mean(results[name][lr][1])
        )
        evidence[f"{key}_rate"] = best[name]
        evidence[f"{key}_test"] = results[name][best[name]][2]
        evidence[f"{key}_test_low_rate"] = results[name][RATES[0]][2]
        untrained[f"{key}_test"] = untrained[f"{key}_test_low_rate"] = scores(
            make, 0
        )[2]
    evidence["one_way_test"] = scores(OneWay, best["클래스 토큰"])[2]
    untrained["one_way_test"] = scores(OneWay, 0)[2]
    rows = [
        [
            lr,
            *(
                f"{test[name][lr]:.1%}{' ✓' if lr == best[name] else ''}"
                for name in kinds
            ),
        ]
        for lr in RATES
    ]
    table(
        "rates",
        f"시험 정확도 (시드 {len(SEEDS)}개 평균, ✓는 검증 이미지로 고른 학습률)",
        ["학습률", *kinds],
        rows,
    )
    ahead = [
        100 * (a - b) for a, b in zip(evidence["cls_test"], evidence["gap_test"])
    ]
    print(
        f"클래스 토큰이 앞선 폭: {statistics.mean(ahead):+.1f} ± {statistics.stdev(ahead):.1f}%p (시드별 차이의 표준편차)"
    )
    one_way = statistics.mean(evidence["one_way_test"])
    print(f"패치가 클래스 토큰을 못 볼 때: {one_way:.1%}")

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    for (name, result), colour, marker, aside in zip(
        results.items(), (BLUE, ORANGE), "os", (0.96, 1.04)
    ):
        places = [lr * aside for lr in RATES]  # the two kinds beside each other
        axis.plot(
            places,
            [test[name][lr] for lr in RATES],
            marker=marker,
            color=colour,
            label=name,
        )
        for place, lr in zip(places, RATES):
            axis.plot(
                [place] * len(SEEDS),
                result[lr][2],
                marker,
                color=colour,
                alpha=0.4,
                markersize=4,
            )
    axis.set(xscale="log", xlabel="학습률 (로그 축)", title="시험 정확도")
    axis.set_xticks(RATES, RATES)
    axis.minorticks_off()
    axis.yaxis.set_major_formatter("{x:.0%}")
    axis.legend(loc="lower right")
    cls_best, gap_best = (test[name][best[name]] for name in kinds)
    alt = (
        f"저마다 가장 좋은 학습률에서는 클래스 토큰 {cls_best:.0%}, 평균 풀링 {gap_best:.0%}로 가깝지만, "
        f"학습률 {RATES[0]}에서는 {test['클래스 토큰'][RATES[0]]:.0%}와 {test['평균 풀링'][RATES[0]]:.0%}로 벌어져요."
    )
    show(figure, "cls_and_gap", alt)

# %% [markdown]
# ## 붙이기: N개가 N+1개로
#
# 붙인 벡터는 어느 이미지에서나 같아요. 블록을 지나기 전에는 이미지를 전혀 모르는 거예요. 그런데도 학습되는 파라미터라 기울기를 받아요.

# %%
if __name__ == "__main__":
    models = results["클래스 토큰"][best["클래스 토큰"]][0]
    model = models[0]
    images, labels = load(SEEDS[0])[2]
    patches = model.patch_embed(images[:1]).shape[1]
    with torch.no_grad():
        z = model.embed(images)  # (500, 1 + N, D)
    F.cross_entropy(model(images), labels).backward()
    evidence["patches"], evidence["tokens"], evidence["dim"] = (
        patches,
        z.shape[1],
        z.shape[2],
    )
    evidence["embedded_change"] = (z[:, 0] - z[:1, 0]).abs().max().item()
    evidence["learned"] = model.cls_token.grad.norm().item() > 0
    evidence["extra_parameters"] = (
        model.cls_token.numel() + model.pos_embed[:, :1].numel()
    )
    print(
        f"토큰은 {patches}개에서 {z.shape[1]}개로, 파라미터는 {evidence['extra_parameters']}개(벡터 하나와 그 위치 "
        "임베딩) 늘어요."
    )
    print(
        f"이미지 {len(images)}장 사이에서 클래스 토큰의 차이: {evidence['embedded_change']}"
    )

# %% [markdown]
# ## 첫 블록부터 서로 봐요
#
# 블록 하나를 토큰별로 미분해서, 클래스 토큰이 모든 패치에서 영향을 받는지, 모든 패치가 클래스 토큰에서 영향을 받는지 확인해요.


# %%
def influence(block, z):
    """Norms of d(token i's output) / d(token j's input), (1 + N, 1 + N), of a block
    at tokens z (1 + N, D)."""
    jacobian = torch.autograd.functional.jacobian(
        lambda z: block(z[None], return_attn=True)[0][0], z
    )  # (N, D, N, D)
    return jacobian.norm(dim=(1, 3))


# %%
if __name__ == "__main__":
    strength = influence(model.blocks[0], z[0])
    evidence["patches_to_cls_min"] = strength[0, 1:].min().item()
    evidence["cls_to_patches_min"] = strength[1:, 0].min().item()
    print(
        f"첫 블록에서 패치 → 클래스 토큰의 영향: 가장 작은 것도 {evidence['patches_to_cls_min']:.1e}, "
        f"클래스 토큰 → 패치: {evidence['cls_to_patches_min']:.1e}"
    )
    with torch.no_grad():
        looks = model(images, return_attn=True)[1][:, :, :, 0, 1:].mean(
            dim=(1, 2)
        )  # (500, N), over blocks and heads
        looks /= looks.sum(dim=1, keepdim=True)
        evidence["attention_moved"] = (looks - looks.roll(1, dims=0)).abs().sum(
            dim=1
        ).mean().item() / 2
    print(
        "클래스 토큰이 패치들에 준 어텐션은 이미지마다 달라요: 두 이미지 사이에서 옮겨 간 몫 "
        f"{evidence['attention_moved']:.1%} (평균 풀링은 0%)"
    )

# %% [markdown]
# ## 무엇을 담고 있을까요?
#
# 블록을 지날 때마다 클래스 토큰을 꺼내 보고, **무엇을 알아낼 수 있는지** 선형 회귀로 물어요. 하나는 어떤 숫자인가, 하나는 어떤 이미지였나예요.
# 이미지를 얼마나 되살리는지는 결정계수 $R^2$(1이면 완벽, 0이면 평균만 아는 것)로 재요. 같은 크기의 벡터로 얼마까지 되는지 보려고 주성분 32개와 견줘요.
# 아무것도 배우지 않고 섞기만 해도 이미지는 새어 들어와요. 그래서 **배우지 않은 모델**에서 읽히는 만큼과 견줘야 배운 것이 보여요.


# %%
def readout(x, y, test_x):
    """What least squares from x (n, D) to y (n, K) predicts for test_x (m, D): (m,
    K)."""
    x, test_x = (
        F.pad(x, (0, 1), value=1.0),
        F.pad(test_x, (0, 1), value=1.0),
    )  # a column of ones for the bias
    return test_x @ torch.linalg.lstsq(x, y).solution


def r2(prediction, y):
    """Share of the variance of y (m, K) that the prediction explains."""
    return (
        1
        - (
            (prediction - y).square().sum() / (y - y.mean(dim=0)).square().sum()
        ).item()
    )


def cls_by_depth(model, images):
    """The class token (n, D) as it enters the first block and as it leaves each."""
    x = model.embed(images)
    states = [x[:, 0]]
    for block in model.blocks:
        x, _ = block(x)
        states.append(x[:, 0])
    return states


@torch.no_grad()
def contents(models):
    """Accuracy of the digit and R² of the image read from the class token, {place:
    one value a seed} each."""
    digit, image = {}, {}
    for seed, model in zip(SEEDS, models):
        (x, y), _, (test_x, test_y) = load(seed)
        one_hot = F.one_hot(y, 10).float()
        for place, (state, test_state) in enumerate(
            zip(cls_by_depth(model, x), cls_by_depth(model, test_x))
        ):
            named = readout(state, one_hot, test_state).argmax(dim=1)
            digit.setdefault(place, []).append(
                (named == test_y).double().mean().item()
            )
            drawn = readout(state, x.flatten(1), test_state)
            image.setdefault(place, []).append(r2(drawn, test_x.flatten(1)))
    return digit, image


# %%
if __name__ == "__main__":
    digit, image = contents(models)
    plain_digit, plain_image = contents([small_vit(seed) for seed in SEEDS])
    for place, key in enumerate(("digit_before", "digit_after_1", "digit_after_2")):
        evidence[key], untrained[key] = digit[place], plain_digit[place]
    evidence["image_r2"], untrained["image_r2"] = image[2], plain_image[2]
    evidence["digit_untrained"], evidence["image_r2_untrained"] = (
        plain_digit[2],
        plain_image[2],
    )
    evidence["class_r2"], evidence["pca_r2"] = (
        [],
        [],
    )  # of the right answer, and of as many numbers
    for seed in SEEDS:
        (x, y), _, (test_x, test_y) = load(seed)
        x, test_x = x.flatten(1), test_x.flatten(1)  # (n, 64) pixels
        one_hot, test_one_hot = (
            F.one_hot(y, 10).float(),
            F.one_hot(test_y, 10).float(),
        )
        evidence["class_r2"].append(r2(readout(one_hot, x, test_one_hot), test_x))
        directions = (
            torch.linalg.svd(x - x.mean(dim=0), full_matrices=False).Vh[:32].T
        )  # (64, 32)
        evidence["pca_r2"].append(
            r2(readout(x @ directions, x, test_x @ directions), test_x)
        )
    rows = [
        [
            name,
            f"{statistics.mean(digit[place]):.1%}",
            f"{round(statistics.mean(image[place]), 2) + 0:.2f}",
        ]
        for place, name in enumerate(("블록 앞", "블록 1 뒤", "블록 2 뒤"))
    ]
    plain = statistics.mean(plain_digit[2]), statistics.mean(plain_image[2])
    rows.append(
        [
            "(견줄 것) 배우지 않은 모델, 블록 2 뒤",
            f"{plain[0]:.1%}",
            f"{plain[1]:.2f}",
        ]
    )
    rows.append(
        [
            "(견줄 것) 정답만 알 때",
            "100%",
            f"{statistics.mean(evidence['class_r2']):.2f}",
        ]
    )
    rows.append(
        ["(견줄 것) 주성분 32개", "–", f"{statistics.mean(evidence['pca_r2']):.2f}"]
    )
    table(
        "contents",
        "클래스 토큰에서 선형으로 읽어 낸 것",
        ["꺼낸 곳", "숫자 정확도", "이미지 R²"],
        rows,
    )

# %% [markdown]
# ## 마지막에는 클래스 토큰만 쓰여요
#
# 마지막 블록을 나온 뒤의 패치 토큰은 무엇으로 바꿔도 로짓이 그대로예요. 그러니 마지막 블록에서 패치들의 MLP는 계산할 까닭이 없어요.
# 로짓은 $W\,z_{cls}$가 아니라 $W\,\mathrm{LN}(z_{cls}) + b$예요(ViT 식 4). softmax는 순위를 바꾸지 않으니 예측에는 없어도 돼요.

# %%
if __name__ == "__main__":
    with torch.no_grad():
        x = model.embed(images)
        first, last = model.blocks
        x, _ = first(x)
        x = x + last.attn(last.norm1(x))[0]
        z = x + last.mlp(
            last.norm2(x)
        )  # (500, 1 + N, D) as they leave the last block
        logits = model.head(model.norm(z)[:, 0])
        evidence["logits_difference"] = (logits - model(images)).abs().max().item()
        noise = torch.cat([z[:, :1], torch.randn_like(z[:, 1:])], dim=1)
        evidence["other_tokens_change"] = (
            (model.head(model.norm(noise)[:, 0]) - logits).abs().max().item()
        )
        skipped = torch.cat(
            [z[:, :1], x[:, 1:]], dim=1
        )  # no MLP for the patches in the last block
        evidence["last_mlp_change"] = (
            (model.head(model.norm(skipped)[:, 0]) - logits).abs().max().item()
        )
        without_norm = model.head(z[:, 0])
        evidence["without_norm_change"] = (
            (without_norm - logits).norm() / logits.norm()
        ).item()
        evidence["without_norm_same_prediction"] = (
            (without_norm.argmax(dim=1) == logits.argmax(dim=1))
            .double()
            .mean()
            .item()
        )
    print(
        f"한 단계씩 계산한 로짓과 model(images)의 차이: {evidence['logits_difference']:.1e}"
    )
    print(
        f"마지막 패치 토큰을 난수로 바꿨을 때 로짓의 변화: {evidence['other_tokens_change']}"
    )
    print(f"마지막 블록에서 패치들의 MLP를 뺐을 때: {evidence['last_mlp_change']}")
    print(
        f"LayerNorm을 뺐을 때 로짓의 상대 변화: {evidence['without_norm_change']:.2f}, "
        f"예측이 같은 이미지 {evidence['without_norm_same_prediction']:.1%}"
    )

# %% [markdown]
# ## 맨 앞이어야 할까요?
#
# 클래스 토큰을 제 위치 임베딩과 함께 맨 뒤로 옮기고, 마지막에 맨 뒤에서 꺼내요.

# %%
if __name__ == "__main__":
    with torch.no_grad():
        x = model.embed(images).roll(-1, dims=1)  # patches, then the class token
        for block in model.blocks:
            x, _ = block(x)
        evidence["last_place_change"] = (
            (model.head(model.norm(x)[:, -1]) - logits).abs().max().item()
        )
    print(
        f"클래스 토큰을 맨 뒤에 붙였을 때 로짓의 변화: {evidence['last_place_change']:.1e}"
    )

# %%
if __name__ == "__main__":
    trained = (
        "cls_",
        "gap_",
        "one_way",
        "digit_",
        "image_",
        "without_norm",
        "attention_moved",
        "patches_to",
    )
    tolerance = {name: 0.1 for name in evidence if name.startswith(trained)} | {
        "without_norm_change": 0.5
    }
    evidence
