"""Linear algebra under the names of torch.linalg."""

from naivegrad.ops.decomposition import (
    LinAlgError,
    cholesky,
    cholesky_ex,
    det,
    eigh,
    eigvalsh,
    inv,
    inv_ex,
    matrix_exp,
    qr,
    slogdet,
    svd,
    svdvals,
)
from naivegrad.ops.linalg import matmul
from naivegrad.ops.product import cross, multi_dot, vecdot
from naivegrad.ops.product import vander_of_last as vander
from naivegrad.ops.solve import (
    lstsq,
    matrix_power,
    matrix_rank,
    pinv,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cross",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "inv_ex",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
]
