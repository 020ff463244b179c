"""Factors of matrices: cholesky, qr, eigh, svd, lu; and what is read off them: inv, det, exp.

Every function takes batches (..., M, N). Where a factor is only defined up to a sign or a rotation
(eigenvectors, singular vectors), so is its gradient: only functions that do not depend on that
choice have one. It is infinite where eigenvalues or singular values coincide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from naivegrad.autograd import Function, forward
from naivegrad.autograd.mode import grad_mode
from naivegrad.backend.promotion import is_floating
from naivegrad.ops._args import into, into_each, require_tensor
from naivegrad.ops.diagonal import diag_embed
from naivegrad.ops.joining import cat
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap


class LinAlgError(RuntimeError):
    """A matrix has not what was asked for: an inverse, a Cholesky factor, convergence."""


class InverseInfo(NamedTuple):
    """Inverses, and where there are none."""

    inverse: Tensor
    info: Tensor


class FactorInfo(NamedTuple):
    """Cholesky factors, and where there are none."""

    L: Tensor
    info: Tensor


class SignLogAbs(NamedTuple):
    """A determinant as its sign and the logarithm of its magnitude."""

    sign: Tensor
    logabsdet: Tensor


class QRFactors(NamedTuple):
    """A = Q R."""

    Q: Tensor
    R: Tensor


class SingularValues(NamedTuple):
    """A = U diag(S) Vh."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def require_matrix(
    x: Any,
    op: str,
    name: str = "A",
    square: bool = False,
    half: bool = False,
    complex: bool = False,
) -> Tensor:
    """A tensor of matrices of a type that LAPACK has; also of half precision or complex if said."""
    require_tensor(x, op, name)
    dtype = x.array.dtype
    if dtype not in (np.float32, np.float64) and not (
        (half and is_floating(dtype)) or (complex and dtype.kind == "c")
    ):
        also = " or complex" if complex else ""
        raise TypeError(f"{op}: {name} must be of type float32 or float64{also}, got {x.dtype}")
    shape = x.array.shape
    if len(shape) < 2:
        raise ValueError(f"{op}: {name} must have at least 2 dimensions, got shape {shape}")
    if square and shape[-1] != shape[-2]:
        raise ValueError(f"{op}: {name} must be batches of square matrices, got shape {shape}")
    return x


def check_info(info: Tensor, op: str, what: str) -> None:
    """LinAlgError, naming the matrix, unless info is 0 everywhere; `what` has {} for the pivot."""
    backend = info.backend
    if backend.bounds(info.array)[1] <= 0:
        return
    codes = backend.to_numpy(info.array)
    where = np.argwhere(codes)[0]
    code = codes[tuple(where)]
    place = ", ".join(map(str, where))
    raise LinAlgError(f"{op}: {f'batch element {place}: ' if place else ''}{what.format(code)}")


def recorded(x: Tensor) -> bool:
    """Whether derivatives of what is made of x may be asked for."""
    return bool(forward.active or (x.node is not None and grad_mode.enabled))


def identity(like: Tensor, n: int) -> Tensor:
    """The identity matrix."""
    return wrap(like.backend.eye(n, n, like.array.dtype), like.backend)


class Inv(Function):
    """y = x^-1, and info.    grad_x = -y^T grad y^T."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y, info = ctx.backend.inv(x)
        ctx.save_for_backward(y)
        ctx.mark_non_differentiable(info)
        return y, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> Any:
        (y,) = ctx.saved_tensors
        return -(y.mT @ grad @ y.mT)


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> InverseInfo:
    """The inverse, and info: 0, or the pivot that is zero. NaN where there is no inverse."""
    require_matrix(A, "inv", square=True, complex=True)
    result = InverseInfo(*Inv.apply(A))
    if check_errors:
        check_info(result.info, "inv", "the matrix is singular (its pivot {} is zero)")
    return into_each(out, result, "inv_ex")


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of square matrices; LinAlgError for a singular one.

    To solve equations, `linalg.solve(A, B)` is faster and more accurate than inv(A) @ B.
    """
    return into(out, inv_ex(A, check_errors=True).inverse, "inv")


