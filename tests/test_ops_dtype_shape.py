"""Integer, boolean and half inputs, and type promotion: what PyTorch gives, written down."""

import numpy as np
import pytest

import naivegrad as ng
from harness import (
    OPS,
    TOLERANCE,
    assert_close,
    call,
    dtype_name,
    is_float,
    reference,
    tensor,
    value,
)
from table import draw

DTYPES = [
    pytest.param(op, dtypes, want, id=f"{op.name}-{'-'.join(dtypes)}")
    for op in OPS
    for dtypes, want in op.dtypes.items()
]


def convert(array, dtype):
    """Drawn floats as integers keep their sign and differ; an unsigned dtype takes their size."""
    if is_float(array) and not dtype.startswith("float"):
        array = np.round(array * 3)
        if dtype == "uint8":
            array = np.abs(array)
    return np.asarray(array.astype(dtype))


@pytest.mark.parametrize(("op", "dtypes", "want"), DTYPES)
def test_result_dtype(op, dtypes, want):
    one = next(c for c in op.cases if len(c.inputs) == len(dtypes))
    arrays = [convert(a, d) for a, d in zip(draw(op, one), dtypes, strict=True)]
    inputs = [tensor(a) for a in arrays]
    if not isinstance(want, str):
        with pytest.raises(want):
            call(op, inputs, one)
        return
    result = call(op, inputs, one)[0]
    assert dtype_name(result.dtype) == want
    assert result.array.dtype == np.dtype(want)
    if "uint8" in dtypes and op.name in ("sub", "neg", "scalar_radd"):
        return  # wraps around, unlike the float64 reference
    wide = [
        a if a.dtype.kind in "biu" and i in _kept(one) else a.astype(np.float64)
        for i, a in enumerate(arrays)
    ]
    expected = reference(op, wide, one.options)[0]
    if want == "bool":
        expected = expected.astype(bool)
    if want.startswith("float"):
        with np.errstate(over="ignore"):
            assert_close(
                value(result),
                expected.astype(want),
                TOLERANCE[want] * (5 if "float16" in dtypes else 1),
            )
    else:
        np.testing.assert_array_equal(value(result), expected.astype(want))


def _kept(one):
    """Positions of indices and masks, which the reference takes as they are."""
    return {i for i, spec in enumerate(one.inputs) if spec.draw is not None}


FLOATS = ("float16", "float32", "float64")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


def category(dtype):
    return 0 if dtype == "bool" else 1 if dtype in INTEGERS else 2


def promoted(a, b):
    """Floats win over integers, integers over bool; else the narrowest that holds both."""
    if {a, b} == {"uint8", "int8"}:
        return "int16"
    order = ("bool", *INTEGERS, *FLOATS)
    return max(a, b, key=order.index)


@pytest.mark.parametrize("a", ("bool", *INTEGERS, *FLOATS))
@pytest.mark.parametrize("b", ("bool", *INTEGERS, *FLOATS))
def test_promotion_of_every_pair(a, b):
    x, y = ng.ones(2, dtype=getattr(ng, a)), ng.ones(2, dtype=getattr(ng, b))
    want = promoted(a, b)
    assert dtype_name((x + y).dtype) == want
    assert dtype_name((x * y).dtype) == want
    # A 0-d tensor of the same or a lower category does not widen one with dimensions.
    zero_d = ng.ones((), dtype=getattr(ng, b))
    assert dtype_name((x + zero_d).dtype) == (a if category(b) <= category(a) else b)
    assert dtype_name((zero_d * x).dtype) == (a if category(b) <= category(a) else b)


def test_python_scalars_are_weak():
    for dtype in FLOATS:
        x = ng.ones(2, dtype=getattr(ng, dtype))
        for y in (x + 1, 1 - x, x * 2.5, 2.5 / x, x**2, 2**x, x + True):
            assert dtype_name(y.dtype) == dtype
    i = ng.ones(2, dtype=ng.int32)
    assert dtype_name((i + 1).dtype) == "int32"
    assert dtype_name((i + 1.0).dtype) == "float32"
    assert dtype_name((i / 2).dtype) == "float32"
    b = ng.ones(2, dtype=ng.bool)
    assert dtype_name((b + 1).dtype) == "int64"
    assert dtype_name((b * 1.0).dtype) == "float32"


def test_a_scalar_that_does_not_fit_is_not_wrapped_silently():
    x = ng.ones(2, dtype=ng.float32)
    assert value(x + 1e300).tolist() == [np.inf, np.inf]
    assert value(x * 1e300).tolist() == [np.inf, np.inf]


def test_float16_and_integers_do_not_lose_their_gradient_dtype():
    x = ng.ones(3, dtype=ng.float16, requires_grad=True)
    w = ng.full((3,), 2.0, dtype=ng.float32, requires_grad=True)
    (x * w).sum().backward()
    assert dtype_name(x.grad.dtype) == "float16" and dtype_name(w.grad.dtype) == "float32"
