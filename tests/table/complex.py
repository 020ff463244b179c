"""Rows: complex numbers.

The tests draw real arrays and step along them. So a row's expression takes and gives pairs: the
last axis holds a real and an imaginary part, joined on the way in and taken apart on the way out.
That the gradients of complex leaves are PyTorch's is in test_complex.py.
"""

import numpy as np

from .row import Op, case, error

SHAPES = ((3, 4, 2), (2,), (1, 2))
UNARY = tuple(case(shape) for shape in SHAPES)
BINARY = (case((3, 4, 2), (3, 4, 2)), case((3, 1, 2), (4, 2)), case((2,), (2, 3, 2)))


def joined(*xs):
    """Pairs as NumPy's complex numbers."""
    return [np.ascontiguousarray(x).view(np.complex128)[..., 0] for x in xs]


def apart(z):
    """Complex numbers as pairs; real results as they are."""
    z = np.asarray(z)
    return np.stack([z.real, z.imag], -1) if z.dtype.kind == "c" else z


def in_half(f):
    """f, of float16 inputs by way of float32: there is no complex type of their size."""

    def through(lib, x, *xs, **options):
        if x.dtype != lib.float16:
            return f(lib, x, *xs, **options)
        return f(lib, *[y.float() for y in (x, *xs)], **options).half()

    return through


def row(name, f, reference, cases, *functions, **columns):
    """A row whose expression and reference are of complex arguments."""

    def on_pairs(lib, *xs, **options):
        z = f(lib, *[lib.complex(x[..., 0], x[..., 1]) for x in xs], **options)
        return lib.view_as_real(z.resolve_conj()) if z.is_complex() else z

    def reference_on_pairs(*xs, **options):
        return apart(reference(*joined(*xs), **options))

    return Op(f"complex_{name}", in_half(on_pairs), reference_on_pairs, cases, functions, **columns)


def unary(name, numpy_name="", **columns):
    """A function of the same name in both libraries."""
    f = getattr(np, numpy_name or name)
    return row(name, lambda lib, z: getattr(lib, name)(z), f, UNARY, **columns)


def written(lib, z, w):
    """Every kind of change in place, through every kind of view."""
    z = z * 1
    z.real.mul_(w.imag)
    z.imag.add_(w.real * 2)
    lib.view_as_real(z)[..., 0].mul_(3)
    z += w
    z[0] = w[1]
    z *= w
    return z


def written_reference(z, w):
    z = z.real * w.imag * 3 + 1j * (z.imag + 2 * w.real) + w
    z[0] = w[1]
    return z * w


