"""The pools of maxima with the places of the maxima, under names of their own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from naivegrad.ops import adaptive_pool, pool
from naivegrad.tensor import Tensor


def _with_indices(function: Callable[..., Any]) -> Callable[..., tuple[Tensor, Tensor]]:
    """A pool whose return_indices is always True."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def both(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        bound = signature.bind(*args, **kwargs)
        bound.arguments["return_indices"] = True
        return function(*bound.args, **bound.kwargs)

    both.__name__ = both.__qualname__ = f"{function.__name__}_with_indices"
    both.__doc__ = f"`{function.__name__}`, and where each maximum was found."
    return both


max_pool1d_with_indices = _with_indices(pool.max_pool1d)
max_pool2d_with_indices = _with_indices(pool.max_pool2d)
max_pool3d_with_indices = _with_indices(pool.max_pool3d)
adaptive_max_pool1d_with_indices = _with_indices(adaptive_pool.adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = _with_indices(adaptive_pool.adaptive_max_pool2d)
adaptive_max_pool3d_with_indices = _with_indices(adaptive_pool.adaptive_max_pool3d)
fractional_max_pool2d_with_indices = _with_indices(adaptive_pool.fractional_max_pool2d)
fractional_max_pool3d_with_indices = _with_indices(adaptive_pool.fractional_max_pool3d)
