"""The work that is measured: precisions, one call of a model, how many operations it takes and bytes it moves."""

import functools
from contextlib import ExitStack, contextmanager

import torch
import torch.nn.functional as F
from attention_cost import count_flops
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from vit import vit

DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
HEADS, HEAD_DIM = 12, 64  # of ViT-B: what the attention section measures


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


def context_of(how, *others, inference=True):
    """A factory of the context of a call: a precision, no gradients for inference, and what other factories make."""

    @contextmanager
    def entered():
        with ExitStack() as stack:
            for context in (lambda: precision(how), *([torch.inference_mode] if inference else []), *others):
                stack.enter_context(context())
            yield

    return entered


def make_step(model, mode, images, labels, kind, how):
    """One call of the model as its users call it -> (run, context). how: a precision.

    Inference casts the weights; a training step keeps them in float32 and casts under autocast, then steps AdamW.
    """
    if mode == "inference":
        return (lambda: model(images)), context_of(how)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=kind == "cuda")

    def step():
        with torch.autocast(kind, DTYPES[how], enabled=how in ("bf16", "fp16")):
            loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step, context_of(how, inference=False)


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
