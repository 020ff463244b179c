"""Sorting along an axis, the largest and smallest, and search in what is sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.scatter import gather
from naivegrad.backend.promotion import is_floating, promote
from naivegrad.kernels import sort as kernel

INT32, INT64, FLOAT32 = np.dtype("int32"), np.dtype("int64"), np.dtype("float32")
FLOAT64, KEY = np.dtype("float64"), np.dtype("uint64")


def sort(x: ndarray, axis: int, descending: bool) -> tuple[ndarray, ndarray]:
    """The sorted values and where they stood (int64). Stable; a NaN counts as the largest."""
    lines = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    keys = _packed(lines, descending)
    if keys is not None:
        keys.sort(axis=-1)
        order = _positions(keys)
    else:
        keys = _wide(lines, descending)
        order = keys.argsort(-1)  # vectorised, not stable
        ordered = np.take_along_axis(keys, order, -1)
        if (ordered[..., 1:] == ordered[..., :-1]).any():
            order = keys.argsort(-1, kind="stable")
    return _picked(lines, order, axis)


def topk(x: ndarray, axis: int, k: int, largest: bool) -> tuple[ndarray, ndarray]:
    """The k largest (smallest) in order, and where they stand; of equal ones the first."""
    lines = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    n = lines.shape[-1]
    if k == 0 or n == 0:
        order = np.empty((*lines.shape[:-1], k), np.int64)
        return _picked(lines, order, axis)
    keys = _packed(lines, largest)
    if keys is not None:
        if k < n:
            keys.partition(k - 1, axis=-1)
        keys = keys[..., :k].copy()
        keys.sort(axis=-1)
        order = _positions(keys)
    else:
        keys = _wide(lines, largest)
        order = np.sort(keys.argpartition(k - 1, -1)[..., :k], -1)
        among = np.take_along_axis(keys, order, -1).argsort(-1, kind="stable")
        order = np.take_along_axis(order, among, -1)
    return _picked(lines, order, axis)


def kth(x: ndarray, axis: int, k: int) -> ndarray:
    """Where the k-th smallest value on an axis stands, k from 0; the axis keeps length 1."""
    lines = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    keys = _packed(lines, False)
    if keys is not None:
        keys.partition(k, axis=-1)
        order = _positions(keys[..., k : k + 1].copy())
    else:
        order = _wide(lines, False).argpartition(k, -1)[..., k : k + 1]
    return np.ascontiguousarray(np.moveaxis(order, -1, axis))


def _packed(lines: ndarray, descending: bool) -> ndarray | None:
    """Keys of 32 bits above the positions, as uint64; None where the values need more bits."""
    t, n = lines.dtype, lines.shape[-1]
    if n >= 2**32 or t == FLOAT64:
        return None
    if t.itemsize == 8:
        low, high = (int(lines.min()), int(lines.max())) if lines.size else (0, 0)
        if high - low >= 2**31:
            return None
        lines = (lines - low).astype(INT32)
    elif t != INT32 and t != FLOAT32:
        lines = lines.astype(FLOAT32 if is_floating(t) else INT32)
    keys = np.empty(lines.shape, KEY)
    kernel.pack(lines, keys, n, descending)
    return keys


def _wide(lines: ndarray, descending: bool) -> ndarray:
    keys = np.empty(lines.shape, KEY)
    kernel.wide_keys(lines, keys, descending)
    return keys


def _positions(keys: ndarray) -> ndarray:
    out = np.empty(keys.shape, np.int64)
    kernel.positions(keys, out)
    return out


def _picked(lines: ndarray, order: ndarray, axis: int) -> tuple[ndarray, ndarray]:
    """Values and positions along the last axis, moved back to `axis`."""
    values = gather(lines, lines.ndim - 1, order)
    back = [np.ascontiguousarray(np.moveaxis(y, -1, axis)) for y in (values, order)]
    return back[0], back[1]


def searchsorted(
    sequence: ndarray, order: ndarray | None, values: ndarray, right: bool, dtype: np.dtype[Any]
) -> ndarray:
    """Where each value would go in a sorted line: before equal ones, or behind them if `right`.

    The sequence is one line, or has as many lines as values. `order`, positions that sort each
    line, may be given in place of sorting it.
    """
    common = promote(sequence.dtype, values.dtype)
    if common not in (FLOAT32, FLOAT64, INT32, INT64):
        common = FLOAT32 if is_floating(common) else INT32
    n = sequence.shape[-1]
    out = np.empty(values.shape, dtype)
    kernel.searchsorted(
        np.ascontiguousarray(sequence, common),
        None if order is None else np.ascontiguousarray(order, INT64),
        np.ascontiguousarray(values, common),
        out,
        n,
        values.shape[-1] if values.ndim else 1,
        sequence.ndim == 1,
        right,
    )
    return out


def isin(x: ndarray, members: ndarray, invert: bool) -> ndarray:
    """Whether each element of x is among the members (or not, if `invert`). A NaN never is."""
    common = promote(x.dtype, members.dtype)
    if is_floating(common) and common.itemsize == 2:
        common = FLOAT32
    x, members = x.astype(common, copy=False), members.astype(common, copy=False)
    return np.asarray(np.isin(x, members, invert=invert))
