"""Tables of vectors."""

from naivegrad.nn.embedding import *  # noqa: F403
