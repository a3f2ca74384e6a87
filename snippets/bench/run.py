"""Measure a whole device: `python gpu_benchmark.py --out FILE` comes here, and so does `--compare A B`.

A run is a list of tasks, the most telling first, each measured and recorded by itself: what runs out of memory, fails
or comes too late is a recorded result, and Ctrl-C keeps what was measured. Needs PyTorch alone; timm, transformers,
torchvision and vit-pytorch are measured beside it where they are installed.
"""

import argparse
import functools
import math
import os
import signal
import sys
import time
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch
import torch.nn.functional as F
from attention_cost import attention_share, count_flops, naive_attention
from bench.device import (
    clocks,
    commit,
    cpu_has,
    describe_device,
    describe_host,
    keep_freed_memory,
    refuse_too_much_memory,
    versions,
)
from bench.peers import LIBRARIES, build, installed_libraries, optional
from bench.records import compare, read_record, rounded, save
from bench.work import Traffic
from lib.cost import (
    MEMORY_METHODS,
    Contender,
    Failed,
    attempt,
    fit_exponent,
    free_memory,
    interleave,
    peak_memory,
    quiet_stderr,
    spread,
)
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from vit import SIZES, vit

FORMAT = 1
SECTIONS = ("matmul", "copy", "share", "patch", "attention", "model", "profile")
DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
BACKENDS = {
    "math": SDPBackend.MATH,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}
PARAMETERS = {"Ti": 5.7e6, "S": 22.1e6, "B": 86.6e6, "L": 304.3e6}
HEADS, HEAD_DIM = 12, 64  # of ViT-B: what the attention section measures
LONG = 4097  # tokens of 1024 x 1024 pixels; beyond them attention is measured last

# ---------------------------------------------------------------- what to measure


def precisions_of(kind, capability=None, half_on_mps=True):
    """The precisions that a device has of its own, the fastest first: list of DTYPES' names."""
    if kind == "cuda":
        return ["bf16", "tf32", "float32"] if capability and capability >= (8, 0) else ["fp16", "float32"]
    if kind == "mps":
        return ["fp16", "float32"] if half_on_mps else ["float32"]
    return ["bf16", "float32"] if cpu_has("avx512_bf16") or cpu_has("amx_bf16") else ["float32"]


def choose_grid(kind, memory_bytes, quick=False):
    """What to measure on a device of that kind and memory: dict of plain values, as the record keeps it.

    lengths: N = (px / 16)^2 + 1, the token counts of square images. tokens: of one attention call, so that short
    sequences come in batches that fill the device (on the CPU one sequence at a time does). standard: the size of ViT
    whose share of attention and whose patch sizes are measured. models, compiled, batches: the model section's.
    """
    memory = memory_bytes or 8e9
    gigabytes = memory / 1e9
    pixels = [224, 384, 512, 768, 1024, 1440, 2048]
    if kind == "cpu":
        grid = {
            "tokens": 1,
            "matmul": [512, 1024, 2048],
            "copy_bytes": 2**28,
            "share_pixels": [224, 384, 512, 768],
            "models": ["B", "S", "Ti", "L"],
            "batches": [1, 2, 4, 8],
            "rounds": 7,
            "least": 0.1,
            "budget": 30,
            "backward_pixels": [px for px in pixels if px <= 1440],
        }
    else:
        grid = {
            "tokens": 16384 if gigabytes >= 30 else 8192 if gigabytes >= 14 else 4096,
            "matmul": [2048, 4096, 8192, 16384],
            "copy_bytes": 2**30,
            "share_pixels": pixels[:6],
            "models": ["L", "B", "S", "Ti"],
            "batches": [2**power for power in range(11)],
            "rounds": 11,
            "least": 0.1,
            "budget": 60,
            "backward_pixels": pixels,
        }
        if gigabytes >= 60:
            pixels = [*pixels, 2880]
            grid |= {"share_pixels": pixels[:7], "backward_pixels": pixels}
        if gigabytes < 14:
            grid["matmul"] = grid["matmul"][:3]
    grid |= {"pixels": pixels, "standard": "B"}
    # AdamW in float32 keeps weights, gradients and two moments: 16 bytes a parameter; batches come on top
    grid["models"] = [size for size in grid["models"] if 16 * PARAMETERS[size] < 0.3 * memory]
    grid["compiled"] = ["S"] if kind == "cpu" else grid["models"]  # a CPU takes a minute to compile one
    if quick:
        few = [px for px in grid["pixels"] if px <= 1024]
        grid |= {
            "pixels": few,
            "backward_pixels": few,
            "share_pixels": few[:3],
            "matmul": grid["matmul"][-2:],
            "models": [size for size in grid["models"] if size in ("S", "Ti" if kind == "cpu" else "B")],
            "batches": [1, 4] if kind == "cpu" else [8, 32, 128],
            "rounds": 5,
            "least": 0.03,
            "budget": 8,
        }
        grid["compiled"] = [] if kind == "cpu" else grid["models"]
    return grid


