"""Reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

    def amax(self, dim: Any = (), keepdim: Any = False) -> Tensor:
        """The largest value over dim; equal ones share the gradient."""
        return ops.amax(self, dim, keepdim)

    def amin(self, dim: Any = (), keepdim: Any = False) -> Tensor:
        """The smallest value over dim; equal ones share the gradient."""
        return ops.amin(self, dim, keepdim)

    def max(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The largest of all; (values, indices) along dim; of two tensors."""
        return ops.reduce.extreme("max", self, dim, keepdim)

    def min(self, dim: Any = None, keepdim: Any = False) -> Any:
        """The smallest of all; (values, indices) along dim; of two tensors."""
        return ops.reduce.extreme("min", self, dim, keepdim)

    def argmax(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Where the largest value is."""
        return ops.argmax(self, dim, keepdim)

    def argmin(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Where the smallest value is."""
        return ops.argmin(self, dim, keepdim)

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

    def logsumexp(self, dim: Any, keepdim: Any = False) -> Tensor:
        """log(sum(exp(self))) over dim."""
        return ops.logsumexp(self, dim, keepdim)

    def any(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Whether any element over dim is not zero."""
        return ops.any(self, dim, keepdim)

    def all(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Whether all elements over dim are not zero."""
        return ops.all(self, dim, keepdim)

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: Any = False) -> Tensor:
        """(sum |self|^p)^(1/p) over dim."""
        return ops.norm(self, p, dim, keepdim)

    def sum_to(self, shape: tuple[Any, ...]) -> Tensor:
        """Summed down to a shape that broadcasts to this one: the transpose of broadcasting."""
        return ops.reduce.SumTo.apply(self, shape)
