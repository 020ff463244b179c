from typing import Any

from numpy import ndarray

def rnn(
    cell: int,
    x: ndarray,
    h0: ndarray,
    c0: ndarray | None,
    weight: ndarray,
    bias: ndarray | None,
    projection: ndarray | None,
    spans: ndarray,
    reverse: bool,
    keep: bool,
) -> Any: ...
def rnn_grad(
    cell: int,
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
    spans: ndarray,
    reverse: bool,
) -> Any: ...
