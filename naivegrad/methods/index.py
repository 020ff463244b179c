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

    def gather(self, dim: Any, index: Any) -> Tensor:
        """y[i, j] = self[index[i, j], j] (dim 0), and so on."""
        return ops.gather(self, dim, index)

    def scatter_add(self, dim: Any, index: Any, src: Any) -> Tensor:
        """A copy with y[index[i, j], j] += src[i, j] (dim 0), and so on."""
        return ops.scatter_add(self, dim, index, src)

    def scatter_add_(self, dim: Any, index: Any, src: Any) -> Tensor:
        """scatter_add, in place."""
        return assign(self, ops.scatter_add, dim, index, src)

    def index_add(self, dim: Any, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
        """A copy with alpha * source added where index says; repeated indices add up."""
        return ops.index_add(self, dim, index, source, alpha=alpha)

    def index_select(self, dim: Any, index: Any) -> Tensor:
        """The slices of dim at the positions of a 1-d index."""
        return ops.index_select(self, dim, index)

    def take_along_dim(self, indices: Any, dim: Any = None) -> Tensor:
        """`gather`, broadcasting the other dimensions; of all flattened without dim."""
        return ops.take_along_dim(self, indices, dim)

    def where(self, condition: Any, other: Any) -> Tensor:
        """self where condition, else other."""
        return ops.where(condition, self, other)

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """value where mask, else self."""
        return ops.masked_fill(self, mask, value)

    def masked_fill_(self, mask: Any, value: Any) -> Tensor:
        """masked_fill, in place."""
        return assign(self, ops.masked_fill, mask, value)

    def masked_select(self, mask: Any) -> Tensor:
        """The elements where mask, as a 1-d tensor."""
        return ops.masked_select(self, mask)

    def nonzero(self, *, as_tuple: Any = False) -> Any:
        """The positions of what is not zero."""
        return ops.nonzero(self, as_tuple=as_tuple)
