"""Distances."""

from naivegrad.nn.distance import *  # noqa: F403
