# %% [markdown]
# # 패치 임베딩: 자르고, 펴고, 같은 행렬을 곱해요
#
# 이미지를 $P \times P$ 패치로 자르고, 한 줄로 펴서, 행렬 $E$ 하나를 곱하면 토큰이 돼요. 코드에서는 합성곱(convolution) 한 줄로 적어요.
# 두 계산이 같은지 확인하고, 이미지의 2D 구조에서 무엇이 남고 무엇이 사라지는지 재 봐요. 학습은 필요 없어요.

# %%
import torch
import torch.nn.functional as F
from lib.figure import BLUE, ORANGE, show, table
from lib.photos import photos
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from sklearn.datasets import load_sample_image
from torch import nn
from vit import Block, PatchEmbed


def photo(rows, columns):
    """The upper left of a photograph: (1, 3, rows, columns), mean 0 and standard
    deviation 1."""
    image = (
        torch.tensor(load_sample_image("china.jpg"))
        .float()
        .permute(2, 0, 1)[None, :, :rows, :columns]
    )
    return (image - image.mean()) / image.std()


def patchify(x, P):
    """Cut images (B, C, H, W) into patches that do not overlap: (B, N, P, P, C),
    row by row, N = HW / P^2."""
    B, C, H, W = x.shape
    x = x.reshape(
        B, C, H // P, P, W // P, P
    )  # row of patches, row inside, column of patches, column inside
    return x.permute(0, 2, 4, 3, 5, 1).flatten(
        1, 2
    )  # (B, H/P, W/P, P, P, C) -> (B, N, P, P, C)


# %% [markdown]
# ## 식에 나오는 모양을 하나씩

# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    evidence, null = {}, {}
    P, D = 16, 192
    x = photo(416, 640).double()  # float64, so that what differs is no rounding
    embed = PatchEmbed(P, in_chans=3, embed_dim=D).double()
    cut = patchify(x, P)  # (1, N, P, P, C)
    x_p = cut.flatten(2)  # (1, N, P^2 C)
    E = (
        embed.proj.weight.permute(2, 3, 1, 0).flatten(0, 2).detach()
    )  # (D, C, P, P) -> (P^2 C, D)
    b = embed.proj.bias.detach()
    with torch.no_grad():
        z = (
            x_p @ E + b
        )  # ViT (2010.11929) Eq. 1: x_p E, and the bias that implementations add
        conv = embed(x)
    rows = [
        ["이미지 x", "H×W×C", x[0].permute(1, 2, 0)],
        ["자른 x'", "N×P×P×C", cut[0]],
        ["편 x_p", "N×P²C", x_p[0]],
        ["행렬 E", "P²C×D", E],
        ["토큰 z", "N×D", z[0]],
    ]
    shapes = {name: " x ".join(map(str, value.shape)) for name, _, value in rows}
    evidence |= {"cut_shape": shapes["자른 x'"], "flat_shape": shapes["편 x_p"]}
    evidence |= {
        "e_shape": shapes["행렬 E"],
        "e_rows": E.shape[0],
        "token_shape": shapes["토큰 z"],
    }
    evidence |= {
        "tokens": conv.shape[1],
        "pixels_by_area": x.shape[2] * x.shape[3] / P**2,
    }
    table(
        "shapes",
        f"사진 한 장을 {P}px 패치로 자를 때",
        ["값", "식", "모양"],
        [
            [name, formula, shapes[name].replace(" x ", "×")]
            for name, formula, _ in rows
        ],
    )

# %% [markdown]
# ## 합성곱 = 자르기 + 펴기 + Linear
#
# 커널과 보폭이 모두 P인 합성곱은 창이 겹치지 않아서, 창마다 같은 내적을 한 번씩 해요. 바로 위의 계산이에요.
# 조심할 것은 **펴는 순서**예요. 논문의 식은 (P, P, C) 순서로 펴지만, PyTorch의 합성곱 가중치와 `F.unfold`는 (C, P, P) 순서예요.
# 길이가 같아서 섞어 써도 오류가 나지 않아요.


# %%
def rows_by_channel(P, C):
    """For each row of E in the paper's order (P, P, C), the row of PyTorch's order
    (C, P, P): (P^2 C,) indices."""
    return torch.arange(C * P * P).reshape(C, P, P).permute(1, 2, 0).flatten()


