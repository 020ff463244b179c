"""Rows: sorting, the largest and smallest, search in what is sorted."""

import numpy as np

from .row import Input, Op, case, error, fixed, index, pin

BAD = (ValueError, RuntimeError, IndexError)
ORDERED = {(d,): d for d in ("int8", "uint8", "int32", "int64", "float16", "float32")}
NAN, INF = np.nan, np.inf


def np_order(x, dim=-1, descending=False):
    """Stable, a NaN the largest; float64 and integers are turned over by their rank."""
    rank = np.unique(x, return_inverse=True)[1].reshape(x.shape)  # NaNs last, in one class
    return np.argsort(-rank if descending else rank, dim, kind="stable")


def np_sort(x, dim=-1, descending=False, **_):
    if not x.ndim:
        return x, np.array(0)
    order = np_order(x, dim, descending)
    return np.take_along_axis(x, order, dim), order


def np_topk(x, k, dim=-1, largest=True):
    values, order = np_sort(x, dim, largest)
    return values.take(range(k), dim), order.take(range(k), dim)


def np_kthvalue(x, k, dim=-1, keepdim=False):
    if not x.ndim:
        return x, np.array(0)
    values, order = np_sort(x, dim)
    at = [k - 1] if keepdim else k - 1
    return values.take(at, dim), order.take(at, dim)


def ascending(*shape):
    """Sorted lines with repeats."""
    return Input(shape, lambda rng, s: np.sort(rng.integers(-8, 8, s) / 4, -1), "sorted")


def values(*shape):
    return Input(shape, lambda rng, s: rng.integers(-9, 9, s) / 4, "values")


def np_search(s, v, right=False, side=None, sorter=None, out_int32=False):
    """Line by line with NumPy's own search."""
    how = "right" if right or side == "right" else "left"
    if sorter is not None:
        s = np.take_along_axis(s, sorter, -1)
    if s.ndim == 1:
        return np.searchsorted(s, v, how)
    lines = zip(s.reshape(-1, s.shape[-1]), v.reshape(-1, v.shape[-1]), strict=True)
    return np.stack([np.searchsorted(a, b, how) for a, b in lines]).reshape(v.shape)


