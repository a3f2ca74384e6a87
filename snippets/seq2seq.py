# %% [markdown]
# # 날짜를 옮겨 적는 Transformer
#
# 인코더와 디코더를 모두 갖춘 Transformer를 처음부터 학습시켜, 한글로 쓴 날짜를 숫자 표기로 옮겨요.
# `이십삼년유월오일`이 들어가면 `5/6/23`이 나와요.
# 옮기는 법은 세 가지이고 모두 정답이에요. 학습 데이터의 40%는 `23-06-05`, 30%는 `5/6/23`, 30%는 `5.6.23`이에요.
# 어순이 바뀌고, 유월(6월)과 시월(10월)은 소리가 변하고, 같은 글자 '일'이 1도 되고 날도 돼요. 작지만 번역이에요.

# %%
import copy
import os
import random
import re
from statistics import mean

import torch
import torch.nn.functional as F
from lib.figure import plt, show, table
from lib.measure import relative_error
from lib.paths import data_path
from safetensors.torch import load_file, save_file
from torch import nn

NUMERALS = "영일이삼사오육칠팔구"
NOTATIONS = ("{y:02}-{m:02}-{d:02}", "{d}/{m}/{y:02}", "{d}.{m}.{y:02}")
SHARES = (0.4, 0.3, 0.3)  # how often each notation is the translation
VOCAB = ["<pad>", "<bos>", "<eos>", *"0123456789-/.", *NUMERALS, *"십년월유시"]
ID = {token: i for i, token in enumerate(VOCAB)}
PAD, BOS, EOS = 0, 1, 2
SHORT, FULL = 400, 1500  # steps: what a plain run shows, what made the kept weights
WEIGHTS = data_path("seq2seq.safetensors")


def numeral(n):
    """A number below 100 in Sino-Korean: 23 -> 이십삼."""
    tens, ones = divmod(n, 10)
    return (
        (NUMERALS[tens] if tens > 1 else "")
        + ("십" if tens else "")
        + (NUMERALS[ones] if ones or n == 0 else "")
    )


def korean(date):
    """(year, month, day) -> Hangul: (23, 6, 5) -> 이십삼년유월오일."""
    y, m, d = date
    return f"{numeral(y)}년{ {6: '유', 10: '시'}.get(m) or numeral(m) }월{numeral(d)}일"


def translations(date):
    """All right translations of a date."""
    y, m, d = date
    return [notation.format(y=y, m=m, d=d) for notation in NOTATIONS]


def in_turn(dates):
    """A right translation of each date, the three notations in turn."""
    return [translations(date)[i % 3] for i, date in enumerate(dates)]


