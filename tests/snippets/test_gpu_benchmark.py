import os
import subprocess
import sys
import time
from pathlib import Path

import gpu_benchmark
import numpy as np
import pytest
import torch

SNIPPETS = Path(gpu_benchmark.__file__).parent
MIB = 2**20


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_fit_recovers_the_exponent_within_its_error(exponent):
    generator = np.random.default_rng(0)
    sizes = np.array([256, 512, 1024, 2048, 4096])
    misses = []
    for _ in range(200):
        noise = np.exp(generator.normal(0, 0.1, len(sizes)))  # 10 %, the same everywhere
        found, error = gpu_benchmark.fit_exponent(sizes, 3e-7 * sizes**exponent * noise)
        misses.append((found - exponent) / error)
    assert abs(np.mean(misses)) < 0.3
    assert 0.8 < np.mean(np.abs(misses) < 3.18) < 1  # Student's t with 3 degrees of freedom: 95 %


def test_fit_of_an_exact_power_has_no_error():
    found, error = gpu_benchmark.fit_exponent([10, 20, 40, 80], [5 * n**1.7 for n in (10, 20, 40, 80)])
    assert found == pytest.approx(1.7) and error < 1e-9


def test_fit_agrees_with_numpy():
    generator = np.random.default_rng(1)
    sizes, values = np.array([197, 577, 1025, 2305]), generator.uniform(1, 9, 4)
    coefficients, covariance = np.polyfit(np.log(sizes), np.log(values), deg=1, cov=True)
    assert gpu_benchmark.fit_exponent(sizes, values) == pytest.approx((coefficients[0], covariance[0, 0] ** 0.5))


def test_fit_refuses_two_points():
    with pytest.raises(ValueError, match="three sizes or more"):
        gpu_benchmark.fit_exponent([1, 2], [1, 4])


def floats(mebibytes):
    return torch.empty(mebibytes * MIB // 4)


def test_peak_memory_sees_a_known_allocation():
    assert gpu_benchmark.peak_memory(lambda: floats(3), "cpu") == 3 * MIB


def test_peak_memory_adds_what_is_held_together_and_no_more():
    assert gpu_benchmark.peak_memory(lambda: (floats(3), floats(5)), "cpu") == 8 * MIB

    def one_after_the_other():
        floats(3)
        floats(5)

    assert gpu_benchmark.peak_memory(one_after_the_other, "cpu") == 5 * MIB


def test_peak_memory_of_nothing_is_zero():
    assert gpu_benchmark.peak_memory(lambda: None, "cpu") == 0


def test_peak_memory_leaves_out_what_was_there_before():
    x = floats(4)
    assert gpu_benchmark.peak_memory(x.clone, "cpu") == 4 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_agrees_with_the_operating_system():
    code = """
import re, torch, gpu_benchmark

def most_held():  # not ru_maxrss: that begins at what the parent process held
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

torch.set_num_threads(1)
with torch.inference_mode():
    q, k, v = torch.randn(3, 1, 4, 64, 64)
    gpu_benchmark.naive_attention(q, k, v)  # libraries load what they need
    q, k, v = torch.randn(3, 1, 4, 2048, 64)
    before = most_held()
    gpu_benchmark.naive_attention(q, k, v)
    seen = most_held() - before
    print(seen / gpu_benchmark.peak_memory(lambda: gpu_benchmark.naive_attention(q, k, v), "cpu"))
"""
    environment = {**os.environ, "PYTHONPATH": str(SNIPPETS), "MPLBACKEND": "agg"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert 0.9 < float(result.stdout) < 1.1  # of 128 MiB


def test_naive_attention_holds_two_maps_and_fused_none():
    q, k, v = torch.randn(3, 1, 2, 512, 64)
    one_map = 2 * 512 * 512 * 4
    with torch.inference_mode():
        naive = gpu_benchmark.peak_memory(lambda: gpu_benchmark.naive_attention(q, k, v), "cpu")
        fused = gpu_benchmark.peak_memory(lambda: gpu_benchmark.fused_attention(q, k, v), "cpu")
    assert 2 * one_map <= naive < 3 * one_map
    assert fused < one_map


def test_both_attentions_agree():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 50, 64)
    with torch.inference_mode():
        assert torch.allclose(gpu_benchmark.naive_attention(q, k, v), gpu_benchmark.fused_attention(q, k, v), atol=1e-5)


def test_measuring_memory_prints_nothing(capfd):
    gpu_benchmark.peak_memory(lambda: floats(1), "cpu")
    assert capfd.readouterr() == ("", "")


def test_failing_run_is_told_and_not_timed():
    def fail():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal"):
        gpu_benchmark.median_time(fail, "cpu")


def test_median_time_of_a_known_duration():
    def burn():
        end = time.process_time() + 0.01
        while time.process_time() < end:
            pass

    low, median, high = gpu_benchmark.median_time(burn, "cpu", repeats=3)
    assert 0.01 <= low <= median <= high < 0.02


@pytest.mark.parametrize("name, img_size", [("Ti/16", 32), ("S/16", 64), ("B/32", 64), ("L/16", 32)])
def test_flop_formula_equals_the_count(name, img_size):
    assert gpu_benchmark.count_flops(name, img_size) == gpu_benchmark.predict_flops(name, img_size)


def test_attention_share_is_that_of_a_block_and_half_at_six_times_the_width():
    N, D = 785, 768
    assert gpu_benchmark.attention_share(N, D) == pytest.approx(4 * N**2 * D / (24 * N * D**2 + 4 * N**2 * D))
    assert gpu_benchmark.attention_share(6 * D, D) == 0.5


@pytest.mark.gpu
def test_peak_memory_sees_a_known_allocation_on_a_gpu():
    held = torch.empty(4 * MIB, dtype=torch.uint8, device="cuda")
    assert gpu_benchmark.peak_memory(held.clone, "cuda") == 4 * MIB
