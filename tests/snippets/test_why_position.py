import pytest
import torch
from lib.digits import small_vit
from why_position import Grid2D, Relative, RelativeAttention, build, digit_correlation, photo_correlation


def images(n=2, seed=0):
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_2d_adds_the_row_and_the_column():
    model = small_vit(0, make=Grid2D)
    x = images()
    added = model.embed(x)[:, 1:] - model.patch_embed(x)
    rows, columns = model.pos_embed
    for row in range(4):
        for column in range(4):
            expected = torch.cat([rows[row], columns[column]]).expand(2, -1)
            torch.testing.assert_close(added[:, 4 * row + column], expected)
    assert torch.equal(model.embed(x)[:, 0], model.cls_token[:, 0].expand(2, -1))


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_relative_attention_by_hand(skip):
    torch.manual_seed(0)
    T, h, d = 5, 2, 4
    pos_embed = torch.randn(2 * (T - skip) - 1, d)
    attention, x = RelativeAttention(h * d, h, pos_embed, skip), torch.randn(1, T, h * d)
    z, attn = attention(x, return_attn=True)
    q, k, v = attention.qkv(x)[0].reshape(T, 3, h, d).unbind(1)  # (T, h, d) each
    expected = torch.empty(T, h, d)
    for head in range(h):
        for i in range(T):
            logits = torch.empty(T)
            for j in range(T):
                key = k[j, head]
                if i >= skip and j >= skip:
                    key = key + pos_embed[i - j + T - skip - 1]
                logits[j] = q[i, head] @ key / d**0.5
            torch.testing.assert_close(attn[0, head, i], logits.softmax(0))
            expected[i, head] = logits.softmax(0) @ v[:, head]
    torch.testing.assert_close(z[0], attention.proj(expected.flatten(1)))
    assert attention(x)[1] is None


@pytest.mark.parametrize("kind", ["relative", "relative_without_cls"])
def test_relative_without_vectors_is_no_position(kind):
    model, plain = build(kind, 0), build("none", 0)
    torch.nn.init.zeros_(model.pos_embed)
    weights = {name: value for name, value in model.state_dict().items() if "pos_embed" not in name}
    plain.load_state_dict(weights)
    torch.testing.assert_close(model(images()), plain(images()))


def test_blocks_share_the_relative_vectors():
    model = build("relative", 0)
    assert isinstance(model, Relative) and model.pos_embed.shape == (33, 8)
    assert build("relative_without_cls", 0).pos_embed.shape == (31, 8)
    assert all(block.attn.pos_embed is model.pos_embed for block in model.blocks)
    model(images()).sum().backward()
    assert model.pos_embed.grad.abs().sum() > 0


def test_only_learned_positions_are_trained():
    assert build("none", 0).pos_embed is None
    assert not build("sincos", 0).pos_embed.requires_grad and build("1d", 0).pos_embed.requires_grad
    sizes = {
        kind: sum(p.numel() for p in build(kind, 0).parameters() if p.requires_grad)
        for kind in ("none", "1d", "2d", "relative", "sincos")
    }
    assert sizes["sincos"] == sizes["none"]
    assert sizes["1d"] - sizes["none"] == 17 * 32 and sizes["2d"] - sizes["none"] == 2 * 4 * 16
    assert sizes["relative"] - sizes["none"] == 33 * 8


def test_digit_correlation_tells_near_from_far():
    generator = torch.Generator().manual_seed(0)
    columns = torch.randn(4000, 5, generator=generator)  # a pixel's column of patches shares noise with the next one's
    values = (columns[:, :-1] + columns[:, 1:]).repeat_interleave(2, dim=1)  # (4000, 8)
    x = values[:, None, None, :].expand(-1, 1, 8, 8)
    near, far = digit_correlation(x, 1), digit_correlation(x, 3)
    assert near > far + 0.2 and far == pytest.approx(expected_far(), abs=0.03)


def expected_far():
    """Of the pairs 3 apart in rows or columns, by the columns' distance: correlation 1, 0.5 or 0."""
    total = count = 0
    for a in range(16):
        for b in range(16):
            rows, columns = abs(a // 4 - b // 4), abs(a % 4 - b % 4)
            if max(rows, columns) == 3:
                total, count = total + {0: 1, 1: 0.5}.get(columns, 0), count + 1
    return total / count


def test_photos_are_bundled_and_smooth():
    assert 0.5 < photo_correlation(4) < photo_correlation(1) < 1
    assert abs(photo_correlation(1, shuffled=True)) < 0.1
