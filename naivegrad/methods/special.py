"""Special functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign, update

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class SpecialMethods:
    """Special functions."""

    __slots__ = ()

    array: Any

    def erf(self) -> Tensor:
        """The error function."""
        return ops.erf(self)

    def erf_(self) -> Tensor:
        """erf, in place."""
        return update(self, "erf", ops.erf)

    def erfc(self) -> Tensor:
        """1 - erf(self)."""
        return ops.erfc(self)

    def erfc_(self) -> Tensor:
        """erfc, in place."""
        return update(self, "erfc", ops.erfc)

    def erfinv(self) -> Tensor:
        """The inverse of erf."""
        return ops.erfinv(self)

    def erfinv_(self) -> Tensor:
        """erfinv, in place."""
        return update(self, "erfinv", ops.erfinv)

    def lgamma(self) -> Tensor:
        """The logarithm of |Gamma(self)|."""
        return ops.lgamma(self)

    def lgamma_(self) -> Tensor:
        """lgamma, in place."""
        return update(self, "lgamma", ops.lgamma)

    def digamma(self) -> Tensor:
        """psi, the derivative of lgamma."""
        return ops.digamma(self)

    def digamma_(self) -> Tensor:
        """digamma, in place."""
        return update(self, "digamma", ops.digamma)

    def i0(self) -> Tensor:
        """The modified Bessel function of order 0."""
        return ops.i0(self)

    def i0_(self) -> Tensor:
        """i0, in place."""
        return update(self, "i0", ops.i0)

    def polygamma(self, n: int) -> Tensor:
        """The n-th derivative of digamma."""
        return ops.polygamma(n, self)

    def polygamma_(self, n: int) -> Tensor:
        """polygamma, in place."""
        return assign(self, _polygamma, n)

    def mvlgamma(self, p: int) -> Tensor:
        """The logarithm of the multivariate gamma function."""
        return ops.mvlgamma(self, p)

    def mvlgamma_(self, p: int) -> Tensor:
        """mvlgamma, in place."""
        return assign(self, ops.mvlgamma, p)

    def logit(self, eps: Any = None) -> Tensor:
        """log(self / (1 - self)), clamped to [eps, 1 - eps] first."""
        return ops.logit(self, eps)

    def logit_(self, eps: Any = None) -> Tensor:
        """logit, in place."""
        return assign(self, ops.logit, eps)


def _polygamma(x: Tensor, n: int) -> Tensor:
    return ops.polygamma(n, x)
