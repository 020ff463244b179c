"""Rows: pooling."""

import numpy as np

from .conv import pair
from .row import Op, case, error, pin


def F(lib):
    return lib.nn.functional


def out_size(n, k, s, p, d=1, ceil_mode=False):
    rest = n + 2 * p - d * (k - 1) - 1
    size = (-(-rest // s) if ceil_mode else rest // s) + 1
    if (
        ceil_mode and (size - 1) * s >= n + p
    ):  # the last window must start inside the image or its left border
        size -= 1
    return size


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, want="values"):
    k, p, d = pair(kernel_size), pair(padding), pair(dilation)
    s = pair(stride if stride is not None else kernel_size)
    batched = x.ndim == 4
    x = x if batched else x[None]
    H, W = x.shape[2:]
    OH, OW = (out_size(n, k[i], s[i], p[i], d[i], ceil_mode) for i, n in enumerate((H, W)))
    values, where = np.full((*x.shape[:2], OH, OW), -np.inf), np.zeros((*x.shape[:2], OH, OW), int)
    for at in np.ndindex(*values.shape):
        best = None
        for u in range(k[0]):
            for v in range(k[1]):
                i, j = at[2] * s[0] - p[0] + u * d[0], at[3] * s[1] - p[1] + v * d[1]
                if 0 <= i < H and 0 <= j < W:
                    value = x[at[0], at[1], i, j]
                    if best is None or value > best or np.isnan(value):
                        best, values[at], where[at] = value, value, i * W + j
    out = values if want == "values" else where
    return out if batched else out[0]


def avg_pool2d(
    x,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
):
    k, p = pair(kernel_size), pair(padding)
    s = pair(stride if stride is not None else kernel_size)
    batched = x.ndim == 4
    x = x if batched else x[None]
    H, W = x.shape[2:]
    OH, OW = (out_size(n, k[i], s[i], p[i], 1, ceil_mode) for i, n in enumerate((H, W)))
    out = np.zeros((*x.shape[:2], OH, OW))
    for i in range(OH):
        for j in range(OW):
            top, left = i * s[0] - p[0], j * s[1] - p[1]
            bottom, right = min(top + k[0], H + p[0]), min(left + k[1], W + p[1])
            window = x[:, :, max(top, 0) : min(bottom, H), max(left, 0) : min(right, W)]
            count = (
                (bottom - top) * (right - left)
                if count_include_pad
                else window.shape[2] * window.shape[3]
            )
            out[:, :, i, j] = window.sum((2, 3)) / (divisor_override or count)
    return out if batched else out[0]


def adaptive_avg_pool2d(x, output_size):
    H, W = x.shape[-2:]
    sizes = pair(output_size) if output_size is not None else (None, None)
    OH, OW = (n if n is not None else full for n, full in zip(sizes, (H, W)))
    out = np.empty((*x.shape[:-2], OH, OW))
    for i in range(OH):
        for j in range(OW):
            rows, cols = (
                slice(i * H // OH, -(-(i + 1) * H // OH)),
                slice(j * W // OW, -(-(j + 1) * W // OW)),
            )
            out[..., i, j] = x[..., rows, cols].mean((-1, -2))
    return out


MAX_CASES = (
    case((2, 3, 4, 6), kernel_size=2),
    case((2, 3, 7, 5), kernel_size=2),
    case((2, 3, 7, 5), kernel_size=3, stride=2),
    case((2, 3, 7, 5), kernel_size=1, stride=2),
    case((2, 3, 7, 5), kernel_size=2, stride=3),
    case((1, 2, 7, 5), kernel_size=(3, 2), stride=(1, 2), padding=(1, 0)),
    case((1, 2, 7, 5), kernel_size=3, padding=1, stride=1),
    case((1, 2, 7, 5), kernel_size=2, dilation=2, stride=1),
    case((1, 2, 7, 5), kernel_size=(2, 3), dilation=(3, 1), padding=(1, 1), stride=2),
    case((1, 2, 7, 5), kernel_size=2, ceil_mode=True),
    case((1, 1, 6, 6), kernel_size=3, stride=4, padding=1, ceil_mode=True),
    case((3, 7, 5), kernel_size=2),
    case((0, 3, 4, 4), kernel_size=2),
    case((1, 1, 4, 4), kernel_size=4),
)
AVG_CASES = (
    case((2, 3, 4, 6), kernel_size=2),
    case((2, 3, 7, 5), kernel_size=3, stride=2),
    case((2, 3, 7, 5), kernel_size=2, stride=3),
    case((1, 2, 7, 5), kernel_size=(3, 2), stride=(1, 2), padding=(1, 1)),
    case((1, 2, 7, 5), kernel_size=3, padding=1, count_include_pad=False),
    case((1, 2, 7, 5), kernel_size=2, ceil_mode=True),
    case((1, 2, 7, 5), kernel_size=3, padding=1, stride=2, ceil_mode=True, count_include_pad=False),
    case((1, 2, 7, 5), kernel_size=3, padding=1, stride=2, ceil_mode=True),
    case((1, 2, 4, 4), kernel_size=2, divisor_override=3),
    case((3, 7, 5), kernel_size=2),
    case((0, 3, 4, 4), kernel_size=2),
)
ERRORS = (
    error(ValueError, r"\(2, 2\)|kernel", (1, 1, 2, 2), kernel_size=3),
    error(ValueError, r"padding", (1, 1, 4, 4), kernel_size=2, padding=2),
    error(ValueError, r"stride", (1, 1, 4, 4), kernel_size=2, stride=0),
    error(ValueError, r"kernel", (1, 1, 4, 4), kernel_size=0),
    error(ValueError, r"\(4, 4\)|dim|4-D|4-d", (4, 4), kernel_size=2),
)
TIED = np.ones((1, 1, 4, 4)).tolist()
FIRST_OF_4 = [[[[1.0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]]]

OPS = [
    Op(
        "max_pool2d",
        lambda lib, x, **o: F(lib).max_pool2d(x, **o),
        max_pool2d,
        MAX_CASES,
        ("MaxPool2d", "MaxPool2dGrad", "MaxPool2dPick"),
        distinct=True,
        special=(
            (
                [
                    [
                        [[np.nan, 1.0], [2.0, 3.0]],
                        [[-np.inf, -np.inf], [-np.inf, -np.inf]],
                        [[np.inf, 1.0], [0.0, -0.0]],
                    ]
                ],
            ),
        ),
        special_options=dict(kernel_size=2),
        pins=(pin(TIED, grads=(FIRST_OF_4,), kernel_size=2),),
        errors=ERRORS,
    ),
    Op(
        "max_pool2d_indices",
        lambda lib, x, **o: F(lib).max_pool2d(x, return_indices=True, **o)[1],
        lambda x, **o: max_pool2d(x, want="indices", **o),
        MAX_CASES,
        order=0,
        distinct=True,
    ),
    Op(
        "avg_pool2d",
        lambda lib, x, **o: F(lib).avg_pool2d(x, **o),
        avg_pool2d,
        AVG_CASES,
        ("AvgPool2d", "AvgPool2dGrad"),
        errors=(
            *ERRORS,
            error(
                (ValueError, RuntimeError),
                "divisor",
                (1, 1, 4, 4),
                kernel_size=2,
                divisor_override=0,
            ),
        ),
    ),
    Op(
        "adaptive_avg_pool2d",
        lambda lib, x, **o: F(lib).adaptive_avg_pool2d(x, **o),
        adaptive_avg_pool2d,
        (
            case((2, 3, 7, 5), output_size=1),
            case((2, 3, 7, 5), output_size=(3, 2)),
            case((1, 2, 4, 6), output_size=(2, 3)),
            case((1, 2, 4, 6), output_size=(None, 2)),
            case((1, 2, 3, 3), output_size=(5, 4)),
            case((3, 7, 5), output_size=(2, 2)),
            case((1, 1, 4, 4), output_size=4),
        ),
        ("AdaptiveAvgPool2d", "AdaptiveAvgPool2dGrad"),
        errors=(
            error((ValueError, RuntimeError), r"output_size", (1, 1, 4, 4), output_size=(2, 2, 2)),
            error((ValueError, RuntimeError), r"output_size|-1", (1, 1, 4, 4), output_size=-1),
        ),
    ),
]
