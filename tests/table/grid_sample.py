"""Rows: grid_sample and affine_grid. The reference reads one point after the other."""

import itertools
import math

import numpy as np

from .interpolate import cubic
from .row import Op, case, error, fixed, pin, uniform


def F(lib):
    return lib.nn.functional


def place(at, n, padding_mode, align):
    """A coordinate, brought into the image where there is a way."""
    if padding_mode == "zeros":
        return at
    if padding_mode == "reflection":
        low, high = (0, n - 1) if align else (-0.5, n - 0.5)
        if low == high:
            return 0.0
        while not low <= at <= high:
            at = 2 * low - at if at < low else 2 * high - at
    return min(max(at, 0.0), n - 1.0)


def taps(g, n, mode, padding_mode, align):
    """[(pixel, weight)] along one axis."""
    g = -1.0 if math.isnan(g) else g
    at = (g + 1) / 2 * (n - 1) if align else ((g + 1) * n - 1) / 2
    if mode == "bicubic":
        low = math.floor(at)
        return [
            (place(j, n, padding_mode, align), cubic(at - j, -0.75))
            for j in range(low - 1, low + 3)
        ]
    at = place(at, n, padding_mode, align)
    if mode == "nearest":
        return [(round(at), 1.0)]
    low = math.floor(at)
    return [(low, 1 - (at - low)), (low + 1, at - low)]


def grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    lengths = x.shape[2:]
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for n, *p in np.ndindex(*grid.shape[:-1]):
        point = grid[(n, *p)][::-1]
        axes = [
            taps(float(g), m, mode, padding_mode, align_corners) for g, m in zip(point, lengths)
        ]
        for corner in itertools.product(*axes):
            at = tuple(int(j) for j, _ in corner)
            if all(0 <= j < m for j, m in zip(at, lengths)):
                y[(n, slice(None), *p)] += x[(n, slice(None), *at)] * math.prod(
                    w for _, w in corner
                )
    return y


def affine_grid(theta, size, align_corners=None):
    lengths = size[2:]
    y = np.empty((size[0], *lengths, len(lengths)))
    for n, *at in np.ndindex(size[0], *lengths):
        point = []
        for i, m in zip(at, lengths):
            step = (2 * i - (m - 1)) / max(m - 1 if align_corners else m, 1)
            point.append(step if m > 1 else 0.0)
        y[(n, *at)] = theta[n] @ np.array([*point[::-1], 1.0])
    return y


def points(*shape):
    return uniform(shape, -1.7, 1.7)


CASES = tuple(
    case(
        (2, 3, 4, 5), points(2, 3, 2, 2), mode=mode, padding_mode=padding_mode, align_corners=align
    )
    for mode in ("bilinear", "nearest", "bicubic")
    for padding_mode in ("zeros", "border", "reflection")
    for align in (False, True)
) + (
    case((1, 2, 3, 4, 2), points(1, 2, 1, 3, 3), align_corners=False),
    case((1, 2, 3, 4, 2), points(1, 2, 1, 3, 3), padding_mode="border", align_corners=True),
    case((1, 2, 3, 4, 2), points(1, 2, 1, 3, 3), padding_mode="reflection", align_corners=False),
    case((1, 2, 3, 4, 2), points(1, 2, 1, 3, 3), mode="nearest", align_corners=False),
    case((1, 2, 1, 1), points(1, 2, 2, 2), align_corners=False),
    case((1, 1, 1, 3), points(1, 1, 40, 2), padding_mode="reflection", align_corners=True),
    case((0, 2, 3, 3), points(0, 2, 2, 2), align_corners=False),
    case((1, 2, 3, 3), points(1, 0, 2, 2), align_corners=False),
)
X = np.arange(9.0).reshape(1, 1, 3, 3)
KIND = (ValueError, NotImplementedError)
IMAGE, POINTS = (1, 1, 3, 3), points(1, 2, 2, 2)

