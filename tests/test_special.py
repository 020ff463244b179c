"""The functions of cuda/special_math.h over their whole range, in units of the last place.

The reference is SciPy, which is itself a few units off. Where a function is a difference of large
numbers (psi below 0), the units are those of the larger one.
"""

import numpy as np
import pytest
import scipy.special

import naivegrad as ng
from harness import tensor, value

S = scipy.special
RNG = np.random.default_rng(0)


def spread(low, high, size=3000):
    """Numbers of every magnitude between two powers of ten."""
    return 10.0 ** RNG.uniform(low, high, size)


def between(low, high, size=20_000):
    return RNG.uniform(low, high, size)


NEAR_ONE = 1 - spread(-16, -1)
RANGES = {
    "erfinv": (ng.erfinv, S.erfinv, [between(-1, 1), NEAR_ONE, -NEAR_ONE, spread(-300, 0)], 8),
    "digamma": (ng.digamma, S.digamma, [between(0, 20), spread(-300, 300)], 10),
    "digamma at its zero": (ng.digamma, S.digamma, [1.4616321449683622 + between(-1e-3, 1e-3)], 10),
    "i0": (ng.i0, S.i0, [between(-60, 60), between(-700, 700)], 32),
    "i1": (ng.special.i1, S.i1, [between(-60, 60), between(-700, 700)], 32),
    "i0e": (ng.special.i0e, S.i0e, [between(-60, 60), spread(-10, 300)], 32),
    "i1e": (ng.special.i1e, S.i1e, [between(-60, 60), spread(-10, 300)], 32),
    **{
        f"polygamma {n}": (
            lambda x, n=n: ng.polygamma(n, x),
            lambda x, n=n: S.polygamma(n, x),
            [between(0, 30), spread(-30, 30)],
            8 * (n + 1),
        )
        for n in (1, 2, 3, 5)
    },
}


@pytest.mark.parametrize("name", RANGES)
def test_units_in_the_last_place(name):
    f, exact, ranges, bound = RANGES[name]
    x = np.concatenate(ranges)
    with np.errstate(all="ignore"):
        got, want = value(f(tensor(x))), exact(x)
        finite = np.isfinite(want) & (np.abs(want) > 1e-290)
        np.testing.assert_allclose(got[~finite], want[~finite], rtol=1e-9, atol=1e-290)
        error = (np.abs(got - want) / np.spacing(np.abs(want)))[finite]
    worst = error.argmax()
    assert error[worst] <= bound, f"{name}({x[finite][worst]!r}) is {error[worst]:.0f} units off"


def test_psi_and_its_derivatives_below_zero():
    x = between(-20, 0)
    for n in range(4):
        got, want = value(ng.polygamma(n, tensor(x))), S.polygamma(n, 1 - x)
        # reflection: the n-th derivative of psi(1 - x) - psi(x) = pi / tan(pi x)
        t = 1 / np.tan(np.pi * (x - np.rint(x)))
        slope = [t, -(1 + t**2), 2 * t * (1 + t**2), -(2 + 8 * t**2 + 6 * t**4)][n]
        reflected = (-1) ** n * want - np.pi ** (n + 1) * slope
        size = np.abs(want) + np.pi ** (n + 1) * (1 + np.abs(slope))
        assert (np.abs(got - reflected) / np.spacing(size)).max() < 12


def test_poles_and_ends():
    x = ng.tensor([0.0, -0.0, -1.0, ng.inf, -ng.inf, ng.nan], dtype=ng.float64)
    poles = {
        ng.digamma: [-np.inf, np.inf, np.nan, np.inf, np.nan, np.nan],
        ng.lgamma: [np.inf, np.inf, np.inf, np.inf, np.inf, np.nan],
        ng.special.i0e: [1.0, 1.0, S.i0e(1.0), 0.0, 0.0, np.nan],
        ng.i0: [1.0, 1.0, S.i0(1.0), np.inf, np.inf, np.nan],
    }
    for f, want in poles.items():
        np.testing.assert_allclose(value(f(x)), want, rtol=1e-14)
    ends = ng.erfinv(ng.tensor([1.0, -1.0, 1.5, -2.0, 0.0]))
    np.testing.assert_array_equal(value(ends), np.array([np.inf, -np.inf, np.nan, np.nan, 0], "f4"))
    assert ng.polygamma(1, ng.tensor([0.0, -1.0, -7.0])).tolist() == [np.inf] * 3


@pytest.mark.parametrize("name", ["erfinv", "digamma", "i0", "lgamma"])
def test_float32_is_rounded_once_or_nearly(name):
    x = np.concatenate([between(0.01, 0.99, 5000), spread(-30, -1)]).astype(np.float32)
    exact = {"lgamma": S.gammaln}.get(name, getattr(S, name, None))
    got, want = value(getattr(ng, name)(tensor(x))), exact(x.astype(np.float64))
    error = np.abs(got - want) / np.spacing(np.abs(want).astype(np.float32))
    assert error.max() <= (4 if name == "lgamma" else 0.51)
