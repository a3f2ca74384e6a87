# %% [markdown]
# # 점수에서 출력까지: 내적, √d_k, softmax, 가중합
#
# 어텐션의 식은 한 줄이에요. $\mathrm{softmax}(QK^\top / \sqrt{d_k})\,V$. 먼저 토큰 셋으로 이 한 줄을 손으로 셈해 보고, 걸음마다 헷갈리기 쉬운 것을 하나씩 시험해요.

# %%
from statistics import mean, stdev

import scenes
import torch
from lib.figure import BLUE, INK, ORANGE, show, table
from matplotlib import pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from torch.nn import functional as F
from train_vit import SIZE, build, load_trained


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
# ## 토큰 셋으로 손으로 셈해 봐요
#
# $d_k = 4$라서 나누는 수는 $\sqrt 4 = 2$예요. 줄 하나가 토큰 하나의 것이에요. 첫째 토큰의 쿼리 (0, 2, 2, −2)와 둘째 토큰의 키 (0, 1, 1, 0)을 내적하면 2 + 2 = 4예요.

# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    torch.set_num_threads(1)
    q = torch.tensor([[0.0, 2, 2, -2], [2, -2, 2, 2], [2, 2, 0, 0]])  # (3, 4)
    k = torch.tensor([[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]])  # (3, 4)
    v = torch.tensor([[4.0, 0], [0, 4], [4, 4]])  # (3, 2)
    scores = q @ k.T  # (3, 3)
    divided = scores / 4**0.5
    weights = divided.softmax(dim=-1)
    output = weights @ v  # (3, 2)
    for name, step in (
        ("점수 QKᵀ", scores),
        ("÷ √4", divided),
        ("softmax", weights),
        ("× V", output),
    ):
        print(f"{name}:", [[round(x, 2) for x in row] for row in step.tolist()])
    evidence["worked_first_sum"] = weights[0].sum().item()
    for j in range(3):
        evidence[f"worked_score_1{j + 1}"] = scores[0, j].item()
        evidence[f"worked_divided_1{j + 1}"] = divided[0, j].item()
        evidence[f"worked_weight_1{j + 1}"] = weights[0, j].item()
    for c in range(2):
        evidence[f"worked_output_1{c + 1}"] = output[0, c].item()
    pytorch = F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
    evidence["worked_difference"] = largest_difference(output, pytorch)

# %%
if __name__ == "__main__":
    tint = LinearSegmentedColormap.from_list(
        "tint", [(*[0.25, 0.51, 0.84], alpha) for alpha in (0, 0.75)]
    )
    figure, axes = plt.subplots(2, 2, figsize=(4.5, 4.4))
    panels = (
        ("1. 점수 QKᵀ", scores, ".0f", "키"),
        ("2. √4로 나눔", divided, ".0f", "키"),
        ("3. softmax: 가중치", weights, ".2f", "키"),
        ("4. 가중합: 출력", output, ".2f", "성분"),
    )
    for axis, (title, values, spec, across) in zip(axes.flat, panels):
        axis.imshow(values, cmap=tint, vmin=0, aspect="auto")
        for i, row in enumerate(values.tolist()):
            for j, value in enumerate(row):
                axis.text(j, i, f"{value:{spec}}", ha="center", va="center")
        axis.set(
            title=title,
            xticks=range(values.shape[1]),
            xticklabels=range(1, values.shape[1] + 1),
            yticks=range(3),
            yticklabels=range(1, 4),
            xlabel=across,
        )
        axis.grid(False)
        axis.spines[:].set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("쿼리")
    alt = (
        "토큰 셋의 점수, 나눈 점수, 가중치, 출력을 차례로 그린 표 넷이에요. 첫째 토큰은 둘째를, 둘째는 셋째를, "
        f"셋째는 첫째를 가장 많이 봐요. 첫째의 가중치는 {weights[0, 0]:.2f}, {weights[0, 1]:.2f}, {weights[0, 2]:.2f}이에요."
    )
    show(figure, "worked", alt)

# %% [markdown]
# ## 자기 자신의 키와도 내적해요
#
# 짠 식을 PyTorch의 `scaled_dot_product_attention`과 견줘요. 자기 자신을 뺀 나머지하고만 내적하면 결과가 달라져요.

