# %% [markdown]
# # Q·K·V를 만드는 층은 MLP일까요?
#
# 선형인지 아닌지는 속을 열지 않아도 알 수 있어요. 선형이면 **더해서 넣은 결과가 따로 넣어 더한 결과와 같고**(가산성),
# **3배로 넣으면 3배로 나와요**(동차성). MLP는 가운데에 활성화 함수가 있어서 이 시험을 통과하지 못해요.
# 편향(bias)이 있으면 원점이 옮겨지니 $f(0)$을 빼고 견줘요.

# %%
import torch
from lib.figure import BLUE, ORANGE, show
from lib.measure import relative_error
from matplotlib import pyplot as plt
from torch import nn
from vit import Block


def additivity_error(f, x, y):
    """Relative error of f(x) + f(y) against f(x + y), the bias f(0) taken off: 0
    for a linear layer."""
    bias = f(torch.zeros_like(x))
    return relative_error(f(x) + f(y) - 2 * bias, f(x + y) - bias)


def homogeneity_error(f, x, factor):
    """Relative error of factor * f(x) against f(factor * x), the bias f(0) taken
    off: 0 for a linear layer."""
    bias = f(torch.zeros_like(x))
    return relative_error(factor * (f(x) - bias), f(factor * x) - bias)


# %% [markdown]
# ## 우리가 짠 것만 시험하면 동어반복이에요
#
# 그래서 PyTorch의 `nn.MultiheadAttention`도 **속을 보지 않고** 시험해요. 이 모듈은 쿼리, 키, 값이 될 입력을 따로 받아요.
# 키를 고정하면 softmax에 로그를 씌워 점수를 되찾을 수 있고, Q를 만드는 층이 선형이면 그 점수는 쿼리 쪽 입력의 선형 함수예요. 키도 마찬가지예요.
# 어텐션 맵을 고정하면 출력은 값 쪽 입력의 선형 함수여야 하고요. 앞에 MLP를 하나 끼운 것을 대조군으로 둬요.


# %%
def scores_of(mha, query, key):
    """Scores (h, N, N) of a black-box attention, each row less its mean: what the
    softmax leaves of them."""
    weights = mha(query, key, key, average_attn_weights=False)[1]
    scores = weights.log()  # softmax undone, up to one constant a row
    return scores - scores.mean(dim=-1, keepdim=True)


def candidates(dim, x):
    """Maps (N, dim) -> any shape to be tested, by name. x (N, dim): the input that
    is held while another varies."""
    block = Block(dim, num_heads=4)
    q, k, _ = block.attn.qkv.weight.chunk(3)  # (D, D) each
    mha = nn.MultiheadAttention(dim, num_heads=4)
    mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
    return {
        "query": lambda q: scores_of(mha, q, x),
        "key": lambda k: scores_of(mha, x, k),
        "value": lambda v: mha(x, x, v)[0],
        "vit_qkv": block.attn.qkv,
        "two_linears": nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        ),
        "mlp_query": lambda q: scores_of(mha, mlp(q), x),
        "relu_mlp": nn.Sequential(
            nn.Linear(dim, 4 * dim, bias=False),
            nn.ReLU(),
            nn.Linear(4 * dim, dim, bias=False),
        ),
        "product": lambda x: (x @ q.T) @ (x @ k.T).T,  # scores, no softmax yet
        "softmax": lambda scores: scores.softmax(dim=-1),
        "layer_norm": block.norm1,
        "ffn": block.mlp,
        "attention": lambda x: block.attn(x[None])[0],
    }


LABELS = {
    "query": "PyTorch의 Q",
    "key": "PyTorch의 K",
    "value": "PyTorch의 V",
    "vit_qkv": "ViT의 qkv 층",
    "two_linears": "Linear 두 개",
    "mlp_query": "MLP를 끼운 Q",
    "relu_mlp": "ReLU MLP",
    "product": "q와 k의 곱",
    "softmax": "softmax",
    "layer_norm": "LayerNorm",
    "ffn": "FFN (GELU)",
    "attention": "어텐션 전체",
}

# %%
if __name__ == "__main__":
    evidence = {}
    torch.set_num_threads(1)
    D, N = 64, 6
    added, tripled, flipped = ({name: [] for name in LABELS} for _ in range(3))
    with torch.no_grad():
        for seed in range(5):
            torch.manual_seed(seed)
            x, y, held = torch.randn(3, N, D)
            for name, f in candidates(D, held).items():
                added[name].append(additivity_error(f, x, y))
                tripled[name].append(homogeneity_error(f, x, 3))
                flipped[name].append(homogeneity_error(f, x, -3))
    for name, label in LABELS.items():
        evidence[f"{name}_additivity"] = added[name]
        print(
            f"{label}: 더하기 {max(added[name]):.1e}, 3배 {max(tripled[name]):.1e}, -3배 {max(flipped[name]):.1e}"
        )

