"""Recurrent layers: one direction of one layer, all steps at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense, dense_float, dense_or_none, working_type
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.cpu.linalg import matmul
from naivegrad.backend.cpu.reduce import reduce
from naivegrad.kernels import rnn as kernel

_CELLS = {"tanh": 0, "relu": 1, "lstm": 2, "gru": 3}  # as the kernel numbers them
_GATES = {"tanh": 1, "relu": 1, "lstm": 4, "gru": 3}


def rnn(
    cell: str,
    x: ndarray,
    h0: ndarray,
    c0: ndarray | None,
    weight: ndarray,
    bias: ndarray | None,
    projection: ndarray | None,
    sizes: tuple[int, ...],
    reverse: bool,
    keep: bool,
) -> tuple[ndarray, ndarray, ndarray | None, ndarray | None, ndarray | None]:
    """The hidden states of all steps, the last h and c; to `keep`, the gates and the cells."""
    number, spans = _CELLS[cell], _spans(sizes)
    result = kernel.rnn(number, x, h0, c0, weight, bias, projection, spans, reverse, keep)
    if result is not None:
        return result
    copies = _fitting(cell, sizes, x, h0, c0, weight, bias, projection)
    out, h, c, gates, cells = kernel.rnn(number, *[*copies, spans, reverse, keep])
    c = None if c is None else cast(c, x.dtype)
    return cast(out, x.dtype), cast(h, x.dtype), c, gates, cells


def rnn_grad(
    cell: str,
    grad: ndarray | None,
    grad_h: ndarray | None,
    grad_c: ndarray | None,
    h0: ndarray,
    c0: ndarray | None,
    weight: ndarray,
    projection: ndarray | None,
    out: ndarray,
    gates: ndarray | None,
    cells: ndarray | None,
    sizes: tuple[int, ...],
    reverse: bool,
    needs: tuple[bool, ...],
) -> tuple[ndarray | None, ...]:
    """The gradients of x, h0, c0, weight, bias and projection; None where not needed."""
    number, spans = _CELLS[cell], _spans(sizes)
    result = kernel.rnn_grad(
        number, grad, grad_h, grad_c, h0, c0, weight, projection, out, gates, cells, spans, reverse
    )
    if result is None:
        given = (grad, grad_h, grad_c, h0, c0, weight, projection, out)
        copies: list[Any] = [dense_or_none("rnn", a, None, working_type(out)) for a in given]
        result = kernel.rnn_grad(number, *[*copies, gates, cells, spans, reverse])
    dx, dh, dc, ds, previous, dless = result
    dw = matmul(ds.T, previous) if needs[3] else None
    db = reduce("sum", ds, (0,), False) if needs[4] else None
    dp = None
    if needs[5] and gates is not None and cells is not None:
        dp = matmul(dless.T, gates[:, -cells.shape[1] :] * np.tanh(cells))  # o tanh(c)
    grads = zip((dx, dh, dc, dw, db, dp), needs, strict=True)
    return tuple([cast(g, out.dtype) if g is not None and need else None for g, need in grads])


def _fitting(
    cell: str,
    sizes: tuple[int, ...],
    x: ndarray,
    h0: ndarray,
    c0: ndarray | None,
    weight: ndarray,
    bias: ndarray | None,
    projection: ndarray | None,
) -> list[Any]:
    """The arrays as the kernel takes them; ValueError where their shapes do not fit."""
    if (c0 is None) == (cell == "lstm"):
        raise ValueError("rnn: an LSTM, and nothing else, has a cell state")
    xs = dense_float("rnn", x)
    count, state = weight.shape
    features = state if projection is None else projection.shape[1]
    batch = sizes[:1]
    return [
        dense("rnn", xs, (sum(sizes), count), xs.dtype),
        dense("rnn", h0, (*batch, state), xs.dtype),
        dense_or_none("rnn", c0, (*batch, features), xs.dtype),
        dense("rnn", weight, (_GATES[cell] * features, state), xs.dtype),
        dense_or_none("rnn", bias, (count,), xs.dtype),
        dense_or_none("rnn", projection, (state, features), xs.dtype),
    ]


@lru_cache(64)  # the same for every step of a training
def _spans(sizes: tuple[int, ...]) -> ndarray:
    """How many rows each step has, and where they begin, (2, L)."""
    counts = np.array(sizes, np.int64)
    if (counts < 0).any() or (np.diff(counts) > 0).any():
        raise ValueError(f"rnn: no step may have more sequences than the one before, got {sizes}")
    spans = np.stack([counts, np.cumsum(counts) - counts])
    spans.flags.writeable = False
    return spans
