import pytest
import torch
from permutation import DIM, ORDERS, encode, encoder, order_errors, relative_error, shuffle_patches
from vit import VisionTransformer


def test_orders_are_all_but_the_given_one():
    assert len({tuple(order.tolist()) for order in ORDERS}) == 23
    assert torch.equal(ORDERS.sort(dim=1).values, torch.arange(4).expand(23, 4))
    assert [0, 1, 2, 3] not in ORDERS.tolist() and [1, 0, 2, 3] in ORDERS.tolist() and [3, 2, 1, 0] in ORDERS.tolist()


def test_relative_error_by_hand():
    a, b = torch.tensor([[3.0, 4], [1, 0]]), torch.tensor([[0.0, 5], [1, 0]])
    torch.testing.assert_close(relative_error(a, b), torch.tensor([10**0.5 / 5, 0]))


def test_order_errors_tell_equivariant_from_invariant(monkeypatch):
    tokens = torch.randn(4, DIM, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr("permutation.encode", lambda model, x: x)  # the identity follows its tokens
    followed, in_place = order_errors(None, tokens, 0)
    assert followed.max() == 0 and in_place.min() > 0.1
    monkeypatch.setattr("permutation.encode", lambda model, x: x.mean(dim=1, keepdim=True).expand_as(x))  # a mean
    followed, in_place = order_errors(None, tokens, 0)
    assert followed.max() < 1e-5 and in_place.max() < 1e-5


def test_encode_is_the_model_without_its_embedding():
    model = encoder("none", seed=0)
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.head(encode(model, model.embed(x))[:, 0]), model(x))


def test_longer_sequences_are_equivariant_too():
    generator = torch.Generator().manual_seed(0)
    tokens, order = torch.randn(3, 50, DIM, generator=generator).double(), torch.randperm(50, generator=generator)
    model = encoder("none", seed=0, dtype=torch.float64)
    torch.testing.assert_close(encode(model, tokens[:, order]), encode(model, tokens)[:, order], rtol=0, atol=1e-12)


def test_every_part_has_its_say():
    tokens = torch.randn(1, 4, DIM, generator=torch.Generator().manual_seed(0))
    other = tokens.clone()
    other[0, 3] = 0  # the fourth token alone is another one
    model = encoder("none", seed=0)
    assert relative_error(encode(model, other)[:, :3], encode(model, tokens)[:, :3]) > 0.1  # and the others notice


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_shuffle_patches(patch):
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    N = (8 // patch) ** 2
    assert torch.equal(shuffle_patches(x, torch.arange(N), patch), x)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    shuffled = shuffle_patches(x, order, patch)
    assert torch.equal(shuffle_patches(shuffled, order.argsort(), patch), x)
    if patch == 4:
        first = shuffle_patches(x, torch.tensor([3, 1, 2, 0]), patch)
        assert torch.equal(first[..., :4, :4], x[..., 4:, 4:]) and torch.equal(first[..., :4, 4:], x[..., :4, 4:])
    # what the model's own patch embedding sees is the same tokens in the new order
    model = VisionTransformer(img_size=8, patch_size=patch, embed_dim=16, depth=1, num_heads=2, pos_embed="none")
    torch.testing.assert_close(model.patch_embed(shuffled), model.patch_embed(x)[:, order])
