"""Elementwise operations: a class each, its formula and its derivative, then the functional names.

The formulas that run are the rows of cuda/scalar_ops.h. Every class here has a diagonal Jacobian,
so that `backward` also is the rule of forward mode.
"""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_differentiable, is_floating
from naivegrad.ops._args import as_tensor_like, require_tensor
from naivegrad.ops.copying import Clone
from naivegrad.tensor import Tensor, wrap

Number = float | int | bool


class Add(Function):
    """z = x + alpha * y.    grad_x = grad,    grad_y = alpha * grad."""

    kind = "elementwise"
    alpha: Number = 1

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, alpha: Number = 1) -> Any:
        if alpha == 1:
            return ctx.backend.binary("add", x, y)
        ctx.alpha = alpha
        return ctx.backend.binary("add_scaled", x, y, alpha)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad, grad if ctx.alpha == 1 else grad * ctx.alpha


class Sub(Function):
    """z = x - alpha * y.    grad_x = grad,    grad_y = -alpha * grad."""

    kind = "elementwise"
    alpha: Number = 1

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, alpha: Number = 1) -> Any:
        if alpha == 1:
            return ctx.backend.binary("sub", x, y)
        ctx.alpha = alpha
        return ctx.backend.binary("add_scaled", x, y, -alpha)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad, grad * -ctx.alpha if ctx.needs_input_grad[1] else None


