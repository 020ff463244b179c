"""Special functions."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import into, require_tensor
from naivegrad.ops.elementwise import sign
from naivegrad.ops.exponential import exp
from naivegrad.ops.select import clamp, where
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


class Erfc(Function):
    """y = 1 - erf x.    grad_x = -grad * 2 / sqrt(pi) * exp(-x^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("erfc", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * exp(-(x * x)) * (-2 / math.sqrt(math.pi))


class Erfinv(Function):
    """y = the inverse of erf.    grad_x = grad * sqrt(pi) / 2 * exp(y^2)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.unary("erfinv", x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return grad * exp(y * y) * (math.sqrt(math.pi) / 2)


class Lgamma(Function):
    """y = ln |Gamma(x)|.    grad_x = grad * digamma(x)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("lgamma", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * digamma(x)


class Digamma(Function):
    """y = psi(x), the derivative of ln Gamma.    grad_x = grad * psi'(x)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("digamma", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * polygamma(1, x)


class Polygamma(Function):
    """y = the n-th derivative of psi(x).    grad_x = grad * the next one."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, n: int) -> Any:
        ctx.n = n
        ctx.save_for_backward(x)
        return ctx.backend.unary("polygamma", x, float(n))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * polygamma(ctx.n + 1, x)


class Logit(Function):
    """y = ln(x / (1 - x)).    grad_x = grad / (x * (1 - x))."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("logit", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return where((x < 0) | (x > 1), math.nan, grad / (x * (1 - x)))


class I0(Function):
    """y = I_0(x), a modified Bessel function.    grad_x = grad * I_1(x)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("i0", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * i1(x)


class I0e(Function):
    """y = exp(-|x|) I_0(x).    grad_x = grad * (exp(-|x|) I_1(x) - sign(x) * y)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("i0e", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * (i1e(x) - sign(x) * i0e(x))


class I1(Function):
    """y = I_1(x).    grad_x = grad * (I_0(x) - y / x), 1/2 at 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("i1", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * where(x == 0, 0.5, i0(x) - i1(x) / where(x == 0, 1.0, x))


class I1e(Function):
    """y = exp(-|x|) I_1(x).    grad_x = grad * (exp(-|x|) I_0(x) - y * (sign(x) + 1 / x))."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.unary("i1e", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * where(x == 0, 0.5, i0e(x) - i1e(x) * (sign(x) + 1 / where(x == 0, 1.0, x)))


# Functional names


def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The error function."""
    return into(out, Erf.apply(input), "erf")


def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 - erf(input), accurate where erf is near 1."""
    return into(out, Erfc.apply(input), "erfc")


def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of erf; infinite at -1 and 1, NaN beyond."""
    return into(out, Erfinv.apply(input), "erfinv")


def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function."""
    return into(out, Lgamma.apply(input), "lgamma")


def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """psi, the derivative of lgamma; NaN at negative integers, infinite at 0."""
    return into(out, Digamma.apply(input), "digamma")


def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind, of order 0."""
    return into(out, I0.apply(input), "i0")


def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(-|input|) * i0(input), which does not overflow."""
    return into(out, I0e.apply(input), "i0e")


def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind, of order 1."""
    return into(out, I1.apply(input), "i1")


def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(-|input|) * i1(input), which does not overflow."""
    return into(out, I1e.apply(input), "i1e")


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of digamma: digamma itself for 0, trigamma for 1.

    Formula
    -------
    (-1)^(n+1) n! times the sum over k >= 0 of (input + k)^-(n+1).

    Raises
    ------
    ValueError
        Negative n.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.polygamma(1, ng.tensor([1.0]))  # pi^2 / 6
    tensor([1.6449])
    """
    if not isinstance(n, int):
        raise TypeError(f"polygamma: n must be an integer, got {n!r}")
    if n < 0:
        raise ValueError(f"polygamma: n must not be negative, got {n}")
    if n == 0:
        return digamma(input, out=out)
    return into(out, Polygamma.apply(input, n), "polygamma")


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension p.

    p (p - 1) / 4 * ln(pi) + the sum of lgamma(input - j / 2) for j from 0 to p - 1.
    """
    if p < 1:
        raise ValueError(f"mvlgamma: p must be at least 1, got {p}")
    require_tensor(input, "mvlgamma")
    total = lgamma(input) + p * (p - 1) / 4 * math.log(math.pi)
    for j in range(1, p):
        total = total + lgamma(input - j / 2)
    return into(out, total, "mvlgamma")


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """ln(input / (1 - input)), the inverse of sigmoid; NaN outside [0, 1].

    eps clamps input to [eps, 1 - eps] first.
    """
    if eps is not None:
        input = clamp(require_tensor(input, "logit") * 1.0, eps, 1 - eps)
    return into(out, Logit.apply(input), "logit")


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The standard normal distribution function."""
    return into(out, erfc(require_tensor(input, "ndtr") * -math.sqrt(0.5)) * 0.5, "ndtr")
