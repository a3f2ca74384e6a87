import os
import subprocess
import sys
import time
from pathlib import Path

import attention_cost
import pytest
import torch
from lib.cost import peak_memory

SNIPPETS = Path(attention_cost.__file__).parent


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_agrees_with_the_operating_system():
    code = """
import re, torch, attention_cost
from lib.cost import peak_memory

def most_held():  # not ru_maxrss: that begins at what the parent process held
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

torch.set_num_threads(1)
with torch.inference_mode():
    q, k, v = torch.randn(3, 1, 4, 64, 64)
    attention_cost.naive_attention(q, k, v)  # libraries load what they need
    q, k, v = torch.randn(3, 1, 4, 2048, 64)
    before = most_held()
    attention_cost.naive_attention(q, k, v)
    seen = most_held() - before
    print(seen / peak_memory(lambda: attention_cost.naive_attention(q, k, v), "cpu"))
"""
    environment = {**os.environ, "PYTHONPATH": str(SNIPPETS), "MPLBACKEND": "agg"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert 0.9 < float(result.stdout) < 1.1  # of 128 MiB


def test_naive_attention_holds_two_maps_and_fused_none():
    q, k, v = torch.randn(3, 1, 2, 512, 64)
    one_map = 2 * 512 * 512 * 4
    with torch.inference_mode():
        naive = peak_memory(lambda: attention_cost.naive_attention(q, k, v), "cpu")
        fused = peak_memory(lambda: attention_cost.fused_attention(q, k, v), "cpu")
    assert 2 * one_map <= naive < 3 * one_map
    assert fused < one_map


def test_both_attentions_agree():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 50, 64)
    with torch.inference_mode():
        assert torch.allclose(
            attention_cost.naive_attention(q, k, v), attention_cost.fused_attention(q, k, v), atol=1e-5
        )


def test_failing_run_is_told_and_not_timed():
    def fail():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal"):
        attention_cost.median_time(fail, "cpu")


def test_median_time_of_a_known_duration():
    def burn():
        end = time.process_time() + 0.01
        while time.process_time() < end:
            pass

    low, median, high = attention_cost.median_time(burn, "cpu", repeats=3)
    assert 0.01 <= low <= median <= high < 0.02


def test_memory_used_again_gives_the_same_and_holds_no_new_map():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 1, 2, 512, 64)
    reused = attention_cost.Reused()
    with torch.inference_mode():
        for _ in range(2):
            torch.testing.assert_close(reused(q, k, v), attention_cost.naive_attention(q, k, v))
        assert peak_memory(lambda: reused(q, k, v), "cpu") < 2 * 512 * 512 * 4
        few = q[:, :, :7], k[:, :, :7], v[:, :, :7]
        torch.testing.assert_close(reused(*few), attention_cost.naive_attention(*few))


@pytest.mark.parametrize("name, img_size", [("Ti/16", 32), ("S/16", 64), ("B/32", 64), ("L/16", 32)])
def test_flop_formula_equals_the_count(name, img_size):
    assert attention_cost.count_flops(name, img_size) == attention_cost.predict_flops(name, img_size)


def test_attention_share_is_that_of_a_block_and_half_at_six_times_the_width():
    N, D = 785, 768
    assert attention_cost.attention_share(N, D) == pytest.approx(4 * N**2 * D / (24 * N * D**2 + 4 * N**2 * D))
    assert attention_cost.attention_share(6 * D, D) == 0.5


@pytest.mark.parametrize("name, img_size", [("Ti/16", 64), ("S/16", 224)])
def test_attention_layer_over_mlp_is_one_at_twice_the_width(name, img_size):
    N, D = (img_size // 16) ** 2 + 1, attention_cost.SIZES[name.split("/")[0]][0]
    assert attention_cost.layer_over_mlp(name, img_size) == pytest.approx(0.5 + N / (4 * D))
