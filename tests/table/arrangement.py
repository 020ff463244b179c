"""Rows: rearranging, repeating, joining by rank, cutting, diagonals, grids, strided views."""

import itertools

import numpy as np

from .movement import plain
from .row import Op, case, error, fixed, index


def np_unfold(x, dim, size, step):
    dim %= x.ndim
    windows = np.lib.stride_tricks.sliding_window_view(x, size, dim)
    return np.take(windows, np.arange(0, windows.shape[dim], step), dim)


def np_as_strided(x, size, stride, offset=0):
    places = [np.arange(n) * s for n, s in zip(size, stride, strict=True)]
    flat = offset + sum(np.meshgrid(*places, indexing="ij")) if size else np.asarray(offset)
    return x.reshape(-1)[flat]


def np_diag_embed(x, offset=0, dim1=-2, dim2=-1):
    flat = x.reshape(-1, x.shape[-1])
    y = np.array([np.diag(row, offset) for row in flat])
    return np.moveaxis(y.reshape(*x.shape[:-1], *y.shape[1:]), (-2, -1), (dim1, dim2))


def np_block_diag(*blocks):
    blocks = [np.atleast_2d(b) for b in blocks]
    y = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)))
    top = left = 0
    for b in blocks:
        y[top : top + b.shape[0], left : left + b.shape[1]] = b
        top, left = top + b.shape[0], left + b.shape[1]
    return y


def np_combinations(x, r=2, with_replacement=False):
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return np.array(list(choose(x, r))).reshape(-1, r)


def stacks(name, *cases):
    return plain(
        name,
        lambda lib, *xs: getattr(lib, name)(xs),
        lambda *xs: getattr(np, name)(xs),
        cases,
        dtypes={("int8", "float16"): "float16", ("bool", "int64"): "int64"},
        errors=(error(ValueError, "at least one", call=lambda lib: getattr(lib, name)([])),),
    )


def at_least(n, grown):
    return plain(
        f"atleast_{n}d",
        lambda lib, x: getattr(lib, f"atleast_{n}d")(x),
        grown,
        tuple(case(shape) for shape in ((), (3,), (2, 3), (2, 3, 4))),
    )


def cuts(name, *cases):
    return plain(
        name,
        lambda lib, x, at: getattr(lib, name)(x, at),
        lambda x, at: getattr(np, name)(x, at),
        cases,
        errors=(error(ValueError, "equal parts", (5, 5, 5), at=3),),
    )


