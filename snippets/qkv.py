# %% [markdown]
# # Q·K·V를 코드로 만들기
#
# 쿼리·키·값(query, key, value)은 토큰 벡터에 행렬을 하나씩 곱해서 얻어요. 활성화 함수도 은닉층도 없는 선형 변환 세 개예요.
# Linear를 세 개 두든, 세 배 넓은 Linear 하나를 두고 나누든 같은 계산이라는 것을 먼저 확인하고, 나눌 때 흔히 하는 실수를 봐요.

# %%
import statistics
import time

import torch
from lib.figure import table
from lib.measure import relative_error
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode


class ThreeLinears(nn.Module):
    """Q, K, V by three linear maps: (B, N, D) -> three of (B, h, N, d), d = D /
    h."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(dim, dim) for _ in range(3))

    def forward(self, x):
        B, N, D = x.shape
        # AIAYN (1706.03762) §3.2.2: X W^Q, X W^K, X W^V, the columns of all heads
        # side by side
        projected = self.to_q(x), self.to_k(x), self.to_v(x)  # (B, N, D) each
        return tuple(
            y.reshape(B, N, self.num_heads, -1).transpose(1, 2) for y in projected
        )  # (B, h, N, d) each


class FusedLinear(nn.Module):
    """The same by one linear map of three times the width."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)

    def forward(self, x):
        B, N, D = x.shape
        # ViT (2010.11929) Eq. 5: [q, k, v] = z U_qkv
        qkv = self.qkv(x).reshape(
            B, N, 3, self.num_heads, D // self.num_heads
        )  # (B, N, 3, h, d)
        return qkv.permute(2, 0, 3, 1, 4).unbind(
            0
        )  # (3, B, h, N, d) -> three of (B, h, N, d)


def copy_weights(three, fused):
    """Stack the three weights and biases in the order Q, K, V into the fused
    layer."""
    linears = three.to_q, three.to_k, three.to_v
    with torch.no_grad():
        fused.qkv.weight.copy_(
            torch.cat([linear.weight for linear in linears])
        )  # (3 D, D)
        fused.qkv.bias.copy_(
            torch.cat([linear.bias for linear in linears])
        )  # (3 D)


def difference(first, second):
    """Largest absolute difference between two lists of tensors of equal shapes."""
    return max(
        (a - b).abs().max().item() for a, b in zip(first, second, strict=True)
    )


# %% [markdown]
# ## 세 개로 나누든 하나로 묶든 같아요
#
# 크기는 ViT-Ti/16과 같게 잡았어요. 224px 이미지 한 장이 토큰 197개, 차원 192, 헤드 3개예요.
# 세 Linear의 가중치를 차례로 쌓아 하나짜리에 옮기면 결과가 같고, 파라미터 수와 연산량(FLOPs)도 같아요.

# %%
if __name__ == "__main__":
    evidence = {}
    torch.set_num_threads(1)
    torch.manual_seed(0)
    B, N, D, h = 2, 197, 192, 3
    three, fused = ThreeLinears(D, h), FusedLinear(D, h)
    copy_weights(three, fused)
    x = torch.randn(B, N, D)
    with torch.inference_mode():
        evidence["fused_difference"] = difference(three(x), fused(x))
        evidence["layout"] = " x ".join(
            str(size) for size in torch.stack(fused(x)).shape
        )
        flops = []
        for model in (three, fused):
            with FlopCounterMode(display=False) as counter:
                model(x)
            flops.append(counter.get_total_flops())
    parameters = [
        sum(p.numel() for p in model.parameters()) for model in (three, fused)
    ]
    evidence["parameter_ratio"], evidence["flop_ratio"] = (
        parameters[0] / parameters[1],
        flops[0] / flops[1],
    )
    print(f"Linear 세 개와 하나의 최대 차이: {evidence['fused_difference']:.1e}")
    print(f"q, k, v를 쌓은 모양 (3 x B x h x N x d): {evidence['layout']}")
    print(
        f"파라미터 {parameters[0]:,}개와 {parameters[1]:,}개, 연산량 {flops[0]:,}와 {flops[1]:,} FLOPs"
    )

# %% [markdown]
# ## 하나로 묶을 수 없을 때
#
# 묶은 층은 **입력 하나**에서 셋을 모두 만들어요. 교차 어텐션처럼 Q는 x에서, K와 V는 y에서 만든다면 K와 V만 묶을 수 있어요.
# K와 V의 헤드가 적으면(GQA) 묶을 수는 있지만 폭이 달라서 셋으로 똑같이 나누지 못해요. 나눌 폭을 적어 줘야 해요.

