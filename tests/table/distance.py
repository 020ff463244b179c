"""Rows: distances of rows."""

import numpy as np
from scipy.spatial import distance

from .row import Op, case, error, fixed, pin

INF = np.inf
ORDERS = (0.5, 1.0, 1.5, 2.0, 3.0, INF)


def np_cdist(x, y, p=2.0):
    d = np.abs(x[..., :, None, :] - y[..., None, :, :])
    if p == 0:
        return (d != 0).sum(-1).astype(float)
    if p == INF:
        return d.max(-1, initial=0)
    return (d**p).sum(-1) ** (1 / p)


def np_pdist(x, p=2.0):
    return distance.pdist(x, "minkowski", p=p) if p < INF else distance.pdist(x, "chebyshev")


OPS = [
    Op(
        "cdist",
        lambda lib, x, y, **o: lib.cdist(x, y, **o),
        np_cdist,
        (
            *[case((3, 4), (2, 4), p=p) for p in ORDERS],
            case((5, 20), (3, 20), p=2.0),
            case((5, 20), (3, 20), p=1.0),
            case((2, 3, 4), (2, 5, 4)),
            case((2, 1, 3, 2), (3, 2, 2), p=1.0),
            case((3, 2), (4, 2, 2)),
            case((0, 3), (2, 3)),
            case((2, 0), (3, 0)),
        ),
        ("CDist", "CDistGrad"),
        distinct=True,
        dtypes={
            ("float32", "float64"): TypeError,
            ("int64", "int64"): TypeError,
            ("float16", "float16"): TypeError,
        },
        kinks=(0.0,),
        pins=tuple(
            pin(
                [[1.0, 2.0]],
                [[1.0, 2.0], [1.0, 4.0]],
                grads=([[0.0, -1.0]], [[0.0, 0.0], [0.0, 1.0]]),
                p=p,
            )
            for p in ORDERS
        ),
        errors=(
            error(ValueError, r"\(3, 4\) and \(3, 5\)", (3, 4), (3, 5)),
            error(ValueError, r"\(4,\) and \(3, 4\)", (4,), (3, 4)),
            error(ValueError, r"must not be negative", (3, 4), (3, 4), p=-1.0),
            error(ValueError, r"compute_mode is one of", (3, 4), (3, 4), compute_mode="fast"),
            error(ValueError, r"do not broadcast", (2, 3, 4), (3, 3, 4)),
        ),
    ),
    Op(
        "cdist_0",
        lambda lib, x, y: lib.cdist(x, y, p=0.0),
        lambda x, y: np_cdist(x, y, 0.0),
        (case(fixed([[1.0, 2.0, 3.0]]), fixed([[1.0, 0.0, 0.0], [1.0, 2.0, 3.0]])),),
        order=0,
    ),
    Op(
        "pdist",
        lambda lib, x, **o: lib.pdist(x, **o),
        np_pdist,
        (*[case((4, 3), p=p) for p in ORDERS[1:]], case((2, 5)), case((1, 5))),
        distinct=True,
        dtypes={("float16",): TypeError},
        errors=(error(ValueError, r"a matrix, got", (2, 3, 4)),),
    ),
]
