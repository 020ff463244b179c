"""Different values: sorted, or as they follow one another."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast


def unique(
    x: ndarray, axis: int | None, consecutive: bool, places: bool
) -> tuple[ndarray, ndarray | None, ndarray]:
    """The different elements, or slices along an axis: (values, inverse, counts).

    Sorted (slices as words are); or those that differ from the one before, if `consecutive`. The
    inverse only if `places`: without it, values are sorted without noting where they were.
    """
    if x.dtype.kind == "V":  # NumPy does not sort the NaN of bfloat16
        wide = cast(x, np.dtype("float32"))
        values, inverse, counts = unique(wide, axis, consecutive, places)
        return cast(values, x.dtype), inverse, counts
    quick: Literal["stable", "quicksort"] = "stable" if x.dtype.itemsize <= 2 else "quicksort"
    if axis is None and not consecutive and not places:
        line = np.sort(x, axis=None, kind=quick)
        first = np.ones(line.size, bool)
        np.not_equal(line[1:], line[:-1], out=first[1:])
        return line[first], None, np.diff(np.append(np.flatnonzero(first), line.size))
    rows = x.reshape(-1, 1) if axis is None else np.moveaxis(x, axis, 0)
    shape = rows.shape
    rows = np.ascontiguousarray(rows).reshape(shape[0], math.prod(shape[1:]))
    if consecutive:
        order = np.arange(len(rows))
    elif axis is None:
        order = np.argsort(rows[:, 0], kind=quick)
    else:
        order = np.lexsort(rows.T[::-1]) if rows.size else np.arange(len(rows))
    rows = rows[order]
    begins = np.ones(len(rows), bool)
    begins[1:] = (rows[1:] != rows[:-1]).any(1)
    rank = np.cumsum(begins) - 1
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = rank
    counts = np.diff(np.append(np.flatnonzero(begins), len(rows)))
    values = rows[begins]
    if axis is None:
        return values[:, 0], inverse.reshape(x.shape), counts
    values = np.moveaxis(values.reshape(-1, *shape[1:]), 0, axis)
    return np.ascontiguousarray(values), inverse, counts
