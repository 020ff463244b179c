"""Values by rank: medians, quantiles, the most frequent value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.ops._args import into, into_each, normalize_axis, require_floating
from naivegrad.ops._axes import ordered, require_elements
from naivegrad.ops._results import ValuesIndices
from naivegrad.ops.compare import isnan
from naivegrad.ops.reduce import sum as sum_of
from naivegrad.ops.rounding import floor
from naivegrad.ops.scatter import Gather
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap


class Median(Function):
    """y = the median of all of x.    Elements equal to it share the gradient evenly."""

    @staticmethod
    def forward(ctx: Any, x: Any, skip_nan: bool) -> Any:
        backend = ctx.backend
        flat = backend.reshape(x, (-1,))[0]
        if not x.size:
            return backend.full((), math.nan, x.dtype)
        y = backend.gather(flat, 0, backend.arg_median(flat, 0, skip_nan))
        if True in ctx.needs_input_grad:
            both_nan = backend.logical(
                "and", backend.compare("ne", x, x), backend.compare("ne", y, y)
            )
            equal = backend.logical("or", backend.compare("eq", x, y), both_nan)
            share = backend.cast(equal, x.dtype)
            ctx.save_for_backward(
                backend.binary("div", share, backend.reduce("sum", share, None, False))
            )
        return backend.reshape(y, ())[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (share,) = ctx.saved_tensors if ctx.saved else (None,)
        return None if share is None else grad * share

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Any:
        (share,) = ctx.saved_tensors if ctx.saved else (0.0,)
        return (x_dot * share).sum()


def _pair(values: Tensor, indices: Any, axis: int, keepdim: bool) -> ValuesIndices:
    """One value per line and the array of its indices, with the axis or without."""
    where_ = wrap(indices, values.backend)
    shape = values.array.shape
    if keepdim or not shape:
        return ValuesIndices(values, where_)
    left = shape[:axis] + shape[axis + 1 :]
    return ValuesIndices(values.reshape(left), where_.reshape(left))


def _median(op: str, x: Any, dim: Any, keepdim: bool, skip_nan: bool) -> Any:
    if ordered(x, op).array.dtype.kind == "b":
        raise TypeError(f"{op}: numbers are needed, got {x.dtype}")
    if dim is None:
        if x.array.dtype.kind in "iu":
            require_elements(x, tuple(range(x.array.ndim)), op)
        return Median.apply(x, skip_nan)
    axis = normalize_axis(dim, x.array.ndim, op)
    require_elements(x, (axis,) if x.array.ndim else (), op)
    indices = x.backend.arg_median(x.array, axis, skip_nan)
    return _pair(Gather.apply(x, axis, indices), indices, axis, keepdim)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The median of all; with dim, (values, indices) along it. Of an even number, the lower middle.

    NaN wins. Of all, elements equal to the median share the gradient evenly; along dim it goes to
    the index that is returned, the first of equal ones.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.median(ng.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    """
    result = _median("median", input, dim, keepdim, False)
    return into(out, result, "median") if dim is None else into_each(out, result, "median")


