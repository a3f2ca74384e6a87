# %% [markdown]
# # 인과 마스크가 없으면 무엇을 배울까요?
#
# 인과 마스크(causal mask)는 디코더의 토큰이 뒤의 토큰을 보지 못하게 해요. 그래서 정답 문장을 **한꺼번에** 넣어도 한 글자씩 쓸 때와 같은 계산이 돼요.
# 마스크를 떼고도 배워 봐요. 손실은 눈부시게 줄지만, 그 모델은 날짜 하나도 제대로 옮기지 못해요.

# %%
import math
from functools import partial
from statistics import mean, stdev

import torch
from lib.figure import BLUE, INK, ORANGE, plt, show, table
from seq2seq import (
    SHARES,
    Transformer,
    exact_match,
    greedy,
    load_trained,
    sources,
    split,
    targets,
    texts,
    train,
    translations,
)

# %% [markdown]
# ## 미래에서 오는 기울기
#
# t번째 로짓을 s번째 입력 토큰의 임베딩으로 미분해요. $s > t$인 칸이 0이면 뒤의 토큰은 아무 영향도 주지 못해요.


# %%
def influence(model, source, target):
    """How strongly each input token moves each logit row, for one sentence: norms
    of d |logits_t|^2 / d y_s (T, T)."""
    caught = []
    # y: (1, T, D)
    hook = model.decoder[0].register_forward_pre_hook(
        lambda layer, inputs: caught.append(inputs[0])
    )
    logits = model(source, target)[0]  # (T, V)
    hook.remove()
    rows = [
        torch.autograd.grad(row.square().sum(), caught[0], retain_graph=True)[0][0]
        for row in logits
    ]
    return torch.stack(rows).norm(dim=-1)


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    torch.set_num_threads(1)
    tests = [split(seed)[1][:500] for seed in range(5)]
    names = {True: "with_mask", False: "without_mask"}
    evidence |= {f"future_{name}": [] for name in names.values()} | {
        "past_with_mask": []
    }
    text = translations(tests[0][0])[1]
    for seed in range(5):
        for causal, name in names.items():
            torch.manual_seed(seed)
            strength = influence(
                Transformer(causal=causal),
                sources(tests[0][:1]),
                targets([text])[:, :-1],
            )
            # (T, T): the inputs after each logit
            later = torch.ones_like(strength).triu(1) > 0
            of_later = strength[later]
            evidence[f"future_{name}"].append(
                (of_later.max() if causal else of_later.min()).item()
            )
            if causal:
                evidence["past_with_mask"].append(strength[~later].min().item())
    print(
        f"뒤의 토큰에서 오는 영향: 마스크가 있으면 최대 {max(evidence['future_with_mask'])}"
    )
    print(
        f"마스크가 없으면 최소 {min(evidence['future_without_mask']):.3f} (시드 다섯)"
    )
    print(
        f"마스크가 있을 때 자신과 앞의 토큰에서 오는 영향: 최소 {min(evidence['past_with_mask']):.4f}"
    )

# %% [markdown]
# ## 한꺼번에 배우고, 하나씩 써요
#
# 마스크가 있으면 정답을 한 번에 넣어 얻은 로짓과, 앞부분만 한 글자씩 늘려 가며 얻은 로짓이 같아요. 그래서 배울 때는 모든 자리를 나란히 계산할 수 있어요.
# 마스크가 없으면 둘이 달라요. 배울 때 본 것을 쓸 때는 볼 수 없어요.


# %%
@torch.no_grad()
def step_by_step(model, source, target):
    """The logits (B, T, V) as generation sees them: at each step only the tokens so
    far go in."""
    memory, mask = model.encode(source)
    return torch.cat(
        [
            model.decode(target[:, : t + 1], memory, mask)[0][:, -1:]
            for t in range(target.shape[1])
        ],
        dim=1,
    )


# %%
if __name__ == "__main__":
    evidence |= {f"at_once_{name}": [] for name in names.values()}
    for seed, dates in enumerate(tests):
        source = sources(dates[:50])
        target = targets([translations(date)[1] for date in dates[:50]])[:, :-1]
        for causal, name in names.items():
            torch.manual_seed(seed)
            model = Transformer(causal=causal)
            with torch.no_grad():
                change = model(source, target) - step_by_step(model, source, target)
            evidence[f"at_once_{name}"].append(change.abs().max().item())
    print("한꺼번에 넣을 때와 하나씩 넣을 때 로짓의 최대 차이")
    print(f"마스크가 있으면 많아야 {max(evidence['at_once_with_mask']):.1e}")
    print(f"없으면 적어도 {min(evidence['at_once_without_mask']):.2f} (시드 다섯)")

