"""Rows: ops that draw random numbers; the draw is repeated from the seed to build the reference."""

import numpy as np

from .row import Op, case, error


def dropout(lib, x, **o):
    lib.manual_seed(7)
    return lib.nn.functional.dropout(x, **o)


def dropout_reference(x, p=0.5, training=True):
    """x * mask / (1 - p), the mask read off a dropout of ones."""
    import naivegrad as ng

    if not training or p == 0:
        return x.copy()
    kept = dropout(ng, ng.ones(x.shape, dtype=ng.float64), p=p).numpy() != 0
    return x * kept / (1 - p) if p < 1 else np.zeros_like(x)


OPS = [
    Op(
        "dropout",
        dropout,
        dropout_reference,
        (case((3, 4)), case((3, 4), p=0.3), case((), p=0.5), case((0, 3)), case((67,), p=0.9)),
        ("Dropout",),
        torch=False,
        errors=(error(ValueError, r"1\.5", (3,), p=1.5), error(ValueError, r"-0\.5", (3,), p=-0.5)),
    ),
    Op(
        "dropout_fixed",
        dropout,
        dropout_reference,
        (case((3, 4), p=0.0), case((3, 4), p=1.0), case((3, 4), p=0.4, training=False)),
        error_name="dropout",
    ),
]
