"""What reductions share: the types of their arguments, the way back to the input's shape."""

from __future__ import annotations

from typing import Any

from naivegrad.ops._args import numpy_dtype, require_tensor
from naivegrad.tensor import Tensor

Axes = tuple[int, ...] | None
Dims = int | tuple[int, ...] | list[int] | None


def restore(x: Tensor, shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> Tensor:
    """Put the reduced axes back, with length 1, so that x broadcasts against the input again."""
    if keepdim:
        return x
    return x.reshape([1 if i in axes else n for i, n in enumerate(shape)])


def require_elements(x: Tensor, axes: tuple[int, ...], op: str) -> None:
    """IndexError where one of the axes has length 0: what has no elements has no largest one."""
    if x.array.size:
        return
    for axis in axes:
        if x.array.shape[axis] == 0:
            raise IndexError(
                f"{op}: nothing to reduce: dimension {axis} of shape {x.array.shape} "
                f"has no elements"
            )


def typed(x: Any, dtype: Any, op: str) -> Tensor:
    """The tensor in the type `dtype`, or as it is for None."""
    if dtype is None:
        return require_tensor(x, op)
    return require_tensor(x, op).cast(numpy_dtype(dtype))


def ordered(x: Any, op: str) -> Tensor:
    """x, a Tensor whose elements have an order; TypeError otherwise."""
    if require_tensor(x, op).array.dtype.kind == "c":
        raise TypeError(f"{op}: complex numbers have no order, got {x.dtype}")
    return x
