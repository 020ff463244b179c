"""Rows: interpolation, sums with a weight, functions of two arguments."""

import numpy as np
from scipy import special

from .elementwise import BINARY, MISMATCH
from .row import Op, case, error, fixed, index, pin, uniform

FLOATS = {("float16", "float32"): "float32", ("int64", "float32"): "float32"}
TRIPLES = (
    case((3, 4), (3, 4), (3, 4)),
    case((3, 1), (4,), ()),
    case((2, 3, 4), (3, 1), (2, 1, 1)),
    case((0, 3), (1, 3), (3,)),
)


def pair(name, reference, functions=(), cases=BINARY, **more):
    more.setdefault("errors", (error(ValueError, MISMATCH, (3, 4), (3, 5)),))
    return Op(name, lambda lib, x, y: getattr(lib, name)(x, y), reference, cases, functions, **more)


def np_lerp(x, y, w):
    return x + w * (y - x)


LOG2 = float(np.log(2.0))
NANS = (np.array([np.nan, 1.0, np.inf, np.nan]), np.array([1.0, np.nan, np.nan, np.nan]))
HUGE = (np.array([1000.0, -1000.0, np.nan, -np.inf]), np.array([999.0, -1001.0, 1.0, 2.0]))
NAN_PIN = pin([1.0, 2.0, np.nan], [1.0, np.nan, 3.0], grads=([1, 1, 0], [0, 0, 1]))

