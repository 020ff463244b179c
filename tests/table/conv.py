"""Rows: convolution and its patch matrices."""

import numpy as np

from .row import Op, case, error


def each(v, dims):
    return (v,) * dims if isinstance(v, int) else tuple(v) * (dims if len(v) == 1 else 1)


def pair(v):
    return each(v, 2)


def padded(x, padding, kernel, dilation, value=0.0):
    """The image with its border, 'same' putting the odd column behind."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel)]
        widths = [(t // 2, t - t // 2) for t in total]
    else:
        widths = [(p, p) for p in each(padding, len(kernel))]
    return np.pad(x, [(0, 0)] * (x.ndim - len(kernel)) + widths, constant_values=value)


def seen(tap, stride, dilation, size):
    """The pixels that one tap of the kernel sees, one for each pixel of a result of this size."""
    return tuple(
        slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, s, n in zip(tap, dilation, stride, size)
    )


def conv(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The sum over the taps of the kernel, filter by filter; in any number of dimensions."""
    dims = w.ndim - 2
    batched = x.ndim == dims + 2
    x = x if batched else x[None]
    stride, dilation = each(stride, dims), each(dilation, dims)
    F, CG = w.shape[:2]
    x = padded(x, padding, w.shape[2:], dilation)
    size = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation)
    ]
    y = np.zeros((len(x), F, *size))
    for f in range(F):
        g = f // (F // groups)
        channels = x[:, g * CG : (g + 1) * CG]
        for tap in np.ndindex(*w.shape[2:]):
            window = channels[(..., *seen(tap, stride, dilation, size))]
            y[:, f] += np.einsum("nc...,c->n...", window, w[(f, slice(None), *tap)])
    if b is not None:
        y += b.reshape(-1, *[1] * dims)
    return y if batched else y[0]


