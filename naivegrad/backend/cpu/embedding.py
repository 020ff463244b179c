"""Rows of a table by number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense, working_type
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import embedding as kernel


def embedding(index: ndarray, weight: ndarray) -> ndarray:
    """weight[index]: rows of a (V, D) table; IndexError for an index outside [0, V)."""
    out: Any = kernel.embedding(index, weight)
    if out is None:
        out = kernel.embedding(
            dense("embedding", index, None, np.dtype(np.int64)),
            dense("embedding", weight, None, weight.dtype),
        )
    return out


def embedding_grad(grad: ndarray, index: ndarray, rows: int, padding_idx: int) -> ndarray:
    """(rows, D): row v is the sum of the gradients of the places where index is v.

    The row `padding_idx` stays zero (-1: there is none). Rows are added in the order of the index.
    """
    out: Any = kernel.embedding_grad(grad, index, rows, padding_idx)
    if out is None:
        shape = (*index.shape, grad.shape[-1])
        out = cast(
            kernel.embedding_grad(
                dense("embedding", grad, shape, working_type(grad)),
                dense("embedding", index, None, np.dtype(np.int64)),
                rows,
                padding_idx,
            ),
            grad.dtype,
        )
    return out
