"""How an axis is resampled: which inputs make an output, with which weights; on every device.

Interpolation is linear and separable: along each axis, output i is a weighted sum of a few
neighbouring inputs, first[i] to first[i] + length[i] - 1. The transpose is of the same kind, for
those outputs that an input is part of are neighbours too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

A_PLAIN, A_ANTIALIAS = -0.75, -0.5  # Keys' parameter of the cubic, as PyTorch has it


class Axis(NamedTuple):
    """One axis to be resampled."""

    mode: str  # nearest, nearest-exact, area, linear, cubic, lanczos
    size: int
    out: int
    scale: float | None = None  # outputs per input where that is not out / size
    align_corners: bool = False
    antialias: bool = False
    single: bool = False  # nearest: positions in float32

    @property
    def step(self) -> float:
        """Inputs per output."""
        if self.align_corners and self.mode in ("linear", "cubic", "lanczos"):
            return (self.size - 1) / (self.out - 1) if self.out > 1 else 0.0
        return 1 / self.scale if self.scale else self.size / self.out

    @property
    def copies(self) -> bool:
        """Whether nothing is to be done: an axis of the same size stays, whatever the scale."""
        whole = self.antialias or self.mode in ("linear", "area")
        return whole and self.size == self.out


class Table(NamedTuple):
    """Row i: weights[i, :length[i]] for the inputs from first[i] on."""

    first: ndarray  # (out,)
    length: ndarray  # (out,)
    weights: ndarray  # (out, T), 0 beyond length


@lru_cache(512)
def table(axis: Axis, transposed: bool, dtype: np.dtype[Any]) -> Table:
    """The table of an axis, or of the transposed map, its weights of a type."""
    if transposed:
        return _transpose(table(axis, False, np.dtype(np.float64)), axis.size, dtype)
    if axis.antialias:
        return _banded(*_windowed(axis), axis.size, dtype)
    if axis.mode in ("nearest", "nearest-exact"):
        return _banded(*_nearest(axis), axis.size, dtype)
    if axis.mode == "area":
        return _banded(*_area(axis), axis.size, dtype)
    return _banded(*_taps(axis), axis.size, dtype)


# Each of these gives the inputs (out, T) in ascending order, their weights, and how many of them
# count in each row.


def _nearest(axis: Axis) -> tuple[ndarray, ndarray, ndarray]:
    real: Any = np.float32 if axis.single else np.float64
    step = real(1 / axis.scale) if axis.scale else real(axis.size) / real(axis.out)
    i = np.arange(axis.out).astype(real)
    if axis.mode == "nearest-exact":
        i += real(0.5)
    index = np.floor(i * step).astype(np.intp)[:, None]
    return index, np.ones(index.shape), np.ones(len(index), np.intp)


def _area(axis: Axis) -> tuple[ndarray, ndarray, ndarray]:
    """Means of windows [floor(i size / out), ceil((i + 1) size / out))."""
    i = np.arange(axis.out)
    start, end = i * axis.size // axis.out, -(-(i + 1) * axis.size // axis.out)
    index = start[:, None] + np.arange((end - start).max())
    return index, np.broadcast_to(1 / (end - start)[:, None], index.shape), end - start


def _taps(axis: Axis) -> tuple[ndarray, ndarray, ndarray]:
    """The two (linear) or four (cubic) inputs around each output."""
    i = np.arange(axis.out)
    at = i * axis.step if axis.align_corners else (i + 0.5) * axis.step - 0.5
    if axis.mode == "linear":
        at = at.clip(0, axis.size - 1)
        floor = np.floor(at)
        offsets = np.arange(2)
        weights = 1 - np.abs(at[:, None] - floor[:, None] - offsets)
    else:
        floor = np.floor(at)
        offsets = np.arange(-1, 3)
        weights = _cubic(at[:, None] - floor[:, None] - offsets, A_PLAIN)
    index = floor.astype(np.intp)[:, None] + offsets
    return index, weights, np.full(axis.out, len(offsets))


def _windowed(axis: Axis) -> tuple[ndarray, ndarray, ndarray]:
    """A filter as wide as an output, where that is wider than an input; only inputs inside count.

    References
    ----------
    Turkowski 1990, "Filters for common resampling tasks".
    """
    functions: dict[str, tuple[float, Callable[[ndarray], ndarray]]] = {
        "linear": (1.0, lambda x: np.maximum(1 - np.abs(x), 0)),
        "cubic": (2.0, lambda x: _cubic(x, A_ANTIALIAS)),
        "lanczos": (3.0, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)),
    }
    radius, function = functions[axis.mode]
    width = max(axis.step, 1.0)
    centre = axis.step * (np.arange(axis.out) + 0.5)
    start = (centre - radius * width + 0.5).astype(np.intp).clip(0, None)
    end = (centre + radius * width + 0.5).astype(np.intp).clip(None, axis.size)
    index = start[:, None] + np.arange(max((end - start).max(), 1))
    weights = function((index - centre[:, None] + 0.5) / width)
    weights = np.where(index < end[:, None], weights, 0)
    total = weights.sum(1, keepdims=True)
    return index, np.divide(weights, total, out=weights, where=total != 0), end - start


def _cubic(x: ndarray, a: float) -> ndarray:
    """Keys 1981, "Cubic convolution interpolation for digital image processing", equation 4."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _banded(
    index: ndarray, weights: ndarray, length: ndarray, size: int, dtype: np.dtype[Any]
) -> Table:
    """A table; the edge stands for inputs beyond it, and gets their weights."""
    index = index.clip(0, size - 1)
    rows = np.arange(len(index))
    first = index[:, 0]
    count = index[rows, length - 1] - first + 1
    band = np.zeros((len(index), int(count.max())))
    used = np.arange(index.shape[1]) < length[:, None]
    where = (np.broadcast_to(rows[:, None], index.shape)[used], (index - first[:, None])[used])
    np.add.at(band, where, weights[used])
    return _frozen(first, count, band, dtype)


def _transpose(t: Table, size: int, dtype: np.dtype[Any]) -> Table:
    """Input j is part of outputs first[j] to first[j] + length[j] - 1."""
    out, taps = t.weights.shape
    row = np.repeat(np.arange(out), t.length)
    tap = np.arange(taps)
    used = tap < t.length[:, None]
    column = (t.first[:, None] + tap)[used]
    count = np.zeros(size, np.intp)
    first = np.full(size, out, np.intp)
    last = np.full(size, -1, np.intp)
    np.minimum.at(first, column, row)
    np.maximum.at(last, column, row)
    count = (last - first + 1).clip(0, None)
    first = np.where(count > 0, first, 0)
    weights = np.zeros((size, max(int(count.max()), 1)))
    np.add.at(weights, (column, row - first[column]), t.weights[used])
    return _frozen(first, count, weights, dtype)


def _frozen(first: ndarray, count: ndarray, weights: ndarray, dtype: np.dtype[Any]) -> Table:
    """A table that the cache may hand to anybody."""
    result = Table(first.astype(np.intp), count.astype(np.intp), weights.astype(dtype))
    for array in result:
        array.flags.writeable = False
    return result
