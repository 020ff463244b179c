"""Rows: running sums, products, extrema; differences and integrals."""

import math

import numpy as np

from .reduce import DIM_ERRORS, INTEGERS, KEEPS, NO_INTEGERS
from .row import Op, case, error, fixed, pin

INF, NAN = math.inf, math.nan
ALONG = (
    case((3, 4), dim=0),
    case((3, 4), dim=1),
    case((4, 4), dim=-1),
    case((2, 3, 4), dim=1),
    case((2, 3, 4), dim=-3),
    case((), dim=0),
    case((), dim=-1),
    case((0, 3), dim=0),
    case((0, 3), dim=1),
    case((2, 67), dim=1),
    case((5, 2, 300), dim=0),
    case((1, 5, 1), dim=2),
    case((1,), dim=0),
)
SPECIAL = (
    ([[0.0, -0.0, 1.0], [INF, 1.0, 2.0], [INF, -INF, 1.0], [NAN, 1.0, 0.0], [-INF, -INF, -INF]],),
)
TIED = [[2.0, 1.0, 2.0, 3.0], [5.0, 5.0, 4.0, 5.0]]
ZEROS = [[2.0, 0.0, 3.0, 4.0], [0.0, 1.0, 0.0, 2.0]]


def along(function):
    """The NumPy scan under PyTorch's argument names."""
    return lambda x, dim: function(x, axis=dim) if x.ndim else x.copy()


def reach(function, pick):
    """What is extreme so far, or where: of equal values the last, NaN first of all."""

    def reference(x, dim):
        lines = np.moveaxis(np.atleast_1d(x), dim, -1)
        out = np.zeros(lines.shape, np.int64)
        for i in np.ndindex(lines.shape[:-1]):
            for k in range(lines.shape[-1]):
                so_far = lines[i][: k + 1]
                at = np.isnan(so_far) if np.isnan(so_far).any() else so_far == function(so_far)
                out[(*i, k)] = np.nonzero(at)[0][-1]
        if pick == "values":
            out = np.take_along_axis(lines, out, -1)
        return np.moveaxis(out, -1, dim).reshape(x.shape)

    return reference


def diff(x, *ends, n=1, dim=-1):
    names = dict(zip(("prepend", "append"), ends))
    return np.diff(x, n, dim, **names)


def panels(y, x=None, dx=1.0, dim=-1):
    """The areas between neighbouring points."""
    y = np.moveaxis(y, dim, -1)
    if x is not None:
        if x.ndim > 1:
            x = np.moveaxis(x.reshape((1,) * (y.ndim - x.ndim) + x.shape), dim, -1)
        dx = x[..., 1:] - x[..., :-1]
    return np.moveaxis((y[..., 1:] + y[..., :-1]) * dx / 2, -1, dim)


SO_FAR = {"cummax": [1.0, 1, 2, 0, 2, 0, 1], "cummin": [3.0, 0, 0, 1, 2, 0, 1]}  # gradients

