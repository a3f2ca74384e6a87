# %% [markdown]
# # 훅을 걸었는데 어텐션 맵이 비어 있을 때
#
# 합친 커널(`F.scaled_dot_product_attention`)로 계산하는 모델은 어텐션 맵을 **만들지 않아요**. 그래서 맵이 지나가던 자리에 훅(hook)을 걸어도
# 불리지 않거나 `None`이 나와요. 불린 횟수를 세어 확인하고, 맵을 얻는 길 셋을 견줘요. 마지막으로 얻은 맵이 맞는지 **모델의 출력으로** 확인해요.

# %%
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from lib.figure import table
from lib.measure import relative_error
from torch import nn
from vit import Attention, VisionTransformer

# %% [markdown]
# ## 갈림길이 있는 어텐션
#
# 공개된 구현들처럼 스위치 하나로 두 길을 오가는 어텐션이에요. 합친 커널의 길에는 `attn_drop`을 지나는 텐서가 없어요.


# %%
class Switch(Attention):
    """Attention with a switch: fused, or step by step through the module attn_drop;
    (B, N, D) -> (B, N, D) and None."""

    def __init__(self, dim, num_heads=8, qkv_bias=True, qk_norm=False, drop=0.0):
        super().__init__(dim, num_heads, qkv_bias)
        d = dim // num_heads
        self.q_norm = nn.LayerNorm(d) if qk_norm else nn.Identity()
        self.k_norm = nn.LayerNorm(d) if qk_norm else nn.Identity()
        self.attn_drop = nn.Dropout(drop)
        self.fused = True

    def forward(self, x, return_attn=False):
        q, k, v = heads(self.qkv(x), self.num_heads)  # (B, h, N, d) each
        q, k = self.q_norm(q), self.k_norm(k)
        if self.fused:
            p = self.attn_drop.p if self.training else 0.0
            z = F.scaled_dot_product_attention(q, k, v, dropout_p=p)
        else:
            z = self.attn_drop(attention_map(q, k)) @ v
        return self.proj(z.transpose(1, 2).flatten(2)), None  # heads side by side


def heads(qkv, num_heads):
    """What the layer qkv gives, (B, N, 3 D) -> q, k, v, (B, h, N, d) each."""
    return qkv.unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


def attention_map(q, k, scale=None):
    """softmax of q k^T / sqrt(d): (B, h, N, d) twice -> (B, h, N, N)."""
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    return (q @ k.transpose(-2, -1) * scale).softmax(dim=-1)


def model_of(depth=3, **options):
    """A small ViT with Switch in each block: 17 tokens, width 32, four heads."""
    torch.manual_seed(0)
    model = VisionTransformer(
        img_size=16,
        patch_size=4,
        num_classes=10,
        embed_dim=32,
        depth=depth,
        num_heads=4,
    )
    for block in model.blocks:
        block.attn = Switch(32, num_heads=4, **options)
    for name, parameter in model.named_parameters():
        if "norm" not in name:  # so that maps are far from even
            nn.init.normal_(parameter, std=0.3)
    return model.eval()


# %% [markdown]
# ## 세어 봐요: 훅이 몇 번 불리나요


