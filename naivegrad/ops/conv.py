"""Convolutions, and unfold/fold: each linear map stands beside its transpose."""

from __future__ import annotations

import operator
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.window import FILTERS, IMAGES, check_window
from naivegrad.ops._args import pair, require_tensor, several
from naivegrad.tensor import Tensor

# Below, `window` is (stride, padding, dilation, groups). Images have one, two or three dimensions:
# stride and dilation one number for each, padding two: (top, bottom, left, right).


class Convolution(Function):
    """y = sum_{c,u,v} w[f,c,u,v] x[n,c,.,.] + b[f].    grad_x, grad_w: the two transposes below.

    Bilinear in x and w: y(x, w) = A(w) x = B(x) w. The three classes apply A(w), A(w)^T and B(x)^T;
    the gradient of each is made of the other two, so that derivatives of any order exist.
    """

    kind = "bilinear"

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, b: Any, *window: Any) -> Any:
        need_x, need_w = ctx.needs_input_grad[:2]
        ctx.save_for_backward(x if need_w else None, w if need_x else None)
        ctx.x_shape, ctx.w_shape, ctx.window = x.shape, w.shape, window
        return ctx.backend.convolution(x, w, b, *window)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, w = ctx.saved_tensors
        need_b = ctx.needs_input_grad[2]
        return (
            None if w is None else ConvolutionGradInput.apply(grad, w, ctx.x_shape, *ctx.window),
            None if x is None else ConvolutionGradWeight.apply(grad, x, ctx.w_shape, *ctx.window),
            grad.sum((0, *range(2, len(ctx.x_shape)))) if need_b else None,
        )

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, w_dot: Any, b_dot: Any, *_: Any) -> Any:
        x, w = ctx.saved_tensors
        y_dot = None if x_dot is None else Convolution.apply(x_dot, w, b_dot, *ctx.window)
        if w_dot is not None:
            term = Convolution.apply(x, w_dot, b_dot if y_dot is None else None, *ctx.window)
            y_dot = term if y_dot is None else y_dot + term
        if y_dot is not None:
            return y_dot
        return b_dot.reshape(-1, *[1] * (len(ctx.x_shape) - 2)).expand(ctx.shape)


class ConvolutionGradInput(Function):
    """grad_x = A(w)^T grad, also known as transposed convolution; bilinear in grad and w."""

    kind = "bilinear"

    @staticmethod
    def forward(ctx: Any, grad: Any, w: Any, x_shape: tuple[int, ...], *window: Any) -> Any:
        need_grad, need_w = ctx.needs_input_grad[:2]
        ctx.save_for_backward(grad if need_w else None, w if need_grad else None)
        ctx.w_shape, ctx.window = w.shape, window
        return ctx.backend.convolution_grad_input(grad, w, x_shape, *window)

    @staticmethod
    def backward(ctx: Any, h: Tensor) -> Any:
        grad, w = ctx.saved_tensors
        return (
            None if w is None else Convolution.apply(h, w, None, *ctx.window),
            None
            if grad is None
            else ConvolutionGradWeight.apply(grad, h, ctx.w_shape, *ctx.window),
        )


class ConvolutionGradWeight(Function):
    """grad_w = B(x)^T grad: the correlation of x with grad; bilinear in grad and x."""

    kind = "bilinear"

    @staticmethod
    def forward(ctx: Any, grad: Any, x: Any, w_shape: tuple[int, ...], *window: Any) -> Any:
        need_grad, need_x = ctx.needs_input_grad[:2]
        ctx.save_for_backward(grad if need_x else None, x if need_grad else None)
        ctx.x_shape, ctx.window = x.shape, window
        return ctx.backend.convolution_grad_weight(grad, x, w_shape, *window)

    @staticmethod
    def backward(ctx: Any, h: Tensor) -> Any:
        grad, x = ctx.saved_tensors
        return (
            None if x is None else Convolution.apply(x, h, None, *ctx.window),
            None if grad is None else ConvolutionGradInput.apply(grad, h, ctx.x_shape, *ctx.window),
        )


class Unfold(Function):
    """y[n, (c,u,v), (i,j)] = x[n, c, i s + u d - p, j s + v d - p].    grad_x = fold(grad)."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, *window: Any) -> Any:
        ctx.size, ctx.window = x.shape[2:], window
        return ctx.backend.unfold(x, *window)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Fold.apply(grad, ctx.size, *ctx.window)


class Fold(Function):
    """y = the sum of all columns, each put back where unfold took it.    grad_x = unfold(grad)."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, size: tuple[int, int], *window: Any) -> Any:
        ctx.window = window
        return ctx.backend.fold(x, size, *window)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Unfold.apply(grad, *ctx.window)


def _groups(groups: Any, op: str) -> int:
    try:
        return operator.index(groups)
    except TypeError:
        raise TypeError(f"{op}: groups must be an integer, got {groups!r}") from None


