"""timm and transformers for the tests, also beside a torch without CUDA: import this module before them."""

from bench.peers import import_torchvision

import_torchvision()
