# %% [markdown]
# # 클래스 토큰이 먼저일까요, 위치 임베딩이 먼저일까요?
#
# 클래스 토큰(class token)을 붙인 뒤 위치 임베딩(position embedding)을 더하는 코드가 있고, 패치에만 위치를 더한 뒤 클래스 토큰을 붙이는 코드가 있어요.
# 두 코드가 **같은 함수**를 나타내는지, 학습하면 달라지는지, 해상도를 바꿀 때 무엇이 편해지는지 차례로 확인해요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.digits import load, small_vit
from lib.figure import BLUE, ORANGE, plt, show, table
from lib.measure import accuracy
from lib.together import train_digits
from torch import nn
from vit import VisionTransformer, resample_abs_pos_embed, vit

SEEDS = 0, 1, 2, 3, 4

# %% [markdown]
# ## 두 가지 순서
#
# `VisionTransformer`는 논문의 식처럼 붙인 **뒤에** 더해요. 위치 임베딩이 N+1개예요.
# `PositionFirst`는 더한 **뒤에** 붙여요. timm의 `no_embed_class=True`, DeiT III, big_vision이 이쪽이고, 위치 임베딩이 N개예요.


# %%
class PositionFirst(VisionTransformer):
    """A ViT whose pos_embed (1, N, D) is added to the patches before the class
    token is put in front."""

    def __init__(self, **options):
        super().__init__(**options)
        self.pos_embed = nn.Parameter(
            self.pos_embed[:, 1:].detach().clone()
        )  # no entry for the class token

    def embed(self, x):
        """Image (B, C, H, W) -> tokens (B, 1 + N, D): [x_class; x_p E + E_pos]."""
        P, (H, W) = self.patch_embed.patch_size, x.shape[-2:]
        x = self.patch_embed(x) + resample_abs_pos_embed(
            self.pos_embed, (H // P, W // P), num_prefix_tokens=0
        )
        return torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1)


# %% [markdown]
# ## 접어 넣으면 같은 함수예요
#
# 붙인 뒤에 더하면 클래스 자리는 `cls_token + pos_embed[0]`이에요. 둘 다 입력과 상관없는 파라미터라, 미리 더해 **벡터 하나로** 접을 수 있어요.
# 거꾸로는 `pos_embed[0]`에 0을 넣으면 돼요.


# %%
def fold(state):
    """Weights of a VisionTransformer as those of a PositionFirst: pos_embed's first
    entry goes into the class token."""
    pos_embed = state["pos_embed"]
    return {
        **state,
        "cls_token": state["cls_token"] + pos_embed[:, :1],
        "pos_embed": pos_embed[:, 1:],
    }


def unfold(state):
    """Weights of a PositionFirst as those of a VisionTransformer: a zero before the
    first entry of pos_embed."""
    return {**state, "pos_embed": F.pad(state["pos_embed"], (0, 0, 1, 0))}


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    evidence, null = {}, {"배우지 않은 모델": {}, "pos_embed[0]을 버린 모델": {}}
    concat_first, position_first = (
        vit("Ti/16"),
        PositionFirst(patch_size=16, embed_dim=192, depth=12, num_heads=3),
    )
    (
        nn.init.normal_(concat_first.cls_token),
        nn.init.normal_(position_first.cls_token),
    )  # as if trained: not near 0
    image = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        logits = position_first(image)
        back = vit("Ti/16")
        back.load_state_dict(unfold(position_first.state_dict()))
        evidence["unfold_difference"] = (back(image) - logits).abs().max().item()
        try:
            concat_first.load_state_dict(position_first.state_dict())
            load_error = "없음"
        except RuntimeError as error:
            load_error = type(error).__name__
        logits = concat_first(image)
        position_first.load_state_dict(fold(concat_first.state_dict()))
        evidence["fold_difference"] = (
            (position_first(image) - logits).abs().max().item()
        )
    print(
        f"접어 넣은 뒤 로짓의 최대 차이: {evidence['fold_difference']}, 거꾸로 펼친 뒤: {evidence['unfold_difference']}"
    )
    evidence["load_error"] = load_error
    print(f"바꾸지 않고 그대로 읽으면: {load_error}")

