"""Rows: medians, quantiles, modes, different values."""

import math

import numpy as np

from .reduce import DIM_ERRORS, EMPTY_DIM, OVER_ONE
from .row import Op, case, error, fixed, index, pin, uniform

INF, NAN = math.inf, math.nan
NUMBERS = {(d,): d for d in ("int8", "int64", "uint8")}
NO_BOOL = {("bool",): (TypeError, RuntimeError)}
TIED = [2.0, 1.0, 2.0, 3.0, 2.0, 1.0]
HOLES = [[1.0, NAN, 3.0, 2.0], [NAN, NAN, NAN, NAN], [5.0, 4.0, 6.0, NAN]]


def along(of, x, axis):
    """The function of each line, also where there is none."""
    lines = np.moveaxis(x, axis, -1)
    out = [of(lines[i]) for i in np.ndindex(lines.shape[:-1])]
    return np.array(out, x.dtype).reshape(lines.shape[:-1])


def lower_median(x, axis=None, keepdims=False, skip=False):
    """The element in the middle, or below it; NaN wins or is left out."""

    def of(line):
        kept = line[~np.isnan(line)] if skip else line
        if not kept.size or np.isnan(kept).any():
            return NAN
        return np.sort(kept)[(kept.size - 1) // 2]

    if axis is None:
        return np.asarray(of(x.ravel())).reshape([1] * x.ndim if keepdims else [])
    out = along(of, x, axis)
    return np.expand_dims(out, axis) if keepdims else out


def median(skip):
    def reference(x, dim=None, keepdim=False):
        return np.asarray(lower_median(x, dim if x.ndim else None, keepdim and x.ndim > 0, skip))

    return reference


def place(function, last=False):
    """The first (last) index of a value along a dimension."""

    def of(line):
        value = function(line)
        at = np.isnan(line) if np.isnan(value) else line == value
        return np.nonzero(at)[0][-1 if last else 0]

    def reference(x, dim=-1, keepdim=False):
        if not x.ndim:
            return np.asarray(0)
        out = along(of, x, dim).astype(np.int64)
        return np.expand_dims(out, dim) if keepdim else out

    return reference


def most_frequent(line):
    values, counts = np.unique(line, return_counts=True, equal_nan=False)
    return values[np.argmax(counts)]


def mode(x, dim=-1, keepdim=False):
    at = np.expand_dims(place(most_frequent)(x, dim), dim) if x.ndim else None
    out = np.take_along_axis(x, at, dim) if x.ndim else x
    return out if keepdim or not x.ndim else np.squeeze(out, dim)


def quantile(function):
    def reference(x, q, dim=None, keepdim=False, interpolation="linear"):
        return function(x, q, axis=dim if x.ndim else None, keepdims=keepdim, method=interpolation)

    return reference


QUANTILES = (
    case((3, 4), q=0.3),
    case((3, 4), q=0.3, dim=0),
    case((4, 5), q=0.75, dim=-1, keepdim=True),
    case((2, 3, 4), q=0.4, dim=1),
    case((2, 3, 4), q=0.4, dim=1, keepdim=True),
    case((2, 3, 4), q=0.4, keepdim=True),
    case((3, 7), q=1.0, dim=1),
    case((5,), q=0.0),
    case((), q=0.3),
    case((), q=0.3, dim=0),
    *(
        case((3, 6), q=0.33, dim=1, interpolation=how)
        for how in ("lower", "higher", "midpoint", "nearest")
    ),
)


OPS = [
    *[
        Op(
            name,
            lambda lib, x, name=name, **o: getattr(x, name)(**o),
            median(skip),
            (
                case((3, 4)),
                case((5, 3)),
                case(()),
                case((2, 3, 3)),
            ),
            ("Median",),
            distinct=True,
            dtypes={**NUMBERS, **NO_BOOL},
            special=(([0.0, -0.0, 1.0],), ([INF, -INF, 1.0],), ([NAN, 1.0, 2.0],), (TIED,)),
            pins=(
                pin([1.0, 2.0, 2.0, 3.0, 1.0], grads=([0.0, 0.5, 0.5, 0.0, 0.0],)),
                pin(
                    [1.0, NAN, NAN, 3.0, 1.0],
                    grads=([0.5, 0, 0, 0, 0.5] if skip else [0, 0.5, 0.5, 0, 0],),
                ),
            ),
            torch=lambda lib, x, name=name: getattr(lib, name)(x),
        )
        for name, skip in (("median", False), ("nanmedian", True))
    ],
    *[
        Op(
            f"{name}_dim",
            lambda lib, x, name=name, **o: getattr(x, name)(**o).values,
            median(skip),
            (*OVER_ONE, case((0, 3), dim=1), case((5, 6), dim=0)),
            ("Gather",),
            distinct=True,
            dtypes={**NUMBERS, **NO_BOOL},
            special=((HOLES,),),
            special_options=dict(dim=1),
            pins=(pin([1.0, NAN, NAN, 3.0, 2.0], grads=(grads,), dim=0),),
            error_name=name,
            errors=(*DIM_ERRORS, error((IndexError, ValueError), EMPTY_DIM, (0, 3), dim=0)),
        )
        for name, skip, grads in (
            ("median", False, [0.0, 1, 0, 0, 0]),
            ("nanmedian", True, [0.0, 0, 0, 0, 1]),
        )
    ],
    *[
        Op(
            f"{name}_indices",
            lambda lib, x, name=name, **o: getattr(lib, name)(x, **o).indices,
            place(lambda line, skip=skip: lower_median(line, skip=skip)),
            (*OVER_ONE, case(fixed([[NAN, 3.0, 1.0, NAN, 2.0]]), dim=1)),
            distinct=True,
            order=0,
            error_name=name,
        )
        for name, skip in (("median", False), ("nanmedian", True))
    ],
    Op(
        "mode",
        lambda lib, x, **o: x.mode(**o).values,
        mode,
        (
            *OVER_ONE,
            case((3, 4)),
            case((0, 3), dim=1),
        ),
        distinct=True,
        dtypes={**NUMBERS, ("bool",): "bool"},
        special=(([TIED, [NAN, NAN, 1.0, 0.0, 0.0, NAN]],),),
        special_options=dict(dim=1),
        pins=(pin([1.0, 2.0, 2.0, 2.0, 1.0], grads=([0.0, 0, 0, 1, 0],)),),
        errors=(*DIM_ERRORS, error((IndexError, ValueError), EMPTY_DIM, (0, 3), dim=0)),
    ),
    Op(
        "mode_indices",
        lambda lib, x, **o: lib.mode(x, **o).indices,
        place(most_frequent, last=True),
        (*OVER_ONE, case(fixed(TIED)), case(fixed([TIED, [3.0, 3.0, 2.0, 2.0, 1.0, 0.0]]))),
        distinct=True,
        order=0,
        error_name="mode",
    ),
    Op(
        "quantile",
        lambda lib, x, **o: x.quantile(**o),
        quantile(np.quantile),
        QUANTILES,
        distinct=True,
        dtypes=dict.fromkeys((("int64",), ("bool",)), (TypeError, RuntimeError)),
        special=(([[0.0, -0.0, 1.0], [2.0, NAN, 1.0], [NAN, NAN, 3.0]],),),
        special_options=dict(q=0.25, dim=1),
        pins=(pin([1.0, 4.0, 2.0, 9.0], grads=([0.0, 0.5, 0.5, 0.0],), q=0.5),),
        errors=(
            *(error(e.exception, e.match, (2, 3), q=0.5, **e.case.options) for e in DIM_ERRORS),
            error((ValueError, RuntimeError), r"range.*1\.5", (3,), q=1.5),
            error((ValueError, RuntimeError), "range.*nan", (3,), q=NAN),
            error(TypeError, "q must be a number", (3,), q=[0.5]),
            error((ValueError, RuntimeError), "elements", (0, 3), q=0.5, dim=1),
            error((ValueError, RuntimeError), "cubic", (3,), q=0.5, interpolation="cubic"),
        ),
    ),
    Op(
        "quantile_several",
        lambda lib, x, q, **o: lib.quantile(x, q, **o),
        quantile(np.quantile),
        (
            case((3, 4), uniform((3,), 0.1, 0.2), dim=1),
            case((2, 3, 5), uniform((2,), 0.3, 0.45), dim=0, keepdim=True),
            case((3, 4), uniform((4,), 0.1, 0.15)),
            case((3, 4), uniform((), 0.1, 0.15)),
        ),
        distinct=True,
        error_name="quantile",
        errors=(error((ValueError, RuntimeError), r"\(1, 2\)", (3,), uniform((1, 2), 0, 1)),),
    ),
    Op(
        "nanquantile",
        lambda lib, x, **o: x.nanquantile(**o),
        quantile(np.nanquantile),
        QUANTILES,
        distinct=True,
        special=((HOLES,),),
        special_options=dict(q=0.6, dim=1),
        pins=(pin([1.0, NAN, 3.0], grads=([0.5, 0.0, 0.5],), q=0.5),),
    ),
    Op(
        "unique",
        lambda lib, x, **o: x.detach().unique(return_inverse=True, return_counts=True, **o),
        lambda x, dim=None: _unique(x, dim),
        (
            case(index((9,), 5)),
            case(index((4, 5), 3)),
            case(index((7, 2), 2), dim=0),
            case(index((2, 7), 2), dim=-1),
            case(index((2, 5, 2), 2), dim=1),
            case((3, 4)),
            case(()),
            case((0, 3)),
            case((0, 3), dim=0),
        ),
        order=0,
        dtypes={("bool",): "bool", ("uint8",): "uint8"},
        errors=(
            error(IndexError, "range.*2", (2, 3), dim=2),
            error((ValueError, RuntimeError), "no elements", (0, 3), dim=1),
            error(IndexError, "0-d", (), dim=0),
        ),
    ),
    Op(
        "unique_consecutive",
        lambda lib, x, **o: x.detach().unique_consecutive(
            return_inverse=True, return_counts=True, **o
        ),
        lambda x, dim=None: _unique(x, dim, True),
        (
            case(fixed([1, 1, 2, 2, 1])),
            case(index((4, 5), 2)),
            case(index((7, 1), 2), dim=0),
            case(index((1, 7), 2), dim=-1),
            case((3, 4)),
            case(()),
            case((0, 3), dim=0),
        ),
        order=0,
        dtypes={("bool",): "bool"},
    ),
]


def _unique(x, dim, consecutive=False):
    """By comparing one slice after another."""
    slices = list(x.ravel() if dim is None else np.moveaxis(x, dim, 0))
    if not consecutive:
        order = sorted(range(len(slices)), key=lambda i: np.ravel(slices[i]).tolist())
    else:
        order = range(len(slices))
    values, counts, inverse = [], [], np.zeros(len(slices), np.int64)
    for i in order:
        if not values or not np.array_equal(values[-1], slices[i]):
            values.append(slices[i])
            counts.append(0)
        counts[-1] += 1
        inverse[i] = len(values) - 1
    shape = (0,) if dim is None else np.moveaxis(x, dim, 0)[:0].shape
    values = np.array(values, x.dtype) if values else np.zeros(shape, x.dtype)
    if dim is None:
        return values, inverse.reshape(x.shape), np.array(counts, np.int64)
    return np.moveaxis(values, 0, dim), inverse, np.array(counts, np.int64)
