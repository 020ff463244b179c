"""Pooling to a size: as many windows as asked for, spread evenly or at random."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.window import check_planes
from naivegrad.ops._args import require_tensor, several
from naivegrad.ops.pool import WindowMax, batched, unbatched
from naivegrad.ops.random import rand
from naivegrad.tensor import Tensor


class AdaptiveMaxPool(WindowMax):
    """WindowMax of x[floor(i H / OH) : ceil((i+1) H / OH)], along each dimension."""

    @staticmethod
    def forward(ctx: Any, x: Any, return_indices: bool, size: tuple[int, ...]) -> Any:
        return ctx.keep(x, *ctx.backend.adaptive_max_pool(x, size), return_indices)


class FractionalMaxPool(WindowMax):
    """WindowMax of windows of one size, the steps between them random."""

    @staticmethod
    def forward(ctx: Any, x: Any, return_indices: bool, samples: Any, *window: Any) -> Any:
        result = ctx.backend.fractional_max_pool(x, samples, *window)
        return ctx.keep(x, *result, return_indices)


class AdaptiveAvgPool(Function):
    """y[i] = mean of x[floor(i H / OH) : ceil((i+1) H / OH)], both ways.  grad_x: as AvgPool."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, size: tuple[int, ...]) -> Any:
        ctx.x_shape = x.shape
        return ctx.backend.adaptive_avg_pool(x, size)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AdaptiveAvgPoolGrad.apply(grad, ctx.x_shape)


class AdaptiveAvgPoolGrad(Function):
    """The transpose of AdaptiveAvgPool, whose transpose is AdaptiveAvgPool."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, grad: Any, x_shape: tuple[int, ...]) -> Any:
        ctx.size = grad.shape[2:]
        return ctx.backend.adaptive_avg_pool_grad(grad, x_shape)

    @staticmethod
    def backward(ctx: Any, h: Tensor) -> Any:
        return AdaptiveAvgPool.apply(h, ctx.size)


def _size(x: Tensor, dims: int, output_size: Any, op: str) -> tuple[int, ...]:
    """The size asked for; None keeps that of x."""
    wish = output_size if isinstance(output_size, tuple | list) else (output_size,) * dims
    if len(wish) != dims:
        many = ("", " or two", " or three")[dims - 1]
        raise ValueError(f"{op}: output_size must be an integer{many}, got {output_size!r}")
    if dims > 1 and x.array.ndim == dims + 2:
        wish = [n if k is None else k for k, n in zip(wish, x.array.shape[2:], strict=True)]
    return several(tuple(wish), dims, op, "output_size")


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of as many windows as asked for, spread evenly over the sequence.

    `adaptive_avg_pool2d` with one dimension: input (N, C, L) or (C, L) gives (N, C, OL) or (C, OL).
    """
    op = "adaptive_avg_pool1d"
    x = batched(input, 1, op)
    size = _size(x, 1, output_size, op)
    y: Tensor = unbatched(AdaptiveAvgPool.apply(x, size), x is not input)
    return y


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
    x = batched(input, 2, op)
    size = _size(x, 2, output_size, op)
    y: Tensor = unbatched(AdaptiveAvgPool.apply(x, size), x is not input)
    return y


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The means of as many windows as asked for, spread evenly over the volume.

    `adaptive_avg_pool2d` with three dimensions: input (N, C, D, H, W) or (C, D, H, W) gives
    (N, C, OD, OH, OW) or (C, OD, OH, OW).
    """
    op = "adaptive_avg_pool3d"
    x = batched(input, 3, op)
    size = _size(x, 3, output_size, op)
    y: Tensor = unbatched(AdaptiveAvgPool.apply(x, size), x is not input)
    return y


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest values of as many windows as asked for, spread evenly over the sequence.

    `adaptive_max_pool2d` with one dimension: input (N, C, L) or (C, L) gives (N, C, OL) or (C, OL).
    """
    op = "adaptive_max_pool1d"
    x = batched(input, 1, op)
    size = _size(x, 1, output_size, op)
    return unbatched(AdaptiveMaxPool.apply(x, return_indices, size), x is not input)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest values of as many windows as asked for, spread evenly over the image.

        y[n, c, i, j] = max of x[n, c, floor(i H / OH) : ceil((i+1) H / OH), ...the same for W]

    input (N, C, H, W) or (C, H, W) gives (N, C, OH, OW) or (C, OH, OW). output_size is an integer
    or two, of which None keeps the input's size. return_indices: return also where each was found,
    as h * W + w. Of equal values the first gets the gradient; differentiable to any order.

    >>> import naivegrad as ng
    >>> ng.adaptive_max_pool2d(ng.arange(35.0).reshape(1, 7, 5), (2, 1)).flatten().tolist()
    [19.0, 34.0]
    """
    op = "adaptive_max_pool2d"
    x = batched(input, 2, op)
    size = _size(x, 2, output_size, op)
    return unbatched(AdaptiveMaxPool.apply(x, return_indices, size), x is not input)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest values of as many windows as asked for, spread evenly over the volume.

    `adaptive_max_pool2d` with three dimensions; positions are (d * H + h) * W + w.
    """
    op = "adaptive_max_pool3d"
    x = batched(input, 3, op)
    size = _size(x, 3, output_size, op)
    return unbatched(AdaptiveMaxPool.apply(x, return_indices, size), x is not input)


def _fractional(
    op: str,
    dims: int,
    input: Any,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Tensor | None,
) -> Any:
    x = batched(input, dims, op)
    check_planes(op, x.array.shape, dims)
    kernel = several(kernel_size, dims, op, "kernel_size")
    if output_size is None:
        if output_ratio is None:
            raise ValueError(f"{op}: one of output_size and output_ratio must be given")
        ratios = output_ratio if isinstance(output_ratio, tuple | list) else (output_ratio,) * dims
        if len(ratios) != dims or not all(0 < r < 1 for r in ratios):
            raise ValueError(f"{op}: output_ratio must be between 0 and 1, got {output_ratio!r}")
        size = tuple([int(n * r) for n, r in zip(x.array.shape[2:], ratios, strict=True)])
    else:
        size = several(output_size, dims, op, "output_size")
    if samples is None:
        samples = rand(*x.array.shape[:2], dims, dtype=x.dtype)
    else:
        require_tensor(samples, op, "_random_samples")
    y = FractionalMaxPool.apply(x, return_indices, samples.detach(), kernel, size)
    return unbatched(y, x is not input)


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The greatest values of windows of kernel_size whose distances are random.

    From one window to the next it is one of two neighbouring integers, drawn so that the image
    shrinks to output_size, or by output_ratio: factors that need not be integers.

    input (N, C, H, W) or (C, H, W) gives (N, C, OH, OW) or (C, OH, OW). `_random_samples`
    (N, C, 2), uniform in [0, 1), are drawn unless given. Differentiable to any order.

    References
    ----------
    Graham 2015, "Fractional max-pooling".
    """
    return _fractional(
        "fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio,
        return_indices, _random_samples,
    )  # fmt: skip


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool2d` of volumes; _random_samples are (N, C, 3)."""
    return _fractional(
        "fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio,
        return_indices, _random_samples,
    )  # fmt: skip
