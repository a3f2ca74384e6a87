# %% [markdown]
# # 진짜 ViT의 점수는 닮은 정도인가요?
#
# 어텐션 점수를 "두 토큰이 얼마나 닮았는가"로 풀이하곤 해요. 식만으로는 그렇다고도 아니라고도 할 수 없으니, 사진을 배운 헤드에서 직접 재요.
# `attention_score.py`가 작은 ViT에서 잰 것과 똑같은 것을 `real_vit.py`로 읽은 공개된 ViT-S/14에서 재요. 층 12개에 헤드가 6개씩이에요.
#
# 헤드가 받는 벡터(LayerNorm을 지난 토큰)에는 내용과 위치가 함께 들어 있어요. 그러니 여기서 닮았다는 것은 **무엇이 어디에** 있는지가 함께 비슷하다는 뜻이에요.
# 네트워크가 있다면 아래 `NAME`에 timm의 이름을 적어 다른 ViT로도 재 볼 수 있어요.

# %%
import torch
from attention_score import all_head_scores, show_heads
from lib.figure import table
from lib.photos import photos
from lib.scramble import scrambled
from real_vit import load_real, normalise

torch.set_num_threads(1)
NAME = None  # or timm's name of another model: "vit_small_patch16_224"


# %% [markdown]
# ## 헤드마다 재요
#
# 견줄 것은 가중치를 행렬마다 뒤섞은 모델이에요. 뒤섞는 법 하나에 매이지 않게 사진마다 다르게 뒤섞어요.


# %%
def by_photo(models, images):
    """all_head_scores of images (n, 3, H, W), each through a model of its own: (n,
    depth, heads) each."""
    found = [
        all_head_scores(model, normalise(image[None], model.pretrained_cfg))
        for model, image in zip(models, images)
    ]
    return {name: torch.cat([f[name] for f in found]) for name in found[0]}


# %%
if __name__ == "__main__":
    evidence, null = {}, {"가중치를 뒤섞은 모델": {}}
    model, images = load_real(name=NAME), photos(224)[0]
    found = by_photo([model] * len(images), images)
    mixed = by_photo((scrambled(model, i) for i in range(len(images))), images)
    for name, values in found.items():
        evidence[name] = values.mean(dim=(1, 2))  # one a photograph
        null["가중치를 뒤섞은 모델"][name] = mixed[name].mean(dim=(1, 2))
    likeness = found["likeness"].mean(dim=0)  # (depth, heads)
    evidence["heads"] = likeness.numel()
    evidence["heads_above"] = (likeness > 0).sum().item()
    evidence["photos"] = len(images)
    spread = found["spread"].mean(dim=0)
    evidence["narrowest"], evidence["widest"] = (
        spread.min().item(),
        spread.max().item(),
    )
    evidence["lowest"], evidence["highest"] = (
        likeness.min().item(),
        likeness.max().item(),
    )
    grid = model.pretrained_cfg["input_size"][1] // model.patch_embed.patch_size
    evidence["chance"] = 1 / (1 + grid**2)
    show_heads(
        likeness, mixed["likeness"][0], "likeness", "진짜 ViT", "뒤섞은 모델의 헤드"
    )
    rows = [
        [what, f"{found[name].mean():{spec}}", f"{mixed[name].mean():{spec}}"]
        for name, what, spec in (
            ("likeness", "점수와 닮은 정도의 상관", ".2f"),
            ("own_first", "자기 자신의 키가 1등인 토큰", ".1%"),
            ("mutual", "i가 j에 준 점수와 j가 i에 준 점수의 상관", ".2f"),
            ("spread", "나눈 점수의 표준편차", ".2f"),
        )
    ]
    table(
        "scores",
        f"헤드 {likeness.numel()}개와 사진 {len(images)}장의 평균 (1등은 우연이라면 {evidence['chance']:.1%})",
        ["무엇을 쟀나", "학습한 모델", "뒤섞은 모델"],
        rows,
    )

# %% [markdown]
# 사진을 배운 이 모델에서는 거의 모든 헤드가 **닮은 토큰에 더 높은 점수**를 줘요. 그래도 점수가 곧 닮은 정도는 아니에요.
# 토큰과 가장 닮은 것은 언제나 자기 자신인데, 자기 자신의 키가 1등인 토큰은 일부이고, i가 j에 준 점수와 j가 i에 준 점수도 꽤 달라요.

# %%
if __name__ == "__main__":
    names = *found, "lowest", "highest"
    tolerance = {name: 0.01 for name in names}
    tolerance |= {"narrowest": 0.02, "widest": 0.02}
    evidence
