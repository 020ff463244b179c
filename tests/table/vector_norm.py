"""Rows: norms of vectors and matrices, condition numbers."""

import numpy as np

from .decomposition import SINGULAR, apart, lapack, linalg
from .row import Op, case, error, fixed, pin

INF = np.inf


def np_vector_norm(x, ord=2, dim=None, keepdim=False):
    axes = tuple(range(x.ndim)) if dim is None else dim
    size = np.abs(x)
    if ord == 0:
        return (x != 0).sum(axes, keepdims=keepdim).astype(float)
    if abs(ord) == INF:
        return (size.max if ord > 0 else size.min)(axes, keepdims=keepdim)
    return (size**ord).sum(axes, keepdims=keepdim) ** (1 / ord)


def np_matrix_norm(x, ord="fro", dim=(-2, -1), keepdim=False):
    return np.linalg.norm(x, ord, dim, keepdim)


def np_norm(x, ord=None, dim=None, keepdim=False):
    if ord is None:
        return np_vector_norm(x, 2, dim, keepdim)
    return np.linalg.norm(x, ord, dim, keepdim)


def f_old(lib, x, p="fro", **options):
    return lib.norm(x, p, **options)


def np_old(x, p="fro", dim=None, keepdim=False):
    if p == "nuc":
        return np.linalg.norm(x, p, dim, keepdim)
    return np_vector_norm(x, 2 if p in ("fro", None) else p, dim, keepdim)


def np_cond(x, p=None):
    return np.linalg.cond(x, p)


def torch_cond(lib, x, p=None):
    """PyTorch's own overwrites what its backward needs."""
    if p in (None, 2, -2):
        return lib.linalg.cond(x, p)
    return lib.linalg.matrix_norm(x, p) * lib.linalg.matrix_norm(lib.linalg.inv(x), p)


# Where x is 0, or the whole norm: the gradient is 0.
AT_ZERO = {
    0.5: [2.0, -2.0, 0.0],
    1: [1.0, -1.0, 0.0],
    1.5: [2.0 ** (-1 / 3), -(2.0 ** (-1 / 3)), 0.0],
    2: [0.5**0.5, -(0.5**0.5), 0.0],
    3: [2.0 ** (-2 / 3), -(2.0 ** (-2 / 3)), 0.0],
    INF: [0.5, -0.5, 0.0],
    -INF: [0.0, 0.0, 0.0],
    -1: [0.0, 0.0, 0.0],
}

