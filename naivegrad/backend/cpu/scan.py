"""Scans along one axis: brought to (outer, n, inner) for the loops of kernels/scan.pyx."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import scan as kernel


def scan(op: str, x: ndarray, axis: int, backward: bool = False) -> ndarray:
    """Running "sum", "prod" or "logsumexp" along an axis; from the end if `backward`.

    Integers give int64.
    """
    if x.dtype in (np.float32, np.float64):
        out = np.empty(x.shape, x.dtype)
        if x.size:
            x_ = np.ascontiguousarray(x)
            kernel.scan(kernel.CODES[op], backward, x_, out, *_lines(x.shape, axis))
        return out
    if x.dtype.kind in "biu":
        return _by_numpy(op, x, axis, backward, np.dtype("int64"))
    if x.dtype.kind == "c":
        if op == "logsumexp":
            raise TypeError("logcumsumexp: is not defined for complex tensors")
        return _by_numpy(op, x, axis, backward, x.dtype)
    return cast(scan(op, cast(x, np.dtype("float32")), axis, backward), x.dtype)


def _by_numpy(op: str, x: ndarray, axis: int, backward: bool, dtype: np.dtype[Any]) -> ndarray:
    if not x.ndim:
        return x.astype(dtype)
    run = np.cumsum if op == "sum" else np.cumprod
    with np.errstate(all="ignore"):
        if backward:
            flipped = run(np.flip(x, axis), axis=axis, dtype=dtype)
            return np.ascontiguousarray(np.flip(flipped, axis))
        return np.asarray(run(x, axis=axis, dtype=dtype))


def others(x: ndarray, axis: int) -> ndarray:
    """y[i] = the product of all x but x[i] along an axis; right also where some are 0."""
    if x.dtype.kind == "c":
        if x.size < 2:
            return np.ones_like(x)
        ones = np.ones_like(np.take(x, [0], axis))
        head, tail = (np.take(t, range(x.shape[axis] - 1), axis) for t in (x, np.flip(x, axis)))
        before, after = (np.cumprod(np.concatenate([ones, t], axis), axis) for t in (head, tail))
        return np.asarray(before * np.flip(after, axis))
    work = x.dtype if x.dtype in (np.float32, np.float64) else np.dtype("float32")
    y = np.empty(x.shape, work)
    if x.size:
        kernel.others(np.ascontiguousarray(x, work), y, *_lines(x.shape, axis))
    return cast(y, x.dtype)


def recur(b: ndarray, a: ndarray, axis: int, backward: bool = False) -> ndarray:
    """y[k] = b[k] + a[k] * y[k - 1] along an axis; b[k] + a[k + 1] * y[k + 1] if `backward`.

    Both of one shape and floating-point type.
    """
    if b.dtype.kind == "c":
        return _recur_complex(b, a, axis, backward)
    work = b.dtype if b.dtype in (np.float32, np.float64) else np.dtype("float32")
    y = np.empty(b.shape, work)
    if b.size:
        b_, a_ = np.ascontiguousarray(b, work), np.ascontiguousarray(a, work)
        kernel.recur(backward, b_, a_, y, *_lines(b.shape, axis))
    return cast(y, b.dtype)


def _recur_complex(b: ndarray, a: ndarray, axis: int, backward: bool) -> ndarray:
    y = b.copy("C")
    if not b.ndim:
        return y
    lines, factors = np.moveaxis(y, axis, 0), np.moveaxis(a, axis, 0)
    if backward:
        lines, factors = lines[::-1], np.concatenate([factors[:1], factors[:0:-1]])
    for k in range(1, len(lines)):
        lines[k] += factors[k] * lines[k - 1]
    return y


def arg_scan(op: str, x: ndarray, axis: int) -> ndarray:
    """The last index of the "max" or "min" so far along an axis, NaN winning, as int64."""
    out = np.empty(x.shape, np.int64)
    if x.size:
        if x.dtype.kind == "c":
            raise TypeError(f"cum{op}: is not defined for complex tensors")
        work = x.dtype if x.dtype in (np.float32, np.float64) else np.dtype("int64")
        if x.dtype.kind not in "biu" and work.kind == "i":
            work = np.dtype("float32")
        kernel.arg_scan(op == "max", np.ascontiguousarray(x, work), out, *_lines(x.shape, axis))
    return out


def _lines(shape: tuple[int, ...], axis: int) -> tuple[int, int, int]:
    """What lies before, on and after an axis: outer, n, inner. A 0-d array is one line of one."""
    if not shape:
        return 1, 1, 1
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