def tokens_of(pixels, patch_size=16):
    """Tokens of a square image, class token included: int."""
    return (pixels // patch_size) ** 2 + 1


def resident(size, memory_bytes):
    """How many libraries' models of that size fit beside each other while they are trained: int, two at least."""
    return max(2, int(0.6 * (memory_bytes or 8e9) / (16 * PARAMETERS[size])))


def pick_batch(rates):
    """Of {batch: images a second} the smallest batch that is within 3 % of the fastest: where the device is full."""
    fastest = max(rates.values())
    return min(batch for batch, rate in rates.items() if rate >= 0.97 * fastest)


def saturated(rates):
    """Whether the last two batches of {batch: images a second}, in order, gained less than 2 % over those before."""
    values = list(rates.values())
    return len(values) > 2 and max(values[-2:]) < 1.02 * max(values[:-2])


# ---------------------------------------------------------------- how to compute


@contextmanager
def precision(name):
    """float32 means float32: TF32 where it is asked for and nowhere else, in products and convolutions alike."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = name == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def together(*contexts):
    """A factory of one context that holds those of all factories."""

    @contextmanager
    def entered():
        with ExitStack() as stack:
            for context in contexts:
                stack.enter_context(context())
            yield

    return entered


@functools.cache
def flops_of(model, img_size, mode):
    """FLOPs of one image by counting every operator on the meta device: int. Training: forward and backward."""
    if mode == "inference":
        return count_flops(model, img_size)[1]
    with torch.device("meta"):
        network, image = vit(model, img_size=img_size), torch.empty(1, 3, img_size, img_size)
    with FlopCounterMode(display=False) as counter:
        network(image).sum().backward()
    return counter.get_total_flops()


@functools.cache
def bytes_of(model, img_size, batch, dtype):
    """Bytes that eager inference reads and writes, operator by operator, with one fused attention: int."""
    with torch.device("meta"):
        network = vit(model, img_size=img_size).to(dtype)
    with FakeTensorMode(allow_non_fake_inputs=True):
        network = network.to_empty(device="cpu")
        images = torch.empty(batch, 3, img_size, img_size, dtype=dtype)
        with Traffic() as traffic, torch.inference_mode():
            network(images)
    return traffic.bytes


def attention_flops(batch, N, backward):
    """Multiplications and additions that attention needs: Q K^T and A V, and for the gradient each twice again.

    What a fused kernel computes a second time instead of keeping it is not counted, as in a model's MFU.
    """
    return (12 if backward else 4) * batch * HEADS * N**2 * HEAD_DIM


def attention_bytes(batch, N, dtype, fused):
    """Bytes that the forward pass reads and writes, operator by operator: Q, K, V, the result and the map."""
    vectors, maps = 4 * batch * HEADS * N * HEAD_DIM, batch * HEADS * N**2
    return dtype.itemsize * (vectors if fused else vectors + 6 * maps)  # the map: written and read thrice


def make_step(model, mode, images, labels, kind, how):
    """One call of the model as its users call it -> (run, context). how: a precision.

    Inference casts the weights; a training step keeps them in float32 and casts under autocast, then steps AdamW.
    """
    half = how in ("bf16", "fp16")
    if mode == "inference":
        return (lambda: model(images)), together(lambda: precision(how), torch.inference_mode)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=kind == "cuda")

    def step():
        with torch.autocast(kind, DTYPES[how], enabled=half):
            loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step, together(lambda: precision(how))


# ---------------------------------------------------------------- a run


@dataclass
class Task:
    """One thing to measure. cells: what it is about to record; measure() -> the cells with their results."""

    name: str
    cells: list
    measure: object
    always: bool = False  # also when the time is up


@dataclass
class Bench:
    """A device, what to measure on it, and what has been measured: result["cells"]."""

    device: torch.device
    grid: dict
    precisions: list
    libraries: list
    compile: bool = True
    sections: tuple = SECTIONS
    result: dict = field(default_factory=lambda: {"cells": []})
    batches: dict = field(default_factory=dict)  # (model, mode, precision) -> the batch that fills the device

    @property
    def kind(self):
        return self.device.type

    def tensor(self, *shape, dtype=torch.float32):
        """Random numbers on the device: on zeros a chip draws less power and runs faster."""
        return torch.randn(*shape, device=self.device).to(dtype)

    @property
    def cpu_clock(self):
        """One thread's own CPU time leaves out what other programs took; that of several counts their waiting."""
        return time.process_time if torch.get_num_threads() == 1 else time.perf_counter

    def time(self, contenders, **options):
        settings = {key: self.grid[key] for key in ("rounds", "least", "budget")} | {"cpu_clock": self.cpu_clock}
        return interleave(contenders, self.kind, **settings | options)

    def peak(self, how):
        """The most FLOP/s of any matrix product of this run in a precision, None before one was measured."""
        rates = [
            cell["flops"] / cell["seconds"]["median"]
            for cell in self.result["cells"]
            if cell["section"] == "matmul" and cell["precision"] == how and cell["status"] == "ok"
        ]
        return max(rates, default=None)

    def memory_of(self, run, context):
        """Peak memory of one call, None where it cannot be told."""

        def measure():
            with context():
                return peak_memory(run, self.kind)

        value = attempt(measure, self.kind)
        return None if isinstance(value, Failed) else value

    # -- the sections: each yields tasks

    def tasks(self):
        """All tasks, the most telling first."""
        makers = {
            "matmul": self.matmul,
            "copy": self.copy,
            "attention": self.attention,
            "share": self.share,
            "model": self.model,
            "patch": self.patch,
            "profile": self.profile,
        }
        found = [task for section in SECTIONS if section in self.sections for task in makers[section]()]
        # A call of the longest sequences takes a CPU a minute: they come when all else is measured.
        found.sort(key=lambda task: task.cells[0]["section"] == "attention" and task.cells[0]["tokens"] > LONG)
        if "matmul" in self.sections:
            found += list(self.matmul("end"))
        return found

    def matmul(self, when="start"):
        for how in self.precisions:
            cells = [
                {"section": "matmul", "when": when, "precision": how, "n": n, "batch": 1, "flops": 2 * n**3}
                for n in self.grid["matmul"]
            ]

            def measure(how=how, cells=cells):
                def product(n):
                    a, b = (self.tensor(n, n, dtype=DTYPES[how]) for _ in range(2))
                    return Contender(str(n), lambda: a @ b, together(lambda: precision(how), torch.inference_mode))

                times = self.time([product(cell["n"]) for cell in cells])
                return [cell | outcome(times[str(cell["n"])]) for cell in cells]

            yield Task(f"행렬곱 {how}", cells, measure, always=when == "end")

    def copy(self):
        size = self.grid["copy_bytes"]
        cell = {"section": "copy", "precision": "float32", "batch": 1, "bytes": 2 * size}

        def measure():
            source, target = (self.tensor(size // 4) for _ in range(2))
            return [cell | outcome(self.time([Contender("copy", lambda: target.copy_(source))])["copy"])]

        yield Task("메모리 복사", [cell], measure)

    def attention(self):
        hows = [how for how in self.precisions if how != "tf32"]
        for which in ("forward", "forward+backward"):
            for how in hows:
                pixels = self.grid["pixels" if which == "forward" else "backward_pixels"]
                for px in pixels:
                    N = tokens_of(px)
                    batch, methods = max(1, self.grid["tokens"] // N), ["naive", *BACKENDS]
                    cells = [
                        {
                            "section": "attention",
                            "method": method,
                            "pass": which,
                            "precision": how,
                            "tokens": N,
                            "batch": batch,
                            "flops": attention_flops(batch, N, which != "forward"),
                            "bytes": attention_bytes(batch, N, DTYPES[how], method not in ("naive", "math"))
                            if which == "forward"
                            else None,
                        }
                        for method in methods
                    ]
                    yield Task(f"어텐션 N={N:,} {how} {which}", cells, functools.partial(self.measure_attention, cells))

    def measure_attention(self, cells):
        N, batch, how = (cells[0][name] for name in ("tokens", "batch", "precision"))
        backward = cells[0]["pass"] != "forward"
        q, k, v, out_grad = (self.tensor(batch, HEADS, N, HEAD_DIM, dtype=DTYPES[how]) for _ in range(4))
        inputs = [tensor.requires_grad_(backward) for tensor in (q, k, v)]

        def contender(method):
            function = naive_attention if method == "naive" else F.scaled_dot_product_attention
            backend = (lambda: sdpa_kernel(BACKENDS[method])) if method != "naive" else ExitStack

            def run():
                out = function(*inputs)
                if backward:
                    torch.autograd.grad(out, inputs, out_grad)

            contexts = [lambda: precision(how), backend] + ([] if backward else [torch.inference_mode])
            return Contender(method, run, together(*contexts)), function

        contenders = {cell["method"]: contender(cell["method"]) for cell in cells}
        with warnings.catch_warnings():  # why a backend cannot: said once as an error, ten times as warnings
            warnings.simplefilter("ignore")
            times = self.time([one for one, _ in contenders.values()])
            results = []
            for cell in cells:
                method, samples = cell["method"], times[cell["method"]]
                one, function = contenders[method]
                found = cell | outcome(samples)
                if found["status"] == "ok":
                    found["memory_bytes"] = self.memory_of(one.run, one.context)
                    if N <= 1025:
                        error = attempt(lambda: self.attention_error(function, one.context, q, k, v), self.kind)
                        found["difference"] = None if isinstance(error, Failed) else error
                results.append(found)
        return results

    def attention_error(self, function, context, q, k, v):
        """How far the first sequence's result is from float64: the relative error by norm."""
        first = [tensor.detach()[:1] for tensor in (q, k, v)]
        with torch.inference_mode():
            exact = naive_attention(*(tensor.cpu().double() for tensor in first))
            with context():
                out = function(*first).cpu().double()
        return ((out - exact).norm() / exact.norm()).item()

    def share(self):
        for how in self.precisions:
            for px in self.grid["share_pixels"]:
                N = tokens_of(px)
                batch = max(1, self.grid["tokens"] // N)
                size = self.grid["standard"]
                cell = {
                    "section": "share",
                    "model": f"{size}/16",
                    "precision": how,
                    "img_size": px,
                    "tokens": N,
                    "batch": batch,
                    "flops": batch * flops_of(f"{size}/16", px, "inference"),
                    "flop_share": attention_share(N, SIZES[size][0]),
                }
                yield Task(f"어텐션의 몫 {px}px {how}", [cell], functools.partial(self.measure_share, cell))

    def measure_share(self, cell):
        """Time of the model, and of its attention alone on Q, K, V laid out as the model has them, in turns."""
        how, px, batch, N = (cell[name] for name in ("precision", "img_size", "batch", "tokens"))
        D, depth, num_heads = SIZES[cell["model"].partition("/")[0]]
        model = vit(cell["model"], img_size=px).eval().to(self.device, DTYPES[how])
        images = self.tensor(batch, 3, px, px, dtype=DTYPES[how])
        qkv = self.tensor(batch, N, 3, num_heads, D // num_heads, dtype=DTYPES[how]).permute(2, 0, 3, 1, 4).unbind(0)

        def attention():
            for _ in range(depth):
                F.scaled_dot_product_attention(*qkv)

        context = together(lambda: precision(how), torch.inference_mode)
        whole = Contender("model", lambda: model(images), context)
        times = self.time([whole, Contender("attention", attention, context)])
        found = cell | outcome(times["model"])
        if found["status"] == "ok" and not isinstance(times["attention"], Failed):
            shares = [a / b for a, b in zip(times["attention"], times["model"])]
            found |= {"attention_seconds": spread(times["attention"]), "time_share": spread(shares)}
        return [found]

    def model(self):
        for size in self.grid["models"]:
            tunings = [False, True] if self.compile and size in self.grid["compiled"] else [False]
            for how in self.precisions:
                for mode in ("inference", "training"):
                    name = f"{size}/16"
                    base = {"model": name, "mode": mode, "precision": how}
                    sweep = {"section": "sweep", "library": "mundap", **base, "compile": False, "batch": None}
                    yield Task(f"배치 {name} {mode} {how}", [sweep], functools.partial(self.measure_sweep, sweep))
                    for tuned in tunings:
                        cells = [
                            {"section": "model", "library": library, **base, "compile": tuned, "batch": None}
                            for library in self.libraries
                        ]
                        title = f"{name} {mode} {how}{' compile' if tuned else ''}"
                        yield Task(title, cells, functools.partial(self.measure_models, cells))

    def batch_of(self, batch, how):
        """(images, labels) of a batch. Labels are those of ImageNet's 1,000 classes."""
        images = self.tensor(batch, 3, 224, 224, dtype=DTYPES[how])
        return images, torch.randint(1000, (batch,), device=self.device)

    def prepared(self, model, mode, how):
        """A model on the device, as it is to be called."""
        dtype = torch.float32 if mode == "training" else DTYPES[how]
        return model.to(self.device, dtype).train(mode == "training")

    def measure_sweep(self, sweep):
        name, mode, how = (sweep[key] for key in ("model", "mode", "precision"))
        model = self.prepared(vit(name), mode, how)
        flops, rates, cells = flops_of(name, 224, mode), {}, []
        for batch in self.grid["batches"]:

            def measure(batch=batch):
                images, labels = self.batch_of(batch, "float32" if mode == "training" else how)
                run, context = make_step(model, mode, images, labels, self.kind, how)
                return self.time([Contender("sweep", run, context)], rounds=3, budget=10)["sweep"]

            cell = sweep | {"batch": batch, "flops": batch * flops} | outcome(attempt(measure, self.kind))
            cells.append(cell)
            if cell["status"] != "ok":
                break
            rates[batch] = batch / cell["seconds"]["median"]
            if saturated(rates) or cell["seconds"]["median"] > self.grid["budget"] / 12:
                break
        if rates:
            self.batches[name, mode, how] = pick_batch(rates)
        return cells

    def measure_models(self, cells):
        """All libraries of a cell in turns, as many at a time as the memory has room for, ours in every turn."""
        batch = self.batches.get(tuple(cells[0][key] for key in ("model", "mode", "precision")))
        if batch is None:
            return [cell | {"status": "skipped", "error": "no batch size could be measured"} for cell in cells]
        while True:
            found = self.race(cells, batch)
            if batch == 1 or not any(cell["status"] == "oom" for cell in found):
                return found
            batch //= 2  # ours alone had the memory for it, all of them have not

    def race(self, cells, batch):
        name, mode, how, tuned = (cells[0][key] for key in ("model", "mode", "precision", "compile"))
        libraries = [cell["library"] for cell in cells]
        room = resident(name.split("/")[0], self.result.get("device", {}).get("memory_bytes")) - 1
        others = [library for library in libraries if library != "mundap"]
        chunks = [others[start : start + room] for start in range(0, len(others), room)] or [[]]
        state, made, found = {key: value.clone() for key, value in vit(name).state_dict().items()}, {}, {}
        images, labels = self.batch_of(batch, "float32" if mode == "training" else how)
        torch.compiler.reset()  # compiled code of earlier cells, and the limits on it
        for chunk in chunks:
            for library in ["mundap", *chunk] if "mundap" in libraries else chunk:
                if library not in made:
                    made[library] = attempt(lambda: self.ready(library, cells[0], state, images, labels), self.kind)
            runs = [
                Contender(library, item["run"], item["context"])
                for library, item in made.items()
                if not isinstance(item, Failed)
            ]
            times = self.time(runs)
            ours = times.get("mundap")
            for library, item in made.items():
                if library in found:
                    continue
                result = {"batch": batch, "flops": batch * flops_of(name, 224, mode), "library": library}
                if isinstance(item, Failed):
                    found[library] = result | outcome(item)
                    continue
                result |= {key: item[key] for key in ("same_weights", "difference", "compile_seconds")}
                result |= outcome(times[library])
                if result["status"] == "ok":
                    result["memory_bytes"] = self.memory_of(item["run"], item["context"])
                    if library == "mundap":
                        result["bytes"] = bytes_of(name, 224, batch, DTYPES[how]) if mode == "inference" else None
                    elif ours and not isinstance(ours, Failed):
                        result["times_ours"] = spread([a / b for a, b in zip(times[library], ours)])
                found[library] = result
            for library in chunk:
                made.pop(library, None)
            runs = times = item = None  # the last references to their tensors
            free_memory(self.kind)
        return [cell | found[cell["library"]] for cell in cells]

    def ready(self, library, cell, state, images, labels):
        """A library's model, checked against ours and ready to be timed: dict."""
        name, mode, how = (cell[key] for key in ("model", "mode", "precision"))
        with quiet_libraries():
            model, same = build(library, name, state)
            difference = None
            if library != "mundap" and same:
                difference = self.logit_difference(model, name, state)
        run_model = self.prepared(model, mode, how)
        if cell["compile"]:
            run_model = torch.compile(run_model, dynamic=False)
        run, context = make_step(run_model, mode, images, labels, self.kind, how)
        seconds = None
        if cell["compile"]:
            start = time.perf_counter()
            with context(), quiet_libraries():
                run()
            seconds = time.perf_counter() - start
        return {
            "run": run,
            "context": context,
            "same_weights": same,
            "difference": difference,
            "compile_seconds": seconds,
        }

    def logit_difference(self, model, name, state):
        """The largest difference of the logits of one image to ours, in float32, relative to the largest logit."""
        ours = vit(name)
        ours.load_state_dict(state)
        image = self.tensor(1, 3, 224, 224)
        with precision("float32"), torch.inference_mode():
            one, other = (network.to(self.device).eval()(image) for network in (ours, model))
        return ((one - other).abs().max() / one.abs().max()).item()

    def rate(self):
        """Fill in images a second and MFU: the counted FLOPs over those of the fastest matrix product of this run."""
        sheet = self.result.get("device", {}).get("datasheet") or {}
        for cell in self.result["cells"]:
            if cell["section"] in ("sweep", "model", "share", "patch") and cell["status"] == "ok":
                achieved, peak = cell["flops"] / cell["seconds"]["median"], self.peak(cell["precision"])
                cell |= {
                    "images_per_second": cell["batch"] / cell["seconds"]["median"],
                    "mfu": achieved / peak if peak else None,
                    "mfu_datasheet": achieved / sheet[cell["precision"]] if cell["precision"] in sheet else None,
                }

    def patch(self):
        for how in (self.precisions[0], "float32") if len(self.precisions) > 1 else self.precisions:
            cells = [
                {
                    "section": "patch",
                    "model": f"{self.grid['standard']}/{P}",
                    "precision": how,
                    "batch": None,
                    "tokens": tokens_of(224, P),
                }
                for P in (32, 16, 8)
            ]

            def measure(how=how, cells=cells):
                batch = max(1, self.grid["tokens"] // cells[-1]["tokens"])
                images = self.tensor(batch, 3, 224, 224, dtype=DTYPES[how])

                def contender(name):
                    model = self.prepared(vit(name), "inference", how)
                    context = together(lambda: precision(how), torch.inference_mode)
                    return Contender(name, lambda: model(images), context)

                times = self.time([contender(cell["model"]) for cell in cells])
                return [
                    cell
                    | {"batch": batch, "flops": batch * flops_of(cell["model"], 224, "inference")}
                    | outcome(times[cell["model"]])
                    for cell in cells
                ]

            yield Task(f"패치 크기 {how}", cells, measure)

    def profile(self):
        size, how = self.grid["models"][0], self.precisions[0]
        name, tunings = f"{size}/16", [False, True] if self.compile and size in self.grid["compiled"] else [False]
        for mode in ("inference", "training"):
            for tuned in tunings:
                cell = {
                    "section": "profile",
                    "library": "mundap",
                    "model": name,
                    "mode": mode,
                    "precision": how,
                    "compile": tuned,
                    "batch": None,
                }
                title = f"프로파일 {name} {mode} {how}{' compile' if tuned else ''}"
                yield Task(title, [cell], functools.partial(self.measure_profile, cell))

    def measure_profile(self, cell):
        """Which operators the time goes to: by PyTorch's profiler, the device's own time on a GPU."""
        name, mode, how = (cell[key] for key in ("model", "mode", "precision"))
        batch = self.batches.get((name, mode, how), self.grid["batches"][0])
        images, labels = self.batch_of(batch, "float32" if mode == "training" else how)
        torch.compiler.reset()
        item = self.ready("mundap", cell, vit(name).state_dict(), images, labels)
        activities = [torch.profiler.ProfilerActivity.CPU]
        if self.kind == "cuda":
            activities.append(torch.profiler.ProfilerActivity.CUDA)
        with item["context"](), quiet_stderr():
            for _ in range(2):
                item["run"]()
            with torch.profiler.profile(activities=activities) as profiler:
                item["run"]()
                if self.kind == "cuda":
                    torch.cuda.synchronize()
        clock = "self_device_time_total" if self.kind == "cuda" else "self_cpu_time_total"
        totals = {
            event.key: getattr(event, clock, 0)
            for event in profiler.key_averages()
            if self.kind != "cuda"
            or str(event.device_type).endswith("CUDA")  # kernels, and not their callers
            and not getattr(event, "is_user_annotation", False)
        }
        whole = sum(totals.values())
        if not whole:
            raise RuntimeError(f"the profiler saw no {clock}")
        most = sorted(totals.items(), key=lambda pair: -pair[1])[:12]
        return [
            cell
            | {
                "batch": batch,
                "status": "ok",
                "error": None,
                "operators": [{"name": key[:120], "share": value / whole} for key, value in most],
            }
        ]


def outcome(samples):
    """Seconds of the rounds, or Failed -> the part of a cell that says what came of it."""
    if isinstance(samples, Failed):
        return {"status": samples.status, "error": samples.error}
    return {"status": "ok", "error": None, "seconds": spread(samples)}


@contextmanager
def quiet_libraries():
    """Advice that libraries give at import or compilation is no part of a result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def fits(cells):
    """Exponents of time and memory of one sequence against N, for each way to compute attention: list of dicts."""
    groups = {}
    for cell in cells:
        if cell["section"] == "attention" and cell["status"] == "ok":
            groups.setdefault((cell["method"], cell["pass"], cell["precision"]), []).append(cell)
    found = []
    for (method, which, how), group in groups.items():
        for quantity in ("time", "memory"):
            points = [
                (
                    cell["tokens"],
                    cell["seconds"]["median"] if quantity == "time" else cell.get("memory_bytes"),
                    cell["batch"],
                )
                for cell in group
            ]
            points = [(N, value / batch) for N, value, batch in points if value]
            if len(points) >= 3:
                exponent, error = fit_exponent(*zip(*points))
                found.append(
                    {
                        "method": method,
                        "pass": which,
                        "precision": how,
                        "quantity": quantity,
                        "exponent": exponent,
                        "error": error,
                        "tokens": [N for N, _ in points],
                    }
                )
    return found


def load_clocks(bench):
    """Clocks while the device is at work: what they fall to then is what the times were measured at."""
    found = attempt(lambda: busy_clocks(bench), bench.kind) if bench.kind == "cuda" else None
    return clocks(bench.kind, "load") if found is None or isinstance(found, Failed) else found


def busy_clocks(bench):
    """clocks() while a GPU multiplies matrices."""
    how = bench.precisions[0]
    a = bench.tensor(8192, 8192, dtype=DTYPES[how])
    with precision(how), torch.inference_mode():
        once = max(1e-4, interleave([Contender("warm", lambda: a @ a)], "cuda", rounds=3, least=0.2)["warm"][-1])
        for _ in range(math.ceil(1.5 / once)):  # calls return at once: the GPU has work for a second and a half
            a @ a
        time.sleep(0.5)
        found = clocks("cuda", "load")
        torch.cuda.synchronize()
    return found


class Progress:
    """A bar on a terminal, a line for each task elsewhere."""

    def __init__(self, total, stream=sys.stderr):
        self.stream, self.total, self.done, self.start = stream, total, 0, time.monotonic()
        self.bar = None
        if stream.isatty():
            try:
                tqdm = optional("tqdm").tqdm
            except ImportError:
                return
            self.bar = tqdm(
                total=total,
                file=stream,
                leave=False,
                bar_format="{n_fmt}/{total_fmt} |{bar}| {elapsed}<{remaining} {postfix}",
            )

    def begin(self, name):
        if self.bar is not None:
            self.bar.set_postfix_str(name)

    def say(self, text):
        if self.bar is not None:
            self.bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)

    def end(self, name, cells):
        self.done += 1
        if self.bar is not None:
            self.bar.update()
        self.say(f"[{self.done}/{self.total}] {name}: {'; '.join(map(brief, cells)) or '결과 없음'}")

    def close(self):
        if self.bar is not None:
            self.bar.close()


WORDS = {"oom": "메모리 부족", "unsupported": "없음", "error": "오류", "skipped": "건너뜀"}


def brief(cell):
    """A cell's result in a few words: str."""
    name = next((str(cell[key]) for key in ("method", "library", "n") if cell.get(key)), "")
    if cell["section"] in ("sweep", "patch"):
        name = f"배치 {cell['batch']}" if cell["section"] == "sweep" else cell["model"]
    if cell["status"] != "ok":
        return f"{name} {WORDS[cell['status']]}".strip()
    if "seconds" not in cell:
        return ", ".join(f"{item['name']} {item['share']:.0%}" for item in cell["operators"][:3])
    seconds = cell["seconds"]["median"]
    text = f"{name} {1e3 * seconds:.3g} ms"
    if cell.get("images_per_second"):
        text = f"{name} {cell['images_per_second']:,.1f}장/초"
    elif cell["section"] == "matmul":
        text += f" {cell['flops'] / seconds / 1e12:.3g} TFLOP/s"
    if cell.get("mfu"):
        text += f" MFU {cell['mfu']:.0%}"
    if cell.get("time_share"):
        text += f", 어텐션 {cell['time_share']['median']:.1%}"
    return text


def measure(bench, settings, minutes, path=None, progress=None):
    """Run all tasks -> the record, finished or not. Written after every task, so that nothing is lost."""
    start = time.monotonic()
    result = bench.result
    result |= {
        "format": FORMAT,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": False,
        "seconds": 0.0,
        "device": describe_device(bench.device),
        "host": describe_host(),
        "versions": versions(),
        "commit": commit(),
        "settings": {**settings, "minutes": minutes, "grid": bench.grid},
        "memory_method": MEMORY_METHODS.get(bench.kind),
        "clocks": [clocks(bench.kind, "idle")],
        "fits": [],
        "cells": [],
    }
    tasks = bench.tasks()
    progress = progress or Progress(len(tasks))
    broken = None
    try:
        for task in tasks:
            late = time.monotonic() - start > 60 * minutes and not task.always
            if late or broken:
                cells = [cell | {"status": "skipped", "error": broken or "the time was up"} for cell in task.cells]
            else:
                progress.begin(task.name)
                cells = attempt(task.measure, bench.kind)
                if isinstance(cells, Failed):
                    cells = [cell | outcome(cells) for cell in task.cells]
                free_memory(bench.kind)
                broken = lost(bench.kind)
            result["cells"] += cells
            bench.rate()
            if task.name.startswith("행렬곱") and cells[0].get("when") == "start" and not broken:
                result["clocks"].append(load_clocks(bench))
            result |= {"seconds": time.monotonic() - start, "fits": fits(result["cells"])}
            if path:
                save(result, path)
            progress.end(task.name, cells)
        result["finished"] = not broken
        if not broken:
            result["clocks"].append(load_clocks(bench))
    except KeyboardInterrupt:
        progress.say("멈췄어요. 여기까지 잰 것을 남겨요.")
    finally:
        progress.close()
    result["seconds"] = time.monotonic() - start
    if path:
        save(result, path)
    return rounded(result)


def lost(kind):
    """Why the device can do no more work, None while it can: after an illegal access CUDA fails whatever is asked."""
    if kind != "cuda":
        return None
    found = attempt(torch.cuda.synchronize, "cpu")
    return found.error if isinstance(found, Failed) else None


# ---------------------------------------------------------------- the command line

COMPARED = {"slower": "느려짐", "faster": "빨라짐", "status": "상태가 바뀜", "missing": "한쪽에만 있음"}


def tell_difference(paths, threshold, stream=None):
    """Print what differs between two records beyond noise -> exit status: 0 nothing worse, 1 something, 2 no record."""
    records = []
    for path in paths:
        try:
            record = read_record(path)
            if record["format"] != FORMAT:
                print(
                    f"{path}: 이 기록의 꼴은 {record['format']!r}인데, 읽을 수 있는 것은 {FORMAT}이에요.",
                    file=sys.stderr,
                )
                return 2
            records.append(record)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        except (OSError, KeyError, TypeError) as error:
            print(f"{path}: 벤치마크 기록으로 읽을 수 없어요({type(error).__name__}: {error}).", file=sys.stderr)
            return 2
    for path, record in zip(paths, records):
        device, made = record["device"], record["versions"]
        print(
            f"{path}: {device['name']}, PyTorch {made['torch']}, {record['commit'] or '커밋 모름'}, {record['when']}",
            file=stream,
        )
    if records[0]["device"]["name"] != records[1]["device"]["name"]:
        print("서로 다른 장치예요. 아래의 차이는 코드가 아니라 장치의 차이일 수 있어요.", file=stream)
    found = compare(*records, threshold=threshold)
    for item in found:
        detail = (
            f"{item['ratio']:.3f}배 시간, 흔들림 ±{item['noise']:.1%}"
            if item["ratio"]
            else " → ".join(state or "없음" for state in item["states"])
        )
        print(f"{COMPARED[item['what']]:　<7} {item['cell']}: {detail}", file=stream)
    counts = {what: sum(item["what"] == what for item in found) for what in COMPARED}
    print(
        f"느려짐 {counts['slower']}, 빨라짐 {counts['faster']}, 상태가 바뀜 {counts['status']}, 한쪽에만 있음 {counts['missing']}. "
        f"나머지는 흔들림 안이에요.",
        file=stream,
    )
    worse = any(item["what"] == "status" and item["states"][0] == "ok" for item in found)
    return int(counts["slower"] > 0 or worse)


def positive(kind):
    def read(text):
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text}: 0보다 커야 해요")
        return value

    return read


def words(known):
    def read(text):
        found = [word for word in text.split(",") if word]
        unknown = [word for word in found if word not in known]
        if unknown or not found:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown) or '빈 값'}: 있는 것은 {', '.join(known)}")
        return found

    return read


def parser():
    top = argparse.ArgumentParser(
        prog="gpu_benchmark.py",
        description="이 장치에서 ViT와 어텐션의 속도를 재고 JSON으로 남겨요.",
        epilog="종료 코드: 0 다 쟀거나 느려진 것이 없음, 1 느려졌거나 실패로 바뀐 것이 있음(--compare), "
        "2 명령이나 파일이 잘못됨, 130 중간에 멈춤(잰 것은 남음).",
    )
    top.add_argument(
        "--device", default="auto", help="auto, cuda, cuda:1, mps, cpu (기본 auto: 있는 것 가운데 가장 빠른 것)"
    )
    top.add_argument("--quick", action="store_true", help="작은 격자로 몇 분 안에")
    top.add_argument("--out", metavar="FILE", help="결과 파일 (기본: gpu-benchmark-장치-시각.json)")
    top.add_argument(
        "--minutes", type=positive(float), metavar="M", help="이 시간이 지나면 남은 것을 건너뛰어요 (기본 60)"
    )
    top.add_argument("--threads", type=positive(int), metavar="T", help="CPU 스레드 수 (기본: PyTorch가 고른 수)")
    top.add_argument("--sections", type=words(SECTIONS), metavar="A,B", help=f"일부만: {', '.join(SECTIONS)}")
    top.add_argument("--models", type=words(tuple(SIZES)), metavar="A,B", help=f"모델의 크기: {', '.join(SIZES)}")
    top.add_argument("--precisions", type=words(tuple(DTYPES)), metavar="A,B", help=f"정밀도: {', '.join(DTYPES)}")
    top.add_argument(
        "--libraries",
        type=words(LIBRARIES),
        metavar="A,B",
        help=f"견줄 것: {', '.join(LIBRARIES)} (기본: 깔려 있는 모두)",
    )
    top.add_argument("--rounds", type=positive(int), help="번갈아 재는 횟수")
    top.add_argument("--no-compile", action="store_true", help="torch.compile을 재지 않아요")
    top.add_argument(
        "--compare", nargs=2, metavar=("A.json", "B.json"), help="재는 대신, 두 기록이 흔들림을 넘어 다른 곳을 말해요"
    )
    top.add_argument(
        "--threshold", type=positive(float), default=0.03, help="--compare에서 이보다 작은 차이는 넘겨요 (기본 0.03)"
    )
    return top


def pick_device(name):
    """A torch.device by name, "auto" for the fastest kind there is; raises ValueError where there is none of it."""
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in have.items() if there)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"{name}: 그런 장치는 없어요.") from None
    if not have.get(device.type) or device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"{name}: 이 컴퓨터의 PyTorch에는 이 장치가 없어요.")
    if device.type == "cuda":
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)  # events and memory statistics are those of the current device
    return device


