"""timm and transformers for the tests, beside a torch without CUDA: import this module before them."""

import sys

import torch

OPERATORS = []  # a torch.library.Library takes its operators along when it goes


def import_torchvision():
    """Import torchvision. The wheel that is made for CUDA cannot load its operators beside a CPU torch and misses two of
    them when it is imported: declare those, without code, and try again."""
    try:
        import torchvision
    except RuntimeError:  # operator torchvision::nms does not exist
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        OPERATORS.append(library)
        import torchvision
    return torchvision


import_torchvision()