# %% [markdown]
# ## 그럼 학습도 똑같을까요?
#
# 함수는 같아도 파라미터를 적는 방법이 달라요. 붙인 뒤에 더하면 같은 자리에 벡터가 둘이라 **똑같은 기울기를 둘 다** 받아요.
# 그래서 SGD 한 걸음에 클래스 자리는 두 배로 움직여요. 그 벡터만 학습률이 두 배인 셈이에요.


# %%
def sgd_step(model, images, labels, lr=0.1, cls_factor=1):
    """How far one step of SGD moves what stands at the class token's place: (D,).

    cls_factor: how many times as large the class token's learning rate is as that
    of the position embeddings."""
    model.zero_grad()
    before = model.embed(images[:1])[0, 0].detach()
    F.cross_entropy(model(images), labels).backward()
    with torch.no_grad():
        model.cls_token -= cls_factor * lr * model.cls_token.grad
        model.pos_embed -= lr * model.pos_embed.grad
        return model.embed(images[:1])[0, 0] - before


# %%
if __name__ == "__main__":
    (images, labels), _, _ = load(0)
    batch = images[:64], labels[:64]
    concat_first, position_first = small_vit(0), small_vit(0, PositionFirst)
    position_first.load_state_dict(fold(concat_first.state_dict()))
    one = sgd_step(position_first, *batch)
    position_first.load_state_dict(
        fold(concat_first.state_dict())
    )  # back to the start
    doubled = sgd_step(position_first, *batch, cls_factor=2)
    two = sgd_step(concat_first, *batch)
    evidence["doubled_rate_error"] = ((doubled - two).norm() / two.norm()).item()
    evidence["step_ratio"] = (two.norm() / one.norm()).item()
    evidence["step_direction"] = F.cosine_similarity(one, two, dim=0).item()
    evidence["gradient_difference"] = (
        (concat_first.cls_token.grad - concat_first.pos_embed.grad[:, :1])
        .abs()
        .max()
        .item()
    )
    print(
        f"cls_token과 pos_embed[0]이 받은 기울기의 최대 차이: {evidence['gradient_difference']}"
    )
    print(
        f"SGD 한 걸음에 클래스 자리가 움직인 거리: {evidence['step_ratio']:.3f}배, 방향의 코사인 유사도 {evidence['step_direction']:.3f}"
    )
    print(
        f"PositionFirst의 클래스 토큰만 학습률을 두 배로 주면 남는 상대 오차: {evidence['doubled_rate_error']:.1e}"
    )

# %% [markdown]
# 실제 학습에서 눈에 띄는 차이가 되는지 봐요. 같은 함수에서 출발해, 같은 이미지를 같은 순서로, 같은 학습률로 학습해요.


# %%
def compared(learnt=True):
    """The two models of each seed and the first with its pos_embed[0] dropped, and
    their test accuracies: [(models, accuracies)]."""
    learn, _, held_out = zip(*(load(seed) for seed in SEEDS))
    concat_first = [small_vit(seed) for seed in SEEDS]
    position_first = [small_vit(seed, PositionFirst) for seed in SEEDS]
    for one, other in zip(concat_first, position_first):
        other.load_state_dict(fold(one.state_dict()))
    for models in (concat_first, position_first) if learnt else ():
        train_digits(models, learn)
    dropped = [small_vit(seed, PositionFirst) for seed in SEEDS]
    for one, other in zip(concat_first, dropped):
        other.load_state_dict(
            {**one.state_dict(), "pos_embed": one.pos_embed[:, 1:]}
        )
    return [
        (models, [accuracy(model, *part) for model in models])
        for *models, part in zip(concat_first, position_first, dropped, held_out)
    ]


