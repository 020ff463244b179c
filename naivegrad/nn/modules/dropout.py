"""Dropouts, and their base for `isinstance`."""

from naivegrad.nn.dropout import *  # noqa: F403
from naivegrad.nn.dropout import _Dropout as _DropoutNd  # noqa: F401