def conv_transpose(x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Each pixel, times the filter, added where it belongs; then the border is cut off."""
    dims = w.ndim - 2
    batched = x.ndim == dims + 2
    x = x if batched else x[None]
    stride, dilation, padding = each(stride, dims), each(dilation, dims), each(padding, dims)
    extra = each(output_padding, dims)
    F, CG = w.shape[:2]
    size = [
        (n - 1) * s + d * (k - 1) + 1 + e
        for n, s, d, k, e in zip(x.shape[2:], stride, dilation, w.shape[2:], extra)
    ]
    y = np.zeros((len(x), CG * groups, *size))
    for f in range(F):
        g = f // (F // groups)
        for tap in np.ndindex(*w.shape[2:]):
            at = (slice(None), slice(g * CG, (g + 1) * CG))
            y[(*at, *seen(tap, stride, dilation, x.shape[2:]))] += np.einsum(
                "n...,c->nc...", x[:, f], w[(f, slice(None), *tap)]
            )
    y = y[(..., *(slice(p, n - p) for p, n in zip(padding, size)))]
    if b is not None:
        y = y + b.reshape(-1, *[1] * dims)
    return y if batched else y[0]


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    if x.ndim == 3:
        return unfold(x[None], kernel_size, dilation, padding, stride)[0]
    (KH, KW), (dh, dw), (sh, sw) = pair(kernel_size), pair(dilation), pair(stride)
    x = padded(x, padding, (KH, KW), (dh, dw))
    N, C, H, W = x.shape
    OH, OW = (H - dh * (KH - 1) - 1) // sh + 1, (W - dw * (KW - 1) - 1) // sw + 1
    out = np.empty((N, C, KH, KW, OH, OW))
    for u in range(KH):
        for v in range(KW):
            out[:, :, u, v] = x[
                :,
                :,
                u * dh : u * dh + (OH - 1) * sh + 1 : sh,
                v * dw : v * dw + (OW - 1) * sw + 1 : sw,
            ]
    return out.reshape(N, C * KH * KW, OH * OW)


def fold(cols, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The transpose of unfold: every window entry is added back where it came from."""
    if cols.ndim == 2:
        return fold(cols[None], output_size, kernel_size, dilation, padding, stride)[0]
    H, W = pair(output_size)
    N, rows, _ = cols.shape
    KH, KW = pair(kernel_size)
    C = rows // (KH * KW)
    where = unfold(
        np.arange(1.0, H * W + 1).reshape(1, 1, H, W), kernel_size, dilation, padding, stride
    ).astype(int)
    image = np.zeros((N, C, H * W + 1))
    for n in range(N):
        for c in range(C):
            np.add.at(image[n, c], where[0], cols[n, c * KH * KW : (c + 1) * KH * KW])
    return image[:, :, 1:].reshape(N, C, H, W)


def F(lib):
    return lib.nn.functional


# On purpose: images that are not square, windows that do not tile them, strides beyond the kernel.
AWKWARD = [
    ((2, 3, 7, 5), (4, 3, 3, 2), {}),
    ((2, 3, 7, 5), (4, 3, 1, 1), dict(stride=2)),
    ((2, 3, 7, 5), (4, 3, 2, 2), dict(stride=3)),
    ((2, 3, 7, 5), (4, 3, 3, 3), dict(padding=1)),
    ((1, 3, 7, 5), (4, 3, 3, 2), dict(padding=(2, 1), stride=(2, 1))),
    ((2, 3, 7, 5), (4, 3, 3, 2), dict(dilation=2, padding=1)),
    ((1, 2, 7, 5), (3, 2, 2, 3), dict(dilation=(3, 1), stride=(1, 2), padding=(1, 2))),
    ((2, 4, 5, 4), (6, 2, 3, 2), dict(groups=2)),
    ((1, 4, 5, 4), (4, 1, 3, 3), dict(groups=4, padding=1)),
    ((1, 4, 5, 4), (8, 1, 2, 2), dict(groups=4, stride=2)),
    ((2, 3, 7, 5), (4, 3, 3, 2), dict(padding="same")),
    ((2, 3, 7, 5), (4, 3, 2, 2), dict(padding="same", dilation=(2, 1))),
    ((2, 3, 7, 5), (4, 3, 3, 2), dict(padding="valid")),
    ((3, 7, 5), (4, 3, 3, 2), {}),
    ((0, 3, 7, 5), (4, 3, 3, 2), {}),
    ((1, 1, 3, 3), (1, 1, 3, 3), {}),
    ((3, 1, 4, 4), (2, 1, 3, 3), dict(padding=1)),
    ((1, 2, 4, 4), (2, 2, 4, 4), dict(padding=3)),
]

SEQUENCES = [
    ((2, 3, 7), (4, 3, 3), {}),
    ((2, 3, 7), (4, 3, 1), dict(stride=2)),
    ((2, 3, 7), (4, 3, 2), dict(stride=(3,), padding=(1,))),
    ((2, 4, 9), (6, 2, 3), dict(groups=2, dilation=2)),
    ((1, 2, 8), (3, 2, 4), dict(padding="same")),
    ((2, 2, 8), (3, 2, 3), dict(padding="same", dilation=(3,))),
    ((3, 7), (4, 3, 3), dict(padding="valid")),
    ((0, 3, 7), (4, 3, 3), {}),
    ((1, 1, 1), (1, 1, 1), {}),
]
VOLUMES = [
    ((2, 2, 5, 4, 3), (3, 2, 3, 2, 2), {}),
    ((2, 2, 7, 5, 3), (3, 2, 1, 1, 1), dict(stride=2)),
    ((1, 2, 5, 4, 6), (2, 2, 2, 2, 2), dict(stride=3, padding=1)),
    ((1, 4, 5, 4, 3), (4, 2, 3, 2, 1), dict(groups=2, padding=(2, 1, 0), stride=(2, 1, 1))),
    ((1, 2, 6, 4, 5), (2, 2, 3, 2, 2), dict(dilation=(3, 1, 2), padding=(2, 0, 1))),
    ((1, 2, 4, 3, 5), (2, 2, 2, 3, 4), dict(padding="same")),
    ((2, 5, 4, 3), (3, 2, 3, 2, 2), dict(padding="valid")),
    ((0, 2, 5, 4, 3), (3, 2, 3, 2, 2), {}),
    ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1), {}),
]
TRANSPOSED = [
    ((2, 3, 4, 3), (3, 2, 3, 2), {}),
    ((2, 3, 4, 3), (3, 2, 1, 1), dict(stride=2, output_padding=1)),
    ((2, 3, 4, 3), (3, 2, 2, 2), dict(stride=3)),
    ((1, 4, 4, 3), (4, 3, 3, 2), dict(groups=2, stride=(2, 1), padding=1, output_padding=(1, 0))),
    ((1, 2, 3, 4), (2, 2, 3, 3), dict(dilation=2, padding=2, output_padding=1)),
    ((1, 2, 3, 4), (2, 1, 2, 3), dict(dilation=(1, 3), stride=(3, 2), padding=(0, 1))),
    ((3, 4, 3), (3, 2, 3, 2), {}),
    ((0, 3, 4, 3), (3, 2, 3, 2), {}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
]
TRANSPOSED_1D = [
    ((2, 3, 4), (3, 2, 3), dict(stride=2, padding=(1,), output_padding=1)),
    ((1, 4, 4), (4, 1, 3), dict(groups=4, dilation=2)),
    ((3, 4), (3, 2, 2), dict(stride=3)),
    ((1, 1, 1), (1, 1, 1), {}),
]
TRANSPOSED_3D = [
    ((2, 2, 3, 2, 4), (2, 3, 3, 2, 1), dict(stride=2, padding=(1, 0, 0), output_padding=(1, 1, 0))),
    ((1, 4, 3, 2, 3), (4, 1, 2, 2, 2), dict(groups=2, dilation=(2, 1, 3), padding=(0, 1, 2))),
    ((2, 3, 2, 2), (2, 2, 2, 3, 1), dict(stride=(3, 1, 2))),
    ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1), {}),
]


