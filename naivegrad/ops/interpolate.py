"""Images made larger or smaller: interpolate, and the older names of it."""

from __future__ import annotations

import operator
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_floating
from naivegrad.backend.resampling import Axis
from naivegrad.ops._args import require_tensor
from naivegrad.tensor import Tensor

# By name: how an axis is resampled, and for how many axes that is meant (None: one to three).
_MODES: dict[str, tuple[str, int | None]] = {
    "nearest": ("nearest", None),
    "nearest-exact": ("nearest-exact", None),
    "area": ("area", None),
    "linear": ("linear", 1),
    "bilinear": ("linear", 2),
    "trilinear": ("linear", 3),
    "bicubic": ("cubic", 2),
    "lanczos": ("lanczos", 2),
}
_ALIGNABLE = ("linear", "bilinear", "bicubic", "trilinear", "lanczos")
_ANTIALIASED = ("bilinear", "bicubic", "lanczos")


class Resample(Function):
    """y = A x: along each of the last axes, weighted sums of neighbours.    grad_x = A^T grad.

    A and its transpose are maps of one kind: the gradient is this operation, transposed.
    """

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[Axis, ...], transposed: bool) -> Any:
        ctx.axes, ctx.transposed = axes, transposed
        return ctx.backend.resample(x, axes, transposed)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Resample.apply(grad, ctx.axes, not ctx.transposed)


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """An image (or signal, or volume) of another size.

    Parameters
    ----------
    input : Tensor, (N, C, W), (N, C, H, W) or (N, C, D, H, W); floating point, or uint8 unless the
        mode is area
    size : the new size of the axes after C; an integer stands for all of them
    scale_factor : instead of size: by how much each axis grows, to floor(size * factor)
    mode : "nearest", "nearest-exact", "area" (the mean of what an output covers);
        "linear" (3-D input), "bilinear", "bicubic", "lanczos" (4-D), "trilinear" (5-D)
    align_corners : for the linear and cubic modes: the centres of the corner pixels stay where they
        are, rather than the corners of these pixels
    recompute_scale_factor : use the new size divided by the old one in place of scale_factor, which
        may differ from it where the new size was rounded
    antialias : for bilinear, bicubic and lanczos: where the image shrinks, the filter is as wide as
        an output pixel. lanczos needs it.

    Returns
    -------
    Tensor, (N, C, ...) with the new size

    Raises
    ------
    ValueError
        Neither or both of size and scale_factor, sizes below 1, options that a mode does not have.
    NotImplementedError
        A mode that does not exist for so many dimensions.
    TypeError
        A type that is not supported.

    Notes
    -----
    Linear in the input, and so differentiable to any order. Each axis is done by itself.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.tensor([[[0.0, 1.0, 4.0]]])
    >>> ng.nn.functional.interpolate(x, 5, mode="linear", align_corners=True)
    tensor([[[0. , 0.5, 1. , 2.5, 4. ]]])
    >>> ng.nn.functional.interpolate(x, scale_factor=2).squeeze()
    tensor([0., 0., 1., 1., 4., 4.])

    References
    ----------
    Keys 1981, "Cubic convolution interpolation for digital image processing".
    """
    op = "interpolate"
    kind = _check_mode(op, require_tensor(input, op), mode, align_corners, antialias)
    old = input.array.shape[2:]
    new, scales = _new_size(op, input, size, scale_factor, recompute_scale_factor)
    if min(*old, *new) < 1 or input.array.shape[1] == 0:
        raise ValueError(
            f"{op}: sizes must be greater than 0, got input {input.array.shape}, output {new}"
        )
    if kind == "area":
        scales = (None,) * len(old)
    single = kind.startswith("nearest") and input.array.dtype.itemsize < 8
    axes = tuple(
        [
            Axis(kind, o, n, s, bool(align_corners), bool(antialias), single)
            for o, n, s in zip(old, new, scales, strict=True)
        ]
    )
    return Resample.apply(input, axes, False)


def _check_mode(op: str, x: Tensor, mode: str, align_corners: Any, antialias: bool) -> str:
    """How an axis is resampled."""
    dims = x.array.ndim - 2
    if mode not in _MODES or not 1 <= dims <= 3:
        raise NotImplementedError(
            f"{op}: takes 3-D, 4-D and 5-D input and the modes {', '.join(_MODES)}; got {mode!r} "
            f"for input {x.array.shape}"
        )
    kind, wanted = _MODES[mode]
    if wanted not in (None, dims):
        raise NotImplementedError(
            f"{op}: mode {mode!r} needs {wanted + 2}-D input, got {x.array.shape}"
        )
    if align_corners is not None and mode not in _ALIGNABLE:
        raise ValueError(f"{op}: align_corners is for {', '.join(_ALIGNABLE)}, not for {mode!r}")
    if antialias and mode not in _ANTIALIASED:
        raise ValueError(f"{op}: antialias is for {', '.join(_ANTIALIASED)}, not for {mode!r}")
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError(f"{op}: mode 'lanczos' needs antialias=True and has no align_corners=True")
    dtype = x.array.dtype
    if not is_floating(dtype) and not (dtype.name == "uint8" and kind != "area"):
        raise TypeError(f"{op}: a floating-point tensor is needed for mode {mode!r}, got {x.dtype}")
    return kind


def _new_size(
    op: str, x: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The size of the result, and the factors to compute with (None: the ratio of the sizes)."""
    old = x.array.shape[2:]
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{op}: exactly one of size and scale_factor must be given")
    if size is not None:
        if recompute:
            raise ValueError(f"{op}: recompute_scale_factor goes with scale_factor, not with size")
        try:
            wish = tuple([operator.index(n) for n in _each(op, "size", size, old)])
        except TypeError:
            raise TypeError(f"{op}: size must be of integers, got {size!r}") from None
        return wish, (None,) * len(old)
    factors = tuple([float(f) for f in _each(op, "scale_factor", scale_factor, old)])
    wish = tuple([int(n * f) for n, f in zip(old, factors, strict=True)])
    return wish, (None,) * len(old) if recompute else factors


def _each(op: str, name: str, value: Any, old: tuple[int, ...]) -> tuple[Any, ...]:
    """One number for all axes, or one for each."""
    if not isinstance(value, tuple | list):
        return (value,) * len(old)
    if len(value) != len(old):
        raise ValueError(f"{op}: {name} {tuple(value)} for an input with the axes {old} after C")
    return tuple(value)


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The older name of `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode="nearest"."""
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode="bilinear" and align_corners=True."""
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
