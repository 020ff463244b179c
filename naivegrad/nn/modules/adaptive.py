"""Softmax over many classes."""

from naivegrad.nn.adaptive import *  # noqa: F403
