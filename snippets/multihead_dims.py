# %% [markdown]
# # 100차원에 헤드 10개면 무엇을 10으로 나눌까요?
#
# 나누는 것은 입력이 아니라 **투영한 뒤의 벡터**예요. 헤드 하나의 쿼리는 10차원이지만, 그 10차원은 입력 100차원을 모두 보고 만들어요.
# 두 읽기를 미분해서 견주고, 이어 붙인 뒤의 $W^O$와 잔차가 크기를 어떻게 정하는지도 볼게요.

# %%
import copy

import torch
from lib.figure import BLUE, show, table
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from torch import nn
from torch.func import jacrev
from torch.utils.flop_counter import FlopCounterMode


class MultiHeadAttention(nn.Module):
    """Heads of any size: (N, D) -> (N, D). head_dim: D / num_heads unless given,
    for q, k and v alike."""

    def __init__(self, dim, num_heads, head_dim=None):
        super().__init__()
        self.num_heads, self.head_dim = num_heads, head_dim or dim // num_heads
        inner = num_heads * self.head_dim
        self.to_q, self.to_k, self.to_v = (
            nn.Linear(dim, inner, bias=False) for _ in range(3)
        )
        self.proj = nn.Linear(inner, dim, bias=False)  # W^O

    def split(self, x):
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(
            0, 1
        )  # (N, h d) -> (h, N, d)

    def heads(self, x):
        # AIAYN (1706.03762) §3.2.2: head_i = Attention(x W_i^Q, x W_i^K, x W_i^V),
        # and W_i^Q is D x d: all of x goes in
        q, k, v = (
            self.split(self.to_q(x)),
            self.split(self.to_k(x)),
            self.split(self.to_v(x)),
        )  # (h, N, d) each
        attn = (q @ k.transpose(-2, -1) / self.head_dim**0.5).softmax(
            dim=-1
        )  # (h, N, N)
        return (
            (attn @ v).transpose(0, 1).flatten(1)
        )  # (N, h d): the heads side by side

    def forward(self, x):
        return self.proj(self.heads(x))


