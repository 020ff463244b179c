"""Trigonometric and hyperbolic functions, and their inverses."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
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


# Functional names


def sin(input: Tensor) -> Tensor:
    """The sine of radians."""
    return Sin.apply(input)


def cos(input: Tensor) -> Tensor:
    """The cosine of radians."""
    return Cos.apply(input)
