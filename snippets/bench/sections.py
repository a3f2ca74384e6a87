"""The sections of the benchmark: each yields its tasks. Those that measure whole models have a file of their own."""

import warnings
from functools import partial
from itertools import product

import torch
import torch.nn.functional as F
from attention_cost import attention_share, naive_attention
from bench.grid import SECTIONS, tokens_of
from bench.models import model, profile
from bench.work import (
    DTYPES,
    HEAD_DIM,
    HEADS,
    Task,
    attention_bytes,
    attention_flops,
    flops_of,
    in_turns,
    memory_of,
    precision,
    value_of,
    vit_call,
)
from lib.cost import Contender, spread
from lib.measure import relative_error
from torch.nn.attention import SDPBackend
from vit import SIZES

BACKENDS = {
    "math": SDPBackend.MATH,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}
LONG = 4097  # tokens of 1024 x 1024 pixels; beyond them attention is measured last


def tasks(bench):
    """All tasks of a run: list, the most telling first."""
    makers = dict(zip(SECTIONS, (matmul, copy, share, patch, attention, model, profile)))
    todo = [task for section in SECTIONS if section in bench.sections for task in makers[section](bench)]
    # A call of the longest sequences takes a CPU a minute: they come when all else is measured.
    todo.sort(key=lambda task: task.cells[0]["section"] == "attention" and task.cells[0]["tokens"] > LONG)
    return todo + (list(matmul(bench, "end")) if "matmul" in bench.sections else [])


def each(contender):
    """The measure() of a task whose cells take turns; contender(bench, cell) makes a cell's."""
    return lambda bench, cells: in_turns(bench, cells, [contender(bench, cell) for cell in cells])


def matmul(bench, when="start"):
    """Matrix products: the most that the device computes. Again at the end, which tells how far it drifted."""
    for how in bench.precisions:
        base = {"section": "matmul", "when": when, "precision": how, "batch": 1}
        cells = [base | {"n": n, "flops": 2 * n**3} for n in bench.grid["matmul"]]
        yield Task(f"행렬곱 {how}", cells, each(_product), always=when == "end")


def _product(bench, cell):
    a, b = (bench.tensor(cell["n"], cell["n"], how=cell["precision"]) for _ in range(2))
    return Contender(str(cell["n"]), lambda: a @ b, partial(precision, cell["precision"]))


def copy(bench):
    """A copy in the device's memory: the bytes that it moves a second."""
    cell = {"section": "copy", "precision": "float32", "batch": 1, "bytes": 2 * bench.grid["copy_bytes"]}
    yield Task("메모리 복사", [cell], each(_copying))


def _copying(bench, cell):
    source, target = (bench.tensor(cell["bytes"] // 8) for _ in range(2))
    return Contender("copy", lambda: target.copy_(source))


def patch(bench):
    """The same images in larger and smaller patches."""
    batch = max(1, bench.grid["tokens"] // tokens_of(224, 8))
    for how in dict.fromkeys((bench.precisions[0], bench.precisions[-1])):
        base = {"section": "patch", "precision": how, "batch": batch}
        cells = []
        for P in (32, 16, 8):
            name = f"{bench.grid['standard']}/{P}"
            cells.append(base | {"model": name, "tokens": tokens_of(224, P), "flops": batch * flops_of(name, 224)})
        yield Task(f"패치 크기 {how}", cells, each(vit_call))


def share(bench):
    """How much of the time of a whole model its attention takes."""
    size = bench.grid["standard"]
    for how in bench.precisions:
        for px in bench.grid["share_pixels"]:
            N, name = tokens_of(px), f"{size}/16"
            batch = max(1, bench.grid["tokens"] // N)
            cell = {"section": "share", "model": name, "precision": how, "img_size": px, "tokens": N, "batch": batch}
            cell |= {"flops": batch * flops_of(name, px), "flop_share": attention_share(N, SIZES[size][0])}
            yield Task(f"어텐션의 몫 {px}px {how}", [cell], _measure_share)


def _measure_share(bench, cells):
    """Time of the model, and of its attention alone on Q, K, V laid out as the model has them, in turns."""
    [cell] = cells
    D, depth, num_heads = SIZES[cell["model"].partition("/")[0]]
    qkv = bench.tensor(cell["batch"], cell["tokens"], 3, num_heads, D // num_heads, how=cell["precision"])
    qkv = qkv.permute(2, 0, 3, 1, 4).unbind(0)

    def attentions():
        for _ in range(depth):
            F.scaled_dot_product_attention(*qkv)

    whole = vit_call(bench, cell)
    whole, part = in_turns(bench, [cell, {}], [whole, Contender("attention", attentions, whole.context)])
    if whole["status"] == part["status"] == "ok":
        shares = [a / b for a, b in zip(part["seconds"]["samples"], whole["seconds"]["samples"])]
        whole |= {"attention_seconds": part["seconds"], "time_share": spread(shares)}
    return [whole]


def attention(bench):
    """Attention by itself against the number of tokens: as the formula says, and by each of PyTorch's kernels."""
    for which, pixels in (("forward", "pixels"), ("forward+backward", "backward_pixels")):
        for how, px in product([how for how in bench.precisions if how != "tf32"], bench.grid[pixels]):
            N, backward = tokens_of(px), which != "forward"
            batch = max(1, bench.grid["tokens"] // N)
            base = {"section": "attention", "pass": which, "precision": how, "tokens": N, "batch": batch}
            base["flops"] = attention_flops(batch, N, backward)
            cells = []
            for method in ("naive", *BACKENDS):
                moved = attention_bytes(batch, N, DTYPES[how], method not in ("naive", "math"))
                cells.append(base | {"method": method, "bytes": None if backward else moved})
            yield Task(f"어텐션 N={N:,} {how} {which}", cells, _measure_attention)


def _measure_attention(bench, cells):
    N, batch, how = (cells[0][name] for name in ("tokens", "batch", "precision"))
    backward = cells[0]["pass"] != "forward"
    *inputs, out_grad = (bench.tensor(batch, HEADS, N, HEAD_DIM, how=how) for _ in range(4))
    for tensor in inputs:
        tensor.requires_grad_(backward)
    functions = {"naive": naive_attention} | dict.fromkeys(BACKENDS, F.scaled_dot_product_attention)

    def contender(method):
        def run():
            out = functions[method](*inputs)
            if backward:
                torch.autograd.grad(out, inputs, out_grad)

        return Contender(method, run, partial(precision, how, not backward, BACKENDS.get(method)))

    contenders = [contender(cell["method"]) for cell in cells]
    with warnings.catch_warnings():  # why a backend cannot: said once as an error, ten times as warnings
        warnings.simplefilter("ignore")
        results = in_turns(bench, cells, contenders)
        for result, one in zip(results, contenders):
            if result["status"] == "ok":
                result["memory_bytes"] = memory_of(one, bench.kind)
                if N <= 1025:
                    error = partial(_attention_error, functions[one.name], inputs)
                    result["difference"] = value_of(one, error, bench.kind)
    return results


def _attention_error(function, inputs):
    """How far the first sequence's result is from float64: the relative error by norm."""
    first = [tensor.detach()[:1] for tensor in inputs]
    exact = naive_attention(*(tensor.cpu().double() for tensor in first))
    return relative_error(function(*first).cpu().double(), exact)
