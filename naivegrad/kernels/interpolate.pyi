from numpy import ndarray

def resample(
    x: ndarray, y: ndarray, first: ndarray, count: ndarray, weights: ndarray, axis: int
) -> None: ...
