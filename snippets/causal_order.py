# %% [markdown]
# # 뒤를 가리기만 하면 순서를 알까요?
#
# 디코더는 뒤의 토큰을 못 보게 가려요(인과 마스크, causal mask). 위치 임베딩이 없어도 자리마다 보는 토큰이 달라지니 순서가 드러날 것 같아요.
# **맨 끝 토큰**은 앞의 토큰을 모두 봐요. 앞의 셋을 이리저리 바꿔 넣고, 끝 토큰의 출력이 달라지는지 층의 수를 바꿔 가며 봐요.

# %%
from itertools import permutations

import torch
import torch.nn.functional as F
from lib.figure import table

TOKENS, DIM, LAYERS = 4, 64, (1, 2, 3)
# every order of the first three tokens but the given one, the last staying last
ORDERS = torch.tensor([[*order, 3] for order in permutations(range(3))][1:])


# %% [markdown]
# ## 가중치가 없는 어텐션을 층층이 쌓아요
#
# 토큰을 그대로 Q·K·V로 쓰고 잔차로 더해요. 층 하나라면 가중치가 무엇이든 마찬가지예요. 끝 토큰의 출력은
# $\sum_j a_j v_j$인데, $a_j$와 $v_j$는 $j$째 토큰에 **무엇이 있는지**만 보고 정해지니 합은 순서를 몰라요.
# 둘째 층은 달라요. 첫 층을 지난 토큰에는 **그 앞에 무엇이 있었는지**가 이미 섞여 있어요.


# %%
def stack(tokens, layers, is_causal=True):
    """So many layers of plain attention with residuals: (B, N, D) -> (B, N, D)."""
    for _ in range(layers):
        seen = F.scaled_dot_product_attention(
            tokens, tokens, tokens, is_causal=is_causal
        )
        tokens = tokens + seen  # (B, N, D)
    return tokens


def last_changes(tokens, layers, is_causal=True):
    """How much the last token's output changes, relative to itself, with each other
    order of those before it: tokens (4, D) -> (5,)."""
    plain = stack(tokens[None], layers, is_causal)[0, -1]  # (D,)
    others = stack(tokens[ORDERS], layers, is_causal)[:, -1]  # (5, D)
    return (others - plain).norm(dim=1) / plain.norm()


def place_difference(tokens, layers):
    """Largest difference between the outputs of any two places: (N, D) -> float."""
    out = stack(tokens[None], layers)[0]  # (N, D)
    return (out[:, None] - out).abs().max().item()


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, rows = {}, []
    draws = [
        # small, or each would look at itself alone
        torch.randn(
            TOKENS, DIM, generator=torch.Generator().manual_seed(seed)
        ).double()
        * DIM**-0.25
        for seed in range(5)
    ]
    for layers in LAYERS:
        changes = torch.cat([last_changes(tokens, layers) for tokens in draws])
        least, most = changes.min().item(), changes.max().item()
        evidence |= {f"least_{layers}": least, f"most_{layers}": most}
        shown = f"{most:.0e}" if most < 1e-3 else f"{least:.2f}~{most:.2f}"
        rows.append([f"{layers}층", shown])
    table(
        "layers",
        "앞의 셋을 바꿀 때 끝 토큰의 상대 변화 (순서 5가지, 시드 5개)",
        ["마스크를 씌운 어텐션", "변화"],
        rows,
    )
    unmasked = [last_changes(tokens, 2, is_causal=False) for tokens in draws]
    evidence["most_unmasked"] = torch.cat(unmasked).max().item()
    print(f"마스크가 없으면 두 층이어도 많아야 {evidence['most_unmasked']:.0e}")

# %% [markdown]
# ## 같은 토큰만 늘어서면
#
# 마스크는 자리의 번호를 알려 주지 않아요. 똑같은 토큰만 넣으면, 몇 개를 섞어 평균해도 같은 값이라 층을 쌓아도 자리를 가릴 수 없어요.
# 맨 앞 하나만 다르면(문장의 시작을 알리는 토큰처럼) 그 토큰이 섞이는 몫이 자리마다 달라서 가릴 수 있어요.

# %%
if __name__ == "__main__":
    same = draws[0][:1].expand(TOKENS, -1)  # (4, D)
    marked = torch.cat([draws[0][1:2], same[1:]])  # another token in front
    evidence["same_places"] = place_difference(same, 3)
    after = stack(marked[None], 1)[0, 1:]  # (3, D): the three that are the same
    evidence["marked_places"] = (
        (after[:, None] - after)
        .abs()
        .amax(-1)[~torch.eye(3, dtype=bool)]
        .min()
        .item()
    )
    print(f"같은 토큰 넷: 자리끼리의 차이 {evidence['same_places']:.0e} (세 층)")
    print(f"맨 앞만 다르면: 적어도 {evidence['marked_places']:.2f} (한 층)")

# %%
if __name__ == "__main__":
    evidence
