# %% [markdown]
# # 헤드는 무엇을 이어 붙일까요?
#
# 멀티헤드 어텐션(multi-head attention)은 헤드마다 softmax를 **따로** 하고, 나온 **출력만** 이어 붙여 $W^O$를 곱해요.
# 코드에서는 모든 헤드의 Q·K·V가 텐서 하나에 들어 있어서 "합쳐서 계산한다"고 읽기 쉬워요. 두 읽기를 모두 돌려 볼게요.

# %%
from statistics import mean

import torch
from lib.figure import show
from lib.measure import relative_error
from matplotlib import pyplot as plt
from torch import nn


class MultiHeadAttention(nn.Module):
    """All heads at once: (B, N, D) -> (B, N, D) and the attention maps (B, h, N,
    N)."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)  # W^O

    def forward(self, x):
        B, N, D = x.shape
        qkv = self.qkv(x).reshape(
            B, N, 3, self.num_heads, D // self.num_heads
        )  # (B, N, 3, h, d)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, h, N, d) each
        # AIAYN (1706.03762) Eq. 1, in every head by itself: matmul takes B and h as
        # a batch
        attn = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(
            dim=-1
        )  # (B, h, N, N)
        heads = attn @ v  # (B, h, N, d)
        # AIAYN §3.2.2: MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O
        return self.proj(heads.transpose(1, 2).reshape(B, N, D)), attn


# %% [markdown]
# ## 헤드를 하나씩 계산해도 같아요
#
# 논문의 식을 그대로 옮기면 헤드마다 제 몫의 가중치로 Q·K·V를 만들고 어텐션을 끝까지 계산해요. 위 코드는 그 반복문을 텐서 연산 한 번으로 바꾼 거예요.
# 이어 붙인 뒤 $W^O$를 곱하는 것은 헤드마다 $W^O$의 제 몫을 곱해서 **더하는** 것과도 같아요.


# %%
def heads_one_by_one(model, x):
    """What each head puts out, by a loop over the heads: list of h tensors (B, N,
    d)."""
    heads = []
    weights, biases = (
        model.qkv.weight.chunk(3),
        model.qkv.bias.chunk(3),
    )  # Q, K, V: (D, D) and (D) each
    for i in range(model.num_heads):
        # head_i = Attention(x W_i^Q, x W_i^K, x W_i^V): W_i are d rows of each
        # weight
        q, k, v = (
            x @ w.chunk(model.num_heads)[i].T + b.chunk(model.num_heads)[i]
            for w, b in zip(weights, biases)
        )
        attn = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(
            dim=-1
        )  # (B, N, N)
        heads.append(attn @ v)  # (B, N, d)
    return heads


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, x = (
        MultiHeadAttention(dim=192, num_heads=3),
        torch.randn(2, 197, 192),
    )  # as in ViT-Ti/16
    with torch.inference_mode():
        packed, _ = model(x)
        heads = heads_one_by_one(model, x)
        joined = model.proj(torch.cat(heads, dim=-1))
        parts = zip(
            heads, model.proj.weight.chunk(3, dim=1)
        )  # W^O: d columns for each head
        added = sum(head @ w.T for head, w in parts) + model.proj.bias
    evidence["loop_difference"] = (packed - joined).abs().max().item()
    evidence["sum_difference"] = (packed - added).abs().max().item()
    print(
        f"한꺼번에 계산한 것과 헤드를 하나씩 계산해 이어 붙인 것의 최대 차이: {evidence['loop_difference']:.1e}"
    )
    print(
        f"이어 붙이는 대신 헤드마다 W^O의 제 몫을 곱해 더한 것과의 최대 차이: {evidence['sum_difference']:.1e}"
    )

# %% [markdown]
# 우리가 짠 것끼리만 견주면 둘 다 틀릴 수 있어요. 같은 가중치를 넣은 PyTorch의 `nn.MultiheadAttention`과도 견줘요.
# 0번 헤드의 $W^Q$만 두 배로 키우면 0번 헤드의 어텐션 맵만 변해요. 투영도 점수도 softmax도 헤드마다 따로라는 뜻이에요.

# %%
if __name__ == "__main__":
    reference = nn.MultiheadAttention(192, num_heads=3, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(
            model.qkv.weight
        )  # (3 D, D): Q, K, V stacked
        reference.in_proj_bias.copy_(model.qkv.bias)
        reference.out_proj.load_state_dict(model.proj.state_dict())
        theirs, their_maps = reference(
            x, x, x, average_attn_weights=False
        )  # (B, N, D), (B, h, N, N)
        reference.in_proj_weight[:64] *= 2  # head 0's share of W^Q
        changed = reference(x, x, x, average_attn_weights=False)[1] != their_maps
    evidence["pytorch_difference"] = (theirs - joined).abs().max().item()
    evidence["maps"] = their_maps.shape[1]
    evidence["maps_changed"] = int(changed.any(dim=(0, 2, 3)).sum())
    print(
        f"헤드를 하나씩 계산한 것과 PyTorch의 최대 차이: {evidence['pytorch_difference']:.1e}"
    )
    print(
        f"0번 헤드의 W^Q를 바꿀 때 변한 어텐션 맵: {evidence['maps']}장 가운데 {evidence['maps_changed']}장"
    )

# %% [markdown]
# ## axis=1로 이어 붙인다는 말은 두 가지로 읽혀요
#
# 1번 축이 무엇인지는 텐서의 모양이 정해요. **배치 × 헤드 × 길이 × 차원**이라면 1번 축은 헤드예요. 거기로 이어 붙이는 것은 헤드를 **쌓는** 것이라,
# 한꺼번에 계산해도 헤드마다 따로 계산한 것과 같아요.
# 배치를 빼고 그린 **길이 × 차원**이라면 1번 축은 차원이에요. 거기로 이어 붙이면 헤드의 경계가 사라져요.


# %%
def concatenated(heads, dim):
    """Attention after q, k and v of h heads, each (B, 1, N, d), are concatenated
    along an axis: h pairs of (q, k, v) -> (B, h, N, d) or (B, 1, N, h d), divided by
    the root of d either way."""
    d = heads[0][0].shape[-1]
    q, k, v = (torch.cat(parts, dim=dim) for parts in zip(*heads))
    return (q @ k.transpose(-2, -1) / d**0.5).softmax(dim=-1) @ v


# %%
if __name__ == "__main__":
    with torch.inference_mode():
        by_head = [
            tuple(part[:, None] for part in parts)
            for parts in zip(
                *(side.chunk(3, dim=-1) for side in model.qkv(x).chunk(3, dim=-1))
            )
        ]  # h times q, k, v: (B, 1, N, d) each
        stacked = concatenated(by_head, dim=1)  # (B, h, N, d)
        side_by_side = concatenated(by_head, dim=3)  # (B, 1, N, h d)
    along_heads = torch.stack(heads, dim=1)
    evidence["head_axis_difference"] = (stacked - along_heads).abs().max().item()
    evidence["feature_axis_maps"] = side_by_side.shape[1]
    apart = relative_error(side_by_side[:, 0], torch.cat(heads, dim=-1))
    evidence["feature_axis_error"] = apart
    print(f"헤드 축으로 쌓아 계산: 차이 {evidence['head_axis_difference']:.1e}")
    print(f"차원 축으로 이어 붙여 계산: 맵 한 장, 상대 오차 {apart:.2f}")

# %% [markdown]
# ## Q·K·V를 차원 쪽으로 이어 붙이면 헤드가 하나가 돼요
#
# 이어 붙인 벡터의 내적은 헤드별 내적의 **합**이에요. 곧 $QK^\top = \sum_i Q_i K_i^\top$이고, 점수표도 softmax도 하나뿐이에요.
# 가중치는 그대로 두고 `num_heads`만 1로 바꾸면 그 계산이 되는데, 하나가 더 바뀌어요. 점수를 나누는 수가 $\sqrt{d}$에서 $\sqrt{hd}$로 커져요.
# 합친 탓인지 나누는 수 탓인지 섞이지 않도록 $\sqrt{d}$로 나눈 것을 주로 재고, `num_heads`만 바꾼 것은 따로 재요.


# %%
def as_one_head(model, keep_scale=True):
    """The same weights, one softmax over the concatenated Q, K and V:
    MultiHeadAttention with a single head.

    keep_scale: scores stay divided by the root of a head's d, not of h d."""
    dim = model.proj.in_features
    joint = MultiHeadAttention(dim, num_heads=1)
    joint.load_state_dict(model.state_dict())
    if keep_scale:  # q times sqrt(h), as one head divides by sqrt(h d)
        with torch.no_grad():
            joint.qkv.weight[:dim] *= model.num_heads**0.5
            joint.qkv.bias[:dim] *= model.num_heads**0.5
    return joint


