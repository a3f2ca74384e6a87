# %% [markdown]
# # 디코더는 한 토큰씩 어떻게 고를까요?
#
# 디코더가 한 번에 내놓는 것은 다음 토큰의 **확률분포** 하나예요. 거기서 토큰을 정하고, 이어 붙이고, 다시 물어요. 끝 토큰(EOS)이 나오면 멈춰요.
# 분포에서 고르는 방법은 여럿이에요. 한글 날짜를 세 표기로 옮기는 Transformer에서 그리디(greedy), 샘플링(sampling), 빔(beam)을 견줘요.

# %%
from statistics import mean, stdev

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
    target = targets([written] * len(source))[:, :-1]  # BOS and the text, without EOS
    return model.decode(target, *model.encode(source))[0][:, -1].softmax(dim=-1)


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    models, tests = [load_trained(seed) for seed in range(3)], [split(seed)[1][:500] for seed in range(3)]
    date = (58, 6, 14)  # one of the dates kept for the test
    p = next_distribution(models[0], sources([date]))[0]
    year_first, day_first = p[ID["5"]].item(), p[ID["1"]].item()
    sum_error = abs(p.sum().item() - 1)
    print(f"오십팔년유월십사일의 첫 토큰은 5가 {year_first:.2f}, 1이 {day_first:.2f}. 모두 더하면 {p.sum():.6f}")
    eos = [next_distribution(models[0], sources([date]), "14/6/58"[:end])[0, EOS].item() for end in range(8)]
    print("14/6/58을 한 글자씩 써 가는 동안 EOS의 확률: " + ", ".join(f"{share:.3f}" for share in eos))

# %% [markdown]
# ## 세 가지 고르는 법
#
# 그리디는 늘 가장 그럴듯한 토큰을 골라요. 샘플링은 분포에서 뽑아요. 빔은 지금까지의 확률의 **곱**이 큰 후보 몇 개를 나란히 끌고 가요.


# %%
@torch.no_grad()
def sample(model, source, generator, temperature=1.0, limit=12):
    """Translations drawn from the model (B, up to limit): p ~ softmax(logits / temperature)."""
    memory, mask = model.encode(source)
    target = torch.full((len(source), 1), BOS)
    while target.shape[1] <= limit and not (target == EOS).any(dim=1).all():
        p = (model.decode(target, memory, mask)[0][:, -1] / temperature).softmax(dim=-1)  # (B, V)
        target = torch.cat([target, p.multinomial(1, generator=generator)], dim=1)
    return target[:, 1:]


@torch.no_grad()
def beam(model, source, width=4, limit=12):
    """The likeliest translations (B, up to limit) among width candidates kept at each step, and their log p (B)."""
    memory, mask = (part.repeat_interleave(width, dim=0) for part in model.encode(source))
    ids = torch.full((len(source), width, 1), BOS)
    scores = torch.tensor([0.0] + [-torch.inf] * (width - 1)).repeat(len(source), 1)  # at first all are the same
    while ids.shape[2] <= limit and not (ids == EOS).any(dim=2).all():
        logp = model.decode(ids.flatten(0, 1), memory, mask)[0][:, -1].log_softmax(dim=-1).view(*scores.shape, -1)
        ended = (ids == EOS).any(dim=2)
        logp[ended] = -torch.inf
        logp[..., PAD][ended] = 0.0  # what has ended keeps its score
        scores, best = (scores[..., None] + logp).flatten(1).topk(width)  # of width x V continuations
        parent, token = best // len(VOCAB), best % len(VOCAB)
        kept = ids.gather(1, parent[..., None].expand(-1, -1, ids.shape[2]))
        ids = torch.cat([kept, token[..., None]], dim=2)
    return ids[:, 0, 1:], scores[:, 0]


@torch.no_grad()
def log_p(model, source, ids):
    """The log-probability of whole translations (B, T), up to and with EOS (B), in one call."""
    logits = model(source, F.pad(ids[:, :-1], (1, 0), value=BOS))
    logp = logits.log_softmax(dim=-1).gather(2, ids[..., None])[..., 0]  # (B, T)
    after = ((ids == EOS).cumsum(dim=1) - (ids == EOS).long()) > 0  # what stands after EOS is no part of it
    return logp.masked_fill(after, 0.0).sum(dim=1)


