# %% [markdown]
# # 글을 읽고 숫자를 그리는 작은 DALL·E
#
# DALL·E는 두 부분으로 되어 있어요. 이미지를 **토큰**으로 바꾸고 되돌리는 dVAE와, 글 토큰 뒤에 이미지 토큰을 이어 쓰는 **디코더**뿐인 Transformer예요.
# 두 부분을 8×8 손글씨 숫자에 맞게 줄여서, '굵은 삼'이라고 쓰면 굵은 3을 그리게 해 볼게요. 블록은 ViT의 것을 그대로 가져와 마스크만 씌워요.

# %%
import os
from itertools import product
from statistics import mean, stdev

import torch
import torch.nn.functional as F
from lib.digits import MEAN, STD, load
from lib.figure import BLUE, INK, ORANGE, VIOLET, plt, show, table
from lib.paths import data_path
from safetensors.torch import load_file, save_file
from sklearn.svm import SVC
from torch import nn
from vit import Attention, Block

SEEDS = range(5)
WEIGHTS = data_path("text_to_image.safetensors")


# %% [markdown]
# ## 1단계: 이미지를 토큰 16개로
#
# dVAE(discrete VAE)는 2×2 조각마다 부호 $K$개 가운데 하나를 골라요. 고르는 일은 미분되지 않으니, 배우는 동안에는 Gumbel-softmax로 "거의 하나만 고른" 가중치를 써요.
# 손실은 복원 오차에, 부호를 고르게 쓰도록 하는 KL을 조금 더한 거예요. 배운 뒤에는 가장 점수가 높은 부호를 골라요.


