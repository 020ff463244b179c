"""Distances between the rows of two matrices."""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray

from naivegrad.kernels import distance as kernel


def cdist(x: ndarray, y: ndarray, p: float) -> ndarray:
    """The p-norm of every row of x (..., M, K) minus every row of y (..., N, K): (..., M, N)."""
    dist = np.empty((*x.shape[:-1], y.shape[-2]), x.dtype)
    kernel.cdist(_batch(x), _batch(y), _batch(dist), p)
    return dist


def cdist_grad(grad: ndarray, x: ndarray, y: ndarray, dist: ndarray, p: float) -> ndarray:
    """The gradient of x, 0 from where two rows coincide."""
    grad_x = np.zeros(x.shape, x.dtype)
    kernel.cdist(_batch(x), _batch(y), _batch(dist), p, _batch(grad), _batch(grad_x))
    return grad_x


def _batch(x: ndarray) -> ndarray:
    """Contiguous, (B, M, K)."""
    return np.ascontiguousarray(x).reshape(math.prod(x.shape[:-2]), *x.shape[-2:])
