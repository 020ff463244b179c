"""Normalisation: subtract the mean, divide by the standard deviation, over some of the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from naivegrad.autograd import Function, formula_vjp
from naivegrad.dtype import finfo
from naivegrad.ops._args import (
    into,
    normalize_axes,
    normalize_axis,
    require_floating,
    require_tensor,
    sizes,
)
from naivegrad.ops.padding import pad
from naivegrad.ops.pool import avg_pool2d
from naivegrad.ops.vector_norm import norm
from naivegrad.tensor import Tensor


class LayerNorm(Function):
    """y = xhat * weight + bias, xhat = (x - mean(x)) / sqrt(var(x) + eps), over the last axes.

    With h = grad * weight:    grad_x = (h - mean(h) - xhat * mean(h * xhat)) / sqrt(var(x) + eps),
    grad_weight = sum(grad * xhat),    grad_bias = sum(grad), summed over the other axes.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, axes: int, eps: float) -> Any:
        y, stats = ctx.backend.layer_norm(x, axes, weight, bias, eps)
        ctx.save_for_backward(x, weight, stats)
        ctx.options = axes, eps
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight, stats = ctx.saved_tensors
        need_x, need_weight, need_bias = ctx.needs_input_grad[:3]
        affine = need_weight or need_bias
        grads = LayerNormGrad.apply(grad, x, weight, stats, *ctx.options, need_x, affine)
        if not affine:
            return grads
        return grads if need_x else (None, *grads)


class LayerNormGrad(Function):
    """(grad_x, grad_weight, grad_bias) of LayerNorm, or only the first, or only the last two."""

    @staticmethod
    def forward(
        ctx: Any,
        grad: Any,
        x: Any,
        weight: Any,
        stats: Any,
        axes: int,
        eps: float,
        need_x: bool,
        affine: bool,
    ) -> Any:
        ctx.save_for_backward(grad, x, weight)
        ctx.options = axes, eps, need_x, affine
        grads = ctx.backend.layer_norm_grad(grad, x, weight, stats, axes, need_x, affine)
        if not affine:
            return grads[0]
        return grads if need_x else grads[1:]

    @staticmethod
    def backward(ctx: Any, *us: Tensor) -> Any:
        axes, eps, need_x, affine = ctx.options

        def formula(grad: Tensor, x: Tensor, weight: Tensor | None) -> Any:
            ndim = x.array.ndim
            last, first = tuple(range(ndim - axes, ndim)), tuple(range(ndim - axes))
            xhat, rstd = _standardize(x, last, eps)
            h = grad if weight is None else grad * weight
            results = []
            if need_x:
                slope = (h * xhat).mean(last, True)
                results.append(rstd * (h - h.mean(last, True) - xhat * slope))
            if affine:
                products = grad * xhat
                results.append(products.sum(first) if first else products)
                results.append(grad.sum(first) if first else grad)
            return tuple(results)

        return _vjp(formula, ctx.saved_tensors, us)


