"""Losses: how far outputs are from targets, as one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad.autograd import Function, formula_vjp
from naivegrad.backend.promotion import is_floating, promote
from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.ops.activation import softplus
from naivegrad.ops.select import where
from naivegrad.ops.softmax import LogSoftmax, Softmax
from naivegrad.tensor import Tensor, wrap

REDUCTIONS = ("none", "mean", "sum")


class CrossEntropy(Function):
    """loss = sum_c q_c (log sum exp x - x_c) per position, q the weighted, smoothed target:
    q_c = (1 - eps) w_t [c = t] + eps / C w_c, and 0 where the target t is ignored.

    grad_x = grad * (sum(q) softmax(x) - q); for the mean, divided by the sum of w_t.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Any, target: Any, weight: Any, ignore_index: int, eps: float, reduction: str
    ) -> Any:
        loss, stats = ctx.backend.cross_entropy(x, target, weight, ignore_index, eps, reduction)
        ctx.save_for_backward(x, target, weight, stats)
        ctx.options = ignore_index, eps, reduction
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return CrossEntropyGrad.apply(grad, *ctx.saved_tensors, *ctx.options)


class CrossEntropyGrad(Function):
    """The gradient of CrossEntropy's scores: h - softmax(x) * sum(h), h the gradient of NLLLoss."""

    @staticmethod
    def forward(
        ctx: Any, grad: Any, x: Any, target: Any, weight: Any, stats: Any, *options: Any
    ) -> Any:
        ctx.save_for_backward(grad, x, target, weight)
        ctx.options = options
        return ctx.backend.cross_entropy_grad(grad, x, target, weight, stats, *options)

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        grad, x, target, weight = ctx.saved_tensors
        axis = class_axis(x.array.ndim)

        def formula(grad: Tensor, x: Tensor) -> Tensor:
            h = NLLLossGrad.apply(grad, target, weight, x.array.shape, *ctx.options)
            return h - Softmax.apply(x, axis) * h.sum(axis, True)

        return formula_vjp(formula, (grad, x), u)


class NLLLoss(Function):
    """loss = -sum_c q_c x_c per position, q as for CrossEntropy.    grad_x = -grad * q."""

    @staticmethod
    def forward(ctx: Any, x: Any, target: Any, weight: Any, *options: Any) -> Any:
        ctx.save_for_backward(target, weight)
        ctx.options = x.shape, *options
        return ctx.backend.nll_loss(x, target, weight, *options)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return NLLLossGrad.apply(grad, *ctx.saved_tensors, *ctx.options)


class NLLLossGrad(Function):
    """The transpose of NLLLoss, which is linear; and so its gradient is NLLLoss."""

    @staticmethod
    def forward(
        ctx: Any, grad: Any, target: Any, weight: Any, shape: tuple[int, ...], *options: Any
    ) -> Any:
        ctx.save_for_backward(target, weight)
        ctx.options = options
        return ctx.backend.nll_loss_grad(grad, target, weight, shape, *options)

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        return NLLLoss.apply(u, *ctx.saved_tensors, *ctx.options)


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


# ---- classification ----------------------------------------------------------------------------


