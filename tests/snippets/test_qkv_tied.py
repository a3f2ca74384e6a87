import pytest
import qkv_tied
import torch


def test_scores_and_weights_by_hand():
    scores, weights = qkv_tied.scores_and_weights(torch.eye(4)[:2], 2 * torch.eye(4)[:2])
    assert scores.tolist() == [[1, 0], [0, 1]]  # 2 / sqrt(4)
    assert weights.sum(dim=-1).tolist() == pytest.approx([1, 1])


def test_ring_that_looks_back_is_told_from_one_that_looks_ahead():
    back = torch.eye(5).roll(-1, dims=1)  # s[i, i - 1] = 1
    assert qkv_tied.all_look_back(torch.stack([back, back.T, back + back.T])).tolist() == [True, False, False]
    almost = back.clone()
    almost[0] = 0
    assert not qkv_tied.all_look_back(almost)


def test_all_but_one_may_look_back():
    q = qkv_tied.shrinking(8)
    assert (q @ q.T).argmax(dim=-1).tolist() == [0, 0, 1, 2, 3, 4, 5, 6]


def test_target_is_the_content_of_the_token_before():
    torch.manual_seed(0)
    x, y = qkv_tied.batch(2)
    assert x.shape == (2, 12, 20)
    assert torch.equal(y[:, 0], x[:, -1, :8]) and torch.equal(y[:, 5], x[:, 4, :8])
    assert torch.equal(x[0, :, 8:], torch.eye(12))


@pytest.mark.parametrize(
    "mask, seen", [("", range(12)), ("self", range(1, 12)), ("ahead", range(6)), ("both", range(1, 6))]
)
def test_masks_hide_what_they_say(mask, seen):
    hidden = qkv_tied.hidden_places(mask)
    for i in (0, 7):
        assert {(i - j) % 12 for j in range(12) if not hidden[i, j]} == set(seen)


@pytest.mark.parametrize("tied, layers", [("", 3), ("q=k", 2), ("k=v", 2), ("no v", 2)])
def test_tied_maps_are_one_layer(tied, layers):
    head = qkv_tied.OneHead(6, tied)
    assert sum(p.numel() for p in head.parameters()) - sum(p.numel() for p in head.proj.parameters()) == layers * 6 * 20
    x, _ = qkv_tied.batch(2)
    assert head(x, qkv_tied.hidden_places("")).shape == (2, 12, 8)


def test_hidden_tokens_do_not_count():
    torch.manual_seed(0)
    head, hidden = qkv_tied.OneHead(), qkv_tied.hidden_places("both")
    x, _ = qkv_tied.batch(1)
    other = x.clone()
    other[:, 3, :8] += 1
    moved = (head(other, hidden) - head(x, hidden)).abs().amax(dim=(0, 2)) > 1e-6
    assert moved.nonzero().flatten().tolist() == [3, 4, 5, 6, 7, 8], "the token itself by its query"


def test_training_lowers_the_error():
    after, before = qkv_tied.train([0], steps=100), qkv_tied.train([0], steps=0)
    assert after[0] < 0.5 < before[0]


@pytest.mark.parametrize("tied", ["", "q=k", "k=v", "no v"])
def test_heads_side_by_side_are_trained_apart(tied):
    """Untrained, each of them is the head that its seed alone gives; trained, none is another's twin."""
    alone = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        head = qkv_tied.OneHead(tied=tied)
        torch.manual_seed(1)
        head_of_1 = qkv_tied.OneHead(tied=tied)
        x, y = (part[seed] for part in qkv_tied.batch(2, 1000))  # as train() draws after its last head
        alone.append((head(x, head_of_1.to_q.weight.new_zeros(12, 12, dtype=torch.bool)) - y).square().mean().item())
    assert qkv_tied.train([0, 1], tied=tied, steps=0) == pytest.approx(alone, rel=1e-4)
    after = qkv_tied.train([0, 1], tied=tied, steps=20)
    assert after[0] != after[1] and all(new < old for new, old in zip(after, alone))
