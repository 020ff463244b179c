"""Rows: activations made of pieces, other smooth ones, and gated ones."""

import numpy as np

from .elementwise import INF, NAN, UNARY, F, exact_sigmoid, unary
from .row import Op, case, error, fixed, pin, uniform

ENDS = ([0.0, -0.0, INF, -INF, NAN, 88.0, -88.0, 1e-30, -1e-30, 1.0, -1.0],)
# Where PyTorch's vector loop and its scalar one give NaN, or -0, different gradients or signs.
FEW_ENDS = ([0.0, INF, -INF, 88.0, -88.0, 1e-30, 2.0, -2.0],)
FLOATS = {("int64",): TypeError, ("bool",): TypeError, ("float16",): "float16"}
KEEPS = {("int64",): "int64", ("int8",): "int8", ("bool",): TypeError, ("float16",): "float16"}


def piecewise(
    name, reference, functions, kinks, slopes, options=None, dtypes=FLOATS, special=ENDS, **more
):
    """An activation with kinks, and its slopes there."""
    options = options or {}
    return unary(
        name,
        lambda lib, x, **o: getattr(F(lib), name)(x, **o),
        reference,
        functions,
        cases=tuple(case(*c.inputs, **options) for c in UNARY),
        dtypes=dtypes,
        special=(special,),
        special_options=options,
        kinks=kinks,
        pins=(pin(list(kinks), grads=(list(slopes),), **options),),
        domain=(-4.0, 4.0),
        **more,
    )


def smooth(name, reference, functions, **more):
    return unary(
        name,
        lambda lib, x: getattr(F(lib), name)(x),
        reference,
        functions,
        **{"dtypes": FLOATS, "special": (ENDS,), **more},
    )


def hardtanh(x, min_val=-1.0, max_val=1.0):
    return np.where(np.isnan(x), x, np.clip(x, min_val, max_val))


def ramp(x):
    return hardtanh(x + 3, 0.0, 6.0)


def shrink(x, lambd, by):
    return np.where(np.abs(x) <= lambd, 0.0, x - by * np.sign(x))


def expm1(x):
    return np.expm1(np.minimum(x, 0.0))


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * expm1(x))


def celu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * expm1(x / alpha))


def mish(x):
    with np.errstate(invalid="ignore"):
        return x * np.tanh(np.logaddexp(0, x))


def along(w, x):
    return w.reshape(-1, *[1] * (x.ndim - 2)) if w.size > 1 else w.reshape(())


