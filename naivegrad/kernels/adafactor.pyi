import numpy as np

def step(
    param: np.ndarray,
    grad: np.ndarray,
    row: np.ndarray | None,
    column: np.ndarray,
    sign: float,
    keep: float,
    fresh: float,
    rate: float,
    eps1: float,
    eps2: float,
    limit: float,
) -> bool: ...
