"""Recurrent layers."""

from naivegrad.nn.rnn import *  # noqa: F403