class Det(Function):
    """y = det(x).    grad_x = grad * cofactors of x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.det(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad[..., None, None] * Cofactor.apply(x)


class Cofactor(Function):
    """y = det(x) x^-T, right for singular x too.

    grad_x = sum(grad * y) x^-T - y grad^T x^-T, of which singular x have none.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = ctx.backend.cofactor(x)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        inverse = inv(x).mT
        return (grad * y).sum((-2, -1), True) * inverse - y @ grad.mT @ inverse


def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of square matrices.

    Differentiable, of singular matrices too, but of those only once.
    """
    require_matrix(A, "det", square=True, complex=True)
    return into(out, Det.apply(A), "det")


class SLogDet(Function):
    """sign, y = sign of det(x), log |det(x)|.    grad_x = grad x^-T."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        sign, y = ctx.backend.slogdet(x)
        ctx.save_for_backward(x)
        ctx.mark_non_differentiable(sign)
        return sign, y

    @staticmethod
    def backward(ctx: Any, _: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad[..., None, None] * inv_ex(x).inverse.mT


def slogdet(A: Tensor, *, out: Any = None) -> SignLogAbs:
    """The sign of the determinant, and the logarithm of its magnitude (0, -inf for singular A)."""
    require_matrix(A, "slogdet", square=True)
    return into_each(out, SignLogAbs(*SLogDet.apply(A)), "slogdet")


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant: NaN where that is negative, -inf where it is 0."""
    require_matrix(input, "logdet", "input", square=True)
    sign, logarithm = SLogDet.apply(input)
    return where(sign < 0, float("nan"), logarithm)


class Solve(Function):
    """z, info, where x z = y.    grad_y = x^-T grad,    grad_x = -grad_y z^T."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        z, info = ctx.backend.solve(x, y)
        ctx.save_for_backward(x, z)
        ctx.mark_non_differentiable(info)
        return z, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> Any:
        x, z = ctx.saved_tensors
        grad_y = Solve.apply(x.mT, grad)[0]
        return (-(grad_y @ z.mT) if ctx.needs_input_grad[0] else None), grad_y


class SolveTriangular(Function):
    """z = x^-1 y of a triangle x (N, N) and y (N, M).

    grad_y = x^-T grad,    grad_x = the triangle of -grad_y z^T.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, upper: bool, unit: bool) -> Any:
        z = ctx.backend.solve_triangular(x, y, upper, unit)
        ctx.upper, ctx.unit = upper, unit
        ctx.save_for_backward(x, z)
        return z

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, z = ctx.saved_tensors
        grad_y = SolveTriangular.apply(x.mT, grad, not ctx.upper, ctx.unit)
        if not ctx.needs_input_grad[0]:
            return None, grad_y
        flow = -(grad_y @ z.mT)
        unit = 1 if ctx.unit else 0
        return flow.triu(unit) if ctx.upper else flow.tril(-unit), grad_y


class Cholesky(Function):
    """l, info, where x = l l^T.    grad_x = l^-T s l^-1.

    s is the symmetric part of the lower triangle of l^T grad, its diagonal halved.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, upper: bool) -> Any:
        y, info = ctx.backend.cholesky(x, upper)
        ctx.upper = upper
        ctx.save_for_backward(y)
        ctx.mark_non_differentiable(info)
        return y, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> Any:
        (low,) = ctx.saved_tensors
        if ctx.upper:
            low, grad = low.mT, grad.mT
        s = _half_diagonal((low.mT @ grad).tril())
        s = SolveTriangular.apply(low.mT, s, True, False)  # l^-T s
        s = SolveTriangular.apply(low.mT, s.mT, True, False)  # (l^-T s l^-1)^T
        return (s + s.mT) * 0.5


