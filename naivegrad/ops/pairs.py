"""Functions of two arguments that are needed now and then."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_differentiable
from naivegrad.ops._args import (
    Number,
    as_operand,
    check_shapes,
    into,
    require_integers,
    require_tensor,
)
from naivegrad.ops.elementwise import mul
from naivegrad.ops.exponential import log, log1p
from naivegrad.ops.power import pow
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap


class Hypot(Function):
    """z = sqrt(x^2 + y^2).    grad_x = grad * x / z,    grad_y = grad * y / z; NaN at (0, 0)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        z = ctx.backend.binary("hypot", x, y)
        ctx.save_for_backward(x, y, z)
        return z

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y, z = ctx.saved_tensors
        return grad * (x / z), grad * (y / z)


class CopySign(Function):
    """z = |x|, with the sign of y.    grad_x = grad * z / x, 0 at 0;    grad_y = 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        z = ctx.backend.binary("copysign", x, y)
        ctx.save_for_backward(x, z)
        return z

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, z = ctx.saved_tensors
        flat = x == 0
        same = where(flat, 0.0, z.detach() / where(flat, 1.0, x.detach()))  # 1 or -1
        return grad * same, grad * 0.0 if ctx.needs_input_grad[1] else None


class LogAddExp(Function):
    """z = log(e^x + e^y).    grad_x = grad / (1 + e^(y - x)), the share of x; grad_y likewise."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.binary("logaddexp", x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        return grad / (1 + (y - x).exp()), grad / (1 + (x - y).exp())


class LogAddExp2(Function):
    """z = log2(2^x + 2^y).    grad_x = grad / (1 + 2^(y - x)), the share of x; grad_y likewise."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.binary("logaddexp2", x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        return grad / (1 + pow(2.0, y - x)), grad / (1 + pow(2.0, x - y))


class FMax(Function):
    """z = the larger of x and y, the other where one is NaN.    The gradient goes to the one taken.

    Where they are equal, to x.
    """

    kind = "elementwise"
    op, wins = "fmax", "ge"

    @classmethod
    def _forward(cls, ctx: Any, x: Any, y: Any) -> Any:
        backend = ctx.backend
        if True in ctx.needs_input_grad:
            takes_x = backend.logical(
                "or", backend.compare(cls.wins, x, y), backend.compare("ne", y, y)
            )
            ctx.save_for_backward(takes_x)
        return backend.binary(cls.op, x, y)

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return FMax._forward(ctx, x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (takes_x,) = ctx.saved_tensors
        return where(takes_x, grad, 0.0), where(takes_x, 0.0, grad)


class FMin(FMax):
    """z = the smaller of x and y, the other where one is NaN.    Gradient as that of fmax."""

    op, wins = "fmin", "le"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return FMin._forward(ctx, x, y)


class XLogY(Function):
    """z = x * log(y), 0 where x is 0.    grad_x = grad * log(y),    grad_y = grad * x / y."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.binary("xlogy", x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            nothing = (x == 0) & (y <= 0)
            grad_x = where(nothing, 0.0, grad * log(where(nothing, 1.0, y)))
        if ctx.needs_input_grad[1]:
            grad_y = grad * (x / y)
        return grad_x, grad_y


class XLog1PY(Function):
    """z = x * log(1 + y), 0 where x is 0.

    grad_x = grad * log(1 + y),    grad_y = grad * x / (1 + y).
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.binary("xlog1py", x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        grad_x = grad_y = None
        if ctx.needs_input_grad[0]:
            nothing = (x == 0) & (y <= -1)
            grad_x = where(nothing, 0.0, grad * log1p(where(nothing, 0.0, y)))
        if ctx.needs_input_grad[1]:
            grad_y = grad * (x / (1 + y))
        return grad_x, grad_y


def _pair(x: Any, y: Any, op: str, floating: bool = True) -> tuple[Tensor, Tensor]:
    """Two tensors; TypeError for anything else, and where floating is needed, for integers."""
    require_tensor(x, op)
    require_tensor(y, op, "other")
    check_shapes(x, y, op)
    if floating and not (is_differentiable(x.array.dtype) or is_differentiable(y.array.dtype)):
        raise TypeError(f"{op}: a floating-point tensor is needed, got {x.dtype} and {y.dtype}")
    return x, y


def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sqrt(input^2 + other^2), without overflow on the way."""
    return into(out, Hypot.apply(*_pair(input, other, "hypot")), "hypot")


