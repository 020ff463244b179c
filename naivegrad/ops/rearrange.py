"""The same elements in another order, or repeated."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.ops._args import integer_index, normalize_axes, normalize_axis, require_tensor
from naivegrad.ops._args import sizes as shape_of
from naivegrad.ops.joining import cat
from naivegrad.ops.movement import expand, narrow, permute, reshape, transpose
from naivegrad.tensor import Tensor, wrap


class Flip(Function):
    """y = x with the order along some axes reversed.    grad_x = grad, reversed again."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...]) -> Any:
        ctx.axes = axes
        return ctx.backend.flip(x, axes)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Flip.apply(grad, ctx.axes)


def flip(input: Tensor, dims: Any) -> Tensor:
    """A copy with the order along dims reversed."""
    ndim = require_tensor(input, "flip").array.ndim
    axes = shape_of(dims, "flip")
    return Flip.apply(input, normalize_axes(axes, ndim, "flip") if axes else ())


def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order: flip along dim 1."""
    if require_tensor(input, "fliplr").array.ndim < 2:
        raise ValueError(f"fliplr: expects 2 dimensions or more, got shape {input.array.shape}")
    return Flip.apply(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order: flip along dim 0."""
    if require_tensor(input, "flipud").array.ndim < 1:
        raise ValueError("flipud: expects 1 dimension or more, got a 0-d tensor")
    return Flip.apply(input, (0,))


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned k times by a quarter in the plane of two dims, from the first towards the second.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.rot90(ng.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    ndim = require_tensor(input, "rot90").array.ndim
    if len(dims) != 2:
        raise ValueError(f"rot90: takes two dims, got {dims}")
    i, j = (normalize_axis(d, ndim, "rot90") for d in dims)
    if i == j or ndim < 2:
        raise ValueError(f"rot90: takes two different dims, got {dims} of shape {input.shape}")
    turns = operator.index(k) % 4
    if turns == 0:
        return input.clone()
    if turns == 2:
        return Flip.apply(input, (i, j))
    turned = transpose(input, i, j)
    return Flip.apply(turned, (i,) if turns == 1 else (j,))


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Elements moved along dims, those pushed out coming in at the other end."""
    require_tensor(input, "roll")
    if dims is None or dims == ():
        return reshape(roll(reshape(input, (-1,)), shifts, 0), input.array.shape)
    shifts = shifts if isinstance(shifts, tuple | list) else (shifts,)
    dims = dims if isinstance(dims, tuple | list) else (dims,)
    if len(shifts) != len(dims):
        raise ValueError(f"roll: {len(shifts)} shifts, but {len(dims)} dims")
    moved = input
    for shift, dim in zip(shifts, dims, strict=True):
        axis = normalize_axis(dim, input.array.ndim, "roll")
        if not input.array.ndim:
            raise IndexError(f"roll: a 0-d tensor has no dimension {dim}")
        n = input.array.shape[axis]
        k = shift % n if n else 0
        if k:
            moved = cat([narrow(moved, axis, n - k, k), narrow(moved, axis, 0, n - k)], axis)
    return input.clone() if moved is input else moved


def repeat(input: Tensor, repeats: Any) -> Tensor:
    """input, repeated so often along each axis; more numbers than axes make new axes in front.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = shape_of(repeats, "repeat")
    shape = require_tensor(input, "repeat").array.shape
    lead = len(times) - len(shape)
    if lead < 0 or any(n < 0 for n in times):
        raise ValueError(f"repeat: {times} does not fit a tensor of shape {shape}")
    shape = (1,) * lead + shape
    apart = [m for n in shape for m in (1, n)]  # (1, n) per axis: the 1 is what grows
    grown = [m for t, n in zip(times, shape, strict=True) for m in (t, n)]
    whole = [t * n for t, n in zip(times, shape, strict=True)]
    result = reshape(expand(reshape(input, apart), grown), whole)
    return result.clone() if result.view_of is not None else result


def tile(input: Tensor, dims: Any) -> Tensor:
    """`repeat`, where too few numbers are filled up with ones in front."""
    times = shape_of(dims, "tile")
    lead = require_tensor(input, "tile").array.ndim - len(times)
    return repeat(input, (1,) * lead + times)


def repeat_interleave(
    input: Tensor,
    repeats: Tensor | int | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each slice along dim repeated, one after the other; of the flattened tensor without dim.

    Parameters
    ----------
    repeats : how often: one number for all slices, or a 1-d integer tensor with one for each.
        repeat_interleave(repeats) alone gives 0 repeats[0] times, 1 repeats[1] times, ...
    output_size : the length of the result along dim, checked where it is given

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.repeat_interleave(ng.tensor([7, 8, 9]), ng.tensor([2, 0, 1]))
    tensor([7, 7, 9])
    """
    op = "repeat_interleave"
    require_tensor(input, op)
    if repeats is None:
        counts = _counts(input, op)
        return _positions(input, counts, output_size).cast(input.array.dtype)
    if dim is None:
        input, axis = reshape(input, (-1,)), 0
    else:
        axis = normalize_axis(dim, input.array.ndim, op)
        if not input.array.ndim:
            raise IndexError(f"{op}: a 0-d tensor has no dimension {dim}; leave dim out")
    n = input.array.shape[axis]
    if not isinstance(repeats, Tensor) or repeats.array.size == 1:
        times = operator.index(repeats if not isinstance(repeats, Tensor) else repeats.item())
        if times < 0:
            raise ValueError(f"{op}: repeats must not be negative, got {times}")
        _check_output_size(n * times, output_size)
        shape = input.array.shape
        before, after = shape[:axis], shape[axis + 1 :]
        apart = reshape(input, (*before, n, 1, *after))
        result = reshape(expand(apart, (*before, n, times, *after)), (*before, n * times, *after))
        return result.clone() if result.view_of is not None else result
    counts = _counts(repeats, op)
    if counts.shape[0] != n:
        raise ValueError(
            f"{op}: repeats has {counts.shape[0]} numbers for the {n} slices along dim {axis}"
        )
    return input.index_select(axis, _positions(input, counts, output_size))


def _counts(repeats: Tensor, op: str) -> Any:
    if repeats.array.ndim != 1 or repeats.array.dtype.kind not in "iu":
        raise ValueError(
            f"{op}: repeats must be a 1-d integer tensor, got {repeats.dtype} of shape "
            f"{repeats.array.shape}"
        )
    return integer_index(repeats, op, np.iinfo(np.int64).max, 0)  # none is negative


def _positions(x: Tensor, counts: Any, output_size: int | None) -> Tensor:
    backend = x.backend
    numbers = backend.arange(0, counts.shape[0], 1, np.dtype("int64"))
    positions = backend.repeat(numbers, counts)
    _check_output_size(positions.shape[0], output_size)
    return wrap(positions, backend)


def _check_output_size(size: int, output_size: int | None) -> None:
    if output_size is not None and output_size != size:
        raise ValueError(
            f"repeat_interleave: output_size is {output_size}, but the repeats add up to {size}"
        )


def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of matrices: the last two axes exchanged. A 0-d tensor: its conj."""
    if not require_tensor(input, "adjoint").array.ndim:
        return input.conj()
    if input.array.ndim < 2:
        raise ValueError(f"adjoint: expects 2 dimensions or more, got shape {input.array.shape}")
    axes = (*range(input.array.ndim - 2), input.array.ndim - 1, input.array.ndim - 2)
    return permute(input, axes).conj()
