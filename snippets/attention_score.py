# %% [markdown]
# # 점수에서 출력까지: 내적, √d_k, softmax, 가중합
#
# 어텐션의 식은 한 줄이에요. $\mathrm{softmax}(QK^\top / \sqrt{d_k})\,V$. 이 한 줄을 네 걸음으로 나눠 걸으면서, 걸음마다 헷갈리기 쉬운 것을 하나씩 시험해요.

# %%
from statistics import mean, stdev

import torch
from lib.figure import BLUE, ORANGE, show, table
from matplotlib import pyplot as plt
from torch.nn import functional as F


def attention(q, k, v):
    """One head, q and k (N, d_k), v (N, d_v) -> output (N, d_v) and attention weights (N, N)."""
    # AIAYN (1706.03762) Eq. 1
    scores = q @ k.T  # (N, N): row i = query i against every key, its own among them
    scores = scores / k.shape[-1] ** 0.5  # a constant: d_k is a size, not a vector
    weights = scores.softmax(dim=-1)  # every row sums to 1
    return weights @ v, weights  # row i = average of all values, weighted by row i


def largest_difference(first, second):
    """Largest absolute difference of two tensors."""
    return (first - second).abs().max().item()


# %% [markdown]
# ## 자기 자신의 키와도 내적해요
#
# 짠 식을 PyTorch의 `scaled_dot_product_attention`과 견줘요. 자기 자신을 뺀 나머지하고만 내적하면 결과가 달라져요.

# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    N, d_k, d_v = 10, 64, 64
    q, k, v = torch.randn(3, N, d_k)
    output, weights = attention(q, k, v)
    reference = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]  # (N, d_v)
    others = ~torch.eye(N, dtype=torch.bool)
    without_self = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=others)[0]
    with_self_difference = largest_difference(output, reference)
    without_self_difference = largest_difference(without_self, reference)
    row_sum_error = largest_difference(weights.sum(dim=-1), torch.ones(N))
    within = bool(((output >= v.amin(dim=0)) & (output <= v.amax(dim=0))).all())  # an average leaves no such box
    print(f"PyTorch와의 차이: 자기 자신을 넣으면 {with_self_difference:.1e}, 빼면 {without_self_difference:.2f}")
    print(f"가중치 행의 합이 1에서 벗어난 정도: {row_sum_error:.1e}")
    print(f"출력이 값들의 최솟값과 최댓값 사이에 있는가: {'예' if within else '아니요'}")

# %% [markdown]
# 점수는 두 토큰이 **얼마나 닮았는지**와는 조금 달라요. 쿼리와 키를 만드는 행렬이 서로 다르니, 자기 자신이 늘 1등인 것도 아니고
# i가 j에게 주는 점수와 j가 i에게 주는 점수도 달라요.

# %%
if __name__ == "__main__":
    self_first, disagreement = [], []
    for seed in range(5):
        torch.manual_seed(seed)
        x, W_q, W_k = torch.randn(200, d_k), torch.randn(d_k, d_k), torch.randn(d_k, d_k)
        scores = (x @ W_q) @ (x @ W_k).T  # (200, 200)
        self_first.append((scores.argmax(dim=-1) == torch.arange(200)).float().mean().item())
        disagreement.append(((scores - scores.T).norm() / scores.norm()).item())
        similarity_self_first = ((x @ x.T).argmax(dim=-1) == torch.arange(200)).float().mean().item()
    print(
        f"자기 자신의 점수가 가장 높은 토큰: {mean(self_first):.1%} (토큰을 그대로 내적하면 {similarity_self_first:.0%})"
    )
    print(f"점수 행렬의 비대칭: {mean(disagreement):.2f}")

# %% [markdown]
# ## 나누는 수는 상수 √d_k예요
#
# "키 벡터의 제곱근으로 나눈다"를 글자대로 읽을 수 있는 방법을 모두 시험해요. 키를 10배로 키웠을 때 점수가 어떻게 되는지가 갈림길이에요.
# 상수로 나눴다면 점수도 10배, 키의 길이로 나눴다면 그대로, 길이의 제곱근으로 나눴다면 $\sqrt{10}$배예요.

