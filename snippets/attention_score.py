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
    """One head, q and k (N, d_k), v (N, d_v) -> output (N, d_v) and attention
    weights (N, N)."""
    # AIAYN (1706.03762) Eq. 1
    scores = (
        q @ k.T
    )  # (N, N): row i = query i against every key, its own among them
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
    evidence, null = {}, {}
    torch.set_num_threads(1)
    torch.manual_seed(0)
    N, d_k, d_v = 10, 64, 64
    q, k, v = torch.randn(3, N, d_k)
    output, weights = attention(q, k, v)
    reference = F.scaled_dot_product_attention(q[None], k[None], v[None])[
        0
    ]  # (N, d_v)
    others = ~torch.eye(N, dtype=torch.bool)
    without_self = F.scaled_dot_product_attention(
        q[None], k[None], v[None], attn_mask=others
    )[0]
    within = (output >= v.amin(dim=0)) & (
        output <= v.amax(dim=0)
    )  # an average leaves no such box
    evidence["with_self_difference"] = largest_difference(output, reference)
    evidence["without_self_difference"] = largest_difference(
        without_self, reference
    )
    evidence["row_sum_error"] = largest_difference(
        weights.sum(dim=-1), torch.ones(N)
    )
    evidence["output_within_values"] = bool(within.all())
    print(
        f"PyTorch와의 차이: 자기 자신을 넣으면 {evidence['with_self_difference']:.1e}"
    )
    print(f"자기 자신을 빼면 {evidence['without_self_difference']:.2f}")
    print(f"가중치 행의 합이 1에서 벗어난 정도: {evidence['row_sum_error']:.1e}")
    print(
        f"출력이 값들의 최솟값과 최댓값 사이에 있는가: {'예' if within.all() else '아니요'}"
    )

# %% [markdown]
# 점수는 두 토큰이 **얼마나 닮았는지**와는 조금 달라요. 점수는 $x_i W^Q {W^K}^\top x_j^\top$라서, 무엇이 높은 점수를 받을지는 두 행렬이 정해요.
# 길이가 같은 토큰으로 재 볼게요. 토큰을 그대로 내적하면 자기 자신이 늘 1등이지만, 행렬을 무작위로 뽑으면 거의 그렇지 않고,
# $W^K = -W^Q$로 두면 거꾸로 자기 자신이 늘 꼴찌예요.

# %%
if __name__ == "__main__":
    evidence["self_first"], evidence["asymmetry"] = [], []
    own = torch.arange(200)
    for seed in range(5):
        torch.manual_seed(seed)
        x = F.normalize(torch.randn(200, d_k), dim=-1)  # tokens of length 1
        W_q, W_k = torch.randn(2, d_k, d_k)
        scores = (x @ W_q) @ (x @ W_k).T  # (200, 200)
        evidence["self_first"].append(
            (scores.argmax(dim=-1) == own).float().mean().item()
        )
        evidence["asymmetry"].append(
            ((scores - scores.T).norm() / scores.norm()).item()
        )
    likeness = x @ x.T  # W^Q = W^K = I
    evidence["similarity_self_first"] = (
        (likeness.argmax(dim=-1) == own).float().mean().item()
    )
    evidence["opposite_self_last"] = (
        ((-likeness).argmin(dim=-1) == own).float().mean().item()
    )  # W^K = -W^Q
    print(
        f"자기 자신의 점수가 1등인 토큰: 무작위 행렬에서 {mean(evidence['self_first']):.1%}"
    )
    print(f"토큰을 그대로 내적하면 {evidence['similarity_self_first']:.0%}")
    print(
        f"W^K = -W^Q일 때 자기 자신의 점수가 꼴찌인 토큰: {evidence['opposite_self_last']:.0%}"
    )
    print(f"무작위 행렬에서 점수 행렬의 비대칭: {mean(evidence['asymmetry']):.2f}")

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
    """Scores (N, N) over whatever divisor(k) gives, a number or one for each key
    (N)."""
    return q @ k.T / divisor(k)


