"""Transformers."""

from naivegrad.nn.transformer import *  # noqa: F403
