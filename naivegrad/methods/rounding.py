"""Rounding, and division that rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign, update

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class RoundingMethods:
    """Rounding, and division that rounds."""

    __slots__ = ()

    array: Any

    def floor(self) -> Tensor:
        """The largest integer not above."""
        return ops.floor(self)

    def floor_(self) -> Tensor:
        """floor, in place."""
        return update(self, "floor", ops.floor)

    def ceil(self) -> Tensor:
        """The smallest integer not below."""
        return ops.ceil(self)

    def ceil_(self) -> Tensor:
        """ceil, in place."""
        return update(self, "ceil", ops.ceil)

    def trunc(self) -> Tensor:
        """The integer towards 0."""
        return ops.trunc(self)

    def trunc_(self) -> Tensor:
        """trunc, in place."""
        return update(self, "trunc", ops.trunc)

    def round(self, *, decimals: int = 0) -> Tensor:
        """The nearest number of so many decimals, a tie to the even one."""
        return ops.round(self, decimals=decimals)

    def round_(self, *, decimals: int = 0) -> Tensor:
        """round, in place."""
        return assign(self, ops.round, decimals=decimals)

    def frac(self) -> Tensor:
        """What trunc cuts off."""
        return ops.frac(self)

    def frac_(self) -> Tensor:
        """frac, in place."""
        return assign(self, ops.frac)

    def fmod(self, other: Any) -> Tensor:
        """What division leaves, of the sign of self."""
        return ops.fmod(self, other)

    def fmod_(self, other: Any) -> Tensor:
        """fmod, in place."""
        return assign(self, ops.fmod, other)

    def remainder(self, other: Any) -> Tensor:
        """What division leaves, of the sign of other."""
        return ops.remainder(self, other)

    def remainder_(self, other: Any) -> Tensor:
        """remainder, in place."""
        return assign(self, ops.remainder, other)

    def floor_divide(self, other: Any) -> Tensor:
        """floor(self / other); no gradient."""
        return ops.floor_divide(self, other)

    def floor_divide_(self, other: Any) -> Tensor:
        """floor_divide, in place."""
        return assign(self, ops.floor_divide, other)

    # Other spellings

    fix, fix_ = trunc, trunc_
