"""Exponentials and logarithms."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.tensor import Tensor


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


# Functional names


def exp(input: Tensor) -> Tensor:
    """e ** input."""
    return Exp.apply(input)


def log(input: Tensor) -> Tensor:
    """The natural logarithm: -inf at 0, NaN below."""
    return Log.apply(input)


def log1p(input: Tensor) -> Tensor:
    """log(1 + input), accurate near 0."""
    return Log1p.apply(input)
