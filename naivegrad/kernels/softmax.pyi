# Any: arrays, or None where an input is not dense.
from typing import Any

from numpy import ndarray

def softmax(x: ndarray, axis: int, logarithm: bool) -> Any: ...
def softmax_grad(grad: ndarray, y: ndarray, axis: int, logarithm: bool) -> Any: ...