def _sides(
    padding: Any,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    op: str,
) -> tuple[int, ...]:
    """Padding in any of its forms as (top, bottom, left, right)."""
    dims = len(stride)
    if not isinstance(padding, str):
        return tuple([p for p in several(padding, dims, op, "padding") for _ in range(2)])
    if padding == "valid":
        return (0,) * (2 * dims)
    if padding != "same":
        many = ("", ", two", ", three")[dims - 1]
        raise ValueError(
            f"{op}: padding must be an integer{many}, 'valid' or 'same', got {padding!r}"
        )
    if max(stride) != 1:
        raise ValueError(f"{op}: padding='same' needs stride 1, got stride {stride}")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    # an odd one goes below and to the right
    return tuple([side for total in totals for side in (total // 2, total - total // 2)])


def _arguments(
    op: str,
    dims: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> tuple[Tensor, Tensor, Any]:
    """x with a batch, w, and the window, checked as far as the backend does not."""
    x = require_tensor(input, op)
    w = require_tensor(weight, op, "weight")
    if bias is not None:
        require_tensor(bias, op, "bias")
    if x.array.ndim not in (dims + 1, dims + 2):
        raise ValueError(f"{op}: x must be {IMAGES[dims]}, got {x.array.shape}")
    if w.array.ndim != dims + 2:
        raise ValueError(f"{op}: w must be {FILTERS[dims]}, got {w.array.shape}")
    steps = several(stride, dims, op, "stride")
    dilations = several(dilation, dims, op, "dilation")
    sides = _sides(padding, w.array.shape[2:], steps, dilations, op)
    if x.array.ndim == dims + 1:
        x = x.unsqueeze(0)
    return x, w, (steps, sides, dilations, _groups(groups, op))


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate sequences with filters.

        y[n, f, i] = b[f] + sum_{c, u} x[n, c, i*s + u*d - p] * w[f, c, u]

    input (N, C, L) or (C, L), weight (F, C // groups, K) and bias (F,) give (N, F, OL) or (F, OL),
    OL = (L + 2p - d (K - 1) - 1) // s + 1. The other arguments are as in `conv2d`, one number each.
    Differentiable to any order.
    """
    x, w, window = _arguments("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)
    y = Convolution.apply(x, w, bias, *window)
    return y if x is input else y.squeeze(0)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` of sequences with time first: input (L, N, C), weight (K, C, F), y (OL, N, F)."""
    for name, x in (("input", input), ("weight", weight)):
        if require_tensor(x, "conv_tbc", name).array.ndim != 3:
            raise ValueError(f"conv_tbc: {name} must have 3 dimensions, got {x.array.shape}")
    y = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return y.permute(2, 0, 1)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate images with filters.

        y[n, f, i, j] = b[f] + sum_{c, u, v} x[n, c, i*s + u*d - p, j*s + v*d - p] * w[f, c, u, v]

    with x = 0 outside the image, and c running over the channels of the group of f.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
    weight : Tensor, (F, C // groups, KH, KW)
        The filters, not flipped.
    bias : Tensor, (F,), optional
    stride, dilation : int or two (rows, columns)
    padding : int, two (rows, columns), 'valid' (none) or 'same'
        'same' keeps the size; an odd amount of padding is larger below and to the right.
    groups : int
        Filters and channels fall into so many groups that know nothing of one another.

    Returns
    -------
    Tensor, (N, F, OH, OW) or (F, OH, OW)      OH = (H + 2p - d (KH - 1) - 1) // s + 1

    Raises
    ------
    ValueError
        Shapes that do not belong together; a kernel larger than the padded input; padding='same'
        with a stride.
    TypeError
        Tensors of different types, or of bool.

    Differentiable in input, weight and bias, to any order. There is no column matrix: working
    memory is about 1 MiB a thread. Sums of integers wrap around.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.conv2d(ng.ones(1, 1, 4, 5), ng.ones(2, 1, 3, 3)).shape
    (1, 2, 2, 3)

    References
    ----------
    Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning", section 2.
    """
    x, w, window = _arguments("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)
    y = Convolution.apply(x, w, bias, *window)
    return y if x is input else y.squeeze(0)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate volumes with filters: conv2d with one dimension more.

    input (N, C, D, H, W) or (C, D, H, W), weight (F, C // groups, KD, KH, KW) and bias (F,) give
    (N, F, OD, OH, OW) or (F, OD, OH, OW). stride, padding and dilation are integers or three
    (depth, rows, columns). Differentiable to any order; working memory is some MiB.
    """
    x, w, window = _arguments("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)
    y = Convolution.apply(x, w, bias, *window)
    return y if x is input else y.squeeze(0)


def _transposed_arguments(
    op: str,
    dims: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> tuple[Tensor, Tensor, tuple[int, ...], Any]:
    """x with a batch, w, the shape of the result, and the window."""
    x = require_tensor(input, op)
    w = require_tensor(weight, op, "weight")
    if x.array.ndim == dims + 1:
        x = x.unsqueeze(0)
    if not x.array.ndim == w.array.ndim == dims + 2 or x.array.shape[1] != w.array.shape[0]:
        raise ValueError(
            f"{op}: x must be {IMAGES[dims].replace('C', 'F')} and w {FILTERS[dims]}, "
            f"got x {input.array.shape}, w {w.array.shape}"
        )
    steps = several(stride, dims, op, "stride")
    dilations = several(dilation, dims, op, "dilation")
    pads = several(padding, dims, op, "padding")
    extra = several(output_padding, dims, op, "output_padding")
    check_window(op, w.array.shape[2:], steps, pads, dilations)
    if min(extra) < 0 or any(
        e >= max(s, d) for e, s, d in zip(extra, steps, dilations, strict=True)
    ):
        raise ValueError(
            f"{op}: output_padding must not be negative, and smaller than the stride {steps} or "
            f"the dilation {dilations}, got {extra}"
        )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(
            x.array.shape[2:], steps, pads, dilations, w.array.shape[2:], extra, strict=True
        )
    )
    if min(size) < 1:
        raise ValueError(
            f"{op}: nothing is left, result would be {size} (x {input.array.shape}, padding {pads})"
        )
    group_count = _groups(groups, op)
    shape = (x.array.shape[0], w.array.shape[1] * group_count, *size)
    sides = tuple([side for p, e in zip(pads, extra, strict=True) for side in (p, p - e)])
    if bias is not None and require_tensor(bias, op, "bias").array.shape != (shape[1],):
        raise ValueError(f"{op}: bias must be ({shape[1]},), got {bias.array.shape}")
    if bias is not None and bias.array.dtype != x.array.dtype:
        raise TypeError(f"{op}: bias is {bias.dtype}, but the input is {x.dtype}")
    return x, w, shape, (steps, sides, dilations, group_count)


def _with_bias(y: Tensor, bias: Tensor | None, alone: bool) -> Tensor:
    """y + bias, channel by channel; without the batch if the image was alone."""
    if bias is not None:
        y = y + bias.reshape(-1, *[1] * (y.array.ndim - 2))
    return y.squeeze(0) if alone else y


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transpose of conv1d: `conv_transpose2d` of sequences.

    input (N, F, L) or (F, L), weight (F, C // groups, K) and bias (C,) give (N, C, OL) or (C, OL).
    """
    x, w, shape, window = _transposed_arguments(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip
    y = ConvolutionGradInput.apply(x, w, shape, *window)
    return _with_bias(y, bias, x is not input)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transpose of conv2d: the gradient of its input, as an operation of its own.

        y[n, c, i*s + u*d - p, j*s + v*d - p] += x[n, f, i, j] * w[f, c, u, v]        then + b[c]

    input (N, F, H, W) or (F, H, W), weight (F, C // groups, KH, KW) and bias (C,) give
    (N, C, OH, OW) or (C, OH, OW), OH = (H - 1) s - 2p + d (KH - 1) + output_padding + 1.
    output_padding (smaller than the stride or the dilation) chooses among the sizes that conv2d
    would all have turned into H. Differentiable to any order.
    """
    x, w, shape, window = _transposed_arguments(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip
    y = ConvolutionGradInput.apply(x, w, shape, *window)
    return _with_bias(y, bias, x is not input)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transpose of conv3d: `conv_transpose2d` of volumes.

    input (N, F, D, H, W) or (F, D, H, W), weight (F, C // groups, KD, KH, KW) and bias (C,) give
    (N, C, OD, OH, OW) or (C, OD, OH, OW).
    """
    x, w, shape, window = _transposed_arguments(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip
    y = ConvolutionGradInput.apply(x, w, shape, *window)
    return _with_bias(y, bias, x is not input)


def unfold(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The windows that a convolution would see, as columns of a matrix (im2col).

        y[n, (c*KH + u)*KW + v, i*OW + j] = x[n, c, i*s + u*d - p, j*s + v*d - p]

    input (N, C, H, W) or (C, H, W) gives (N, C*KH*KW, OH*OW) or (C*KH*KW, OH*OW). Each argument is
    an integer or two (rows, columns). Linear; its transpose is `fold`.

    >>> import naivegrad as ng
    >>> ng.unfold(ng.arange(4.0).reshape(1, 1, 2, 2), 2).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    op = "unfold"
    x = require_tensor(input, op)
    window = (
        pair(kernel_size, op, "kernel_size"),
        pair(dilation, op, "dilation"),
        pair(padding, op, "padding"),
        pair(stride, op, "stride"),
    )
    if x.array.ndim == 3:
        return Unfold.apply(x.unsqueeze(0), *window).squeeze(0)
    return Unfold.apply(x, *window)


def fold(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Columns summed back into images (col2im): the transpose of `unfold`, not its inverse.

    input (N, C*KH*KW, L) or (C*KH*KW, L) gives (N, C, *output_size) or (C, *output_size), where L
    is the number of windows that `unfold` finds in an image of output_size. Linear.
    """
    op = "fold"
    x = require_tensor(input, op)
    size = pair(output_size, op, "output_size")
    window = (
        pair(kernel_size, op, "kernel_size"),
        pair(dilation, op, "dilation"),
        pair(padding, op, "padding"),
        pair(stride, op, "stride"),
    )
    if x.array.ndim == 2:
        return Fold.apply(x.unsqueeze(0), size, *window).squeeze(0)
    return Fold.apply(x, size, *window)
