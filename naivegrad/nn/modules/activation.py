"""Activations, and attention."""

from naivegrad.nn.activation import *  # noqa: F403
from naivegrad.nn.multi_head_attention import *  # noqa: F403
