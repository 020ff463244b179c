"""The float32 functions of kernels/vector_math.h, in units of the last place, over their range.

The reference is the float64 C library, exact far beyond the digits of float32. The dense loop is
vectorised and the strided one is not: both are held to the bound.
"""

import math

import numpy as np
import pytest

import naivegrad as ng
from harness import tensor, value

erf = np.vectorize(math.erf, otypes=[np.float64])


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


@pytest.mark.parametrize("name", FUNCTIONS)
def test_monotone(name):
    """No jumps where the pieces of a function meet."""
    f, _, domain, _ = FUNCTIONS[name]
    steps = np.arange(-500, 500)
    for centre in np.array([-1, -0.625, 0.625, 1, 4, 0.5**0.5, 2**0.5, math.log(2) / 2, 88], "f4"):
        x = np.sort(domain(centre + np.spacing(centre) * steps).astype("f4"))
        if name == "log1p" and centre <= -1:
            continue
        y = value(f(tensor(np.ascontiguousarray(x)))).astype(np.float64)
        step = np.diff(y) / np.spacing(np.abs(y[1:]).astype(np.float32))
        assert step.min() >= -2.0, f"{name} falls by {-step.min():.1f} units near {centre}"


def test_sigmoid_of_large_negative_numbers():
    """Where e^-x overflows the result is 0, off by less than the smallest normal number."""
    y = value(ng.sigmoid(ng.tensor([-88.0, -88.8, -104.0, -1e30])))
    assert abs(y[0] - 6.054601e-39) < 1e-44 and (y[1:] == 0).all()
