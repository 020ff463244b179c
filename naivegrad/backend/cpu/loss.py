"""Losses that would cost several passes over memory, or a one-hot, as compositions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense, dense_float, dense_or_none, working_type
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import loss as kernel

_CODE = {"none": kernel.NONE, "mean": kernel.MEAN, "sum": kernel.SUM}


def cross_entropy(
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> tuple[ndarray, ndarray]:
    """The loss of scores x for classes, and statistics for cross_entropy_grad."""
    options = ignore_index, label_smoothing, _CODE[reduction]
    result = kernel.cross_entropy(x, target, weight, *options)
    if result is None:
        arrays = _dense("cross_entropy", x, target, weight)
        loss, stats = kernel.cross_entropy(*arrays, *options)
        return cast(loss, x.dtype), stats
    return result


def cross_entropy_grad(
    grad: ndarray,
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    stats: ndarray,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> ndarray:
    """The gradient of the scores: sum(q) softmax(x) - q, q the weighted, smoothed target."""
    options = ignore_index, label_smoothing, _CODE[reduction]
    out = kernel.cross_entropy_grad(grad, x, target, weight, stats, *options)
    if out is None:
        a, t, w = _dense("cross_entropy", x, target, weight)
        g = _dense_grad("cross_entropy", grad, target, reduction, a.dtype)
        out = cast(kernel.cross_entropy_grad(g, a, t, w, stats, *options), x.dtype)
    return out


def nll_loss(
    x: ndarray,
    target: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> ndarray:
    """-sum_c q_c x_c, arguments as cross_entropy: linear in x."""
    options = ignore_index, label_smoothing, _CODE[reduction]
    loss = kernel.nll_loss(x, target, weight, *options)
    if loss is None:
        arrays = _dense("nll_loss", x, target, weight)
        loss = cast(kernel.nll_loss(*arrays, *options), x.dtype)
    return loss


def nll_loss_grad(
    grad: ndarray,
    target: ndarray,
    weight: ndarray | None,
    shape: tuple[int, ...],
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> ndarray:
    """-q times the gradient of its position: an array of the shape of x."""
    options = ignore_index, label_smoothing, _CODE[reduction]
    out = np.zeros(shape, working_type(grad))
    if not kernel.nll_loss_grad(grad, out, target, weight, *options):
        _, t, w = _dense("nll_loss", out, target, weight)
        g = _dense_grad("nll_loss", grad, target, reduction, out.dtype)
        kernel.nll_loss_grad(g, out, t, w, *options)
    return cast(out, grad.dtype)


def mse_loss(x: ndarray, y: ndarray, reduction: str) -> ndarray:
    """(x - y)^2 of two arrays of one shape: each, their mean, or their sum."""
    out = kernel.mse_loss(x, y, _CODE[reduction])
    if out is None:
        a = dense_float("mse_loss", x)
        b = dense("mse_loss", y, x.shape, a.dtype)
        out = cast(kernel.mse_loss(a, b, _CODE[reduction]), x.dtype)
    return out


def mse_loss_grad(grad: ndarray, x: ndarray, y: ndarray, reduction: str) -> ndarray:
    """The gradient of x, minus that of y: 2 grad (x - y), divided by their number for the mean."""
    out = kernel.mse_loss_grad(grad, x, y, _CODE[reduction])
    if out is None:
        a = dense_float("mse_loss", x)
        b = dense("mse_loss", y, x.shape, a.dtype)
        g = dense("mse_loss", grad, x.shape if reduction == "none" else (), a.dtype)
        out = cast(kernel.mse_loss_grad(g, a, b, _CODE[reduction]), x.dtype)
    return out


def _dense(
    op: str, x: ndarray, target: ndarray, weight: ndarray | None
) -> tuple[ndarray, ndarray, ndarray | None]:
    classes, positions = (
        (x.shape[:1], ()) if x.ndim == 1 else (x.shape[1:2], x.shape[:1] + x.shape[2:])
    )
    a = dense_float(op, x)
    if target.dtype.kind not in "iu":
        raise TypeError(f"{op}: the target must be of integers, got {target.dtype}")
    t = dense(op, target, positions, np.dtype(np.int64))
    return a, t, dense_or_none(op, weight, classes, a.dtype)


def _dense_grad(
    op: str, grad: ndarray, target: ndarray, reduction: str, dtype: np.dtype[Any]
) -> ndarray:
    return dense(op, grad, target.shape if reduction == "none" else (), dtype)
