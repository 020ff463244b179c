"""Linear equations: solve and its kin, pseudo-inverses, least squares, LU factors, powers."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from naivegrad.autograd import Function
from naivegrad.ops._args import check_batches, into, into_each, require_tensor
from naivegrad.ops.decomposition import (
    Solve,
    SolveTriangular,
    check_info,
    converged,
    identity,
    inv,
    require_matrix,
    svdvals,
)
from naivegrad.ops.eig import eigvalsh
from naivegrad.ops.linalg import check_dtypes, matmul
from naivegrad.tensor import Tensor, wrap


class Solution(NamedTuple):
    """The solution of equations, and where there is none."""

    result: Tensor
    info: Tensor


class LeastSquares(NamedTuple):
    """What `linalg.lstsq` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def _check_equations(A: Tensor, B: Tensor, op: str, left: bool) -> None:
    """Both matrices, of one type and lengths that fit, with leading axes that broadcast."""
    require_matrix(A, op, square=True, complex=True)
    require_matrix(B, op, "B", complex=True)
    check_dtypes(op, A, B)
    a, b = A.array.shape, B.array.shape
    if a[-1] != b[-2 if left else -1]:
        form = "(..., N, N) and (..., N, M)" if left else "(..., N, N) and (..., M, N)"
        raise ValueError(f"{op}: expects A and B of shapes {form}, got {a} and {b}")
    check_batches(A, B, op)


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> Solution:
    """The solution of A X = B, and info: 0, or the pivot of A that is zero. NaN where singular."""
    require_matrix(A, "solve", square=True, complex=True)
    require_tensor(B, "solve", "B")
    shape, wanted = B.array.shape, A.array.shape[:-1]
    vector = len(shape) == 1 or (len(shape) == len(wanted) and shape == wanted)
    if vector:
        if not left:
            raise ValueError(f"solve: left=False expects matrices B, got vectors (shape {shape})")
        B = B.unsqueeze(-1)
    _check_equations(A, B, "solve", left)
    if left:
        z, info = Solve.apply(A, B)
    else:
        z, info = Solve.apply(A.mT, B.mT)
        z = z.mT
    if check_errors:
        check_info(info, "solve", "the matrix A is singular (its pivot {} is zero)")
    return into_each(out, Solution(z.squeeze(-1) if vector else z, info), "solve_ex")


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """X with A X = B or, with left=False, X A = B.

    Parameters
    ----------
    A : Tensor, (..., N, N)
    B : Tensor, (..., N, M), or (..., N): a vector for each matrix

    Returns
    -------
    Tensor, of the shape of B, leading axes broadcast

    Raises
    ------
    LinAlgError : a matrix is singular

    Differentiable in both, to any order.

    >>> import naivegrad as ng
    >>> ng.linalg.solve(ng.tensor([[2.0, 0.0], [0.0, 4.0]]), ng.tensor([2.0, 2.0])).tolist()
    [1.0, 0.5]
    """
    return into(out, solve_ex(A, B, left=left, check_errors=True).result, "solve")


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """X with A X = B (or X A = B) for triangles A; only the one asked for is read.

    With `unitriangular` the diagonal is taken as ones. A zero on it gives infinities, no error.
    Differentiable in both, to any order.
    """
    _check_equations(A, B, "solve_triangular", left)
    if left:
        z = SolveTriangular.apply(A, B, bool(upper), bool(unitriangular))
    else:
        z = SolveTriangular.apply(A.mT, B.mT, not upper, bool(unitriangular)).mT
    return into(out, z, "solve_triangular")