# %%
if __name__ == "__main__":
    y = torch.randn(B, 50, D)  # what the queries look at: another sequence
    with torch.inference_mode():
        k, v = three.to_k(y), three.to_v(y)  # (B, 50, D) each
        both = F.linear(y, fused.qkv.weight[D:], fused.qkv.bias[D:])  # (B, 50, 2 D)
        evidence["cross_pair_difference"] = difference(both.chunk(2, -1), [k, v])
        same = fused.qkv(x).chunk(3, -1)[1][:, :50]  # made of x, not of y
        evidence["cross_fused_error"] = relative_error(same, k)

        few = D // h  # one head of K and V for all three of Q
        rows = [D, few, few]  # 192 + 64 + 64 rows, not three times as many
        weights = [torch.randn(n, D) for n in rows]
        split = F.linear(x, torch.cat(weights)).split(rows, -1)
        evidence["few_heads_error"] = max(
            relative_error(part, F.linear(x, weight))
            for part, weight in zip(split, weights)
        )
    print(f"K와 V만 묶었을 때의 최대 차이: {evidence['cross_pair_difference']:.1e}")
    print(f"Q까지 묶었을 때 K의 상대 오차: {evidence['cross_fused_error']:.2f}")
    print(f"폭을 적어 나눴을 때의 상대 오차: {evidence['few_heads_error']:.1e}")

# %% [markdown]
# ## 가중치는 함께 쓰고, 벡터는 저마다 달라요
#
# 모듈을 한 번 만들어 모든 입력에 쓰면 같은 것은 **가중치**예요. 나오는 벡터는 입력이 다르면 달라요.
# 거꾸로 같은 토큰 벡터라면 어느 문장의 몇 번째 자리에 있든 같은 q가 나와요. 이 층은 토큰을 하나씩 따로 보니까요.

# %%
if __name__ == "__main__":
    with torch.inference_mode():
        weight_before = fused.qkv.weight.clone()
        first, second = torch.randn(2, 1, N, D)
        second[0, 100] = first[
            0, 5
        ]  # one token that both inputs contain, at another place
        q_first, q_second = fused(first)[0], fused(second)[0]  # (1, h, N, d) each
        evidence["weights_changed"] = difference(
            [fused.qkv.weight], [weight_before]
        )
        evidence["other_input_change"] = relative_error(q_second, q_first)
        evidence["same_token_difference"] = difference(
            [q_second[:, :, 100]], [q_first[:, :, 5]]
        )
    print(
        f"두 입력을 지나는 동안 가중치가 달라진 양: {evidence['weights_changed']}"
    )
    print(
        f"두 입력의 q 벡터가 서로 다른 정도 (상대 오차): {evidence['other_input_change']:.2f}"
    )
    print(
        f"두 입력에 함께 든 토큰 하나의 q가 달라진 양: {evidence['same_token_difference']:.1e}"
    )

# %% [markdown]
# ## 클래스 없이도 돼요
#
# 계산에 필요한 것은 행렬과 편향뿐이에요. 클래스(`nn.Module`)는 그 둘을 파라미터로 등록해서 옵티마이저가 찾고 저장할 수 있게 해 줘요.


# %%
def qkv_function(x, weight, bias, num_heads):
    """FusedLinear without a class: (B, N, D) -> (3, B, h, N, d)."""
    return (
        F.linear(x, weight, bias)
        .unflatten(-1, (3, num_heads, -1))
        .permute(2, 0, 3, 1, 4)
    )


# %%
if __name__ == "__main__":
    with torch.inference_mode():
        without_class = qkv_function(
            x, fused.qkv.weight, fused.qkv.bias, h
        )  # (3, B, h, N, d)
        evidence["without_class_difference"] = difference(without_class, fused(x))
    print(
        f"클래스가 있을 때와 없을 때의 최대 차이: {evidence['without_class_difference']:.1e}"
    )

# %% [markdown]
# ## 실수 1: 3과 h의 순서를 바꿔요
#
# `(B, N, 3, h, d)` 대신 `(B, N, h, 3, d)`로 나누면 모양이 끝까지 똑같아서 **오류가 나지 않아요.** 값은 달라요.
# 출력의 번호표를 같은 방법으로 나눠 보면 어디가 어긋났는지 보여요. Q1은 1번 헤드의 q가 될 출력이라는 뜻이에요.


# %%
def wrong_order(x, weight, bias, num_heads):
    """A mistake that raises nothing: heads are split off before Q, K and V. (B, N,
    D) -> (3, B, h, N, d)."""
    return (
        F.linear(x, weight, bias)
        .unflatten(-1, (num_heads, 3, -1))
        .permute(3, 0, 2, 1, 4)
    )