def interrupt(*_):
    raise KeyboardInterrupt


def main(arguments=None):
    """Entry point -> exit status."""
    options = parser().parse_args(arguments)
    if options.compare:
        try:
            return tell_difference(options.compare, options.threshold)
        except BrokenPipeError:  # `... | head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
    try:
        device = pick_device(options.device)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):  # a job that is ended keeps its results too
        signal.signal(number, interrupt)
    torch.manual_seed(0)
    if options.threads:
        torch.set_num_threads(options.threads)
    keeps_memory = True  # as the allocators of GPUs do
    if device.type == "cpu":
        refuse_too_much_memory()
        keeps_memory = keep_freed_memory()
    about = describe_device(device)
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    grid = choose_grid(device.type, about["memory_bytes"], options.quick)
    if options.models:
        grid["models"] = options.models
        grid["compiled"] = [size for size in options.models if device.type != "cpu" or size in grid["compiled"]]
    if options.rounds:
        grid["rounds"] = options.rounds
    libraries = options.libraries or installed_libraries()
    bench = Bench(
        device,
        grid,
        options.precisions or precisions_of(device.type, capability),
        libraries,
        not options.no_compile,
        tuple(options.sections or SECTIONS),
    )
    settings = {
        "quick": options.quick,
        "threads": torch.get_num_threads(),
        "precisions": bench.precisions,
        "libraries": libraries,
        "compile": bench.compile,
        "sections": list(bench.sections),
        "keeps_memory": keeps_memory,
        "clock": {"cuda": "torch.cuda.Event", "mps": "perf_counter after torch.mps.synchronize"}.get(
            device.type, f"time.{bench.cpu_clock.__name__}"
        ),
    }
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path = Path(options.out or f"gpu-benchmark-{device.type}-{stamp}.json")
    print(
        f"{about['name']}, PyTorch {torch.__version__}, {', '.join(bench.precisions)}, {', '.join(libraries)} → {path}",
        file=sys.stderr,
    )
    if path.exists():
        print(f"{path}: 이미 있는 파일이에요. 지우거나 다른 이름을 골라 주세요.", file=sys.stderr)
        return 2
    result = measure(bench, settings, options.minutes or 60, path)
    states = {status: sum(cell["status"] == status for cell in result["cells"]) for status in ("ok", *WORDS)}
    told = ", ".join(f"{WORDS.get(status, '잼')} {count}" for status, count in states.items() if count)
    print(f"{path}: {told} ({result['seconds'] / 60:.1f}분)", file=sys.stderr)
    return 0 if result["finished"] else 130
