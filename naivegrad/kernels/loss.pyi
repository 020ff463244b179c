# Any: arrays, or None where an input is not dense.
from typing import Any

from numpy import ndarray

NONE: int
MEAN: int
SUM: int

# None, or False: these arrays are not dense.
def cross_entropy(
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    smoothing: float,
    reduction: int,
) -> Any: ...
def cross_entropy_grad(
    grad: ndarray,
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    stats: ndarray,
    ignore_index: int,
    smoothing: float,
    reduction: int,
) -> Any: ...
def nll_loss(
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    smoothing: float,
    reduction: int,
) -> Any: ...
def nll_loss_grad(
    grad: ndarray,
    out: ndarray,
    target: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    smoothing: float,
    reduction: int,
) -> bool: ...
def mse_loss(x: ndarray, y: ndarray, reduction: int) -> Any: ...
def mse_loss_grad(grad: ndarray, x: ndarray, y: ndarray, reduction: int) -> Any: ...
