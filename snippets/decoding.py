# %% [markdown]
# # 디코더는 한 토큰씩 어떻게 고를까요?
#
# 디코더가 한 번에 내놓는 것은 다음 토큰의 **확률분포** 하나예요. 거기서 토큰을 정하고, 이어 붙이고, 다시 물어요. 끝 토큰(EOS)이 나오면 멈춰요.
# 분포에서 고르는 방법은 여럿이에요. 한글 날짜를 세 표기로 옮기는 Transformer에서 그리디(greedy), 샘플링(sampling), 빔(beam)을 견줘요.

# %%
from statistics import mean

import torch
import torch.nn.functional as F
from lib.figure import BLUE, GREEN, ORANGE, plt, show, table
from seq2seq import (
    BOS,
    EOS,
    ID,
    PAD,
    SHARES,
    VOCAB,
    exact_match,
    greedy,
    load_trained,
    sources,
    split,
    targets,
    texts,
    translations,
    untrained,
)
from torch.utils.flop_counter import FlopCounterMode

# %% [markdown]
# ## 나오는 것은 단어가 아니라 분포예요
#
# 학습 데이터의 40%는 `23-06-05`처럼 년부터, 60%는 `5/6/23`이나 `5.6.23`처럼 일부터 써요. 첫 토큰의 분포가 그 비율을 배웠는지 봐요.


# %%
@torch.no_grad()
def next_distribution(model, source, written=""):
    """The probabilities of the next token after what is written (B, V)."""
    # BOS and the text, without EOS
    target = targets([written] * len(source))[:, :-1]
    return model.decode(target, *model.encode(source))[0][:, -1].softmax(dim=-1)


def first_digits(model, dates):
    """Mean probabilities of the year's first digit and of the day's as the first
    token, of dates where they differ."""
    starts = {date: [text[0] for text in translations(date)[:2]] for date in dates}
    starts = {
        date: (year, day) for date, (year, day) in starts.items() if year != day
    }
    p = next_distribution(model, sources(list(starts)))  # (B, V)
    return [
        mean(row[ID[digit]].item() for row, digit in zip(p, digits))
        for digits in zip(*starts.values())
    ]


@torch.no_grad()
def eos_probabilities(model, dates):
    """Means over the dates: the largest probability of EOS while 5/6/23 is written,
    and that after its last digit."""
    target = targets([translations(date)[1] for date in dates])
    p = model(sources(dates), target[:, :-1]).softmax(dim=-1)[..., EOS]  # (B, T)
    at_end = target[:, 1:] == EOS
    before = ~at_end & (target[:, 1:] != PAD)
    return p.masked_fill(~before, 0).amax(dim=1).mean().item(), p[
        at_end
    ].mean().item()


# %%
if __name__ == "__main__":
    evidence, null = {}, {"배우지 않은 모델": {}}
    torch.set_num_threads(1)
    models, nothing = (
        [load_trained(seed) for seed in range(3)],
        [untrained(seed) for seed in range(3)],
    )
    tests = [split(seed)[1][:500] for seed in range(3)]
    for kept, those in ((evidence, models), (null["배우지 않은 모델"], nothing)):
        found = [
            (*first_digits(model, dates), *eos_probabilities(model, dates))
            for model, dates in zip(those, tests)
        ]
        kept |= dict(
            zip(
                ("year_first", "day_first", "eos_before", "eos_at_end"),
                map(list, zip(*found)),
            )
        )
    said = {name: mean(values) for name, values in evidence.items()}
    print(
        f"첫 토큰이 년의 첫 숫자일 확률 {said['year_first']:.2f}, 일의 첫 숫자일 확률 {said['day_first']:.2f}"
    )
    print(
        f"EOS의 확률: 쓰는 동안 커야 {said['eos_before']:.4f}, 다 쓰고 나면 {said['eos_at_end']:.3f}"
    )
    date = (58, 6, 14)  # one of the dates kept for the test
    p = next_distribution(models[0], sources([date]))[0]
    evidence["example_year"], evidence["example_day"] = (
        p[ID["5"]].item(),
        p[ID["1"]].item(),
    )
    evidence["sum_error"] = abs(p.sum().item() - 1)
    print(
        f"오십팔년유월십사일의 첫 토큰은 5가 {evidence['example_year']:.2f}, 1이 {evidence['example_day']:.2f}"
    )
    print(f"모든 토큰의 확률을 더하면 {p.sum():.6f}")

# %% [markdown]
# ## 세 가지 고르는 법
#
# 그리디는 늘 가장 그럴듯한 토큰을 골라요. 샘플링은 분포에서 뽑아요. 빔은 지금까지의 확률의 **곱**이 큰 후보 몇 개를 나란히 끌고 가요.