class CutInput(nn.Module):
    """The other reading: cut the input first, one small linear map for each piece.
    (N, D) -> (N, D)."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.maps = nn.ModuleList(
            nn.Linear(dim // num_heads, dim // num_heads, bias=False)
            for _ in range(num_heads)
        )

    def forward(self, x):
        pieces = x.chunk(len(self.maps), dim=-1)  # h of (N, d)
        return torch.cat([f(piece) for f, piece in zip(self.maps, pieces)], dim=-1)


# %% [markdown]
# ## 헤드 하나의 쿼리는 입력 몇 차원을 볼까요?
#
# 쿼리를 입력으로 미분해서 0이 아닌 열을 세어요. 그림에서 칠한 칸이 0이 아닌 곳이고, 가로줄은 헤드의 경계예요.


# %%
def inputs_seen(jacobian):
    """How many input dimensions a Jacobian (outputs, inputs) depends on: its
    columns that are not all zero."""
    return int((jacobian != 0).any(dim=0).sum())


# %%
if __name__ == "__main__":
    evidence = {}
    torch.set_num_threads(1)
    torch.manual_seed(0)
    D, h = 100, 10
    d = D // h
    attn, cut, token = MultiHeadAttention(D, h), CutInput(D, h), torch.randn(D)
    projected_map = jacrev(attn.to_q)(token).detach()  # (D, D): outputs x inputs
    cut_map = jacrev(lambda token: cut(token[None])[0])(token).detach()
    evidence["head_size"] = attn.head_dim
    evidence["projected_seen"] = inputs_seen(
        projected_map[:d]
    )  # the first d outputs are head 0's query
    evidence["cut_seen"] = inputs_seen(cut_map[:d])
    evidence["projected_parameters"] = attn.to_q.weight.numel()
    evidence["cut_parameters"] = sum(p.numel() for p in cut.parameters())
    print(f"0번 헤드의 쿼리({d}차원)가 보는 입력 차원")
    print(
        f"투영한 뒤 나누면 {evidence['projected_seen']}, 파라미터 {evidence['projected_parameters']:,}개"
    )
    print(
        f"입력을 자르면 {evidence['cut_seen']}, 파라미터 {evidence['cut_parameters']:,}개"
    )

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(1, 2, figsize=(4.5, 2.7), sharey=True)
    for axis, found, title in zip(
        axes, (projected_map, cut_map), ("투영한 뒤 나누기", "입력을 자르기")
    ):
        axis.imshow(
            (found != 0).float().where(found != 0, torch.nan),
            cmap=ListedColormap([BLUE]),
        )  # 0 stays empty
        axis.hlines(
            [edge - 0.5 for edge in range(d, D, d)],
            -0.5,
            D - 0.5,
            colors="#a0a0a0",
            linewidth=0.8,
        )
        axis.set(
            title=title,
            xlabel="입력 차원",
            xticks=range(0, D + 1, 20),
            yticks=range(0, D + 1, 20),
        )
        axis.grid(False)
    axes[0].set_ylabel("쿼리 차원 (10개씩 한 헤드)")
    alt = (
        f"투영한 뒤 나누면 어느 헤드의 쿼리든 입력 {evidence['projected_seen']}차원을 모두 보지만, "
        f"입력을 자르면 헤드마다 제 몫 {evidence['cut_seen']}차원만 봐서 나머지는 빈칸이에요."
    )
    show(figure, "query_jacobian", alt)

# %% [markdown]
# 우리 코드만이 아니라 PyTorch의 `nn.MultiheadAttention`도 같아요. 속을 보지 않고, 0번 헤드의 **어텐션 맵**을 입력으로 미분해 볼게요.

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    mha, x = nn.MultiheadAttention(D, h), torch.randn(6, D, requires_grad=True)
    maps = mha(x, x, x, average_attn_weights=False)[1]  # (h, N, N)
    (gradient,) = torch.autograd.grad(
        maps[0].square().sum(), x
    )  # of head 0's map alone, (N, D)
    evidence["pytorch_seen"] = inputs_seen(gradient)
    print(
        f"PyTorch의 0번 헤드 어텐션 맵이 보는 입력 차원: {evidence['pytorch_seen']}"
    )

# %% [markdown]
# ## 나누는 값과 나누지 않는 값
#
# 헤드를 몇 개로 나누든 파라미터 수도, 행렬곱의 연산량도 같아요. 그 대신 헤드마다 점수 행렬 $W_i^Q {W_i^K}^\top$의 랭크(rank)가 $d$로 낮아지고,
# softmax를 할 어텐션 맵은 헤드 수만큼 늘어요. 헤드마다 100차원을 통째로 주면 비용이 늘어요.


# %%
def cost(model, N, D):
    """Parameters, FLOPs of the matrix products, and attention maps of N x N cells,
    for N tokens."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(N, D))
    return (
        sum(p.numel() for p in model.parameters()),
        counter.get_total_flops(),
        model.num_heads,
    )


def score_rank(model):
    """Rank of head 0's W^Q W^K^T, the (D, D) matrix that scores two tokens."""
    q, k = (
        layer.weight[: model.head_dim].detach().double()
        for layer in (model.to_q, model.to_k)
    )  # (d, D) each
    return int(torch.linalg.matrix_rank(q.T @ k))