OPS = [
    *[
        linalg(
            "vector_norm",
            np_vector_norm,
            (
                case((3, 4), ord=ord),
                case((3, 4), ord=ord, dim=1),
                case((2, 3, 4), ord=ord, dim=(0, -1), keepdim=True),
                case((), ord=ord),
                *([case((0,), ord=ord), case((0, 2), ord=ord, dim=0)] if 0 < ord < INF else []),
            ),
            ("VectorNorm",),
            label=f"vector_norm_{ord}",
            f=lambda lib, x, **o: lib.linalg.vector_norm(x, **o),
            distinct=True,
            domain=(-1.7, 2.0),
            kinks=(0.0,),
            dtypes={("float16",): "float16", ("int64",): TypeError},
            pins=(
                pin([0.0, 0.0], grads=([0.0, 0.0],), ord=ord),
                pin([1.0, -1.0, 0.0], grads=(AT_ZERO[ord],), ord=ord),
            ),
        )
        for ord in AT_ZERO
    ],
    linalg(
        "vector_norm",
        np_vector_norm,
        (case((3, 4), ord=0), case(fixed([[0.0, 1.0], [2.0, 3.0]]), ord=0, dim=1)),
        order=0,
        dtypes={("float16",): "float16", ("bool",): TypeError},
        errors=(
            error(IndexError, r"out of range", (3,), dim=1),
            error(ValueError, r"norm of order inf of nothing", (0,), ord=INF),
            error(ValueError, r"norm of order -1.0 of nothing", (2, 0), ord=-1, dim=1),
            error(ValueError, r"an order must be a number", (2,), ord="fro"),
        ),
    ),
    Op(
        "norm_dtype",
        lambda lib, x: lib.linalg.vector_norm(x, dtype=lib.float64),
        np.linalg.norm,
        (case((3,)),),
        result="float64",
        errors=(
            error(
                TypeError,
                r"narrower",
                (3,),
                call=lambda lib, x: lib.linalg.vector_norm(x, dtype=lib.float16),
            ),
        ),
        error_name="norm",
    ),
    linalg(
        "matrix_norm",
        np_matrix_norm,
        (
            *[case(apart(3, 2), ord=ord) for ord in ("nuc", "fro", 1, -1, 2, -2, INF, -INF)],
            *[case((2, 3, 4), ord=ord, dim=(2, 0), keepdim=True) for ord in ("fro", "nuc", 1, INF)],
            case((4, 2, 3), ord=-2, dim=(0, 1)),
        ),
        dtypes={("int64",): TypeError, ("float16",): TypeError},  # of "nuc"
        errors=(
            error(ValueError, r"at least 2 dimensions", (3,)),
            error(ValueError, r"not 3", (2, 2), ord=3),
            error(ValueError, r"not 'x'", (2, 2), ord="x"),
            error(ValueError, r"must differ", (2, 2), dim=(0, -2)),
            error(ValueError, r"two dimensions", (2, 2), dim=(0,)),
            error(IndexError, r"out of range", (2, 2), dim=(0, 2)),
        ),
    ),
    Op(
        "matrix_norm_of_nothing",
        lambda lib, x, **o: lib.linalg.matrix_norm(x, **o),
        lambda x, **o: np.zeros(x.shape[:-2]),
        tuple(
            case(shape, ord=ord) for shape in ((0, 2), (3, 2, 0)) for ord in ("fro", "nuc", 1, 2)
        ),
        order=0,
    ),
    linalg(
        "norm",
        np_norm,
        (
            case((3, 4), ord="nuc"),
            case((3, 4)),
            case((2, 3, 4)),
            case((2, 3, 4), dim=1, keepdim=True),
            case((4,), ord=3),
            case((3, 4), ord="fro"),
            case((3, 4), ord=1),
            case((3, 4), ord=1, dim=1),
            case((2, 3, 4), ord=INF, dim=(0, 2)),
        ),
        distinct=True,
        domain=(-1.7, 2.0),
        kinks=(0.0,),
        pins=(pin([0.0, 0.0], grads=([0.0, 0.0],)),),
        dtypes={("int64",): TypeError, ("float16",): TypeError},  # of "nuc"
        errors=(
            error(ValueError, r"vector or a matrix", (2, 2, 2), ord=2),
            error(ValueError, r"not 3.5", (2, 2), ord=3.5),
            error(ValueError, r"at least 2 dimensions", (2,), ord="nuc"),
        ),
    ),
    Op(
        "norm",
        f_old,
        np_old,
        (
            case((3, 4), p="nuc"),
            case((3, 4)),
            case((3, 4), dim=1),
            case((3, 4), p="fro", dim=(0, 1), keepdim=True),
            case((2, 3, 4), p=2, dim=(0, 1, 2)),
            case((3, 4), p=None),
            case((2, 3, 4), p="nuc", dim=(1, 2)),
            case((3, 4), p=INF, dim=0),
            case((3, 4), p=2.5),
        ),
        distinct=True,
        domain=(-1.7, 2.0),
        kinks=(0.0,),
        pins=(pin([0.0, 0.0], grads=([0.0, 0.0],)),),
        dtypes={("float16",): TypeError, ("int64",): TypeError},
        errors=(
            error(ValueError, r"not 'x'", (2, 2), p="x"),
            error(ValueError, r"at most two", (2, 2, 2), dim=(0, 1, 2)),
        ),
    ),
    linalg(
        "cond",
        np_cond,
        tuple(case(apart(3, 3), p=p) for p in (None, 2, -2, "fro", "nuc", 1, -1, INF, -INF))
        + (case(apart(3, 2)), case(apart(2, 3, 3), p=1)),
        torch=torch_cond,
        errors=(
            error(ValueError, r"square", (3, 2), p=1, call=lambda lib, x, p: lib.linalg.cond(x, p)),
            error(ValueError, r"not 'x'", (2, 2), call=lambda lib, x: lib.linalg.cond(x, "x")),
        ),
    ),
    lapack(
        "cond_of_singular",
        lambda lib, x: lib.linalg.cond(x, 1),
        lambda x: np.array([1.0, INF]),
        (case(fixed([np.eye(2), SINGULAR])),),
        order=0,
    ),
]
