"""Convolutions, and their bases for `isinstance`."""

from naivegrad.nn.conv import *  # noqa: F403
from naivegrad.nn.conv import _Conv as _ConvNd  # noqa: F401
from naivegrad.nn.conv import _ConvTranspose as _ConvTransposeNd  # noqa: F401
from naivegrad.nn.lazy import (  # noqa: F401
    LazyConv1d,
    LazyConv2d,
    LazyConv3d,
    LazyConvTranspose1d,
    LazyConvTranspose2d,
    LazyConvTranspose3d,
)
