"""Frequencies, windows, and the Fourier transform of short pieces of a signal."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from naivegrad.backend.promotion import is_differentiable, is_floating
from naivegrad.device import backend_of
from naivegrad.ops._args import new_tensor, normalize_axes, numpy_dtype, require_tensor
from naivegrad.ops.complex import view_as_real
from naivegrad.ops.fft import fft, ifft, irfft, rfft
from naivegrad.ops.padding import Pad, pad
from naivegrad.ops.rearrange import roll
from naivegrad.ops.strided import Windows, WindowsAdd
from naivegrad.tensor import Tensor, wrap


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies that the numbers of `fft` belong to, of samples a time d apart.

        0, 1, ..., then the negative ones ..., -1, each / (n d)

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.fft.fftfreq(4)
    tensor([ 0.  ,  0.25, -0.5 , -0.25])
    """
    k = np.fft.ifftshift(np.arange(n) - n // 2)
    return _frequencies("fftfreq", k, n, d, out, dtype, device, requires_grad)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies that the numbers of `rfft` belong to: 0, 1, ..., n // 2, each / (n d)."""
    k = np.arange(n // 2 + 1)
    return _frequencies("rfftfreq", k, n, d, out, dtype, device, requires_grad)


def _frequencies(
    op: str, k: Any, n: int, d: float, out: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    numpy_type = numpy_dtype(dtype, out=out)
    if not is_differentiable(numpy_type):
        raise TypeError(f"{op}: a floating-point or complex dtype is needed, got {dtype}")
    backend = backend_of(device)
    array = backend.from_numpy((k * (1.0 / (n * d) if n else 0.0)).astype(numpy_type))
    return new_tensor(array, backend, requires_grad, out, op)


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The frequency 0 moved to the middle of the dimensions (all, if left out)."""
    axes = normalize_axes(dim, require_tensor(input, "fftshift").array.ndim, "fftshift")
    return roll(input, [input.array.shape[i] // 2 for i in axes], axes) if axes else input.clone()


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of `fftshift`: from the middle to the front."""
    axes = normalize_axes(dim, require_tensor(input, "ifftshift").array.ndim, "ifftshift")
    back = [-(input.array.shape[i] // 2) for i in axes]
    return roll(input, back, axes) if axes else input.clone()


# Windows


def _window(op: str, length: Any, periodic: bool, formula: Any, options: Any) -> Tensor:
    """formula(n / (N - 1)) at n = 0 ... N - 1; a periodic window lacks the last of N + 1 values."""
    dtype, device, requires_grad, out = options
    numpy_type = numpy_dtype(dtype, out=out)
    n = operator.index(length)
    if n < 0:
        raise ValueError(f"{op}: window_length must not be negative, got {n}")
    if not is_floating(numpy_type):
        raise TypeError(f"{op}: a floating-point dtype is needed, got {dtype}")
    values = np.ones(n) if n <= 1 else formula(np.arange(n) / (n if periodic else n - 1))
    backend = backend_of(device)
    return new_tensor(
        backend.from_numpy(values.astype(numpy_type)), backend, requires_grad, out, op
    )


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """sin(pi t)^2, t from 0 to 1: to the last value, or to the one after it if periodic.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.hann_window(4)
    tensor([0. , 0.5, 1. , 0.5])
    """
    return _window(
        *("hann_window", window_length, periodic, lambda t: 0.5 - 0.5 * np.cos(2 * np.pi * t)),
        (dtype, device, requires_grad, out),
    )


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """alpha - beta cos(2 pi t), t as in `hann_window`."""
    return _window(
        *("hamming_window", window_length, periodic),
        lambda t: alpha - beta * np.cos(2 * np.pi * t),
        (dtype, device, requires_grad, out),
    )


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """0.42 - 0.5 cos(2 pi t) + 0.08 cos(4 pi t), t as in `hann_window`."""
    return _window(
        *("blackman_window", window_length, periodic),
        lambda t: 0.42 - 0.5 * np.cos(2 * np.pi * t) + 0.08 * np.cos(4 * np.pi * t),
        (dtype, device, requires_grad, out),
    )


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """1 - |2 t - 1|, a triangle, t as in `hann_window`."""
    return _window(
        *("bartlett_window", window_length, periodic, lambda t: 1 - np.abs(2 * t - 1)),
        (dtype, device, requires_grad, out),
    )


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """I0(beta sqrt(1 - (2 t - 1)^2)) / I0(beta), t as in `hann_window`; I0 is Bessel's."""
    return _window(
        *("kaiser_window", window_length, periodic),
        lambda t: np.i0(beta * np.sqrt(np.maximum(1 - (2 * t - 1) ** 2, 0))) / np.i0(beta),
        (dtype, device, requires_grad, out),
    )


# Short pieces


def _piece_options(
    op: str, x: Tensor, n_fft: int, hop_length: Any, win_length: Any, window: Any
) -> tuple[int, int, Tensor | None]:
    """Hop and window length with their defaults; the window with zeros around it, to n_fft."""
    hop = n_fft // 4 if hop_length is None else operator.index(hop_length)
    width = n_fft if win_length is None else operator.index(win_length)
    if hop < 1:
        raise ValueError(f"{op}: hop_length must be at least 1, got {hop}")
    if not 0 < width <= n_fft:
        raise ValueError(f"{op}: win_length must be in 1 ... n_fft = {n_fft}, got {width}")
    if window is not None:
        if require_tensor(window, op, "window").array.shape != (width,):
            raise ValueError(
                f"{op}: the window must be of shape ({width},), got {window.array.shape}"
            )
    elif width < n_fft:
        window = wrap(x.backend.full((width,), 1, x.real.array.dtype), x.backend)
    if width < n_fft:
        left = (n_fft - width) // 2
        window = Pad.apply(window, ((left, n_fft - width - left),), 0.0)
    return hop, width, window


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The Fourier transforms of overlapping pieces of a signal.

        y[k, t] = sum_n window[n] x[t * hop_length + n] e^(-2 pi i k n / n_fft)

    Parameters
    ----------
    input : Tensor, (L,) or (N, L)
    n_fft : the length of each piece
    hop_length : from piece to piece (n_fft // 4)
    win_length : of the window, which stands in the middle of the piece (n_fft)
    window : Tensor, (win_length,); ones, if left out
    center : pad the signal by n_fft // 2, by pad_mode, so that piece t has its middle at t * hop
    normalized : multiply by 1 / sqrt(n_fft)
    onesided : only k <= n_fft / 2: the default, unless input or window are complex
    return_complex : must be given for real input; False gives pairs along a last axis
    align_to_window : without center, let the windows and not the pieces begin with the signal

    Returns
    -------
    Tensor, (F, T) or (N, F, T)      F frequencies, T pieces

    Raises
    ------
    TypeError, ValueError : wrong types, lengths that do not fit, return_complex missing
    """
    op = "stft"
    x = require_tensor(input, op)
    if not is_differentiable(x.array.dtype) or x.array.dtype.itemsize < 4:
        raise TypeError(f"{op}: float32, float64 or complex is needed, got {x.dtype}")
    complex = x.is_complex() or (isinstance(window, Tensor) and window.is_complex())
    if return_complex is None and not complex:
        raise ValueError(f"{op}: return_complex must be given for a real input; True is best")
    if onesided and complex:
        raise ValueError(f"{op}: onesided is for real inputs and windows")
    if x.array.ndim not in (1, 2):
        raise ValueError(f"{op}: expects (L,) or (N, L), got shape {x.array.shape}")
    n_fft = operator.index(n_fft)
    if center and align_to_window is not None:
        raise ValueError(f"{op}: align_to_window is for center=False")
    if n_fft < 1:
        raise ValueError(f"{op}: n_fft must be at least 1, got {n_fft}")
    hop, width, window = _piece_options(op, x, n_fft, hop_length, win_length, window)
    if center:
        x = pad(x, (n_fft // 2, n_fft // 2), pad_mode)
    elif align_to_window:
        x = pad(x, ((n_fft - width) // 2, (n_fft - width) // 2))
    if x.array.shape[-1] < n_fft:
        raise ValueError(
            f"{op}: n_fft = {n_fft} is longer than the signal, {x.array.shape[-1]} (padded)"
        )
    pieces = Windows.apply(x, x.array.ndim - 1, n_fft, hop)  # (..., T, n_fft)
    if window is not None:
        pieces = pieces * window
    transform = fft if complex or onesided is False else rfft
    y = transform(pieces, norm="ortho" if normalized else None).mT
    return y if return_complex is None or return_complex else view_as_real(y)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The inverse of `stft`: the pieces added up, divided by the sum of their windows' squares.

    Parameters
    ----------
    input : complex Tensor, (F, T) or (N, F, T)
    n_fft, hop_length, win_length, window, center, normalized, onesided : as for `stft`
    length : of the result: what is longer is cut off, what is shorter ends in zeros
    return_complex : give a complex signal; for onesided=False only

    Raises
    ------
    ValueError : lengths that do not fit; windows that leave a place of the signal uncovered
    """
    op = "istft"
    if not require_tensor(input, op).is_complex():
        raise TypeError(f"{op}: a complex tensor is needed, got {input.dtype}")
    shape = input.array.shape
    if len(shape) not in (2, 3) or not input.array.size:
        raise ValueError(f"{op}: expects a non-empty (F, T) or (N, F, T), got shape {shape}")
    n_fft = operator.index(n_fft)
    if onesided is None:
        onesided = shape[-2] != n_fft
    if shape[-2] != (n_fft // 2 + 1 if onesided else n_fft):
        raise ValueError(f"{op}: {shape[-2]} frequencies do not fit n_fft = {n_fft}")
    hop, width, window = _piece_options(op, input, n_fft, hop_length, win_length, window)
    if hop > width:
        raise ValueError(f"{op}: hop_length {hop} must not exceed win_length {width}")
    if return_complex and onesided:
        raise ValueError(f"{op}: return_complex needs onesided=False")
    if not return_complex and window is not None and window.is_complex():
        raise ValueError(f"{op}: a complex window needs return_complex=True")
    norm = "ortho" if normalized else None
    frames = input.mT  # (..., T, F)
    # Of a real signal the first half of the frequencies tells all, and irfft looks at no others.
    pieces = ifft(frames, norm=norm) if return_complex else irfft(frames, n_fft, norm=norm)
    if window is None:
        window = wrap(input.backend.full((n_fft,), 1, input.real.array.dtype), input.backend)
    count = shape[-1]
    total = n_fft + hop * (count - 1)
    squares = (window * window).expand(count, n_fft)
    weight = WindowsAdd.apply(squares, (total,), 0, n_fft, hop)
    added = (*shape[:-2], total)
    y = WindowsAdd.apply(pieces * window, added, len(added) - 1, n_fft, hop)
    start = n_fft // 2 if center else 0
    end = total - start if length is None else min(start + operator.index(length), total)
    y, weight = y[..., start:end], weight[start:end]
    if weight.array.size and (weight.detach().abs() < 1e-11).any().item():
        raise ValueError(f"{op}: the windows leave places of the signal without weight")
    y = y / weight
    if length is not None and length > end - start:
        y = pad(y, (0, length - (end - start)))
    return y
