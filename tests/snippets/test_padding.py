import padding
import pytest
import seq2seq
import torch
from padding import LONGEST, PaddingLearned, Unmasked, longer, moved
from seq2seq import PAD, Transformer, sources, targets

DATES = [(1, 1, 1), (99, 12, 31)]


def make(build):
    torch.manual_seed(0)
    return build().eval()


def test_the_longest_date_is_as_long_as_told():
    assert max(len(seq2seq.korean(date)) for date in seq2seq.split(0)[0]) == LONGEST
    assert longer(sources(DATES)).shape == (2, LONGEST + padding.EXTRA)


@pytest.mark.parametrize("build, still", [(Transformer, True), (Unmasked, False), (PaddingLearned, False)])
def test_only_a_mask_makes_a_sentence_independent_of_its_company(build, still):
    assert (moved(make(build), sources(DATES)) < 1e-5) == still


def test_unmasked_is_the_transformer_where_there_is_no_padding():
    source, target = sources([DATES[1]]), targets(["31/12/99"])
    plain, masked = make(Unmasked), make(Transformer)
    assert torch.equal(plain(source, target), masked(source, target))
    assert not torch.allclose(plain(longer(source), target), masked(longer(source), target), atol=1e-2)


def test_padding_is_learned_at_each_place_and_nothing_else_is_changed():
    model, source = make(PaddingLearned), sources(DATES)
    embedded, usual = model.embed(source), Transformer.embed(model, source)
    of_padding = source == PAD
    assert torch.equal(embedded[~of_padding], usual[~of_padding])
    assert torch.equal(embedded[0, 6:], model.padding[6:LONGEST])
    seq2seq.loss_of(model.train(), source, targets(["1/1/01", "31/12/99"])).backward()
    got = model.padding.grad.norm(dim=1) > 0
    assert got.tolist() == [False] * 6 + [True] * (LONGEST + padding.EXTRA - 6)  # the shorter has six characters


def test_training_fills_up_to_one_length_and_use_does_not():
    model, source = make(PaddingLearned), sources(DATES)
    assert model.encode(source)[0].shape[1] == LONGEST
    assert model.train().encode(source)[0].shape[1] == LONGEST + padding.EXTRA


def test_written_is_greedy_with_both_paddings():
    model = make(Unmasked)
    found = padding.written(model, DATES)
    assert found.shape == (2, 2, 12)
    for ids, source in zip(found, (sources(DATES), longer(sources(DATES)))):
        own = seq2seq.greedy(model, source)
        assert torch.equal(ids[:, : own.shape[1]], own) and not ids[:, own.shape[1] :].any()


def test_learn_keeps_what_the_trained_model_writes(monkeypatch):
    monkeypatch.setattr(padding, "STEPS", 2)
    monkeypatch.setattr(padding, "DATES", 3)
    found = padding.learn("masked", 0)
    assert set(found) == {"masked", "bare", "dates"} and found["masked"].shape == (2, 3, 12)
    assert [tuple(date) for date in found["dates"].tolist()] == seq2seq.split(0)[1][:3]
    assert set(padding.learn("plain", 0)) == {"plain", "dates"}
