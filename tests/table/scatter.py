"""Rows: scatter with every reduction, slices by a 1-d index, flat positions, regions replaced."""

import numpy as np

from .row import Input, Op, case, error, fixed, index, mask, pin

BAD = (ValueError, RuntimeError, IndexError)


def distinct(shape, size, dim=0):
    """Positions that do not repeat along dim: which of several values stays is not pinned."""

    def draw(rng, shape):
        full = [size if i == dim % len(shape) else n for i, n in enumerate(shape)]
        order = np.argsort(rng.random(full), dim)
        return np.take(order, range(shape[dim]), dim)

    return Input(shape, draw, "distinct")


def combined(f, x, i, src, dim, include_self=True):
    """y[.., i, ..] = f(what meets there), one position after another."""
    if not x.ndim:
        return combined(f, x[None], i[None], src[None], dim, include_self)[0]
    met = {}
    y = x.copy()
    for at in np.ndindex(*i.shape):
        to = list(at)
        to[dim] = i[at]
        met.setdefault(tuple(to), [x[tuple(to)]] if include_self else []).append(src[at])
    for to, values in met.items():
        y[to] = f(values)
    return y


REDUCE = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}


def np_reduce(x, i, src, dim, reduce, include_self=True):
    return combined(REDUCE[reduce], x, i, src, dim, include_self)


def np_index_reduce(x, i, src, dim, reduce, include_self=True):
    wide = [1] * x.ndim
    wide[dim] = -1
    return np_reduce(x, np.broadcast_to(i.reshape(wide), src.shape), src, dim, reduce, include_self)


def np_put(x, i, src, accumulate=False):
    y = x.copy().reshape(-1)
    np.add.at(y, i, src) if accumulate else np.put(y, i, src)
    return y.reshape(x.shape)


def np_set(x, key, v):
    y = x.copy()
    y[key] = v
    return y


def along(dim, i):
    return (slice(None),) * dim + (i,)


