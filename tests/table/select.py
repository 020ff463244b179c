"""Rows: clamping between tensors, and to one side."""

import numpy as np

from .elementwise import INF, MISMATCH, NAN, UNARY
from .row import Op, case, error, fixed, pin, uniform

LOW, HIGH = uniform((4,), -1.0, -0.3), uniform((3, 1), 0.2, 1.0)


def between(x, low=None, high=None):
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


OPS = [
    Op(
        "clamp_tensors",
        lambda lib, x, low, high: lib.clamp(x, low, high),
        between,
        (
            case((3, 4), LOW, HIGH),
            case((2,), uniform((), -1, -0.5), uniform((2,), 0.5, 1)),
            case((0, 4), LOW, uniform((), 0.5, 1)),
            case(fixed([-2.0, 0.25, 2.0]), fixed([1.0, 1.5, 1.75]), fixed([0.5, 0.75, 0.6])),
        ),
        ("ClampBetween",),
        dtypes={
            ("float32", "int64", "float32"): "float32",
            ("int64", "float32", "float32"): "float32",
            ("int32", "int64", "int64"): "int64",
        },
        special=(([NAN, 1.0, INF, 3.0], [0.0, NAN, 0.0, 0.0], [2.0, 2.0, 2.0, 1.0]),),
        pins=(
            pin(
                [0.0, 1.0, -1.0, 2.0],
                [0.0] * 4,
                [1.0] * 4,
                grads=([1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]),
            ),
        ),
        error_name="clamp|maximum",
        errors=(error((ValueError, RuntimeError), MISMATCH, (3, 4), (3, 5), (3, 5)),),
    ),
    Op(
        "clamp_min",
        lambda lib, x, low: lib.clamp_min(x, low),
        between,
        (case((3, 4), LOW),),
        ("ClampBetween",),
    ),
    Op(
        "clamp_max",
        lambda lib, x, high: lib.clamp_max(x, high),
        lambda x, high: between(x, None, high),
        (case((3, 4), HIGH),),
        ("ClampBetween",),
    ),
    Op(
        "clamp_integers",
        lambda lib, x: lib.clamp(x, -1, 2),
        lambda x: np.clip(x, -1, 2),
        (case(fixed([-5, -1, 0, 2, 7])),),
        order=0,
        dtypes={("int8",): "int8", ("int64",): "int64"},
        error_name="clamp",
        errors=(
            error(
                (ValueError, RuntimeError),
                "clamp: the bound 300 .*int8",
                call=lambda lib: lib.clamp(lib.eye(2).to(lib.int8), 0, 300),
            ),
        ),
    ),
    Op(
        "clamp_nan",
        lambda lib, x: lib.clamp(x, min=NAN),
        lambda x: x * NAN,
        UNARY[:2],
        order=0,
        error_name="clamp",
    ),
    Op(
        "rsub",
        lambda lib, x, y: lib.rsub(x, y, alpha=2.0),
        lambda x, y: y - 2.0 * x,
        (case((3, 4), (4,)),),
        ("Sub",),
        errors=(error(TypeError, "rsub: input.*float", call=lambda lib: lib.rsub(2.0, 1.0)),),
    ),
    Op(
        "positive",
        lambda lib, x: lib.positive(x) * 1.0,
        lambda x: x,
        UNARY[:2],
        errors=(
            error(
                (TypeError, RuntimeError),
                "positive: a bool",
                call=lambda lib: lib.positive(lib.eye(2).bool()),
            ),
        ),
    ),
]