# %%
DIVISORS = {
    "√d_k": lambda k: k.shape[-1] ** 0.5,
    "‖k‖": lambda k: k.norm(dim=-1),  # (N): the length of each key
    "√‖k‖": lambda k: k.norm(dim=-1) ** 0.5,
    "1": lambda k: 1.0,
}


def divided_scores(q, k, divisor):
    """Scores (N, N) over whatever divisor(k) gives, a number or one for each key (N)."""
    return q @ k.T / divisor(k)


# %%
if __name__ == "__main__":
    rows, differences, growths = [], [], []
    for name, divisor in DIVISORS.items():
        scores = divided_scores(q, k, divisor)
        growths.append((divided_scores(q, 10 * k, divisor).norm() / scores.norm()).item())
        differences.append(largest_difference(scores.softmax(dim=-1) @ v, reference))
        rows.append([name, f"{differences[-1]:.1e}", f"{growths[-1]:.2f}배"])
    caption = "나누는 수마다, PyTorch와의 차이와 키를 10배 할 때 점수의 배수"
    table("divisors", caption, ["나누는 수", "차이", "키 10배"], rows)
    pytorch_ten = F.scaled_dot_product_attention(q[None], 10 * k[None], v[None])[0]
    ten_difference = largest_difference(attention(q, 10 * k, v)[0], pytorch_ten)
    root_nan = k.sqrt().isnan().float().mean().item()
    length_over_root = [(torch.randn(1000, d_k).norm(dim=-1) / d_k**0.5) for _ in range(5)]
    length_mean, length_std = torch.cat(length_over_root).mean().item(), torch.cat(length_over_root).std().item()
    print(f"키를 10배 했을 때도 √d_k로 나눈 식과 PyTorch의 차이: {ten_difference:.1e}")
    print(f"키 벡터의 성분마다 제곱근을 씌우면 실수가 아닌 성분: {root_nan:.0%}")
    print(f"분산이 1인 키에서 ‖k‖ / √d_k: {length_mean:.2f} ± {length_std:.2f}")

# %% [markdown]
# 마지막 줄이 오해의 뿌리예요. 성분의 분산이 1이면 키의 길이가 마침 $\sqrt{d_k}$쯤이라, 값만 보아서는 어느 쪽으로 나눴는지 알기 어려워요.
#
# ## 왜 하필 √d_k일까요?
#
# q와 k의 성분이 서로 독립이고 평균 0, 분산 1이면 $q \cdot k = \sum_{i=1}^{d_k} q_i k_i$의 분산은 $d_k$예요.
# 표준편차인 $\sqrt{d_k}$로 나누면 차원이 얼마든 분산이 1로 돌아와요.

# %%
SIZES = [4, 16, 64, 256, 1024]  # d_k


def score_variance(d_k, seed, pairs=10000, same=False):
    """Mean and variance of q·k over random pairs; same: each query is its own key."""
    generator = torch.Generator().manual_seed(seed)
    q, k = torch.randn(2, pairs, d_k, generator=generator)
    scores = (q * (q if same else k)).sum(dim=-1)  # (pairs)
    return scores.mean().item(), scores.var().item()


# %%
if __name__ == "__main__":
    means, variances = zip(*(zip(*(score_variance(size, seed) for seed in range(5))) for size in SIZES))
    ratios = [variance / size for size, found in zip(SIZES, variances) for variance in found]
    rows = [
        [size, f"{mean(found):.1f} ± {stdev(found):.1f}", f"{mean(found) / size:.3f}"]
        for size, found in zip(SIZES, variances)
    ]
    table("variance", "q·k의 분산 (시드 다섯의 평균 ± 표준편차)", ["d_k", "나누기 전", "√d_k로 나눈 뒤"], rows)
    same_means = [score_variance(1024, seed, same=True)[0] / 1024**0.5 for seed in range(5)]
    print(f"쿼리와 키가 같은 벡터라면 √d_k로 나눈 점수의 평균: {mean(same_means):.1f} (√1024 = 32)")

