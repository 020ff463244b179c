"""Sums, means and maxima of rows of a table by bags of numbers, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense, working_type
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import embedding_bag as kernel

_INT64 = np.dtype(np.int64)


def _numbers(x: ndarray) -> ndarray:
    return dense("embedding_bag", x, None, _INT64)


def _floats(x: ndarray, like: ndarray) -> ndarray:
    return dense("embedding_bag", x, None, working_type(like))


def embedding_bag(
    table: ndarray,
    scale: ndarray | None,
    index: ndarray,
    start: ndarray,
    padding_idx: int,
    mean: bool,
) -> ndarray:
    """(B, D): sums (or means) of the rows of each bag, times `scale` by position.

    Bag b are the positions start[b] to start[b + 1] - 1. `padding_idx` counts for nothing.
    """
    out: Any = kernel.bag_sum(index, start, table, scale, padding_idx, mean)
    if out is None:
        s = None if scale is None else _floats(scale, table)
        out = cast(
            kernel.bag_sum(
                _numbers(index), _numbers(start), _floats(table, table), s, padding_idx, mean
            ),
            table.dtype,
        )
    return out


def embedding_bag_grad(
    grad: ndarray,
    scale: ndarray | None,
    index: ndarray,
    start: ndarray,
    rows: int,
    padding_idx: int,
    mean: bool,
) -> ndarray:
    """(rows, D): the transpose of embedding_bag."""
    out: Any = kernel.bag_grad(index, start, grad, scale, rows, padding_idx, mean)
    if out is None:
        s = None if scale is None else _floats(scale, grad)
        out = cast(
            kernel.bag_grad(
                _numbers(index), _numbers(start), _floats(grad, grad), s, rows, padding_idx, mean
            ),
            grad.dtype,
        )
    return out


def embedding_bag_dot(
    grad: ndarray, table: ndarray, index: ndarray, start: ndarray, padding_idx: int
) -> ndarray:
    """By position, the gradient of its bag times its row: the gradient of `scale`."""
    out: Any = kernel.bag_dot(index, start, grad, table, padding_idx)
    if out is None:
        g, t = _floats(grad, table), _floats(table, table)
        out = kernel.bag_dot(_numbers(index), _numbers(start), g, t, padding_idx)
        out = cast(out, table.dtype)
    return out


def embedding_bag_argmax(
    table: ndarray, index: ndarray, start: ndarray, padding_idx: int
) -> ndarray:
    """(B, D) int64: the row of each bag with the largest number in a column; -1 if it is empty."""
    out: Any = kernel.bag_argmax(index, start, table, padding_idx)
    if out is None:
        out = kernel.bag_argmax(
            _numbers(index), _numbers(start), _floats(table, table), padding_idx
        )
    return out
