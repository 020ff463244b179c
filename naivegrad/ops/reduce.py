"""Reductions: sums, means, products, truth, norms. A class each, then the functional names."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from naivegrad.autograd import Function, formula_vjp
from naivegrad.ops._args import (
    into,
    normalize_axes,
    normalize_axis,
    require_floating,
    require_tensor,
)
from naivegrad.ops._axes import Axes, Dims, ordered, restore, typed
from naivegrad.ops.compare import isnan
from naivegrad.ops.exponential import exp
from naivegrad.ops.movement import spread
from naivegrad.ops.scan import CumProd, later
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap

_UINT8 = np.dtype("uint8")


class Sum(Function):
    """y = scale * sum of x over axes (None: all).    grad_x = scale * grad, spread over them."""

    __slots__ = ("axes", "keepdim", "scale", "x_shape")
    kind = "linear"

    @staticmethod
    def forward(
        ctx: Any, x: Any, axes: Axes = None, keepdim: bool = False, scale: float = 1.0
    ) -> Any:
        ctx.x_shape, ctx.axes, ctx.keepdim, ctx.scale = x.shape, axes, keepdim, scale
        return ctx.backend.reduce("sum", x, axes, keepdim, scale)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if ctx.scale != 1.0:
            grad = grad * ctx.scale
        if ctx.axes is not None:
            grad = restore(grad, ctx.x_shape, ctx.axes, ctx.keepdim)
        return spread(grad, ctx.x_shape)


class SumTo(Function):
    """y = x summed down to a shape that broadcasts to x's.    grad_x = grad, expanded."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...]) -> Any:
        ctx.x_shape = x.shape
        lead = len(x.shape) - len(shape)
        if lead < 0 or builtins.any(
            m not in (n, 1) for m, n in zip(shape, x.shape[lead:], strict=True)
        ):
            raise ValueError(f"sum_to: shape {x.shape} does not sum to {shape}")
        axes = tuple(
            i for i, n in enumerate(x.shape) if i < lead or (n != 1 and shape[i - lead] == 1)
        )
        return ctx.backend.reshape(ctx.backend.reduce("sum", x, axes, True), shape)[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad.expand(ctx.x_shape)


class Prod(Function):
    """y = the product of x over one axis.    grad_x_i = grad * the product of the others."""

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, keepdim: bool) -> Any:
        ctx.axis, ctx.keepdim = axis, keepdim
        ctx.save_for_backward(x)
        return ctx.backend.reduce("prod", x, (axis,) if x.ndim else (), keepdim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        axes = (ctx.axis,) if x.array.ndim else ()
        return restore(grad, x.array.shape, axes, ctx.keepdim) * Others.apply(x, ctx.axis)


class Others(Function):
    """y_i = the product of all x_j but x_i along an axis, which y / x_i is not where x_i is 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        ctx.axis = axis
        ctx.save_for_backward(x)
        return ctx.backend.others(x, axis)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        axis = ctx.axis

        def formula(x: Tensor) -> Tensor:  # what comes before, times what comes after
            before = later(CumProd.apply(x, axis), axis, 1.0)
            if not x.array.ndim:
                return before
            return before * later(CumProd.apply(x.flip(axis), axis), axis, 1.0).flip(axis)

        return formula_vjp(formula, ctx.saved_tensors, grad)[0]


class LogSumExp(Function):
    """y = log(sum(exp(x))) over some axes.    grad_x = grad * exp(x - y), the softmax."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
        ctx.axes, ctx.keepdim = axes, keepdim
        y = ctx.backend.logsumexp(x, axes, keepdim)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        grad = restore(grad, x.array.shape, ctx.axes, ctx.keepdim)
        y = restore(y, x.array.shape, ctx.axes, ctx.keepdim)
        safe = where(y == -math.inf, 0.0, y)  # -inf - (-inf) would be NaN; exp(-inf - 0) is 0
        return grad * exp(x - safe)


def sum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The sum over dim (all, if left out), which may be several. 0 of nothing.

    Integers and truth values give int64; `dtype` converts the input first.
    """
    x = typed(input, dtype, "sum")
    if dim is None and not keepdim:
        y = Sum.apply(x)
    else:
        y = Sum.apply(x, normalize_axes(dim, x.array.ndim, "sum"), keepdim)
    if dtype is not None:
        y = typed(y, dtype, "sum")
    return y if out is None else into(out, y, "sum")


def mean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The mean over dim (all, if left out); NaN of nothing.

    The input must be floating point or complex, or `dtype`, to which it is converted first.
    """
    x = typed(input, dtype, "mean")
    if x.array.dtype.kind != "c":
        require_floating(x, "mean")
    shape = x.array.shape
    axes = None if dim is None and not keepdim else normalize_axes(dim, len(shape), "mean")
    n = x.array.size if axes is None else math.prod([shape[i] for i in axes])
    y = Sum.apply(x, axes, keepdim, 1.0 / n if n else math.nan)
    return y if out is None else into(out, y, "mean")


def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The product over one dim (all, if left out); 1 of nothing. Integers give int64.

    The gradient is right also where factors are 0.
    """
    x = typed(input, dtype, "prod")
    ndim = x.array.ndim
    if dim is not None:
        y = Prod.apply(x, normalize_axis(dim, ndim, "prod"), keepdim)
    elif x.node is None and x.tangent is None:  # no gradient will ask for the products of others
        y = wrap(x.backend.reduce("prod", x.array, None, keepdim), x.backend)
    else:
        y = Prod.apply(x if ndim == 1 else x.reshape(-1), 0, False)
        y = y.reshape([1] * ndim) if keepdim else y
    return into(out, y if dtype is None else typed(y, dtype, "prod"), "prod")


def nansum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The sum over dim (all, if left out) of what is not NaN, to which alone the gradient flows."""
    x = ordered(typed(input, dtype, "nansum"), "nansum")
    if dim is not None:
        dim = normalize_axes(dim, x.array.ndim, "nansum")
    if x.array.dtype.kind not in "biu":
        x = where(isnan(x), 0.0, x)
    return into(out, sum(x, dim, keepdim, dtype=dtype), "nansum")


def nanmean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The mean over dim (all, if left out) of what is not NaN; NaN where there is nothing else."""
    x = typed(input, dtype, "nanmean")
    require_floating(x, "nanmean")
    if dim is not None:
        dim = normalize_axes(dim, x.array.ndim, "nanmean")
    nan = isnan(x)
    count = sum(~nan, dim, keepdim).cast(x.array.dtype)
    return into(out, sum(where(nan, 0.0, x), dim, keepdim) / count, "nanmean")


def logsumexp(
    input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """log(sum(exp(x))) over dim, which may be several, without overflow; -inf of nothing."""
    axes = normalize_axes(dim, ordered(input, "logsumexp").array.ndim, "logsumexp")
    return into(out, LogSumExp.apply(input, axes, keepdim), "logsumexp")


def _truths(op: str, x: Any, dim: Dims, keepdim: bool, out: Tensor | None) -> Tensor:
    array, backend = require_tensor(x, op).array, x.backend
    if isinstance(dim, tuple | list) and not dim:  # no dimension at all, unlike in other reductions
        axes: Axes = ()
    else:
        axes = None if dim is None else normalize_axes(dim, array.ndim, op)
    result = backend.reduce(op, array, axes, keepdim)
    if array.dtype == _UINT8:  # from the time before there was bool
        result = backend.cast(result, array.dtype)
    return into(out, wrap(result, backend), op)


def any(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether any element over dim (all, if left out) is not zero, as bool; of uint8, as uint8."""
    return _truths("any", input, dim, keepdim, out)


def all(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether all elements over dim (all, if left out) are not zero; of uint8, as uint8."""
    return _truths("all", input, dim, keepdim, out)


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over dim (all, if left out) are not zero, as int64. NaN is not zero."""
    array, backend = require_tensor(input, "count_nonzero").array, input.backend
    axes = None if dim is None else normalize_axes(dim, array.ndim, "count_nonzero")
    truths = array if array.dtype.kind == "b" else backend.compare("ne", array, 0)
    return wrap(backend.reduce("sum", truths, axes, False), backend)


class StdRoot(Function):
    """y = sqrt(x).    grad_x = grad / (2 * y), 0 where y is 0: a constant sample has no spread."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("sqrt", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return where(y == 0, 0.0, grad / (y * 2))
