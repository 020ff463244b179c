"""Rows: distances, and the cosine of an angle."""

import numpy as np
from scipy.spatial import distance

from .loss import F
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


def cosine(x, y, dim=1, eps=1e-8):
    x, y = np.broadcast_arrays(x, y)
    nx, ny = (np.maximum(np.sqrt((v * v).sum(dim)), eps) for v in (x, y))
    return (x * y).sum(dim) / (nx * ny)


def pairwise(x, y, p=2.0, eps=1e-6, keepdim=False):
    d = np.abs(x - y + eps)
    out = d.max(-1) if p == np.inf else (d**p).sum(-1) ** (1 / p)
    return out[..., None] if keepdim else out


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
    Op(
        "cosine_similarity",
        lambda lib, x, y, **o: F(lib).cosine_similarity(x, y, **o),
        cosine,
        (
            case((3, 4), (3, 4)),
            case((3, 4), (3, 4), dim=0),
            case((5,), (5,), dim=-1),
            case((2, 3, 4), (3, 4), dim=-1),
            case((3, 1), (1, 4)),
            case((0, 4), (0, 4)),
        ),
        dtypes={("float32", "float64"): "float64", ("float16", "float16"): "float16"},
        errors=(
            error(IndexError, "out of range", (3, 4), (3, 4), dim=2),
            error((ValueError, RuntimeError), r"3.*4|4.*3", (2, 3), (2, 4)),
        ),
    ),
    Op(
        "pairwise_distance",
        lambda lib, x, y, **o: F(lib).pairwise_distance(x, y, **o),
        pairwise,
        (
            case((3, 4), (3, 4)),
            case((5,), (5,)),
            case((3, 4), (4,)),
            case((2, 3, 4), (2, 3, 4), p=1.0),
            case((3, 4), (3, 4), p=3.0, keepdim=True),
            case((3, 4), (3, 4), p=np.inf),
            case((3, 4), (3, 4), eps=0.1),
        ),
        distinct=True,
        errors=(error((ValueError, RuntimeError), r"3.*4|4.*3", (2, 3), (2, 4)),),
    ),
]
