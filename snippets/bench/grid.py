"""How much the benchmark measures: on a CPU, on a GPU."""

from torch.nn.attention import SDPBackend

BACKENDS = {
    "math": SDPBackend.MATH,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}
MODES = ("inference", "training")
LONG = 4097  # tokens of 1024 x 1024 pixels; beyond them attention is measured last
ROOM = 2  # libraries beside ours at a time: a training ViT-L takes 5 GB, its batch more
PIXELS = [224, 384, 512, 768, 1024, 1440, 2048]  # of square images
# tokens: of one call, shorter sequences come in batches; standard: the model of
# share and patch; rounds, least, budget: of interleave(); a CPU takes a minute to
# compile a model.
CPU_GRID = {
    "tokens": 1,
    "matmul": [512, 1024, 2048],
    "copy_bytes": 2**28,
    "standard": "B",
}
CPU_GRID |= {
    "pixels": PIXELS,
    "share_pixels": PIXELS[:4],
    "backward_pixels": PIXELS[:6],
}
CPU_GRID |= {
    "models": ["B", "S", "Ti", "L"],
    "compiled": ["S"],
    "batches": [1, 2, 4, 8],
}
CPU_GRID |= {"rounds": 7, "least": 0.1, "budget": 30}
GPU_GRID = CPU_GRID | {"tokens": 16384, "matmul": [2048, 4096, 8192, 16384]}
GPU_GRID |= {"copy_bytes": 2**30, "share_pixels": PIXELS, "backward_pixels": PIXELS}
GPU_GRID |= dict.fromkeys(("models", "compiled"), ["L", "B", "S", "Ti"])
GPU_GRID |= {
    "batches": [2**power for power in range(11)],
    "rounds": 11,
    "budget": 60,
}


def tokens_of(pixels, patch_size=16):
    """Tokens of a square image, class token included: int."""
    return (pixels // patch_size) ** 2 + 1