# %%
if __name__ == "__main__":
    labels = {
        "concat_first_test": "붙인 뒤 더하기",
        "position_first_test": "더한 뒤 붙이기",
        "dropped_test": "붙인 뒤 더하고, pos_embed[0]을 버리기",
    }
    found = compared()
    plain = [scores for _, scores in compared(learnt=False)]
    for i, name in enumerate(labels):
        evidence[name] = [scores[i] for _, scores in found]
        null["배우지 않은 모델"][name] = [scores[i] for scores in plain]
    null["pos_embed[0]을 버린 모델"]["position_first_test"] = evidence[
        "dropped_test"
    ]
    gaps = [
        100 * (a - b)
        for a, b in zip(
            evidence["concat_first_test"], evidence["position_first_test"]
        )
    ]
    rows = [
        [
            label,
            f"{statistics.mean(evidence[name]):.1%} ± {statistics.stdev(evidence[name]):.1%}",
        ]
        for name, label in labels.items()
    ]
    rows.insert(
        2,
        [
            "앞 둘의 시드별 차이",
            f"{statistics.mean(gaps):+.1f} ± {statistics.stdev(gaps):.1f}%p",
        ],
    )
    table(
        "trained",
        f"시험 정확도 (시드 {len(SEEDS)}개의 평균 ± 표준편차)",
        ["순서", "정확도"],
        rows,
    )

# %% [markdown]
# 학습한 모델도 접어 넣을 수 있어요. 다만 `pos_embed[0]`을 더하지 않고 **버리면** 다른 모델이 돼요.

# %%
if __name__ == "__main__":
    concat_first, position_first, dropped_first = found[-1][0]
    test_images, _ = load(SEEDS[-1])[2]
    with torch.inference_mode():
        logits = concat_first(test_images)
        dropped = dropped_first(test_images)
        position_first.load_state_dict(fold(concat_first.state_dict()))
        folded = position_first(test_images)
    evidence["trained_fold_difference"] = (folded - logits).abs().max().item()
    evidence["dropped_change"] = ((dropped - logits).norm() / logits.norm()).item()
    figure, axis = plt.subplots(figsize=(4.5, 4))
    axis.plot(
        logits[:40].flatten(),
        dropped[:40].flatten(),
        "o",
        color=ORANGE,
        alpha=0.5,
        markersize=4,
        label="버렸을 때",
    )
    axis.plot(
        logits[:40].flatten(),
        folded[:40].flatten(),
        "o",
        color=BLUE,
        markersize=3,
        label="접어 넣었을 때",
    )
    axis.set(
        xlabel="붙인 뒤 더하는 모델의 로짓",
        ylabel="더한 뒤 붙이는 모델의 로짓",
        aspect="equal",
    )
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    alt = (
        f"pos_embed[0]을 클래스 토큰에 접어 넣으면 두 모델의 로짓이 대각선에 정확히 놓이고(최대 차이 {evidence['trained_fold_difference']:.1f}), "
        f"버리면 로짓 크기의 {evidence['dropped_change']:.0%}만큼 어긋나요."
    )
    show(figure, "folded", alt)

# %% [markdown]
# ## 순서를 섞어 쓰면 어떻게 될까요?
#
# 위치 임베딩이 N+1개인 모델의 코드에서 `torch.cat`을 더하기 **뒤로** 옮겨 봐요. 그대로 옮기면 개수가 하나 모자라 오류가 나요.
# 오류만 없애려고 N개를 잘라 쓰면 **어디를 자르느냐**에 따라 달라져요. 맨 뒤를 버리면 패치마다 앞 칸의 위치를 받아요.


# %%
class Misplaced(VisionTransformer):
    """A ViT that adds a part of its pos_embed (1, N + 1, D) to the patches before the
    class token is put in front. kept: which part."""

    kept = slice(None)

    def embed(self, x):
        x = self.patch_embed(x) + self.pos_embed[:, self.kept]
        return torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1)


class Appended(VisionTransformer):
    """A ViT that puts the class token behind the patches, adds the pos_embed and
    still reads the first token."""

    def embed(self, x):
        x = self.patch_embed(x)
        x = torch.cat([x, self.cls_token.expand(len(x), -1, -1)], dim=1)
        return x + self.pos_embed


class Shifted(Misplaced):
    """Of those the one that gives each patch the position of the one before it."""

    kept = slice(None, -1)


def error_of(action, *args, **options):
    """The name of the error that a call raises, or 없음."""
    try:
        action(*args, **options)
    except Exception as error:
        return type(error).__name__
    return "없음"


def misused(model, make):
    """A model of another class with the weights of a trained one."""
    other = small_vit(0, make)
    other.load_state_dict(model.state_dict())
    return other


