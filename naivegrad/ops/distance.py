"""Distances: between all rows of matrices, and between two tensors along one dimension."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from naivegrad.autograd import Function, formula_vjp
from naivegrad.ops._args import check_batches, normalize_axis, require_tensor
from naivegrad.ops._reduction import paired
from naivegrad.ops.linalg import check_dtypes
from naivegrad.ops.select import where
from naivegrad.ops.vector_norm import norm
from naivegrad.tensor import Tensor, wrap


class CDist(Function):
    """z[i, j] = |x_i - y_j|_p of rows.    The gradients: CDistGrad; 0 where two rows coincide."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, p: float) -> Any:
        z = ctx.backend.cdist(x, y, p)
        ctx.p = p
        ctx.save_for_backward(x, y, z)
        return z

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y, z = ctx.saved_tensors
        need_x, need_y, _ = ctx.needs_input_grad
        return (
            CDistGrad.apply(grad, x, y, z, ctx.p) if need_x else None,
            CDistGrad.apply(grad.mT, y, x, z.mT, ctx.p) if need_y else None,
        )


class CDistGrad(Function):
    """grad_x_i = sum over j of grad_ij sign(d) (|d| / z_ij)^(p-1), d = x_i - y_j."""

    @staticmethod
    def forward(ctx: Any, grad: Any, x: Any, y: Any, z: Any, p: float) -> Any:
        ctx.p = p
        ctx.save_for_backward(grad, x, y, z)
        return ctx.backend.cdist_grad(grad, x, y, z, p)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        p = ctx.p

        def formula(flow: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
            d = x.unsqueeze(-2) - y.unsqueeze(-3)  # (..., M, N, K)
            flow, z = flow.unsqueeze(-1), z.unsqueeze(-1)
            if p == 0:
                return flow.sum(-2) * x * 0
            if p == 1 or math.isinf(p):
                slope = d.sign() if p == 1 else where((d.abs() == z) & (z > 0), d.sign(), 0.0)
            else:
                ratio = d / where(z == 0, 1.0, z)
                if p == 2:
                    slope = ratio
                else:
                    size = where(d == 0, 1.0, ratio).abs()
                    slope = where(d == 0, 0.0, d.sign() * size ** (p - 1))
            return (flow * slope).sum(-2)

        return formula_vjp(formula, ctx.saved_tensors, grad)


_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)


def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The p-norm of the difference of every row of x1 and every row of x2.

    Parameters
    ----------
    x1 : Tensor, (..., M, K)
    x2 : Tensor, (..., N, K)
    p : float, 0 (how many places differ) to inf (the largest difference)
    compute_mode : ignored: differences are always taken, which is exact for close rows

    Returns
    -------
    Tensor, (..., M, N), leading axes broadcast. Differentiable to any order, with gradient 0 where
    two rows coincide. No array of the shape (M, N, K) is made, but in the second order.

    >>> import naivegrad as ng
    >>> ng.cdist(ng.tensor([[0.0, 0.0]]), ng.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[5.0, 1.0]]
    """
    require_tensor(x1, "cdist", "x1")
    require_tensor(x2, "cdist", "x2")
    a, b = x1.array.shape, x2.array.shape
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-1]:
        raise ValueError(f"cdist: expects (..., M, K) and (..., N, K), got {a} and {b}")
    if not p >= 0:
        raise ValueError(f"cdist: p must not be negative, got {p}")
    if compute_mode is not None and compute_mode not in _MODES:
        raise ValueError(f"cdist: compute_mode is one of {', '.join(_MODES)}, not {compute_mode!r}")
    check_dtypes("cdist", x1, x2)
    if x1.array.dtype not in (np.float32, np.float64):
        raise TypeError(f"cdist: expects float32 or float64, got {x1.dtype}")
    check_batches(x1, x2, "cdist")
    lead = np.broadcast_shapes(a[:-2], b[:-2])
    x = x1 if a[:-2] == lead else x1.expand(*lead, *a[-2:])
    y = x2 if b[:-2] == lead else x2.expand(*lead, *b[-2:])
    return CDist.apply(x, y, float(p))


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The distances of each pair of rows, as a vector: `cdist` above its diagonal, row by row.

    Of a matrix (M, K), M (M - 1) / 2 distances.
    """
    require_tensor(input, "pdist")
    if input.array.ndim != 2:
        raise ValueError(f"pdist: expects a matrix, got shape {input.array.shape}")
    backend = input.backend
    ones = backend.full((len(input.array), len(input.array)), 1, np.dtype("int64"))
    above = wrap(ones, backend).triu(1)
    rows, columns = (wrap(k, backend) for k in backend.nonzero(above.array))
    return cdist(input, input, p)[rows, columns]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along dim.

        y = x1 . x2 / (max(|x1|, eps) max(|x2|, eps))

    Parameters
    ----------
    x1, x2 : Tensor of floating point, broadcasting
    dim : int, the dimension of the vectors after broadcasting
    eps : keeps the division finite

    Returns
    -------
    Tensor of the common shape without dim

    Notes
    -----
    Differentiable in both, to any order. The gradient goes through a norm below eps all the same.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.cosine_similarity(ng.tensor([1.0, 1.0]), ng.tensor([0.0, 2.0]), dim=0)
    tensor(0.7071)
    """
    op = "cosine_similarity"
    x, y = paired(op, x1, x2, names=("x1", "x2"))
    axis = normalize_axis(dim, x.array.ndim, op)
    return (_unit(x, axis, eps) * _unit(y, axis, eps)).sum(axis)


def _unit(x: Tensor, axis: int, eps: float) -> Tensor:
    """x / max(|x|, eps), the bound being invisible to the gradient."""
    length = norm(x, 2, axis, True)
    return x / (length + (length.clamp(min=eps) - length).detach())


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """(sum |x1 - x2 + eps|^p)^(1/p) over the last dimension. Differentiable in both.

    eps keeps the gradient finite where the two are equal.
    """
    x, y = paired("pairwise_distance", x1, x2, names=("x1", "x2"))
    return norm(x - y + eps, p, -1, keepdim)
