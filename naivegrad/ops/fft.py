"""Discrete Fourier transforms: three Functions, whose transposes are each other.

    y[k] = scale * sum_n x[n] w^(k n),    w = e^(-2 pi i / N),    n, k = 0 ... N - 1

scale is 1 there and 1 / N on the way back (norm="backward"), the reverse ("forward"), or
1 / sqrt(N) both ways ("ortho"). Gradients are written as the graph has them (see ops/complex.py).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import floating
from naivegrad.ops._args import into, normalize_axis, require_tensor
from naivegrad.ops.padding import Pad
from naivegrad.tensor import Tensor

Sizes = Sequence[int] | int | None
OTHER = {"backward": "forward", "forward": "backward", "ortho": "ortho"}  # norm of the way back


class FFT(Function):
    """y[k] = scale * sum_n x[n] w^(+-k n) over some axes.    grad_x: the same transform of grad.

    The matrix w^(k n) is its own transpose. Of a real x the gradient is the real part.
    """

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], inverse: bool, norm: str) -> Any:
        ctx.options = axes, inverse, norm
        return ctx.backend.fft(x, axes, inverse, norm)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return FFT.apply(grad, *ctx.options)


class RFFT(Function):
    """y[k] of real x, for k = 0 ... N / 2.    grad_x[n] = scale * Re(sum_k grad[k] w^(k n)).

    `IRFFT` computes that sum, of conj(grad), if what it takes twice is halved.
    """

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, norm: str) -> Any:
        ctx.n, ctx.axis, ctx.norm = x.shape[axis], axis, norm
        return ctx.backend.rfft(x, axis, norm)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        halved = grad / _times_taken(grad, ctx.n, ctx.axis)
        return IRFFT.apply(halved.conj(), ctx.n, ctx.axis, OTHER[ctx.norm])


class IRFFT(Function):
    """y[n] = scale * Re(sum_k m[k] x[k] w^(-k n)), k = 0 ... N / 2; m: how often each counts.

    grad_x[k] = scale * m[k] * sum_n grad[n] w^(-k n).
    """

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, n: int, axis: int, norm: str) -> Any:
        ctx.n, ctx.axis, ctx.norm = n, axis, norm
        return ctx.backend.irfft(x, n, axis, norm)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        half = RFFT.apply(grad, ctx.axis, OTHER[ctx.norm]).conj()
        return half * _times_taken(half, ctx.n, ctx.axis)


def _times_taken(half: Tensor, n: int, axis: int) -> Tensor:
    """m: 2 for what stands for its conjugate at N - k too; 1 for k = 0 and for k = N / 2."""
    length = half.array.shape[axis]
    m = half.detach().real.new_full((length,), 2.0)
    m[0] = 1.0
    if n % 2 == 0:
        m[-1] = 1.0
    return m.reshape([length if i == axis else 1 for i in range(half.array.ndim)])


# Arguments


def _norm(norm: str | None, op: str) -> str:
    if norm is None:
        return "backward"
    if norm not in OTHER:
        raise ValueError(f'{op}: norm must be "backward", "ortho" or "forward", got {norm!r}')
    return norm


def _prepared(x: Any, op: str, real: bool = False) -> Tensor:
    """Integers as floats; TypeError for half precision, and complex numbers where real ones go."""
    x = require_tensor(x, op)
    x = x.cast(floating(x.array.dtype))
    if x.array.dtype.itemsize < 4:
        raise TypeError(f"{op}: float32, float64 or complex is needed, got {x.dtype}")
    if real and x.is_complex():
        raise TypeError(f"{op}: a real tensor is needed, got {x.dtype}")
    return x


def _axis(x: Tensor, dim: int, op: str) -> int:
    if not x.array.ndim:
        raise IndexError(f"{op}: a tensor of 0 dimensions has no dimension {dim}")
    return normalize_axis(dim, x.array.ndim, op)


def _resized(x: Tensor, axes: Sequence[int], lengths: Sequence[int], op: str) -> Tensor:
    """x cut off, or continued with zeros, at the ends of some axes."""
    shape = x.array.shape
    widths = [(0, 0)] * len(shape)
    for axis, n in zip(axes, lengths, strict=True):
        if n < 1:
            raise ValueError(f"{op}: at least one point is needed, got {n} in dimension {axis}")
        widths[axis] = (0, n - shape[axis])
    return Pad.apply(x, tuple(widths), 0.0) if any(w != (0, 0) for w in widths) else x


def _axes(x: Tensor, s: Sizes, dim: Any, op: str) -> tuple[list[int], list[int]]:
    """The dimensions to transform, in the order given, and what length each gets."""
    ndim, shape = x.array.ndim, x.array.shape
    dim = [dim] if isinstance(dim, int) else dim
    if dim is None:
        s = [s] if isinstance(s, int) else s
        if s is not None and len(s) > ndim:
            raise ValueError(f"{op}: s has {len(s)} values for a tensor of {ndim} dimensions")
        dim = range(ndim) if s is None else range(ndim - len(s), ndim)
    axes = [_axis(x, d, op) for d in dim]
    if len(set(axes)) != len(axes):
        raise ValueError(f"{op}: a dimension appears twice in dim={tuple(dim)}")
    if s is None:
        return axes, [shape[i] for i in axes]
    if isinstance(s, int):
        s = [s]
    else:  # of several lengths, -1 keeps that of the input
        s = [shape[i] if n == -1 else n for i, n in zip(axes, s)] if len(s) == len(axes) else s
    if len(s) != len(axes):
        raise ValueError(f"{op}: s {tuple(s)} and dim {tuple(dim)} must be of one length")
    return axes, [operator.index(n) for n in s]


def _into(out: Tensor | None, result: Tensor, op: str) -> Tensor:
    if out is not None and result.is_complex() and not require_tensor(out, op, "out").is_complex():
        raise TypeError(f"{op}: out must be complex, got {out.dtype}")
    return into(out, result, op)


def _c2c(op: str, x: Any, n: Any, dim: int, norm: Any, inverse: bool, out: Any) -> Tensor:
    x = _prepared(x, op)
    axis = _axis(x, dim, op)
    x = _resized(x, [axis], [x.array.shape[axis] if n is None else operator.index(n)], op)
    return _into(out, FFT.apply(x, (axis,), inverse, _norm(norm, op)), op)


def _c2c_n(op: str, x: Any, s: Any, dim: Any, norm: Any, inverse: bool, out: Any) -> Tensor:
    x = _prepared(x, op)
    axes, lengths = _axes(x, s, dim, op)
    norm = _norm(norm, op)
    x = _resized(x, axes, lengths, op)
    if not axes:  # nothing to transform, but still a tensor of its own
        return _into(out, x.clone().cast(x.dtype.to_complex().numpy), op)
    return _into(out, FFT.apply(x, tuple(axes), inverse, norm), op)


def _r2c_n(op: str, x: Any, s: Any, dim: Any, norm: Any, inverse: bool, out: Any) -> Tensor:
    """rfft along the last of the dimensions, then fft along the others; inverse: conjugated."""
    x = _prepared(x, op, real=True)
    axes, lengths = _axes(x, s, dim, op)
    if not axes:
        raise ValueError(f"{op}: at least one dimension must be transformed")
    norm = _norm(norm, op)
    x = _resized(x, axes, lengths, op)
    y = RFFT.apply(x, axes[-1], OTHER[norm] if inverse else norm)
    if inverse:
        y = y.conj()
    if axes[:-1]:
        y = FFT.apply(y, tuple(axes[:-1]), inverse, norm)
    return _into(out, y, op)


def _c2r_n(op: str, x: Any, s: Any, dim: Any, norm: Any, inverse: bool, out: Any) -> Tensor:
    """ifft along all dimensions but the last, then irfft along that; not inverse: conjugated."""
    x = _prepared(x, op)
    axes, lengths = _axes(x, s, dim, op)
    if not axes:
        raise ValueError(f"{op}: at least one dimension must be transformed")
    norm = _norm(norm, op)
    if s is None or (not isinstance(s, int) and s[-1] == -1):
        lengths[-1] = 2 * (x.array.shape[axes[-1]] - 1)
    n = lengths[-1]
    if n < 1:
        raise ValueError(f"{op}: at least one point is needed, got {n} in dimension {axes[-1]}")
    x = _resized(x, axes, [*lengths[:-1], n // 2 + 1], op)
    if axes[:-1]:
        x = FFT.apply(x, tuple(axes[:-1]), inverse, norm)
    if not x.is_complex():
        x = x * (1 + 0j)
    if not inverse:
        x = x.conj()
    return _into(out, IRFFT.apply(x, n, axes[-1], norm if inverse else OTHER[norm]), op)


# Functional names


def fft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The discrete Fourier transform along one dimension.

        y[k] = scale * sum_n x[n] e^(-2 pi i k n / N)

    Parameters
    ----------
    input : Tensor, real or complex; integers count as floats
    n : the length of the transform: what is longer is cut off, what is shorter ends in zeros
    dim : the dimension
    norm : "backward" (scale 1, the default), "ortho" (1 / sqrt(N)) or "forward" (1 / N)

    Returns
    -------
    Tensor, complex, in the precision of the input

    Raises
    ------
    TypeError : half precision
    ValueError : n below 1, an unknown norm
    IndexError : no such dimension

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.fft.fft(ng.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    return _c2c("fft", input, n, dim, norm, False, out)


def ifft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `fft`: e^(+2 pi i k n / N), scale 1 / N unless norm says otherwise."""
    return _c2c("ifft", input, n, dim, norm, True, out)


