from numpy import ndarray

available: bool

def matmul(a: ndarray, b: ndarray, bias: ndarray | None = None) -> ndarray: ...