# %%
class DVAE(nn.Module):
    """Images (B, 1, 8, 8) to 16 tokens, each one of K codes, and back."""

    def __init__(self, codes=32, width=32):
        super().__init__()
        self.codes = codes
        self.encoder = nn.Sequential(
            nn.Conv2d(1, width, 2, stride=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, codes, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(codes, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 2, stride=2),
        )

    @torch.no_grad()
    def encode(self, x):
        return (
            self.encoder(x).argmax(dim=1).flatten(1)
        )  # (B, K, 4, 4) -> (B, 16), row by row

    @torch.no_grad()
    def decode(self, tokens):
        one_hot = F.one_hot(tokens, self.codes).float()  # (B, 16, K)
        return self.decoder(
            one_hot.transpose(1, 2).unflatten(2, (4, 4))
        )  # (B, 1, 8, 8)


def train_dvae(images, seed, kl_weight=0.03, steps=300, lr=0.02):
    """A DVAE trained by Adam on batches of 32; the relaxation goes from temperature
    1 to 1/5."""
    torch.manual_seed(seed)
    model = DVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for step in range(steps):
        x = images[torch.randint(len(images), (32,))]
        logits = model.encoder(x)  # (B, K, 4, 4)
        z = F.gumbel_softmax(logits, tau=0.2 ** (step / steps), dim=1)
        log_q = logits.log_softmax(dim=1)
        kl = (log_q.exp() * log_q).sum(dim=1).mean() + torch.tensor(
            model.codes
        ).log()  # to the uniform distribution
        loss = F.mse_loss(model.decoder(z), x) + kl_weight * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


def reconstruction_error(model, x):
    """Mean squared error of the images (B, 1, 8, 8) put together again; a grey
    canvas would have about 1."""
    return F.mse_loss(model.decode(model.encode(x)), x).item()


# %% [markdown]
# ## 2단계: 글과 이미지를 한 줄로
#
# 캡션은 `굵은 삼`처럼 두 단어예요. 같은 숫자끼리 잉크의 양으로 셋으로 나눠 가는, 보통, 굵은을 붙였어요.
# 글 토큰 2개 뒤에 이미지 토큰 16개를 이으면 한 줄의 토큰이 되고, 다음 토큰을 맞히는 언어 모델로 배울 수 있어요.
# 시드마다 '굵은'과 '가는' 하나씩, 캡션 둘은 **학습에서 빼** 둬요. 처음 듣는 말도 그리는지 보려고요.

# %%
WORDS = ["<bos>", "가는", "보통", "굵은", *"영일이삼사오육칠팔구"]
T, ATTRIBUTE, DIGIT = (
    len(WORDS),
    1,
    4,
)  # where the text tokens end, the attributes and the digits begin
CAPTIONS = torch.tensor(
    [[ATTRIBUTE + a, DIGIT + d] for a, d in product(range(3), range(10))]
)  # (30, 2)


def ink_bounds(x, y):
    """The two thirds of each digit's ink: (10, 2)."""
    ink = x.mean(dim=(1, 2, 3))
    return torch.stack(
        [
            ink[y == digit].quantile(torch.tensor([1 / 3, 2 / 3]))
            for digit in range(10)
        ]
    )


def caption(x, y, bounds):
    """Text tokens (B, 2) of images (B, 1, 8, 8) with labels (B)."""
    attribute = (x.mean(dim=(1, 2, 3))[:, None] > bounds[y]).sum(
        dim=1
    )  # 0 thin, 1 medium, 2 thick
    return torch.stack([ATTRIBUTE + attribute, DIGIT + y], dim=1)


def stream(text, image_tokens):
    """One line of tokens, (B, 2) and (B, M) -> (B, 3 + M): <bos>, the caption, then
    the image above T."""
    return torch.cat(
        [torch.zeros(len(text), 1, dtype=torch.long), text, T + image_tokens], dim=1
    )


def is_held_out(text, seed):
    """Which captions (B, 2) the model of that seed never sees: thick one digit,
    thin another: (B)."""
    thick = torch.tensor([ATTRIBUTE + 2, DIGIT + (3 + seed) % 10])
    thin = torch.tensor([ATTRIBUTE, DIGIT + (6 + seed) % 10])
    return (text == thick).all(dim=1) | (text == thin).all(dim=1)


def as_one_word(text):
    """Captions (B, 2) of which each is one word of its own, said twice: nothing in
    a new one has been heard before."""
    attribute, digit = (text - torch.tensor([ATTRIBUTE, DIGIT])).unbind(dim=1)
    return (T + 32 + 10 * attribute + digit)[:, None].expand(-1, 2)


# %% [markdown]
# ## 디코더: ViT의 블록에 마스크만
#
# 여기서 디코더는 인코더를 들여다보는 교차 어텐션이 없는, GPT와 같은 디코더예요. 그래서 ViT의 블록과 다른 것은 **뒤를 가리는 인과 마스크 하나**예요.
# 입력은 토큰 번호의 임베딩이고, 출력은 다음 토큰의 로짓이에요.


# %%
class CausalAttention(Attention):
    """vit.Attention in which no token sees a later one: (B, N, D) -> (B, N, D)."""

    def forward(self, x, return_attn=False):
        B, N, D = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, D // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, h, N, d) each
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(z.transpose(1, 2).reshape(B, N, D)), None


class Decoder(nn.Module):
    """Tokens (B, N) -> logits of the token after each (B, N, vocabulary);
    causal=False: no mask, an encoder."""

    def __init__(
        self,
        vocabulary=T + 32,
        length=18,
        dim=48,
        depth=2,
        num_heads=4,
        causal=True,
    ):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, dim)
        self.pos_embed = nn.Parameter(torch.randn(length, dim) / 2)
        self.blocks = nn.ModuleList(Block(dim, num_heads) for _ in range(depth))
        for block in self.blocks if causal else ():
            block.attn = CausalAttention(dim, num_heads)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, vocabulary)
        nn.init.normal_(self.embed.weight, std=0.5)
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, tokens):
        x = self.embed(tokens) + self.pos_embed[: tokens.shape[1]]  # (B, N, D)
        for block in self.blocks:
            x, _ = block(x)
        return self.head(self.norm(x))


def nll(model, tokens):
    """Nats of each token (B, 3 + M) given those before it: (B, 2 + M), the
    caption's two first."""
    return F.cross_entropy(
        model(tokens[:, :-1]).transpose(1, 2), tokens[:, 1:], reduction="none"
    )


