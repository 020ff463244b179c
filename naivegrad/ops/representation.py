"""What floating-point numbers are made of."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import into_each, require_floating, require_tensor
from naivegrad.ops._results import MantissaExponent
from naivegrad.ops.power import pow
from naivegrad.tensor import Tensor


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
    require_floating(require_tensor(input, "frexp"), "frexp")
    return into_each(out, MantissaExponent(*Frexp.apply(input)), "frexp")
