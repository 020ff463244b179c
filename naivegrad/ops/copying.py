"""The same values elsewhere: copies, other types, the memory of another tensor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_differentiable
from naivegrad.tensor import Tensor


class Cast(Function):
    """y = x in another type.    grad_x = grad in the type of x."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, dtype: Any) -> Any:
        x = _real_part(ctx.backend, x, dtype)
        y = ctx.backend.cast(x, dtype)
        return ctx.backend.copy(x) if y is x else y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad  # the engine casts a gradient to the type of its input


class Clone(Function):
    """y = a copy of x.    grad_x = grad."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return ctx.backend.copy(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad


class CopyInto(Function):
    """y = source, broadcast to the shape and cast to the type of target.    grad_source = grad."""

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, target: Any, source: Any) -> Any:
        y = ctx.backend.empty(target.shape, target.dtype)
        ctx.backend.copy_into(y, _real_part(ctx.backend, source, target.dtype))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return None, grad


def _real_part(backend: Any, x: Any, dtype: np.dtype[Any]) -> Any:
    """The real part of complex x, with a warning, if it is to become real (but not bool)."""
    if x.dtype.kind != "c" or dtype.kind in "cb":
        return x
    warnings.warn("the imaginary part is lost in a cast from complex to real", stacklevel=4)
    return backend.real(x)


def cast(x: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """x in another NumPy type; x itself if it is of that type."""
    if x.array.dtype == dtype:
        return x
    return Cast.apply(x if is_differentiable(np.dtype(dtype)) else x.detach(), dtype)


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy; the gradient passes through. memory_format changes nothing: there is one."""
    return Clone.apply(input)


def copy(target: Tensor, source: Tensor) -> Tensor:
    """source in the shape and type of target: what `target.copy_(source)` stores."""
    return CopyInto.apply(target, source)
