"""Factors, inverses and solutions of matrices: LAPACK by NumPy, triangles and LU by our loops.

All take batches (..., M, N) of float32 or float64 and give results of that type. `info` is int32,
one number a matrix: 0 where all is well, else the number, from 1, of the pivot that failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import decomposition as kernel

_BLOCK = 48  # the loops do triangles of this size, the matrix product the rest


def eye(n: int, m: int, dtype: np.dtype[Any]) -> ndarray:
    """Ones on the diagonal, zeros elsewhere."""
    return np.eye(n, m, dtype=dtype)


def inv(x: ndarray) -> tuple[ndarray, ndarray]:
    """The inverses, and info; NaN where there is none."""
    return _or_nan(np.linalg.inv, x)


def solve(a: ndarray, b: ndarray) -> tuple[ndarray, ndarray]:
    """The solutions of a @ x = b, b (..., N, M), and info; NaN where a is singular."""
    return _or_nan(np.linalg.solve, a, b)


def _or_nan(
    function: Callable[..., ndarray], a: ndarray, *rest: ndarray
) -> tuple[ndarray, ndarray]:
    """NumPy's function; where it refuses the batch, matrix by matrix, NaN for those that fail."""
    lead = np.broadcast_shapes(*(x.shape[:-2] for x in (a, *rest)))
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        return np.ascontiguousarray(function(a, *rest)), info
    except np.linalg.LinAlgError:
        info = np.asarray(lu(a, True)[2])
    columns = rest[0].shape[-1] if rest else a.shape[-1]
    wide = [np.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (a, *rest)]
    out = np.full((*lead, a.shape[-1], columns), np.nan, a.dtype)
    for i in np.ndindex(lead):
        if not np.broadcast_to(info, lead)[i]:
            out[i] = function(*(x[i] for x in wide))
    return out, info


@np.errstate(all="ignore")
def det(x: ndarray) -> ndarray:
    """The determinants."""
    return np.asarray(np.linalg.det(x), x.dtype)


@np.errstate(all="ignore")
def slogdet(x: ndarray) -> tuple[ndarray, ndarray]:
    """The signs of the determinants, and the logarithms of their magnitudes."""
    sign, logarithm = np.linalg.slogdet(x)
    return np.asarray(sign, x.dtype), np.asarray(logarithm, x.dtype)


def cofactor(x: ndarray) -> ndarray:
    """The gradients of the determinants, det(x) inv(x)^T, right for singular matrices too.

    Of a singular x = u s v, it is det(u) det(v) u c v, where c_i is the product of all s but s_i.
    """
    y, info = inv(x)
    y = det(x)[..., None, None] * y.swapaxes(-1, -2)
    for i in np.argwhere(info):
        u, s, v = _iterate(np.linalg.svd, x[tuple(i)], False)
        others = np.where(np.eye(len(s), dtype=bool), np.ones((), s.dtype), s).prod(-1)
        y[tuple(i)] = np.linalg.det(u) * np.linalg.det(v) * (u * others) @ v
    return np.ascontiguousarray(y)


def cholesky(x: ndarray, upper: bool) -> tuple[ndarray, ndarray]:
    """The triangular factors of positive definite matrices, and info; NaN where it fails."""
    lower = x.mT if upper else x  # LAPACK reads one triangle
    info = np.zeros(x.shape[:-2], np.int32)
    try:
        y = np.linalg.cholesky(lower)
        nan = np.isnan(np.diagonal(y, 0, -2, -1))  # which LAPACK lets pass
        info[...] = np.where(nan.any(-1), nan.argmax(-1) + 1, 0) if nan.size else 0
    except np.linalg.LinAlgError:
        y = np.full(x.shape, np.nan, x.dtype)
        for i in np.ndindex(info.shape):
            info[i] = _definite(lower[i])
            if not info[i]:
                y[i] = np.linalg.cholesky(lower[i])
    return np.ascontiguousarray(y.mT if upper else y), info


def _definite(x: ndarray) -> int:
    """The order of the first leading minor that is not positive definite; 0 if all are."""
    low, high = 0, x.shape[-1] + 1  # the minors up to `low` are, that of `high` is not
    while high - low > 1:
        middle = (low + high) // 2
        try:
            np.linalg.cholesky(x[:middle, :middle])
            low = middle
        except np.linalg.LinAlgError:
            high = middle
    return low + 1 if low < x.shape[-1] else 0


