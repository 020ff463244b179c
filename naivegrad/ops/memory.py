"""Which memory a tensor has, and what a Python function makes of each of its elements."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.ops._args import new_shape
from naivegrad.ops.creation import tensor
from naivegrad.tensor import Tensor, wrap


def resize_(x: Tensor, *sizes: Any) -> Tensor:
    """Another shape, in the same memory as far as it reaches."""
    shape = new_shape(sizes, "resize_")
    if x.requires_grad or x.view_of is not None:
        raise RuntimeError("resize_: a tensor that requires grad, or a view, cannot be resized")
    count = math.prod(shape)
    flat = x.array if x.is_contiguous() else x.backend.copy(x.array)
    flat, _ = x.backend.reshape(flat, (x.array.size,))
    if count > x.array.size:
        memory = x.backend.empty((count,), x.array.dtype)
        x.backend.copy_into(x.backend.slice(memory, (slice(x.array.size),)), flat)
        flat = memory
    x.array, _ = x.backend.reshape(x.backend.slice(flat, (slice(count),)), shape)
    x.version[0] += 1
    return x


def set_(x: Tensor, source: Tensor) -> Tensor:
    """The memory of source, under the name of x."""
    if x.requires_grad or source.requires_grad:
        raise RuntimeError("set_: not for tensors that require grad; use detach()")
    if x.array.dtype != source.array.dtype:
        raise TypeError(f"set_: source is of type {source.dtype}, the tensor of {x.dtype}")
    x.array, x.version, x.view_of = source.array, source.version, source.view_of
    return x


def view_as_type(x: Tensor, wish: Any) -> Tensor:
    """The bytes of x read as numbers of another type; the last axis grows or shrinks with it."""
    if wish == x.dtype:
        return x.view_as(x)
    old, new = x.array.dtype.itemsize, wish.itemsize
    lengths = x.array.shape
    fits = old == new or (lengths and lengths[-1] * old % new == 0 and x.array.strides[-1] == old)
    fits = fits and x.data_ptr() % new == 0  # the loops read whole numbers
    if not fits:
        raise ValueError(
            f"view: a tensor of type {x.dtype}, shape {lengths} and stride {x.stride()} cannot be "
            f"read as {wish}"
        )
    result = wrap(x.backend.view_as_type(x.array, wish.numpy), x.backend)
    result.version = x.version
    return result


def apply_(op: str, x: Tensor, function: Any, *others: Tensor) -> Tensor:
    """x[i] = function(x[i], ...), by a loop in Python."""
    if x.requires_grad or any(y.requires_grad for y in others):
        raise RuntimeError(f"{op}: not for tensors that require grad")
    values = [y.expand(x.array.shape).reshape(-1).tolist() for y in (x, *others)]
    results = [function(*one) for one in zip(*values, strict=True)]
    return x.copy_(tensor(results, dtype=x.dtype).reshape(x.array.shape))