# %%
if __name__ == "__main__":
    rows, names = [], ["root", "length", "length_root", "no_divisor"]
    for key, (name, divisor) in zip(names, DIVISORS.items()):
        scores = divided_scores(q, k, divisor)
        evidence[f"{key}_difference"] = largest_difference(
            scores.softmax(dim=-1) @ v, reference
        )
        evidence[f"{key}_growth"] = (
            divided_scores(q, 10 * k, divisor).norm() / scores.norm()
        ).item()
        rows.append(
            [
                name,
                f"{evidence[f'{key}_difference']:.1e}",
                f"{evidence[f'{key}_growth']:.2f}배",
            ]
        )
    caption = "나누는 수마다, PyTorch와의 차이와 키를 10배 할 때 점수의 배수"
    table("divisors", caption, ["나누는 수", "차이", "키 10배"], rows)
    pytorch_ten = F.scaled_dot_product_attention(q[None], 10 * k[None], v[None])[0]
    evidence["ten_difference"] = largest_difference(
        attention(q, 10 * k, v)[0], pytorch_ten
    )
    evidence["root_nan"] = k.sqrt().isnan().float().mean().item()
    lengths = torch.randn(5000, d_k).norm(dim=-1) / d_k**0.5
    evidence["length_over_root"] = lengths.mean().item()
    evidence["length_over_root_std"] = lengths.std().item()
    print(
        f"키를 10배 했을 때도 √d_k로 나눈 식과 PyTorch의 차이: {evidence['ten_difference']:.1e}"
    )
    print(
        f"키 벡터의 성분마다 제곱근을 씌우면 실수가 아닌 성분: {evidence['root_nan']:.0%}"
    )
    print(
        f"분산이 1인 키에서 ‖k‖ / √d_k: {lengths.mean():.2f}, 키마다의 표준편차 {lengths.std():.2f}"
    )

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
    """Mean and variance of q·k over random pairs; same: each query is its own
    key."""
    generator = torch.Generator().manual_seed(seed)
    q, k = torch.randn(2, pairs, d_k, generator=generator)
    scores = (q * (q if same else k)).sum(dim=-1)  # (pairs)
    return scores.mean().item(), scores.var().item()


# %%
if __name__ == "__main__":
    means, variances = zip(
        *(zip(*(score_variance(size, seed) for seed in range(5))) for size in SIZES)
    )
    rows = [
        [
            size,
            f"{mean(found):.1f} ± {stdev(found):.1f}",
            f"{mean(found) / size:.3f}",
        ]
        for size, found in zip(SIZES, variances)
    ]
    table(
        "variance",
        "q·k의 분산 (시드 다섯의 평균 ± 표준편차)",
        ["d_k", "나누기 전", "√d_k로 나눈 뒤"],
        rows,
    )
    evidence["variance_1024"] = variances[-1]
    evidence["variance_ratio"] = [
        variance / size
        for size, found in zip(SIZES, variances)
        for variance in found
    ]
    evidence["score_mean_1024"] = [value / 1024**0.5 for value in means[-1]]
    evidence["same_mean_1024"] = [
        score_variance(1024, seed, same=True)[0] / 1024**0.5 for seed in range(5)
    ]
    print(
        f"쿼리와 키가 같은 벡터라면 √d_k로 나눈 점수의 평균: {mean(evidence['same_mean_1024']):.1f} (√1024 = 32)"
    )

# %% [markdown]
# ## 나누지 않으면 softmax가 포화해요
#
# 점수가 넓게 퍼지면 softmax는 1등에게 거의 다 줘요. 그러면 점수를 조금 바꿔도 가중치가 변하지 않아서 **기울기가 사라져요.**
# softmax의 야코비안 $\mathrm{diag}(p) - pp^\top$의 크기를 재 볼게요. 키는 64개예요.
# 그림의 점은 쿼리 200개의 중앙값을 시드 다섯에서 평균한 것이고, 띠는 시드 가운데 최소와 최대예요.


