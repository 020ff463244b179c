"""Channels into pixels and back: rearrangements made of reshape and permute."""

from __future__ import annotations

import operator
from typing import Any

from naivegrad.ops._args import require_tensor
from naivegrad.tensor import Tensor


def _checked(op: str, x: Any, factor: Any, name: str) -> tuple[tuple[int, ...], int]:
    """The shape of x, of three dimensions at least, and a positive integer."""
    shape = require_tensor(x, op).array.shape
    try:
        factor = operator.index(factor)
    except TypeError:
        raise TypeError(f"{op}: {name} must be an integer, got {factor!r}") from None
    if factor < 1:
        raise ValueError(f"{op}: {name} must be positive, got {factor}")
    if len(shape) < 3:
        raise ValueError(f"{op}: input must have at least 3 dimensions, got {shape}")
    return shape, factor


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., C r^2, H, W) to (..., C, H r, W r): r^2 channels become a square of r x r pixels.

    y[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w]

    ValueError unless the channels are a multiple of r^2.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.pixel_shuffle(ng.arange(4).reshape(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])

    References
    ----------
    Shi et al. 2016, "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network".
    """
    op = "pixel_shuffle"
    (*lead, channels, height, width), r = _checked(op, input, upscale_factor, "upscale_factor")
    if channels % (r * r):
        raise ValueError(
            f"{op}: C={channels} channels are no multiple of {r}^2 (input {input.array.shape})"
        )
    x = input.reshape(*lead, channels // (r * r), r, r, height, width)
    n = len(lead)
    x = x.permute(*range(n + 1), n + 3, n + 1, n + 4, n + 2)  # (..., C, H, r, W, r)
    return x.reshape(*lead, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., C, H r, W r) to (..., C r^2, H, W): the inverse of `pixel_shuffle`.

    ValueError unless height and width are multiples of r.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.pixel_unshuffle(ng.arange(4).reshape(1, 2, 2), 2).flatten()
    tensor([0, 1, 2, 3])
    """
    op = "pixel_unshuffle"
    (*lead, channels, height, width), r = _checked(op, input, downscale_factor, "downscale_factor")
    if height % r or width % r:
        raise ValueError(
            f"{op}: H={height}, W={width} must be multiples of {r} (input {input.array.shape})"
        )
    x = input.reshape(*lead, channels, height // r, r, width // r, r)
    n = len(lead)
    x = x.permute(*range(n + 1), n + 2, n + 4, n + 1, n + 3)  # (..., C, r, r, H, W)
    return x.reshape(*lead, channels * r * r, height // r, width // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, C, ...): the channels of `groups` groups in turn: the first of each, then the second.

    ValueError unless C is a multiple of groups.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.channel_shuffle(ng.arange(6).reshape(1, 6, 1), 2).flatten()
    tensor([0, 3, 1, 4, 2, 5])

    References
    ----------
    Zhang, Zhou, Lin & Sun 2018, "ShuffleNet".
    """
    op = "channel_shuffle"
    (batch, channels, *rest), groups = _checked(op, input, groups, "groups")
    if channels % groups:
        raise ValueError(
            f"{op}: C={channels} channels are no multiple of groups={groups} "
            f"(input {input.array.shape})"
        )
    x = input.reshape(batch, groups, channels // groups, *rest)
    return x.transpose(1, 2).reshape(batch, channels, *rest)


native_channel_shuffle = channel_shuffle
