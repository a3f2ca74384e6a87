# %% [markdown]
# # 한 번 틀리면 그다음도 틀릴까요?
#
# 배울 때 디코더는 언제나 **정답**인 앞부분을 보고 다음 글자를 맞혀요(teacher forcing). 쓸 때는 제가 쓴 앞부분을 봐요. 거기에는 배울 때 본 적 없는 실수가 섞여요.
# 이 차이를 노출 편향(exposure bias)이라고 해요. 날짜를 옮기는 모델이 **제 실수 뒤에서** 얼마나 더 틀리는지 재요.

# %%
import re
from statistics import mean

import torch
from lib.figure import table
from seq2seq import ID, PAD, load_trained, sources, split, targets, texts, untrained
from top_p import along, rights

DRAWN = 500  # mistakes a model
DIGITS = torch.tensor([ID[str(n)] for n in range(10)])
SIGNS = torch.tensor([ID[sign] for sign in "-/."])

# %% [markdown]
# ## 모델이 실제로 할 실수를 뽑아요
#
# 분포에서 그대로 뽑아 쓸 때 처음 틀릴 자리와 글자를, 그럴 **확률대로** 500개 뽑아요.
# 숫자를 다른 숫자로 잘못 쓰는 실수 가운데, 표기가 이미 정해진 뒤(첫 구분 기호 뒤)의 것만 봐요. 그 앞에서 틀리면 년을 쓰려던 것인지 일을 쓰려던 것인지 알 수 없어서, 그다음이 틀렸는지 말할 수 없거든요.


# %%
def first_mistakes(p, ids, may, generator):
    """Mistakes drawn as the model would make them: (which notation, date, step,
    token), (DRAWN,) each.

    p, may: (3, B, T, V), ids (3, B, T). Weight of one: the chance of the
    translation times that of the wrong digit at that step."""
    each = p.gather(-1, ids[..., None])[..., 0].masked_fill(ids == PAD, 1.0)
    decided = torch.isin(ids, SIGNS).cumsum(dim=-1) > 0  # (3, B, T)
    here = decided & torch.isin(ids, DIGITS)
    wrong = torch.isin(torch.arange(p.shape[-1]), DIGITS) & ~may & here[..., None]
    weight = p * wrong * each.prod(dim=-1)[..., None, None]
    drawn = weight.flatten().multinomial(DRAWN, True, generator=generator)
    return torch.unravel_index(drawn, weight.shape)


# %% [markdown]
# ## 실수를 넣고 이어 쓰게 해요
#
# 정답의 앞부분에 실수 하나를 넣고, 거기서부터는 모델이 그리디로 이어 써요. 견주는 것은 **실수를 넣지 않은 같은 자리**예요.
# 앞부분에 크게 기댄다면 그 뒤의 수까지 줄줄이 틀리고, 입력을 다시 읽는다면 뒤의 수는 맞힐 거예요.
#
# 같은 수 안의 비율은 조심해서 읽어야 해요. 11월의 첫 숫자를 2로 썼다면 정답대로 1을 이을 때 21월이 돼서, 정답에서 벗어나는 쪽이 더 그럴듯해요.


# %%
@torch.no_grad()
def continued(model, source, written, step):
    """What is written (n, T) up to and with the step (n,), then the likeliest token
    again and again (n, T)."""
    written, encoded = written.clone(), model.encode(source)
    start = targets([""])[:, :1].expand(len(written), 1)  # BOS
    for t in range(written.shape[1]):
        before = torch.cat([start, written[:, :t]], dim=1)
        likeliest = model.decode(before, *encoded)[0][:, -1].argmax(dim=-1)
        written[:, t] = torch.where(t > step, likeliest, written[:, t])
    return written


def judged(found, right, step):
    """Of continuations and the right ids (n, T): share of right digits just behind
    the step in the same number, and share of right last numbers behind another."""
    n = torch.arange(len(step))
    same = torch.isin(right[n, step + 1], DIGITS)
    next_right = (found == right)[n, step + 1][same]
    last = [re.split("[-/.]", text)[-1] for text in texts(right)]
    seen = torch.isin(right, SIGNS).cumsum(dim=-1)[n, step] == 1  # in the second
    ours = [re.split("[-/.]", text)[-1] for text in texts(found)]
    later = [a == b for a, b, second in zip(ours, last, seen) if second]
    return next_right.double().mean().item(), mean(later)


# %%
def measured(model, dates, seed):
    """{name: share}, with and without the mistake."""
    ids, may = rights(dates)
    generator, found = torch.Generator().manual_seed(seed), {}
    notation, date, step, token = first_mistakes(
        along(model, dates, ids), ids, may, generator
    )
    right = ids[notation, date]  # (n, T)
    source = sources([dates[i] for i in date.tolist()])
    for key, put in (("true", right[torch.arange(DRAWN), step]), ("own", token)):
        written = right.scatter(1, step[:, None], put[:, None])
        shares = judged(continued(model, source, written, step), right, step)
        found[f"{key}_same"], found[f"{key}_later"] = shares
    return found


# %%
if __name__ == "__main__":
    evidence, null = {}, {"실수를 넣지 않은 앞부분": {}, "배우지 않은 모델": {}}
    torch.set_num_threads(1)
    for world, make in (
        (evidence, load_trained),
        (null["배우지 않은 모델"], untrained),
    ):
        found = [measured(make(s), split(s)[1][:500], s) for s in range(3)]
        world |= {name: [one[name] for one in found] for name in found[0]}
    for place in "same", "later":
        null["실수를 넣지 않은 앞부분"][f"own_{place}"] = evidence[f"true_{place}"]
    evidence["drawn"] = DRAWN
    said = {name: mean(evidence[name]) for name in found[0]}
    table(
        "behind",
        f"틀린 숫자를 쓴 다음에 맞힌 비율 (시드 셋의 평균, 실수 {DRAWN:,}개씩)",
        ["앞부분", "같은 수의 다음 숫자", "그다음 수"],
        [
            [
                title,
                *(f"{said[f'{key}_{place}']:.1%}" for place in ("same", "later")),
            ]
            for key, title in (("true", "정답"), ("own", "실수 하나"))
        ],
    )

# %%
if __name__ == "__main__":
    tolerance = {name: 0.1 if name == "own_same" else 0.02 for name in evidence}
    evidence
