"""Joining tensors and taking them apart. Cat and Split are each other's transposes."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

from naivegrad.autograd import Function
from naivegrad.autograd.mode import grad_mode
from naivegrad.autograd.view import View
from naivegrad.backend.promotion import promote
from naivegrad.ops._args import into, normalize_axis, require_tensor
from naivegrad.ops._args import sizes as shape_of
from naivegrad.ops.movement import Slice, reshape, unsqueeze
from naivegrad.tensor import Tensor


class Cat(Function):
    """y = the inputs one after the other along an axis.    grad_x_i = the i-th piece of grad."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, axis: int, *xs: Any) -> Any:
        ctx.axis = axis
        ctx.lengths = tuple(x.shape[axis] for x in xs)
        return ctx.backend.cat(list(xs), axis)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return None, *Split.apply(grad, ctx.lengths, ctx.axis)


class Split(Function):
    """y_1, y_2, ... = consecutive pieces of x along an axis.    grad_x = the gradients, joined."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, lengths: tuple[int, ...], axis: int) -> Any:
        ctx.x_shape, ctx.lengths, ctx.axis = x.shape, lengths, axis
        pieces = []
        for index in _pieces(lengths, axis):
            pieces.append(ctx.backend.slice(x, index))  # noqa: PERF401 (one frame less)
        return tuple(pieces)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        some = next(g for g in grads if g is not None)
        parts = []
        for g, n in zip(grads, ctx.lengths, strict=True):
            shape = (*ctx.x_shape[: ctx.axis], n, *ctx.x_shape[ctx.axis + 1 :])
            parts.append(some.detach().new_zeros(shape) if g is None else g)
        return Cat.apply(ctx.axis, *parts)


def _pieces(lengths: Sequence[int], axis: int) -> list[tuple[slice, ...]]:
    ends = 0
    pieces = []
    for n in lengths:
        pieces.append((slice(None),) * axis + (slice(ends, ends + n),))
        ends += n
    return pieces


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors one after the other along an axis; the other lengths must agree.

    Types promote. A 1-d tensor without elements is passed over, as in PyTorch.
    """
    given: list[Any] = list(tensors)
    if not given:
        raise ValueError("cat: expects at least one tensor")
    kept = []
    for x in given:
        if not isinstance(x, Tensor):
            require_tensor(x, "cat", "each of tensors")
        if x.array.shape != (0,):
            kept.append(x)
    kept = kept or given[:1]
    ndim = kept[0].array.ndim
    if ndim == 0:
        raise ValueError("cat: a 0-d tensor cannot be concatenated; use stack")
    axis = normalize_axis(dim, ndim, "cat")
    first = kept[0].array.shape
    for i, x in enumerate(kept):
        shape = x.array.shape
        if shape != first and (
            len(shape) != ndim
            or shape[:axis] != first[:axis]
            or shape[axis + 1 :] != first[axis + 1 :]
        ):
            raise ValueError(
                f"cat: lengths must agree except in dimension {axis}: tensor 0 has shape {first}, "
                f"tensor {i} has {shape}"
            )
    y = Cat.apply(axis, *kept)
    if len(kept) < len(tensors):  # a tensor that is passed over counts for the type
        kind = functools.reduce(promote, {x.array.dtype for x in tensors})
        y = y.cast(kind) if y.array.dtype != kind else y
    return into(out, y, "cat")


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape along a new axis."""
    tensors = list(tensors)
    if not tensors:
        raise ValueError("stack: expects at least one tensor")
    shape = require_tensor(tensors[0], "stack", "each of tensors").array.shape
    axis = normalize_axis(dim, len(shape) + 1, "stack")
    for i, x in enumerate(tensors):
        if require_tensor(x, "stack", "each of tensors").array.shape != shape:
            raise ValueError(
                f"stack: shapes must be equal: tensor 0 has {shape}, tensor {i} has {x.array.shape}"
            )
    return into(out, Cat.apply(axis, *[unsqueeze(x, axis) for x in tensors]), "stack")


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side: joined along dim 1, vectors along dim 0."""
    tensors = [atleast_1d(x) for x in _listed(tensors, "hstack")]
    return cat(tensors, 0 if tensors[0].array.ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors one below the other: joined along dim 0, vectors as rows."""
    return cat([atleast_2d(x) for x in _listed(tensors, "vstack")], 0, out=out)


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors one behind the other: joined along dim 2."""
    return cat([atleast_3d(x) for x in _listed(tensors, "dstack")], 2, out=out)


row_stack = vstack


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side: joined along dim 1, vectors as columns."""
    columns = [
        reshape(x, (x.array.size, 1)) if x.array.ndim < 2 else x
        for x in _listed(tensors, "column_stack")
    ]
    return cat(columns, 1, out=out)


def _listed(tensors: Sequence[Tensor], op: str) -> list[Tensor]:
    tensors = list(tensors)
    if not tensors:
        raise ValueError(f"{op}: expects at least one tensor")
    return [require_tensor(x, op, "each of tensors") for x in tensors]


def atleast_1d(*tensors: Any) -> Any:
    """Tensors with 1 dimension at least; one, or a tuple of several."""
    return _at_least(tensors, "atleast_1d", lambda shape: shape or (1,))


def atleast_2d(*tensors: Any) -> Any:
    """Tensors with 2 dimensions at least: new ones of length 1 in front."""
    return _at_least(tensors, "atleast_2d", lambda shape: (1,) * (2 - len(shape)) + shape)


def atleast_3d(*tensors: Any) -> Any:
    """Tensors with 3 dimensions at least: a vector as (1, N, 1), a matrix as (M, N, 1)."""
    return _at_least(
        tensors,
        "atleast_3d",
        lambda shape: (1,) * (2 - len(shape)) + shape + (1,) if len(shape) < 3 else shape,
    )


def _at_least(tensors: Any, op: str, grown: Any) -> Any:
    several = len(tensors) != 1
    if not several and isinstance(tensors[0], tuple | list):
        several, tensors = True, tensors[0]
    results = []
    for x in tensors:
        shape = require_tensor(x, op, "each of tensors").array.shape
        results.append(x if grown(shape) == shape else reshape(x, grown(shape)))
    return tuple(results) if several else results[0]


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive pieces along dim: of one length (the last perhaps less), or of given lengths."""
    shape = require_tensor(tensor, "split", "tensor").array.shape
    axis = normalize_axis(dim, len(shape), "split")
    if not shape:
        raise ValueError("split: a 0-d tensor cannot be split")
    n = shape[axis]
    if isinstance(split_size_or_sections, tuple | list):
        lengths = shape_of(split_size_or_sections, "split")
        if sum(lengths) != n or any(length < 0 for length in lengths):
            raise ValueError(
                f"split: sections {lengths} do not add up to the length {n} of dim {axis}"
            )
    else:
        size = operator.index(split_size_or_sections)
        if size < 0 or (size == 0 and n):
            raise ValueError(f"split: the piece length must be positive, got {size}")
        lengths = tuple(min(size, n - start) for start in range(0, n, size or 1)) or (0,)
    pieces = Split.apply(tensor, lengths, axis)
    for piece, index in zip(pieces, _pieces(lengths, axis), strict=True):
        View.track(Slice, (tensor, index), piece, grad_mode.enabled)
    return pieces


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Any:
    """Consecutive pieces of the given lengths along dim."""
    if not isinstance(split_sizes, tuple | list):
        raise TypeError(f"split_with_sizes: split_sizes must be a sequence, got {split_sizes!r}")
    return split(input, split_sizes, dim)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces along dim: so many, of lengths that differ by 1 at most, or cut at given indices.

    Indices are as in slices: negative ones count from the end, those beyond it cut nothing off.

    Examples
    --------
    >>> import naivegrad as ng
    >>> [p.tolist() for p in ng.tensor_split(ng.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    >>> [p.tolist() for p in ng.tensor_split(ng.arange(5), (1, 4))]
    [[0], [1, 2, 3], [4]]
    """
    op = "tensor_split"
    ndim = require_tensor(input, op).array.ndim
    if not ndim:
        raise ValueError(f"{op}: a 0-d tensor cannot be split")
    axis = normalize_axis(dim, ndim, op)
    n = input.array.shape[axis]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, tuple | list):
        ends = [slice(None, end).indices(n)[1] for end in shape_of(indices_or_sections, op)]
        bounds = [0, *ends, n]
    else:
        count = operator.index(indices_or_sections)
        if count < 1:
            raise ValueError(f"{op}: the number of sections must be positive, got {count}")
        size, longer = divmod(n, count)
        bounds = [i * size + min(i, longer) for i in range(count + 1)]
    along = (slice(None),) * axis
    return tuple(
        [
            Slice.apply(input, (*along, slice(start, max(start, end))))
            for start, end in itertools.pairwise(bounds)
        ]
    )


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces along dim 1, of a vector along dim 0: equal parts, or cut at indices."""
    return _split_evenly(input, indices_or_sections, "hsplit", 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces along dim 0 of 2 dimensions or more: equal parts, or cut at indices."""
    return _split_evenly(input, indices_or_sections, "vsplit", 0)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces along dim 2 of 3 dimensions or more: equal parts, or cut at indices."""
    return _split_evenly(input, indices_or_sections, "dsplit", 2)


def _split_evenly(x: Tensor, sections: Any, op: str, dim: int) -> tuple[Tensor, ...]:
    least = {"hsplit": 1, "vsplit": 2, "dsplit": 3}[op]
    shape = require_tensor(x, op).array.shape
    if len(shape) < least:
        raise ValueError(f"{op}: expects {least} dimensions or more, got shape {shape}")
    axis = min(dim, len(shape) - 1)
    if not isinstance(sections, tuple | list):
        count = operator.index(sections)
        if count < 1 or shape[axis] % count:
            raise ValueError(
                f"{op}: dim {axis} of length {shape[axis]} does not make {count} equal parts"
            )
    return tensor_split(x, sections, axis)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of equal length along dim (the last may be shorter)."""
    require_tensor(input, "chunk")
    if chunks < 1:
        raise ValueError(f"chunk: the number of chunks must be positive, got {chunks}")
    axis = normalize_axis(dim, input.array.ndim, "chunk")
    if not input.array.ndim:
        raise ValueError("chunk: a 0-d tensor cannot be split")
    n = input.array.shape[axis]
    if n == 0:
        return split(input, [0] * chunks, axis)
    return split(input, -(-n // chunks), axis)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along dim, without it."""
    axis = normalize_axis(dim, require_tensor(input, "unbind").array.ndim, "unbind")
    if not input.array.ndim:
        raise ValueError("unbind: a 0-d tensor has no dimension to unbind")
    n = input.array.shape[axis]
    if n == 0:
        return ()
    return tuple(piece.squeeze(axis) for piece in split(input, 1, axis))
