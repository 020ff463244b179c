"""Which type a result has: PyTorch's rules, the same on every device.

Types fall into categories: bool < integer < floating point < complex. Arrays with dimensions decide
first; a 0-d array, then a Python number, count only if they bring a higher category. A Python
number stands for bool, int64, the default floating-point type or the complex type of its size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad import dtype as dtypes

# By NumPy's letter for the kind. V is bfloat16: to NumPy a type like any that it does not know.
_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2, "c": 3}


def is_floating(t: np.dtype[Any]) -> bool:
    """Whether a type is floating point, bfloat16 included."""
    return t.kind in "fV"


def is_differentiable(t: np.dtype[Any]) -> bool:
    """Whether tensors of a type can have gradients: floating point and complex."""
    return t.kind in "fVc"


def _promoted(a: dtypes.dtype, b: dtypes.dtype) -> dtypes.dtype:
    low, high = sorted((a, b), key=lambda t: _CATEGORY[t.numpy.kind])
    if low.is_floating_point and high.is_complex:
        return _promoted(low.to_complex(), high)
    if _CATEGORY[low.numpy.kind] < _CATEGORY[high.numpy.kind]:
        return high  # int64 with float16 is float16
    if {a, b} == {dtypes.float16, dtypes.bfloat16}:
        return dtypes.float32  # neither holds the other
    if dtypes.bfloat16 in (a, b):
        return b if a is dtypes.bfloat16 else a
    return dtypes.from_numpy(np.promote_types(a.numpy, b.numpy))


_PROMOTED = {(a.numpy, b.numpy): _promoted(a, b).numpy for a in dtypes.ALL for b in dtypes.ALL}


def promote(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The smallest type of the higher category that holds both: int64 with float16 is float16."""
    return _PROMOTED[a, b]


def result_dtype(*operands: Any) -> np.dtype[Any]:
    """The type of an elementwise operation on arrays and Python numbers."""
    levels: list[np.dtype[Any] | None] = [None, None, None]  # arrays, 0-d arrays, numbers
    for x in operands:
        if hasattr(x, "ndim"):
            level, t = (0 if x.ndim else 1), x.dtype
        else:
            level, t = 2, _type_of_number(x)
        known = levels[level]
        levels[level] = t if known is None else promote(known, t)
    result: np.dtype[Any] | None = None
    for lower in reversed(levels):  # numbers first: 0-d arrays, then arrays, outrank them
        if lower is not None:
            result = lower if result is None else _outrank(lower, result)
    if result is None:
        raise TypeError("result_dtype needs at least one operand")
    return result


def _type_of_number(x: Any) -> np.dtype[Any]:
    if isinstance(x, bool):
        return dtypes.bool_.numpy
    if isinstance(x, int):
        return dtypes.int64.numpy
    if isinstance(x, float):
        return dtypes.get_default_dtype().numpy
    if isinstance(x, complex):
        return dtypes.get_default_dtype().to_complex().numpy
    raise TypeError(f"expected a tensor or a number, got {type(x).__name__}: {x!r}")


def _outrank(first: np.dtype[Any], second: np.dtype[Any]) -> np.dtype[Any]:
    """The type of a higher level, unless the lower brings a higher category."""
    if _CATEGORY[second.kind] <= _CATEGORY[first.kind]:
        return first
    if second.kind == "c" and is_floating(first):  # complex, but no wider than the array
        return dtypes.from_numpy(first).to_complex().numpy
    return promote(first, second)


def floating(t: np.dtype[Any]) -> np.dtype[Any]:
    """t itself if it is floating point or complex, else the default floating-point type."""
    return t if t.kind in "fVc" else dtypes.get_default_dtype().numpy


def holds(t: np.dtype[Any], value: int) -> bool:
    """Whether a Python integer has its value in a type; any has in floating point."""
    if t.kind not in "iu":
        return True
    info = np.iinfo(t)
    return int(info.min) <= value <= int(info.max)


def can_cast(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Whether a result may be stored in a type: not in one of a lower category."""
    return _CATEGORY[source.kind] <= _CATEGORY[target.kind]
