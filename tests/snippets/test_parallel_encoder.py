import parallel_encoder
import pytest
import torch
from parallel_encoder import Changed, DecoderLayerAlone, EncoderLayerAlone, longest_chain
from seq2seq import Transformer, sources, split, targets


def test_longest_chain_by_hand():
    x = torch.ones(3, requires_grad=True)
    assert longest_chain(x * 2) == 2  # the leaf and one product
    y = x
    for _ in range(50):
        y = y.sin()
    assert longest_chain(y + x) == 52  # the longer of the two ways
    assert longest_chain(torch.stack([x.sin(), x.cos().exp()])) == 4


@pytest.mark.parametrize("N", [1, 7])
def test_one_at_a_time_is_the_encoder(N):
    torch.manual_seed(0)
    model, source = Transformer().eval(), parallel_encoder.words(N)
    with torch.no_grad():
        assert torch.allclose(parallel_encoder.one_at_a_time(model, source), model.encode(source)[0], atol=1e-5)


def test_rnn_is_torchs_rnn():
    torch.manual_seed(0)
    ours, theirs = parallel_encoder.RNN(dim=8), torch.nn.RNN(8, 8, num_layers=2, batch_first=True)
    for i, cell in enumerate(ours.cells):
        for name, value in cell.named_parameters():
            getattr(theirs, f"{name}_l{i}").data.copy_(value)
    source = parallel_encoder.words(6)
    assert torch.allclose(ours(source), theirs(ours.embedding(source))[0], atol=1e-6)


def test_chain_of_the_encoder_grows_with_its_depth_alone():
    chains = {
        depth: {longest_chain(Transformer(depth=depth).encode(parallel_encoder.words(N))[0]) for N in (3, 30)}
        for depth in (1, 2, 3)
    }
    assert all(len(found) == 1 for found in chains.values())
    one, two, three = (found.pop() for found in chains.values())
    assert three - two == two - one > 0


def test_encoder_alone_does_not_mix_words():
    torch.manual_seed(0)
    model, source = Changed(encoder_layer=EncoderLayerAlone), sources([(23, 11, 22)])
    other = source.clone()
    other[0, 0] = 20
    with torch.no_grad():
        moved = (model.encode(source)[0] - model.encode(other)[0])[0].abs().amax(dim=1) > 1e-6
    assert moved.tolist() == [True] + [False] * (source.shape[1] - 1)


def test_decoder_alone_sees_only_its_last_word():
    torch.manual_seed(0)
    source, target = sources([(23, 11, 22)]), targets(["22/11/23"])
    other = target.clone()
    other[0, 3] = 20
    with torch.no_grad():
        for kind, expected in ((DecoderLayerAlone, {3}), (None, set(range(3, 10)))):
            model = Changed(decoder_layer=kind) if kind else Changed()
            moved = (model(source, target) - model(source, other))[0].abs().amax(dim=1) > 1e-6
            assert set(moved.nonzero().flatten().tolist()) == expected


def test_mixed_signs():
    assert parallel_encoder.mixed_signs(["5/6.23", "5/6/23", "5.6.23", "05-06.23"]) == 0.5


def test_learn_keeps_what_each_model_writes(monkeypatch):
    monkeypatch.setattr(parallel_encoder, "STEPS", 21)
    monkeypatch.setattr(parallel_encoder, "DATES", 3)
    found = {part: parallel_encoder.learn(part, 0) for part in parallel_encoder.WITHOUT}
    for kept in found.values():
        assert kept["ids"].shape == (3, 12) and kept["losses"].shape == (20,)
        assert [tuple(date) for date in kept["dates"].tolist()] == split(0)[1][:3]
    assert len({kept["losses"].sum().item() for kept in found.values()}) == 3  # three models, not one