def qr(x: ndarray, complete: bool) -> tuple[ndarray, ndarray]:
    """x = q @ r, q orthogonal, r an upper triangle; q square if `complete`."""
    q, r = np.linalg.qr(x, "complete" if complete else "reduced")
    return np.ascontiguousarray(q), np.ascontiguousarray(r)


def _iterate(function: Any, *arguments: Any) -> Any:
    """NumPy's result; ArithmeticError where its iteration does not converge."""
    try:
        return function(*arguments)
    except np.linalg.LinAlgError as error:
        raise ArithmeticError("the iteration did not converge") from error


def eigh(x: ndarray, upper: bool) -> tuple[ndarray, ndarray]:
    """Eigenvalues, rising, and eigenvectors, as columns, of symmetric matrices."""
    values, vectors = _iterate(np.linalg.eigh, x, "U" if upper else "L")
    return values, np.ascontiguousarray(vectors)


def eigvalsh(x: ndarray, upper: bool) -> ndarray:
    """The eigenvalues alone."""
    return np.asarray(_iterate(np.linalg.eigvalsh, x, "U" if upper else "L"))


def eig(x: ndarray) -> tuple[ndarray, ndarray]:
    """Eigenvalues, in no order, and eigenvectors of length 1, of any square matrices; complex."""
    values, vectors = _iterate(np.linalg.eig, x)
    dtype = np.result_type(x.dtype, np.complex64)
    return values.astype(dtype), np.ascontiguousarray(vectors, dtype)


def eigvals(x: ndarray) -> ndarray:
    """The eigenvalues alone."""
    return np.asarray(_iterate(np.linalg.eigvals, x), np.result_type(x.dtype, np.complex64))


def svd(x: ndarray, full: bool) -> tuple[ndarray, ndarray, ndarray]:
    """x = u @ diag(s) @ v, s falling; u and v square if `full`."""
    u, s, v = _iterate(np.linalg.svd, x, full)
    return np.ascontiguousarray(u), s, np.ascontiguousarray(v)


def svdvals(x: ndarray) -> ndarray:
    """The singular values alone."""
    return np.asarray(_iterate(np.linalg.svd, x, False, False))


def pinv(x: ndarray, atol: Any, rtol: Any, hermitian: bool) -> ndarray:
    """The pseudo-inverses; singular values up to max(atol, rtol * the largest) count as zero."""
    if hermitian:
        values, v = _iterate(np.linalg.eigh, x)
        s, u = abs(values), v * np.sign(values)[..., None, :]
        v = v.mT
    else:
        u, s, v = _iterate(np.linalg.svd, x, False)
    largest = s.max(-1, keepdims=True, initial=0)
    limit = np.maximum(np.asarray(atol)[..., None], np.asarray(rtol)[..., None] * largest)
    inverse = np.divide(1, s, out=np.zeros_like(s), where=s > limit)
    return np.ascontiguousarray((v.mT * inverse[..., None, :]) @ u.mT)


def solve_triangular(a: ndarray, b: ndarray, upper: bool, unit: bool) -> ndarray:
    """The solutions of a @ x = b, of whose a (..., N, N) one triangle is read; b (..., N, M).

    `unit`: the diagonal is not read either, but taken as ones.
    """
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    n, m = b.shape[-2:]
    if a.dtype.kind == "c":
        triangle = (np.triu if upper else np.tril)(a, (1 if upper else -1) if unit else 0)
        return np.linalg.solve(triangle + unit * np.eye(n, dtype=a.dtype), b)
    a = np.broadcast_to(a, (*lead, n, n)).reshape(math.prod(lead), n, n)
    x = np.array(np.broadcast_to(b, (*lead, n, m)), order="C").reshape(math.prod(lead), n, m)
    starts = range(0, n, _BLOCK)
    for i in reversed(starts) if upper else starts:
        end = min(i + _BLOCK, n)
        done = slice(end, n) if upper else slice(0, i)
        rows = x[:, i:end]
        if done.start < done.stop:
            rows = rows - a[:, i:end, done] @ x[:, done]
        rows = np.ascontiguousarray(rows)
        kernel.solve_triangular(np.ascontiguousarray(a[:, i:end, i:end]), rows, upper, unit)
        x[:, i:end] = rows
    return x.reshape(*lead, n, m)