OPS = [
    piecewise(
        "relu6",
        lambda x: hardtanh(x, 0, 6),
        ("Hardtanh", "PieceGrad"),
        (0.0, 6.0),
        (0, 0),
        dtypes=KEEPS,
        error_name="hardtanh",
        special=FEW_ENDS,
    ),
    piecewise(
        "hardtanh",
        hardtanh,
        ("Hardtanh", "PieceGrad"),
        (-1.0, 0.5),
        (0, 0),
        dict(min_val=-1.0, max_val=0.5),
        KEEPS,
        special=FEW_ENDS,
        errors=(error(ValueError, r"1.*-1", (3,), min_val=1.0, max_val=-1.0),),
    ),
    piecewise(
        "threshold",
        lambda x, threshold, value: np.where(x <= threshold, value, x),
        ("Threshold",),
        (0.5,),
        (0,),
        dict(threshold=0.5, value=7.0),
        KEEPS,
    ),
    piecewise(
        "hardshrink",
        lambda x, lambd=0.5: shrink(x, lambd, 0),
        ("Hardshrink",),
        (-1.0, 1.0),
        (0, 0),
        dict(lambd=1.0),
        special=FEW_ENDS,
    ),
    piecewise(
        "softshrink",
        lambda x, lambd=0.5: shrink(x, lambd, lambd),
        ("Softshrink",),
        (-0.5, 0.5),
        (0, 0),
        errors=(error(ValueError, r"-1", (3,), lambd=-1.0),),
        special=FEW_ENDS,
    ),
    piecewise(
        "hardsigmoid",
        lambda x: ramp(x) / 6,
        ("Hardsigmoid",),
        (-3.0, 3.0),
        (0, 0),
        dtypes={("float16",): "float16"},
        errors=(error((TypeError, NotImplementedError), "floating", (3,), dtypes=("int64",)),),
        torch=lambda lib, x: F(lib).relu6(x + 3) / 6,  # PyTorch has 1 / 6 in float32
    ),
    piecewise(
        "hardswish", lambda x: x * ramp(x) / 6, ("Hardswish", "HardswishGrad"), (-3.0, 3.0), (0, 1)
    ),
    piecewise("elu", elu, ("ELU", "ELUGrad"), (0.0,), (0.7,), dict(alpha=0.7)),
    piecewise(
        "celu",
        celu,
        ("ELU", "ELUGrad"),
        (0.0,),
        (1,),
        dict(alpha=0.5),
        errors=(error((ValueError, RuntimeError, ZeroDivisionError), "alpha", (3,), alpha=0.0),),
    ),
    piecewise(
        "selu",
        lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
        ("SELU", "SELUGrad"),
        (0.0,),
        (1.0507009873554805 * 1.6732632423543772,),
    ),
    smooth("mish", mish, ("Mish", "MishGrad")),
    smooth(
        "softsign",
        lambda x: x / (1 + np.abs(x)),
        ("Softsign", "SoftsignGrad"),
        special=(([0.0, -0.0, NAN, 1e-30, 1.0],),),
        dtypes={("int64",): "float32", ("bool",): TypeError},
    ),
    smooth(
        "tanhshrink",
        lambda x: x - np.tanh(x),
        ("Tanhshrink", "TanhshrinkGrad"),
        special=(([0.0, INF, -INF, NAN, 88.0, 1.0],),),
        dtypes={("int64",): "float32", ("bool",): TypeError},
    ),
    smooth(
        "logsigmoid",
        lambda x: np.where(x < 0, x, 0) - np.log1p(np.exp(-np.abs(x))),
        ("LogSigmoid", "LogSigmoidGrad"),
    ),
    Op(
        "prelu",
        lambda lib, x, w: F(lib).prelu(x, w),
        lambda x, w: np.where(x > 0, x, x * along(w, x)),
        (
            case((4, 3), (3,)),
            case((4, 3), (1,)),
            case((4, 3), ()),
            case((2, 3, 4), (3,)),
            case((2, 3, 2, 2), (3,)),
            case((5,), (1,)),
            case((), (1,)),
            case((0, 3), (3,)),
        ),
        ("PReLU",),
        kinks=(0.0,),
        pins=(pin([0.0, -0.0, 2.0, -2.0], [0.3], grads=([0.3, 0.3, 1, 0.3], [-2.0])),),
        dtypes={("float32", "float64"): TypeError, ("int64", "float32"): TypeError},
        errors=(
            error(ValueError, r"4.*\(2, 3\)|4.*3", (2, 3), (4,)),
            error(ValueError, r"\(1, 3\)", (2, 3), (1, 3)),
        ),
    ),
    Op(
        "glu",
        lambda lib, x, **o: F(lib).glu(x, **o),
        lambda x, dim=-1: np.split(x, 2, dim)[0] * exact_sigmoid(np.split(x, 2, dim)[1]),
        (
            case((3, 4)),
            case((4, 3), dim=0),
            case((2, 6, 3), dim=1),
            case((2, 6, 3), dim=-2),
            case((2,)),
            case((0, 4)),
            case((3, 134)),
            case(fixed([[1.0, -2.0, 1000.0, -1000.0]])),
        ),
        ("GLU",),
        dtypes=FLOATS,
        errors=(
            error(ValueError, r"even.*|\(3, 5\)", (3, 5)),
            error(IndexError, r"out of range.*2", (3, 4), dim=2),
            error((ValueError, RuntimeError), "0-d", ()),
        ),
    ),
    Op(
        "rrelu",
        lambda lib, x, **o: F(lib).rrelu(x, **o),
        lambda x, lower=1 / 8, upper=1 / 3, training=False: np.where(
            x > 0, x, x * (lower + upper) / 2
        ),
        (case((3, 4)), case((3, 4), lower=0.25, upper=0.25, training=True), case(())),
        kinks=(0.0,),
        pins=(pin([0.0], grads=([0.25],), lower=0.0, upper=0.5),),
        dtypes=FLOATS,
        errors=(error(ValueError, r"0\.5.*0\.25", (3,), lower=0.5, upper=0.25),),
    ),
    Op(
        "leaky_relu_negative_slope",
        lambda lib, x: F(lib).leaky_relu(x, -0.5),
        lambda x: np.where(x > 0, x, -0.5 * x),
        (case((3, 4)),),
        kinks=(0.0,),
        pins=(pin([0.0], grads=([-0.5],)),),
        error_name="leaky_relu",
    ),
    Op(
        "rrelu_equal_bounds",
        lambda lib, x: F(lib).rrelu(x, 0.2, 0.2, True),
        lambda x: np.where(x > 0, x, 0.2 * x),
        (case(uniform((3, 4), 0.1, 1.0)),),
        error_name="rrelu",
    ),
]
