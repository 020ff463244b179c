"""Rows: arithmetic, comparison and elementwise functions."""

import math

import numpy as np

from .row import Op, case, error, fixed, index, mask, pin, uniform

INF, NAN = math.inf, math.nan
UNARY = (case((3, 4)), case(()), case((0, 3)), case((2, 3, 5)), case((67,)), case((1,)))
BINARY = (
    case((3, 4), (3, 4)),
    case((), (2, 3)),
    case((2, 3), ()),
    case((), ()),
    case((3, 1), (4,)),
    case((3, 1), (1, 4)),
    case((4, 4), (4,)),
    case((4, 4), (4, 1)),
    case((2, 1, 5), (3, 1)),
    case((0, 3), (1, 3)),
    case((1, 0), (3, 1)),
    case((65,), (65,)),
)
SPECIAL = ([0.0, -0.0, INF, -INF, NAN, 88.0, -88.0, 1e-30, -1e-30, 1e30, -1e30, 1.0, -1.0],)
_pairs = np.array(
    [
        (a, b)
        for a in (0.0, -0.0, 1.0, -2.0, INF, -INF, NAN)
        for b in (0.0, -0.0, 1.0, -2.0, INF, -INF, NAN)
    ]
)
SPECIAL_PAIRS = (_pairs[:, 0], _pairs[:, 1])

MISMATCH = r"\(3, 4\).*\(3, 5\)"
KEEPS = {(d,): d for d in ("int8", "int16", "int32", "int64", "uint8")}
TO_FLOAT = {(d,): "float32" for d in ("int8", "int32", "int64", "uint8", "bool")}
PROMOTES = {
    ("int64", "float32"): "float32",
    ("float32", "int64"): "float32",
    ("int32", "int64"): "int64",
    ("uint8", "int8"): "int16",
    ("uint8", "int32"): "int32",
    ("bool", "uint8"): "uint8",
    ("bool", "float32"): "float32",
    ("float32", "float64"): "float64",
    ("float16", "float32"): "float32",
    ("int64", "float16"): "float16",
    ("int16", "int8"): "int16",
}
DIVIDES = {
    ("int64", "int64"): "float32",
    ("uint8", "bool"): "float32",
    ("int64", "float64"): "float64",
    ("float16", "int64"): "float16",
    ("float32", "float64"): "float64",
}
COMPARES = {
    ("int64", "float32"): "bool",
    ("uint8", "int8"): "bool",
    ("bool", "bool"): "bool",
    ("float32", "float64"): "bool",
    ("float16", "float16"): "bool",
}

erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x))))


def exact_sigmoid(x):
    """Without the cancellation that 1 - 1 / (1 + e^x) has for very negative x."""
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + z), z / (1 + z))


def gelu(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(x * beta > threshold, x, np.logaddexp(0, beta * x) / beta)


def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, negative_slope * x)


def clamp(x, min=None, max=None):
    return np.where(np.isnan(x), x, np.clip(x, min, max))


def unary(name, f, reference, functions, cases=UNARY, dtypes=TO_FLOAT, special=(SPECIAL,), **more):
    return Op(
        name, f, reference, cases=cases, functions=functions, dtypes=dtypes, special=special, **more
    )


def F(lib):
    return lib.nn.functional


POSITIVE = dict(domain=(0.2, 3.0))
STEPS = dict(kinks=(-2.0, -1.0, 0.0, 1.0, 2.0), pins=(pin([1.0, 0.5], grads=([0.0, 0.0],)),))

