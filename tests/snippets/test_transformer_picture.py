import torch
import transformer_picture
from seq2seq import Transformer, sources, targets

SENTENCE = sources([(23, 6, 5)]), targets(["5/6/23"])


class InPairs(Transformer):
    """Each decoder layer reads the encoder layer beside it: what the picture must not show of the real one."""

    def encode(self, source, mask=None):
        mask = (source != 0)[:, None, None]
        self.outputs, x = [], self.embed(source)
        for layer in self.encoder:
            x = layer(x, mask)
            self.outputs.append(x)
        for layer, output in zip(self.decoder, self.outputs):
            attention = layer.cross_attn
            attention.keys_values = lambda _, a=attention, y=output: (a.heads(a.k(y)), a.heads(a.v(y)))
        return x, mask


def test_who_reads_whom():
    found = transformer_picture.readers(Transformer(depth=3), *SENTENCE)
    assert found["encoder.0.self_attn"] == dict.fromkeys("QKV", "encoder.input")
    assert found["encoder.2.self_attn"] == dict.fromkeys("QKV", "encoder.1.mlp")
    assert found["decoder.0.self_attn"] == dict.fromkeys("QKV", "decoder.input")
    assert found["decoder.1.mlp"] == {"": "decoder.1.cross_attn"}
    for i in range(3):
        assert found[f"decoder.{i}.cross_attn"] == {
            "Q": f"decoder.{i}.self_attn",
            "K": "encoder.2.mlp",
            "V": "encoder.2.mlp",
        }


def test_another_wiring_gives_another_picture():
    found = transformer_picture.readers(InPairs(depth=2), *SENTENCE)
    assert [found[f"decoder.{i}.cross_attn"]["K"] for i in range(2)] == ["encoder.0.mlp", "encoder.1.mlp"]


def test_hooks_are_gone_and_nothing_has_changed():
    torch.manual_seed(0)
    model = Transformer()
    before = model(*SENTENCE)
    transformer_picture.readers(model, *SENTENCE)
    assert torch.equal(model(*SENTENCE), before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_every_part_has_a_place_in_the_picture():
    found = transformer_picture.readers(Transformer(), *SENTENCE)
    owners = {owner for reads in found.values() for owner in reads.values()}
    assert {*found, *owners} <= set(transformer_picture.PLACES)
