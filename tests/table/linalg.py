"""Rows: matrix products."""

import numpy as np

from .row import Op, case, error, fixed

MATMUL = (
    case((3, 4), (4, 2)),
    case((4, 4), (4, 4)),
    case((4,), (4,)),
    case((3, 4), (4,)),
    case((4,), (4, 2)),
    case((5, 3, 4), (4,)),
    case((4,), (5, 4, 2)),
    case((5, 3, 4), (4, 2)),
    case((3, 4), (5, 4, 2)),
    case((5, 3, 4), (5, 4, 2)),
    case((5, 1, 3, 4), (2, 4, 2)),
    case((1, 3, 4), (5, 4, 2)),
    case((2, 1, 3, 3), (1, 5, 3, 3)),
    case((0, 4), (4, 2)),
    case((3, 0), (0, 2)),
    case((3, 4), (4, 0)),
    case((0, 3, 4), (4, 2)),
    case((1, 1), (1, 1)),
    case((33, 17), (17, 5)),
)

SAME = {
    ("int64", "int64"): "int64",
    ("uint8", "uint8"): "uint8",
    ("float16", "float16"): "float16",
    ("float32", "float64"): (ValueError, TypeError, RuntimeError),
}


def plus(name, product, shape, a, b, form):
    """beta * input + alpha * product, which input broadcasts to."""
    promotes = name == "addr"
    return Op(
        name,
        lambda lib, z, x, y, **o: getattr(lib, name)(z, x, y, **o),
        lambda z, x, y, beta=1, alpha=1: (beta * z if beta else 0) + alpha * product(x, y),
        (
            case(shape, a, b),
            case(shape[-1:], a, b),
            case((), a, b, beta=0.5, alpha=-2.0),
            case((*shape[:-1], 1), a, b, alpha=2.0),
            case(shape, a, b, beta=2.0),
            case(fixed(np.full(shape, np.nan)), a, b, beta=0.0),
        ),
        dtypes={
            ("int64",) * 3: "int64",
            ("float16",) * 3: "float16",
            ("float32", "float64", "float64"): "float64" if promotes else TypeError,
        },
        errors=(
            error(ValueError, form, shape, (2, *a), b),
            error(ValueError, r"does not broadcast to the product's", (1, *shape), a, b),
            error(ValueError, r"does not broadcast to the product's", (7,), a, b),
            error(
                TypeError, r"integers", shape, a, b, beta=0.5, dtypes=("int64",) * 3, torch=promotes
            ),
        ),
    )


