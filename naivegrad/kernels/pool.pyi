from numpy import ndarray

_Pair = tuple[int, ...]  # of two

def max_pool2d(
    x: ndarray,
    y: ndarray,
    index: ndarray,
    kernel: _Pair,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
) -> None: ...
def plane_scatter(grad: ndarray, index: ndarray, grad_x: ndarray) -> None: ...
def plane_gather(x: ndarray, index: ndarray, y: ndarray) -> None: ...
def mean_windows(
    x: ndarray,
    y: ndarray,
    depths: ndarray,
    rows: ndarray,
    columns: ndarray,
    divisor: float,
    spread: bool,
) -> None: ...
def max_windows(
    x: ndarray, y: ndarray, index: ndarray, depths: ndarray, rows: ndarray, columns: ndarray
) -> None: ...
