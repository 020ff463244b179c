"""Rows: sums, extrema and moments."""

import math

import numpy as np

from .row import Op, case, error, fixed, pin

INF, NAN = math.inf, math.nan
# Square inputs are where a wrong axis still fits; size-1 dims where a dropped axis goes unnoticed.
OVER_ANY = (
    case((3, 4)),
    case((3, 4), dim=0),
    case((3, 4), dim=-1),
    case((4, 4), dim=0),
    case((4, 4), dim=1, keepdim=True),
    case((2, 3, 4), dim=(0, 2)),
    case((2, 3, 4), dim=(2, 0), keepdim=True),
    case((2, 3, 4), dim=(-2, -1)),
    case((3, 3, 3), dim=(0, 1)),
    case((2, 3, 4), dim=1),
    case((1, 5, 1), dim=0),
    case((1, 5, 1), dim=-1, keepdim=True),
    case((2, 1, 3), dim=(0, 1, 2), keepdim=True),
    case(()),
    case((), dim=0),
    case((1,)),
    case((2, 67), dim=1),
    case((67, 2), dim=0),
    case((2, 3, 33), dim=(1, 2)),
)
EMPTY = (case((0, 3)), case((0, 3), dim=0), case((0, 3), dim=1), case((2, 0, 3), dim=(0, 1)))
OVER_ONE = tuple(c for c in OVER_ANY if isinstance(c.options.get("dim"), int))
RANGE = r"out of range.*5"
EMPTY_DIM = r"no elements"
DIM_ERRORS = (
    error(IndexError, RANGE, (2, 3), dim=5),
    error(IndexError, RANGE.replace("5", "-3"), (2, 3), dim=-3),
)
DIMS_ERRORS = (*DIM_ERRORS, error((RuntimeError, ValueError), "dim", (2, 3), dim=(0, 0)))
INTEGERS = {(d,): "int64" for d in ("int8", "int32", "int64", "uint8", "bool")}
KEEPS = {(d,): d for d in ("int8", "int32", "int64", "uint8", "bool")}
NO_INTEGERS = {("int64",): (TypeError, RuntimeError), ("bool",): (TypeError, RuntimeError)}
SPECIAL = (
    ([[0.0, -0.0, 1.0], [INF, 1.0, 2.0], [INF, -INF, 1.0], [NAN, 1.0, 0.0], [-INF, -INF, -INF]],),
)


def numpy_dims(function):
    """The NumPy reduction under PyTorch's argument names."""

    def reference(x, dim=None, keepdim=False, **more):
        return function(x, axis=dim if x.ndim else None, keepdims=keepdim, **more)

    return reference


def logsumexp(x, axis, keepdims):
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    out = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis=axis)


def argextreme(function):
    def reference(x, dim=None, keepdim=False):
        return np.asarray(function(x, axis=dim if x.ndim else None, keepdims=keepdim))

    return reference


def renorm(x, p, dim, maxnorm):
    others = tuple(i for i in range(x.ndim) if i != dim % x.ndim)
    length = (np.abs(x) ** p).sum(others, keepdims=True) ** (1 / p)
    return x * np.where(length > maxnorm, maxnorm / (length + 1e-7), 1)


def positive(x):
    return x > 0 if x.dtype.is_floating_point else x


def method(name):
    return lambda lib, x, **o: getattr(x, name)(**o)


def values(name):
    """max and min over one dim return (values, indices); this row looks at the values."""
    return lambda lib, x, **o: getattr(x, name)(**o).values


def indices(name):
    return lambda lib, x, **o: getattr(x, name)(**o).indices


