"""Arithmetic, element by element: a class each, its formula and its derivative.

The formulas that run are the rows of cuda/scalar_ops.h. Every class here, and in the files of the
other elementwise families (power, exponential, trigonometry, rounding, select, special), has a
diagonal Jacobian, so that `backward` also is the rule of forward mode.
"""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import result_dtype
from naivegrad.ops._args import Number, into, require_tensor
from naivegrad.ops.rounding import rounded_div
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
        raise TypeError(
            f"{type(ctx).__name__.lower()}: alpha={alpha} is complex, the tensors are not"
        )
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
        return grad.new_zeros(grad.array.shape)  # also where grad is not finite


# Functional names


def add(
    input: Tensor | Number,
    other: Tensor | Number,
    *,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """input + alpha * other, broadcasting."""
    return into(out, Add.apply(input, other, alpha), "add")


def sub(
    input: Tensor | Number,
    other: Tensor | Number,
    *,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """input - alpha * other, broadcasting."""
    return into(out, Sub.apply(input, other, alpha), "sub")


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """other - alpha * input, broadcasting."""
    return Sub.apply(other, require_tensor(input, "rsub"), alpha)


def mul(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input * other, broadcasting."""
    return into(out, Mul.apply(input, other), "mul")


def div(
    input: Tensor | Number,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """input / other, broadcasting; integers give the default floating-point type.

    rounding_mode="trunc" rounds towards 0 (integers as C divides them), "floor" down (as Python's
    //); integers stay integers, and the gradient is 0.
    """
    if rounding_mode is None:
        return into(out, Div.apply(input, other), "div")
    return into(out, rounded_div(input, other, rounding_mode), "div")


def true_divide(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """input / other, broadcasting."""
    return into(out, Div.apply(input, other), "true_divide")


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-input."""
    return into(out, Neg.apply(input), "neg")


def positive(input: Tensor) -> Tensor:
    """input itself; TypeError for bool."""
    if require_tensor(input, "positive").array.dtype.kind == "b":
        raise TypeError("positive: a bool tensor has no sign; use it as it is")
    return input


def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """|input|; the gradient at 0 is 0."""
    return into(out, Abs.apply(input), "abs")


def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1."""
    return into(out, Sign.apply(input), "sign")


# Other spellings
absolute, negative, subtract, multiply, divide = abs, neg, sub, mul, div
