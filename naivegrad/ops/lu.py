"""LU factors: lu_factor, lu, lu_solve, and their older names."""

from __future__ import annotations

from typing import Any, NamedTuple

from naivegrad.autograd import Function
from naivegrad.ops._args import into, into_each, require_tensor
from naivegrad.ops.decomposition import SolveTriangular, check_info, require_matrix
from naivegrad.ops.joining import cat
from naivegrad.ops.linalg import check_dtypes
from naivegrad.ops.scatter import take_along_dim
from naivegrad.tensor import Tensor, wrap


class PackedInfo(NamedTuple):
    """L and U in one matrix, the rows exchanged, and where a pivot is zero."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class Packed(NamedTuple):
    """L and U in one matrix, and the rows exchanged."""

    LU: Tensor
    pivots: Tensor


class Factors(NamedTuple):
    """A = P L U."""

    P: Tensor
    L: Tensor
    U: Tensor


class LU(Function):
    """y, pivots, info: l u = x with rows exchanged, y = l (without its ones) + u.

    grad_x = l1^-T (strictly lower part of l1^T grad_l1 - grad_u2 u2^T
                    + upper part of grad_u1 u1^T - l2^T grad_l2) u1^-T, rows put back,

    where l1, u1 are square, and l2, u2 the rest of a tall or a wide matrix, which adds
    grad_l2 u1^-T as rows, or l1^-T grad_u2 as columns.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, pivot: bool) -> Any:
        y, pivots, info = ctx.backend.lu(x, pivot)
        ctx.save_for_backward(y, pivots)
        ctx.mark_non_differentiable(pivots, info)
        return y, pivots, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> Any:
        y, pivots = ctx.saved_tensors
        m, n = y.array.shape[-2:]
        k = min(m, n)
        low, up = unpack(y)
        grad_low, grad_up = grad[..., :k].tril(-1), grad[..., :k, :].triu()
        lower = low[..., :k, :].mT @ grad_low[..., :k, :]
        upper = grad_up[..., :k] @ up[..., :k].mT
        if n > k:
            lower = lower - grad_up[..., k:] @ up[..., k:].mT
        if m > k:
            upper = upper - low[..., k:, :].mT @ grad_low[..., k:, :]
        low1, up1 = low[..., :k, :].mT, up[..., :k]
        flow = SolveTriangular.apply(low1, lower.tril(-1) + upper.triu(), True, True)
        if m > k:
            flow = cat([flow, grad_low[..., k:, :]], -2)
        flow = SolveTriangular.apply(up1, flow.mT, True, False).mT  # flow u1^-T
        if n > k:
            flow = cat([flow, SolveTriangular.apply(low1, grad_up[..., k:], True, True)], -1)
        return _rows(flow, _order(pivots, m).argsort(-1))


def _order(pivots: Tensor, m: int) -> Tensor:
    """Which row of A is the i-th row of L U."""
    return wrap(pivots.backend.permutation(pivots.array, m), pivots.backend)


def _check_pivots(pivots: Any, m: int, op: str) -> None:
    """TypeError or IndexError unless these are row numbers from 1 to m."""
    require_tensor(pivots, op, "pivots")
    if pivots.array.dtype.kind != "i":
        raise TypeError(f"{op}: pivots must be of integers, got {pivots.dtype}")
    low, high = pivots.backend.bounds(pivots.array)
    if pivots.array.size and (low < 1 or high > m):
        bad = low if low < 1 else high
        raise IndexError(f"{op}: pivots are rows from 1 to {m}, got {bad}")


def _rows(x: Tensor, order: Tensor) -> Tensor:
    """The rows of matrices in another order."""
    return take_along_dim(x, order.unsqueeze(-1), -2)


def unpack(y: Tensor) -> tuple[Tensor, Tensor]:
    """L and U out of one matrix."""
    m, n = y.array.shape[-2:]
    k = min(m, n)
    ones = wrap(y.backend.eye(m, k, y.array.dtype), y.backend)
    return y[..., :k].tril(-1) + ones, y[..., :k, :].triu()


