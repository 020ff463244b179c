"""By a mask: select, scatter, and where a tensor is not zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad.ops._args import into, require_tensor
from naivegrad.ops.index import Index, IndexPut
from naivegrad.ops.joining import stack
from naivegrad.ops.mask_fill import common_shape, require_mask
from naivegrad.tensor import Tensor, wrap


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where the mask is true, as a 1-d tensor; input and mask broadcast together.

    Differentiable in input.
    """
    op = "masked_select"
    require_tensor(input, op)
    require_mask(op, mask)
    shape = common_shape(op, input, mask)
    flat = input.expand(shape).reshape(-1)
    return into(out, Index.apply(flat, (True,), _true(mask, shape)), op)


def _true(mask: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The flat positions where a mask, broadcast to a shape, is true."""
    (positions,) = mask.backend.nonzero(mask.expand(shape).reshape(-1).array)
    return wrap(positions, mask.backend)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of input with the first elements of source, one after another, where mask is true.

    input and mask broadcast together; source has input's type and at least as many elements as the
    mask has true ones. Differentiable in input and source.
    """
    op = "masked_scatter"
    require_tensor(input, op)
    require_mask(op, mask)
    require_tensor(source, op, "source")
    if source.array.dtype != input.array.dtype:
        raise TypeError(f"{op}: source is {source.dtype}, but input is {input.dtype}")
    shape = common_shape(op, input, mask)
    positions = _true(mask, shape)
    n = positions.array.size
    if source.array.size < n:
        raise ValueError(
            f"{op}: the mask is true {n} times, but source has {source.array.size} elements"
        )
    flat = input.expand(shape).reshape(-1)
    return IndexPut.apply(flat, source.reshape(-1)[:n], False, (True,), positions).reshape(shape)


def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The positions of what is not zero: an int64 matrix, a row each, or a tensor per dimension."""
    require_tensor(input, "nonzero")
    array = input.array
    if as_tuple:
        if not array.ndim:
            array = input.backend.reshape(array, (1,))[0]
        return tuple([wrap(i, input.backend) for i in input.backend.nonzero(array)])
    if not array.ndim:
        count = int(bool(input != 0))
        rows = wrap(input.backend.empty((count, 0), np.dtype("int64")), input.backend)
        return into(out, rows, "nonzero")
    columns = [wrap(i, input.backend) for i in input.backend.nonzero(array)]
    return into(out, stack(columns, 1), "nonzero")


def argwhere(input: Tensor) -> Tensor:
    """The positions of what is not zero, a row of int64 each."""
    require_tensor(input, "argwhere")
    return nonzero(input)
