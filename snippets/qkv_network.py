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
from torch.func import jacrev
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
        "ffn": block.mlp,
        "layer_norm": block.norm1,
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
    "ffn": "FFN (GELU)",
    "layer_norm": "LayerNorm",
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
    mlp_error = min(min(added[name]) for name in ("mlp_query", "relu_mlp", "ffn"))
    figure, axis = plt.subplots(figsize=(4.5, 3.6))
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
        f"Q, K, V를 만드는 층은 모두 오차가 많아야 {linear_error:.1e}라 선형이고, MLP가 든 것은 더해서 넣을 때 오차가 모두 "
        f"{mlp_error:.2f} 이상이에요."
    )
    show(figure, "linearity", alt)

# %% [markdown]
# ReLU MLP에서 편향을 빼면 3배 시험은 통과해요. **한 가지 시험만으로는 속을 수 있다**는 뜻이에요. 더하기 시험에서는 걸려요.
# Linear를 두 개 쌓아도 사이에 활성화가 없으면 선형이에요. 행렬 두 개의 곱은 행렬 하나이니까요.
#
# ## 모든 자리가 행렬 하나를 함께 써요
#
# 자리 i의 출력을 자리 j의 입력으로 미분해 보면 돼요. 함께 쓴다면 i = j일 때 어느 자리에서나 **같은 행렬**이 나오고, i ≠ j이면 0이에요.
# 자리마다 Linear를 따로 둔 것을 대조군으로 둬요.
#
# PyTorch의 어텐션도 속을 보지 않고 시험할 수 있어요. 쿼리가 될 토큰들의 **자리를 바꾸면** 점수의 줄도 그대로 자리만 바뀌어야 해요.
# 자리마다 다른 층을 쓴다면 같은 토큰도 자리에 따라 다른 쿼리가 되니 점수가 달라져요.


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


def position_spread(f, x):
    """How far dz_i/dx_i differs from position to position, and the norm of
    dz_i/dx_j for i != j, as float, float."""
    J = jacrev(f)(x).transpose(
        1, 2
    )  # (N, D, N, D) -> (N, N, D, D): block [i, j] is dz_i/dx_j
    own = J.diagonal().permute(2, 0, 1)  # (N, D, D)
    others = J[~torch.eye(len(x), dtype=torch.bool)]  # (N (N - 1), D, D)
    return relative_error(own, own[:1].expand_as(own)), others.norm().item()


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    shared, apart = nn.Linear(D, D), PerPosition(D, N)
    x = torch.randn(N, D)
    evidence["shared_spread"], evidence["shared_other_positions"] = position_spread(
        shared, x
    )
    evidence["apart_spread"], _ = position_spread(apart, x)
    counts = [sum(p.numel() for p in f.parameters()) for f in (shared, apart)]
    evidence["apart_parameter_ratio"] = counts[1] / counts[0]
    mha, order = (
        nn.MultiheadAttention(D, num_heads=4),
        [*range(1, N), 0],
    )  # each token moves by one place
    with torch.no_grad():
        first, moved = (
            scores_of(mha, x, x),
            scores_of(mha, x[order], x),
        )  # (h, N, N) each
        evidence["pytorch_moved_difference"] = (
            (moved - first[:, order]).abs().max().item()
        )
        first, moved = (
            scores_of(mha, apart(x), x),
            scores_of(mha, apart(x[order]), x),
        )
        evidence["apart_moved_difference"] = (
            (moved - first[:, order]).abs().max().item()
        )
    print(
        f"자리끼리 행렬이 다른 정도: 함께 쓰면 {evidence['shared_spread']:.1e}, 따로 두면 {evidence['apart_spread']:.2f}"
    )
    print(f"다른 자리의 입력에서 오는 몫: {evidence['shared_other_positions']}")
    print(
        f"토큰의 자리를 바꿨을 때 PyTorch의 점수가 달라진 양: {evidence['pytorch_moved_difference']:.1e}"
    )
    print(
        f"앞에 자리마다 다른 Linear를 끼웠을 때 달라진 양: {evidence['apart_moved_difference']:.2f}"
    )
    print(
        f"파라미터: 함께 쓰면 {counts[0]:,}개, 토큰 {N}개에 따로 두면 {counts[1]:,}개"
    )

# %% [markdown]
# ## 왜 세 개일까요?
#
# 층 하나로 Q와 K를 같이 만들면 점수 행렬이 **대칭**이 돼요. softmax가 줄마다 따로 나누니 어텐션 가중치까지 대칭은 아니에요.
# 그래도 못 하는 일이 생겨요. 토큰이 고리처럼 이어져 있고 저마다 **바로 앞 토큰**에 더 높은 점수를 주려면 $s_{i,i-1} > s_{i,i+1}$이어야 해요.
# 대칭이면 $s_{i,i+1} = s_{i+1,i}$이고, 이것은 다시 $s_{i+1,i+2}$보다 커야 해요. 고리를 한 바퀴 돌면 점수가 자기 자신보다 커야 하니 모순이에요.


# %%
def asymmetry(to_q, to_k, x):
    """Norm of S - S^T over that of S, for the scores S = Q K^T (N, N) of x (N,
    D)."""
    scores = to_q(x) @ to_k(x).T
    return relative_error(scores.T, scores)


# %%
if __name__ == "__main__":
    in_proj = nn.MultiheadAttention(
        D, num_heads=4
    ).in_proj_weight  # (3 D, D): Q, K, V stacked
    evidence["pytorch_maps"] = in_proj.shape[0] // D
    two_maps, one_map = (
        evidence["asymmetry_two_maps"],
        evidence["asymmetry_one_map"],
    ) = [], []
    with torch.no_grad():
        for seed in range(5):
            torch.manual_seed(seed)
            to_q, to_k, x = nn.Linear(D, D), nn.Linear(D, D), torch.randn(N, D)
            two_maps.append(asymmetry(to_q, to_k, x))
            one_map.append(asymmetry(to_q, to_q, x))
    print(f"PyTorch의 어텐션에 든 투영 행렬: {evidence['pytorch_maps']}개")
    print(
        f"점수 행렬의 비대칭: Q와 K의 층이 다르면 {min(two_maps):.2f} 이상, 같으면 {max(one_map):.1e} 이하"
    )

# %% [markdown]
# 비선형은 다른 곳에 있어요. 점수를 확률로 바꾸는 softmax, 어텐션 **다음**에 오는 FFN, 그리고 표준편차로 나누는 LayerNorm이에요.
# 위 그림의 맨 아래 세 줄이 그것이에요.

# %%
if __name__ == "__main__":
    tests = [
        f"{name}_{test}"
        for name in linear
        for test in ("additivity", "homogeneity")
    ]
    tolerance = {
        name: 1e-5
        for name in [*tests, "relu_mlp_tripled", "pytorch_moved_difference"]
    }
    evidence
