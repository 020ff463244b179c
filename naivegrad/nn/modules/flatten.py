"""Layers that only change the shape."""

from naivegrad.nn.flatten import *  # noqa: F403
