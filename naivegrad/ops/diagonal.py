"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.device import backend_of
from naivegrad.ops._args import into, new_tensor, normalize_axis, numpy_dtype, require_tensor
from naivegrad.ops.joining import cat
from naivegrad.ops.movement import reshape
from naivegrad.ops.padding import pad
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap


class Diagonal(Function):
    """y = the diagonal through axes i and j of x, as the last axis.    grad_x = zeros, grad there.

    A view.
    """

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any, offset: int, i: int, j: int) -> Any:
        ctx.options = x.shape, offset, i, j
        return ctx.backend.diagonal(x, offset, i, j)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return DiagonalPut.apply(grad, *ctx.options)


class DiagonalPut(Function):
    """y = zeros, with x on the diagonal through axes i and j.    grad_x = that diagonal of grad."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...], offset: int, i: int, j: int) -> Any:
        ctx.options = offset, i, j
        y = ctx.backend.full(shape, 0, x.dtype)
        ctx.backend.copy_into(ctx.backend.diagonal(y, offset, i, j), x)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Diagonal.apply(grad, *ctx.options)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal through two axes, as a new last axis; a view.

    offset > 0 is above the main diagonal, offset < 0 below.
    """
    i, j = _two_axes(require_tensor(input, "diagonal").array.ndim, dim1, dim2, "diagonal")
    return Diagonal.apply(input, offset, i, j)


def _two_axes(ndim: int, dim1: int, dim2: int, op: str) -> tuple[int, int]:
    i, j = normalize_axis(dim1, ndim, op), normalize_axis(dim2, ndim, op)
    if i == j:
        raise ValueError(f"{op}: dim1 and dim2 must differ, got {dim1} and {dim2}")
    return i, j


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices, zero but for one diagonal: the last axis of input.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.diag_embed(ng.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    shape = require_tensor(input, "diag_embed").array.shape
    if not shape:
        raise ValueError("diag_embed: expects 1 dimension or more, got a 0-d tensor")
    i, j = _two_axes(len(shape) + 1, dim1, dim2, "diag_embed")
    n = shape[-1] + abs(offset)
    full = list(shape[:-1])
    for axis in sorted((i, j)):
        full.insert(axis, n)
    return DiagonalPut.apply(input, tuple(full), offset, i, j)


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The matrix with this vector on a diagonal; of a matrix, a copy of that diagonal."""
    ndim = require_tensor(input, "diag").array.ndim
    if ndim not in (1, 2):
        raise ValueError(f"diag: expects a vector or a matrix, got shape {input.array.shape}")
    if ndim == 1:
        return into(out, diag_embed(input, diagonal), "diag")
    return into(out, Diagonal.apply(input, diagonal, 0, 1).clone(), "diag")


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with the elements of input on a diagonal."""
    return diag_embed(reshape(require_tensor(input, "diagflat"), (-1,)), offset)


def _triangle(x: Tensor, diagonal: int, lower: bool, op: str) -> Tensor:
    if require_tensor(x, op).array.ndim < 2:
        raise ValueError(f"{op}: expects a matrix or a batch of them, got shape {x.array.shape}")
    backend = x.backend
    rows, columns = x.array.shape[-2:]
    r, _ = backend.reshape(backend.arange(0, rows, 1, np.dtype("int64")), (rows, 1))
    c = backend.arange(0, columns, 1, np.dtype("int64"))
    keep = backend.compare("le" if lower else "ge", backend.binary("sub", c, r), diagonal)
    return where(wrap(keep, backend), x, wrap(backend.full((), 0, x.array.dtype), backend))


def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of matrices, up to a diagonal; zero elsewhere."""
    return into(out, _triangle(input, diagonal, True, "tril"), "tril")


def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of matrices, from a diagonal on; zero elsewhere."""
    return into(out, _triangle(input, diagonal, False, "triu"), "triu")


def _indices(keep: Any, dtype: Any, device: Any) -> Tensor:
    backend = backend_of(device)
    found = np.array(keep.nonzero()).astype(numpy_dtype("int64" if dtype is None else dtype))
    return new_tensor(backend.from_numpy(found), backend, False)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """(2, K): rows and columns of the K entries of the lower triangle, row by row."""
    _check_sizes("tril_indices", row, col)
    return _indices(np.tri(row, col, offset, dtype=bool), dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """(2, K): rows and columns of the K entries of the upper triangle, row by row."""
    _check_sizes("triu_indices", row, col)
    return _indices(~np.tri(row, col, offset - 1, dtype=bool), dtype, device)


def _check_sizes(op: str, row: int, col: int) -> None:
    if row < 0 or col < 0:
        raise ValueError(f"{op}: sizes must not be negative, got ({row}, {col})")


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrices one below and beside the other; zero elsewhere. Vectors count as rows."""
    blocks = []
    for x in tensors:
        if require_tensor(x, "block_diag", "each of tensors").array.ndim > 2:
            raise ValueError(f"block_diag: expects matrices, got shape {x.array.shape}")
        blocks.append(x if x.array.ndim == 2 else reshape(x, (1, x.array.size)))
    if not blocks:
        return wrap(backend_of(None).full((1, 0), 0, numpy_dtype(None)), backend_of(None))
    columns = sum(x.array.shape[1] for x in blocks)
    rows, left = [], 0
    for x in blocks:
        width = x.array.shape[1]
        rows.append(pad(x, (left, columns - left - width)))
        left += width
    return cat(rows)