def rfft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`fft` of a real tensor, the first N // 2 + 1 numbers: the others are their conjugates.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.fft.rfft(ng.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor([10.+0.j, -2.+2.j, -2.+0.j])
    """
    return _r2c_n("rfft", input, n, dim, norm, False, out)


def irfft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `rfft`: n real numbers, 2 * (size - 1) unless n is given."""
    return _c2r_n("irfft", input, n, dim, norm, True, out)


def hfft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`fft` of a signal with x[N - n] = conj(x[n]), of which the first half is given: n reals."""
    return _c2r_n("hfft", input, n, dim, norm, False, out)


def ihfft(
    input: Tensor,
    n: int | None = None,
    dim: int = -1,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `hfft`: the first half of `ifft` of a real tensor."""
    return _r2c_n("ihfft", input, n, dim, norm, True, out)


def fftn(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`fft` along several dimensions: dim, or the last len(s), or all. s gives their lengths."""
    return _c2c_n("fftn", input, s, dim, norm, False, out)


def ifftn(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `fftn`."""
    return _c2c_n("ifftn", input, s, dim, norm, True, out)


def rfftn(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`rfft` along the last of several dimensions, `fft` along the others."""
    return _r2c_n("rfftn", input, s, dim, norm, False, out)


def irfftn(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `rfftn`; s tells whether the last length was even (the default) or odd."""
    return _c2r_n("irfftn", input, s, dim, norm, True, out)


def hfftn(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`fft` along all of several dimensions but the last, `hfft` along that."""
    return _c2r_n("hfftn", input, s, dim, norm, False, out)


def ihfftn(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = None,
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The inverse of `hfftn`."""
    return _r2c_n("ihfftn", input, s, dim, norm, True, out)


def fft2(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`fftn` along the last two dimensions."""
    return _c2c_n("fft2", input, s, dim, norm, False, out)


def ifft2(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`ifftn` along the last two dimensions."""
    return _c2c_n("ifft2", input, s, dim, norm, True, out)


def rfft2(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`rfftn` along the last two dimensions."""
    return _r2c_n("rfft2", input, s, dim, norm, False, out)


def irfft2(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`irfftn` along the last two dimensions."""
    return _c2r_n("irfft2", input, s, dim, norm, True, out)


def hfft2(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`hfftn` along the last two dimensions."""
    return _c2r_n("hfft2", input, s, dim, norm, False, out)


def ihfft2(
    input: Tensor,
    s: Sizes = None,
    dim: Sizes = (-2, -1),
    norm: str | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """`ihfftn` along the last two dimensions."""
    return _r2c_n("ihfft2", input, s, dim, norm, True, out)
