from numpy import ndarray

CODES: dict[str, int]

def reduce_dense(
    op: str, x: ndarray, axes: tuple[int, ...] | None, keepdims: bool, scale: float = 1.0
) -> ndarray | None: ...
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
