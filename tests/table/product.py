"""Rows: products made of others, and the trace."""

import numpy as np

from .row import Op, case, error


def chain(*xs):
    return np.linalg.multi_dot(xs) if len(xs) > 1 else xs[0]


def powers(x, N=None):
    n = x.shape[-1] if N is None else N
    return x[..., None] ** np.arange(n)


def torch_vander(lib, x, N=None, increasing=False):
    """PyTorch's own cannot be differentiated."""
    exponents = lib.arange(len(x) if N is None else N)
    return x[:, None] ** (exponents if increasing else exponents.flip(0))


OPS = [
    Op(
        "trace",
        lambda lib, x: lib.trace(x),
        np.trace,
        (case((3, 3)), case((2, 4)), case((4, 2)), case((0, 3))),
        dtypes={("int32",): "int64", ("float16",): "float16"},
        errors=(error(ValueError, r"a matrix, got", (2, 3, 3)),),
    ),
    Op(
        "kron",
        lambda lib, x, y: lib.kron(x, y),
        np.kron,
        (
            case((2, 3), (4, 5)),
            case((3,), (2,)),
            case((2, 3), (4,)),
            case((4,), (2, 3)),
            case((2, 1, 3), (2, 2)),
            case((), (2, 3)),
            case((0, 2), (3, 2)),
        ),
        dtypes={("int64", "float32"): "float32", ("int32", "int32"): "int32"},
    ),
    Op(
        "linalg.cross",
        lambda lib, x, y, **o: lib.linalg.cross(x, y, **o),
        lambda x, y, dim=-1: np.cross(x, y, axis=dim),
        (
            case((3,), (3,)),
            case((2, 3), (2, 3)),
            case((3, 2), (3, 2), dim=0),
            case((1, 3), (4, 3)),
            case((0, 3), (1, 3)),
        ),
        ("Cross",),
        dtypes={("int64", "int64"): "int64", ("float32", "int64"): TypeError},
        errors=(
            error(ValueError, r"length 3", (2, 4), (2, 4)),
            error(ValueError, r"as many dimensions", (3,), (2, 3)),
            error(IndexError, r"out of range", (3,), (3,), dim=1),
            error(ValueError, r"do not broadcast", (2, 3), (4, 3)),
        ),
        error_name="cross",
    ),
    Op(
        "cross",
        lambda lib, x, y, **o: lib.cross(x, y, **o),
        lambda x, y, dim=None: np.cross(x, y, axis=x.shape.index(3) if dim is None else dim),
        (case((2, 3), (2, 3)), case((3, 3), (3, 3)), case((3, 2, 3), (3, 2, 3), dim=2)),
        errors=(error(ValueError, r"no dimension of length 3", (2, 4), (2, 4)),),
    ),
    Op(
        "vecdot",
        lambda lib, x, y, **o: lib.linalg.vecdot(x, y, **o),
        lambda x, y, dim=-1: (x * y).sum(dim),
        (
            case((4,), (4,)),
            case((3, 4), (3, 4)),
            case((3, 4), (3, 4), dim=0),
            case((2, 3, 4), (4,)),
            case((3, 1), (3, 4), dim=0),
        ),
        dtypes={("float32", "float64"): TypeError, ("int64", "int64"): TypeError},
        errors=(error(ValueError, r"differ, 4 and 3", (2, 4), (2, 3)),),
    ),
    Op(
        "vander",
        lambda lib, x, **o: lib.vander(x, **o),
        np.vander,
        (
            case((4,)),
            case((3,), N=5),
            case((3,), N=1, increasing=True),
            case((3,), N=0),
            case((0,)),
            case((3,), increasing=True),
        ),
        dtypes={("int32",): "int64"},
        errors=(
            error(ValueError, r"a vector", (2, 3)),
            error(ValueError, r"at least 0, got -1", (3,), N=-1),
        ),
        torch=torch_vander,
    ),
    Op(
        "linalg.vander",
        lambda lib, x, **o: lib.linalg.vander(x, **o),
        powers,
        (case((4,)), case((2, 3), N=5), case((2, 3), N=2)),
        dtypes={("int32",): "int64"},
        errors=(
            error(ValueError, r"at least 1 dimension", ()),
            error(ValueError, r"at least 2, got 1", (3,), N=1),
        ),
        error_name="vander",
    ),
    Op(
        "chain_matmul",
        lambda lib, *xs: lib.chain_matmul(*xs),
        chain,
        (
            case((3, 9), (9, 2)),
            case((2, 9), (9, 3), (3, 4), (4, 1)),
            case((3, 4), (4, 0), (0, 2)),
            case((2, 3)),
        ),
        errors=(
            error(ValueError, r"matrices, got", (2, 3), (3,)),
            error(ValueError, r"do not follow", (2, 3), (4, 5)),
        ),
    ),
    Op(
        "multi_dot",
        lambda lib, *xs: lib.linalg.multi_dot(xs),
        chain,
        (
            case((3, 9), (9, 2)),
            case((9, 2), (2, 9), (9, 3)),
            case((3,), (3, 4), (4, 2)),
            case((3, 4), (4, 2), (2,)),
            case((3,), (3, 4), (4,)),
            case((3,), (3,)),
        ),
        errors=(
            error(ValueError, r"two or more", (2, 3)),
            error(TypeError, r"a list", (2, 3), call=lambda lib, x: lib.linalg.multi_dot(x)),
            error(ValueError, r"tensor 1 must be a matrix, got", (2, 3), (3,), (3, 2)),
            error(ValueError, r"do not follow", (2, 3), (4, 5)),
            error(TypeError, r"one type", (2, 3), (3, 2), dtypes=("float64",)),
        ),
    ),
]