def _half_diagonal(x: Tensor) -> Tensor:
    return x * (1 - 0.5 * identity(x, x.array.shape[-1]))


def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None
) -> FactorInfo:
    """The Cholesky factor, and info: 0, or the order of the minor that is not positive definite."""
    require_matrix(A, "cholesky", square=True)
    result = FactorInfo(*Cholesky.apply(A, bool(upper)))
    if check_errors:
        what = "the matrix is not positive definite (its leading minor of order {} is not)"
        check_info(result.info, "cholesky", what)
    return into_each(out, result, "cholesky_ex")


def cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The triangle L with A = L L^T of a symmetric positive definite A; with `upper`, L^T.

    Only one triangle of A is read: the lower one, or the upper. The gradient is symmetric.
    LinAlgError if A is not positive definite.
    """
    return into(out, cholesky_ex(A, upper=upper, check_errors=True).L, "cholesky")


class QR(Function):
    """q, r with x = q r.    grad_x = (grad_q + q sym(triu(grad_r r^T - q^T grad_q))) r^-T.

    For a wide x = [x1, x2], with r = [r1, r2]: x1 = q r1, and x2 = q r2 adds x2 grad_r2^T to
    grad_q; grad_x2 = q grad_r2. Walter, Lehmann & Lamour 2012; Roberts & Roberts 2020, "QR and LQ
    decomposition matrix backpropagation algorithms".
    """

    @staticmethod
    def forward(ctx: Any, x: Any, complete: bool) -> Any:
        q, r = ctx.backend.qr(x, complete)
        ctx.complete = complete
        ctx.save_for_backward(x, q, r)
        return q, r

    @staticmethod
    def backward(ctx: Any, grad_q: Any, grad_r: Any) -> Any:
        x, q, r = ctx.saved_tensors
        m, n = x.array.shape[-2:]
        if ctx.complete and m > n:
            raise RuntimeError(
                f"qr: mode='complete' has no gradient for {m} rows and {n} columns, as the last "
                f"{m - n} columns of Q are any; use mode='reduced'"
            )
        grad_q = q.new_zeros(q.array.shape) if grad_q is None else grad_q
        grad_r = r.new_zeros(r.array.shape) if grad_r is None else grad_r
        grad_x2 = None
        if m < n:
            grad_q = grad_q + x[..., m:] @ grad_r[..., m:].mT
            grad_x2 = q @ grad_r[..., m:]
            r, grad_r = r[..., :m], grad_r[..., :m]
        s = _half_diagonal((grad_r @ r.mT - q.mT @ grad_q).triu())
        flow = grad_q + q @ (s + s.mT)
        grad_x = SolveTriangular.apply(r, flow.mT, True, False).mT  # flow r^-T
        if grad_x2 is None:
            return grad_x
        return cat([grad_x, grad_x2], -1)


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> QRFactors:
    """A = Q R, of orthonormal columns Q and an upper triangle R.

    Parameters
    ----------
    A : Tensor, (..., M, N); K is the smaller of M and N
    mode : "reduced" (Q is (M, K), R is (K, N)), "complete" (Q is (M, M), R is (M, N)) or "r" (as
        "reduced", without Q, which is empty)

    Differentiable where the first K columns are independent; not with "complete" for M > N.
    """
    require_matrix(A, "qr")
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f'qr: mode is "reduced", "complete" or "r", not {mode!r}')
    q, r = QR.apply(A, mode == "complete")
    if mode == "r":
        q = A.detach().new_empty((0,))
    return into_each(out, QRFactors(q, r), "qr")


def gaps(x: Tensor) -> Tensor:
    """e[i, j] = x[j] - x[i], and 1 on the diagonal."""
    return x.unsqueeze(-2) - x.unsqueeze(-1) + identity(x, x.array.shape[-1])


def converged(function: Any, op: str, *arguments: Any) -> Any:
    """The backend's result; a failure of its iteration as LinAlgError."""
    try:
        return function(*arguments)
    except ArithmeticError as error:
        message = f"{op}: the iteration did not converge; are there NaN or inf in the matrix?"
        raise LinAlgError(message) from error


