"""Pooling: checks, then the Cython loops.

The loops for the mean, and for windows by table, know volumes: what has fewer dimensions is one
slice, or one row, high. The maximum of plain windows is taken in two dimensions: a volume's is the
maximum over the depth of the maxima of its slices.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.promotion import is_floating
from naivegrad.backend.window import IMAGES, Shape, Steps, check_planes, pool_shape
from naivegrad.kernels import pool as kernel

# ------------------------------------------------------------------------------ maximum


def max_pool(
    x: ndarray,
    kernel_size: Steps,
    stride: Steps,
    padding: Steps,
    dilation: Steps,
    ceil_mode: bool,
) -> tuple[ndarray, ndarray]:
    """The greatest value of each window, and its position in its plane, h * W + w, as int32."""
    op = f"max_pool{len(kernel_size)}d"
    shape = pool_shape(op, x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    dtype = _real(op, x)
    if len(kernel_size) == 3:
        window = (kernel_size, stride, padding, dilation)
        y, index = _max_pool3d(_dense(x, dtype), shape, *window)
        return (y if dtype == x.dtype else cast(y, x.dtype)), index
    index, y = np.empty(shape, np.int32), np.empty(shape, dtype)
    if len(kernel_size) == 1:
        x, shape = x[:, :, None], (*shape[:2], 1, *shape[2:])
        kernel_size, stride = (1, *kernel_size), (1, *stride)
        padding, dilation = (0, *padding), (1, *dilation)
    find = kernel.max_pool2d if dtype.kind == "f" else _max_pool2d_int64
    planes = y.reshape(shape), index.reshape(shape)
    find(_dense(x, dtype), *planes, kernel_size, stride, padding, dilation)
    return (y if dtype == x.dtype else cast(y, x.dtype)), index


def _max_pool2d_int64(
    x: ndarray,
    y: ndarray,
    index: ndarray,
    kernel_size: Steps,
    stride: Steps,
    padding: Steps,
    dilation: Steps,
) -> None:
    """The loop for integers that no floating-point type holds, tap by tap."""
    y.fill(np.iinfo(x.dtype).min)
    index.fill(-1)
    rows = np.arange(index.shape[2])[:, None] * stride[0] - padding[0]
    columns = np.arange(index.shape[3]) * stride[1] - padding[1]
    for u in range(kernel_size[0]):
        for v in range(kernel_size[1]):
            h, w = rows + u * dilation[0], columns + v * dilation[1]
            inside = (h >= 0) & (h < x.shape[2]) & (w >= 0) & (w < x.shape[3])
            value = x[:, :, h.clip(0, x.shape[2] - 1), w.clip(0, x.shape[3] - 1)]
            greater = inside & ((value > y) | (index < 0))
            np.copyto(y, value, where=greater)
            np.copyto(index, (h * x.shape[3] + w).astype(np.int32), where=greater)


def _max_pool3d(
    x: ndarray, shape: Shape, kernel_size: Steps, stride: Steps, padding: Steps, dilation: Steps
) -> tuple[ndarray, ndarray]:
    """The maxima of the slices, and of those the maxima over the depth.

    Of equal values the first in the order of memory wins, as it does in each of the two steps.
    """
    find = kernel.max_pool2d if x.dtype.kind == "f" else _max_pool2d_int64
    n, c, depth, h, w = x.shape
    area = shape[3] * shape[4]
    if depth * area >= 2**31:
        raise ValueError(f"max_pool3d: maxima of {depth} slices of {area} pixels are too large")
    window = kernel_size, stride, padding, dilation
    slices = np.empty((n, c * depth, *shape[3:]), x.dtype)
    place = np.empty(slices.shape, np.int32)  # in a slice
    find(x.reshape(n, c * depth, h, w), slices, place, *[v[1:] for v in window])
    y = np.empty((n, c, shape[2], area), x.dtype)
    which = np.empty(y.shape, np.int32)  # of the maxima of the slices, (D, OH * OW)
    lines = slices.reshape(n, c, depth, area)
    find(lines, y, which, *[(v[0], e) for v, e in zip(window, (1, 1, 0, 1), strict=True)])
    chosen = which.reshape(n * c, shape[2] * area)
    at = np.take_along_axis(place.reshape(n * c, depth * area), chosen.clip(0), 1)
    index = np.where((chosen < 0) | (at < 0), -1, chosen // area * (h * w) + at)
    return y.reshape(shape), index.astype(np.int32).reshape(shape)


def adaptive_max_pool(x: ndarray, output_size: Steps) -> tuple[ndarray, ndarray]:
    """The greatest values of OH x OW windows that cover the image evenly, and their positions."""
    op = f"adaptive_max_pool{len(output_size)}d"
    check_planes(op, x.shape, len(output_size))
    if not is_floating(x.dtype):
        raise TypeError(f"{op}: needs a floating-point x, got {x.dtype}")
    tables = [t[None, :2] for t in _adaptive_windows(op, x.shape, output_size)]
    return _max_windows(op, x, tables)


def fractional_max_pool(
    x: ndarray, samples: ndarray, kernel_size: Steps, output_size: Steps
) -> tuple[ndarray, ndarray]:
    """The greatest values of windows of one size, their distances drawn, and their positions.

    samples (N, C, 2 or 3) are uniform numbers in [0, 1), one for each axis of each plane.
    """
    dims = len(kernel_size)
    op = f"fractional_max_pool{dims}d"
    check_planes(op, x.shape, dims)
    if not is_floating(x.dtype) or samples.dtype != x.dtype:
        raise TypeError(
            f"{op}: needs x and samples of one floating-point type, got {x.dtype}, {samples.dtype}"
        )
    if samples.shape != (*x.shape[:2], dims):
        raise ValueError(
            f"{op}: samples must be {(*x.shape[:2], dims)} for x {x.shape}, got {samples.shape}"
        )
    for size, k, out in zip(x.shape[2:], kernel_size, output_size, strict=True):
        if k < 1 or out < 1 or out + k - 1 > size:
            raise ValueError(
                f"{op}: kernel_size {kernel_size} and output_size {output_size} do not fit into "
                f"an input of {x.shape}"
            )
    by_axis = samples.reshape(x.shape[0] * x.shape[1], dims).T
    if dims == 2:  # the first sample is that of the columns
        by_axis = by_axis[::-1]
    tables = [
        _fractional_axis(n, out, k, u)
        for n, out, k, u in zip(x.shape[2:], output_size, kernel_size, by_axis, strict=True)
    ]
    return _max_windows(op, x, tables)


def _fractional_axis(size: int, out: int, kernel_size: int, sample: ndarray) -> ndarray:
    """Start and end of each window along one axis, (planes, 2, out)."""
    sample = sample[:, None]
    step = sample.dtype.type(size - kernel_size) / sample.dtype.type(max(out - 1, 1))
    moved = ((np.arange(out).astype(sample.dtype) + sample) * step).astype(np.intp)
    start = moved - (sample * step).astype(np.intp)
    start[:, -1] = size - kernel_size
    start = start.clip(0, size - kernel_size)  # whatever the samples are, stay inside
    return np.ascontiguousarray(np.stack([start, start + kernel_size], 1))


def _max_windows(op: str, x: ndarray, tables: list[ndarray]) -> tuple[ndarray, ndarray]:
    dtype = _real(op, x)
    shape = (*x.shape[:2], *[t.shape[2] for t in tables])
    y, index = np.empty(shape, dtype), np.empty(shape, np.int32)
    whole = [np.array([[[0], [1]]], np.intp)] * (3 - len(tables))
    volumes = _volumes(_dense(x, dtype)), _volumes(y), _volumes(index)
    kernel.max_windows(*volumes, *whole, *tables)
    return (y if dtype == x.dtype else cast(y, x.dtype)), index


def max_pool_grad(grad: ndarray, index_: ndarray, x_shape: Shape) -> ndarray:
    """grad (N, C, OH, OW) added up at the positions that max_pool found, in (N, C, H, W)."""
    _check_index("max_pool_grad", index_, grad.shape, x_shape)
    dtype = np.result_type(grad.dtype, np.float32)
    grad_x = np.empty(x_shape, dtype)
    kernel.plane_scatter(_dense(grad, dtype), _dense(index_, index_.dtype), grad_x)
    return grad_x if dtype == grad.dtype else cast(grad_x, grad.dtype)


def max_pool_pick(x: ndarray, index_: ndarray) -> ndarray:
    """The transpose of max_pool_grad: the value at each position, 0 where there is none."""
    _check_index("max_pool_pick", index_, index_.shape, x.shape)
    dtype = np.result_type(x.dtype, np.float32)
    y = np.empty(index_.shape, dtype)
    kernel.plane_gather(_dense(x, dtype), _dense(index_, index_.dtype), y)
    return y if dtype == x.dtype else cast(y, x.dtype)


def unpool_index(index_: ndarray, size: int) -> ndarray:
    """Positions in planes of `size` pixels as int32, -1 for all but the last of equal ones."""
    if size >= 2**31:
        raise ValueError(f"max_unpool: planes of 2**31 pixels or more are too large, got {size}")
    flat = index_.reshape(index_.shape[0] * index_.shape[1], math.prod(index_.shape[2:]))
    order = np.arange(flat.shape[1], dtype=np.int32)[None]
    last = np.zeros((len(flat), size), np.int32)
    np.put_along_axis(last, flat, order, 1)
    kept = np.where(np.take_along_axis(last, flat, 1) == order, flat, -1)
    return kept.astype(np.int32).reshape(index_.shape)


# --------------------------------------------------------------------------------- mean


def avg_pool(
    x: ndarray,
    kernel_size: Steps,
    stride: Steps,
    padding: Steps,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> ndarray:
    """The mean of each window."""
    op = f"avg_pool{len(kernel_size)}d"
    window = (kernel_size, stride, padding, ceil_mode, count_include_pad)
    tables = _plain_windows(op, x.shape, *window)
    if x.dtype == np.int64 and divisor_override != 0:
        return _integer_mean(x, tables, divisor_override)
    return _mean(op, x, tables, divisor_override)


def avg_pool_grad(
    grad: ndarray,
    x_shape: Shape,
    kernel_size: Steps,
    stride: Steps,
    padding: Steps,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> ndarray:
    """The transpose of avg_pool."""
    op = f"avg_pool{len(kernel_size)}d"
    window = (kernel_size, stride, padding, ceil_mode, count_include_pad)
    return _spread(op, grad, x_shape, _plain_windows(op, x_shape, *window), divisor_override)


def adaptive_avg_pool(x: ndarray, output_size: Steps) -> ndarray:
    """The means of OH x OW windows that cover the image evenly."""
    op = f"adaptive_avg_pool{len(output_size)}d"
    return _mean(op, x, _adaptive_windows(op, x.shape, output_size), None)


def adaptive_avg_pool_grad(grad: ndarray, x_shape: Shape) -> ndarray:
    """The transpose of adaptive_avg_pool."""
    op = f"adaptive_avg_pool{len(x_shape) - 2}d"
    return _spread(op, grad, x_shape, _adaptive_windows(op, x_shape, grad.shape[2:]), None)


def _mean(op: str, x: ndarray, tables: list[ndarray], divisor: int | None) -> ndarray:
    dtype = _floating(op, x, divisor)
    y = np.empty((*x.shape[:2], *[t.shape[1] for t in tables]), dtype)
    depths, rows, columns = _three(tables)
    volumes = _volumes(_dense(x, dtype)), _volumes(y)
    kernel.mean_windows(*volumes, depths, rows, columns, divisor or 0, False)
    return y if dtype == x.dtype else cast(y, x.dtype)


def _integer_mean(x: ndarray, tables: list[ndarray], divisor: int | None) -> ndarray:
    """Means rounded towards 0: each sum is a difference of running sums, axis after axis."""
    count = np.ones((), np.int64)
    for axis, (start, end, n) in enumerate(tables, 2):
        borders = [(0, 0)] * x.ndim
        borders[axis] = (1, 0)
        running = np.pad(np.cumsum(x, axis), borders)
        x = running.take(end, axis) - running.take(start, axis)
        count = count[..., None] * n
    below = np.int64(divisor) if divisor else count
    y: ndarray = np.abs(x) // np.abs(below) * (np.sign(x) * np.sign(below))
    return y


def _spread(
    op: str, grad: ndarray, x_shape: Shape, tables: list[ndarray], divisor: int | None
) -> ndarray:
    shape = (*x_shape[:2], *[t.shape[1] for t in tables])
    if grad.shape != shape:
        raise ValueError(f"{op}: grad must be {shape} for x {x_shape}, got {grad.shape}")
    dtype = _floating(op, grad, divisor)
    grad_x = np.empty(x_shape, dtype)
    depths, rows, columns = _three(tables)
    volumes = _volumes(grad_x), _volumes(_dense(grad, dtype))
    kernel.mean_windows(*volumes, depths, rows, columns, divisor or 0, True)
    return grad_x if dtype == grad.dtype else cast(grad_x, grad.dtype)


# ------------------------------------------------------------------------------ windows


def _plain_windows(
    op: str,
    x: Shape,
    kernel_size: Steps,
    stride: Steps,
    padding: Steps,
    ceil_mode: bool,
    count_include_pad: bool,
) -> list[ndarray]:
    dilation = (1,) * len(kernel_size)
    shape = pool_shape(op, x, kernel_size, stride, padding, dilation, ceil_mode)
    return [
        _plain_axis(n, out, k, s, p, count_include_pad)
        for n, out, k, s, p in zip(x[2:], shape[2:], kernel_size, stride, padding, strict=True)
    ]


@lru_cache(256)
def _plain_axis(
    size: int, out: int, kernel_size: int, stride: int, padding: int, count_include_pad: bool
) -> ndarray:
    """Start, end and count of each window along one axis, (3, out).

    Padding counts if asked for, what hangs over the padded end (ceil_mode) never does.
    """
    start = np.arange(out) * stride - padding
    end = np.minimum(start + kernel_size, size + padding)
    count = end - start
    start, end = start.clip(0, size), end.clip(0, size)
    return np.stack([start, end, count if count_include_pad else end - start]).astype(np.intp)


def _adaptive_windows(op: str, x: Shape, output_size: Steps) -> list[ndarray]:
    dims = len(output_size)
    if len(x) != dims + 2 or 0 in x[2:]:
        raise ValueError(f"{op}: x must be {IMAGES[dims]}, its size not 0, got {x}")
    if min(output_size) < 0:
        raise ValueError(f"{op}: output_size must not be negative, got {output_size}")
    return [_adaptive_axis(n, out) for n, out in zip(x[2:], output_size, strict=True)]


@lru_cache(256)
def _adaptive_axis(size: int, out: int) -> ndarray:
    """Window i of `out` is [floor(i * size / out), ceil((i + 1) * size / out))."""
    i = np.arange(out)
    start, end = i * size // max(out, 1), -(-(i + 1) * size // max(out, 1))
    return np.stack([start, end, end - start]).astype(np.intp)


def _three(tables: list[ndarray]) -> list[ndarray]:
    """Tables of three axes: an axis that is missing has one window, of one pixel."""
    return [_adaptive_axis(1, 1)] * (3 - len(tables)) + tables


def _volumes(x: ndarray) -> ndarray:
    """(N, C, ...) as (N * C, D, H, W), the dimensions that are missing 1."""
    n, c, *size = x.shape
    return x.reshape(n * c, *[1] * (3 - len(size)), *size)


def _dense(x: ndarray, dtype: np.dtype) -> ndarray:
    return np.ascontiguousarray(x, dtype)


def _check_index(op: str, index: ndarray, shape: Shape, x_shape: Shape) -> None:
    """Positions are trusted by the loops: look before they leap."""
    if index.dtype != np.int32 or index.shape != shape or index.shape[:2] != x_shape[:2]:
        raise ValueError(
            f"{op}: index must be int32 {shape} for x {x_shape}, got {index.dtype} {index.shape}"
        )


def _real(op: str, x: ndarray) -> np.dtype:
    """The type to compare in: float32 holds float16 and int16, float64 holds int32."""
    if math.prod(x.shape[2:]) >= 2**31:
        raise ValueError(f"{op}: planes of 2**31 pixels or more are too large, x {x.shape}")
    if x.dtype.kind not in "fViu":
        raise TypeError(f"{op}: needs a real number type, got {x.dtype}")
    if x.dtype.itemsize == 8 and x.dtype.kind in "iu":
        return x.dtype
    return np.result_type(x.dtype, np.float32)


def _floating(op: str, x: ndarray, divisor: int | None) -> np.dtype:
    if not is_floating(x.dtype):
        raise TypeError(f"{op}: needs a floating-point x, got {x.dtype}")
    if divisor == 0:
        raise ValueError(f"{op}: divisor_override must not be 0")
    return np.result_type(x.dtype, np.float32)
