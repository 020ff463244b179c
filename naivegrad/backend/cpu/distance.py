"""Distances between the rows of two matrices."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from naivegrad.kernels import distance as kernel


def cdist(x: ndarray, y: ndarray, p: float) -> ndarray:
    """The p-norm of every row of x (B, M, K) minus every row of y (B, N, K): (B, M, N)."""
    dist = np.empty((x.shape[0], x.shape[1], y.shape[1]), x.dtype)
    kernel.cdist(np.ascontiguousarray(x), np.ascontiguousarray(y), dist, p)
    return dist


def cdist_grad(grad: ndarray, x: ndarray, y: ndarray, dist: ndarray, p: float) -> ndarray:
    """The gradient of x, 0 from where two rows coincide."""
    grad_x = np.zeros(x.shape, x.dtype)
    x, y, dist, grad = (np.ascontiguousarray(a) for a in (x, y, dist, grad))
    kernel.cdist(x, y, dist, p, grad, grad_x)
    return grad_x
