"""Pooling: the greatest value, the mean or the norm of each window of an image."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.backend.window import IMAGES, pool_shape
from naivegrad.ops._args import (
    check_bounds,
    require_floating,
    require_integers,
    require_tensor,
    several,
)
from naivegrad.tensor import Tensor

# Images have one, two or three dimensions, and windows one number for each.


class WindowMax(Function):
    """y = x at the position of each window's maximum.    grad_x = grad put back at those positions.

    The first of equal values is the maximum and gets the whole gradient. A subclass says which
    windows, in `forward`.
    """

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any = None) -> Any:
        (index,) = ctx.saved_tensors
        return MaxPoolGrad.apply(grad, index, ctx.x_shape)

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, *_: Any) -> Any:
        (index,) = ctx.saved_tensors
        y_dot = MaxPoolPick.apply(x_dot, index)
        return (y_dot, None) if ctx.return_indices else y_dot

    def keep(self, x: Any, y: Any, index: Any, return_indices: bool) -> Any:
        """What `forward` returns, and the record of it."""
        self.save_for_backward(index)
        self.x_shape, self.return_indices = x.shape, return_indices
        if not return_indices:
            return y
        index = self.backend.cast(index, np.dtype(np.int64))
        self.mark_non_differentiable(index)
        return y, index


class MaxPool(WindowMax):
    """WindowMax of windows side by side, or overlapping."""

    @staticmethod
    def forward(ctx: Any, x: Any, return_indices: bool, *window: Any) -> Any:
        return ctx.keep(x, *ctx.backend.max_pool(x, *window), return_indices)


class MaxPoolGrad(Function):
    """grad_x[index[p]] += grad[p], plane by plane.    grad_grad[p] = h[index[p]]."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, grad: Any, index: Any, x_shape: tuple[int, ...]) -> Any:
        ctx.save_for_backward(index)
        return ctx.backend.max_pool_grad(grad, index, x_shape)

    @staticmethod
    def backward(ctx: Any, h: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return MaxPoolPick.apply(h, index)


class MaxPoolPick(Function):
    """y[p] = x[index[p]], plane by plane: the transpose of MaxPoolGrad."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, index: Any) -> Any:
        ctx.save_for_backward(index)
        ctx.x_shape = x.shape
        return ctx.backend.max_pool_pick(x, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return MaxPoolGrad.apply(grad, index, ctx.x_shape)


class AvgPool(Function):
    """y = the mean of each window.    grad_x = grad / count, added to each pixel of its window."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, *window: Any) -> Any:
        ctx.x_shape, ctx.window = x.shape, window
        return ctx.backend.avg_pool(x, *window)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AvgPoolGrad.apply(grad, ctx.x_shape, *ctx.window)


class AvgPoolGrad(Function):
    """The transpose of AvgPool, whose transpose is AvgPool."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, grad: Any, x_shape: tuple[int, ...], *window: Any) -> Any:
        ctx.window = window
        return ctx.backend.avg_pool_grad(grad, x_shape, *window)

    @staticmethod
    def backward(ctx: Any, h: Tensor) -> Any:
        return AvgPool.apply(h, *ctx.window)


def batched(input: Any, dims: int, op: str) -> Tensor:
    """An image without a batch as a batch of one."""
    x = require_tensor(input, op)
    return x.unsqueeze(0) if x.array.ndim == dims + 1 else x


def unbatched(result: Any, alone: bool) -> Any:
    """The result, or results, without the batch if the image was alone."""
    if not alone:
        return result
    if isinstance(result, tuple):
        return tuple([y.squeeze(0) for y in result])
    return result.squeeze(0)


def _stride(stride: Any, kernel: tuple[int, ...], op: str) -> tuple[int, ...]:
    """The stride; windows side by side where none is given."""
    if stride is None or (isinstance(stride, tuple | list) and not stride):
        return kernel
    return several(stride, len(kernel), op, "stride")


def _max_window(
    op: str, dims: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
) -> tuple[Any, ...]:
    kernel = several(kernel_size, dims, op, "kernel_size")
    return (
        kernel,
        _stride(stride, kernel, op),
        several(padding, dims, op, "padding"),
        several(dilation, dims, op, "dilation"),
        bool(ceil_mode),
    )


def _avg_window(
    op: str,
    dims: int,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: Any,
    count_include_pad: Any,
    divisor_override: Any,
) -> tuple[Any, ...]:
    kernel = several(kernel_size, dims, op, "kernel_size")
    if divisor_override is not None:
        try:
            divisor_override = operator.index(divisor_override)
        except TypeError:
            raise TypeError(
                f"{op}: divisor_override must be an integer, got {divisor_override!r}"
            ) from None
    return (
        kernel,
        _stride(stride, kernel, op),
        several(padding, dims, op, "padding"),
        bool(ceil_mode),
        bool(count_include_pad),
        divisor_override,
    )


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest value of each window of a sequence: `max_pool2d` with one dimension.

        y[n, c, i] = max_u x[n, c, i*s + u*d - p]

    input (N, C, L) or (C, L) gives (N, C, OL) or (C, OL); positions are those in the sequence.

    >>> import naivegrad as ng
    >>> ng.max_pool1d(ng.tensor([[1.0, 3.0, 2.0, 5.0]]), 2).tolist()
    [[3.0, 5.0]]
    """
    op = "max_pool1d"
    x = batched(input, 1, op)
    window = _max_window(op, 1, kernel_size, stride, padding, dilation, ceil_mode)
    return unbatched(MaxPool.apply(x, return_indices, *window), x is not input)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest value of each window.

        y[n, c, i, j] = max_{u, v} x[n, c, i*s + u*d - p, j*s + v*d - p]

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
        Of floating-point or integer type. Padding never wins; nan always does.
    kernel_size, stride, padding, dilation : int or two (rows, columns)
        The stride is kernel_size if not given; the padding is at most half of the kernel.
    ceil_mode : bool
        Whether a last window may hang over the edge.
    return_indices : bool
        Whether to return also where each maximum was found, as h * W + w (int64).

    Returns
    -------
    Tensor, (N, C, OH, OW) or (C, OH, OW)
        OH = (H + 2p - d (KH - 1) - 1) / s + 1, rounded down, or up with ceil_mode.

    Raises
    ------
    ValueError
        A window that does not fit; padding of more than half a kernel; an empty input.

    Differentiable to any order; of equal values the first gets the gradient.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.max_pool2d(ng.arange(16.0).reshape(1, 1, 4, 4), 2).flatten().tolist()
    [5.0, 7.0, 13.0, 15.0]
    """
    op = "max_pool2d"
    x = batched(input, 2, op)
    window = _max_window(op, 2, kernel_size, stride, padding, dilation, ceil_mode)
    return unbatched(MaxPool.apply(x, return_indices, *window), x is not input)


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest value of each window of a volume: `max_pool2d` with three dimensions.

    input (N, C, D, H, W) or (C, D, H, W) gives (N, C, OD, OH, OW) or (C, OD, OH, OW). Windows are
    integers or three (depth, rows, columns); positions are (d * H + h) * W + w.
    """
    op = "max_pool3d"
    x = batched(input, 3, op)
    window = _max_window(op, 3, kernel_size, stride, padding, dilation, ceil_mode)
    return unbatched(MaxPool.apply(x, return_indices, *window), x is not input)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a sequence: `avg_pool2d` with one dimension.

        y[n, c, i] = sum_u x[n, c, i*s + u - p] / count

    input (N, C, L) or (C, L) gives (N, C, OL) or (C, OL). Linear.

    >>> import naivegrad as ng
    >>> ng.avg_pool1d(ng.tensor([[1.0, 3.0, 2.0, 5.0]]), 2).tolist()
    [[2.0, 3.5]]
    """
    op = "avg_pool1d"
    x = batched(input, 1, op)
    window = _avg_window(op, 1, kernel_size, stride, padding, ceil_mode, count_include_pad, None)
    y: Tensor = unbatched(AvgPool.apply(x, *window), x is not input)
    return y


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

        y[n, c, i, j] = sum_{u, v} x[n, c, i*s + u - p, j*s + v - p] / count

    Arguments and shapes are those of `max_pool2d`. count is the number of pixels of the window,
    the padding among them unless count_include_pad=False; what hangs over the padded edge with
    ceil_mode never counts; divisor_override replaces it. Linear.

    >>> import naivegrad as ng
    >>> ng.avg_pool2d(ng.arange(16.0).reshape(1, 1, 4, 4), 2).flatten().tolist()
    [2.5, 4.5, 10.5, 12.5]
    """
    op = "avg_pool2d"
    x = batched(input, 2, op)
    window = _avg_window(
        op, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
    y: Tensor = unbatched(AvgPool.apply(x, *window), x is not input)
    return y


def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of a volume: `avg_pool2d` with three dimensions.

    input (N, C, D, H, W) or (C, D, H, W) gives (N, C, OD, OH, OW) or (C, OD, OH, OW). Windows are
    integers or three (depth, rows, columns). Linear.
    """
    op = "avg_pool3d"
    x = batched(input, 3, op)
    window = _avg_window(
        op, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
    y: Tensor = unbatched(AvgPool.apply(x, *window), x is not input)
    return y


def _lp_pool(
    op: str, dims: int, input: Any, p: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    """The root of the means of powers, each mean times the size of a window."""
    x = batched(input, dims, op)
    window = _avg_window(op, dims, kernel_size, stride, 0, ceil_mode, True, None)
    kernel, steps, none = window[:3]
    pool_shape(op, x.array.shape, kernel, steps, none, (1,) * dims, ceil_mode)  # complain as op
    if math.isinf(p):
        pool = (max_pool1d, max_pool2d, max_pool3d)[dims - 1]
        sign = math.copysign(1, p)  # the largest magnitude, or the smallest
        largest: Tensor = pool(input.abs() * sign, kernel, steps, ceil_mode=ceil_mode)
        return largest * sign
    if not x.is_complex():
        require_floating(x, op)
    total = AvgPool.apply(x**p, *window) * math.prod(kernel)
    zero = total == 0  # where the root has no derivative: it is 0 here
    y: Tensor = (total.masked_fill(zero, 1.0) ** (1.0 / p)).masked_fill(zero, 0.0)
    return y if x is input else y.squeeze(0)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window of a sequence: `lp_pool2d` with one dimension."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window: the root of the sum of powers.

        y[n, c, i, j] = (sum_{u, v} x[n, c, i*s + u, j*s + v] ** p) ** (1 / p)

    p = norm_type = 1 is the sum, inf the largest and -inf the smallest magnitude; powers are taken
    as they are, so that an odd p of negative numbers may give nan. A window that hangs over the
    edge (ceil_mode) is scaled up to a whole one. Shapes are those of `max_pool2d`.
    Differentiable; the gradient is 0 where a window is all 0.

    >>> import naivegrad as ng
    >>> ng.lp_pool2d(ng.tensor([[[3.0, 4.0]]]), 2, (1, 2)).item()
    5.0
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window of a volume: `lp_pool2d` with three dimensions."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _unpool(
    op: str,
    dims: int,
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    x, index = batched(input, dims, op), require_integers(indices, op, "indices")
    if index.array.shape != input.array.shape or x.array.ndim != dims + 2:
        raise ValueError(
            f"{op}: input and indices must be {IMAGES[dims]} and of one shape, got "
            f"{input.array.shape} and {index.array.shape}"
        )
    kernel = several(kernel_size, dims, op, "kernel_size")
    steps, pads = _stride(stride, kernel, op), several(padding, dims, op, "padding")
    size = tuple(
        (n - 1) * s + k - 2 * p
        for n, s, k, p in zip(x.array.shape[2:], steps, kernel, pads, strict=True)
    )
    if output_size is not None:
        if not isinstance(output_size, tuple | list):
            raise TypeError(f"{op}: output_size must be a tuple of integers, got {output_size!r}")
        wish = tuple(output_size)[-dims:]
        if len(output_size) not in (dims, dims + 2) or any(
            not n - s < w < n + s for n, s, w in zip(size, steps, wish, strict=True)
        ):
            raise ValueError(
                f"{op}: output_size must be within a stride {steps} of {size}, got "
                f"{tuple(output_size)}"
            )
        size = wish
    if min(size) < 1:
        raise ValueError(f"{op}: nothing is left, result would be {size}")
    area = math.prod(size)
    if index.array.size:
        check_bounds(x.backend.bounds(index.array), op, area, dims, least=0)
    place = x.backend.unpool_index(x.backend.reshape(index.array, x.array.shape)[0], area)
    y: Tensor = unbatched(MaxPoolGrad.apply(x, place, (*x.array.shape[:2], *size)), x is not input)
    return y


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """The values of `max_pool1d` put back where they were found: `max_unpool2d` of sequences."""
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """The values of `max_pool2d` put back where they were found, among zeros.

        y[n, c, indices[n, c, i, j]] = x[n, c, i, j]        of several at one position, the last

    input and indices (N, C, H, W) or (C, H, W) give (N, C, OH, OW) or (C, OH, OW), of output_size
    or OH = (H - 1) s - 2p + KH. Linear; a value that another one replaced has gradient 0.

    >>> import naivegrad as ng
    >>> y, index = ng.max_pool2d(ng.arange(4.0).reshape(1, 2, 2), 2, return_indices=True)
    >>> ng.max_unpool2d(y, index, 2).tolist()
    [[[0.0, 0.0], [0.0, 3.0]]]
    """
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """The values of `max_pool3d` put back where they were found: `max_unpool2d` of volumes."""
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)