def with_bias(cases, filters=0):
    """The cases of x, w and b, of the size that dimension `filters` of the weight tells."""
    return tuple(
        case(x, w, (w[filters] * (o.get("groups", 1) if filters else 1),), **o) for x, w, o in cases
    )


def transposed(name, cases, *errors):
    """A row of a transposed convolution."""
    return Op(
        name,
        lambda lib, x, w, b, **o: getattr(F(lib), name)(x, w, b, **o),
        conv_transpose,
        with_bias(cases, 1),
        ("ConvolutionGradInput", "ConvolutionGradWeight"),
        dtypes={("float16",) * 3: "float16", ("float32", "float64", "float64"): TypeError},
        errors=errors,
    )


OPS = [
    Op(
        "conv2d",
        lambda lib, x, w, b, **o: F(lib).conv2d(x, w, b, **o),
        conv,
        with_bias(AWKWARD),
        ("Convolution", "ConvolutionGradInput", "ConvolutionGradWeight"),
        dtypes={
            ("float16",) * 3: "float16",
            ("float32", "float64", "float64"): TypeError,
            ("float32", "float32", "float64"): TypeError,
            ("int64",) * 3: "int64",
            ("bool",) * 3: TypeError,
        },
        errors=(
            error(ValueError, r"4.*3|3.*4", (2, 3, 8, 8), (8, 4, 3, 3), (8,)),
            error(ValueError, r"\(3,\)|3.*4|4.*3", (2, 3, 8, 8), (4, 3, 3, 3), (3,)),
            error(ValueError, r"\(2, 2\)|2.*3|kernel", (1, 3, 2, 2), (4, 3, 3, 3), (4,)),
            error(ValueError, r"stride", (1, 3, 5, 5), (4, 3, 3, 3), (4,), stride=0),
            error(ValueError, r"padding", (1, 3, 5, 5), (4, 3, 3, 3), (4,), padding=-1),
            error(ValueError, r"dilation", (1, 3, 5, 5), (4, 3, 3, 3), (4,), dilation=0),
            error(ValueError, r"groups", (1, 3, 5, 5), (4, 3, 3, 3), (4,), groups=2),
            error(
                ValueError,
                r"same.*stride|stride.*same",
                (1, 3, 5, 5),
                (4, 3, 3, 3),
                (4,),
                padding="same",
                stride=2,
            ),
            error(ValueError, r"sideways", (1, 3, 5, 5), (4, 3, 3, 3), (4,), padding="sideways"),
            error(ValueError, r"\(5, 5\)|4-D|4-d|dim", (5, 5), (4, 3, 3, 3), (4,)),
        ),
    ),
    Op(
        "conv2d_no_bias",
        lambda lib, x, w, **o: F(lib).conv2d(x, w, **o),
        conv,
        tuple(case(x, w, **o) for x, w, o in AWKWARD[:6]),
        ("Convolution",),
    ),
    Op(
        "conv1d",
        lambda lib, x, w, b, **o: F(lib).conv1d(x, w, b, **o),
        conv,
        with_bias(SEQUENCES),
        errors=(
            error(ValueError, r"C=3.*expects 4", (2, 3, 8), (8, 4, 3), (8,)),
            error(ValueError, r"bias must be \(4,\)", (2, 3, 8), (4, 3, 3), (3,)),
            error(ValueError, r"kernel \(3 with", (1, 3, 2), (4, 3, 3), (4,)),
            error(ValueError, r"stride", (1, 3, 5), (4, 3, 3), (4,), stride=(1, 1)),
            error(ValueError, r"padding", (1, 3, 5), (4, 3, 3), (4,), padding=-1),
            error(ValueError, r"same", (1, 3, 5), (4, 3, 3), (4,), padding="same", stride=2),
            error(ValueError, r"\(N, C, L\)", (1, 1, 3, 5), (4, 3, 3), (4,)),
        ),
    ),
    Op(
        "conv_tbc",
        lambda lib, x, w, b, **o: F(lib).conv_tbc(x, w, b, **o),
        lambda x, w, b, pad=0: conv(
            x.transpose(1, 2, 0), w.transpose(2, 1, 0), b, padding=pad
        ).transpose(2, 0, 1),
        (case((6, 2, 3), (3, 3, 4), (4,)), case((5, 2, 3), (2, 3, 4), (4,), pad=1)),
        errors=(error((ValueError, RuntimeError), r"3 dim.*\(6, 3\)", (6, 3), (3, 3, 4), (4,)),),
    ),
    Op(
        "conv3d",
        lambda lib, x, w, b, **o: F(lib).conv3d(x, w, b, **o),
        conv,
        with_bias(VOLUMES),
        errors=(
            error(ValueError, r"C=3.*expects 4", (2, 3, 4, 4, 4), (8, 4, 3, 3, 3), (8,)),
            error(ValueError, r"kernel \(3, 3, 3 with", (1, 3, 2, 4, 4), (4, 3, 3, 3, 3), (4,)),
            error(ValueError, r"three", (1, 3, 4, 4, 4), (4, 3, 3, 3, 3), (4,), stride=(1, 1)),
            error(ValueError, r"dilation", (1, 3, 4, 4, 4), (4, 3, 2, 2, 2), (4,), dilation=0),
            error(ValueError, r"\(N, C, D, H, W\)", (3, 5, 5), (4, 3, 3, 3, 3), (4,)),
        ),
    ),
    transposed("conv_transpose1d", TRANSPOSED_1D),
    transposed(
        "conv_transpose2d",
        TRANSPOSED,
        error(ValueError, r"w \(4, 2, 2, 2\)", (1, 3, 4, 4), (4, 2, 2, 2), (2,)),
        error(ValueError, r"bias", (1, 3, 4, 4), (3, 2, 2, 2), (3,)),
        error(ValueError, r"output_padding", (1, 3, 4, 4), (3, 2, 2, 2), (2,), output_padding=1),
        error(ValueError, r"output_padding", (1, 3, 4, 4), (3, 2, 2, 2), (2,), output_padding=-1),
        error(ValueError, r"nothing is left", (1, 3, 1, 1), (3, 2, 2, 2), (2,), padding=1),
        error(TypeError, r"padding", (1, 3, 4, 4), (3, 2, 2, 2), (2,), padding="same"),
        error(ValueError, r"groups", (1, 3, 4, 4), (3, 2, 2, 2), (4,), groups=2),
    ),
    transposed("conv_transpose3d", TRANSPOSED_3D),
    Op(
        "unfold",
        lambda lib, x, **o: F(lib).unfold(x, **o),
        unfold,
        (
            case((2, 3, 5, 4), kernel_size=(3, 2)),
            case((2, 3, 7, 5), kernel_size=2, stride=3),
            case((1, 2, 7, 5), kernel_size=(2, 3), dilation=2, padding=(1, 2), stride=(1, 2)),
            case((1, 1, 4, 4), kernel_size=3, padding=1),
            case((2, 1, 5, 4), kernel_size=1, stride=2),
            case((3, 5, 4), kernel_size=2),
            case((0, 2, 4, 4), kernel_size=2),
            case((1, 1, 1, 1), kernel_size=1),
        ),
        ("Unfold",),
        dtypes={("float16",): "float16", ("int64",): TypeError},
        errors=(
            error(ValueError, r"kernel|\(2, 2\)", (1, 1, 2, 2), kernel_size=3),
            error(ValueError, "stride", (1, 1, 4, 4), kernel_size=2, stride=0),
            error(ValueError, "or two", (1, 1, 4, 4), kernel_size=(1, 2, 3)),
            error(ValueError, r"\(N, C, H, W\)", (4, 4), kernel_size=2),
            error(ValueError, "non-empty", (1, 0, 4, 4), kernel_size=2),
        ),
    ),
    Op(
        "fold",
        lambda lib, x, **o: F(lib).fold(x, **o),
        fold,
        (
            case((2, 18, 9), output_size=(5, 4), kernel_size=(3, 2)),
            case((2, 12, 4), output_size=(7, 5), kernel_size=2, stride=3),
            case((1, 9, 16), output_size=(4, 4), kernel_size=3, padding=1),
            case(
                (1, 12, 21),
                output_size=(7, 5),
                kernel_size=(2, 3),
                dilation=2,
                padding=(1, 2),
                stride=(1, 2),
            ),
            case((12, 9), output_size=4, kernel_size=2),
            case((0, 4, 9), output_size=(4, 4), kernel_size=2),
            case((1, 1, 1), output_size=1, kernel_size=1),
        ),
        ("Fold",),
        dtypes={("float16",): "float16", ("int64",): TypeError},
        errors=(
            error(ValueError, r"9|10", (1, 4, 10), output_size=(4, 4), kernel_size=2),
            error(ValueError, r"C \* 4", (1, 6, 9), output_size=(4, 4), kernel_size=2),
            error(ValueError, r"C \* 4", (1, 1, 4, 9), output_size=(4, 4), kernel_size=2),
            error(ValueError, "does not fit", (1, 4, 9), output_size=(1, 1), kernel_size=2),
        ),
    ),
]
