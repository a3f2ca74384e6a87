"""The work of the benchmark: precisions, FLOPs, bytes, steps."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Traffic(TorchDispatchMode):
    """Counts the bytes that operators read and write, each once, as if nothing stayed in a cache: .bytes

    Views move nothing. Use it on meta or fake tensors: values are not needed.
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
