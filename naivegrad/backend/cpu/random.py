"""Random arrays from a counter-based stream: the same seed and offset give the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense_float
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import random as kernel

_KIND = {"uniform": kernel.UNIFORM, "normal": kernel.NORMAL, "bernoulli": kernel.BERNOULLI}


def random(
    kind: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    a: float,
    b: float,
    seed: int,
    offset: int,
) -> ndarray:
    """An array of random numbers, from block `offset` of the stream of `seed` on.

    kind : "uniform" in [a, b), "normal" of mean a and standard deviation b, "bernoulli": 1 with
        probability a, else 0. float64 takes two words of the stream an element, all else one.
    """
    out = np.empty(shape, np.float64 if dtype == np.float64 else np.float32)
    if kind == "uniform":
        if dtype.itemsize == 2:  # 11 bits fit (8 in bfloat16); 24 would round up to b
            steps = 2048.0 if dtype == np.float16 else 256.0
            kernel.fill(out, seed, offset, kernel.UNIFORM, 0.0, steps)
            np.floor(out, out)
            return cast(a + out * ((b - a) / steps), dtype)
        b = b - a
    kernel.fill(out, seed, offset, _KIND[kind], a, b)
    return cast(out, dtype)


def random_integers(shape: tuple[int, ...], low: int, high: int, seed: int, offset: int) -> ndarray:
    """int64 in [low, high); two words of the stream an element."""
    out = np.empty(shape, np.int64)
    kernel.integers(out, seed, offset, low, high - low)
    return out


def random_permutation(n: int, seed: int, offset: int) -> ndarray:
    """0 ... n - 1 in random order, int64; two words of the stream an element."""
    out = np.empty(n, np.int64)
    kernel.permutation(out, seed, offset)
    return out


def poisson(rates: ndarray, seed: int, offset: int) -> ndarray:
    """Poisson distributed counts; one block of the stream seeds NumPy's generator."""
    numbers = np.random.Generator(np.random.Philox(key=seed, counter=[offset, 0, 0, 1]))
    return cast(np.asarray(numbers.poisson(rates.astype(np.float64))), rates.dtype)


def dropout(x: ndarray, p: float, seed: int, offset: int) -> ndarray:
    """x / (1 - p), or 0 with probability p; one word of the stream an element, in C order."""
    out = kernel.dropout(x, p, seed, offset)
    if out is None:
        out = cast(kernel.dropout(dense_float("dropout", x), p, seed, offset), x.dtype)
    return out
