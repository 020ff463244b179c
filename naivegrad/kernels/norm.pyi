from numpy import ndarray

# None: these arrays are not dense.
def layer_norm(
    x: ndarray, axes: int, weight: ndarray | None, bias: ndarray | None, eps: float
) -> tuple[ndarray, ndarray] | None: ...
def layer_norm_grad(
    grad: ndarray,
    x: ndarray,
    weight: ndarray | None,
    stats: ndarray,
    axes: int,
    with_x: bool,
    with_weight: bool,
) -> tuple[ndarray | None, ndarray | None, ndarray | None] | None: ...
def batch_norm(
    x: ndarray,
    running_mean: ndarray | None,
    running_var: ndarray | None,
    weight: ndarray | None,
    bias: ndarray | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[ndarray, ndarray] | None: ...
def batch_norm_grad(
    grad: ndarray,
    x: ndarray,
    weight: ndarray | None,
    stats: ndarray,
    training: bool,
    with_x: bool,
) -> tuple[ndarray | None, ndarray | None, ndarray | None] | None: ...
