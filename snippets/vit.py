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
    """Multi-head self-attention, (B, N, D) -> (B, N, D) and, if asked for, the maps (B, heads, N, N)."""

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
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, D // self.num_heads)  # (B, N, 3, h, d)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, h, N, d)
        attn = None
        if return_attn:
            attn = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(dim=-1)  # Eq. 6, (B, h, N, N)
            z = attn @ v  # Eq. 7, (B, h, N, d)
        else:
            z = F.scaled_dot_product_attention(q, k, v)  # Eq. 6 and 7 without keeping the N x N map
        z = z.transpose(1, 2).reshape(B, N, D)  # heads side by side again
        return self.proj(z), attn  # Eq. 8: U_msa


# %% [markdown]
# ## 블록: 어텐션과 MLP를 잔차로 쌓아요
#
# LayerNorm이 각 갈래의 **앞**에 있고(pre-LN), 입력을 그대로 더하는 길(잔차)은 아무것도 거치지 않아요.

# %%
class Mlp(nn.Module):
    """Two linear layers with GELU (exact, by erf) between them, the same for every token: (B, N, D) -> (B, N, D)."""

    def __init__(self, dim, hidden_dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-LN encoder block: (B, N, D) -> (B, N, D) and the attention maps, None unless asked for."""

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
    """Cut (B, C, H, W) into P x P patches and project each by the same linear map: (B, HW / P^2, D).

    Raises ValueError if P divides not both H and W.
    """

    def __init__(self, patch_size=16, in_chans=3, embed_dim=768):
        super().__init__()
        self.patch_size = patch_size
        self.proj = nn.Conv2d(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)  # E of ViT Eq. 1

    def forward(self, x):
        H, W = x.shape[-2:]
        if H % self.patch_size or W % self.patch_size:
            raise ValueError(f"image of {H}x{W} px cannot be cut into patches of {self.patch_size} px")
        return self.proj(x).flatten(2).transpose(1, 2)  # (B, D, H/P, W/P) -> (B, D, N) -> (B, N, D)


def sincos_pos_embed(grid, dim):
    """Fixed sines and cosines of row and column, (1, 1 + grid^2, dim), zeros for the class token (as 2205.01580)."""
    if dim % 4:
        raise ValueError(f"sincos needs an embed_dim divisible by 4, not {dim}")
    omega = 10000 ** -torch.linspace(0, 1, dim // 4)
    y, x = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    y, x = y.reshape(-1, 1) * omega, x.reshape(-1, 1) * omega  # (N, D/4) each
    pos = torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1)
    return torch.cat([torch.zeros(1, dim), pos])[None]


def resample_abs_pos_embed(pos_embed, new_size, num_prefix_tokens=1, interpolation="bicubic", antialias=True):
    """Resize (1, prefix + G^2, D) to a grid of new_size = (rows, columns), prefix tokens untouched (ViT section 3.2).

    Same formula as timm's function of this name. An unchanged grid comes back unchanged.
    """
    prefix, grid = pos_embed[:, :num_prefix_tokens], pos_embed[:, num_prefix_tokens:]
    G, D = int(grid.shape[1] ** 0.5), grid.shape[2]
    grid = grid.float().reshape(1, G, G, D).permute(0, 3, 1, 2)  # an image of D channels
    grid = F.interpolate(grid, size=new_size, mode=interpolation, antialias=antialias)
    grid = grid.permute(0, 2, 3, 1).reshape(1, -1, D).to(pos_embed.dtype)
    return torch.cat([prefix, grid], dim=1)


# %% [markdown]
# ## ViT: 전부 이어 붙여요

# %%
class VisionTransformer(nn.Module):
    """ViT (2010.11929): (B, C, H, W) -> logits (B, num_classes), for any H and W that patch_size divides.

    pos_embed: "learn", "sincos" (fixed, 2-D) or "none". With return_attn=True also the attention maps of all blocks,
    (B, depth, heads, 1 + N, 1 + N), row = query, column = key, class token first.
    """

    def __init__(self, img_size=224, patch_size=16, in_chans=3, num_classes=1000, embed_dim=768, depth=12,
                 num_heads=12, mlp_ratio=4.0, qkv_bias=True, pos_embed="learn"):
        super().__init__()
        if img_size % patch_size:
            raise ValueError(f"img_size {img_size} is not divisible by patch_size {patch_size}")
        grid = img_size // patch_size
        self.patch_embed = PatchEmbed(patch_size, in_chans, embed_dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        if pos_embed == "learn":
            self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid**2, embed_dim))
            nn.init.trunc_normal_(self.pos_embed, std=0.02)
        elif pos_embed in ("sincos", "none"):
            self.register_buffer("pos_embed", sincos_pos_embed(grid, embed_dim) if pos_embed == "sincos" else None)
        else:
            raise ValueError(f'pos_embed is "learn", "sincos" or "none", not {pos_embed!r}')
        self.blocks = nn.ModuleList(Block(embed_dim, num_heads, mlp_ratio, qkv_bias) for _ in range(depth))
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.head = nn.Linear(embed_dim, num_classes)
        nn.init.normal_(self.cls_token, std=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def embed(self, x):
        """Image (B, C, H, W) -> tokens (B, 1 + N, D), ViT Eq. 1: [x_class; x_p E] + E_pos."""
        P, (H, W) = self.patch_embed.patch_size, x.shape[-2:]
        x = self.patch_embed(x)  # (B, N, D)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)  # (B, 1 + N, D)
        if self.pos_embed is not None:
            x = x + resample_abs_pos_embed(self.pos_embed, (H // P, W // P))
        return x

    def forward(self, x, return_attn=False):
        x = self.embed(x)  # (B, 1 + N, D)
        maps = []
        for block in self.blocks:
            x, attn = block(x, return_attn)
            maps.append(attn)
        logits = self.head(self.norm(x)[:, 0])  # ViT Eq. 4: y = LN(z_L^0), and the head on it
        return (logits, torch.stack(maps, dim=1)) if return_attn else logits


SIZES = {"Ti": (192, 12, 3), "S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16)}  # embed_dim, depth, num_heads


def vit(name, **options):
    """The model of that name, "B/16" say: one of SIZES, a slash and the patch size. options go to VisionTransformer."""
    size, patch_size = name.split("/")
    embed_dim, depth, num_heads = SIZES[size]
    options = {"patch_size": int(patch_size), "embed_dim": embed_dim, "depth": depth, "num_heads": num_heads, **options}
    return VisionTransformer(**options)