def copysign(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """|input| with the sign of other, which 0 and NaN have too. Integers give floats."""
    require_tensor(input, "copysign")
    return into(out, CopySign.apply(input, other), "copysign")


def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next number after input that the type has in the direction of other; no gradient."""
    x, y = _pair(input, other, "nextafter")
    return into(out, wrap(x.backend.binary("nextafter", x.array, y.array), x.backend), "nextafter")


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 below 0, values at 0, 1 above; 0 for NaN.    The gradient goes to values where input is 0.

    Raises TypeError for two types.
    """
    x, y = require_tensor(input, "heaviside"), require_tensor(values, "heaviside", "values")
    if x.array.dtype != y.array.dtype:
        raise TypeError(f"heaviside: expects tensors of one type, got {x.dtype} and {y.dtype}")
    check_shapes(x, y, "heaviside")
    x = x.detach()
    return into(out, where(x == 0, y, (x > 0).cast(x.array.dtype)), "heaviside")


def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(e^input + e^other), without overflow on the way."""
    return into(out, LogAddExp.apply(*_pair(input, other, "logaddexp")), "logaddexp")


def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log2(2^input + 2^other), without overflow on the way."""
    return into(out, LogAddExp2.apply(*_pair(input, other, "logaddexp2")), "logaddexp2")


def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two; where one is NaN, the other."""
    return into(out, FMax.apply(*_pair(input, other, "fmax", False)), "fmax")


def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two; where one is NaN, the other."""
    return into(out, FMin.apply(*_pair(input, other, "fmin", False)), "fmin")


def xlogy(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input * log(other); 0 where input is 0, but NaN where other is.

    The gradient of input is log(other), but 0 where input is 0 and other is not positive.
    """
    return into(out, XLogY.apply(*_factors(input, other, "xlogy")), "xlogy")


def xlog1py(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input * log(1 + other); 0 where input is 0, but NaN where other is.

    The gradient of input is log(1 + other), but 0 where input is 0 and other is not above -1.
    """
    return into(out, XLog1PY.apply(*_factors(input, other, "xlog1py")), "xlog1py")


def _factors(x: Any, y: Any, op: str) -> tuple[Tensor, Tensor]:
    like = x if isinstance(x, Tensor) else require_tensor(y, op)
    x, y = as_operand(x, like, op), as_operand(y, like, op)
    check_shapes(x, y, op)
    return x, y


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input * 2^other."""
    return into(out, mul(*_power_of_two(input, other)), "ldexp")


def _power_of_two(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    x, y = _pair(x, y, "ldexp", False)
    return x, pow(2.0, y)


def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor of integers, not negative."""
    return into(out, _of_integers("gcd", input, other), "gcd")


def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple of integers, not negative."""
    return into(out, _of_integers("lcm", input, other), "lcm")


def _of_integers(op: str, x: Any, y: Any) -> Tensor:
    x, y = _pair(x, y, op, False)
    require_integers(x, op)
    require_integers(y, op, "other")
    return wrap(x.backend.binary(op, x.array, y.array), x.backend)


def float_power(
    input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """input ** exponent in float64, or complex128 if one of them is complex."""
    x, y = (_doubled(t) for t in (input, exponent))
    if not isinstance(x, Tensor):
        require_tensor(y, "float_power", "exponent")
    elif isinstance(y, Tensor):
        check_shapes(x, y, "float_power")
    return into(out, pow(x, y), "float_power")


def _doubled(x: Tensor | Number) -> Tensor | Number:
    if isinstance(x, Tensor):
        return x.cdouble() if x.is_complex() else x.double()
    return x if isinstance(x, complex) and not isinstance(x, int | float) else float(x)
