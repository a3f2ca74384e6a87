# %% [markdown]
# # 인과 마스크가 없으면 무엇을 배울까요?
#
# 인과 마스크(causal mask)는 디코더의 토큰이 뒤의 토큰을 보지 못하게 해요. 그래서 정답 문장을 **한꺼번에** 넣어도 한 글자씩 쓸 때와 같은 계산이 돼요.
# 마스크를 떼고도 배워 봐요. 손실은 눈부시게 줄지만, 그 모델은 한 글자도 옮기지 못해요.

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
    """How strongly each input token moves each logit row, for one sentence: norms of d |logits_t|^2 / d y_s (T, T)."""
    caught = []
    hook = model.decoder[0].register_forward_pre_hook(lambda layer, inputs: caught.append(inputs[0]))  # y: (1, T, D)
    logits = model(source, target)[0]  # (T, V)
    hook.remove()
    rows = [torch.autograd.grad(row.square().sum(), caught[0], retain_graph=True)[0][0] for row in logits]
    return torch.stack(rows).norm(dim=-1)


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    tests = [split(seed)[1][:500] for seed in range(3)]
    text = translations(tests[0][0])[1]
    future = {True: 0.0, False: math.inf}
    for seed in range(3):
        for causal in future:
            torch.manual_seed(seed)
            strength = influence(Transformer(causal=causal), sources(tests[0][:1]), targets([text])[:, :-1])
            above = strength[torch.ones_like(strength).triu(1) > 0]
            found = max(future[True], above.max().item()) if causal else min(future[False], above.min().item())
            future[causal] = found
    print(f"뒤의 토큰에서 오는 영향: 마스크가 있으면 최대 {future[True]}, 없으면 최소 {future[False]:.3f} (시드 셋)")

# %% [markdown]
# ## 한꺼번에 배우고, 하나씩 써요
#
# 마스크가 있으면 정답을 한 번에 넣어 얻은 로짓과, 앞부분만 한 글자씩 늘려 가며 얻은 로짓이 같아요. 그래서 배울 때는 모든 자리를 나란히 계산할 수 있어요.
# 마스크가 없으면 둘이 달라요. 배울 때 본 것을 쓸 때는 볼 수 없어요.


# %%
@torch.no_grad()
def step_by_step(model, source, target):
    """The logits (B, T, V) as generation sees them: at each step only the tokens so far go in."""
    memory, mask = model.encode(source)
    return torch.cat([model.decode(target[:, : t + 1], memory, mask)[0][:, -1:] for t in range(target.shape[1])], dim=1)


# %%
if __name__ == "__main__":
    at_once = {True: 0.0, False: math.inf}
    for seed in range(3):
        dates = tests[seed][:50]
        source, target = sources(dates), targets([translations(date)[1] for date in dates])[:, :-1]
        for causal in at_once:
            torch.manual_seed(seed)
            model = Transformer(causal=causal)
            with torch.no_grad():
                change = (model(source, target) - step_by_step(model, source, target)).abs().max().item()
            at_once[causal] = max(at_once[causal], change) if causal else min(at_once[causal], change)
    print(
        "한꺼번에 넣을 때와 하나씩 넣을 때 로짓의 최대 차이: "
        f"마스크가 있으면 {at_once[True]:.1e}, 없으면 {at_once[False]:.2f}"
    )

# %% [markdown]
# ## 마스크 없이 배우면
#
# 번역이 세 가지라서, 어느 표기를 쓸지는 **아무도 미리 알 수 없어요**. 그 몫의 손실이 $-\sum p \log p \approx 1.09$나트이고, 정직한 모델은 그보다 내려갈 수 없어요.
# 마스크를 뗀 모델은 그 바닥을 뚫고 내려가요. 다음 글자가 입력에 이미 들어 있으니 베끼면 되거든요.

