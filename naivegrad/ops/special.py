"""Special functions."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops.exponential import exp
from naivegrad.tensor import Tensor


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


# Functional names


def erf(input: Tensor) -> Tensor:
    """The error function."""
    return Erf.apply(input)
