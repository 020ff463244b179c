"""Indexing: x[...] in every form, gather and scatter. Each class stands beside its transpose."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.autograd.inplace import assign, refuse_leaf
from naivegrad.autograd.mode import grad_mode
from naivegrad.backend.promotion import is_differentiable
from naivegrad.ops._args import (
    as_tensor_like,
    check_bounds,
    integer_index,
    normalize_axis,
    require_tensor,
)
from naivegrad.ops.elementwise import Where
from naivegrad.ops.joining import stack
from naivegrad.ops.movement import Slice
from naivegrad.tensor import Tensor, wrap

Positions = tuple[Any, ...]  # per leading axis: slice(None) or an integer array


class Index(Function):
    """y = x[where], for arrays of positions.    grad_x = zeros with grad added at the positions."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, where: Positions) -> Any:
        ctx.x_shape, ctx.where = x.shape, where
        return ctx.backend.index(x, where)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return IndexAdd.apply(grad, ctx.x_shape, ctx.where)


class IndexAdd(Function):
    """y = zeros of a shape, then y[where] += x; repeats add up.    grad_x = grad[where]."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...], where: Positions) -> Any:
        ctx.where = where
        y = ctx.backend.full(shape, 0.0, x.dtype)
        ctx.backend.index_put_into(y, where, x, True)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Index.apply(grad, ctx.where)


class IndexPut(Function):
    """y = x, with y[where] = value (or += value).

    grad_x = grad, zeroed at the positions (unless they were added to),    grad_value = grad[where].
    """

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, value: Any, where: Positions, accumulate: bool) -> Any:
        ctx.where, ctx.accumulate = where, accumulate
        return ctx.backend.index_put(x, where, value, accumulate)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        grad_x = grad
        if not ctx.accumulate and ctx.needs_input_grad[0]:
            grad_x = IndexPut.apply(grad, as_tensor_like(0.0, grad), ctx.where, False)
        return grad_x, Index.apply(grad, ctx.where) if ctx.needs_input_grad[1] else None


class Gather(Function):
    """y[.., i, ..] = x[.., index[.., i, ..], ..].    grad_x = zeros, grad added at the index."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, index: Any) -> Any:
        ctx.x_shape, ctx.axis = x.shape, axis
        ctx.save_for_backward(index)
        return ctx.backend.gather(x, axis, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return ScatterAdd.apply(grad.new_zeros(ctx.x_shape), ctx.axis, index, grad)


class ScatterAdd(Function):
    """y = x, with y[.., index[.., i, ..], ..] += source[.., i, ..].

    grad_x = grad,    grad_source = grad gathered.
    """

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, index: Any, source: Any) -> Any:
        ctx.axis, ctx.source_shape = axis, source.shape
        ctx.save_for_backward(index)
        return ctx.backend.scatter_add(x, axis, index, source)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        grad_source = None
        if ctx.needs_input_grad[3]:
            grad_source = Gather.apply(grad, ctx.axis, index)
            if index.array.shape != ctx.source_shape:  # only a corner of the source was read
                pairs = zip(ctx.source_shape, index.array.shape, strict=True)
                widths = [w for n, m in list(pairs)[::-1] for w in (0, n - m)]
                grad_source = grad_source.pad(widths)
        return grad, None, None, grad_source


def _put(target: Tensor, value: Tensor, where: Any) -> Tensor:
    return IndexPut.apply(target, value, where, False)


def getitem(x: Tensor, key: Any) -> Tensor:
    """x[key]: a view for integers, slices, None, Ellipsis; a copy for tensors, lists, masks."""
    basic, where = _parse(x, key, "getitem")
    if basic is not None:
        x = Slice.apply(x, basic)
    return x if where is None else Index.apply(x, where)


