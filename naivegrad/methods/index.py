"""Indexing by tensors: gather, scatter, masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class IndexMethods:
    """Indexing by tensors: gather, scatter, masks."""

    __slots__ = ()

    array: Any

    def gather(self, dim: Any, index: Any, *, sparse_grad: Any = False) -> Tensor:
        """y[i, j] = self[index[i, j], j] (dim 0), and so on."""
        return ops.gather(self, dim, index)

    def scatter(
        self, dim: Any, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None
    ) -> Tensor:
        """A copy with y[index[i, j], j] = src[i, j] (dim 0), and so on."""
        return ops.scatter(self, dim, index, src, value=value, reduce=reduce)

    def scatter_(
        self, dim: Any, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None
    ) -> Tensor:
        """scatter, in place."""
        return assign(self, ops.index_in_place.scatter_, dim, index, src, value, reduce)

    def scatter_add(self, dim: Any, index: Any, src: Any) -> Tensor:
        """A copy with y[index[i, j], j] += src[i, j] (dim 0), and so on."""
        return ops.scatter_add(self, dim, index, src)

    def scatter_add_(self, dim: Any, index: Any, src: Any) -> Tensor:
        """scatter_add, in place."""
        return assign(self, ops.index_in_place.scatter_add_, dim, index, src)

    def scatter_reduce(
        self, dim: Any, index: Any, src: Any, reduce: Any, *, include_self: Any = True
    ) -> Tensor:
        """A copy with src combined into it where index says: sum, prod, mean, amax or amin."""
        return ops.scatter_reduce(self, dim, index, src, reduce, include_self=include_self)

    def scatter_reduce_(
        self, dim: Any, index: Any, src: Any, reduce: Any, *, include_self: Any = True
    ) -> Tensor:
        """scatter_reduce, in place."""
        return assign(self, ops.scatter_reduce, dim, index, src, reduce, include_self=include_self)

    def index_select(self, dim: Any, index: Any) -> Tensor:
        """The slices of dim at the positions of a 1-d index."""
        return ops.index_select(self, dim, index)

    def index_add(self, dim: Any, index: Any, source: Any, *, alpha: Any = 1) -> Tensor:
        """A copy with alpha * source added where index says; repeated indices add up."""
        return ops.index_add(self, dim, index, source, alpha=alpha)

    def index_add_(self, dim: Any, index: Any, source: Any, *, alpha: Any = 1) -> Tensor:
        """index_add, in place."""
        return assign(self, ops.index_in_place.index_add_, dim, index, source, alpha)

    def index_copy(self, dim: Any, index: Any, source: Any) -> Tensor:
        """A copy with the slices that index names replaced by those of source."""
        return ops.index_copy(self, dim, index, source)

    def index_copy_(self, dim: Any, index: Any, source: Any) -> Tensor:
        """index_copy, in place."""
        return assign(self, ops.index_in_place.index_copy_, dim, index, source)

    def index_fill(self, dim: Any, index: Any, value: Any) -> Tensor:
        """A copy with one value in the slices that index names."""
        return ops.index_fill(self, dim, index, value)

    def index_fill_(self, dim: Any, index: Any, value: Any) -> Tensor:
        """index_fill, in place."""
        return assign(self, ops.index_in_place.index_fill_, dim, index, value)

    def index_reduce(
        self, dim: Any, index: Any, source: Any, reduce: Any, *, include_self: Any = True
    ) -> Tensor:
        """A copy with slices combined into it: prod, mean, amax or amin."""
        return ops.index_reduce(self, dim, index, source, reduce, include_self=include_self)

    def index_reduce_(
        self, dim: Any, index: Any, source: Any, reduce: Any, *, include_self: Any = True
    ) -> Tensor:
        """index_reduce, in place."""
        return assign(self, ops.index_reduce, dim, index, source, reduce, include_self=include_self)

    def index_put(self, indices: Any, values: Any, accumulate: Any = False) -> Tensor:
        """A copy with y[indices] = values, or += values."""
        return ops.index_put(self, indices, values, accumulate)

    def index_put_(self, indices: Any, values: Any, accumulate: Any = False) -> Tensor:
        """index_put, in place."""
        return assign(self, ops.index_in_place.index_put_, indices, values, accumulate)

    def take(self, index: Any) -> Tensor:
        """The elements at positions of the flattened tensor."""
        return ops.take(self, index)

    def put(self, index: Any, source: Any, accumulate: Any = False) -> Tensor:
        """A copy with source at positions of the flattened tensor, or added there."""
        return ops.put(self, index, source, accumulate)

    def put_(self, index: Any, source: Any, accumulate: Any = False) -> Tensor:
        """put, in place."""
        return assign(self, ops.put, index, source, accumulate)

    def take_along_dim(self, indices: Any, dim: Any = None) -> Tensor:
        """`gather`, broadcasting the other dimensions; of all flattened without dim."""
        return ops.take_along_dim(self, indices, dim)

    def select_scatter(self, src: Any, dim: Any, index: Any) -> Tensor:
        """A copy with src in the place of select(dim, index)."""
        return ops.select_scatter(self, src, dim, index)

    def slice_scatter(
        self, src: Any, dim: Any = 0, start: Any = None, end: Any = None, step: Any = 1
    ) -> Tensor:
        """A copy with src in the place of self[start:end:step] along dim."""
        return ops.slice_scatter(self, src, dim, start, end, step)

    def diagonal_scatter(self, src: Any, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Tensor:
        """A copy with src in the place of diagonal(offset, dim1, dim2)."""
        return ops.diagonal_scatter(self, src, offset, dim1, dim2)

    def where(self, condition: Any, other: Any) -> Tensor:
        """self where condition, else other."""
        return ops.where(condition, self, other)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """value where mask, else self."""
        return ops.masked_fill(self, mask, value)

    def masked_fill_(self, mask: Any, value: Any) -> Tensor:
        """masked_fill, in place."""
        return assign(self, ops.index_in_place.masked_fill_, mask, value)

    def masked_scatter(self, mask: Any, source: Any) -> Tensor:
        """A copy with the elements of source, one after another, where mask."""
        return ops.masked_scatter(self, mask, source)

    def masked_scatter_(self, mask: Any, source: Any) -> Tensor:
        """masked_scatter, in place."""
        return assign(self, ops.masked_scatter, mask, source)

    def masked_select(self, mask: Any) -> Tensor:
        """The elements where mask, as a 1-d tensor."""
        return ops.masked_select(self, mask)

    def nonzero(self, *, as_tuple: Any = False) -> Any:
        """The positions of what is not zero."""
        return ops.nonzero(self, as_tuple=as_tuple)

    def argwhere(self) -> Tensor:
        """The positions of what is not zero, a row each."""
        return ops.argwhere(self)

    # naivegrad/ops/sort.py

    def sort(self, dim: Any = -1, descending: Any = False, *, stable: Any = False) -> Any:
        """The values sorted along dim, and where they stood."""
        return ops.sort(self, dim, descending, stable=stable)

    def argsort(self, dim: Any = -1, descending: Any = False, *, stable: Any = False) -> Tensor:
        """The indices that sort dim."""
        return ops.argsort(self, dim, descending, stable=stable)

    def msort(self) -> Tensor:
        """The values sorted along the first dimension."""
        return ops.msort(self)

    def topk(self, k: Any, dim: Any = None, largest: Any = True, sorted: Any = True) -> Any:
        """The k largest values along dim, and where they stand."""
        return ops.topk(self, k, dim, largest, sorted)

    def kthvalue(self, k: Any, dim: Any = None, keepdim: Any = False) -> Any:
        """The k-th smallest value along dim, and where it stands."""
        return ops.kthvalue(self, k, dim, keepdim)
