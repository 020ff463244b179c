"""Images read at any points: grid_sample, and affine_grid, which makes the points."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from naivegrad.autograd import Function, formula_vjp
from naivegrad.backend.resampling import A_PLAIN
from naivegrad.ops._args import require_floating, sizes
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap

_MODES = ("bilinear", "nearest", "bicubic")
_OUTSIDE = ("zeros", "border", "reflection")


class GridSample(Function):
    """y[n, c, p] = sum_k w_k(grid[n, p]) x[n, c, k], w_k the weights of the pixels around a point.

    grad_x[n, c, k] = sum_p w_k grad[n, c, p],    grad_grid[n, p] = sum_{c, k} w_k' x grad.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, grid: Any, *options: Any) -> Any:
        ctx.save_for_backward(x, grid)
        ctx.options = options
        return ctx.backend.grid_sample(x, grid, *options)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        needs = ctx.needs_input_grad[:2]
        grads = GridSampleGrad.apply(grad, *ctx.saved_tensors, *ctx.options, *needs)
        return grads if len(grads) == 2 else (None, *grads) if needs[1] else grads


class GridSampleGrad(Function):
    """(grad_x, grad_grid) of GridSample, those that are asked for."""

    @staticmethod
    def forward(ctx: Any, grad: Any, x: Any, grid: Any, *options: Any) -> Any:
        ctx.save_for_backward(grad, x, grid)
        ctx.options = options
        grads = ctx.backend.grid_sample_grad(grad, x, grid, *options)
        return tuple([g for g in grads if g is not None])

    @staticmethod
    def backward(ctx: Any, *us: Tensor | None) -> Any:
        *options, need_x, need_grid = ctx.options
        reached = [u for u in us if u is not None]

        def formula(grad: Tensor, x: Tensor, grid: Tensor) -> Any:
            grads = formula_vjp(lambda x, grid: _formula(x, grid, *options), (x, grid), grad)
            asked = [g for g, need in zip(grads, (need_x, need_grid), strict=True) if need]
            zero = grad.sum() * 0.0  # a gradient that is 0 everywhere, as of nearest
            asked = [zero.expand(u.array.shape) if g is None else g
                     for g, u in zip(asked, us, strict=True) if u is not None]  # fmt: skip
            return tuple(asked)

        return formula_vjp(formula, ctx.saved_tensors, reached)


# ---- the same in Tensor operations, for derivatives of the gradient -----------------------------


def _formula(x: Tensor, grid: Tensor, mode: str, outside: str, align: bool) -> Tensor:
    """What GridSample computes."""
    lengths = x.array.shape[2:]
    grid = where(grid.isnan(), -1.0, grid)
    axes = [
        _taps(grid.select(-1, i), n, mode, outside, align) for i, n in enumerate(lengths[::-1])
    ][::-1]
    flat = x.flatten(2)
    shape = (*x.array.shape[:2], *grid.array.shape[1:-1])
    terms: list[Tensor] = []
    for (at, weight, seen), *others in itertools.product(*axes):
        for (index, w, valid), n in zip(others, lengths[1:], strict=True):
            at, weight, seen = at * n + index, weight * w, seen.logical_and(valid)
        index = at.flatten(1).unsqueeze(1).expand(*shape[:2], -1)
        term = where(seen.unsqueeze(1), flat.gather(2, index).reshape(shape), 0.0)
        terms.append(term * weight.unsqueeze(1))
    return functools.reduce(operator.add, terms)


def _taps(g: Tensor, n: int, mode: str, outside: str, align: bool) -> list[Any]:
    """(position, weight, whether it is inside) of each pixel that is read along an axis."""
    x = (g + 1) * ((n - 1) / 2) if align else ((g + 1) * n - 1) / 2
    if mode != "bicubic":
        x = _inside(x, n, outside, align)
    whole = x.detach().floor()
    t = x - whole
    if mode == "nearest":
        tie = (t == 0.5).logical_and(whole.remainder(2) == 1)  # goes to the even pixel
        one = wrap(x.backend.full((), 1, x.array.dtype), x.backend)
        taps = [(where((t > 0.5).logical_or(tie), whole + 1, whole), one.expand(x.array.shape))]
    elif mode == "bilinear":
        taps = [(whole, 1 - t), (whole + 1, t)]
    else:
        taps = [(_inside(whole + k, n, outside, align), _cubic(t - k, k)) for k in (-1, 0, 1, 2)]
    result = []
    for at, weight in taps:
        valid = (at >= 0).logical_and(at <= n - 1)
        result.append((where(valid, at, 0.0).to(np.dtype(np.int64)), weight, valid))
    return result


def _inside(x: Tensor, n: int, outside: str, align: bool) -> Tensor:
    """Coordinates brought into the image: a mirror's sign, and a 0 at and beyond the ends."""
    if outside == "zeros":
        return x
    if outside == "reflection":
        low, span = (0.0, n - 1) if align else (-0.5, n)
        if span == 0:
            return x * 0.0
        x = (x - low).abs()
        turns = (x.detach() / span).floor()
        rest = x - turns * span
        x = where(turns.remainder(2) == 0, rest, span - rest) + low
    within = (x > 0).logical_and(x < n - 1)
    return where(within, x, where(x.detach() > 0, float(n - 1), 0.0))


