"""Rows: reading and writing by index, gather and scatter, masks."""

import numpy as np

from .row import Op, case, error, fixed, index, mask, pin

ANY = {(d,): d for d in ("int8", "int64", "uint8", "bool", "float16")}
NONE, DOTS, ALL = None, Ellipsis, slice(None)

BASIC = {
    "1": 1,
    "-1": -1,
    "1:": slice(1, None),
    ":-1": slice(None, -1),
    "::2": slice(None, None, 2),
    "5:": slice(5, None),
    "-9:9": slice(-9, 9),
    "2:1": slice(2, 1),
    "1,2": (1, 2),
    "1,2,3": (1, 2, 3),
    ":,1": (ALL, 1),
    "...,1": (DOTS, 1),
    "1,...": (1, DOTS),
    "0,...,::2": (0, DOTS, slice(None, None, 2)),
    "None": NONE,
    "...": DOTS,
    "empty tuple": (),
    "None,1,:,None,1:": (NONE, 1, ALL, NONE, slice(1, None)),
    "...,None": (DOTS, NONE),
    "1:3,::2,1": (slice(1, 3), slice(None, None, 2), 1),
}
ARRAYS = {  # inputs are (3, 4, 5); arrays become integer or boolean tensors
    "[[0,0,1]]": np.array([0, 0, 1]),
    "list": [0, 2, 0],
    "negative": np.array([-1, 0, -2]),
    "2-d": np.array([[0, 2], [1, 0]]),
    "0-d": np.array(1),
    "empty": np.array([], np.int64),
    ":,i": (ALL, np.array([3, 0, 3])),
    "i,j": (np.array([0, 2, 0]), np.array([3, 1, 3])),
    "i,j broadcast": (np.array([[0], [2]]), np.array([3, 1, 1])),
    "i,:,j": (np.array([0, 2]), ALL, np.array([4, 1])),
    "i,:,0": (np.array([0, 2]), ALL, 0),
    ":,i,j": (ALL, np.array([0, 2, 0]), np.array([4, 1, 4])),
    "i,1:,None": (np.array([0, 2]), slice(1, None), NONE),
    "...,i": (DOTS, np.array([0, 0])),
    "i,...,j": (np.array([0, 1]), DOTS, np.array([2, 2])),
    "i,None,j": (np.array([0, 1]), NONE, np.array([2, 2])),
    "i,0": (np.array([0, 1, 1]), 0),
    "0,:,i": (0, ALL, np.array([4, 4])),
    "mask 1-d": np.array([True, False, True]),
    "mask 2-d": np.arange(12).reshape(3, 4) % 3 == 0,
    "mask 3-d": np.arange(60).reshape(3, 4, 5) % 7 == 0,
    "mask none": np.zeros(3, bool),
    ":,mask": (ALL, np.array([True, False, True, True])),
    "mask,i": (np.array([True, False, True]), np.array([3, 3])),
    "True": np.array(True),
    "False": np.array(False),
    "1,True": (1, np.array(True)),
    ":,True,i": (ALL, np.array(True), np.array([1, 3])),
    "i,True": (np.array([0, 2]), np.array(True)),
    "int32": np.array([0, 2], np.int32),
}
# Integers are taken before arrays here and in PyTorch; NumPy counts them among the arrays.
UNLIKE_NUMPY = {"0,:,i": lambda x: x[0][:, [4, 4]]}


def key(lib, k):
    """The index with arrays turned into the library's tensors."""
    if isinstance(k, tuple):
        return tuple(key(lib, part) for part in k)
    return lib.tensor(k) if isinstance(k, np.ndarray) else k


def np_put(x, v, k):
    y = x.copy()
    y[k] = v
    return y


def put(lib, x, v, k):
    y = x.clone()
    y[key(lib, k)] = v
    return y


def add_put(lib, x, v, k):
    y = x.clone()
    y[key(lib, k)] += v
    return y


def put_at(x, i, v):
    y = x.clone()
    y[i] = v
    return y


def np_put_at(x, i, v):
    y = x.copy()
    y[i] = v
    return y


def np_scatter_add(x, i, src, dim):
    y = x.copy()
    for at in np.ndindex(*i.shape):
        to = list(at)
        to[dim] = i[at]
        y[tuple(to)] += src[at]
    return y


def np_gather(x, i, dim):
    out = np.empty(i.shape, x.dtype)
    for at in np.ndindex(*i.shape):
        frm = list(at)
        frm[dim] = i[at]
        out[at] = x[tuple(frm)]
    return out


def np_index_add(x, dim, i, src, alpha=1):
    y = x.copy()
    for k, to in enumerate(i):
        key = [slice(None)] * x.ndim
        key[dim] = to
        y[tuple(key)] += alpha * np.take(src, k, dim)
    return y


