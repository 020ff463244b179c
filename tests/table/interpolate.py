"""Rows: interpolation. The reference builds the matrix of each axis, output by output."""

import math

import numpy as np

from .row import Op, case, error


def F(lib):
    return lib.nn.functional


def cubic(x, a):
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def lanczos(x):
    return float(np.sinc(x) * np.sinc(x / 3)) if abs(x) < 3 else 0.0


FILTERS = {
    "bilinear": (1, lambda x: max(1 - abs(x), 0)),
    "bicubic": (2, lambda x: cubic(x, -0.5)),
    "lanczos": (3, lanczos),
}


def row(i, size, out, mode, step, align, antialias):
    """The weights of all inputs in output i."""
    weights = np.zeros(size)

    def put(j, w):
        weights[min(max(j, 0), size - 1)] += w

    if mode == "area":
        start, end = i * size // out, -(-(i + 1) * size // out)
        weights[start:end] = 1 / (end - start)
    elif mode == "nearest":
        put(math.floor(i * step), 1)
    elif mode == "nearest-exact":
        put(math.floor((i + 0.5) * step), 1)
    elif antialias:
        radius, filter_ = FILTERS[mode]
        width, centre = max(step, 1), step * (i + 0.5)
        for j in range(size):
            if centre - radius * width <= j + 0.5 <= centre + radius * width:
                weights[j] = filter_((j + 0.5 - centre) / width)
        weights /= weights.sum()
    else:
        at = i * step if align else (i + 0.5) * step - 0.5
        if mode == "bicubic":
            for j in range(math.floor(at) - 1, math.floor(at) + 3):
                put(j, cubic(at - j, -0.75))
        else:
            at = max(at, 0)
            j = math.floor(at)
            put(j, 1 - (at - j))
            put(j + 1, at - j)
    return weights


def interpolate(
    x, size=None, scale_factor=None, mode="nearest", align_corners=None,
    recompute_scale_factor=None, antialias=False,
):  # fmt: skip
    dims = x.ndim - 2
    both = [v if isinstance(v, tuple) else (v,) * dims for v in (size, scale_factor)]
    for axis, n, factor in zip(range(2, x.ndim), *both):
        old = x.shape[axis]
        out = n if factor is None else int(old * factor)
        step = old / out if factor is None or recompute_scale_factor else 1 / factor
        if align_corners:
            step = (old - 1) / (out - 1) if out > 1 else 0
        matrix = [row(i, old, out, mode, step, align_corners, antialias) for i in range(out)]
        x = np.moveaxis(np.tensordot(np.array(matrix), x, (1, axis)), 0, axis)
    return x


