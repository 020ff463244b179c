"""Pooling: checks, then the Cython loops."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy import ndarray

from naivegrad.backend.promotion import is_floating
from naivegrad.backend.window import Pair, Shape, pool_shape
from naivegrad.kernels import pool as kernel


def max_pool2d(
    x: ndarray, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[ndarray, ndarray]:
    """The greatest value of each window, and its position in its plane, h * W + w, as int32."""
    shape = pool_shape("max_pool2d", x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    if x.shape[2] * x.shape[3] >= 2**31:
        raise ValueError(f"max_pool2d: planes of 2**31 pixels or more are too large, x {x.shape}")
    if x.dtype.kind not in "fViu":
        raise TypeError(f"max_pool2d: needs a real number type, got {x.dtype}")
    index = np.empty(shape, np.int32)
    dtype = np.result_type(x.dtype, np.float32)  # float32 holds float16, int16; float64 holds int32
    if x.dtype.itemsize == 8 and x.dtype.kind in "iu":
        return _max_pool2d_int64(x, index, kernel_size, stride, padding, dilation)
    y = np.empty(shape, dtype)
    kernel.max_pool2d(_dense(x, dtype), y, index, kernel_size, stride, padding, dilation)
    return (y if dtype == x.dtype else y.astype(x.dtype)), index


def _max_pool2d_int64(
    x: ndarray, index: ndarray, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> tuple[ndarray, ndarray]:
    """The same for integers that no floating-point type holds, tap by tap."""
    y = np.full(index.shape, np.iinfo(x.dtype).min, x.dtype)
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
    return y, index


def max_pool2d_grad(grad: ndarray, index_: ndarray, x_shape: Shape) -> ndarray:
    """grad (N, C, OH, OW) added up at the positions that max_pool2d found, in (N, C, H, W)."""
    _check_index("max_pool2d_grad", index_, grad.shape, x_shape)
    dtype = np.result_type(grad.dtype, np.float32)
    grad_x = np.empty(x_shape, dtype)
    kernel.plane_scatter(_dense(grad, dtype), _dense(index_, index_.dtype), grad_x)
    return grad_x if dtype == grad.dtype else grad_x.astype(grad.dtype)


def max_pool2d_pick(x: ndarray, index_: ndarray) -> ndarray:
    """The transpose of max_pool2d_grad: the value at each position, 0 where there is none."""
    _check_index("max_pool2d_pick", index_, index_.shape, x.shape)
    dtype = np.result_type(x.dtype, np.float32)
    y = np.empty(index_.shape, dtype)
    kernel.plane_gather(_dense(x, dtype), _dense(index_, index_.dtype), y)
    return y if dtype == x.dtype else y.astype(x.dtype)


def avg_pool2d(
    x: ndarray,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> ndarray:
    """The mean of each window."""
    rows, columns = _plain_windows(
        "avg_pool2d", x.shape, kernel_size, stride, padding, ceil_mode, count_include_pad
    )
    return _mean("avg_pool2d", x, rows, columns, divisor_override)


def avg_pool2d_grad(
    grad: ndarray,
    x_shape: Shape,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> ndarray:
    """The transpose of avg_pool2d."""
    rows, columns = _plain_windows(
        "avg_pool2d_grad", x_shape, kernel_size, stride, padding, ceil_mode, count_include_pad
    )
    return _spread("avg_pool2d_grad", grad, x_shape, rows, columns, divisor_override)


def adaptive_avg_pool2d(x: ndarray, output_size: Pair) -> ndarray:
    """The means of OH x OW windows that cover the image evenly."""
    op = "adaptive_avg_pool2d"
    rows, columns = _adaptive_windows(op, x.shape, output_size)
    return _mean(op, x, rows, columns, None)


def adaptive_avg_pool2d_grad(grad: ndarray, x_shape: Shape) -> ndarray:
    """The transpose of adaptive_avg_pool2d."""
    op = "adaptive_avg_pool2d_grad"
    rows, columns = _adaptive_windows(op, x_shape, (grad.shape[2], grad.shape[3]))
    return _spread(op, grad, x_shape, rows, columns, None)


def _dense(x: ndarray, dtype: np.dtype) -> ndarray:
    return np.ascontiguousarray(x, dtype)


def _check_index(op: str, index: ndarray, shape: Shape, x_shape: Shape) -> None:
    """Positions are trusted by the loops: look before they leap."""
    if index.dtype != np.int32 or index.shape != shape or index.shape[:2] != x_shape[:2]:
        raise ValueError(
            f"{op}: index must be int32 {shape} for x {x_shape}, got {index.dtype} {index.shape}"
        )


def _plain_windows(
    op: str,
    x: Shape,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
) -> list[ndarray]:
    shape = pool_shape(op, x, kernel_size, stride, padding, (1, 1), ceil_mode)
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


def _adaptive_windows(op: str, x: Shape, output_size: Pair) -> list[ndarray]:
    if len(x) != 4 or 0 in x[2:]:
        raise ValueError(f"{op}: x must be (N, C, H, W) or (C, H, W) with H, W > 0, got {x}")
    if min(output_size) < 0:
        raise ValueError(f"{op}: output_size must not be negative, got {output_size}")
    return [_adaptive_axis(n, out) for n, out in zip(x[2:], output_size, strict=True)]


@lru_cache(256)
def _adaptive_axis(size: int, out: int) -> ndarray:
    """Window i of `out` is [floor(i * size / out), ceil((i + 1) * size / out))."""
    i = np.arange(out)
    start, end = i * size // max(out, 1), -(-(i + 1) * size // max(out, 1))
    return np.stack([start, end, end - start]).astype(np.intp)


def _mean(op: str, x: ndarray, rows: ndarray, columns: ndarray, divisor: int | None) -> ndarray:
    dtype = _floating(op, x, divisor)
    y = np.empty((*x.shape[:2], rows.shape[1], columns.shape[1]), dtype)
    kernel.mean_windows(_dense(x, dtype), y, rows, columns, divisor or 0, False)
    return y if dtype == x.dtype else y.astype(x.dtype)


def _spread(
    op: str, grad: ndarray, x_shape: Shape, rows: ndarray, columns: ndarray, divisor: int | None
) -> ndarray:
    shape = (*x_shape[:2], rows.shape[1], columns.shape[1])
    if grad.shape != shape:
        raise ValueError(f"{op}: grad must be {shape} for x {x_shape}, got {grad.shape}")
    dtype = _floating(op, grad, divisor)
    grad_x = np.empty(x_shape, dtype)
    kernel.mean_windows(grad_x, _dense(grad, dtype), rows, columns, divisor or 0, True)
    return grad_x if dtype == grad.dtype else grad_x.astype(grad.dtype)


def _floating(op: str, x: ndarray, divisor: int | None) -> np.dtype:
    if not is_floating(x.dtype):
        raise TypeError(f"{op}: needs a floating-point x, got {x.dtype}")
    if divisor == 0:
        raise ValueError(f"{op}: divisor_override must not be 0")
    return np.result_type(x.dtype, np.float32)
