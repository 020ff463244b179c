"""Fourier transforms of short pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class SpectralMethods:
    """Fourier transforms of short pieces."""

    __slots__ = ()

    def stft(
        self,
        n_fft: int,
        hop_length: Any = None,
        win_length: Any = None,
        window: Any = None,
        center: bool = True,
        pad_mode: str = "reflect",
        normalized: bool = False,
        onesided: Any = None,
        return_complex: Any = None,
        align_to_window: Any = None,
    ) -> Tensor:
        """The Fourier transforms of overlapping pieces."""
        options = (center, pad_mode, normalized, onesided, return_complex, align_to_window)
        return ops.stft(self, n_fft, hop_length, win_length, window, *options)

    def istft(
        self,
        n_fft: int,
        hop_length: Any = None,
        win_length: Any = None,
        window: Any = None,
        center: bool = True,
        normalized: bool = False,
        onesided: Any = None,
        length: Any = None,
        return_complex: bool = False,
    ) -> Tensor:
        """The signal of which these are the transforms of pieces."""
        options = (center, normalized, onesided, length, return_complex)
        return ops.istft(self, n_fft, hop_length, win_length, window, *options)
