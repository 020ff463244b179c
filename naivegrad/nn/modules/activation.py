"""Activations."""

from naivegrad.nn.activation import *  # noqa: F403
