"""Indexing: x[...] in every form, read and written. Each class stands beside its transpose."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.autograd.inplace import assign, refuse_leaf
from naivegrad.autograd.mode import grad_mode
from naivegrad.ops._args import as_tensor_like, require_tensor
from naivegrad.ops.mask_fill import masked_fill_
from naivegrad.ops.movement import Slice
from naivegrad.tensor import Tensor, wrap

# Which leading axes are indexed by an array: the arrays themselves follow, as Tensors, so that
# autograd notices if one is changed before backward.
Pattern = tuple[bool, ...]
EVERYTHING = slice(None)


def _where(pattern: Pattern, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    given = iter(arrays)
    return tuple([next(given) if indexed else EVERYTHING for indexed in pattern])


class Index(Function):
    """y = x[where], for arrays of positions.    grad_x = zeros with grad added at the positions."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, pattern: Pattern, *arrays: Any) -> Any:
        ctx.x_shape, ctx.pattern = x.shape, pattern
        ctx.save_for_backward(*arrays)
        return ctx.backend.index(x, _where(pattern, arrays))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return IndexAdd.apply(grad, ctx.x_shape, ctx.pattern, *ctx.saved_tensors)


class IndexAdd(Function):
    """y = zeros of a shape, then y[where] += x; repeats add up.    grad_x = grad[where]."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...], pattern: Pattern, *arrays: Any) -> Any:
        ctx.pattern = pattern
        ctx.save_for_backward(*arrays)
        y = ctx.backend.full(shape, 0.0, x.dtype)
        ctx.backend.index_put_into(y, _where(pattern, arrays), x, True)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Index.apply(grad, ctx.pattern, *ctx.saved_tensors)


class IndexPut(Function):
    """y = x, with y[where] = value (or += value).

    grad_x = grad, zeroed at the positions (unless they were added to),    grad_value = grad[where].
    """

    kind = "linear"

    @staticmethod
    def forward(
        ctx: Any, x: Any, value: Any, accumulate: bool, pattern: Pattern, *arrays: Any
    ) -> Any:
        ctx.accumulate, ctx.pattern = accumulate, pattern
        ctx.save_for_backward(*arrays)
        return ctx.backend.index_put(x, _where(pattern, arrays), value, accumulate)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        grad_x, grad_value = grad, None
        arrays = ctx.saved_tensors
        if not ctx.accumulate and ctx.needs_input_grad[0]:
            grad_x = IndexPut.apply(grad, as_tensor_like(0.0, grad), False, ctx.pattern, *arrays)
        if ctx.needs_input_grad[1]:
            grad_value = Index.apply(grad, ctx.pattern, *arrays)
        return grad_x, grad_value


class IndexPutInto(IndexPut):
    """The same in the memory of x: for `assign`, which gives x the history of the result."""

    @staticmethod
    def forward(
        ctx: Any, x: Any, value: Any, accumulate: bool, pattern: Pattern, *arrays: Any
    ) -> Any:
        ctx.accumulate, ctx.pattern = accumulate, pattern
        ctx.save_for_backward(*arrays)
        ctx.backend.index_put_into(x, _where(pattern, arrays), value, accumulate)
        return x

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, value_dot: Any, *_: Any) -> Any:
        if x_dot is None:
            x_dot = value_dot.new_zeros(ctx.shape)
        if value_dot is None:
            value_dot = as_tensor_like(0.0, x_dot)
        arrays = ctx.saved_tensors
        return IndexPut.apply(x_dot, value_dot, ctx.accumulate, ctx.pattern, *arrays)


# ---- x[key] --------------------------------------------------------------------------------------


def getitem(x: Tensor, key: Any) -> Tensor:
    """x[key]: a view for integers, slices, None, Ellipsis; a copy for tensors, lists, masks."""
    positions = _only_positions(x, key)
    if positions:  # the common case, without the ceremony
        try:
            return Index.apply(x, (True,) * len(positions), *positions)
        except IndexError as error:
            raise IndexError(f"getitem: {error}") from None
    if _is_mask_of(x, key):
        n, rest = key.array.size, x.array.shape[key.array.ndim :]
        (found,) = key.backend.nonzero(key.backend.reshape(key.array, (n,))[0])
        flat = x if key.array.ndim == 1 else x.reshape((n, *rest))
        return Index.apply(flat, (True,), wrap(found, x.backend))
    basic, pattern, arrays, axes = _parse(x, key, "getitem")
    if basic is not None:
        x = Slice.apply(x, basic)
    if not arrays:
        return x
    try:
        return Index.apply(x, pattern, *arrays)
    except IndexError as error:
        raise _named(error, "getitem", arrays, axes) from None


def setitem(x: Tensor, key: Any, value: Any) -> None:
    """x[key] = value, in the memory of x; the value is broadcast and cast."""
    if grad_mode.enabled:
        refuse_leaf(x, "setitem")
    if (
        _is_mask_of(x, key)
        and not getattr(value, "ndim", 0)
        and not isinstance(value, list | tuple)
    ):
        value = value if isinstance(value, Tensor) else _as_value(value, x)
        mask = key.reshape((*key.array.shape, *(1,) * (x.array.ndim - key.array.ndim)))
        assign(x, masked_fill_, mask, value)
        return
    if arrays := _only_positions(x, key):
        basic, pattern = None, (True,) * len(arrays)
        axes = list(enumerate(x.array.shape))
    else:
        basic, pattern, arrays, axes = _parse(x, key, "setitem")
    target = x if basic is None else Slice.apply(x, basic)
    if not isinstance(value, Tensor):
        value = _as_value(value, x)
    if arrays:
        value = value.cast(target.array.dtype)
        try:
            assign(target, _put, value, pattern, arrays)
        except IndexError as error:
            raise _named(error, "setitem", arrays, axes) from None
        except ValueError as error:
            raise ValueError(
                f"setitem: a value of shape {value.array.shape} does not fit the selection "
                f"({error})"
            ) from None
        return
    shape = target.array.shape
    while value.array.ndim > len(shape) and value.array.shape[0] == 1:
        value = value[0]  # as PyTorch: leading axes of length 1 do no harm
    if _does_not_fit(value.array.shape, shape):
        raise ValueError(
            f"setitem: a value of shape {value.array.shape} does not fit the selection "
            f"of shape {shape}"
        )
    target.copy_(value)


def _only_positions(x: Tensor, key: Any) -> list[Tensor]:
    """The tensors of a key that is made of integer tensors of one shape, not 0-d; else nothing."""
    keys = key if key.__class__ is tuple else (key,)
    if not 0 < len(keys) <= x.array.ndim:
        return []
    shape = None
    for k in keys:
        if k.__class__ is not Tensor or k.array.dtype.kind != "i":
            return []
        if k.array.shape != shape:
            if shape is not None or not k.array.ndim:
                return []
            shape = k.array.shape
    return list(keys)


def _is_mask_of(x: Tensor, key: Any) -> bool:
    """Whether a key is a mask over the leading dimensions of x."""
    if key.__class__ is not Tensor or key.array.dtype.kind != "b":
        return False
    mask = key.array
    return mask.ndim > 0 and mask.shape == x.array.shape[: mask.ndim]


def _as_value(value: Any, x: Tensor) -> Tensor:
    return wrap(x.backend.from_numpy(np.asarray(value, x.array.dtype)), x.backend)


def _put(target: Tensor, value: Tensor, pattern: Pattern, arrays: list[Tensor]) -> Tensor:
    return IndexPutInto.apply(target, value, False, pattern, *arrays)


def _named(error: IndexError, op: str, arrays: list[Tensor], axes: list[Any]) -> IndexError:
    """The same error, but with the dimension as the user counts it."""
    for array, (axis, size) in zip(arrays, axes, strict=False):
        low, high = array.backend.bounds(array.array)
        if low < -size or high >= size:
            bad = low if low < -size else high
            return IndexError(
                f"{op}: index {bad} is out of bounds for dimension {axis} with size {size}"
            )
    return IndexError(f"{op}: {error}")


def _does_not_fit(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    lead = len(target) - len(shape)
    return lead < 0 or any(m not in (1, n) for m, n in zip(shape, target[lead:], strict=True))


def _parse(
    x: Tensor, key: Any, op: str
) -> tuple[tuple[Any, ...] | None, Pattern, list[Tensor], list[tuple[int, int]]]:
    """An index as PyTorch applies it: first the basic part, which is a view; then the arrays.

    The basic part is None where there is nothing to do. Of each array, the dimension of x that it
    picks from, and its size.
    """
    shape = x.array.shape
    keys = [_as_index(k, x, op) for k in _keys(key)]
    total = sum([_axes_taken(k) for k in keys])
    if total > len(shape):
        raise IndexError(f"{op}: too many indices ({total}) for a tensor of shape {shape}")
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    for i in dots[1:]:  # as PyTorch: a second Ellipsis stands for nothing
        keys[i] = _NOTHING
    if dots:
        keys[dots[0] : dots[0] + 1] = [EVERYTHING] * (len(shape) - total)

    basic: list[Any] = []
    pattern: list[bool] = []  # per axis of the basic result
    arrays: list[Tensor] = []
    axes: list[tuple[int, int]] = []
    axis = 0
    for k in keys:
        if k is _NOTHING:
            continue
        if k is None:
            basic.append(None)
            pattern.append(False)
        elif k.__class__ is slice:
            if k.step is not None and k.step <= 0:
                raise ValueError(
                    f"{op}: the step of a slice must be positive, got {k.step}; use flip"
                )
            basic.append(k)
            pattern.append(False)
            axis += 1
        elif k.__class__ is int:
            if not -shape[axis] <= k < shape[axis]:
                raise IndexError(
                    f"{op}: index {k} is out of bounds for dimension {axis} with size {shape[axis]}"
                )
            basic.append(k)
            axis += 1
        elif k.__class__ is bool:  # a new axis of length 1, taken once or not at all
            basic.append(None)
            pattern.append(True)
            arrays.append(_positions([0] if k else [], x))
            axes.append((axis, 1))
        else:
            found = [k]
            if k.array.dtype.kind == "b":
                found = _where_true(k, shape, axis, op)
            for positions in found:
                basic.append(EVERYTHING)
                pattern.append(True)
                arrays.append(positions)
                axes.append((axis, shape[axis]))
                axis += 1
    if len(arrays) > 1:
        shapes = [k.array.shape for k in arrays]
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            raise IndexError(f"{op}: index shapes {shapes} do not broadcast together") from None
    plain = bool(arrays) and all(k is EVERYTHING for k in basic)
    return None if plain else tuple(basic), tuple(pattern), arrays, axes


_NOTHING = object()


def _keys(key: Any) -> list[Any]:
    """The entries of an index. A list that holds more than numbers is meant as a tuple."""
    if isinstance(key, tuple):
        return list(key)
    if isinstance(key, list) and len(key) < 32:
        parts = (list, tuple, range, slice, Tensor, np.ndarray, type(None), type(Ellipsis))
        if any(isinstance(k, parts) for k in key):
            warnings.warn(
                "an index that is a list of sequences, slices or tensors is read as a tuple; "
                "write x[tuple(index)], or x[tensor(index)] for an array of positions",
                stacklevel=4,
            )
            return key
    return [key]


def _as_index(k: Any, x: Tensor, op: str) -> Any:
    """One entry of an index: None, Ellipsis, slice, int, bool, a Tensor of integers or of bool."""
    if k is None or k is Ellipsis or k.__class__ is int or k.__class__ is bool:
        return k
    if isinstance(k, slice):
        if k == EVERYTHING:
            return EVERYTHING
        return slice(*(None if e is None else operator.index(e) for e in (k.start, k.stop, k.step)))
    if not isinstance(k, Tensor):
        if isinstance(k, np.bool_):
            return bool(k)
        if not isinstance(k, list | tuple | range | np.ndarray):
            try:
                return operator.index(k)
            except TypeError:
                raise IndexError(
                    f"{op}: an index must be made of integers, slices, None, Ellipsis, tensors or "
                    f"lists, got {type(k).__name__}: {k!r}"
                ) from None
        k = _positions(k, x)
    kind = k.array.dtype.kind
    if k.array.dtype == np.uint8:
        warnings.warn(
            f"{op}: a uint8 tensor as an index is read as a mask; use a bool tensor, or int64 for "
            "positions",
            stacklevel=5,
        )
        k, kind = k.cast(np.dtype("bool")), "b"
    if kind not in "ib":
        raise IndexError(
            f"{op}: tensors used as indices must be of integers or bool, got {k.dtype}"
        )
    if k.array.ndim == 0:
        return bool(k) if kind == "b" else int(k)
    return k


def _positions(values: Any, x: Tensor) -> Tensor:
    """A sequence of numbers (Tensors of one element among them) as an index on x's device."""
    if isinstance(values, list | tuple):
        values = [int(e) if isinstance(e, Tensor) else e for e in values]
    array = np.asarray(values)
    if array.size == 0 and array.dtype.kind == "f" and not isinstance(values, np.ndarray):
        array = array.astype(np.int64)
    return wrap(x.backend.from_numpy(array), x.backend)


