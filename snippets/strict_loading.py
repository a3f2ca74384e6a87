# %% [markdown]
# # 오류 없이 읽힌 가중치가 틀릴 수 있을까요?
#
# `load_state_dict(strict=True)`가 보는 것은 **이름과 모양**뿐이에요. 모양만 같으면 무엇이 들어가도 통과해요.
# 학습한 작은 ViT의 가중치를 읽으면서 파일에 적히지 않은 약속을 하나씩만 어기고, 정확도가 어떻게 되는지 재요.

# %%
import statistics

import torch
import torch.nn.functional as F
from lib.figure import BLUE, INK, ORANGE, plt, show, table
from scenes import draw
from train_vit import SIZE, WEIGHTS, build, evaluate
from vit_pretrained import (
    from_huggingface,
    from_state_dict,
    read_tensors,
    to_huggingface,
)

torch.set_num_threads(1)


def accuracies(model, tests):
    """Its accuracy on each of the test sets."""
    return [evaluate(model, images, labels)[0] for images, labels, _ in tests]


# %% [markdown]
# ## strict를 끄면 아무것도 읽지 않고도 조용해요
#
# 같은 가중치를 Hugging Face의 이름으로 적어 두고, 옮겨 적지 않은 채 읽어 봐요. `strict=True`라면 오류가 나요.
# 오류가 싫다고 `strict=False`로 바꾸면 **이름이 맞는 것이 하나도 없어서** 막 초기화한 모델이 그대로 남아요.

# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    weights = read_tensors(WEIGHTS)
    model = from_state_dict(weights, num_heads=4)
    tests = [
        draw(200, SIZE, seed) for seed in range(101, 106)
    ]  # none of these seeds was trained on
    theirs, not_strict, translated = to_huggingface(weights), [], []
    for seed, test in enumerate(tests):
        fresh, filled = build(seed), build(seed)
        fresh.load_state_dict(theirs, strict=False)
        filled.load_state_dict(from_huggingface(theirs), strict=False)
        not_strict += accuracies(fresh, [test])
        translated += accuracies(filled, [test])
    evidence["accuracy_not_strict"] = not_strict
    null["이름을 옮겨 적은 가중치"] = {"accuracy_not_strict": translated}
    evidence["matched"] = len(theirs.keys() & fresh.state_dict().keys())
    try:
        model.load_state_dict(theirs, strict=True)
        strict_error = "없음"
    except RuntimeError as error:
        strict_error = type(error).__name__
    evidence["strict_error"] = strict_error
    print(f"strict=True: {strict_error}")
    print(
        f"strict=False: 읽은 텐서 {evidence['matched']}개, 정확도 {statistics.mean(not_strict):.1%} "
        f"(이름을 옮겨 적으면 {statistics.mean(translated):.1%})"
    )


# %% [markdown]
# ## strict를 켜도 보지 못하는 것
#
# 헤드 수, 쿼리·키·값을 이어 붙인 순서, LayerNorm의 $\epsilon$, GELU의 식, 입력의 정규화는 파일에 없거나 모양으로 드러나지 않아요.


# %%
def reorder(state, order):
    """Weights whose qkv is joined in another order, "kqv" say."""
    parts = ["qkv".index(part) for part in order]
    return {
        name: torch.cat([value.chunk(3)[part] for part in parts])
        if ".qkv." in name
        else value
        for name, value in state.items()
    }


def with_tanh_gelu(model):
    """The same model with the tanh approximation of GELU."""
    for block in model.blocks:
        block.mlp.forward = lambda x, mlp=block.mlp: mlp.fc2(
            F.gelu(mlp.fc1(x), approximate="tanh")
        )
    return model


