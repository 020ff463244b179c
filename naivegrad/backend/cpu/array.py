"""Making, viewing, joining and copying arrays."""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.promotion import promote
from naivegrad.kernels import array as kernel

name = "cpu"

if not any(key == "GLIBC_TUNABLES" or key.startswith("MALLOC_") for key in os.environ):
    kernel.keep_freed_memory()  # unless the user has given orders


def device_of(x: ndarray) -> str:
    """Where an array lives."""
    return "cpu"


def from_numpy(x: ndarray) -> ndarray:
    """The device's array of a NumPy array; shares memory where it can."""
    return x


def to_numpy(x: ndarray) -> ndarray:
    """The NumPy array of a device's array; shares memory where it can."""
    return x


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> ndarray:
    """An array of any content."""
    return np.empty(shape, dtype)


def full(shape: tuple[int, ...], value: float, dtype: np.dtype[Any]) -> ndarray:
    """An array of one value."""
    if value == 0:
        return np.zeros(shape, dtype)  # fresh pages are zero already: nothing is written
    if not shape:
        return np.array(value, dtype)
    out = np.empty(shape, dtype)
    out.fill(value)
    return out


def arange(start: float, stop: float, step: float, dtype: np.dtype[Any]) -> ndarray:
    """start, start + step, ... below stop."""
    return np.arange(start, stop, step).astype(dtype, copy=False)


def copy(x: ndarray) -> ndarray:
    """A fresh C-contiguous array of the same values."""
    return x.copy("C")


def require_writeable(target: ndarray) -> None:
    """ValueError for an array that must not be changed."""
    if not target.flags.writeable:
        raise ValueError(
            "in-place change of a tensor that cannot be written to: it is expanded (several of its "
            "elements share one place in memory) or shares a read-only array; clone it first"
        )


def copy_into(target: ndarray, source: ndarray) -> None:
    """target[...] = source, broadcasting and casting. Overlap is no harm."""
    require_writeable(target)
    try:
        if source.dtype.kind == "c" and target.dtype.kind not in "cb":
            raise TypeError(f"copy_: {source.dtype} cannot be stored in {target.dtype}; use real")
        with np.errstate(invalid="ignore", over="ignore"):
            np.copyto(target, cast(source, target.dtype))
    except ValueError:
        raise ValueError(
            f"copy_: shape {source.shape} does not broadcast to shape {target.shape}"
        ) from None


def owns_memory(x: ndarray) -> bool:
    """Whether no other array is known to share the memory of x."""
    return x.base is None


def address(x: ndarray) -> int:
    """Where in memory the first element is."""
    return int(x.__array_interface__["data"][0])


def view_as_type(x: ndarray, dtype: np.dtype[Any]) -> ndarray:
    """A view: the bytes of x as numbers of another type."""
    return x.view(dtype)


def is_contiguous(x: ndarray) -> bool:
    """Whether the elements follow one another in C order."""
    return bool(x.flags.c_contiguous)


def reshape(x: ndarray, shape: tuple[int, ...]) -> tuple[ndarray, bool]:
    """x with another shape, and whether it is a view (a copy where strides allow none)."""
    y = x.reshape(shape)
    return y, kernel.same_start(x, y)


def permute(x: ndarray, axes: tuple[int, ...]) -> ndarray:
    """A view with the axes in another order."""
    return x.transpose(axes)


def expand(x: ndarray, shape: tuple[int, ...]) -> ndarray:
    """A view of x broadcast to a shape."""
    return kernel.expand(x, shape)


def slice(x: ndarray, index: tuple[Any, ...]) -> ndarray:
    """A view: x[index] of integers, slices, None and Ellipsis."""
    return x[index] if index and index[-1] is Ellipsis else x[(*index, Ellipsis)]


def flip(x: ndarray, axes: tuple[int, ...]) -> ndarray:
    """A copy with the order along `axes` reversed."""
    return np.array(np.flip(x, axes))


def cat(arrays: list[ndarray], axis: int) -> ndarray:
    """The arrays one after the other along an axis, in the type that their types promote to."""
    types = {x.dtype for x in arrays}
    if len(types) == 1:
        return np.concatenate(arrays, axis)
    return np.concatenate(arrays, axis, dtype=functools.reduce(promote, types))


def pad(x: ndarray, widths: tuple[tuple[int, int], ...], value: float) -> ndarray:
    """x with `widths` values before and after along each axis; negative widths cut off."""
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
    out = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    source = tuple(
        np.s_[max(-a, 0) : n + min(b, 0)] for n, (a, b) in zip(x.shape, widths, strict=True)
    )
    inside = tuple(
        np.s_[max(a, 0) : m - max(b, 0)] for m, (a, b) in zip(shape, widths, strict=True)
    )
    out[inside] = x[source]
    return out


def repeat(x: ndarray, counts: ndarray) -> ndarray:
    """Each element of a vector so often, one after the other."""
    return np.repeat(x, counts)


def diagonal(x: ndarray, offset: int, i: int, j: int) -> ndarray:
    """A view: the diagonal through axes i and j, as the last axis."""
    y = np.diagonal(x, offset, i, j)
    y.flags.writeable = x.flags.writeable  # NumPy's is a view that it will not let write
    return y


def windows(x: ndarray, axis: int, size: int, step: int) -> ndarray:
    """A view: windows of `size` slices along an axis, `step` apart, their places as last axis."""
    n = (x.shape[axis] - size) // step + 1
    shape = (*x.shape[:axis], n, *x.shape[axis + 1 :], size)
    s = x.strides
    strides = (*s[:axis], s[axis] * step, *s[axis + 1 :], s[axis])
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=x.flags.writeable)


def windows_add(x: ndarray, shape: tuple[int, ...], axis: int, size: int, step: int) -> ndarray:
    """Zeros of a shape, with each window added at its place: the transpose of `windows`."""
    out = np.zeros(shape, x.dtype)
    n = x.shape[axis]
    along = (np.s_[:],) * axis
    for k in range(size if n else 0):  # the k-th elements of all windows never meet
        out[(*along, np.s_[k : k + (n - 1) * step + 1 : step])] += x[..., k]
    return out


def as_strided(
    x: ndarray, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> ndarray:
    """A view of contiguous x of another shape and steps, in elements; the caller checks bounds."""
    start = x.reshape(-1)[offset:]
    steps = [step * x.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(start, shape, steps, writeable=x.flags.writeable)


def strided_add(
    x: ndarray, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> ndarray:
    """Zeros of a shape, with x added at its places in `as_strided`: the transpose of it."""
    out = np.zeros(shape, x.dtype)
    places = as_strided(np.arange(out.size), x.shape, strides, offset)
    np.add.at(out.reshape(-1), places, x)
    return out
