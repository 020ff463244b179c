"""Convolution and its two transposes, unfold and fold: checks, then the Cython loops.

The loops know two dimensions. A sequence is an image of height 1. A volume becomes a stack of
images, one for each depth of the result, whose channels are those of all the slices which that
depth reads; some depths at a time, so that the stack stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.window import Pair, Shape, Sides, Steps, conv_shape, unfold_size
from naivegrad.kernels import conv as kernel
from naivegrad.kernels import unfold as unfold_kernel

_COLUMN_BYTES = 4 << 20
_STACK_BYTES = 2 << 20


def convolution(
    x: ndarray,
    w: ndarray,
    bias: ndarray | None,
    stride: Steps,
    padding: Sides,
    dilation: Steps,
    groups: int,
) -> ndarray:
    """y (N, F, OH, OW) of x (N, C, H, W), w (F, C // groups, KH, KW), bias (F,)."""
    op = f"conv{len(stride)}d"
    shape = conv_shape(op, x.shape, w.shape, stride, padding, dilation, groups)
    dtype = _common_dtype(op, "fVciu", x=x, w=w, bias=bias)
    if bias is not None and bias.shape != (w.shape[0],):
        raise ValueError(f"{op}: bias must be ({w.shape[0]},) for w {w.shape}, got {bias.shape}")
    if x.size == 0:  # no images, or no channels: nothing but the bias
        y = np.zeros(shape, dtype)
        return y if bias is None else np.add(y, bias.reshape(-1, *[1] * len(stride)), out=y)
    if dtype.kind in "ciu":
        if dtype.kind == "c":
            args = (None, stride, padding, dilation, groups)
            y = _by_parts(lambda x, w: convolution(x, w, *args), x, w)
        else:
            y = _of_integers(x, w, shape, stride, padding, dilation, groups)
        return y if bias is None else np.add(y, bias.reshape(-1, *[1] * len(stride)), out=y)
    if dtype.itemsize == 2:
        b = None if bias is None else _float32(bias)
        y = convolution(_float32(x), _float32(w), b, stride, padding, dilation, groups)
        return cast(y, dtype)
    y = np.empty(shape, dtype)
    if bias is not None:
        bias = np.ascontiguousarray(bias)
    x, w = _dense(x), _dense(w)
    if len(stride) == 3:
        _conv3d(x, w, bias, y, stride, padding, dilation, groups)
    else:
        window = _plane_window(stride, padding, dilation)
        kernel.conv2d(_plane(x), _plane(w), bias, _plane(y), *window, groups)
    return y


def convolution_grad_input(
    grad: ndarray,
    w: ndarray,
    x_shape: Shape,
    stride: Steps,
    padding: Sides,
    dilation: Steps,
    groups: int,
) -> ndarray:
    """The transpose of x -> convolution(x, w): grad (N, F, OH, OW) to (N, C, H, W)."""
    op = f"conv_transpose{len(stride)}d"  # who calls it by itself
    shape = conv_shape(op, x_shape, w.shape, stride, padding, dilation, groups)
    _check_grad(op, grad, shape)
    dtype = _common_dtype(op, "fVciu", grad=grad, w=w)
    if grad.size == 0 or w.size == 0:
        return np.zeros(x_shape, dtype)
    if dtype.kind in "iu":
        return _transposed_of_integers(grad, w, x_shape, stride, padding, dilation, groups)
    args = (x_shape, stride, padding, dilation, groups)
    if dtype.kind == "c":
        return _by_parts(lambda grad, w: convolution_grad_input(grad, w, *args), grad, w)
    if dtype.itemsize == 2:
        return cast(convolution_grad_input(_float32(grad), _float32(w), *args), dtype)
    grad, w = _dense(grad), _dense(w)
    if len(stride) == 3:
        return _conv3d_grad_input(grad, w, x_shape, stride, padding, dilation, groups)
    grad_x = np.empty(x_shape, dtype)
    window = _plane_window(stride, padding, dilation)
    _plane_grad_input(_plane(grad), _plane(w), _plane(grad_x), *window, groups)
    return grad_x


def convolution_grad_weight(
    grad: ndarray,
    x: ndarray,
    w_shape: Shape,
    stride: Steps,
    padding: Sides,
    dilation: Steps,
    groups: int,
) -> ndarray:
    """The transpose of w -> convolution(x, w): grad to (F, C // groups, KH, KW)."""
    op = f"conv{len(stride)}d_grad_weight"
    shape = conv_shape(op, x.shape, w_shape, stride, padding, dilation, groups)
    _check_grad(op, grad, shape)
    dtype = _common_dtype(op, "fVc", grad=grad, x=x)
    if grad.size == 0 or x.size == 0:
        return np.zeros(w_shape, dtype)
    args = (w_shape, stride, padding, dilation, groups)
    if dtype.kind == "c":
        return _by_parts(lambda grad, x: convolution_grad_weight(grad, x, *args), grad, x)
    if dtype.itemsize == 2:
        return cast(convolution_grad_weight(_float32(grad), _float32(x), *args), dtype)
    grad, x = _dense(grad), _dense(x)
    if len(stride) == 3:
        return _conv3d_grad_weight(grad, x, w_shape, stride, padding, dilation, groups)
    grad_w = np.empty(w_shape, dtype)
    window = _plane_window(stride, padding, dilation)
    kernel.conv2d_grad_weight(_plane(grad), _plane(x), _plane(grad_w), *window, groups)
    return grad_w


def _by_parts(f: Callable[[ndarray, ndarray], ndarray], a: ndarray, b: ndarray) -> ndarray:
    """A bilinear map of complex arrays, by those of their parts."""
    real = f(a.real, b.real) - f(a.imag, b.imag)
    y = np.empty(real.shape, a.dtype)
    y.real, y.imag = real, f(a.real, b.imag) + f(a.imag, b.real)
    return y


def _of_integers(
    x: ndarray,
    w: ndarray,
    shape: Shape,
    stride: Steps,
    padding: Sides,
    dilation: Steps,
    groups: int,
) -> ndarray:
    """A convolution in arithmetic that wraps around, tap by tap."""
    borders = [(padding[2 * i], padding[2 * i + 1]) for i in range(len(stride))]
    x = np.pad(x, [(0, 0), (0, 0), *borders])
    x = x.reshape(len(x), groups, w.shape[1], *x.shape[2:])
    y = np.zeros((shape[0], groups, shape[1] // groups, *shape[2:]), x.dtype)
    for seen, weight in _integer_taps(w, shape, stride, dilation, groups):
        y += np.einsum("ngc...,gfc->ngf...", x[seen], weight)
    return y.reshape(shape)


def _transposed_of_integers(
    grad: ndarray,
    w: ndarray,
    x_shape: Shape,
    stride: Steps,
    padding: Sides,
    dilation: Steps,
    groups: int,
) -> ndarray:
    """Its transpose: what each tap saw, added up where it saw it."""
    front = padding[::2]
    size = [n + b + max(e, 0) for n, b, e in zip(x_shape[2:], front, padding[1::2], strict=True)]
    x = np.zeros((x_shape[0], groups, w.shape[1], *size), grad.dtype)
    parts = grad.reshape(len(grad), groups, -1, *grad.shape[2:])
    for seen, weight in _integer_taps(w, grad.shape, stride, dilation, groups):
        x[seen] += np.einsum("ngf...,gfc->ngc...", parts, weight)
    inside: Any = (..., *[slice(b, b + n) for b, n in zip(front, x_shape[2:], strict=True)])
    return np.ascontiguousarray(x[inside]).reshape(x_shape)


def _integer_taps(
    w: ndarray, shape: Shape, stride: Steps, dilation: Steps, groups: int
) -> Iterator[tuple[Any, ndarray]]:
    """For each tap of the kernel: the pixels that it sees, and its weights by group."""
    for tap in np.ndindex(*w.shape[2:]):
        seen = (
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilation, shape[2:], stride, strict=True)
        )
        yield (..., *seen), w[(..., *tap)].reshape(groups, -1, w.shape[1])


# -------------------------------------------------------------- one dimension, and two


def _plane(x: ndarray) -> ndarray:
    """Sequences as images of height 1; images as they are."""
    return x.reshape(*x.shape[:2], 1, x.shape[2]) if x.ndim == 3 else x


def _plane_window(stride: Steps, padding: Sides, dilation: Steps) -> tuple[Pair, Pair, Pair]:
    """Stride, padding (top, left) and dilation of images."""
    if len(stride) == 1:
        return (1, stride[0]), (0, padding[0]), (1, dilation[0])
    return (stride[0], stride[1]), (padding[0], padding[2]), (dilation[0], dilation[1])


def _plane_grad_input(
    grad: ndarray,
    w: ndarray,
    grad_x: ndarray,
    stride: Pair,
    corner: Pair,
    dilation: Pair,
    groups: int,
) -> None:
    """The gradient of images, in the way that fits their sizes."""
    area = grad.shape[2] * grad.shape[3]
    columns = area * w.size // w.shape[0] * groups * grad.itemsize  # of one image
    if 2 * area * stride[0] * stride[1] < grad_x.shape[2] * grad_x.shape[3] and (
        columns <= _COLUMN_BYTES
    ):
        images = max(1, _COLUMN_BYTES // columns)
        _grad_input_by_columns(grad, w, grad_x, stride, corner, dilation, groups, images)
    else:
        kernel.conv2d_grad_input(grad, w, grad_x, stride, corner, dilation, groups)


def _grad_input_by_columns(
    grad: ndarray,
    w: ndarray,
    grad_x: ndarray,
    stride: Pair,
    corner: Pair,
    dilation: Pair,
    groups: int,
    images: int,
) -> None:
    """The same where windows are few and large, so that most taps would find nothing but padding.

    The products w[f, c, u, v] * grad[f, i, j], summed over f (a convolution with 1 x 1 filters),
    are folded into images, some images at a time.
    """
    f, c, kh, kw = w.shape
    by_tap = w.reshape(groups, f // groups, c * kh * kw).transpose(0, 2, 1)
    filters = np.ascontiguousarray(by_tap).reshape(-1, f // groups, 1, 1)
    size = grad.shape[2:]
    grad_x.fill(0)
    for i in range(0, len(grad), images):
        part = grad[i : i + images]
        columns = np.empty((len(part), len(filters), *size), grad.dtype)
        kernel.conv2d(part, filters, None, columns, (1, 1), (0, 0), (1, 1), groups)
        into = grad_x[i : i + images]
        unfold_kernel.columns(into, columns, (kh, kw), size, stride, corner, dilation, True)


# -------------------------------------------------------------------- three dimensions


def _conv3d(
    x: ndarray,
    w: ndarray,
    bias: ndarray | None,
    y: ndarray,
    stride: Steps,
    padding: Sides,
    dilation: Steps,
    groups: int,
) -> None:
    window = _plane_window(stride[1:], padding[2:], dilation[1:])
    filters = _merged(w)
    for images, depths in _parts(x, w.shape, y.shape):
        stack = _stack(x[images], w.shape[2], depths, stride[0], padding[0], dilation[0])
        part = np.empty((len(stack), y.shape[1], *y.shape[3:]), y.dtype)
        kernel.conv2d(stack, filters, bias, part, *window, groups)
        y[images, :, depths.start : depths.stop] = _by_depth(part, depths).swapaxes(1, 2)


def _conv3d_grad_input(
    grad: ndarray,
    w: ndarray,
    x_shape: Shape,
    stride: Steps,
    padding: Sides,
    dilation: Steps,
    groups: int,
) -> ndarray:
    window = _plane_window(stride[1:], padding[2:], dilation[1:])
    filters, kd = _merged(w), w.shape[2]
    grad_x = np.zeros(x_shape, grad.dtype)
    for images, depths in _parts(grad_x, w.shape, grad.shape):
        part = _slices(grad, images, depths)
        stack = np.empty((len(part), x_shape[1] * kd, *x_shape[3:]), grad.dtype)
        _plane_grad_input(part, filters, stack, *window, groups)
        by_tap = _by_depth(stack, depths).reshape(-1, len(depths), x_shape[1], kd, *x_shape[3:])
        into = grad_x[images].swapaxes(1, 2)  # (N, D, C, H, W)
        for k in range(kd):
            inside, source = _tap(k, depths, x_shape[2], stride[0], padding[0], dilation[0])
            into[:, source] += by_tap[:, inside, :, k]
    return grad_x


def _conv3d_grad_weight(
    grad: ndarray,
    x: ndarray,
    w_shape: Shape,
    stride: Steps,
    padding: Sides,
    dilation: Steps,
    groups: int,
) -> ndarray:
    window = _plane_window(stride[1:], padding[2:], dilation[1:])
    grad_w = np.zeros(w_shape, grad.dtype)
    part_w = np.empty_like(_merged(grad_w))
    for images, depths in _parts(x, w_shape, grad.shape):
        stack = _stack(x[images], w_shape[2], depths, stride[0], padding[0], dilation[0])
        part = _slices(grad, images, depths)
        kernel.conv2d_grad_weight(part, stack, part_w, *window, groups)
        grad_w += part_w.reshape(w_shape)
    return grad_w


def _merged(w: ndarray) -> ndarray:
    """Filters of volumes as filters of images with C * KD channels."""
    return w.reshape(w.shape[0], w.shape[1] * w.shape[2], *w.shape[3:])


def _parts(x: ndarray, w_shape: Shape, y_shape: Shape) -> Iterator[tuple[slice, range]]:
    """Images and depths of the result that are done at a time. Threads have no say in them."""
    slices = max(1, _STACK_BYTES // (x[0].nbytes // x.shape[2] * w_shape[2]))
    depth = min(slices, y_shape[2])
    count = max(1, slices // depth)
    for n in range(0, y_shape[0], count):
        for d in range(0, y_shape[2], depth):
            yield slice(n, n + count), range(d, min(d + depth, y_shape[2]))


def _tap(
    k: int, depths: range, size: int, stride: int, front: int, dilation: int
) -> tuple[slice, slice]:
    """Which of the depths find tap k inside a volume of `size` slices, and which slices they do."""
    first = depths[0] * stride + k * dilation - front
    low = min(max(-(first // stride), 0), len(depths))
    high = min(max(-((first - size) // stride), low), len(depths))
    if low == high:
        return slice(0), slice(0)
    return slice(low, high), slice(first + low * stride, first + (high - 1) * stride + 1, stride)


def _stack(x: ndarray, kd: int, depths: range, stride: int, front: int, dilation: int) -> ndarray:
    """The slices of volumes x (N, C, D, H, W) that each depth reads, (N * depths, C * KD, H, W)."""
    n, c, size, h, w = x.shape
    stack = np.empty((n, len(depths), c, kd, h, w), x.dtype)
    for k in range(kd):
        inside, source = _tap(k, depths, size, stride, front, dilation)
        stack[:, inside, :, k] = x[:, :, source].swapaxes(1, 2)
        stack[:, : inside.start or 0, :, k] = 0
        stack[:, inside.stop :, :, k] = 0
    return stack.reshape(n * len(depths), c * kd, h, w)


def _slices(y: ndarray, images: slice, depths: range) -> ndarray:
    """Some depths of volumes (N, F, OD, OH, OW) as images, (N * depths, F, OH, OW)."""
    part = y[images, :, depths.start : depths.stop].swapaxes(1, 2)
    return np.ascontiguousarray(part).reshape(-1, *part.shape[2:])


def _by_depth(part: ndarray, depths: range) -> ndarray:
    """(N * depths, F, OH, OW) as (N, depths, F, OH, OW)."""
    return part.reshape(-1, len(depths), *part.shape[1:])


# ------------------------------------------------------------------------- unfold, fold


def unfold(x: ndarray, kernel_size: Pair, dilation: Pair, padding: Pair, stride: Pair) -> ndarray:
    """All windows of x (N, C, H, W) as columns, (N, C*KH*KW, OH*OW)."""
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(f"unfold: x must be a non-empty (N, C, H, W) or (C, H, W), got {x.shape}")
    size = unfold_size("unfold", x.shape[2:], kernel_size, dilation, padding, stride)
    dtype = _common_dtype("unfold", "fVcb", x=x)
    if dtype.kind in "cb":
        args = (kernel_size, dilation, padding, stride)
        return _each_part(lambda x: unfold(x, *args), x)
    if dtype.itemsize == 2:
        return cast(unfold(_float32(x), kernel_size, dilation, padding, stride), dtype)
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
    dtype = _common_dtype("fold", "fVcb", x=x)
    if dtype.kind in "cb":
        args = (output_size, kernel_size, dilation, padding, stride)
        return _each_part(lambda x: fold(x, *args), x)
    if dtype.itemsize == 2:
        return cast(fold(_float32(x), output_size, kernel_size, dilation, padding, stride), dtype)
    y = np.zeros((x.shape[0], x.shape[1] // area, *output_size), dtype)
    unfold_kernel.columns(y, _dense(x), kernel_size, size, stride, padding, dilation, True)
    return y


def _each_part(f: Callable[[ndarray], ndarray], x: ndarray) -> ndarray:
    """A linear map of complex numbers, or of truths, by that of floats."""
    if x.dtype.kind == "b":
        truth: ndarray = f(_float32(x)) != 0
        return truth
    real = f(x.real)
    y = np.empty(real.shape, x.dtype)
    y.real, y.imag = real, f(x.imag)
    return y


def _dense(x: ndarray) -> ndarray:
    return x if x.flags.c_contiguous else x.copy("C")


def _float32(x: ndarray) -> ndarray:
    return cast(x, np.dtype(np.float32))


def _common_dtype(op: str, kinds: str, **arrays: ndarray | None) -> np.dtype[Any]:
    """The one type of all arrays, of a kind that the operation knows."""
    present = {name: x.dtype for name, x in arrays.items() if x is not None}
    dtypes = set(present.values())
    if len(dtypes) > 1 or dtypes.pop().kind not in kinds:
        got = ", ".join(f"{name} {dtype}" for name, dtype in present.items())
        raise TypeError(f"{op}: needs floating-point arrays of one type, got {got}")
    return next(iter(present.values()))


def _check_grad(op: str, grad: ndarray, shape: Shape) -> None:
    if grad.shape != shape:
        raise ValueError(f"{op}: grad must be {shape}, got {grad.shape}")
