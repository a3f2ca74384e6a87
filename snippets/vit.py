# %% [markdown]
# # ViT 전체를 위에서 아래로 읽기
#
# 이미지를 패치로 자르고, 패치를 토큰으로 바꾸고, Transformer 인코더에 넣은 뒤 클래스 토큰으로 분류해요.
# 아래가 그 전부예요. 파라미터 이름은 timm과 같아서 timm 체크포인트가 `strict=True`로 그대로 들어가요.

# %%
import torch
import torch.nn.functional as F
from torch import nn

# %% [markdown]
# ## 어텐션: 토큰끼리 정보를 주고받아요
#
# 평소에는 빠른 `scaled_dot_product_attention`으로 계산하고, 어텐션 맵을 달라고 하면 식을 그대로 펼쳐 계산해요. 두 길의 결과는 같아요.


# %%
class Attention(nn.Module):
    """Multi-head self-attention, (B, N, D) -> (B, N, D) and, if asked for, the maps
    (B, heads, N, N)."""

    def __init__(self, dim, num_heads=8, qkv_bias=True):
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} is not divisible by num_heads {num_heads}")
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, return_attn=False):
        B, N, D = x.shape
        # ViT (2010.11929) Eq. 5: [q, k, v] = z U_qkv, for all heads at once
        qkv = self.qkv(x).reshape(
            B, N, 3, self.num_heads, D // self.num_heads
        )  # (B, N, 3, h, d)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, h, N, d)
        attn = None
        if return_attn:
            attn = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(
                dim=-1
            )  # Eq. 6, (B, h, N, N)
            z = attn @ v  # Eq. 7, (B, h, N, d)
        else:
            z = F.scaled_dot_product_attention(
                q, k, v
            )  # Eq. 6 and 7 without keeping the N x N map
        z = z.transpose(1, 2).reshape(B, N, D)  # heads side by side again
        return self.proj(z), attn  # Eq. 8: U_msa


# %% [markdown]
# ## 블록: 어텐션과 MLP를 잔차로 쌓아요
#
# LayerNorm이 각 갈래의 **앞**에 있고(pre-LN), 입력을 그대로 더하는 길(잔차)은 아무것도 거치지 않아요.


