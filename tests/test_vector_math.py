"""The functions of kernels/vector_math.h, in units of the last place, over their range.

The reference of float32 is the float64 C library, exact far beyond the digits of float32. The dense
loop is vectorised and the strided one is not: both are held to the bound.
"""

import math

import numpy as np
import pytest

import naivegrad as ng
from harness import tensor, value

erf = np.vectorize(math.erf, otypes=[np.float64])
erfc = np.vectorize(math.erfc, otypes=[np.float64])


def sweep():
    """Every exponent of float32, both signs, three random mantissas each, and a dense middle."""
    rng = np.random.default_rng(0)
    exponents = np.repeat(np.arange(255, dtype=np.uint32), 60)
    mantissas = rng.integers(0, 2**23, exponents.size, dtype=np.uint32)
    wide = ((exponents << 23) | mantissas).view(np.float32)
    edges = np.array([0, 1e-45, 1.17549435e-38, 3.4028235e38, 1, 4, 88.72284, 89, 103.9, 104], "f4")
    middle = rng.uniform(0, 20, 60_000).astype(np.float32)
    x = np.concatenate([wide, edges, middle])
    return np.concatenate([x, -x])


X = sweep()


def units(got, want):
    """The distance in units of the last place of float32; subnormals count in the smallest one."""
    want32 = np.abs(want).astype(np.float32)
    unit = np.spacing(np.maximum(want32, np.finfo(np.float32).tiny)).astype(np.float64)
    return np.abs(got.astype(np.float64) - want) / unit


