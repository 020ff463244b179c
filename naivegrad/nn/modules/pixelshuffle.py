"""Channels to pixels and back."""

from naivegrad.nn.image import PixelShuffle, PixelUnshuffle

__all__ = ["PixelShuffle", "PixelUnshuffle"]