OPS = [
    Op(
        "view_as_complex",
        in_half(lambda lib, x: lib.view_as_real(lib.view_as_complex(x.contiguous()) * 2j)),
        lambda x: np.stack([-2 * x[..., 1], 2 * x[..., 0]], -1),
        (case((3, 2)), case((2,)), case((2, 3, 2))),
        ("ViewAsComplex", "ViewAsReal", "Conj"),
        errors=(
            error(ValueError, r"the last dimension must be 2, got \(3,\)", (3,)),
            error(ValueError, r"the last dimension must be 2, got \(\)", ()),
            error(TypeError, "float32 or float64 is needed, got .*int32", (2,), dtypes=("int32",)),
            error(
                ValueError,
                r"the last dimension must have stride 1, got \(1, 3\)",
                (2, 3),
                call=lambda lib, x: lib.view_as_complex(x.T),
            ),
        ),
    ),
    Op(
        "complex",
        in_half(lambda lib, x, y: lib.view_as_real(lib.complex(x, y))),
        lambda x, y: np.stack(np.broadcast_arrays(x, y), -1),
        (case((3, 4), (3, 4)), case((), (2,)), case((3, 1), (1, 2))),
        ("Complex", "ViewAsReal"),
        errors=(
            error(
                TypeError,
                "two tensors of float32 or of float64, got .*float32 and .*float64",
                *((2,), (2,)),
                dtypes=("float32", "float64"),
            ),
            error(TypeError, "complex", (2,), (2,), dtypes=("int32", "int32")),
        ),
    ),
    Op(
        "polar",
        in_half(lambda lib, x, y: lib.view_as_real(lib.polar(x, y))),
        lambda x, y: apart(x * np.exp(1j * y)),
        (case((3, 4), (3, 4)), case((), ()), case((3, 1), (2,))),
        domain=(0.1, 2.0),
    ),
    row("real", lambda lib, z: lib.real(z), np.real, UNARY, "Real"),
    row("imag", lambda lib, z: lib.imag(z), np.imag, UNARY, "Imag"),
    row("real_of_both", lambda lib, z: z.real * z.imag, lambda z: z.real * z.imag, UNARY),
    row("conj", lambda lib, z: z.conj() * z * z, lambda z: z.conj() * z * z, UNARY, "Conj"),
    row("conj_physical", lambda lib, z: lib.conj_physical(z), np.conj, UNARY),
    row("adjoint", lambda lib, z: z.mH, lambda z: z.swapaxes(-1, -2).conj(), (case((2, 3, 2)),)),
    row("angle", lambda lib, z: lib.angle(z), np.angle, UNARY, "Angle"),
    row("sgn", lambda lib, z: lib.sgn(z), lambda z: z / abs(z), UNARY, "Sgn"),
    Op(
        "angle",
        lambda lib, x: lib.angle(x),
        lambda x: np.where(np.isnan(x), x, np.where(x < 0, np.pi, 0.0)),
        (case((3, 4)), case(()), case((0,))),
        domain=(0.5, 2.0),
        dtypes={("int32",): "float32", ("bool",): "float32"},
        special=(([0.0, np.inf, -np.inf, 2.0, -2.0, np.nan],),),
    ),
    unary("abs"),
    unary("exp"),
    unary("log"),
    unary("sqrt"),
    row("rsqrt", lambda lib, z: lib.rsqrt(z), lambda z: 1 / np.sqrt(z), UNARY),
    unary("sin"),
    unary("cos"),
    unary("tanh", domain=(-1.0, 1.0)),
    row("sigmoid", lambda lib, z: lib.sigmoid(z), lambda z: 1 / (1 + np.exp(-z)), UNARY),
    unary("log1p"),
    unary("expm1"),
    unary("exp2"),
    unary("log2"),
    unary("log10"),
    unary("tan", domain=(-1.0, 1.0)),
    unary("asin", "arcsin"),
    unary("acos", "arccos"),
    unary("atan", "arctan"),
    unary("sinh"),
    unary("cosh"),
    unary("asinh", "arcsinh"),
    unary("acosh", "arccosh"),
    unary("atanh", "arctanh"),
    unary("square"),
    unary("reciprocal"),
    row("neg", lambda lib, z: -z, np.negative, UNARY),
    row("add", lambda lib, x, y: x + y * (1 - 2j) + 1, lambda x, y: x + y * (1 - 2j) + 1, BINARY),
    row(
        "sub",
        lambda lib, x, y: lib.sub(x, y, alpha=2 - 1j) - lib.add(x.real, y, alpha=1j),
        lambda x, y: x - (2 - 1j) * y - (x.real + 1j * y),
        BINARY,
    ),
    row("mul", lambda lib, x, y: 2j * x * y * x.imag, lambda x, y: 2j * x * y * x.imag, BINARY),
    row("div", lambda lib, x, y: x / y + 1j / x, lambda x, y: x / y + 1j / x, BINARY),
    row("pow", lambda lib, x, y: x**y, lambda x, y: x**y, BINARY),
    row(
        "pow_number",
        lambda lib, z: z**2 + z**3 + z**-1 + z**0.5 + z ** (1 + 0.5j) + 2.0**z + (1 - 2j) ** z,
        lambda z: z**2 + z**3 + z**-1.0 + z**0.5 + z ** (1 + 0.5j) + 2.0**z + (1 - 2j) ** z,
        UNARY,
    ),
    row(
        "real_to_complex_power",
        lambda lib, x, y: x.abs() ** y,
        lambda x, y: (abs(x) + 0j) ** y,
        BINARY,
    ),
    row("matmul", lambda lib, x, y: x @ y, np.matmul, (case((3, 4, 2), (4, 2, 2)),)),
    row("matvec", lambda lib, x, y: x @ y, np.matmul, (case((3, 2, 2), (2, 2)),)),
    row("dot", lambda lib, x, y: lib.dot(x, y), np.dot, (case((4, 2), (4, 2)),)),
    row(
        "vecdot",
        lambda lib, x, y: lib.linalg.vecdot(x, y),
        lambda x, y: (x.conj() * y).sum(-1),
        (case((3, 4, 2), (3, 4, 2)), case((2, 3, 4, 2), (4, 2))),
    ),
    row("vdot", lambda lib, x, y: lib.vdot(x, y), np.vdot, (case((4, 2), (4, 2)),)),
    row(
        "einsum",
        lambda lib, x, y: lib.einsum("ij,kj->ik", x, y),
        lambda x, y: x @ y.T,
        (case((3, 4, 2), (2, 4, 2)),),
    ),
    row("sum", lambda lib, z: z.sum(), np.sum, UNARY),
    row("sum_dim", lambda lib, z: z.sum(0, True), lambda z: z.sum(0, keepdims=True), UNARY[:1]),
    row("mean", lambda lib, z: z.mean(-1), lambda z: z.mean(-1), UNARY[:1]),
    row("prod", lambda lib, z: z.prod(-1), lambda z: z.prod(-1), UNARY[:1]),
    row("cumsum", lambda lib, z: z.cumsum(0), lambda z: z.cumsum(0), UNARY[:1]),
    row("cumprod", lambda lib, z: z.cumprod(0), lambda z: z.cumprod(0), UNARY[:1]),
    row(
        "movement",
        lambda lib, z: lib.cat([z.flip(0), z.T.reshape(3, 4), z.real.to(z.dtype)]).roll(1, 0)[1:],
        lambda z: np.roll(np.concatenate([z[::-1], z.T.reshape(3, 4), z.real]), 1, 0)[1:],
        UNARY[:1],
    ),
    row(
        "index",
        lambda lib, z: z[1:, [0, 2, 2]] * z[0, 0],
        lambda z: z[1:, [0, 2, 2]] * z[0, 0],
        UNARY[:1],
    ),
    row(
        "where",
        lambda lib, x, y: lib.where(x.real > 0, x, y).masked_fill(y.imag > 1, 1j),
        lambda x, y: np.where(y.imag > 1, 1j, np.where(x.real > 0, x, y)),
        BINARY,
    ),
    row(
        "in_place",
        written,
        written_reference,
        (case((3, 4, 2), (3, 4, 2)), case((2, 2), (2, 2))),
        order=1,
    ),
    row(
        "cast",
        lambda lib, x, y: x.real.to(y.dtype) * y,
        lambda x, y: x.real * y,
        (case((3, 2), (3, 2)),),
    ),
]
