"""Borders."""

from naivegrad.nn.padding import *  # noqa: F403
