"""Powers and roots."""

from __future__ import annotations

import cmath
import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_differentiable
from naivegrad.ops._args import Number, into, require_tensor
from naivegrad.ops.copying import Clone
from naivegrad.ops.exponential import log
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor


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
                zero = (x == 0) & (y.real >= 0)
                grad_y = where(zero, 0.0, grad * z * log(where(zero, 1.0, x)))
            elif x == 0:
                grad_y = where(y.real >= 0, 0.0, grad * z * -math.inf)
            elif z.is_complex():
                grad_y = grad * z * cmath.log(x)
            else:
                grad_y = grad * z * (math.log(x) if x > 0 else math.nan)
        return grad_x, grad_y


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


# Functional names


def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input ** exponent, broadcasting. Squares, roots and reciprocals take a short way."""
    if out is not None:
        return into(out, pow(input, exponent), "pow")
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


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input * input."""
    if require_tensor(input, "square").array.dtype.kind == "b":
        return into(out, pow(input, 2), "square")  # an integer
    return into(out, Square.apply(input), "square")


def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / input."""
    return into(out, Reciprocal.apply(input), "reciprocal")


def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square root; NaN below 0."""
    return into(out, Sqrt.apply(input), "sqrt")


def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / sqrt(input)."""
    return into(out, Rsqrt.apply(input), "rsqrt")
