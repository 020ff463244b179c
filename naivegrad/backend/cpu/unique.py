"""Different values: sorted, or as they follow one another."""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray


def unique(x: ndarray, axis: int | None, consecutive: bool) -> tuple[ndarray, ndarray, ndarray]:
    """The different elements, or slices along an axis: (values, inverse, counts).

    Sorted (slices as words are); or those that differ from the one before, if `consecutive`.
    """
    rows = x.reshape(-1, 1) if axis is None else np.moveaxis(x, axis, 0)
    shape = rows.shape
    rows = np.ascontiguousarray(rows).reshape(shape[0], math.prod(shape[1:]))
    if consecutive:
        order = np.arange(len(rows))
    elif axis is None:
        order = np.argsort(rows[:, 0], kind="stable")
    else:
        order = np.lexsort(rows.T[::-1]) if rows.size else np.arange(len(rows))
    rows = rows[order]
    begins = np.ones(len(rows), bool)
    begins[1:] = (rows[1:] != rows[:-1]).any(1)
    places = np.cumsum(begins) - 1
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = places
    counts = np.diff(np.append(np.flatnonzero(begins), len(rows)))
    values = rows[begins]
    if axis is None:
        return values[:, 0], inverse.reshape(x.shape), counts
    values = np.moveaxis(values.reshape(-1, *shape[1:]), 0, axis)
    return np.ascontiguousarray(values), inverse, counts
