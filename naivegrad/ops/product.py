"""Products made of others: kron, cross, vecdot, chains of matrices; trace, vander."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_differentiable
from naivegrad.ops._args import check_shapes, into, normalize_axis, require_tensor
from naivegrad.ops.diagonal import diagonal
from naivegrad.ops.joining import cat
from naivegrad.ops.linalg import check_dtypes, matmul
from naivegrad.tensor import Tensor


def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix. Of integers it is int64."""
    require_tensor(input, "trace")
    if input.array.ndim != 2:
        raise ValueError(f"trace: expects a matrix, got shape {input.array.shape}")
    return input.diagonal().sum()


def diagonal_of_last(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as a new last axis; a view."""
    return diagonal(A, offset, dim1, dim2)


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: every element of input, times all of other, as blocks.

    z[i * M + k, j * N + l] = x[i, j] * y[k, l], for y of shape (M, N), and so in any number of
    dimensions; leading axes of length 1 are added to the tensor that has fewer.
    """
    require_tensor(input, "kron")
    require_tensor(other, "kron", "other")
    ndim = max(input.array.ndim, other.array.ndim)
    a = (*[1] * (ndim - input.array.ndim), *input.array.shape)
    b = (*[1] * (ndim - other.array.ndim), *other.array.shape)
    x = input.reshape([n for length in a for n in (length, 1)])
    y = other.reshape([n for length in b for n in (1, length)])
    z = (x * y).reshape([m * n for m, n in zip(a, b, strict=True)])
    return into(out, z, "kron")


class Cross(Function):
    """z = x cross y.    grad_x = y cross grad,    grad_y = grad cross x."""

    kind = "bilinear"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, axis: int) -> Any:
        ctx.axis = axis
        ctx.save_for_backward(x, y)
        return ctx.backend.cross(x, y, axis)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        return (
            None if y is None else Cross.apply(y, grad, ctx.axis),
            None if x is None else Cross.apply(grad, x, ctx.axis),
        )


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The vector product of vectors of three numbers along dim; other dimensions broadcast.

    z_0 = x_1 y_2 - x_2 y_1, and so on in a circle.
    """
    require_tensor(input, "cross")
    require_tensor(other, "cross", "other")
    a, b = input.array.shape, other.array.shape
    if len(a) != len(b):
        raise ValueError(f"cross: both tensors need as many dimensions, got shapes {a} and {b}")
    check_dtypes("cross", input, other)
    axis = normalize_axis(dim, len(a), "cross")
    if not a or a[axis] != 3 or b[axis] != 3:
        raise ValueError(f"cross: dimension {dim} must have length 3, of shapes {a} and {b}")
    check_shapes(input, other, "cross")
    return into(out, Cross.apply(input, other, axis), "cross")


def cross_of_first(
    input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The vector product along dim or, without it, along the first dimension of length 3."""
    require_tensor(input, "cross")
    if dim is None:
        shape = input.array.shape
        dim = next((i for i, n in enumerate(shape) if n == 3), None)
        if dim is None:
            raise ValueError(f"cross: no dimension of length 3 in shape {shape}")
    return cross(input, other, dim=dim, out=out)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Inner products of the vectors along dim, x conjugated; the other dimensions broadcast."""
    require_tensor(x, "vecdot", "x")
    require_tensor(y, "vecdot", "y")
    check_dtypes("vecdot", x, y)
    if not is_differentiable(x.array.dtype):
        raise TypeError(f"vecdot: a floating-point or complex tensor is needed, got {x.dtype}")
    axis = normalize_axis(dim, max(x.array.ndim, y.array.ndim), "vecdot")
    back = axis - max(x.array.ndim, y.array.ndim, 1)  # from the end, where shapes are aligned
    lengths = [t.array.shape[back] for t in (x, y) if -back <= t.array.ndim]
    if len(lengths) == 2 and lengths[0] != lengths[1]:
        raise ValueError(
            f"vecdot: the lengths along dim {dim} differ, {lengths[0]} and {lengths[1]} "
            f"(shapes {x.array.shape} and {y.array.shape})"
        )
    return into(out, (x.conj() * y).sum(back), "vecdot")


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector as columns, x^(N-1) ... x, 1; in rising order if `increasing`."""
    require_tensor(x, "vander", "x")
    if x.array.ndim != 1:
        raise ValueError(f"vander: x must be a vector, got shape {x.array.shape}")
    powers = _powers(x, N, "vander", least=0)
    return powers if increasing else powers.flip(1)


