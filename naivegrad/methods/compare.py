"""Comparisons, logic, bits."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign

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

    def eq_(self, other: Any) -> Tensor:
        """eq, in place."""
        return assign(self, ops.eq, other)

    def ne(self, other: Any) -> Tensor:
        """self != other, as bool."""
        return ops.ne(self, other)

    def ne_(self, other: Any) -> Tensor:
        """ne, in place."""
        return assign(self, ops.ne, other)

    def lt(self, other: Any) -> Tensor:
        """self < other, as bool."""
        return ops.lt(self, other)

    def lt_(self, other: Any) -> Tensor:
        """lt, in place."""
        return assign(self, ops.lt, other)

    def le(self, other: Any) -> Tensor:
        """self <= other, as bool."""
        return ops.le(self, other)

    def le_(self, other: Any) -> Tensor:
        """le, in place."""
        return assign(self, ops.le, other)

    def gt(self, other: Any) -> Tensor:
        """self > other, as bool."""
        return ops.gt(self, other)

    def gt_(self, other: Any) -> Tensor:
        """gt, in place."""
        return assign(self, ops.gt, other)

    def ge(self, other: Any) -> Tensor:
        """self >= other, as bool."""
        return ops.ge(self, other)

    def ge_(self, other: Any) -> Tensor:
        """ge, in place."""
        return assign(self, ops.ge, other)

    not_equal, not_equal_ = ne, ne_
    less, less_ = lt, lt_
    less_equal, less_equal_ = le, le_
    greater, greater_ = gt, gt_
    greater_equal, greater_equal_ = ge, ge_

    def isnan(self) -> Tensor:
        """Where it is not a number."""
        return ops.isnan(self)

    def isinf(self) -> Tensor:
        """Where it is infinite."""
        return ops.isinf(self)

    def isfinite(self) -> Tensor:
        """Where it is neither infinite nor NaN."""
        return ops.isfinite(self)

    def isposinf(self) -> Tensor:
        """Where it is +inf."""
        return ops.isposinf(self)

    def isneginf(self) -> Tensor:
        """Where it is -inf."""
        return ops.isneginf(self)

    def isclose(
        self, other: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False
    ) -> Tensor:
        """Where |self - other| <= atol + rtol * |other|."""
        return ops.isclose(self, other, rtol, atol, equal_nan)

    def allclose(
        self, other: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False
    ) -> builtins.bool:
        """Whether `isclose` holds everywhere."""
        return ops.allclose(self, other, rtol, atol, equal_nan)

    def equal(self, other: Any) -> builtins.bool:
        """Whether both have the same shape and the same elements."""
        return ops.equal(self, other)

    def logical_and(self, other: Any) -> Tensor:
        """Whether both are not zero."""
        return ops.logical_and(self, other)

    def logical_and_(self, other: Any) -> Tensor:
        """logical_and, in place."""
        return assign(self, ops.logical_and, other)

    def logical_or(self, other: Any) -> Tensor:
        """Whether either is not zero."""
        return ops.logical_or(self, other)

    def logical_or_(self, other: Any) -> Tensor:
        """logical_or, in place."""
        return assign(self, ops.logical_or, other)

    def logical_xor(self, other: Any) -> Tensor:
        """Whether exactly one is not zero."""
        return ops.logical_xor(self, other)

    def logical_xor_(self, other: Any) -> Tensor:
        """logical_xor, in place."""
        return assign(self, ops.logical_xor, other)

    def logical_not(self) -> Tensor:
        """Whether it is zero."""
        return ops.logical_not(self)

    def logical_not_(self) -> Tensor:
        """logical_not, in place."""
        return assign(self, ops.logical_not)

    def bitwise_and(self, other: Any) -> Tensor:
        """Bits set in both; truth values: both true."""
        return ops.bitwise_and(self, other)

    def bitwise_and_(self, other: Any) -> Tensor:
        """bitwise_and, in place."""
        return assign(self, ops.bitwise_and, other)

    def bitwise_or(self, other: Any) -> Tensor:
        """Bits set in either; truth values: either true."""
        return ops.bitwise_or(self, other)

    def bitwise_or_(self, other: Any) -> Tensor:
        """bitwise_or, in place."""
        return assign(self, ops.bitwise_or, other)

    def bitwise_xor(self, other: Any) -> Tensor:
        """Bits set in one of the two; truth values: one true."""
        return ops.bitwise_xor(self, other)

    def bitwise_xor_(self, other: Any) -> Tensor:
        """bitwise_xor, in place."""
        return assign(self, ops.bitwise_xor, other)

    def bitwise_not(self) -> Tensor:
        """Every bit turned; truth values: not."""
        return ops.bitwise_not(self)

    def bitwise_not_(self) -> Tensor:
        """bitwise_not, in place."""
        return assign(self, ops.bitwise_not)

    def bitwise_left_shift(self, other: Any) -> Tensor:
        """The bits moved up."""
        return ops.bitwise_left_shift(self, other)

    def bitwise_left_shift_(self, other: Any) -> Tensor:
        """bitwise_left_shift, in place."""
        return assign(self, ops.bitwise_left_shift, other)

    def bitwise_right_shift(self, other: Any) -> Tensor:
        """The bits moved down."""
        return ops.bitwise_right_shift(self, other)

    def bitwise_right_shift_(self, other: Any) -> Tensor:
        """bitwise_right_shift, in place."""
        return assign(self, ops.bitwise_right_shift, other)