# %%
@torch.no_grad()
def sample(model, source, generator, temperature=1.0, limit=12):
    """Translations drawn from the model (B, up to limit): p ~ softmax(logits /
    temperature)."""
    memory, mask = model.encode(source)
    target = torch.full((len(source), 1), BOS)
    while target.shape[1] <= limit and not (target == EOS).any(dim=1).all():
        logits = model.decode(target, memory, mask)[0][:, -1]  # (B, V)
        p = (logits / temperature).softmax(dim=-1)
        target = torch.cat([target, p.multinomial(1, generator=generator)], dim=1)
    return target[:, 1:]


@torch.no_grad()
def beam(model, source, width=4, limit=12):
    """The likeliest translations (B, up to limit) among width candidates kept at
    each step, and their log p (B)."""
    memory, mask = (
        part.repeat_interleave(width, dim=0) for part in model.encode(source)
    )
    ids = torch.full((len(source), width, 1), BOS)
    # at first all are the same
    scores = torch.tensor([0.0] + [-torch.inf] * (width - 1)).repeat(len(source), 1)
    while ids.shape[2] <= limit and not (ids == EOS).any(dim=2).all():
        logp = (
            model.decode(ids.flatten(0, 1), memory, mask)[0][:, -1]
            .log_softmax(dim=-1)
            .view(*scores.shape, -1)
        )
        ended = (ids == EOS).any(dim=2)
        logp[ended] = -torch.inf
        logp[..., PAD][ended] = 0.0  # what has ended keeps its score
        # of width x V continuations
        scores, best = (scores[..., None] + logp).flatten(1).topk(width)
        parent, token = best // len(VOCAB), best % len(VOCAB)
        kept = ids.gather(1, parent[..., None].expand(-1, -1, ids.shape[2]))
        ids = torch.cat([kept, token[..., None]], dim=2)
    return ids[:, 0, 1:], scores[:, 0]


@torch.no_grad()
def log_p(model, source, ids):
    """The log-probability of whole translations (B, T), up to and with EOS (B), in
    one call."""
    logits = model(source, F.pad(ids[:, :-1], (1, 0), value=BOS))
    logp = logits.log_softmax(dim=-1).gather(2, ids[..., None])[..., 0]  # (B, T)
    ended = (ids == EOS).long()
    after = (ended.cumsum(dim=1) - ended) > 0  # after EOS nothing counts
    return logp.masked_fill(after, 0.0).sum(dim=1)


def notations(found):
    """Share of the texts in each notation: 23-06-05, 5/6/23 and 5.6.23."""
    return [mean(sign in text for text in found) for sign in "-/."]


# %%
def choices(model, dates, seed):
    """Ids of the translations (B, up to 12) by each way of choosing, and the beam's
    own log p (B)."""
    source, generator = sources(dates), torch.Generator().manual_seed(seed)
    searched, claimed = beam(model, source)
    return {
        "greedy": greedy(model, source),
        "beam": searched,
        "sample": sample(model, source, generator),
        "cold": sample(model, source, generator, temperature=0.3),
        "hot": sample(model, source, generator, temperature=2.0),
    }, claimed


def judged(model, dates, found):
    """Of translations (B, T): share that is right, nats that they take in the mean,
    share that begins with the year."""
    written = texts(found)
    nats = -log_p(model, sources(dates), found).mean().item()
    return exact_match(written, dates), nats, notations(written)[0]


# %%
if __name__ == "__main__":
    ways = {
        "greedy": "그리디",
        "beam": "빔 (폭 4)",
        "sample": "샘플링",
        "cold": "샘플링 (온도 0.3)",
        "hot": "샘플링 (온도 2)",
    }
    found, claims = zip(
        *(
            choices(model, dates, seed)
            for seed, (model, dates) in enumerate(zip(models, tests))
        )
    )
    few = [dates[:100] for dates in tests]
    babble = [
        choices(model, dates, seed)[0]
        for seed, (model, dates) in enumerate(zip(nothing, few))
    ]
    shares, rows = {}, []
    for name, way in ways.items():
        for kept, those, dates, written in (
            (evidence, models, tests, found),
            (null["배우지 않은 모델"], nothing, few, babble),
        ):
            scores = [
                judged(model, some, by[name])
                for model, some, by in zip(those, dates, written)
            ]
            kept |= dict(
                zip(
                    (f"{name}_match", f"{name}_nats", f"{name}_year_first"),
                    map(list, zip(*scores)),
                )
            )
        shares[name] = (
            torch.tensor([notations(texts(by[name])) for by in found])
            .mean(dim=0)
            .tolist()
        )
        match, nats = (
            mean(evidence[f"{name}_match"]),
            mean(evidence[f"{name}_nats"]),
        )
        rows.append(
            [
                way,
                f"{match:.1%}",
                f"{nats:.2f}",
                *(f"{share:.0%}" for share in shares[name]),
            ]
        )
    table(
        "ways",
        "고르는 법에 따른 번역 (시드 셋의 평균, 처음 보는 날짜 500개씩)",
        ["고르는 법", "맞힌 비율", "나트", "23-06-05", "5/6/23", "5.6.23"],
        rows,
    )

