"""Optimizer steps, in place and in one pass over memory; the norm of gradients, and its limit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from naivegrad.backend.cpu.elementwise import binary
from naivegrad.backend.promotion import is_differentiable
from naivegrad.kernels import optim as kernels
from naivegrad.kernels import reduce

__all__ = ["limit_norm", "optimizer_step", "total_norm"]


def optimizer_step(
    rule: str,
    params: list[np.ndarray],
    grads: list[np.ndarray],
    states: list[tuple[np.ndarray | None, ...]],
    numbers: list[tuple[float, ...]],
) -> None:
    """One step of each parameter by kernels.optim.RULES[rule], in place together with its state."""
    for i in kernels.step(rule, params, grads, states, numbers):
        _on_copies(rule, params[i], grads[i], states[i], numbers[i])


def _on_copies(
    rule: str,
    param: np.ndarray,
    grad: np.ndarray,
    states: tuple[np.ndarray | None, ...],
    numbers: tuple[float, ...],
) -> None:
    """Step on dense copies of one floating type and write the results back.

    For strided parameters, for half precision, which is computed in float32, and for complex
    numbers, which are steps of their real and their imaginary parts.
    """
    for array in (grad, *states):
        if array is not None and array.shape != param.shape:
            raise ValueError(
                f"optimizer_step: gradient and state must have the parameter's shape "
                f"{param.shape}, got {array.shape}"
            )
    if not is_differentiable(param.dtype):
        raise TypeError(
            f"optimizer_step: a parameter must be floating point or complex, got {param.dtype}"
        )
    wide = param.dtype.itemsize >= (16 if param.dtype.kind == "c" else 8)
    dtype = np.dtype(np.float64 if wide else np.float32)
    kind = np.result_type(dtype, np.complex64) if param.dtype.kind == "c" else dtype

    def dense(array: np.ndarray | None) -> np.ndarray | None:
        if array is None:
            return None
        return array.astype(kind, order="C", copy=True).reshape(-1).view(dtype)

    copies = [dense(array) for array in (param, *states)]
    left = kernels.step(rule, copies[:1], [dense(grad)], [tuple(copies[1:])], [numbers])
    if left:
        raise AssertionError(f"optimizer_step: the kernel left out dense arrays of {dtype}")
    for array, copy in zip((param, *states), copies, strict=True):
        if array is not None and copy is not None:
            array[...] = copy.view(kind).reshape(array.shape)


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
