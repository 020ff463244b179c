"""Discrete Fourier transforms, by NumPy, in the precision of the input."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy import ndarray

Norm = Literal["backward", "ortho", "forward"]

# Elements in a call of NumPy's: of an array that fills more than the cache it takes four times as
# long for each. But each call prepares its sines anew: it needs lines enough to be worth that.
_BLOCK, _LINES = 1 << 16, 16


def fft(x: ndarray, axes: tuple[int, ...], inverse: bool, norm: Norm) -> ndarray:
    """y[k] = scale * sum_n x[n] e^(-2 pi i k n / N), over several axes; e^(+...) if `inverse`.

    norm says which direction has the scale 1 / N ("ortho": both 1 / sqrt(N)).
    """
    transform = partial(np.fft.ifft if inverse else np.fft.fft, norm=norm)
    for axis in reversed(axes):
        x = _along(transform, x, axis, x.shape[axis], _complex(x))
    return np.ascontiguousarray(x)


def rfft(x: ndarray, axis: int, norm: Norm) -> ndarray:
    """The first N // 2 + 1 numbers of the transform of real x: the others are their conjugates."""
    transform = partial(np.fft.rfft, norm=norm)
    return np.ascontiguousarray(_along(transform, x, axis, x.shape[axis] // 2 + 1, _complex(x)))


def irfft(x: ndarray, n: int, axis: int, norm: Norm) -> ndarray:
    """The n real numbers whose `rfft` is x; the imaginary parts of its ends play no part."""
    transform = partial(np.fft.irfft, n=n, norm=norm)
    return np.ascontiguousarray(_along(transform, x, axis, n, x.real.dtype))


def _complex(x: ndarray) -> np.dtype[Any]:
    return np.result_type(x.dtype, np.complex64)


@np.errstate(all="ignore")  # a line with inf is NaN, without a warning
def _along(
    transform: Callable[..., Any], x: ndarray, axis: int, length: int, dtype: np.dtype[Any]
) -> ndarray:
    """The transforms of the lines of x along an axis, some lines at a time; `length` is theirs."""
    lines = np.ascontiguousarray(x if axis == x.ndim - 1 else np.moveaxis(x, axis, -1))
    out = np.empty((*lines.shape[:-1], length), dtype)
    n = lines.shape[-1]
    if x.size > _BLOCK >= n * _LINES:
        from_, to = lines.reshape(-1, n), out.reshape(-1, length)
        step = _BLOCK // n
        for i in range(0, len(from_), step):
            transform(from_[i : i + step], out=to[i : i + step])
    elif x.size:
        transform(lines, out=out)
    return out if axis == x.ndim - 1 else np.moveaxis(out, -1, axis)
