"""Optimizer steps, in place and in one pass over memory; the norm of gradients, and its limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from naivegrad.backend.cpu.elementwise import binary
from naivegrad.backend.promotion import is_differentiable
from naivegrad.kernels import adafactor, reduce
from naivegrad.kernels import optim as kernels

__all__ = ["adafactor_step", "limit_norm", "optimizer_step", "total_norm"]


def optimizer_step(
    rule: str,
    params: list[np.ndarray],
    grads: list[np.ndarray],
    states: list[tuple[np.ndarray | None, ...]],
    numbers: list[tuple[float, ...]],
) -> None:
    """One step of each parameter by kernels.optim.RULES[rule], in place together with its state."""
    for i in kernels.step(rule, params, grads, states, numbers):
        for array in (grads[i], *states[i]):
            if array is not None and array.shape != params[i].shape:
                raise ValueError(
                    "optimizer_step: gradient and state must have the parameter's shape "
                    f"{params[i].shape}, got {array.shape}"
                )

        def step(p: Any, grad: Any, *state: Any, i: int = i) -> bool:
            return not kernels.step(rule, [p], [grad], [state], [numbers[i]])

        _on_copies("optimizer_step", step, params[i], grads[i], *states[i])


def adafactor_step(
    param: np.ndarray,
    grad: np.ndarray,
    row: np.ndarray | None,
    column: np.ndarray,
    *numbers: float,
) -> None:
    """One step of Adafactor, in place; row is None for a vector."""
    shape = param.shape
    wanted = (shape,) if row is None else ((*shape[:-1], 1), (*shape[:-2], 1, shape[-1]))
    states = (column,) if row is None else (row, column)
    if grad.shape != shape or tuple(s.shape for s in states) != wanted:
        raise ValueError(
            f"adafactor_step: a parameter of shape {shape} wants state of {wanted}, got "
            f"{tuple(s.shape for s in states)} and a gradient of {grad.shape}"
        )
    if not adafactor.step(param, grad, row, column, *numbers):

        def step(*arrays: Any) -> bool:
            return adafactor.step(*arrays, *numbers)

        _on_copies("adafactor_step", step, param, grad, row, column)


def _on_copies(
    name: str,
    step: Callable[..., bool],
    param: np.ndarray,
    grad: np.ndarray,
    *states: np.ndarray | None,
) -> None:
    """Step on dense copies of one floating type and write the results back.

    For strided parameters, for half precision, which is computed in float32, and for complex
    numbers, which are steps of their real and their imaginary parts.
    """
    kind = param.dtype
    if not is_differentiable(kind):
        raise TypeError(f"{name}: a parameter must be floating point or complex, got {kind}")
    if kind.kind != "c":
        kind = np.dtype(np.float64 if kind.itemsize >= 8 else np.float32)

    def dense(array: np.ndarray) -> np.ndarray:
        copy = array.astype(kind, order="C", copy=True)
        return copy[..., None].view(copy.real.dtype) if kind.kind == "c" else copy

    new = dense(param)
    new_states = [None if state is None else dense(state) for state in states]
    if not step(new, dense(grad), *new_states):
        raise AssertionError(f"{name}: the kernel refused dense arrays of {kind}")
    for array, copy in zip((param, *states), (new, *new_states), strict=True):
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
