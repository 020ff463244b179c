"""Rows: linear equations, pseudo-inverses, least squares."""

import math

import numpy as np

from .decomposition import SINGULAR, apart, lapack, linalg, transposed
from .row import Input, Op, case, error, fixed

MATRICES = (
    case(apart(3, 3), (3, 2)),
    case(apart(2, 3, 3), (2, 3, 4)),
    case(apart(2, 3, 3), (3, 1)),
    case(apart(3, 3), (2, 3, 1)),
    case(apart(2, 1, 3, 3), (3, 3, 2)),
    case(apart(1, 1), (1, 1)),
    case(apart(3, 3), (3, 0)),
    case((0, 3, 3), (3, 2)),
)


def regular(*shape):
    """A regular matrix in the shape of a tensor."""

    def draw(rng, shape):
        n = math.isqrt(math.prod(shape))
        return rng.uniform(-1, 1, shape) + 4 * np.eye(n).reshape(shape)

    return Input(shape, draw, "regular")


def np_solve(a, b, left=True):
    if b.shape == a.shape[:-1]:
        return np.linalg.solve(a, b[..., None])[..., 0]
    if not left:
        return transposed(np.linalg.solve(transposed(a), transposed(b)))
    return np.linalg.solve(a, b)


def np_triangular(a, b, upper, left=True, unitriangular=False):
    a = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        n = a.shape[-1]
        a = a * (1 - np.eye(n)) + np.eye(n)
    return np_solve(a, b, left)


def np_older_triangular(b, a, upper=True, transpose=False):
    a = np.triu(a) if upper else np.tril(a)
    return np.linalg.solve(a.T if transpose else a, b)


def np_cholesky_solve(b, a, upper=False):
    a = transposed(np.triu(a)) if upper else np.tril(a)
    return np.linalg.solve(a @ transposed(a), b)


def torch_cholesky(name):
    """PyTorch reads one triangle only for the value, but both for the gradient."""

    def call(lib, *xs, upper=False):
        *b, a = xs
        return getattr(lib, name)(*b, a.triu() if upper else a.tril(), upper=upper)

    return call


def np_lstsq(a, b):
    x = np.linalg.pinv(a) @ b
    return (x, ((a @ x - b) ** 2).sum(-2)) if a.shape[-2] > a.shape[-1] else x


def f_lstsq(lib, a, b):
    found = lib.linalg.lstsq(a, b, driver="gels")
    return (found[0], found[1]) if a.shape[-2] > a.shape[-1] else found[0]


def np_all_of_lstsq(a, b, driver="gelsy", rcond=1e-15):
    s = np.linalg.svd(a, compute_uv=False)
    rank = (s > rcond * s.max(-1, keepdims=True)).sum(-1)
    full = driver != "gelsy" and a.shape[-2] > a.shape[-1] and (rank == a.shape[-1]).all()
    x = np.linalg.pinv(a, rcond) @ b.reshape(*a.shape[:-1], -1)
    squares = ((a @ x - b.reshape(*a.shape[:-1], -1)) ** 2).sum(-2)
    return (
        x.reshape(x.shape[: b.ndim]),
        squares if full else np.empty(0),
        np.empty(0, int) if driver == "gels" else rank,
        s if driver in ("gelsd", "gelss") else np.empty(0),
    )


def with_pivots(pivots):
    def call(lib, a, b):
        kind = lib.int32 if isinstance(pivots[0], int) else lib.float32
        return lib.linalg.lu_solve(a, lib.tensor(pivots, dtype=kind), b)

    return call


