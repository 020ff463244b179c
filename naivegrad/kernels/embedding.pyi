# Any: arrays, or None where an input is not dense.
from typing import Any

from numpy import ndarray

def embedding(index: ndarray, weight: ndarray) -> Any: ...
def embedding_grad(grad: ndarray, index: ndarray, rows: int, skip: int) -> Any: ...