class Mul(Function):
    """z = x * y.    grad_x = grad * y,    grad_y = grad * x."""

    kind = "bilinear"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.binary("mul", x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors  # of these, None where the other needs no gradient
        return None if y is None else grad * y, None if x is None else grad * x


class Div(Function):
    """z = x / y.    grad_x = grad / y,    grad_y = -grad * z / y."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        z = ctx.backend.binary("div", x, y)
        ctx.save_for_backward(y, z if ctx.needs_input_grad[1] else None)
        return z

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        y, z = ctx.saved_tensors
        grad_x = grad / y
        return grad_x, None if z is None else -(grad_x * z)


class Remainder(Function):
    """z = x - floor(x / y) * y.    grad_x = grad,    grad_y = -grad * floor(x / y)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.binary("remainder", x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        return grad, -(grad * floor_divide(x, y)) if ctx.needs_input_grad[1] else None


class Pow(Function):
    """z = x ** y.    grad_x = grad * y * x ** (y - 1),    grad_y = grad * z * log(x).

    Where y is 0, grad_x is 0. Where x is 0 and y is not negative, grad_y is 0.
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        z = ctx.backend.binary("pow", x, y)
        ctx.save_for_backward(x, y, z if ctx.needs_input_grad[1] else None)
        return z

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y, z = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            if isinstance(y, Tensor):
                grad_x = where(y == 0, 0.0, grad * y * pow(x, where(y == 0, 1.0, y) - 1))
            else:
                grad_x = grad * (pow(x, y - 1) * y) if y != 0 else grad * 0.0
        if ctx.needs_input_grad[1]:
            if isinstance(x, Tensor):
                zero = (x == 0) & (y >= 0)
                grad_y = where(zero, 0.0, grad * z * log(where(zero, 1.0, x)))
            elif x == 0:
                grad_y = where(y >= 0, 0.0, grad * z * -math.inf)
            else:
                grad_y = grad * z * (math.log(x) if x > 0 else math.nan)
        return grad_x, grad_y


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


class Neg(Function):
    """y = -x.    grad_x = -grad."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.unary("neg", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return -grad


class Abs(Function):
    """y = |x|.    grad_x = grad * sign(x), 0 at 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("abs", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * sign(x)


class Sign(Function):
    """y = -1, 0 or 1.    grad_x = 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.unary("sign", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * 0.0


class Square(Function):
    """y = x^2.    grad_x = 2 * grad * x."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("square", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * x * 2


class Reciprocal(Function):
    """y = 1 / x.    grad_x = -grad * y^2."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("reciprocal", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return -(grad * y * y)


class Sqrt(Function):
    """y = sqrt(x).    grad_x = grad / (2 * y)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("sqrt", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return grad / (y * 2)


class Rsqrt(Function):
    """y = 1 / sqrt(x).    grad_x = -grad * y^3 / 2."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("rsqrt", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return grad * y * y * y * -0.5


class Exp(Function):
    """y = e^x.    grad_x = grad * y."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("exp", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return grad * y


class Log(Function):
    """y = ln x.    grad_x = grad / x."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("log", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad / x


class Log1p(Function):
    """y = ln(1 + x).    grad_x = grad / (1 + x)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("log1p", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad / (x + 1)


class Sin(Function):
    """y = sin x.    grad_x = grad * cos x."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("sin", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * cos(x)


class Cos(Function):
    """y = cos x.    grad_x = -grad * sin x."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("cos", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return -(grad * sin(x))


class Erf(Function):
    """y = 2 / sqrt(pi) * integral of exp(-t^2), 0 to x.    grad_x = grad 2 / sqrt(pi) exp(-x^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("erf", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * exp(-(x * x)) * (2 / math.sqrt(math.pi))


class Step(Function):
    """floor or ceil: steps, flat between them.    grad_x = 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, op: str) -> Any:
        return ctx.backend.unary(op, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * 0.0


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


# Functional names. Each takes a Tensor, and where it is said, Python numbers.


def add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input + alpha * other, broadcasting."""
    return Add.apply(input, other, alpha)


def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input - alpha * other, broadcasting."""
    return Sub.apply(input, other, alpha)


def mul(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input * other, broadcasting."""
    return Mul.apply(input, other)


def div(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input / other, broadcasting; integers give the default floating-point type."""
    return Div.apply(input, other)


def remainder(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """What division leaves, with the sign of other, like Python's %; integers by 0 are an error."""
    return Remainder.apply(input, other)


def floor_divide(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """floor(input / other), as Python's //; no gradient. ZeroDivisionError for integers by 0."""
    x, y = (t.array if isinstance(t, Tensor) else t for t in (input, other))
    backend = (input if isinstance(input, Tensor) else other).backend  # type: ignore[union-attr]
    return wrap(backend.binary("floor_divide", x, y), backend)


def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """input ** exponent, broadcasting. Squares, roots and reciprocals take a short way."""
    if (
        isinstance(input, Tensor)
        and is_differentiable(input.array.dtype)
        and exponent.__class__ is not Tensor
    ):
        if exponent == 2:
            return Square.apply(input)
        if exponent == 0.5:
            return Sqrt.apply(input)
        if exponent == 1:
            return Clone.apply(input)
        if exponent == -1:
            return Reciprocal.apply(input)
    return Pow.apply(input, exponent)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two, element by element; NaN if either is. Equal ones share the gradient."""
    return Maximum.apply(*_promoted(input, other, "maximum"))


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two, element by element; NaN if either is. Equal ones share the gradient."""
    return Minimum.apply(*_promoted(input, other, "minimum"))


def _promoted(x: Tensor, y: Tensor, op: str) -> tuple[Tensor, Tensor]:
    require_tensor(x, op)
    return x, as_tensor_like(y, x)


def where(
    condition: Tensor, input: Tensor | Number | None = None, other: Tensor | Number | None = None
) -> Any:
    """input where condition, else other, broadcasting; condition alone: where it is not 0."""
    require_tensor(condition, "where", "condition")
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if input is None or other is None:
        raise TypeError("where: takes a condition alone, or a condition and two values")
    if condition.array.dtype.kind != "b":
        raise TypeError(f"where: the condition must be a bool tensor, got {condition.dtype}")
    return Where.apply(condition, input, other)


def neg(input: Tensor) -> Tensor:
    """-input."""
    return Neg.apply(input)


def abs(input: Tensor) -> Tensor:
    """|input|; the gradient at 0 is 0."""
    return Abs.apply(input)


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1."""
    return Sign.apply(input)


def square(input: Tensor) -> Tensor:
    """input * input."""
    return Square.apply(input)


def reciprocal(input: Tensor) -> Tensor:
    """1 / input."""
    return Reciprocal.apply(input)


def sqrt(input: Tensor) -> Tensor:
    """The square root; NaN below 0."""
    return Sqrt.apply(input)


def rsqrt(input: Tensor) -> Tensor:
    """1 / sqrt(input)."""
    return Rsqrt.apply(input)


def exp(input: Tensor) -> Tensor:
    """e ** input."""
    return Exp.apply(input)


def log(input: Tensor) -> Tensor:
    """The natural logarithm: -inf at 0, NaN below."""
    return Log.apply(input)


def log1p(input: Tensor) -> Tensor:
    """log(1 + input), accurate near 0."""
    return Log1p.apply(input)


def sin(input: Tensor) -> Tensor:
    """The sine of radians."""
    return Sin.apply(input)


def cos(input: Tensor) -> Tensor:
    """The cosine of radians."""
    return Cos.apply(input)


def erf(input: Tensor) -> Tensor:
    """The error function."""
    return Erf.apply(input)


def floor(input: Tensor) -> Tensor:
    """The largest integer not above; the gradient is 0."""
    return Step.apply(input, "floor")


def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below; the gradient is 0."""
    return Step.apply(input, "ceil")


def clamp(
    input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None
) -> Tensor:
    """input between min and max (either may be left out). At a bound the gradient passes."""
    if min is None and max is None:
        raise ValueError("clamp: at least one of min and max must be given")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        result = input
        if min is not None:
            min = as_tensor_like(min, input)
            result = where(result < min, min, result)
        if max is not None:
            max = as_tensor_like(max, input)
            result = where(result > max, max, result)
        return result
    if not is_floating(input.array.dtype):
        return _clamp_integers(input, min, max)
    low = -math.inf if min is None else float(min)
    high = math.inf if max is None else float(max)
    return Clamp.apply(input, low, high)


def _clamp_integers(x: Tensor, low: Any, high: Any) -> Tensor:
    backend, result = x.backend, x.array
    for op, bound in (("maximum", low), ("minimum", high)):
        if bound is not None:
            result = backend.binary(op, result, bound)
    return wrap(result, backend)


# Other spellings
absolute, negative, subtract, multiply, clip = abs, neg, sub, mul, clamp
true_divide = divide = div
