"""Layer and batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense, dense_float, dense_or_none, working_type
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import norm as kernel

Gradients = tuple[ndarray | None, ndarray | None, ndarray | None]


def layer_norm(
    x: ndarray, axes: int, weight: ndarray | None, bias: ndarray | None, eps: float
) -> tuple[ndarray, ndarray]:
    """(x - mean) / sqrt(var + eps) * weight + bias over the last `axes` axes; and statistics."""
    result = kernel.layer_norm(x, axes, weight, bias, eps)
    if result is None:
        a = dense_float("layer_norm", x)
        shape = x.shape[x.ndim - axes :]
        w = dense_or_none("layer_norm", weight, shape, a.dtype)
        b = dense_or_none("layer_norm", bias, shape, a.dtype)
        y, stats = kernel.layer_norm(a, axes, w, b, eps)
        return cast(y, x.dtype), stats
    return result


def layer_norm_grad(
    grad: ndarray,
    x: ndarray,
    weight: ndarray | None,
    stats: ndarray,
    axes: int,
    with_x: bool,
    with_weight: bool,
) -> Gradients:
    """The gradients of x, of weight and of bias; None for what is not asked for."""
    result = kernel.layer_norm_grad(grad, x, weight, stats, axes, with_x, with_weight)
    if result is None:
        work = working_type(x)
        g = dense("layer_norm", grad, x.shape, work)
        w = dense_or_none("layer_norm", weight, x.shape[x.ndim - axes :], work)
        result = kernel.layer_norm_grad(
            g, dense("layer_norm", x, None, work), w, stats, axes, with_x, with_weight
        )
        return _cast(result, x.dtype)
    return result


def batch_norm(
    x: ndarray,
    running_mean: ndarray | None,
    running_var: ndarray | None,
    weight: ndarray | None,
    bias: ndarray | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[ndarray, ndarray]:
    """(x - mean) / sqrt(var + eps) * weight + bias per channel of (N, C, ...); and the statistics.

    In training they are those of x, and the running ones move towards them, in place.
    """
    vectors: Any = [running_mean, running_var, weight, bias]
    how: Any = (training, momentum, eps)
    result = kernel.batch_norm(x, *vectors, *how)
    if result is None:
        a = dense_float("batch_norm", x)
        copies: Any = [dense_or_none("batch_norm", v, x.shape[1:2], a.dtype) for v in vectors]
        y, stats = kernel.batch_norm(a, *copies, *how)
        for running, new in zip(vectors[:2], copies[:2], strict=True):
            if training and running is not None and new is not None and new is not running:
                running[...] = new
        return cast(y, x.dtype), stats
    return result


def batch_norm_grad(
    grad: ndarray, x: ndarray, weight: ndarray | None, stats: ndarray, training: bool, with_x: bool
) -> Gradients:
    """The gradients of x (None unless `with_x`), of weight and of bias."""
    result = kernel.batch_norm_grad(grad, x, weight, stats, training, with_x)
    if result is None:
        work = working_type(x)
        g = dense("batch_norm", grad, x.shape, work)
        w = dense_or_none("batch_norm", weight, x.shape[1:2], work)
        result = kernel.batch_norm_grad(
            g, dense("batch_norm", x, None, work), w, stats, training, with_x
        )
        return _cast(result, x.dtype)
    return result


def _cast(arrays: Gradients, dtype: np.dtype) -> Gradients:
    x, weight, bias = (a if a is None else cast(a, dtype) for a in arrays)
    return x, weight, bias
