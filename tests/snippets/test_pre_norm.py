"""Where the LayerNorm stands, and what is measured of it: on tiny models."""

import pytest
import torch
import torch.nn.functional as F
from lib.digits import load
from pre_norm import PostNorm, build, first_gradients, left_alone, schedule, trained
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
    from pre_norm import STEPS, WARMUP

    cold, warm = ([schedule(step, warmup) for step in range(STEPS)] for warmup in (0, WARMUP))
    assert cold[0] == 1 and warm[0] == pytest.approx(1 / WARMUP) and warm[WARMUP - 1] == pytest.approx(1)
    assert warm[:WARMUP] == sorted(warm[:WARMUP]) and cold[WARMUP:] == warm[WARMUP:]
    assert 0 < cold[-1] < 0.1


def test_stacked_models_learn_as_one_alone_would():
    """One step of the five at once moves the first as a step of its own does: the same accuracy and loss."""
    from pre_norm import RATE, SEEDS

    accuracies, losses = trained("post", RATE, 0, steps=2)
    assert accuracies.shape == (5,) and losses.shape == (2, 5)
    model, (images, labels) = build("post", SEEDS[1]), load(SEEDS[1])[0]
    optimizer, draw = torch.optim.Adam(model.parameters(), lr=RATE), torch.Generator().manual_seed(SEEDS[1])
    for step in range(2):
        i = torch.randint(1000, (32,), generator=draw)
        loss = F.cross_entropy(model(images[i]), labels[i])
        assert loss.item() == pytest.approx(losses[step, 1].item(), abs=1e-3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_untrained_models_are_not_trained():
    accuracies, losses = trained("pre", 0.1, 0, steps=0)
    assert losses is None and (accuracies < 0.35).all()


def test_kinds_are_vits():
    assert type(build("pre", 0, 1)) is VisionTransformer and type(build("post", 0, 1)) is PostNorm