def class_axis(ndim: int) -> int:
    """Where the classes are: scores are (C,) or (N, C, ...)."""
    return 0 if ndim == 1 else 1


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """How unlikely the scores make the targets.

        loss = -sum_c q_c log softmax(x)_c

    with q_c = w_c ((1 - label_smoothing) t_c + label_smoothing / C), t the target distribution: 1
    at the class and 0 elsewhere, or given probabilities.

    Parameters
    ----------
    input : Tensor, (N, C), (N, C, ...) or (C,): scores, floating point
    target : Tensor of integers, (N,), (N, ...) or (): classes; or of the input's type and shape:
        probabilities
    weight : Tensor, (C,), optional: weights of the classes
    ignore_index : a target that counts for nothing; it need not be a class
    reduction : "none": one loss for each target; "sum"; "mean": their sum over that of the targets'
        weights (over the number of positions, for probabilities)
    label_smoothing : from 0 to 1: how much of the target is spread evenly over the classes

    Returns
    -------
    Tensor, (); or the target's shape (without C) for reduction "none"

    Raises
    ------
    IndexError
        A target outside [0, C) that is not ignore_index.
    ValueError
        Shapes that do not fit, an unknown reduction, label_smoothing outside [0, 1].
    TypeError
        Scores of integers, targets of another kind than above.

    Notes
    -----
    Differentiable in input, and in probabilities, to any order. One pass each way for classes:
    neither a one-hot nor the softmax is stored, the gradient is the only large array made.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.tensor([[1000.0, 0.0], [0.0, 0.0]])
    >>> ng.nn.functional.cross_entropy(x, ng.tensor([1, 0]), reduction="none")
    tensor([1.0000e+03, 6.9315e-01])
    """
    op = "cross_entropy"
    require_floating(require_tensor(input, op), op)
    require_tensor(target, op, "target")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"{op}: label_smoothing must be between 0 and 1, got {label_smoothing}")
    if input.array.shape == target.array.shape and input.array.ndim:
        return _cross_entropy_probabilities(input, target, weight, reduction, label_smoothing)
    _check_classes(op, input, target, weight, reduction)
    return CrossEntropy.apply(
        input, target, weight, ignore_index, float(label_smoothing), reduction
    )


