"""Mistakes as a model would make them, and how it goes on behind them."""

import exposure_bias
import pytest
import torch
from exposure_bias import DIGITS, DRAWN, continued, first_mistakes, judged
from seq2seq import BOS, ID, VOCAB, greedy, sources, targets, untrained
from top_p import along, rights

torch.set_num_threads(1)
DATES = [(23, 6, 14), (58, 11, 9), (7, 2, 28)]


def test_mistakes_are_wrong_digits_behind_the_first_sign():
    ids, may = rights(DATES)
    p = along(untrained(0), DATES, ids)
    notation, date, step, token = first_mistakes(p, ids, may, torch.Generator().manual_seed(0))
    assert len(token) == DRAWN
    right = ids[notation, date]
    assert torch.isin(right[torch.arange(DRAWN), step], DIGITS).all() and torch.isin(token, DIGITS).all()
    assert not may[notation, date, step, token].any()
    for n, i, t in list(zip(notation.tolist(), date.tolist(), step.tolist()))[:50]:
        assert any(sign in "".join(VOCAB[k] for k in ids[n, i, :t]) for sign in "-/.")


def test_likely_mistakes_are_drawn_more_often():
    ids, may = rights(DATES[:1])
    p = torch.full((*ids.shape, len(VOCAB)), 1e-6, dtype=torch.double)
    p.scatter_(-1, ids[..., None], 0.9)
    p[0, 0, 4, ID["9"]] = 0.09  # 23-06-14: the 6 read as 9
    drawn = first_mistakes(p, ids, may, torch.Generator().manual_seed(0))
    assert (torch.stack(drawn) == torch.tensor([[0], [0], [4], [ID["9"]]])).all(dim=0).double().mean() > 0.9


def test_continuing_keeps_what_is_written_and_goes_on_greedily():
    model, source = untrained(0), sources(DATES)
    written = targets(["5/6/23", "9/11/58", "28/2/07"])[:, 1:]
    free = continued(model, source, written, torch.tensor([-1, -1, -1]))
    greedily = greedy(model, source, limit=free.shape[1])
    assert torch.equal(free[:, : greedily.shape[1]], greedily[:, : free.shape[1]])
    step = torch.tensor([2, 0, 4])
    found = continued(model, source, written, step)
    for row, before, t in zip(found, written, step.tolist()):
        assert torch.equal(row[: t + 1], before[: t + 1])
    start = torch.cat([torch.tensor([[BOS]]), written[:1, :3]], dim=1)
    with torch.no_grad():
        expected = model.decode(start, *model.encode(source[:1]))[0][0, -1].argmax()
    assert found[0, 3] == expected


def test_judged_by_the_next_digit_and_the_last_number():
    right = targets(["23-06-14", "14/6/23", "14.11.23"])[:, 1:]
    found = targets(["23-46-14", "14/6/24", "14.21.23"])[:, 1:]
    step = torch.tensor([3, 3, 3])  # the first digit of the second number
    same, later = judged(found, right, step)
    assert same == pytest.approx(1.0)  # 6 and 1 stand; behind 14/6 comes no digit
    assert later == pytest.approx(2 / 3)  # 24 is not 23
    found[2, 4] = ID["9"]
    assert judged(found, right, step)[0] == pytest.approx(0.5)


def test_without_a_mistake_the_right_token_is_put_where_it_was(monkeypatch):
    seen = []
    monkeypatch.setattr(
        exposure_bias, "continued", lambda model, source, written, step: seen.append(written) or written
    )
    found = exposure_bias.measured(untrained(0), DATES, 0)
    assert found["true_same"] == found["true_later"] == 1
    assert (seen[0] != seen[1]).sum(dim=1).eq(1).all()  # one token apart
