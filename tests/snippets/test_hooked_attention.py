import hooked_attention
import pytest
import torch
import torch.nn.functional as F
from torch import nn


@pytest.fixture
def model():
    return hooked_attention.model_of()


IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_the_switch_changes_the_path_and_not_the_output(model):
    with torch.no_grad():
        fused = model(IMAGES)
        hooked_attention.switch(model, fused=False)
        with hooked_attention.listening([block.attn.attn_drop for block in model.blocks]) as maps:
            stepwise = model(IMAGES)
    assert torch.allclose(fused, stepwise, atol=1e-5)
    assert [tuple(A.shape) for A in maps] == [(2, 4, 17, 17)] * 3


def test_hooks_are_gone_after_listening(model):
    with hooked_attention.listening([model.norm]) as heard:
        model(IMAGES)
    model(IMAGES)
    assert len(heard) == 1 and not model.norm._forward_hooks


def test_heads_is_the_layout_of_timm():
    qkv = torch.arange(2 * 5 * 3 * 4 * 8).float().reshape(2, 5, -1)
    q, k, v = qkv.reshape(2, 5, 3, 4, 8).permute(2, 0, 3, 1, 4)
    assert all(torch.equal(a, b) for a, b in zip(hooked_attention.heads(qkv, 4), (q, k, v)))


def test_attention_map_times_v_is_the_fused_kernel():
    q, k, v = torch.randn(3, 2, 4, 7, 8)
    assert torch.allclose(hooked_attention.attention_map(q, k) @ v, F.scaled_dot_product_attention(q, k, v), atol=1e-5)
    scaled = F.scaled_dot_product_attention(q, k, v, scale=2.0)
    assert torch.allclose(hooked_attention.attention_map(q, k, 2.0) @ v, scaled, atol=1e-5)


def test_recording_sees_each_call_and_puts_the_kernel_back(model):
    fused = F.scaled_dot_product_attention
    with torch.no_grad(), hooked_attention.recording() as maps:
        recorded = model(IMAGES)
    assert F.scaled_dot_product_attention is fused
    assert len(maps) == 3
    assert torch.allclose(recorded, model(IMAGES), atol=1e-6)
    with pytest.raises(ZeroDivisionError), hooked_attention.recording():
        _ = 1 / 0
    assert F.scaled_dot_product_attention is fused


@pytest.mark.parametrize("qk_norm", [False, True])
def test_what_is_recomputed_makes_what_enters_proj(qk_norm):
    model = hooked_attention.model_of(qk_norm=qk_norm)
    qkv, z = hooked_attention.qkv_and_z(model, IMAGES)
    A, v = hooked_attention.recompute(model.blocks[0].attn, qkv)
    assert hooked_attention.output_error(A, v, z) < 1e-5
    assert hooked_attention.output_error(A.roll(1, dims=-1), v, z) > 0.1


def test_ask_for_maps_gets_those_of_all_heads():
    layer, x = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), torch.randn(1, 5, 8)
    layer.self_attn.register_forward_pre_hook(hooked_attention.ask_for_maps, with_kwargs=True)
    with torch.no_grad(), hooked_attention.listening([layer.self_attn]) as heard:
        layer(x)
    assert heard[0][1].shape == (1, 2, 5, 5)


def test_bytes_of_maps():
    assert hooked_attention.map_bytes(32, 16, depth=2, num_heads=3) == 2 * 3 * 5 * 5 * 4
    assert hooked_attention.map_bytes(32, 16, depth=2, num_heads=3, rows=1) == 2 * 3 * 5 * 4