# %% [markdown]
# ## 나누지 않으면 softmax가 포화해요
#
# 점수의 폭이 커지면 softmax는 1등에게 거의 다 줘요. 그러면 점수를 조금 바꿔도 가중치가 변하지 않아서 **기울기가 사라져요.**
# softmax의 야코비안 $\mathrm{diag}(p) - pp^\top$의 크기를 재 볼게요. 키는 64개예요.
# 그림의 점은 쿼리 200개의 중앙값을 시드 다섯에서 평균한 것이고, 띠는 시드 가운데 최소와 최대예요.


# %%
def saturation(d_k, seed, scaled, keys=64, queries=200):
    """Of each query: largest weight, exp(entropy) = effective number of keys, norms of d weights / d scores and / d q.

    Returns (4, queries).
    """
    generator = torch.Generator().manual_seed(seed)
    q, k = torch.randn(queries, d_k, generator=generator), torch.randn(keys, d_k, generator=generator)
    scale = d_k**-0.5 if scaled else 1.0
    p = (q @ k.T * scale).softmax(dim=-1)  # (queries, keys)
    entropy = torch.special.entr(p).sum(dim=-1)
    jacobian = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]  # (queries, keys, keys)
    to_query = jacobian @ k * scale  # (queries, keys, d_k), by the chain rule
    return torch.stack([p.amax(dim=-1), entropy.exp(), jacobian.norm(dim=(1, 2)), to_query.norm(dim=(1, 2))])


# %%
if __name__ == "__main__":
    found = torch.stack(
        [
            torch.stack([torch.stack([saturation(size, seed, scaled) for seed in range(5)]) for size in SIZES])
            for scaled in (True, False)
        ]
    )  # (2, sizes, seeds, 4, queries)
    top, effective, gradient, to_query = found.median(dim=-1).values.unbind(dim=-1)  # (2, sizes, seeds) each
    to_query_mean = found[:, -1, :, 3].mean(dim=(1, 2)).tolist()  # [divided, not divided], at the largest d_k
    vanished = (found[1, -1, :, 2] < 0.01 * gradient[0, -1].mean()).float().mean(dim=-1)  # (seeds)
    figure, axes = plt.subplots(1, 2, figsize=(5, 3.2))
    for i, (color, marker, label) in enumerate(((BLUE, "o", "√d_k로 나눔"), (ORANGE, "^", "나누지 않음"))):
        for axis, values in zip(axes, (top[i], gradient[i])):
            axis.fill_between(SIZES, values.amin(dim=1), values.amax(dim=1), color=color, alpha=0.25)
            axis.plot(SIZES, values.mean(dim=1), color=color, marker=marker, label=label)
    for axis, title in zip(axes, ("가장 큰 가중치", "점수에 대한 기울기")):
        axis.set(title=title, xscale="log", xticks=SIZES[::2], xticklabels=SIZES[::2], xlabel="d_k")
        axis.minorticks_off()
    axes[0].set_ylim(0, 1.05)
    axes[1].set_yscale("log")
    axes[1].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes[1].legend(loc="lower left")
    top_divided, top_plain, gradient_divided, gradient_plain = (v[-1].mean().item() for v in (*top, *gradient))
    alt = (
        f"d_k가 1024일 때 나누지 않으면 가장 큰 가중치는 {top_plain:.3f}까지 커지고 기울기는 {gradient_plain:.0e}까지 사라져요. "
        f"√d_k로 나누면 가장 큰 가중치는 {top_divided:.2f}, 기울기는 {gradient_divided:.2f}에 머물러요."
    )
    show(figure, "saturation", alt)
    for i, label in enumerate(("나누면", "나누지 않으면")):
        print(
            f"d_k = 1024, {label} 쿼리에 대한 기울기: 중앙값 {to_query[i, -1].mean():.3f}, 평균 {to_query_mean[i]:.3f}"
        )