# %%
if __name__ == "__main__":
    evidence["added_first_error"] = error_of(
        small_vit(0, Misplaced), torch.randn(1, 1, 8, 8)
    )
    whole, short = small_vit(0), small_vit(0, PositionFirst).state_dict()
    evidence["lenient_error"] = error_of(whole.load_state_dict, short, strict=False)
    left_out = {k: v for k, v in short.items() if k != "pos_embed"}
    missing, _ = whole.load_state_dict(left_out, strict=False)
    evidence["left_out"] = ", ".join(missing)
    print(f"N개에 N+1개를 더하면: {evidence['added_first_error']}")
    print(f"strict=False로 읽으면: {evidence['lenient_error']}")
    print(
        f"pos_embed를 빼고 읽으면 빠졌다고 알려 주는 이름: {evidence['left_out']}"
    )
    for name, make in ("shifted", Shifted), ("appended", Appended):
        for world, models in (
            (evidence, [models[0] for models, _ in found]),
            (null["배우지 않은 모델"], [small_vit(seed) for seed in SEEDS]),
        ):
            world[f"{name}_test"] = [
                accuracy(misused(model, make), *load(seed)[2])
                for seed, model in zip(SEEDS, models)
            ]
        print(f"{name}: {statistics.mean(evidence[f'{name}_test']):.1%}")
    rows = [
        ["제 순서대로", "concat_first_test"],
        ["N개로 자르며 맨 앞을 버림", "dropped_test"],
        ["N개로 자르며 맨 뒤를 버림", "shifted_test"],
        ["클래스 토큰을 맨 뒤에 붙이고 맨 앞을 읽음", "appended_test"],
    ]
    table(
        "misused",
        f"학습한 가중치를 다른 순서로 쓸 때의 시험 정확도 (시드 {len(SEEDS)}개 평균)",
        ["쓰는 법", "정확도"],
        [[name, f"{statistics.mean(evidence[key]):.1%}"] for name, key in rows],
    )

# %% [markdown]
# ## 해상도를 바꿀 때
#
# 위치 임베딩을 2D 격자로 늘릴 때, 붙인 뒤에 더하는 모델은 맨 앞 하나를 떼어 두었다가 다시 붙여야 해요. 더한 뒤에 붙이는 모델은
# `pos_embed` 전체가 격자라서 그대로 늘리면 돼요. 떼는 것을 잊으면 N+1이 제곱수가 아니어서 격자로 접을 수 없어요.

# %%
if __name__ == "__main__":
    large = F.interpolate(test_images, size=(12, 12))
    with torch.inference_mode():
        evidence["resized_difference"] = (
            (position_first(large) - concat_first(large)).abs().max().item()
        )
        grid = position_first.pos_embed.unflatten(1, (4, 4)).permute(
            0, 3, 1, 2
        )  # (1, D, 4, 4), all of it
        plain = (
            F.interpolate(grid, size=(6, 6), mode="bicubic", antialias=True)
            .flatten(2)
            .transpose(1, 2)
        )
        evidence["plain_difference"] = (
            (plain - resample_abs_pos_embed(concat_first.pos_embed, (6, 6))[:, 1:])
            .abs()
            .max()
            .item()
        )
    try:
        resample_abs_pos_embed(concat_first.pos_embed, (6, 6), num_prefix_tokens=0)
        forgotten_split_error = "없음"
    except RuntimeError as error:
        forgotten_split_error = type(error).__name__
    print(
        f"12×12 이미지에서 두 모델 로짓의 최대 차이: {evidence['resized_difference']}"
    )
    print(
        f"떼지 않고 늘린 위치 임베딩과, 떼고 늘린 것의 최대 차이: {evidence['plain_difference']}"
    )
    evidence["forgotten_split_error"] = forgotten_split_error
    print(f"N+1개짜리에서 떼는 것을 잊으면: {forgotten_split_error}")

# %%
if __name__ == "__main__":
    tolerance = {name: 0.05 for name in labels} | {"dropped_test": 0.1}
    tolerance |= {"shifted_test": 0.1, "appended_test": 0.1}
    tolerance |= {"dropped_change": 0.5, "doubled_rate_error": 1e-3}
    tolerance |= {"trained_fold_difference": 1e-4, "resized_difference": 1e-4}
    evidence
