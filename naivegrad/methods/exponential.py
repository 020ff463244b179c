"""Exponentials and logarithms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import update

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class ExponentialMethods:
    """Exponentials and logarithms."""

    __slots__ = ()

    array: Any

    def exp(self) -> Tensor:
        """e ** self."""
        return ops.exp(self)

    def exp_(self) -> Tensor:
        """exp, in place."""
        return update(self, "exp", ops.exp)

    def exp2(self) -> Tensor:
        """2 ** self."""
        return ops.exp2(self)

    def exp2_(self) -> Tensor:
        """exp2, in place."""
        return update(self, "exp2", ops.exp2)

    def expm1(self) -> Tensor:
        """exp(self) - 1."""
        return ops.expm1(self)

    def expm1_(self) -> Tensor:
        """expm1, in place."""
        return update(self, "expm1", ops.expm1)

    def log(self) -> Tensor:
        """The natural logarithm."""
        return ops.log(self)

    def log_(self) -> Tensor:
        """log, in place."""
        return update(self, "log", ops.log)

    def log2(self) -> Tensor:
        """The logarithm to the base 2."""
        return ops.log2(self)

    def log2_(self) -> Tensor:
        """log2, in place."""
        return update(self, "log2", ops.log2)

    def log10(self) -> Tensor:
        """The logarithm to the base 10."""
        return ops.log10(self)

    def log10_(self) -> Tensor:
        """log10, in place."""
        return update(self, "log10", ops.log10)

    def log1p(self) -> Tensor:
        """log(1 + self)."""
        return ops.log1p(self)

    def log1p_(self) -> Tensor:
        """log1p, in place."""
        return update(self, "log1p", ops.log1p)
