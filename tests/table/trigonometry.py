"""Rows: trigonometric and hyperbolic functions, and their inverses."""

import math

import numpy as np

from .elementwise import BINARY, DIVIDES, INF, MISMATCH, NAN, SPECIAL_PAIRS, UNARY, unary
from .row import Op, case, error, pin, uniform

INSIDE = dict(domain=(-0.9, 0.9), special=(([0.0, -0.0, 0.5, -0.25, 2.0, -2.0, NAN, INF, 1e-30],),))
SMALL = (([0.0, -0.0, INF, -INF, NAN, 88.0, -88.0, 1e-30, 1e4],),)


def sinc_grad(x):
    return (np.cos(np.pi * x) - np.sinc(x)) / x


OPS = [
    unary("tan", lambda lib, x: lib.tan(x), np.tan, ("Tan",), domain=(-1.3, 1.3), special=SMALL),
    unary("asin", lambda lib, x: lib.asin(x), np.arcsin, ("Asin",), **INSIDE),
    unary("acos", lambda lib, x: lib.acos(x), np.arccos, ("Acos",), **INSIDE),
    unary("atan", lambda lib, x: lib.atan(x), np.arctan, ("Atan",)),
    unary("sinh", lambda lib, x: lib.sinh(x), np.sinh, ("Sinh",)),
    unary("cosh", lambda lib, x: lib.cosh(x), np.cosh, ("Cosh",)),
    unary("asinh", lambda lib, x: lib.asinh(x), np.arcsinh, ("Asinh",), special=SMALL),
    unary("acosh", lambda lib, x: lib.acosh(x), np.arccosh, ("Acosh",), domain=(1.2, 3.0)),
    unary(
        "atanh",
        lambda lib, x: lib.atanh(x),
        np.arctanh,
        ("Atanh",),
        **INSIDE,
    ),
    Op(
        "atan2",
        lambda lib, x, y: lib.atan2(x, y),
        np.arctan2,
        (*BINARY, case((3, 4), uniform((4,), -2.0, -0.5))),
        ("Atan2",),
        dtypes=DIVIDES,
        special=(SPECIAL_PAIRS,),
        errors=(
            error(ValueError, MISMATCH, (3, 4), (3, 5)),
            error(TypeError, "atan2: other", (3,), call=lambda lib, x: lib.atan2(x, 2.0)),
        ),
    ),
    unary(
        "sinc",
        lambda lib, x: lib.sinc(x),
        np.sinc,
        ("Sinc",),
        special=(([0.0, -0.0, INF, -INF, NAN, 0.5, 1e-30, -2.25],),),
        pins=(pin([0.0, 0.5], grads=([0.0, sinc_grad(0.5)],)),),
    ),
    unary("deg2rad", lambda lib, x: lib.deg2rad(x), np.deg2rad, (), special=()),
    unary("rad2deg", lambda lib, x: lib.rad2deg(x), np.rad2deg, (), special=()),
    *[
        Op(
            new,
            lambda lib, x, new=new: getattr(lib, new)(x),
            getattr(np, new),
            UNARY[:2],
            domain=(1.2, 3.0) if new == "arccosh" else (-0.9, 0.9),
            order=1,
        )
        for new in ("arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh")
    ],
    Op(
        "arctan2",
        lambda lib, x, y: lib.arctan2(x, y),
        np.arctan2,
        BINARY[:2],
        domain=(0.3, math.pi),
        order=1,
    ),
]
