"""Each exchange in a real ViT: by hand, on a model small enough to be written out."""

import pytest
import real_changes as rc
import torch
import torch.nn.functional as F

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def x():
    return torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))


def test_an_exchange_of_nothing_changes_nothing(small_vit, x):
    found = rc.measure(small_vit, [x[:1]], [rc.trace(small_vit, x[:1])])
    assert set(found) == set(rc.CHANGES)
    assert found["same"].tolist() == [[0, pytest.approx(1, abs=1e-6), 0]]
    changed = {key: values[0, 0].item() for key, values in found.items() if key != "same"}
    assert min(changed.values()) > 0 and changed["tanh"] < changed["quick"] < changed["relu"]
    assert found["final"][0, 2] == 0, "the last LayerNorm comes after all maps"


def test_the_model_itself_is_left_as_it_was(small_vit, x):
    before = rc.trace(small_vit, x[:1])
    for _, change in rc.CHANGES.values():
        rc.trace(change(small_vit), x[:1])
    for a, b in zip(rc.trace(small_vit, x[:1]), before):
        assert torch.equal(a, b)


def test_an_activation_goes_where_gelu_was(small_vit, x):
    again = rc.with_activation(small_vit, F.gelu)
    torch.testing.assert_close(rc.trace(again, x[:1])[0], rc.trace(small_vit, x[:1])[0])


def test_post_ln_normalises_what_was_added(small_vit):
    tokens = torch.randn(1, 5, 32)
    out, attn = rc.post_ln(small_vit).blocks[0](tokens, return_attn=True)
    block = small_vit.blocks[0]
    inner = block.norm1(tokens + block.attn(tokens)[0])
    torch.testing.assert_close(out, block.norm2(inner + block.mlp(inner)))
    assert attn.shape == (1, 2, 5, 5)


def test_rounding_by_hand():
    # the largest, 127, makes the scale 1
    assert rc.rounded(torch.tensor([127.0, 1.4, -1.6]), 8).tolist() == [127, 1, -2]
    assert rc.rounded(torch.tensor([[7.0, 3.4], [0.7, 0.34]]), 4).flatten().tolist() == pytest.approx([7, 3, 0.7, 0.3])
    values = torch.randn(3, 8)
    apart, together = rc.rounded(values, 8), rc.rounded(values.flatten(), 8).view_as(values)
    assert (apart - values).norm() < (together - values).norm() < 0.1


def test_maps_that_move_all_their_attention_have_variation_one():
    tokens = torch.eye(3)
    here, there = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    here[..., 0], there[..., 1] = 1, 1
    assert rc.compare((tokens, here), (tokens, there)) == (0, 1, 1)


def test_a_head_is_removed_before_proj(small_vit, x):
    block, tokens = small_vit.blocks[1], torch.randn(2, 5, 32)
    torch.testing.assert_close(rc.without_heads(block, tokens, []), block(tokens)[0])
    cut = rc.with_weights(small_vit, lambda w: w).blocks[1]
    cut.attn.proj.weight.data[:, 16:] = 0  # the second head's columns
    torch.testing.assert_close(rc.without_heads(block, tokens, [1]), cut(tokens)[0])


def test_one_by_one_is_what_a_run_from_the_start_gives(small_vit, x):
    found = rc.one_by_one(small_vit, x)
    assert found.shape == (2, 3, 2, 2) and (found > 0).all()
    start = small_vit.embed(x)
    whole = rc.ablate(small_vit, start, {})
    torch.testing.assert_close(found[:, 2, 1], rc.errors(rc.ablate(small_vit, start, {2: [1]}), whole))
    assert rc.by_layer(torch.tensor([0, 5, 4]), 2) == {0: [0], 2: [1, 0]}


def test_rank_correlation_by_hand():
    a = torch.tensor([[1.0, 2.0, 3.0]])
    assert rc.rank_correlation(a, a**3).item() == pytest.approx(1)
    assert rc.rank_correlation(a, -a).item() == pytest.approx(-1)
    assert rc.rank_correlation(a, torch.tensor([[2.0, 1.0, 3.0]])).item() == pytest.approx(0.5)
    ties = torch.tensor([[1, 1, 2, 2]])  # ranks 1.5 and 3.5
    assert rc.rank_correlation(ties, ties).item() == pytest.approx(1)
    assert rc.rank_correlation(ties, torch.tensor([[1, 2, 3, 4]])).item() == pytest.approx(2 / 5**0.5)
