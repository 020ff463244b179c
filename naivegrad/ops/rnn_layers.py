"""Recurrent layers on top of one another, and single steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.ops.dropout import dropout
from naivegrad.ops.joining import cat, stack
from naivegrad.ops.linalg import linear
from naivegrad.ops.rnn import GRU, LSTM, RNNReLU, RNNTanh, _Recurrence
from naivegrad.tensor import Tensor

OPERATIONS: dict[str, type[_Recurrence]] = {
    "RNN_TANH": RNNTanh,
    "RNN_RELU": RNNReLU,
    "LSTM": LSTM,
    "GRU": GRU,
}


def recurrent_layers(
    mode: str,
    x: Tensor,
    sizes: tuple[int, ...],
    h0: Tensor,
    c0: Tensor | None,
    layers: Sequence[Sequence[Sequence[Tensor | None]]],
    dropout_p: float,
    training: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The output of the last layer, and the last states of all.

    Parameters
    ----------
    mode : "RNN_TANH", "RNN_RELU", "LSTM" or "GRU"
    x : Tensor, (rows, I): the rows of all steps, one step after another
    sizes : how many sequences each step has, none more than the step before it
    h0 : Tensor, (layers * directions, N, S)
    c0 : Tensor, (layers * directions, N, D), for an LSTM
    layers : for each layer, for each of its one or two directions, weight_ih, weight_hh, bias_ih,
        bias_hh and weight_hr, None where there is none
    dropout_p : what part of the states is dropped between layers in training

    Returns
    -------
    (rows, directions * S), and states as h0 and c0
    """
    hs, cs = [], []
    for i, directions in enumerate(layers):
        if i > 0:
            x = dropout(x, dropout_p, training)
        outs = []
        for k, weights in enumerate(directions):
            at = i * len(directions) + k
            c = None if c0 is None else c0[at]
            out, h, *rest = _direction(OPERATIONS[mode], x, sizes, h0[at], c, weights, k == 1)
            outs.append(out)
            hs.append(h)
            cs += rest
        x = cat(outs, 1) if len(outs) > 1 else outs[0]
    return x, stack(hs), stack(cs) if cs else None


