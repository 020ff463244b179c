"""Norms of vectors and matrices, and the condition number."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import can_cast, is_differentiable
from naivegrad.ops._args import (
    into,
    normalize_axes,
    normalize_axis,
    numpy_dtype,
    require_floating,
    require_tensor,
)
from naivegrad.ops._axes import restore
from naivegrad.ops.decomposition import inv_ex, require_matrix, svdvals
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor

Dims = int | tuple[int, ...] | list[int] | None


class VectorNorm(Function):
    """y = (sum |x|^p)^(1/p) over some axes.    grad_x = grad * sign(x) |x|^(p-1) / y^(p-1).

    0 where x is 0; for infinite p, the elements of size y share the gradient evenly.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, p: float, axes: tuple[int, ...], keepdim: bool) -> Any:
        y = ctx.backend.vector_norm(x, p, axes, keepdim)
        ctx.p, ctx.axes, ctx.keepdim = p, axes, keepdim
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        p = ctx.p
        grad, y = (restore(t, x.array.shape, ctx.axes, ctx.keepdim) for t in (grad, y))
        if p == 0:
            return None
        if p == 1:
            return grad * x.sign()
        if math.isinf(p):
            extreme = (x.abs() == y) | (x != x)
            share = extreme.cast(x.array.dtype)
            return grad * x.sign() * (share / share.sum(ctx.axes, True))
        flat = y == 0
        y = where(flat, 1.0, y)
        if p == 2:
            return grad * (x / y)  # at most 1: grad / y might overflow
        flat = flat | (x == 0)
        size = where(flat, 1.0, x).abs()
        return where(flat, 0.0, grad * x.sign() * (size / y) ** (p - 1))


def _number(ord: Any, op: str) -> float:
    """A norm's order."""
    if isinstance(ord, bool) or not isinstance(ord, int | float):
        raise ValueError(f"{op}: an order must be a number here, got {ord!r}")
    return float(ord)


def _input(x: Any, dtype: Any, op: str, name: str) -> Tensor:
    """Floats or complex numbers, in the type asked for, which must not be narrower."""
    if not require_tensor(x, op, name).is_complex():
        require_floating(x, op)
    if dtype is None:
        return x
    wish = numpy_dtype(dtype)
    if (
        not is_differentiable(wish)
        or not can_cast(x.array.dtype, wish)
        or wish.itemsize < x.array.dtype.itemsize
    ):
        raise TypeError(f"{op}: cannot compute a norm of {x.dtype} in the narrower {dtype}")
    return x.cast(wish)


def _vector(x: Tensor, p: float, dim: Any, keepdim: bool, op: str) -> Tensor:
    axes = normalize_axes(dim, x.array.ndim, op)
    if (p < 0 or p == math.inf) and any(x.array.shape[i] == 0 for i in axes):
        raise ValueError(f"{op}: the norm of order {p} of nothing (shape {x.array.shape})")
    return VectorNorm.apply(_sizes(x), p, axes, bool(keepdim))


def _sizes(x: Tensor) -> Tensor:
    """Real numbers of the same norm."""
    return x.abs() if x.is_complex() else x


def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """(sum |x|^ord)^(1/ord) over dim (all, if left out), of x taken as one vector.

    ord = inf and -inf: the largest and the smallest |x|; 0: how many x are not 0. Where the norm is
    0 its gradient is 0.
    """
    x = _input(x, dtype, "vector_norm", "x")
    y = _vector(x, _number(ord, "vector_norm"), dim, keepdim, "vector_norm")
    return into(out, y, "vector_norm")


def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """A norm of matrices, which lie along two dimensions.

    ====== =====================================
    ord
    ====== =====================================
    "fro"  root of the sum of squares
    "nuc"  sum of the singular values
    2, -2  largest, smallest singular value
    1, -1  largest, smallest sum of a column
    inf    largest sum of a row (-inf: smallest)
    ====== =====================================
    """
    A = _input(A, dtype, "matrix_norm", "A")
    return into(out, _matrix(A, ord, dim, keepdim, "matrix_norm"), "matrix_norm")