# %%
if __name__ == "__main__":
    with torch.inference_mode():
        q, k, v = model.qkv(x).chunk(
            3, dim=-1
        )  # (B, N, D) each: the heads side by side
        by_head = [
            a @ b.transpose(-2, -1)
            for a, b in zip(q.chunk(3, dim=-1), k.chunk(3, dim=-1))
        ]  # h of (B, N, N)
        joint = q @ k.transpose(-2, -1)  # (B, N, N)
        errors = []
        for seed in range(5):
            torch.manual_seed(seed)
            model, x = (
                MultiHeadAttention(dim=192, num_heads=3),
                torch.randn(2, 197, 192),
            )
            errors.append(relative_error(as_one_head(model)(x)[0], model(x)[0]))
    evidence["score_sum_difference"] = (joint - sum(by_head)).abs().max().item()
    evidence["one_softmax_error_random"] = errors
    print(
        f"이어 붙인 벡터의 점수와 헤드별 점수의 합의 최대 차이: {evidence['score_sum_difference']:.1e}"
    )
    print(
        f"막 초기화한 가중치 다섯 벌에서 출력의 상대 오차: {min(errors):.2f}~{max(errors):.2f}"
    )

# %% [markdown]
# ## 맵이 하나면 못 하는 일
#
# 막 초기화한 가중치는 점수가 작아 어느 맵이나 평평해요. 그러니 학습을 시켜서 봐야 공평해요.
# 과제는 토큰마다 **앞 토큰과 뒤 토큰을 둘 다** 알아내는 거예요. 토큰은 무작위 벡터이고, 양 끝은 고리처럼 이어져 있어요.
# 헤드가 둘이면 하나는 앞을, 하나는 뒤를 보면 돼요. 맵이 하나뿐이면 두 이웃을 섞은 합 $a\,x_{i-1} + b\,x_{i+1}$ 하나만 남아요.
# 토큰의 분산이 1이니, 어떤 비율로 섞든 그 합에서 둘을 되찾을 때 최선의 오차는 $\frac{1}{2}$이에요.