OPS = [
    Op(
        "cumsum",
        lambda lib, x, dim: x.cumsum(dim),
        along(np.cumsum),
        ALONG,
        ("CumSum",),
        dtypes=INTEGERS,
        special=SPECIAL,
        special_options=dict(dim=1),
        errors=DIM_ERRORS,
    ),
    Op(
        "cumprod",
        lambda lib, x, dim: x.cumprod(dim),
        along(np.cumprod),
        (
            *[c for c in ALONG if c.inputs[0].shape != (2, 67)],
            case(fixed(ZEROS), dim=1),
            case(fixed(ZEROS), dim=0),
        ),
        ("CumProd", "Recur"),
        domain=(0.7, 1.4),
        dtypes=INTEGERS,
        special=(([[0.0, -0.0, 1.0], [INF, 1.0, 2.0], [NAN, 1.0, 0.0]],),),
        special_options=dict(dim=1),
        pins=(pin([2.0, 0.0, 3.0, 0.0, 1.0], grads=([1.0, 8.0, 0.0, 0.0, 0.0],), dim=0),),
        errors=DIM_ERRORS,
    ),
    Op(
        "logcumsumexp",
        lambda lib, x, dim: x.logcumsumexp(dim),
        along(np.logaddexp.accumulate),
        (*ALONG, case(fixed([[-1000.0, 1000.0, 0.0], [1000.0, -1000.0, 999.0]]), dim=1)),
        ("LogCumSumExp", "Recur"),
        dtypes=NO_INTEGERS,
        special=SPECIAL,
        special_options=dict(dim=1),
        errors=DIM_ERRORS,
    ),
    *[
        Op(
            name,
            lambda lib, x, dim, name=name: getattr(x, name)(dim).values,
            reach(function, "values"),
            ALONG,
            distinct=True,
            dtypes=KEEPS,
            special=SPECIAL,
            special_options=dict(dim=1),
            pins=(pin([1.0, 2.0, 2.0, 1.0, NAN, 3.0, NAN], grads=(SO_FAR[name],), dim=0),),
            errors=DIM_ERRORS,
        )
        for name, function in (("cummax", np.max), ("cummin", np.min))
    ],
    *[
        Op(
            f"{name}_indices",
            lambda lib, x, dim, name=name: getattr(lib, name)(x, dim).indices,
            reach(function, "indices"),
            (*ALONG, case(fixed(TIED), dim=1), case(fixed(TIED), dim=0)),
            distinct=True,
            order=0,
            special=SPECIAL,
            special_options=dict(dim=1),
            error_name=name,
        )
        for name, function in (("cummax", np.max), ("cummin", np.min))
    ],
    Op(
        "diff",
        lambda lib, x, **o: x.diff(**o),
        diff,
        (
            case((3, 4)),
            case((3, 4), dim=0),
            case((3, 4), n=2),
            case((3, 4), n=0),
            case((3, 4), n=9),
            case((2, 3, 4), dim=-2),
            case((1,)),
            case((0, 3)),
            case((0, 3), dim=0),
        ),
        dtypes={**KEEPS, ("uint8",): "uint8", ("bool",): "bool"},
        errors=(
            *DIM_ERRORS,
            error((ValueError, RuntimeError), "at least one dimension", ()),
            error((ValueError, RuntimeError), "-1", (3,), n=-1),
        ),
    ),
    Op(
        "diff_joined",
        lambda lib, x, a, b, **o: lib.diff(x, prepend=a, append=b, **o),
        diff,
        (case((3, 4), (3, 2), (3, 1)), case((3, 4), (1, 4), (2, 4), dim=0, n=2)),
        error_name="diff",
        errors=(error((ValueError, RuntimeError), r"dimensions.*\(2,\)", (3, 4), (2,), (3, 1)),),
    ),
    Op(
        "trapezoid",
        lambda lib, y, **o: lib.trapezoid(y, **o),
        lambda *yx, dx=1.0, dim=-1: panels(*yx, dx=dx, dim=dim).sum(dim),
        (
            case((3, 4)),
            case((3, 4), dx=0.5, dim=0),
            case((2, 3, 4), dim=1),
            case((3, 1)),
            case((0, 3)),
        ),
        dtypes={("int64",): "float32", ("bool",): (TypeError, RuntimeError)},
        errors=DIM_ERRORS,
    ),
    Op(
        "trapezoid_points",
        lambda lib, y, x, **o: lib.trapz(y, x, **o),
        lambda *yx, dim=-1: panels(*yx, dim=dim).sum(dim),
        (
            case((3, 4), (4,)),
            case((3, 4), (3,), dim=0),
            case((3, 4), (3, 4)),
            case((2, 3, 4), (3, 4), dim=1),
            case((3, 4), (1, 4)),
        ),
        error_name="trapezoid",
        errors=(error((ValueError, RuntimeError), "5 points x for 4", (3, 4), (5,)),),
    ),
    Op(
        "cumulative_trapezoid",
        lambda lib, y, x=None, **o: lib.cumulative_trapezoid(y, x, **o),
        lambda *yx, dx=1.0, dim=-1: panels(*yx, dx=dx, dim=dim).cumsum(dim),
        (
            case((3, 4)),
            case((3, 4), dx=0.5, dim=0),
            case((3, 4), (4,)),
            case((3, 4), (3, 4), dim=0),
        ),
        torch=lambda lib, y, *x, **o: lib.cumulative_trapezoid(y, *x, **o),
        errors=DIM_ERRORS,
    ),
    Op(
        "cumsum_dtype",
        lambda lib, x: lib.cumsum(x, 0, dtype=lib.float64),
        lambda x: np.cumsum(x, 0),
        (case((3, 4)),),
        dtypes={("int64",): "float64", ("float16",): "float64"},
        result="float64",
    ),
]
