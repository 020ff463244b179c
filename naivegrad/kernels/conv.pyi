from numpy import ndarray

_Pair = tuple[int, int]

def conv2d(
    x: ndarray,
    w: ndarray,
    bias: ndarray | None,
    y: ndarray,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
) -> None: ...
def conv2d_grad_input(
    grad: ndarray,
    w: ndarray,
    grad_x: ndarray,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
) -> None: ...
def conv2d_grad_weight(
    grad: ndarray,
    x: ndarray,
    grad_w: ndarray,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
) -> None: ...