OPS = [
    Op(
        "sort",
        lambda lib, x, **o: lib.sort(x, **o).values,
        lambda x, **o: np_sort(x, **o)[0],
        (
            case((5,)),
            case((4, 7), dim=1, descending=True),
            case((6, 3), dim=0),
            case((2, 5, 3), dim=-2, stable=True),
            case(()),
            case((0, 3), dim=0),
            case((1, 4), dim=0),
            case((300,), descending=True),
        ),
        ("Sort",),
        distinct=True,
        dtypes=ORDERED | {("bool",): "bool"},
        pins=(
            pin([1.0, 3.0, 1.0], grads=([1.0] * 3,)),
            pin([NAN, 1.0, -INF], grads=([1.0] * 3,)),
        ),
        errors=(
            error(IndexError, "out of range", (2, 3), dim=2),
            error((TypeError, RuntimeError), "complex", (3,), dtypes=("complex64",)),
        ),
    ),
    Op(  # equal values keep their order, a NaN is the largest, -0 equals 0
        "sort_ties",
        lambda lib, x, **o: lib.sort(x, stable=True, **o),
        np_sort,
        tuple(
            case(fixed(ties), descending=d)
            for ties in (
                [2.0, -0.0, 0.0, NAN, INF, -INF, 2.0, NAN, 0.0],
                [3, -5, 3, 1, -5],
                [True, False, True],
            )
            for d in (False, True)
        )
        + (case(index((400,), 9)), case(fixed([2**62, -(2**62), 5, 2**62]), descending=True)),
        order=0,
        error_name="sort",
    ),
    Op(
        "kthvalue_indices",
        lambda lib, x, k, **o: lib.kthvalue(x, k, **o),
        np_kthvalue,
        (case((4, 6), k=2, dim=0, keepdim=True), case((300,), k=100), case((), k=1, dim=0)),
        distinct=True,
        order=0,
        error_name="kthvalue",
    ),
    Op(
        "topk_indices",
        lambda lib, x, k, **o: lib.topk(x, k, **o),
        np_topk,
        (case((4, 6), k=2, dim=0), case((300,), k=100, largest=False), case((300,), k=3)),
        distinct=True,
        order=0,
        error_name="topk",
    ),
    Op(
        "argsort",
        lambda lib, x, **o: lib.argsort(x, **o),
        lambda x, dim=-1, descending=False: np_sort(x, dim, descending)[1],
        (case((4, 5)), case((4, 5), dim=0, descending=True), case(()), case((0,))),
        distinct=True,
        order=0,
        errors=(error(IndexError, "out of range", (2, 3), dim=-3),),
    ),
    Op(
        "msort",
        lambda lib, x: lib.msort(x),
        lambda x: np.sort(x, 0),
        (case((4, 3)), case((5,))),
        distinct=True,
    ),
    Op(
        "topk",
        lambda lib, x, k, **o: lib.topk(x, k, **o).values,
        lambda x, k, **o: np_topk(x, k, **o)[0],
        (
            case((7,), k=3),
            case((4, 6), k=2, dim=1, largest=False),
            case((6, 4), k=6, dim=0),
            case((3, 5), k=0),
            case((200,), k=70),
            case((2, 5, 3), k=1, dim=-2),
            case((0, 3), k=0, dim=0),
            case((0, 3), k=2, dim=1),
        ),
        ("Sort",),
        distinct=True,
        dtypes={(d,): d for d in ("int64", "float16", "float32", "int16")},
        errors=(
            error(BAD, "k", (5,), k=6),
            error(BAD, "k", (5,), k=-1),
            error(IndexError, "out of range", (5,), k=1, dim=1),
            error((TypeError, RuntimeError), "complex", (3,), k=1, dtypes=("complex64",)),
        ),
    ),
    Op(
        "topk_0d",
        lambda lib, x: lib.topk(x, 1),
        np_sort,
        (case(()),),
        order=0,
        error_name="topk",
    ),
    Op(
        "topk_nan",
        lambda lib, x, **o: lib.topk(x, 2, **o),
        lambda x, largest=True: np_topk(x, 2, -1, largest),
        (
            case(fixed([1.0, NAN, 0.0, -INF])),
            case(fixed([1.0, NAN, 0.0, -INF]), largest=False),
            case(fixed([2**62, -(2**62), 5])),
        ),
        order=0,
        error_name="topk",
    ),
    Op(
        "kthvalue",
        lambda lib, x, k, **o: lib.kthvalue(x, k, **o).values,
        lambda x, k, **o: np_kthvalue(x, k, **o)[0],
        (
            case((7,), k=3),
            case((4, 6), k=2, dim=0, keepdim=True),
            case((4, 6), k=6, dim=-1),
            case((2, 5, 3), k=1, dim=1),
            case((3, 0), k=1, dim=0),
        ),
        distinct=True,
        dtypes={("int64",): "int64", ("float16",): "float16"},
        errors=(
            error(BAD, "k", (5,), k=0),
            error(BAD, "k", (5,), k=6),
            error(BAD, "no elements|non-zero", (3, 0), k=1, dim=1),
        ),
    ),
    Op(
        "searchsorted",
        lambda lib, s, v, **o: lib.searchsorted(s, v, **o),
        np_search,
        (
            case(ascending(9), values(20)),
            case(ascending(9), values(2, 20), right=True),
            case(ascending(3, 9), values(3, 20), side="right"),
            case(ascending(2, 3, 9), values(2, 3, 1), side="left"),
            case(ascending(9), values()),
            case(ascending(0), values(3)),
            case(fixed([1, 3, 3, 8]), fixed([3, 9, 0]), right=True),
            case(ascending(3, 9), values(3, 1)),
        ),
        order=0,
        errors=(
            error(BAD, r"\(2,\)|dimension", (3, 4), (2,)),
            error(BAD, "side", (4,), (2,), side="middle"),
            error(BAD, "side", (4,), (2,), side="left", right=True),
            error(BAD, "0-d|0 dimension", (), (2,)),
        ),
    ),
    Op(
        "searchsorted_sorter",
        lambda lib, s, v, i, **o: lib.searchsorted(s, v, sorter=i, **o),
        lambda s, v, i, **o: np_search(np.take_along_axis(s, i, -1), v, **o),
        (case(fixed([3.0, 1.0, 2.0]), values(20), fixed([1, 2, 0])),),
        order=0,
        error_name="searchsorted",
        errors=(
            error(IndexError, "3", (3,), (2,), fixed([0, 1, 3]), torch=False),
            error(BAD, r"\(2,\)|size", (3,), (2,), fixed([0, 1])),
        ),
    ),
    Op(
        "bucketize",
        lambda lib, v, s, **o: lib.bucketize(v, s, **o),
        lambda v, s, right=False: np_search(s, v, right),
        (case(values(3, 4), ascending(9)), case(values(3, 4), ascending(9), right=True)),
        order=0,
        errors=(error(BAD, "1-d|1 dim", (3,), (2, 2)),),
    ),
    Op(
        "isin",
        lambda lib, x, m, **o: lib.isin(x, m, **o),
        lambda x, m, invert=False: np.isin(x, m, invert=invert),
        (
            case(index((3, 4), 9), index((4,), 9)),
            case(index((3, 4), 9), index((2, 2), 9), invert=True),
            case(fixed([1.0, NAN, 2.5]), fixed([NAN, 2.5])),
            case(index((3,), 4), index((0,), 4)),
            case(index((), 4), index((3,), 4)),
        ),
        order=0,
    ),
    Op(
        "unravel_index",
        lambda lib, i, shape: lib.unravel_index(i, shape),
        lambda i, shape: np.unravel_index(i, shape),
        (case(index((5,), 24), shape=(2, 3, 4)), case(index((), 6), shape=(6,))),
        order=0,
        errors=(
            error((TypeError, RuntimeError), "int", (3,), shape=(2, 3)),
            error(BAD, "negative", index((3,), 4), shape=(-1, 2)),
        ),
    ),
    Op(
        "diagonal_scatter",
        lambda lib, x, s, **o: lib.diagonal_scatter(x, s, **o),
        lambda x, s, offset=0: (
            x * (1 - np.eye(*x.shape, offset))
            + sum(v * e for v, e in zip(s, _places(x.shape, offset), strict=True))
        ),
        (case((4, 4), (4,)), case((3, 5), (3,), offset=1), case((4, 4), (3,), offset=-1)),
        errors=(error(BAD, r"\(3,\)|\[3\]", (4, 4), (3,)),),
    ),
]


def _places(shape, offset):
    """One matrix for each element of a diagonal."""
    rows, columns = np.nonzero(np.eye(*shape, offset))
    for r, c in zip(rows, columns, strict=True):
        e = np.zeros(shape)
        e[r, c] = 1
        yield e
