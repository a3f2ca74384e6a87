"""The sections of the benchmark: each yields its tasks. Those that measure whole models have a file of their own."""

import warnings
from functools import partial

import torch
import torch.nn.functional as F
from attention_cost import attention_share, naive_attention
from bench.grid import SECTIONS, tokens_of
from bench.models import model, profile
from bench.turns import Task, in_turns, memory_of
from bench.work import DTYPES, HEAD_DIM, HEADS, attention_bytes, attention_flops, context_of, flops_of
from lib.cost import Contender, Failed, attempt, spread
from lib.measure import relative_error
from torch.nn.attention import SDPBackend, sdpa_kernel
from vit import SIZES, vit

BACKENDS = {
    "math": SDPBackend.MATH,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}
LONG = 4097  # tokens of 1024 x 1024 pixels; beyond them attention is measured last


def tasks(bench):
    """All tasks of a run: list, the most telling first."""
    makers = {
        "matmul": matmul,
        "copy": copy,
        "share": share,
        "patch": patch,
        "attention": attention,
        "model": model,
        "profile": profile,
    }
    found = [task for section in SECTIONS if section in bench.sections for task in makers[section](bench)]
    # A call of the longest sequences takes a CPU a minute: they come when all else is measured.
    found.sort(key=lambda task: task.cells[0]["section"] == "attention" and task.cells[0]["tokens"] > LONG)
    return found + (list(matmul(bench, "end")) if "matmul" in bench.sections else [])


def matmul(bench, when="start"):
    """Matrix products: the most that the device computes. Again at the end, which tells how far it drifted."""
    for how in bench.precisions:
        cells = [
            {"section": "matmul", "when": when, "precision": how, "n": n, "batch": 1, "flops": 2 * n**3}
            for n in bench.grid["matmul"]
        ]
        yield Task(f"행렬곱 {how}", cells, partial(_measure_matmul, bench, cells), always=when == "end")


def _measure_matmul(bench, cells):
    how = cells[0]["precision"]

    def product(n):
        a, b = (bench.tensor(n, n, how=how) for _ in range(2))
        return Contender(str(n), lambda: a @ b, context_of(how))

    return in_turns(bench, cells, [product(cell["n"]) for cell in cells])


def copy(bench):
    """A copy in the device's memory: the bytes that it moves a second."""
    cell = {"section": "copy", "precision": "float32", "batch": 1, "bytes": 2 * bench.grid["copy_bytes"]}
    yield Task("메모리 복사", [cell], partial(_measure_copy, bench, cell))


