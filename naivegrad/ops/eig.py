"""Eigenvalues and eigenvectors: of symmetric matrices, real; of any square ones, complex."""

from __future__ import annotations

from typing import Any, NamedTuple

from naivegrad.autograd import Function
from naivegrad.ops._args import into, into_each
from naivegrad.ops.decomposition import (
    Solve,
    converged,
    gaps,
    identity,
    recorded,
    require_matrix,
)
from naivegrad.ops.diagonal import diag_embed
from naivegrad.tensor import Tensor, wrap


class Eigen(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class Eigh(Function):
    """w, v with x = v diag(w) v^T.    grad_x = v (diag(grad_w) + (v^T grad_v) / e) v^T.

    e[i, j] = w[j] - w[i]. Giles 2008, "An extended collection of matrix derivative results".
    """

    @staticmethod
    def forward(ctx: Any, x: Any, upper: bool) -> Any:
        w, v = converged(ctx.backend.eigh, "eigh", x, upper)
        ctx.save_for_backward(w, v)
        return w, v

    @staticmethod
    def backward(ctx: Any, grad_w: Any, grad_v: Any) -> Any:
        w, v = ctx.saved_tensors
        inside = None if grad_w is None else diag_embed(grad_w)
        if grad_v is not None:
            n = w.array.shape[-1]
            turn = (v.mT @ grad_v) * (1 - identity(w, n)) / gaps(w)
            inside = turn if inside is None else inside + turn
        return v @ inside @ v.mT


def which_triangle(UPLO: str, op: str) -> bool:
    """Whether the upper triangle is to be read."""
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise ValueError(f'{op}: UPLO is "L" or "U", not {UPLO!r}')
    return UPLO.upper() == "U"


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Eigen:
    """Eigenvalues in rising order, and eigenvectors, of symmetric matrices.

    Only one triangle is read, the lower one or (UPLO="U") the upper. The gradient takes A to be
    symmetric.
    """
    require_matrix(A, "eigh", square=True)
    return into_each(out, Eigen(*Eigh.apply(A, which_triangle(UPLO, "eigh"))), "eigh")


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of symmetric matrices, in rising order. Differentiable where they differ."""
    require_matrix(A, "eigvalsh", square=True)
    upper = which_triangle(UPLO, "eigvalsh")
    if recorded(A):
        return into(out, Eigh.apply(A, upper)[0], "eigvalsh")
    w = wrap(converged(A.backend.eigvalsh, "eigvalsh", A.array, upper), A.backend)
    return into(out, w, "eigvalsh")


class Eig(Function):
    """w, v with x v = v diag(w), the columns of v of length 1.

    grad_x = v^-T (diag(grad_w) + (a - v^T conj(v) diag(real diagonal of a)) / e) v^T

    with a = v^T grad_v and e[i, j] = w[j] - w[i]; of a real x, the real part of it. Boeddeker et
    al. 2017, "On the computation of complex-valued gradients".
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        w, v = converged(ctx.backend.eig, "eig", x)
        ctx.real = x.dtype.kind == "f"
        ctx.save_for_backward(w, v)
        return w, v

    @staticmethod
    def backward(ctx: Any, grad_w: Any, grad_v: Any) -> Any:
        w, v = ctx.saved_tensors
        inside = None if grad_w is None else diag_embed(grad_w)
        if grad_v is not None:
            a = v.mT @ grad_v
            scale = a.diagonal(0, -2, -1).real.cast(a.array.dtype).unsqueeze(-2)
            a = a - (v.mT @ v.conj()) * scale
            turn = a * (1 - identity(w, w.array.shape[-1])) / gaps(w)
            inside = turn if inside is None else inside + turn
        grad_x = Solve.apply(v.mT, inside @ v.mT)[0]
        return grad_x.real if ctx.real else grad_x


def eig(A: Tensor, *, out: Any = None) -> Eigen:
    """Eigenvalues, in no order, and eigenvectors of length 1, as columns; both complex.

    Differentiable where the eigenvalues differ, in functions that do not depend on the phases of
    the eigenvectors. For symmetric matrices see `eigh`.
    """
    require_matrix(A, "eig", square=True, complex=True)
    return into_each(out, Eigen(*Eig.apply(A)), "eig")


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of square matrices, in no order; complex."""
    require_matrix(A, "eigvals", square=True, complex=True)
    if recorded(A):
        return into(out, Eig.apply(A)[0], "eigvals")
    w = wrap(converged(A.backend.eigvals, "eigvals", A.array), A.backend)
    return into(out, w, "eigvals")
