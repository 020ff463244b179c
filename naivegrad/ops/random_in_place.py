"""Random numbers in the memory of a tensor.

As any in-place change: what the tensor was made from is forgotten, and a leaf that requires a
gradient is refused unless recording is off.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from naivegrad.backend.promotion import is_floating
from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.ops.random import bernoulli, check_probability, draw, draw_integers, limits_of
from naivegrad.random import Generator
from naivegrad.tensor import Tensor, wrap


def _fill(op: str, x: Any, kind: str, a: float, b: float, generator: Generator | None) -> Tensor:
    require_tensor(x, op)
    if kind != "bernoulli":
        require_floating(x, op)
    array = draw(kind, x.array.shape, x.array.dtype, a, b, generator, x.backend)
    return x.copy_(wrap(array, x.backend))


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with uniform numbers in [a, b)."""
    if not a <= b:
        raise ValueError(f"uniform_: no number lies in [{a}, {b})")
    return _fill("uniform_", tensor, "uniform", a, b, generator)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with normal numbers."""
    if not std >= 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    return _fill("normal_", tensor, "normal", mean, std, generator)


def bernoulli_(tensor: Tensor, p: Any = 0.5, generator: Generator | None = None) -> Tensor:
    """Fill with 1 with probability p (a number, or a Tensor that broadcasts), else 0."""
    if isinstance(p, Tensor):
        return tensor.copy_(bernoulli(p.expand(tensor.array.shape), generator=generator))
    check_probability("bernoulli_", p)
    return _fill("bernoulli_", tensor, "bernoulli", p, 0, generator)


def random_(
    tensor: Tensor,
    low: int | None = None,
    high: int | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with integers: random_(x, high), random_(x, low, high), or all that the type holds."""
    require_tensor(tensor, "random_")
    dtype = tensor.array.dtype
    if low is None:
        first, stop = 0, limits_of(dtype)[1] + (not is_floating(dtype) and dtype != np.int64)
    else:
        first, stop = (0, low) if high is None else (low, high)
    array = draw_integers(
        "random_", first, stop, tensor.array.shape, dtype, generator, tensor.backend
    )
    return tensor.copy_(wrap(array, tensor.backend))


def _uniform(op: str, x: Any, generator: Generator | None) -> Tensor:
    """Uniform numbers in [0, 1) of the shape and type of x, which must be floating point."""
    require_floating(x, op)
    array = draw("uniform", x.array.shape, x.array.dtype, 0, 1, generator, x.backend)
    return wrap(array, x.backend)


def exponential_(tensor: Tensor, lambd: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with waiting times of mean 1 / lambd: -log(1 - u) / lambd."""
    if not lambd > 0:
        raise ValueError(f"exponential_: lambd must be positive, got {lambd}")
    u = _uniform("exponential_", tensor, generator)
    return tensor.copy_((-u).log1p() * (-1.0 / lambd))


def geometric_(tensor: Tensor, p: float, generator: Generator | None = None) -> Tensor:
    """Fill with the number of tries until the first success: 1 + floor(log(1 - u) / log(1 - p))."""
    if not 0.0 < p < 1.0:
        raise ValueError(f"geometric_: the probability must be in (0, 1), got {p}")
    like = tensor if require_tensor(tensor, "geometric_").is_floating_point() else tensor.double()
    u = _uniform("geometric_", like, generator)
    return tensor.copy_(((-u).log1p() * (1.0 / math.log1p(-p))).floor() + 1)


def cauchy_(
    tensor: Tensor, median: float = 0.0, sigma: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with median + sigma * tan(pi * (u - 1/2))."""
    if not sigma > 0:
        raise ValueError(f"cauchy_: sigma must be positive, got {sigma}")
    angle = (_uniform("cauchy_", tensor, generator) - 0.5) * math.pi
    return tensor.copy_(angle.sin() / angle.cos() * sigma + median)


def log_normal_(
    tensor: Tensor, mean: float = 1.0, std: float = 2.0, generator: Generator | None = None
) -> Tensor:
    """Fill with e to the power of normal numbers of this mean and standard deviation."""
    if not std > 0:
        raise ValueError(f"log_normal_: std must be positive, got {std}")
    return tensor.copy_(_normal("log_normal_", tensor, mean, std, generator).exp())


def _normal(op: str, x: Any, mean: float, std: float, generator: Generator | None) -> Tensor:
    require_floating(x, op)
    array = draw("normal", x.array.shape, x.array.dtype, mean, std, generator, x.backend)
    return wrap(array, x.backend)
