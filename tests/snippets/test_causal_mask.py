import causal_mask
import pytest
import torch
from seq2seq import Transformer, sources, targets

SOURCE, TARGET = sources([(23, 11, 22)]), targets(["22/11/23"])[:, :-1]


def make(causal):
    torch.manual_seed(1)
    return Transformer(causal=causal).eval()


def test_influence_is_a_triangle():
    found = causal_mask.influence(make(causal=True), SOURCE, TARGET)
    assert found.shape == (9, 9) and not found.triu(1).any()
    assert (found[torch.ones(9, 9).tril() > 0] > 0).all()
    assert (causal_mask.influence(make(causal=False), SOURCE, TARGET) > 0).all()


@pytest.mark.parametrize("place", [0, 4, 8])
def test_influence_agrees_with_changing_a_token(place):
    model, changed = make(causal=True), TARGET.clone()
    changed[0, place] = 20
    with torch.no_grad():
        moved = (model(SOURCE, TARGET) - model(SOURCE, changed))[0].abs().amax(dim=1) > 1e-6
    assert moved.tolist() == [t >= place for t in range(9)]


def test_step_by_step_is_all_at_once_only_with_the_mask():
    with torch.no_grad():
        for causal in (True, False):
            model = make(causal)
            found = causal_mask.step_by_step(model, SOURCE, TARGET)
            whole = model(SOURCE, TARGET)
            assert torch.allclose(found, whole, atol=1e-5) == causal
            assert torch.allclose(found[:, -1], whole[:, -1], atol=1e-5)  # the last sees all of them either way


def test_mask_has_no_parameters():
    with_mask, without = make(True), make(False)
    assert all(torch.equal(a, b) for a, b in zip(with_mask.parameters(), without.parameters(), strict=True))
