"""Arithmetic and mathematical functions, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign, update

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class ElementwiseMethods:
    """Arithmetic and mathematical functions, element by element."""

    __slots__ = ()

    array: Any

    def add(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self + alpha * other."""
        return ops.add(self, other, alpha=alpha)

    def add_(self, other: Any, tensor: Any = None, *, alpha: Any = 1) -> Tensor:
        """self += alpha * other; the older order, add_(alpha, other), is taken, too."""
        if tensor is not None:
            other, alpha = tensor, _number("add_", other) * alpha
        if alpha == 1:
            return update(self, "add", ops.add, other)
        if alpha.__class__ is complex:
            return assign(self, ops.add, other, alpha=alpha)
        return update(self, "add_scaled", ops.add, other, alpha=alpha)

    def sub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self - alpha * other."""
        return ops.sub(self, other, alpha=alpha)

    def sub_(self, other: Any, tensor: Any = None, *, alpha: Any = 1) -> Tensor:
        """self -= alpha * other; the older order, sub_(alpha, other), is taken, too."""
        if tensor is not None:
            other, alpha = tensor, _number("sub_", other) * alpha
        if alpha == 1:
            return update(self, "sub", ops.sub, other)
        return self.add_(other, alpha=-alpha)

    def mul(self, other: Any) -> Tensor:
        """self * other."""
        return ops.mul(self, other)

    def mul_(self, other: Any) -> Tensor:
        """self *= other."""
        return update(self, "mul", ops.mul, other)

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """self / other, rounded towards 0 ("trunc") or down ("floor") if a mode says so."""
        return ops.div(self, other, rounding_mode=rounding_mode)

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """self /= other."""
        if rounding_mode is None:
            return update(self, "div", ops.div, other)
        return assign(self, ops.div, other, rounding_mode=rounding_mode)

    def true_divide(self, other: Any) -> Tensor:
        """self / other."""
        return ops.true_divide(self, other)

    def true_divide_(self, other: Any) -> Tensor:
        """self /= other."""
        return update(self, "div", ops.true_divide, other)

    def pow(self, exponent: Any) -> Tensor:
        """self ** exponent."""
        return ops.pow(self, exponent)

    def pow_(self, exponent: Any) -> Tensor:
        """self **= exponent."""
        return assign(self, ops.pow, exponent)

    def neg(self) -> Tensor:
        """-self."""
        return ops.neg(self)

    def neg_(self) -> Tensor:
        """neg, in place."""
        return update(self, "neg", ops.neg)

    def abs(self) -> Tensor:
        """The absolute values."""
        return ops.abs(self)

    def abs_(self) -> Tensor:
        """abs, in place."""
        return update(self, "abs", ops.abs)

    def sign(self) -> Tensor:
        """-1, 0 or 1."""
        return ops.sign(self)

    def sign_(self) -> Tensor:
        """sign, in place."""
        return assign(self, ops.sign)

    def signbit(self) -> Tensor:
        """Where it is negative, -0.0 included."""
        return ops.signbit(self)

    def positive(self) -> Tensor:
        """self."""
        return ops.positive(self)

    def frexp(self) -> Any:
        """mantissa and exponent."""
        return ops.frexp(self)

    def square(self) -> Tensor:
        """self * self."""
        return ops.square(self)

    def square_(self) -> Tensor:
        """square, in place."""
        if self.array.dtype.kind == "b":  # the result is an integer, which is refused
            return assign(self, ops.square)
        return update(self, "square", ops.square)

    def reciprocal(self) -> Tensor:
        """1 / self."""
        return ops.reciprocal(self)

    def reciprocal_(self) -> Tensor:
        """reciprocal, in place."""
        return update(self, "reciprocal", ops.reciprocal)

    def sqrt(self) -> Tensor:
        """The square root."""
        return ops.sqrt(self)

    def sqrt_(self) -> Tensor:
        """sqrt, in place."""
        return update(self, "sqrt", ops.sqrt)

    def rsqrt(self) -> Tensor:
        """1 / sqrt(self)."""
        return ops.rsqrt(self)

    def rsqrt_(self) -> Tensor:
        """rsqrt, in place."""
        return update(self, "rsqrt", ops.rsqrt)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """Not below min, not above max."""
        return ops.clamp(self, min, max)

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """clamp, in place."""
        return assign(self, ops.clamp, min, max)

    def clamp_min(self, min: Any) -> Tensor:
        """Not below min."""
        return ops.clamp_min(self, min)

    def clamp_min_(self, min: Any) -> Tensor:
        """clamp_min, in place."""
        return assign(self, ops.clamp_min, min)

    def clamp_max(self, max: Any) -> Tensor:
        """Not above max."""
        return ops.clamp_max(self, max)

    def clamp_max_(self, max: Any) -> Tensor:
        """clamp_max, in place."""
        return assign(self, ops.clamp_max, max)

    def maximum(self, other: Any) -> Tensor:
        """The larger of two, element by element."""
        return ops.maximum(self, other)

    def minimum(self, other: Any) -> Tensor:
        """The smaller of two, element by element."""
        return ops.minimum(self, other)

    def nan_to_num(self, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
        """NaN and infinities replaced."""
        return ops.nan_to_num(self, nan, posinf, neginf)

    def nan_to_num_(self, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
        """nan_to_num, in place."""
        return assign(self, ops.nan_to_num, nan, posinf, neginf)

    # Other spellings

    absolute, absolute_ = abs, abs_
    negative, negative_ = neg, neg_
    subtract, subtract_ = sub, sub_
    multiply, multiply_ = mul, mul_
    divide, divide_ = div, div_
    clip, clip_ = clamp, clamp_


def _number(op: str, value: Any) -> Any:
    """What came first in op(alpha, other), which tensors of one dimension or more cannot be."""
    if getattr(value, "ndim", 0):
        raise TypeError(f"{op}: alpha is given by name, as in {op}(other, alpha=2)")
    return value
