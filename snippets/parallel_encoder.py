# %% [markdown]
# # N개를 한 번에 넣는다는 것
#
# 인코더에는 단어 100개, 200개가 한 번에 들어가요. 무엇이 한 번이고 무엇은 한 번이 아닌지 세어 봐요.
# **차례로 기다려야 하는 계산의 길이**는 그대로지만, **계산의 양**은 늘어요.

# %%
import os
import time
from functools import partial
from statistics import mean, median, stdev

import seq2seq
import torch
import torch.nn.functional as F
from lib.figure import BLUE, ORANGE, plt, show, table
from lib.measure import relative_error
from lib.paths import data_path
from safetensors.torch import load_file, save_file
from seq2seq import (
    PAD,
    DecoderLayer,
    EncoderLayer,
    Transformer,
    exact_match,
    greedy,
    load_trained,
    sources,
    split,
    texts,
    train,
)
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

STEPS, DATES = 1000, 250  # of training; dates to be tested on, a seed
KEPT = data_path("parallel_encoder.safetensors")


def words(N):
    """N random words of the vocabulary, as one sentence (1, N)."""
    return torch.randint(3, len(seq2seq.VOCAB), (1, N))


# %% [markdown]
# ## 한 번에 넣으나 하나씩 계산하나
#
# 한 층 안에서 i번째 출력은 아래층의 출력만 있으면 계산할 수 있어요. 옆자리의 **결과**를 기다리지 않아요. 그래서 자리마다 따로 계산해도 값이 같아요.


# %%
@torch.no_grad()
def one_at_a_time(model, source):
    """The encoder's output (B, N, D), each place of each layer computed in a call
    of its own."""
    x = model.embed(source)
    mask = torch.ones(1, 1, 1, source.shape[1], dtype=torch.bool)
    for layer in model.encoder:
        keys_values, places = layer.self_attn.keys_values(x), []
        for i in range(x.shape[1]):
            # (B, 1, D): asks for itself, reads from all of the layer below
            place = x[:, i : i + 1]
            place = layer.norm1(
                place + layer.self_attn(place, keys_values, mask)[0]
            )
            places.append(layer.norm2(place + layer.mlp(place)))
        x = torch.cat(places, dim=1)
    return x


def seconds(function, *arguments, repeats=5):
    """CPU time of one call in seconds: the median of some."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        function(*arguments)
        found.append(time.process_time() - start)
    return median(found)


# %%
if __name__ == "__main__":
    evidence, null = {}, {}
    torch.set_num_threads(1)
    evidence["place_difference"], outputs = [], set()
    for seed in range(5):
        torch.manual_seed(seed)
        model, source = Transformer(), words(200)
        with torch.no_grad():
            apart = model.encode(source)[0] - one_at_a_time(model, source)
            outputs |= {x.shape[1] for x in seq2seq.layer_outputs(model, source)}
        evidence["place_difference"].append(apart.abs().max().item())
    evidence["outputs_least"], evidence["outputs_most"] = min(outputs), max(outputs)
    with torch.no_grad():
        evidence["faster"] = seconds(one_at_a_time, model, source) / seconds(
            model.encode, source
        )
    print(
        f"200개를 한 번에 넣을 때와 자리마다 따로 계산할 때의 최대 차이: {max(evidence['place_difference']):.1e}"
    )
    print(
        f"층마다 들어가고 나오는 벡터는 적어도 {min(outputs)}개, 많아야 {max(outputs)}개"
    )
    print(
        f"같은 계산인데도 한 번에 넣는 쪽이 스레드 하나에서 {evidence['faster']:.0f}배 빨라요."
    )

# %% [markdown]
# ## 한 층에는 무엇이 들어 있나요?
#
# 셀프 어텐션과 MLP를 한 번씩 지나요. 그리고 각각의 둘레에 잔차 연결과 정규화가 있어요. 그 둘을 빼면 얼마나 달라지는지 봐요.


# %%
def bare(layer, x, mask):
    """Self-attention and MLP, without the residual sums and the norms."""
    return layer.mlp(layer.self_attn(x, layer.self_attn.keys_values(x), mask)[0])


# %%
if __name__ == "__main__":
    evidence["residual_change"] = []
    for seed in range(3):
        layer, dates = load_trained(seed).encoder[0], split(seed)[1][:500]
        with torch.no_grad():
            x, mask = (
                load_trained(seed).embed(sources(dates)),
                (sources(dates) != PAD)[:, None, None],
            )
            evidence["residual_change"].append(
                relative_error(bare(layer, x, mask), layer(x, mask))
            )
    print(
        f"잔차와 정규화를 뺀 층의 출력은 상대 오차 {min(evidence['residual_change']):.2f} 이상 달라요."
    )

# %% [markdown]
# ## 무엇이 무엇을 기다리나요?
#
# 계산 그래프에서 입력부터 출력까지 **가장 긴 사슬**을 세요. 사슬은 앞의 결과가 나와야 다음을 할 수 있는 연산들이에요.
# PyTorch의 연산 하나를 한 단계로 세요. 그래서 수 자체는 코드를 어떻게 짰는지에 달렸고, 단어가 늘 때 **늘어나는지**가 중요해요. 두 층짜리 RNN과 견줘요.


# %%
def longest_chain(y):
    """The number of operations on the longest way from any leaf to the tensor y, in
    autograd's graph."""
    lengths, waiting = {}, [y.grad_fn]
    while waiting:
        below = [node for node, _ in waiting[-1].next_functions if node is not None]
        unknown = [node for node in below if node not in lengths]
        if unknown:
            waiting += unknown
        else:
            lengths[waiting.pop()] = 1 + max(
                (lengths[node] for node in below), default=0
            )
    return lengths[y.grad_fn]


