from numpy import ndarray

BILINEAR: int
NEAREST: int
BICUBIC: int
ZEROS: int
BORDER: int
REFLECTION: int

def grid_sample(
    x: ndarray, grid: ndarray, out: ndarray, mode: int, outside: int, align: bool
) -> None: ...
def grid_sample_grad(
    grad: ndarray,
    x: ndarray,
    grid: ndarray,
    grad_x: ndarray | None,
    grad_grid: ndarray | None,
    mode: int,
    outside: int,
    align: bool,
) -> None: ...
