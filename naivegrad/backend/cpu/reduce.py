"""Reductions over any axes: brought to (outer, n, inner) for the loops of kernels/reduce.pyx."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast, compare
from naivegrad.backend.promotion import floating, is_floating
from naivegrad.kernels import elementwise as loops
from naivegrad.kernels import reduce as kernel

Axes = tuple[int, ...]
_NUMPY: dict[str, Any] = {
    "sum": np.add.reduce,
    "prod": np.multiply.reduce,
    "max": np.maximum.reduce,
    "min": np.minimum.reduce,
    "any": np.logical_or.reduce,
    "all": np.logical_and.reduce,
}


def reduce(op: str, x: ndarray, axes: Axes | None, keepdims: bool, scale: float = 1.0) -> ndarray:
    """scale times the sum, prod, max, min, any or all over `axes` (sorted, from 0; None: all).

    Integers and truth values sum and multiply to int64; an empty sum is 0, an empty prod is 1.
    """
    result = kernel.reduce_dense(op, x, axes, keepdims, scale)
    if result is not None:
        return result
    if axes is None:
        axes = tuple(range(x.ndim))
    if op in ("any", "all") and x.dtype.kind != "b":
        return reduce(op, compare("ne", x, 0), axes, keepdims)
    if is_floating(x.dtype) and op not in ("any", "all"):
        if x.dtype.itemsize < 4:
            return cast(reduce(op, cast(x, np.dtype("float32")), axes, keepdims, scale), x.dtype)
        if not axes:
            return loops.binary("mul", x, scale)
        shape, code = x.shape, kernel.CODES[op]
        x = np.ascontiguousarray(x)
        for first, last in _groups(axes):  # the last group first: its values lie closest
            outer, inner = math.prod(x.shape[:first]), math.prod(x.shape[last + 1 :])
            n = math.prod(x.shape[first : last + 1])
            gone = (1,) * (last + 1 - first)
            out = np.empty((*x.shape[:first], *gone, *x.shape[last + 1 :]), x.dtype)
            final = first == axes[0]
            kernel.reduce(code, x, out, outer, n, inner, scale if final else 1.0, None)
            x = out
        return x if keepdims else x.reshape(_left(shape, axes))
    if x.dtype.kind == "c" and op not in ("any", "all"):
        if op not in ("sum", "prod"):
            raise TypeError(f"{op}: is not defined for complex tensors")
        with np.errstate(all="ignore"):
            y = np.asarray(_NUMPY[op](x, axis=axes, keepdims=keepdims))
            return y if scale == 1 else np.multiply(y, x.dtype.type(scale), out=y)
    wide = op in ("sum", "prod") and x.dtype.kind in "biu"
    kwargs: dict[str, Any] = {"dtype": np.int64} if wide else {}
    return np.asarray(_NUMPY[op](x, axis=axes, keepdims=keepdims, **kwargs))


def _groups(axes: Axes) -> list[tuple[int, int]]:
    """Runs of neighbouring axes, the last first: (0, 2, 3) is [(2, 3), (0, 0)]."""
    groups: list[tuple[int, int]] = []
    for axis in axes:
        if groups and axis == groups[-1][1] + 1:
            groups[-1] = (groups[-1][0], axis)
        else:
            groups.append((axis, axis))
    return groups[::-1]


def _left(shape: tuple[int, ...], axes: Axes) -> list[int]:
    """The lengths that a reduction leaves."""
    return [n for i, n in enumerate(shape) if i not in axes]


def as_lines(x: ndarray, axes: Axes) -> ndarray:
    """x as (outer, n, inner), contiguous, to be reduced along n; axes that lie apart are moved."""
    if len(_groups(axes)) > 1:
        kept = [i for i in range(x.ndim) if i not in axes]
        n, outer = (math.prod(x.shape[i] for i in part) for part in (axes, kept))
        return np.ascontiguousarray(x.transpose(*kept, *axes)).reshape(outer, n, 1)
    first, end = (axes[0], axes[-1] + 1) if axes else (x.ndim, x.ndim)
    sizes = [math.prod(part) for part in (x.shape[:first], x.shape[first:end], x.shape[end:])]
    return np.ascontiguousarray(x).reshape(sizes)


def as_reduced(flat: ndarray, shape: tuple[int, ...], axes: Axes, keepdims: bool) -> ndarray:
    """A reduced array of any shape in the shape that is due."""
    if keepdims:
        return flat.reshape([1 if i in axes else n for i, n in enumerate(shape)])
    return flat.reshape(_left(shape, axes))


def var(x: ndarray, axes: Axes, correction: float, keepdims: bool) -> ndarray:
    """sum((x - mean)^2) / (n - correction) over `axes`; NaN where n <= correction."""
    if x.dtype.itemsize < 4:
        return cast(var(cast(x, np.dtype("float32")), axes, correction, keepdims), x.dtype)
    lines = as_lines(x, axes)
    outer, n, inner = lines.shape
    means, squares = np.empty((2, outer * inner), x.dtype)
    kernel.reduce(
        kernel.CODES["sum"], lines, means, outer, n, inner, 1 / n if n else math.nan, None
    )
    scale = 1.0 / (n - correction) if n > correction else math.nan if n == 0 else math.inf
    kernel.reduce(kernel.CODES["squares"], lines, squares, outer, n, inner, scale, means)
    return as_reduced(squares, x.shape, axes, keepdims)


def arg_reduce(op: str, x: ndarray, axis: int, keepdims: bool) -> ndarray:
    """The first index of the largest ("max") or smallest ("min") value along one axis, as int64."""
    if x.dtype in (np.float32, np.float64) and x.shape[axis] < 2**31:
        return kernel.arg_reduce(op == "max", np.ascontiguousarray(x), axis, keepdims)
    find = np.argmax if op == "max" else np.argmin
    return np.asarray(find(x, axis=axis, keepdims=keepdims))


def logsumexp(x: ndarray, axes: Axes, keepdims: bool) -> ndarray:
    """log(sum(exp(x))) over `axes`, shifted by the maximum so that nothing overflows."""
    dtype = floating(x.dtype)
    if x.dtype != dtype or dtype.itemsize < 4:
        work = np.dtype("float64" if dtype == np.float64 else "float32")
        return cast(logsumexp(cast(x, work), axes, keepdims), dtype)
    lines = as_lines(x, axes)
    outer, n, inner = lines.shape
    peak, total = np.full((2, outer, 1, inner), -math.inf, x.dtype)
    if n:
        kernel.reduce(kernel.CODES["max"], lines, peak, outer, n, inner, 1.0, None)
    peak[~np.isfinite(peak)] = 0  # all -inf, or a +inf: no shift that is itself infinite
    terms = loops.unary("exp", loops.binary("sub", lines, peak))
    kernel.reduce(kernel.CODES["sum"], terms, total, outer, n, inner, 1.0, None)
    return as_reduced(loops.binary("add", loops.unary("log", total), peak), x.shape, axes, keepdims)
