"""Arithmetic, element by element: a class each, its formula and its derivative.

The formulas that run are the rows of cuda/scalar_ops.h. Every class here, and in the files of the
other elementwise families (power, exponential, trigonometry, rounding, select, special), has a
diagonal Jacobian, so that `backward` also is the rule of forward mode.
"""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import result_dtype
from naivegrad.ops._args import Number
from naivegrad.ops.exponential import exp as exp
from naivegrad.ops.select import Where as Where
from naivegrad.ops.select import where as where
from naivegrad.tensor import Tensor


class Add(Function):
    """z = x + alpha * y.    grad_x = grad,    grad_y = alpha * grad."""

    kind = "elementwise"
    alpha: Number = 1

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, alpha: Number = 1) -> Any:
        if alpha == 1:
            return ctx.backend.binary("add", x, y)
        ctx.alpha = alpha
        if alpha.__class__ is complex:
            return ctx.backend.binary("add", x, _scaled(ctx, x, y, alpha))
        return ctx.backend.binary("add_scaled", x, y, alpha)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad, grad if ctx.alpha == 1 else grad * ctx.alpha


def _scaled(ctx: Any, x: Any, y: Any, alpha: complex) -> Any:
    """alpha * y; TypeError unless x or y is complex too."""
    if result_dtype(x, y).kind != "c":
        raise TypeError(f"{type(ctx).__name__.lower()}: alpha={alpha} for tensors that are real")
    return ctx.backend.binary("mul", y, alpha)


class Sub(Function):
    """z = x - alpha * y.    grad_x = grad,    grad_y = -alpha * grad."""

    kind = "elementwise"
    alpha: Number = 1

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, alpha: Number = 1) -> Any:
        if alpha == 1:
            return ctx.backend.binary("sub", x, y)
        ctx.alpha = alpha
        if alpha.__class__ is complex:
            return ctx.backend.binary("sub", x, _scaled(ctx, x, y, alpha))
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
    """y = |x|.    grad_x = grad * sign(x), 0 at 0; of complex x, grad * conj(x / |x|)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("abs", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * (x.sgn().conj() if x.is_complex() else sign(x))


class Sign(Function):
    """y = -1, 0 or 1.    grad_x = 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.unary("sign", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * 0.0


# Functional names


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


def neg(input: Tensor) -> Tensor:
    """-input."""
    return Neg.apply(input)


def abs(input: Tensor) -> Tensor:
    """|input|; the gradient at 0 is 0."""
    return Abs.apply(input)


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1."""
    return Sign.apply(input)


# Other spellings
absolute, negative, subtract, multiply = abs, neg, sub, mul
true_divide = divide = div