class RNN(nn.Module):
    """Two recurrent layers, a word at a time: (B, N) -> (B, N, D)."""

    def __init__(self, dim=48):
        super().__init__()
        self.embedding = nn.Embedding(len(seq2seq.VOCAB), dim)
        self.cells = nn.ModuleList(nn.RNNCell(dim, dim) for _ in range(2))

    def forward(self, source):
        x = self.embedding(source)
        for cell in self.cells:
            h, states = torch.zeros_like(x[:, 0]), []
            for word in x.unbind(dim=1):
                h = cell(word, h)  # cannot begin before the last h is there
                states.append(h)
            x = torch.stack(states, dim=1)
        return x


def flops(function, *arguments):
    """FLOPs of one call, counted operator by operator."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        function(*arguments)
    return counter.get_total_flops()


# %%
if __name__ == "__main__":
    lengths, rnn = (10, 50, 100, 200), RNN()
    chains = {
        "인코더": [longest_chain(model.encode(words(N))[0]) for N in lengths],
        "RNN": [longest_chain(rnn(words(N))) for N in lengths],
    }
    work = {
        "인코더": [flops(model.encode, words(N)) for N in lengths],
        "RNN": [flops(rnn, words(N)) for N in lengths],
    }
    rows = [
        [
            N,
            *(f"{chains[name][i]:,}" for name in chains),
            *(f"{work[name][i] / 1e6:.1f}" for name in work),
        ]
        for i, N in enumerate(lengths)
    ]
    table(
        "chains",
        "단어 수에 따른 가장 긴 사슬의 연산 수와 계산량 (백만 FLOPs)",
        ["단어", "인코더 사슬", "RNN 사슬", "인코더 계산", "RNN 계산"],
        rows,
    )
    for name, key in (("인코더", "encoder"), ("RNN", "rnn")):
        evidence[f"{key}_chain_10"], evidence[f"{key}_chain_200"] = (
            chains[name][0],
            chains[name][-1],
        )
        evidence[f"{key}_work_growth"] = work[name][-1] / work[name][-2]
        print(
            f"단어를 100개에서 200개로 늘리면 {name}의 계산은 {evidence[f'{key}_work_growth']:.2f}배"
        )
    evidence["encoder_chain_400"] = longest_chain(model.encode(words(400))[0])
    evidence["rnn_chain_400"] = longest_chain(rnn(words(400)))
    evidence["encoder_work_growth_400"] = (
        flops(model.encode, words(400)) / work["인코더"][-1]
    )
    print(
        f"단어가 400개면 사슬은 인코더 {evidence['encoder_chain_400']}, RNN {evidence['rnn_chain_400']:,}"
    )
    print(
        f"200개에서 400개로 늘리면 인코더의 계산은 {evidence['encoder_work_growth_400']:.2f}배"
    )

# %%
if __name__ == "__main__":
    figure, axes = plt.subplots(1, 2, figsize=(4.5, 2.6))
    for name, colour in (("인코더", BLUE), ("RNN", ORANGE)):
        axes[0].plot(lengths, chains[name], "o-", color=colour, label=name)
        axes[1].plot(
            lengths,
            [amount / 1e6 for amount in work[name]],
            "o-",
            color=colour,
            label=name,
        )
    axes[0].set(title="가장 긴 사슬 (연산)", xlabel="단어 수", ylim=(0, None))
    axes[1].set(title="계산량 (백만 FLOPs)", xlabel="단어 수", ylim=(0, None))
    axes[0].legend()
    alt = (
        f"단어가 10개에서 200개로 늘 때 가장 긴 사슬은 인코더에서 {chains['인코더'][0]} 그대로이고 "
        f"RNN에서는 {chains['RNN'][0]}에서 {chains['RNN'][-1]:,}까지 늘어요. "
        f"계산량은 인코더도 {work['인코더'][-1] / work['인코더'][0]:.0f}배가 돼요."
    )
    show(figure, "chains_and_work", alt)

# %% [markdown]
# ## 셀프 어텐션을 빼고 다시 배우면
#
# 셀프 어텐션은 인코더와 디코더 모두에 있어요. 한쪽씩 빼고 처음부터 다시 배워 봐요. 교차 어텐션은 그대로 둬요.
# 날짜의 둘째 구분 기호는 첫째와 같아야 하니(`5/6/23`이거나 `5.6.23`), 디코더는 **자기가 쓴 것**을 돌아봐야 해요.
#
# 셋 모두 1,000단계, 곧 온전한 모델이 처음 보는 날짜를 거의 다 맞힐 때까지 배워요. 한 모델에 반 분쯤 걸려서 **쓴 번역**을 저장해 두고 읽어요. 환경 변수
# `TRAIN_AGAIN=1`을 주면 모두 다시 배워요.
#
# 배우기 전에 이렇게 정했어요. 어느 쪽을 빼든 온전한 모델보다 덜 맞혀야 "둘 다의 초석"이 맞고, 한쪽만 그러면 이 과제에서는 그쪽만이에요.


# %%
class EncoderLayerAlone(EncoderLayer):
    """Every word by itself: only the MLP."""

    def forward(self, x, mask):
        return self.norm2(x + self.mlp(x))


class DecoderLayerAlone(DecoderLayer):
    """Reads the source, never its own words but the last."""

    def forward(self, y, own, other, mask, source_mask):
        z, cross = self.cross_attn(y, other, source_mask)
        y = self.norm2(y + z)
        return self.norm3(y + self.mlp(y)), cross


class Changed(Transformer):
    """The Transformer with layers of other kinds."""

    def __init__(self, encoder_layer=EncoderLayer, decoder_layer=DecoderLayer):
        super().__init__()
        for layers, kind in (
            (self.encoder, encoder_layer),
            (self.decoder, decoder_layer),
        ):
            for layer in layers:
                layer.__class__ = kind  # the same parameters, another forward


def mixed_signs(found):
    """Share of the texts with two different signs, as in 5/6.23."""
    return mean(len(set(text) & set("-/.")) > 1 for text in found)


# %%
WITHOUT = {
    "nothing": {},
    "encoder": {"encoder_layer": EncoderLayerAlone},
    "decoder": {"decoder_layer": DecoderLayerAlone},
}


def learn(part, seed):
    """Train without the self-attention of a part -> what it then writes, ids (B,
    12), the dates (B, 3), and its last losses in nats (20,)."""
    dates = split(seed)[1][:DATES]
    net, losses = train(seed, STEPS, build=partial(Changed, **WITHOUT[part]))
    ids = greedy(net, sources(dates))
    return {
        "ids": F.pad(ids, (0, 12 - ids.shape[1]), value=PAD),
        "dates": torch.tensor(dates),
        "losses": torch.tensor(losses[-20:]),
    }


# %%
if __name__ == "__main__":
    if os.environ.get("TRAIN_AGAIN") == "1":
        save_file(
            {
                f"{part}.{seed}.{name}": value.half()  # ids are exact below 2048
                for part in WITHOUT
                for seed in range(5)
                for name, value in learn(part, seed).items()
            },
            KEPT,
        )
    kept, rows = load_file(KEPT), []
    evidence["steps"] = STEPS
    titles = ("없음", "인코더의 셀프 어텐션", "디코더의 셀프 어텐션")
    for part, title in zip(WITHOUT, titles):
        matches, mixed, losses, examples = [], [], [], []
        for seed in range(5):
            name = f"{part}.{seed}"
            dates = [tuple(date) for date in kept[f"{name}.dates"].long().tolist()]
            found = texts(kept[f"{name}.ids"].long())
            matches.append(exact_match(found, dates))
            mixed.append(mixed_signs(found))
            losses.append(kept[f"{name}.losses"].float().mean().item())
            examples += [text for text in found if mixed_signs([text])] or found[:1]
        evidence[f"without_{part}_match"] = matches
        evidence[f"without_{part}_mixed"] = mixed
        evidence[f"without_{part}_loss"] = losses
        rows.append(
            [
                title,
                f"{mean(matches):.1%} ± {stdev(matches):.1%}",
                f"{mean(mixed):.1%}",
                f"{mean(losses):.2f}",
                examples[-1],
            ]
        )
    null["아무것도 빼지 않은 모델"] = {
        f"without_{part}_{what}": evidence[f"without_nothing_{what}"]
        for part in ("encoder", "decoder")
        for what in ("match", "mixed")
    }
    table(
        "without_self_attention",
        f"셀프 어텐션을 빼고 {STEPS:,}단계를 배운 뒤, 처음 보는 날짜 {DATES}개씩 (시드 다섯)",
        ["뺀 것", "끝까지 맞힌 비율", "섞인 구분 기호", "손실(나트)", "예"],
        rows,
    )

# %%
if __name__ == "__main__":
    tolerance = {
        "place_difference": 1e-4,
        "faster": float("inf"),
        "residual_change": 0.05,
        **{name: 0.01 for name in evidence if name.startswith("without")},
    }
    evidence