def _direction(
    operation: type[_Recurrence],
    x: Tensor,
    sizes: tuple[int, ...],
    h: Tensor,
    c: Tensor | None,
    weights: Sequence[Tensor | None],
    reverse: bool,
) -> Any:
    """(out, h) or (out, h, c). All that the input gives to the gates is one matrix product."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    if operation is not GRU:  # where s goes through a gate of its own: there b_hh must, too
        b_ih, b_hh = (b_ih if b_hh is None else b_hh if b_ih is None else b_ih + b_hh), None
    assert w_ih is not None
    return operation.apply(linear(x, w_ih, b_ih), h, c, w_hh, b_hh, w_hr, sizes, reverse)


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a plain recurrent network.

        h' = tanh(x w_ih^T + b_ih + h w_hh^T + b_hh)

    Parameters
    ----------
    input : Tensor, (N, I)
    hx : Tensor, (N, D)
    w_ih, w_hh : Tensor, (D, I) and (D, D)
    b_ih, b_hh : Tensor, (D,), optional

    Returns
    -------
    Tensor, (N, D)

    Raises
    ------
    ValueError
        Shapes that do not fit.
    TypeError
        Integers, or tensors of different types.

    Notes
    -----
    Differentiable in all tensors, to any order.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x, h, w = ng.zeros(1, 2), ng.ones(1, 3), ng.zeros(3, 2)
    >>> ng.rnn_tanh_cell(x, h, w, 100 * ng.eye(3))
    tensor([[1., 1., 1.]])
    """
    return _cell("rnn_tanh_cell", RNNTanh, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """`rnn_tanh_cell` with max(., 0) in the place of tanh."""
    return _cell("rnn_relu_cell", RNNReLU, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM.

        i, f, g, o = x w_ih^T + b_ih + h w_hh^T + b_hh
        c' = sigmoid(f) c + sigmoid(i) tanh(g),    h' = sigmoid(o) tanh(c')

    Parameters
    ----------
    input : Tensor, (N, I)
    hx : (h, c), Tensors, (N, D)
    w_ih, w_hh : Tensor, (4 D, I) and (4 D, D)
    b_ih, b_hh : Tensor, (4 D,), optional

    Returns
    -------
    (h', c')    Tensors, (N, D)

    Raises
    ------
    ValueError
        Shapes that do not fit.
    TypeError
        Integers, or tensors of different types.

    Notes
    -----
    Differentiable in all tensors, to any order.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x, h, c = ng.zeros(1, 2), ng.zeros(1, 1), ng.ones(1, 1)
    >>> h, c = ng.lstm_cell(x, (h, c), ng.zeros(4, 2), ng.zeros(4, 1))
    >>> c
    tensor([[0.5]])

    References
    ----------
    Hochreiter & Schmidhuber 1997, "Long short-term memory". Gers, Schmidhuber & Cummins 2000,
    "Learning to forget".
    """
    return _cell("lstm_cell", LSTM, input, hx, w_ih, w_hh, b_ih, b_hh)


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a gated recurrent unit.

        r, z = sigmoid(x w_ih^T + b_ih + h w_hh^T + b_hh), the first two thirds
        m = tanh(x w_ih^T + b_ih + r (h w_hh^T + b_hh)), the last third
        h' = (1 - z) m + z h

    Parameters
    ----------
    input : Tensor, (N, I)
    hx : Tensor, (N, D)
    w_ih, w_hh : Tensor, (3 D, I) and (3 D, D)
    b_ih, b_hh : Tensor, (3 D,), optional

    Returns
    -------
    Tensor, (N, D)

    Raises
    ------
    ValueError
        Shapes that do not fit.
    TypeError
        Integers, or tensors of different types.

    Notes
    -----
    Differentiable in all tensors, to any order.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x, h = ng.zeros(1, 2), ng.ones(1, 1)
    >>> ng.gru_cell(x, h, ng.zeros(3, 2), ng.zeros(3, 1))
    tensor([[0.5]])

    References
    ----------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder ...".
    """
    return _cell("gru_cell", GRU, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


_GATES = {"lstm": 4, "gru": 3}


def _cell(
    op: str,
    operation: type[_Recurrence],
    x: Tensor,
    states: Sequence[Tensor],
    *weights: Tensor | None,
) -> Any:
    """The next states."""
    _check_cell(op, operation, x, states, weights)
    h, c = states if len(states) == 2 else (states[0], None)
    sizes = (x.array.shape[0],)
    return _direction(operation, x, sizes, h, c, (*weights, None), False)[1:]


def _check_cell(
    op: str,
    operation: type[_Recurrence],
    x: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Tensor | None],
) -> None:
    if operation is LSTM and (not isinstance(states, tuple | list) or len(states) != 2):
        raise TypeError(f"{op}: hx must be (h, c), got {type(states).__name__}")
    dtype, shape = require_floating(x, op).array.dtype, x.array.shape
    state = require_tensor(states[0], op, "h").array.shape
    if len(shape) != 2 or len(state) != 2 or state[0] != shape[0]:
        raise ValueError(f"{op}: expected input (N, I) and h (N, D), got {shape} and {state}")
    gates = _GATES.get(operation.cell, 1) * state[1]
    wanted = [("h", state), ("c", state)][: len(states)]
    wanted += [("w_ih", (gates, shape[1])), ("w_hh", (gates, state[1]))]
    wanted += [("b_ih", (gates,)), ("b_hh", (gates,))]
    for (name, expected), tensor in zip(wanted, (*states, *weights), strict=True):
        if tensor is None and name in ("b_ih", "b_hh"):
            continue
        array = require_tensor(tensor, op, name).array
        if array.dtype != dtype:
            raise TypeError(f"{op}: {name} must be of {dtype}, as input, got {array.dtype}")
        if array.shape != expected:
            raise ValueError(
                f"{op}: {name} must be {expected}, got {array.shape} (input {shape}, h {state})"
            )