# %%
if __name__ == "__main__":
    N = 197
    models = {
        "1 x 100": MultiHeadAttention(D, 1),
        "10 x 10": MultiHeadAttention(D, 10),
        "20 x 5": MultiHeadAttention(D, 20),
        "10 x 100": MultiHeadAttention(D, 10, head_dim=100),
    }
    costs = {name: cost(model, N, D) for name, model in models.items()}
    ranks = {name: score_rank(model) for name, model in models.items()}
    rows = [
        [name, f"{parameters:,}", f"{flops / 1e6:.1f}", maps, ranks[name]]
        for name, (parameters, flops, maps) in costs.items()
    ]
    caption = f"D = {D}, 토큰 {N}개일 때 헤드의 수 h와 크기 d에 따른 비용, 어텐션 맵의 수, 점수 행렬의 랭크"
    table("cost", caption, ["h x d", "파라미터", "MFLOPs", "맵", "랭크"], rows)
    one, ten, twenty, full = costs.values()
    evidence["parameter_ratio"], evidence["flop_ratio"], evidence["maps_ratio"] = (
        a / b for a, b in zip(ten, one)
    )
    evidence["full_parameter_ratio"], evidence["full_flop_ratio"] = (
        full[0] / one[0],
        full[1] / one[1],
    )
    evidence["rank_one_head"], evidence["rank_ten_heads"] = (
        ranks["1 x 100"],
        ranks["10 x 10"],
    )
    evidence["twenty_parameter_ratio"] = twenty[0] / one[0]
    evidence["twenty_head_size"] = models["20 x 5"].head_dim
    evidence["twenty_seen"] = inputs_seen(models["20 x 5"].to_q.weight[:5])

# %% [markdown]
# ## 출력의 크기와 W^O
#
# 잔차(residual)로 입력을 더하려면 크기가 같아야 해요. $h \cdot d$가 100이 아니어도 $W^O$가 100차원으로 되돌려 줘요.
# $h \cdot d = D$라서 크기가 이미 맞을 때에도 $W^O$가 하는 일이 있어요. 0번 헤드를 꺼 보면, 이어 붙인 벡터에서는 0~9번 성분만 변하는데
# $W^O$를 지난 뒤에는 100개 성분이 모두 변해요.


# %%
def outputs_reached(model, x):
    """How many output dimensions change if head 0 is silenced, before W^O and after
    it: int, int."""
    silenced = copy.deepcopy(model)
    with torch.no_grad():
        silenced.to_v.weight[: model.head_dim] = 0  # head 0 adds nothing now
        before, after = (
            silenced.heads(x) != model.heads(x),
            silenced(x) != model(x),
        )  # (N, h d), (N, D)
    return int(before.any(dim=0).sum()), int(after.any(dim=0).sum())


# %%
if __name__ == "__main__":
    x = torch.randn(6, D)
    same, wide = MultiHeadAttention(D, 10), MultiHeadAttention(D, 10, head_dim=24)
    evidence["side_by_side"], evidence["with_output"] = (
        wide.heads(x).shape[-1],
        (x + wide(x)).shape[-1],
    )
    try:
        x + wide.heads(x)
        evidence["residual_error"] = "없음"
    except RuntimeError as error:
        evidence["residual_error"] = type(error).__name__
        print(f"{evidence['residual_error']}: {error}")
    evidence["reach_without_output_map"], evidence["reach_with_output_map"] = (
        outputs_reached(same, x)
    )
    wide_sizes = f"이어 붙이면 {evidence['side_by_side']}차원, W^O와 잔차를 지나면 {evidence['with_output']}차원"
    reach = f"앞에서 {evidence['reach_without_output_map']}개, 뒤에서 {evidence['reach_with_output_map']}개"
    print(f"헤드 10개 x 24차원: {wide_sizes}")
    print(f"헤드 10개 x 10차원: 0번 헤드가 닿는 출력 차원은 W^O {reach}")

# %% [markdown]
# $d = D / h$는 비용을 맞추려는 선택이지 식의 요구가 아니에요. 다만 라이브러리는 보통 나누어떨어질 것을 요구해요.

# %%
if __name__ == "__main__":
    try:
        nn.MultiheadAttention(D, 12)
        evidence["twelve_error"] = "없음"
    except AssertionError as error:
        evidence["twelve_error"] = type(error).__name__
        print(f"{evidence['twelve_error']}: {error}")
    evidence["twelve_size"] = MultiHeadAttention(D, 12, head_dim=8)(x).shape[-1]
    print(f"헤드 12개 x 8차원을 식대로 짜면 출력은 {evidence['twelve_size']}차원")

# %%
if __name__ == "__main__":
    tolerance = {}
    evidence