# %%
if __name__ == "__main__":
    evidence |= {"beam_beats": [], "beam_best": [], "beam_error": []}
    narrow = null["폭이 1인 빔"] = {
        "beam_beats": [],
        "beam_nats": [],
        "beam_year_first": [],
    }
    evidence["one_beam_is_greedy"] = True
    for model, dates, by, claimed in zip(models, tests, found, claims):
        source = sources(dates)
        one, _ = beam(model, source, width=1)
        by_greedy, by_beam, by_one = (
            log_p(model, source, ids) for ids in (by["greedy"], by["beam"], one)
        )
        evidence["one_beam_is_greedy"] &= texts(one) == texts(by["greedy"])
        evidence["beam_error"].append((by_beam - claimed).abs().max().item())
        for kept, log_probability in ((evidence, by_beam), (narrow, by_one)):
            kept["beam_beats"].append(
                (log_probability > by_greedy + 1e-4).float().mean().item()
            )
        _, nats, year_first = judged(model, dates, one)
        narrow["beam_nats"].append(nats)
        narrow["beam_year_first"].append(year_first)
        right = [
            targets([translations(date)[i] for date in dates])[:, 1:]
            for i in range(3)
        ]
        likeliest = torch.stack([log_p(model, source, ids) for ids in right]).amax(
            dim=0
        )
        evidence["beam_best"].append(
            (by_beam >= likeliest - 1e-4).float().mean().item()
        )
    print(
        f"빔의 번역이 그리디의 번역보다 모델이 보기에 더 그럴듯한 날짜: {mean(evidence['beam_beats']):.0%}"
    )
    print(
        f"빔의 번역이 세 정답 모두보다 못하지 않은 날짜: {mean(evidence['beam_best']):.0%}"
    )
    print(
        f"폭이 1인 빔은 그리디와 같나요? {'네' if evidence['one_beam_is_greedy'] else '아니요'}"
    )

# %% [markdown]
# 그리디는 첫 토큰에서 더 그럴듯한 쪽, 곧 일부터 쓰는 60%를 골라요. 그런데 그 60%는 `/`와 `.`으로 다시 갈라져서 저마다 30%예요.
# 통째로 보면 40%인 `23-06-05`가 가장 그럴듯한데, 한 걸음씩만 봐서는 알 수 없어요. 빔은 둘 다 끌고 가니까 찾아요.

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(4.5, 2.7))
    shown = {
        "학습 데이터": SHARES,
        "샘플링": shares["sample"],
        "그리디": shares["greedy"],
        "빔 (폭 4)": shares["beam"],
    }
    left = torch.zeros(len(shown))
    for i, (label, colour) in enumerate(
        zip(("23-06-05", "5/6/23", "5.6.23"), (BLUE, ORANGE, GREEN))
    ):
        widths = torch.tensor([100 * share[i] for share in shown.values()])
        axis.barh(list(shown), widths, left=left, color=colour, label=label)
        left += widths
    axis.invert_yaxis()
    axis.set(xlabel="번역의 비율 (%)", xlim=(0, 100))
    axis.grid(False)
    figure.legend(loc="outside upper center", ncols=3)
    sampled = ", ".join(f"{share:.0%}" for share in shares["sample"])
    alt = (
        f"샘플링은 학습 데이터처럼 세 표기를 {sampled}로 섞어 쓰고, "
        f"년부터 쓰는 표기가 그리디에서는 {shares['greedy'][0]:.0%}, 빔에서는 {shares['beam'][0]:.0%}예요."
    )
    show(figure, "notations", alt)

# %% [markdown]
# ## EOS를 막으면
#
# EOS의 로짓을 $-\infty$로 막으면 모델은 멈출 수 없어요. 번역을 다 쓴 다음에도 무언가를 이어 써요.


# %%
@torch.no_grad()
def without_eos(model, source, limit=12):
    """Greedy, but EOS may not be chosen (B, limit)."""
    memory, mask = model.encode(source)
    target = torch.full((len(source), 1), BOS)
    for _ in range(limit):
        logits = model.decode(target, memory, mask)[0][:, -1]
        logits[:, EOS] = -torch.inf
        target = torch.cat([target, logits.argmax(dim=-1, keepdim=True)], dim=1)
    return target[:, 1:]


