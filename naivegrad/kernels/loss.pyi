from numpy import ndarray

NONE: int
MEAN: int
SUM: int

# None, or False: these arrays are not dense.
def cross_entropy(
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    smoothing: float,
    reduction: int,
) -> tuple[ndarray, ndarray] | None: ...
def cross_entropy_grad(
    grad: ndarray,
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    stats: ndarray,
    ignore_index: int,
    smoothing: float,
    reduction: int,
) -> ndarray | None: ...
def nll_loss(
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    smoothing: float,
    reduction: int,
) -> ndarray | None: ...
def nll_loss_grad(
    grad: ndarray,
    out: ndarray,
    target: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    smoothing: float,
    reduction: int,
) -> bool: ...
def mse_loss(x: ndarray, y: ndarray, reduction: int) -> ndarray | None: ...
def mse_loss_grad(grad: ndarray, x: ndarray, y: ndarray, reduction: int) -> ndarray | None: ...
