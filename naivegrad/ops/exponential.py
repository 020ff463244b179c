"""Exponentials and logarithms."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import into
from naivegrad.tensor import Tensor

LN2, LN10 = math.log(2), math.log(10)


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


class Exp2(Function):
    """y = 2^x.    grad_x = grad * y * ln 2."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("exp2", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return grad * y * LN2


class Expm1(Function):
    """y = e^x - 1.    grad_x = grad * (y + 1)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("expm1", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return grad * (y + 1)


class Log2(Function):
    """y = log_2 x.    grad_x = grad / (x * ln 2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("log2", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad / (x * LN2)


class Log10(Function):
    """y = log_10 x.    grad_x = grad / (x * ln 10)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("log10", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad / (x * LN10)


# Functional names


def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e ** input."""
    return into(out, Exp.apply(input), "exp")


def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The natural logarithm: -inf at 0, NaN below."""
    return into(out, Log.apply(input), "log")


def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(1 + input), accurate near 0."""
    return into(out, Log1p.apply(input), "log1p")


def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2 ** input."""
    return into(out, Exp2.apply(input), "exp2")


def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(input) - 1, accurate near 0."""
    return into(out, Expm1.apply(input), "expm1")


def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to the base 2."""
    return into(out, Log2.apply(input), "log2")


def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to the base 10."""
    return into(out, Log10.apply(input), "log10")
