# Any: an array, or None where an input is not a dense array of float32 or float64.
from typing import Any

from numpy import ndarray

UNARY: frozenset[str]
BINARY: frozenset[str]
COMPARE: frozenset[str]

def unary(
    op: str, x: ndarray, p: float = 0.0, q: float = 0.0, out: ndarray | None = None
) -> Any: ...
def binary(
    op: str,
    x: ndarray | complex,
    y: ndarray | complex,
    p: float = 0.0,
    q: float = 0.0,
    out: ndarray | None = None,
) -> Any: ...
def compare(op: str, x: ndarray | complex, y: ndarray | complex) -> Any: ...
