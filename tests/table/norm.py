"""Rows: normalisation."""

import numpy as np

from .loss import constant
from .row import Op, case, error, pin


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


def group_norm(x, w, b, groups, eps=1e-5):
    parts = x.reshape(x.shape[0], groups, int(np.prod(x.shape[1:])) // groups)
    rest = parts - parts.mean(-1, keepdims=True)
    y = (rest / np.sqrt((rest**2).mean(-1, keepdims=True) + eps)).reshape(x.shape)
    return y if w is None else y * per_channel(w, x) + per_channel(b, x)


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    padded = np.pad(x**2, [(0, 0), (size // 2, (size - 1) // 2)] + [(0, 0)] * (x.ndim - 2))
    windows = np.stack([padded[:, i : i + x.shape[1]] for i in range(size)])
    return x / (k + alpha * windows.mean(0)) ** beta


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
    Op(
        "group_norm",
        lambda lib, x, w, b, groups, **o: F(lib).group_norm(x, groups, w, b, **o),
        group_norm,
        (
            case((2, 4, 3), (4,), (4,), groups=2),
            case((2, 4), (4,), (4,), groups=2),
            case((2, 6, 2, 2), (6,), (6,), groups=3, eps=0.1),
            case((2, 3, 4), (3,), (3,), groups=3),
            case((0, 4, 3), (4,), (4,), groups=2),
        ),
        errors=(error((ValueError, RuntimeError), "3", (2, 4, 3), (4,), (4,), groups=3),),
    ),
    Op(
        "instance_norm",
        lambda lib, x, w, b, **o: F(lib).instance_norm(x, weight=w, bias=b, **o),
        lambda x, w, b, **o: group_norm(x, w, b, x.shape[1], **o),
        (
            case((2, 3, 4), (3,), (3,)),
            case((3, 2, 3, 2), (2,), (2,), eps=0.1),
            case((2, 2, 2, 2, 2), (2,), (2,)),
            case((1, 3, 67), (3,), (3,)),
        ),
        errors=(
            error(ValueError, r"\(2, 3, 1\)|more than 1", (2, 3, 1), (3,), (3,)),
            error((ValueError, RuntimeError), r"\(2,\)|2", (2, 3, 4), (2,), (3,)),
        ),
    ),
    Op(
        "instance_norm_plain",
        lambda lib, x: F(lib).instance_norm(x),
        lambda x: group_norm(x, None, None, x.shape[1]),
        (case((2, 3, 4)), case((2, 2, 3, 3))),
        error_name="instance_norm",
    ),
    Op(
        "instance_norm_eval",
        lambda lib, x, w, b, mean, var: F(lib).instance_norm(
            x, constant(lib, mean, x), constant(lib, var, x), w, b, use_input_stats=False
        ),
        lambda x, w, b, mean, var: batch_norm(x, w, b, np.array(mean), np.array(var)),
        (case((2, 3, 4), (3,), (3,), **stored(3)),),
        error_name="instance_norm",
    ),
    Op(
        "rms_norm",
        lambda lib, x, w, shape, **o: F(lib).rms_norm(x, shape, w, **o),
        lambda x, w, shape, eps=0.0: (
            x
            / np.sqrt((x**2).mean(tuple(range(x.ndim - len(shape), x.ndim)), keepdims=True) + eps)
            * w
        ),
        (
            case((3, 5), (5,), shape=(5,), eps=0.1),
            case((2, 3, 4), (3, 4), shape=(3, 4), eps=1e-5),
            case((5,), (5,), shape=(5,)),
            case((0, 5), (5,), shape=(5,)),
        ),
        errors=(error((ValueError, RuntimeError), r"\(5,\)|5", (3, 4), (5,), shape=(5,)),),
    ),
    Op(
        "normalize",
        lambda lib, x, **o: F(lib).normalize(x, **o),
        lambda x, p=2.0, dim=1, eps=1e-12: (
            x / np.maximum((np.abs(x) ** p).sum(dim, keepdims=True) ** (1 / p), eps)
        ),
        (
            case((3, 4)),
            case((3, 4), dim=0),
            case((2, 3, 4), dim=-1, p=1.0),
            case((2, 3, 4), p=3.0),
            case((5,), dim=0, eps=0.1),
            case((2, 3, 4), dim=(1, 2)),
            case((0, 4)),
        ),
        pins=(pin([[0.0, 0.0]], grads=([[2.0, 2.0]],), eps=0.5),),
        dtypes={("float16",): "float16", ("int64",): TypeError},
        errors=(error(IndexError, "out of range", (3,)),),
    ),
    Op(
        "local_response_norm",
        lambda lib, x, **o: F(lib).local_response_norm(x, **o),
        local_response_norm,
        (
            case((2, 5, 3), size=3),
            case((2, 5, 3, 2), size=2, alpha=0.5, beta=0.5, k=2.0),
            case((1, 3, 2, 2, 2), size=5, alpha=1.0),
            case((2, 1, 3), size=1),
            case((0, 3, 2), size=3),
        ),
        errors=(error(ValueError, r"\(3, 4\)|3D", (3, 4), size=2),),
    ),
]