# %% [markdown]
# ## 마스크 없이 배우면
#
# 번역이 세 가지라서, 어느 표기를 쓸지는 **아무도 미리 알 수 없어요**. 그 몫의 손실이 $-\sum p \log p \approx 1.09$나트이고, 정직한 모델은 그보다 내려갈 수 없어요.
# 마스크를 뗀 모델은 그 바닥을 뚫고 내려가요. 다음 글자가 입력에 이미 들어 있으니 베끼면 되거든요.

# %%
if __name__ == "__main__":
    floor = evidence["floor"] = -sum(share * math.log(share) for share in SHARES)
    steps = evidence["steps"] = 150
    curves, rows = {}, []
    titles = {True: "마스크 있음", False: "마스크 없음"}
    for causal, name in names.items():
        trained = [
            train(seed, steps, build=partial(Transformer, causal=causal))
            for seed in range(5)
        ]
        found = [
            texts(greedy(model, sources(dates)))
            for (model, _), dates in zip(trained, tests)
        ]
        curves[causal] = [losses for _, losses in trained]
        evidence[f"loss_{name}"] = [mean(losses[-20:]) for losses in curves[causal]]
        evidence[f"match_{name}"] = [
            exact_match(written, dates) for written, dates in zip(found, tests)
        ]
        loss, match = evidence[f"loss_{name}"], evidence[f"match_{name}"]
        rows.append(
            [
                titles[causal],
                f"{mean(loss):.2f} ± {stdev(loss):.2f}",
                f"{mean(match):.1%}",
                found[0][0],
            ]
        )
    null["마스크가 있는 모델"] = {
        f"{what}_without_mask": evidence[f"{what}_with_mask"]
        for what in ("loss", "match")
    }
    table(
        "without_mask",
        f"{steps}단계를 배운 뒤 (시드 다섯, 예는 시드 0의 {translations(tests[0][0])[1]})",
        ["모델", "마지막 손실 (나트)", "끝까지 맞힌 비율", "쓴 것"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots()
    for causal, colour in ((True, BLUE), (False, ORANGE)):
        # (seeds, steps / 10)
        runs = torch.tensor(curves[causal]).unfold(1, 10, 10).mean(dim=2)
        lines = axis.plot(
            torch.arange(1, runs.shape[1] + 1) * 10,
            runs.T,
            color=colour,
            linewidth=1.4,
        )
        lines[0].set_label(titles[causal])
    axis.axhline(floor, color=INK, linewidth=1, linestyle=":")
    axis.annotate(
        "정직한 모델의 바닥", (5, floor), (0, 4), textcoords="offset points"
    )
    axis.set(xlabel="학습 단계", title="손실 (날짜 하나의 나트)", ylim=(0, 16))
    axis.legend()
    said = {
        name: mean(evidence[name])
        for name in evidence
        if name.startswith(("loss", "match"))
    }
    alt = (
        f"마스크가 없으면 손실이 {said['loss_without_mask']:.2f}나트로 바닥 {floor:.2f}나트를 뚫고 내려가지만 "
        f"맞힌 날짜는 {said['match_without_mask']:.0%}예요. "
        f"있으면 {said['loss_with_mask']:.2f}나트이고 {said['match_with_mask']:.0%}를 맞혀요."
    )
    show(figure, "loss_curves", alt)

# %% [markdown]
# ## 배운 모델에서 마스크만 떼면
#
# 마스크와 함께 배운 모델이라면, 쓸 때는 마스크가 없어도 괜찮을까요? 쓰는 동안 뒤에는 아직 아무것도 없으니까요.

# %%
if __name__ == "__main__":
    evidence["kept_match"], evidence["removed_match"] = [], []
    for seed, dates in enumerate(tests[:3]):
        model = load_trained(seed)
        for causal, name in ((True, "kept_match"), (False, "removed_match")):
            model.causal = causal
            evidence[name].append(
                exact_match(texts(greedy(model, sources(dates))), dates)
            )
    null["인과 마스크를 떼지 않은 모델"] = {"removed_match": evidence["kept_match"]}
    kept, removed = (
        ", ".join(f"{match:.1%}" for match in evidence[f"{name}_match"])
        for name in ("kept", "removed")
    )
    print(f"배운 뒤에 마스크를 떼고 쓰면 맞힌 비율: {removed}")
    print(f"떼지 않으면 {kept}")

# %%
if __name__ == "__main__":
    tolerance = {
        "future_without_mask": 0.05,
        "past_with_mask": 0.05,
        "at_once_with_mask": 1e-4,
        "at_once_without_mask": 0.1,
        "loss_with_mask": 1.0,
        "loss_without_mask": 0.3,
        "match_with_mask": 0.4,  # few steps: training differs between processors
        "match_without_mask": 0.02,
        "kept_match": 0.01,
        "removed_match": 0.1,
    }
    evidence
