"""Pooling: the greatest value or the mean of each window of an image."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.ops._args import pair, require_tensor
from naivegrad.tensor import Tensor


class MaxPool2d(Function):
    """y = x at the position of each window's maximum.    grad_x = grad put back at those positions.

    The first of equal values is the maximum and gets the whole gradient.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, return_indices: bool, *window: Any) -> Any:
        y, index = ctx.backend.max_pool2d(x, *window)
        ctx.save_for_backward(index)
        ctx.x_shape, ctx.return_indices = x.shape, return_indices
        if not return_indices:
            return y
        index = ctx.backend.cast(index, np.dtype(np.int64))
        ctx.mark_non_differentiable(index)
        return y, index

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any = None) -> Any:
        (index,) = ctx.saved_tensors
        return MaxPool2dGrad.apply(grad, index, ctx.x_shape)

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, *_: Any) -> Any:
        (index,) = ctx.saved_tensors
        y_dot = MaxPool2dPick.apply(x_dot, index)
        return (y_dot, None) if ctx.return_indices else y_dot


class MaxPool2dGrad(Function):
    """grad_x[index[p]] += grad[p], plane by plane.    grad_grad[p] = h[index[p]]."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, grad: Any, index: Any, x_shape: tuple[int, ...]) -> Any:
        ctx.save_for_backward(index)
        return ctx.backend.max_pool2d_grad(grad, index, x_shape)

    @staticmethod
    def backward(ctx: Any, h: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return MaxPool2dPick.apply(h, index)


class MaxPool2dPick(Function):
    """y[p] = x[index[p]], plane by plane: the transpose of MaxPool2dGrad."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, index: Any) -> Any:
        ctx.save_for_backward(index)
        ctx.x_shape = x.shape
        return ctx.backend.max_pool2d_pick(x, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return MaxPool2dGrad.apply(grad, index, ctx.x_shape)


class AvgPool2d(Function):
    """y = the mean of each window.    grad_x = grad / count, added to each pixel of its window."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, *window: Any) -> Any:
        ctx.x_shape, ctx.window = x.shape, window
        return ctx.backend.avg_pool2d(x, *window)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AvgPool2dGrad.apply(grad, ctx.x_shape, *ctx.window)


class AvgPool2dGrad(Function):
    """The transpose of AvgPool2d, whose transpose is AvgPool2d."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, grad: Any, x_shape: tuple[int, ...], *window: Any) -> Any:
        ctx.window = window
        return ctx.backend.avg_pool2d_grad(grad, x_shape, *window)

    @staticmethod
    def backward(ctx: Any, h: Tensor) -> Any:
        return AvgPool2d.apply(h, *ctx.window)


class AdaptiveAvgPool2d(Function):
    """y[i] = mean of x[floor(i H / OH) : ceil((i+1) H / OH)], both ways.  grad_x: as AvgPool2d."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, size: tuple[int, int]) -> Any:
        ctx.x_shape = x.shape
        return ctx.backend.adaptive_avg_pool2d(x, size)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AdaptiveAvgPool2dGrad.apply(grad, ctx.x_shape)


class AdaptiveAvgPool2dGrad(Function):
    """The transpose of AdaptiveAvgPool2d, whose transpose is AdaptiveAvgPool2d."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, grad: Any, x_shape: tuple[int, ...]) -> Any:
        ctx.size = grad.shape[2:]
        return ctx.backend.adaptive_avg_pool2d_grad(grad, x_shape)

    @staticmethod
    def backward(ctx: Any, h: Tensor) -> Any:
        return AdaptiveAvgPool2d.apply(h, ctx.size)


def _stride(stride: Any, kernel: tuple[int, int], op: str) -> tuple[int, int]:
    """The stride; windows side by side where none is given."""
    if stride is None or (isinstance(stride, tuple | list) and not stride):
        return kernel
    return pair(stride, op, "stride")


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
    x = require_tensor(input, op)
    kernel = pair(kernel_size, op, "kernel_size")
    window = (
        kernel,
        _stride(stride, kernel, op),
        pair(padding, op, "padding"),
        pair(dilation, op, "dilation"),
        bool(ceil_mode),
    )
    if x.array.ndim != 3:
        return MaxPool2d.apply(x, return_indices, *window)
    y = MaxPool2d.apply(x.unsqueeze(0), return_indices, *window)
    return (y[0].squeeze(0), y[1].squeeze(0)) if return_indices else y.squeeze(0)


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
    x = require_tensor(input, op)
    kernel = pair(kernel_size, op, "kernel_size")
    if divisor_override is not None:
        try:
            divisor_override = operator.index(divisor_override)
        except TypeError:
            raise TypeError(
                f"{op}: divisor_override must be an integer, got {divisor_override!r}"
            ) from None
    window = (
        kernel,
        _stride(stride, kernel, op),
        pair(padding, op, "padding"),
        bool(ceil_mode),
        bool(count_include_pad),
        divisor_override,
    )
    if x.array.ndim == 3:
        return AvgPool2d.apply(x.unsqueeze(0), *window).squeeze(0)
    return AvgPool2d.apply(x, *window)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of as many windows as asked for, spread evenly over the image.

        y[n, c, i, j] = mean of x[n, c, floor(i H / OH) : ceil((i+1) H / OH), ...the same for W]

    input (N, C, H, W) or (C, H, W) gives (N, C, OH, OW) or (C, OH, OW). output_size is an integer
    or two, of which None keeps the input's size; 1 is the mean of the whole image. Linear.

    >>> import naivegrad as ng
    >>> ng.adaptive_avg_pool2d(ng.ones(2, 3, 7, 5), (2, None)).shape
    (2, 3, 2, 5)
    """
    op = "adaptive_avg_pool2d"
    x = require_tensor(input, op)
    wish = output_size if isinstance(output_size, tuple | list) else (output_size, output_size)
    if len(wish) == 2 and x.array.ndim in (3, 4):
        wish = tuple(n if k is None else k for k, n in zip(wish, x.array.shape[-2:], strict=True))
    size = pair(wish, op, "output_size") if len(wish) == 2 else None
    if size is None:
        raise ValueError(f"{op}: output_size must be an integer or two, got {output_size!r}")
    if x.array.ndim == 3:
        return AdaptiveAvgPool2d.apply(x.unsqueeze(0), size).squeeze(0)
    return AdaptiveAvgPool2d.apply(x, size)
