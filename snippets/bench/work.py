"""A device at work: calls in a precision, cells in turns, operations and bytes."""

import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache, partial

import torch
import torch.nn.functional as F
from lib.cost import Contender, Failed, attempt, interleave, peak_memory, spread
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from vit import vit

DTYPES = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


@dataclass
class Bench:
    """A device and what to measure on it."""

    device: torch.device
    grid: dict  # sections.CPU_GRID or GPU_GRID
    precisions: list
    libraries: list  # this repository's first
    sections: list
    keeps_memory: bool = True  # whether freed memory stays with the allocator
    batches: dict = field(
        default_factory=dict
    )  # (model, mode, precision): the best one

    @property
    def kind(self):
        """What PyTorch calls such a device: "cuda", "mps" or "cpu"."""
        return self.device.type

    @property
    def cpu_clock(self):
        """One thread's CPU time leaves out other programs, that of many their
        waiting."""
        return (
            time.process_time if torch.get_num_threads() == 1 else time.perf_counter
        )

    def batch_of(self, tokens):
        """How many sequences of so many tokens fill the device: int."""
        return max(1, self.grid["tokens"] // tokens)

    def tensor(self, *shape, how="float32"):
        """Random numbers on the device: with zeros a chip draws less and runs
        faster."""
        return torch.randn(*shape, device=self.device).to(DTYPES[how])


def race(bench, cells, make, **options):
    """Time one call a cell in turns -> the cells with what came of each.

    make(bench, cell) -> (run, context); it may note in the cell what it knows of
    it. options: of interleave(), beside the grid's.
    """
    cells = [dict(cell) for cell in cells]
    calls = [attempt(partial(make, bench, cell), bench.kind) for cell in cells]
    made = [
        (n, call) for n, call in enumerate(calls) if not isinstance(call, Failed)
    ]
    settings = {key: bench.grid[key] for key in ("rounds", "least", "budget")}
    settings |= {"cpu_clock": bench.cpu_clock, **options}
    times = interleave(
        [Contender(n, *call) for n, call in made], bench.kind, **settings
    )
    for n, cell in enumerate(cells):
        cell |= outcome(times.get(n, calls[n]))
        if cell["status"] == "ok" and cell["section"] in ("attention", "model"):
            run, context = calls[n]
            with context():
                held = attempt(partial(peak_memory, run, bench.kind), bench.kind)
            cell["memory_bytes"] = None if isinstance(held, Failed) else held
    return cells


def outcome(samples):
    """Seconds of the rounds, or Failed -> what a cell says of them: dict."""
    if isinstance(samples, Failed):
        return {"status": samples.status, "error": samples.error}
    return {"status": "ok", "error": None, "seconds": spread(samples)}


def over(one, other):
    """One cell's times over another's, turn by turn: spread(), None if either
    failed."""
    if not one["status"] == other["status"] == "ok":
        return None
    times = zip(one["seconds"]["samples"], other["seconds"]["samples"])
    return spread([a / b for a, b in times])


@contextmanager
def precision(how, inference=True, backend=None):
    """The context of a call: its precision, gradients or none, one of SDPA's
    backends.

    float32 means float32: TF32 where it is asked for, in products and convolutions.
    """
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if how == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = how == "tf32"
    kernel = sdpa_kernel(backend) if backend else nullcontext()
    try:
        with torch.inference_mode(inference), kernel:
            yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def vit_call(bench, cell, network=None):
    """One call of a cell's ViT, or of a library's network in its place: (run,
    context).

    Inference casts the weights; a training step keeps them in float32, casts under
    autocast and steps AdamW. The cell gets its FLOPs.
    """
    how, batch, px = cell["precision"], cell["batch"], cell.get("img_size", 224)
    training = cell.get("mode") == "training"
    cell["flops"] = batch * flops_of(cell["model"], px, training)
    kept = "float32" if training else how
    network = vit(cell["model"], img_size=px) if network is None else network
    network = network.to(bench.device, DTYPES[kept]).train(training)
    images = bench.tensor(batch, 3, px, px, how=kept)  # (B, C, H, W)
    context = partial(precision, how, inference=not training)
    if not training:
        return lambda: network(images), context
    labels = torch.randint(1000, (batch,), device=bench.device)
    fused = bench.kind == "cuda"
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=fused)

    def step():
        with torch.autocast(
            bench.kind, DTYPES[how], enabled=how in ("bf16", "fp16")
        ):
            loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step, context


@cache
def flops_of(model, img_size, training):
    """FLOPs of one image, operator by operator: int. Training: forward and
    backward."""
    with torch.device("meta"):  # shapes alone, no numbers
        network, image = (
            vit(model, img_size=img_size),
            torch.empty(1, 3, img_size, img_size),
        )
    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode(not training):
        logits = network(image)
        if training:
            logits.sum().backward()
    return counter.get_total_flops()


@cache
def bytes_of(model, batch, dtype):
    """Bytes that inference at 224 px reads and writes, operator by operator:
    int."""
    with torch.device("meta"):
        network = vit(model).to(dtype)
    with FakeTensorMode(allow_non_fake_inputs=True):
        network = network.to_empty(device="cpu")  # where attention is one operator
        images = torch.empty(batch, 3, 224, 224, dtype=dtype)
        with Traffic() as traffic, torch.inference_mode():
            network(images)
    return traffic.bytes


class Traffic(TorchDispatchMode):
    """Counts in .bytes what operators read and write, as if nothing stayed in a
    cache.

    Views move nothing. For inference; meta or fake tensors will do.
    """

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if (
            not function.is_view and function.namespace != "prim"
        ):  # such as a device
            for leaf in tree_leaves((args, kwargs, result)):
                self.bytes += leaf.nbytes if isinstance(leaf, torch.Tensor) else 0
        return result