class SVD(Function):
    """u, s, v with x = u diag(s) v.

    grad_x = u (diag(grad_s) + (skew(u^T grad_u) diag(s) + diag(s) skew(v grad_v^T)) / e) v
             + (1 - u u^T) grad_u diag(1/s) v + u diag(1/s) grad_v (1 - v^T v)

    e[i, j] = s[j]^2 - s[i]^2, skew(a) = a - a^T. Townsend 2016, "Differentiating the singular value
    decomposition".
    """

    @staticmethod
    def forward(ctx: Any, x: Any, full: bool) -> Any:
        u, s, v = converged(ctx.backend.svd, "svd", x, full)
        ctx.save_for_backward(u, s, v)
        return u, s, v

    @staticmethod
    def backward(ctx: Any, grad_u: Any, grad_s: Any, grad_v: Any) -> Any:
        u, s, v = ctx.saved_tensors
        k = s.array.shape[-1]
        u, v = u[..., :k], v[..., :k, :]  # the rest, if it is there, may be any basis
        m, n = u.array.shape[-2], v.array.shape[-1]
        row = s.unsqueeze(-2)
        inside = None if grad_s is None else diag_embed(grad_s)
        outside = None
        if grad_u is not None:
            grad_u = grad_u[..., :k]
            a = u.mT @ grad_u
            inside = _sum(inside, (a - a.mT) / gaps(s * s) * row)
            if m > k:
                outside = ((grad_u - u @ a) / row) @ v
        if grad_v is not None:
            grad_v = grad_v[..., :k, :]
            a = v @ grad_v.mT
            inside = _sum(inside, s.unsqueeze(-1) * ((a - a.mT) / gaps(s * s)))
            if n > k:
                outside = _sum(outside, (u / row) @ (grad_v - a.mT @ v))
        return _sum(u @ inside @ v, outside)


def _sum(x: Tensor | None, y: Tensor | None) -> Any:
    return y if x is None else x if y is None else x + y


def svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None
) -> SingularValues:
    """A = U diag(S) Vh: orthonormal columns U, singular values S, falling, orthonormal rows Vh.

    Parameters
    ----------
    A : Tensor, (..., M, N); K is the smaller of M and N
    full_matrices : whether U is (M, M) and Vh (N, N), instead of (M, K) and (K, N)
    driver : ignored; there is one way on the CPU

    Differentiable where the singular values differ (and, of U and Vh for M != N, none is 0).
    """
    require_matrix(A, "svd")
    return into_each(out, SingularValues(*SVD.apply(A, bool(full_matrices))), "svd")


def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values, in falling order."""
    require_matrix(A, "svdvals")
    if recorded(A):
        return into(out, SVD.apply(A, False)[1], "svdvals")
    s = wrap(converged(A.backend.svdvals, "svdvals", A.array), A.backend)
    return into(out, s, "svdvals")


class MatrixExp(Function):
    """y = exp(x).    grad_x is the upper right block of exp([[x^T, grad], [0, x^T]])."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return ctx.backend.matrix_exp(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        n = x.array.shape[-1]
        above = cat([x.mT, grad], -1)
        below = cat([x.detach().new_zeros(x.array.shape), x.mT], -1)
        return MatrixExp.apply(cat([above, below], -2))[..., :n, n:]


def matrix_exp(A: Tensor) -> Tensor:
    """The exponential 1 + A + A A / 2 + ... of square matrices. Differentiable to any order."""
    require_matrix(A, "matrix_exp", square=True, half=True)
    return MatrixExp.apply(A)
