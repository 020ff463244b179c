"""Complex numbers: parts, angles, conjugates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class ComplexMethods:
    """Complex numbers: parts, angles, conjugates."""

    __slots__ = ()

    mT: Tensor
    ndim: int
    copy_: Any

    @property
    def real(self) -> Tensor:
        """The real parts, a view; a real tensor itself. Assigning overwrites them."""
        return ops.real(self)

    @real.setter
    def real(self, value: Tensor) -> None:
        ops.real(self).copy_(value)

    @property
    def imag(self) -> Tensor:
        """The imaginary parts, a view. Assigning overwrites them."""
        return ops.imag(self)

    @imag.setter
    def imag(self, value: Tensor) -> None:
        ops.imag(self).copy_(value)

    def conj(self) -> Tensor:
        """The conjugate; a real tensor itself."""
        return ops.conj(self)

    def conj_physical(self) -> Tensor:
        """The conjugate."""
        return ops.conj_physical(self)

    def conj_physical_(self) -> Tensor:
        """conj_physical, in place."""
        return assign(self, ops.conj_physical)

    def angle(self) -> Tensor:
        """The angle of each number in radians."""
        return ops.angle(self)

    def sgn(self) -> Tensor:
        """self / |self|, 0 at 0."""
        return ops.sgn(self)

    def sgn_(self) -> Tensor:
        """sgn, in place."""
        return assign(self, ops.sgn)

    def isreal(self) -> Tensor:
        """Where the imaginary part is 0."""
        return ops.isreal(self)

    def is_conj(self) -> bool:
        """False: `conj` computes at once."""
        return False

    def is_neg(self) -> bool:
        """False: a negative is computed at once."""
        return False

    def resolve_conj(self) -> Tensor:
        """The tensor itself."""
        return ops.resolve_conj(self)

    def resolve_neg(self) -> Tensor:
        """The tensor itself."""
        return ops.resolve_neg(self)
