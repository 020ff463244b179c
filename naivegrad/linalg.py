"""Linear algebra under the names of torch.linalg."""

from naivegrad.missing import lookup as _lookup
from naivegrad.ops.decomposition import (
    LinAlgError,
    cholesky,
    cholesky_ex,
    det,
    inv,
    inv_ex,
    matrix_exp,
    qr,
    slogdet,
    svd,
    svdvals,
)
from naivegrad.ops.eig import eig, eigh, eigvals, eigvalsh
from naivegrad.ops.linalg import matmul
from naivegrad.ops.lu import lu, lu_factor, lu_factor_ex, lu_solve
from naivegrad.ops.product import cross, multi_dot, vecdot
from naivegrad.ops.product import diagonal_of_last as diagonal
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
from naivegrad.ops.vector_norm import cond, matrix_norm, vector_norm
from naivegrad.ops.vector_norm import matrix_or_vector_norm as norm

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
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
    "vector_norm",
]

__getattr__ = _lookup(__name__)
