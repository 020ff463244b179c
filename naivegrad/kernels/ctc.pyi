from typing import Any

from numpy import ndarray

def ctc_loss(
    x: ndarray,
    target: ndarray,
    begin: ndarray,
    lengths: ndarray,
    labels: ndarray,
    blank: int,
    width: int,
) -> Any: ...
def ctc_loss_grad(
    grad: ndarray,
    x: ndarray,
    target: ndarray,
    begin: ndarray,
    lengths: ndarray,
    labels: ndarray,
    blank: int,
    loss: ndarray,
    alpha: ndarray,
    zero_infinity: bool,
) -> Any: ...