TIED = [[2.0, 2.0, 1.0], [5.0, 5.0, 5.0]]
SPREAD = [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]]  # amax: ties share
FIRST = [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]  # max over a dim: the index it returns
ALL = [[0.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]
NEGATIVE_TIED = [[-2.0, -2.0, -1.0], [-5.0, -5.0, -5.0]]

OPS = [
    Op(
        "sum",
        method("sum"),
        numpy_dims(np.sum),
        (*OVER_ANY, *EMPTY),
        ("Sum",),
        dtypes=INTEGERS,
        special=SPECIAL,
        special_options=dict(dim=1),
        errors=DIMS_ERRORS,
    ),
    Op(
        "mean",
        method("mean"),
        numpy_dims(np.mean),
        (*OVER_ANY, case((0, 3), dim=1)),
        ("Sum",),
        dtypes={**NO_INTEGERS, ("float16",): "float16"},
        special=SPECIAL,
        special_options=dict(dim=1),
        errors=DIMS_ERRORS,
    ),
    *[
        Op(
            f"a{name}",
            method(f"a{name}"),
            numpy_dims(f),
            (*OVER_ANY, case((0, 3), dim=1)),
            ("Extremum",),
            distinct=True,
            dtypes=KEEPS,
            special=SPECIAL,
            special_options=dict(dim=1),
            pins=(pin(tied, grads=(SPREAD,), dim=1), pin(tied, grads=(ALL,), dim=(0, 1))),
            errors=(
                *DIMS_ERRORS,
                error((IndexError, ValueError), EMPTY_DIM, (0, 3), dim=0),
            ),
        )
        for name, f, tied in (("max", np.max, TIED), ("min", np.min, NEGATIVE_TIED))
    ],
    *[
        Op(
            name,
            method(name),
            numpy_dims(f),
            tuple(c for c in OVER_ANY if "dim" not in c.options),
            (),
            distinct=True,
            dtypes=KEEPS,
            special=(([0.0, -0.0, 1.0],), ([INF, -INF, 1.0],), ([NAN, 1.0, 2.0],)),
            pins=(
                pin(tied, grads=(ALL,)),
                pin(
                    [2.0, 1.0, 2.0] if name == "max" else [1.0, 2.0, 1.0], grads=([0.5, 0.0, 0.5],)
                ),
            ),
            errors=(
                error(
                    (IndexError, ValueError, RuntimeError),
                    EMPTY_DIM,
                    (0, 3),
                ),
            ),
        )
        for name, f, tied in (("max", np.max, TIED), ("min", np.min, NEGATIVE_TIED))
    ],
    *[
        Op(
            f"{name}_dim",
            values(name),
            numpy_dims(f),
            (*OVER_ONE, case((0, 3), dim=1)),
            ("Gather",),
            distinct=True,
            dtypes=KEEPS,
            special=SPECIAL,
            special_options=dict(dim=1),
            error_name=name,
            pins=(pin(tied, grads=(FIRST,), dim=1),),
            errors=(
                *DIM_ERRORS,
                error((IndexError, ValueError), EMPTY_DIM, (0, 3), dim=0),
            ),
        )
        for name, f, tied in (("max", np.max, TIED), ("min", np.min, NEGATIVE_TIED))
    ],
    *[
        Op(
            f"{name}_indices",
            indices(name),
            argextreme(f),
            OVER_ONE,
            distinct=True,
            order=0,
            error_name=name,
            special=SPECIAL,
            special_options=dict(dim=1),
        )
        for name, f in (("max", np.argmax), ("min", np.argmin))
    ],
    *[
        Op(
            name,
            method(name),
            argextreme(f),
            (
                *OVER_ONE,
                case((3, 4)),
                case(()),
                case((0, 3), dim=1),
                case(fixed(TIED)),
                case(fixed(TIED), dim=1),
            ),
            distinct=True,
            order=0,
            dtypes={("int64",): "int64", ("uint8",): "int64"},
            special=SPECIAL,
            special_options=dict(dim=1),
            errors=(
                *DIM_ERRORS,
                error((IndexError, ValueError), EMPTY_DIM, (0, 3), dim=0),
            ),
        )
        for name, f in (("argmax", np.argmax), ("argmin", np.argmin))
    ],
    Op(
        "prod",
        method("prod"),
        numpy_dims(np.prod),
        (
            *OVER_ONE,
            case((3, 2)),
            case(()),
            case((0, 3)),
            case((0, 3), dim=0),
            case((0, 3), dim=1),
            case(fixed([[2.0, 0.0, 3.0], [0.0, 1.0, 0.0]]), dim=1),
            case(fixed([2.0, 0.0, 3.0])),
            case(fixed([[2.0, 0.0, 1.0], [3.0, 1.0, 0.0], [4.0, 5.0, 0.0]]), dim=0),
        ),
        ("Prod", "Others"),
        domain=(0.7, 1.4),
        dtypes=INTEGERS,
        special=SPECIAL,
        special_options=dict(dim=1),
        pins=(
            pin(
                [[2.0, 0.0, 3.0], [0.0, 1.0, 0.0]],
                grads=([[0.0, 6.0, 0.0], [0.0, 0.0, 0.0]],),
                dim=1,
            ),
            pin([2.0, 0.0, 3.0], grads=([0.0, 6.0, 0.0],)),
        ),
        errors=DIM_ERRORS,
    ),
    Op(
        "logsumexp",
        lambda lib, x, dim, **o: lib.logsumexp(x, dim, **o),
        numpy_dims(logsumexp),
        (
            *[c for c in OVER_ANY if "dim" in c.options],
            case((3, 4), dim=(0, 1)),
            case(fixed([[1000.0, 0.0], [-1000.0, -1001.0]]), dim=1),
        ),
        ("LogSumExp",),
        special=SPECIAL,
        special_options=dict(dim=1),
        errors=DIM_ERRORS,
    ),
    *[
        Op(
            f"norm_{p}",
            lambda lib, x, p=p, **o: lib.norm(x, p, **o),
            lambda x, p=p, dim=None, keepdim=False: np.linalg.norm(
                x.reshape(-1) if dim is None else x, p, dim, keepdim
            ),
            (case((3, 4)), case((3, 4), dim=1), case((3, 4), dim=0, keepdim=True)),
            distinct=True,
            kinks=(0.0,),
            pins=(pin([0.0, 0.0], grads=([0.0, 0.0],)),),
            error_name="norm",
        )
        for p in (1, 2, 3)
    ],
]

DTYPED = [
    Op(
        "sum_dtype",
        lambda lib, x: x.sum(dim=0, dtype=lib.float64),
        lambda x: x.sum(0).astype(np.float64),
        (case((3, 4)),),
        dtypes={("float32",): "float64", ("int8",): "float64", ("bool",): "float64"},
        result="float64",
    ),
    Op(
        "cast",
        lambda lib, x: x.to(lib.float64),
        lambda x: x,
        (case((3, 4)), case(()), case((0, 2))),
        ("Cast",),
        result="float64",
        dtypes={("float32",): "float64", ("int8",): "float64", ("bool",): "float64"},
    ),
    Op(
        "cast_double",
        lambda lib, x: x.double() * 2,
        lambda x: x * 2,
        (case((3, 4)),),
        result="float64",
        dtypes={("float32",): "float64", ("int8",): "float64"},
    ),
    *[
        Op(
            name,
            lambda lib, x, name=name, **o: getattr(x > 0 if x.dtype.is_floating_point else x, name)(
                **o
            ),
            lambda x, dim=None, keepdim=False, f=f: np.asarray(
                f(x > 0, axis=dim if x.ndim else None, keepdims=keepdim)
            ),
            (*OVER_ANY, *EMPTY),
            order=0,
            dtypes={("bool",): "bool", ("int64",): "bool", ("uint8",): "uint8"},
            errors=DIMS_ERRORS,
        )
        for name, f in (("any", np.any), ("all", np.all))
    ],
]

MORE = [
    Op(
        "nansum",
        method("nansum"),
        numpy_dims(np.nansum),
        (*OVER_ANY, *EMPTY),
        dtypes=INTEGERS,
        special=SPECIAL,
        special_options=dict(dim=1),
        pins=(pin([[2.0, NAN]], grads=([[1.0, 0.0]],), dim=1),),
        errors=DIMS_ERRORS,
    ),
    Op(
        "nanmean",
        method("nanmean"),
        numpy_dims(np.nanmean),
        (*OVER_ANY, case((0, 3), dim=1)),
        dtypes=NO_INTEGERS,
        special=SPECIAL,
        special_options=dict(dim=1),
        pins=(pin([[2.0, NAN]], grads=([[1.0, 0.0]],), dim=1),),
        errors=DIMS_ERRORS,
    ),
    Op(
        "count_nonzero",
        method("count_nonzero"),
        lambda x, dim=None: np.asarray(np.count_nonzero(x, axis=dim if x.ndim else None)),
        (
            *[c for c in OVER_ANY if "keepdim" not in c.options],
            *EMPTY,
            case(fixed([[0.0, -0.0, NAN], [1.0, 0.0, 2.0]]), dim=1),
        ),
        order=0,
        dtypes={("int64",): "int64", ("bool",): "int64"},
        errors=DIMS_ERRORS,
    ),
    *[
        Op(
            f"aminmax_{name}",
            lambda lib, x, name=name, **o: getattr(lib.aminmax(x, **o), name),
            numpy_dims(f),
            (*OVER_ONE, case((3, 4)), case((3, 4), keepdim=True), case((0, 3), dim=1)),
            distinct=True,
            dtypes=KEEPS,
            pins=(pin(tied, grads=(SPREAD,), dim=1),),
            error_name="aminmax",
            errors=(*DIM_ERRORS, error((IndexError, ValueError), EMPTY_DIM, (0, 3), dim=0)),
        )
        for name, f, tied in (("max", np.max, TIED), ("min", np.min, NEGATIVE_TIED))
    ],
    *[
        Op(
            f"{name}_other",
            lambda lib, x, y, name=name: getattr(lib, name)(x, other=y),
            f,
            (case((3, 4), (3, 4)), case((3, 4), (4,))),
            distinct=True,
            dtypes={("float32", "int64"): "float32"},
            error_name=f"{name}imum",
        )
        for name, f in (("max", np.maximum), ("min", np.minimum))
    ],
    Op(
        "dist",
        lambda lib, x, y, **o: lib.dist(x, y, **o),
        lambda x, y, p=2: np.linalg.norm((x - y).ravel(), p),
        (case((3, 4), (3, 4)), case((3, 4), (4,), p=1), case((3,), (3,), p=INF), case((), (), p=3)),
        distinct=True,
        dtypes={("int64", "int64"): (TypeError, RuntimeError)},
        pins=(pin([1.0, 2.0], [1.0, 2.0], grads=([0.0, 0.0], [0.0, 0.0])),),
        error_name="dist|norm",
    ),
    Op(
        "renorm",
        lambda lib, x, **o: x.renorm(**o),
        renorm,
        (
            case((3, 4), p=2, dim=0, maxnorm=1.0),
            case((3, 4), p=1, dim=-1, maxnorm=2.0),
            case((2, 3, 4), p=3, dim=1, maxnorm=2.0),
            case((3, 4), p=2, dim=0, maxnorm=100.0),
        ),
        distinct=True,
        errors=(
            error((ValueError, RuntimeError), r"2 dimensions.*\(3,\)", (3,), p=2, dim=0, maxnorm=1),
            error((ValueError, RuntimeError), "p=0", (3, 2), p=0, dim=0, maxnorm=1),
            error((ValueError, RuntimeError), "maxnorm=-1", (3, 2), p=2, dim=0, maxnorm=-1),
            error(IndexError, RANGE, (3, 2), p=2, dim=5, maxnorm=1),
        ),
    ),
]

OPS += DTYPED + MORE
