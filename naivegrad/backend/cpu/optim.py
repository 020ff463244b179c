"""Optimizer steps, in place and in one pass over memory; the norm of gradients, and its limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from naivegrad.backend.cpu.elementwise import binary
from naivegrad.backend.promotion import is_floating
from naivegrad.kernels import optim as kernels
from naivegrad.kernels import reduce

__all__ = ["adam_step", "limit_norm", "rmsprop_step", "sgd_step", "total_norm"]


def sgd_step(
    param: np.ndarray,
    grad: np.ndarray,
    momentum_buffer: np.ndarray | None,
    first: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """One step of stochastic gradient descent; `first` fills the buffer instead of reading it."""
    numbers = (first, lr, momentum, dampening, weight_decay, nesterov, maximize)
    if not kernels.sgd(param, grad, momentum_buffer, *numbers):
        _on_copies(kernels.sgd, param, grad, (momentum_buffer,), numbers)


def adam_step(
    param: np.ndarray,
    grad: np.ndarray,
    exp_avg: np.ndarray,
    exp_avg_sq: np.ndarray,
    max_exp_avg_sq: np.ndarray | None,
    count: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None:
    """Step number `count`, from 1, of Adam; of AdamW where the weight decay is decoupled."""
    numbers = (count, lr, beta1, beta2, eps, weight_decay, decoupled, maximize)
    if not kernels.adam(param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq, *numbers):
        states = (exp_avg, exp_avg_sq, max_exp_avg_sq)
        _on_copies(kernels.adam, param, grad, states, numbers)


def rmsprop_step(
    param: np.ndarray,
    grad: np.ndarray,
    square_avg: np.ndarray,
    grad_avg: np.ndarray | None,
    momentum_buffer: np.ndarray | None,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
) -> None:
    """One step of RMSprop; centered where grad_avg is given."""
    numbers = (lr, alpha, eps, weight_decay, momentum, maximize)
    if not kernels.rmsprop(param, grad, square_avg, grad_avg, momentum_buffer, *numbers):
        states = (square_avg, grad_avg, momentum_buffer)
        _on_copies(kernels.rmsprop, param, grad, states, numbers)


def _on_copies(
    kernel: Callable[..., bool],
    param: np.ndarray,
    grad: np.ndarray,
    states: tuple[np.ndarray | None, ...],
    numbers: tuple[float, ...],
) -> None:
    """Call the kernel on dense copies of one floating type and write the results back.

    For strided parameters, and for float16, which is computed in float32.
    """
    name = f"{kernel.__name__}_step"
    for array in (grad, *states):
        if array is not None and array.shape != param.shape:
            raise ValueError(
                f"{name}: gradient and state must have the parameter's shape {param.shape}, "
                f"got {array.shape}"
            )
    if not is_floating(param.dtype):
        raise TypeError(f"{name}: a parameter must be floating point, got {param.dtype}")
    dtype = np.float64 if param.dtype.itemsize >= 8 else np.float32

    def dense(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array.astype(dtype, order="C", copy=True)

    arrays = (param, *states)
    copies = [dense(array) for array in arrays]
    if not kernel(copies[0], dense(grad), *copies[1:], *numbers):
        raise AssertionError(f"{name}: the kernel refused dense {dtype.__name__} arrays")
    for array, copy in zip(arrays, copies, strict=True):
        if array is not None and copy is not None:
            array[...] = copy


def total_norm(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """sqrt(sum of the squares of all elements of all arrays), () of the first array's type."""
    total = 0.0
    for x in arrays:
        if x.dtype.itemsize < 4:
            x = x.astype(np.float32)
        part = np.empty(1, x.dtype)
        reduce.reduce(reduce.CODES["squares"], np.ascontiguousarray(x), part, 1, x.size, 1)
        total += part.item()
    with np.errstate(over="ignore"):  # float16 may be too small for the norm of float16
        return np.array(math.sqrt(total), arrays[0].dtype)


def limit_norm(arrays: Sequence[np.ndarray], norm: np.ndarray, limit: float) -> None:
    """Scale all arrays in place by limit / (norm + 1e-6) where that is below 1."""
    scale = limit / (norm.item() + 1e-6)
    if not scale >= 1.0:  # NaN too: what is not finite must not pass for finite
        for x in arrays:
            binary("mul", x, scale, out=x)