def train(model, tokens, seed, steps=250, lr=0.008):
    """Train by AdamW on batches of 32 lines (B, 19)."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr, weight_decay=0.05, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=steps, pct_start=0.2
    )
    for _ in range(steps):
        losses = nll(
            model, tokens[torch.randint(len(tokens), (32,), generator=generator)]
        )
        loss = (
            losses[:, :2].mean() / 8 + losses[:, 2:].mean() * 7 / 8
        )  # weights of DALL-E (2102.12092) §2.2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def sample(model, tokens, length=19):
    """Go on from tokens (B, N), one by one, up to (B, length)."""
    while tokens.shape[1] < length:
        logits = model(tokens)[:, -1]  # (B, vocabulary)
        if tokens.shape[1] < 3:  # two words first
            logits[:, T:] = -torch.inf
        else:  # then an image
            logits[:, :T] = logits[:, T + 32 :] = -torch.inf
        tokens = torch.cat(
            [tokens, torch.multinomial(logits.softmax(dim=1), 1)], dim=1
        )
    return tokens


# %%
def paint(model, text, count):
    """Image tokens (C * count, 16) for captions (C, 2), and the caption of each."""
    text = text.repeat_interleave(count, dim=0)
    return sample(model, stream(text, text[:, :0]))[:, 3:] - T, text


# %% [markdown]
# ## 학습은 한 번, 가중치는 파일에
#
# 시드마다 dVAE 둘(KL이 있는 것과 없는 것)과 디코더를 학습해서 `data/text_to_image.safetensors`에 담아 두고 불러요. 대조로, 캡션마다 **통째로 한 낱말**인
# 디코더도 하나 학습하는데 그것은 그린 그림의 토큰만 담아요. 환경 변수 `TRAIN_AGAIN=1`을 주면 한 코어로 1분쯤 걸려 모두 다시 학습해요.


# %%
def learn(seed, images, labels):
    """What is kept of a seed, learnt from images (B, 1, 8, 8): {name: tensor}."""
    dvae = train_dvae(images, seed).half().float()  # rounded as the file keeps it
    text = caption(images, labels, ink_bounds(images, labels))
    lines = stream(text, dvae.encode(images))[~is_held_out(text, seed)]
    torch.manual_seed(seed)
    decoder = train(Decoder(), lines, seed)
    torch.manual_seed(seed)
    whole = stream(as_one_word(lines[:, 1:3]), lines[:, 3:] - T)
    one_word = train(Decoder(T + 32 + len(CAPTIONS)), whole, seed)
    without_kl = train_dvae(images, seed, kl_weight=0)
    models = {"dvae": dvae, "without_kl": without_kl, "decoder": decoder}
    return {
        f"{name}.{part}": value.half()
        for name, model in models.items()
        for part, value in model.state_dict().items()
    } | {"one_word": paint(one_word, as_one_word(CAPTIONS), 20)[0].byte()}


def learnt(kept, seed, name, model):
    """The model with its kept weights."""
    start = f"{seed}.{name}."
    weights = {
        part.removeprefix(start): value.float()
        for part, value in kept.items()
        if part.startswith(start)
    }
    model.load_state_dict(weights)
    return model


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {}
    data = [load(seed) for seed in SEEDS]
    if os.environ.get("TRAIN_AGAIN") == "1":
        kept = {
            f"{seed}.{name}": value
            for seed, (of_training, _, _) in zip(SEEDS, data)
            for name, value in learn(seed, *of_training).items()
        }
        save_file(kept, WEIGHTS)
    kept = load_file(WEIGHTS)
    dvaes, without_kl = (
        [learnt(kept, seed, name, DVAE()) for seed in SEEDS]
        for name in ("dvae", "without_kl")
    )
    models = [learnt(kept, seed, "decoder", Decoder()) for seed in SEEDS]
    all_bounds = [ink_bounds(x, y) for (x, y), _, _ in data]
    judges = [
        SVC().fit(x.flatten(1), y) for (x, y), _, _ in data
    ]  # know real digits only

# %% [markdown]
# ## 부호 32가지로 충분할까요?
#
# 시험 이미지를 토큰으로 바꿨다가 되돌려서, 복원 오차와 쓰인 부호의 수를 재고 **진짜 숫자로만** 배운 분류기에게 무슨 숫자인지 물어요.
# KL 항을 뺀 dVAE가 부호를 덜 쓰고 복원도 못하면 KL 항이 도운 것이고, 시드마다 짝지은 차이의 구간이 0을 품으면 가를 수 없는 거예요.

# %%
if __name__ == "__main__":
    null["배우지 않은 dVAE"] = fresh = {}
    torch.manual_seed(0)
    kinds = (
        ("KL 있음", "", evidence, dvaes),
        ("KL 없음", "_without_kl", evidence, without_kl),
        ("배우지 않음", "", fresh, [DVAE() for _ in SEEDS]),
    )
    rows = []
    for title, key, found_here, some in kinds:
        errors, used, again = [], [], []
        for dvae, judge, ((x, _), _, (test, test_y)) in zip(some, judges, data):
            errors.append(reconstruction_error(dvae, test))
            used.append(len(dvae.encode(x).unique()))
            again.append(
                judge.score(dvae.decode(dvae.encode(test)).flatten(1), test_y)
            )
        found_here |= {
            f"reconstruction_error{key}": errors,
            f"codes_used{key}": used,
            f"judge_again{key}": again,
        }
        rows.append(
            [
                title,
                f"{mean(errors):.3f} ± {stdev(errors):.3f}",
                f"{min(used)}~{max(used)}",
            ]
        )
    evidence["codes"] = dvaes[0].codes
    evidence["judge_real"] = [
        judge.score(x.flatten(1), y) for judge, (_, _, (x, y)) in zip(judges, data)
    ]
    fresh |= {  # its weight of the KL makes no difference yet
        f"{name}_without_kl": fresh[name]
        for name in ("reconstruction_error", "codes_used")
    }
    null["KL 항이 없는 dVAE"] = {
        name: evidence[f"{name}_without_kl"]
        for name in ("reconstruction_error", "codes_used")
    }
    table(
        "dvae",
        "처음 보는 이미지의 복원 오차와 32개 가운데 쓰인 부호의 수 (시드 다섯)",
        ["손실", "복원 오차", "쓰인 부호"],
        rows,
    )
    print(f"분류기가 맞힌 비율: 진짜 {mean(evidence['judge_real']):.1%}")
    print(f"토큰으로 바꿨다가 되돌린 것 {mean(evidence['judge_again']):.1%}")


# %%
def draw(axis, image):
    """Show one image (1, 8, 8) in its own ink."""
    axis.imshow((image[0] * STD + MEAN) / 16, cmap="gray_r", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set_visible(True)


# %%
if __name__ == "__main__":
    x, tokens = data[0][2][0][:4], dvaes[0].encode(data[0][2][0][:4])
    figure, axes = plt.subplots(3, 4, figsize=(4.5, 3.6))
    for column, image, grid, again in zip(
        axes.T, x, tokens, dvaes[0].decode(tokens)
    ):
        draw(column[0], image)
        draw(column[2], again)
        column[1].set(
            xlim=(-0.5, 3.5), ylim=(3.5, -0.5), xticks=[], yticks=[], aspect="equal"
        )
        column[1].spines[:].set_visible(True)
        column[1].grid(False)
        for place, code in enumerate(grid.tolist()):
            column[1].text(place % 4, place // 4, code, ha="center", va="center")
    for axis, title in zip(axes[:, 0], ("원본", "토큰", "복원")):
        axis.set_ylabel(title)
    alt = f"숫자 이미지가 토큰 16개가 됐다가 돌아와요. 복원한 이미지의 {mean(evidence['judge_again']):.1%}를 분류기가 알아봐요."
    show(figure, "reconstruction", alt)

# %% [markdown]
# ## 다음 토큰을 얼마나 잘 맞힐까요?
#
# 한 줄의 글 토큰과 이미지 토큰에 드는 나트를 학습에 쓴 줄과 처음 보는 줄에서 재요. 두 값의 차이가 과적합이에요.

# %%
if __name__ == "__main__":
    train_lines, test_lines = [], []
    for seed, dvae, bounds, ((x, y), _, (test, test_y)) in zip(
        SEEDS, dvaes, all_bounds, data
    ):
        text = caption(x, y, bounds)
        train_lines.append(
            stream(text, dvae.encode(x))[~is_held_out(text, seed)]
        )  # (about 930, 19)
        test_lines.append(stream(caption(test, test_y, bounds), dvae.encode(test)))
    evidence["train_lines"] = min(len(lines) for lines in train_lines)
    rows = []
    parts = (("text", "글", slice(None, 2)), ("image", "이미지", slice(2, None)))
    for key, title, part in parts:
        for kind, name, lines in (
            ("train", "학습", train_lines),
            ("test", "시험", test_lines),
        ):
            with torch.no_grad():
                found = [
                    nll(model, some)[:, part].sum(dim=1).mean().item()
                    for model, some in zip(models, lines)
                ]
            evidence[f"{key}_nll_{kind}"] = found
            rows.append([title, name, f"{mean(found):.1f} ± {stdev(found):.1f}"])
    table(
        "nll",
        "한 줄에 드는 나트 (시드 다섯의 평균 ± 표준편차)",
        ["토큰", "줄", "나트"],
        rows,
    )
    print(
        f"무작위로 찍으면 글 {torch.tensor(30.0).log():.1f}나트, 이미지 {16 * torch.tensor(32.0).log():.1f}나트"
    )

# %% [markdown]
# ## 글대로 그릴까요?
#
# 캡션마다 그리게 하고, **진짜 숫자로만** 배운 분류기에게 무슨 숫자인지 물어요. 굵기는 진짜의 잉크 양 가운데보다 많은지 적은지로 봐요.
# 학습에서 뺀 캡션은 따로 재요. 캡션 없이 시작하면 모델이 캡션부터 스스로 써요. 글도 함께 배웠으니까요.


# %%
def right_digit(judge, x, text):
    """Which images (B, 1, 8, 8) the judge takes for the digit of the caption (B,
    2): (B) of 0. and 1."""
    return (torch.tensor(judge.predict(x.flatten(1))) == text[:, 1] - DIGIT).float()


def right_ink(bounds, x, text):
    """For thin and thick captions only: whether there is less, or more, ink than
    that digit has: (<= B) of 0. and 1."""
    more = x.mean(dim=(1, 2, 3)) > bounds[text[:, 1] - DIGIT].mean(dim=1)
    return (more == (text[:, 0] == ATTRIBUTE + 2)).float()[
        text[:, 0] != ATTRIBUTE + 1
    ]


# %%
if __name__ == "__main__":
    names = {
        "seen": "배운 캡션",
        "unseen": "배울 때 뺀 캡션",
        "medium": "뺀 캡션의 굵기를 보통으로",
        "alone": "캡션도 스스로 쓸 때",
        "unasked": "글 없이, 바라던 것과 견줄 때",
    }
    follows = {f"{name}_{what}": [] for name in names for what in ("digit", "ink")}
    once, painted, distances = [], [], {"painted": [], "test": []}
    one_word = {"seen_digit": [], "unseen_digit": []}
    for seed, model, dvae, judge, bounds in zip(
        SEEDS, models, dvaes, judges, all_bounds
    ):
        torch.manual_seed(seed)
        held_out = is_held_out(CAPTIONS, seed)
        drawn = {
            "seen": paint(model, CAPTIONS[~held_out], 10),
            "unseen": paint(model, CAPTIONS[held_out], 60),
        }
        text = drawn["unseen"][1]
        medium = torch.stack(
            [torch.full_like(text[:, 0], ATTRIBUTE + 1), text[:, 1]], dim=1
        )  # does the word matter?
        drawn["medium"] = paint(model, medium, 1)[0], text
        alone = sample(
            model, torch.zeros(280, 1, dtype=torch.long)
        )  # from <bos>: it writes a caption of its own first
        drawn["alone"] = alone[:, 3:] - T, alone[:, 1:3]
        drawn["unasked"] = (
            alone[:, 3:] - T,
            CAPTIONS[torch.randint(len(CAPTIONS), (280,))],
        )
        for name, (image_tokens, text) in drawn.items():
            x = dvae.decode(image_tokens)
            follows[f"{name}_digit"].append(
                right_digit(judge, x, text).mean().item()
            )
            follows[f"{name}_ink"].append(right_ink(bounds, x, text).mean().item())
        painted.append(drawn["seen"])
        text = CAPTIONS.repeat_interleave(20, dim=0)
        x = dvae.decode(kept[f"{seed}.one_word"].long())
        right = right_digit(judge, x, text)
        for name, which in (("seen", ~held_out), ("unseen", held_out)):
            one_word[f"{name}_digit"].append(
                right[which.repeat_interleave(20)].mean().item()
            )
        for name, image_tokens in (
            ("painted", drawn["seen"][0]),
            ("test", test_lines[seed][:, 3:] - T),
        ):
            apart = torch.cdist(
                image_tokens.float(), train_lines[seed][:, 3:].float() - T, p=0
            )  # codes that differ
            distances[name].append(apart.amin(dim=1))
        once.append(paint(model, CAPTIONS, 1)[0])
    evidence |= follows
    asked = {
        f"{name}_{what}": what
        for name in ("seen", "unseen", "alone")
        for what in ("digit", "ink")
    }
    null["글 없이 그린 그림"] = {
        name: evidence[f"unasked_{what}"] for name, what in asked.items()
    }
    null["캡션을 통째로 한 낱말로 배운 모델"] = {
        "unseen_digit": one_word["unseen_digit"]
    }
    evidence["seen_digit_one_word"] = one_word["seen_digit"]
    null["굵기를 보통이라고 한 캡션"] = {"unseen_ink": evidence["medium_ink"]}
    rows = [
        [
            title,
            *(
                f"{mean(found):.0%} ± {stdev(found):.0%}"
                for found in (follows[f"{name}_digit"], follows[f"{name}_ink"])
            ),
        ]
        for name, title in names.items()
    ]
    table(
        "judged",
        "글대로 그린 비율 (시드 다섯의 평균 ± 표준편차, 찍으면 숫자 10%, 굵기 50%)",
        ["그림", "숫자", "굵기"],
        rows,
    )
    evidence["copies"] = [
        (found == 0).float().mean().item() for found in distances["painted"]
    ]
    for name, title in (("painted", "그린 그림"), ("test", "처음 보는 진짜")):
        evidence[f"nearest_{name}"] = [
            found.mean().item() for found in distances[name]
        ]
        print(
            f"{title}: 가장 닮은 학습 이미지와 다른 토큰이 {mean(evidence[f'nearest_{name}']):.1f}개"
        )
    print(
        f"토큰 16개가 모두 학습 이미지와 같은 그림: {mean(evidence['copies']):.2%}"
    )

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(3, 10, figsize=(4.5, 1.6))
    for axis, image, text, hidden in zip(
        axes.flat, dvaes[0].decode(once[0]), CAPTIONS, is_held_out(CAPTIONS, 0)
    ):
        draw(axis, image)
        if hidden:
            axis.spines[:].set(color=ORANGE, linewidth=3)
    for axis, word in zip(axes[0], WORDS[DIGIT:]):
        axis.set_title(word)
    for axis, word in zip(axes[:, 0], WORDS[ATTRIBUTE:DIGIT]):
        axis.set_ylabel(word)
    alt = (
        f"캡션마다 한 장씩 그린 그림이에요. 분류기가 보기에 {mean(evidence['seen_digit']):.0%}가 캡션의 숫자예요. "
        f"주황 테두리는 배울 때 뺀 캡션이고, 그런 그림도 {mean(evidence['unseen_digit']):.0%}가 맞아요."
    )
    show(figure, "painted", alt)

# %% [markdown]
# ## 한 장이 그려지는 길
#
# 배울 때 뺀 '굵은 삼'으로 그려서 분류기가 3으로 알아본 첫 장의 토큰을 따라가 볼게요. 글 토큰 뒤에 부호를 하나씩 이어 쓰고, 다 쓰면 dVAE의 디코더가 그림으로 되돌려요.


# %%
def boxes(axis, y, words, colors):
    """A line of boxes with words at height y, each as wide as a column."""
    for i, (word, color) in enumerate(zip(words, colors)):
        if color:
            axis.add_patch(
                plt.Rectangle((i + 0.06, y), 0.88, 1, fc=color + "38", ec=color)
            )
        axis.text(i + 0.5, y + 0.47, word, ha="center", va="center")


def arrow(axis, start, end):
    """From one point (x, y) to another."""
    style = {"arrowstyle": "->", "color": INK, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", end, start, arrowprops=style, annotation_clip=False)


# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    drawn, asked_for = paint(models[0], CAPTIONS[23:24], 20)  # '굵은 삼', held out
    right = right_digit(judges[0], dvaes[0].decode(drawn), asked_for)
    text, codes = (
        CAPTIONS[23],
        drawn[right.argmax()],
    )  # the first that looks like it
    line = ["시작", *(WORDS[word] for word in text), *map(str, codes.tolist())]
    kinds = [BLUE] * 3 + [ORANGE] * 2 + [None, ORANGE]
    figure, parts = plt.subplot_mosaic(
        [["line"] * 3, ["codes", "decoder", "image"]],
        figsize=(4.5, 4.2),
        height_ratios=[1.9, 1],
    )
    axis = parts["line"]
    axis.set(xlim=(0, 7), ylim=(0, 7.6))
    axis.axis("off")
    axis.text(1.5, 7.1, "글 토큰", color=BLUE, ha="center")
    axis.text(5, 7.1, "이미지 토큰 (부호의 번호)", color=ORANGE, ha="center")
    boxes(axis, 5.8, [*line[:5], "…", line[-2]], kinds)
    axis.add_patch(plt.Rectangle((0.06, 3), 6.88, 1.6, fc=VIOLET + "38", ec=VIOLET))
    words = "Transformer: 블록 2개, 앞만 보는 인과 마스크"
    axis.text(3.5, 3.75, words, ha="center", va="center")
    boxes(
        axis, 0.8, [*line[1:6], "…", line[-1]], [*kinds[1:5], ORANGE, None, ORANGE]
    )
    for i in (0, 1, 2, 3, 4, 6):
        arrow(axis, (i + 0.5, 5.8), (i + 0.5, 4.65))
        arrow(axis, (i + 0.5, 3), (i + 0.5, 1.85))
    axis.text(3.5, 0, "자리마다 다음 토큰을 뽑아 줄 뒤에 이어요", ha="center")
    grid = parts["codes"]
    grid.set(
        xlim=(-0.5, 3.5), ylim=(3.5, -0.5), xticks=[], yticks=[], aspect="equal"
    )
    grid.spines[:].set(visible=True, color=ORANGE)
    grid.grid(False)
    for place, code in enumerate(codes.tolist()):
        grid.text(place % 4, place // 4, code, ha="center", va="center")
    middle = parts["decoder"]
    middle.set(xlim=(0, 1), ylim=(0, 1))
    middle.axis("off")
    middle.add_patch(plt.Rectangle((0.12, 0.3), 0.76, 0.4, fc=INK + "10", ec=INK))
    middle.text(0.5, 0.49, "dVAE의\n디코더", ha="center", va="center")
    arrow(middle, (-0.1, 0.5), (0.12, 0.5))
    arrow(middle, (0.88, 0.5), (1.1, 0.5))
    draw(parts["image"], dvaes[0].decode(codes[None])[0])
    alt = (
        "글 토큰 '굵은 삼' 뒤에 Transformer가 부호의 번호 16개를 하나씩 이어 쓰고, dVAE의 디코더가 "
        "4 × 4로 놓은 번호를 8 × 8 그림으로 되돌려요."
    )
    show(figure, "pipeline", alt)

# %% [markdown]
# ## 분류기 없이 확률로 물어도 돼요
#
# 디코더는 $p(\text{이미지}|\text{글})$을 값으로 내놓으니 분류기 없이도 물을 수 있어요. 처음 보는 진짜 이미지에 캡션 30가지를 하나씩 붙여 보고,
# 이미지가 가장 그럴듯해지는 캡션을 골라요. 글이 이미지에 관해 몇 나트를 알려 주는지도 나와요. 30가지를 가려 주는 말은 $\ln 30$나트까지만 알려 줄 수 있어요.


# %%
@torch.no_grad()
def by_caption(model, lines):
    """log p(image | caption) of lines (B, 19) under each of the 30 captions: (B,
    30)."""
    image = (lines[:, 3:] - T).repeat_interleave(
        len(CAPTIONS), dim=0
    )  # (B * 30, 16)
    found = nll(model, stream(CAPTIONS.repeat(len(lines), 1), image))[:, 2:]
    return -found.sum(dim=1).unflatten(0, (len(lines), len(CAPTIONS)))


# %%
def guesses(log_p, text):
    """Share of captions (B, 2) whose digit the likeliest has, and nats that the
    right one tells; log_p (B, 30)."""
    best = CAPTIONS[log_p.argmax(dim=1)]
    right = log_p.gather(
        1, ((text[:, 0] - ATTRIBUTE) * 10 + text[:, 1] - DIGIT)[:, None]
    )[:, 0]
    told = right - log_p.logsumexp(dim=1) + torch.tensor(30.0).log()
    return (best[:, 1] == text[:, 1]).float().mean().item(), told.mean().item()


# %%
if __name__ == "__main__":
    null["캡션을 섞은 이미지"] = {}
    likelihoods = [
        by_caption(model, lines[:100]) for model, lines in zip(models, test_lines)
    ]  # (100, 30) each
    for kept, moved in ((evidence, 0), (null["캡션을 섞은 이미지"], 1)):
        captions = [lines[:100, 1:3].roll(moved, dims=0) for lines in test_lines]
        found = [guesses(log_p, text) for log_p, text in zip(likelihoods, captions)]
        kept["guessed"], kept["told"] = map(list, zip(*found))
    evidence["told_most"] = torch.tensor(30.0).log().item()
    print(
        f"가장 그럴듯한 캡션의 숫자가 맞은 비율: {mean(evidence['guessed']):.0%} ± {stdev(evidence['guessed']):.0%}"
    )
    print(
        f"맞는 캡션이 알려 주는 것: {mean(evidence['told']):.2f}나트 (많아야 {evidence['told_most']:.2f}나트)"
    )

# %% [markdown]
# ## 디코더가 내놓는 것은 픽셀이 아니에요
#
# 디코더의 출력은 부호의 **번호**예요. 번호만으로는 그림이 아니에요. 같은 토큰을 다른 시드의 dVAE로 되돌리면 전혀 다른 그림이 돼요.

# %%
if __name__ == "__main__":
    evidence |= {"own_decoder": [], "other_decoder": []}
    for i, (judge, (drawn, text)) in enumerate(zip(judges, painted)):
        for name, dvae in (("own", dvaes[i]), ("other", dvaes[i - 1])):
            evidence[f"{name}_decoder"].append(
                right_digit(judge, dvae.decode(drawn), text).mean().item()
            )
    null["제 dVAE로 되돌린 그림"] = {"other_decoder": evidence["own_decoder"]}
    patches = (
        F.unfold(data[0][0][0], 2, stride=2).transpose(1, 2).flatten(0, 1)
    )  # (16000, 4)
    evidence["patch_kinds"] = len(patches.unique(dim=0))
    print(f"캡션의 숫자로 보인 비율: 제 dVAE {mean(evidence['own_decoder']):.0%}")
    print(f"다른 dVAE {mean(evidence['other_decoder']):.0%}")
    print(
        f"학습 이미지의 2×2 조각은 {evidence['patch_kinds']:,}가지, 토큰은 {dvaes[0].codes}가지"
    )

# %% [markdown]
# ## 위 절반을 주고 아래를 맡기면
#
# 이미지의 앞 토큰 8개(위 절반)를 진짜로 채우고 나머지만 그리게 해요. 캡션은 맞는 것, 또는 다른 숫자의 것을 줘요.

# %%
if __name__ == "__main__":
    kinds = [
        f"completed_{name}"
        for name in ("right_caption", "wrong_caption", "wrong_image")
    ]
    evidence |= {name: [] for name in kinds}
    for seed, model, dvae, judge, lines in zip(
        SEEDS, models, dvaes, judges, test_lines
    ):
        torch.manual_seed(seed)
        top = lines[:100, :11]
        wrong = top.clone()
        wrong[:, 2] = (
            DIGIT + (top[:, 2] - DIGIT + torch.randint(1, 10, (100,))) % 10
        )
        right_half, wrong_half = (
            dvae.decode(sample(model, start)[:, 3:] - T) for start in (top, wrong)
        )
        for name, x, lines_of in zip(
            kinds, (right_half, wrong_half, wrong_half), (top, wrong, top)
        ):
            evidence[name].append(
                right_digit(judge, x, lines_of[:, 1:3]).mean().item()
            )
    right_caption, wrong_caption, wrong_image = (
        mean(evidence[name]) for name in kinds
    )
    print(f"맞는 캡션: {right_caption:.0%}가 그 숫자로 보여요.")
    print(
        f"다른 캡션: {wrong_caption:.0%}가 캡션의 숫자로, {wrong_image:.0%}가 원래의 숫자로 보여요."
    )

# %% [markdown]
# ## 크기는 얼마나 다를까요?
#
# 논문에 적힌 폭과 층 수로 같은 블록을 쌓아 파라미터를 세요. `meta` 장치라 메모리는 들지 않아요. 임베딩과 출력층, dVAE는 뺐어요.

# %%
if __name__ == "__main__":
    sizes = {
        "vit": (768, 12, 12),
        "dalle": (62 * 64, 62, 64),
        "gpt3": (12288, 96, 96),
    }  # width, heads, blocks
    for name, (dim, num_heads, depth) in sizes.items():
        with torch.device("meta"):
            evidence[f"{name}_blocks"] = depth * sum(
                p.numel() for p in Block(dim, num_heads).parameters()
            )
    ours = evidence["our_blocks"] = sum(
        p.numel() for p in models[0].blocks.parameters()
    )
    titles = {
        "vit": "ViT-B (인코더)",
        "dalle": "DALL·E (디코더)",
        "gpt3": "GPT-3 (디코더)",
    }
    rows = [
        [
            titles[name],
            f"{dim:,}",
            depth,
            f"{evidence[f'{name}_blocks'] / 1e8:,.1f}억",
        ]
        for name, (dim, _, depth) in sizes.items()
    ]
    table(
        "sizes",
        f"블록의 파라미터 (여기서 배운 디코더는 {ours:,}개)",
        ["모델", "폭", "블록", "파라미터"],
        rows,
    )

# %%
if __name__ == "__main__":
    rates = (
        "seen",
        "unseen",
        "medium",
        "alone",
        "unasked",
        "completed",
        "own_",
        "other_",
    )
    tolerance = {
        **{
            name: 0.03
            for name in evidence
            if name.startswith(("reconstruction", "judge_"))
        },
        **{name: 6 for name in evidence if name.startswith("codes_used")},
        **{name: 2.5 for name in evidence if "_nll_" in name},
        **{
            name: 0.25 for name in evidence if name.startswith(rates)
        },  # training differs between processors
        "unseen_ink": 0.4,  # of two captions a seed
        "medium_ink": 0.4,
        "copies": 0.02,
        "nearest_painted": 1,
        "nearest_test": 1,
        "guessed": 0.1,
        "told": 0.4,
    }
    evidence