# %%
def saturation(d_k, seed, scale, keys=64, queries=200):
    """Softmax of scale * q·k over random keys -> (4, queries).

    Of each query: largest weight, exp(entropy) = effective number of keys, norms of
    d weights / d scores and d weights / d q.
    """
    generator = torch.Generator().manual_seed(seed)
    q, k = (
        torch.randn(queries, d_k, generator=generator),
        torch.randn(keys, d_k, generator=generator),
    )
    p = (q @ k.T * scale).softmax(dim=-1)  # (queries, keys)
    entropy = torch.special.entr(p).sum(dim=-1)
    jacobian = (
        torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    )  # (queries, keys, keys)
    to_query = jacobian @ k * scale  # (queries, keys, d_k), by the chain rule
    return torch.stack(
        [
            p.amax(dim=-1),
            entropy.exp(),
            jacobian.norm(dim=(1, 2)),
            to_query.norm(dim=(1, 2)),
        ]
    )


# %%
if __name__ == "__main__":
    kinds = {"scaled": lambda d_k: d_k**-0.5, "unscaled": lambda d_k: 1.0}
    found = torch.tensor(
        [
            [
                [saturation(size, seed, scale(size)).tolist() for seed in range(5)]
                for size in SIZES
            ]
            for scale in kinds.values()
        ]
    )  # (2, sizes, seeds, 4, queries)
    top, effective, gradient, to_query = found.median(dim=-1).values.unbind(
        dim=-1
    )  # (2, sizes, seeds) each
    to_query_mean = found[:, :, :, 3].mean(dim=-1)  # (2, sizes, seeds)
    for i, kind in enumerate(kinds):
        evidence[f"top_{kind}"], evidence[f"effective_{kind}"] = (
            top[i, -1].tolist(),
            effective[i, -1].tolist(),
        )
        evidence[f"gradient_{kind}"] = gradient[i, -1].tolist()
        evidence[f"query_gradient_{kind}"] = to_query[i, -1].tolist()
        evidence[f"query_gradient_mean_{kind}"] = to_query_mean[i, -1].tolist()
        evidence[f"head_gradient_{kind}"] = gradient[
            i, SIZES.index(64)
        ].tolist()  # a head of ViT-B has 64
        evidence[f"head_effective_{kind}"] = effective[i, SIZES.index(64)].tolist()
    evidence["gradient_scaled_change"] = (gradient[0, -1] / gradient[0, 0]).tolist()
    floor = 0.01 * gradient[0, -1].mean()
    evidence["vanished"] = (
        (found[1, -1, :, 2] < floor).float().mean(dim=-1).tolist()
    )
    null["√d_k로 나눈 점수"] = {
        f"{name}_unscaled": evidence[f"{name}_scaled"]
        for name in ("top", "gradient")
    }
    hundredfold = torch.stack(
        [saturation(1024, seed, 100.0)[2] for seed in range(5)]
    )  # (seeds, queries)
    null["100배로 키운 점수"] = {
        "vanished": (hundredfold < floor).float().mean(dim=-1).tolist()
    }
    figure, axes = plt.subplots(1, 2, figsize=(4.5, 2.9))
    for i, (color, marker, label) in enumerate(
        ((BLUE, "o", "√d_k로 나눔"), (ORANGE, "^", "나누지 않음"))
    ):
        for axis, values in zip(axes, (top[i], gradient[i])):
            axis.fill_between(
                SIZES,
                values.amin(dim=1),
                values.amax(dim=1),
                color=color,
                alpha=0.25,
            )
            axis.plot(
                SIZES, values.mean(dim=1), color=color, marker=marker, label=label
            )
    for axis, title in zip(axes, ("가장 큰 가중치", "점수에 대한 기울기")):
        axis.set(
            title=title,
            xscale="log",
            xticks=SIZES[::2],
            xticklabels=SIZES[::2],
            xlabel="d_k",
        )
        axis.minorticks_off()
    axes[0].set_ylim(0, 1.05)
    axes[1].set_yscale("log")
    axes[1].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2
    )
    said = {
        name: mean(evidence[name]) for name in evidence if name.endswith("scaled")
    }
    alt = (
        f"d_k가 64일 때는 기울기가 비슷해요(나누면 {said['head_gradient_scaled']:.2f}, "
        f"나누지 않으면 {said['head_gradient_unscaled']:.2f}). d_k가 1024일 때 나누지 않으면 가장 큰 가중치는 "
        f"{said['top_unscaled']:.3f}, 기울기는 {said['gradient_unscaled']:.4f}이고, √d_k로 나누면 "
        f"{said['top_scaled']:.2f}, {said['gradient_scaled']:.2f}에 머물러요."
    )
    show(figure, "saturation", alt)
    for i, (kind, label) in enumerate(zip(kinds, ("나누면", "나누지 않으면"))):
        middle, whole = (
            said[f"query_gradient_{kind}"],
            said[f"query_gradient_mean_{kind}"],
        )
        print(
            f"d_k = 1024, {label} 쿼리에 대한 기울기: 중앙값 {middle:.3f}, 평균 {whole:.3f}"
        )
    print(
        f"d_k = 1024에서 기울기가 백분의 일 아래로 떨어진 쿼리: {mean(evidence['vanished']):.0%}"
    )