GET_ERRORS = (
    error(IndexError, r"3|too many", (2, 3), call=lambda lib, x: x[0, 0, 0]),
    error(IndexError, r"2", (2, 3), call=lambda lib, x: x[2]),
    error(IndexError, r"-3", (2, 3), call=lambda lib, x: x[-3]),
    error(IndexError, r"5", (2, 3), call=lambda lib, x: x[lib.tensor([0, 5])]),
    error(IndexError, r"-4", (2, 3), call=lambda lib, x: x[:, lib.tensor([0, -4])]),
    error(
        IndexError,
        r"(?i)\(3,\).*\(2, 3\)|mask|shape",
        (2, 3),
        call=lambda lib, x: x[lib.tensor([True, False, True])],
    ),
    error(
        IndexError,
        r"(?i)\(2,\).*\(3,\)|broadcast",
        (4, 4),
        call=lambda lib, x: x[lib.tensor([0, 1]), lib.tensor([0, 1, 2])],
    ),
    error((IndexError, TypeError), r"float|int", (2, 3), call=lambda lib, x: x[lib.tensor([0.5])]),
    error((IndexError, TypeError), r"float|int", (2, 3), call=lambda lib, x: x[1.5]),
    error((ValueError, IndexError), r"step", (2, 3), call=lambda lib, x: x[::-1]),
    error(IndexError, r"too many.*\(\)", (), call=lambda lib, x: x[0]),
)
PUT_ERRORS = (
    error(
        (ValueError, RuntimeError),
        r"\(2,\).*\(3,\)|\(3,\).*\(2,\)",
        (2, 3),
        (2,),
        call=lambda lib, x, v: put(lib, x, v, 0),
    ),
    error(IndexError, r"2", (2, 3), (3,), call=lambda lib, x, v: put(lib, x, v, 2)),
    error(IndexError, r"7", (2, 3), (3,), call=lambda lib, x, v: put(lib, x, v, np.array([7]))),
)

