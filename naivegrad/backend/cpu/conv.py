"""Convolution and its two transposes, unfold and fold: checks, then the Cython loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.promotion import is_floating
from naivegrad.backend.window import Pair, Shape, Sides, conv2d_shape, unfold_size
from naivegrad.kernels import conv as kernel
from naivegrad.kernels import unfold as unfold_kernel


def conv2d(
    x: ndarray,
    w: ndarray,
    bias: ndarray | None,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
    groups: int,
) -> ndarray:
    """y (N, F, OH, OW) of x (N, C, H, W), w (F, C // groups, KH, KW), bias (F,)."""
    shape = conv2d_shape("conv2d", x.shape, w.shape, stride, padding, dilation, groups)
    dtype = _common_dtype("conv2d", x=x, w=w, bias=bias)
    if bias is not None and bias.shape != (w.shape[0],):
        raise ValueError(f"conv2d: bias must be ({w.shape[0]},) for w {w.shape}, got {bias.shape}")
    if x.size == 0:  # no images, or no channels: nothing but the bias
        y = np.zeros(shape, dtype)
        return y if bias is None else np.add(y, bias.reshape(-1, 1, 1), out=y)
    if dtype.itemsize == 2:
        b = None if bias is None else _float32(bias)
        y = conv2d(_float32(x), _float32(w), b, stride, padding, dilation, groups)
        return y.astype(dtype)
    y = np.empty(shape, dtype)
    if bias is not None:
        bias = np.ascontiguousarray(bias)
    corner = (padding[0], padding[2])
    kernel.conv2d(_dense(x), _dense(w), bias, y, stride, corner, dilation, groups)
    return y


def conv2d_grad_input(
    grad: ndarray,
    w: ndarray,
    x_shape: Shape,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
    groups: int,
) -> ndarray:
    """The transpose of x -> conv2d(x, w): grad (N, F, OH, OW) to (N, C, H, W)."""
    op = "conv2d_grad_input"
    shape = conv2d_shape(op, x_shape, w.shape, stride, padding, dilation, groups)
    _check_grad(op, grad, shape)
    dtype = _common_dtype(op, grad=grad, w=w)
    if grad.size == 0 or w.size == 0:
        return np.zeros(x_shape, dtype)
    if dtype.itemsize == 2:
        args = (x_shape, stride, padding, dilation, groups)
        return conv2d_grad_input(_float32(grad), _float32(w), *args).astype(dtype)
    corner = (padding[0], padding[2])
    columns = shape[2] * shape[3] * w.size // w.shape[0] * groups * dtype.itemsize  # of one image
    if 2 * shape[2] * shape[3] * stride[0] * stride[1] < x_shape[2] * x_shape[3] and (
        columns <= _COLUMN_BYTES
    ):
        images = max(1, _COLUMN_BYTES // columns)
        return _grad_input_by_columns(grad, w, x_shape, stride, corner, dilation, groups, images)
    grad_x = np.empty(x_shape, dtype)
    kernel.conv2d_grad_input(_dense(grad), _dense(w), grad_x, stride, corner, dilation, groups)
    return grad_x


_COLUMN_BYTES = 4 << 20


def _grad_input_by_columns(
    grad: ndarray,
    w: ndarray,
    x_shape: Shape,
    stride: Pair,
    corner: Pair,
    dilation: Pair,
    groups: int,
    images: int,
) -> ndarray:
    """The same where windows are few and large, so that most taps would find nothing but padding.

    The products w[f, c, u, v] * grad[f, i, j], summed over f (a convolution with 1 x 1 filters),
    are folded into images, some images at a time.
    """
    f, c, kh, kw = w.shape
    by_tap = w.reshape(groups, f // groups, c * kh * kw).transpose(0, 2, 1)
    filters = np.ascontiguousarray(by_tap).reshape(-1, f // groups, 1, 1)
    grad, size = _dense(grad), grad.shape[2:]
    grad_x = np.zeros(x_shape, grad.dtype)
    for i in range(0, len(grad), images):
        part = grad[i : i + images]
        columns = np.empty((len(part), len(filters), *size), grad.dtype)
        kernel.conv2d(part, filters, None, columns, (1, 1), (0, 0), (1, 1), groups)
        into = grad_x[i : i + images]
        unfold_kernel.columns(into, columns, (kh, kw), size, stride, corner, dilation, True)
    return grad_x


def conv2d_grad_weight(
    grad: ndarray,
    x: ndarray,
    w_shape: Shape,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
    groups: int,
) -> ndarray:
    """The transpose of w -> conv2d(x, w): grad (N, F, OH, OW) to (F, C // groups, KH, KW)."""
    op = "conv2d_grad_weight"
    shape = conv2d_shape(op, x.shape, w_shape, stride, padding, dilation, groups)
    _check_grad(op, grad, shape)
    dtype = _common_dtype(op, grad=grad, x=x)
    if grad.size == 0 or x.size == 0:
        return np.zeros(w_shape, dtype)
    if dtype.itemsize == 2:
        args = (w_shape, stride, padding, dilation, groups)
        return conv2d_grad_weight(_float32(grad), _float32(x), *args).astype(dtype)
    grad_w = np.empty(w_shape, dtype)
    corner = (padding[0], padding[2])
    kernel.conv2d_grad_weight(_dense(grad), _dense(x), grad_w, stride, corner, dilation, groups)
    return grad_w


def unfold(x: ndarray, kernel_size: Pair, dilation: Pair, padding: Pair, stride: Pair) -> ndarray:
    """All windows of x (N, C, H, W) as columns, (N, C*KH*KW, OH*OW)."""
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"unfold: x must be a non-empty (N, C, H, W) or (C, H, W), got {x.shape}")
    size = unfold_size("unfold", x.shape[2:], kernel_size, dilation, padding, stride)
    dtype = _common_dtype("unfold", x=x)
    if dtype.itemsize == 2:
        return unfold(_float32(x), kernel_size, dilation, padding, stride).astype(dtype)
    rows = x.shape[1] * kernel_size[0] * kernel_size[1]
    y = np.empty((x.shape[0], rows, size[0] * size[1]), dtype)
    unfold_kernel.columns(_dense(x), y, kernel_size, size, stride, padding, dilation, False)
    return y


def fold(
    x: ndarray, output_size: Pair, kernel_size: Pair, dilation: Pair, padding: Pair, stride: Pair
) -> ndarray:
    """The transpose of unfold: columns (N, C*KH*KW, OH*OW) summed into (N, C, H, W)."""
    size = unfold_size("fold", output_size, kernel_size, dilation, padding, stride)
    area = kernel_size[0] * kernel_size[1]
    if x.ndim != 3 or 0 in x.shape[1:] or x.shape[1] % area or x.shape[2] != size[0] * size[1]:
        raise ValueError(
            f"fold: x must be (N, C * {area}, {size[0]} * {size[1]}) for kernel_size {kernel_size} "
            f"and output_size {output_size}, got {x.shape}"
        )
    dtype = _common_dtype("fold", x=x)
    if dtype.itemsize == 2:
        return fold(_float32(x), output_size, kernel_size, dilation, padding, stride).astype(dtype)
    y = np.zeros((x.shape[0], x.shape[1] // area, *output_size), dtype)
    unfold_kernel.columns(y, _dense(x), kernel_size, size, stride, padding, dilation, True)
    return y


def _dense(x: ndarray) -> ndarray:
    return x if x.flags.c_contiguous else x.copy("C")


def _float32(x: ndarray) -> ndarray:
    return x.astype(np.float32)


def _common_dtype(op: str, **arrays: ndarray | None) -> np.dtype[Any]:
    """The one floating-point type of all arrays."""
    present = {name: x.dtype for name, x in arrays.items() if x is not None}
    dtypes = set(present.values())
    if len(dtypes) > 1 or not is_floating(dtypes.pop()):
        got = ", ".join(f"{name} {dtype}" for name, dtype in present.items())
        raise TypeError(f"{op}: needs floating-point arrays of one type, got {got}")
    return next(iter(present.values()))


def _check_grad(op: str, grad: ndarray, shape: Shape) -> None:
    if grad.shape != shape:
        raise ValueError(f"{op}: grad must be {shape}, got {grad.shape}")
