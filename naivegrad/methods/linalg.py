"""Products of vectors and matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class LinalgMethods:
    """Products of vectors and matrices."""

    __slots__ = ()

    array: Any

    def matmul(self, other: Any) -> Tensor:
        """The matrix product."""
        return ops.matmul(self, other)

    def mm(self, mat2: Any) -> Tensor:
        """The product of two matrices."""
        return ops.mm(self, mat2)

    def bmm(self, mat2: Any) -> Tensor:
        """The products of two batches of matrices."""
        return ops.bmm(self, mat2)

    def mv(self, vec: Any) -> Tensor:
        """The product of a matrix and a vector."""
        return ops.mv(self, vec)

    def dot(self, other: Any) -> Tensor:
        """The inner product of two vectors."""
        return ops.dot(self, other)

    def outer(self, vec2: Any) -> Tensor:
        """z[i, j] = self[i] * vec2[j]."""
        return ops.outer(self, vec2)