def notations(found):
    """Share of the texts in each notation: 23-06-05, 5/6/23 and 5.6.23."""
    return [mean(sign in text for text in found) for sign in "-/."]


# %%
if __name__ == "__main__":
    ways = {
        "greedy": "그리디",
        "beam": "빔 (폭 4)",
        "sample": "샘플링",
        "cold": "샘플링 (온도 0.3)",
        "hot": "샘플링 (온도 2)",
    }
    scores = {name: {"match": [], "log_p": [], "shares": []} for name in ways}
    beats, best_found, one_beam, beam_error = [], [], [], []
    for seed, (model, dates) in enumerate(zip(models, tests)):
        source, generator = sources(dates), torch.Generator().manual_seed(seed)
        searched, claimed = beam(model, source)
        found = {
            "greedy": greedy(model, source),
            "beam": searched,
            **{
                name: sample(model, source, generator, temperature)
                for name, temperature in (("sample", 1.0), ("cold", 0.3), ("hot", 2.0))
            },
        }
        for name, ids in found.items():
            scores[name]["match"].append(exact_match(texts(ids), dates))
            scores[name]["log_p"].append(log_p(model, source, ids).mean().item())
            scores[name]["shares"].append(notations(texts(ids)))
        by_greedy, by_beam = log_p(model, source, found["greedy"]), log_p(model, source, searched)
        beam_error.append((by_beam - claimed).abs().max().item())
        beats.append((by_beam > by_greedy + 1e-4).float().mean().item())
        right = [targets([translations(date)[i] for date in dates])[:, 1:] for i in range(3)]
        likeliest = torch.stack([log_p(model, source, ids) for ids in right]).amax(dim=0)
        best_found.append((by_beam >= likeliest - 1e-4).float().mean().item())
        one_beam.append(texts(beam(model, source, width=1)[0]) == texts(found["greedy"]))
    shares = {name: torch.tensor(score["shares"]).mean(dim=0).tolist() for name, score in scores.items()}
    rows = [
        [
            way,
            f"{mean(scores[name]['match']):.1%}",
            f"{-mean(scores[name]['log_p']):.2f}",
            *(f"{share:.0%}" for share in shares[name]),
        ]
        for name, way in ways.items()
    ]
    table(
        "ways",
        "고르는 법에 따른 번역 (시드 셋의 평균, 처음 보는 날짜 500개씩)",
        ["고르는 법", "맞힌 비율", "나트", "23-06-05", "5/6/23", "5.6.23"],
        rows,
    )
    print(f"빔의 번역이 그리디의 번역보다 모델이 보기에 더 그럴듯한 날짜: {mean(beats):.0%}")

# %% [markdown]
# 그리디는 첫 토큰에서 더 그럴듯한 쪽, 곧 일부터 쓰는 60%를 골라요. 그런데 그 60%는 `/`와 `.`으로 다시 갈라져서 저마다 30%예요.
# 통째로 보면 40%인 `23-06-05`가 가장 그럴듯한데, 한 걸음씩만 봐서는 알 수 없어요. 빔은 둘 다 끌고 가니까 찾아요.

# %%
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(5.2, 3))
    shown = {"학습 데이터": SHARES, "샘플링": shares["sample"], "그리디": shares["greedy"], "빔 (폭 4)": shares["beam"]}
    left = torch.zeros(len(shown))
    for i, (label, colour) in enumerate(zip(("23-06-05", "5/6/23", "5.6.23"), (BLUE, ORANGE, GREEN))):
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
    endless = [texts(without_eos(model, sources(dates))) for model, dates in zip(models, tests)]
    begins_right = mean(
        any(text.startswith(right) for right in translations(date))
        for found, dates in zip(endless, tests)
        for text, date in zip(found, dates)
    )
    print(f"막아도 앞부분은 맞은 비율 {begins_right:.1%}. 그다음은: " + ", ".join(endless[0][:3]))

