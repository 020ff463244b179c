from numpy import ndarray

CODES: dict[str, int]

# None where x is not a dense array of float32 or float64.
def reduce_all(op: int, x: ndarray, scale: float = 1.0) -> ndarray | None: ...
def reduce_run(
    op: int, x: ndarray, first: int, last: int, keepdims: bool, scale: float = 1.0
) -> ndarray | None: ...
def sum_integers(x: ndarray, first: int, last: int, keepdims: bool) -> ndarray | None: ...
def reduce(
    op: int,
    x: ndarray,
    out: ndarray,
    outer: int,
    n: int,
    inner: int,
    scale: float = 1.0,
    center: ndarray | None = None,
) -> None: ...
def arg_reduce(largest: bool, x: ndarray, axis: int, keepdims: bool) -> ndarray: ...
