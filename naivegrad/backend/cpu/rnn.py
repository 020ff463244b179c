"""Recurrent layers: one direction of one layer, all steps at once."""

from __future__ import annotations

from functools import lru_cache

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
    if (c0 is None) == (cell == "lstm"):
        raise ValueError("rnn: an LSTM, and nothing else, has a cell state")
    xs, spans = dense_float("rnn", x), _spans(sizes)
    work, (count, state) = xs.dtype, weight.shape
    features = state if projection is None else projection.shape[1]
    xs = dense("rnn", xs, (sum(sizes), count), work)
    w = dense("rnn", weight, (_GATES[cell] * features, state), work)
    b = dense_or_none("rnn", bias, (count,), work)
    p = dense_or_none("rnn", projection, (state, features), work)
    h = dense("rnn", h0, (*sizes[:1], state), work).copy()
    c = None if c0 is None else dense("rnn", c0, (*sizes[:1], features), work).copy()
    out = np.empty((len(xs), state), work)
    gates = np.empty((len(xs), 4 * features), work) if keep and cell in ("lstm", "gru") else None
    cells = np.empty((len(xs), features), work) if keep and cell == "lstm" else None
    kernel.rnn(_CELLS[cell], xs, h, c, w, b, p, spans, reverse, out, gates, cells)
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
    work = working_type(out)
    states, w = dense("rnn", out, None, work), dense("rnn", weight, None, work)
    p = dense_or_none("rnn", projection, None, work)
    h, c = dense("rnn", h0, None, work), dense_or_none("rnn", c0, None, work)
    g = dense_or_none("rnn", grad, out.shape, work)
    dh = _start(grad_h, h)
    dc = None if c is None else _start(grad_c, c)
    dx = np.empty((len(states), len(w)), work)
    ds = np.empty_like(dx) if cell == "gru" else dx
    previous = np.empty_like(states)
    dless = None if p is None else np.empty_like(states)
    kernel.rnn_grad(
        _CELLS[cell], g, w, p, _spans(sizes), reverse, states, gates, cells, h, c,
        dh, dc, dx, ds, previous, dless,
    )  # fmt: skip
    dw = matmul(ds.T, previous) if needs[3] else None
    db = reduce("sum", ds, (0,), False) if needs[4] else None
    dp = None
    if needs[5] and dless is not None and gates is not None and cells is not None:
        dp = matmul(dless.T, gates[:, -cells.shape[1] :] * np.tanh(cells))  # o tanh(c)
    grads = zip((dx, dh, dc, dw, db, dp), needs, strict=True)
    return tuple([cast(g, out.dtype) if g is not None and need else None for g, need in grads])


def _start(grad: ndarray | None, state: ndarray) -> ndarray:
    """The gradient of a last state, to be overwritten."""
    return np.zeros_like(state) if grad is None else dense("rnn", grad, None, state.dtype).copy()


@lru_cache(64)  # the same for every step of a training
def _spans(sizes: tuple[int, ...]) -> ndarray:
    """How many rows each step has, and where they begin, (2, L)."""
    counts = np.array(sizes, np.int64)
    if (counts < 0).any() or (np.diff(counts) > 0).any():
        raise ValueError(f"rnn: no step may have more sequences than the one before, got {sizes}")
    spans = np.stack([counts, np.cumsum(counts) - counts])
    spans.flags.writeable = False
    return spans