# %%
if __name__ == "__main__":
    for kept, those in ((evidence, models), (null["배우지 않은 모델"], nothing)):
        endless = [
            texts(without_eos(model, sources(dates)))
            for model, dates in zip(those, tests)
        ]
        kept["begins_right"] = [
            mean(
                text.startswith(tuple(translations(date)))
                for text, date in zip(written, dates)
            )
            for written, dates in zip(endless, tests)
        ]
        print(
            f"막아도 앞부분은 맞은 비율 {mean(kept['begins_right']):.1%}. 쓴 것: "
            + ", ".join(endless[0][:3])
        )

# %% [markdown]
# ## KV 캐시: 지난 토큰의 K와 V는 다시 계산하지 않아도 돼요
#
# 인과 마스크 덕분에 지난 토큰의 벡터는 뒤에 무엇이 오든 그대로예요. 그러니 층마다 K와 V를 모아 두고, 새 토큰 하나의 몫만 계산해 뒤에 붙이면 돼요.
# 교차 어텐션의 K와 V는 처음에 한 번만 만들어요.


# %%
@torch.no_grad()
def greedy_cached(model, source, steps):
    """Greedy with a cache, so many steps: ids (B, steps) and their logits (B,
    steps, V)."""
    memory, source_mask = model.encode(source)
    other = [
        layer.cross_attn.keys_values(memory) for layer in model.decoder
    ]  # once
    own, token = [None] * len(other), torch.full((len(source), 1), BOS)
    chosen, logits = [], []
    for t in range(steps):
        mask = torch.ones(1, t + 1, dtype=torch.bool)  # the newest sees all so far
        y = model.embed(token, start=t)  # (B, 1, D): the newest token only
        for i, layer in enumerate(model.decoder):
            new = layer.self_attn.keys_values(y)  # (B, h, 1, d) each
            if t > 0:
                new = tuple(torch.cat(pair, dim=2) for pair in zip(own[i], new))
            own[i] = new  # (B, h, t + 1, d) each
            y, _ = layer(y, own[i], other[i], mask, source_mask)
        logits.append(y @ model.embedding.weight.T)
        token = logits[-1].argmax(dim=-1)
        chosen.append(token)
    return torch.cat(chosen, dim=1), torch.cat(logits, dim=1)


@torch.no_grad()
def greedy_anew(model, source, steps):
    """The same without a cache: every step decodes all tokens so far."""
    memory, mask = model.encode(source)
    target, logits = torch.full((len(source), 1), BOS), []
    for _ in range(steps):
        logits.append(model.decode(target, memory, mask)[0][:, -1:])
        target = torch.cat([target, logits[-1].argmax(dim=-1)], dim=1)
    return target[:, 1:], torch.cat(logits, dim=1)


def flops(function, *arguments):
    """FLOPs of one call, counted operator by operator."""
    with FlopCounterMode(display=False) as counter:
        function(*arguments)
    return counter.get_total_flops()


# %%
if __name__ == "__main__":
    evidence["cache_difference"], evidence["cache_same_ids"] = [], True
    for model, dates in zip(models, tests):
        (ids, logits), (ids_anew, logits_anew) = (
            way(model, sources(dates), 9) for way in (greedy_cached, greedy_anew)
        )
        evidence["cache_difference"].append(
            (logits - logits_anew).abs().max().item()
        )
        evidence["cache_same_ids"] &= torch.equal(ids, ids_anew)
    for key, steps in (("saved", 9), ("saved_long", 90)):
        anew, cached = (
            flops(way, models[0], sources(tests[0][:1]), steps)
            for way in (greedy_anew, greedy_cached)
        )
        evidence[key] = anew / cached
        print(
            f"처음부터 다시 계산하면 연산이 {steps}토큰에서 {evidence[key]:.1f}배 들어요."
        )
    print(
        f"캐시를 쓸 때와 안 쓸 때 로짓의 최대 차이 {max(evidence['cache_difference']):.1e}"
    )
    print(
        f"고른 토큰이 모두 같나요? {'네' if evidence['cache_same_ids'] else '아니요'}"
    )

# %%
if __name__ == "__main__":
    tolerance = {
        **{
            name: 0.02
            for name in evidence
            if "match" in name or "_first" in name or name.startswith("beam_b")
        },
        **{name: 0.05 for name in evidence if name.endswith("_nats")},
        **{
            name: 0.08
            for name in evidence
            if name.startswith(("sample", "hot", "cold"))
        },
        "hot_nats": 0.5,
        "example_year": 0.01,
        "example_day": 0.01,
        "eos_before": 0.01,
        "eos_at_end": 0.01,
        "begins_right": 0.02,
        "beam_error": 1e-4,
        "cache_difference": 1e-4,
    }
    evidence
