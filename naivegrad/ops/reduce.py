"""Reductions: one class each, then the functional names."""

from __future__ import annotations

import builtins
import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import normalize_axes, normalize_axis, numpy_dtype, require_floating
from naivegrad.ops._results import ValuesIndices
from naivegrad.ops.exponential import exp
from naivegrad.ops.joining import cat
from naivegrad.ops.movement import Reshape, spread
from naivegrad.ops.scan import CumProd
from naivegrad.ops.scatter import Gather
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap

Axes = tuple[int, ...] | None
Dims = int | tuple[int, ...] | list[int] | None


def restore(x: Tensor, shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> Tensor:
    """Put the reduced axes back, with length 1, so that x broadcasts against the input again."""
    if keepdim:
        return x
    return x.reshape([1 if i in axes else n for i, n in enumerate(shape)])


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
    """y = the product of x over some axes.    grad_x_i = grad * the product of the others."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
        ctx.axes, ctx.keepdim = axes, keepdim
        ctx.save_for_backward(x)
        return ctx.backend.reduce("prod", x, axes, keepdim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        # Not y / x_i, which fails at 0: the products of what stands before and after each element.
        (x,) = ctx.saved_tensors
        if not x.array.size:
            return grad.new_zeros(x.array.shape)
        grad = restore(grad, x.array.shape, ctx.axes, ctx.keepdim)
        kept = [i for i in range(x.array.ndim) if i not in ctx.axes]
        order = [*kept, *ctx.axes]
        lines = x.permute(order)
        shape = lines.array.shape
        lines = lines.reshape([*shape[: len(kept)], math.prod(shape[len(kept) :])])
        ones = lines.detach().new_ones([*shape[: len(kept)], 1])
        before = CumProd.apply(cat([ones, lines[..., :-1]], -1), lines.array.ndim - 1)
        flipped = lines.flip(-1)
        after = CumProd.apply(cat([ones, flipped[..., :-1]], -1), lines.array.ndim - 1).flip(-1)
        others = (before * after).reshape(shape)
        back = [order.index(i) for i in range(len(order))]
        return grad * others.permute(back)


class Extremum(Function):
    """y = max (or min) of x over some axes.    Equal extreme values share the gradient evenly."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], keepdim: bool, op: str) -> Any:
        backend = ctx.backend
        ctx.axes, ctx.keepdim = axes, keepdim
        y = backend.reduce(op, x, axes, True)
        if True in ctx.needs_input_grad:
            extreme = backend.compare("eq", x, y)
            nan = backend.compare("ne", x, x)  # where there is one, it is the extreme
            share = backend.cast(backend.logical("or", extreme, nan), x.dtype)
            share = backend.binary("div", share, backend.reduce("sum", share, axes, True))
            ctx.save_for_backward(share)
        if keepdim:
            return y
        return backend.reshape(y, tuple(n for i, n in enumerate(x.shape) if i not in axes))[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (share,) = ctx.saved_tensors
        return restore(grad, share.array.shape, ctx.axes, ctx.keepdim) * share

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Any:
        (share,) = ctx.saved_tensors
        return (x_dot * share).sum(ctx.axes, ctx.keepdim)


class Var(Function):
    """y = sum((x - mean)^2) / (n - correction).

    grad_x = grad * 2 * (x - mean) / (n - correction).
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], correction: float, keepdim: bool) -> Any:
        ctx.axes, ctx.keepdim = axes, keepdim
        ctx.count = math.prod(x.shape[i] for i in axes) - correction
        ctx.save_for_backward(x)
        return ctx.backend.var(x, axes, correction, keepdim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        factor = 2.0 / ctx.count if ctx.count > 0 else math.nan
        grad = restore(grad, x.array.shape, ctx.axes, ctx.keepdim)
        return grad * factor * (x - x.mean(ctx.axes, keepdim=True))


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


def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over dim (all, if left out). Integers and truth values give int64."""
    if dtype is not None:
        input = input.cast(numpy_dtype(dtype))
    if dim is None and not keepdim:
        return Sum.apply(input)
    return Sum.apply(input, normalize_axes(dim, input.array.ndim, "sum"), keepdim)


def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over dim (all, if left out); NaN of nothing. The input must be floating point."""
    if dtype is not None:
        input = input.cast(numpy_dtype(dtype))
    require_floating(input, "mean")
    if dim is None and not keepdim:
        return Sum.apply(
            input, None, False, 1.0 / input.array.size if input.array.size else math.nan
        )
    axes = normalize_axes(dim, input.array.ndim, "mean")
    n = math.prod(input.array.shape[i] for i in axes)
    return Sum.apply(input, axes, keepdim, 1.0 / n if n else math.nan)


def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product over dim (all, if left out). Right also where factors are 0."""
    if dtype is not None:
        input = input.cast(numpy_dtype(dtype))
    return Prod.apply(input, normalize_axes(dim, input.array.ndim, "prod"), keepdim)


def _not_empty(x: Tensor, axes: tuple[int, ...], op: str) -> None:
    for axis in axes:
        if x.array.shape[axis] == 0:
            raise IndexError(
                f"{op}: nothing to reduce: dimension {axis} of shape {x.array.shape} "
                f"has no elements"
            )


def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The largest value over dim (all, if left out). Equal ones share the gradient evenly."""
    axes = normalize_axes(dim, input.array.ndim, "amax")
    _not_empty(input, axes, "amax")
    return Extremum.apply(input, axes, keepdim, "max")


def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The smallest value over dim (all, if left out). Equal ones share the gradient evenly."""
    axes = normalize_axes(dim, input.array.ndim, "amin")
    _not_empty(input, axes, "amin")
    return Extremum.apply(input, axes, keepdim, "min")


def extreme(op: str, x: Tensor, dim: Any, keepdim: bool) -> Any:
    """max and min in three forms: of all, along a dimension (with indices), of two tensors."""
    if isinstance(dim, Tensor):
        return x.maximum(dim) if op == "max" else x.minimum(dim)
    if dim is None:
        _not_empty(x, tuple(range(x.array.ndim)), op)
        return Extremum.apply(x, tuple(range(x.array.ndim)), False, op)
    axis = normalize_axis(dim, x.array.ndim, op)
    if x.array.ndim == 0:
        return ValuesIndices(x.clone(), x.argmax())
    _not_empty(x, (axis,), op)
    indices = wrap(x.backend.arg_reduce(op, x.array, axis, True), x.backend)
    values = Gather.apply(x, axis, indices.array)
    if not keepdim:
        shape = x.array.shape[:axis] + x.array.shape[axis + 1 :]
        values, indices = Reshape.apply(values, shape), Reshape.apply(indices, shape)
    return ValuesIndices(values, indices)


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest value of all; with dim, (values, indices) along it; with a tensor, `maximum`.

    Along a dimension the gradient goes to the index that is returned, the first of equal ones. Of
    all, equal ones share it evenly. NaN wins. IndexError where there is nothing to reduce.
    """
    return extreme("max", input, dim, keepdim)


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest value of all; with dim, (values, indices) along it; with a tensor, `minimum`."""
    return extreme("min", input, dim, keepdim)


def _arg(op: str, x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    name = f"arg{op}"
    if dim is None:
        _not_empty(x, tuple(range(x.array.ndim)), name)
        flat = x.backend.reshape(x.array, (-1,))[0]
        index = wrap(x.backend.arg_reduce(op, flat, 0, False), x.backend)
        return index.reshape([1] * x.array.ndim) if keepdim else index
    axis = normalize_axis(dim, x.array.ndim, name)
    if x.array.ndim == 0:
        return _arg(op, x, None, False)
    _not_empty(x, (axis,), name)
    return wrap(x.backend.arg_reduce(op, x.array, axis, keepdim), x.backend)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest value is (the first, if several): of all flattened, or along dim."""
    return _arg("max", input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest value is (the first, if several): of all flattened, or along dim."""
    return _arg("min", input, dim, keepdim)


def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """sum((x - mean)^2) / (n - correction) over dim; correction is 1, or 0 with unbiased=False."""
    return Var.apply(input, *_var_arguments("var", input, dim, unbiased, keepdim, correction))


def _var_arguments(
    op: str, x: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any
) -> tuple[Any, ...]:
    """What Var takes after the tensor."""
    if isinstance(dim, bool):  # PyTorch also takes var(x, False)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{op}: give unbiased or correction, not both")
    require_floating(x, op)
    if correction is None:
        correction = 1.0 if unbiased is None or unbiased else 0.0
    return normalize_axes(dim, x.array.ndim, op), correction, keepdim


def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The square root of `var`. Where it is 0 the gradient is taken as 0."""
    arguments = _var_arguments("std", input, dim, unbiased, keepdim, correction)
    return StdRoot.apply(Var.apply(input, *arguments))


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


def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """log(sum(exp(input))) over dim, without overflow; -inf of nothing."""
    return LogSumExp.apply(input, normalize_axes(dim, input.array.ndim, "logsumexp"), keepdim)


def _truths(op: str, x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    axes = normalize_axes(dim, x.array.ndim, op)
    return wrap(x.backend.reduce(op, x.array, axes, keepdim), x.backend)


def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether any element over dim is not zero."""
    return _truths("any", input, dim, keepdim)


def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether all elements over dim are not zero."""
    return _truths("all", input, dim, keepdim)


def norm(input: Tensor, p: float | str = "fro", dim: Dims = None, keepdim: bool = False) -> Tensor:
    """(sum |x|^p)^(1/p) over dim; p = inf: the largest |x|; "fro" is p = 2."""
    require_floating(input, "norm")
    if isinstance(p, str):
        if p != "fro":
            raise ValueError(f'norm: p is a number or "fro", not {p!r}')
        p = 2.0
    if p == 2:
        return StdRoot.apply((input * input).sum(dim, keepdim))
    if p == math.inf:
        return amax(input.abs(), () if dim is None else dim, keepdim)
    if p == -math.inf:
        return amin(input.abs(), () if dim is None else dim, keepdim)
    if p == 0:
        return (input != 0).cast(input.array.dtype).sum(dim, keepdim)
    if p == 1:
        return input.abs().sum(dim, keepdim)
    total = (input.abs() ** p).sum(dim, keepdim)
    return where(total == 0, 0.0, where(total == 0, 1.0, total) ** (1.0 / p))
