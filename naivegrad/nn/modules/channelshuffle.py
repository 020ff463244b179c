"""Channels dealt out."""

from naivegrad.nn.image import ChannelShuffle

__all__ = ["ChannelShuffle"]
