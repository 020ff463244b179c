"""Reading and writing by position: x[where] of index arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.array import require_writeable
from naivegrad.backend.cpu.scatter import combine, out_of_range
from naivegrad.kernels import index as kernel
from naivegrad.kernels import scatter as scatter_kernel

Index = tuple[Any, ...]  # per leading axis: slice(None) or an integer array, broadcasting together


def index(x: ndarray, where: Index) -> ndarray:
    """x[where]: the arrays broadcast together pick positions; slices keep their axis."""
    axes = [i for i, k in enumerate(where) if k.__class__ is not slice]
    if len(axes) == 1:
        out = kernel.take_along(x, axes[0], where[axes[0]])
        if out is not None:
            return out
        axis, shape = axes[0], x.shape
        flat = np.asarray(where[axis], np.int64, order="C")
        n, outer, inner = shape[axis], math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        shape = (*shape[:axis], *flat.shape, *shape[axis + 1 :])
    else:
        plan = _plan(x.shape, where, axes)
        if plan is None:
            return np.asarray(x[where], order="C")
        flat, outer, n, inner, shape = plan
    if flat.size < n and not x.flags.c_contiguous:  # not worth a copy of all of x
        return np.asarray(x[where], order="C")
    out = np.empty(shape, x.dtype)
    if not kernel.take(np.ascontiguousarray(x), flat, out, outer, n, inner, True):
        raise out_of_range(flat, n, axes[0], -n)
    return out


def index_put(x: ndarray, where: Index, value: ndarray, accumulate: bool) -> ndarray:
    """A copy of x with x[where] = value, or += value, repeated positions adding up."""
    out = x.copy("C")
    index_put_into(out, where, value, accumulate)
    return out


def index_put_into(out: ndarray, where: Index, value: ndarray, accumulate: bool) -> None:
    """out[where] = value, or += value, in place; of repeated positions the last one stays."""
    axes = [i for i, k in enumerate(where) if k.__class__ is not slice]
    if len(axes) == 1:
        put = scatter_kernel.add_along if accumulate else kernel.put_along
        if put(out, axes[0], where[axes[0]], value):
            return
    require_writeable(out)
    value = value.astype(out.dtype, copy=np.may_share_memory(out, value))
    plan = _plan(out.shape, where, axes)
    if plan is None or not out.flags.carray:
        if accumulate:
            _add_apart(out, where, axes, value)
        else:
            out[where] = value
        return
    flat, outer, n, inner, shape = plan
    if accumulate or value.ndim or out.dtype.itemsize > 8:
        value = np.ascontiguousarray(np.broadcast_to(value, shape))
    if accumulate:
        done = combine("add", value, flat, out, outer, n, flat.size, inner, True, True)
    else:
        done = kernel.put(value, flat, out, outer, n, inner, True)
    if not done:
        raise out_of_range(flat, n, axes[0], -n)


def _add_apart(out: ndarray, where: Index, axes: list[int], value: ndarray) -> None:
    """out[where] += value where the indexed axes are not neighbours, or out is not dense.

    Summed in zeros that have these axes in front, and added as a whole.
    """
    rest = [i for i in range(out.ndim) if i not in axes]
    total = np.zeros([out.shape[i] for i in (*axes, *rest)], out.dtype)
    plan = _plan(total.shape, tuple(where[i] for i in axes), list(range(len(axes))))
    assert plan is not None  # its axes are neighbours
    flat, outer, n, inner, shape = plan
    if axes == list(range(axes[0], axes[-1] + 1)):  # NumPy leaves them in the middle
        lead, m = axes[0], len(shape) - len(rest)
        middle = shape[m : m + lead] + shape[:m] + shape[m + lead :]
        value = np.moveaxis(np.broadcast_to(value, middle), range(lead, lead + m), range(m))
    value = np.ascontiguousarray(np.broadcast_to(value, shape))
    if not combine("add", value, flat, total, outer, n, flat.size, inner, True, True):
        raise out_of_range(flat, n, axes[0], -n)
    np.add(out, total.transpose(np.argsort([*axes, *rest])), out=out)


def _plan(
    shape: tuple[int, ...], where: Index, axes: list[int]
) -> tuple[ndarray, int, int, int, tuple[int, ...]] | None:
    """Neighbouring index arrays as one dense index: (index, outer, n, inner, result shape).

    n is the product of the axes that they index; None where they do not stand side by side.
    """
    arrays = [np.asarray(where[i], np.int64, order="C") for i in axes]
    flat = arrays[0]
    first, last = axes[0], axes[-1] + 1
    n = shape[first]
    if len(axes) > 1:
        if last - first > len(axes):
            return None
        if any(a.shape != flat.shape for a in arrays):
            arrays = list(np.broadcast_arrays(*arrays))
        flat = arrays[0].copy("C")
        for axis, other in zip(axes[1:], arrays[1:], strict=True):
            if not kernel.join(flat, np.ascontiguousarray(other), n, shape[axis]):
                raise _first_error(where, axes, shape)
            n *= shape[axis]
    head, tail = shape[:first], shape[last:]
    return flat, math.prod(head), n, math.prod(tail), (*head, *flat.shape, *tail)


def _first_error(where: Index, axes: list[int], shape: tuple[int, ...]) -> IndexError:
    for axis in axes:
        index_, n = where[axis], shape[axis]
        low, high = bounds(index_)
        if low < -n or high >= n:
            return out_of_range(index_, n, axis, -n)
    raise AssertionError("unreachable: all positions are in range")


def nonzero(x: ndarray) -> tuple[ndarray, ...]:
    """The positions of what is not zero: one int64 array per axis."""
    mask = np.ascontiguousarray(x if x.dtype.kind == "b" else x != 0)
    flat = kernel.true_positions(mask)
    columns = []
    for n in x.shape[:0:-1]:
        flat, column = kernel.split(flat, n)
        columns.append(column)
    return (flat, *columns[::-1])


def fill_where(out: ndarray, mask: ndarray, value: ndarray) -> None:
    """out[mask] = value, in place; the mask broadcasts, the value is 0-d."""
    require_writeable(out)
    if not kernel.fill_where(out, mask, value):
        np.copyto(out, value, where=mask, casting="unsafe")


def bounds(index_: ndarray) -> tuple[int, int]:
    """The smallest and the largest value (0, -1 of an empty array)."""
    if not index_.size:
        return 0, -1
    return kernel.bounds(index_) or (int(index_.min()), int(index_.max()))
