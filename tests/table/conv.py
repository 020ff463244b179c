"""Rows: convolution and its patch matrices."""

import numpy as np

from .row import Op, case, error


def pair(v):
    return (v, v) if isinstance(v, int) else tuple(v)


def padded(x, padding, kernel, dilation, value=0.0):
    """The image with its border, 'same' putting the odd column behind."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel)]
        widths = [(t // 2, t - t // 2) for t in total]
    else:
        widths = [(p, p) for p in pair(padding)]
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + widths, constant_values=value)


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Six sums, written as loops over the kernel window."""
    batched = x.ndim == 4
    x = x if batched else x[None]
    (sh, sw), dilation = pair(stride), pair(dilation)
    F, CG, KH, KW = w.shape
    x = padded(x, padding, (KH, KW), dilation)
    N, _, H, W = x.shape
    OH, OW = (H - dilation[0] * (KH - 1) - 1) // sh + 1, (W - dilation[1] * (KW - 1) - 1) // sw + 1
    y = np.zeros((N, F, OH, OW))
    for f in range(F):
        g = f // (F // groups)
        for u in range(KH):
            for v in range(KW):
                top, left = u * dilation[0], v * dilation[1]
                window = x[
                    :,
                    g * CG : (g + 1) * CG,
                    top : top + (OH - 1) * sh + 1 : sh,
                    left : left + (OW - 1) * sw + 1 : sw,
                ]
                y[:, f] += np.einsum("nchw,c->nhw", window, w[f, :, u, v])
    if b is not None:
        y += b[:, None, None]
    return y if batched else y[0]


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
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
    H, W = output_size
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

OPS = [
    Op(
        "conv2d",
        lambda lib, x, w, b, **o: F(lib).conv2d(x, w, b, **o),
        conv2d,
        tuple(case(x, w, (w[0],), **o) for x, w, o in AWKWARD),
        ("Conv2d", "Conv2dGradInput", "Conv2dGradWeight"),
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
        conv2d,
        tuple(case(x, w, **o) for x, w, o in AWKWARD[:6]),
        ("Conv2d",),
    ),
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
        ),
        ("Unfold",),
        errors=(error(ValueError, r"kernel|\(2, 2\)", (1, 1, 2, 2), kernel_size=3),),
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
        ),
        ("Fold",),
        errors=(error(ValueError, r"9|10", (1, 4, 10), output_size=(4, 4), kernel_size=2),),
    ),
]
