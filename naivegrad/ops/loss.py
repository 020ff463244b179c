"""Losses over classes: how unlikely scores make the targets, as one number.

Losses that compare with numbers are in regression.py, those with a margin in margin.py.
"""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function, formula_vjp
from naivegrad.backend.promotion import is_floating
from naivegrad.ops._args import require_floating, require_integers, require_tensor
from naivegrad.ops._reduction import reduced, reduction_of
from naivegrad.ops.linalg import linear
from naivegrad.ops.softmax import LogSoftmax, Softmax
from naivegrad.tensor import Tensor


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


# ---- classification ----------------------------------------------------------------------------


def class_axis(ndim: int) -> int:
    """Where the classes are: scores are (C,) or (N, C, ...)."""
    return 0 if ndim == 1 else 1


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
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
    size_average, reduce : deprecated; see reduction
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
    require_floating(input, op)
    require_tensor(target, op, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"{op}: label_smoothing must be between 0 and 1, got {label_smoothing}")
    if input.array.shape == target.array.shape and input.array.ndim:
        return _cross_entropy_probabilities(input, target, weight, reduction, label_smoothing)
    _check_classes(op, input, target, weight)
    return CrossEntropy.apply(
        input, target, weight, ignore_index, float(label_smoothing), reduction
    )


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """`cross_entropy` of the logits that a linear layer gives.

        logits = input @ linear_weight.T + linear_bias

    Parameters
    ----------
    input : Tensor, (N, K) or (K,)
    linear_weight : Tensor, (C, K); or (C, d1, ..., K), for which input needs N: the logits are then
        (N, C, d1, ...)
    target : classes (N, d1, ...), or probabilities like the logits
    linear_bias : Tensor, (C, d1, ...), optional
    ignore_index : not with probabilities; None is -100
    weight, reduction, label_smoothing : as `cross_entropy`'s
    options : how PyTorch cuts the batch to save memory; not used, all logits are made

    Examples
    --------
    >>> import naivegrad as ng
    >>> x, w = ng.ones(2, 3), ng.zeros(4, 3)
    >>> ng.nn.functional.linear_cross_entropy(x, w, ng.tensor([0, 3]))
    tensor(1.3863)
    """
    op = "linear_cross_entropy"
    x, w = require_tensor(input, op).array.shape, require_tensor(linear_weight, op).array.shape
    if len(x) not in (1, 2) or len(w) < 2 or x[-1] != w[-1] or (len(x) == 1 and len(w) > 2):
        raise ValueError(
            f"{op}: input {x} and linear_weight {w}: expects (N, K) and (C, d1, ..., K), or (K,) "
            "and (C, K)"
        )
    bias = linear_bias
    if bias is not None and bias.array.shape != w[:-1]:
        raise ValueError(f"{op}: linear_bias must be {w[:-1]}, got {bias.array.shape}")
    flat = linear_weight.reshape(-1, w[-1])
    logits = linear(input, flat, None if bias is None else bias.reshape(-1))
    logits = logits.reshape(*x[:-1], *w[:-1])
    if ignore_index is not None and target.array.shape == logits.array.shape:
        raise ValueError(f"{op}: ignore_index={ignore_index} is for classes, not for probabilities")
    return cross_entropy(
        logits,
        target,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
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
    _check_weight(op, x, weight)
    axis = class_axis(x.array.ndim)
    classes = x.array.shape[axis]
    if label_smoothing > 0 and classes:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    product = LogSoftmax.apply(x, axis) * target
    if weight is not None:
        product = product * weight.reshape((-1,) + (1,) * (x.array.ndim - axis - 1))
    loss = -product.sum(axis)
    return reduced(loss, reduction)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
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
    require_floating(input, op)
    require_tensor(target, op, "target")
    reduction = reduction_of(op, reduction, size_average, reduce)
    _check_classes(op, input, target, weight)
    return NLLLoss.apply(input, target, weight, ignore_index, 0.0, reduction)


def _positions(x: Tensor) -> tuple[int, ...]:
    shape = x.array.shape
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


def _check_classes(op: str, x: Tensor, target: Tensor, weight: Tensor | None) -> None:
    if x.array.ndim == 0:
        raise ValueError(f"{op}: input must be (C,) or (N, C, ...), got a 0-d tensor")
    if target.array.shape != _positions(x):
        raise ValueError(
            f"{op}: for an input of shape {x.array.shape} the target must have shape "
            f"{_positions(x)}, got {target.array.shape}"
        )
    require_integers(target, op, "target")
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
