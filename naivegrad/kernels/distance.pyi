from numpy import ndarray

def cdist(
    x: ndarray,
    y: ndarray,
    dist: ndarray,
    p: float,
    grad: ndarray | None = None,
    grad_x: ndarray | None = None,
) -> None: ...