def readings(weights, tests):
    """Ways to read weights, {promise broken: (evidence, model, test sets)}; none is
    broken in the first."""
    model = from_state_dict(weights, num_heads=4)
    pixels = [
        (images * 0.25 + 0.5, labels, boxes) for images, labels, boxes in tests
    ]  # from 0 to 1, as in a file
    kqv, qvk = (
        from_state_dict(reorder(weights, order), num_heads=4)
        for order in ("kqv", "qvk")
    )
    return {
        "약속대로": ("accuracy", model, tests),
        "헤드 4개를 2개로": (
            "accuracy_2_heads",
            from_state_dict(weights, num_heads=2),
            tests,
        ),
        "헤드 4개를 8개로": (
            "accuracy_8_heads",
            from_state_dict(weights, num_heads=8),
            tests,
        ),
        "쿼리와 키를 바꿔서": ("accuracy_kqv", kqv, tests),
        "키와 값을 바꿔서": ("accuracy_qvk", qvk, tests),
        "정규화하지 않은 입력": ("accuracy_pixels", model, pixels),
        "GELU를 tanh 근사로": (
            "accuracy_tanh",
            with_tanh_gelu(from_state_dict(weights, num_heads=4)),
            tests,
        ),
        "ε 1e-6을 1e-12로": (
            "accuracy_eps",
            from_state_dict(weights, num_heads=4, eps=1e-12),
            tests,
        ),
    }


# %%
if __name__ == "__main__":
    broken = readings(weights, tests)
    found = {
        label: accuracies(changed, given)
        for label, (_, changed, given) in broken.items()
    }
    evidence |= {broken[label][0]: values for label, values in found.items()}
    null["배우지 않은 모델"] = {
        name: accuracies(changed, given)
        for name, changed, given in readings(build().state_dict(), tests).values()
    }
    two_heads = found["헤드 4개를 2개로"]
    null["헤드 4개를 2개로 읽은 모델"] = {
        "accuracy_tanh": two_heads,
        "accuracy_eps": two_heads,
    }
    with torch.inference_mode():
        reference = model(tests[0][0][:50])
        moved = {
            label: (changed(images[:50]) - reference).abs().max().item()
            for label, (_, changed, ((images, *_), *_)) in broken.items()
        }
    evidence["moved_tanh"], evidence["moved_eps"] = (
        moved["GELU를 tanh 근사로"],
        moved["ε 1e-6을 1e-12로"],
    )
    rows = [
        [label, f"{statistics.mean(found[label]):.1%}", f"{moved[label]:.1e}"]
        for label in broken
    ]
    table(
        "moved",
        "어긴 약속과 결과 (정확도는 장면 1,000장, 로짓은 50장)",
        ["어긴 약속", "정확도", "로짓의 최대 차이"],
        rows,
    )

# %%
if __name__ == "__main__":
    means = {label: statistics.mean(values) for label, values in found.items()}
    figure, axis = plt.subplots()
    axis.barh(
        list(means),
        list(means.values()),
        color=[BLUE, *[ORANGE] * (len(means) - 1)],
    )
    for i, (values, mean) in enumerate(zip(found.values(), means.values())):
        axis.plot(values, [i] * len(values), "|", color=INK, markersize=9)
        axis.annotate(
            f"{mean:.1%}",
            (max(values), i),
            (6, 0),
            textcoords="offset points",
            va="center",
        )
    axis.set(
        xlabel="정확도 (세로줄은 시험 장면 다섯 벌)",
        xlim=(0, 1.2),
        xticks=[0, 0.25, 0.5, 0.75, 1],
    )
    axis.invert_yaxis()
    axis.grid(False)
    alt = (
        f"여덟 번 모두 오류 없이 돌았지만, 정확도는 약속대로 {means['약속대로']:.1%}이고 헤드를 2개로 읽으면 "
        f"{means['헤드 4개를 2개로']:.1%}, 쿼리와 키를 바꾸면 {means['쿼리와 키를 바꿔서']:.1%}예요."
    )
    show(figure, "broken_promises", alt)

# %%
if __name__ == "__main__":
    tolerance = {name: 0.03 for name in evidence if name.startswith("accuracy")}
    tolerance |= {"moved_tanh": 5e-3, "moved_eps": 1e-4}
    evidence