# %% [markdown]
# 쿼리까지 거슬러 가면 고르지 못한 것도 보여요. 대부분은 기울기가 거의 없고, 1등과 2등이 비슷한 몇몇만 아주 커서 중앙값은 작은데 평균은 커요.
#
# 나누는 것은 퍼진 정도를 되돌려 놓을 뿐, 어떤 범위에 **가두는** 것은 아니에요. 학습이 Q와 K의 가중치를 키우면 점수는 얼마든지 커질 수 있어요.
# 키의 수를 늘려도 점수의 표준편차는 그대로예요. 나눠 가질 키가 많아져서 가장 큰 가중치가 작아질 뿐이에요.

# %%
if __name__ == "__main__":
    for keys in (64, 1024):
        torch.manual_seed(0)
        many_q, many_k = torch.randn(500, d_k), torch.randn(keys, d_k)
        scores = many_q @ many_k.T / d_k**0.5
        evidence[f"width_{keys}_keys"] = scores.std().item()
        evidence[f"top_{keys}_keys"] = (
            scores.softmax(dim=-1).amax(dim=-1).median().item()
        )
        spread, largest = (
            evidence[f"width_{keys}_keys"],
            evidence[f"top_{keys}_keys"],
        )
        print(
            f"키 {keys}개: 점수의 표준편차 {spread:.2f}, 가장 큰 가중치 {largest:.3f}"
        )

# %% [markdown]
# ## Q와 K는 크기가 같아야 하고, V는 달라도 돼요
#
# 내적하려면 성분의 수가 같아야 하지만, V는 가중치를 곱해 더하기만 해요. 출력의 크기는 V를 따라가요.

# %%
if __name__ == "__main__":
    wide_v = torch.randn(N, 24)
    evidence["output_size"] = attention(q, k, wide_v)[0].shape[-1]  # of (N, 24)
    try:
        attention(q, torch.randn(N, 48), v)
        evidence["size_error"] = "없음"
    except RuntimeError as error:
        evidence["size_error"] = type(error).__name__
        print(f"{evidence['size_error']}: {error}")
    print(f"q와 k는 {d_k}차원, v는 24차원 → 출력 {evidence['output_size']}차원")

# %%
if __name__ == "__main__":
    tolerance = {"self_first": 0.01, "vanished": 0.01}
    evidence
