"""What to measure: the grid of a device, by its kind and memory."""

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
GPU_GRID = {
    "tokens": 4096,
    "matmul": [2048, 4096, 8192, 16384],
    "copy_bytes": 2**30,
    "pixels": PIXELS,
    "share_pixels": PIXELS[:6],
    "backward_pixels": PIXELS,
    "models": ["L", "B", "S", "Ti"],
    "batches": [2**power for power in range(11)],
    "rounds": 11,
    "least": 0.1,
    "budget": 60,
    "standard": "B",
}


def precisions_of(kind, capability=None):
    """The precisions that a device has of its own, the fastest first: list of names."""
    if kind == "cuda":
        return ["bf16", "tf32", "float32"] if capability and capability >= (8, 0) else ["fp16", "float32"]
    if kind == "mps":
        return ["fp16", "float32"]
    return ["bf16", "float32"] if cpu_has("avx512_bf16") or cpu_has("amx_bf16") else ["float32"]


def choose_grid(kind, memory_bytes, quick=False):
    """What to measure on a device of that kind and memory: dict of plain values, as the record keeps it.

    pixels: of square images, N = (px / 16)^2 + 1 tokens each. tokens: of one attention call, so that short sequences
    come in batches that fill the device (on the CPU one sequence at a time does). standard: the size of ViT whose
    share of attention and whose patch sizes are measured. models, compiled, batches: the model section's. rounds,
    least, budget: interleave()'s.
    """
    memory = memory_bytes or 8e9
    grid = dict(CPU_GRID if kind == "cpu" else GPU_GRID)
    if kind != "cpu" and memory >= 14e9:
        grid["tokens"] = 16384 if memory >= 30e9 else 8192
    elif kind != "cpu":
        grid["matmul"] = grid["matmul"][:3]
    if kind != "cpu" and memory >= 60e9:
        grid |= {"share_pixels": PIXELS, "pixels": [*PIXELS, 2880], "backward_pixels": [*PIXELS, 2880]}
    # AdamW in float32 keeps weights, gradients and two moments: 16 bytes a parameter; batches come on top
    grid["models"] = [size for size in grid["models"] if 16 * PARAMETERS[size] < 0.3 * memory]
    grid["compiled"] = ["S"] if kind == "cpu" else grid["models"]  # a CPU takes a minute to compile one
    return grid | _quick(kind, grid) if quick else grid


def _quick(kind, grid):
    """What a run of minutes has instead."""
    pixels = [px for px in grid["pixels"] if px <= 1024]
    models = [size for size in grid["models"] if size in ("S", "Ti" if kind == "cpu" else "B")]
    return {
        "pixels": pixels,
        "backward_pixels": pixels,
        "share_pixels": pixels[:3],
        "matmul": grid["matmul"][-2:],
        "models": models,
        "compiled": [] if kind == "cpu" else models,
        "batches": [1, 4] if kind == "cpu" else [8, 32, 128],
        "rounds": 5,
        "least": 0.03,
        "budget": 8,
    }


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