OPS = [
    Op(
        "lerp",
        lambda lib, x, y, w: lib.lerp(x, y, w),
        np_lerp,
        TRIPLES,
        ("Lerp",),
        errors=(
            error(TypeError, "of one type", (2,), (2,), (2,), dtypes=("float32", "float64")),
            error(TypeError, "floating-point", index((2,), 3), index((2,), 3), (2,)),
            error(ValueError, r"\(3,\).*\(4,\)", (3,), (4,), (3,), dtypes=()),
        ),
    ),
    Op(
        "lerp by a number",
        lambda lib, x, y, w: lib.lerp(x, y, w),
        np_lerp,
        tuple(case((3, 4), (4,), w=w) for w in (0, 0.25, 0.5, 1, -2.0, 3)),
        ("Lerp",),
    ),
    Op(
        "addcmul",
        lambda lib, x, y, z, **o: lib.addcmul(x, y, z, **o),
        lambda x, y, z, value=1: x + value * y * z,
        (*TRIPLES, case((3, 4), (4,), (3, 1), value=-0.5)),
        dtypes={
            ("int32", "float32", "float64"): "float64",
            ("int8", "int32", "uint8"): "int32",
        },
        errors=(
            error(
                TypeError,
                "tensor1 must be a Tensor",
                call=lambda lib: lib.addcmul(lib.ones(2), 2, lib.ones(2)),
            ),
        ),
    ),
    Op(
        "addcdiv",
        lambda lib, x, y, z, **o: lib.addcdiv(x, y, z, **o),
        lambda x, y, z, value=1: x + value * y / z,
        (*TRIPLES, case((3, 4), (4,), (3, 1), value=-0.5)),
        domain=(0.5, 2.0),
        dtypes={
            ("int32", "float32", "float64"): "float64",
            ("float32", "int64", "int64"): TypeError,
        },
    ),
    pair(
        "hypot",
        np.hypot,
        ("Hypot",),
        dtypes={("float16", "float32"): "float32", ("int32", "int64"): TypeError},
        special=((np.array([3e18, np.inf, 0.0, np.nan]), np.array([4e18, 1.0, 2.0, 1.0])),),
    ),
    pair(
        "copysign",
        np.copysign,
        ("CopySign",),
        kinks=(0.0,),
        pins=(pin([0.0, -2.0, 3.0], [-1.0, 1.0, -0.0], grads=([0, -1, -1], [0, 0, 0])),),
        dtypes={**FLOATS, ("int32", "int32"): "float32", ("bool", "int8"): "float32"},
    ),
    pair(
        "nextafter",
        np.nextafter,
        order=0,
        cases=(case((3, 4), (3, 4)), case((3, 1), (4,))),
        dtypes={("int64", "int64"): TypeError},
        torch=False,
    ),
    pair(
        "heaviside",
        lambda x, v: np.where(np.isnan(x), 0.0, np.heaviside(x, v)),
        cases=(
            case(fixed([-1.5, 0.0, 2.0, -0.0]), fixed([0.25])),
            case((3, 1), (4,)),
            case((), ()),
        ),
        order=0,
        torch=False,
        dtypes={("int64", "int64"): "int64", ("float32", "float64"): TypeError},
    ),
    pair(
        "logaddexp",
        np.logaddexp,
        ("LogAddExp",),
        dtypes={("float16", "float32"): "float32", ("int32", "int64"): TypeError},
        special=(
            (np.array([1000.0, -1000.0, np.nan, -np.inf]), np.array([999.0, -1001.0, 1.0, 2.0])),
        ),
    ),
    pair(
        "logaddexp2",
        np.logaddexp2,
        ("LogAddExp2",),
        dtypes={("float16", "float32"): "float32", ("int32", "int64"): TypeError},
    ),
    pair(
        "fmax",
        np.fmax,
        ("FMax",),
        distinct=True,
        dtypes={("int32", "int64"): "int64", **FLOATS, ("bool", "bool"): "bool"},
        special=(NANS,),
        kinks=(100.0,),
        pins=(NAN_PIN,),
    ),
    pair(
        "fmin",
        np.fmin,
        ("FMin",),
        distinct=True,
        dtypes={("int32", "int64"): "int64", **FLOATS, ("bool", "bool"): "bool"},
        special=(NANS,),
        kinks=(100.0,),
        pins=(NAN_PIN,),
    ),
    pair(
        "xlogy",
        special.xlogy,
        ("XLogY",),
        domain=(0.3, 2.0),
        dtypes={("int32", "int32"): "float32", ("float32", "int64"): "float32"},
        kinks=(0.0,),
        pins=(pin([0.0, 0.0, 2.0], [0.0, 4.0, 2.0], grads=([0, LOG2 * 2, LOG2], [np.nan, 0, 1])),),
        special=((np.array([0.0, 0.0, 1.0, np.nan]), np.array([np.inf, np.nan, np.inf, 1.0])),),
    ),
    Op(
        "xlog1py",
        lambda lib, x, y: lib.xlog1py(x, y),
        special.xlog1py,
        BINARY,
        ("XLog1PY",),
        domain=(-0.7, 2.0),
        torch=lambda lib, x, y: lib.special.xlog1py(x, y),
    ),
    pair(
        "ldexp",
        lambda x, n: x * 2.0**n,
        cases=(case((3, 4), (4,)), case((3, 1), uniform((4,), -2, 2)), case((2, 0), (1,))),
        dtypes={("int64", "int64"): "float32", ("float64", "int32"): "float64"},
    ),
    pair(
        "gcd",
        np.gcd,
        cases=(
            case(fixed([-4, 6, 0, 12]), fixed([6, 0, 0, 18])),
            case(index((3, 1), 40), index((4,), 40)),
        ),
        order=0,
        dtypes={("int8", "int32"): "int32", ("float32", "float32"): TypeError},
    ),
    pair(
        "lcm",
        np.lcm,
        cases=(
            case(fixed([-4, 6, 0, 12]), fixed([6, 0, 0, 18])),
            case(index((3, 1), 40), index((4,), 40)),
        ),
        order=0,
        dtypes={("int8", "int32"): "int32", ("float32", "float32"): TypeError},
    ),
    pair(
        "float_power",
        np.power,
        domain=(0.3, 2.0),
        result="float64",
        dtypes={("int64", "int64"): "float64", ("float32", "int8"): "float64"},
    ),
    Op(
        "nan_to_num",
        lambda lib, x, **o: lib.nan_to_num(x, **o),
        lambda x, **o: np.nan_to_num(x, **o),
        (case((3, 4)), case(fixed([np.nan, 1.0, -2.0]), nan=5.0), case(())),
        dtypes={("int64",): "int64", ("bool",): "bool"},
        special=(([np.nan, np.inf, -np.inf, 1.0],),),
        special_options={"nan": 1.0, "posinf": 2.0, "neginf": -3.0},
    ),
]
