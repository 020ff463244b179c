"""Rows: comparisons with a tolerance, shifts of bits, kinds of numbers, other names."""

import numpy as np

from .row import Op, case, error, fixed, index

EXTREMES = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 1e30, -1e-30])
A, B = (g.reshape(-1) for g in np.meshgrid(EXTREMES, EXTREMES))


def shift(name, reference):
    return Op(
        name,
        lambda lib, x, n: getattr(lib, name)(x, n),
        reference,
        (
            case(index((3, 4), 9), index((4,), 5)),
            case(fixed([-7, 7, 0]), fixed([1, 2, 3])),
            case(index((3,), 9), index((), 3)),
            case(index((0, 2), 9), index((2,), 3)),
        ),
        order=0,
        dtypes={
            ("int8", "int32"): "int32",
            ("uint8", "uint8"): "uint8",
            ("float32", "int64"): TypeError,
            ("bool", "bool"): TypeError,
        },
        errors=(error(ValueError, "do not broadcast", index((2,), 3), index((3,), 3)),),
    )


def close(**options):
    return lambda lib, x, y: lib.isclose(x, y, **options)


OPS = [
    shift("bitwise_left_shift", lambda x, n: x << n),
    shift("bitwise_right_shift", lambda x, n: x >> n),
    Op(
        "isclose",
        lambda lib, x, y, **o: lib.isclose(x, y, **o),
        lambda x, y, **o: np.isclose(x, y, **o),
        (
            case(fixed([1.0, 1.0, 1.0]), fixed([1.0, 1.000001, 1.1])),
            case(fixed([[1e9], [0.0]]), fixed([1e9 + 1, 1e-9])),
            case(fixed([1.0, 2.0]), fixed([1.2, 2.9]), rtol=0.0, atol=0.5),
            case(fixed([1.0, np.nan]), fixed([np.nan, np.nan]), equal_nan=True),
            case(fixed([3, 4]), fixed([3, 5])),
            case(fixed(0.5), (0,)),
        ),
        order=0,
        dtypes={("float16", "float16"): "bool", ("bool", "bool"): "bool"},
        special=((A, B),),
        errors=(
            error(TypeError, "one type", (2,), (2,), dtypes=("float32", "float64")),
            error(ValueError, "must not be negative", (2,), (2,), rtol=-1.0),
        ),
    ),
    Op(
        "isposinf",
        lambda lib, x: lib.isposinf(x),
        np.isposinf,
        (case((3,)), case(fixed(EXTREMES)), case(fixed([1, 2])), case((0, 2))),
        order=0,
        dtypes={("int64",): "bool", ("bool",): "bool"},
    ),
    Op(
        "isneginf",
        lambda lib, x: lib.isneginf(x),
        np.isneginf,
        (case((3,)), case(fixed(EXTREMES)), case(fixed([1, 2])), case((0, 2))),
        order=0,
        dtypes={("int64",): "bool", ("bool",): "bool"},
    ),
]