# %% [markdown]
# ## KV 캐시: 지난 토큰의 K와 V는 다시 계산하지 않아도 돼요
#
# 인과 마스크 덕분에 지난 토큰의 벡터는 뒤에 무엇이 오든 그대로예요. 그러니 층마다 K와 V를 모아 두고, 새 토큰 하나의 몫만 계산해 뒤에 붙이면 돼요.
# 교차 어텐션의 K와 V는 처음에 한 번만 만들어요.


# %%
@torch.no_grad()
def greedy_cached(model, source, steps):
    """Greedy with a cache, so many steps: ids (B, steps) and their logits (B, steps, V)."""
    memory, source_mask = model.encode(source)
    other = [layer.cross_attn.keys_values(memory) for layer in model.decoder]  # once
    own, token, chosen, logits = [None] * len(other), torch.full((len(source), 1), BOS), [], []
    for t in range(steps):
        y = model.embed(token, start=t)  # (B, 1, D): the newest token only
        for i, layer in enumerate(model.decoder):
            new = layer.self_attn.keys_values(y)  # (B, h, 1, d) each
            own[i] = new if t == 0 else tuple(torch.cat([old, one], dim=2) for old, one in zip(own[i], new))
            y, _ = layer(y, own[i], other[i], torch.ones(1, t + 1, dtype=torch.bool), source_mask)
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
    cache_difference, same_ids = 0.0, True
    for model, dates in zip(models, tests):
        (ids, logits), (ids_anew, logits_anew) = (way(model, sources(dates), 9) for way in (greedy_cached, greedy_anew))
        cache_difference = max(cache_difference, (logits - logits_anew).abs().max().item())
        same_ids &= torch.equal(ids, ids_anew)
    work = {
        way.__name__: [flops(way, models[0], sources(tests[0][:1]), steps) for steps in (9, 90)]
        for way in (greedy_anew, greedy_cached)
    }
    saved, saved_long = (anew / cached for anew, cached in zip(work["greedy_anew"], work["greedy_cached"]))
    print(f"캐시를 쓸 때와 안 쓸 때 로짓의 최대 차이 {cache_difference:.1e}, 고른 토큰이 같나요? {same_ids}")
    print(f"처음부터 다시 계산하면 연산이 9토큰에서 {saved:.1f}배, 90토큰에서 {saved_long:.1f}배 들어요.")

# %%
if __name__ == "__main__":
    evidence = {
        "sum_error": sum_error,
        "year_first": year_first,
        "day_first": day_first,
        "eos_before": max(eos[:-1]),
        "eos_at_end": eos[-1],
        **{f"{name}_match": mean(score["match"]) for name, score in scores.items()},
        **{f"{name}_match_std": stdev(score["match"]) for name, score in scores.items()},
        **{f"{name}_nats": -mean(score["log_p"]) for name, score in scores.items()},
        **{f"{name}_year_first": shares[name][0] for name in scores},
        "greedy_year_first_most": max(share[0] for share in scores["greedy"]["shares"]),
        "beam_year_first_least": min(share[0] for share in scores["beam"]["shares"]),
        "sample_share_error": max(abs(share - true) for share, true in zip(shares["sample"], SHARES)),
        "beam_beats": mean(beats),
        "beam_beats_least": min(beats),
        "beam_best": mean(best_found),
        "beam_best_least": min(best_found),
        "one_beam_is_greedy": all(one_beam),
        "beam_error": max(beam_error),
        "begins_right": begins_right,
        "cache_difference": cache_difference,
        "cache_same_ids": same_ids,
        "saved": saved,
        "saved_long": saved_long,
    }
    tolerance = {
        **{name: 0.02 for name in evidence if "match" in name or "_year_first" in name or name.startswith("beam_b")},
        **{name: 0.05 for name in evidence if name.endswith("_nats") or name.startswith("sample")},
        **{name: 0.05 for name in evidence if name.startswith(("hot", "cold"))},
        "hot_nats": 0.5,
        "year_first": 0.01,
        "day_first": 0.01,
        "eos_before": 0.01,
        "eos_at_end": 0.01,
        "begins_right": 0.02,
        "beam_error": 1e-4,
        "cache_difference": 1e-4,
    }
    evidence
