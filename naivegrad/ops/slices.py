"""Whole slices by a 1-d index, flat positions, and regions replaced: copies, not views."""

from __future__ import annotations

from typing import Any

from naivegrad.ops._args import (
    apply_named,
    as_tensor_like,
    into,
    normalize_axis,
    require_integers,
    require_tensor,
)
from naivegrad.ops.diagonal import diagonal
from naivegrad.ops.index import Index, IndexPut
from naivegrad.ops.scatter import REDUCTIONS, reduced
from naivegrad.tensor import Tensor


def _axis_and_pattern(op: str, x: Any, dim: int) -> tuple[Tensor, int, tuple[bool, ...]]:
    """The input (a 0-d one as 1-d), the dimension from the front, and which axis is indexed."""
    require_tensor(x, op)
    axis = normalize_axis(dim, x.array.ndim, op)
    x = x if x.array.ndim else x.reshape(1)
    return x, axis, (*(False,) * axis, True)


def _line(op: str, index: Any) -> Tensor:
    """An index of one dimension (or of none: one element)."""
    require_integers(index, op, "index")
    if index.array.ndim > 1:
        raise ValueError(f"{op}: the index must be 1-d, got shape {index.array.shape}")
    return index if index.array.ndim else index.reshape(1)


def _not_negative(op: str, index: Tensor, axis: int, size: int) -> None:
    """IndexError for positions counted from the end, which only x[...] takes."""
    low, _ = index.backend.bounds(index.array)
    if low < 0 and index.array.size:
        raise IndexError(
            f"{op}: index {low} is out of bounds for dimension {axis} with size {size}"
        )


def _source(op: str, x: Tensor, axis: int, index: Tensor, source: Any) -> Tensor:
    """A source of the type of x, with the shape of x but for the index's length on the axis."""
    require_tensor(source, op, "source")
    if source.array.dtype != x.array.dtype:
        raise TypeError(f"{op}: source is {source.dtype}, but input is {x.dtype}")
    if source.array.ndim == 0:
        source = source.reshape(1)
    shape = x.array.shape
    expected = (*shape[:axis], index.array.size, *shape[axis + 1 :])
    if source.array.shape != expected:
        raise ValueError(
            f"{op}: expects a source of shape {expected} for input {shape} and an index of "
            f"{index.array.size}, got {source.array.shape}"
        )
    return source


def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of dim at the positions of a 1-d index: y[:, i] = x[:, index[i]] (dim 1).

    Differentiable in input: repeated positions add up. IndexError for positions outside [0, n).
    """
    op = "index_select"
    x, axis, pattern = _axis_and_pattern(op, input, dim)
    index = _line(op, index)
    _not_negative(op, index, axis, x.array.shape[axis])
    try:
        y = Index.apply(x, pattern, index)
    except IndexError as error:
        raise IndexError(f"{op}: {error}") from None
    return into(out, y if input.array.ndim else y.reshape(()), op)


def put_slices(
    op: str, input: Tensor, dim: int, index: Any, source: Any, add: bool, function: type[IndexPut]
) -> Tensor:
    """Whole slices replaced or added to; `function` says whether in place."""
    x, axis, pattern = _axis_and_pattern(op, input, dim)
    index = _line(op, index)
    _not_negative(op, index, axis, x.array.shape[axis])
    source = _source(op, x, axis, index, source)
    y = apply_named(op, function, x, source, add, pattern, index)
    return y if input.array.ndim else y.reshape(())


def index_add(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: Any = 1,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of input with alpha * source added where index says.

        y[:, index[i], :] += alpha * source[:, i, :]        (dim 1)

    Repeated indices add up, in order. Differentiable in input and source. IndexError for positions
    outside [0, n), ValueError for a source of another shape, TypeError for one of another type.
    """
    return into(out, index_added(IndexPut, input, dim, index, source, alpha), "index_add")


def index_added(
    function: type[IndexPut], input: Tensor, dim: int, index: Tensor, source: Any, alpha: Any
) -> Tensor:
    """index_add, out of place or in place."""
    require_tensor(source, "index_add", "source")
    scaled = source if alpha == 1 else (source * alpha).cast(source.array.dtype)
    return put_slices("index_add", input, dim, index, scaled, True, function)


