"""Counting values: of small integers, and in bins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray


def bincount(x: ndarray, weights: ndarray | None, minlength: int) -> ndarray:
    """How often 0, 1, 2, ... occur in a line of integers, none negative; or their weights added."""
    if not x.size:
        return np.zeros(minlength, np.int64)
    counts = np.bincount(x.astype(np.int64, copy=False), weights, minlength)
    return counts.astype(np.float32) if weights is not None and weights.dtype == "f4" else counts


def histogram(
    op: str,
    x: ndarray,
    bins: int | ndarray,
    limits: tuple[float, float] | None,
    weight: ndarray | None,
) -> tuple[ndarray, ndarray]:
    """How much falls in each bin, and the edges: given, or equally spaced over limits (of x: None).

    Bins hold their left edge, the last one both. What lies outside, or is NaN, is not counted.
    """
    x = x.ravel()
    edges = bins if isinstance(bins, ndarray) else _edges(op, x, bins, limits)
    work = x if x.dtype.itemsize >= 4 else x.astype(np.float32)
    inside = (work >= edges[0]) & (work <= edges[-1])
    work = work[inside]
    count = len(edges) - 1
    if op == "histc":  # PyTorch's: by arithmetic, in the type of x
        at = ((work - edges[0]) * count / (edges[-1] - edges[0])).astype(np.int64)
    else:
        at = np.searchsorted(edges, work, "right") - 1
    at = np.minimum(at, count - 1)
    w = None if weight is None else weight.ravel()[inside]
    return np.bincount(at, w, count).astype(x.dtype), edges.copy()


def _edges(op: str, x: ndarray, bins: int, limits: tuple[float, float] | None) -> ndarray:
    low, high = limits or ((float(x.min()), float(x.max())) if x.size else (0.0, 0.0))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{op}: the range of the input, [{low}, {high}], is not finite")
    if low == high:
        low, high = (low - 1, high + 1) if op == "histc" else (low - 0.5, high + 0.5)
    dtype: np.dtype[Any] = x.dtype
    return np.linspace(low, high, bins + 1).astype(dtype)
