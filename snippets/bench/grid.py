"""What to measure: the grid of a device, by its kind and memory."""

import torch
from bench.device import cpu_has

SECTIONS = ("matmul", "copy", "share", "patch", "attention", "model", "profile")
PARAMETERS = {"Ti": 5.7e6, "S": 22.1e6, "B": 86.6e6, "L": 304.3e6}
PIXELS = [224, 384, 512, 768, 1024, 1440, 2048]
CPU_GRID = {
    "tokens": 1,
    "matmul": [512, 1024, 2048],
    "copy_bytes": 2**28,
    "pixels": PIXELS,
    "share_pixels": PIXELS[:4],
    "backward_pixels": PIXELS[:6],
    "models": ["B", "S", "Ti", "L"],
    "batches": [1, 2, 4, 8],
    "rounds": 7,
    "least": 0.1,
    "budget": 30,
    "standard": "B",
}
GPU_GRID = CPU_GRID | {
    "tokens": 4096,
    "matmul": [2048, 4096, 8192, 16384],
    "copy_bytes": 2**30,
    "share_pixels": PIXELS[:6],
    "backward_pixels": PIXELS,
    "models": ["L", "B", "S", "Ti"],
    "batches": [2**power for power in range(11)],
    "rounds": 11,
    "budget": 60,
}


def precisions_of(device):
    """The precisions that a torch.device has of its own, the fastest first: list of names."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return ["bf16", "tf32", "float32"]
    if device.type != "cpu":
        return ["fp16", "float32"]
    return ["bf16", "float32"] if cpu_has("avx512_bf16") or cpu_has("amx_bf16") else ["float32"]


def choose_grid(kind, memory_bytes, quick=False):
    """What to measure on a device of that kind and memory: dict of plain values, as the record keeps it.

    pixels: of square images, N = (px / 16)^2 + 1 tokens each. tokens: of one attention call, so that short sequences
    come in batches that fill the device (on the CPU one sequence at a time does). standard: the size of ViT whose
    share of attention and whose patch sizes are measured. models, compiled, batches: the model section's. rounds,
    least, budget: interleave()'s.
    """
    memory, cpu = memory_bytes or 8e9, kind == "cpu"
    grid = dict(CPU_GRID if cpu else GPU_GRID)
    if not cpu:
        grid["tokens"] = next(tokens for least, tokens in ((30e9, 16384), (14e9, 8192), (0, 4096)) if memory >= least)
        if memory < 14e9:
            grid["matmul"] = grid["matmul"][:3]
        if memory >= 60e9:
            grid |= {"share_pixels": PIXELS, "pixels": [*PIXELS, 2880], "backward_pixels": [*PIXELS, 2880]}
    # AdamW in float32 keeps weights, gradients and two moments: 16 bytes a parameter; batches come on top
    grid["models"] = [size for size in grid["models"] if 16 * PARAMETERS[size] < 0.3 * memory]
    if quick:
        grid |= {"rounds": 5, "least": 0.03, "budget": 8, "batches": [1, 4] if cpu else [8, 32, 128]}
        grid |= {"pixels": PIXELS[:5], "backward_pixels": PIXELS[:5], "share_pixels": PIXELS[:3]}
        grid["matmul"] = grid["matmul"][-2:]
        grid["models"] = [size for size in grid["models"] if size in ("S", "Ti" if cpu else "B")]
    compiled = ["S"] if not quick else []  # a CPU takes a minute to compile one
    return grid | {"compiled": compiled if cpu else grid["models"]}


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
