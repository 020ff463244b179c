"""Dropouts."""

from naivegrad.nn.dropout import *  # noqa: F403
