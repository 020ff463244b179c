"""Matrix products: the tile of kernels/matmul.pyx, and NumPy's BLAS where it is the better one."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import binary, cast
from naivegrad.kernels import matmul as kernel

_NARROW = 4  # a product with fewer rows or columns reads its matrix once, which BLAS does best


def matmul(x: ndarray, y: ndarray, bias: ndarray | None = None) -> ndarray:
    """x @ y of (..., M, K) and (..., K, N), the leading axes broadcasting; bias (N,) is added to rows."""
    kind, item = x.dtype.kind, x.dtype.itemsize
    if kind == "f" and item == 2:  # half precision: products and sums in float32
        wide = None if bias is None else bias.astype(np.float32)
        return cast(matmul(x.astype(np.float32), y.astype(np.float32), wide), x.dtype)
    m, k = x.shape[-2:]
    n = y.shape[-1]
    if kind == "f" and m >= _NARROW and n >= _NARROW and k and kernel.available:
        if x.ndim == 2 and y.ndim == 2:
            return kernel.matmul(_strided(x), _strided(y), bias)
        lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        x = _strided(np.broadcast_to(x, (*lead, m, k)).reshape(-1, m, k))
        y = _strided(np.broadcast_to(y, (*lead, k, n)).reshape(-1, k, n))
        return kernel.matmul(x, y, bias).reshape(*lead, m, n)
    z = np.matmul(x, y)
    return z if bias is None else binary("add", z, bias, out=z)


def _strided(x: ndarray) -> ndarray:
    """x itself if its strides are whole elements, none negative; else a copy."""
    item = x.dtype.itemsize
    if x.flags.c_contiguous or (
        x.flags.aligned and all(step >= 0 and step % item == 0 for step in x.strides)
    ):
        return x
    return np.ascontiguousarray(x)


def linear(x: ndarray, w: ndarray, b: ndarray | None) -> ndarray:
    """x @ w.T + b: (..., K), (N, K), (N,) to (..., N)."""
    rows = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
    if b is not None and not b.flags.c_contiguous:
        b = b.copy()
    y = matmul(rows, w.T, b)
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], w.shape[0])