UNARY_OPS = [
    unary(
        "neg",
        lambda lib, x: lib.neg(x),
        np.negative,
        ("Neg",),
        dtypes={**KEEPS, ("bool",): TypeError},
    ),
    unary(
        "abs",
        lambda lib, x: lib.abs(x),
        np.abs,
        ("Abs",),
        dtypes=KEEPS,
        kinks=(0.0,),
        pins=(pin([0.0, -0.0, 3.0, -3.0], grads=([0.0, 0.0, 1.0, -1.0],)),),
    ),
    unary(
        "sign",
        lambda lib, x: lib.sign(x),
        lambda x: np.where(np.isnan(x), 0, np.sign(x)),
        ("Sign",),
        dtypes={**KEEPS, ("bool",): "bool"},
        kinks=(0.0,),
        pins=(pin([0.0, 3.0], grads=([0.0, 0.0],)),),
    ),
    unary("exp", lambda lib, x: lib.exp(x), np.exp, ("Exp",)),
    unary("log", lambda lib, x: lib.log(x), np.log, ("Log",), **POSITIVE),
    unary("sqrt", lambda lib, x: lib.sqrt(x), np.sqrt, ("Sqrt",), **POSITIVE),
    unary("rsqrt", lambda lib, x: lib.rsqrt(x), lambda x: 1 / np.sqrt(x), ("Rsqrt",), **POSITIVE),
    unary(
        "sin",
        lambda lib, x: lib.sin(x),
        np.sin,
        ("Sin",),
        special=(([0.0, -0.0, INF, -INF, NAN, 88.0, -88.0, 1e-30, 1e4],),),
    ),
    unary(
        "cos",
        lambda lib, x: lib.cos(x),
        np.cos,
        ("Cos",),
        special=(([0.0, -0.0, INF, -INF, NAN, 88.0, -88.0, 1e-30, 1e4],),),
    ),
    unary("tanh", lambda lib, x: lib.tanh(x), np.tanh, ("Tanh", "TanhGrad")),
    unary("sigmoid", lambda lib, x: lib.sigmoid(x), exact_sigmoid, ("Sigmoid", "SigmoidGrad")),
    unary(
        "relu",
        lambda lib, x: lib.relu(x),
        lambda x: np.where(np.isnan(x), x, np.where(x > 0, x, 0)),
        ("ReLU", "ReLUGrad"),
        dtypes=KEEPS,
        kinks=(0.0,),
        pins=(pin([0.0, -0.0, 2.0, -2.0], grads=([0.0, 0.0, 1.0, 0.0],)),),
    ),
    unary(
        "leaky_relu",
        lambda lib, x, **o: F(lib).leaky_relu(x, **o),
        leaky_relu,
        ("LeakyReLU", "LeakyReLUGrad"),
        cases=(*UNARY, case((3, 4), negative_slope=0.2)),
        dtypes={},
        kinks=(0.0,),
        pins=(pin([0.0, 2.0, -2.0], grads=([0.2, 1.0, 0.2],), negative_slope=0.2),),
    ),
    unary("gelu", lambda lib, x: F(lib).gelu(x), gelu, ("GELU", "GELUGrad"), dtypes={}),
    unary(
        "gelu_tanh",
        lambda lib, x: F(lib).gelu(x, approximate="tanh"),
        gelu_tanh,
        ("GELUTanh", "GELUTanhGrad"),
        dtypes={},
        error_name="gelu",
        special=(([0.0, -0.0, INF, NAN, 88.0, -88.0, 1.0, -1.0],),),
        errors=(
            error(
                (ValueError, RuntimeError),
                "sigmoid",
                (3,),
                call=lambda lib, x: F(lib).gelu(x, approximate="sigmoid"),
            ),
        ),
    ),
    unary(
        "silu",
        lambda lib, x: F(lib).silu(x),
        lambda x: x * exact_sigmoid(x),
        ("SiLU", "SiLUGrad"),
        dtypes={},
    ),
    unary(
        "softplus",
        lambda lib, x, **o: F(lib).softplus(x, **o),
        softplus,
        ("Softplus", "SoftplusGrad"),
        dtypes={},
        cases=(*UNARY, case((3, 4), beta=2.0), case((3, 4), beta=3.0, threshold=2.0)),
    ),
    unary("erf", lambda lib, x: lib.erf(x), erf, ("Erf",)),
    unary("square", lambda lib, x: lib.square(x), np.square, ("Square",), dtypes=KEEPS),
    unary(
        "reciprocal",
        lambda lib, x: lib.reciprocal(x),
        np.reciprocal,
        ("Reciprocal",),
        domain=(0.4, 2.0),
        dtypes={},
    ),
    unary("log1p", lambda lib, x: lib.log1p(x), np.log1p, ("Log1p",), domain=(-0.8, 3.0)),
    unary("floor", lambda lib, x: lib.floor(x), np.floor, ("Step",), dtypes=KEEPS, **STEPS),
    unary("ceil", lambda lib, x: lib.ceil(x), np.ceil, ("Step",), dtypes=KEEPS, **STEPS),
]


def compare(name, f, reference):
    return Op(
        name,
        f,
        reference,
        cases=(*BINARY, case(fixed([0.0, 1.0, 2.0]), fixed([0.0, 2.0, 1.0]))),
        order=0,
        dtypes=COMPARES,
        special=(SPECIAL_PAIRS,),
        errors=(error(ValueError, MISMATCH, (3, 4), (3, 5)),),
    )


