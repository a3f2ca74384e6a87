import pytest
import torch
import torch.nn.functional as F
from attention_cost import naive_attention
from bench import work
from bench.work import Traffic
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode
from vit import vit


@pytest.mark.parametrize("backward", [False, True])
def test_attention_flops_are_those_that_are_counted(backward):
    q, k, v = torch.empty(3, 2, work.HEADS, 37, work.HEAD_DIM, device="meta").requires_grad_(backward)
    with FlopCounterMode(display=False) as counter:
        out = naive_attention(q, k, v)
        if backward:
            out.sum().backward()
    assert counter.get_total_flops() == work.attention_flops(2, 37, backward)


def test_attention_bytes_are_those_that_are_counted():
    N = 37
    with FakeTensorMode(), torch.inference_mode():
        q, k, v = torch.empty(3, 2, work.HEADS, N, work.HEAD_DIM, dtype=torch.bfloat16).unbind(0)
        with Traffic() as naive:
            naive_attention(q, k, v)
        with Traffic() as fused:
            F.scaled_dot_product_attention(q, k, v)
    assert naive.bytes == work.attention_bytes(2, N, torch.bfloat16, fused=False)
    extra = 2 * work.HEADS * N * 4  # the kernel also gives the logarithm of each row's sum, in float32
    assert fused.bytes - work.attention_bytes(2, N, torch.bfloat16, fused=True) in (0, extra)


def test_training_is_three_times_inference_but_for_the_gradient_of_the_image():
    forward = work.flops_of("Ti/16", 64, "inference")
    embedding = 2 * 16 * 192 * 768  # 16 patches of 768 numbers each
    assert work.flops_of("Ti/16", 64, "training") == 3 * forward - embedding


def test_bytes_of_a_model_hold_its_weights_once_and_grow_with_the_batch():
    weights = sum(value.numel() for value in vit("Ti/16").parameters())
    one, two, nine = (work.bytes_of("Ti/16", 224, batch, torch.float32) for batch in (1, 2, 9))
    assert one > 4 * weights and nine - one == pytest.approx(8 * (two - one), rel=0.01)
    half = work.bytes_of("Ti/16", 224, 1, torch.bfloat16)
    assert 0.45 < half / one < 0.7  # positions are interpolated in float32


def test_precision_is_set_and_put_back():
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with work.precision("tf32"):
        assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32
        with work.precision("float32"):
            assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before


def test_traffic_counts_each_operand_once_and_views_not():
    with torch.device("meta"):
        x, y = torch.empty(10, 20), torch.empty(20, 30, dtype=torch.bfloat16)
    with Traffic() as traffic:
        x.t().reshape(20, 10)[:, :5].unsqueeze(0).detach()
    assert traffic.bytes == 0
    with Traffic() as traffic:
        x + x.exp()
    assert traffic.bytes == 200 * 4 * (2 + 3)
    with Traffic() as traffic:
        x.bfloat16() @ y
    assert traffic.bytes == 200 * (4 + 2) + 2 * (200 + 600 + 300)