def index_copy(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy of input with slices replaced: y[:, index[i], :] = source[:, i, :] (dim 1).

    Differentiable in input and source. Of repeated indices the last stays, as in `scatter`.
    """
    return into(
        out, put_slices("index_copy", input, dim, index, source, False, IndexPut), "index_copy"
    )


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of input with one value (a number, or a 0-d Tensor) in the slices that index names.

    Differentiable in input, and in the value if it is a Tensor.
    """
    return index_filled(IndexPut, input, dim, index, value)


def index_filled(
    function: type[IndexPut], input: Tensor, dim: int, index: Tensor, value: Any
) -> Tensor:
    """index_fill, out of place or in place."""
    op = "index_fill"
    x, _, pattern = _axis_and_pattern(op, input, dim)
    index = _line(op, index)
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise ValueError(f"{op}: value must be a number or 0-d, got shape {value.array.shape}")
        value = value.cast(x.array.dtype)
    elif not isinstance(value, int | float | complex):
        raise TypeError(f"{op}: value must be a number or a Tensor, got {type(value).__name__}")
    value = as_tensor_like(value, x)
    y = apply_named(op, function, x, value, False, pattern, index)
    return y if input.array.ndim else y.reshape(())


def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of input with slices of source combined into it where index says.

    As `scatter_reduce`, of whole slices: reduce is "prod", "mean", "amax" or "amin" (for a sum, see
    `index_add`).
    """
    op = "index_reduce"
    x, axis, _ = _axis_and_pattern(op, input, dim)
    if reduce not in REDUCTIONS[1:]:
        raise ValueError(f"{op}: reduce must be one of {', '.join(REDUCTIONS[1:])}, got {reduce!r}")
    index = _line(op, index)
    source = _source(op, x, axis, index, source)
    wide = [1] * x.array.ndim
    wide[axis] = -1
    lines = index.reshape(wide).expand(source.array.shape)
    y = reduced(op, x, axis, lines, source, reduce, include_self)
    return into(out, y if input.array.ndim else y.reshape(()), op)


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements at positions of the flattened input, in the shape of index.

    Negative positions count from the end. Differentiable in input; repeated positions add up.
    """
    op = "take"
    require_tensor(input, op)
    require_integers(index, op, "index")
    return into(out, apply_named(op, Index, input.reshape(-1), (True,), index), op)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of input with source at positions of the flattened input; or added to them.

    index and source have as many elements. Negative positions count from the end.
    """
    op = "put"
    require_tensor(input, op)
    require_integers(index, op, "index")
    require_tensor(source, op, "source")
    if source.array.dtype != input.array.dtype:
        raise TypeError(f"{op}: source is {source.dtype}, but input is {input.dtype}")
    if source.array.size != index.array.size:
        raise ValueError(
            f"{op}: index and source must have as many elements, got shapes {index.array.shape} "
            f"and {source.array.shape}"
        )
    flat = input.reshape(-1)
    y = apply_named(op, IndexPut, flat, source.reshape(-1), accumulate, (True,), index.reshape(-1))
    return y.reshape(input.array.shape)


# ---- a region replaced: as an assignment to a view of a copy -------------------------------------


def _replaced(op: str, y: Tensor, region: Tensor, src: Any) -> Tensor:
    """y, the region of it (a view) overwritten with src."""
    require_tensor(src, op, "src")
    if src.array.shape != region.array.shape:
        raise ValueError(
            f"{op}: expects a src of shape {region.array.shape}, got {src.array.shape}"
        )
    region.copy_(src)
    return y


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of input with src in the place of ``input.select(dim, index)``."""
    op = "select_scatter"
    y = require_tensor(input, op).clone()
    axis = normalize_axis(dim, input.array.ndim, op)
    n = input.array.shape[axis] if input.array.ndim else 0
    if not -n <= index < n:
        raise IndexError(f"{op}: index {index} is out of bounds for dimension {axis} with size {n}")
    return _replaced(op, y, y.select(axis, index), src)


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """A copy of input with src in the place of ``input[start:end:step]`` along dim."""
    op = "slice_scatter"
    y = require_tensor(input, op).clone()
    if step < 1:
        raise ValueError(f"{op}: step must be positive, got {step}")
    axis = normalize_axis(dim, input.array.ndim, op)
    region = y[(slice(None),) * axis + (slice(start, end, step),)]
    return _replaced(op, y, region, src)


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of input with src in the place of ``input.diagonal(offset, dim1, dim2)``."""
    op = "diagonal_scatter"
    y = require_tensor(input, op).clone()
    return _replaced(op, y, diagonal(y, offset, dim1, dim2), src)