# %% [markdown]
# 쿼리까지 거슬러 가면 고르지 못한 것도 보여요. 대부분은 기울기가 거의 없고, 1등과 2등이 비슷한 몇몇만 아주 커서 중앙값은 작은데 평균은 커요.
#
# 나누는 것은 폭을 되돌려 놓을 뿐, 어떤 범위에 **가두는** 것은 아니에요. 학습이 Q와 K의 가중치를 키우면 점수는 얼마든지 커질 수 있어요.
# 키의 수를 늘려도 점수의 폭은 그대로예요. 나눠 가질 키가 많아져서 가장 큰 가중치가 작아질 뿐이에요.

# %%
if __name__ == "__main__":
    widths, tops = {}, {}
    for keys in (64, 1024):
        torch.manual_seed(0)
        many_q, many_k = torch.randn(500, d_k), torch.randn(keys, d_k)
        scores = many_q @ many_k.T / d_k**0.5
        widths[keys], tops[keys] = scores.std().item(), scores.softmax(dim=-1).amax(dim=-1).median().item()
    print(
        *(f"키 {keys}개: 점수의 표준편차 {widths[keys]:.2f}, 가장 큰 가중치 {tops[keys]:.3f}" for keys in widths),
        sep="\n",
    )

# %% [markdown]
# ## Q와 K는 크기가 같아야 하고, V는 달라도 돼요
#
# 내적하려면 성분의 수가 같아야 하지만, V는 가중치를 곱해 더하기만 해요. 출력의 크기는 V를 따라가요.

# %%
if __name__ == "__main__":
    wide_v = torch.randn(N, 24)
    wide_output = attention(q, k, wide_v)[0]  # (N, 24)
    try:
        attention(q, torch.randn(N, 48), v)
        size_error = "없음"
    except RuntimeError as error:
        size_error = type(error).__name__
        print(f"{size_error}: {error}")
    print(f"q와 k는 {d_k}차원, v는 24차원 → 출력 {wide_output.shape[-1]}차원")

# %%
if __name__ == "__main__":
    evidence = {
        "with_self_difference": with_self_difference,
        "without_self_difference": without_self_difference,
        "row_sum_error": row_sum_error,
        "output_within_values": within,
        "self_first": mean(self_first),
        "similarity_self_first": similarity_self_first,
        "asymmetry": mean(disagreement),
        "root_difference": differences[0],
        "length_difference": differences[1],
        "length_root_difference": differences[2],
        "no_divisor_difference": differences[3],
        "growth_root": growths[0],
        "growth_length": growths[1],
        "growth_length_root": growths[2],
        "ten_difference": ten_difference,
        "root_nan": root_nan,
        "length_over_root": length_mean,
        "length_over_root_std": length_std,
        "variance_ratio_min": min(ratios),
        "variance_ratio_max": max(ratios),
        "variance_1024": mean(variances[-1]),
        "variance_1024_std": stdev(variances[-1]),
        "score_mean_1024": mean(means[-1]) / 1024**0.5,
        "same_mean_1024": mean(same_means),
        "top_scaled": top_divided,
        "top_unscaled": top_plain,
        "top_scaled_change": (top[0, -1] / top[0, 0]).mean().item(),
        "effective_scaled": effective[0, -1].mean().item(),
        "effective_unscaled": effective[1, -1].mean().item(),
        "gradient_scaled": gradient_divided,
        "gradient_unscaled": gradient_plain,
        "gradient_unscaled_worst_seed": gradient[1, -1].max().item(),
        "gradient_scaled_change": (gradient[0, -1] / gradient[0, 0]).mean().item(),
        "query_gradient_scaled": to_query[0, -1].mean().item(),
        "query_gradient_unscaled": to_query[1, -1].mean().item(),
        "query_gradient_mean_scaled": to_query_mean[0],
        "query_gradient_mean_unscaled": to_query_mean[1],
        "vanished": vanished.mean().item(),
        "vanished_std": vanished.std().item(),
        "width_64_keys": widths[64],
        "width_1024_keys": widths[1024],
        "top_64_keys": tops[64],
        "top_1024_keys": tops[1024],
        "size_error": size_error,
        "output_size": wide_output.shape[-1],
    }
    tolerance = {"self_first": 0.01, "vanished": 0.01, "vanished_std": 0.01}
    evidence
