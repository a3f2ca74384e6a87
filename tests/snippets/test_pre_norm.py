"""Where the LayerNorm stands, and what is measured of it: on tiny models."""

import pytest
import torch
import torch.nn.functional as F
from lib.digits import load
from pre_norm import PostNorm, PreNorm, build, first_gradients, left_alone, share_of_rate, trained
from vit import VisionTransformer

torch.set_num_threads(1)


def test_post_norm_ends_every_block_in_a_layer_norm():
    model, x = build("post", 0, depth=2), 5 * torch.randn(2, 5, 32)
    out = model.blocks[0](x)[0]
    assert out.mean(dim=-1).abs().max() < 1e-5
    torch.testing.assert_close(out.std(dim=-1, correction=0), torch.ones(2, 5), atol=1e-4, rtol=0)
    assert isinstance(model.norm, torch.nn.Identity)


def test_post_norm_agrees_with_pytorch_s_own_layer():
    torch.manual_seed(0)
    block = build("post", 0, depth=1).blocks[0]
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, 0.0, F.gelu, 1e-6, batch_first=True, norm_first=False)
    names = {"self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear1.": "mlp.fc1."}
    names |= {"linear2.": "mlp.fc2.", "norm1.": "norm1.", "norm2.": "norm2."}
    ours = block.state_dict()
    layer.load_state_dict({a + end: ours[b + end] for a, b in names.items() for end in ("weight", "bias")})
    x = torch.randn(2, 5, 32)
    torch.testing.assert_close(block(x)[0], layer(x), atol=1e-5, rtol=1e-5)


def test_the_two_kinds_have_the_same_weights_at_first_but_for_the_last_norm():
    pre, post = (build(kind, 3, depth=2).state_dict() for kind in ("pre", "post"))
    assert set(pre) - set(post) == {"norm.weight", "norm.bias"} and not set(post) - set(pre)
    assert all(torch.equal(pre[name], post[name]) for name in post)


def test_a_block_whose_branches_are_shut_is_left_alone_only_in_pre_norm():
    x = 3 * torch.randn(1, 5, 32)
    assert left_alone(build("pre", 0, depth=1).blocks[0], x) == 0
    assert left_alone(build("post", 0, depth=1).blocks[0], x) > 0.1


@pytest.mark.parametrize("kind", ["pre", "post"])
def test_first_gradients_are_those_of_each_block(kind):
    found = first_gradients(kind, 3, 1)
    model, (images, labels) = build(kind, 1, 3), load(1)[0]
    loss = F.cross_entropy(model(images[:64]), labels[:64])
    expected = torch.autograd.grad(loss, [block.mlp.fc2.weight for block in model.blocks])
    assert found == pytest.approx([gradient.norm().item() for gradient in expected], rel=1e-4)


def test_the_rate_rises_in_the_warm_up_alone_and_ends_low():
    cold, warm = ([share_of_rate(step, 50, warmup) for step in range(50)] for warmup in (0, 25))
    assert cold[0] == 1 and warm[0] == pytest.approx(1 / 25) and warm[24] == pytest.approx(1)
    assert warm[:25] == sorted(warm[:25]) and cold[25:] == warm[25:]
    assert 0 < cold[-1] < 0.1


def test_stacked_models_learn_as_one_alone_would():
    """Two steps of the five at once move the second as steps of its own do."""
    from pre_norm import RATE, SEEDS

    chosen, tested, losses = trained("post", RATE, 0, steps=2)
    assert chosen.shape == tested.shape == (5,) and losses.shape == (2, 5)
    model, parts = build("post", SEEDS[1]), load(SEEDS[1])
    images, labels = parts[0]
    optimizer, draw = torch.optim.Adam(model.parameters(), lr=RATE), torch.Generator().manual_seed(SEEDS[1])
    for step in range(2):
        i = torch.randint(1000, (32,), generator=draw)
        loss = F.cross_entropy(model(images[i]), labels[i])
        assert loss.item() == pytest.approx(losses[step, 1].item(), abs=1e-3)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = RATE * share_of_rate(step, 2, 0)
        optimizer.step()
    for found, (x, y) in zip((chosen, tested), parts[1:]):
        assert found[1].item() == pytest.approx((model(x).argmax(dim=1) == y).double().mean().item(), abs=0.03)


def test_untrained_models_are_not_trained():
    _, accuracies, losses = trained("pre", 0.1, 0, steps=0)
    assert losses.shape == (0, 5) and (accuracies < 0.35).all()


def test_the_grid_tries_every_rate_with_and_without_warm_up(monkeypatch):
    import pre_norm

    def told(kind, rate, warmup, steps):
        return torch.full((5,), rate), torch.full((5,), float(warmup)), None

    monkeypatch.setattr(pre_norm, "trained", told)
    choose, test = pre_norm.grid("pre")
    assert choose[0, :, 0].tolist() == pytest.approx(list(pre_norm.RATES)) and choose.shape == (2, 4, 5)
    assert (test[0] == 0).all() and (test[1] == pre_norm.LONG_WARMUP).all()


def test_kinds_are_vits():
    x = torch.randn(2, 1, 8, 8)
    assert type(build("pre", 0, 1)) is PreNorm and type(build("post", 0, 1)) is PostNorm
    plain = VisionTransformer.forward(build("pre", 0, 1), x)
    torch.testing.assert_close(build("pre", 0, 1)(x), plain, atol=1e-5, rtol=1e-5)
