import pytest
import seq2seq
import torch
from seq2seq import BOS, EOS, PAD, Transformer, sources, targets, texts
from torch import nn


def make(**settings):
    torch.manual_seed(0)
    return Transformer(**settings).eval()


def packed(attention):
    """The parameters of an Attention by the names of torch's MultiheadAttention."""
    parts = [attention.q, attention.k, attention.v]
    return {
        "in_proj_weight": torch.cat([part.weight for part in parts]),
        "out_proj.weight": attention.proj.weight,
        "in_proj_bias": torch.cat([part.bias for part in parts]),
        "out_proj.bias": attention.proj.bias,
    }


def state_of(layer):
    """The parameters of a layer by the names of torch's TransformerEncoderLayer and TransformerDecoderLayer."""
    found = {"linear1": layer.mlp[0], "linear2": layer.mlp[2], "norm1": layer.norm1, "norm2": layer.norm2}
    attentions = {"self_attn": layer.self_attn}
    if hasattr(layer, "cross_attn"):
        attentions["multihead_attn"], found["norm3"] = layer.cross_attn, layer.norm3
    state = {f"{name}.{key}": value for name, part in found.items() for key, value in part.state_dict().items()}
    return state | {f"{name}.{key}": value for name, part in attentions.items() for key, value in packed(part).items()}


def test_layers_agree_with_torch():
    model, dates = make(), [(23, 6, 5), (78, 12, 27), (1, 1, 1)]
    source, target = sources(dates), targets(["5/6/23", "78-12-27", "1.1.01"])
    memory, mask = model.encode(source)
    ours, _ = model.decode(target, memory, mask)
    hidden, x, y = source == PAD, model.embed(source), model.embed(target)
    causal = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)  # torch: True where hidden
    settings = {"d_model": 48, "nhead": 2, "dim_feedforward": 192, "dropout": 0.0, "batch_first": True}
    for layer in model.encoder:
        theirs = nn.TransformerEncoderLayer(**settings)
        theirs.load_state_dict(state_of(layer))
        x = theirs(x, src_key_padding_mask=hidden)
    for layer in model.decoder:
        theirs = nn.TransformerDecoderLayer(**settings)
        theirs.load_state_dict(state_of(layer))
        y = theirs(y, x, tgt_mask=causal, memory_key_padding_mask=hidden)
    assert torch.allclose(memory[~hidden], x[~hidden], atol=1e-5)
    assert torch.allclose(ours, y @ model.embedding.weight.T, atol=1e-4)


@pytest.mark.parametrize(
    "date, expected",
    [
        ((23, 6, 5), "이십삼년유월오일"),
        ((0, 10, 31), "영년시월삼십일일"),
        ((10, 11, 20), "십년십일월이십일"),
        ((5, 1, 1), "오년일월일일"),
    ],
)
def test_dates_in_hangul(date, expected):
    assert seq2seq.korean(date) == expected


def test_three_translations():
    assert seq2seq.translations((3, 6, 25)) == ["03-06-25", "25/6/03", "25.6.03"]


def test_split_keeps_every_date_on_one_side():
    learned, held_out = seq2seq.split(0)
    assert len(learned) + len(held_out) == len({*learned, *held_out}) == 36_500
    assert seq2seq.split(1)[1] != held_out


def test_no_two_dates_share_a_translation_or_a_hangul_text():
    dates = sum(seq2seq.split(0), [])
    assert len({seq2seq.korean(date) for date in dates}) == len(dates)
    assert len({text for date in dates for text in seq2seq.translations(date)}) == 3 * len(dates)


def test_sinusoid_of_the_paper():
    table = seq2seq.sinusoid(7, 6)
    assert table[0].tolist() == [0, 1, 0, 1, 0, 1]
    assert table[5, 2].item() == pytest.approx(torch.tensor(5 / 10_000 ** (2 / 6)).sin().item())
    shift = [(table[n + 1, :2] * table[n, :2]).sum().item() for n in range(6)]
    assert max(shift) - min(shift) < 1e-6  # how two neighbours differ does not depend on the place


def test_one_weight_is_embedding_and_last_layer():
    model = make()
    assert sum(weight.shape[0] == len(seq2seq.VOCAB) for weight in model.parameters() if weight.ndim == 2) == 1
    loss = seq2seq.loss_of(model, sources([(1, 2, 3)]), targets(["3/2/01"]))
    (gradient,) = torch.autograd.grad(loss, model.embedding.weight)
    unseen = seq2seq.ID["구"]  # in neither text: its gradient comes from the last layer alone
    assert gradient[unseen].norm() > 0


def test_loss_counts_every_token_but_padding():
    model, dates, written = make(), [(1, 2, 3), (23, 11, 22)], ["3/2/01", "22/11/23"]
    together = seq2seq.loss_of(model, sources(dates), targets(written))
    alone = [seq2seq.loss_of(model, sources([date]), targets([text])) for date, text in zip(dates, written)]
    assert together.item() == pytest.approx(sum(loss.item() for loss in alone) / 2, rel=1e-5)


