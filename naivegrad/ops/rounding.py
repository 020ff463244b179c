"""Rounding, and division that rounds."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import Number
from naivegrad.tensor import Tensor, wrap


class Step(Function):
    """floor or ceil: steps, flat between them.    grad_x = 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, op: str) -> Any:
        return ctx.backend.unary(op, x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad * 0.0


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


# Functional names


def floor(input: Tensor) -> Tensor:
    """The largest integer not above; the gradient is 0."""
    return Step.apply(input, "floor")


def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below; the gradient is 0."""
    return Step.apply(input, "ceil")


def remainder(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """What division leaves, with the sign of other, like Python's %; integers by 0 are an error."""
    return Remainder.apply(input, other)


def floor_divide(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """floor(input / other), as Python's //; no gradient. ZeroDivisionError for integers by 0."""
    x, y = (t.array if isinstance(t, Tensor) else t for t in (input, other))
    backend = (input if isinstance(input, Tensor) else other).backend  # type: ignore[union-attr]
    return wrap(backend.binary("floor_divide", x, y), backend)
