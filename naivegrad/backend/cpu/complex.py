"""Complex numbers and their parts. Arithmetic on them is in elementwise.py."""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import as_strided

from naivegrad.backend.promotion import promote


def complex(real: ndarray, imag: ndarray) -> ndarray:
    """real + imag i, broadcasting."""
    shape = np.broadcast_shapes(real.shape, imag.shape)
    out = np.empty(shape, np.complex128 if real.dtype == np.float64 else np.complex64)
    out.real, out.imag = real, imag
    return out


def real(x: ndarray) -> ndarray:
    """A view of the real parts."""
    return x.real


def imag(x: ndarray) -> ndarray:
    """A view of the imaginary parts."""
    return x.imag


def conj(x: ndarray) -> ndarray:
    """A copy with the imaginary parts negated."""
    return np.asarray(np.conjugate(x, order="C"))


def view_as_real(x: ndarray) -> ndarray:
    """A view with the two parts of each number along a new last axis."""
    parts = x.real
    return as_strided(parts, (*x.shape, 2), (*x.strides, parts.dtype.itemsize))


def view_as_complex(x: ndarray) -> ndarray:
    """A view of pairs of neighbours, along the last axis, as one number each."""
    dtype = np.complex128 if x.dtype == np.float64 else np.complex64
    return x.view(dtype)[..., 0] if x.size else np.empty(x.shape[:-1], dtype)


def angle(x: ndarray) -> ndarray:
    """The angle of each number, in (-pi, pi]; of real ones 0, or pi below 0; NaN of NaN."""
    if x.dtype.kind == "c":
        return np.asarray(np.angle(x))
    work = promote(x.dtype, np.dtype("float32"))
    with np.errstate(invalid="ignore"):  # NaN of a bfloat16
        below = np.less(x, 0)
    y = np.where(below, work.type(np.pi), work.type(0))
    return np.where(np.isnan(x), x, y).astype(work if x.dtype.kind in "biu" else x.dtype)


def sgn(x: ndarray) -> ndarray:
    """x / |x| of complex numbers, 0 of 0."""
    with np.errstate(all="ignore"):
        size = np.abs(x)
        return np.divide(x, size, out=np.zeros(x.shape, x.dtype), where=size != 0)