def _axes_taken(k: Any) -> int:
    if k is None or k is Ellipsis or k.__class__ is bool:
        return 0
    if k.__class__ is int or k.__class__ is slice or k.array.dtype.kind != "b":
        return 1
    return int(k.array.ndim)


def _where_true(mask: Tensor, shape: tuple[int, ...], axis: int, op: str) -> list[Tensor]:
    """A mask as positions along the axes that it covers."""
    covered = mask.array.shape
    if covered != shape[axis : axis + len(covered)]:
        raise IndexError(
            f"{op}: a mask of shape {covered} does not fit shape {shape} at dimension {axis}"
        )
    return [wrap(i, mask.backend) for i in mask.backend.nonzero(mask.array)]


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of input with values at input[indices]: ``y[indices] = values``, out of place.

    Parameters
    ----------
    indices : tuple of Tensors of integers or bool, broadcasting together
    values : Tensor of input's type, broadcast to the selection
    accumulate : add the values instead; where an index repeats, all of them

    Raises
    ------
    IndexError
        A position out of range; indices that do not broadcast, or too many.
    TypeError
        Values of another type than input.

    Notes
    -----
    Differentiable in input and values. Where an index repeats without accumulate, the last value
    stays, but each gets the gradient of that position, as in PyTorch.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.index_put(ng.zeros(3), (ng.tensor([0, 0, 2]),), ng.ones(3), accumulate=True)
    tensor([2., 0., 1.])
    """
    return put_at(IndexPut, input, indices, values, accumulate)


def put_at(
    function: type[IndexPut], input: Tensor, indices: Any, values: Tensor, accumulate: bool
) -> Tensor:
    """index_put, out of place or in place."""
    op = "index_put"
    require_tensor(input, op)
    require_tensor(values, op, "values")
    if not isinstance(indices, tuple | list):
        raise TypeError(f"{op}: indices must be a tuple of Tensors, got {type(indices).__name__}")
    keys = tuple(
        k if require_tensor(k, op, "an index").array.ndim else k.reshape(1) for k in indices
    )
    if any(k.array.dtype.kind == "b" and not k.array.ndim for k in indices):
        raise IndexError(f"{op}: a single truth value is no index; use one of each dimension")
    if values.array.dtype != input.array.dtype:
        raise TypeError(f"{op}: values are {values.dtype}, but input is {input.dtype}")
    _, pattern, arrays, axes = _parse(input, keys, op)
    if not arrays:
        raise ValueError(f"{op}: indices hold no tensor")
    try:
        return function.apply(input, values, accumulate, pattern, *arrays)
    except IndexError as error:
        raise _named(error, op, arrays, axes) from None
    except ValueError as error:
        raise ValueError(
            f"{op}: values of shape {values.array.shape} do not fit the selection ({error})"
        ) from None
