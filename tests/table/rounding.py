"""Rows: rounding, and division that rounds."""

import numpy as np

from .elementwise import (
    BINARY,
    INF,
    KEEPS,
    MISMATCH,
    NAN,
    PROMOTES,
    SPECIAL,
    SPECIAL_PAIRS,
    STEPS,
    UNARY,
    unary,
)
from .row import Op, case, error, pin, uniform

NUMBERS = {k: v for k, v in PROMOTES.items() if "bool" not in k}
AWAY = (*BINARY, case(uniform((3, 4), -5, 5), uniform((4,), -1.6, -1.2)))  # from whole quotients
BY_ZERO = (ZeroDivisionError, RuntimeError)
HALVES = dict(
    kinks=(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5), pins=(pin([1.0, 0.5, 2.5], grads=([0.0] * 3,)),)
)


def divided(name, f, reference, functions=("DivStep",)):
    """A division with a rounding mode, flat between its steps."""
    return Op(
        name,
        f,
        reference,
        AWAY,
        functions,
        domain=(1.3, 1.9),
        distinct=True,
        dtypes=NUMBERS,
        error_name=name.split("_", maxsplit=1)[0],
        errors=(
            error(ValueError, MISMATCH, (3, 4), (3, 5)),
            error(BY_ZERO, "0", call=lambda lib: f(lib, lib.tensor([3]), lib.tensor([0]))),
        ),
    )


OPS = [
    unary("trunc", lambda lib, x: lib.trunc(x), np.trunc, ("Step",), dtypes=KEEPS, **STEPS),
    unary("fix", lambda lib, x: lib.fix(x), np.trunc, ("Step",), dtypes=KEEPS, **STEPS),
    unary(
        "round",
        lambda lib, x, **o: lib.round(x, **o),
        lambda x, decimals=0: np.round(x, decimals),
        ("Step",),
        cases=(*UNARY, case((3, 4), decimals=0)),
        dtypes=KEEPS,
        special=(([0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -3.5, INF, -INF, NAN, 1e30],),),
        **HALVES,
    ),
    *[
        unary(
            f"round_{'to' if d > 0 else 'off'}",
            lambda lib, x, d=d: lib.round(x, decimals=d),
            lambda x, d=d: np.round(x, d),
            ("Step",),
            dtypes={},
            special=(),
            domain=(-49.0, 49.0) if d < 0 else (-2, 2),
            order=0,
            errors=(
                error(
                    (TypeError, NotImplementedError),
                    "round.*int64",
                    call=lambda lib, d=d: lib.round(lib.tensor([3]), decimals=d),
                ),
            ),
            error_name="round",
        )
        for d in (2, -1)
    ],
    unary(
        "frac",
        lambda lib, x: lib.frac(x),
        lambda x: x - np.trunc(x),
        ("Frac",),
        dtypes={("int64",): TypeError},
        special=(([0.0, 0.5, -2.75, INF, NAN, 1e30],),),
        kinks=(-2.0, -1.0, 0.0, 1.0, 2.0),
        pins=(pin([1.0, 0.5], grads=([1.0, 1.0],)),),
    ),
    Op(
        "fmod",
        lambda lib, x, y: lib.fmod(x, y),
        np.fmod,
        AWAY,
        ("Fmod",),
        domain=(1.3, 1.9),
        distinct=True,
        dtypes=NUMBERS,
        special=(SPECIAL_PAIRS,),
        errors=(
            error(ValueError, MISMATCH, (3, 4), (3, 5)),
            error(BY_ZERO, "0", call=lambda lib: lib.fmod(lib.tensor([3]), 0)),
        ),
    ),
    divided("div_floor", lambda lib, x, y: lib.div(x, y, rounding_mode="floor"), np.floor_divide),
    divided(
        "div_trunc",
        lambda lib, x, y: lib.div(x, y, rounding_mode="trunc"),
        lambda x, y: np.trunc(x / y),
    ),
    Op(
        "div_mode",
        lambda lib, x: lib.div(x, 1.3, rounding_mode="trunc"),
        lambda x: np.trunc(x / 1.3),
        (case((3, 4)),),
        ("DivStep",),
        order=0,
        error_name="div",
        errors=(
            error(
                (ValueError, RuntimeError),
                "rounding_mode.*'up'",
                (3,),
                call=lambda lib, x: lib.div(x, 2.0, rounding_mode="up"),
            ),
        ),
    ),
    Op(
        "signbit",
        lambda lib, x: lib.signbit(x),
        np.signbit,
        UNARY,
        order=0,
        dtypes={("int64",): "bool", ("uint8",): "bool"},
        special=(SPECIAL,),
    ),
    Op(
        "frexp",
        lambda lib, x: lib.frexp(x).mantissa,
        lambda x: np.frexp(x)[0],
        UNARY,
        ("Frexp",),
        domain=(-0.95, 0.95),
        kinks=(0.0, 0.5, -0.5, 0.25, -0.25, 0.125, -0.125),
        pins=(pin([0.75, 3.0], grads=([1.0, 0.25],)),),
        special=(([0.0, -0.0, 3.0, INF, -INF, NAN, 1e-30],),),
        errors=(
            error((TypeError, RuntimeError), "frexp", call=lambda lib: lib.frexp(lib.eye(2).int())),
        ),
    ),
    Op(
        "frexp_exponent",
        lambda lib, x: lib.frexp(x).exponent.long(),
        lambda x: np.frexp(x)[1].astype(np.int64),
        (case((3, 4)), case(())),
        domain=(0.1, 900.0),
        order=0,
    ),
]
