"""Connectionist temporal classification: labels in order, but nobody knows when."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import require_floating, require_integers, require_tensor
from naivegrad.ops._reduction import check_reduction, reduced
from naivegrad.ops.creation import tensor
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor


class CTCLoss(Function):
    """loss = -log of the sum, over all ways to time the labels, of the product of probabilities.

    grad_x = grad * (exp(x) - the probability of each class at each time, given the labels): with
    log_softmax before it the gradient of the scores. (Graves et al. 2006, equation 16)
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Any,
        targets: Any,
        lengths: Any,
        labels: Any,
        blank: int,
        zero_infinity: bool,
    ) -> Any:
        loss, stats = ctx.backend.ctc_loss(x, targets, lengths, labels, blank)
        ctx.save_for_backward(x, targets, lengths, labels, loss, stats)
        ctx.options = blank, zero_infinity
        return ctx.backend.cast(ctx.backend.copy(loss), x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return CTCLossGrad.apply(grad, *ctx.saved_tensors, *ctx.options)

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Any:
        ones = x_dot.new_ones((x_dot.array.shape[1],))
        grad_x = CTCLossGrad.apply(ones, *ctx.saved_tensors, *ctx.options)
        return (grad_x * x_dot).sum((0, 2))


class CTCLossGrad(Function):
    """The gradient of CTCLoss, which can be differentiated by its first input only."""

    @staticmethod
    def forward(
        ctx: Any,
        grad: Any,
        x: Any,
        targets: Any,
        lengths: Any,
        labels: Any,
        loss: Any,
        stats: Any,
        blank: int,
        zero_infinity: bool,
    ) -> Any:
        ctx.save_for_backward(x, targets, lengths, labels, loss, stats)
        ctx.options = blank, zero_infinity
        return ctx.backend.ctc_loss_grad(
            grad, x, targets, lengths, labels, blank, loss, stats, zero_infinity
        )

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        if ctx.needs_input_grad[1]:
            raise RuntimeError("ctc_loss: the log-probabilities can be differentiated only once")
        ones = u.new_ones((u.array.shape[1],))
        grad_x = CTCLossGrad.apply(ones, *ctx.saved_tensors, *ctx.options)
        return (grad_x * u).sum((0, 2))


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """How unlikely sequences of labels are, whatever their timing.

        loss = -log sum over the paths that spell the labels of prod_t p[t, path_t]

    A path has one class for each time; repeated classes count once, and blanks not at all.

    Parameters
    ----------
    log_probs : Tensor, (T, N, C) or (T, C): logarithms of probabilities, as of `log_softmax`
    targets : Tensor of integers, (N, S), padded, or all labels one after the other, (sum,)
    input_lengths, target_lengths : Tensor of integers, (N,) or (); or a tuple, a list, an int: how
        many times, and how many labels, a sample has
    blank : int, the class that stands for no label
    reduction : "none"; "sum"; "mean": over the samples, each divided by its number of labels
    zero_infinity : labels that do not fit into the time have loss and gradient 0, not inf and NaN

    Returns
    -------
    Tensor, (); or (N,), without a batch (), for reduction "none"

    Raises
    ------
    IndexError
        A label or blank outside [0, C).
    ValueError
        Lengths that are too large, shapes that do not fit, an unknown reduction.
    TypeError
        log_probs of integers, targets that are not.

    Notes
    -----
    Differentiable once in log_probs. As in PyTorch the gradient is that of scores which log_softmax
    made the log-probabilities of: it adds up to 0 over the classes. Memory and time are in
    proportion to N T S.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.zeros(2, 1, 2).log_softmax(-1)  # of four paths, 11, 01 and 10 spell the label 1
    >>> ng.ctc_loss(x, ng.tensor([[1]]), [2], [1]).exp()
    tensor(1.3333)

    References
    ----------
    Graves, Fernandez, Gomez & Schmidhuber 2006, "Connectionist temporal classification".
    """
    op = "ctc_loss"
    check_reduction(op, reduction)
    x, labels = require_tensor(log_probs, op, "log_probs"), require_integers(targets, op, "targets")
    require_floating(x, op)
    single = x.array.ndim == 2
    if single:
        x = x.unsqueeze(1)
    shape = x.array.shape
    if x.array.ndim != 3 or not shape[0]:
        raise ValueError(
            f"{op}: log_probs must be (T, N, C) or (T, C), got {log_probs.array.shape}"
        )
    if not 0 <= blank < shape[2]:
        raise IndexError(f"{op}: blank {blank} is out of range: expected [0, {shape[2] - 1}]")
    if labels.array.ndim not in (1, 2) or (
        labels.array.ndim == 2 and len(labels.array) != shape[1]
    ):
        raise ValueError(
            f"{op}: for log_probs {log_probs.array.shape} targets must be ({shape[1]}, S) or "
            f"(sum,), got {labels.array.shape}"
        )
    times = _lengths(op, "input_lengths", input_lengths, x)
    counts = _lengths(op, "target_lengths", target_lengths, x)
    loss = CTCLoss.apply(x, labels, times, counts, int(blank), bool(zero_infinity))
    if zero_infinity:
        loss = where(loss == float("inf"), 0.0, loss)
    if reduction == "mean":
        loss = loss / counts.clamp(min=1)
    return loss.squeeze(0) if single and reduction == "none" else reduced(loss, reduction)


def _lengths(op: str, name: str, value: Any, x: Tensor) -> Tensor:
    """Lengths as a Tensor of int64, (N,)."""
    if not isinstance(value, Tensor):
        value = tensor(list(value) if isinstance(value, tuple | list) else [value], device=x.device)
    lengths = require_integers(value, op, name).reshape(-1)
    if lengths.array.shape != x.array.shape[1:2]:
        raise ValueError(
            f"{op}: {name} must have an entry for each of the {x.array.shape[1]} samples, "
            f"got {lengths.array.size}"
        )
    return lengths