# %%
if __name__ == "__main__":
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
# ## 점수는 두 토큰이 닮은 정도인가요?
#
# 점수는 $x_i W^Q {W^K}^\top x_j^\top$라서, 무엇이 높은 점수를 받을지는 두 행렬이 정해요. 길이가 같은 토큰을 그대로 내적하면 자기 자신이 늘 1등이지만,
# $W^K = -W^Q$로 두면 거꾸로 자기 자신이 늘 꼴찌예요. 그러니 **식만으로는** 닮은 정도라고 할 수 없어요. 학습한 헤드는 어느 쪽일까요?
#
# 헤드마다, 쿼리 하나가 다른 토큰들에 준 점수와 그 토큰들이 저와 닮은 정도(헤드가 보는 벡터의 코사인)의 상관을 재요. 자기 자신은 빼요.
# 1이면 닮은 순서 그대로이고, 0이면 상관이 없고, 음수면 안 닮은 토큰에 높은 점수를 준 거예요.


# %%
def correlation(a, b):
    """Pearson correlation along the last axis: (..., n) twice -> (...)."""
    a, b = a - a.mean(-1, keepdim=True), b - b.mean(-1, keepdim=True)
    return F.cosine_similarity(a, b, dim=-1)


def head_scores(tokens, attn):
    """What the scores of each head follow: tokens (B, N, D) as the attention layer
    gets them -> {"likeness", "own_first", "mutual", "spread"}, each (B, heads).

    likeness: correlation of a query's scores with the cosines of the tokens, mean
    of all queries; own_first: share of the queries whose own key is first; mutual:
    correlation of s_ij with s_ji, 1 where the scores are symmetric; spread:
    standard deviation of a query's scores, divided by the root of d."""
    B, N, D = tokens.shape
    q, k, _ = (
        attn.qkv(tokens).reshape(B, N, 3, attn.num_heads, -1).permute(2, 0, 3, 1, 4)
    )  # (B, heads, N, d) each
    scores = q @ k.mT / q.shape[-1] ** 0.5  # (B, heads, N, N)
    directions = F.normalize(tokens, dim=-1)
    cosines = (directions @ directions.mT)[:, None].expand_as(scores)
    others = ~torch.eye(N, dtype=torch.bool)
    rows = [x[..., others].unflatten(-1, (N, N - 1)) for x in (scores, cosines)]
    return {
        "likeness": correlation(*rows).mean(dim=-1),
        "own_first": (scores.argmax(-1) == torch.arange(N)).float().mean(-1),
        "mutual": correlation(scores[..., others], scores.mT[..., others]),
        "spread": scores.std(dim=-1).mean(dim=-1),
    }


@torch.no_grad()
def all_head_scores(model, x):
    """head_scores of every block of a ViT on images (B, 3, H, W): (B, depth, heads)
    each."""
    x, found = model.embed(x), []
    for block in model.blocks:
        found.append(head_scores(block.norm1(x), block.attn))
        x, _ = block(x)
    return {name: torch.stack([f[name] for f in found], dim=1) for name in found[0]}