def _matrix(x: Tensor, ord: Any, dim: Any, keepdim: bool, op: str) -> Tensor:
    if x.array.ndim < 2:
        raise ValueError(f"{op}: needs at least 2 dimensions, got shape {x.array.shape}")
    if not isinstance(dim, tuple | list) or len(dim) != 2:
        raise ValueError(f"{op}: dim must be two dimensions, got {dim!r}")
    row, column = (normalize_axis(d, x.array.ndim, op) for d in dim)
    if row == column:
        raise ValueError(f"{op}: the two dimensions must differ, got dim={tuple(dim)}")
    axes = (min(row, column), max(row, column))
    if ord == "fro":
        return VectorNorm.apply(_sizes(x), 2.0, axes, bool(keepdim))
    if ord not in ("nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise ValueError(f'{op}: ord is "fro", "nuc", inf, -inf, 1, -1, 2 or -2, not {ord!r}')
    if 0 in (x.array.shape[row], x.array.shape[column]):
        y = x.sum(axes, True)
    elif ord in ("nuc", 2, -2):
        s = svdvals(x.movedim((row, column), (-2, -1)))
        y = s.sum(-1) if ord == "nuc" else s.amax(-1) if ord == 2 else s.amin(-1)
        y = restore(y, x.array.shape, axes, False)
    else:
        summed, left = (row, column) if abs(ord) == 1 else (column, row)
        sums = x.abs().sum(summed, True)
        y = sums.amax(left, True) if ord > 0 else sums.amin(left, True)
    return y if keepdim else y.squeeze(axes)


def matrix_or_vector_norm(
    input: Tensor,
    ord: float | str | None = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:
    """`vector_norm` over one dimension, of a vector, or without ord; else `matrix_norm`."""
    x = _input(input, dtype, "norm", "input")
    if ord is None:
        return into(out, _vector(x, 2.0, dim, keepdim, "norm"), "norm")
    if dim is None and x.array.ndim not in (1, 2):
        raise ValueError(
            f"norm: with ord and without dim the input must be a vector or a matrix, got shape "
            f"{x.array.shape}"
        )
    of_matrix = (
        x.array.ndim == 2 if dim is None else isinstance(dim, tuple | list) and len(dim) == 2
    )
    if of_matrix or isinstance(ord, str):
        y = _matrix(x, ord, (-2, -1) if dim is None else dim, keepdim, "norm")
    else:
        y = _vector(x, _number(ord, "norm"), dim, keepdim, "norm")
    return into(out, y, "norm")


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:
    """(sum |x|^p)^(1/p) over dim (all, if left out); p = inf: the largest |x|.

    "fro" is p = 2, over at most two dimensions if they are given; "nuc" is the sum of the singular
    values of matrices. Where the norm is 0 its gradient is 0.
    """
    x = _input(input, dtype, "norm", "input")
    if p == "nuc":
        y = _matrix(x, p, (-2, -1) if dim is None and x.array.ndim == 2 else dim, keepdim, "norm")
    elif isinstance(p, str) and p != "fro":
        raise ValueError(f'norm: p is a number, "fro" or "nuc", not {p!r}')
    else:
        if p == "fro" and isinstance(dim, tuple | list) and len(dim) > 2:
            raise ValueError(f'norm: "fro" takes at most two dimensions, got dim={tuple(dim)}')
        number = 2.0 if p is None or p == "fro" else _number(p, "norm")
        y = _vector(x, number, dim, keepdim, "norm")
    return into(out, y, "norm")


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of all of input - other, which broadcast; the gradient at distance 0 is 0."""
    return norm(require_tensor(input, "dist") - require_tensor(other, "dist", "other"), p)


def renorm(
    input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None
) -> Tensor:
    """Slices along dim whose p-norm is above maxnorm, scaled down to it; the others as they are.

    Raises
    ------
    ValueError
        Fewer than two dimensions, p not above 0, or a negative maxnorm.
    """
    x = require_tensor(input, "renorm")
    axis = normalize_axis(dim, x.array.ndim, "renorm")
    if x.array.ndim < 2:
        raise ValueError(f"renorm: needs at least 2 dimensions, got shape {x.array.shape}")
    if p <= 0 or maxnorm < 0:
        raise ValueError(f"renorm: needs p > 0 and maxnorm >= 0, got p={p} and maxnorm={maxnorm}")
    length = norm(x, p, tuple(i for i in range(x.array.ndim) if i != axis), True)
    y = x * where(length > maxnorm, maxnorm / (length + 1e-7), 1.0)
    return into(out, y, "renorm")


def cond(A: Tensor, p: float | str | None = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number of matrices: the norm of A times that of its inverse.

    For p = None and 2 the largest singular value by the smallest (-2: the other way round), for
    which A need not be square. Infinite where A is singular.
    """
    require_matrix(A, "cond")
    if p is None or p in (2, -2):
        if not A.array.size:
            return into(out, A.new_zeros(A.array.shape[:-2]), "cond")
        s = svdvals(A)
        y = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
        return into(out, y, "cond")
    if p not in ("fro", "nuc", 1, -1, math.inf, -math.inf):
        raise ValueError(f'cond: p is None, "fro", "nuc", inf, -inf, 1, -1, 2 or -2, not {p!r}')
    require_matrix(A, "cond", square=True)
    inverse, info = inv_ex(A)
    y = _matrix(A, p, (-2, -1), False, "cond") * _matrix(inverse, p, (-2, -1), False, "cond")
    return into(out, where(info > 0, math.inf, y), "cond")
