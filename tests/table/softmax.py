"""Rows: softmax and log_softmax."""

import math

import numpy as np

from .row import Op, case, error, fixed

INF, NAN = math.inf, math.nan


def F(lib):
    return lib.nn.functional


def softmax(x, dim):
    axis = dim if x.ndim else None
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    e = np.exp(x - top)
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x, dim):
    axis = dim if x.ndim else None
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return x - top - np.log(np.exp(x - top).sum(axis=axis, keepdims=True))


CASES = (
    case((3, 4), dim=1),
    case((3, 4), dim=0),
    case((4, 4), dim=-1),
    case((4, 4), dim=0),
    case((2, 3, 4), dim=1),
    case((2, 3, 4, 2), dim=-3),
    case((5,), dim=0),
    case((), dim=0),
    case((3, 1), dim=1),
    case((0, 3), dim=1),
    case((0, 3), dim=0),
    case((3, 0), dim=1),
    case((2, 67), dim=1),
    case((67, 2), dim=0),
    case(
        fixed([[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1000.0], [1000.0, 1000.0, 999.0]]), dim=1
    ),
)
SPECIAL = (
    (
        [
            [0.0, -INF, 1.0],
            [INF, 1.0, 2.0],
            [-INF, -INF, -INF],
            [NAN, 1.0, 0.0],
            [1e30, -1e30, 1e30],
        ],
    ),
)
ERRORS = (
    error(IndexError, r"out of range.*2", (3, 4), dim=2),
    error(IndexError, r"out of range.*-3", (3, 4), dim=-3),
    error((TypeError, RuntimeError), r"int64", (3, 4), dim=1, dtypes=("int64",)),
)

OPS = [
    Op(
        "softmax",
        lambda lib, x, **o: F(lib).softmax(x, **o),
        softmax,
        CASES,
        ("Softmax", "SoftmaxGrad"),
        special=SPECIAL,
        special_options=dict(dim=1),
        errors=ERRORS,
    ),
    Op(
        "log_softmax",
        lambda lib, x, **o: F(lib).log_softmax(x, **o),
        log_softmax,
        CASES,
        ("LogSoftmax", "LogSoftmaxGrad"),
        special=SPECIAL,
        special_options=dict(dim=1),
        errors=ERRORS,
    ),
    Op(
        "softmax_dtype",
        lambda lib, x: F(lib).softmax(x, dim=1, dtype=lib.float64),
        lambda x: softmax(x, 1),
        (case((3, 4)),),
        result="float64",
        dtypes={("int64",): "float64", ("float32",): "float64"},
    ),
]