def split(seed):
    """All dates of 100 years in random order: four fifths to learn from, one fifth
    to be tested on."""
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    dates = [
        (y, m, d)
        for y in range(100)
        for m in range(1, 13)
        for d in range(1, days[m - 1] + 1)
    ]
    random.Random(seed).shuffle(dates)
    return dates[len(dates) // 5 :], dates[: len(dates) // 5]


def pad(rows):
    """Lists of ids -> one tensor (B, N), filled up with PAD."""
    return nn.utils.rnn.pad_sequence(
        [torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD
    )


def sources(dates):
    """Dates -> the ids of their Hangul (B, N)."""
    return pad([[ID[char] for char in korean(date)] for date in dates])


def targets(texts):
    """Texts -> ids (B, T + 2), each between BOS and EOS."""
    return pad([[BOS, *(ID[char] for char in text), EOS] for text in texts])


# %%
class Attention(nn.Module):
    """Multi-head attention whose keys and values may come from elsewhere: (B, T, D)
    -> (B, T, D), maps (B, h, T, N)."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.q, self.k, self.v, self.proj = (nn.Linear(dim, dim) for _ in range(4))

    def heads(self, x):
        # (B, N, D) -> (B, h, N, d)
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def keys_values(self, x):
        return self.heads(self.k(x)), self.heads(self.v(x))

    def forward(self, x, keys_values, mask):
        q, (k, v) = self.heads(self.q(x)), keys_values
        # AIAYN (1706.03762) Eq. 1; a score of -inf has weight 0
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5  # (B, h, T, N)
        scores = scores.masked_fill(~mask, -torch.inf)
        attn = scores.softmax(dim=-1)
        return self.proj((attn @ v).transpose(1, 2).flatten(2)), attn


def mlp(dim):
    """AIAYN Eq. 2: every token by itself, four times as wide inside."""
    return nn.Sequential(
        nn.Linear(dim, 4 * dim), nn.ReLU(), nn.Linear(4 * dim, dim)
    )


class EncoderLayer(nn.Module):
    """AIAYN §3.1: self-attention and MLP, (B, S, D) -> (B, S, D)."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.self_attn, self.mlp = Attention(dim, num_heads), mlp(dim)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x, mask):
        # Post-LN, as in AIAYN
        x = self.norm1(
            x + self.self_attn(x, self.self_attn.keys_values(x), mask)[0]
        )
        return self.norm2(x + self.mlp(x))


class DecoderLayer(nn.Module):
    """AIAYN §3.1: the same, and attention to the encoder's output between them: ->
    (B, T, D) and that attention."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.self_attn = Attention(dim, num_heads)
        self.cross_attn = Attention(dim, num_heads)
        self.mlp = mlp(dim)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(dim) for _ in range(3))

    def forward(self, y, own, other, mask, source_mask):
        """own: keys and values of the words so far; other: keys and values of the
        encoder's output."""
        y = self.norm1(y + self.self_attn(y, own, mask)[0])
        z, cross = self.cross_attn(y, other, source_mask)
        y = self.norm2(y + z)
        return self.norm3(y + self.mlp(y)), cross


def sinusoid(length, dim):
    """AIAYN §3.5: sines and cosines of the place (length, dim)."""
    angles = torch.arange(length)[:, None] / 10_000 ** (
        torch.arange(0, dim, 2) / dim
    )
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class Transformer(nn.Module):
    """Source ids (B, N) and target ids (B, T) -> logits of what follows each target
    token (B, T, V)."""

    def __init__(self, dim=48, num_heads=2, depth=2, causal=True):
        super().__init__()
        self.dim, self.causal = dim, causal
        # one for source, target and output: tied, AIAYN §3.4
        self.embedding = nn.Embedding(len(VOCAB), dim)
        self.encoder = nn.ModuleList(
            EncoderLayer(dim, num_heads) for _ in range(depth)
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(dim, num_heads) for _ in range(depth)
        )
        for weight in self.parameters():
            if weight.ndim == 2:
                nn.init.xavier_uniform_(weight)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)

    def embed(self, ids, start=0):
        places = sinusoid(start + ids.shape[1], self.dim)[start:]
        return self.embedding(ids) * self.dim**0.5 + places

    def encode(self, source, mask=None):
        """The output of the top encoder layer (B, N, D), and which of it is not
        padding (B, 1, 1, N)."""
        mask = (source != PAD)[:, None, None] if mask is None else mask
        x = self.embed(source)
        for layer in self.encoder:
            x = layer(x, mask)
        return x, mask

    def decode(self, target, memory, source_mask):
        """Logits (B, T, V), and the cross-attention maps of each layer, stacked (B,
        depth, h, T, N)."""
        T = target.shape[1]
        mask = torch.ones(T, T, dtype=torch.bool)
        if self.causal:
            mask = mask.tril()  # row t sees columns up to t
        y, maps = self.embed(target), []
        for layer in self.decoder:
            y, cross = layer(
                y,
                layer.self_attn.keys_values(y),
                layer.cross_attn.keys_values(memory),
                mask,
                source_mask,
            )
            maps.append(cross)
        return y @ self.embedding.weight.T, torch.stack(maps, dim=1)

    def forward(self, source, target):
        return self.decode(target, *self.encode(source))[0]


def loss_of(model, source, target):
    """Nats that a translation takes, all its tokens and EOS, mean over the batch;
    no label smoothing."""
    # teacher forcing: the right words so far go in
    logits = model(source, target[:, :-1]).flatten(0, 1)
    return F.cross_entropy(
        logits, target[:, 1:].flatten(), ignore_index=PAD, reduction="sum"
    ) / len(source)


def train(seed, steps=SHORT, batch=48, lr=5e-3, build=Transformer):
    """The model of build(), trained from scratch, and its loss at each step.
    Settings chosen on seeds 100 to 103."""
    torch.manual_seed(seed)
    rng, dates, model, losses = random.Random(seed), split(seed)[0], build(), []
    optimizer = torch.optim.Adam(
        model.parameters(), lr, betas=(0.9, 0.98), fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=steps, pct_start=0.15
    )
    for _ in range(steps):
        drawn = rng.choices(dates, k=batch)
        texts = [rng.choices(translations(date), SHARES)[0] for date in drawn]
        loss = loss_of(model, sources(drawn), targets(texts))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return model, losses


def untrained(seed):
    """The Transformer that train(seed) begins with."""
    torch.manual_seed(seed)
    return Transformer()


def load_trained(seed):
    """The Transformer of that seed (0, 1 or 2) after FULL steps, from
    seq2seq.safetensors."""
    model, kept = Transformer(), load_file(WEIGHTS)
    model.load_state_dict(
        {name: kept[f"{seed}.{name}"].float() for name in model.state_dict()}
    )
    return model


@torch.no_grad()
def greedy(model, source, limit=12):
    """Translations by the likeliest token at each step (B, up to limit), from BOS
    until every row has its EOS."""
    memory, mask = model.encode(source)  # once
    target = torch.full((len(source), 1), BOS)
    while target.shape[1] <= limit and not (target == EOS).any(dim=1).all():
        logits, _ = model.decode(target, memory, mask)
        # the newest token joins the input
        target = torch.cat([target, logits[:, -1:].argmax(dim=-1)], dim=1)
    return target[:, 1:]


def texts(ids):
    """Rows of ids -> texts up to EOS; a row without EOS ends in an ellipsis."""
    found = []
    for row in ids.tolist():
        end = row.index(EOS) if EOS in row else len(row)
        found.append(
            "".join(VOCAB[i] for i in row[:end]) + ("" if EOS in row else "…")
        )
    return found


def exact_match(found, dates):
    """Share of the texts that are a right translation of their date, from the first
    character to the end."""
    return mean(text in translations(date) for text, date in zip(found, dates))


# %% [markdown]
# ## 배워서 처음 보는 날짜를 옮겨요
#
# 100년의 날짜 가운데 다섯 중 넷에서 뽑아 배우고, 남겨 둔 날짜로 시험해요. 첫 글자부터 끝 토큰(EOS)까지 하나도 틀리지 않아야 맞은 것으로 쳐요.
# 논문처럼 사인파 위치 인코딩을 더하고, 입력과 출력의 임베딩과 마지막 층이 가중치 하나를 함께 써요. 드롭아웃과 라벨 스무딩(label smoothing)은 뺐어요.
#
# 먼저 400단계, 몇 초만 배워 봐요. 그다음부터는 1,500단계를 배운 모델 셋의 가중치를 불러서 써요. 환경 변수 `FULL_RUN=1`을 주면 그 셋을 다시 배워요. 몇 분이면 돼요.

# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    torch.set_num_threads(1)
    if os.environ.get("FULL_RUN") == "1":
        kept = [train(seed, FULL)[0].state_dict() for seed in range(3)]
        save_file(
            {
                f"{seed}.{name}": kept[seed][name].half()
                for seed in range(3)
                for name in kept[seed]
            },
            WEIGHTS,
        )
    tests = [split(seed)[1][:500] for seed in range(3)]
    short, losses = train(seed=0)
    evidence["short_steps"], evidence["full_steps"] = SHORT, FULL
    evidence["short_match"] = exact_match(
        texts(greedy(short, sources(tests[0]))), tests[0]
    )
    evidence["parameters"] = sum(p.numel() for p in short.parameters())
    models = [load_trained(seed) for seed in range(3)]
    outputs = [
        texts(greedy(model, sources(dates))) for model, dates in zip(models, tests)
    ]
    evidence["match"] = [
        exact_match(found, dates) for found, dates in zip(outputs, tests)
    ]
    evidence["ended"] = [
        mean(not text.endswith("…") for text in found) for found in outputs
    ]
    pairs = [
        [(korean(date), text) for date, text in zip(dates, found)]
        for dates, found in zip(tests, outputs)
    ]
    evidence["other_length"] = [
        mean(len(source) != len(target) for source, target in found)
        for found in pairs
    ]
    nothing = [
        texts(greedy(untrained(seed), sources(dates)))
        for seed, dates in enumerate(tests)
    ]
    null["배우지 않은 모델"] = {
        "match": [exact_match(found, dates) for found, dates in zip(nothing, tests)]
    }
    # at best
    null["길이가 입력과 같아야 하는 모델"] = {
        "match": [1 - other for other in evidence["other_length"]]
    }
    print(f"파라미터 {evidence['parameters']:,}개")
    print(
        f"400단계를 배우면 처음 보는 날짜의 {evidence['short_match']:.1%}를 맞혀요."
    )
    print(
        f"1,500단계를 배운 세 모델은 {', '.join(f'{match:.1%}' for match in evidence['match'])}"
    )
    for side, (key, title) in enumerate((("source", "입력"), ("target", "출력"))):
        lengths = [len(pair[side]) for found in pairs for pair in found]
        evidence[f"{key}_shortest"], evidence[f"{key}_longest"] = (
            min(lengths),
            max(lengths),
        )
        print(f"{title}은 {min(lengths)}~{max(lengths)}글자")
    print(f"{mean(evidence['other_length']):.0%}에서 둘의 길이가 달라요.")
    print(f"EOS로 끝난 출력 {mean(evidence['ended']):.0%}")
    rows = [
        [korean(date), text, "○" if text in translations(date) else "×"]
        for date, text in zip(tests[0][:8], outputs[0])
    ]
    table(
        "examples", "처음 보는 날짜와 시드 0의 번역", ["입력", "출력", "맞음"], rows
    )

# %% [markdown]
# ## 인코더와 디코더는 얼마나 닮았을까요?
#
# 층 하나씩을 꺼내 파라미터의 모양을 견줘요. 디코더 층에만 있는 것은 교차 어텐션(cross-attention)과 그 뒤의 정규화예요.


# %%
def shapes(module):
    """The shapes of all parameters, sorted."""
    return sorted(tuple(parameter.shape) for parameter in module.parameters())


# %%
if __name__ == "__main__":
    encoder_layer, decoder_layer = models[0].encoder[0], models[0].decoder[0]
    rest = nn.ModuleList(
        [
            decoder_layer.self_attn,
            decoder_layer.mlp,
            decoder_layer.norm1,
            decoder_layer.norm3,
        ]
    )
    evidence["same_rest"] = shapes(rest) == shapes(encoder_layer)
    parts = {
        "encoder_layer": ("인코더 층", encoder_layer),
        "decoder_layer": ("디코더 층", decoder_layer),
        "self": ("셀프 어텐션", decoder_layer.self_attn),
        "cross": ("교차 어텐션", decoder_layer.cross_attn),
        "norm": ("정규화", decoder_layer.norm2),
    }
    for key, (title, part) in parts.items():
        evidence[f"{key}_parameters"] = sum(p.numel() for p in part.parameters())
        print(f"{title}의 파라미터: {evidence[f'{key}_parameters']:,}개")
    shared = set(models[0].encoder.parameters()) & set(
        models[0].decoder.parameters()
    )
    evidence["shared_tensors"] = len(shared)
    evidence["weights_apart"] = [
        min(
            relative_error(a.self_attn.q.weight, b.self_attn.q.weight)
            for a, b in zip(model.encoder, model.decoder)
        )
        for model in models
    ]
    print(
        f"교차 어텐션과 그 정규화를 빼면 모양이 같나요? {'네' if evidence['same_rest'] else '아니요'}"
    )
    print(f"인코더와 디코더가 함께 쓰는 텐서: {evidence['shared_tensors']}개")
    print(
        f"배운 뒤 셀프 어텐션의 쿼리 가중치는 상대 오차 {min(evidence['weights_apart']):.2f} 이상 달라요."
    )

# %% [markdown]
# ## 인코더에서 디코더로 가는 길은 하나예요
#
# 디코더가 인코더에서 받는 것은 맨 위층의 출력 `memory` (B, N, D) 하나뿐이에요. 디코더 층마다 **자기 가중치로** 거기서 K와 V를 만들어요.
# 그 길에 다른 것을 끼워 봐요. 다른 날짜의 `memory`, 아래층의 출력, 그리고 **인코더 맨 위층이 셀프 어텐션에 쓴 K와 V**예요. 모양이 모두 같아서 오류는 나지 않아요.


# %%
def with_memory(model, encode):
    """The same model, its decoder fed by encode(source) -> (memory, mask)."""
    other = copy.copy(model)
    other.encode = encode
    return other


def layer_outputs(model, source):
    """What goes into the encoder's bottom layer and what comes out of each: depth +
    1 of (B, N, D)."""
    found = [model.embed(source)]
    for layer in model.encoder:
        found.append(layer(found[-1], (source != PAD)[:, None, None]))
    return found


def keys_of_the_encoder(model, source):
    """K and V as the encoder's top layer makes them for its own self-attention."""
    return model.encoder[-1].self_attn.keys_values(layer_outputs(model, source)[-2])


def with_keys_of_the_encoder(model, source):
    """The model, every cross-attention reading keys_of_the_encoder instead of its
    own K and V."""
    other, keys_values = copy.deepcopy(model), keys_of_the_encoder(model, source)
    for layer in other.decoder:
        layer.cross_attn.keys_values = lambda memory: keys_values
    return other


# %%
if __name__ == "__main__":
    kinds = (
        "swapped_difference",
        "lower_difference",
        "lower_match",
        "borrowed_match",
        "key_change",
    )
    evidence |= {name: [] for name in kinds}
    swapped = []
    for model, dates in zip(models, tests):
        source, target, others = (
            sources(dates),
            targets(in_turn(dates))[:, :-1],
            dates[1:] + dates[:1],
        )
        with torch.no_grad():
            memory, mask = model.encode(source)
            low = layer_outputs(model, source)[1]
            keys = [
                layer.cross_attn.keys_values(memory)[0] for layer in model.decoder
            ]
            own = model.decode(target, memory, mask)[0]
            moved = model.decode(
                target, memory.roll(-1, dims=0), mask.roll(-1, dims=0)
            )[0]
            # against the other date itself
            apart = (moved - model(sources(others), target)).abs().max().item()
            lower_apart = (
                (model.decode(target, low, mask)[0] - own).abs().max().item()
            )
        shifted = with_memory(
            model, lambda source: (memory.roll(-1, dims=0), mask.roll(-1, dims=0))
        )
        swapped.append(exact_match(texts(greedy(shifted, source)), others))
        below = texts(
            greedy(with_memory(model, lambda source: (low, mask)), source)
        )
        borrowed = texts(greedy(with_keys_of_the_encoder(model, source), source))
        differ = [
            relative_error(keys[0], other)
            for other in (keys_of_the_encoder(model, source)[0], keys[1])
        ]
        evidence["swapped_difference"].append(apart)
        evidence["lower_difference"].append(lower_apart)
        evidence["lower_match"].append(exact_match(below, dates))
        evidence["borrowed_match"].append(exact_match(borrowed, dates))
        evidence["key_change"].append(min(differ))
    rows = [
        ["맨 위층의 출력 (그대로)", evidence["match"]],
        ["다른 날짜의 출력 (그 날짜로 채점)", swapped],
        ["아래층의 출력", evidence["lower_match"]],
        ["인코더 맨 위층이 쓴 K와 V", evidence["borrowed_match"]],
    ]
    table(
        "memory",
        "디코더에 무엇을 넘기느냐에 따라 끝까지 맞힌 비율",
        ["넘긴 것", "시드 0", "시드 1", "시드 2"],
        [[name, *(f"{share:.1%}" for share in shares)] for name, shares in rows],
    )
    print(
        f"다른 날짜의 출력을 끼운 로짓과 그 날짜를 넣은 로짓의 차이: {max(evidence['swapped_difference']):.1e}"
    )
    print(
        f"아래층의 출력을 끼우면 로짓이 달라지는 정도: {min(evidence['lower_difference']):.1f} 이상"
    )
    print(
        f"인코더의 K와 디코더의 K, 두 디코더 층의 K: 상대 오차 {min(evidence['key_change']):.2f} 이상"
    )

# %% [markdown]
# ## 쿼리에는 무엇이 들어 있을까요?
#
# 쿼리는 디코더 쪽에서 만들어요. 첫 디코더 층의 쿼리는 지금까지 쓴 글자만으로 만들지만, 둘째 층의 쿼리는 **이미 첫 층에서 입력을 읽은** 벡터로 만들어요.
# 쿼리를 `memory`로 미분하면 보여요.


# %%
def query_gradients(model, source, target):
    """For each decoder layer, the norm of the gradient of its cross-attention's
    queries by the memory."""
    queries, hooks = [], []
    for layer in model.decoder:
        hooks.append(
            layer.cross_attn.q.register_forward_hook(
                lambda module, x, output: queries.append(output)
            )
        )
    memory, mask = model.encode(source)
    model.decode(target, memory, mask)
    for hook in hooks:
        hook.remove()
    found = [
        torch.autograd.grad(
            q.square().sum(), memory, retain_graph=True, allow_unused=True
        )[0]
        for q in queries
    ]
    return [
        0.0 if gradient is None else gradient.norm().item() for gradient in found
    ]


# %%
if __name__ == "__main__":
    gradients = [
        query_gradients(model, sources(dates[:1]), targets(in_turn(dates[:1])))
        for model, dates in zip(models, tests)
    ]
    evidence["query_gradient_first"], evidence["query_gradient_second"] = map(
        list, zip(*gradients)
    )
    print(
        "쿼리를 memory로 미분한 크기 (첫 층, 둘째 층): "
        + ", ".join(f"({a:.1f}, {b:.1f})" for a, b in gradients)
    )

# %% [markdown]
# ## 어느 글자를 보고 쓸까요?
#
# 숫자를 하나 쓸 때마다 교차 어텐션이 입력의 어느 자리를 보는지 재요. 년을 쓸 때 `…년`까지, 월을 쓸 때 `…월`까지, 일을 쓸 때 `…일`까지의 글자를 봐야 제대로예요.
# 가중치만으로는 그 자리를 **쓰는지** 알 수 없으니, 년이나 월이나 일의 자리를 가려서 어느 숫자가 틀리는지도 봐요.
# 두 층 모두에서 가리면 그 자리를 읽을 길이 없어지니 맵이 어떻든 틀려요. 그래서 **한 층에서만** 가려 봐요.

# %%
FIELDS = {" ": 0, "y": 1, "m": 2, "d": 3}


def source_fields(date):
    """The field of each character of the Hangul: 이십삼년유월오일 -> yyyymmdd."""
    year, rest = korean(date).split("년")
    month, day = rest.split("월")
    return "y" * (len(year) + 1) + "m" * (len(month) + 1) + "d" * len(day)


def target_fields(text):
    """The field of each digit of a translation, a space for a sign and for EOS:
    5/6/23 -> "d m yy "."""
    fields = zip("ymd" if "-" in text else "dmy", re.split("[-/.]", text))
    return " ".join(field * len(digits) for field, digits in fields) + " "


def field_ids(rows):
    """The fields of some translations as padded numbers."""
    return pad([[FIELDS[field] for field in row] for row in rows])


@torch.no_grad()
def readings(model, dates):
    """What cross-attention, mean of the heads, gives to the place of the digit that
    is being written.

    -> that weight in each decoder layer (depth), what it would be were all places
    alike, and what the last layer gives to the year and to the day while it writes
    the first token (2).
    """
    answers = in_turn(dates)
    of_source = field_ids(map(source_fields, dates))  # (B, N)
    of_target = field_ids(map(target_fields, answers))  # (B, T)
    digit, length = of_target > 0, (of_source > 0).sum(dim=-1, keepdim=True)
    same = of_target[:, :, None] == of_source[:, None]  # (B, T, N)
    target, encoded = targets(answers)[:, :-1], model.encode(sources(dates))
    maps = model.decode(target, *encoded)[1].mean(dim=2)  # (B, depth, T, N)
    given = (maps * same[:, None]).sum(dim=-1).transpose(1, 2)  # (B, T, depth)
    aligned = given[digit].mean(dim=0).tolist()
    chance = (same.sum(dim=-1) / length)[digit].mean().item()
    first = [
        (maps[:, -1, 0] * (of_source == FIELDS[field])).sum(dim=-1).mean().item()
        for field in "yd"
    ]
    return aligned, chance, first


@torch.no_grad()
def right_digits(model, dates, field, layers):
    """Shares of right digits in year, month and day (3) where some layers'
    cross-attention cannot see a field."""
    answers = in_turn(dates)
    source, target = sources(dates), targets(answers)
    of_source = field_ids(map(source_fields, dates))  # (B, N)
    of_target = field_ids(map(target_fields, answers))  # (B, T)
    seen = (source != PAD) & (of_source != FIELDS[field])  # (B, N)

    def hide(module, inputs):
        return *inputs[:2], seen[:, None, None]  # in place of the padding mask

    hooks = [
        model.decoder[i].cross_attn.register_forward_pre_hook(hide) for i in layers
    ]
    right = model(source, target[:, :-1]).argmax(dim=-1) == target[:, 1:]
    for hook in hooks:
        hook.remove()
    of_target[:, 0] = 0  # the first chooses the notation: more than one is right
    return [
        right[of_target == FIELDS[field]].float().mean().item() for field in "ymd"
    ]


def when_hidden(model, dates, layers):
    """Shares of right digits where one field is hidden in those layers: its own,
    and others'; means over the fields."""
    shares = [right_digits(model, dates, field, layers) for field in "ymd"]
    others = [
        share
        for i, row in enumerate(shares)
        for j, share in enumerate(row)
        if i != j
    ]
    return mean(shares[i][i] for i in range(3)), mean(others)


# %%
if __name__ == "__main__":
    nothing = [untrained(seed) for seed in range(3)]
    kinds = (
        "aligned_low",
        "aligned_high",
        "aligned_chance",
        "first_year",
        "first_day",
    )
    for kept, those in ((evidence, models), (null["배우지 않은 모델"], nothing)):
        found = [readings(model, dates) for model, dates in zip(those, tests)]
        values = [(*aligned, chance, *first) for aligned, chance, first in found]
        kept |= dict(zip(kinds, map(list, zip(*values))))
    said = {name: mean(evidence[name]) for name in kinds}
    print(
        f"제자리에 준 가중치: 첫 층 {said['aligned_low']:.2f}, 둘째 층 {said['aligned_high']:.2f}"
    )
    print(f"고르게 보면 {said['aligned_chance']:.2f}")
    print(
        f"둘째 층이 첫 글자를 쓸 때: 년의 자리에 {said['first_year']:.2f}, 일의 자리에 {said['first_day']:.2f}"
    )

# %%
if __name__ == "__main__":
    rows = []
    for key, title, layers in (
        ("shown", "가리지 않음", ()),
        ("hidden_first", "첫 층에서만 가림", (0,)),
        ("hidden", "둘째 층에서만 가림", (1,)),
        ("hidden_both", "두 층 모두에서 가림", (0, 1)),
    ):
        found = [
            when_hidden(model, dates, layers) for model, dates in zip(models, tests)
        ]
        evidence[f"{key}_own"], evidence[f"{key}_other"] = map(list, zip(*found))
        rows.append(
            [
                title,
                *(
                    f"{mean(evidence[f'{key}_{which}']):.0%}"
                    for which in ("own", "other")
                ),
            ]
        )
    null["첫 층만 가린 모델"] = {
        f"hidden_{which}": evidence[f"hidden_first_{which}"]
        for which in ("own", "other")
    }
    table(
        "hidden",
        "입력의 년, 월, 일 가운데 하나를 가렸을 때 숫자를 맞힌 비율 (시드 셋의 평균)",
        ["교차 어텐션", "가린 곳의 숫자", "다른 숫자"],
        rows,
    )

# %%
if __name__ == "__main__":
    date = (58, 6, 14)  # one of the dates kept for the test
    figure, axes = plt.subplots(2, 1, figsize=(4.5, 5.8))
    with torch.no_grad():
        for axis, text in zip(axes, translations(date)):
            attn = (
                models[0]
                .decode(
                    targets([text])[:, :-1], *models[0].encode(sources([date]))
                )[1][0, -1]
                .mean(dim=0)
            )
            image = axis.imshow(attn, vmin=0, vmax=1, cmap="viridis")  # (T, N)
            axis.set_xticks(range(len(korean(date))), list(korean(date)))
            axis.set_yticks(range(len(text) + 1), [*text, "EOS"])
            axis.set(title=f"{text}을 쓸 때", ylabel="쓰는 글자")
            axis.grid(False)
    axes[1].set_xlabel("입력 글자")
    figure.colorbar(
        image, ax=axes, location="bottom", aspect=40, label="교차 어텐션 가중치"
    )
    alt = (
        "년부터 쓰면 밝은 자리가 왼쪽에서 오른쪽으로, 일부터 쓰면 오른쪽에서 왼쪽으로 옮겨 가요. "
        f"숫자를 쓸 때 제자리에 준 가중치는 평균 {said['aligned_high']:.2f}이에요."
    )
    show(figure, "cross_attention", alt)

# %% [markdown]
# ## 가린 채 배웠다면 쓸 때도 가려야 해요
#
# 길이가 다른 문장을 한 번에 넣으려면 짧은 문장의 뒤를 PAD로 채워요. 패딩 마스크(padding mask)가 있으면 PAD를 몇 개 덧붙이든 아무 일도 없어요.
# 그렇게 배운 모델에서 마스크를 떼면, 배울 때는 본 적 없는 PAD를 글자처럼 읽어요.


# %%
def without_padding_mask(model):
    """The same model, padding seen like any word by the encoder and by the
    cross-attention."""
    # all
    return with_memory(
        model, lambda source: model.encode(source, (source >= 0)[:, None, None])
    )


# %%
if __name__ == "__main__":
    evidence |= {"padded_match": [], "unmasked_match": [], "alone_difference": []}
    for model, dates in zip(models, tests):
        longer = F.pad(sources(dates), (0, 10), value=PAD)
        evidence["padded_match"].append(
            exact_match(texts(greedy(model, longer)), dates)
        )
        evidence["unmasked_match"].append(
            exact_match(texts(greedy(without_padding_mask(model), longer)), dates)
        )
        with torch.no_grad():
            single = model.encode(sources(dates[:1]))[0]
            together = model.encode(longer)[0][:1, : single.shape[1]]
        evidence["alone_difference"].append((together - single).abs().max().item())
    null["패딩 마스크를 떼지 않은 모델"] = {
        "unmasked_match": evidence["padded_match"]
    }
    print(
        f"PAD를 10개 더 붙이고도 맞힌 비율: 마스크가 있으면 {mean(evidence['padded_match']):.1%}"
    )
    print(f"배운 뒤에 마스크를 떼면 {mean(evidence['unmasked_match']):.1%}")
    print(
        f"혼자 넣을 때와 PAD를 붙여 함께 넣을 때의 최대 차이: {max(evidence['alone_difference']):.1e}"
    )

# %%
if __name__ == "__main__":
    tolerance = {
        **{name: 0.01 for name in evidence if "match" in name},
        **{
            name: 0.02
            for name in evidence
            if name.startswith(("shown", "hidden", "aligned", "first"))
        },
        "short_match": 0.1,
        "ended": 0.01,
        "other_length": 0.02,
        "swapped_difference": 1e-4,
        "lower_difference": 0.5,
        "query_gradient_second": 1.0,
        "alone_difference": 1e-4,
        "weights_apart": 0.01,
        "key_change": 0.01,
    }
    evidence
