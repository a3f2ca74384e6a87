"""The Transformer with its LayerNorms before the branches, beside PyTorch's own."""

import pytest
import torch
from norm_order import PreTransformer, first_gradients, output_size, to_pre, torch_layers
from seq2seq import EncoderLayer, Transformer, loss_of, sources, split, targets, translations, untrained
from torch import nn

torch.set_num_threads(1)
DATES = [(23, 6, 14), (58, 11, 9)]
PARTS = {"self_attn": "self_attn", "cross_attn": "multihead_attn"}


def copy_into(theirs, ours):
    """The weights of our layer in PyTorch's."""
    state = {}
    for mine, name in PARTS.items():
        if hasattr(ours, mine):
            part = getattr(ours, mine)
            for kind in "weight", "bias":
                rows = [getattr(layer, kind) for layer in (part.q, part.k, part.v)]
                state[f"{name}.in_proj_{kind}"] = torch.cat(rows)
                state[f"{name}.out_proj.{kind}"] = getattr(part.proj, kind)
    for i, name in ((0, "linear1"), (2, "linear2")):
        state |= {f"{name}.{kind}": getattr(ours.mlp[i], kind) for kind in ("weight", "bias")}
    for i in range(1, 4):
        if hasattr(ours, f"norm{i}"):
            norm = getattr(ours, f"norm{i}")
            state |= {f"norm{i}.weight": norm.weight, f"norm{i}.bias": norm.bias}
    theirs.load_state_dict({key: value.detach() for key, value in state.items()})


def test_pre_layers_are_pytorch_s_with_norm_first():
    model = to_pre(untrained(0))
    for norm in (m for m in model.modules() if isinstance(m, nn.LayerNorm)):
        nn.init.normal_(norm.weight, 1, 0.2)
    options = {"dropout": 0.0, "batch_first": True, "norm_first": True}
    x, y = torch.randn(2, 5, 48), torch.randn(2, 4, 48)
    encoder = nn.TransformerEncoderLayer(48, 2, 192, **options)
    copy_into(encoder, model.encoder[0])
    torch.testing.assert_close(
        model.encoder[0](x, torch.ones(1, 5, dtype=torch.bool)), encoder(x), atol=1e-5, rtol=1e-4
    )
    layer, decoder = model.decoder[0], nn.TransformerDecoderLayer(48, 2, 192, **options)
    copy_into(decoder, layer)
    causal, all_seen = torch.ones(4, 4, dtype=torch.bool).tril(), torch.ones(1, 5, dtype=torch.bool)
    found = layer(y, None, layer.cross_attn.keys_values(x), causal, all_seen)[0]
    torch.testing.assert_close(found, decoder(y, x, tgt_mask=~causal), atol=1e-5, rtol=1e-4)


def test_only_the_two_last_norms_are_new():
    plain, pre = untrained(3), to_pre(untrained(3))
    assert type(pre) is PreTransformer and not any(type(layer) is EncoderLayer for layer in pre.encoder)
    ours, theirs = pre.state_dict(), plain.state_dict()
    ends = {f"{side}_norm.{kind}" for side in ("encoder", "decoder") for kind in ("weight", "bias")}
    assert set(ours) - set(theirs) == ends and all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_the_last_norms_are_used():
    model = to_pre(untrained(0))
    source, target = sources(DATES), targets([translations(date)[0] for date in DATES])
    memory, _ = model.encode(source)
    assert memory.mean(dim=-1).abs().max() < 1e-5
    assert (memory.std(dim=-1, correction=0) - 1).abs().max() < 1e-3
    before = model(source, target)
    with torch.no_grad():
        model.decoder_norm.weight.zero_()
    assert model(source, target).abs().max() < 1e-5 < before.abs().max()


def test_the_order_of_words_is_still_hidden_from_earlier_ones():
    model = to_pre(untrained(0))
    one, other = (targets([text])[:, :-1] for text in ("5/6/23", "5/6/78"))
    a, b = (model(sources(DATES[:1]), target) for target in (one, other))
    torch.testing.assert_close(a[:, :5], b[:, :5], atol=1e-6, rtol=0)


def test_pytorch_s_layers_take_each_other_s_weights():
    post, pre, went_in = torch_layers(1)
    assert went_in and not post.norm_first and pre.norm_first
    assert all(torch.equal(a, b) for a, b in zip(post.parameters(), pre.parameters()))


def test_without_its_last_norm_only_pre_ln_grows():
    x = torch.randn(2, 5, 48)
    sizes = {key: output_size(*key, 12, x) for key in ((True, False), (True, True), (False, False))}
    assert sizes[True, False] > 2
    assert sizes[True, True] == pytest.approx(1, abs=0.05) == sizes[False, False]


@pytest.mark.parametrize("order", ["post", "pre"])
def test_first_gradients_are_those_of_each_decoder_layer(order):
    found = first_gradients(order, 1, depth=2)
    torch.manual_seed(1)
    model = Transformer(depth=2)
    model = to_pre(model) if order == "pre" else model
    dates = split(1)[0][:48]
    chosen = [translations(date)[i % 3] for i, date in enumerate(dates)]
    weights = [layer.mlp[2].weight for layer in model.decoder]
    expected = torch.autograd.grad(loss_of(model, sources(dates), targets(chosen)), weights)
    torch.testing.assert_close(found, torch.stack([gradient.norm() for gradient in expected]), rtol=1e-4, atol=1e-6)
