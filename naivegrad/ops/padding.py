"""Values around a tensor, and cropping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import require_tensor
from naivegrad.ops._args import sizes as shape_of
from naivegrad.ops.joining import cat
from naivegrad.ops.movement import expand, narrow
from naivegrad.ops.rearrange import flip
from naivegrad.tensor import Tensor


class Pad(Function):
    """y = x with `widths` values before and after each axis.    grad_x = grad, cropped.

    Negative widths crop: crop and pad by 0 are each other's transposes.
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, widths: tuple[tuple[int, int], ...], value: float) -> Any:
        ctx.widths = widths
        return ctx.backend.pad(x, widths, value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Pad.apply(grad, tuple((-a, -b) for a, b in ctx.widths), 0.0)

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Any:
        return Pad.apply(x_dot, ctx.widths, 0.0)


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Values around axes, in pairs from the last axis on: (left, right, top, bottom, ...).

    Negative widths crop. Modes: "constant" (value, or 0), "reflect" (mirrored at the border,
    which is not repeated), "replicate" (the border), "circular" (the other end).
    """
    widths = list(shape_of(list(pad), "pad"))
    shape = require_tensor(input, "pad").array.shape
    if mode not in ("constant", *_BORDERS):
        raise ValueError(
            f'pad: mode must be "constant", "reflect", "replicate" or "circular", got {mode!r}'
        )
    if mode != "constant" and value:
        raise ValueError(f'pad: mode "{mode}" takes no value, got {value}')
    if len(widths) % 2 or len(widths) // 2 > len(shape):
        raise ValueError(
            f"pad: {tuple(widths)} are not pairs of widths for at most {len(shape)} dimensions"
        )
    pairs = [(0, 0)] * (len(shape) - len(widths) // 2)
    pairs += [(widths[i], widths[i + 1]) for i in range(len(widths) - 2, -1, -2)]
    for n, (a, b) in zip(shape, pairs, strict=True):
        if n + a + b < 0:
            raise ValueError(f"pad: {tuple(widths)} cut more than there is from shape {shape}")
    if mode == "constant":
        return Pad.apply(input, tuple(pairs), 0.0 if value is None else value)
    for axis, (a, b) in enumerate(pairs):
        if a < 0 or b < 0:
            cut = max(-a, 0)
            input = narrow(input, axis, cut, input.array.shape[axis] - cut - max(-b, 0))
        if a > 0 or b > 0:
            input = _pad_from_inside(input, axis, max(a, 0), max(b, 0), mode)
    return input


_BORDERS = {"reflect": 1, "replicate": None, "circular": 0}  # mode: slices that cannot be used


def _pad_from_inside(x: Tensor, axis: int, a: int, b: int, mode: str) -> Tensor:
    """a slices before and b after one axis, made of its own slices."""
    n = x.array.shape[axis]
    unusable = _BORDERS[mode]
    most = n - unusable if unusable is not None else (a + b) * (n > 0)
    if max(a, b) > most:
        raise ValueError(
            f'pad: mode "{mode}" can add at most {max(most, 0)} to axis {axis} of shape '
            f"{x.array.shape}, got {max(a, b)}"
        )
    if mode == "reflect":
        before = flip(narrow(x, axis, 1, a), (axis,))
        after = flip(narrow(x, axis, n - 1 - b, b), (axis,))
    elif mode == "circular":
        before, after = narrow(x, axis, n - a, a), narrow(x, axis, 0, b)
    else:
        shape = list(x.array.shape)
        shape[axis] = a
        before = expand(narrow(x, axis, 0, 1), shape)
        shape[axis] = b
        after = expand(narrow(x, axis, n - 1, 1), shape)
    return cat([before, x, after], axis)