# %%
if __name__ == "__main__":
    linear = ["query", "key", "value", "vit_qkv", "two_linears"]
    for name in linear:
        evidence[f"{name}_homogeneity"] = [
            max(pair) for pair in zip(tripled[name], flipped[name])
        ]
    evidence["relu_mlp_tripled"], evidence["relu_mlp_flipped"] = (
        tripled["relu_mlp"],
        flipped["relu_mlp"],
    )
    linear_error = max(
        max(added[name] + tripled[name] + flipped[name]) for name in linear
    )
    other_error = min(min(added[name]) for name in LABELS if name not in linear)
    figure, axis = plt.subplots(figsize=(4.5, 4.1))
    for row, name in enumerate(LABELS):
        axis.plot(
            added[name],
            [row - 0.12] * len(added[name]),
            "o",
            color=BLUE,
            label="더해서 넣기" if row == 0 else None,
        )
        axis.plot(
            tripled[name],
            [row + 0.12] * len(added[name]),
            "^",
            color=ORANGE,
            label="3배로 넣기" if row == 0 else None,
        )
    axis.set(
        xscale="log",
        xlim=(1e-8, 3),
        xticks=[1e-7, 1e-5, 1e-3, 1e-1],
        xlabel="선형이라면 0이어야 할 상대 오차",
        yticks=range(len(LABELS)),
        yticklabels=LABELS.values(),
    )
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.0e}")
    axis.invert_yaxis()
    axis.legend(loc="upper center")
    alt = (
        f"Q, K, V를 만드는 층은 모두 오차가 많아야 {linear_error:.1e}라 선형이고, MLP, q와 k의 곱, softmax, LayerNorm, FFN은 "
        f"더해서 넣을 때 오차가 모두 {other_error:.2f} 이상이에요."
    )
    show(figure, "linearity", alt)

# %% [markdown]
# ReLU MLP에서 편향을 빼면 3배 시험은 통과해요. **한 가지 시험만으로는 속을 수 있다**는 뜻이에요. 더하기 시험에서는 걸려요.
# Linear를 두 개 쌓아도 사이에 활성화가 없으면 선형이에요. 행렬 두 개의 곱은 행렬 하나이니까요.
#
# ## 모든 자리가 행렬 하나를 함께 써요
#
# 이것도 PyTorch의 어텐션을 **속을 보지 않고** 시험해요. 토큰 두 개의 자리를 바꿔 넣으면 점수는 그 두 줄과 두 칸이, 출력은 그 두 줄이
# 서로 바뀌고 나머지는 그대로여야 해요. 자리마다 다른 층을 쓴다면 같은 토큰도 자리에 따라 다른 벡터가 되니 값이 달라져요.
# 앞에 자리마다 다른 Linear를 끼운 것을 대조군으로 둬요.


# %%
class PerPosition(nn.Module):
    """Not what a Transformer does: a Linear of its own for each of N positions, (N,
    D) -> (N, D)."""

    def __init__(self, dim, length):
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(dim, dim) for _ in range(length))

    def forward(self, x):
        return torch.stack(
            [linear(token) for linear, token in zip(self.linears, x, strict=True)]
        )


def swap_errors(mha, layer, x, i, j):
    """Relative errors of scores and output, float each, when tokens i and j of x (N,
    D) change places before layer and back after mha: 0 if all places share."""
    order = torch.arange(len(x))
    order[[i, j]] = order[[j, i]]
    x, y = layer(x), layer(x[order])
    scores, other = scores_of(mha, x, x), scores_of(mha, y, y)  # (h, N, N) each
    return (
        relative_error(other[:, order][:, :, order], scores),
        relative_error(mha(y, y, y)[0][order], mha(x, x, x)[0]),
    )


# %%
if __name__ == "__main__":
    for name in ("swapped", "apart_swapped"):
        evidence[f"{name}_scores"], evidence[f"{name}_output"] = [], []
    for seed in range(5):
        torch.manual_seed(seed)
        mha, x = nn.MultiheadAttention(D, num_heads=4), torch.randn(N, D)
        apart = PerPosition(D, N)
        for name, layer in (("swapped", nn.Identity()), ("apart_swapped", apart)):
            with torch.no_grad():
                scores, output = swap_errors(mha, layer, x, 1, 4)
            evidence[f"{name}_scores"].append(scores)
            evidence[f"{name}_output"].append(output)
            print(f"{name}: 점수 {scores:.1e}, 출력 {output:.1e}")
    shared = nn.Linear(D, D)
    counts = [sum(p.numel() for p in f.parameters()) for f in (shared, apart)]
    evidence["apart_parameter_ratio"] = counts[1] / counts[0]
    print(
        f"파라미터: 함께 쓰면 {counts[0]:,}개, 토큰 {N}개에 따로 두면 {counts[1]:,}개"
    )

# %% [markdown]
# ## 신경망은 세 개예요
#
# 세 행렬을 하나로 쌓아 두었어도 세면 셋이에요. 왜 셋을 따로 두는지는 `qkv_tied.py`에서 재요.

# %%
if __name__ == "__main__":
    in_proj = nn.MultiheadAttention(
        D, num_heads=4
    ).in_proj_weight  # (3 D, D): Q, K, V stacked
    evidence["pytorch_maps"] = in_proj.shape[0] // D
    print(f"PyTorch의 어텐션에 든 투영 행렬: {evidence['pytorch_maps']}개")

# %% [markdown]
# 비선형은 다른 곳에 있어요. 점수를 확률로 바꾸는 softmax, 어텐션 **다음**에 오는 FFN, 그리고 표준편차로 나누는 LayerNorm이에요.
# 그보다 먼저 q와 k를 곱하는 것부터 선형이 아니에요. 입력을 3배로 하면 점수는 9배가 되거든요. 위 그림의 아래쪽 줄들이 그것이에요.

# %%
if __name__ == "__main__":
    tests = [
        f"{name}_{test}"
        for name in linear
        for test in ("additivity", "homogeneity")
    ]
    tolerance = {
        name: 1e-5
        for name in [*tests, "relu_mlp_tripled", "swapped_scores", "swapped_output"]
    }
    evidence
