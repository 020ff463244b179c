"""Rounding, division that rounds, and the parts that a number is made of."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import Number, into, into_each, require_floating, require_tensor
from naivegrad.ops._results import MantissaExponent
from naivegrad.ops.power import pow
from naivegrad.tensor import Tensor


class Step(Function):
    """floor, ceil, round or trunc: steps, flat between them.    grad_x = 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, op: str, p: float = 0.0) -> Any:
        return ctx.backend.unary(op, x, p)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad.new_zeros(grad.array.shape)  # also where grad is not finite


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


class Frac(Function):
    """y = x - trunc(x).    grad_x = grad."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.unary("frac", x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad


class Fmod(Function):
    """z = x - trunc(x / y) * y.    grad_x = grad,    grad_y = -grad * trunc(x / y)."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        return ctx.backend.binary("fmod", x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        whole = DivStep.apply(x, y, "trunc_divide") if ctx.needs_input_grad[1] else None
        return grad, None if whole is None else -(grad * whole)


class DivStep(Function):
    """z = x / y, rounded towards 0 or down: steps.    grad_x = grad_y = 0."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, op: str) -> Any:
        return ctx.backend.binary(op, x, y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        zero = grad.new_zeros(grad.array.shape)
        return zero, zero


# Functional names


def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The largest integer not above; the gradient is 0."""
    return into(out, Step.apply(require_tensor(input, "floor"), "floor"), "floor")


def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smallest integer not below; the gradient is 0."""
    return into(out, Step.apply(require_tensor(input, "ceil"), "ceil"), "ceil")


def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The integer towards 0; the gradient is 0."""
    return into(out, Step.apply(require_tensor(input, "trunc"), "trunc"), "trunc")


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """The nearest number of so many decimals, a tie to the even one; the gradient is 0.

    Negative decimals round to tens, hundreds, and so on.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.round(ng.tensor([0.5, 1.5, 2.25])).tolist()
    [0.0, 2.0, 2.0]
    >>> ng.round(ng.tensor([123.0]), decimals=-1).tolist()
    [120.0]
    """
    if decimals == 0:
        return into(out, Step.apply(require_tensor(input, "round"), "round"), "round")
    require_floating(input, "round")
    op = "round_to" if decimals > 0 else "round_off"
    return into(out, Step.apply(input, op, 10.0 ** abs(decimals)), "round")


def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """What trunc cuts off, of the sign of input."""
    require_floating(input, "frac")
    return into(out, Frac.apply(input), "frac")


def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """What division leaves, with the sign of input, like C's fmod; integers by 0 are an error."""
    return into(out, Fmod.apply(require_tensor(input, "fmod"), other), "fmod")


def remainder(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """What division leaves, with the sign of other, like Python's %; integers by 0 are an error."""
    return into(out, Remainder.apply(input, other), "remainder")


def floor_divide(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """floor(input / other), as Python's //; no gradient. ZeroDivisionError for integers by 0."""
    x, y = (t.detach() if isinstance(t, Tensor) else t for t in (input, other))
    return into(out, DivStep.apply(x, y, "floor_divide"), "floor_divide")


def rounded_div(input: Any, other: Any, rounding_mode: str) -> Tensor:
    """`div` with a rounding mode: trunc (as C divides integers) or floor (as Python does)."""
    if rounding_mode not in ("trunc", "floor"):
        raise ValueError(
            f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}"
        )
    return DivStep.apply(input, other, f"{rounding_mode}_divide")


# Other spellings
fix = trunc


class Frexp(Function):
    """x = m * 2^e, 1/2 <= |m| < 1, e an integer.    grad_x = grad_m / 2^e."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        m, e = ctx.backend.frexp(x)
        ctx.save_for_backward(e)
        ctx.mark_non_differentiable(e)
        return m, e

    @staticmethod
    def backward(ctx: Any, grad_m: Tensor | None, _: Any) -> Any:
        (e,) = ctx.saved_tensors
        return None if grad_m is None else grad_m * pow(2.0, -e.to(grad_m.dtype))


def frexp(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> MantissaExponent:
    """mantissa and exponent: input = mantissa * 2 ** exponent, 1/2 <= |mantissa| < 1.

    The exponent is int32. Zero and what is not finite are their own mantissa.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.frexp(ng.tensor([10.0])).mantissa
    tensor([0.625])
    """
    require_floating(input, "frexp")
    return into_each(out, MantissaExponent(*Frexp.apply(input)), "frexp")
