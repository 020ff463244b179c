"""Factors under the names and with the arguments that they have outside of `naivegrad.linalg`."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from naivegrad.ops import decomposition
from naivegrad.ops._args import into, into_each
from naivegrad.ops.decomposition import QRFactors, require_matrix
from naivegrad.ops.random import randn
from naivegrad.tensor import Tensor


class SingularVectors(NamedTuple):
    """A = U diag(S) V^T."""

    U: Tensor
    S: Tensor
    V: Tensor


def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.inv`."""
    return decomposition.inv(input, out=out)


def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """`linalg.cholesky`."""
    return into(out, decomposition.cholesky(input, upper=upper), "cholesky")


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> QRFactors:
    """`linalg.qr`; some=False is its mode "complete"."""
    return into_each(out, decomposition.qr(input, "reduced" if some else "complete"), "qr")


def svd(
    input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None
) -> SingularVectors:
    """U, S, V with input = U diag(S) V^T: V has the vectors as columns, unlike `linalg.svd`.

    Unless `some`, U and V are square. Without `compute_uv` they are square and zero.
    """
    if compute_uv:
        u, s, v = decomposition.svd(input, not some)
        return into_each(out, SingularVectors(u, s, v.mT), "svd")
    s = decomposition.svdvals(input)
    *lead, m, n = input.array.shape
    zeros = (input.new_zeros((*lead, k, k)) for k in (m, n))
    return into_each(out, SingularVectors(next(zeros), s, next(zeros)), "svd")


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """U, S, V of the q largest singular values of A (less M, if given), found by random directions.

    Good where the others are small; `niter` rounds of multiplying make them smaller. Halko,
    Martinsson & Tropp 2009, "Finding structure with randomness", algorithm 5.1.
    """
    require_matrix(A, "svd_lowrank")
    m, n = A.array.shape[-2:]
    q = 6 if q is None else operator.index(q)
    if not 0 <= q <= min(m, n):
        raise ValueError(f"svd_lowrank: q must be from 0 to {min(m, n)}, got {q}")
    if M is not None:
        A = A - require_matrix(M, "svd_lowrank", "M")
    directions = randn((n, q), dtype=A.dtype, device=A.device)
    basis = decomposition.qr(A @ directions).Q
    for _ in range(2 if niter is None else niter):
        basis = decomposition.qr(A.mT @ basis).Q
        basis = decomposition.qr(A @ basis).Q
    u, s, v = decomposition.svd(basis.mT @ A, False)
    return basis @ u, s, v.mT


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """`svd_lowrank` of rows as samples, less their mean unless `center` is False.

    The columns of V are the q principal directions, A @ V the coordinates.
    """
    require_matrix(A, "pca_lowrank")
    if q is None:
        q = min(6, *A.array.shape[-2:])
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
