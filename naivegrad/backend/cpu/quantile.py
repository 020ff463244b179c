"""Where the values of certain ranks stand."""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def arg_median(x: ndarray, axis: int, skip_nan: bool) -> ndarray:
    """The first index of the median (the lower middle) on an axis, kept with length 1, as int64.

    NaN wins unless skipped; of nothing but NaN it is 0.
    """
    if not x.ndim:
        return np.zeros((), np.int64)
    n = x.shape[axis]
    nan = np.isnan(x) if x.dtype.kind not in "iu" else None
    if nan is not None and not nan.any():
        nan = None
    if nan is not None and skip_nan:  # as many values as there are, a line each its own rank
        rank = np.maximum(n - nan.sum(axis, keepdims=True) - 1, 0) // 2
        middle = np.take_along_axis(np.sort(x, axis), rank, axis)
    else:
        middle = np.take(np.partition(x, (n - 1) // 2, axis), [(n - 1) // 2], axis)
    equal = x == middle
    if nan is not None and not skip_nan:
        equal = np.where(nan.any(axis, keepdims=True), nan, equal)
    return np.argmax(equal, axis, keepdims=True)


def arg_mode(x: ndarray, axis: int) -> ndarray:
    """The last index of the most frequent value (the smallest, if several) on an axis, kept."""
    if not x.ndim:
        return np.zeros((), np.int64)
    order = np.argsort(x, axis, kind="stable")
    line = np.moveaxis(np.take_along_axis(x, order, axis), axis, -1)
    at = np.arange(line.shape[-1])
    begins = np.ones(line.shape, bool)
    begins[..., 1:] = line[..., 1:] != line[..., :-1]
    length = at - np.maximum.accumulate(np.where(begins, at, 0), -1)
    best = np.moveaxis(np.argmax(length, -1, keepdims=True), -1, axis)  # the end of a longest run
    return np.take_along_axis(order, best, axis)


def arg_rank(x: ndarray, ranks: list[ndarray]) -> list[ndarray]:
    """Where the values of ranks (..., Q) stand in lines x (..., n), NaN last: int64 (..., Q) each.

    Ranks (Q,), the same for all lines, are found without sorting all.
    """
    shapes = [(*x.shape[:-1], r.shape[-1]) for r in ranks]
    constant = [r.reshape(-1, r.shape[-1]) for r in ranks]
    if all((r == r[:1]).all() for r in constant) and x.size:
        wanted = np.unique(np.concatenate([r[0] for r in constant]))
        order = np.argpartition(x, wanted, -1) if wanted.size else np.zeros(x.shape, np.int64)
    else:
        order = np.argsort(x, -1, kind="stable")
    return [
        np.take_along_axis(order, np.broadcast_to(r, s), -1)
        for r, s in zip(ranks, shapes, strict=True)
    ]
