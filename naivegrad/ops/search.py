"""Finding: classes as vectors, positions in sorted sequences, members of a set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from naivegrad.ops._args import (
    as_tensor_like,
    check_bounds,
    into,
    new_shape,
    require_integers,
    require_tensor,
)
from naivegrad.tensor import Tensor, wrap

INT32, INT64 = np.dtype("int32"), np.dtype("int64")


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the class, 0 elsewhere, along a new last axis, as int64.

    num_classes is the largest class + 1 if left out. IndexError for a class that is not below it.
    """
    array = require_integers(tensor, "one_hot", "tensor").array
    if num_classes <= 0 and not array.size:
        raise ValueError("one_hot: the number of classes cannot be told from no classes; give it")
    low, high = tensor.backend.bounds(array)
    classes = high + 1 if num_classes == -1 else num_classes
    if low < 0 or high >= classes:
        raise IndexError(
            f"one_hot: class {low if low < 0 else high} is out of range [0, {classes})"
        )
    backend = tensor.backend
    shape = array.shape
    hot = backend.full((*shape, classes), 0, INT64)
    place = backend.reshape(array, (*shape, 1))[0]
    backend.scatter_into("set", hot, len(shape), place, backend.full((), 1, INT64))
    return wrap(hot, backend)


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Where values would go in a sorted sequence, so that it stays sorted.

        s[i - 1] < v <= s[i]    (side "left")        s[i - 1] <= v < s[i]    (side "right")

    Parameters
    ----------
    sorted_sequence : Tensor (n,) for all values, or (..., n) with the leading sizes of input
    input : Tensor of values, or one number
    out_int32 : int32 in place of int64
    right, side : behind equal values (right=True or side="right"), not before them
    sorter : Tensor of the sequence's shape: the indices that sort it, if it is not sorted

    Raises
    ------
    ValueError
        Shapes that do not fit; a side that contradicts right.
    IndexError
        A sorter with values outside [0, n).

    Notes
    -----
    Binary search; whether the sequence is sorted is not checked. Not differentiable.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.searchsorted(ng.tensor([1, 3, 5]), ng.tensor([3, 6]))
    tensor([1, 3])
    """
    op = "searchsorted"
    require_tensor(sorted_sequence, op, "sorted_sequence")
    s = sorted_sequence.array
    if side not in (None, "left", "right"):
        raise ValueError(f"{op}: side must be 'left' or 'right', got {side!r}")
    if side == "left" and right:
        raise ValueError(f"{op}: side is 'left', but right is True")
    if not isinstance(input, Tensor):
        input = _number(op, input, sorted_sequence)
        if s.ndim != 1:
            raise ValueError(f"{op}: a number is looked up in a 1-d sequence, got shape {s.shape}")
    v = input.array
    if "c" in (s.dtype.kind, v.dtype.kind):
        raise TypeError(f"{op}: complex numbers have no order")
    if s.ndim == 0:
        raise ValueError(f"{op}: the sequence must have a dimension, got a 0-d tensor")
    if s.ndim > 1 and (v.ndim != s.ndim or s.shape[:-1] != v.shape[:-1]):
        raise ValueError(
            f"{op}: the sequence must be 1-d or have the leading sizes of the values, got "
            f"sequence {s.shape} and values {v.shape}"
        )
    order = None
    if sorter is not None:
        order = require_tensor(sorter, op, "sorter").array
        if order.shape != s.shape:
            raise ValueError(f"{op}: sorter {order.shape} and sequence {s.shape} differ in shape")
        if order.dtype.kind != "i":
            raise TypeError(f"{op}: the sorter must be of integers, got {sorter.dtype}")
        check_bounds(input.backend.bounds(order), op, s.shape[-1], s.ndim - 1, least=0)
    found = input.backend.searchsorted(
        s, order, v, right or side == "right", INT32 if out_int32 else INT64
    )
    return into(out, wrap(found, input.backend), op)


def _number(op: str, x: Any, like: Tensor) -> Tensor:
    """A number as a 0-d tensor, of the sequence's type if that holds it."""
    if isinstance(x, bool | int | float):
        whole = not isinstance(x, float) or like.array.dtype.kind not in "iub"
        array = like.backend.full((), x, like.array.dtype if whole else np.dtype("float64"))
        return wrap(array, like.backend)
    raise TypeError(f"{op}: values must be a Tensor or a number, got {type(x).__name__}")


def bucketize(
    input: Any,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The bucket of each value between sorted boundaries, as `searchsorted`.

    boundaries[i - 1] < v <= boundaries[i]          (<= and < exchanged if right)
    """
    op = "bucketize"
    if require_tensor(boundaries, op, "boundaries").array.ndim != 1:
        raise ValueError(f"{op}: boundaries must be 1-d, got shape {boundaries.array.shape}")
    values = input if isinstance(input, Tensor) else _number(op, input, boundaries)
    return searchsorted(boundaries, values, out_int32=out_int32, right=right, out=out)


def isin(
    elements: Any,
    test_elements: Any,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether each element is among the test elements; with invert, whether it is not.

    One of the two may be a number. assume_unique changes nothing but, in PyTorch, the speed.
    """
    op = "isin"
    if not isinstance(elements, Tensor):
        elements = as_tensor_like(elements, require_tensor(test_elements, op, "test_elements"))
    if not isinstance(test_elements, Tensor):
        test_elements = _number(op, test_elements, elements)
    found = elements.backend.isin(elements.array, test_elements.array, bool(invert))
    return into(out, wrap(found, elements.backend), op)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Flat positions as coordinates in a tensor of a shape, a tensor per dimension.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.unravel_index(ng.tensor([5, 7]), (3, 4))
    (tensor([1, 1]), tensor([1, 3]))
    """
    op = "unravel_index"
    require_integers(indices, op, "indices")
    lengths = new_shape(shape, op)
    after = [math.prod(lengths[i + 1 :]) for i in range(len(lengths))]
    return tuple(
        [(indices // max(step, 1)) % max(n, 1) for n, step in zip(lengths, after, strict=True)]
    )