# %%
@contextmanager
def listening(modules):
    """Collect what the modules give while the block runs: a list of outputs, in
    the order of the calls."""
    outputs = []
    handles = [
        module.register_forward_hook(lambda *call: outputs.append(call[2]))
        for module in modules
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def switch(model, fused):
    """Turn the fused kernel on or off in each block of the model."""
    for block in model.blocks:
        block.attn.fused = fused


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence = {}
    model, images = model_of(), torch.randn(2, 3, 16, 16)
    drops = [block.attn.attn_drop for block in model.blocks]
    with torch.no_grad():
        with listening(drops) as fused_maps:
            logits = model(images)
        switch(model, fused=False)
        with listening(drops) as maps:
            stepwise = model(images)
    evidence["blocks"] = len(model.blocks)
    evidence["calls_fused"], evidence["calls_stepwise"] = len(fused_maps), len(maps)
    evidence["switch_difference"] = (logits - stepwise).abs().max().item()
    print(
        f"attn_drop의 훅: 합친 커널 {len(fused_maps)}번, 끄면 {len(maps)}번 "
        f"{tuple(maps[0].shape)}"
    )
    print(f"두 길의 로짓의 차이: {evidence['switch_difference']:.1e}")

    dropping = model_of(drop=0.5).train()
    switch(dropping, fused=False)
    with torch.no_grad(), listening([dropping.blocks[0].attn.attn_drop]) as dropped:
        dropping(images)
    off = (dropped[0].sum(-1) - 1).abs().max().item()  # rows should sum to 1
    evidence["row_error_eval"] = (maps[0].sum(-1) - 1).abs().max().item()
    evidence["row_error_train"] = off
    print(
        f"학습 모드에서 훅이 받은 맵의 행의 합은 1에서 많게는 {off:.2f} 어긋나요."
    )


# %% [markdown]
# ## `nn.MultiheadAttention`은 달라고 해야 줘요
#
# 바로 부르면 맵을 주지만 **헤드를 평균 낸 것**이에요. `nn.TransformerEncoderLayer`는 `need_weights=False`로 불러서 훅에는 `None`이 와요.
# 아래의 앞선 훅(pre-hook)은 부르는 말을 바꿔서 헤드마다 맵을 받아요.


# %%
def ask_for_maps(module, args, kwargs):
    """A forward pre-hook for nn.MultiheadAttention: the same call, with the maps of
    all heads."""
    return args, kwargs | {"need_weights": True, "average_attn_weights": False}


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True).eval()
    tokens = torch.randn(2, 17, 32)
    mha = layer.self_attn
    with torch.no_grad():
        before = layer(tokens)
        called = {
            "그냥 부름": mha(tokens, tokens, tokens)[1],
            "average_attn_weights=False": mha(
                tokens, tokens, tokens, average_attn_weights=False
            )[1],
            "need_weights=False": mha(tokens, tokens, tokens, need_weights=False)[
                1
            ],
        }
        with listening([mha]) as heard:
            layer(tokens)
        called["인코더 층 안의 훅"] = heard[0][1]
        handle = mha.register_forward_pre_hook(ask_for_maps, with_kwargs=True)
        with listening([mha]) as heard:
            after = layer(tokens)
        handle.remove()
        called["앞선 훅으로 달라고 함"] = heard[0][1]
    table(
        "returned",
        "nn.MultiheadAttention이 둘째로 주는 것",
        ["부르는 법", "모양"],
        [
            [name, "None" if got is None else "×".join(map(str, got.shape))]
            for name, got in called.items()
        ],
    )
    plain, by_head = called["그냥 부름"], called["average_attn_weights=False"]
    evidence["mean_difference"] = (plain - by_head.mean(1)).abs().max().item()
    evidence["encoder_none"] = called["인코더 층 안의 훅"] is None
    evidence["asked_difference"] = (before - after).abs().max().item()
    evidence["asked_maps"] = (
        (called["앞선 훅으로 달라고 함"] - by_head).abs().max().item()
    )

# %% [markdown]
# ## 바꿔치기: 합친 커널이 불릴 때 맵을 적어 둬요
#
# 훅을 걸 모듈이 없으면 함수를 잠시 바꿔요. q와 k를 그대로 받으니 위치나 정규화가 q, k에 더해지는 모델에서도 맞아요. 하지만 함수를 부르지 않는
# 길이 있으면 아무것도 적히지 않아요. `nn.TransformerEncoderLayer`를 `eval()`로 두고 기울기 없이 부르면 층 전체를 한 번에 계산하는 **빠른 길**로 가요.


# %%
@contextmanager
def recording():
    """Collect the maps (B, h, N, N) of each F.scaled_dot_product_attention called
    in the block; masks and dropout are not followed."""
    maps, fused = [], F.scaled_dot_product_attention

    def attend(q, k, v, *args, scale=None, **kwargs):
        maps.append(attention_map(q, k, scale))
        return fused(q, k, v, *args, scale=scale, **kwargs)

    F.scaled_dot_product_attention = attend
    try:
        yield maps
    finally:
        F.scaled_dot_product_attention = fused


# %%
if __name__ == "__main__":
    with torch.no_grad():
        with recording() as fast:
            layer(tokens)
        torch.backends.mha.set_fastpath_enabled(False)
        with recording() as slow:
            layer(tokens)
        torch.backends.mha.set_fastpath_enabled(True)
    evidence["recorded_fast"], evidence["recorded_slow"] = len(fast), len(slow)
    evidence["recorded_difference"] = (slow[0] - by_head).abs().max().item()
    print(f"적힌 맵: 빠른 길 {len(fast)}장, 빠른 길을 끄면 {len(slow)}장")


# %% [markdown]
# ## 다시 계산: qkv의 출력에서 맵을 만들고, proj의 입력과 맞춰 봐요
#
# 맵을 $A$라 하면 `proj`로 들어가는 것은 헤드마다 $Av$를 이어 붙인 것이에요. 그러니 **내 맵에 v를 곱해 proj의 입력이 나오는지** 보면,
# 맵을 어떻게 얻었든 맞는지 알 수 있어요. 흔히 틀리는 넷을 일부러 넣어 봐요.


