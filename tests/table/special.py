"""Rows: special functions, against SciPy."""

import math

import numpy as np
import scipy.special

from .elementwise import INF, NAN, unary
from .row import Op, case, error, pin

S = scipy.special
FAR = (([0.0, -0.0, INF, -INF, NAN, 5.0, -5.0, 1e-30, -1e-30, 1.0, -1.0],),)


def row(name, reference, functions, special=FAR, **more):
    return unary(
        name, lambda lib, x: getattr(lib, name)(x), reference, functions, special=special, **more
    )


def of_special(name, reference, functions, **more):
    """A function of the namespace `special` alone."""
    return unary(
        f"special_{name}",
        lambda lib, x: getattr(lib.special, name)(x),
        reference,
        functions,
        **more,
    )


BESSEL = dict(special=(([0.0, 0.5, -3.0, 29.0, -40.0],),), domain=(-4.0, 4.0))

OPS = [
    row("erfc", S.erfc, ("Erfc",), special=(([0.0, -0.0, INF, -INF, NAN, 5.0, -5.0, 1e-30],),)),
    row(
        "erfinv",
        S.erfinv,
        ("Erfinv",),
        domain=(-0.9, 0.9),
        special=(([0.0, -0.0, 1.0, -1.0, 1.5, -2.0, NAN, 1e-30, 0.999],),),
    ),
    row(
        "lgamma",
        S.gammaln,
        ("Lgamma", "Digamma", "Polygamma"),
        domain=(0.3, 4.0),
        special=(([0.0, 1.0, 2.0, INF, NAN, -0.5, -2.5, 1e10, -3.0],),),
    ),
    row(
        "digamma",
        S.digamma,
        ("Digamma", "Polygamma"),
        domain=(0.3, 4.0),
        special=(([0.0, -0.0, 1.0, INF, NAN, -0.5, 1e10, -7.25],),),
    ),
    *[
        unary(
            f"polygamma_{n}",
            lambda lib, x, n=n: lib.polygamma(n, x),
            lambda x, n=n: S.polygamma(n, x),
            ("Polygamma",) if n else ("Digamma",),
            domain=(0.5, 3.0),
            special=(([1.0, NAN, 1e5, 20.0],),),
            torch=n != 1,  # PyTorch's trigamma has nine digits
            error_name="polygamma",
            errors=(
                error(
                    (ValueError, RuntimeError),
                    "polygamma: n.*-1",
                    (3,),
                    call=lambda lib, x: lib.polygamma(-1, x),
                ),
            ),
        )
        for n in (0, 1, 2)
    ],
    Op(
        "mvlgamma",
        lambda lib, x, p: lib.mvlgamma(x, p),
        np.vectorize(lambda x, p: S.multigammaln(x, p), otypes=[np.float64]),
        (case((3, 4), p=3), case((), p=1), case((2, 3), p=2)),
        domain=(1.5, 4.0),
        errors=(
            error(
                (ValueError, RuntimeError),
                "mvlgamma: p.*0",
                (3,),
                call=lambda lib, x: lib.mvlgamma(x, 0),
            ),
        ),
    ),
    unary(
        "logit",
        lambda lib, x: lib.logit(x),
        S.logit,
        ("Logit",),
        domain=(0.1, 0.9),
        special=(([0.0, 1.0, 0.5, -1.0, 2.0, NAN, 1e-30],),),
    ),
    unary(
        "logit_eps",
        lambda lib, x: lib.logit(x, eps=0.25),
        lambda x: S.logit(np.clip(x, 0.25, 0.75)),
        ("Logit", "Clamp"),
        domain=(-0.5, 1.5),
        special=(([0.0, 1.0, 0.5, -1.0, 2.0],),),
        kinks=(0.25, 0.75),
        pins=(pin([0.25, 0.5, 1.0], grads=([1 / (0.25 * 0.75), 4.0, 0.0],)),),
        error_name="logit",
    ),
    row("i0", S.i0, ("I0", "I1"), **BESSEL),
    of_special("i0e", S.i0e, ("I0e",), **BESSEL),
    of_special("i1", S.i1, ("I1",), **BESSEL),
    of_special("i1e", S.i1e, ("I1e",), **BESSEL),
    of_special("ndtr", S.ndtr, (), special=(([0.0, INF, -INF, NAN, 5.0, -1.0, math.sqrt(2)],),)),
]
