"""Matrix products, by the BLAS that NumPy brings."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import binary, cast


def matmul(x: ndarray, y: ndarray) -> ndarray:
    """x @ y of (..., M, K) and (..., K, N), the leading axes broadcasting."""
    if (
        x.dtype.itemsize == 2 and x.dtype.kind == "f"
    ):  # half precision: products and sums in float32
        return cast(np.matmul(x.astype(np.float32), y.astype(np.float32)), x.dtype)
    return np.matmul(x, y)


def linear(x: ndarray, w: ndarray, b: ndarray | None) -> ndarray:
    """x @ w.T + b: (..., K), (N, K), (N,) to (..., N)."""
    rows = x.reshape(-1, x.shape[-1]) if x.ndim != 2 else x
    y = matmul(rows, w.T)
    if b is not None:
        binary("add", y, b, out=y)
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], w.shape[0])