def vander_of_last(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 1, x, ... x^(N-1) of each element, along a new last axis; N is x's last length."""
    require_tensor(x, "vander", "x")
    if x.array.ndim == 0:
        raise ValueError("vander: x needs at least 1 dimension, got shape ()")
    return _powers(x, N, "vander", least=2)


def _powers(x: Tensor, count: int | None, op: str, least: int) -> Tensor:
    """1, x, x^2 ... along a new last axis, by repeated multiplication."""
    shape = x.array.shape
    n = shape[-1] if count is None else operator.index(count)
    if n < least and count is not None:
        raise ValueError(f"{op}: N must be at least {least}, got {n}")
    if not is_differentiable(x.array.dtype):
        x = x.long()
    ones = x.detach().new_ones((*shape, 1))
    repeated = x.unsqueeze(-1).expand(*shape, n - 1 if n else 0)
    return cat([ones, repeated], -1).cumprod(-1)[..., :n]


def chain_matmul(*matrices: Any, out: Tensor | None = None) -> Tensor:
    """The product of matrices, multiplied in the order that takes the fewest steps."""
    if len(matrices) == 1 and isinstance(matrices[0], list | tuple):
        matrices = tuple(matrices[0])
    for k, x in enumerate(matrices):
        require_tensor(x, "chain_matmul", f"matrix {k}")
        if x.array.ndim != 2:
            raise ValueError(f"chain_matmul: expects matrices, got shape {x.array.shape}")
    return into(out, _chain(matrices, "chain_matmul"), "chain_matmul")


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of two or more matrices, in the order that takes the fewest steps.

    The first may be a vector, taken as a row, and the last, taken as a column. Cormen et al. 2009,
    "Introduction to Algorithms", 15.2.
    """
    if not isinstance(tensors, list | tuple):
        raise TypeError(f"multi_dot: expects a list of tensors, got {type(tensors).__name__}")
    tensors = list(tensors)
    if len(tensors) < 2:
        raise ValueError(f"multi_dot: expects two or more tensors, got {len(tensors)}")
    for k, x in enumerate(tensors):
        require_tensor(x, "multi_dot", f"tensor {k}")
        inside = 0 < k < len(tensors) - 1
        if x.array.ndim != 2 and (inside or x.array.ndim != 1):
            raise ValueError(
                f"multi_dot: tensor {k} must be a matrix{'' if inside else ' or a vector'}, got "
                f"shape {x.array.shape}"
            )
    first, last = tensors[0].array.ndim == 1, tensors[-1].array.ndim == 1
    if first:
        tensors[0] = tensors[0].unsqueeze(0)
    if last:
        tensors[-1] = tensors[-1].unsqueeze(1)
    result = _chain(tensors, "multi_dot")
    result = result.squeeze(1) if last else result
    return into(out, result.squeeze(0) if first else result, "multi_dot")


def _chain(matrices: Sequence[Tensor], op: str) -> Tensor:
    """The product of matrices that follow one another."""
    if not matrices:
        raise ValueError(f"{op}: expects at least one matrix")
    check_dtypes(op, *matrices)
    shapes = [x.array.shape for x in matrices]
    for a, b in itertools.pairwise(shapes):
        if a[1] != b[0]:
            raise ValueError(f"{op}: shapes {a} and {b} do not follow one another")
    lengths = (*[shape[0] for shape in shapes], shapes[-1][1])

    def product(i: int, j: int) -> Tensor:  # of matrices i ... j
        if i == j:
            return matrices[i]
        cut = _best_cut(lengths[i : j + 2])[1]
        return matmul(product(i, i + cut), product(i + cut + 1, j))

    return product(0, len(matrices) - 1)


@functools.lru_cache(1024)
def _best_cut(lengths: tuple[int, ...]) -> tuple[int, int]:
    """The fewest multiplications of a chain of matrices, and after which one to cut it last."""
    if len(lengths) < 3:
        return 0, 0
    return min(
        (
            _best_cut(lengths[: k + 2])[0]
            + _best_cut(lengths[k + 1 :])[0]
            + math.prod((lengths[0], lengths[k + 1], lengths[-1])),
            k,
        )
        for k in range(len(lengths) - 2)
    )
