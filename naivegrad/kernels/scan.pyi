from numpy import ndarray

CODES: dict[str, int]

def scan(
    op: int, backward: bool, x: ndarray, out: ndarray, outer: int, n: int, inner: int
) -> None: ...
def recur(
    backward: bool, b: ndarray, a: ndarray, out: ndarray, outer: int, n: int, inner: int
) -> None: ...
def arg_scan(largest: bool, x: ndarray, out: ndarray, outer: int, n: int, inner: int) -> None: ...
