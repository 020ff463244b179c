"""Pooling."""

from naivegrad.nn.pool import *  # noqa: F403
