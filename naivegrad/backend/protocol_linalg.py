"""The part of the protocol on matrices: products, factors, equations, distances."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Array = Any
Operand = Any  # an Array, or a Python number
Dtype = np.dtype[Any]
Shape = tuple[int, ...]


class LinearAlgebra(Protocol):
    """Products, factors and equations of matrices; distances of their rows."""

    # linalg

    def matmul(self, x: Array, y: Array) -> Array:
        """x @ y of (..., M, K) and (..., K, N), the leading axes broadcasting; y may be (K,)."""
        ...

    def linear(self, x: Array, w: Array, b: Array | None) -> Array:
        """x @ w.T + b: (..., K), (N, K), (N,) to (..., N)."""
        ...

    def cross(self, x: Array, y: Array, axis: int) -> Array:
        """The vector products of threes along an axis, the other axes broadcasting."""
        ...

    # decomposition: matrices (..., M, N), float32 or float64. `info` is int32, one number a matrix:
    # 0, or the number, from 1, of the pivot that failed; results are NaN there

    def eye(self, n: int, m: int, dtype: Dtype) -> Array:
        """Ones on the diagonal, zeros elsewhere."""
        ...

    def inv(self, x: Array) -> tuple[Array, Array]:
        """The inverses, and info."""
        ...

    def solve(self, a: Array, b: Array) -> tuple[Array, Array]:
        """The solutions of a @ x = b, b (..., N, M), and info."""
        ...

    def det(self, x: Array) -> Array:
        """The determinants."""
        ...

    def slogdet(self, x: Array) -> tuple[Array, Array]:
        """The signs of the determinants, and the logarithms of their magnitudes."""
        ...

    def cofactor(self, x: Array) -> Array:
        """The gradients of the determinants, det(x) inv(x)^T, right for singular matrices too."""
        ...

    def cholesky(self, x: Array, upper: bool) -> tuple[Array, Array]:
        """The triangular factors of positive definite matrices, and info; one triangle is read."""
        ...

    def qr(self, x: Array, complete: bool) -> tuple[Array, Array]:
        """x = q @ r, q orthogonal, r an upper triangle; q square if `complete`."""
        ...

    def eigh(self, x: Array, upper: bool) -> tuple[Array, Array]:
        """Eigenvalues, rising, and eigenvectors, as columns; ArithmeticError if not found."""
        ...

    def eigvalsh(self, x: Array, upper: bool) -> Array:
        """The eigenvalues alone."""
        ...

    def eig(self, x: Array) -> tuple[Array, Array]:
        """Eigenvalues, in no order, and eigenvectors of length 1, of any matrices; complex."""
        ...

    def eigvals(self, x: Array) -> Array:
        """The eigenvalues alone."""
        ...

    def svd(self, x: Array, full: bool) -> tuple[Array, Array, Array]:
        """x = u @ diag(s) @ v, s falling; u and v square if `full`; ArithmeticError as eigh."""
        ...

    def svdvals(self, x: Array) -> Array:
        """The singular values alone."""
        ...

    def pinv(self, x: Array, atol: Operand, rtol: Operand, hermitian: bool) -> Array:
        """The pseudo-inverses; values up to max(atol, rtol * the largest) count as zero."""
        ...

    def solve_triangular(self, a: Array, b: Array, upper: bool, unit: bool) -> Array:
        """The solutions of a @ x = b; of a one triangle is read, and not its diagonal if `unit`."""
        ...

    def lu(self, x: Array, pivot: bool) -> tuple[Array, Array, Array]:
        """L and U in one array, the rows exchanged (from 1, int32) at each step, and info."""
        ...

    def permutation(self, pivots: Array, n: int) -> Array:
        """Which of n rows stands where after the exchanges that `lu` made, int64."""
        ...

    def matrix_exp(self, x: Array) -> Array:
        """The exponentials."""
        ...

    # distance

    def cdist(self, x: Array, y: Array, p: float) -> Array:
        """The p-norm of every row of x (..., M, K) minus every row of y (..., N, K)."""
        ...

    def cdist_grad(self, grad: Array, x: Array, y: Array, dist: Array, p: float) -> Array:
        """The gradient of x, 0 from where two rows coincide."""
        ...

    # vector_norm

    def vector_norm(self, x: Array, p: float, axes: Shape, keepdims: bool) -> Array:
        """(sum |x|^p)^(1/p) over `axes`; the number of nonzeros for p = 0, extrema for inf."""
        ...
