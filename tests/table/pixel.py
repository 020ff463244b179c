"""Rows: channels into pixels and back."""

import numpy as np

from .row import Op, case, error


def pixel_shuffle(x, upscale_factor):
    r = upscale_factor
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c // r**2, h * r, w * r))
    for i in range(r):
        for j in range(r):
            y[..., i::r, j::r] = x[..., i * r + j :: r * r, :, :]
    return y


def pixel_unshuffle(x, downscale_factor):
    r = downscale_factor
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c * r**2, h // r, w // r))
    for i in range(r):
        for j in range(r):
            y[..., i * r + j :: r * r, :, :] = x[..., i::r, j::r]
    return y


def channel_shuffle(x, groups):
    order = [
        g * (x.shape[1] // groups) + i for i in range(x.shape[1] // groups) for g in range(groups)
    ]
    return x[:, order]


OPS = [
    Op(
        "pixel_shuffle",
        lambda lib, x, **o: lib.pixel_shuffle(x, **o),
        pixel_shuffle,
        (
            case((1, 8, 2, 3), upscale_factor=2),
            case((9, 1, 2), upscale_factor=3),
            case((2, 2, 4, 1, 2), upscale_factor=2),
            case((2, 3, 2), upscale_factor=1),
        ),
        dtypes={("int64",): "int64", ("bool",): "bool", ("float16",): "float16"},
        errors=(
            error(ValueError, r"C=6.*2\^2.*\(1, 6, 2, 2\)", (1, 6, 2, 2), upscale_factor=2),
            error(ValueError, r"at least 3.*\(4, 2\)", (4, 2), upscale_factor=2),
            error(ValueError, r"positive, got 0", (4, 2, 2), upscale_factor=0),
            error(TypeError, r"2\.0", (4, 2, 2), upscale_factor=2.0),
        ),
    ),
    Op(
        "pixel_shuffle_empty",
        lambda lib, x, **o: lib.pixel_shuffle(x, **o),
        pixel_shuffle,
        (case((0, 4, 2, 2), upscale_factor=2), case((4, 0, 2), upscale_factor=2)),
        torch=False,  # its gradient has the wrong shape there
        error_name="pixel_shuffle",
    ),
    Op(
        "pixel_unshuffle",
        lambda lib, x, **o: lib.nn.functional.pixel_unshuffle(x, **o),
        pixel_unshuffle,
        (
            case((1, 2, 4, 6), downscale_factor=2),
            case((1, 3, 6), downscale_factor=3),
            case((2, 2, 1, 2, 4), downscale_factor=2),
            case((2, 3, 2), downscale_factor=1),
        ),
        dtypes={("int64",): "int64"},
        errors=(
            error(ValueError, r"H=3, W=4.*\(1, 3, 4\)", (1, 3, 4), downscale_factor=2),
            error(ValueError, r"at least 3.*\(4, 2\)", (4, 2), downscale_factor=2),
            error(ValueError, r"positive, got -1", (4, 2, 2), downscale_factor=-1),
        ),
    ),
    Op(
        "channel_shuffle",
        lambda lib, x, **o: lib.channel_shuffle(x, **o),
        channel_shuffle,
        (
            case((2, 6, 3), groups=2),
            case((2, 6, 2, 2), groups=3),
            case((1, 4, 1, 2, 1), groups=4),
            case((0, 4, 2), groups=2),
        ),
        dtypes={("int64",): "int64"},
        errors=(
            error(ValueError, r"C=5.*groups=2", (1, 5, 2), groups=2),
            error(ValueError, r"at least 3", (4, 2), groups=2),
            error(ValueError, r"positive, got 0", (1, 4, 2), groups=0),
        ),
    ),
]