OPS = [
    linalg(
        "solve",
        np_solve,
        (
            *MATRICES,
            case(apart(3, 3), (3,)),
            case(apart(2, 3, 3), (2, 3)),
            case(apart(3, 3), (2, 3), left=False),
            case(apart(2, 3, 3), (4, 3), left=False),
        ),
        ("Solve",),
        errors=(
            error(ValueError, r"square", (2, 3), (2, 3)),
            error(ValueError, r"got \(3, 3\) and \(2, 3\)", (3, 3), (2, 3)),
            error(ValueError, r"do not broadcast", (2, 3, 3), (4, 3, 1)),
            error(ValueError, r"left=False expects matrices", (3, 3), (3,), left=False),
            error(TypeError, r"one type", (3, 3), (3, 3), dtypes=("float64",)),
            error(RuntimeError, r"singular .*pivot 2", fixed(SINGULAR), (2, 1)),
            error(RuntimeError, r"batch element 1: ", fixed([np.eye(2), SINGULAR]), (2, 1)),
        ),
    ),
    linalg(
        "solve_triangular",
        np_triangular,
        (
            *[case(*one.inputs, upper=True) for one in MATRICES],
            case(apart(3, 3), (3, 2), upper=False),
            case(apart(2, 3, 3), (3, 2), upper=False, unitriangular=True),
            case(apart(3, 3), (2, 3), upper=True, left=False),
            case(apart(3, 3), (2, 3), upper=False, left=False, unitriangular=True),
            case(apart(50, 50), (50, 2), upper=True),
            case(apart(50, 50), (50, 2), upper=False),
        ),
        ("SolveTriangular",),
        errors=(
            error(ValueError, r"square", (2, 3), (2, 3), upper=True),
            error(ValueError, r"\(3, 3\) and \(2, 3\)", (3, 3), (2, 3), upper=True),
            error(
                TypeError,
                r"one type",
                (3, 3),
                (3, 3),
                upper=True,
                dtypes=("float64",),
                torch=False,
            ),
        ),
    ),
    lapack(
        "triangular_solve",
        lambda lib, b, a, **o: lib.triangular_solve(b, a, **o)[0],
        np_older_triangular,
        (
            case((3, 2), apart(3, 3)),
            case((3, 2), apart(3, 3), upper=False),
            case((3, 2), apart(3, 3), transpose=True),
        ),
    ),
    lapack(
        "cholesky_solve",
        lambda lib, b, a, **o: lib.cholesky_solve(b, a, **o),
        np_cholesky_solve,
        (
            case((3, 2), apart(3, 3)),
            case((3, 2), apart(3, 3), upper=True),
            case((2, 3, 2), apart(3, 3)),
            case((3, 2), apart(2, 3, 3)),
        ),
        torch=torch_cholesky("cholesky_solve"),
        errors=(error(ValueError, r"\(3, 3\) and \(2, 2\)", (2, 2), (3, 3)),),
    ),
    lapack(
        "cholesky_inverse",
        lambda lib, a, **o: lib.cholesky_inverse(a, **o),
        lambda a, **o: np_cholesky_solve(np.broadcast_to(np.eye(a.shape[-1]), a.shape), a, **o),
        (case(apart(3, 3)), case(apart(2, 3, 3)), case(apart(3, 3), upper=True)),
        torch=torch_cholesky("cholesky_inverse"),
    ),
    linalg(
        "pinv",
        lambda x, **o: np.linalg.pinv(x),
        (
            case(apart(3, 3)),
            case(apart(4, 2)),
            case(apart(2, 4)),
            case(apart(2, 3, 2)),
            case((0, 3)),
            case(apart(3, 2), rtol=1e-3),
            case(apart(3, 2), atol=1e-3),
        ),
        ("Pinv",),
        errors=(
            error(ValueError, r"at least 2 dimensions", (3,)),
            error(ValueError, r"square", (2, 3), hermitian=True),
            error(RuntimeError, r"pinv: .*did not converge", fixed([[np.nan, 1], [1, 2.0]])),
        ),
    ),
    lapack(
        "pinv_hermitian",
        lambda lib, x: lib.linalg.pinv(x + x.mT, hermitian=True),
        lambda x: np.linalg.pinv(x + transposed(x)),
        (case(apart(3, 3)), case(apart(2, 2, 2))),
        error_name="pinv",
    ),
    lapack(
        "pinv_of_low_rank",
        lambda lib, x: lib.linalg.pinv(x[:, None] * x, rtol=1e-5),
        lambda x: x[:, None] * x / (x @ x) ** 2,
        (case((3,)),),
        domain=(0.5, 2.0),
        error_name="pinv",
    ),
    lapack(
        "pinverse",
        lambda lib, x: lib.pinverse(x),
        np.linalg.pinv,
        (case(apart(3, 2)), case(apart(2, 3))),
    ),
    linalg(
        "matrix_rank",
        lambda x, atol=None, **o: np.linalg.matrix_rank(x, tol=atol, **o),
        (
            case((3, 4)),
            case(fixed(SINGULAR)),
            case(fixed([np.eye(2), np.zeros((2, 2))])),
            case(fixed(np.diag([4.0, 1.0, 0.1])), rtol=0.3),
            case(fixed(np.diag([4.0, 1.0, 0.1])), atol=0.3),
            case(fixed(np.diag([4.0, -1.0, 0.1])), atol=0.3, hermitian=True),
        ),
        order=0,
        errors=(error(ValueError, r"square", (2, 3), hermitian=True),),
    ),
    linalg(
        "lstsq",
        np_lstsq,
        (
            case(apart(4, 2), (4, 3)),
            case(apart(3, 3), (3, 1)),
            case(apart(2, 4), (2, 3)),
            case(apart(2, 4, 2), (2, 4, 1)),
        ),
        f=f_lstsq,
        errors=tuple(
            error(
                ValueError,
                match,
                (4, 2),
                b,
                call=lambda lib, *xs, **o: lib.linalg.lstsq(*xs, **o),
                **o,
            )
            for match, b, o in (
                (r"\(4, 2\) and \(3, 1\)", (3, 1), {}),
                (r"driver is gels", (4, 1), {"driver": "svd"}),
            )
        ),
    ),
    lapack(
        "all_of_lstsq",
        lambda lib, *xs, **o: lib.linalg.lstsq(*xs, **o),
        np_all_of_lstsq,
        (
            case(apart(4, 2), (4, 1)),
            case(apart(4, 2), (4,)),
            case(apart(2, 4, 2), (2, 4)),
            case(apart(4, 2), (4, 1), driver="gels"),
            case(apart(4, 2), (4, 1), driver="gelsd"),
            case(apart(2, 4), (2, 1), driver="gelss"),
            case(fixed([[1.0, 2], [2, 4], [3, 6]]), (3, 1), rcond=1e-5),
        ),
        order=0,
    ),
    linalg(
        "tensorinv",
        lambda x, ind=2: np.linalg.tensorinv(x, ind),
        (case(regular(2, 3, 6)), case(regular(6, 2, 3), ind=1), case(regular(2, 2, 2, 2))),
        errors=(
            error(ValueError, r"square matrix", (2, 3, 4)),
            error(ValueError, r"must be positive", (2, 2), ind=0),
        ),
    ),
    linalg(
        "tensorsolve",
        lambda a, b, dims=None: np.linalg.tensorsolve(a, b, dims),
        (
            case(regular(2, 3, 6), (2, 3)),
            case(regular(6, 2, 3), (6,)),
            case(regular(6, 2, 3), (2, 3), dims=(0,)),
        ),
        errors=(error(ValueError, r"square system", (2, 3, 4), (2, 3)),),
    ),
    Op(
        "matrix_power",
        lambda lib, x, n: lib.matrix_power(x, n),
        np.linalg.matrix_power,
        (*[case((3, 3), n=n) for n in (1, 2, 3, 7)], case((2, 3, 3), n=5)),
        domain=(-1.0, 1.0),
        dtypes={("float16",): "float16"},
        errors=(
            error(ValueError, r"square", (2, 3), n=2),
            error(TypeError, r"n must be an integer", (2, 2), n=0.5),
        ),
    ),
    lapack(
        "matrix_power_negative",
        lambda lib, x, n: lib.matrix_power(x, n),
        np.linalg.matrix_power,
        (case(apart(3, 3), n=-1), case(apart(2, 3, 3), n=-3)),
    ),
    Op(
        "matrix_power_0",
        lambda lib, x: lib.matrix_power(x, 0),
        lambda x: np.linalg.matrix_power(x, 0),
        (case((3, 3)), case((2, 2, 2))),
        order=0,
    ),
    linalg(
        "lu_solve",
        lambda a, b, left=True, adjoint=False: np_solve(transposed(a) if adjoint else a, b, left),
        (
            case((3, 3), (3, 2)),
            case(apart(2, 3, 3), (2, 3, 4)),
            case((3, 3), (3, 2), adjoint=True),
            case((3, 3), (2, 3), left=False),
            case((3, 3), (2, 3), left=False, adjoint=True),
        ),
        f=lambda lib, a, b, **o: lib.linalg.lu_solve(*lib.linalg.lu_factor(a), b, **o),
        order=1,
        errors=(
            error(ValueError, r"lu_solve: expects LU", (3, 3), (2, 3)),
            *[
                error(kind, match, (2, 2), (2, 1), call=with_pivots(pivots))
                for kind, match, pivots in (
                    (IndexError, r"from 1 to 2, got 3", [1, 3]),
                    (IndexError, r"from 1 to 2, got 0", [0, 2]),
                    (TypeError, r"of integers", [1.0, 2.0]),
                    (ValueError, r"pivots \(\.\.\., N\)", [1, 2, 1]),
                )
            ],
        ),
    ),
    lapack(
        "lu_solve",
        lambda lib, b, a: lib.lu_solve(b, *lib.linalg.lu_factor(a)),
        lambda b, a: np.linalg.solve(a, b),
        (case((3, 2), apart(3, 3)),),
    ),
]