ARITHMETIC = [
    Op(
        "add",
        lambda lib, x, y: lib.add(x, y),
        np.add,
        BINARY,
        ("Add",),
        dtypes={**PROMOTES, ("bool", "bool"): "bool"},
        special=(SPECIAL_PAIRS,),
        errors=(error(ValueError, MISMATCH, (3, 4), (3, 5)),),
    ),
    Op(
        "add_alpha",
        lambda lib, x, y: lib.add(x, y, alpha=-2.5),
        lambda x, y: x - 2.5 * y,
        (case((3, 4), (3, 4)), case((3, 1), (4,))),
        ("Add",),
        error_name="add",
    ),
    Op(
        "sub",
        lambda lib, x, y: lib.sub(x, y),
        np.subtract,
        BINARY,
        ("Sub",),
        dtypes={k: TypeError if "bool" in k else v for k, v in PROMOTES.items()},
        special=(SPECIAL_PAIRS,),
        errors=(
            error(ValueError, MISMATCH, (3, 4), (3, 5)),
            error(TypeError, "bool", (3,), (3,), dtypes=("bool", "bool")),
        ),
    ),
    Op(
        "mul",
        lambda lib, x, y: lib.mul(x, y),
        np.multiply,
        BINARY,
        ("Mul",),
        dtypes={**PROMOTES, ("bool", "bool"): "bool"},
        special=(SPECIAL_PAIRS,),
        errors=(error(ValueError, MISMATCH, (3, 4), (3, 5)),),
    ),
    Op(
        "div",
        lambda lib, x, y: lib.div(x, y),
        np.divide,
        (*BINARY, case((3, 4), uniform((4,), 0.5, 2.0)), case((3, 1), uniform((4,), -2.0, -0.5))),
        ("Div",),
        domain=(0.5, 2.0),
        dtypes=DIVIDES,
        special=(SPECIAL_PAIRS,),
        errors=(error(ValueError, MISMATCH, (3, 4), (3, 5)),),
    ),
    Op(
        "pow",
        lambda lib, x, y: lib.pow(x, y),
        np.power,
        (*BINARY, case(uniform((3, 4), 0.5, 2), uniform((4,), -3, 3))),
        ("Pow",),
        domain=(0.3, 2.0),
        special=(SPECIAL_PAIRS,),
        errors=(error(ValueError, MISMATCH, (3, 4), (3, 5)),),
        # d/dy 0^y is taken as 0 for all y >= 0, and d/dx x^0 is 0 even at 0
        pins=(
            pin([0.0, 0.0, 2.0], [2.0, 0.0, 0.0], grads=([0.0, 0.0, 0.0], [0.0, 0.0, math.log(2)])),
        ),
    ),
    *[
        Op(
            f"pow_{p}",
            lambda lib, x, p=p: x**p,
            lambda x, p=p: np.power(x, float(p)),
            UNARY,
            (name,),
            domain=d,
            special=(([0.0, -0.0, INF, -INF, NAN, 1.0, -2.0],),),
        )
        for p, d, name in (
            (2, (-2.0, 2.0), "Square"),
            (3, (-2.0, 2.0), "Pow"),
            (-1, (0.4, 2.0), "Reciprocal"),
            (0.5, (0.4, 2.0), "Sqrt"),
            (2.5, (0.4, 2.0), "Pow"),
            (0, (-2.0, 2.0), "Pow"),
            (1, (-2.0, 2.0), "Clone"),
            (-2, (0.4, 2.0), "Pow"),
        )
    ],
    *[
        Op(
            f"rpow_{base}",
            lambda lib, x, base=base: base**x,
            lambda x, base=base: np.power(base, x),
            (case((3, 4)),),
            order=0,
            special=(([0.0, -0.0, 1.0, -1.0, 2.0, -3.0, INF, NAN],),),
        )
        for base in (0.0, -2.0)
    ],
    Op("rpow", lambda lib, x: 2.5**x, lambda x: 2.5**x, UNARY, special=(([0.0, INF, -INF, NAN],),)),
    Op(
        "maximum",
        lambda lib, x, y: lib.maximum(x, y),
        np.maximum,
        BINARY,
        ("Maximum",),
        distinct=True,
        dtypes={**PROMOTES, ("bool", "bool"): "bool"},
        special=(SPECIAL_PAIRS,),
        pins=(pin([1.0, 2.0, 0.0], [1.0, 1.0, 3.0], grads=([0.5, 1.0, 0.0], [0.5, 0.0, 1.0])),),
        errors=(error(ValueError, MISMATCH, (3, 4), (3, 5)),),
    ),
    Op(
        "minimum",
        lambda lib, x, y: lib.minimum(x, y),
        np.minimum,
        BINARY,
        ("Minimum",),
        distinct=True,
        dtypes={**PROMOTES, ("bool", "bool"): "bool"},
        special=(SPECIAL_PAIRS,),
        pins=(pin([1.0, 2.0, 0.0], [1.0, 1.0, 3.0], grads=([0.5, 0.0, 1.0], [0.5, 1.0, 0.0])),),
        errors=(error(ValueError, MISMATCH, (3, 4), (3, 5)),),
    ),
    Op(
        "remainder",
        lambda lib, x, y: lib.remainder(x, y),
        np.remainder,
        (*BINARY, case(uniform((3, 4), -5, 5), uniform((4,), -1.6, -1.2))),
        ("Remainder",),
        domain=(1.3, 1.9),  # away from where the quotient is a whole number
        distinct=True,
        dtypes={k: v for k, v in PROMOTES.items() if "bool" not in k},
        special=(SPECIAL_PAIRS,),
        errors=(
            error(ValueError, MISMATCH, (3, 4), (3, 5)),
            error(
                (ZeroDivisionError, RuntimeError),
                "0",
                call=lambda lib: lib.tensor([3]) % lib.tensor([0]),
            ),
        ),
    ),
    Op(
        "floor_divide",
        lambda lib, x, y: lib.floor_divide(x, y),
        np.floor_divide,
        (case((3, 4), uniform((4,), 1.1, 3.0)), case((3, 4), uniform((4,), -1.0, -0.3))),
        domain=(0.7, 5.0),
        order=0,
        dtypes={k: v for k, v in PROMOTES.items() if "bool" not in k},
        special=(SPECIAL_PAIRS,),
        errors=(error(ValueError, MISMATCH, (3, 4), (3, 5)),),
    ),
    # one tensor as both arguments, and arguments that depend on each other
    Op("mul_self", lambda lib, x: x * x, np.square, UNARY),
    Op("add_self", lambda lib, x: (x + x) * (x + x), lambda x: 4 * x * x, UNARY),
    Op("div_self", lambda lib, x: x / (x * x), lambda x: 1 / x, UNARY, domain=(0.5, 2.0)),
]