def test_loss_of_an_ignorant_model():
    model = make()
    nn.init.zeros_(model.embedding.weight)  # all logits are 0: every token takes log V nats
    loss = seq2seq.loss_of(model, sources([(1, 2, 3)]), targets(["3/2/01"]))
    assert loss.item() == pytest.approx(7 * torch.tensor(len(seq2seq.VOCAB)).log().item(), rel=1e-5)


def test_greedy_reads_what_it_wrote():
    model = make()
    found = seq2seq.greedy(model, sources([(1, 2, 3), (23, 11, 22)]), limit=5)
    memory, mask = model.encode(sources([(1, 2, 3), (23, 11, 22)]))
    again = model.decode(torch.cat([torch.full((2, 1), BOS), found[:, :-1]], dim=1), memory, mask)[0].argmax(dim=-1)
    assert torch.equal(found, again)  # each token is the likeliest after those before it


def test_texts_end_at_eos():
    digit = seq2seq.ID["7"]
    assert texts(torch.tensor([[digit, EOS, digit], [digit, digit, digit]])) == ["7", "777…"]


def test_exact_match_wants_the_end_too():
    assert seq2seq.exact_match(["3/2/01", "3/2/01…", "3/2/0", "01-02-03"], [(1, 2, 3)] * 4) == 0.5


def test_padding_changes_nothing_in_the_whole_model():
    model, target = make(), targets(["3/2/01"])
    source = sources([(1, 2, 3)])
    padded = nn.functional.pad(source, (0, 6), value=PAD)
    assert torch.allclose(model(source, target), model(padded, target), atol=1e-5)
    blind = seq2seq.without_padding_mask(model)
    assert not torch.allclose(model(source, target), blind(padded, target), atol=1e-2)


def test_queries_of_the_first_layer_do_not_know_the_source():
    first, second = seq2seq.query_gradients(make(), sources([(1, 2, 3)]), targets(["3/2/01"]))
    assert first == 0 and second > 1e-3


@pytest.mark.parametrize("date", [(23, 6, 5), (0, 10, 31), (99, 12, 11)])
def test_fields_cover_the_texts(date):
    fields = seq2seq.source_fields(date)
    assert len(fields) == len(seq2seq.korean(date)) and "".join(dict.fromkeys(fields)) == "ymd"
    for text in seq2seq.translations(date):
        of = seq2seq.target_fields(text)
        assert len(of) == len(text) + 1
        assert all((field == " ") == (char in "-/.") for field, char in zip(of, text))
        assert int("".join(char for field, char in zip(of, text) if field == "m")) == date[1]


def test_readings_of_even_maps_are_what_chance_gives():
    model = make()
    for layer in model.decoder:
        nn.init.zeros_(layer.cross_attn.q.weight)
        nn.init.zeros_(layer.cross_attn.q.bias)  # every place has the same score
    aligned, chance, first = seq2seq.readings(model, [(23, 6, 5), (78, 12, 27), (1, 1, 1)])
    assert aligned == pytest.approx([chance, chance])
    assert 0 < sum(first) < 1  # the month has the rest


def test_hiding_a_field_hides_it_in_the_named_layers_alone():
    model, dates = make(), [(23, 6, 5), (78, 12, 27)]
    seen = []
    for layer in model.decoder:
        layer.cross_attn.register_forward_hook(lambda module, inputs, output: seen.append(output[1].sum(dim=(1, 2))))
    seq2seq.right_digits(model, dates, "m", layers=(1,))
    month = torch.tensor([[field == "m" for field in seq2seq.source_fields(date)] for date in dates[:1]])
    first, second = (found[0, : month.shape[1]] for found in seen)  # what each place of the first date got
    assert (first > 0).all() and (second[month[0]] == 0).all() and (second[~month[0]] > 0).all()
    model(sources(dates), targets(["5/6/23", "78-12-27"]))
    assert (seen[-1][0, : month.shape[1]] > 0).all()  # the hook is gone


def test_digits_right_are_counted_by_field():
    model, dates = make(), [(23, 11, 22)]
    nn.init.zeros_(model.embedding.weight)  # every logit is 0: the likeliest token is PAD, never a digit
    assert seq2seq.when_hidden(model, dates, layers=()) == (0, 0)


def test_untrained_is_where_training_begins():
    model, after = seq2seq.untrained(3), seq2seq.train(3, steps=1, lr=0.0)[0]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), after.parameters(), strict=True))


def test_kept_weights_translate():
    torch.set_num_threads(1)
    model, dates = seq2seq.load_trained(0), seq2seq.split(0)[1][-200:]
    assert seq2seq.exact_match(texts(seq2seq.greedy(model, sources(dates))), dates) > 0.98


def test_training_lowers_the_loss():
    torch.set_num_threads(1)
    _, losses = seq2seq.train(seed=5, steps=40)
    assert len(losses) == 40 and sum(losses[-5:]) < 0.6 * sum(losses[:5])