# %%
if __name__ == "__main__":
    floor = -sum(share * math.log(share) for share in SHARES)
    steps, curves, matches, ends = 150, {True: [], False: []}, {True: [], False: []}, {}
    for causal in curves:
        for seed, dates in enumerate(tests):
            model, losses = train(seed, steps, build=partial(Transformer, causal=causal))
            curves[causal].append(losses)
            found = texts(greedy(model, sources(dates)))
            matches[causal].append(exact_match(found, dates))
            ends.setdefault(causal, found)
    last = {causal: [mean(losses[-20:]) for losses in curves[causal]] for causal in curves}
    names = {True: "마스크 있음", False: "마스크 없음"}
    rows = [
        [
            names[causal],
            f"{mean(last[causal]):.2f} ± {stdev(last[causal]):.2f}",
            f"{mean(matches[causal]):.1%}",
            ends[causal][0],
        ]
        for causal in names
    ]
    table(
        "without_mask",
        f"{steps}단계를 배운 뒤 (시드 셋, 예는 시드 0의 {translations(tests[0][0])[1]})",
        ["모델", "마지막 손실 (나트)", "끝까지 맞힌 비율", "쓴 것"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(5.2, 3.4))
    for causal, colour in ((True, BLUE), (False, ORANGE)):
        runs = torch.tensor(curves[causal]).unfold(1, 10, 10).mean(dim=2)  # (seeds, steps / 10)
        lines = axis.plot(torch.arange(1, runs.shape[1] + 1) * 10, runs.T, color=colour, linewidth=1.4)
        lines[0].set_label(names[causal])
    axis.axhline(floor, color=INK, linewidth=1, linestyle=":")
    axis.annotate("정직한 모델의 바닥", (5, floor), (0, 4), textcoords="offset points")
    axis.set(xlabel="학습 단계", ylabel="손실 (날짜 하나의 나트)", ylim=(0, 16))
    axis.legend()
    alt = (
        f"마스크가 없으면 손실이 {mean(last[False]):.2f}나트로 바닥 {floor:.2f}나트를 뚫고 내려가지만 "
        f"맞힌 날짜는 {mean(matches[False]):.0%}예요. "
        f"있으면 {mean(last[True]):.2f}나트이고 {mean(matches[True]):.0%}를 맞혀요."
    )
    show(figure, "loss_curves", alt)

# %% [markdown]
# ## 배운 모델에서 마스크만 떼면
#
# 마스크와 함께 배운 모델이라면, 쓸 때는 마스크가 없어도 괜찮을까요? 쓰는 동안 뒤에는 아직 아무것도 없으니까요.

# %%
if __name__ == "__main__":
    removed = []
    for seed, dates in enumerate(tests):
        model = load_trained(seed)
        model.causal = False
        removed.append(exact_match(texts(greedy(model, sources(dates))), dates))
    print(f"배운 뒤에 마스크를 떼고 쓰면 맞힌 비율: {', '.join(f'{match:.1%}' for match in removed)}")

# %%
if __name__ == "__main__":
    evidence = {
        "future_with_mask": future[True],
        "future_without_mask": future[False],
        "at_once_with_mask": at_once[True],
        "at_once_without_mask": at_once[False],
        "floor": floor,
        "steps": steps,
        "loss_with_mask": mean(last[True]),
        "loss_with_mask_least": min(last[True]),
        "loss_without_mask": mean(last[False]),
        "loss_without_mask_most": max(last[False]),
        "match_with_mask": mean(matches[True]),
        "match_with_mask_worst": min(matches[True]),
        "match_without_mask_best": max(matches[False]),
        "removed_match": mean(removed),
        "removed_match_best": max(removed),
    }
    tolerance = {
        "future_without_mask": 0.05,
        "at_once_with_mask": 1e-4,
        "at_once_without_mask": 0.1,
        "loss_with_mask": 0.5,
        "loss_with_mask_least": 0.5,
        "loss_without_mask": 0.2,
        "loss_without_mask_most": 0.3,
        "match_with_mask": 0.25,
        "match_with_mask_worst": 0.4,
        "match_without_mask_best": 0.02,
        "removed_match": 0.1,
        "removed_match_best": 0.1,
    }
    evidence