def _cubic(t: Tensor, k: int) -> Tensor:
    """Keys 1981, at the distance of the pixel at k from the point."""
    a = A_PLAIN
    d = -t if k > 0 else t
    if k in (0, 1):
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The values of an image, or a volume, at given points.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (N, C, D, H, W), floating point
    grid : Tensor, (N, OH, OW, 2) or (N, OD, OH, OW, 3), of the input's type: points (x, y) or
        (x, y, z), x along W, from -1 at one end of the image to 1 at the other. NaN stands for -1.
    mode : "bilinear" (in a volume: trilinear), "nearest" (at a tie, the even pixel), or "bicubic"
        (images only)
    padding_mode : what lies outside: "zeros", "border" (the nearest pixel of the edge) or
        "reflection" (the image mirrored)
    align_corners : the ends are the centres of the outermost pixels, not their outer borders

    Returns
    -------
    Tensor, (N, C, OH, OW) or (N, C, OD, OH, OW)

    Raises
    ------
    ValueError
        Shapes that do not fit, an input without pixels, unknown modes.
    TypeError
        Integers, or a grid of another type.
    NotImplementedError
        bicubic for a volume.

    Notes
    -----
    Differentiable in input and grid to any order. The gradient of the grid is 0 for "nearest", and
    where a point is outside with padding_mode "border".

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> points = ng.tensor([[[[-1.0, -1.0], [0.0, 0.0], [1.0, 0.0]]]])
    >>> ng.nn.functional.grid_sample(x, points, align_corners=True).flatten()
    tensor([1. , 2.5, 3. ])

    References
    ----------
    Jaderberg, Simonyan, Zisserman & Kavukcuoglu 2015, "Spatial transformer networks".
    """
    op = "grid_sample"
    for name, tensor in (("input", input), ("grid", grid)):
        require_floating(tensor, op, name)
    shape, points = input.array.shape, grid.array.shape
    if mode not in _MODES or padding_mode not in _OUTSIDE:
        raise ValueError(
            f"{op}: mode must be one of {_MODES}, padding_mode one of {_OUTSIDE}; got {mode!r}, "
            f"{padding_mode!r}"
        )
    if input.array.dtype != grid.array.dtype:
        raise TypeError(f"{op}: grid is {grid.dtype}, but the input is {input.dtype}")
    dims = len(shape) - 2
    if dims not in (2, 3) or len(points) != len(shape) or points[-1] != dims:
        raise ValueError(
            f"{op}: takes input (N, C, H, W) and grid (N, OH, OW, 2), or input (N, C, D, H, W) and "
            f"grid (N, OD, OH, OW, 3); got input {shape}, grid {points}"
        )
    if shape[0] != points[0]:
        raise ValueError(f"{op}: input {shape} and grid {points} must have the same N")
    if 0 in shape[2:]:
        raise ValueError(f"{op}: input {shape} has no pixels")
    if mode == "bicubic" and dims == 3:
        raise NotImplementedError(f"{op}: mode 'bicubic' is for images, got input {shape}")
    return GridSample.apply(input, grid, mode, padding_mode, bool(align_corners))


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The points of an image, moved by an affine map: what `grid_sample` wants.

        grid[n, h, w] = theta[n] @ (x_w, y_h, 1)

    Parameters
    ----------
    theta : Tensor, (N, 2, 3) or (N, 3, 4), floating point
    size : (N, C, H, W) or (N, C, D, H, W), of the image to be made
    align_corners : as in `grid_sample`: whether -1 and 1 are the centres of the outermost pixels

    Returns
    -------
    Tensor, (N, H, W, 2) or (N, D, H, W, 3)

    Notes
    -----
    Linear in theta. ValueError for shapes that do not fit, TypeError for integers.

    Examples
    --------
    >>> import naivegrad as ng
    >>> same = ng.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> ng.nn.functional.affine_grid(same, (1, 1, 1, 2), align_corners=True)
    tensor([[[[-1.,  0.],
              [ 1.,  0.]]]])
    """
    op = "affine_grid"
    require_floating(theta, op, "theta")
    whole = sizes((size,), op)
    count, *lengths = (whole[0], *whole[2:]) if len(whole) in (4, 5) else (0,)
    dims = len(lengths)
    if not lengths or theta.array.shape != (count, dims, dims + 1):
        raise ValueError(
            f"{op}: takes theta (N, 2, 3) with size (N, C, H, W), or theta (N, 3, 4) with size "
            f"(N, C, D, H, W); got theta {theta.array.shape}, size {whole}"
        )
    if min(whole) < 1:
        raise ValueError(f"{op}: sizes must be positive, got {whole}")
    coordinates = []
    for i, n in enumerate(lengths):
        ends = 1.0 if align_corners else (n - 1) / n
        steps = theta.backend.arange(0, n, 1, theta.array.dtype)
        line = wrap(steps, theta.backend) * (2 * ends / max(n - 1, 1)) - ends
        line = line if n > 1 else line * 0.0
        coordinates.append(line.reshape(-1, *(1,) * (dims - 1 - i)).expand(lengths))
    matrix, shift = theta[:, :, :dims], theta[:, :, dims]
    total = shift.reshape(count, *(1,) * dims, dims)
    for i, line in enumerate(coordinates[::-1]):
        total = total + line.unsqueeze(-1) * matrix[:, :, i].reshape(count, *(1,) * dims, dims)
    return total
