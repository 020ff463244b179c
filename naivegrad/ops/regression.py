"""Losses that compare with numbers, or with probabilities, of the input's shape."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import require_tensor
from naivegrad.ops._reduction import (
    check_reduction,
    paired,
    reduced,
    reduction_of,
    same_kind,
    weighted,
)
from naivegrad.ops.activation import softplus
from naivegrad.ops.creation import full_like
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap


class MSELoss(Function):
    """loss = (x - y)^2, their mean or sum.    grad_x = 2 grad (x - y) (/ n), grad_y = -grad_x."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, reduction: str) -> Any:
        ctx.save_for_backward(x, y)
        ctx.reduction = reduction
        return ctx.backend.mse_loss(x, y, reduction)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        need_x, need_y = ctx.needs_input_grad[:2]
        grad_x = MSELossGrad.apply(grad, *ctx.saved_tensors, ctx.reduction)
        return grad_x if need_x else None, -grad_x if need_y else None


class MSELossGrad(Function):
    """z = 2 grad (x - y) (/ n).    grad_x = 2 grad u (/ n),    grad_y = -grad_x."""

    @staticmethod
    def forward(ctx: Any, grad: Any, x: Any, y: Any, reduction: str) -> Any:
        ctx.save_for_backward(grad, x, y)
        ctx.scale = 2.0 / max(x.size, 1) if reduction == "mean" else 2.0
        return ctx.backend.mse_loss_grad(grad, x, y, reduction)

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        grad, x, y = ctx.saved_tensors
        u = u * ctx.scale
        grad_x = grad * u
        return u * (x - y), grad_x, -grad_x


