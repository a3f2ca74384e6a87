"""A device at work: precisions, contenders in turns for the cells of a record, operations and bytes of a call."""

import functools
import time
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from attention_cost import count_flops
from bench.device import describe_device
from lib.cost import Contender, Failed, attempt, interleave, peak_memory, spread
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from vit import vit

DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
HEADS, HEAD_DIM = 12, 64  # of ViT-B: what the attention section measures


@dataclass
class Bench:
    """A device and what to measure on it. batches: (model, mode, precision) -> the batch that fills the device."""

    device: torch.device
    grid: dict
    precisions: list
    libraries: list  # this repository's first
    sections: list
    batches: dict = field(default_factory=dict)

    @property
    def kind(self):
        """What PyTorch calls such a device: "cuda", "mps" or "cpu"."""
        return self.device.type

    @functools.cached_property
    def about(self):
        """What a record says of the device."""
        return describe_device(self.device)

    @property
    def cpu_clock(self):
        """One thread's own CPU time leaves out what other programs took; that of several counts their waiting."""
        return time.process_time if torch.get_num_threads() == 1 else time.perf_counter

    def tensor(self, *shape, how="float32"):
        """Random numbers on the device, in a precision: on zeros a chip draws less power and runs faster."""
        return torch.randn(*shape, device=self.device).to(DTYPES[how])

    def time(self, contenders, **options):
        """lib.cost.interleave() by this device's grid."""
        settings = {key: self.grid[key] for key in ("rounds", "least", "budget")} | {"cpu_clock": self.cpu_clock}
        return interleave(contenders, self.kind, **settings | options)


@dataclass
class Task:
    """One thing to measure. cells: what it is about to record; measure(bench, cells) -> them with their results."""

    name: str
    cells: list
    measure: Callable
    always: bool = False  # also when the time is up


def in_turns(bench, cells, contenders):
    """Time contenders in turns, one for each cell -> the cells with what came of them."""
    times = bench.time(contenders)
    return [cell | outcome(times[one.name]) for cell, one in zip(cells, contenders)]


def outcome(samples):
    """Seconds of the rounds, or Failed -> the part of a cell that says what came of it."""
    if isinstance(samples, Failed):
        return {"status": samples.status, "error": samples.error}
    return {"status": "ok", "error": None, "seconds": spread(samples)}


def value_of(contender, measure, kind):
    """What measure() gives in the context of a contender, None where it fails."""

    def measured():
        with contender.context():
            return measure()

    value = attempt(measured, kind)
    return None if isinstance(value, Failed) else value


def memory_of(contender, kind):
    """Peak memory of one call in bytes, None where it cannot be told."""
    return value_of(contender, lambda: peak_memory(contender.run, kind), kind)


@contextmanager
def precision(how, inference=True, backend=None):
    """The context of a call: its precision, no gradients for inference, one of SDPA's backends where it is named.

    float32 means float32: TF32 where it is asked for and nowhere else, in products and convolutions alike.
    """
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if how == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = how == "tf32"
    try:
        with torch.inference_mode(inference), sdpa_kernel(backend) if backend else nullcontext():
            yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def vit_call(bench, cell, network=None):
    """One call of a cell's ViT as its users call it: Contender. network: that of a library, in place of ours.

    Inference casts the weights; a training step keeps them in float32 and casts under autocast, then steps AdamW.
    """
    how, batch, px = cell["precision"], cell["batch"], cell.get("img_size", 224)
    name, training = cell.get("library", cell["model"]), cell.get("mode") == "training"
    network = vit(cell["model"], img_size=px) if network is None else network
    network = network.to(bench.device, torch.float32 if training else DTYPES[how]).train(training)
    images = bench.tensor(batch, 3, px, px, how="float32" if training else how)
    if not training:
        return Contender(name, lambda: network(images), functools.partial(precision, how))
    labels = torch.randint(1000, (batch,), device=bench.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=bench.kind == "cuda")

    def step():
        with torch.autocast(bench.kind, DTYPES[how], enabled=how in ("bf16", "fp16")):
            loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return Contender(name, step, functools.partial(precision, how, inference=False))


@functools.cache
def flops_of(model, img_size, mode="inference"):
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


class Traffic(TorchDispatchMode):
    """Counts the bytes that operators read and write, each once, as if nothing stayed in a cache.

    They stand in .bytes. Views move nothing. Use it on meta or fake tensors: values are not needed.
    """

    FREE = {"_unsafe_view", "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "detach"}

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        schema = function._schema
        view = any(value.alias_info is not None and not value.alias_info.is_write for value in schema.returns)
        if not view and schema.name.removeprefix("aten::") not in self.FREE:
            leaves = torch.utils._pytree.tree_leaves((args, kwargs or {}, result))
            self.bytes += sum(leaf.numel() * leaf.element_size() for leaf in leaves if isinstance(leaf, torch.Tensor))
        return result
