import math

import text_to_image
import torch
from safetensors.torch import load_file
from text_to_image import CAPTIONS, DIGIT, DVAE, CausalAttention, Decoder, T, stream
from vit import Block


def lines(count=3):
    """Random lines: (count, 19)."""
    torch.manual_seed(0)
    return stream(CAPTIONS[torch.randint(30, (count,))], torch.randint(32, (count, 16)))


def test_causal_attention_is_attention_under_a_triangle():
    torch.manual_seed(0)
    attention, x = CausalAttention(24, 3), torch.randn(2, 7, 24)
    q, k, v = attention.qkv(x).reshape(2, 7, 3, 3, 8).permute(2, 0, 3, 1, 4)
    scores = (q @ k.transpose(-2, -1) / 8**0.5).masked_fill(~torch.ones(7, 7).tril().bool(), -torch.inf)
    expected = attention.proj((scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(2, 7, 24))
    assert torch.allclose(attention(x)[0], expected, atol=1e-6)


def test_no_logit_depends_on_later_tokens():
    torch.manual_seed(0)
    model = Decoder(depth=3)
    x = torch.randn(18, 48)
    model.embed.weight.requires_grad_(False)

    def logits(x):
        for block in model.blocks:
            x, _ = block(x)
        return model.head(model.norm(x)).sum(dim=-1)[0]

    jacobian = torch.autograd.functional.jacobian(logits, x[None])[:, 0].abs().amax(dim=-1)  # (18, 18)
    assert jacobian.triu(1).max() == 0
    assert jacobian.tril()[1:, 0].min() > 0


def test_without_the_mask_the_blocks_are_those_of_the_vit():
    assert all(type(block.attn).__name__ == "Attention" for block in Decoder(causal=False).blocks)
    masked, plain = Decoder().blocks[0].state_dict(), Block(48, 4).state_dict()
    assert {name: p.shape for name, p in masked.items()} == {name: p.shape for name, p in plain.items()}


def test_probabilities_of_all_continuations_sum_to_1():
    torch.manual_seed(0)
    model = Decoder(vocabulary=5).double()
    with torch.no_grad():
        every = torch.cartesian_prod(*[torch.arange(5)] * 4)  # (625, 4)
        lines = torch.cat([torch.zeros(625, 1, dtype=torch.long), every], dim=1)
        p = text_to_image.nll(model, lines).sum(dim=1).neg().exp()
    assert abs(p.sum().item() - 1) < 1e-9


def test_samples_keep_what_is_given_and_put_words_first():
    torch.manual_seed(0)
    model, given = Decoder(), lines()[:, :8]
    longer = text_to_image.sample(model, given)
    assert longer.shape == (3, 19) and torch.equal(longer[:, :8], given)
    alone = text_to_image.sample(model, torch.zeros(50, 1, dtype=torch.long))
    assert (alone[:, :3] < T).all() and (alone[:, 3:] >= T).all()


def test_samples_follow_the_model():
    torch.manual_seed(0)
    model = Decoder()
    given = lines(1)[:, :5].expand(20_000, -1)
    with torch.no_grad():
        logits = model(given[:1])[0, -1, T:]
    drawn = text_to_image.sample(model, given, length=6)[:, 5] - T
    counted = torch.bincount(drawn, minlength=32) / 20_000
    assert (counted - logits.softmax(dim=0)).abs().max() < 0.02


def test_tokens_come_and_go_row_by_row():
    torch.manual_seed(0)
    dvae, x = DVAE(), torch.randn(2, 1, 8, 8)
    tokens = dvae.encode(x)
    assert tokens.shape == (2, 16)
    with torch.no_grad():
        scores = dvae.encoder(x)  # (2, 32, 4, 4)
    assert tokens[1, 6] == scores[1, :, 1, 2].argmax()
    image, tokens[0, 0] = dvae.decode(tokens), (tokens[0, 0] + 1) % 32
    changed = (dvae.decode(tokens) - image)[0, 0].abs() > 0
    assert changed[:2, :2].any() and not changed[4:].any() and not changed[:, 4:].any()  # 3 x 3 tokens reach so far


def test_dvae_learns_with_gradients_through_its_choice():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.randint(2, (200, 1, 4, 4)).float()
    images = images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)  # patches all 0 or all 1
    dvae = text_to_image.train_dvae(images, seed=0, steps=150)
    assert text_to_image.reconstruction_error(dvae, images) < 0.05  # without the encoder's help 0.25


