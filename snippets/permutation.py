# %% [markdown]
# # 순서를 바꿔 넣으면 무엇이 바뀔까요?
#
# 토큰 A, B, C, D를 ABCD, BACD, DCBA처럼 순서만 바꿔 인코더에 넣어요. 위치 임베딩(position embedding)이 없으면 토큰마다 나오는 값은
# **그대로이고 자리만 따라 옮겨 가요**. 이것이 등변성(equivariance), $f(Px) = P f(x)$예요. 위치 임베딩을 더하면 이 성질이 깨져요.

# %%
from itertools import permutations

import torch
from lib.figure import BLUE, GREEN, ORANGE, PINK, show, table
from matplotlib import pyplot as plt
from torch import nn
from vit import VisionTransformer

DIM, SEEDS = 64, (0, 1, 2)
ORDERS = torch.tensor(list(permutations(range(4))))[
    1:
]  # (23, 4): every order of ABCD but itself


def encoder(pos_embed, seed, dtype=torch.float32):
    """A ViT of 4 blocks for images of 2 x 2 patches, with weights so large that
    every part has its say.

    As initialised for training (std 0.02) attention is all but uniform, and
    whatever it does would hardly be seen."""
    torch.manual_seed(seed)
    model = VisionTransformer(
        img_size=8,
        patch_size=4,
        num_classes=10,
        embed_dim=DIM,
        depth=4,
        num_heads=4,
        pos_embed=pos_embed,
    )
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
    nn.init.normal_(model.cls_token)
    if pos_embed == "learn":
        nn.init.normal_(model.pos_embed)  # as if trained: as large as the tokens
    return model.to(dtype).eval().requires_grad_(False)


def encode(model, tokens):
    """Tokens (B, N, D) through all blocks, without class token or position
    embedding: (B, N, D)."""
    for block in model.blocks:
        tokens, _ = block(tokens)
    return model.norm(tokens)


# %% [markdown]
# ## ABCD를 나머지 순서 23가지로 모두 바꿔 넣어요
#
# 어텐션은 키와 값을 **집합**으로 봐요. 쿼리 하나가 키 전체와 내적한 뒤 가중합을 내는데, 합은 더하는 순서를 가리지 않으니까요.
# LayerNorm과 MLP는 토큰마다 따로 계산하니 순서를 알 길이 없어요.
# `pos`는 자리마다 더하는 벡터예요. 비교하려고 **모든 자리에 같은** 벡터를 더하는 경우(선형층의 bias처럼)도 넣어요.


# %%
def relative_error(a, b):
    """Norm of a - b over the norm of b, for each element of the first axis:
    (n,)."""
    return (a - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)


def order_errors(model, tokens, pos):
    """How far f(Px) is from P f(x) and how far from f(x), for each order P but the
    given one: two tensors (23,).

    tokens (4, D): what stands at each place; pos (4, D) or (1, D): what is added to
    a place, whatever stands there."""
    z = encode(model, (tokens + pos)[None])[0]  # f(x): (4, D)
    z_orders = encode(model, tokens[ORDERS] + pos)  # f(Px): (23, 4, D)
    return relative_error(z_orders, z[ORDERS]), relative_error(
        z_orders, z.expand_as(z_orders)
    )


def small_or_range(least, most):
    """What a table shows: the largest value if all are rounding errors, else the
    range."""
    return f"{most:.0e}" if most < 1e-3 else f"{least:.2f}~{most:.2f}"


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence = {}
    followed, in_place = (
        {},
        {},
    )  # (what is added, dtype) -> [least, most] over all orders and seeds
    for dtype in (torch.float32, torch.float64):
        errors = {}
        for seed in SEEDS:
            model = encoder("none", seed, dtype)
            tokens, learned, same = torch.randn(9, DIM).to(dtype).split([4, 4, 1])
            sincos = encoder("sincos", seed, dtype).pos_embed[0, 1:]
            for name, pos in (
                ("없음", 0),
                ("모든 자리에 같은 벡터", same),
                ("사인파", sincos),
                ("자리마다 다른 벡터", learned),
            ):
                errors.setdefault(name, []).append(
                    torch.stack(order_errors(model, tokens, pos))
                )
        for name, values in errors.items():
            (a, b), (c, d) = (
                values.aminmax() for values in torch.cat(values, dim=1)
            )
            followed[name, dtype], in_place[name, dtype] = (
                (a.item(), b.item()),
                (c.item(), d.item()),
            )
    evidence["equivariance_error"] = followed["없음", torch.float32][1]
    evidence["equivariance_error_float64"] = followed["없음", torch.float64][1]
    evidence["least_change_in_place"] = in_place["없음", torch.float64][0]
    evidence["same_vector_equivariance_error"] = followed[
        "모든 자리에 같은 벡터", torch.float32
    ][1]
    evidence["least_equivariance_error_with_sincos"] = followed[
        "사인파", torch.float64
    ][0]
    evidence["least_equivariance_error_with_learned"] = followed[
        "자리마다 다른 벡터", torch.float64
    ][0]
    table(
        "order_errors",
        "토큰을 따라가며 견준 출력의 상대 오차 (순서 23가지, 시드 3개)",
        ["더한 것", "float32", "float64"],
        [
            [name]
            + [
                small_or_range(*followed[name, dtype])
                for dtype in (torch.float32, torch.float64)
            ]
            for name in errors
        ],
    )
    print(
        f"아무것도 더하지 않고 자리끼리 견준 상대 오차: {small_or_range(*in_place['없음', torch.float64])}"
    )

