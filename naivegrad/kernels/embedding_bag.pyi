from typing import Any

from numpy import ndarray

def bag_sum(
    index: ndarray, start: ndarray, table: ndarray, scale: ndarray | None, skip: int, mean: bool
) -> Any: ...
def bag_grad(
    index: ndarray,
    start: ndarray,
    grad: ndarray,
    scale: ndarray | None,
    rows: int,
    skip: int,
    mean: bool,
) -> Any: ...
def bag_dot(index: ndarray, start: ndarray, grad: ndarray, table: ndarray, skip: int) -> Any: ...
def bag_argmax(index: ndarray, start: ndarray, table: ndarray, skip: int) -> Any: ...
