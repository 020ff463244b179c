"""Factors under the names and with the arguments that they have outside of `naivegrad.linalg`."""

from __future__ import annotations

from typing import Any, NamedTuple

from naivegrad.ops import decomposition
from naivegrad.ops._args import into, into_each
from naivegrad.ops.decomposition import QRFactors
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