# %%
def recompute(attn, qkv, scale=None):
    """The map (B, h, N, N) and v (B, h, N, d) that the layer qkv's output (B, N, 3
    D) makes in attn."""
    q, k, v = heads(qkv, attn.num_heads)
    return attention_map(attn.q_norm(q), attn.k_norm(k), scale), v


def output_error(A, v, z):
    """How far A v, heads side by side, is from what entered proj, z (B, N, D)."""
    return relative_error((A @ v).transpose(1, 2).flatten(2), z)


@torch.no_grad()
def qkv_and_z(model, images):
    """What the first block's layer qkv gives and what enters its proj: (B, N, 3 D),
    (B, N, D)."""
    attn, entered = model.blocks[0].attn, []
    handle = attn.proj.register_forward_pre_hook(lambda _, x: entered.append(x[0]))
    with listening([attn.qkv]) as qkv:
        model(images)
    handle.remove()
    return qkv[0], entered[0]


# %%
if __name__ == "__main__":
    switch(model, fused=True)
    attn = model.blocks[0].attn
    qkv, z = qkv_and_z(model, images)
    A, v = recompute(attn, qkv)
    evidence["map_difference"] = (A - maps[0]).abs().max().item()
    normed = model_of(qk_norm=True)
    normed_qkv, normed_z = qkv_and_z(normed, images)
    normed_A, normed_v = recompute(normed.blocks[0].attn, normed_qkv)
    forgotten = attention_map(*heads(normed_qkv, 4)[:2])
    wrong_order = qkv.unflatten(-1, (4, 3, -1)).permute(3, 0, 2, 1, 4)
    tried = {
        "제대로": (A, v, z),
        "제대로 (q, k에 정규화가 있음)": (normed_A, normed_v, normed_z),
        "√d로 나누기를 빼먹음": (*recompute(attn, qkv, scale=1.0), z),
        "헤드를 평균 냄": (A.mean(1, keepdim=True).expand_as(A), v, z),
        "3과 h의 축을 바꿈": (attention_map(*wrong_order[:2]), wrong_order[2], z),
        "q, k의 정규화를 빼먹음": (forgotten, normed_v, normed_z),
    }
    errors = {name: output_error(*parts) for name, parts in tried.items()}
    sums = {
        name: (parts[0].sum(-1) - 1).abs().max().item()
        for name, parts in tried.items()
    }
    right = [name for name in tried if name.startswith("제대로")]
    wrong = [name for name in tried if name not in right]
    evidence["right_error"] = [errors[name] for name in right]
    evidence["wrong_error"] = [errors[name] for name in wrong]
    evidence["wrong_row_error"] = [sums[name] for name in wrong]
    table(
        "checked",
        "맵에 v를 곱한 것이 proj의 입력과 다른 정도 (상대 오차)",
        ["다시 계산한 법", "행의 합", "다른 정도"],
        [
            [
                name,
                "1" if sums[name] < 1e-5 else "1이 아님",
                f"{errors[name]:.2f}" if errors[name] > 0.005 else "0",
            ]
            for name in tried
        ],
    )


# %% [markdown]
# ## 얼마나 드나요
#
# 맵을 모두 남기면 층 × 헤드 × 토큰 수의 제곱만큼 자리가 들어요. 클래스 토큰의 행만 남기면 토큰 수로 나눈 만큼이에요.


# %%
def map_bytes(pixels, patch=16, depth=12, num_heads=12, rows=None):
    """Bytes of the maps of one image in float32, all rows unless told how many."""
    N = 1 + (pixels // patch) ** 2
    return depth * num_heads * (rows or N) * N * 4


# %%
if __name__ == "__main__":
    formula = map_bytes(16, 4, depth=3, num_heads=4) * len(images)
    evidence["bytes_counted"] = sum(A.numel() * A.element_size() for A in maps)
    evidence["bytes_formula"] = formula
    evidence["mb_224"] = map_bytes(224) / 2**20
    evidence["mb_448"] = map_bytes(448) / 2**20
    evidence["mb_class_row"] = map_bytes(224, rows=1) / 2**20
    table(
        "bytes",
        "ViT-B/16이 이미지 한 장에서 남기는 맵 (MiB, float32)",
        ["해상도", "맵 전부", "클래스 토큰의 행만"],
        [
            [
                f"{pixels}×{pixels}",
                f"{map_bytes(pixels) / 2**20:,.0f}",
                f"{map_bytes(pixels, rows=1) / 2**20:.1f}",
            ]
            for pixels in (224, 448, 896)
        ],
    )

# %%
if __name__ == "__main__":
    tolerance = {"row_error_train": 2}
    evidence
