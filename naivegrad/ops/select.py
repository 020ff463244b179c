"""One value or another: where, clamp, maximum."""

from __future__ import annotations

import math
import operator
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import holds, is_floating
from naivegrad.dtype import finfo
from naivegrad.ops._args import Number, as_operand, into, require_tensor
from naivegrad.ops._axes import ordered
from naivegrad.tensor import Tensor, wrap


class Where(Function):
    """z = x where condition, else y.    grad_x = grad where condition,    grad_y = the rest."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, condition: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(condition)
        return ctx.backend.where(condition, x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (condition,) = ctx.saved_tensors
        _, need_x, need_y = ctx.needs_input_grad
        return (
            None,
            where(condition, grad, 0.0) if need_x else None,
            where(condition, 0.0, grad) if need_y else None,
        )


class Clamp(Function):
    """y = min(max(x, low), high).    grad_x = grad where low <= x <= high, else 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, low: float, high: float) -> Any:
        ctx.low, ctx.high = low, high
        ctx.save_for_backward(x)
        return ctx.backend.unary("clamp", x, low, high)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return ClampGrad.apply(grad, x, ctx.low, ctx.high)


class ClampGrad(Function):
    """z = g where low <= x <= high, else 0.    grad_g = grad there, else 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, g: Any, x: Any, low: float, high: float) -> Any:
        ctx.low, ctx.high = low, high
        ctx.save_for_backward(x)
        return ctx.backend.binary("clamp_grad", g, x, low, high)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        grad_x = grad * 0.0 if ctx.needs_input_grad[1] else None
        return ClampGrad.apply(grad, x, ctx.low, ctx.high), grad_x


class Maximum(Function):
    """z = max(x, y).    The gradient goes to the larger; half to each where they are equal."""

    kind = "elementwise"
    op, wins = "maximum", "gt"

    @classmethod
    def _forward(cls, ctx: Any, x: Any, y: Any) -> Any:
        backend = ctx.backend
        z = backend.binary(cls.op, x, y)
        if True in ctx.needs_input_grad:
            wins = backend.cast(backend.compare(cls.wins, x, y), z.dtype)
            ties = backend.cast(backend.compare("eq", x, y), z.dtype)
            ctx.save_for_backward(backend.binary("add", wins, backend.binary("mul", ties, 0.5)))
        return z

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return Maximum._forward(ctx, x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (share,) = ctx.saved_tensors  # 1, 1/2 or 0: what goes to x
        return grad * share, grad * (1 - share)


class Minimum(Maximum):
    """z = min(x, y).    The gradient goes to the smaller; half to each where they are equal."""

    op, wins = "minimum", "lt"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return Minimum._forward(ctx, x, y)


class ClampBetween(Function):
    """y = min(max(x, low), high), the bounds being tensors.

    The gradient goes to x where low <= x <= high, to the bound that y is elsewhere.
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, low: Any, high: Any) -> Any:
        backend, y = ctx.backend, x
        for op, bound in (("maximum", low), ("minimum", high)):
            if bound is not None:
                y = backend.binary(op, y, bound)
        if True in ctx.needs_input_grad:
            ctx.save_for_backward(*_shares(backend, x, low, high))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        shares = zip(ctx.saved_tensors, ctx.needs_input_grad, strict=True)
        return tuple([where(mask, grad, 0.0) if need else None for mask, need in shares])


def _shares(backend: Any, x: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
    """Where the gradient of a clamp goes to x, to the lower and to the upper bound."""
    if low is None:
        return backend.compare("le", x, high), None, backend.compare("gt", x, high)
    if high is None:
        return backend.compare("ge", x, low), backend.compare("lt", x, low), None
    inside = backend.logical("and", backend.compare("ge", x, low), backend.compare("le", x, high))
    below = backend.logical("and", backend.compare("lt", x, low), backend.compare("lt", low, high))
    above = backend.logical("or", backend.compare("gt", x, high), backend.compare("lt", high, low))
    return inside, below, above


# Functional names


def where(
    condition: Tensor,
    input: Tensor | Number | None = None,
    other: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Any:
    """input where condition, else other, broadcasting; condition alone: where it is not 0.

    Two numbers give their type: where(mask, 1, 0.5) is of the default floating-point type.
    """
    require_tensor(condition, "where", "condition")
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if input is None or other is None:
        raise TypeError("where: takes a condition alone, or a condition and two values")
    if condition.array.dtype == "uint8":  # masks, before there was bool
        condition = condition.bool()
    if condition.array.dtype.kind != "b":
        raise TypeError(f"where: the condition must be a bool tensor, got {condition.dtype}")
    return into(out, Where.apply(condition, input, other), "where")


def clamp(
    input: Tensor,
    min: Tensor | float | None = None,
    max: Tensor | float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """input between min and max, numbers or tensors; either may be left out.

    At a bound the gradient passes to input. Where min > max the result is max.
    """
    ordered(input, "clamp")
    if min is None and max is None:
        raise ValueError("clamp: at least one of min and max must be given")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        return into(out, ClampBetween.apply(input, min, max), "clamp")
    if not is_floating(input.array.dtype):
        return into(out, _clamp_integers(input, min, max), "clamp")
    low, high = _bound(min, -math.inf), _bound(max, math.inf)
    if low != low or high != high:  # NaN, which the loop would pass over
        return into(out, input * 0.0 + math.nan, "clamp")
    return into(out, Clamp.apply(input, low, high), "clamp")


def _bound(value: Any, default: float) -> float:
    try:
        return default if value is None else float(operator.pos(value))  # no text
    except TypeError:
        raise TypeError(f"clamp: a bound must be a number or a tensor, got {value!r}") from None


def clamp_min(input: Tensor, min: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """input, not below min."""
    return clamp(input, min, out=out)


def clamp_max(input: Tensor, max: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """input, not above max."""
    return clamp(input, None, max, out=out)


def _clamp_integers(x: Tensor, low: Any, high: Any) -> Tensor:
    backend, result = x.backend, x.array
    for op, bound in (("maximum", low), ("minimum", high)):
        if bound is not None:
            if isinstance(bound, int) and not holds(x.array.dtype, bound):
                raise ValueError(f"clamp: the bound {bound} does not fit into {x.dtype}")
            result = backend.binary(op, result, bound)
    return wrap(result, backend)


def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two, element by element; NaN if either is. Equal ones share the gradient."""
    return into(out, Maximum.apply(*_promoted(input, other, "maximum")), "maximum")


def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two, element by element; NaN if either is. Equal ones share the gradient."""
    return into(out, Minimum.apply(*_promoted(input, other, "minimum")), "minimum")


def _promoted(x: Tensor, y: Tensor, op: str) -> tuple[Tensor, Tensor]:
    require_tensor(x, op)
    return x, as_operand(y, x, op)


# Other spellings
clip = clamp


def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """NaN and infinities replaced: by nan, and by default the ends of the type's range.

    The gradient of what is replaced is 0.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nan_to_num(ng.tensor([ng.nan, 2.0, ng.inf]), posinf=9.0)
    tensor([0., 2., 9.])
    """
    dtype = require_tensor(input, "nan_to_num").array.dtype
    if dtype.kind == "c":
        raise TypeError("nan_to_num: is not defined for complex tensors; take the parts")
    if not is_floating(dtype):
        return into(out, input.clone(), "nan_to_num")
    limits = finfo(dtype)
    result = where(input != input, 0.0 if nan is None else float(nan), input)
    result = where(result == math.inf, limits.max if posinf is None else float(posinf), result)
    result = where(result == -math.inf, limits.min if neginf is None else float(neginf), result)
    return into(out, result, "nan_to_num")
