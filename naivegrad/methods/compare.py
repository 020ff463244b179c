"""Comparisons, logic, bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class CompareMethods:
    """Comparisons, logic, bits."""

    __slots__ = ()

    array: Any

    def eq(self, other: Any) -> Tensor:
        """self == other, as bool."""
        return ops.eq(self, other)

    def ne(self, other: Any) -> Tensor:
        """self != other, as bool."""
        return ops.ne(self, other)

    def lt(self, other: Any) -> Tensor:
        """self < other, as bool."""
        return ops.lt(self, other)

    def le(self, other: Any) -> Tensor:
        """self <= other, as bool."""
        return ops.le(self, other)

    def gt(self, other: Any) -> Tensor:
        """self > other, as bool."""
        return ops.gt(self, other)

    def ge(self, other: Any) -> Tensor:
        """self >= other, as bool."""
        return ops.ge(self, other)

    def isnan(self) -> Tensor:
        """Where it is not a number."""
        return ops.isnan(self)

    def isinf(self) -> Tensor:
        """Where it is infinite."""
        return ops.isinf(self)

    def isfinite(self) -> Tensor:
        """Where it is neither infinite nor NaN."""
        return ops.isfinite(self)

    def logical_and(self, other: Any) -> Tensor:
        """Whether both are not zero."""
        return ops.logical_and(self, other)

    def logical_or(self, other: Any) -> Tensor:
        """Whether either is not zero."""
        return ops.logical_or(self, other)

    def logical_xor(self, other: Any) -> Tensor:
        """Whether exactly one is not zero."""
        return ops.logical_xor(self, other)

    def logical_not(self) -> Tensor:
        """Whether it is zero."""
        return ops.logical_not(self)

    def bitwise_and(self, other: Any) -> Tensor:
        """Bits set in both."""
        return ops.bitwise_and(self, other)

    def bitwise_or(self, other: Any) -> Tensor:
        """Bits set in either."""
        return ops.bitwise_or(self, other)

    def bitwise_xor(self, other: Any) -> Tensor:
        """Bits set in one of the two."""
        return ops.bitwise_xor(self, other)

    def bitwise_not(self) -> Tensor:
        """Every bit turned."""
        return ops.bitwise_not(self)
