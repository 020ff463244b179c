"""The named tuples of operations that have several results."""

from __future__ import annotations

from typing import NamedTuple

from naivegrad.tensor import Tensor


class ValuesIndices(NamedTuple):
    """Values, and where they stand."""

    values: Tensor
    indices: Tensor


class MinMax(NamedTuple):
    """The smallest and the largest value."""

    min: Tensor
    max: Tensor


class Histogram(NamedTuple):
    """How much falls in each bin, and where the bins end."""

    hist: Tensor
    bin_edges: Tensor


class MantissaExponent(NamedTuple):
    """The two parts of floating-point numbers."""

    mantissa: Tensor
    exponent: Tensor
