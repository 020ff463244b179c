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
