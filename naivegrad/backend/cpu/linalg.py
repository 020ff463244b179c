"""Matrix products: the tile of kernels/matmul.pyx, and NumPy's BLAS where it is the better one."""

from __future__ import annotations

import math

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.promotion import is_floating
from naivegrad.kernels import matmul as kernel

# inf - inf is NaN without a warning, as in the kernels
_product = np.errstate(all="ignore")(np.matmul)
_NARROW = 4  # a product with fewer rows or columns reads its matrix once, which BLAS does best


def matmul(x: ndarray, y: ndarray) -> ndarray:
    """x @ y of (..., M, K) and (..., K, N), the leading axes broadcasting; of vectors as NumPy."""
    if y.ndim == 1:
        if is_floating(x.dtype) and x.dtype.itemsize == 2:
            return cast(
                matmul(cast(x, np.dtype(np.float32)), cast(y, np.dtype(np.float32))), x.dtype
            )
        return np.asarray(_product(x, np.ascontiguousarray(y)))  # the BLAS wants steps above 0
    m, k = x.shape[-2:]
    n = y.shape[-1]
    if not _tiled(x, m, n, k):
        if is_floating(x.dtype) and x.dtype.itemsize == 2:  # half precision: multiplied in float32
            return cast(matmul(cast(x, np.dtype("float32")), cast(y, np.dtype("float32"))), x.dtype)
        return _product(x, y)
    if x.ndim == 2 and y.ndim == 2:
        return kernel.matmul(_strided(x), _strided(y))
    lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x = _strided(np.broadcast_to(x, (*lead, m, k)).reshape(-1, m, k))
    y = _strided(np.broadcast_to(y, (*lead, k, n)).reshape(-1, k, n))
    return kernel.matmul(x, y).reshape(*lead, m, n)


def linear(x: ndarray, w: ndarray, b: ndarray | None) -> ndarray:
    """x @ w.T + b: (..., K), (N, K), (N,) to (..., N)."""
    rows = x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    if _tiled(rows, rows.shape[0], *w.shape):
        if b is not None and not b.flags.c_contiguous:
            b = b.copy()
        y = kernel.matmul(_strided(rows), _strided(w.T), b)
    else:
        y = matmul(rows, w.T)
        if b is not None:
            y = np.add(y, b, out=y)
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], w.shape[0])


@np.errstate(all="ignore")
def cross(x: ndarray, y: ndarray, axis: int) -> ndarray:
    """The vector products of threes along an axis, the other axes broadcasting."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    z = np.empty(shape, x.dtype)
    x, y, parts = (np.moveaxis(a, axis, 0) for a in (x, y, z))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        np.subtract(x[j] * y[k], x[k] * y[j], out=parts[i, ...])
    return z


def _tiled(x: ndarray, m: int, n: int, k: int) -> bool:
    """Whether the tile is to multiply (M, K) and (K, N) of the type of x."""
    fits = x.dtype.kind == "f" and x.dtype.itemsize >= 4 and kernel.available
    return fits and m >= _NARROW and n >= _NARROW and k > 0


def _strided(x: ndarray) -> ndarray:
    """x itself if its strides are whole elements, none negative; else a copy."""
    item = x.dtype.itemsize
    if x.flags.c_contiguous or (
        x.flags.aligned and all(step >= 0 and step % item == 0 for step in x.strides)
    ):
        return x
    return np.ascontiguousarray(x)
