"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign, update

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class TrigonometryMethods:
    """Trigonometric and hyperbolic functions."""

    __slots__ = ()

    array: Any

    def sin(self) -> Tensor:
        """The sine of radians."""
        return ops.sin(self)

    def sin_(self) -> Tensor:
        """sin, in place."""
        return update(self, "sin", ops.sin)

    def cos(self) -> Tensor:
        """The cosine of radians."""
        return ops.cos(self)

    def cos_(self) -> Tensor:
        """cos, in place."""
        return update(self, "cos", ops.cos)

    def tan(self) -> Tensor:
        """The tangent of radians."""
        return ops.tan(self)

    def tan_(self) -> Tensor:
        """tan, in place."""
        return update(self, "tan", ops.tan)

    def asin(self) -> Tensor:
        """The arc sine."""
        return ops.asin(self)

    def asin_(self) -> Tensor:
        """asin, in place."""
        return update(self, "asin", ops.asin)

    def acos(self) -> Tensor:
        """The arc cosine."""
        return ops.acos(self)

    def acos_(self) -> Tensor:
        """acos, in place."""
        return update(self, "acos", ops.acos)

    def atan(self) -> Tensor:
        """The arc tangent."""
        return ops.atan(self)

    def atan_(self) -> Tensor:
        """atan, in place."""
        return update(self, "atan", ops.atan)

    def sinh(self) -> Tensor:
        """The hyperbolic sine."""
        return ops.sinh(self)

    def sinh_(self) -> Tensor:
        """sinh, in place."""
        return update(self, "sinh", ops.sinh)

    def cosh(self) -> Tensor:
        """The hyperbolic cosine."""
        return ops.cosh(self)

    def cosh_(self) -> Tensor:
        """cosh, in place."""
        return update(self, "cosh", ops.cosh)

    def asinh(self) -> Tensor:
        """The inverse of sinh."""
        return ops.asinh(self)

    def asinh_(self) -> Tensor:
        """asinh, in place."""
        return update(self, "asinh", ops.asinh)

    def acosh(self) -> Tensor:
        """The inverse of cosh."""
        return ops.acosh(self)

    def acosh_(self) -> Tensor:
        """acosh, in place."""
        return update(self, "acosh", ops.acosh)

    def atanh(self) -> Tensor:
        """The inverse of tanh."""
        return ops.atanh(self)

    def atanh_(self) -> Tensor:
        """atanh, in place."""
        return update(self, "atanh", ops.atanh)

    def sinc(self) -> Tensor:
        """sin(pi self) / (pi self); 1 at 0."""
        return ops.sinc(self)

    def sinc_(self) -> Tensor:
        """sinc, in place."""
        return update(self, "sinc", ops.sinc)

    def atan2(self, other: Any) -> Tensor:
        """The angle of the point (other, self)."""
        return ops.atan2(self, other)

    def atan2_(self, other: Any) -> Tensor:
        """atan2, in place."""
        return assign(self, ops.atan2, other)

    def deg2rad(self) -> Tensor:
        """Degrees as radians."""
        return ops.deg2rad(self)

    def deg2rad_(self) -> Tensor:
        """deg2rad, in place."""
        return assign(self, ops.deg2rad)

    def rad2deg(self) -> Tensor:
        """Radians as degrees."""
        return ops.rad2deg(self)

    def rad2deg_(self) -> Tensor:
        """rad2deg, in place."""
        return assign(self, ops.rad2deg)

    # Other spellings

    arcsin, arcsin_ = asin, asin_
    arccos, arccos_ = acos, acos_
    arctan, arctan_ = atan, atan_
    arcsinh, arcsinh_ = asinh, asinh_
    arccosh, arccosh_ = acosh, acosh_
    arctanh, arctanh_ = atanh, atanh_
    arctan2, arctan2_ = atan2, atan2_
