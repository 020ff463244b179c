from numpy import ndarray

def pack(x: ndarray, keys: ndarray, n: int, descending: bool) -> None: ...
def wide_keys(x: ndarray, keys: ndarray, descending: bool) -> None: ...
def positions(keys: ndarray, out: ndarray) -> None: ...
def searchsorted(
    sequence: ndarray,
    order: ndarray | None,
    values: ndarray,
    out: ndarray,
    n: int,
    m: int,
    shared: bool,
    right: bool,
) -> None: ...