# %%
class Mlp(nn.Module):
    """Two linear layers with GELU (exact, by erf) between them, the same for every
    token: (B, N, D) -> (B, N, D)."""

    def __init__(self, dim, hidden_dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-LN encoder block: (B, N, D) -> (B, N, D) and the attention maps, None
    unless asked for."""

    def __init__(self, dim, num_heads, mlp_ratio=4.0, qkv_bias=True):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads, qkv_bias)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))

    def forward(self, x, return_attn=False):
        z, attn = self.attn(self.norm1(x), return_attn)
        x = x + z  # ViT Eq. 2: z' = MSA(LN(z)) + z
        x = x + self.mlp(self.norm2(x))  # ViT Eq. 3: z = MLP(LN(z')) + z'
        return x, attn


# %% [markdown]
# ## 패치와 위치: 이미지를 토큰 열로 바꿔요


# %%
class PatchEmbed(nn.Module):
    """Cut (B, C, H, W) into P x P patches and project each by the same linear map:
    (B, HW / P^2, D).

    Raises ValueError if P divides not both H and W.
    """

    def __init__(self, patch_size=16, in_chans=3, embed_dim=768):
        super().__init__()
        self.patch_size = patch_size
        self.proj = nn.Conv2d(
            in_chans, embed_dim, kernel_size=patch_size, stride=patch_size
        )  # E of ViT Eq. 1

    def forward(self, x):
        H, W = x.shape[-2:]
        if H % self.patch_size or W % self.patch_size:
            raise ValueError(
                f"image of {H}x{W} px cannot be cut into patches of {self.patch_size} px"
            )
        return (
            self.proj(x).flatten(2).transpose(1, 2)
        )  # (B, D, H/P, W/P) -> (B, D, N) -> (B, N, D)


def sincos_pos_embed(grid, dim):
    """Fixed sines and cosines of row and column, (1, 1 + grid^2, dim), zeros for
    the class token (as 2205.01580)."""
    if dim % 4:
        raise ValueError(f"sincos needs an embed_dim divisible by 4, not {dim}")
    omega = 10000 ** -torch.linspace(0, 1, dim // 4)
    y, x = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    y, x = y.reshape(-1, 1) * omega, x.reshape(-1, 1) * omega  # (N, D/4) each
    pos = torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1)
    return torch.cat([torch.zeros(1, dim), pos])[None]


def resample_abs_pos_embed(
    pos_embed,
    new_size,
    old_size=None,
    num_prefix_tokens=1,
    interpolation="bicubic",
    antialias=True,
):
    """Resize (1, prefix + N, D) from a grid of old_size to one of new_size, both
    (rows, columns), prefix tokens untouched (ViT section 3.2).

    Same formula as timm's function of this name. Without old_size the grid is taken
    for a square. An unchanged grid comes back unchanged."""
    prefix, grid = (
        pos_embed[:, :num_prefix_tokens],
        pos_embed[:, num_prefix_tokens:],
    )
    G, D = int(grid.shape[1] ** 0.5), grid.shape[2]
    rows, columns = old_size or (G, G)
    grid = (
        grid.float().reshape(1, rows, columns, D).permute(0, 3, 1, 2)
    )  # an image of D channels
    grid = F.interpolate(
        grid, size=new_size, mode=interpolation, antialias=antialias
    )
    grid = grid.permute(0, 2, 3, 1).reshape(1, -1, D).to(pos_embed.dtype)
    return torch.cat([prefix, grid], dim=1)


# %% [markdown]
# ## ViT: 전부 이어 붙여요


# %%
class VisionTransformer(nn.Module):
    """ViT (2010.11929): (B, C, H, W) -> logits (B, num_classes), for any H and W
    that patch_size divides.

    pos_embed: "learn", "sincos" (fixed, 2-D) or "none". With return_attn=True also
    the attention maps of all blocks, (B, depth, heads, 1 + N, 1 + N), row = query,
    column = key, class token first.
    """

    def __init__(
        self,
        img_size=224,
        patch_size=16,
        in_chans=3,
        num_classes=1000,
        embed_dim=768,
        depth=12,
        num_heads=12,
        mlp_ratio=4.0,
        qkv_bias=True,
        pos_embed="learn",
    ):
        super().__init__()
        if img_size % patch_size:
            raise ValueError(
                f"img_size {img_size} is not divisible by patch_size {patch_size}"
            )
        grid = img_size // patch_size
        self.patch_embed = PatchEmbed(patch_size, in_chans, embed_dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        if pos_embed == "learn":
            self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid**2, embed_dim))
            nn.init.trunc_normal_(self.pos_embed, std=0.02)
        elif pos_embed in ("sincos", "none"):
            self.register_buffer(
                "pos_embed",
                sincos_pos_embed(grid, embed_dim)
                if pos_embed == "sincos"
                else None,
            )
        else:
            raise ValueError(
                f'pos_embed is "learn", "sincos" or "none", not {pos_embed!r}'
            )
        self.blocks = nn.ModuleList(
            Block(embed_dim, num_heads, mlp_ratio, qkv_bias) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.head = nn.Linear(embed_dim, num_classes)
        nn.init.normal_(self.cls_token, std=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def embed(self, x):
        """Image (B, C, H, W) -> tokens (B, 1 + N, D), ViT Eq. 1: [x_class; x_p E] +
        E_pos."""
        P, (H, W) = self.patch_embed.patch_size, x.shape[-2:]
        x = self.patch_embed(x)  # (B, N, D)
        x = torch.cat(
            [self.cls_token.expand(x.shape[0], -1, -1), x], dim=1
        )  # (B, 1 + N, D)
        if self.pos_embed is not None:
            x = x + resample_abs_pos_embed(self.pos_embed, (H // P, W // P))
        return x

    def forward(self, x, return_attn=False):
        x = self.embed(x)  # (B, 1 + N, D)
        maps = []
        for block in self.blocks:
            x, attn = block(x, return_attn)
            maps.append(attn)
        logits = self.head(
            self.norm(x)[:, 0]
        )  # ViT Eq. 4: y = LN(z_L^0), and the head on it
        return (logits, torch.stack(maps, dim=1)) if return_attn else logits


SIZES = {
    "Ti": (192, 12, 3),
    "S": (384, 12, 6),
    "B": (768, 12, 12),
    "L": (1024, 24, 16),
}  # embed_dim, depth, num_heads


def vit(name, **options):
    """The model of that name, "B/16" say: one of SIZES, a slash and the patch size.
    options go to VisionTransformer."""
    size, patch_size = name.split("/")
    embed_dim, depth, num_heads = SIZES[size]
    options = {
        "patch_size": int(patch_size),
        "embed_dim": embed_dim,
        "depth": depth,
        "num_heads": num_heads,
        **options,
    }
    return VisionTransformer(**options)


# %% [markdown]
# ## 이미지 한 장을 따라가요
#
# 224×224 이미지 한 장이 ViT-B/16을 지나는 동안 모양이 어떻게 바뀌는지 한 단계씩 봐요. 값이 아니라 모양을 보는 거라 학습하지 않은 모델로 충분해요.

# %%
if __name__ == "__main__":
    import scenes
    from lib.figure import BLUE, plt, show, table

    torch.set_num_threads(1)
    torch.manual_seed(0)
    evidence = {}
    model = vit("B/16").eval()
    image = scenes.draw(1, 224, seed=6)[0]  # (1, 3, 224, 224)
    steps = [["이미지", "x", image]]
    with torch.no_grad():
        x = model.patch_embed(image)
        patches = x.shape[1]
        steps.append(["① 자르고 ② 펴서 투영", "x_p E", x])
        x = torch.cat([model.cls_token, x], dim=1)
        evidence["cls_learns"] = model.cls_token.requires_grad
        steps.append(["③ 클래스 토큰 붙이기", "[x_class; x_p E]", x])
        x = x + model.pos_embed
        steps.append(["④ 위치 임베딩 더하기", "z_0", x])
        for block in model.blocks:
            x, _ = block(x)
        steps.append([f"⑤ 블록 {len(model.blocks)}개", "z_L", x])
        evidence["std_before_final_norm"] = x.std().item()
        x = model.norm(x)
        steps.append(["마지막 LayerNorm", "LN(z_L)", x])
        evidence["std_after_final_norm"] = x.std().item()
        skipped = model.head(
            steps[-2][2][:, 0]
        )  # z_L as it is, without the last LayerNorm
        x = model.head(x[:, 0])
        steps.append(["클래스 토큰만 헤드로", "로짓", x])
        evidence["step_by_step_difference"] = (x - model(image)).abs().max().item()
        evidence["without_final_norm_change"] = (
            (skipped - x).norm() / x.norm()
        ).item()
    rows = [
        [name, formula, "×".join(map(str, value.shape[1:]))]
        for name, formula, value in steps
    ]
    table(
        "shapes",
        "ViT-B/16이 224×224 이미지 한 장을 처리하는 동안의 모양",
        ["단계", "식", "모양"],
        rows,
    )
    print(
        f"한 단계씩 계산한 로짓과 model(image)의 차이: {evidence['step_by_step_difference']}"
    )
    print(
        f"마지막 LayerNorm을 빼면 로짓의 상대 변화: {evidence['without_final_norm_change']:.2f}"
    )

# %%
if __name__ == "__main__":
    tokens = steps[3][2][0]  # (197, 768)
    evidence["patches"], (evidence["tokens"], evidence["embed_dim"]) = (
        patches,
        tokens.shape,
    )
    evidence["tokens_after_position"], evidence["tokens_after_blocks"] = (
        steps[i][2].shape[1] for i in (3, 4)
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(4.5, 2.5))
    tiles = (
        scenes.to_rgb(image[0]).reshape(14, 16, 14, 16, 3).transpose(1, 2)
    )  # (14, 14, 16, 16, 3)
    mosaic = torch.zeros(
        14, 14, 20, 20, 4
    )  # each patch on a clear tile, so that the cuts are seen
    mosaic[:, :, 2:18, 2:18, :3], mosaic[:, :, 2:18, 2:18, 3] = tiles, 1
    left.imshow(
        mosaic.transpose(1, 2).reshape(280, 280, 4)[::2, ::2], interpolation="none"
    )  # half: a smaller SVG
    left.set(title=f"패치 14×14 = {patches}개", xticks=[], yticks=[])
    left.spines[:].set_visible(False)
    right.imshow(
        tokens,
        aspect="auto",
        cmap=plt.get_cmap("RdBu", 9),
        vmin=-1.5,
        vmax=1.5,
        interpolation="nearest",
    )
    right.set(
        title=f"토큰 {len(tokens)}개",
        xlabel=f"임베딩 {tokens.shape[1]}차원",
        ylabel="토큰 번호 (0: 클래스)",
    )
    left.grid(False)
    right.grid(False)
    alt = f"장면을 {patches}개 패치로 자르고 클래스 토큰을 앞에 붙여 {len(tokens)}개 토큰의 열로 만들었어요."
    show(figure, "patches", alt)


# %% [markdown]
# ## 코드가 식과 같은지 확인해요
#
# - `Conv2d` 하나로 자르고 투영했지만, 패치를 펴서 행렬 $E$를 곱한 것과 같아요.
# - 어텐션 맵을 꺼내는 길과 빠른 길의 로짓이 같아요.
# - 블록은 PyTorch의 `TransformerEncoderLayer`에 `norm_first=True`와 GELU를 준 것과 같아요. 원래 Transformer처럼 더한 뒤에 정규화하거나(post-LN)
#   ReLU를 쓰게 하면 **같은 가중치로도** 다른 값이 나와요.
# - 블록의 갈래를 0으로 막으면 입력이 **그대로** 나와요. LayerNorm이 갈래 안에 있기 때문이에요(pre-LN).
# - 위치 임베딩이 없으면 패치를 섞어도 로짓이 같고, 있으면 달라져요.

# %%
if __name__ == "__main__":
    with torch.no_grad():
        columns = F.unfold(image, kernel_size=16, stride=16).transpose(
            1, 2
        )  # (1, 196, 3 * 16 * 16): patches laid flat
        E, bias = (
            model.patch_embed.proj.weight.flatten(1).T,
            model.patch_embed.proj.bias,
        )  # (768, 768): P^2 C x D
        evidence["conv_linear_difference"] = (
            (model.patch_embed(image) - (columns @ E + bias)).abs().max().item()
        )
        logits, attn = model(image, return_attn=True)
        evidence["path_difference"] = (logits - model(image)).abs().max().item()
        evidence["smallest_attention"] = attn.min().item()

        evidence["attn_shape"] = "x".join(map(str, attn.shape))

        def of_torch(block, **options):
            """PyTorch's own encoder layer with a block's weights."""
            names = {
                "attn.qkv.": "self_attn.in_proj_",
                "attn.proj.": "self_attn.out_proj.",
                "mlp.fc1.": "linear1.",
                "mlp.fc2.": "linear2.",
            }
            state = {}
            for name, weight in block.state_dict().items():
                for ours, theirs in names.items():
                    name = name.replace(ours, theirs)
                state[name] = weight
            options = {"norm_first": True, "activation": "gelu", **options}
            layer = nn.TransformerEncoderLayer(
                768, 12, 3072, 0.0, layer_norm_eps=1e-6, batch_first=True, **options
            )
            layer.load_state_dict(state, strict=True)
            return layer.eval()

        block, tokens = model.blocks[0], tokens[None]  # (1, 197, 768)
        ours = block(tokens)[0]
        for key, options in {
            "block_difference": {},
            "block_post_ln": {"norm_first": False},
            "block_relu": {"activation": "relu"},
        }.items():
            theirs = of_torch(block, **options)(tokens)
            evidence[key] = (theirs - ours).abs().max().item()

        block, z = Block(64, num_heads=4), torch.randn(1, 5, 64)
        for closed in (block.attn.proj, block.mlp.fc2):
            closed.weight.zero_()
            closed.bias.zero_()
        evidence["pre_ln_change"] = (block(z)[0] - z).abs().max().item()
        post_ln = block.norm2(
            block.norm1(z + block.attn(z)[0]) + block.mlp(z)
        )  # AIAYN (1706.03762) section 3.1
        evidence["post_ln_change"] = (post_ln - z).abs().max().item()

        shuffled = F.fold(
            columns[:, torch.randperm(patches)].transpose(1, 2),
            224,
            kernel_size=16,
            stride=16,
        )
        shuffle_change = {}
        for pos_embed in ("none", "learn", "sincos"):
            small = vit("Ti/16", pos_embed=pos_embed).eval()
            before = small(image)
            shuffle_change[pos_embed] = (
                (small(shuffled) - before).norm() / before.norm()
            ).item()
    evidence |= {
        f"shuffle_change_{name}": value for name, value in shuffle_change.items()
    }
    rows = [
        [
            "합성곱 하나와 펴서 곱하기의 차이",
            f"{evidence['conv_linear_difference']:.1e}",
        ],
        [
            "빠른 어텐션과 펼친 어텐션의 로짓 차이",
            f"{evidence['path_difference']:.1e}",
        ],
        [
            "블록과 PyTorch의 층(pre-LN, GELU)의 차이",
            f"{evidence['block_difference']:.1e}",
        ],
        ["PyTorch의 층을 post-LN으로", f"{evidence['block_post_ln']:.1e}"],
        ["PyTorch의 층을 ReLU로", f"{evidence['block_relu']:.1e}"],
        [
            "갈래를 막은 블록: 입력과의 차이, pre-LN",
            f"{evidence['pre_ln_change']:.1e}",
        ],
        [
            "갈래를 막은 블록: 입력과의 차이, post-LN",
            f"{evidence['post_ln_change']:.1e}",
        ],
        [
            "패치를 섞을 때 로짓 변화, 위치 임베딩 없음",
            f"{shuffle_change['none']:.1e}",
        ],
        [
            "패치를 섞을 때 로짓 변화, 학습형(초깃값)",
            f"{shuffle_change['learn']:.1e}",
        ],
        [
            "패치를 섞을 때 로짓 변화, 사인·코사인",
            f"{shuffle_change['sincos']:.1e}",
        ],
    ]
    table("checks", "식과 코드의 대조", ["무엇을 비교했나", "차이"], rows)


# %% [markdown]
# ## 파라미터는 어디에 있을까요
#
# 모델을 `meta` 장치에 만들면 메모리를 쓰지 않고 파라미터를 셀 수 있어요. 식으로 더한 값과 견줘요.
# 한 블록은 $12D^2+13D$개이고, 그중 어텐션이 $4D^2+4D$, MLP가 $8D^2+5D$, LayerNorm이 $4D$예요.


# %%
def count_parameters(D, depth, P=16, C=3, N=196, classes=1000):
    """Parameters of a ViT by formula, for mlp_ratio 4 and learned positions: dict
    of part -> number."""
    return {
        "패치 임베딩": P * P * C * D + D,
        "클래스 토큰·위치": D + (N + 1) * D,
        "어텐션": depth * (4 * D * D + 4 * D),
        "MLP": depth * (8 * D * D + 5 * D),
        "LayerNorm": depth * 4 * D + 2 * D,
        "헤드": D * classes + classes,
    }


# %%
if __name__ == "__main__":
    counted, formula = {}, {}
    for size, (D, depth, num_heads) in SIZES.items():
        with torch.device("meta"):
            counted[size] = sum(p.numel() for p in vit(f"{size}/16").parameters())
        formula[size] = count_parameters(D, depth)
    rows = [
        [
            f"ViT-{size}/16",
            D,
            depth,
            num_heads,
            f"{counted[size]:,}",
            f"{sum(formula[size].values()):,}",
        ]
        for size, (D, depth, num_heads) in SIZES.items()
    ]
    table(
        "parameters",
        "224×224, 클래스 1000개일 때 파라미터 수",
        ["모델", "D", "블록", "헤드", "센 수", "식"],
        rows,
    )

    with torch.device("meta"):
        coarse, large = vit("B/32"), vit("L/32")
        larger_image = vit("B/16").patch_embed(torch.empty(1, 3, 384, 384))
    evidence |= {f"{size.lower()}16": number for size, number in counted.items()}
    evidence["formula_agrees"] = all(
        counted[size] == sum(formula[size].values()) for size in SIZES
    )
    tokens_b32, b32 = (
        coarse.pos_embed.shape[1],
        sum(p.numel() for p in coarse.parameters()),
    )
    evidence["tokens_b32"], evidence["b32"] = tokens_b32, b32
    evidence["l32"] = sum(p.numel() for p in large.parameters())
    evidence["tokens_384"] = 1 + larger_image.shape[1]
    print(f"ViT-B/32는 토큰 {tokens_b32}개, 파라미터 {b32:,}개예요.")
    print(f"ViT-L/32의 파라미터는 {evidence['l32']:,}개예요.")
    print(f"384×384 이미지라면 ViT-B/16의 토큰은 {evidence['tokens_384']}개예요.")

    parts = formula["B"]
    figure, axis = plt.subplots(figsize=(4.5, 2.3))
    bars = axis.barh(
        list(parts), [value / 1e6 for value in parts.values()], color=BLUE
    )
    axis.bar_label(
        bars, [f"{value / 1e6:.2f}" for value in parts.values()], padding=4
    )
    axis.set(xlabel="파라미터 (백만 개)", xlim=(0, 65))
    axis.invert_yaxis()
    axis.grid(False)
    share = {part: value / counted["B"] for part, value in parts.items()}
    evidence["mlp_share_b16"], evidence["attention_share_b16"] = (
        share["MLP"],
        share["어텐션"],
    )
    alt = f"ViT-B/16의 파라미터는 MLP에 {share['MLP']:.0%}, 어텐션에 {share['어텐션']:.0%}가 있어요."
    show(figure, "parameter_share", alt)


# %%
if __name__ == "__main__":
    tolerance = {}
    evidence