def test_captions_split_each_digit_in_three():
    torch.manual_seed(0)
    x, y = torch.randn(600, 1, 8, 8), torch.arange(10).repeat(60)
    text = text_to_image.caption(x, y, text_to_image.ink_bounds(x, y))
    assert torch.equal(text[:, 1] - DIGIT, y)
    for digit in range(10):
        ink = x.mean(dim=(1, 2, 3))
        thin, medium, thick = (ink[(y == digit) & (text[:, 0] == word)] for word in (1, 2, 3))
        assert len(thin) == len(medium) == len(thick) == 20
        assert thin.max() < medium.min() and medium.max() < thick.min()


def test_each_seed_holds_out_two_captions():
    for seed in range(10):
        held_out = CAPTIONS[text_to_image.is_held_out(CAPTIONS, seed)]
        assert sorted(held_out[:, 0].tolist()) == [1, 3] and held_out[0, 1] != held_out[1, 1]


def test_by_caption_is_the_likelihood_of_each_line():
    torch.manual_seed(0)
    model, some = Decoder(), lines()
    with torch.no_grad():
        found = text_to_image.by_caption(model, some)
        one = text_to_image.nll(model, stream(CAPTIONS[17:18], some[1:2, 3:] - T))[:, 2:].sum()
    assert found.shape == (3, 30)
    assert abs(found[1, 17] + one) < 1e-4


def test_guesses_of_a_sure_model():
    sure = torch.full((2, 30), -100.0)
    sure[0, 17], sure[1, 4] = -1.0, -1.0  # each sure of one caption
    right, told = text_to_image.guesses(sure, CAPTIONS[[17, 4]])
    assert right == 1 and abs(told - math.log(30)) < 1e-4
    same_digit, told = text_to_image.guesses(sure, CAPTIONS[[7, 14]])  # the digits are right, the words are not
    assert same_digit == 1 and told < -90
    even = torch.zeros(2, 30)
    assert abs(text_to_image.guesses(even, CAPTIONS[[17, 4]])[1]) < 1e-4  # it tells nothing


def test_what_is_kept_gives_the_same_models_back():
    torch.manual_seed(0)
    of_one, of_other = DVAE().half().float(), DVAE()
    kept = {
        f"{seed}.{name}.{part}": value.half()
        for seed, name, model in ((3, "dvae", of_one), (3, "without_kl", of_other), (4, "dvae", of_other))
        for part, value in model.state_dict().items()
    }
    again = text_to_image.learnt(kept, 3, "dvae", DVAE())
    x = torch.randn(2, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(again.encoder(x), of_one.encoder(x))


def test_the_file_has_each_seed_and_the_drawings_in_the_order_of_captions():
    kept = load_file(text_to_image.WEIGHTS)
    for seed in text_to_image.SEEDS:
        assert kept[f"{seed}.one_word"].shape == (20 * len(CAPTIONS), 16)
        assert kept[f"{seed}.one_word"].max() < 32
        text_to_image.learnt(kept, seed, "decoder", Decoder())  # strict: every name and shape
    dvae = text_to_image.learnt(kept, 0, "dvae", DVAE())
    (x, y), _, _ = text_to_image.load(0)
    own = text_to_image.reconstruction_error(dvae, x)
    assert own < 0.2  # a grey canvas would have about 1
    drawn = dvae.decode(kept["0.one_word"].long()).flatten(1)
    digit = torch.arange(10).repeat(3).repeat_interleave(20)
    means = torch.stack([x[y == d].mean(dim=0).flatten() for d in range(10)])
    nearest = torch.cdist(drawn, means).argmin(dim=1)
    assert (nearest == digit).float().mean() > 0.4  # where captions were mixed up it would be 0.1
