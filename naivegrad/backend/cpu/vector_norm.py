"""Norms over any axes: squares in one pass of the reduction's loops, other powers by steps."""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.cpu.reduce import as_lines, as_reduced, reduce
from naivegrad.kernels import elementwise as loops
from naivegrad.kernels import reduce as kernel

Axes = tuple[int, ...]


def vector_norm(x: ndarray, p: float, axes: Axes, keepdims: bool) -> ndarray:
    """(sum |x|^p)^(1/p) over `axes`; the number of nonzeros for p = 0; extrema for infinite p."""
    if x.dtype.itemsize < 4:
        return cast(vector_norm(cast(x, np.dtype("float32")), p, axes, keepdims), x.dtype)
    if p == 2:
        lines = as_lines(x, axes)
        outer, n, inner = lines.shape
        squares, zeros = np.empty(outer * inner, x.dtype), np.zeros(outer * inner, x.dtype)
        kernel.reduce(kernel.CODES["squares"], lines, squares, outer, n, inner, 1.0, zeros)
        return as_reduced(np.sqrt(squares), x.shape, axes, keepdims)
    if p == 0:
        return reduce("sum", np.asarray(x != 0).astype(x.dtype), axes, keepdims)
    size = loops.unary("abs", x)
    if p == 1:
        return reduce("sum", size, axes, keepdims)
    if math.isinf(p):
        return reduce("max" if p > 0 else "min", size, axes, keepdims)
    with np.errstate(divide="ignore"):  # a negative power of 0 is infinite, and its root 0
        powers = np.asarray(np.power(size, p))
        return np.asarray(np.power(reduce("sum", powers, axes, keepdims), 1 / p))
