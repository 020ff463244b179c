"""Rows: einsum and tensordot."""

import numpy as np

from .row import Op, case, error


def einsum(equation, *shapes, name=None):
    return Op(
        f"einsum[{name or equation}]",
        lambda lib, *xs: lib.einsum(equation, *xs),
        lambda *xs: np.einsum(equation.replace(" ", ""), *xs),
        (case(*shapes),),
        error_name="einsum",
    )


OPS = [
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
    einsum("...", (2, 3)),
    einsum("ij,ij->ji", (1, 4), (3, 4)),
    einsum("i...,j...->ij...", (2, 3), (4, 1)),
    einsum("...ij,j->i...", (2, 3, 4), (4,)),
    einsum("iijj->ij", (3, 3, 2, 2)),
    einsum("ij,kl,k->", (2, 3), (4, 2), (4,)),
    einsum("ab,bc,cd,de->ae", (2, 9), (9, 2), (2, 9), (9, 3)),
    einsum("a,b,c,d,e,f,g->acg", *[(2,)] * 7),
    einsum("ab,cd,bc,de,e,ab->a", (3, 4), (2, 5), (4, 2), (5, 2), (2,), (3, 4)),
    einsum("Ab,bA->Ab", (2, 3), (3, 2)),
    einsum(",ij,->ji", (), (3, 4), ()),
    einsum("bij,bjk->bik", (0, 2, 3), (0, 3, 2), name="empty batch"),
    einsum("ij,jk->ik", (3, 0), (0, 2), name="empty"),
    Op(
        "einsum_sublists",
        lambda lib, x, y: lib.einsum(x, [..., 0, 1], y, [1, 27], [0, ..., 27]),
        lambda x, y: np.einsum("...ij,jk->i...k", x, y),
        (case((2, 3, 4), (4, 5)), case((3, 4), (4, 5))),
    ),
    Op(
        "einsum_sublists_implicit",
        lambda lib, x, y: lib.einsum(x, [1, 3], y, [3, 0]),
        lambda x, y: np.einsum("ij,jk->ki", x, y),
        (case((3, 4), (4, 5)),),
    ),
    Op(
        "einsum",
        lambda lib, x, y: lib.einsum("ij,jk->ik", x, y),
        np.matmul,
        (case((0, 4), (4, 2)),),
        errors=(
            error(ValueError, r"j", (3, 4), (3, 4)),
            error(TypeError, r"one type", (3, 4), (4, 2), dtypes=("int64",)),
            error(ValueError, r"i.*length", (3, 4), call=lambda lib, x: lib.einsum("ii", x)),
            error(ValueError, r"letters", (3, 4), call=lambda lib, x: lib.einsum("i1", x)),
            error(ValueError, r"0 to 51", (3, 4), call=lambda lib, x: lib.einsum(x, [0, 52])),
            error(ValueError, r"repeated", (3, 4), call=lambda lib, x: lib.einsum("ij->ii", x)),
            error(ValueError, r"\(3, 4\)", (3, 4), call=lambda lib, x: lib.einsum("ijk->i", x)),
            error(ValueError, r"k", (3, 4), call=lambda lib, x: lib.einsum("ij->k", x)),
            error(ValueError, r"2", (3, 4), call=lambda lib, x: lib.einsum("ij,jk->ik", x)),
        ),
    ),
    Op(
        "tensordot",
        lambda lib, x, y, **o: lib.tensordot(x, y, **o),
        lambda x, y, dims=2: np.tensordot(x, y, dims),
        (
            case((2, 3, 4), (3, 4, 5)),
            case((3, 4), (4, 2), dims=1),
            case((3,), (4,), dims=0),
            case((2, 3, 4), (4, 5, 3), dims=([-1, 1], [0, 2])),
            case((2, 0), (0, 3), dims=1),
        ),
        dtypes={("int64", "int64"): "int64", ("float32", "float64"): TypeError},
        errors=(
            error(ValueError, r"length 4.*length 3", (3, 4), (3, 4), dims=1),
            error(ValueError, r"dims=3", (3, 4), (3, 4), dims=3),
            error(ValueError, r"each axis once", (3, 4), (3, 4), dims=([0], [0, 1])),
            error(ValueError, r"each axis once", (3, 4), (3, 4), dims=([0, 0], [0, 1])),
            error(IndexError, r"out of range", (3, 4), (3, 4), dims=([2], [0])),
        ),
    ),
]