def cholesky_solve(
    B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """X with A X = B, from the Cholesky factor L of A, A = L L^T (upper: A = L^T L)."""
    _check_equations(L, B, "cholesky_solve", left=True)
    low = L.mT if upper else L
    z = SolveTriangular.apply(low, B, False, False)
    return into(out, SolveTriangular.apply(low.mT, z, True, False), "cholesky_solve")


def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of a matrix, from its Cholesky factor."""
    require_matrix(L, "cholesky_inverse", "L", square=True)
    one = identity(L, L.array.shape[-1]).expand(L.array.shape)
    return into(out, cholesky_solve(one, L, upper), "cholesky_inverse")


def triangular_solve(
    b: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """(X, A) with A X = b for a triangle A, or A^T X = b: an older form of solve_triangular."""
    _check_equations(A, b, "triangular_solve", left=True)
    triangle, side = (A.mT, not upper) if transpose else (A, bool(upper))
    z = SolveTriangular.apply(triangle, b, side, bool(unitriangular))
    return into_each(out, TriangularSolution(z, A.clone()), "triangular_solve")


class TriangularSolution(NamedTuple):
    """What `triangular_solve` returns."""

    solution: Tensor
    cloned_coefficient: Tensor


class Pinv(Function):
    """y = the pseudo-inverse of x.

    grad_x = -y^T grad y^T + (1 - x y) grad^T y y^T + y^T y grad^T (1 - y x)

    Golub & Pereyra 1973, "The differentiation of pseudo-inverses".
    """

    @staticmethod
    def forward(ctx: Any, x: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
        y = converged(ctx.backend.pinv, "pinv", x, atol, rtol, hermitian)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        a, b = grad.mT @ y, y @ grad.mT  # (M, M) and (N, N)
        return -(y.mT @ grad @ y.mT) + (a - x @ (y @ a)) @ y.mT + y.mT @ (b - (b @ y) @ x)


def _tolerances(A: Tensor, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """Limits, absolute and relative to the largest value, below which values count as zero."""
    if rtol is None:
        largest = max(A.array.shape[-2:], default=0) * float(np.finfo(A.array.dtype).eps)
        positive = _number(atol) if atol is not None else 0.0
        if isinstance(positive, float | int):
            rtol = 0.0 if positive > 0 else largest
        else:
            rtol = A.backend.where(A.backend.compare("gt", positive, 0.0), 0.0, largest)
    return _number(0.0 if atol is None else atol), _number(rtol)


def _number(x: Any) -> Any:
    return x.array if isinstance(x, Tensor) else x


def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """The pseudo-inverse (Moore-Penrose) of matrices, by their singular values.

    Parameters
    ----------
    A : Tensor, (..., M, N)
    rcond : float or Tensor; the same as rtol
    hermitian : whether A is symmetric; then only its lower triangle is read
    atol, rtol : float or Tensor, (...)
        Singular values up to max(atol, rtol * the largest) count as zero. rtol is max(M, N) times
        the precision of the type, or 0 where atol is given and positive.

    Returns
    -------
    Tensor, (..., N, M). Differentiable where the rank does not change.
    """
    require_matrix(A, "pinv", square=hermitian)
    atol, rtol = _tolerances(A, atol, rcond if rtol is None else rtol)
    return into(out, Pinv.apply(A, atol, rtol, bool(hermitian)), "pinv")


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` of another default: singular values up to rcond * the largest are zero."""
    require_matrix(input, "pinverse", "input")
    return Pinv.apply(input, 0.0, _number(rcond), False)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """How many singular values exceed max(atol, rtol * the largest), as int64; see `pinv`."""
    require_matrix(A, "matrix_rank", square=hermitian)
    if tol is not None:
        atol, rtol = tol, 0.0
    atol, rtol = _tolerances(A, atol, rtol)
    detached = A.detach()
    s = eigvalsh(detached).abs() if hermitian else svdvals(detached)
    if not s.array.shape[-1]:
        return into(out, (s > 0).sum(-1), "matrix_rank")
    largest = s.amax(-1)
    limit = (largest * _as_tensor(rtol, s)).maximum(_as_tensor(atol, s))
    return into(out, (s > limit.unsqueeze(-1)).sum(-1), "matrix_rank")


def _as_tensor(x: Any, like: Tensor) -> Tensor:
    """A number or array as a tensor of the type of another."""
    backend = like.backend
    dtype = like.array.dtype
    array = backend.cast(x, dtype) if hasattr(x, "dtype") else backend.full((), x, dtype)
    return wrap(array, backend)


def lstsq(A: Tensor, B: Tensor, rcond: Any = None, *, driver: str | None = None) -> LeastSquares:
    """X that makes the norm of A X - B least, and among those the X of the least norm.

    Parameters
    ----------
    A : Tensor, (..., M, N)
    B : Tensor, (..., M, K), or (..., M)
    rcond : float; singular values up to rcond times the largest count as zero. The default is
        max(M, N) times the precision of the type
    driver : "gelsy" (the default), "gels", "gelsd" or "gelss"; all take one way here, by singular
        values, and return what they do in PyTorch: "gels" no rank, only the last two those values

    Returns
    -------
    solution : Tensor, (..., N, K) or (..., N)
    residuals : the squared norms of the columns of A X - B, if M > N, all A have full rank and the
        driver is not "gelsy"; else empty
    rank, singular_values : of A, or empty

    The solution and the residuals are differentiable where the rank does not change.
    """
    require_matrix(A, "lstsq")
    require_tensor(B, "lstsq", "B")
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise ValueError(f"lstsq: driver is gels, gelsy, gelsd or gelss, not {driver!r}")
    (*lead, m, n), b = A.array.shape, B.array.shape
    vector = b == (*lead, m)
    if vector:
        B = B.unsqueeze(-1)
    check_dtypes("lstsq", A, B)
    if B.array.ndim < 2 or B.array.shape[-2] != m:
        raise ValueError(
            f"lstsq: expects A (..., M, N) and B (..., M, K) or (..., M), got {A.array.shape} and "
            f"{b}"
        )
    _, rtol = _tolerances(A, None, rcond)
    s = svdvals(A.detach())
    rank = matrix_rank(A, rtol=rcond)
    x = matmul(Pinv.apply(A, 0.0, rtol, False), B)
    residuals = A.new_empty((0,))
    if driver not in (None, "gelsy") and m > n and A.backend.bounds(rank.array)[0] == n:
        difference = matmul(A, x) - B
        residuals = (difference * difference).sum(-2)
    return LeastSquares(
        x.squeeze(-1) if vector else x,
        residuals,
        A.new_empty((0,), dtype=rank.dtype) if driver == "gels" else rank,
        s if driver in ("gelsd", "gelss") else A.new_empty((0,)),
    )


def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of `tensordot` with A over its last axes: A as a matrix of its first `ind` axes.

    The result has A's axes with the first `ind` last.
    """
    require_tensor(A, "tensorinv", "A")
    shape = A.array.shape
    ind = operator.index(ind)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind must be positive, got {ind}")
    n = math.prod(shape[:ind])
    if n != math.prod(shape[ind:]):
        raise ValueError(f"tensorinv: {shape[:ind]} and {shape[ind:]} do not form a square matrix")
    return into(out, inv(A.reshape(n, n)).reshape(shape[ind:] + shape[:ind]), "tensorinv")


def tensorsolve(
    A: Tensor, B: Tensor, dims: Sequence[int] | None = None, *, out: Tensor | None = None
) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first."""
    require_tensor(A, "tensorsolve", "A")
    require_tensor(B, "tensorsolve", "B")
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A.array.ndim - len(dims), A.array.ndim)))
    shape = A.array.shape[B.array.ndim :]
    n = math.prod(shape)
    if A.array.size != n * n or B.array.size != n:
        raise ValueError(
            f"tensorsolve: A {A.array.shape} and B {B.array.shape} do not form a square system"
        )
    return into(out, solve(A.reshape(n, n), B.reshape(n)).reshape(shape), "tensorsolve")


def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The n-th power of square matrices, by repeated squaring; the inverse's for a negative n."""
    require_tensor(input, "matrix_power")
    shape = input.array.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ValueError(f"matrix_power: expects square matrices, got shape {shape}")
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"matrix_power: n must be an integer, got {n!r}") from None
    if n < 0:
        input, n = inv(input), -n
    square: Tensor = input
    result = None
    while n:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        if n:
            square = matmul(square, square)
    if result is None:
        result = identity(input, shape[-1]).expand(shape).clone()
    elif result is input:
        result = input.clone()
    return into(out, result, "matrix_power")
