"""Reading and writing by index: rows, lines along an axis, masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

Index = tuple[Any, ...]  # per leading axis: slice(None) or an integer array, broadcasting together


def index(x: ndarray, where: Index) -> ndarray:
    """x[where]: the arrays broadcast together pick positions; slices keep their axis."""
    return np.ascontiguousarray(x[where])


def index_put(x: ndarray, where: Index, value: ndarray, accumulate: bool) -> ndarray:
    """A copy of x with x[where] = value, or += value, repeated positions adding up."""
    out = x.copy("C")
    index_put_into(out, where, value, accumulate)
    return out


def index_put_into(out: ndarray, where: Index, value: ndarray, accumulate: bool) -> None:
    """out[where] = value, or += value, in place."""
    if accumulate:
        np.add.at(out, where, value.astype(out.dtype, copy=False))
    else:
        out[where] = value


def nonzero(x: ndarray) -> tuple[ndarray, ...]:
    """The positions of what is not zero: one int64 array per axis."""
    return tuple(np.ascontiguousarray(i, np.int64) for i in np.nonzero(x))


def _mesh(index_: ndarray, axis: int) -> tuple[ndarray, ...]:
    """index along `axis`, open ranges along the others."""
    ndim = index_.ndim
    mesh = [np.arange(n).reshape([-1 if j == i else 1 for j in range(ndim)])
            for i, n in enumerate(index_.shape)]  # fmt: skip
    mesh[axis] = index_
    return tuple(mesh)


def gather(x: ndarray, axis: int, index_: ndarray) -> ndarray:
    """out[.., i, ..] = x[.., index[.., i, ..], ..] along one axis; the shape is that of the index."""
    if x.ndim == 0:
        return x[np.zeros(index_.shape, np.int64)] if index_.ndim else x.copy()
    return np.asarray(x[_mesh(index_, axis)])


def scatter_add(x: ndarray, axis: int, index_: ndarray, source: ndarray) -> ndarray:
    """A copy of x with out[.., index[.., i, ..], ..] += source[.., i, ..]; repeats add up in order."""
    out = x.copy("C")
    if index_.size:
        source = source[tuple(np.s_[:n] for n in index_.shape)]
        np.add.at(out, _mesh(index_, axis) if x.ndim else (), source.astype(x.dtype, copy=False))
    return out


def bounds(index_: ndarray) -> tuple[int, int]:
    """The smallest and the largest value (0, -1 of an empty array)."""
    if math.prod(index_.shape) == 0:
        return 0, -1
    return int(index_.min()), int(index_.max())