OPS = [
    *[
        Op(
            f"getitem[{label}]",
            lambda lib, x, k=k: x[key(lib, k)],
            UNLIKE_NUMPY.get(label, lambda x, k=k: x[k]),
            (case((3, 4, 5)),),
            dtypes=ANY,
            error_name="getitem",
        )
        for label, k in {**BASIC, **ARRAYS}.items()
    ],
    Op(
        "getitem",
        lambda lib, x: x[1:],
        lambda x: x[1:],
        (case((2, 3)), case((4,)), case((0, 3)), case((1, 3))),
        functions=("Slice", "SlicePut"),
        errors=GET_ERRORS,
    ),
    Op(
        "getitem_tensor",
        lambda lib, x, i: x[i],
        lambda x, i: x[i],
        functions=("Index", "IndexAdd"),
        cases=(
            case((5, 3), index((4,), 5)),
            case((5,), index((2, 6), 5)),
            case((2, 3), index((67,), 2)),
            case((5, 3), index((4,), 0, -5)),
            case((5, 0), index((4,), 5)),
            case((4, 3), mask((4,))),
            case((4, 3), mask((4, 3))),
        ),
        error_name="getitem",
    ),
    Op(
        "getitem_mask_self",
        lambda lib, x: x[x > 0],
        lambda x: x[x > 0],
        (case((5, 4)),),
        kinks=(0.0,),
        pins=(pin([0.0, 1.0], grads=([0.0, 1.0],)),),
    ),
    *[
        Op(
            f"setitem[{label}]",
            lambda lib, x, v, k=k: put(lib, x, v, k),
            lambda x, v, k=k: np_put(x, v, k),
            (case((3, 4, 5), np.empty((3, 4, 5))[k].shape), case((3, 4, 5), ())),
            error_name="setitem",
        )
        for label, k in {**BASIC, **ARRAYS}.items()
        # where an index repeats, which value stays is not defined: those write by += below
        if label
        not in (
            "[[0,0,1]]",
            "list",
            "2-d",
            ":,i",
            "i,j",
            ":,i,j",
            "...,i",
            "0,:,i",
            "i,0",
            "mask,i",
            "i,...,j",
            "i,None,j",
            "i,j broadcast",
        )
    ],
    Op(
        "setitem_broadcast",
        lambda lib, x, v: put(lib, x, v, slice(1, None)),
        lambda x, v: np_put(x, v, slice(1, None)),
        (case((3, 4), (4,)), case((3, 4), (2, 1)), case((3, 4), (1, 1)), case((3, 4), (1, 2, 4))),
        error_name="setitem",
    ),
    Op(
        "setitem_scalar",
        lambda lib, x: put(lib, x, -2.5, (ALL, 1)),
        lambda x: np_put(x, -2.5, (ALL, 1)),
        (case((3, 4)),),
        error_name="setitem",
    ),
    Op(
        "setitem",
        lambda lib, x, v: put(lib, x, v, 0),
        lambda x, v: np_put(x, v, 0),
        (case((2, 3), (3,)),),
        errors=PUT_ERRORS,
    ),
    Op(
        "setitem_add",
        lambda lib, x, v: add_put(lib, x, v, (ALL, slice(1, 3))),
        lambda x, v: np_put(x, x[:, 1:3] + v, (ALL, slice(1, 3))),
        (case((3, 4), (3, 2)), case((3, 4), (2,))),
        error_name="setitem",
    ),
    Op(
        "gather",
        lambda lib, x, i, dim: lib.gather(x, dim, i),
        np_gather,
        (
            case((3, 4), index((3, 2), 4), dim=1),
            case((3, 4), index((6, 4), 3), dim=0),
            case((2, 3, 4), index((2, 5, 3), 3), dim=1),
            case((3, 4), index((2, 2), 4), dim=-1),
            case((4,), index((7,), 4), dim=0),
            case((3, 4), index((3, 0), 4), dim=1),
        ),
        ("Gather", "GatherSum"),
        dtypes={
            ("float64", "int64"): "float64",
            ("int8", "int64"): "int8",
            ("bool", "int64"): "bool",
        },
        errors=(
            error(IndexError, r"7", (3, 4), fixed([[7]], np.int64), dim=1),
            error(IndexError, r"-1", (3, 4), fixed([[-1]], np.int64), dim=1),
            error(IndexError, "out of range", (3, 4), index((3, 4), 3), dim=2),
            error((ValueError, RuntimeError), r"\(3, 4\)", (3, 4), index((2,), 3), dim=0),
            error(
                (ValueError, RuntimeError),
                r"\(3, 4\).*\(4, 2\)|\(4, 2\).*\(3, 4\)",
                (3, 4),
                index((4, 2), 3),
                dim=1,
            ),
            error((TypeError, RuntimeError), r"float|int", (3, 4), (3, 4), dim=1),
        ),
    ),
    Op(
        "scatter_add",
        lambda lib, x, i, s, dim: lib.scatter_add(x, dim, i, s),
        np_scatter_add,
        (
            case((3, 4), index((3, 6), 4), (3, 6), dim=1),
            case((3, 4), index((5, 4), 3), (5, 4), dim=0),
            case((2,), index((67,), 2), (67,), dim=0),
            case((3, 4), index((0, 4), 3), (0, 4), dim=0),
            case((2, 3, 4), index((2, 5, 4), 3), (2, 5, 4), dim=1),
        ),
        ("ScatterAdd",),
        errors=(
            error(IndexError, r"7", (3, 4), fixed([[7]], np.int64), (1, 1), dim=1),
            error(IndexError, r"-1", (3, 4), fixed([[-1]], np.int64), (1, 1), dim=1),
            error((ValueError, RuntimeError), r"\(3, 5\)", (3, 4), index((3, 5), 4), (3, 4), dim=1),
        ),
    ),
    Op(  # PyTorch's gradient fails where only a corner of the source is read
        "scatter_add_corner",
        lambda lib, x, i, s, dim: lib.scatter_add(x, dim, i, s),
        np_scatter_add,
        (case((3, 4), index((2, 2), 4), (3, 5), dim=-1), case((3,), index((2,), 3), (5,), dim=0)),
        torch=False,
    ),
    Op(
        "index_select",
        lambda lib, x, i, dim: lib.index_select(x, dim, i),
        lambda x, i, dim: np.take(x, i, dim),
        (
            case((3, 4), index((6,), 3), dim=0),
            case((3, 4), index((2,), 4), dim=1),
            case((2, 3, 4), index((5,), 3), dim=-2),
            case((3, 4), index((0,), 3), dim=0),
        ),
        dtypes={("float64", "int64"): "float64", ("int8", "int32"): "int8"},
        errors=(
            error(IndexError, r"7", (3, 4), fixed([7], np.int64), dim=1),
            error(IndexError, r"-1", (3, 4), fixed([-1], np.int64), dim=1),
            error(IndexError, "out of range", (3, 4), index((3,), 3), dim=2),
            error((ValueError, IndexError), r"1-d|1-D|\(2, 2\)", (3, 4), index((2, 2), 3), dim=0),
        ),
    ),
    Op(
        "masked_fill",
        lambda lib, x, m: lib.masked_fill(x, m, -1.5),
        lambda x, m: np.where(m, -1.5, x),
        (
            case((3, 4), mask((3, 4))),
            case((3, 4), mask((4,))),
            case((), mask(())),
            case((0, 2), mask((2,))),
            case((3, 4), mask((3, 1))),
        ),
        dtypes={("float64", "bool"): "float64", ("float16", "bool"): "float16"},
        errors=(
            error(ValueError, r"\(3,\)", (2, 4), mask((3,))),
            error((TypeError, RuntimeError), r"bool", (3, 4), index((3, 4), 2)),
        ),
    ),
    Op(
        "masked_fill_inf",
        lambda lib, x, m: lib.exp(x.masked_fill(m, float("-inf"))),
        lambda x, m: np.where(m, 0, np.exp(x)),
        (case((3, 4), mask((3, 4))),),
        error_name="masked_fill",
    ),
    Op(
        "masked_select",
        lambda lib, x, m: lib.masked_select(x, m),
        lambda x, m: np.broadcast_to(x, np.broadcast_shapes(x.shape, m.shape))[
            np.broadcast_to(m, np.broadcast_shapes(x.shape, m.shape))
        ],
        (case((3, 4), mask((3, 4))), case((3, 4), mask((4,))), case((4,), mask((3, 4)))),
    ),
    Op(
        "setitem_tensor",
        lambda lib, x, i, v: put_at(x, i, v),
        np_put_at,
        (case((5, 3), fixed([3, 0]), (2, 3)), case((5, 3), fixed([1, -1]), (3,))),
        ("IndexPutInto",),
        error_name="setitem",
    ),
    Op(
        "setitem_mask",
        lambda lib, x, m, v: put_at(x, m, v),
        lambda x, m, v: np_put_at(x, m, v),
        (
            case((3, 4), mask((3, 4)), ()),
            case((3, 4), mask((3,)), ()),
            case((0, 4), mask((0,)), ()),
            case((4,), fixed([True, False, True, True]), (3,)),
        ),
        ("FillInto",),
        error_name="setitem",
    ),
    Op(
        "one_hot",
        lambda lib, i, n: lib.nn.functional.one_hot(i, n),
        lambda i, n: np.eye(n, dtype=np.int64)[i],
        (case(index((2, 3), 4), n=4), case(index((), 4), n=6), case(index((0,), 4), n=3)),
        order=0,
        errors=(
            error((ValueError, IndexError, RuntimeError), "4", fixed([4]), n=4),
            error((ValueError, IndexError, RuntimeError), "-1", fixed([-1]), n=4),
        ),
    ),
    Op(
        "nonzero",
        lambda lib, x: lib.nonzero(x),
        lambda x: np.argwhere(x),
        (case(mask((3, 4))), case(fixed([0.0, 2.0, -0.0, np.nan])), case(mask((0, 2)))),
        order=0,
    ),
    Op(
        "take_along_dim",
        lambda lib, x, i, dim: lib.take_along_dim(x, i, dim),
        lambda x, i, dim: np.take_along_axis(x, i, dim),
        (case((3, 4), index((3, 2), 4), dim=1),),
    ),
    Op(
        "index_add",
        lambda lib, x, i, s, dim, **o: lib.index_add(x, dim, i, s, **o),
        lambda x, i, s, dim, **o: np_index_add(x, dim, i, s, **o),
        (
            case((3, 4), index((6,), 3), (6, 4), dim=0),
            case((3, 4), index((5,), 4), (3, 5), dim=1),
            case((3, 4), index((5,), 4), (3, 5), dim=1, alpha=2.0),
        ),
    ),
    Op(
        "embedding",
        lambda lib, i, w, **o: lib.nn.functional.embedding(i, w, **o),
        lambda i, w, padding_idx=None: w[i],
        (
            case(index((2, 3), 5), (5, 4)),
            case(fixed([0, 0, 1, 0]), (5, 4)),
            case(index((), 5), (5, 4)),
            case(index((0,), 5), (5, 4)),
            case(index((67,), 3), (3, 2)),
        ),
        ("Embedding", "EmbeddingGrad"),
        dtypes={("int64", "float64"): "float64", ("int32", "float32"): "float32"},
        pins=(
            pin(
                [0, 2, 2, 1],
                [[1.0, 2.0]] * 3,
                grads=([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]],),
                padding_idx=2,
            ),
            pin(
                [0, 2, 2, 1],
                [[1.0, 2.0]] * 3,
                grads=([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]],),
                padding_idx=-1,
            ),
        ),
        errors=(
            error(IndexError, r"5", fixed([0, 5]), (5, 4)),
            error(IndexError, r"-1", fixed([-1]), (5, 4)),
            error((TypeError, RuntimeError), r"float|int", (3,), (5, 4)),
            error((ValueError, RuntimeError), r"2-D|2-d|\(5,\)", index((2,), 5), (5,)),
        ),
    ),
]
