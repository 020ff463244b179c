"""Interpolation, and functions of two arguments that are needed now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class PairMethods:
    """Interpolation, and functions of two arguments that are needed now and then."""

    __slots__ = ()

    def lerp(self, end: Any, weight: Any) -> Tensor:
        """self + weight * (end - self)."""
        return ops.lerp(self, end, weight)

    def lerp_(self, end: Any, weight: Any) -> Tensor:
        """lerp, in place."""
        return assign(self, ops.lerp, end, weight)

    def addcmul(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """self + value * tensor1 * tensor2."""
        return ops.addcmul(self, tensor1, tensor2, value=value)

    def addcmul_(self, tensor1: Any, tensor2: Any, tensor: Any = None, *, value: Any = 1) -> Tensor:
        """addcmul, in place; the older order, the value first, is taken, too."""
        if tensor is not None:
            tensor1, tensor2, value = tensor2, tensor, tensor1 * value
        return assign(self, ops.addcmul, tensor1, tensor2, value=value)

    def addcdiv(self, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """self + value * tensor1 / tensor2."""
        return ops.addcdiv(self, tensor1, tensor2, value=value)

    def addcdiv_(self, tensor1: Any, tensor2: Any, tensor: Any = None, *, value: Any = 1) -> Tensor:
        """addcdiv, in place; the older order, the value first, is taken, too."""
        if tensor is not None:
            tensor1, tensor2, value = tensor2, tensor, tensor1 * value
        return assign(self, ops.addcdiv, tensor1, tensor2, value=value)

    def hypot(self, other: Any) -> Tensor:
        """sqrt(self^2 + other^2)."""
        return ops.hypot(self, other)

    def hypot_(self, other: Any) -> Tensor:
        """hypot, in place."""
        return assign(self, ops.hypot, other)

    def copysign(self, other: Any) -> Tensor:
        """|self|, with the sign of other."""
        return ops.copysign(self, other)

    def copysign_(self, other: Any) -> Tensor:
        """copysign, in place."""
        return assign(self, ops.copysign, other)

    def nextafter(self, other: Any) -> Tensor:
        """The next number that the type has in the direction of other."""
        return ops.nextafter(self, other)

    def nextafter_(self, other: Any) -> Tensor:
        """nextafter, in place."""
        return assign(self, ops.nextafter, other)

    def heaviside(self, values: Any) -> Tensor:
        """0 below 0, values at 0, 1 above."""
        return ops.heaviside(self, values)

    def heaviside_(self, values: Any) -> Tensor:
        """heaviside, in place."""
        return assign(self, ops.heaviside, values)

    def logaddexp(self, other: Any) -> Tensor:
        """log(e^self + e^other)."""
        return ops.logaddexp(self, other)

    def logaddexp2(self, other: Any) -> Tensor:
        """log2(2^self + 2^other)."""
        return ops.logaddexp2(self, other)

    def fmax(self, other: Any) -> Tensor:
        """The larger of two; where one is NaN, the other."""
        return ops.fmax(self, other)

    def fmin(self, other: Any) -> Tensor:
        """The smaller of two; where one is NaN, the other."""
        return ops.fmin(self, other)

    def xlogy(self, other: Any) -> Tensor:
        """self * log(other); 0 where self is 0."""
        return ops.xlogy(self, other)

    def xlogy_(self, other: Any) -> Tensor:
        """xlogy, in place."""
        return assign(self, ops.xlogy, other)

    def ldexp(self, other: Any) -> Tensor:
        """self * 2^other."""
        return ops.ldexp(self, other)

    def ldexp_(self, other: Any) -> Tensor:
        """ldexp, in place."""
        return assign(self, ops.ldexp, other)

    def gcd(self, other: Any) -> Tensor:
        """The greatest common divisor."""
        return ops.gcd(self, other)

    def gcd_(self, other: Any) -> Tensor:
        """gcd, in place."""
        return assign(self, ops.gcd, other)

    def lcm(self, other: Any) -> Tensor:
        """The least common multiple."""
        return ops.lcm(self, other)

    def lcm_(self, other: Any) -> Tensor:
        """lcm, in place."""
        return assign(self, ops.lcm, other)

    def float_power(self, exponent: Any) -> Tensor:
        """self ** exponent in float64."""
        return ops.float_power(self, exponent)

    def float_power_(self, exponent: Any) -> Tensor:
        """float_power, in place; for float64."""
        return assign(self, ops.float_power, exponent)
