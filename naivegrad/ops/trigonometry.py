"""Trigonometric and hyperbolic functions, and their inverses."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import into, require_tensor
from naivegrad.ops.power import rsqrt
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor


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


class Tan(Function):
    """y = tan x.    grad_x = grad * (1 + y^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("tan", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return grad * (y * y + 1)


class Asin(Function):
    """y = arcsin x.    grad_x = grad / sqrt(1 - x^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("asin", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * rsqrt(1 - x * x)


class Acos(Function):
    """y = arccos x.    grad_x = -grad / sqrt(1 - x^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("acos", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return -(grad * rsqrt(1 - x * x))


class Atan(Function):
    """y = arctan x.    grad_x = grad / (1 + x^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("atan", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad / (x * x + 1)


class Sinh(Function):
    """y = sinh x.    grad_x = grad * cosh x."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("sinh", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * cosh(x)


class Cosh(Function):
    """y = cosh x.    grad_x = grad * sinh x."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("cosh", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * sinh(x)


class Asinh(Function):
    """y = arsinh x.    grad_x = grad / sqrt(x^2 + 1)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("asinh", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * rsqrt(x * x + 1)


class Acosh(Function):
    """y = arcosh x.    grad_x = grad / sqrt(x^2 - 1)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("acosh", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        if x.is_complex():  # where the product of the roots is not the root of the product
            return grad * rsqrt(x - 1) * rsqrt(x + 1)
        return grad * rsqrt(x * x - 1)


class Atanh(Function):
    """y = artanh x.    grad_x = grad / (1 - x^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("atanh", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad / (1 - x * x)


class Atan2(Function):
    """z = the angle with tangent x / y.    grad_x = grad * y / r^2,    grad_y = -grad * x / r^2.

    r^2 = x^2 + y^2; both are 0 where it is.
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.binary("atan2", x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        square = x * x + y * y
        share = where(square == 0, 0.0, grad / where(square == 0, 1.0, square))
        return share * y, -(share * x) if ctx.needs_input_grad[1] else None


class Sinc(Function):
    """y = sin(pi x) / (pi x), 1 at 0.    grad_x = grad * (cos(pi x) - y) / x, 0 at 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("sinc", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        zero = x == 0
        away = where(zero, 1.0, x)
        return where(zero, 0.0, grad * (cos(away * math.pi) - sinc(away)) / away)


# Functional names


def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sine of radians."""
    return into(out, Sin.apply(input), "sin")


def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The cosine of radians."""
    return into(out, Cos.apply(input), "cos")


def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The tangent of radians."""
    return into(out, Tan.apply(input), "tan")


def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The arc sine, in radians; NaN outside [-1, 1]."""
    return into(out, Asin.apply(input), "asin")


def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The arc cosine, in radians; NaN outside [-1, 1]."""
    return into(out, Acos.apply(input), "acos")


def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The arc tangent, in radians."""
    return into(out, Atan.apply(input), "atan")


def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic sine."""
    return into(out, Sinh.apply(input), "sinh")


def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic cosine."""
    return into(out, Cosh.apply(input), "cosh")


def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of sinh."""
    return into(out, Asinh.apply(input), "asinh")


def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of cosh; NaN below 1."""
    return into(out, Acosh.apply(input), "acosh")


def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of tanh; NaN outside [-1, 1]."""
    return into(out, Atanh.apply(input), "atanh")


def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point (other, input) from the first axis, in radians, -pi to pi."""
    require_tensor(input, "atan2")
    require_tensor(other, "atan2", "other")
    return into(out, Atan2.apply(input, other), "atan2")


def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(pi input) / (pi input); 1 at 0."""
    return into(out, Sinc.apply(input), "sinc")


def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees as radians: input * pi / 180."""
    return into(out, require_tensor(input, "deg2rad") * (math.pi / 180), "deg2rad")


def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians as degrees: input * 180 / pi."""
    return into(out, require_tensor(input, "rad2deg") * (180 / math.pi), "rad2deg")


# Other spellings
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