SCALARS = [
    Op(
        f"scalar_{label}",
        lambda lib, x, f=f: f(x),
        f,
        (case((3, 4)), case(()), case((0, 2))),
        domain=d,
        dtypes=dtypes,
    )
    for label, f, d, dtypes in (
        ("add", lambda x: x + 2.5, (-2, 2), {("int64",): "float32", ("float16",): "float16"}),
        (
            "radd",
            lambda x: 2 + x,
            (-2, 2),
            {("int64",): "int64", ("uint8",): "uint8", ("bool",): "int64"},
        ),
        ("sub", lambda x: x - 3, (-2, 2), {("int32",): "int32"}),
        ("rsub", lambda x: 2.5 - x, (-2, 2), {("int32",): "float32"}),
        ("mul", lambda x: x * -3, (-2, 2), {("int8",): "int8", ("float16",): "float16"}),
        ("rmul", lambda x: 1.5 * x, (-2, 2), {("int8",): "float32"}),
        ("div", lambda x: x / 4, (-2, 2), {("int64",): "float32", ("float16",): "float16"}),
        ("rdiv", lambda x: 3 / x, (0.5, 2), {}),
        ("mul_bool", lambda x: x * True, (-2, 2), {("int8",): "int8"}),
        ("chain", lambda x: 1 - 2 * (x - 0.5) / 3 + 4 / (x + 5), (-2, 2), {}),
    )
]

COMPARISONS = [
    compare("eq", lambda lib, x, y: lib.eq(x, y), np.equal),
    compare("ne", lambda lib, x, y: lib.ne(x, y), np.not_equal),
    compare("lt", lambda lib, x, y: lib.lt(x, y), np.less),
    compare("le", lambda lib, x, y: lib.le(x, y), np.less_equal),
    compare("gt", lambda lib, x, y: lib.gt(x, y), np.greater),
    compare("ge", lambda lib, x, y: lib.ge(x, y), np.greater_equal),
    Op(
        "compare_scalar",
        lambda lib, x: ((x > 0) == (x > 0)) != (x <= 0.5),
        lambda x: ~(x <= 0.5),
        UNARY,
        order=0,
    ),
]