OPS = [
    plain(
        "tril",
        lambda lib, x, **o: lib.tril(x, **o),
        lambda x, diagonal=0: np.tril(x, diagonal),
        (
            case((3, 4)),
            case((4, 3), diagonal=1),
            case((2, 4, 4), diagonal=-1),
            case(fixed(np.zeros((3, 3)))),
            case((0, 3)),
        ),
    ),
    plain(
        "triu",
        lambda lib, x, **o: lib.triu(x, **o),
        lambda x, diagonal=0: np.triu(x, diagonal),
        (
            case((3, 4)),
            case((4, 3), diagonal=1),
            case((2, 4, 4), diagonal=-1),
            case(fixed(np.ones((3, 3)))),
            case((0, 3)),
        ),
    ),
    plain(
        "repeat",
        lambda lib, x, n: x.repeat(*n),
        lambda x, n: np.tile(x, n),
        (case((2, 3), n=(2, 1)), case((3,), n=(2, 3)), case((2,), n=(0,))),
    ),
    plain(
        "roll",
        lambda lib, x, shifts, dims: lib.roll(x, shifts, dims),
        lambda x, shifts, dims: np.roll(x, shifts, dims),
        (case((3, 4), shifts=1, dims=0), case((3, 4), shifts=(1, -2), dims=(0, 1))),
    ),
    plain(
        "diagonal",
        lambda lib, x, **o: lib.diagonal(x, **o),
        lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
        (
            case((3, 4)),
            case((4, 3), offset=-1),
            case((2, 3, 4), offset=1, dim1=1, dim2=2),
            case((2, 3, 4), offset=5, dim1=-1, dim2=0),
        ),
        ("Diagonal", "DiagonalPut"),
        errors=(error(ValueError, "dim1 and dim2 must differ", (3, 4), dim1=0, dim2=-2),),
    ),
    plain("fliplr", lambda lib, x: lib.fliplr(x), np.fliplr, (case((3, 4)), case((2, 3, 4)))),
    plain("flipud", lambda lib, x: lib.flipud(x), np.flipud, (case((3, 4)), case((5,)))),
    plain(
        "rot90",
        lambda lib, x, **o: lib.rot90(x, **o),
        lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
        (
            case((3, 4)),
            case((3, 4), k=-1),
            case((2, 3, 4), k=2, dims=(0, 2)),
            case((2, 3, 4), k=3, dims=(2, 1)),
            case((2, 3), k=4),
        ),
        errors=(
            error(ValueError, "two different dims", (3, 4), dims=(0, 0)),
            error(ValueError, "takes two dims", (3, 4), dims=(0,)),
        ),
    ),
    plain(
        "tile",
        lambda lib, x, n: lib.tile(x, n),
        lambda x, n: np.tile(x, n),
        (case((2, 3), n=(2,)), case((3,), n=(2, 3)), case((), n=(2,)), case((2, 1), n=(0, 2))),
    ),
    plain(
        "repeat_interleave",
        lambda lib, x, n, dim=None: lib.repeat_interleave(x, n, dim),
        lambda x, n, dim=None: np.repeat(x, n, dim),
        (case((2, 3), n=2), case((2, 3), n=3, dim=-1), case((2, 0), n=2, dim=0), case((), n=2)),
        errors=(error(ValueError, "negative", (2,), n=-1),),
    ),
    plain(
        "repeat_interleave by a tensor",
        lambda lib, x, n, dim=None: lib.repeat_interleave(x, n, dim),
        lambda x, n, dim=None: np.repeat(x, n, dim),
        (
            case((2, 3), fixed([2, 0, 1]), dim=1),
            case((4,), fixed([0, 0, 3, 1])),
            case((2, 3), fixed([2]), dim=0),
        ),
        dtypes={},
        errors=(
            error(ValueError, "2 numbers for the 3 slices", (3,), fixed([1, 2]), dim=0),
            error((ValueError, IndexError), "-1", (2,), fixed([1, -1]), dim=0),
        ),
        error_name="repeat_interleave",
    ),
    Op(
        "repeat_interleave of counts",
        lambda lib, n: lib.repeat_interleave(n),
        lambda n: np.repeat(np.arange(len(n)), n),
        (case(fixed([2, 0, 1])), case(index((0,), 2))),
        order=0,
        dtypes={("int32",): "int32"},
    ),
    stacks("hstack", case((2, 3), (2, 1)), case((3,), (2,)), case((), ())),
    stacks("vstack", case((2, 3), (1, 3)), case((3,), (3,)), case((), ())),
    stacks("dstack", case((2, 3), (2, 3)), case((3,), (3,)), case((2, 3, 1), (2, 3, 2))),
    stacks("column_stack", case((2, 3), (2,)), case((3,), (3,))),
    at_least(1, np.atleast_1d),
    at_least(2, np.atleast_2d),
    at_least(3, np.atleast_3d),
    plain(
        "tensor_split",
        lambda lib, x, at, dim=0: lib.tensor_split(x, at, dim),
        lambda x, at, dim=0: np.array_split(x, at, dim),
        (
            case((7, 2), at=3),
            case((2, 7), at=(1, 4), dim=1),
            case((5,), at=(3, 1, 9)),
            case((5,), at=(-2,)),
            case((2,), at=3),
        ),
        errors=(error(ValueError, "must be positive", (3,), at=0),),
    ),
    cuts("hsplit", case((2, 6), at=3), case((6,), at=2), case((2, 5), at=(1, 3))),
    cuts("vsplit", case((6, 2), at=3), case((5, 2), at=(1, 3))),
    cuts("dsplit", case((2, 3, 4), at=2), case((2, 3, 4), at=(1,))),
    plain(
        "split_with_sizes",
        lambda lib, x, n, dim=0: lib.split_with_sizes(x, n, dim),
        lambda x, n, dim=0: np.split(x, np.cumsum(n)[:-1], dim),
        (case((5, 2), n=(1, 4)), case((2, 5), n=(0, 2, 3), dim=-1)),
        errors=(error(ValueError, "do not add up", (5,), n=(1, 2)),),
        error_name="split",
    ),
    plain(
        "diag",
        lambda lib, x, **o: lib.diag(x, **o),
        lambda x, diagonal=0: np.diag(x, diagonal),
        (case((3,)), case((3,), diagonal=-1), case((3, 4), diagonal=1), case((0,))),
        errors=(error(ValueError, "a vector or a matrix", (2, 3, 4)),),
    ),
    plain(
        "diag_embed",
        lambda lib, x, **o: lib.diag_embed(x, **o),
        np_diag_embed,
        (
            case((3,)),
            case((2, 3), offset=1),
            case((2, 3), offset=-2, dim1=0, dim2=2),
            case((2, 3), dim1=2, dim2=0),
        ),
        errors=(error(ValueError, "must differ", (3,), dim1=1, dim2=-1),),
    ),
    plain(
        "diagflat",
        lambda lib, x, **o: lib.diagflat(x, **o),
        lambda x, offset=0: np.diagflat(x, offset),
        (case((2, 2)), case((), offset=1), case((3,), offset=-1)),
    ),
    plain(
        "block_diag",
        lambda lib, *xs: lib.block_diag(*xs),
        np_block_diag,
        (case((2, 3), (1, 2)), case((3,), (), (2, 1)), case((2, 2))),
        dtypes={("float32", "float64"): "float64"},
        errors=(error(ValueError, "expects matrices", (2, 3, 4)),),
    ),
    plain(
        "meshgrid",
        lambda lib, *xs, indexing="ij": lib.meshgrid(*xs, indexing=indexing),
        lambda *xs, indexing="ij": np.meshgrid(*xs, indexing=indexing),
        (case((2,), (3,)), case((2,), (3,), (4,), indexing="xy"), case((3,), indexing="xy")),
        dtypes={},
        errors=(
            error(ValueError, "expects vectors", (2, 3)),
            error(ValueError, 'must be "ij" or "xy"', (2,), indexing="yx"),
            error(TypeError, "one type", (2,), (2,), dtypes=("float32", "float64")),
        ),
    ),
    plain(
        "cartesian_prod",
        lambda lib, *xs: lib.cartesian_prod(*xs),
        lambda *xs: np.array(list(itertools.product(*xs))) if len(xs) > 1 else xs[0],
        (case((2,), (3,)), case((2,), (1,), (2,)), case((3,))),
        errors=(error(ValueError, "expects vectors", (2, 3), (2,)),),
    ),
    plain(
        "combinations",
        lambda lib, x, **o: lib.combinations(x, **o),
        np_combinations,
        (case((4,)), case((4,), r=3), case((3,), with_replacement=True), case((2,), r=3)),
        errors=(error(ValueError, "expects a vector", (2, 2)),),
    ),
    plain(
        "broadcast_tensors",
        lambda lib, *xs: lib.broadcast_tensors(*xs),
        np.broadcast_arrays,
        (case((3, 1), (4,)), case((2, 1, 1), (3, 1), ()), case((0, 1), (1, 1))),
        dtypes={},
        errors=(error(ValueError, "do not broadcast", (3,), (4,)),),
        error_name="broadcast_shapes",
    ),
    plain(
        "adjoint",
        lambda lib, x: lib.adjoint(x),
        lambda x: np.swapaxes(x, -1, -2),
        (case((3, 4)), case((2, 3, 4))),
        errors=(error(ValueError, "2 dimensions", (3,)),),
    ),
    plain(
        "windows",
        lambda lib, x, dim, size, step: x.unfold(dim, size, step),
        np_unfold,
        (
            case((7,), dim=0, size=3, step=2),
            case((2, 5, 3), dim=1, size=2, step=1),
            case((4, 6), dim=-1, size=2, step=3),
            case((4,), dim=0, size=4, step=9),
        ),
        ("Windows", "WindowsAdd"),
        errors=(
            error(ValueError, "do not fit", (3,), dim=0, size=4, step=1),
            error(ValueError, "step must be positive", (3,), dim=0, size=1, step=0),
        ),
        error_name="unfold",
    ),
    plain(
        "as_strided",
        lambda lib, x, size, stride, **o: lib.as_strided(x.clone(), size, stride, *o.values()),
        np_as_strided,
        (
            case((7,), size=(3, 3), stride=(2, 1)),
            case((3, 4), size=(4, 3), stride=(1, 4)),
            case((3, 4), size=(2, 2, 2), stride=(4, 1, 0), offset=2),
            case((3,), size=(), stride=(), offset=1),
            case((3,), size=(0, 2), stride=(1, 9)),
        ),
        ("AsStrided", "StridedAdd"),
        errors=(
            error(ValueError, "reach element 8", (3,), size=(5,), stride=(2,)),
            error(ValueError, "do not describe", (3,), size=(2,), stride=()),
        ),
    ),
]
