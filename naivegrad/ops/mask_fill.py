"""One value where a mask is true: apart from mask.py, which needs indexing, which needs this."""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_differentiable
from naivegrad.ops._args import as_tensor_like, require_tensor
from naivegrad.ops.select import Where
from naivegrad.tensor import Tensor


class FillInto(Function):
    """x with one value where mask, in the memory of x: for `assign`.

    grad_x = grad, 0 where mask,    grad_value = the sum of grad where mask.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, mask: Any, value: Any) -> Any:
        ctx.save_for_backward(mask)
        ctx.backend.fill_where(x, mask, value)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (mask,) = ctx.saved_tensors
        grad_x = Where.apply(mask, 0.0, grad) if ctx.needs_input_grad[0] else None
        grad_value = Where.apply(mask, grad, 0.0).sum() if ctx.needs_input_grad[2] else None
        return grad_x, None, grad_value

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, _: Any, value_dot: Any) -> Any:
        (mask,) = ctx.saved_tensors
        return Where.apply(
            mask,
            0.0 if value_dot is None else value_dot,
            value_dot.new_zeros(ctx.shape) if x_dot is None else x_dot,
        )


def require_mask(op: str, mask: Any) -> None:
    """TypeError unless the mask is a bool Tensor."""
    require_tensor(mask, op, "mask")
    if mask.array.dtype.kind != "b":
        raise TypeError(f"{op}: the mask must be a bool tensor, got {mask.dtype}")


def common_shape(op: str, x: Tensor, mask: Tensor) -> tuple[int, ...]:
    """What the shapes broadcast to; ValueError where they do not."""
    try:
        return np.broadcast_shapes(x.array.shape, mask.array.shape)
    except ValueError:
        raise ValueError(
            f"{op}: mask {mask.array.shape} and input {x.array.shape} do not broadcast"
        ) from None


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """value where the mask is true, else input. The gradient is 0 where it was filled."""
    value = _fill_value(input, mask, value)
    common_shape("masked_fill", input, mask)
    return Where.apply(mask, value, input)


def masked_fill_(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """masked_fill, in the memory of x."""
    value = as_tensor_like(_fill_value(x, mask, value), x)
    if common_shape("masked_fill", x, mask) != x.array.shape:
        raise ValueError(
            f"masked_fill_: mask {mask.array.shape} does not broadcast to {x.array.shape}"
        )
    return FillInto.apply(x, mask, value)


def _fill_value(input: Tensor, mask: Tensor, value: Any) -> Any:
    """The value as masked_fill takes it, the arguments checked."""
    op = "masked_fill"
    require_tensor(input, op)
    require_mask(op, mask)
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise ValueError(
                f"{op}: the value must be a number or 0-d, got shape {value.array.shape}"
            )
        value = value.cast(input.array.dtype)
    elif (isinstance(value, float) and not is_differentiable(input.array.dtype)) or (
        isinstance(value, complex) and input.array.dtype.kind != "c"
    ):
        raise TypeError(f"{op}: value {value} cannot be stored in {input.dtype}")
    elif isinstance(value, int) and input.array.dtype.kind == "b":
        value = bool(value)
    return value
