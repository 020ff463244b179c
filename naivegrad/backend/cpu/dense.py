"""What the Cython loops cannot take as it is, brought to a form that they can.

A loop returns None for arrays that are not dense (contiguous, aligned, float32 or float64, all of
one type). Then the functions here make copies that are: of a strided array; of a float16 or a
bfloat16 one, in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.promotion import is_floating


def working_type(x: ndarray) -> np.dtype[Any]:
    """The type to compute in: float16 and bfloat16 are computed in float32."""
    return np.dtype(np.float32) if is_floating(x.dtype) and x.dtype.itemsize == 2 else x.dtype


def dense_float(op: str, x: ndarray) -> ndarray:
    """x, dense; TypeError unless it is of a floating-point type."""
    if not is_floating(x.dtype):
        raise TypeError(f"{op}: a floating-point tensor is needed, got {x.dtype}")
    return np.require(cast(x, working_type(x)), None, ["C", "A"])


def dense(op: str, x: ndarray, shape: tuple[int, ...] | None, dtype: np.dtype[Any]) -> ndarray:
    """x, dense, of a type; ValueError unless it has the shape (None: any)."""
    if shape is not None and x.shape != shape:
        raise ValueError(f"{op}: an array of shape {shape} is needed, got {x.shape}")
    return np.require(cast(x, dtype), None, ["C", "A"])


def dense_or_none(
    op: str, x: ndarray | None, shape: tuple[int, ...] | None, dtype: np.dtype[Any]
) -> ndarray | None:
    """The same, and None for None."""
    return None if x is None else dense(op, x, shape, dtype)
