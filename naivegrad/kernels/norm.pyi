# Any: arrays, or None where an input is not dense.
from typing import Any

from numpy import ndarray

def layer_norm(
    x: ndarray, axes: int, weight: ndarray | None, bias: ndarray | None, eps: float
) -> Any: ...
def layer_norm_grad(
    grad: ndarray,
    x: ndarray,
    weight: ndarray | None,
    stats: ndarray,
    axes: int,
    with_x: bool,
    with_weight: bool,
) -> Any: ...
def batch_norm(
    x: ndarray,
    running_mean: ndarray | None,
    running_var: ndarray | None,
    weight: ndarray | None,
    bias: ndarray | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Any: ...
def batch_norm_grad(
    grad: ndarray,
    x: ndarray,
    weight: ndarray | None,
    stats: ndarray,
    training: bool,
    with_x: bool,
) -> Any: ...