def lu(x: ndarray, pivot: bool) -> tuple[ndarray, ndarray, ndarray]:
    """L (below the diagonal, its ones left out) and U in one (..., M, N), pivots, and info.

    Step i exchanged the rows i and pivots[i] - 1 (int32).
    """
    lead, (m, n) = x.shape[:-2], x.shape[-2:]
    batch, rank = math.prod(lead), min(m, n)
    y = np.array(x, order="C").reshape(batch, m, n)
    pivots, info = np.empty((batch, rank), np.int32), np.zeros(batch, np.int32)
    if rank <= 2 * _BLOCK:
        kernel.lu(y, pivots, info, pivot)
    else:
        for i in range(0, rank, _BLOCK):
            _lu_step(y, pivots, info, pivot, i, min(i + _BLOCK, rank))
    return y.reshape(x.shape), pivots.reshape(*lead, rank), info.reshape(lead)


def _lu_step(y: ndarray, pivots: ndarray, info: ndarray, pivot: bool, i: int, end: int) -> None:
    """Factors the columns from i to end, and brings the rest of the rows up to that."""
    panel = np.ascontiguousarray(y[:, i:, i:end])
    local, failed = np.empty((len(y), end - i), np.int32), np.zeros(len(y), np.int32)
    kernel.lu(panel, local, failed, pivot)
    info[(info == 0) & (failed > 0)] = (failed + i)[(info == 0) & (failed > 0)]
    pivots[:, i:end] = local + i
    order = permutation(local, y.shape[1] - i)
    y[:, i:] = np.take_along_axis(y[:, i:], order[..., None], 1)
    y[:, i:, i:end] = panel
    if end < y.shape[2]:
        right = solve_triangular(panel[:, : end - i], y[:, i:end, end:], False, True)
        y[:, i:end, end:] = right
        y[:, end:, end:] -= panel[:, end - i :] @ right


def permutation(pivots: ndarray, n: int) -> ndarray:
    """Which of n rows stands where after the exchanges that pivots (..., K) name, int64."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    rows = np.tile(np.arange(n), (len(flat), 1))
    each = np.arange(len(flat))
    for i in range(flat.shape[1]):
        j = flat[:, i] - 1
        rows[each, i], rows[each, j] = rows[each, j], rows[each, i]
    return rows.reshape(*pivots.shape[:-1], n)


def matrix_exp(x: ndarray) -> ndarray:
    """The exponentials, by halving until the norm is small, a rational function, and squaring.

    Higham 2005, "The scaling and squaring method for the matrix exponential revisited".
    """
    if x.dtype.itemsize < 4:
        return cast(matrix_exp(x.astype(np.float32)), x.dtype)
    degree, limit = (13, 5.37) if x.dtype == np.float64 else (7, 3.92)
    norm = np.abs(x).sum(-2).max(-1, initial=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        halvings = np.ceil(np.log2(norm / limit))
    halvings = np.where(np.isfinite(halvings), np.maximum(halvings, 0), 0).astype(int)
    x = np.ldexp(x, -halvings[..., None, None])
    identity = np.eye(x.shape[-1], dtype=x.dtype)
    power, even, odd = identity, np.zeros_like(x), np.zeros_like(x)
    coefficient = 1.0
    for k in range(degree + 1):  # the terms of the Pade approximant, even and odd powers apart
        if k % 2:
            odd = odd + x.dtype.type(coefficient) * (power @ x)
            power = power @ (x @ x) if k < degree else power
        else:
            even = even + x.dtype.type(coefficient) * power
        coefficient *= (degree - k) / ((2 * degree - k) * (k + 1))
    result = np.linalg.solve(even - odd, even + odd)
    for k in range(int(halvings.max(initial=0))):
        result = np.where((halvings > k)[..., None, None], result @ result, result)
    return np.ascontiguousarray(result)