OPS = [
    Op(
        "matmul",
        lambda lib, x, y: lib.matmul(x, y),
        np.matmul,
        MATMUL,
        ("MatMul",),
        dtypes={
            ("int64", "int64"): "int64",
            ("int32", "int32"): "int32",
            ("float32", "float64"): (ValueError, TypeError, RuntimeError),
        },
        errors=(
            error(ValueError, r"\(3, 4\).*\(3, 4\)", (3, 4), (3, 4)),
            error(ValueError, r"\(4,\).*\(3,\)", (4,), (3,)),
            error(ValueError, r"\(2, 3, 4\).*\(3, 4, 5\)", (2, 3, 4), (3, 4, 5)),
            error(ValueError, r"0-d|\(\)", (), (3,)),
        ),
    ),
    Op(
        "mm",
        lambda lib, x, y: lib.mm(x, y),
        np.matmul,
        (case((3, 4), (4, 2)), case((3, 0), (0, 2))),
        dtypes=SAME,
        errors=(
            error(ValueError, r"matri", (2, 3, 4), (4, 2)),
            error(ValueError, r"inner lengths differ, 4 and 3", (3, 4), (3, 4)),
            error(TypeError, r"truth", (2, 2), (2, 2), dtypes=("bool", "bool")),
        ),
    ),
    Op(
        "bmm",
        lambda lib, x, y: lib.bmm(x, y),
        np.matmul,
        (case((5, 3, 4), (5, 4, 2)), case((0, 3, 4), (0, 4, 2))),
        dtypes=SAME,
        errors=(
            error(ValueError, r"\(B, M, K\)", (3, 4), (4, 2)),
            error(ValueError, r"\(B, M, K\)", (1, 3, 4), (5, 4, 2)),
        ),
    ),
    Op(
        "mv",
        lambda lib, x, y: lib.mv(x, y),
        np.matmul,
        (case((3, 4), (4,)), case((0, 4), (4,)), case((3, 0), (0,))),
        ("MatVec",),
        dtypes=SAME,
        errors=(error(ValueError, r"a matrix and a vector, got", (3, 4), (4, 1)),),
    ),
    *[
        Op(
            name,
            lambda lib, x, y, name=name: getattr(lib, name)(x, y),
            np.dot,
            (case((5,), (5,)), case((0,), (0,))),
            ("Dot",),
            dtypes=SAME,
            errors=(
                error(ValueError, r"\(5, 1\).*\(5,\)", (5, 1), (5,)),
                error(ValueError, r"differ, 4 and 5", (4,), (5,)),
            ),
        )
        for name in ("dot", "vdot")
    ],
    *[
        Op(
            name,
            lambda lib, x, y, name=name: getattr(lib, name)(x, y),
            np.outer,
            (case((3,), (4,)), case((0,), (4,))),
            dtypes={("int64", "float32"): "float32", ("bool", "bool"): "bool"},
            errors=(error(ValueError, r"vectors, got", (3, 1), (4,)),),
            error_name="outer",
        )
        for name in ("outer", "ger")
    ],
    Op(
        "inner",
        lambda lib, x, y: lib.inner(x, y),
        np.inner,
        (
            case((4,), (4,)),
            case((3, 4), (2, 4)),
            case((2, 3, 4), (5, 4)),
            case((), (3,)),
            case((3, 0), (2, 0)),
        ),
        dtypes=SAME,
        errors=(error(ValueError, r"4 and 3", (2, 4), (4, 3)),),
    ),
    plus("addmm", lambda x, y: x @ y, (3, 2), (3, 4), (4, 2), "matri"),
    plus("addmv", lambda x, y: x @ y, (3,), (3, 4), (4,), "a matrix and a vector"),
    plus("addr", np.outer, (3, 2), (3,), (2,), "vectors"),
    plus("baddbmm", np.matmul, (5, 3, 2), (5, 3, 4), (5, 4, 2), r"\(B, M, K\)"),
    plus("addbmm", lambda x, y: (x @ y).sum(0), (3, 2), (5, 3, 4), (5, 4, 2), r"\(B, M, K\)"),
    Op("matmul_self", lambda lib, x: x @ x, lambda x: x @ x, (case((3, 3)), case((2, 3, 3)))),
    Op(
        "matmul_transposed",
        lambda lib, x, y: x.T @ y.T,
        lambda x, y: x.T @ y.T,
        (case((4, 3), (2, 4)), case((4, 4), (4, 4))),
    ),
    Op(
        "linear",
        lambda lib, x, w, b: lib.nn.functional.linear(x, w, b),
        lambda x, w, b: x @ w.T + b,
        (
            case((3, 4), (2, 4), (2,)),
            case((4,), (2, 4), (2,)),
            case((2, 3, 4), (5, 4), (5,)),
            case((0, 4), (2, 4), (2,)),
            case((4, 4), (4, 4), (4,)),
        ),
        ("Linear",),
        errors=(
            error(ValueError, r"\(3, 5\).*\(2, 4\)", (3, 5), (2, 4), (2,)),
            error(ValueError, r"\(3,\)", (3, 4), (2, 4), (3,)),
        ),
    ),
    Op(
        "linear_no_bias",
        lambda lib, x, w: lib.nn.functional.linear(x, w),
        lambda x, w: x @ w.T,
        (case((3, 4), (2, 4)), case((2, 3, 4), (5, 4)), case((4,), (2, 4))),
        ("Linear",),
    ),
]
