"""Spread, frequency, values by rank, different values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class StatisticsMethods:
    """Spread, frequency, values by rank, different values."""

    __slots__ = ()

    def var(
        self, dim: Any = None, unbiased: Any = None, keepdim: Any = False, *, correction: Any = None
    ) -> Tensor:
        """The variance over dim."""
        return ops.var(self, dim, unbiased, keepdim, correction=correction)

    def std(
        self, dim: Any = None, unbiased: Any = None, keepdim: Any = False, *, correction: Any = None
    ) -> Tensor:
        """The standard deviation over dim."""
        return ops.std(self, dim, unbiased, keepdim, correction=correction)

    def cov(self, *, correction: Any = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
        """The covariance matrix of the rows."""
        return ops.cov(self, correction=correction, fweights=fweights, aweights=aweights)

    def corrcoef(self) -> Tensor:
        """The correlation matrix of the rows."""
        return ops.corrcoef(self)

    def median(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The median of all; (values, indices) along dim."""
        return ops.median(self, dim, keepdim)

    def nanmedian(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The median of what is not NaN."""
        return ops.nanmedian(self, dim, keepdim)

    def mode(self, dim: Any = -1, keepdim: Any = False) -> Any:
        """The most frequent value along dim, and its last index."""
        return ops.mode(self, dim, keepdim)

    def quantile(
        self, q: Any, dim: Any = None, keepdim: Any = False, *, interpolation: Any = "linear"
    ) -> Tensor:
        """The q-quantiles of all, or along dim."""
        return ops.quantile(self, q, dim, keepdim, interpolation=interpolation)

    def nanquantile(
        self, q: Any, dim: Any = None, keepdim: Any = False, *, interpolation: Any = "linear"
    ) -> Tensor:
        """The q-quantiles of what is not NaN."""
        return ops.nanquantile(self, q, dim, keepdim, interpolation=interpolation)

    def unique(
        self,
        sorted: Any = True,
        return_inverse: Any = False,
        return_counts: Any = False,
        dim: Any = None,
    ) -> Any:
        """The different values, in rising order."""
        return ops.unique(self, sorted, return_inverse, return_counts, dim)

    def unique_consecutive(
        self, return_inverse: Any = False, return_counts: Any = False, dim: Any = None
    ) -> Any:
        """The values without those equal to the one before."""
        return ops.unique_consecutive(self, return_inverse, return_counts, dim)

    def bincount(self, weights: Any = None, minlength: Any = 0) -> Tensor:
        """How often each of 0, 1, 2, ... occurs."""
        return ops.bincount(self, weights, minlength)

    def histc(self, bins: Any = 100, min: Any = 0, max: Any = 0) -> Tensor:
        """How many elements fall into each of equal bins."""
        return ops.histc(self, bins, min, max)

    def histogram(
        self, bins: Any, *, range: Any = None, weight: Any = None, density: Any = False
    ) -> Any:
        """How much falls into each bin, and the edges."""
        return ops.histogram(self, bins, range=range, weight=weight, density=density)
