"""Rows: matrix products and einsum."""

import numpy as np

from .row import Op, case, error


def einsum(equation, *shapes, name=None):
    return Op(
        f"einsum[{equation}]",
        lambda lib, *xs: lib.einsum(equation, *xs),
        lambda *xs: np.einsum(equation.replace(" ", ""), *xs),
        (case(*shapes),),
        error_name="einsum",
    )


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
        (case((3, 4), (4, 2)),),
        errors=(error(ValueError, r"matri", (2, 3, 4), (4, 2)),),
    ),
    Op(
        "bmm",
        lambda lib, x, y: lib.bmm(x, y),
        np.matmul,
        (case((5, 3, 4), (5, 4, 2)),),
        errors=(error(ValueError, r"\(B, M, K\)", (3, 4), (4, 2)),),
    ),
    Op("mv", lambda lib, x, y: lib.mv(x, y), np.matmul, (case((3, 4), (4,)),)),
    Op("outer", lambda lib, x, y: lib.outer(x, y), np.outer, (case((3,), (4,)),)),
    Op(
        "addmm",
        lambda lib, b, x, y, **o: lib.addmm(b, x, y, **o),
        lambda b, x, y, beta=1, alpha=1: beta * b + alpha * (x @ y),
        (
            case((3, 2), (3, 4), (4, 2)),
            case((2,), (3, 4), (4, 2)),
            case((3, 1), (3, 4), (4, 2), beta=0.5, alpha=-2.0),
        ),
    ),
    Op(
        "dot",
        lambda lib, x, y: lib.dot(x, y),
        np.dot,
        (case((5,), (5,)),),
        errors=(error(ValueError, r"\(5, 1\).*\(5,\)", (5, 1), (5,)),),
    ),
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
    einsum("ij,jk->ik", (3, 4), (4, 2)),
    einsum("ij,jk", (3, 4), (4, 2)),
    einsum("ij->ji", (3, 4)),
    einsum("ij->", (3, 4)),
    einsum("ij->j", (3, 4)),
    einsum("ii->i", (4, 4)),
    einsum("ii", (4, 4)),
    einsum("i,j->ij", (3,), (4,)),
    einsum("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    einsum("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    einsum("...ij,...jk->...ik", (2, 3, 4), (4, 5)),
    einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    einsum("i,i->", (4,), (4,)),
    einsum("ij,ij->i", (3, 4), (3, 4)),
    einsum("b i j -> b j i", (2, 3, 4)),
    einsum("a,b,c->abc", (2,), (3,), (2,)),
    einsum("ijk,k->ij", (2, 3, 4), (4,)),
    einsum("iij->ij", (3, 3, 2)),
    einsum("...->...", (2, 3)),
    Op(
        "einsum",
        lambda lib, x, y: lib.einsum("ij,jk->ik", x, y),
        np.matmul,
        (case((0, 4), (4, 2)),),
        errors=(
            error(ValueError, r"j", (3, 4), (3, 4)),
            error(ValueError, r"\(3, 4\)", (3, 4), call=lambda lib, x: lib.einsum("ijk->i", x)),
            error(ValueError, r"k", (3, 4), call=lambda lib, x: lib.einsum("ij->k", x)),
            error(ValueError, r"2", (3, 4), call=lambda lib, x: lib.einsum("ij,jk->ik", x)),
        ),
    ),
]