def nanmedian(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> Any:
    """The median of what is not NaN, in the forms of `median`; NaN where there is nothing else."""
    result = _median("nanmedian", input, dim, keepdim, True)
    return into(out, result, "nanmedian") if dim is None else into_each(out, result, "nanmedian")


def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> ValuesIndices:
    """The most frequent value along dim (the smallest, if several) and its last index."""
    x = ordered(input, "mode")
    axis = normalize_axis(dim, x.array.ndim, "mode")
    require_elements(x, (axis,) if x.array.ndim else (), "mode")
    indices = x.backend.arg_mode(x.array, axis)
    return into_each(out, _pair(Gather.apply(x, axis, indices), indices, axis, keepdim), "mode")


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    op: str, x: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, skip_nan: bool
) -> Tensor:
    require_floating(x, op)
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"{op}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}"
        )
    if not x.array.size:
        raise ValueError(f"{op}: the input must have elements, got shape {x.array.shape}")
    if not isinstance(q, Tensor):
        if not isinstance(q, int | float):
            raise TypeError(f"{op}: q must be a number or a Tensor, got {type(q).__name__}")
        q = wrap(x.backend.full((), q, x.array.dtype), x.backend)
    if q.array.ndim > 1:
        raise ValueError(f"{op}: q must be a number or one line of them, got shape {q.array.shape}")
    if q.array.dtype != x.array.dtype:
        raise TypeError(f"{op}: q must have the type of the input, {x.dtype}, got {q.dtype}")
    inside = x.backend.logical(
        "and", x.backend.compare("ge", q.array, 0), x.backend.compare("le", q.array, 1)
    )
    if x.backend.bounds(inside)[0] == 0 and q.array.size:
        raise ValueError(f"{op}: q must be in the range [0, 1], got {q.tolist()}")
    shape = x.array.shape
    axis = None if dim is None else normalize_axis(dim, len(shape), op)
    lines = x.reshape(-1) if axis is None or not shape else x.movedim(axis, -1)
    if q.array.dtype.itemsize < 4:  # a rank wants more digits
        q = q.cast(np.dtype("float32"))
    result = _at_ranks(lines, q.reshape(-1), interpolation, skip_nan)  # (..., Q)
    if axis is None or not shape:
        kept = [1] * len(shape)
    else:
        kept = [1 if i == axis else n for i, n in enumerate(shape)]
        result = result.unsqueeze(axis) if axis < len(shape) - 1 else result.unsqueeze(-2)
    result = result.movedim(-1, 0)
    left = kept if keepdim else [n for i, n in enumerate(shape) if axis is not None and i != axis]
    return result.reshape([*([len(q.array)] if q.array.ndim else []), *left])


def _at_ranks(lines: Tensor, q: Tensor, interpolation: str, skip_nan: bool) -> Tensor:
    """The quantiles q (Q,) of lines (..., n): (..., Q)."""
    last = lines.array.ndim - 1
    n = lines.array.shape[last]
    nan = isnan(lines)
    if skip_nan:
        rank = q * (sum_of(~nan, -1, True) - 1).clamp(min=0).cast(q.array.dtype)
    else:  # one NaN stands last, and is taken for every quantile
        rank = where(sum_of(nan, -1, True) > 0, n - 1.0, q * (n - 1))
    below = floor(rank)
    weight = rank - below
    if interpolation in ("lower", "linear", "midpoint"):
        low = below
    elif interpolation == "higher":
        low = -floor(-rank)
    else:  # the even one, halfway
        half = floor(below / 2) * 2
        low = where((weight > 0.5) | ((weight == 0.5) & (below != half)), below + 1, below)
    ranks = [low]
    if interpolation in ("linear", "midpoint"):
        ranks.append(-floor(-rank))
    backend = lines.backend
    found = [
        Gather.apply(lines, last, index)
        for index in backend.arg_rank(
            lines.array, [backend.cast(r.array, np.dtype("int64")) for r in ranks]
        )
    ]
    if len(found) == 1:
        return found[0]
    if interpolation == "midpoint":
        return found[0] + 0.5 * (found[1] - found[0])
    step = where(weight == 0, 0.0, found[1] - found[0])  # of one infinity: inf - inf would be NaN
    return found[0] + weight.cast(lines.array.dtype) * step


def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The q-quantiles of all, or along dim: of n sorted values, that of rank q * (n - 1).

    Parameters
    ----------
    input : Tensor, floating point
    q : number in [0, 1], or a Tensor of them, () or (Q,), of the input's type
    dim : int
    keepdim : keep the dimension, with length 1
    interpolation : what is taken of a rank between two values: "linear", "lower", "higher",
        "midpoint", "nearest" (the even one, halfway)

    Returns
    -------
    Tensor; q (Q,) puts a dimension Q in front

    Notes
    -----
    Differentiable in the input and, where it is linear, in q. A NaN makes all quantiles of its line
    NaN; see `nanquantile`.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.quantile(ng.tensor([1.0, 2.0, 4.0, 9.0]), 0.5)
    tensor(3.)
    """
    result = _quantile("quantile", input, q, dim, keepdim, interpolation, False)
    return into(out, result, "quantile")


def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """`quantile` of what is not NaN; NaN where there is nothing else."""
    result = _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)
    return into(out, result, "nanquantile")