# %%
if __name__ == "__main__":
    with torch.no_grad():
        unfolded = F.unfold(x, kernel_size=P, stride=P).transpose(
            1, 2
        )  # (1, N, C P P)
        E_torch = embed.proj.weight.flatten(1).T  # (D, C, P, P) -> (C P P, D)
        evidence["conv_difference"] = (conv - z).abs().max().item()
        evidence["unfold_difference"] = (
            (conv - (unfolded @ E_torch + b)).abs().max().item()
        )
        mixed = x_p @ E_torch + b  # pixels in one order, weights in the other
        evidence["mixed_order_error"] = ((mixed - conv).norm() / conv.norm()).item()
        evidence["reordered_difference"] = (
            (E_torch[rows_by_channel(P, 3)] - E).abs().max().item()
        )
        covered = F.fold(
            torch.ones_like(unfolded).transpose(1, 2),
            x.shape[-2:],
            kernel_size=P,
            stride=P,
        )
    evidence["mixed_order_same_shape"] = mixed.shape == conv.shape
    evidence["patches_per_pixel_min"], evidence["patches_per_pixel_max"] = (
        covered.min().item(),
        covered.max().item(),
    )
    print(
        f"합성곱과 (P, P, C) 순서로 편 계산의 최대 차이: {evidence['conv_difference']:.1e}"
    )
    print(
        f"합성곱과 F.unfold로 편 계산의 최대 차이: {evidence['unfold_difference']:.1e}"
    )
    print(
        f"순서를 섞어 쓸 때: 모양은 {'같고' if mixed.shape == conv.shape else '다르고'} 상대 오차는 {evidence['mixed_order_error']:.2f}"
    )
    print(f"E의 행을 다시 늘어놓으면 남는 차이: {evidence['reordered_difference']}")
    print(
        f"픽셀 하나가 들어가는 패치의 수: 최소 {covered.min():.0f}, 최대 {covered.max():.0f}"
    )

# %% [markdown]
# ## 모든 패치가 같은 행렬을 써요
#
# 패치 둘의 내용을 맞바꾸면 토큰 둘이 그대로 자리를 바꿔요. 자리마다 다른 행렬을 쓴다면 그럴 수 없어요. 그래서 파라미터 수도 이미지 크기와 상관없어요.

