"""Element by element along an axis, and what meets at one position combined."""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.array import require_writeable
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import index as index_kernel
from naivegrad.kernels import scatter as kernel

OPS = {"set": -1, "add": 0, "mul": 1, "max": 2, "min": 3}  # as kernels/scatter.pyx counts them
UFUNCS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
IN_CYTHON = {np.dtype(t) for t in ("f4", "f8", "u1", "i1", "i2", "i4", "i8")}


def out_of_range(index_: ndarray, n: int, axis: int, low: int = 0) -> IndexError:
    """The error that names a value outside [low, n)."""
    bad = index_[(index_ < low) | (index_ >= n)][0]
    return IndexError(f"index {bad} is out of bounds for dimension {axis} with size {n}")


def _lines(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """What lies before and after an axis: outer, inner."""
    return math.prod(shape[:axis]), math.prod(shape[axis + 1 :])


def _corner(x: ndarray, shape: tuple[int, ...], axis: int = -1) -> ndarray:
    """The view of x that an index of a shape reaches along `axis`: it may be shorter elsewhere."""
    if all(n == m for i, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if i != axis):
        return x
    return x[tuple(np.s_[: x.shape[i] if i == axis else n] for i, n in enumerate(shape))]


def _one_line(index_: ndarray, axis: int) -> ndarray | None:
    """The index along `axis` alone if it is the same for all that lies beside it."""
    if index_.ndim == 1:
        return None
    for i, step in enumerate(index_.strides):
        if i != axis and step and index_.shape[i] != 1:
            return None
    return index_[tuple(np.s_[:] if i == axis else 0 for i in range(index_.ndim))]


def gather(x: ndarray, axis: int, index_: ndarray) -> ndarray:
    """out[.., i, ..] = x[.., index[.., i, ..], ..] on an axis; the shape is the index's."""
    out = kernel.gather_along(x, axis, index_)
    if out is not None:
        return out
    out = np.empty(index_.shape, x.dtype)
    if not out.size:
        return out
    x, index_ = np.atleast_1d(x), np.atleast_1d(index_)  # a 0-d array counts as one element
    x = np.ascontiguousarray(_corner(x, index_.shape, axis))
    n, m = x.shape[axis], index_.shape[axis]
    outer, inner = _lines(index_.shape, axis)
    line = _one_line(index_, axis)
    if line is None:
        index_ = np.asarray(index_, np.int64, order="C")
        done = kernel.gather(x, index_, out, outer, n, m, inner)
    else:  # whole blocks move
        line = np.asarray(line, np.int64, order="C")
        done = index_kernel.take(x, line, out, outer, n, inner, False)
    if not done:
        raise out_of_range(index_, n, axis)
    return out


def scatter(op: str, x: ndarray, axis: int, index_: ndarray, source: ndarray) -> ndarray:
    """A copy of x, with out[.., index[.., i, ..], ..] = source[.., i, ..], in order.

    Instead of "set", op may be "add", "mul", "max" or "min": then combined with what is there. A
    0-d source stands for one value everywhere.
    """
    out = x.copy("C")
    scatter_into(op, out, axis, index_, source)
    return out


def scatter_into(op: str, out: ndarray, axis: int, index_: ndarray, source: ndarray) -> None:
    """The same in place. After an IndexError, what came before the bad position may be there."""
    if kernel.scatter_along(OPS[op], out, axis, index_, source) or not index_.size:
        return
    require_writeable(out)
    shape = index_.shape or (1,)
    target = _corner(out.reshape(out.shape or (1,)), shape, axis)
    index_ = index_.reshape(shape)
    n, m = target.shape[axis], shape[axis]
    line = _one_line(index_, axis)
    index_ = np.asarray(index_ if line is None else line, np.int64, order="C")
    source = source.astype(out.dtype, copy=np.may_share_memory(out, source))
    if source.ndim or op != "set" or out.dtype.itemsize > 8:
        source = _corner(source, shape) if source.ndim else source
        source = np.ascontiguousarray(np.broadcast_to(source, shape))
    solid = target if target.flags.carray else target.copy("C")
    outer, inner = _lines(shape, axis)
    if op != "set":
        done = combine(op, source, index_, solid, outer, n, m, inner, line is not None, False)
    elif line is not None:
        done = index_kernel.put(source, index_, solid, outer, n, inner, False)
    else:
        done = kernel.scatter(source, index_, solid, outer, n, m, inner)
    if not done:
        raise out_of_range(index_, n, axis)
    if solid is not target:
        target[...] = solid


def combine(
    op: str,
    source: ndarray,
    index_: ndarray,
    out: ndarray,
    outer: int,
    n: int,
    m: int,
    inner: int,
    blocks: bool,
    from_end: bool,
) -> bool:
    """out[o, index[o, k, i], i] op= source[o, k, i], or of whole blocks; dense arrays of one type.

    Halves are combined in float32 and rounded once. False where a position is out of range.
    """
    size = outer, n, m, inner
    if out.dtype in IN_CYTHON:
        return kernel.scatter_reduce(OPS[op], blocks, source, index_, out, *size, from_end)
    if out.dtype.kind == "b":  # or, and
        op = {"add": "max", "mul": "min"}.get(op, op)
        bits = source.view(np.uint8), index_, out.view(np.uint8)
        return kernel.scatter_reduce(OPS[op], blocks, *bits, *size, from_end)
    if out.dtype.kind == "c":
        if index_.min(initial=0) < (-n if from_end else 0) or index_.max(initial=-1) >= n:
            return False
        k = index_.reshape(1, m, 1) if blocks else index_.reshape(outer, m, inner)
        at = np.arange(outer).reshape(-1, 1, 1), k, np.arange(inner)
        UFUNCS[op].at(out.reshape(outer, n, inner), at, source.reshape(outer, m, inner))
        return True
    wide, source = cast(out, np.dtype(np.float32)), cast(source, np.dtype(np.float32))
    done = kernel.scatter_reduce(OPS[op], blocks, source, index_, wide, *size, from_end)
    out[...] = cast(wide, out.dtype)
    return done