def _cross_entropy_probabilities(
    x: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    op = "cross_entropy"
    if not is_floating(target.array.dtype):
        raise TypeError(
            f"{op}: a target of the input's shape {x.array.shape} holds probabilities and must be "
            f"of floating point, got {target.dtype}; classes have shape {_positions(x)}"
        )
    _check_reduction(op, reduction)
    _check_weight(op, x, weight)
    axis = class_axis(x.array.ndim)
    classes = x.array.shape[axis]
    if label_smoothing > 0:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    product = LogSoftmax.apply(x, axis) * target
    if weight is not None:
        product = product * weight.reshape((-1,) + (1,) * (x.array.ndim - axis - 1))
    loss = -product.sum(axis)
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log-probability of the target class: cross_entropy(x) = nll_loss(log_softmax(x)).

        loss = -w_t x_t

    Parameters, result and errors as for `cross_entropy` with classes. Differentiable in input.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.functional.nll_loss(ng.tensor([[-1.0, -2.0]]), ng.tensor([1]))
    tensor(2.)
    """
    op = "nll_loss"
    require_floating(require_tensor(input, op), op)
    require_tensor(target, op, "target")
    _check_classes(op, input, target, weight, reduction)
    return NLLLoss.apply(input, target, weight, ignore_index, 0.0, reduction)


def _positions(x: Tensor) -> tuple[int, ...]:
    shape = x.array.shape
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


def _check_classes(
    op: str, x: Tensor, target: Tensor, weight: Tensor | None, reduction: str
) -> None:
    _check_reduction(op, reduction)
    if x.array.ndim == 0:
        raise ValueError(f"{op}: input must be (C,) or (N, C, ...), got a 0-d tensor")
    if target.array.shape != _positions(x):
        raise ValueError(
            f"{op}: for an input of shape {x.array.shape} the target must have shape "
            f"{_positions(x)}, got {target.array.shape}"
        )
    if target.array.dtype.kind not in "iu":
        raise TypeError(f"{op}: the target must be of integers, got {target.dtype}")
    _check_weight(op, x, weight)


def _check_weight(op: str, x: Tensor, weight: Tensor | None) -> None:
    if weight is None:
        return
    array = require_tensor(weight, op, "weight").array
    classes = x.array.shape[class_axis(x.array.ndim)]
    if array.shape != (classes,):
        raise ValueError(
            f"{op}: weight must have shape ({classes},), got {array.shape} (input {x.array.shape})"
        )
    if array.dtype != x.array.dtype:
        raise TypeError(f"{op}: weight is {weight.dtype}, but the input is {x.dtype}")
    if weight.requires_grad:
        raise RuntimeError(f"{op}: not differentiable in weight; pass weight.detach()")


def _check_reduction(op: str, reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(f'{op}: reduction must be "none", "mean" or "sum", got {reduction!r}')


# ---- regression --------------------------------------------------------------------------------


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """The squared difference: each, their mean, or their sum.

        loss = (x - y)^2

    Parameters
    ----------
    input, target : Tensor of floating point; shapes that differ are broadcast
    reduction : "none", "mean" or "sum"

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
    x, y = _paired("mse_loss", input, target, reduction)
    return MSELoss.apply(x, y, reduction)


def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """|x - y|: each, their mean, or their sum. Arguments and errors as for `mse_loss`."""
    x, y = _paired("l1_loss", input, target, reduction)
    return _reduce((x - y).abs(), reduction)


def smooth_l1_loss(
    input: Tensor, target: Tensor, *, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """Quadratic near 0, linear beyond: d^2 / (2 beta) where d = |x - y| < beta, else d - beta / 2.

    beta = 0 is `l1_loss`; other arguments and errors as for `mse_loss`.

    References
    ----------
    Girshick 2015, "Fast R-CNN".
    """
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return _huber("smooth_l1_loss", input, target, reduction, beta) / beta


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0
) -> Tensor:
    """d^2 / 2 where d = |x - y| < delta, else delta (d - delta / 2). Otherwise as `mse_loss`.

    References
    ----------
    Huber 1964, "Robust estimation of a location parameter".
    """
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be positive, got {delta}")
    return _huber("huber_loss", input, target, reduction, delta)


def _huber(op: str, input: Tensor, target: Tensor, reduction: str, delta: float) -> Tensor:
    x, y = _paired(op, input, target, reduction)
    difference = x - y
    near = difference.clamp(-delta, delta)  # near * (d - near / 2): both branches in one formula
    return _reduce(near * (difference - near * 0.5), reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
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
    x, t = _paired(op, input, target, reduction)
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"{op}: input {input.array.shape} and target {target.array.shape} differ in shape"
        )
    loss = BinaryCrossEntropy.apply(x, t)
    return _reduce(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
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
    x, t = _paired(op, input, target, reduction)
    if input.array.shape != target.array.shape:
        raise ValueError(
            f"{op}: input {input.array.shape} and target {target.array.shape} differ in shape"
        )
    log_term = softplus(-x, threshold=40.0)  # beyond it, exp(-x) adds less than a bit of a float64
    if pos_weight is not None:
        log_term = log_term * (1 + (pos_weight - 1) * t)
    loss = (1 - t) * x + log_term
    return _reduce(loss if weight is None else loss * weight, reduction)


def kl_div(
    input: Tensor, target: Tensor, *, reduction: str = "mean", log_target: bool = False
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
    x, t = _paired(op, input, target, "sum" if reduction == "batchmean" else reduction)
    if log_target:
        loss = t.exp() * (t - x)
    else:
        positive = t > 0  # 0 log 0 is 0; the inner where keeps log, and its gradient, away from 0
        loss = where(positive, where(positive, t, 1.0).log() * t, 0.0) - t * x
    if reduction == "batchmean":
        return loss.sum() / max(x.array.shape[0] if x.array.ndim else 1, 1)
    return _reduce(loss, reduction)


def _paired(op: str, x: Any, y: Any, reduction: str) -> tuple[Tensor, Tensor]:
    """Two floating-point tensors of one shape and type."""
    _check_reduction(op, reduction)
    require_tensor(x, op)
    require_tensor(y, op, "target")
    dtype = promote(x.array.dtype, y.array.dtype)
    x, y = x.cast(dtype), y.cast(dtype)
    require_floating(x, op)
    if x.array.shape == y.array.shape:
        return x, y
    try:
        shape = np.broadcast_shapes(x.array.shape, y.array.shape)
    except ValueError:
        raise ValueError(
            f"{op}: input {x.array.shape} and target {y.array.shape} do not broadcast"
        ) from None
    return x.expand(shape), y.expand(shape)


def _reduce(loss: Tensor, reduction: str) -> Tensor:
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()
