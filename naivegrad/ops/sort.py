"""Sorting along a dimension, and the largest or smallest values."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.ops._args import into, into_each, normalize_axis, require_tensor
from naivegrad.ops._axes import ordered
from naivegrad.ops._results import ValuesIndices
from naivegrad.ops.movement import Reshape
from naivegrad.ops.scatter import Gather, GatherSum
from naivegrad.tensor import Tensor, wrap


class Sort(Function):
    """values, index = x sorted along an axis, or the first k of it.

    grad_x = grad of the values, put back.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, descending: bool, k: int | None = None) -> Any:
        ctx.axis, ctx.x_shape = axis, x.shape
        if k is None:
            values, index = ctx.backend.sort(x, axis, descending)
        else:
            values, index = ctx.backend.topk(x, axis, k, descending)
        ctx.save_for_backward(index)
        ctx.mark_non_differentiable(index)
        return values, index

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, _: Any = None) -> Any:
        (index,) = ctx.saved_tensors
        return None if grad is None else GatherSum.apply(grad, ctx.x_shape, ctx.axis, index)

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, *_: Any) -> Any:
        (index,) = ctx.saved_tensors
        return Gather.apply(x_dot, ctx.axis, index), None


def _axis(op: str, x: Any, dim: int | None) -> int:
    return normalize_axis(-1 if dim is None else dim, ordered(x, op).array.ndim, op)


def _of_one(x: Tensor) -> ValuesIndices:
    """A 0-d tensor, sorted."""
    zero = wrap(x.backend.full((), 0, np.dtype("int64")), x.backend)
    return ValuesIndices(x.clone(), zero)


def sort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool = False,
    out: Any = None,
) -> ValuesIndices:
    """The values sorted along a dimension, and where they stood.

    Parameters
    ----------
    descending : the largest first
    stable : keep the order of equal values; here it is always kept

    Returns
    -------
    (values, indices), with input.gather(dim, indices) equal to values

    Notes
    -----
    A NaN counts as the largest value. Differentiable: the gradient goes to where the value stood.

    Examples
    --------
    >>> import naivegrad as ng
    >>> values, indices = ng.sort(ng.tensor([3.0, 1.0, 2.0]))
    >>> values, indices
    (tensor([1., 2., 3.]), tensor([1, 2, 0]))
    """
    axis = _axis("sort", input, dim)
    result = (
        ValuesIndices(*Sort.apply(input, axis, bool(descending)))
        if input.array.ndim
        else _of_one(input)
    )
    return into_each(out, result, "sort")


def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Tensor:
    """The indices that sort a dimension, as int64. Equal values keep their order."""
    axis = _axis("argsort", input, dim)
    if not input.array.ndim:
        return _of_one(input).indices
    return wrap(input.backend.sort(input.array, axis, bool(descending))[1], input.backend)


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The values sorted along the first dimension."""
    require_tensor(input, "msort")
    return into(out, sort(input, 0).values, "msort")


def topk(
    input: Tensor,
    k: int,
    dim: int | None = None,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: Any = None,
) -> ValuesIndices:
    """The k largest values along a dimension (the last), in order, and where they stand.

    Parameters
    ----------
    k : how many, from 0 to the length of dim
    largest : otherwise the smallest
    sorted : whether they must be in order; here they always are

    Raises
    ------
    ValueError
        k out of range.

    Notes
    -----
    A NaN counts as the largest value. Which of equal values are taken is not defined.
    Differentiable: the gradient goes to where the value stood. By partial selection.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.topk(ng.tensor([1.0, 4.0, 2.0, 3.0]), 2).indices
    tensor([1, 3])
    """
    axis = _axis("topk", input, dim)
    n = input.array.shape[axis] if input.array.ndim else 1
    count = operator.index(k)
    if not 0 <= count <= n:
        raise ValueError(f"topk: k must be in [0, {n}] along dimension {axis}, got {k}")
    result = (
        ValuesIndices(*Sort.apply(input, axis, bool(largest), count))
        if input.array.ndim
        else _of_one(input)
    )
    return into_each(out, result, "topk")


def kthvalue(
    input: Tensor, k: int, dim: int | None = None, keepdim: bool = False, *, out: Any = None
) -> ValuesIndices:
    """The k-th smallest value along a dimension (the last), k from 1, and where it stands.

    A NaN counts as the largest value. Differentiable in the value; ValueError for a k out of range.
    """
    op = "kthvalue"
    axis = _axis(op, input, dim)
    n = input.array.shape[axis] if input.array.ndim else 1
    if n == 0:
        raise IndexError(f"{op}: dimension {axis} of shape {input.array.shape} has no elements")
    if not 1 <= operator.index(k) <= n:
        raise ValueError(f"{op}: k must be in [1, {n}] along dimension {axis}, got {k}")
    if not input.array.ndim:
        return into_each(out, _of_one(input), op)
    indices = wrap(input.backend.kth(input.array, axis, operator.index(k) - 1), input.backend)
    values = Gather.apply(input, axis, indices)
    if not keepdim:
        shape = input.array.shape[:axis] + input.array.shape[axis + 1 :]
        values, indices = Reshape.apply(values, shape), Reshape.apply(indices, shape)
    return into_each(out, ValuesIndices(values, indices), op)