CASES = (
    case((2, 3, 5), size=8),
    case((2, 3, 5), size=3),
    case((2, 3, 5), scale_factor=1.7, mode="nearest-exact"),
    case((1, 2, 4, 5), size=(7, 3)),
    case((1, 2, 4, 5), scale_factor=2),
    case((1, 2, 4, 5), size=(3, 7), mode="nearest-exact"),
    case((1, 1, 2, 3, 4), scale_factor=(2, 1.5, 1)),
    case((2, 3, 5), size=8, mode="area"),
    case((2, 3, 5), size=3, mode="area"),
    case((1, 2, 6, 5), size=(4, 2), mode="area"),
    case((1, 2, 6, 5), scale_factor=0.5, mode="area"),
    case((1, 1, 4, 3, 5), size=2, mode="area"),
    case((2, 3, 5), size=8, mode="linear"),
    case((2, 3, 5), size=8, mode="linear", align_corners=True),
    case((2, 3, 5), scale_factor=0.5, mode="linear"),
    case((2, 3, 1), size=4, mode="linear"),
    case((2, 3, 4), size=1, mode="linear", align_corners=True),
    case((0, 3, 4), size=6, mode="linear"),
    case((1, 2, 4, 5), size=(7, 8), mode="bilinear"),
    case((1, 2, 4, 5), size=(7, 3), mode="bilinear", align_corners=True),
    case((1, 2, 4, 5), scale_factor=2, mode="bilinear"),
    case((1, 2, 4, 5), scale_factor=(1.6, 0.7), mode="bilinear"),
    case((1, 2, 4, 5), scale_factor=1.7, mode="bilinear", recompute_scale_factor=True),
    case((1, 2, 4, 5), size=(7, 3), mode="bicubic"),
    case((1, 2, 4, 5), size=(3, 9), mode="bicubic", align_corners=True),
    case((1, 2, 2, 1), scale_factor=3, mode="bicubic"),
    case((1, 1, 2, 3, 4), size=(3, 5, 2), mode="trilinear"),
    case((1, 1, 2, 3, 4), size=(3, 5, 2), mode="trilinear", align_corners=True),
    case((1, 2, 9, 5), size=(4, 8), mode="bilinear", antialias=True),
    case((1, 2, 9, 8), size=(4, 3), mode="bicubic", antialias=True),
    case((1, 2, 9, 8), size=(4, 3), mode="bicubic", antialias=True, align_corners=True),
    case((1, 2, 9, 8), scale_factor=0.4, mode="lanczos", antialias=True),
    case((1, 2, 4, 5), size=(4, 5), mode="bilinear"),
)
KIND = (ValueError, NotImplementedError)
ERRORS = (
    error(ValueError, r"exactly one of size and scale_factor", (1, 1, 4, 4)),
    error(ValueError, r"exactly one", (1, 1, 4, 4), size=2, scale_factor=2),
    error(NotImplementedError, r"'cubic'.*\(1, 1, 4, 4\)", (1, 1, 4, 4), size=2, mode="cubic"),
    error(NotImplementedError, r"3-D.*\(4, 4\)", (4, 4), size=2),
    error(NotImplementedError, r"'linear' needs 3-D", (1, 1, 4, 4), size=2, mode="linear"),
    error(NotImplementedError, r"'bilinear' needs 4-D", (1, 1, 4), size=2, mode="bilinear"),
    error(KIND, r"'bicubic' needs 4-D", (1, 1, 2, 2, 2), size=2, mode="bicubic"),
    error(ValueError, r"greater than 0.*\(0, 0\)", (1, 1, 4, 4), size=0),
    error(ValueError, r"greater than 0", (1, 1, 0, 4), size=2),
    error(ValueError, r"greater than 0", (1, 0, 4, 4), size=2),
    error(ValueError, r"greater than 0", (1, 1, 4, 4), scale_factor=0.1),
    error(ValueError, r"align_corners.*'nearest'", (1, 1, 4, 4), size=2, align_corners=True),
    error(ValueError, r"antialias.*'nearest'", (1, 1, 4, 4), size=2, antialias=True),
    error(ValueError, r"'lanczos' needs antialias", (1, 1, 4, 4), size=2, mode="lanczos"),
    error(ValueError, r"size \(2, 2, 2\)", (1, 1, 4, 4), size=(2, 2, 2)),
    error(ValueError, r"scale_factor \(2,\)", (1, 1, 4, 4), scale_factor=(2,)),
    error(ValueError, r"recompute", (1, 1, 4, 4), size=2, recompute_scale_factor=True),
    error(TypeError, r"2\.5", (1, 1, 4, 4), size=2.5),
    error((TypeError, NotImplementedError), r"int64", (1, 1, 4, 4), size=2, dtypes=("int64",)),
)

OPS = [
    Op(
        "interpolate",
        lambda lib, x, **o: F(lib).interpolate(x, **o),
        interpolate,
        CASES,
        ("Resample",),
        dtypes={("float16",): "float16", ("uint8",): "uint8", ("int64",): TypeError},
        errors=ERRORS,
    ),
    Op(
        "upsample",
        lambda lib, x, **o: F(lib).upsample(x, **o),
        interpolate,
        (
            case((1, 2, 4, 5), size=(7, 8), mode="bilinear", align_corners=True),
            case((1, 2, 4, 5), scale_factor=3),
        ),
        ("Resample",),
        error_name="interpolate",
    ),
    Op(
        "upsample_nearest",
        lambda lib, x, **o: F(lib).upsample_nearest(x, **o),
        interpolate,
        (case((1, 2, 4, 5), size=(7, 8)), case((2, 3, 4), scale_factor=2)),
        ("Resample",),
        error_name="interpolate",
    ),
    Op(
        "upsample_bilinear",
        lambda lib, x, **o: F(lib).upsample_bilinear(x, **o),
        lambda x, **o: interpolate(x, mode="bilinear", align_corners=True, **o),
        (case((1, 2, 4, 5), size=(7, 8)), case((1, 2, 4, 5), scale_factor=2)),
        ("Resample",),
        error_name="interpolate",
    ),
]
