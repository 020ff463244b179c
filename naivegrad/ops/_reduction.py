"""What losses share: how many numbers become one, and two tensors of one shape and type."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from naivegrad.backend.promotion import promote
from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.tensor import Tensor

REDUCTIONS = ("none", "mean", "sum")


def reduction_of(op: str, reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """The reduction that is meant: `reduction`, or what the two arguments before it said."""
    if size_average is not None or reduce is not None:
        meant = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(
            f"{op}: size_average and reduce are deprecated; say reduction={meant!r}", stacklevel=3
        )
        return meant
    check_reduction(op, reduction)
    return reduction


def check_reduction(op: str, reduction: str) -> None:
    """ValueError for a reduction that does not exist."""
    if reduction not in REDUCTIONS:
        raise ValueError(f'{op}: reduction must be "none", "mean" or "sum", got {reduction!r}')


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Each of the numbers, their mean, or their sum."""
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def weighted(
    op: str, loss: Tensor, x: Tensor, weight: Tensor, reduction: str, by_weight: bool = True
) -> Tensor:
    """Losses times weights of the input's shape; their mean is over the sum of the weights."""
    if require_tensor(weight, op, "weight").array.shape != x.array.shape:
        raise ValueError(
            f"{op}: weight must have the input's shape {x.array.shape}, got {weight.array.shape}"
        )
    loss = loss * weight
    if reduction == "mean" and by_weight:
        return loss.sum() / weight.sum()
    return reduced(loss, reduction)


def same_kind(op: str, x: Any, y: Any, name: str = "target") -> tuple[Tensor, Tensor]:
    """Two tensors as one floating-point type."""
    require_tensor(x, op)
    require_tensor(y, op, name)
    dtype = promote(x.array.dtype, y.array.dtype)
    x, y = x.cast(dtype), y.cast(dtype)
    require_floating(x, op)
    return x, y


def paired(
    op: str, x: Any, y: Any, warn: bool = False, names: tuple[str, str] = ("input", "target")
) -> tuple[Tensor, Tensor]:
    """Two tensors as one floating-point type, broadcast to one shape."""
    x, y = same_kind(op, x, y, names[1])
    if x.array.shape == y.array.shape:
        return x, y
    try:
        shape = np.broadcast_shapes(x.array.shape, y.array.shape)
    except ValueError:
        raise ValueError(
            f"{op}: {names[0]} {x.array.shape} and {names[1]} {y.array.shape} do not broadcast"
        ) from None
    if warn:
        warnings.warn(
            f"{op}: input {x.array.shape} and target {y.array.shape} differ in shape; broadcast to "
            f"{shape} they hardly are what is meant",
            stacklevel=3,
        )
    return x.expand(shape), y.expand(shape)
