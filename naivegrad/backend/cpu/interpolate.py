"""Interpolation: axis after axis, by the tables of backend/resampling.py."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.resampling import Axis, table
from naivegrad.kernels import interpolate as kernel


def resample(x: ndarray, axes: tuple[Axis, ...], transposed: bool) -> ndarray:
    """x (N, C, ...) with its last axes resampled; or the transposed map."""
    work = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    y = np.require(x, work, ["C", "A"])
    if all(axis.copies for axis in axes):
        return x.copy()
    for i in _order(axes, transposed):
        axis, at = axes[i], x.ndim - len(axes) + i
        out = axis.size if transposed else axis.out
        before, y = y, np.empty((*y.shape[:at], out, *y.shape[at + 1 :]), work)
        kernel.resample(before, y, *table(axis, transposed, work), at)
    if x.dtype == np.uint8:
        np.floor(y + 0.5, out=y)
        y = y.clip(0, 255)
    return cast(y, x.dtype)


def _order(axes: tuple[Axis, ...], transposed: bool) -> list[int]:
    """First the axes that shrink, from the first on; then those that grow, the last one first."""
    shrinks = [(a.out < a.size) != transposed and a.out != a.size for a in axes]
    indices = [i for i, axis in enumerate(axes) if not axis.copies]
    return [i for i in indices if shrinks[i]] + [i for i in indices[::-1] if not shrinks[i]]
