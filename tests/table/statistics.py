"""Rows: variances, covariances, counts."""

import numpy as np

from .reduce import DIMS_ERRORS, NO_INTEGERS, OVER_ANY, SPECIAL, method, numpy_dims
from .row import Op, case, error, fixed, index, pin, uniform


def moment(root):
    def function(x, axis, keepdims, unbiased=None, correction=1):
        ddof = correction if unbiased is None else int(unbiased)
        centred = x - x.mean(axis=axis, keepdims=True)
        total = (centred * centred).sum(axis=axis, keepdims=keepdims)
        var = total / (x.size / max(total.size, 1) - ddof)
        return np.sqrt(var) if root else var

    return function


def with_mean(root):
    both = numpy_dims(moment(root)), numpy_dims(np.mean)

    def function(x, dim=None, keepdim=False, **o):
        return both[0](x, dim, keepdim, **o), both[1](x, dim, keepdim)

    return function


def cov(x, correction=1, fweights=None, aweights=None):
    return np.cov(x, ddof=correction, fweights=fweights, aweights=aweights)


def histogram(x, bins, weight=None, range=None, density=False):
    return np.histogram(x, bins, range, density, weight)[0].astype(np.float64)


SEVERAL = tuple(c for c in OVER_ANY if c.inputs[0].shape not in ((), (1,), (1, 5, 1), (2, 1, 3)))
LINE = fixed([0.0, 1.0, 2.0, 2.5, 4.0, -1.0, 9.0])

OPS = [
    Op(
        "var",
        method("var"),
        numpy_dims(moment(False)),
        (
            *SEVERAL,
            case((3, 4), dim=1, unbiased=False),
            case((3, 4), dim=0, correction=0, keepdim=True),
            case((2, 3, 4), dim=(0, 2), correction=2),
            case((1, 5), dim=0, correction=0),
        ),
        ("Var",),
        dtypes=NO_INTEGERS,
        special=SPECIAL,
        special_options=dict(dim=1),
        errors=DIMS_ERRORS,
    ),
    Op(
        "std",
        method("std"),
        numpy_dims(moment(True)),
        (
            *SEVERAL,
            case((3, 4), dim=1, unbiased=False),
            case((3, 4), dim=0, correction=0, keepdim=True),
        ),
        ("StdRoot",),
        dtypes=NO_INTEGERS,
        special=SPECIAL,
        special_options=dict(dim=1),
        pins=(pin([[2.0, 2.0, 2.0]], grads=([[0.0, 0.0, 0.0]],), dim=1),),
        errors=DIMS_ERRORS,
    ),
    *[
        Op(
            f"{name}_mean",
            lambda lib, x, name=name, **o: getattr(lib, f"{name}_mean")(x, **o),
            with_mean(name == "std"),
            (*SEVERAL, case((3, 4), dim=1, correction=0), case((3, 4), dim=1, unbiased=False)),
            ("Var",),
            dtypes=NO_INTEGERS,
            errors=DIMS_ERRORS,
        )
        for name in ("var", "std")
    ],
    Op(
        "cov",
        lambda lib, x, **o: x.cov(**o),
        cov,
        (case((3, 5)), case((5,)), case((2, 4), correction=0), case((1, 4))),
        dtypes={("int64",): "float32", ("bool",): (TypeError, RuntimeError)},
        errors=(error((ValueError, RuntimeError), r"\(2, 2, 2\)", (2, 2, 2)),),
    ),
    Op(
        "cov_weighted",
        lambda lib, x, f, a, **o: lib.cov(x, fweights=f, aweights=a, **o),
        lambda x, f, a, correction=1: cov(x, correction, f, a),
        (
            case((3, 5), fixed([1, 2, 0, 3, 1]), uniform((5,), 0.5, 2.0)),
            case((2, 3), fixed([1, 2, 3]), uniform((3,), 0.5, 2.0), correction=0),
        ),
        error_name="cov",
        errors=(
            error((ValueError, RuntimeError), "fweights.*5.*4", (3, 5), index((4,), 3), (5,)),
            error((TypeError, RuntimeError), "fweights", (3, 5), (5,), uniform((5,), 0, 1)),
            error((ValueError, RuntimeError), "negative", (3, 2), fixed([1, -1]), (2,)),
        ),
    ),
    Op(
        "corrcoef",
        lambda lib, x: x.corrcoef(),
        np.corrcoef,
        (case((3, 5)), case((2, 7)), case((5,))),
        dtypes={("int64",): "float32"},
    ),
    Op(
        "bincount",
        lambda lib, x, **o: x.bincount(**o),
        lambda x, minlength=0: np.bincount(x.astype(int), minlength=minlength),
        (
            case(index((9,), 5)),
            case(index((9,), 5), minlength=12),
            case(index((1,), 3)),
            case(fixed([], int), minlength=2),
        ),
        order=0,
        dtypes={
            ("uint8",): "int64",
            ("bool",): (TypeError, RuntimeError),
            ("float32",): (TypeError, RuntimeError),
        },
        errors=(
            error((ValueError, RuntimeError), "one dimension", index((2, 2), 3)),
            error((ValueError, RuntimeError), "-2", fixed([1, -2])),
            error((ValueError, RuntimeError), "minlength.*-1", index((2,), 3), minlength=-1),
        ),
    ),
    Op(
        "bincount_weights",
        lambda lib, x, w: lib.bincount(x, w.detach()),
        lambda x, w: np.bincount(x, w),
        (case(index((9,), 5), (9,)),),
        order=0,
        error_name="bincount",
        errors=(error((ValueError, RuntimeError), "weights", index((9,), 5), (8,)),),
    ),
    Op(
        "histc",
        lambda lib, x, **o: x.detach().histc(**o),
        lambda x, bins=100, **o: histogram(x, bins, range=(o["min"], o["max"]) if o else None),
        (
            case((40,), bins=7),
            case((5, 8), bins=4, min=-1, max=1),
            case(LINE, bins=4, min=0, max=4),
            case(LINE, bins=3),
            case(fixed([np.nan, 1.0, 2.0]), bins=2, min=0, max=4),
        ),
        order=0,
        dtypes={("int64",): (TypeError, RuntimeError)},
        errors=(
            error((ValueError, RuntimeError), "bins.*0", (3,), bins=0),
            error((ValueError, RuntimeError), "ends before", (3,), min=2, max=1),
            error((ValueError, RuntimeError), "not finite", fixed([1.0, np.inf])),
        ),
    ),
    Op(
        "histogram",
        lambda lib, x, *w, bins, **o: (
            lib.histogram(x.detach(), bins, **o, **({"weight": w[0].detach()} if w else {})).hist
        ),
        lambda x, *w, bins, **o: histogram(x, bins, *w, **o),
        (
            case((40,), bins=7),
            case((5, 8), bins=4, range=(-1.0, 1.0)),
            case((40,), bins=4, density=True),
            case((6, 2), (6, 2), bins=3),
        ),
        order=0,
        errors=(
            error((ValueError, RuntimeError), "bins.*0", (3,), bins=0),
            error((ValueError, RuntimeError), "weight", (3,), (2,), bins=2),
        ),
    ),
    Op(
        "histogram_edges",
        lambda lib, x, edges: tuple(lib.histogram(x.detach(), edges.detach())),
        lambda x, edges: (histogram(x, edges), edges),
        (case((40,), fixed([-1.0, 0.0, 0.25, 2.0])), case(LINE, fixed([0.0, 2.0, 4.0]))),
        order=0,
    ),
]