# %% [markdown]
# "토큰을 따라가며"는 A의 출력을 A의 출력과, "자리끼리"는 첫째 출력을 첫째 출력과 견준 거예요.
# 위치 임베딩이 없을 때 남는 오차는 float64로 바꾸면 함께 작아져요. 계산 순서가 달라져 생긴 반올림일 뿐이라는 뜻이에요.

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    tokens, learned = torch.randn(8, DIM).split(4)
    model, colours = (
        encoder("none", seed=0),
        dict(zip("ABCD", (BLUE, ORANGE, GREEN, PINK))),
    )
    fig, axes = plt.subplots(2, 3, figsize=(4.5, 3.2))
    for row, pos, title in zip(
        axes, (0, learned), ("위치 임베딩 없음", "위치 임베딩 있음")
    ):
        for ax, word in zip(row, ("ABCD", "BACD", "DCBA")):
            z = encode(
                model,
                (tokens[["ABCD".index(letter) for letter in word]] + pos)[None],
            )[0]  # (4, D)
            for i in range(4):
                ax.pcolormesh(
                    range(9),
                    (i - 0.4, i + 0.4),
                    z[i : i + 1, :8],
                    cmap="PuOr",
                    vmin=-2.5,
                    vmax=2.5,
                )
            ax.set(xticks=[], ylim=(3.5, -0.5))
            ax.set_yticks(range(4), word, fontweight="bold")
            for label in ax.get_yticklabels():
                label.set_color(colours[label.get_text()])
            ax.tick_params(length=0)
            ax.grid(visible=False)
            ax.spines[:].set_visible(False)
        row[0].set_title(title)
    show(
        fig,
        "strips",
        "토큰 A, B, C, D를 세 가지 순서로 인코딩한 출력의 앞 여덟 값을 색 띠로 그린 그림이에요. 위치 임베딩이 없으면 "
        "글자마다 같은 무늬가 자리만 옮겨 가고, 있으면 같은 글자도 순서마다 무늬가 달라요.",
    )

# %% [markdown]
# ## 클래스 토큰의 로짓은 아예 그대로예요
#
# 클래스 토큰(class token)은 늘 맨 앞에 있어요. 나머지 토큰이 어떻게 섞이든 같은 집합을 보니 값이 **변하지 않아요**. 이것은 불변성(invariance)이에요.
# 이미지라면 패치를 섞어도 로짓(logit)이 같다는 말이라, 그림을 조각내 섞어 놓아도 모델은 알아차리지 못해요.


