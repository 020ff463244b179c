"""The part of the protocol on recurrent layers."""

from __future__ import annotations

from typing import Any, Protocol

Array = Any


class Recurrent(Protocol):
    """One direction of one layer, through all steps."""

    # rnn: cell is "tanh", "relu", "lstm" or "gru"; step t has the first sizes[t] of N sequences (no
    # size is above the one before it), the rows of all steps stand one after another; x (rows, G)
    # is what the gates get from the input, h0 (N, S), c0 (N, D), weight (G, S), bias (G,),
    # projection (S, D)

    def rnn(
        self,
        cell: str,
        x: Array,
        h0: Array,
        c0: Array | None,
        weight: Array,
        bias: Array | None,
        projection: Array | None,
        sizes: tuple[int, ...],
        reverse: bool,
        keep: bool,
    ) -> tuple[Array, Array, Array | None, Array | None, Array | None]:
        """The hidden states of all steps, the last h and c; to `keep`, the gates and the cells."""
        ...

    def rnn_grad(
        self,
        cell: str,
        grad: Array | None,
        grad_h: Array | None,
        grad_c: Array | None,
        h0: Array,
        c0: Array | None,
        weight: Array,
        projection: Array | None,
        out: Array,
        gates: Array | None,
        cells: Array | None,
        sizes: tuple[int, ...],
        reverse: bool,
        needs: tuple[bool, ...],
    ) -> tuple[Array | None, ...]:
        """The gradients of x, h0, c0, weight, bias and projection; None where not needed."""
        ...
