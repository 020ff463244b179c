"""Reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class ReduceMethods:
    """Reductions."""

    __slots__ = ()

    array: Any

    def sum(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        """The sum over dim (all, if left out)."""
        return ops.sum(self, dim, keepdim, dtype=dtype)

    def mean(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        """The mean over dim (all, if left out)."""
        return ops.mean(self, dim, keepdim, dtype=dtype)

    def prod(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        """The product over dim (all, if left out)."""
        return ops.prod(self, dim, keepdim, dtype=dtype)

    def nansum(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        """The sum over dim of what is not NaN."""
        return ops.nansum(self, dim, keepdim, dtype=dtype)

    def nanmean(self, dim: Any = None, keepdim: Any = False, *, dtype: Any = None) -> Tensor:
        """The mean over dim of what is not NaN."""
        return ops.nanmean(self, dim, keepdim, dtype=dtype)

    def amax(self, dim: Any = (), keepdim: Any = False) -> Tensor:
        """The largest value over dim; equal ones share the gradient."""
        return ops.amax(self, dim, keepdim)

    def amin(self, dim: Any = (), keepdim: Any = False) -> Tensor:
        """The smallest value over dim; equal ones share the gradient."""
        return ops.amin(self, dim, keepdim)

    def aminmax(self, *, dim: Any = None, keepdim: Any = False) -> Any:
        """The smallest and the largest value: (min, max)."""
        return ops.aminmax(self, dim=dim, keepdim=keepdim)

    def max(self, dim: Any = None, keepdim: Any = False, *, other: Any = None) -> Any:
        """The largest of all; (values, indices) along dim; of two tensors."""
        return ops.extreme.extreme("max", self, dim, keepdim, other)

    def min(self, dim: Any = None, keepdim: Any = False, *, other: Any = None) -> Any:
        """The smallest of all; (values, indices) along dim; of two tensors."""
        return ops.extreme.extreme("min", self, dim, keepdim, other)

    def argmax(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Where the largest value is."""
        return ops.argmax(self, dim, keepdim)

    def argmin(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Where the smallest value is."""
        return ops.argmin(self, dim, keepdim)

    def logsumexp(self, dim: Any, keepdim: Any = False) -> Tensor:
        """log(sum(exp(self))) over dim."""
        return ops.logsumexp(self, dim, keepdim)

    def any(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Whether any element over dim is not zero."""
        return ops.any(self, dim, keepdim)

    def all(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Whether all elements over dim are not zero."""
        return ops.all(self, dim, keepdim)

    def count_nonzero(self, dim: Any = None) -> Tensor:
        """How many elements over dim are not zero."""
        return ops.count_nonzero(self, dim)

    def dist(self, other: Any, p: Any = 2) -> Tensor:
        """The p-norm of self - other."""
        return ops.dist(self, other, p)

    def renorm(self, p: Any, dim: Any, maxnorm: Any) -> Tensor:
        """Slices along dim scaled down to a p-norm of at most maxnorm."""
        return ops.renorm(self, p, dim, maxnorm)

    def renorm_(self, p: Any, dim: Any, maxnorm: Any) -> Tensor:
        """renorm, in place."""
        return assign(self, ops.renorm, p, dim, maxnorm)

    def norm(
        self, p: Any = "fro", dim: Any = None, keepdim: Any = False, dtype: Any = None
    ) -> Tensor:
        """(sum |self|^p)^(1/p) over dim."""
        return ops.norm(self, p, dim, keepdim, dtype=dtype)

    def sum_to(self, shape: tuple[Any, ...]) -> Tensor:
        """Summed down to a shape that broadcasts to this one: the transpose of broadcasting."""
        return ops.reduce.SumTo.apply(self, shape)