class BinaryCrossEntropy(Function):
    """loss = -(t log x + (1 - t) log(1 - x)), logarithms not below -100.

    grad_x = grad (x - t) / (x (1 - x)),    grad_t = grad (log(1 - x) - log x).
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, t: Any) -> Any:
        ctx.save_for_backward(x, t)
        return _binary_cross_entropy(wrap(x, ctx.backend), wrap(t, ctx.backend)).array

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, t = ctx.saved_tensors
        need_x, need_t = ctx.needs_input_grad
        grad_x = grad * (x - t) / (x * (1 - x)).clamp(min=1e-12) if need_x else None
        grad_t = (
            grad * ((1 - x).log().clamp(min=-100) - x.log().clamp(min=-100)) if need_t else None
        )
        return grad_x, grad_t


def _binary_cross_entropy(x: Tensor, t: Tensor) -> Tensor:
    return (t - 1) * (1 - x).log().clamp(min=-100) - t * x.log().clamp(min=-100)


# Functional names


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared difference: each, their mean, or their sum.

        loss = (x - y)^2

    Parameters
    ----------
    input, target : Tensor of floating point; shapes that differ are broadcast, with a warning
    size_average, reduce : deprecated; see reduction
    reduction : "none", "mean" or "sum"
    weight : Tensor of the input's shape, optional; the mean is then divided by its sum

    Returns
    -------
    Tensor, (); or the common shape for reduction "none"

    Raises
    ------
    ValueError
        Shapes that do not broadcast, an unknown reduction.
    TypeError
        Integers.

    Notes
    -----
    Differentiable in both, to any order.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.functional.mse_loss(ng.tensor([1.0, 2.0]), ng.tensor([0.0, 4.0]))
    tensor(2.5)
    """
    op = "mse_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, y = paired(op, input, target, warn=True)
    if weight is not None:
        return weighted(op, MSELoss.apply(x, y, "none"), input, weight, reduction)
    return MSELoss.apply(x, y, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x - y|: each, their mean, or their sum. Arguments and errors as for `mse_loss`."""
    op = "l1_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, y = paired(op, input, target, warn=True)
    loss = (x - y).abs()
    if weight is not None:
        return weighted(op, loss, input, weight, reduction)
    return reduced(loss, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Quadratic near 0, linear beyond: d^2 / (2 beta) where d = |x - y| < beta, else d - beta / 2.

    beta = 0 is `l1_loss`; other arguments and errors as for `mse_loss`.

    References
    ----------
    Girshick 2015, "Fast R-CNN".
    """
    op = "smooth_l1_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    if beta < 0:
        raise ValueError(f"{op}: beta must not be negative, got {beta}")
    x, y = paired(op, input, target, warn=True)
    return reduced((x - y).abs() if beta == 0 else _huber(x, y, beta) / beta, reduction)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d^2 / 2 where d = |x - y| < delta, else delta (d - delta / 2). Otherwise as `mse_loss`.

    References
    ----------
    Huber 1964, "Robust estimation of a location parameter".
    """
    op = "huber_loss"
    check_reduction(op, reduction)
    if delta <= 0:
        raise ValueError(f"{op}: delta must be positive, got {delta}")
    x, y = paired(op, input, target, warn=True)
    loss = _huber(x, y, delta)
    if weight is not None:  # unlike that of mse_loss, the mean is not over the sum of the weights
        return weighted(op, loss, input, weight, reduction, by_weight=False)
    return reduced(loss, reduction)


def _huber(x: Tensor, y: Tensor, delta: float) -> Tensor:
    difference = x - y
    near = difference.clamp(-delta, delta)  # near * (d - near / 2): both branches in one formula
    return near * (difference - near * 0.5)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How unlikely the probabilities make the targets.

        loss = -w (t log x + (1 - t) log(1 - x)),    logarithms not below -100

    Parameters
    ----------
    input : Tensor of probabilities, floating point; NaN outside [0, 1]
    target : Tensor of the input's shape
    weight : Tensor that broadcasts to it, optional
    reduction : "none", "mean" or "sum"

    Differentiable in input and target, to any order. ValueError where shapes do not fit.
    From scores, `binary_cross_entropy_with_logits` keeps more digits.
    """
    op = "binary_cross_entropy"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, t = same_kind(op, input, target)
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"{op}: input {input.array.shape} and target {target.array.shape} differ in shape"
        )
    loss = BinaryCrossEntropy.apply(x, t)
    return reduced(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """binary_cross_entropy(sigmoid(x), t), without overflow and without the loss of digits.

        loss = w ((1 - t) x + (1 + (p - 1) t) log(1 + exp(-x)))

    Parameters
    ----------
    input : Tensor of scores, floating point
    target : Tensor of the input's shape
    weight : Tensor that broadcasts to it, optional
    reduction : "none", "mean" or "sum"
    pos_weight : Tensor that broadcasts to it, optional: the weight p of positive targets

    Differentiable in input and target, to any order. ValueError where shapes do not fit.
    """
    op = "binary_cross_entropy_with_logits"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, t = same_kind(op, input, target)
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"{op}: input {input.array.shape} and target {target.array.shape} differ in shape"
        )
    log_term = softplus(-x, threshold=40.0)  # beyond it, exp(-x) adds less than a bit of a float64
    if pos_weight is not None:
        log_term = log_term * (1 + (pos_weight - 1) * t)
    loss = (1 - t) * x + log_term
    return reduced(loss if weight is None else loss * weight, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """The Kullback-Leibler divergence of log-probabilities from a distribution.

        loss = t (log t - x);    exp(t) (t - x) with log_target

    Parameters
    ----------
    input : Tensor of log-probabilities
    target : Tensor of probabilities, or of their logarithms with log_target
    reduction : "none", "mean" (over all elements), "batchmean" (sum over the first size), or "sum"

    Differentiable in both, to any order. ValueError for shapes that do not broadcast.
    """
    op = "kl_div"
    if reduction != "batchmean":
        reduction = reduction_of(op, reduction, size_average, reduce)
    x, t = paired(op, input, target)
    if log_target:
        loss = t.exp() * (t - x)
    else:
        positive = t > 0  # 0 log 0 is 0; the inner where keeps log, and its gradient, away from 0
        loss = where(positive, where(positive, t, 1.0).log() * t, 0.0) - t * x
    if reduction == "batchmean":
        return loss.sum() / max(x.array.shape[0] if x.array.ndim else 1, 1)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """How unlikely the targets are by normal distributions of means `input` and variances `var`.

        loss = (log v + (x - t)^2 / v + log 2 pi if full) / 2,    v = max(var, eps)

    Parameters
    ----------
    input, target : Tensor of floating point, broadcasting
    var : Tensor of the input's shape, or of it without the last dimension, or with one of its
        dimensions 1; or a number
    full : with the constant term
    eps : the variance is not below it; its gradient passes all the same
    reduction : "none", "mean" or "sum"

    Differentiable in all three, to any order. ValueError for negative variances, and for shapes
    that do not fit.

    References
    ----------
    Nix & Weigend 1994, "Estimating the mean and variance of the target probability distribution".
    """
    op = "gaussian_nll_loss"
    check_reduction(op, reduction)
    x, t = same_kind(op, input, target)
    v = full_like(x, var) if isinstance(var, float | int) else require_tensor(var, op, "var")
    if v.array.size and v.detach().min().item() < 0:
        raise ValueError(f"{op}: var must not be negative")
    shape, narrow = x.array.shape, v.array.shape
    if narrow != shape:
        if narrow == shape[:-1]:
            v = v.unsqueeze(-1)
        elif len(narrow) != len(shape) or [
            n for m, n in zip(shape, narrow, strict=True) if m != n
        ] != [1]:
            raise ValueError(f"{op}: var {narrow} does not fit input {shape}")
    v = v + (v.clamp(min=eps) - v).detach()
    loss = (v.log() + (x - t) ** 2 / v) * 0.5
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How unlikely the targets, counts, are by Poisson distributions.

        loss = exp(x) - t x;    x - t log(x + eps) for log_input=False

    full adds Stirling's t log t - t + log(2 pi t) / 2 where t > 1. Differentiable to any order.
    """
    op = "poisson_nll_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, t = same_kind(op, input, target)
    loss = x.exp() - t * x if log_input else x - t * (x + eps).log()
    if full:
        many = where(t > 1, t, 1.0)
        stirling = t * many.log() - t + (many * (2 * math.pi)).log() * 0.5
        loss = loss + where(t > 1, stirling, 0.0)
    return reduced(loss, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-target * input)), targets 1 or -1. Differentiable in both, to any order."""
    op = "soft_margin_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, t = same_kind(op, input, target)
    return reduced(softplus(-t * x, threshold=40.0), reduction)
