"""Whether two runs of the same code say the same."""

import math
from collections.abc import Mapping
from typing import Any

SHARE, LEAST = 1e-3, 1e-5  # allowed without a tolerance: a share of the size, or this much


def agree(name: str, one: Any, other: Any, tolerance: Mapping[str, float | None]) -> bool:
    """Whether two values of an evidence agree. tolerance: {name: allowed absolute difference, None or inf for any}."""
    if _kind(one) != _kind(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(agree(name, *pair, tolerance) for pair in zip(one, other))
    if name in tolerance and tolerance[name] in (None, math.inf):
        return True
    if isinstance(one, str | bool):
        return one == other
    allowed = tolerance.get(name)
    return abs(one - other) <= (max(SHARE * max(abs(one), abs(other)), LEAST) if allowed is None else allowed)


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)