class BatchNorm(Function):
    """y = xhat * weight + bias, xhat = (x - mean) / sqrt(var + eps), per channel of (N, C, ...).

    In training, mean and var are those of x over all axes but C; grad_x is as for LayerNorm, over
    those axes. In evaluation they are given, and grad_x = grad * weight / sqrt(var + eps).
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Any,
        weight: Any,
        bias: Any,
        running_mean: Any,
        running_var: Any,
        training: bool,
        momentum: float,
        eps: float,
    ) -> Any:
        y, stats = ctx.backend.batch_norm(
            x, running_mean, running_var, weight, bias, training, momentum, eps
        )
        ctx.save_for_backward(x, weight, stats)
        ctx.options = training, eps
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight, stats = ctx.saved_tensors
        need_x = ctx.needs_input_grad[0]
        grads = BatchNormGrad.apply(grad, x, weight, stats, *ctx.options, need_x)
        return grads if need_x else (None, *grads)


class BatchNormGrad(Function):
    """(grad_x, grad_weight, grad_bias) of BatchNorm, or the last two."""

    @staticmethod
    def forward(
        ctx: Any,
        grad: Any,
        x: Any,
        weight: Any,
        stats: Any,
        training: bool,
        eps: float,
        need_x: bool,
    ) -> Any:
        ctx.save_for_backward(grad, x, weight, stats)
        ctx.options = training, eps, need_x
        grads = ctx.backend.batch_norm_grad(grad, x, weight, stats, training, need_x)
        return grads if need_x else grads[1:]

    @staticmethod
    def backward(ctx: Any, *us: Tensor) -> Any:
        grad, x, weight, stats = ctx.saved_tensors
        training, eps, need_x = ctx.options

        def formula(grad: Tensor, x: Tensor, weight: Tensor | None) -> Any:
            axes = (0, *range(2, x.array.ndim))
            per_channel = (1, -1) + (1,) * (x.array.ndim - 2)
            h = grad if weight is None else grad * weight.reshape(per_channel)
            if training:
                xhat, rstd = _standardize(x, axes, eps)
                grad_x = rstd * (h - h.mean(axes, True) - xhat * (h * xhat).mean(axes, True))
            else:  # the statistics are constants
                mean, rstd = (s.reshape(per_channel) for s in stats.reshape(2, -1))
                xhat = (x - mean) * rstd
                grad_x = h * rstd
            results = (grad * xhat).sum(axes), grad.sum(axes)
            return (grad_x, *results) if need_x else results

        return _vjp(formula, (grad, x, weight), us)


def _standardize(x: Tensor, axes: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    """(x - mean) / sqrt(var + eps), and 1 / sqrt(var + eps)."""
    centred = x - x.mean(axes, True)
    rstd = ((centred * centred).mean(axes, True) + eps).rsqrt()
    return centred * rstd, rstd


def _vjp(formula: Any, inputs: Sequence[Any], us: Sequence[Tensor | None]) -> Any:
    """formula_vjp for those outputs that a gradient reached."""
    reached = [i for i, u in enumerate(us) if u is not None]

    def some(*arguments: Any) -> Any:
        results = formula(*arguments)
        return tuple(results[i] for i in reached)

    return formula_vjp(some, inputs, tuple(us[i] for i in reached))


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise over the last dimensions, each sample by itself.

        y = (x - mean) / sqrt(var + eps) * weight + bias

    Parameters
    ----------
    input : Tensor, (..., *normalized_shape), floating point
    normalized_shape : the sizes of the last dimensions, over which mean and (biased) var are taken
    weight, bias : Tensor, normalized_shape, optional
    eps : keeps the division finite

    Returns
    -------
    Tensor of the input's shape

    Raises
    ------
    ValueError
        A shape that does not fit.
    TypeError
        Integers, or tensors of different types.

    Notes
    -----
    Differentiable in input, weight and bias, to any order.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.functional.layer_norm(ng.tensor([[1.0, 3.0]]), (2,), eps=0.0)
    tensor([[-1.,  1.]])

    References
    ----------
    Ba, Kiros & Hinton 2016, "Layer normalization".
    """
    op = "layer_norm"
    require_floating(input, op)
    if _mixed(input, weight, bias):
        wide = layer_norm(input.float(), normalized_shape, weight, bias, eps)
        return wide.cast(input.array.dtype)
    last = _last_lengths(op, input, normalized_shape)
    _check_parameters(op, input, last, weight=weight, bias=bias)
    return LayerNorm.apply(input, weight, bias, len(last), eps)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel over the whole batch.

        y = (x - mean) / sqrt(var + eps) * weight + bias

    Parameters
    ----------
    input : Tensor, (N, C) or (N, C, ...), floating point
    running_mean, running_var : Tensor, (C,); needed unless training
    weight, bias : Tensor, (C,), optional
    training : take mean and (biased) var from the input, and move the running ones, in place,
        towards its mean and unbiased variance; otherwise use the running ones
    momentum : running = (1 - momentum) * running + momentum * new
    eps : keeps the division finite

    Returns
    -------
    Tensor of the input's shape

    Raises
    ------
    ValueError
        A shape that does not fit; no running statistics in evaluation; one value per channel in
        training, which has no variance.
    TypeError
        Integers, or tensors of different types.

    Notes
    -----
    Differentiable in input, weight and bias, to any order.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.functional.batch_norm(ng.tensor([[1.0], [3.0]]), None, None, training=True, eps=0.0)
    tensor([[-1.],
            [ 1.]])

    References
    ----------
    Ioffe & Szegedy 2015, "Batch normalization", Algorithms 1 and 2.
    """
    op = "batch_norm"
    require_floating(input, op)
    if _mixed(input, running_mean, running_var, weight, bias):
        wide = batch_norm(
            input.float(), running_mean, running_var, weight, bias, training, momentum, eps
        )
        return wide.cast(input.array.dtype)
    shape = input.array.shape
    if len(shape) < 2:
        raise ValueError(f"{op}: input must be (N, C) or (N, C, ...), got {shape}")
    channels = shape[1:2]
    _check_parameters(
        op, input, channels,
        running_mean=running_mean, running_var=running_var, weight=weight, bias=bias,
    )  # fmt: skip
    if training:
        if math.prod(shape) == 0:
            running_mean = running_var = None  # nothing to learn from
        elif math.prod(shape) == shape[1]:
            raise ValueError(
                f"{op}: expected more than 1 value per channel when training, got {shape}"
            )
        for running in (running_mean, running_var):
            if running is not None:
                running.version[0] += 1
    elif running_mean is None or running_var is None:
        raise ValueError(f"{op}: running_mean and running_var are needed unless training")
    return BatchNorm.apply(
        input, weight, bias, running_mean, running_var, bool(training), float(momentum), eps
    )


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each group of channels of each sample.

    Parameters
    ----------
    input : Tensor, (N, C, ...), floating point
    num_groups : into how many groups of C / num_groups neighbouring channels
    weight, bias : Tensor, (C,), optional

    Returns
    -------
    Tensor of the input's shape

    Notes
    -----
    Differentiable in input, weight and bias, to any order; ValueError where a shape does not fit.

    References
    ----------
    Wu & He 2018, "Group normalization".
    """
    op = "group_norm"
    require_floating(input, op)
    if _mixed(input, weight, bias):
        wide = group_norm(input.float(), num_groups, weight, bias, eps)
        return wide.cast(input.array.dtype)
    shape = input.array.shape
    if len(shape) < 2 or num_groups < 1 or shape[1] % num_groups:
        raise ValueError(
            f"{op}: {num_groups} groups of the channels of an input (N, C, ...) of {shape}"
        )
    _check_parameters(op, input, shape[1:2], weight=weight, bias=bias)
    groups = input.reshape(shape[0], num_groups, math.prod(shape[1:]) // num_groups)
    y = LayerNorm.apply(groups, None, None, 1, eps).reshape(shape)
    per_channel = (-1,) + (1,) * (len(shape) - 2)
    if weight is not None:
        y = y * weight.reshape(per_channel)
    return y if bias is None else y + bias.reshape(per_channel)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample.

        y = (x - mean) / sqrt(var + eps) * weight + bias

    Parameters
    ----------
    input : Tensor, (N, C, ...), floating point
    running_mean, running_var : Tensor, (C,), optional; needed unless use_input_stats
    weight, bias : Tensor, (C,), optional
    use_input_stats : take mean and (biased) var from each sample, and move the running ones, in
        place, towards the means over the samples; otherwise use the running ones
    momentum : running = (1 - momentum) * running + momentum * new

    Notes
    -----
    Differentiable in input, weight and bias, to any order; ValueError where a shape does not fit.

    References
    ----------
    Ulyanov, Vedaldi & Lempitsky 2016, "Instance normalization".
    """
    op = "instance_norm"
    require_floating(input, op)
    if _mixed(input, running_mean, running_var, weight, bias):
        wide = instance_norm(
            input.float(), running_mean, running_var, weight, bias, use_input_stats, momentum, eps
        )
        return wide.cast(input.array.dtype)
    shape = input.array.shape
    if len(shape) < 2:
        raise ValueError(f"{op}: input must be (N, C, ...), got {shape}")
    running = running_mean, running_var
    _check_parameters(
        op, input, shape[1:2],
        running_mean=running_mean, running_var=running_var, weight=weight, bias=bias,
    )  # fmt: skip
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueError(
                f"{op}: running_mean and running_var are needed for use_input_stats=False"
            )
        return BatchNorm.apply(input, weight, bias, *running, False, float(momentum), eps)
    if math.prod(shape[2:]) == 1:
        raise ValueError(f"{op}: expected more than 1 value per channel and sample, got {shape}")
    samples = shape[0]  # a batch of one, with N * C channels
    vectors = [v if v is None else v.repeat(samples) for v in (weight, bias, *running)]
    flat = input.reshape(1, samples * shape[1], *shape[2:])
    y = BatchNorm.apply(flat, *vectors, True, float(momentum), eps).reshape(shape)
    if math.prod(shape):
        for old, new in zip(running, vectors[2:], strict=True):
            if old is not None and new is not None:
                old.copy_(new.reshape(samples, -1).mean(0))
    return y


def normalize(
    input: Tensor,
    p: float = 2.0,
    dim: Any = 1,
    eps: float = 1e-12,
    out: Tensor | None = None,
) -> Tensor:
    """input / max(its p-norm along dim, eps): vectors of length 1.

    Differentiable to any order; the gradient of a vector shorter than eps is that of input / eps.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.functional.normalize(ng.tensor([3.0, 4.0]), dim=0)
    tensor([0.6, 0.8])
    """
    op = "normalize"
    require_floating(input, op)
    ndim = input.array.ndim
    dim = normalize_axes(dim, ndim, op) if isinstance(dim, tuple) else normalize_axis(dim, ndim, op)
    return into(out, input / norm(input, p, dim, True).clamp(min=eps), op)


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divide by a power of the mean square over `size` neighbouring channels.

        y_c = x_c / (k + alpha * mean(x_j^2 for the channels j about c))^beta

    Parameters
    ----------
    input : Tensor, (N, C, L) or with more dimensions
    size : int, how many channels; those beyond the border count as 0

    Differentiable to any order. ValueError for fewer than 3 dimensions.

    References
    ----------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep CNNs".
    """
    op = "local_response_norm"
    require_floating(input, op)
    shape = input.array.shape
    if len(shape) < 3:
        raise ValueError(f"{op}: input must be (N, C, L) or have more dimensions, got {shape}")
    if not math.prod(shape):
        return input
    squares = (input * input).reshape(shape[0], 1, shape[1], -1)
    means = avg_pool2d(pad(squares, (0, 0, size // 2, (size - 1) // 2)), (size, 1), 1)
    return input / (means.reshape(shape) * alpha + k) ** beta


def rms_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divide by the root of the mean square over the last dimensions.

        y = x / sqrt(mean(x^2) + eps) * weight

    eps is the machine epsilon unless given. Differentiable in input and weight, to any order.

    References
    ----------
    Zhang & Sennrich 2019, "Root mean square layer normalization".
    """
    op = "rms_norm"
    require_floating(input, op)
    last = _last_lengths(op, input, normalized_shape)
    if not _mixed(input, weight):
        _check_parameters(op, input, last, weight=weight)
    if input.array.dtype.itemsize == 2:  # the arithmetic, and its epsilon, are those of float32
        wide = rms_norm(input.float(), last, weight if weight is None else weight.float(), eps)
        return wide.cast(input.array.dtype)
    if eps is None:
        eps = finfo(input.dtype).eps
    axes = tuple(range(-len(last), 0))
    y = input * ((input * input).mean(axes, True) + eps).rsqrt()
    return y if weight is None else y * weight


def _last_lengths(op: str, x: Tensor, normalized_shape: Any) -> tuple[int, ...]:
    """normalized_shape, checked to be the lengths of the last axes."""
    last = sizes((normalized_shape,), op)
    if not last or x.array.shape[-len(last) :] != last:
        raise ValueError(
            f"{op}: normalized_shape {last} must be the last dimensions of the input, "
            f"{x.array.shape}"
        )
    return last


def _mixed(x: Tensor, *parameters: Tensor | None) -> bool:
    """Whether half precision meets float32 parameters: the arithmetic is then that of float32."""
    return x.array.dtype.itemsize == 2 and any(
        isinstance(p, Tensor) and p.array.dtype == "float32" for p in parameters
    )


def _check_parameters(
    op: str, x: Tensor, shape: tuple[int, ...], **parameters: Tensor | None
) -> None:
    for name, parameter in parameters.items():
        if parameter is None:
            continue
        array = require_tensor(parameter, op, name).array
        if array.shape != shape:
            raise ValueError(
                f"{op}: {name} must have shape {shape}, got {array.shape} (x {x.array.shape})"
            )
        if array.dtype != x.array.dtype:
            raise TypeError(f"{op}: {name} is {parameter.dtype}, but the input is {x.dtype}")