OPS = [
    Op(
        "grid_sample",
        lambda lib, x, grid, **o: F(lib).grid_sample(x, grid, **o),
        grid_sample,
        CASES,
        ("GridSample", "GridSampleGrad"),
        dtypes={("float16", "float16"): "float16", ("float32", "float64"): TypeError},
        special=((X, [[[[0.1, 0.2], [1e30, 0.0], [-1e30, 1e30]]]]),),
        special_options=dict(align_corners=True),
        pins=(
            pin(  # in the corner, in the middle, on the edge: the end is outside for the gradient
                X, np.array([[[[-1.0, -1.0], [0.0, 0.0], [1.0, 0.5]]]]),
                grads=(
                    [[[[1, 0, 0], [0, 1, 0.5], [0, 0, 0.5]]]],
                    [[[[0, 0], [1, 3], [0, 3]]]],
                ),
                padding_mode="border", align_corners=True,
            ),
            pin(  # ties go to the even pixel
                X, np.array([[[[-0.5, -0.5], [0.5, 0.5]]]]),
                grads=([[[[1, 0, 0], [0, 0, 0], [0, 0, 1]]]], [[[[0, 0], [0, 0]]]]),
                mode="nearest", align_corners=True,
            ),
        ),
        errors=(
            error(ValueError, r"mode.*'cubic'", IMAGE, POINTS, mode="cubic"),
            error(ValueError, r"padding_mode.*'wrap'", IMAGE, POINTS, padding_mode="wrap"),
            error(ValueError, r"\(3, 3\)", (3, 3), POINTS),
            error(ValueError, r"grid \(1, 2, 2, 3\)", IMAGE, points(1, 2, 2, 3)),
            error(ValueError, r"grid \(1, 2, 1, 2, 2\)", IMAGE, points(1, 2, 1, 2, 2)),
            error(ValueError, r"same N", IMAGE, points(2, 2, 2, 2)),
            error(ValueError, r"no pixels", (1, 1, 0, 3), POINTS),
            error(NotImplementedError, r"bicubic", (1, 1, 2, 2, 2), points(1, 1, 1, 1, 3),
                  mode="bicubic"),
            error(TypeError, r"float64", IMAGE, POINTS, dtypes=("float32", "float64")),
            error((TypeError, NotImplementedError), r"int64", IMAGE, POINTS, dtypes=("int64",) * 2),
        ),
    ),
    Op(
        "grid_sample_nan",  # counts as -1, as PyTorch's documentation says; its CPU gives NaN
        lambda lib, x, grid, **o: F(lib).grid_sample(x, grid, **o),
        grid_sample,
        (
            case((1, 2, 3, 3), fixed([[[[math.nan, 0.2], [0.3, math.nan]]]])),
            case((1, 2, 3, 3), fixed([[[[math.nan, 0.2]]]]), mode="bicubic", padding_mode="border"),
        ),
        ("GridSample", "GridSampleGrad"),
        torch=False,
        error_name="grid_sample",
    ),
    Op(
        "affine_grid",
        lambda lib, theta, **o: F(lib).affine_grid(theta, **o),
        affine_grid,
        (
            case((2, 2, 3), size=(2, 3, 4, 5), align_corners=False),
            case((2, 2, 3), size=(2, 3, 4, 5), align_corners=True),
            case((1, 2, 3), size=(1, 1, 1, 4), align_corners=False),
            case((2, 3, 4), size=(2, 1, 2, 3, 2), align_corners=False),
            case((1, 3, 4), size=(1, 1, 2, 3, 4), align_corners=True),
        ),
        errors=(
            error(ValueError, r"theta \(2, 2, 3\), size \(1, 1", (2, 2, 3), size=(1, 1, 2, 2)),
            error(ValueError, r"theta \(1, 3, 4\)", (1, 3, 4), size=(1, 1, 2, 2)),
            error(KIND, r"size \(1, 2, 2\)", (1, 2, 3), size=(1, 2, 2)),
            error(ValueError, r"positive.*0", (1, 2, 3), size=(1, 1, 0, 2)),
            error(TypeError, r"int64", (1, 2, 3), size=(1, 1, 2, 2), dtypes=("int64",)),
        ),
    ),
]  # fmt: skip
