"""What the in-place methods of indexing call: written straight into the memory, for `assign`."""

from __future__ import annotations

from typing import Any

from naivegrad.ops.index import IndexPutInto, put_at
from naivegrad.ops.mask_fill import masked_fill_
from naivegrad.ops.scatter import scatter_added, scattered
from naivegrad.ops.slices import index_added, index_filled, put_slices
from naivegrad.tensor import Tensor

__all__ = [
    "index_add_",
    "index_copy_",
    "index_fill_",
    "index_put_",
    "masked_fill_",
    "scatter_",
    "scatter_add_",
]


def scatter_(
    x: Tensor, dim: int, index: Tensor, src: Any, value: Any, reduce: str | None
) -> Tensor:
    """scatter, in the memory of x."""
    return scattered(x, dim, index, src, value, reduce, True)


def scatter_add_(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """scatter_add, in the memory of x."""
    return scatter_added(x, dim, index, src, True)


def index_put_(x: Tensor, indices: Any, values: Tensor, accumulate: bool) -> Tensor:
    """index_put, in the memory of x."""
    return put_at(IndexPutInto, x, indices, values, accumulate)


def index_add_(x: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any) -> Tensor:
    """index_add, in the memory of x."""
    return index_added(IndexPutInto, x, dim, index, source, alpha)


def index_copy_(x: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """index_copy, in the memory of x."""
    return put_slices("index_copy", x, dim, index, source, False, IndexPutInto)


def index_fill_(x: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """index_fill, in the memory of x."""
    return index_filled(IndexPutInto, x, dim, index, value)
