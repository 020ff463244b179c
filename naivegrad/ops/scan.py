"""Scans: running sums, products and extrema along one dimension; differences, their inverse."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import (
    into,
    into_each,
    normalize_axis,
    require_floating,
    require_tensor,
)
from naivegrad.ops._axes import ordered, typed
from naivegrad.ops._results import ValuesIndices
from naivegrad.ops.exponential import exp
from naivegrad.ops.joining import cat
from naivegrad.ops.padding import Pad
from naivegrad.ops.scatter import Gather
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap


def later(x: Tensor, axis: int, first: float = 0.0) -> Tensor:
    """x moved one place along an axis: y_k = x_(k - 1), y_0 = first."""
    if not x.array.ndim:
        return x.new_full((), first)
    widths = tuple((1, -1) if i == axis else (0, 0) for i in range(x.array.ndim))
    return Pad.apply(x, widths, first)


class CumSum(Function):
    """y_k = x_0 + ... + x_k along an axis.    grad_x_k = grad_k + ... + grad_last."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, backward: bool = False) -> Any:
        ctx.axis, ctx.from_end = axis, backward
        return ctx.backend.scan("sum", x, axis, backward)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return CumSum.apply(grad, ctx.axis, not ctx.from_end)


class Recur(Function):
    """y_k = b_k + a_k * y_(k - 1) along an axis; from the end, y_k = b_k + a_(k + 1) * y_(k + 1).

    The two directions are each other's transposes in b: v = transpose(grad) is grad_b, and
    grad_a_k = v_k * y_(k - 1); from the end, v_(k - 1) * y_k.
    """

    @staticmethod
    def forward(ctx: Any, b: Any, a: Any, axis: int, backward: bool) -> Any:
        ctx.axis, ctx.from_end = axis, backward
        y = ctx.backend.recur(b, a, axis, backward)
        ctx.save_for_backward(a, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        a, y = ctx.saved_tensors
        axis = ctx.axis
        grad_b = Recur.apply(grad, a, axis, not ctx.from_end)
        if not ctx.needs_input_grad[1]:
            return grad_b
        if ctx.from_end:
            return grad_b, later(grad_b, axis) * y
        return grad_b, grad_b * later(y, axis)


class CumProd(Function):
    """y_k = x_0 * ... * x_k along an axis.    grad_x_i = y_(i - 1) * t_i, without dividing by x,

    where t_i = sum over k >= i of grad_k * x_(i + 1) * ... * x_k = grad_i + x_(i + 1) * t_(i + 1).
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        ctx.axis = axis
        y = ctx.backend.scan("prod", x, axis)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        return Recur.apply(grad, x, ctx.axis, True) * later(y, ctx.axis, 1.0)


class LogCumSumExp(Function):
    """y_k = log(exp(x_0) + ... + exp(x_k)) along an axis.    grad_x_i = exp(x_i - y_i) * t_i,

    where t_i = sum over k >= i of grad_k * exp(y_i - y_k) = grad_i + exp(y_i - y_(i+1)) * t_(i+1):
    y never falls, so no factor is above 1.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        ctx.axis = axis
        y = ctx.backend.scan("logsumexp", x, axis)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        y = where(y == -math.inf, 0.0, y)  # nothing yet: exp(x - y) is 0 all the same
        before = later(y, ctx.axis, -math.inf)
        decay = exp(where(before == math.inf, 0.0, before - y))  # inf - inf would be NaN
        return Recur.apply(grad, decay, ctx.axis, True) * exp(x - y)


def _prepare(op: str, x: Any, dim: Any, dtype: Any) -> tuple[Tensor, int]:
    """The tensor in the type that is wished for, and the axis."""
    x = typed(x, dtype, op)
    return x, normalize_axis(dim, x.array.ndim, op)


def cumsum(input: Tensor, dim: int, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """Running sums along dim: y_k = x_0 + ... + x_k. Integers and truth values give int64.

    A differentiable linear function; the transpose sums from the end. float32 is summed in float64.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.cumsum(ng.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 3., 6.])
    """
    y = CumSum.apply(*_prepare("cumsum", input, dim, dtype))
    return into(out, typed(y, dtype, "cumsum"), "cumsum")


def cumprod(input: Tensor, dim: int, *, dtype: Any = None, out: Tensor | None = None) -> Tensor:
    """Running products along dim: y_k = x_0 * ... * x_k. Integers and truth values give int64.

    The gradient takes one pass over the line, and is right also where factors are 0.
    """
    y = CumProd.apply(*_prepare("cumprod", input, dim, dtype))
    return into(out, typed(y, dtype, "cumprod"), "cumprod")


def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """log(exp(x_0) + ... + exp(x_k)) along dim, without overflow; for floating-point types.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.logcumsumexp(ng.tensor([1000.0, 1000.0]), 0)
    tensor([1000.    , 1000.6932])
    """
    x, axis = _prepare("logcumsumexp", input, dim, None)
    require_floating(x, "logcumsumexp")
    return into(out, LogCumSumExp.apply(x, axis), "logcumsumexp")


def _cumulative_extreme(op: str, x: Any, dim: Any) -> ValuesIndices:
    axis = normalize_axis(dim, ordered(x, f"cum{op}").array.ndim, f"cum{op}")
    indices = x.backend.arg_scan(op, x.array, axis)
    return ValuesIndices(Gather.apply(x, axis, indices), wrap(indices, x.backend))


def cummax(input: Tensor, dim: int, *, out: Any = None) -> ValuesIndices:
    """The largest value so far along dim, and its index: of equal values, the last.

    The gradient goes to that index. From the first NaN on, values are NaN.

    Examples
    --------
    >>> import naivegrad as ng
    >>> values, indices = ng.cummax(ng.tensor([2.0, 1.0, 2.0, 5.0]), 0)
    >>> values, indices
    (tensor([2., 2., 2., 5.]), tensor([0, 0, 2, 3]))
    """
    return into_each(out, _cumulative_extreme("max", input, dim), "cummax")


def cummin(input: Tensor, dim: int, *, out: Any = None) -> ValuesIndices:
    """The smallest value so far along dim, and its index: of equal values, the last."""
    return into_each(out, _cumulative_extreme("min", input, dim), "cummin")


def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Differences of neighbours along dim, taken n times: x_(k + 1) - x_k; of truth values, xor.

    Parameters
    ----------
    input : Tensor with at least one dimension
    n : int, how often; each time the line gets shorter by one
    dim : int
    prepend, append : Tensors to put before and after the input along dim first

    Raises
    ------
    ValueError
        A 0-d input, or a negative n.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.diff(ng.tensor([1, 4, 9, 16]))
    tensor([3, 5, 7])
    """
    x = require_tensor(input, "diff")
    if x.array.ndim == 0:
        raise ValueError("diff: the input must have at least one dimension, got a 0-d tensor")
    axis = normalize_axis(dim, x.array.ndim, "diff")
    if n < 0:
        raise ValueError(f"diff: n must not be negative, got {n}")
    joined = [t for t in (prepend, x, append) if t is not None]
    for t in joined:
        if require_tensor(t, "diff", "prepend or append").array.ndim != x.array.ndim:
            raise ValueError(
                f"diff: prepend and append need the {x.array.ndim} dimensions of the input, got "
                f"shape {t.array.shape}"
            )
    x = cat(joined, axis) if len(joined) > 1 else x
    for _ in range(min(n, x.array.shape[axis])):
        m = x.array.shape[axis] - 1
        ahead, behind = x.narrow(axis, 1, m), x.narrow(axis, 0, m)
        x = ahead ^ behind if x.array.dtype.kind == "b" else ahead - behind
    return into(out, x.clone() if x is input else x, "diff")


def _sides(y: Tensor, axis: int) -> Tensor:
    """y_k + y_(k + 1) along an axis."""
    m = max(y.array.shape[axis] - 1, 0)
    return y.narrow(axis, 1 if m else 0, m) + y.narrow(axis, 0, m)


def _panels(y: Any, x: Any, dx: Any, dim: Any, op: str) -> tuple[Tensor, int]:
    """Twice the areas of the trapezoids between neighbours, and the axis that they lie on."""
    axis = normalize_axis(dim, require_tensor(y, op, "y").array.ndim, op)
    for name, t in (("x", x), ("y", y)):
        if t is not None and require_tensor(t, op, name).array.dtype.kind == "b":
            raise TypeError(f"{op}: {name} must hold numbers, got {t.dtype}")
    if not y.array.ndim:
        raise ValueError(f"{op}: y must have at least one dimension, got a 0-d tensor")
    if x is None:
        return _sides(y, axis) * (1 if dx is None else dx), axis
    if dx is not None:
        raise TypeError(f"{op}: give the points x or their distance dx, not both")
    if x.array.ndim == 1:
        if len(x.array) != y.array.shape[axis]:
            raise ValueError(
                f"{op}: {len(x.array)} points x for {y.array.shape[axis]} values y along dim {dim}"
            )
        x = x.reshape([-1 if i == axis else 1 for i in range(y.array.ndim)])
    elif x.array.ndim < y.array.ndim:
        x = x.reshape([1] * (y.array.ndim - x.array.ndim) + list(x.array.shape))
    return _sides(y, axis) * diff(x, 1, axis), axis


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral along dim by the trapezoidal rule.

        sum over k of (y_k + y_(k + 1)) / 2 * (x_(k + 1) - x_k)

    Parameters
    ----------
    y : Tensor, the values
    x : Tensor, the points: one line of them, or a shape that broadcasts against y
    dx : number, the distance of the points (1, if left out); not together with x
    dim : int

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.trapezoid(ng.tensor([1.0, 5.0, 10.0]))
    tensor(10.5)
    """
    panels, axis = _panels(y, x, dx, dim, "trapezoid")
    return panels.sum(axis) / 2


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1
) -> Tensor:
    """The integrals from the first point to each later one, by the trapezoidal rule."""
    panels, axis = _panels(y, x, dx, dim, "cumulative_trapezoid")
    return cumsum(panels, axis) / 2


trapz = trapezoid
