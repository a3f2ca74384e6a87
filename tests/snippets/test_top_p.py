"""What temperature, top-k and top-p leave of a distribution, and what is measured of it: by hand on tiny ones."""

import math

import pytest
import torch
from seq2seq import EOS, ID, PAD, VOCAB, sources, targets, translations, untrained
from top_p import along, kept, outcome, ratio, removed, rights, temperature, top_k, top_p

torch.set_num_threads(1)
P = torch.tensor([[0.5, 0.3, 0.15, 0.05]], dtype=torch.double)


def test_cut_ones_are_shares_of_what_is_left():
    assert top_k(P, 2)[0].tolist() == pytest.approx([0.625, 0.375, 0, 0])
    assert top_p(P, 0.9)[0].tolist() == pytest.approx([0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0])
    assert top_p(P, 0.5)[0].tolist() == pytest.approx([1, 0, 0, 0])  # the smallest set that reaches it
    assert top_p(P, 0.51)[0].tolist() == pytest.approx([0.625, 0.375, 0, 0])
    assert torch.allclose(top_p(P, 1.0), P)


def test_order_does_not_matter():
    mixed = P[:, [3, 0, 2, 1]]
    for way in (lambda p: top_k(p, 2), lambda p: top_p(p, 0.9), lambda p: temperature(p, 0.3)):
        assert torch.allclose(way(mixed), way(P)[:, [3, 0, 2, 1]])


def test_temperature_is_a_power():
    found = temperature(P, 2.0)
    assert found.sum().item() == pytest.approx(1)
    assert ratio(found, torch.tensor([[0, 1]])).item() == pytest.approx(math.sqrt(0.5 / 0.3))


def test_right_tokens_are_those_of_translations_that_agree_so_far():
    date = (23, 6, 20)  # 23-06-20, 20/6/23, 20.6.23: all begin with 2
    ids, may = rights([date])
    assert ["".join(VOCAB[i] for i in row if i > EOS) for row in ids[:, 0].tolist()] == translations(date)
    allowed = [[{VOCAB[i] for i in step.nonzero()[:, 0].tolist()} for step in may[n, 0]] for n in range(3)]
    assert allowed[0][:3] == [{"2"}, {"3", "0"}, {"-"}]
    assert allowed[1][:4] == [{"2"}, {"3", "0"}, {"/", "."}, {"6"}]


def test_along_gives_what_the_model_says_step_by_step():
    model, dates = untrained(0), [(23, 6, 20), (1, 12, 31)]
    ids, _ = rights(dates)
    with torch.no_grad():
        text = translations(dates[1])[2]
        expected = model(sources(dates[1:]), targets([text])[:, :-1]).softmax(dim=-1)[0]
    found = along(model, dates, ids)[2, 1, : len(expected)]
    torch.testing.assert_close(found.float(), expected, atol=1e-5, rtol=1e-4)


def test_outcome_multiplies_along_and_adds_over_translations():
    ids, _ = rights([(5, 6, 7)])
    p = torch.full((*ids.shape, len(VOCAB)), 1e-9, dtype=torch.double)
    for i, first in enumerate((0.4, 0.3, 0.3)):
        p[i].scatter_(-1, ids[i][..., None], 1.0)
        p[i, 0, 0, ids[i, 0, 0]] = first
    right, kinds = outcome(p, ids)
    assert right == pytest.approx(1.0)
    assert kinds == pytest.approx(math.exp(-0.4 * math.log(0.4) - 0.6 * math.log(0.3)))
    p[:, 0, 1] *= 0.5  # half of what comes next is wrong
    assert outcome(p, ids)[0] == pytest.approx(0.5)


def test_what_is_cut_is_told_apart_and_padding_does_not_count():
    ids = torch.tensor([[[ID["1"], PAD]]])
    p = torch.zeros(1, 1, 2, len(VOCAB), dtype=torch.double)
    p[..., ID["1"]], p[..., ID["2"]], p[..., ID["3"]] = 0.6, 0.3, 0.1
    may = torch.zeros_like(p, dtype=torch.bool)
    may[..., [ID["1"], ID["3"]]] = True
    q = top_k(p, 1)
    assert removed(p, q, may, ids) == pytest.approx((0.4, 1.0, 0.1 / 0.7))
    one, two = kept(q, may, ids)
    assert two == 1 and math.isnan(one)
