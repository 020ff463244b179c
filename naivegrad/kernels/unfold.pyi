from numpy import ndarray

_Pair = tuple[int, int]

def columns(
    x: ndarray,
    columns: ndarray,
    kernel: _Pair,
    output: _Pair,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    add: bool,
) -> None: ...
