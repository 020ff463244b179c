"""Discrete Fourier transforms, by NumPy, in the precision of the input."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy import ndarray

Norm = Literal["backward", "ortho", "forward"]


def fft(x: ndarray, axes: tuple[int, ...], inverse: bool, norm: Norm) -> ndarray:
    """y[k] = scale * sum_n x[n] e^(-2 pi i k n / N), over several axes; e^(+...) if `inverse`.

    norm says which direction has the scale 1 / N ("ortho": both 1 / sqrt(N)).
    """
    if not x.size:
        return np.zeros(x.shape, np.result_type(x.dtype, np.complex64))
    transform = np.fft.ifftn if inverse else np.fft.fftn
    return np.ascontiguousarray(transform(x, axes=axes, norm=norm))


def rfft(x: ndarray, axis: int, norm: Norm) -> ndarray:
    """The first N // 2 + 1 numbers of the transform of real x: the others are their conjugates."""
    shape = (*x.shape[:axis], x.shape[axis] // 2 + 1, *x.shape[axis + 1 :])
    if not x.size:
        return np.zeros(shape, np.result_type(x.dtype, np.complex64))
    return np.ascontiguousarray(np.fft.rfft(x, axis=axis, norm=norm))


def irfft(x: ndarray, n: int, axis: int, norm: Norm) -> ndarray:
    """The n real numbers whose `rfft` is x; the imaginary parts of its ends play no part."""
    if not x.size:
        return np.zeros((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.real.dtype)
    return np.ascontiguousarray(np.fft.irfft(x, n, axis=axis, norm=norm))
