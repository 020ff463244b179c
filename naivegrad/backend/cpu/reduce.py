"""Reductions over any axes: brought to (outer, n, inner) for the loops of kernels/reduce.pyx."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import binary, cast, unary
from naivegrad.backend.promotion import floating
from naivegrad.kernels import reduce as kernel

Axes = tuple[int, ...]
_NUMPY = {
    "sum": np.sum,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "any": np.any,
    "all": np.all,
}


def reduce(op: str, x: ndarray, axes: Axes | None, keepdims: bool, scale: float = 1.0) -> ndarray:
    """scale times the sum, prod, max, min, any or all over `axes` (sorted, not negative; None: all).

    Integers and truth values sum and multiply to int64; an empty sum is 0, an empty prod is 1.
    """
    if axes is None:
        code = kernel.CODES.get(op)
        if code is not None and not keepdims:
            result = kernel.reduce_all(code, x, scale)
            if result is not None:
                return result
        axes = tuple(range(x.ndim))
    if x.dtype.kind == "f" and op not in ("any", "all"):
        if x.dtype.itemsize >= 4:
            return _shaped(_reduce_float(op, x, axes, scale), x.shape, axes, keepdims)
        return cast(reduce(op, x.astype(np.float32), axes, keepdims, scale), x.dtype)
    kwargs: dict[str, Any] = {"dtype": np.int64} if op in ("sum", "prod") else {}
    return np.asarray(_NUMPY[op](x, axis=axes, keepdims=keepdims, **kwargs))


def _reduce_float(
    op: str, x: ndarray, axes: Axes, scale: float, center: ndarray | None = None
) -> ndarray:
    """The same for float32 and float64; the result is flat. `center`: for "squares", the means."""
    code = kernel.CODES[op]
    shape = x.shape
    if not x.flags.c_contiguous:
        x = np.ascontiguousarray(x)
    groups = _groups(axes)
    if (
        center is not None and len(groups) > 1
    ):  # the means must line up with one reduction: one pass
        kept = [i for i in range(len(shape)) if i not in axes]
        x = np.ascontiguousarray(x.transpose(*kept, *axes))
        n = math.prod(shape[i] for i in axes)
        out = np.empty(center.size, x.dtype)
        kernel.reduce(code, x, out, center.size, n, 1, scale, center)
        return out
    lengths = list(shape)
    for k, (first, last) in enumerate(
        reversed(groups)
    ):  # the last group first: its values lie closest
        outer = math.prod(lengths[:first])
        n = math.prod(lengths[first : last + 1])
        inner = math.prod(lengths[last + 1 :])
        out = np.empty(outer * inner, x.dtype)
        final = k == len(groups) - 1
        kernel.reduce(code, x, out, outer, n, inner, scale if final else 1.0, center)
        x = out
        lengths[first : last + 1] = [1] * (last + 1 - first)
    if not groups:
        x = (
            x.reshape(-1) * x.dtype.type(scale)
            if op != "squares"
            else (x.reshape(-1) - center) ** 2
        )
    return x


def _groups(axes: Axes) -> list[tuple[int, int]]:
    """Runs of neighbouring axes: (0, 2, 3) is [(0, 0), (2, 3)]."""
    groups: list[tuple[int, int]] = []
    for axis in axes:
        if groups and axis == groups[-1][1] + 1:
            groups[-1] = (groups[-1][0], axis)
        else:
            groups.append((axis, axis))
    return groups


def _shaped(flat: ndarray, shape: tuple[int, ...], axes: Axes, keepdims: bool) -> ndarray:
    if keepdims:
        return flat.reshape([1 if i in axes else n for i, n in enumerate(shape)])
    return flat.reshape([n for i, n in enumerate(shape) if i not in axes])


def var(x: ndarray, axes: Axes, correction: float, keepdims: bool) -> ndarray:
    """sum((x - mean)^2) / (n - correction) over `axes`, in two passes; NaN where n <= correction."""
    n = math.prod(x.shape[i] for i in axes)
    if x.dtype.itemsize < 4:
        return cast(var(x.astype(np.float32), axes, correction, keepdims), x.dtype)
    means = _reduce_float("sum", x, axes, 1.0 / n if n else math.nan)
    scale = 1.0 / (n - correction) if n > correction else math.nan if n == 0 else math.inf
    with np.errstate(invalid="ignore"):
        flat = _reduce_float("squares", x, axes, 1.0, means)
        flat = flat * flat.dtype.type(scale)  # 0 * inf, one value without its mean, is NaN
    return _shaped(flat, x.shape, axes, keepdims)


def arg_reduce(op: str, x: ndarray, axis: int, keepdims: bool) -> ndarray:
    """The first index of the largest ("max") or smallest ("min") value along one axis, as int64."""
    if x.dtype in (np.float32, np.float64):
        x = np.ascontiguousarray(x)
        outer, n = math.prod(x.shape[:axis]), x.shape[axis]
        inner = math.prod(x.shape[axis + 1 :])
        out = np.empty(outer * inner, np.int64)
        kernel.arg_reduce(op == "max", x, out, outer, n, inner)
        return _shaped(out, x.shape, (axis,), keepdims)
    find = np.argmax if op == "max" else np.argmin
    return np.asarray(find(x, axis=axis, keepdims=keepdims))


def scan(op: str, x: ndarray, axis: int, backward: bool = False) -> ndarray:
    """Running "sum" or "prod" along one axis; from the end if `backward`. Integers give int64."""
    if x.dtype in (np.float32, np.float64):
        x = np.ascontiguousarray(x)
        out = np.empty_like(x)
        outer, n = math.prod(x.shape[:axis]), x.shape[axis]
        inner = math.prod(x.shape[axis + 1 :])
        kernel.scan(op == "prod", backward, x, out, outer, n, inner)
        return out
    if x.dtype.kind == "f":
        return cast(scan(op, x.astype(np.float32), axis, backward), x.dtype)
    run = np.cumsum if op == "sum" else np.cumprod
    if backward:
        return np.ascontiguousarray(np.flip(run(np.flip(x, axis), axis=axis, dtype=np.int64), axis))
    return np.asarray(run(x, axis=axis, dtype=np.int64))


def logsumexp(x: ndarray, axes: Axes, keepdims: bool) -> ndarray:
    """log(sum(exp(x))) over `axes`, shifted by the maximum so that nothing overflows."""
    x = cast(x, floating(x.dtype))
    if math.prod(x.shape[i] for i in axes) == 0:
        return unary("log", reduce("sum", x, axes, keepdims))
    peak = reduce("max", x, axes, True)
    peak[~np.isfinite(peak)] = 0  # all -inf, or a +inf: no shift that is itself infinite
    total = reduce("sum", unary("exp", binary("sub", x, peak)), axes, True)
    result = binary("add", unary("log", total), peak)
    return result if keepdims else result.reshape(_shaped_dims(x.shape, axes))


def _shaped_dims(shape: tuple[int, ...], axes: Axes) -> list[int]:
    return [n for i, n in enumerate(shape) if i not in axes]
