"""softmax, log_softmax, softmin and gumbel_softmax: scores to probabilities."""

from __future__ import annotations

import warnings
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import into, normalize_axis, numpy_dtype, require_floating, require_tensor
from naivegrad.ops.creation import empty_like, full_like, zeros_like
from naivegrad.ops.random_in_place import exponential_
from naivegrad.ops.scatter import scatter_add
from naivegrad.tensor import Tensor


class Softmax(Function):
    """y_i = exp(x_i) / sum_j exp(x_j) over one axis.    grad_x = y * (grad - sum(grad * y))."""

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        y = ctx.backend.softmax(x, axis)
        ctx.save_for_backward(y)
        ctx.axis = axis
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return SoftmaxGrad.apply(grad, y, ctx.axis)


class SoftmaxGrad(Function):
    """z = y * (grad - s), s = sum(grad * y).

    grad_grad = y * (u - sum(u * y)),    grad_y = u * (grad - s) - grad * sum(u * y).
    """

    @staticmethod
    def forward(ctx: Any, grad: Any, y: Any, axis: int) -> Any:
        ctx.save_for_backward(grad, y)
        ctx.axis = axis
        return ctx.backend.softmax_grad(grad, y, axis)

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        grad, y = ctx.saved_tensors
        axis = ctx.axis
        grad_y = u * (grad - (grad * y).sum(axis, True)) - grad * (u * y).sum(axis, True)
        return SoftmaxGrad.apply(u, y, axis), grad_y


class LogSoftmax(Function):
    """y_i = x_i - log sum_j exp(x_j) over one axis.    grad_x = grad - exp(y) * sum(grad)."""

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        y = ctx.backend.softmax(x, axis, True)
        ctx.save_for_backward(y)
        ctx.axis = axis
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return LogSoftmaxGrad.apply(grad, y, ctx.axis)


class LogSoftmaxGrad(Function):
    """z = grad - exp(y) * sum(grad).

    grad_grad = u - sum(u * exp(y)),    grad_y = -u * exp(y) * sum(grad).
    """

    @staticmethod
    def forward(ctx: Any, grad: Any, y: Any, axis: int) -> Any:
        ctx.save_for_backward(grad, y)
        ctx.axis = axis
        return ctx.backend.softmax_grad(grad, y, axis, True)

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        grad, y = ctx.saved_tensors
        weighted = u * y.exp()
        return u - weighted.sum(ctx.axis, True), -weighted * grad.sum(ctx.axis, True)


def softmax(
    input: Tensor, dim: int | None = None, dtype: Any = None, *, out: Tensor | None = None
) -> Tensor:
    """Scores as probabilities along one dimension.

        y_i = exp(x_i) / sum_j exp(x_j)

    Parameters
    ----------
    input : Tensor of any shape, floating point
    dim : int, the dimension whose entries will add up to 1. Left out, with a warning: 0 for a
        tensor of 0, 1 or 3 dimensions, else 1
    dtype : type to convert the input to first
    out : Tensor to write the result to

    Returns
    -------
    Tensor of the input's shape

    Raises
    ------
    IndexError
        dim is out of range.
    TypeError
        An input of integers and no dtype.

    Notes
    -----
    Differentiable to any order. The largest score is subtracted first, so nothing overflows; a line
    of only -inf gives NaN.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.softmax(ng.tensor([1000.0, 1000.0]), 0)
    tensor([0.5, 0.5])
    """
    return into(out, Softmax.apply(*_prepare("softmax", input, dim, dtype)), "softmax")


def log_softmax(
    input: Tensor, dim: int | None = None, dtype: Any = None, *, out: Tensor | None = None
) -> Tensor:
    """The logarithm of `softmax`, without the loss of digits of taking it afterwards.

        y_i = x_i - log sum_j exp(x_j)

    Parameters, result and errors as for `softmax`. Differentiable to any order.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.log_softmax(ng.tensor([0.0, 1000.0]), 0)
    tensor([-1000.,     0.])
    """
    return into(out, LogSoftmax.apply(*_prepare("log_softmax", input, dim, dtype)), "log_softmax")


def softmin(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """softmax(-input)."""
    return Softmax.apply(*_prepare("softmin", -require_tensor(input, "softmin"), dim, dtype))


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A sample from the classes that logits make likely, differentiable in them.

        y = softmax((logits + g) / tau),    g = -log(-log(u)), u uniform

    Parameters
    ----------
    logits : Tensor of floating point: unnormalised log-probabilities
    tau : temperature: towards 0 the sample is all in one class
    hard : make it so: a one-hot, with the gradient of the soft sample
    eps : not used, as in PyTorch
    dim : int, the dimension of the classes

    Returns
    -------
    Tensor of the shape of logits

    References
    ----------
    Jang, Gu & Poole 2017, "Categorical reparameterization with Gumbel-softmax".
    """
    op = "gumbel_softmax"
    require_floating(logits, op)
    noise = -exponential_(empty_like(logits)).log()
    soft = Softmax.apply(*_prepare(op, (logits + noise) / tau, dim, None))
    if not hard:
        return soft
    most = soft.detach().argmax(dim, keepdim=True)
    ones = full_like(most, 1.0, dtype=soft.dtype)
    one_hot = scatter_add(zeros_like(soft), dim, most, ones)
    return one_hot - soft.detach() + soft


def _prepare(op: str, x: Any, dim: Any, dtype: Any) -> tuple[Tensor, int]:
    require_tensor(x, op)
    if dtype is not None and numpy_dtype(dtype) != x.array.dtype:
        x = x.cast(numpy_dtype(dtype))
    require_floating(x, op)
    if dim is None:
        dim = 0 if x.array.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"{op}: which dim? The entries along dim={dim} will add up to 1; say so, for the "
            "choice is deprecated",
            stacklevel=3,
        )
    return x, normalize_axis(dim, x.array.ndim, op)