# %%
if __name__ == "__main__":
    swapped_image = x.clone()
    swapped_image[..., :P, :P], swapped_image[..., -P:, -P:] = (
        x[..., -P:, -P:],
        x[..., :P, :P],
    )
    order = torch.arange(conv.shape[1])
    order[[0, -1]] = order[[-1, 0]]
    with torch.no_grad():
        evidence["swap_difference"] = (
            (embed(swapped_image) - conv[:, order]).abs().max().item()
        )
        evidence["swap_change"] = (embed(swapped_image) - conv).abs().max().item()
    parameters = sum(p.numel() for p in embed.parameters())
    small = PatchEmbed(P // 2, in_chans=3, embed_dim=D).double()
    small_tokens, small_rows = small(x).shape[1], small.proj.weight[0].numel()
    evidence |= {
        "parameters": parameters,
        "separate_parameters": parameters * conv.shape[1],
    }
    evidence |= {
        "small_patch_tokens": small_tokens,
        "small_patch_e_rows": small_rows,
    }
    print(
        f"패치 둘을 맞바꾼 이미지의 토큰과, 자리를 바꾼 토큰의 최대 차이: {evidence['swap_difference']:.1e}"
    )
    print(
        f"파라미터 {parameters:,}개. 패치마다 행렬이 따로 있다면 {parameters * conv.shape[1]:,}개"
    )
    print(f"P를 {P // 2}로 줄이면 토큰 {small_tokens:,}개, E의 행 {small_rows}개")

# %% [markdown]
# ## 픽셀 하나는 어느 토큰까지 닿을까요?
#
# 가운데 토큰을 픽셀로 미분해요. 패치 임베딩에서는 제 패치 밖이 **정확히 0**이고, 블록 하나를 지나면 모든 픽셀이 닿아요.
# 3×3 합성곱은 2D 격자를 그대로 두고 이웃 9칸만 봐요.


# %%
def reach(f, x):
    """How far each pixel of x (1, C, H, W) moves what f puts out, (D,) or so: norm
    of the gradient (H, W).

    The gradient is that of a random mixture of the outputs, so that none of them
    cancel."""
    x = x.clone().requires_grad_()
    y = f(x)
    (
        y * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    ).sum().backward()
    return x.grad[0].norm(dim=0)


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    crop = x[..., 96:160, 256:320].float()
    embed8, block, conv3 = (
        PatchEmbed(8, 3, 64),
        Block(64, num_heads=4),
        nn.Conv2d(3, 64, 3, padding=1),
    )
    token = 27  # the patch of row 3 and column 3 of 8 x 8
    maps = {
        "3×3 합성곱": reach(lambda x: conv3(x)[0, :, 28, 28], crop),
        "패치 임베딩": reach(lambda x: embed8(x)[0, token], crop),
        "+ 블록 1개": reach(lambda x: block(embed8(x))[0][0, token], crop),
    }
    reached = {name: int((heat > 0).sum()) for name, heat in maps.items()}
    own = torch.zeros(64, 64, dtype=torch.bool)
    own[24:32, 24:32] = True
    evidence["outside_patch"] = maps["패치 임베딩"][~own].max().item()
    evidence["conv_grid"] = " x ".join(map(str, conv3(crop).shape[2:]))
    evidence["image_pixels"] = crop.shape[2] * crop.shape[3]
    evidence["conv_reach"], evidence["patch_reach"], evidence["block_reach"] = (
        reached.values()
    )
    figure, axes = plt.subplots(1, 3, figsize=(4.5, 2))
    picture = (crop[0].permute(1, 2, 0) - crop.min()) / (crop.max() - crop.min())
    for axis, (name, heat) in zip(axes, maps.items()):
        axis.imshow(picture.mean(dim=-1), cmap="gray", alpha=0.5)
        axis.imshow(
            heat.where(heat > 0, torch.nan) * 0,
            cmap=ListedColormap([ORANGE]),
            alpha=0.7,
        )
        axis.set(title=f"{name}\n픽셀 {reached[name]:,}개", xticks=[], yticks=[])
        axis.grid(False)
    alt = (
        f"64×64 사진에서 출력 한 칸에 닿는 픽셀은 3×3 합성곱이 {reached['3×3 합성곱']}개, 8px 패치 임베딩이 제 패치의 "
        f"{reached['패치 임베딩']}개이고, 블록 하나를 지나면 {reached['+ 블록 1개']:,}개 모두예요."
    )
    show(figure, "reach", alt)

# %% [markdown]
# ## 2D 구조에서 무엇이 남을까요?
#
# 픽셀을 세 가지로 섞은 뒤, **가중치만 바꿔서** 원래 토큰을 되찾을 수 있는지 물어요. 되찾을 수 있다면 모델의 구조는 그 배치를 모르는 거예요.
#
# 1. 모든 패치의 안을 똑같은 순서로 섞기: $E$의 행을 같은 순서로 바꾸면 돼요.
# 2. 패치의 순서를 섞기: 토큰의 순서만 바뀌어요. 위치 임베딩도 같은 순서로 바꾸면 그만이에요.
# 3. 픽셀을 이미지 전체에서 섞기: 한 토큰에 함께 담기는 픽셀이 달라져요. 최소제곱법으로 가장 좋은 $E$를 새로 구해도 되찾을 수 있을까요?


# %%
def shuffled(patches, how):
    """Patches (N, P^2, C) with their pixels "inside" each, the "patches" or the
    pixels of "all" in a new order."""
    generator = torch.Generator().manual_seed(0)
    if how == "inside":
        return patches[:, torch.randperm(patches.shape[1], generator=generator)]
    if how == "patches":
        return patches[torch.randperm(len(patches), generator=generator)]
    pixels = patches.flatten(0, 1)  # a pixel keeps its C colours
    return pixels[torch.randperm(len(pixels), generator=generator)].view_as(patches)


def lost(patches, z):
    """Share of z (N, D) that patches (N, P^2, C) cannot make with the best matrix
    there is: 0 (all found) to 1."""
    x_p = patches.flatten(1)  # (N, P^2 C)
    best = torch.linalg.lstsq(x_p, z).solution  # (P^2 C, D)
    return ((x_p @ best - z).norm() / z.norm()).item()


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    patches = patchify(x, 8)[0].flatten(1, 2)  # (N, P^2, C) = (4160, 64, 3)
    z = (
        patches.flatten(1) @ torch.randn(192, 64).double() / 192**0.5
    )  # what some E makes of them, (N, D)
    losses = {
        "패치 안에서 (모두 같은 순서)": lost(shuffled(patches, "inside"), z),
        "패치끼리 (토큰도 같은 순서로)": lost(
            shuffled(patches, "patches"), shuffled(z, "patches")
        ),
        "이미지 전체에서": lost(shuffled(patches, "all"), z),
        "(견줄 것) 사진과 상관없는 난수": lost(torch.randn_like(patches), z),
    }
    table(
        "shuffles",
        "섞은 뒤 가장 좋은 E로도 되찾지 못한 몫 (0이면 모두 되찾음)",
        ["픽셀을 섞은 곳", "되찾지 못한 몫"],
        [
            [name, f"{value:.1e}" if value < 1e-6 else f"{value:.2f}"]
            for name, value in losses.items()
        ],
    )
    for name, value in zip(
        ("lost_inside", "lost_patches", "lost_all", "lost_noise"), losses.values()
    ):
        evidence[name] = value

# %% [markdown]
# ## 왜 이웃끼리 담는 것이 좋을까요?
#
# 사진에서 이웃한 픽셀은 서로 닮았어요. 그래서 8×8 패치의 값 192개는 **몇 방향**만으로 거의 다 적을 수 있어요. 같은 수의 픽셀을 아무 데서나
# 모으면 그런 방향이 없어요. 자르는 일 자체가 "가까운 것끼리 담는다"는 2D 가정을 넣는 거예요. 사진 열두 장에서 재요.


# %%
def explained(patches):
    """Share of the variance of patches (N, P^2, C) in their first k principal
    directions, for k = 1 ... P^2 C."""
    x_p = patches.flatten(1)
    centred = x_p - x_p.mean(dim=0)
    variances = torch.linalg.eigvalsh(centred.T @ centred).flip(0)  # largest first
    return variances.cumsum(dim=0) / variances.sum()


# %%
if __name__ == "__main__":
    cuts = [patchify(image[None], 8)[0].flatten(1, 2) for image in photos(416)[0]]
    curves = {  # of each photograph
        "이웃한 픽셀끼리 (패치)": [explained(cut) for cut in cuts],
        "아무 픽셀이나": [explained(shuffled(cut, "all")) for cut in cuts],
    }
    local_needed, random_needed = (
        [int((curve < 0.9).sum()) + 1 for curve in each] for each in curves.values()
    )
    figure, axis = plt.subplots()
    for (name, each), colour in zip(curves.items(), (BLUE, ORANGE)):
        for i, curve in enumerate(each):
            label = None if i else name
            axis.plot(range(1, 193), curve, color=colour, alpha=0.5, label=label)
    axis.axhline(0.9, linestyle=":", linewidth=1, color="gray")
    axis.set(
        xlabel="방향의 수 (모두 192개)", title="담긴 분산의 몫", ylim=(0, 1.03)
    )
    axis.yaxis.set_major_formatter("{x:.0%}")
    axis.legend(loc="lower right")
    evidence |= {
        "directions": cuts[0][0].numel(),
        "directions_local": local_needed,
        "directions_random": random_needed,
    }
    null["픽셀을 섞은 사진"] = {
        "directions_local": random_needed
    }  # its patches hold pixels from anywhere
    alt = (
        f"사진 {len(cuts)}장에서, 분산의 90%를 담는 데 필요한 방향이 이웃한 픽셀로 된 패치는 192개 가운데 "
        f"{min(local_needed)}~{max(local_needed)}개, 아무 데서나 모은 픽셀은 {min(random_needed)}~{max(random_needed)}개예요."
    )
    show(figure, "variance", alt)

# %% [markdown]
# ## 나누어떨어지지 않으면?
#
# $N = HW / P^2$은 P가 H와 W를 나눌 때만 맞아요. 나누어떨어지지 않아도 합성곱은 **말없이** 남는 줄을 버려요.
# 그래서 `PatchEmbed`는 먼저 확인하고 오류를 내요.

# %%
if __name__ == "__main__":
    odd = photo(230, 160)
    evidence["odd_tokens"] = (
        nn.Conv2d(3, D, kernel_size=P, stride=P)(odd).flatten(2).shape[2]
    )
    evidence["odd_area"] = 230 * 160 / P**2
    evidence["odd_dropped_rows"] = int(
        (reach(nn.Conv2d(3, D, kernel_size=P, stride=P), odd).sum(dim=1) == 0).sum()
    )
    try:
        PatchEmbed(P, in_chans=3, embed_dim=D)(odd)
        odd_error = "없음"
    except ValueError as error:
        odd_error = type(error).__name__
    print(
        f"230×160 이미지: HW/P² = {evidence['odd_area']:.2f}인데 합성곱의 토큰은 {evidence['odd_tokens']}개, 아무 토큰에도 닿지 않는 줄이 {evidence['odd_dropped_rows']}개"
    )
    evidence["odd_error"] = odd_error
    print(f"PatchEmbed의 오류: {odd_error}")

# %%
if __name__ == "__main__":
    tolerance = {}
    evidence
