import pytest
import torch
from bench import sections, work
from bench.work import Traffic
from benchmarks import made
from torch.utils.flop_counter import FlopCounterMode
from vit import vit


@pytest.mark.parametrize("which", ["forward", "forward+backward"])
def test_flops_of_attention_are_those_that_are_counted(which):
    cell = {"precision": "float32", "method": "naive", "pass": which, "batch": 2, "tokens": 37}
    run, context = sections._attention(made([]), cell)
    with context(), FlopCounterMode(display=False) as counter:
        run()
    assert counter.get_total_flops() == cell["flops"]


@pytest.mark.parametrize("method", ["naive", "flash"])
def test_bytes_of_attention_are_those_that_are_counted(method):
    cell = {"precision": "bf16", "method": method, "pass": "forward", "batch": 2, "tokens": 37}
    run, context = sections._attention(made([]), cell)
    with context(), Traffic() as traffic:
        run()
    extra = 2 * sections.HEADS * 37 * 4  # the kernel also gives the logarithm of each row's sum, in float32
    assert traffic.bytes - cell["bytes"] in (0, extra)


def test_training_is_three_times_inference_but_for_the_gradient_of_the_image():
    forward = work.flops_of("Ti/16", 64, training=False)
    embedding = 2 * 16 * 192 * 768  # 16 patches of 768 numbers each
    assert work.flops_of("Ti/16", 64, training=True) == 3 * forward - embedding


def test_bytes_of_a_model_hold_its_weights_once_and_grow_with_the_batch():
    weights = sum(value.numel() for value in vit("Ti/16").parameters())
    one, two, nine = (work.bytes_of("Ti/16", batch, torch.float32) for batch in (1, 2, 9))
    assert one > 4 * weights and nine - one == pytest.approx(8 * (two - one), rel=0.01)
    half = work.bytes_of("Ti/16", 1, torch.bfloat16)
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
        x.t().reshape(20, 10)[:, :5].unsqueeze(0)
    assert traffic.bytes == 0
    with Traffic() as traffic:
        x + x.exp()
    assert traffic.bytes == 200 * 4 * (2 + 3)
    with Traffic() as traffic:
        x.bfloat16() @ y
    assert traffic.bytes == 200 * (4 + 2) + 2 * (200 + 600 + 300)
