from numpy import ndarray

def gather(
    x: ndarray, index: ndarray, out: ndarray, outer: int, n: int, m: int, inner: int
) -> bool: ...
def scatter(
    source: ndarray, index: ndarray, out: ndarray, outer: int, n: int, m: int, inner: int
) -> bool: ...
def scatter_reduce(
    op: int,
    blocks: bool,
    source: ndarray,
    index: ndarray,
    out: ndarray,
    outer: int,
    n: int,
    m: int,
    inner: int,
    from_end: bool,
) -> bool: ...
def gather_along(x: ndarray, axis: int, index: ndarray) -> ndarray | None: ...
def scatter_along(op: int, out: ndarray, axis: int, index: ndarray, source: ndarray) -> bool: ...
def add_lines(
    source: ndarray, index: ndarray, out: ndarray, outer: int, n: int, m: int
) -> bool: ...
def add_along(out: ndarray, axis: int, index: ndarray, source: ndarray) -> bool: ...
