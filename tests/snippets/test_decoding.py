import itertools

import decoding
import pytest
import torch
from seq2seq import BOS, EOS, PAD, VOCAB, Transformer, greedy, sources, targets

DATES = [(1, 2, 3), (23, 11, 22), (78, 6, 15)]


def make(scale=3.0):
    """An untrained model whose distributions are not flat."""
    torch.manual_seed(0)
    model = Transformer().eval()
    with torch.no_grad():
        model.embedding.weight.mul_(scale)
    return model


def test_log_p_is_the_sum_of_steps_up_to_eos():
    model, source = make(), sources(DATES[:1])
    ids = torch.tensor([[5, 9, EOS, 7, PAD]])
    with torch.no_grad():
        total, memory, written = 0.0, model.encode(source), [BOS]
        for token in (5, 9, EOS):
            logits = model.decode(torch.tensor([written]), *memory)[0][0, -1]
            total += logits.log_softmax(dim=-1)[token].item()
            written.append(token)
    assert decoding.log_p(model, source, ids).item() == pytest.approx(total, abs=1e-4)


def test_wide_beam_finds_the_best_of_all():
    """Two tokens at most, a beam as wide as the vocabulary: exhaustive search by hand must agree."""
    model, source = make(), sources(DATES[:1])
    found, score = decoding.beam(model, source, width=len(VOCAB), limit=2)
    pairs = torch.tensor(list(itertools.product(range(len(VOCAB)), repeat=2)))
    with torch.no_grad():
        every = decoding.log_p(model, source.expand(len(pairs), -1), pairs)
    assert score.item() == pytest.approx(every.max().item(), abs=1e-4)
    best = pairs[every.argmax()]
    assert found[0, 0] == best[0] and (best[0] == EOS or found[0, 1] == best[1])


def test_wider_beams_of_a_batch_equal_those_alone():
    model = make()
    together, scores = decoding.beam(model, sources(DATES), width=3, limit=6)
    for i, date in enumerate(DATES):
        alone, score = decoding.beam(model, sources([date]), width=3, limit=6)
        assert torch.equal(together[i, : alone.shape[1]], alone[0])
        assert score.item() == pytest.approx(scores[i].item(), abs=1e-4)


def test_cold_samples_are_greedy_and_warm_ones_follow_the_distribution():
    model, source = make(), sources(DATES[:1])
    generator = torch.Generator().manual_seed(0)
    cold = decoding.sample(model, source, generator, temperature=1e-4, limit=5)
    assert torch.equal(cold, greedy(model, source, limit=5)[:, : cold.shape[1]])
    p = decoding.next_distribution(model, source)[0]
    drawn = decoding.sample(model, source.expand(4000, -1), generator, limit=1)[:, 0]
    assert (drawn.bincount(minlength=len(VOCAB)) / 4000 - p).abs().max() < 0.03


def test_next_distribution_sees_what_is_written():
    model, source = make(), sources(DATES[:1])
    with torch.no_grad():
        row = model(source, targets(["3/2"])[:, :-1]).softmax(dim=-1)[:, -1]
    assert torch.allclose(decoding.next_distribution(model, source, "3/2"), row)


def test_first_digits_are_of_dates_whose_notations_part_at_once():
    model = make()
    year, day = decoding.first_digits(model, [(23, 11, 4), (23, 11, 20)])  # 23-11-20 and 20/11/23 both begin with 2
    p = decoding.next_distribution(model, sources([(23, 11, 4)]))[0]
    assert (year, day) == pytest.approx((p[VOCAB.index("2")].item(), p[VOCAB.index("4")].item()))


def test_eos_is_told_from_what_comes_before_it():
    model, date = make(), (1, 2, 3)
    steps = [decoding.next_distribution(model, sources([date]), "3/2/01"[:n])[0, EOS].item() for n in range(7)]
    assert decoding.eos_probabilities(model, [date]) == pytest.approx((max(steps[:-1]), steps[-1]))
    alone = [decoding.eos_probabilities(model, [one]) for one in DATES]
    together = decoding.eos_probabilities(model, DATES)
    assert together == pytest.approx([sum(found) / len(DATES) for found in zip(*alone)], abs=1e-5)


def test_cache_is_exact_for_any_length_and_batch():
    model, source = make(), sources(DATES)
    (ids, logits), (other_ids, other_logits) = (
        way(model, source, 15) for way in (decoding.greedy_cached, decoding.greedy_anew)
    )
    assert torch.equal(ids, other_ids)
    assert torch.allclose(logits, other_logits, atol=1e-3)
    assert torch.equal(ids[:, :4], greedy(model, source, limit=15)[:, :4])


def test_cache_would_be_wrong_without_the_mask():
    model = make()
    model.causal = False
    (_, cached), (_, anew) = (way(model, sources(DATES), 4) for way in (decoding.greedy_cached, decoding.greedy_anew))
    assert not torch.allclose(cached[:, 1:], anew[:, 1:], atol=1e-2)


def test_eos_is_never_chosen_when_forbidden():
    assert not (decoding.without_eos(make(), sources(DATES), limit=8) == EOS).any()


def test_shares_of_notations():
    assert decoding.notations(["23-06-05", "5/6/23", "5.6.23", "5.6.24"]) == [0.25, 0.25, 0.5]
