"""Scans and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class ScanMethods:
    """Scans and differences."""

    __slots__ = ()

    def cumsum(self, dim: Any, *, dtype: Any = None) -> Tensor:
        """Running sums along dim."""
        return ops.cumsum(self, dim, dtype=dtype)

    def cumsum_(self, dim: Any, *, dtype: Any = None) -> Tensor:
        """cumsum, in place."""
        return assign(self, ops.cumsum, dim, dtype=dtype)

    def cumprod(self, dim: Any, *, dtype: Any = None) -> Tensor:
        """Running products along dim."""
        return ops.cumprod(self, dim, dtype=dtype)

    def cumprod_(self, dim: Any, *, dtype: Any = None) -> Tensor:
        """cumprod, in place."""
        return assign(self, ops.cumprod, dim, dtype=dtype)

    def logcumsumexp(self, dim: Any) -> Tensor:
        """log(exp(x_0) + ... + exp(x_k)) along dim."""
        return ops.logcumsumexp(self, dim)

    def cummax(self, dim: Any) -> Any:
        """The largest value so far along dim, and its index."""
        return ops.cummax(self, dim)

    def cummin(self, dim: Any) -> Any:
        """The smallest value so far along dim, and its index."""
        return ops.cummin(self, dim)

    def diff(self, n: Any = 1, dim: Any = -1, prepend: Any = None, append: Any = None) -> Tensor:
        """Differences of neighbours along dim, taken n times."""
        return ops.diff(self, n, dim, prepend, append)
