"""Reading and writing by index: blocks, lines along an axis, masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.kernels import index as kernel

Index = tuple[Any, ...]  # per leading axis: slice(None) or an integer array, broadcasting together


def index(x: ndarray, where: Index) -> ndarray:
    """x[where]: the arrays broadcast together pick positions; slices keep their axis."""
    plan = _plan(x.shape, where)
    if plan is None:
        return np.ascontiguousarray(x[where])
    flat, outer, n, inner, shape = plan
    out = np.empty(shape, x.dtype)
    if out.size:
        kernel.take(np.ascontiguousarray(x), flat, out, outer, n, inner)
    return out


def index_put(x: ndarray, where: Index, value: ndarray, accumulate: bool) -> ndarray:
    """A copy of x with x[where] = value, or += value, repeated positions adding up."""
    out = x.copy("C")
    index_put_into(out, where, value, accumulate)
    return out


def index_put_into(out: ndarray, where: Index, value: ndarray, accumulate: bool) -> None:
    """out[where] = value, or += value, in place."""
    if not accumulate:
        out[where] = value
        return
    value = value.astype(out.dtype, copy=False)
    plan = _plan(out.shape, where)
    if plan is None or not _is_dense_float(out):
        np.add.at(out, where, value)
        return
    flat, outer, n, inner, shape = plan
    if math.prod(shape):
        value = np.ascontiguousarray(np.broadcast_to(value, shape))
        kernel.take_add(value, flat, out, outer, n, inner)


def _plan(
    shape: tuple[int, ...], where: Index
) -> tuple[ndarray, int, int, int, tuple[int, ...]] | None:
    """Neighbouring index arrays as one flat int64 index: (index, outer, n, inner, result shape).

    n is the product of the axes that they index; None where they do not stand side by side.
    """
    axes = [i for i, k in enumerate(where) if not isinstance(k, slice)]
    if axes != list(range(axes[0], axes[-1] + 1)):
        return None
    lengths = shape[axes[0] : axes[-1] + 1]
    flat = _counted_from_0(where[axes[0]], lengths[0])
    for axis, length in zip(axes[1:], lengths[1:], strict=True):
        flat = flat * length + _counted_from_0(where[axis], length)
    result = (*shape[: axes[0]], *flat.shape, *shape[axes[-1] + 1 :])
    outer, inner = math.prod(shape[: axes[0]]), math.prod(shape[axes[-1] + 1 :])
    return np.ascontiguousarray(flat), outer, math.prod(lengths), inner, result


def _counted_from_0(index_: ndarray, n: int) -> ndarray:
    """An int64 index without the negative values that count from the end."""
    index_ = index_.astype(np.int64, copy=False)
    if bounds(index_)[0] < 0:
        index_ = np.where(index_ < 0, index_ + n, index_)
    return index_


def _is_dense_float(x: ndarray) -> bool:
    return x.dtype in (np.float32, np.float64) and x.flags.carray


def nonzero(x: ndarray) -> tuple[ndarray, ...]:
    """The positions of what is not zero: one int64 array per axis."""
    return tuple(np.ascontiguousarray(i, np.int64) for i in np.nonzero(x))


def _lines(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """What lies before and after an axis: outer, inner."""
    return math.prod(shape[:axis]), math.prod(shape[axis + 1 :])


def _reached(x: ndarray, axis: int, index_: ndarray) -> ndarray:
    """The corner of x that an index along `axis` reaches: it may be shorter on other axes."""
    shape = index_.shape
    return x[tuple(np.s_[: x.shape[i] if i == axis else n] for i, n in enumerate(shape))]


def gather(x: ndarray, axis: int, index_: ndarray) -> ndarray:
    """out[.., i, ..] = x[.., index[.., i, ..], ..] on an axis; the shape is the index's."""
    out = np.empty(index_.shape, x.dtype)
    if out.size:
        if x.ndim == 0 or index_.ndim == 0:  # a 0-d array counts as one element
            x, index_ = np.atleast_1d(x), np.atleast_1d(index_)
        x = np.ascontiguousarray(_reached(x, axis, index_))
        index_ = np.ascontiguousarray(index_, np.int64)
        outer, inner = _lines(index_.shape, axis)
        kernel.gather(x, index_, out, outer, x.shape[axis], index_.shape[axis], inner)
    return out


def scatter_add(x: ndarray, axis: int, index_: ndarray, source: ndarray) -> ndarray:
    """A copy of x, with out[.., index[.., i, ..], ..] += source[.., i, ..], in order."""
    out = x.copy("C")
    if not index_.size:
        return out
    if x.ndim == 0 or index_.ndim == 0:
        target, index_, source = out.reshape(1), np.atleast_1d(index_), np.atleast_1d(source)
    else:
        target = _reached(out, axis, index_)
    index_ = np.ascontiguousarray(index_, np.int64)
    source = source[tuple(np.s_[:n] for n in index_.shape)].astype(x.dtype, copy=False)
    if _is_dense_float(target):
        outer, inner = _lines(index_.shape, axis)
        source = np.ascontiguousarray(source)
        kernel.scatter_add(
            source, index_, target, outer, target.shape[axis], index_.shape[axis], inner
        )
    else:
        mesh: Any = list(np.indices(index_.shape, sparse=True))
        mesh[axis] = index_
        np.add.at(target, tuple(mesh), source)
    return out


def bounds(index_: ndarray) -> tuple[int, int]:
    """The smallest and the largest value (0, -1 of an empty array)."""
    if not index_.size:
        return 0, -1
    return int(index_.min()), int(index_.max())