TRUTHS = (
    [
        Op(
            name,
            lambda lib, x, name=name: getattr(lib, name)(x),
            getattr(np, name),
            UNARY,
            order=0,
            special=(SPECIAL,),
        )
        for name in ("isnan", "isinf", "isfinite")
    ]
    + [
        Op(
            f"logical_{name}",
            lambda lib, x, y, name=name: getattr(lib, f"logical_{name}")(x, y),
            getattr(np, f"logical_{name}"),
            (
                case(index((3, 4), 3), index((4,), 2)),
                case(mask((3, 1)), mask((4,))),
                case((2,), (2,)),
            ),
            order=0,
            dtypes={("int64", "bool"): "bool", ("float32", "int8"): "bool"},
        )
        for name in ("and", "or", "xor")
    ]
    + [
        Op(
            f"bitwise_{label}",
            lambda lib, x, y, name=f"bitwise_{label}": getattr(lib, name)(x, y),
            f,
            (case(index((3, 4), 9), index((4,), 9)), case(mask((3, 1)), mask((4,)))),
            order=0,
            dtypes={
                ("int8", "int32"): "int32",
                ("bool", "bool"): "bool",
                ("uint8", "bool"): "uint8",
            },
            errors=(
                error((TypeError, RuntimeError), "float", (3,), (3,), call=lambda lib, x, y: x & y),
            ),
            error_name="bitwise",
        )
        for label, f in (
            ("and", lambda x, y: x & y),
            ("or", lambda x, y: x | y),
            ("xor", lambda x, y: x ^ y),
        )
    ]
    + [
        Op(
            "bitwise_not",
            lambda lib, x: lib.bitwise_not(x),
            lambda x: ~x,
            (case(index((3,), 9)), case(mask((3,)))),
            order=0,
            dtypes={("int8",): "int8", ("bool",): "bool"},
        ),
        Op(
            "logical_not",
            lambda lib, x: lib.logical_not(x),
            np.logical_not,
            (case(index((5,), 2)), case(mask((3,))), case((2,))),
            order=0,
        ),
    ]
)

CHOICES = [
    Op(
        "clamp",
        lambda lib, x, **o: lib.clamp(x, **o),
        clamp,
        (
            case((3, 4), min=-0.7, max=0.8),
            case((3, 4), min=-0.7),
            case((3, 4), max=0.8),
            case((), min=0.8),
            case((0, 2), max=0.8),
            case((67,), min=-0.7, max=0.8),
        ),
        ("Clamp", "ClampGrad"),
        kinks=(-0.7, 0.8),
        special=(SPECIAL,),
        special_options=dict(min=-1.0, max=1.0),
        # both bounds belong to the interval where the gradient passes
        pins=(
            pin([-1.0, 1.0, 0.0, -2.0, 2.0], grads=([1.0, 1.0, 1.0, 0.0, 0.0],), min=-1.0, max=1.0),
            pin([-1.0, 0.0, -2.0], grads=([1.0, 1.0, 0.0],), min=-1.0),
            pin([0.0, 1.5, 3.0, NAN], grads=([0.0, 0.0, 0.0, 0.0],), min=2.0, max=1.0),
        ),
        errors=(error(ValueError, "min", (3,), call=lambda lib, x: lib.clamp(x)),),
    ),
    Op(
        "where",
        lambda lib, c, x, y: lib.where(c, x, y),
        np.where,
        (
            case(mask((3, 4)), (3, 4), (3, 4)),
            case(mask((4,)), (3, 1), (1, 4)),
            case(mask((3, 1)), (), (4,)),
            case(mask(()), (2,), (2,)),
            case(mask((0, 3)), (1, 3), (0, 1)),
            case(mask((67,)), (67,), (67,)),
        ),
        ("Where",),
        dtypes={
            ("bool", "int64", "float32"): "float32",
            ("bool", "bool", "bool"): "bool",
            ("bool", "float32", "float64"): "float64",
            ("bool", "uint8", "int8"): "int16",
        },
        special=(([True, False, True, False], [INF, INF, NAN, NAN], [1.0, NAN, 2.0, -INF]),),
        pins=(pin([True, False], [0.0, 0.0], [0.0, 0.0], grads=([1.0, 0.0], [0.0, 1.0])),),
        errors=(
            error(ValueError, r"\(3,\).*\(4,\)", mask((3,)), (4,), (4,)),
            error(TypeError, "float32", (3,), (3,), (3,)),
        ),
    ),
    Op(
        "where_scalar",
        lambda lib, c, x: lib.where(c, x, -1.5),
        lambda c, x: np.where(c, x, -1.5),
        (case(mask((3, 4)), (3, 4)), case(mask((3, 1)), (4,))),
        ("Where",),
        error_name="where",
    ),
    Op(
        "where_scalar_first",
        lambda lib, c, x: lib.where(c, 2.0, x),
        lambda c, x: np.where(c, 2.0, x),
        (case(mask((3, 4)), (3, 4)), case(mask((3, 1)), (4,))),
        ("Where",),
        error_name="where",
    ),
]

OPS = [*UNARY_OPS, *ARITHMETIC, *SCALARS, *COMPARISONS, *TRUTHS, *CHOICES]