def _measure_copy(bench, cell):
    source, target = (bench.tensor(cell["bytes"] // 8) for _ in range(2))
    return in_turns(bench, [cell], [Contender("copy", lambda: target.copy_(source))])


def attention(bench):
    """Attention by itself against the number of tokens: as the formula says, and by each of PyTorch's kernels."""
    for which, grid in (("forward", "pixels"), ("forward+backward", "backward_pixels")):
        for how in bench.precisions:
            for px in bench.grid[grid] if how != "tf32" else ():
                N = tokens_of(px)
                batch, backward = max(1, bench.grid["tokens"] // N), which != "forward"
                base = {"section": "attention", "pass": which, "precision": how, "tokens": N, "batch": batch}
                base["flops"] = attention_flops(batch, N, backward)
                cells = [base | {"method": method} for method in ("naive", *BACKENDS)]
                for cell in cells:
                    fused = cell["method"] not in ("naive", "math")
                    cell["bytes"] = None if backward else attention_bytes(batch, N, DTYPES[how], fused)
                yield Task(f"어텐션 N={N:,} {how} {which}", cells, partial(_measure_attention, bench, cells))


def _measure_attention(bench, cells):
    N, batch, how = (cells[0][name] for name in ("tokens", "batch", "precision"))
    backward = cells[0]["pass"] != "forward"
    *inputs, out_grad = (bench.tensor(batch, HEADS, N, HEAD_DIM, how=how) for _ in range(4))
    for tensor in inputs:
        tensor.requires_grad_(backward)
    functions = [naive_attention if cell["method"] == "naive" else F.scaled_dot_product_attention for cell in cells]

    def contender(cell, function):
        def run():
            out = function(*inputs)
            if backward:
                torch.autograd.grad(out, inputs, out_grad)

        kernel = [] if cell["method"] == "naive" else [lambda: sdpa_kernel(BACKENDS[cell["method"]])]
        return Contender(cell["method"], run, context_of(how, *kernel, inference=not backward))

    contenders = [contender(*pair) for pair in zip(cells, functions)]
    with warnings.catch_warnings():  # why a backend cannot: said once as an error, ten times as warnings
        warnings.simplefilter("ignore")
        results = in_turns(bench, cells, contenders)
        for result, one, function in zip(results, contenders, functions):
            if result["status"] == "ok":
                result["memory_bytes"] = memory_of(one, bench.kind)
                if N <= 1025:
                    error = attempt(lambda: _attention_error(function, one.context, inputs), bench.kind)
                    result["difference"] = None if isinstance(error, Failed) else error
    return results


def _attention_error(function, context, inputs):
    """How far the first sequence's result is from float64: the relative error by norm."""
    first = [tensor.detach()[:1] for tensor in inputs]
    with torch.inference_mode():
        exact = naive_attention(*(tensor.cpu().double() for tensor in first))
        with context():
            return relative_error(function(*first).cpu().double(), exact)


def share(bench):
    """How much of the time of a whole model its attention takes."""
    size = bench.grid["standard"]
    for how in bench.precisions:
        for px in bench.grid["share_pixels"]:
            N = tokens_of(px)
            batch = max(1, bench.grid["tokens"] // N)
            cell = {"section": "share", "model": f"{size}/16", "precision": how, "img_size": px, "tokens": N}
            cell |= {"batch": batch, "flops": batch * flops_of(f"{size}/16", px, "inference")}
            cell["flop_share"] = attention_share(N, SIZES[size][0])
            yield Task(f"어텐션의 몫 {px}px {how}", [cell], partial(_measure_share, bench, cell))


def _measure_share(bench, cell):
    """Time of the model, and of its attention alone on Q, K, V laid out as the model has them, in turns."""
    how, px, batch, N = (cell[name] for name in ("precision", "img_size", "batch", "tokens"))
    D, depth, num_heads = SIZES[cell["model"].partition("/")[0]]
    network = vit(cell["model"], img_size=px).eval().to(bench.device, DTYPES[how])
    images = bench.tensor(batch, 3, px, px, how=how)
    qkv = bench.tensor(batch, N, 3, num_heads, D // num_heads, how=how).permute(2, 0, 3, 1, 4).unbind(0)

    def attentions():
        for _ in range(depth):
            F.scaled_dot_product_attention(*qkv)

    runs = {"model": lambda: network(images), "attention": attentions}
    whole, part = in_turns(bench, [cell, {}], [Contender(name, run, context_of(how)) for name, run in runs.items()])
    if whole["status"] == part["status"] == "ok":
        shares = [a / b for a, b in zip(part["seconds"]["samples"], whole["seconds"]["samples"])]
        whole |= {"attention_seconds": part["seconds"], "time_share": spread(shares)}
    return [whole]


def patch(bench):
    """The same images in larger and smaller patches."""
    size, sides = bench.grid["standard"], (32, 16, 8)
    batch = max(1, bench.grid["tokens"] // tokens_of(224, min(sides)))
    for how in (bench.precisions[0], "float32") if len(bench.precisions) > 1 else bench.precisions:
        cells = [
            {"section": "patch", "model": f"{size}/{P}", "precision": how, "batch": batch, "tokens": tokens_of(224, P)}
            for P in sides
        ]
        yield Task(f"패치 크기 {how}", cells, partial(_measure_patch, bench, cells))


def _measure_patch(bench, cells):
    how = cells[0]["precision"]
    images = bench.tensor(cells[0]["batch"], 3, 224, 224, how=how)

    def contender(name):
        network = vit(name).eval().to(bench.device, DTYPES[how])
        return Contender(name, lambda: network(images), context_of(how))

    cells = [cell | {"flops": cell["batch"] * flops_of(cell["model"], 224, "inference")} for cell in cells]
    return in_turns(bench, cells, [contender(cell["model"]) for cell in cells])