def setitem(x: Tensor, key: Any, value: Any) -> None:
    """x[key] = value, in the memory of x; the value is broadcast and cast."""
    if grad_mode.enabled:
        refuse_leaf(x, "setitem")
    basic, where = _parse(x, key, "setitem")
    target = x if basic is None else Slice.apply(x, basic)
    if not isinstance(value, Tensor):
        value = wrap(x.backend.from_numpy(np.asarray(value, x.array.dtype)), x.backend)
    if where is None:
        shape = target.array.shape
        while value.array.ndim > len(shape) and value.array.shape[0] == 1:
            value = value[0]  # as PyTorch: leading axes of length 1 do no harm
        if _does_not_fit(value.array.shape, shape):
            raise ValueError(
                f"setitem: a value of shape {value.array.shape} does not fit the selection "
                f"of shape {shape}"
            )
        target.copy_(value)
    else:
        value = value.cast(target.array.dtype)
        try:
            assign(target, _put, value, where)
        except ValueError as error:
            raise ValueError(
                f"setitem: a value of shape {value.array.shape} does not fit the selection "
                f"({error})"
            ) from None


def _does_not_fit(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    lead = len(target) - len(shape)
    return lead < 0 or any(m not in (1, n) for m, n in zip(shape, target[lead:], strict=True))


def _parse(x: Tensor, key: Any, op: str) -> tuple[tuple[Any, ...] | None, Positions | None]:
    """An index as PyTorch applies it: first the basic part, which is a view; then the arrays.

    Either part is None where there is nothing to do.
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    shape = x.array.shape
    keys = [_as_index(k, x, op) for k in keys]
    takes = [_axes_taken(k) for k in keys]
    total = sum(takes)
    if total > len(shape):
        raise IndexError(f"{op}: too many indices ({total}) for a tensor of shape {shape}")
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1:
        raise IndexError(f"{op}: an index can hold only one Ellipsis")
    if dots:
        i = dots[0]
        keys[i : i + 1] = [slice(None)] * (len(shape) - total)

    basic: list[Any] = []
    where: list[Any] = []  # per axis of the basic result
    axis = 0
    for k in keys:
        if k is None:
            basic.append(None)
            where.append(slice(None))
        elif isinstance(k, slice):
            basic.append(_checked_slice(k, op))
            where.append(slice(None))
            axis += 1
        elif isinstance(k, int):
            if not -shape[axis] <= k < shape[axis]:
                raise IndexError(
                    f"{op}: index {k} is out of bounds for dimension {axis} with size {shape[axis]}"
                )
            basic.append(k)
            axis += 1
        else:
            positions = _positions(k, x, axis, op)
            basic.extend([slice(None)] * len(positions))
            where.extend(positions)
            axis += len(positions)
    everything = slice(None)
    plain = all(k == everything for k in basic if not hasattr(k, "shape"))
    arrays = any(hasattr(k, "shape") for k in where)
    if arrays:
        shapes = [k.shape for k in where if hasattr(k, "shape")]
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            raise IndexError(f"{op}: index shapes {shapes} do not broadcast together") from None
    basic_part = None if plain and arrays else tuple(basic)
    return basic_part, tuple(where) if arrays else None


def _as_index(k: Any, x: Tensor, op: str) -> Any:
    """One entry of an index: None, Ellipsis, slice, int, an array of integers or truth values."""
    if k is None or k is Ellipsis:
        return k
    if isinstance(k, slice):
        return slice(*(None if e is None else operator.index(e) for e in (k.start, k.stop, k.step)))
    if isinstance(k, Tensor):
        if k.array.ndim == 0 and k.array.dtype.kind in "iu":
            return int(k)
        k = k.array
    elif isinstance(k, bool | np.bool_):
        k = x.backend.from_numpy(np.asarray(k))
    elif isinstance(k, list | tuple | range | np.ndarray):
        k = np.asarray(
            [int(e) if isinstance(e, Tensor) else e for e in k] if isinstance(k, list) else k
        )
        if k.size == 0:
            k = k.astype(np.int64)
        k = x.backend.from_numpy(k)
    else:
        try:
            return operator.index(k)
        except TypeError:
            raise IndexError(
                f"{op}: an index must be made of integers, slices, None, Ellipsis, tensors or "
                f"lists, got {type(k).__name__}: {k!r}"
            ) from None
    if k.dtype.kind not in "iub":
        raise IndexError(
            f"{op}: tensors used as indices must be of integers or bool, got {k.dtype}"
        )
    return k


def _axes_taken(k: Any) -> int:
    if k is None or k is Ellipsis:
        return 0
    if hasattr(k, "shape") and k.dtype.kind == "b":
        return int(k.ndim)
    return 1


def _checked_slice(k: slice, op: str) -> slice:
    if k.step is not None and k.step <= 0:
        raise ValueError(f"{op}: the step of a slice must be positive, got {k.step}; use flip")
    return k


def _positions(k: Any, x: Tensor, axis: int, op: str) -> list[Any]:
    """Integer arrays, one per axis that the entry takes."""
    shape = x.array.shape
    if k.dtype.kind == "b":
        if k.shape != shape[axis : axis + k.ndim]:
            raise IndexError(
                f"{op}: a mask of shape {k.shape} does not fit shape {shape} at dimension {axis}"
            )
        if k.ndim == 0:
            raise IndexError(
                f"{op}: a single truth value cannot index; use a mask of the tensor's shape"
            )
        return list(x.backend.nonzero(k))
    check_bounds(x.backend.bounds(k), op, shape[axis], axis, least=-shape[axis])
    return [k]


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """y[i, j] = x[index[i, j], j] (dim 0) or x[i, index[i, j]] (dim 1), and so on.

    The index has as many dimensions as the input, and is not longer in any but dim. Differentiable
    in the input: repeated positions add up. IndexError for positions outside [0, n).
    """
    axis = normalize_axis(dim, input.array.ndim, "gather")
    _check_lines(input, axis, index, "gather")
    return Gather.apply(input, axis, index)


def _check_lines(
    x: Tensor, axis: int, index: Tensor, op: str, source: Tensor | None = None
) -> None:
    require_tensor(index, op, "index")
    a, b = x.array.shape, index.array.shape
    fits = max(len(a), 1) == max(len(b), 1) and all(
        m <= n for i, (m, n) in enumerate(zip(b, a, strict=False)) if i != axis
    )
    if not fits and index.array.size:
        raise ValueError(f"{op}: an index of shape {b} does not fit shape {a} along dim {axis}")
    if source is not None and index.array.size:
        c = source.array.shape
        if len(c) != len(b) or any(m > n for m, n in zip(b, c, strict=True)):
            raise ValueError(f"{op}: an index of shape {b} does not fit a source of shape {c}")
    integer_index(index, op, a[axis] if a else 1, axis)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """input, with y[index[i, j], j] += src[i, j] (dim 0), and so on; repeats add up in order."""
    axis = normalize_axis(dim, input.array.ndim, "scatter_add")
    _check_lines(input, axis, index, "scatter_add", src)
    if src.array.dtype != input.array.dtype:
        raise TypeError(f"scatter_add: src is {src.dtype}, but input is {input.dtype}")
    return ScatterAdd.apply(input, axis, index, src)


def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """A copy of input with alpha * source added where index says.

        y[:, index[i], :] += alpha * source[:, i, :]        (dim 1)

    Repeated indices add up. Differentiable in input and source.
    """
    axis = normalize_axis(dim, input.array.ndim, "index_add")
    array = integer_index(index, "index_add", input.array.shape[axis], axis)
    expected = (*input.array.shape[:axis], array.size, *input.array.shape[axis + 1 :])
    if array.ndim != 1 or source.array.shape != expected:
        raise ValueError(
            f"index_add: expects an index (n,) and a source {expected}, got {array.shape} and "
            f"{source.array.shape}"
        )
    where = (slice(None),) * axis + (array,)
    return IndexPut.apply(input, source if alpha == 1 else source * alpha, where, True)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of dim at the positions of a 1-d index."""
    axis = normalize_axis(dim, input.array.ndim, "index_select")
    if require_tensor(index, "index_select", "index").array.ndim > 1:
        raise ValueError(f"index_select: the index must be 1-d, got shape {index.array.shape}")
    size = input.array.shape[axis] if input.array.ndim else 1
    positions = integer_index(index, "index_select", size, axis)
    positions = positions.reshape(-1)
    if input.array.ndim == 0:
        return input.clone()
    return Index.apply(input, (slice(None),) * axis + (positions,))


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """value where the mask is true, else input. The gradient is 0 where it was filled."""
    require_tensor(mask, "masked_fill", "mask")
    if mask.array.dtype.kind != "b":
        raise TypeError(f"masked_fill: the mask must be a bool tensor, got {mask.dtype}")
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise ValueError(
                f"masked_fill: the value must be a number or 0-d, got shape {value.array.shape}"
            )
        value = value.cast(input.array.dtype)
    elif isinstance(value, float) and not is_differentiable(input.array.dtype):
        raise TypeError(f"masked_fill: value {value} cannot be stored in {input.dtype}")
    try:
        return Where.apply(mask, value, input)
    except ValueError:
        shapes = f"mask {mask.array.shape} and input {input.array.shape}"
        raise ValueError(f"masked_fill: {shapes} do not broadcast") from None


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask (broadcast) is true, as a 1-d tensor."""
    require_tensor(mask, "masked_select", "mask")
    if mask.array.dtype.kind != "b":
        raise TypeError(f"masked_select: the mask must be a bool tensor, got {mask.dtype}")
    shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    return getitem(
        input.expand(shape).reshape(shape or (1,)), mask.expand(shape).reshape(shape or (1,))
    )


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The positions of what is not zero: an int64 matrix, a row each, or a tensor per dimension."""
    columns = [wrap(i, input.backend) for i in input.backend.nonzero(input.array)]
    if as_tuple:
        return tuple(columns)
    if not columns:
        count = int(bool(input.array.any()))
        return wrap(input.backend.empty((count, 0), np.dtype("int64")), input.backend)
    return stack(columns, 1)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather`, broadcasting the dimensions but dim; without dim, of all elements in a row."""
    if dim is None:
        return gather(input.ravel(), 0, indices.ravel())
    axis = normalize_axis(dim, input.array.ndim, "take_along_dim")
    a, b = list(input.array.shape), list(indices.array.shape)
    if len(a) != len(b):
        raise ValueError(f"take_along_dim: indices {tuple(b)} and input {tuple(a)} differ in ndim")
    n, m = a[axis], b[axis]
    a[axis] = b[axis] = 1
    try:
        shape = list(np.broadcast_shapes(tuple(a), tuple(b)))
    except ValueError:
        raise ValueError(
            f"take_along_dim: indices {indices.array.shape} and input {input.array.shape} do not "
            f"broadcast apart from dimension {axis}"
        ) from None
    return gather(
        input.expand(*shape[:axis], n, *shape[axis + 1 :]),
        axis,
        indices.expand(*shape[:axis], m, *shape[axis + 1 :]),
    )


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the class, 0 elsewhere, along a new last axis, as int64."""
    require_tensor(tensor, "one_hot", "tensor")
    array = tensor.array
    if array.dtype.kind not in "iu":
        raise TypeError(f"one_hot: classes must be integers, got {tensor.dtype}")
    low, high = tensor.backend.bounds(array)
    classes = high + 1 if num_classes == -1 else num_classes
    if low < 0 or high >= classes:
        raise IndexError(
            f"one_hot: class {low if low < 0 else high} is out of range [0, {classes})"
        )
    k = tensor.backend.arange(0, classes, 1, np.dtype("int64"))
    hits = tensor.backend.compare("eq", array.reshape(*array.shape, 1), k)
    return wrap(tensor.backend.cast(hits, np.dtype("int64")), tensor.backend)