def show_heads(trained, plain, name, who, what):
    """Draw the likeness of each head by layer, (depth, heads) of a trained model
    and of one that has learnt nothing, and say what was found."""
    depth, heads = trained.shape
    layers = torch.arange(1, depth + 1).repeat_interleave(heads)
    figure, axis = plt.subplots(figsize=(4.5, 2.9))
    axis.axhline(0, color=INK, linewidth=1)
    axis.plot(layers - 0.12, plain.flatten(), "x", color=INK, alpha=0.5, label=what)
    axis.plot(
        layers + 0.12, trained.flatten(), "o", color=BLUE, label="학습한 헤드"
    )
    axis.set(
        xlabel="층 (점 하나가 헤드 하나)",
        title="점수와 닮은 정도의 상관",
        ylim=(-0.75, 1.05),
        xticks=range(1, depth + 1),
    )
    figure.legend(
        *axis.get_legend_handles_labels(), loc="outside lower left", ncols=2
    )
    above = (trained > 0).sum().item()
    alt = (
        f"{who}의 헤드 {depth * heads}개 가운데 닮은 토큰에 더 높은 점수를 주는 것은 {above}개이고, "
        f"상관은 평균 {trained.mean():.2f}, {trained.min():.2f}에서 {trained.max():.2f}까지예요."
    )
    show(figure, name, alt)


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    own, x = torch.arange(200), F.normalize(torch.randn(200, d_k), dim=-1)
    likeness = x @ x.T  # W^Q = W^K = I
    evidence["similarity_self_first"] = (
        (likeness.argmax(dim=-1) == own).float().mean().item()
    )
    evidence["opposite_self_last"] = (
        ((-likeness).argmin(dim=-1) == own).float().mean().item()
    )  # W^K = -W^Q
    images = scenes.draw(40, SIZE, seed=7)[0]  # scenes that were not learnt from
    found = all_head_scores(load_trained(), images)  # (40, depth, heads) each
    plain = [all_head_scores(build(i), images[i : i + 1]) for i in range(40)]
    plain = {name: torch.cat([f[name] for f in plain]) for name in found}
    null["배우지 않은 모델"] = {}
    for name, values in found.items():
        evidence[f"toy_{name}"] = values.mean(dim=(1, 2)).tolist()  # one a scene
        null["배우지 않은 모델"][f"toy_{name}"] = (
            plain[name].mean(dim=(1, 2)).tolist()
        )
    by_head = found["likeness"].mean(dim=0)  # (depth, heads)
    evidence["toy_heads"] = by_head.numel()
    evidence["toy_heads_above"] = (by_head > 0).sum().item()
    evidence["toy_tokens"] = 1 + (SIZE // 8) ** 2
    show_heads(
        by_head,
        plain["likeness"][0],
        "toy_likeness",
        "작은 ViT",
        "배우지 않은 헤드",
    )
    print(f"자기 자신의 키가 1등인 토큰: {mean(evidence['toy_own_first']):.1%}")
    print(f"우연이라면 {1 / evidence['toy_tokens']:.1%}")
    print(f"s_ij와 s_ji의 상관: {mean(evidence['toy_mutual']):.2f} (대칭이면 1)")

# %% [markdown]
# 장면으로 배운 이 작은 모델에서는 **안 닮은** 토큰에 높은 점수를 주는 헤드가 더 많아요. 하지만 사진을 배운 큰 모델은 달라요. `real_scores.py`에서 같은 것을 재요.

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
# ## 나누지 않으면 softmax가 포화해요. 기울기가 사라지는 것은 그다음이에요
#
# 점수가 넓게 퍼지면 softmax는 1등에게 거의 다 줘요. 1등이 완전히 굳으면 점수를 조금 바꿔도 가중치가 변하지 않아서 **기울기가 사라져요.**
# 그런데 둘이 함께 오지는 않아요. 어느 $d_k$에서 무엇이 오는지 나눠서 봐요. 키는 64개이고, 기울기는 softmax의 야코비안 $\mathrm{diag}(p) - pp^\top$의 크기예요.
# 그림의 점은 쿼리 200개의 중앙값을 시드 다섯에서 평균한 것이고, 띠는 시드 가운데 최소와 최대예요. 세로 점선이 ViT-B와 원래 Transformer의 헤드 크기예요.


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
    # (queries, keys)
    p = (q @ k.T * scale).softmax(dim=-1)
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
WIDTHS = [4, 16, 64, 128, 256, 512, 1024]  # d_k; a head of ViT-B has 64

if __name__ == "__main__":
    kinds = {"scaled": lambda d_k: d_k**-0.5, "unscaled": lambda d_k: 1.0}
    found = torch.tensor(
        [
            [
                [saturation(size, seed, scale(size)).tolist() for seed in range(5)]
                for size in WIDTHS
            ]
            for scale in kinds.values()
        ]
    )  # (2, widths, seeds, 4, queries)
    top, effective, gradient, to_query = found.median(dim=-1).values.unbind(
        dim=-1
    )  # (2, widths, seeds) each
    head = WIDTHS.index(64)
    for i, kind in enumerate(kinds):
        evidence[f"top_{kind}"] = top[i, -1].tolist()
        evidence[f"gradient_{kind}"] = gradient[i, -1].tolist()
        evidence[f"head_gradient_{kind}"] = gradient[i, head].tolist()
        evidence[f"head_effective_{kind}"] = effective[i, head].tolist()
        evidence[f"head_top_{kind}"] = top[i, head].tolist()
    kept = gradient[1] / gradient[0]  # (widths, seeds): not divided over divided
    for width, values in zip(WIDTHS, kept):
        evidence[f"gradient_kept_{width}"] = values.tolist()
    null["√d_k로 나눈 점수"] = {
        f"{name}_unscaled": evidence[f"{name}_scaled"]
        for name in ("top", "gradient", "head_effective", "head_top")
    } | {f"gradient_kept_{width}": [1.0] * 5 for width in WIDTHS}
    rows = [
        [
            width,
            f"{effective[0, i].mean():.0f}",
            f"{effective[1, i].mean():.1f}",
            f"{kept[i].mean():.2g}배",
        ]
        for i, width in enumerate(WIDTHS)
    ]
    table(
        "by_width",
        "실제로 쓰는 키의 수(키 64개 가운데)와, 나누지 않을 때 남는 기울기 (중앙값, 시드 다섯의 평균)",
        ["d_k", "나눔", "안 나눔", "기울기"],
        rows,
    )

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(1, 2, figsize=(4.5, 2.9))
    for i, (color, marker, label) in enumerate(
        ((BLUE, "o", "√d_k로 나눔"), (ORANGE, "^", "나누지 않음"))
    ):
        for axis, values in zip(axes, (top[i], gradient[i])):
            axis.fill_between(
                WIDTHS,
                values.amin(dim=1),
                values.amax(dim=1),
                color=color,
                alpha=0.25,
            )
            axis.plot(
                WIDTHS, values.mean(dim=1), color=color, marker=marker, label=label
            )
    for axis, title in zip(axes, ("가장 큰 가중치", "점수에 대한 기울기")):
        axis.axvline(64, color=INK, linewidth=1, linestyle=":")
        axis.set(
            title=title,
            xscale="log",
            xticks=(4, 64, 1024),
            xticklabels=(4, 64, 1024),
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
        f"나누지 않으면 d_k가 64일 때 가장 큰 가중치가 {said['head_top_unscaled']:.2f}로 이미 쏠리지만 기울기는 "
        f"{said['head_gradient_unscaled']:.2f}로 나눌 때의 {said['head_gradient_scaled']:.2f}보다 작지 않아요. "
        f"d_k가 1024면 기울기가 {said['gradient_unscaled']:.4f}로 사라져요."
    )
    show(figure, "saturation", alt)

# %% [markdown]
# ## 모든 쿼리가 똑같이 나빠지지는 않아요
#
# $d_k = 1024$에서 쿼리까지 거슬러 간 기울기를 봐요. 중앙값은 줄지만 평균은 늘어요. 대부분은 기울기가 거의 없고, 1등과 2등이 비슷한 몇몇만 아주 크거든요.

# %%
if __name__ == "__main__":
    to_query_mean = found[:, -1, :, 3].mean(dim=-1)  # (2, seeds)
    for i, (kind, label) in enumerate(zip(kinds, ("나누면", "나누지 않으면"))):
        evidence[f"query_gradient_{kind}"] = to_query[i, -1].tolist()
        evidence[f"query_gradient_mean_{kind}"] = to_query_mean[i].tolist()
        middle, whole = to_query[i, -1].mean(), to_query_mean[i].mean()
        print(f"{label} 쿼리에 대한 기울기: 중앙값 {middle:.3f}, 평균 {whole:.3f}")
    floor = 0.01 * gradient[0, -1].mean()
    evidence["vanished"] = (
        (found[1, -1, :, 2] < floor).float().mean(dim=-1).tolist()
    )
    evidence["vanished_head"] = (
        (found[1, head, :, 2] < floor).float().mean(dim=-1).tolist()
    )
    print(
        f"기울기가 백분의 일 아래로 떨어진 쿼리: {mean(evidence['vanished']):.0%}"
    )
    print(f"d_k = 64에서는 {mean(evidence['vanished_head']):.0%}")

# %% [markdown]
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
    tolerance = {"vanished": 0.01, "vanished_head": 0.01}
    tolerance |= {
        f"toy_{name}": 0.02
        for name in ("likeness", "own_first", "mutual", "spread")
    }
    evidence