def within_one(x):
    """The numbers up to 1 in size, and for those beyond their inverses."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(np.abs(x) <= 1, x, 1 / x)


def beyond_one(x):
    return np.maximum(np.abs(x), 1)


FUNCTIONS = {
    "exp": (ng.exp, np.exp, lambda x: x, 2.5),
    "sinh": (ng.sinh, np.sinh, lambda x: x, 3.0),
    "cosh": (ng.cosh, np.cosh, lambda x: x, 3.0),
    "exp2": (ng.exp2, np.exp2, lambda x: x, 2.5),
    "expm1": (ng.expm1, np.expm1, lambda x: x, 2.5),
    "log": (ng.log, np.log, np.abs, 2.5),
    "log2": (ng.log2, np.log2, np.abs, 2.5),
    "log1p": (ng.log1p, np.log1p, lambda x: np.where(x > -1, x, -x), 2.5),
    "erf": (ng.erf, erf, lambda x: x, 2.5),
    "sin": (ng.sin, np.sin, lambda x: x, 2.0),
    "cos": (ng.cos, np.cos, lambda x: x, 2.0),
    "tan": (ng.tan, np.tan, lambda x: x, 2.5),
    "erfc": (ng.erfc, erfc, lambda x: x, 5.5),
    "log10": (ng.log10, np.log10, np.abs, 2.0),
    "atan": (ng.atan, np.arctan, lambda x: x, 2.0),
    "asin": (ng.asin, np.arcsin, within_one, 2.5),
    "acos": (ng.acos, np.arccos, within_one, 2.0),
    "asinh": (ng.asinh, np.arcsinh, lambda x: x, 3.5),
    "acosh": (ng.acosh, np.arccosh, beyond_one, 3.5),
    "atanh": (ng.atanh, np.arctanh, within_one, 3.5),
    "tanh": (ng.tanh, np.tanh, lambda x: x, 2.5),
    "sigmoid": (ng.sigmoid, lambda x: 1 / (1 + np.exp(-x)), lambda x: np.maximum(x, -87), 2.5),
}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_units_in_the_last_place(name, stride):
    f, exact, domain, bound = FUNCTIONS[name]
    x = domain(X).astype(np.float32)
    memory = np.zeros((x.size, stride), np.float32)
    memory[:, 0] = x
    got = value(f(tensor(memory[:, 0] if stride > 1 else x)))
    with np.errstate(all="ignore"):
        want = exact(x.astype(np.float64))
        finite = np.abs(want) <= np.finfo(np.float32).max
        np.testing.assert_array_equal(got[~finite], want[~finite].astype(np.float32))
        error = units(got[finite], want[finite])
    worst = error.argmax()
    assert error[worst] <= bound, f"{name}({x[finite][worst]!r}) is {error[worst]:.2f} units off"


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no wider type to compare with")
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_units_in_the_last_place_of_float64(name):
    """Every binary exponent where something happens, and beyond; numbers where pieces meet."""
    rng = np.random.default_rng(0)
    middle = rng.uniform(0, 40, 100_000)
    wide = np.ldexp(rng.uniform(0.5, 1, 40_000), rng.integers(-1074, 1024, 40_000))
    edges = 0.625 + np.spacing(0.625) * np.arange(-500, 500)
    x = np.concatenate([middle, wide, edges, [0.0, 700.0, 708.0, 1e308, np.inf]])
    x = np.concatenate([x, -x])
    x = np.maximum(x, -708) if name == "sigmoid" else x  # below it is 0, as in float32
    f = getattr(ng, name)
    got = value(f(tensor(x)))
    wider = x.astype(np.longdouble)
    with np.errstate(all="ignore"):
        want = np.tanh(wider) if name == "tanh" else 1 / (1 + np.exp(-wider))
    smallest = np.finfo(np.float64).tiny
    unit = np.spacing(np.maximum(np.abs(want).astype(np.float64), smallest))
    error = np.abs(got - want) / unit
    assert error.max() <= 2.5, f"{name}({x[error.argmax()]!r}) is {error.max():.2f} units off"
    assert np.isnan(value(f(tensor(np.array([np.nan] * 9))))).all()


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"sin", "cos", "tan"}))
def test_monotone(name):
    """No jumps where the pieces of a function meet."""
    f, _, domain, _ = FUNCTIONS[name]
    steps = np.arange(-500, 500)
    for centre in np.array([-1, -0.625, 0.625, 1, 4, 0.5**0.5, 2**0.5, math.log(2) / 2, 88], "f4"):
        x = np.sort(domain(centre + np.spacing(centre) * steps).astype("f4"))
        if name == "log1p" and centre <= -1:
            continue
        y = value(f(tensor(np.ascontiguousarray(x)))).astype(np.float64)
        y = y[np.isfinite(y)]
        step = np.diff(y) / np.spacing(np.abs(y[1:]).astype(np.float32))
        step = -step if name in ("acos", "erfc") else step
        assert step.min() >= -2.0, f"{name} turns back by {-step.min():.1f} units near {centre}"


def test_sigmoid_of_large_negative_numbers():
    """Where e^-x overflows the result is 0, off by less than the smallest normal number."""
    y = value(ng.sigmoid(ng.tensor([-88.0, -88.8, -104.0, -1e30])))
    assert abs(y[0] - 6.054601e-39) < 1e-44 and (y[1:] == 0).all()


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_near_the_zeros_of_sin_and_cos(name):
    """Floats next to multiples of pi / 2, where the reduction must keep the most digits."""
    f, exact, _, bound = FUNCTIONS[name]
    steps = np.concatenate([np.arange(1, 100_000), np.geomspace(1e5, 1e15, 20_000).round()])
    x = (steps * (np.pi / 2)).astype(np.float32)
    error = units(value(f(tensor(x))), exact(x.astype(np.float64)))
    assert error.max() <= bound, f"{name}({x[error.argmax()]!r}) is {error.max():.2f} units off"


def test_powers_of_ten():
    """Every power of ten that float32 holds as nearly as it can has a whole log10."""
    powers = np.arange(-37, 39)
    np.testing.assert_array_equal(value(ng.log10(tensor((10.0**powers).astype("f4")))), powers)


def test_atan2_in_units_of_the_last_place():
    """Every octant, and every ratio of sizes from a denormal one to one above the largest."""
    rng = np.random.default_rng(1)
    x = rng.permutation(X[np.isfinite(X)])
    y = np.where(rng.random(x.size) < 0.5, x * rng.normal(size=x.size), rng.permutation(x))
    with np.errstate(over="ignore"):
        y = y.astype(np.float32)
    error = units(value(ng.atan2(tensor(y), tensor(x))), np.arctan2(y.astype("f8"), x.astype("f8")))
    assert error.max() <= 2.0, f"atan2({y[error.argmax()]!r}, {x[error.argmax()]!r})"


SPECIAL = np.array([0, 1e-45, 1, 2, 3.4028235e38, np.inf, np.nan], "f4")
SPECIAL = np.concatenate([SPECIAL, -SPECIAL])


def same_specials(got, want):
    """NaN, infinities and zeros, the sign of zeros too, where the reference has them."""
    want = want.astype(np.float32)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    exact = np.isinf(want) | (want == 0)
    np.testing.assert_array_equal(got[exact], want[exact])
    number = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got[number]), np.signbit(want[number]))


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"expm1"}))
def test_special_values(name):
    f, exact, _, _ = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        same_specials(value(f(tensor(SPECIAL))), exact(SPECIAL.astype(np.float64)))


def test_special_values_of_atan2():
    y, x = (np.ascontiguousarray(m.ravel()) for m in np.meshgrid(SPECIAL, SPECIAL))
    want = np.arctan2(y.astype(np.float64), x.astype(np.float64))
    same_specials(value(ng.atan2(tensor(y), tensor(x))), want)
