"""Lists, dicts and sequences of modules."""

from naivegrad.nn.container import *  # noqa: F403