def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None
) -> PackedInfo:
    """L (without its diagonal of ones) and U in one matrix, the rows exchanged, and info.

    Step i exchanged the rows i and pivots[i] - 1; info is 0, or the first pivot that is zero.
    """
    require_matrix(A, "lu_factor")
    result = PackedInfo(*LU.apply(A, bool(pivot)))
    if check_errors:
        check_info(result.info, "lu_factor", "pivot {} is zero")
    return into_each(out, result, "lu_factor_ex")


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Packed:
    """`lu_factor_ex` without info. Differentiable where no pivot is zero."""
    return into_each(out, Packed(*lu_factor_ex(A, pivot=pivot)[:2]), "lu_factor")


def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Factors:
    """A = P L U: P exchanges rows, L has ones on its diagonal and zeros above, U zeros below.

    Parameters
    ----------
    A : Tensor, (..., M, N); K is the smaller of M and N
    pivot : whether to exchange rows; else P is empty, and a zero pivot gives infinities

    Returns
    -------
    P (..., M, M), L (..., M, K), U (..., K, N). L and U are differentiable to any order.
    """
    require_matrix(A, "lu")
    y, pivots, _ = LU.apply(A, bool(pivot))
    p = _matrix(pivots, y) if pivot else A.detach().new_empty((0,))
    return into_each(out, Factors(p, *unpack(y)), "lu")


def _matrix(pivots: Tensor, y: Tensor) -> Tensor:
    """P with P[order[i], i] = 1."""
    m = y.array.shape[-2]
    order = _order(pivots, m)
    count = order.cumsum(-1) * 0 + 1  # 1, 1, ... as int64
    rows = (count.cumsum(-1) - 1).unsqueeze(-1)
    return (rows == order.unsqueeze(-2)).cast(y.array.dtype)


def lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """X with A X = B (`adjoint`: A^T X = B; left=False: X A = B), from the factors of A."""
    require_matrix(LU, "lu_solve", "LU", square=True)
    require_matrix(B, "lu_solve", "B")
    check_dtypes("lu_solve", LU, B)
    _check_pivots(pivots, LU.array.shape[-1], "lu_solve")
    a, b = LU.array.shape, B.array.shape
    if a[-1] != b[-2 if left else -1] or pivots.array.shape != a[:-1]:
        raise ValueError(
            f"lu_solve: expects LU (..., N, N), pivots (..., N) and B of N {'rows' if left else ''}"
            f"{'' if left else 'columns'}, got {a}, {pivots.array.shape} and {b}"
        )
    if not left:
        B, adjoint = B.mT, not adjoint
    order = _order(pivots, a[-1])
    if adjoint:
        z = SolveTriangular.apply(LU.mT, B, False, False)
        z = SolveTriangular.apply(LU.mT, z, True, True)
        z = _rows(z, order.argsort(-1))
    else:
        z = SolveTriangular.apply(LU, _rows(B, order), False, True)
        z = SolveTriangular.apply(LU, z, True, False)
    return into(out, z if left else z.mT, "lu_solve")


def lu_of(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """`linalg.lu_factor` (with info: `lu_factor_ex`)."""
    result = lu_factor_ex(A, pivot=pivot)
    return into_each(out, tuple(result) if get_infos else tuple(result[:2]), "lu")


def solve_by_lu(
    b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """`linalg.lu_solve`, arguments in another order."""
    return lu_solve(LU_data, LU_pivots, b, out=out)


def lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
    *,
    out: Any = None,
) -> Factors:
    """P, L and U from what `lu_factor` gives; empty what is not asked for."""
    require_matrix(LU_data, "lu_unpack", "LU_data")
    _check_pivots(LU_pivots, LU_data.array.shape[-2], "lu_unpack")
    (*lead, m, n) = LU_data.array.shape
    if LU_pivots.array.shape != (*lead, min(m, n)):
        raise ValueError(
            f"lu_unpack: expects pivots of shape {(*lead, min(m, n))}, got {LU_pivots.array.shape}"
        )
    nothing = LU_data.detach().new_empty((0,))
    low, up = unpack(LU_data) if unpack_data else (nothing, nothing)
    p = _matrix(LU_pivots, LU_data) if unpack_pivots else nothing
    return into_each(out, Factors(p, low, up), "lu_unpack")