# %%
class Neighbours(nn.Module):
    """One attention layer that shall tell the tokens before and after each: (B, N,
    C) -> (B, N, 2 C) and its maps."""

    def __init__(self, num_heads, length=12, channels=8, dim=32):
        super().__init__()
        self.embed = nn.Linear(channels, dim)
        self.pos_embed = nn.Parameter(torch.randn(length, dim) / 2)
        self.attn = MultiHeadAttention(dim, num_heads)
        self.head = nn.Linear(dim, 2 * channels)

    def forward(self, x):
        z, attn = self.attn(self.embed(x) + self.pos_embed)
        return self.head(z), attn


def batch(size, length=12, channels=8):
    """Random tokens (B, N, C) and what stands before and after each (B, N, 2 C)."""
    x = torch.randn(size, length, channels)
    return x, torch.cat([x.roll(1, dims=1), x.roll(-1, dims=1)], dim=-1)


def train(num_heads, seed, steps=150):
    """A trained Neighbours and its mean squared error on new tokens."""
    torch.manual_seed(seed)
    model = Neighbours(num_heads)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        x, y = batch(32)
        loss = (model(x)[0] - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        x, y = batch(1000)
        return model, (model(x)[0] - y).square().mean().item()


# %%
if __name__ == "__main__":
    SEEDS, NAMES = range(5), {2: "two_heads_mse", 1: "one_map_mse"}
    nets, untrained = ({num_heads: [] for num_heads in NAMES} for _ in range(2))
    null["배우지 않은 모델"] = {}
    for num_heads, name in NAMES.items():
        nets[num_heads], evidence[name] = zip(
            *(train(num_heads, seed) for seed in SEEDS)
        )
        untrained[num_heads], null["배우지 않은 모델"][name] = zip(
            *(train(num_heads, seed, steps=0) for seed in SEEDS)
        )
        listed = ", ".join(f"{error:.4f}" for error in evidence[name])
        before = mean(null["배우지 않은 모델"][name])
        print(
            f"softmax {num_heads}개: 시드 다섯의 오차 {listed} (배우기 전 평균 {before:.2f})"
        )
    parameters = [
        sum(p.numel() for p in nets[num_heads][0].parameters())
        for num_heads in NAMES
    ]
    evidence["parameter_difference"] = parameters[0] - parameters[1]
    print(f"파라미터는 {parameters[0]:,}개와 {parameters[1]:,}개")

# %% [markdown]
# 학습한 두 헤드의 맵을 보면 앞과 뒤로 역할이 나뉘어 있어요. 같은 가중치를 softmax 하나로 다시 계산하면 출력이 크게 달라져요.


# %%
def weight_at(maps, offset):
    """Mean weight (h) that maps (h, N, N) give to the token offset places on,
    around the ring."""
    return maps.roll(-offset, dims=2).diagonal(dim1=1, dim2=2).mean(dim=1)


def favourite(maps):
    """Weight that each head of maps (h, N, N) gives to the neighbour it likes
    better, the lesser head's: float."""
    return (
        torch.stack([weight_at(maps, -1), weight_at(maps, 1)])
        .amax(dim=0)
        .min()
        .item()
    )


# %%
if __name__ == "__main__":
    with torch.no_grad():
        x, _ = batch(1000)
        maps = {
            num_heads: [net(x)[1].mean(dim=0) for net in nets[num_heads]]
            for num_heads in NAMES
        }  # (h, N, N) each
        errors, renamed = [], []
        for net in nets[2]:
            tokens = net.embed(x) + net.pos_embed
            right = net.attn(tokens)[0]
            for found, keep_scale in ((errors, True), (renamed, False)):
                joint = as_one_head(net.attn, keep_scale)
                found.append(relative_error(joint(tokens)[0], right))
        null["배우지 않은 모델"]["two_heads_specialised"] = [
            favourite(net(x)[1].mean(dim=0)) for net in untrained[2]
        ]
    evidence["two_heads_specialised"] = [favourite(found) for found in maps[2]]
    evidence["one_softmax_error_trained"] = errors
    evidence["num_heads_error_trained"] = renamed
    one_before, one_after = (
        weight_at(maps[1][0], offset).item() for offset in (-1, 1)
    )
    least = min(evidence["two_heads_specialised"])
    print(
        f"두 헤드가 저마다 좋아하는 이웃에 준 가중치: 시드 다섯 모두 {least:.2f} 이상"
    )
    print(
        f"맵 하나가 앞 토큰에 준 가중치 {one_before:.2f}, 뒤 토큰에 준 가중치 {one_after:.2f} (첫 시드)"
    )
    print(
        f"학습한 가중치를 softmax 하나로 다시 계산할 때의 상대 오차: {min(errors):.2f}~{max(errors):.2f}"
    )
    print(f"num_heads만 1로 바꿀 때: {min(renamed):.2f}~{max(renamed):.2f}")

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(1, 3, figsize=(4.5, 2.6), sharey=True)
    titles = "헤드 1", "헤드 2", "맵 하나"
    for axis, attn, title in zip(axes, [*maps[2][0], *maps[1][0]], titles):
        image = axis.imshow(attn, vmin=0, vmax=1, cmap="viridis")
        axis.set(
            title=title, xlabel="키", xticks=range(0, 12, 4), yticks=range(0, 12, 4)
        )
        axis.grid(False)
    axes[0].set_ylabel("쿼리")
    figure.colorbar(
        image, ax=axes, location="bottom", aspect=40, label="어텐션 가중치"
    )
    alt = (
        f"두 헤드는 각각 앞과 뒤 한쪽 이웃에 가중치 {favourite(maps[2][0]):.2f} 이상을 주지만, 이어 붙인 맵 하나는 "
        f"앞에 {one_before:.2f}, 뒤에 {one_after:.2f}의 가중치를 나눠 줘서 두 토큰이 섞여요."
    )
    show(figure, "attention_maps", alt)

# %% [markdown]
# ## 길이 N은 얼마일까요?
#
# 어텐션에 들어가는 텐서는 B × h × N × d예요. N은 픽셀 수가 아니라 **패치 수 + 1**, 곧 $(H/P)(W/P) + 1$이고 1은 클래스 토큰이에요.

# %%
if __name__ == "__main__":
    H, W, P, D, h = 224, 160, 16, 192, 3
    with torch.inference_mode():
        patches = nn.Conv2d(3, D, kernel_size=P, stride=P)(
            torch.zeros(2, 3, H, W)
        )  # (B, D, H / P, W / P)
        tokens = torch.cat(
            [torch.zeros(2, 1, D), patches.flatten(2).transpose(1, 2)], dim=1
        )  # (B, N, D)
        q, k, v = (
            nn.Linear(D, 3 * D)(tokens)
            .unflatten(-1, (3, h, D // h))
            .permute(2, 0, 3, 1, 4)
        )  # (B, h, N, d) each
    evidence["layout"] = " x ".join(str(size) for size in q.shape)
    evidence["tokens"], evidence["grid_cells"] = (
        q.shape[2],
        patches.shape[2] * patches.shape[3],
    )
    evidence["pixels"] = H * W
    grid = " x ".join(str(size) for size in patches.shape[2:])
    print(
        f"{H} x {W} 이미지를 {P}px 패치로 자르면 {grid}칸, q의 모양은 {evidence['layout']}"
    )
    print(
        f"H와 W를 픽셀 수로 읽으면 N이 {H * W + 1:,}이어야 하는데 실제는 {evidence['tokens']}"
    )

# %%
if __name__ == "__main__":
    tolerance = {
        "score_sum_difference": 1e-4,
        "one_softmax_error_random": 0.02,
        "one_softmax_error_trained": 0.1,
        "num_heads_error_trained": 0.1,
        "two_heads_mse": 0.02,
        "one_map_mse": 0.03,
        "two_heads_specialised": 0.05,
    }
    evidence