# %%
if __name__ == "__main__":
    labels = [
        f"{kind}{head}" for kind in "QKV" for head in range(h)
    ]  # what the blocks of d outputs were made for
    right, wrong = (
        torch.arange(3 * h).reshape(3, h).T,
        torch.arange(3 * h).reshape(h, 3),
    )  # [head, slot] -> block
    rows = [
        [
            head,
            *(
                " ".join(labels[i] for i in blocks[head])
                for blocks in (right, wrong)
            ),
        ]
        for head in range(h)
    ]
    table(
        "wrong_order",
        "나눈 뒤 각 헤드가 q, k, v로 받는 것",
        ["헤드", "(3, h, d)", "(h, 3, d)"],
        rows,
    )
    with torch.inference_mode():
        right, wrong = fused(x), wrong_order(x, fused.qkv.weight, fused.qkv.bias, h)
        evidence["wrong_order_shapes_equal"] = (
            torch.stack(right).shape == wrong.shape
        )
        evidence["wrong_order_error"] = relative_error(wrong, torch.stack(right))
        # the same rows in the order in which the mistake reads them
        order = torch.arange(3 * D).reshape(3, h, -1).transpose(0, 1).flatten()
        reordered = wrong_order(
            x, fused.qkv.weight[order], fused.qkv.bias[order], h
        )
        evidence["wrong_order_reordered_difference"] = difference(reordered, right)
    print(
        f"모양이 같은가: {'예' if evidence['wrong_order_shapes_equal'] else '아니요'}"
    )
    print(f"값의 상대 오차: {evidence['wrong_order_error']:.2f}")
    print(
        f"가중치의 행도 그 순서로 다시 늘어놓았을 때의 최대 차이: {evidence['wrong_order_reordered_difference']:.1e}"
    )

# %% [markdown]
# 마지막 줄이 중요해요. 순서는 **가중치와 코드 사이의 약속**이에요. 처음부터 학습하면 어느 순서든 같은 모델이지만,
# 남이 학습한 가중치를 읽어 올 때 어긋나면 오류 없이 틀린 답이 나와요. 그래서 원본 구현과 로짓을 비교해 봐야 해요.
#
# ## 실수 2: transpose를 빼먹어요
#
# `(B, N, h, d)`로 나눈 뒤 축을 바꾸는 대신 곧바로 `(B, h, N, d)`로 `reshape`해도 모양은 맞아요. 이번에는 토큰이 섞여요.
# 토큰 하나만 바꿔 보고 몇 번째 자리의 q가 변하는지 세어 보면 알 수 있어요.


# %%
def changed_tokens(make_q, x, token):
    """Places of q (B, h, N, d) that change when one token of x (B, N, D) does: list
    of int."""
    other = x.clone()
    other[:, token] += 1
    change = (make_q(other) - make_q(x)).abs().amax(dim=(0, 1, 3))  # (N)
    return (change > 1e-4).nonzero().flatten().tolist()


# %%
if __name__ == "__main__":
    with torch.inference_mode():
        changed_right = changed_tokens(
            lambda x: three.to_q(x).reshape(B, N, h, -1).transpose(1, 2), x, token=5
        )
        changed_wrong = changed_tokens(
            lambda x: three.to_q(x).reshape(B, h, N, -1), x, token=5
        )
    evidence["tokens_changed"] = len(changed_right)
    evidence["tokens_changed_without_transpose"] = len(changed_wrong)
    print(
        f"5번 토큰을 바꿨을 때 q가 변한 자리: {changed_right}, transpose를 빼먹으면: {changed_wrong}"
    )

# %% [markdown]
# ## 어느 쪽이 빠를까요?
#
# 연산량은 같으니 차이는 부르는 횟수와 메모리를 읽는 방식에서만 와요. 번갈아 여러 번 재서 비율의 중앙값과 사분위를 봐요.


# %%
def cpu_seconds(model, x, number):
    """CPU seconds of one model(x), a mean over number calls."""
    start = time.process_time()
    for _ in range(number):
        model(x)
    return (time.process_time() - start) / number


def time_ratios(slow, fast, x, rounds=15, least=0.02):
    """How many times as long slow(x) takes as fast(x), in turns of least seconds or
    more: list of float."""
    with torch.inference_mode():
        cpu_seconds(slow, x, 10), cpu_seconds(fast, x, 10)  # warm-up
        number = round(least / max(cpu_seconds(fast, x, 10), 1e-5)) + 1
        return [
            cpu_seconds(slow, x, number) / cpu_seconds(fast, x, number)
            for _ in range(rounds)
        ]


# %%
if __name__ == "__main__":
    rows = []
    for name, count, images in (
        ("time_ratio", 197, 8),
        ("time_ratio_small", 17, 1),
    ):
        low, middle, high = statistics.quantiles(
            time_ratios(three, fused, torch.randn(images, count, D)), n=4
        )
        evidence[name], evidence[f"{name}_low"], evidence[f"{name}_high"] = (
            middle,
            low,
            high,
        )
        rows.append(
            [
                f"토큰 {count}개 x {images}장",
                f"{middle:.2f}배",
                f"{low:.2f}~{high:.2f}배",
            ]
        )
    table(
        "time_ratio",
        "Linear 세 개의 시간 / 하나의 시간 (CPU 1스레드)",
        ["입력", "중앙값", "사분위"],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {
        name: float("inf") for name in evidence if name.startswith("time_ratio")
    }
    evidence
