"""Which type a result has: PyTorch's rules, the same on every device.

Types fall into categories: bool < integer < floating point. Arrays with dimensions decide first; a
0-d array, then a Python number, count only if they bring a higher category. A Python number stands
for bool, int64 or the default floating-point type.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad import dtype as dtypes

_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2}


def result_dtype(*operands: Any) -> np.dtype[Any]:
    """The type of an elementwise operation on arrays and Python numbers."""
    levels: list[np.dtype[Any] | None] = [None, None, None]  # arrays, 0-d arrays, numbers
    for x in operands:
        if hasattr(x, "ndim"):
            level, t = (0 if x.ndim else 1), x.dtype
        elif isinstance(x, bool):
            level, t = 2, dtypes.bool_.numpy
        elif isinstance(x, int):
            level, t = 2, dtypes.int64.numpy
        elif isinstance(x, float):
            level, t = 2, dtypes.get_default_dtype().numpy
        else:
            raise TypeError(f"expected a tensor or a number, got {type(x).__name__}: {x!r}")
        known = levels[level]
        levels[level] = t if known is None else promote(known, t)
    result: np.dtype[Any] | None = None
    for t_or_none in levels:
        if t_or_none is None:
            continue
        if result is None:
            result = t_or_none
        elif _CATEGORY[t_or_none.kind] > _CATEGORY[result.kind]:
            result = promote(result, t_or_none)
    if result is None:
        raise TypeError("result_dtype needs at least one operand")
    return result


def promote(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The smallest type of the higher category that holds both: int64 with float16 is float16."""
    if (a.kind == "f") != (b.kind == "f"):
        return a if a.kind == "f" else b
    return np.promote_types(a, b)


def floating(t: np.dtype[Any]) -> np.dtype[Any]:
    """t itself if it is floating point, else the default floating-point type."""
    return t if t.kind == "f" else dtypes.get_default_dtype().numpy


def can_cast(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Whether a result may be stored in a type: not in one of a lower category."""
    return _CATEGORY[source.kind] <= _CATEGORY[target.kind]