OPS = [
    Op(
        "scatter",
        lambda lib, x, i, s, dim: lib.scatter(x, dim, i, s),
        lambda x, i, s, dim: combined(lambda values: values[-1], x, i, s, dim),
        (
            case((3, 6), distinct((3, 4), 6, 1), (3, 4), dim=1),
            case((6, 3), distinct((4, 3), 6), (4, 3), dim=0),
            case((2, 6, 3), distinct((2, 4, 3), 6, 1), (2, 4, 3), dim=-2),
            case((6,), distinct((4,), 6), (4,), dim=0),
            case((), fixed(0), (), dim=0),
            case((3, 4), index((3, 0), 4), (3, 0), dim=1),
        ),
        ("Scatter",),
        dtypes={
            ("int8", "int64", "int8"): "int8",
            ("bool", "int64", "bool"): "bool",
            ("float16", "int64", "float16"): "float16",
            ("float32", "int64", "float64"): TypeError,
        },
        errors=(
            error(IndexError, "7", (3, 4), fixed([[7]]), (1, 1), dim=1),
            error(IndexError, "-1", (3, 4), fixed([[-1]]), (1, 1), dim=1),
            error(IndexError, "out of range", (3, 4), fixed([[0]]), (1, 1), dim=2),
            error(BAD, r"\(4, 1\)", (3, 4), index((4, 1), 4), (4, 1), dim=1),
            error(BAD, r"\(1, 1\)", (3, 4), index((3, 1), 4), (1, 1), dim=1),
            error((TypeError, RuntimeError), "float|int", (3, 4), (3, 4), (3, 4), dim=1),
        ),
    ),
    Op(
        "scatter_corner",  # only a corner of x and of the source is reached
        lambda lib, x, i, s, dim: lib.scatter(x, dim, i, s),
        lambda x, i, s, dim: combined(lambda values: values[-1], x, i, s, dim),
        (case((4, 6), distinct((2, 3), 6, 1), (3, 5), dim=1),),
        torch=False,
    ),
    Op(
        "scatter_value",
        lambda lib, x, i, dim, value, **o: lib.scatter(x, dim, i, value, **o),
        lambda x, i, dim, value, reduce=None: combined(
            {None: lambda v: v[-1], "add": np.sum, "multiply": np.prod}[reduce],
            x,
            i,
            np.full(i.shape, value),
            dim,
        ),
        (
            case((3, 4), index((3, 6), 4), dim=1, value=2.5),
            case((4, 3), index((2, 3), 4), dim=0, value=-1),
        ),
        dtypes={("int32", "int64"): "int32"},
        error_name="scatter",
        errors=(
            error(BAD, "reduce", (3,), fixed([0]), dim=0, value=1.0, reduce="sum"),
            error(TypeError, "value", (3,), fixed([0]), dim=0, value=None),
        ),
    ),
    Op(  # PyTorch has no gradient of these
        "scatter_combined",
        lambda lib, x, i, s, dim, reduce: lib.scatter(x, dim, i, s, reduce=reduce),
        lambda x, i, s, dim, reduce: combined(
            {"add": np.sum, "multiply": np.prod}[reduce], x, i, s, dim
        ),
        (
            case((3, 4), index((3, 6), 4), (3, 6), dim=1, reduce="add"),
            case((3, 4), index((3, 6), 4), (3, 6), dim=1, reduce="multiply"),
        ),
        torch=False,
    ),
    Op(
        "scatter_reduce",
        lambda lib, x, i, s, dim, **o: lib.scatter_reduce(x, dim, i, s, **o),
        np_reduce,
        (
            *[
                case((3, 4), index((3, 6), 4), (3, 6), dim=1, reduce=r, include_self=own)
                for r in REDUCE
                for own in (True, False)
            ],
            case((4, 3), index((6, 3), 4), (6, 3), dim=0, reduce="mean"),
            case((2,), index((40,), 2), (40,), dim=-1, reduce="amax"),
            case((3,), index((0,), 3), (0,), dim=0, reduce="amin"),
        ),
        ("ScatterProd", "ScatterExtremum", "ScatterAdd"),
        distinct=True,
        domain=(0.5, 2.0),
        dtypes={("int64", "int64", "int64"): "int64", ("uint8", "int64", "uint8"): "uint8"},
        errors=(
            error(IndexError, "7", (3, 4), fixed([[7]]), (1, 1), dim=1, reduce="sum"),
            error(IndexError, "-1", (3, 4), fixed([[-1]]), (1, 1), dim=1, reduce="amax"),
            error(BAD, "reduce", (3, 4), fixed([[0]]), (1, 1), dim=1, reduce="median"),
        ),
        pins=(
            pin(  # ties share
                [2.0, 0.0],
                [0, 0, 1],
                [2.0, 2.0, 5.0],
                grads=([1 / 3, 0.0], [1 / 3, 1 / 3, 1.0]),
                dim=0,
                reduce="amax",
            ),
            pin(  # one factor is zero, two are
                [2.0, 0.0, 3.0],
                [0, 0, 1, 1, 2],
                [0.0, 5.0, 0.0, 7.0, 4.0],
                grads=([0.0, 0.0, 4.0], [10.0, 0.0, 0.0, 0.0, 3.0]),
                dim=0,
                reduce="prod",
            ),
        ),
    ),
    Op(
        "index_reduce",
        lambda lib, x, i, s, dim, **o: lib.index_reduce(x, dim, i, s, **o),
        np_index_reduce,
        (
            *[
                case((4, 3), index((6,), 4), (6, 3), dim=0, reduce=r, include_self=own)
                for r in ("prod", "mean", "amax", "amin")
                for own in (True, False)
            ],
            case((2, 4, 3), index((6,), 4), (2, 6, 3), dim=-2, reduce="amax"),
        ),
        distinct=True,
        domain=(0.5, 2.0),
        errors=(
            error(IndexError, "7", (3, 4), fixed([7]), (1, 4), dim=0, reduce="prod"),
            error(BAD, "reduce", (3, 4), fixed([0]), (1, 4), dim=0, reduce="sum"),
            error(BAD, r"\(1, 4\)", (3, 4), fixed([0]), (2, 4), dim=0, reduce="prod"),
        ),
    ),
    Op(
        "index_copy",
        lambda lib, x, i, s, dim: lib.index_copy(x, dim, i, s),
        lambda x, i, s, dim: np_set(x, along(dim % x.ndim, i), s),
        (
            case((5, 3), distinct((4,), 5), (4, 3), dim=0),
            case((2, 5, 3), distinct((4,), 5), (2, 4, 3), dim=-2),
            case((5,), distinct((5,), 5), (5,), dim=0),
            case((3, 2), index((0,), 3), (0, 2), dim=0),
        ),
        ("IndexPut",),
        dtypes={("int8", "int64", "int8"): "int8", ("float32", "int64", "float64"): TypeError},
        errors=(
            error(IndexError, "5", (5, 3), fixed([5]), (1, 3), dim=0),
            error(IndexError, "-1", (5, 3), fixed([-1]), (1, 3), dim=0),
            error(BAD, r"\(1, 3\)", (5, 3), fixed([1]), (2, 3), dim=0),
            error(BAD, "1-d|dim", (5, 3), fixed([[1]]), (1, 3), dim=0),
        ),
    ),
    Op(
        "index_fill",
        lambda lib, x, i, dim, value: lib.index_fill(x, dim, i, value),
        lambda x, i, dim, value: np_set(x, along(dim % x.ndim, i), value),
        (
            case((5, 3), index((4,), 5), dim=0, value=2.5),
            case((2, 5), index((3,), 5), dim=-1, value=-1),
            case((5, 3), index((0,), 5), dim=0, value=1.0),
        ),
        dtypes={("int64", "int64"): "int64"},
        errors=(
            error(IndexError, "5", (5, 3), fixed([5]), dim=0, value=1.0),
            error((TypeError, RuntimeError), "float|int", (5, 3), (2,), dim=0, value=1.0),
            error((TypeError, RuntimeError), "value", (5,), fixed([0]), dim=0, value="1"),
        ),
    ),
    Op(
        "index_fill_tensor",
        lambda lib, x, i, v: lib.index_fill(x, 0, i, v),
        lambda x, i, v: np_set(x, i, v),
        (case((5, 3), distinct((3,), 5), ()),),
        error_name="index_fill",
        errors=(error(BAD, r"\(2,\)|2 dim|0-dim", (5, 3), fixed([0]), (2,)),),
    ),
    Op(
        "index_put",
        lambda lib, x, i, v, accumulate=False: lib.index_put(x, (i,), v, accumulate),
        lambda x, i, v, accumulate=False: (
            np_set(x, i, v)
            if not accumulate
            else x + np.add.reduce([np_set(np.zeros_like(x), k, v[j]) for j, k in enumerate(i)])
        ),
        (
            case((5, 3), distinct((3,), 5), (3, 3)),
            case((5, 3), distinct((3,), 5), (3,)),
            case((5, 3), distinct((3,), 5), ()),
            case((5, 3), index((7,), 5, -5), (7, 3), accumulate=True),
        ),
        ("IndexPut",),
        errors=(
            error(IndexError, "5", (5, 3), fixed([5]), (3,)),
            error(IndexError, "-6", (5, 3), fixed([-6]), (3,)),
            error(BAD, r"\(4,\)", (5, 3), fixed([1]), (4,)),
            error((TypeError, RuntimeError), "float|int", (5,), fixed([1]), fixed([1])),
        ),
    ),
    Op(
        "index_put_two",
        lambda lib, x, i, j, v, accumulate=False: lib.index_put(x, (i, j), v, accumulate),
        lambda x, i, j, v, accumulate=False: np_put(x, i * x.shape[1] + j, v, accumulate),
        (case((4, 5), index((9,), 4), index((9,), 5), (9,), accumulate=True),),
    ),
    Op(
        "take",
        lambda lib, x, i: lib.take(x, i),
        lambda x, i: x.reshape(-1)[i],
        (
            case((3, 4), index((2, 5), 12, -12)),
            case((), fixed([0, 0])),
            case((3, 4), index((0,), 12)),
            case((5,), fixed(2)),
        ),
        dtypes={("int8", "int64"): "int8"},
        errors=(
            error(IndexError, "12", (3, 4), fixed([12])),
            error(IndexError, "-13", (3, 4), fixed([-13])),
            error((TypeError, RuntimeError), "float|int", (3, 4), (2,)),
        ),
    ),
    Op(
        "put",
        lambda lib, x, i, s, **o: x.put(i, s, **o),
        np_put,
        (
            case((3, 4), distinct((5,), 12), (5,)),
            case((3, 4), distinct((6,), 12), (2, 3)),
            case((3, 4), index((20,), 12), (20,), accumulate=True),
        ),
        errors=(
            error(IndexError, "12", (3, 4), fixed([12]), (1,)),
            error(BAD, r"\(3,\)|number of elements", (3, 4), fixed([1, 2]), (3,)),
            error((TypeError, RuntimeError), "float|int", (3, 4), fixed([1]), fixed([1])),
        ),
    ),
    Op(
        "select_scatter",
        lambda lib, x, s, dim, at: lib.select_scatter(x, s, dim, at),
        lambda x, s, dim, at: np_set(x, along(dim % x.ndim, at), s),
        (case((3, 4), (4,), dim=0, at=1), case((3, 4, 2), (3, 2), dim=-2, at=-1)),
        errors=(
            error(IndexError, "3", (3, 4), (4,), dim=0, at=3),
            error(BAD, r"\(3,\)|\[3\]", (3, 4), (3,), dim=0, at=1),
        ),
    ),
    Op(
        "slice_scatter",
        lambda lib, x, s, **o: lib.slice_scatter(x, s, **o),
        lambda x, s, dim=0, start=None, end=None, step=1: np_set(
            x, along(dim % x.ndim, slice(start, end, step)), s
        ),
        (
            case((6, 2), (2, 2), start=1, end=3),
            case((2, 6), (2, 3), dim=-1, step=2),
            case((6, 2), (6, 2)),
            case((6, 2), (1, 2), start=-1),
            case((6, 2), (3, 2), start=3, end=99),
        ),
        errors=(
            error(BAD, r"\(2, 2\)|\[2, 2\]", (6, 2), (3, 2), start=1, end=3),
            error(BAD, "step", (6, 2), (3, 2), step=0),
        ),
    ),
    Op(
        "masked_scatter",
        lambda lib, x, m, s: lib.masked_scatter(x, m, s),
        lambda x, m, s: np_set(
            x, np.broadcast_to(m, x.shape), s.ravel()[: np.broadcast_to(m, x.shape).sum()]
        ),
        (
            case((3, 4), mask((3, 4)), (12,)),
            case((3, 4), mask((4,)), (5, 3)),
            case((0, 4), mask((4,)), (0,)),
        ),
        errors=(
            error(BAD, "1 elements|source|number", (3,), fixed([True] * 3), (1,)),
            error((TypeError, RuntimeError), "bool", (3,), fixed([1, 0, 1]), (3,)),
            error(BAD, r"\(2,\)|size", (3,), fixed([True, False]), (3,)),
        ),
    ),
    Op(
        "argwhere",
        lambda lib, x: lib.argwhere(x),
        lambda x: np.argwhere(x),
        (case(mask((3, 4))), case(mask(())), case(fixed([0.0, 2.0, np.nan])), case(mask((0, 2)))),
        order=0,
    ),
]