# %%
def shuffle_patches(x, order, patch_size):
    """Images (B, C, H, W) whose patches, counted row by row, stand in the given
    order: patch order[i] at place i."""
    B, C, H, W = x.shape
    P = patch_size
    patches = (
        x.reshape(B, C, H // P, P, W // P, P)
        .permute(0, 2, 4, 1, 3, 5)
        .flatten(1, 2)
    )  # (B, N, C, P, P)
    patches = patches[:, order].unflatten(
        1, (H // P, W // P)
    )  # (B, H/P, W/P, C, P, P)
    return patches.permute(0, 3, 1, 4, 2, 5).reshape(B, C, H, W)


# %%
if __name__ == "__main__":
    logit_change = {}  # (position embedding, dtype) -> (least, most) over all orders, images and seeds
    for dtype in (torch.float32, torch.float64):
        for pos_embed in ("none", "sincos", "learn"):
            changes = []
            for seed in SEEDS:
                model, x = (
                    encoder(pos_embed, seed, dtype),
                    torch.randn(8, 3, 8, 8).to(dtype),
                )
                logits = model(x)  # (8, 10)
                changes += [
                    relative_error(model(shuffle_patches(x, order, 4)), logits)
                    for order in ORDERS
                ]
            logit_change[pos_embed, dtype] = tuple(
                value.item() for value in torch.cat(changes).aminmax()
            )
    evidence["logit_change_without_position"] = logit_change["none", torch.float32][
        1
    ]
    evidence["logit_change_without_position_float64"] = logit_change[
        "none", torch.float64
    ][1]
    evidence["least_logit_change_with_sincos"] = logit_change[
        "sincos", torch.float64
    ][0]
    evidence["least_logit_change_with_learned"] = logit_change[
        "learn", torch.float64
    ][0]
    table(
        "logit_change",
        "패치를 섞었을 때 로짓의 상대 변화 (순서 23가지, 이미지 8장, 시드 3개)",
        ["위치 임베딩", "float32", "float64"],
        [
            [korean]
            + [
                small_or_range(*logit_change[name, dtype])
                for dtype in (torch.float32, torch.float64)
            ]
            for name, korean in (
                ("none", "없음"),
                ("sincos", "사인파"),
                ("learn", "학습형"),
            )
        ],
    )

# %% [markdown]
# ## 위치 임베딩은 정해 두나요, 배우나요?
#
# 둘 다 있어요. 사인파는 식으로 정해 두고, 학습형은 다른 가중치처럼 기울기를 받아요. 한 스텝만 학습해 봐도 드러나요.
# 더하는 방식은 같아요. 입력이 무엇이든 자리마다 정해진 벡터를 더해요.


# %%
def change_in_a_step(pos_embed):
    """How much one step of gradient descent changes the position embedding, and
    whether it is a parameter at all."""
    torch.manual_seed(0)
    model = VisionTransformer(
        img_size=8,
        patch_size=4,
        num_classes=10,
        embed_dim=DIM,
        depth=2,
        num_heads=4,
        pos_embed=pos_embed,
    )
    before = model.pos_embed.clone()
    loss = nn.functional.cross_entropy(
        model(torch.randn(8, 3, 8, 8)), torch.randint(10, (8,))
    )
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    return (model.pos_embed - before).abs().max().item(), "pos_embed" in dict(
        model.named_parameters()
    )


# %%
if __name__ == "__main__":
    for key, pos_embed, name in (
        ("sincos", "sincos", "사인파"),
        ("learned", "learn", "학습형"),
    ):
        step, is_parameter = change_in_a_step(pos_embed)
        evidence |= {f"{key}_step": step, f"{key}_is_parameter": is_parameter}
        print(
            f"한 스텝 학습한 뒤 위치 임베딩의 변화: {name} {step:.2f}, 파라미터인가요? {is_parameter}"
        )
    model, plain = encoder("learn", seed=0), encoder("none", seed=0)
    plain.load_state_dict(model.state_dict(), strict=False)
    x = torch.randn(2, 3, 8, 8)  # two images that have nothing in common
    added = model.embed(x) - plain.embed(
        x
    )  # (2, 5, D): what the tokens of each image were given
    evidence["added_difference"] = added_difference = (
        (added[0] - added[1]).abs().max().item()
    )
    print(f"서로 다른 두 이미지에 더해진 값의 최대 차이: {added_difference:.0e}")

    model = encoder("none", seed=0, dtype=torch.float64)
    tokens, pos = torch.randn(8, DIM).double().split(4)
    z, z_orders = (
        encode(model, (tokens + pos)[None])[0],
        encode(model, (tokens + pos)[ORDERS]),
    )
    evidence["moved_along_error"] = moved_along_error = (
        relative_error(z_orders, z[ORDERS]).max().item()
    )
    print(
        f"토큰이 제 위치 임베딩을 들고 자리를 옮기면: 상대 오차 {moved_along_error:.0e}"
    )

# %% [markdown]
# ## 뒤를 가리면 이야기가 달라요
#
# 디코더는 뒤 토큰을 못 보게 가려요(causal mask). 첫째 자리는 자기만, 넷째 자리는 넷을 다 보니 **마스크가 자리를 알려 줘요**.
# 가중치 없이 토큰을 그대로 Q·K·V로 쓰는 어텐션 하나에 마스크만 씌워 봐요.


# %%
def causal_errors(tokens, is_causal):
    """How far plain attention on tokens (4, D), without any position embedding, is
    from f(Px) = P f(x): (23,)."""
    z, z_orders = (
        nn.functional.scaled_dot_product_attention(x, x, x, is_causal=is_causal)
        for x in (tokens[None], tokens[ORDERS])
    )  # (1, 4, D) and (23, 4, D)
    return relative_error(z_orders, z[0][ORDERS])


# %%
if __name__ == "__main__":
    tokens = (
        torch.randn(4, DIM).double() * DIM**-0.25
    )  # small, or each would look at itself alone
    evidence["unmasked_error"] = unmasked_error = (
        causal_errors(tokens, is_causal=False).max().item()
    )
    evidence["least_causal_error"] = least_causal_error = (
        causal_errors(tokens, is_causal=True).min().item()
    )
    print(
        f"토큰을 따라가며 견준 상대 오차: 마스크가 없으면 최대 {unmasked_error:.0e}, 있으면 최소 {least_causal_error:.2f}"
    )

# %%
if __name__ == "__main__":
    evidence
