"""Products of vectors and matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import assign

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

    def dot(self, tensor: Any) -> Tensor:
        """The inner product of two vectors."""
        return ops.dot(self, tensor)

    def vdot(self, other: Any) -> Tensor:
        """The inner product of two vectors, the first one conjugated."""
        return ops.vdot(self, other)

    def inner(self, other: Any) -> Tensor:
        """Sums of products over the last axes."""
        return ops.inner(self, other)

    def outer(self, vec2: Any) -> Tensor:
        """z[i, j] = self[i] * vec2[j]."""
        return ops.outer(self, vec2)

    ger = outer

    def addmm(self, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * self + alpha * (mat1 @ mat2)."""
        return ops.addmm(self, mat1, mat2, beta=beta, alpha=alpha)

    def addmm_(self, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """addmm, in place."""
        return assign(self, ops.addmm, mat1, mat2, beta=beta, alpha=alpha)

    def addmv(self, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * self + alpha * (mat @ vec)."""
        return ops.addmv(self, mat, vec, beta=beta, alpha=alpha)

    def addmv_(self, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """addmv, in place."""
        return assign(self, ops.addmv, mat, vec, beta=beta, alpha=alpha)

    def addr(self, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * self + alpha * outer(vec1, vec2)."""
        return ops.addr(self, vec1, vec2, beta=beta, alpha=alpha)

    def addr_(self, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """addr, in place."""
        return assign(self, ops.addr, vec1, vec2, beta=beta, alpha=alpha)

    def baddbmm(self, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * self + alpha * bmm(batch1, batch2)."""
        return ops.baddbmm(self, batch1, batch2, beta=beta, alpha=alpha)

    def baddbmm_(self, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """baddbmm, in place."""
        return assign(self, ops.baddbmm, batch1, batch2, beta=beta, alpha=alpha)

    def addbmm(self, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * self + alpha * the sum of bmm(batch1, batch2)."""
        return ops.addbmm(self, batch1, batch2, beta=beta, alpha=alpha)

    def addbmm_(self, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """addbmm, in place."""
        return assign(self, ops.addbmm, batch1, batch2, beta=beta, alpha=alpha)

    def kron(self, other: Any) -> Tensor:
        """The Kronecker product."""
        return ops.kron(self, other)

    def cross(self, other: Any, dim: Any = None) -> Tensor:
        """The vector product along dim."""
        return ops.cross(self, other, dim)

    def trace(self) -> Tensor:
        """The sum of the diagonal of a matrix."""
        return ops.trace(self)

    def inverse(self) -> Tensor:
        """The inverse of square matrices."""
        return ops.inverse(self)

    def pinverse(self, rcond: Any = 1e-15) -> Tensor:
        """The pseudo-inverse."""
        return ops.pinverse(self, rcond)

    def det(self) -> Tensor:
        """The determinant."""
        return ops.det(self)

    def logdet(self) -> Tensor:
        """The logarithm of the determinant."""
        return ops.logdet(self)

    def slogdet(self) -> Any:
        """The sign and the logarithm of the magnitude of the determinant."""
        return ops.slogdet(self)

    def matrix_power(self, n: Any) -> Tensor:
        """The n-th power of square matrices."""
        return ops.matrix_power(self, n)

    def matrix_exp(self) -> Tensor:
        """The exponential of square matrices."""
        return ops.matrix_exp(self)

    def cholesky(self, upper: Any = False) -> Tensor:
        """The triangle L with self = L L^T."""
        return ops.cholesky(self, upper)

    def cholesky_solve(self, L: Any, upper: Any = False) -> Tensor:
        """X with A X = self, from the Cholesky factor L of A."""
        return ops.cholesky_solve(self, L, upper)

    def cholesky_inverse(self, upper: Any = False) -> Tensor:
        """The inverse of L L^T."""
        return ops.cholesky_inverse(self, upper)

    def triangular_solve(
        self, A: Any, upper: Any = True, transpose: Any = False, unitriangular: Any = False
    ) -> Any:
        """(X, A) with A X = self for a triangle A."""
        return ops.triangular_solve(self, A, upper, transpose, unitriangular)

    def qr(self, some: Any = True) -> Any:
        """Q and R with self = Q R."""
        return ops.qr(self, some)

    def svd(self, some: Any = True, compute_uv: Any = True) -> Any:
        """U, S and V with self = U diag(S) V^T."""
        return ops.svd(self, some, compute_uv)

    def lu(self, pivot: Any = True, get_infos: Any = False) -> Any:
        """L and U in one matrix, and the rows exchanged."""
        return ops.lu(self, pivot, get_infos)

    def lu_solve(self, LU_data: Any, LU_pivots: Any) -> Tensor:
        """X with A X = self, from the factors of A."""
        return ops.lu_solve(self, LU_data, LU_pivots)
