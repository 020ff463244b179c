"""Sampling of images at any points."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import grid_sample as kernel

_MODE = {"bilinear": kernel.BILINEAR, "nearest": kernel.NEAREST, "bicubic": kernel.BICUBIC}
_OUTSIDE = {"zeros": kernel.ZEROS, "border": kernel.BORDER, "reflection": kernel.REFLECTION}


def grid_sample(x: ndarray, grid: ndarray, mode: str, outside: str, align: bool) -> ndarray:
    """x (N, C, [D,] H, W) at the points of grid (N, ..., 2 or 3): (N, C, ...)."""
    work = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    out = np.empty((*x.shape[:2], *grid.shape[1:-1]), work)
    op = "grid_sample"
    kernel.grid_sample(
        dense(op, x, None, work), dense(op, grid, None, work), out,
        _MODE[mode], _OUTSIDE[outside], align,
    )  # fmt: skip
    return cast(out, x.dtype)


def grid_sample_grad(
    grad: ndarray,
    x: ndarray,
    grid: ndarray,
    mode: str,
    outside: str,
    align: bool,
    with_x: bool,
    with_grid: bool,
) -> tuple[ndarray | None, ndarray | None]:
    """The gradients of x and of grid; None for what is not asked for."""
    work = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    grad_x = np.empty(x.shape, work) if with_x else None
    grad_grid = np.empty(grid.shape, work) if with_grid else None
    op = "grid_sample_grad"
    kernel.grid_sample_grad(
        dense(op, grad, None, work), dense(op, x, None, work), dense(op, grid, None, work),
        grad_x, grad_grid, _MODE[mode], _OUTSIDE[outside], align,
    )  # fmt: skip
    return (
        None if grad_x is None else cast(grad_x, x.dtype),
        None if grad_grid is None else cast(grad_grid, grid.dtype),
    )
