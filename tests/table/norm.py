"""Rows: normalisation."""

import numpy as np

from .loss import constant
from .row import Op, case, error


def F(lib):
    return lib.nn.functional


def layer_norm(x, w=None, b=None, *, shape, eps=1e-5):
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    centred = x - x.mean(axes, keepdims=True)
    y = centred / np.sqrt((centred**2).mean(axes, keepdims=True) + eps)
    y = y if w is None else y * w
    return y if b is None else y + b


def per_channel(v, x):
    return v.reshape(1, -1, *[1] * (x.ndim - 2))


def batch_norm(x, w=None, b=None, mean=None, var=None, eps=1e-5):
    axes = (0, *range(2, x.ndim))
    if mean is None:
        mean, var = x.mean(axes), x.var(axes)
    y = (x - per_channel(mean, x)) / np.sqrt(per_channel(var, x) + eps)
    y = y if w is None else y * per_channel(w, x)
    return y if b is None else y + per_channel(b, x)


def batch_norm_eval(lib, x, w, b, mean, var, **o):
    mean, var = constant(lib, mean, x), constant(lib, var, x)
    return F(lib).batch_norm(x, mean, var, w, b, training=False, **o)


def stored(channels):
    """Running statistics."""
    means, variances = np.linspace(-1, 1, channels), np.linspace(0.5, 2, channels)
    return dict(mean=tuple(means.tolist()), var=tuple(variances.tolist()))


IMAGES = [
    ((4, 3), 3),
    ((2, 3, 5), 3),
    ((2, 3, 4, 5), 3),
    ((3, 1, 2, 2), 1),
    ((5, 2, 3, 3), 2),
    ((5, 3, 1, 1), 3),
]

OPS = [
    Op(
        "layer_norm",
        lambda lib, x, w, b, shape, **o: F(lib).layer_norm(x, shape, w, b, **o),
        layer_norm,
        (
            case((3, 5), (5,), (5,), shape=(5,)),
            case((2, 3, 4), (4,), (4,), shape=(4,)),
            case((2, 3, 4), (3, 4), (3, 4), shape=(3, 4)),
            case((5,), (5,), (5,), shape=(5,)),
            case((0, 5), (5,), (5,), shape=(5,)),
            case((2, 67), (67,), (67,), shape=(67,)),
            case((3, 5), (5,), (5,), shape=(5,), eps=0.1),
        ),
        ("LayerNorm", "LayerNormGrad"),
        errors=(
            error(ValueError, r"\(3, 4\).*\(5,\)|\(5,\).*\(3, 4\)", (3, 4), (5,), (5,), shape=(5,)),
            error(ValueError, r"\(3,\)", (3, 4), (3,), (4,), shape=(4,)),
        ),
    ),
    Op(
        "layer_norm_plain",
        lambda lib, x, shape: F(lib).layer_norm(x, shape),
        layer_norm,
        (case((3, 5), shape=(5,)), case((2, 3, 4), shape=(3, 4))),
        error_name="layer_norm",
    ),
    Op(
        "layer_norm_weight",
        lambda lib, x, w, shape: F(lib).layer_norm(x, shape, weight=w),
        layer_norm,
        (case((3, 5), (5,), shape=(5,)),),
        error_name="layer_norm",
    ),
    Op(
        "batch_norm_train",
        lambda lib, x, w, b, **o: F(lib).batch_norm(x, None, None, w, b, training=True, **o),
        batch_norm,
        (
            *[case(x, (c,), (c,)) for x, c in IMAGES],
            case((4, 3), (3,), (3,), eps=0.1),
            case((67, 2), (2,), (2,)),
        ),
        ("BatchNorm", "BatchNormGrad"),
        error_name="batch_norm",
        errors=(
            error(ValueError, r"\(2,\)|2.*3|3.*2", (4, 3), (2,), (3,)),
            error(ValueError, r"\(1, 3\)|more than 1|one value", (1, 3), (3,), (3,)),
        ),
    ),
    Op(
        "batch_norm_train_plain",
        lambda lib, x: F(lib).batch_norm(x, None, None, training=True),
        batch_norm,
        (case((4, 3)), case((2, 3, 4, 5))),
        error_name="batch_norm",
    ),
    Op(
        "batch_norm_eval",
        batch_norm_eval,
        lambda x, w, b, mean, var, **o: batch_norm(x, w, b, np.array(mean), np.array(var), **o),
        (
            *[case(x, (c,), (c,), **stored(c)) for x, c in IMAGES],
            case((1, 3), (3,), (3,), **stored(3), eps=0.1),
            case((0, 3), (3,), (3,), **stored(3)),
        ),
        error_name="batch_norm",
    ),
]
