"""Sums with a weight: lerp, addcmul, addcdiv."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.backend.promotion import is_differentiable, result_dtype
from naivegrad.ops._args import Number, check_shapes, into, require_tensor
from naivegrad.ops.elementwise import add, div, mul
from naivegrad.tensor import Tensor


class Lerp(Function):
    """z = x + w * (y - x).    grad_x = grad * (1 - w), grad_y = grad * w, grad_w = grad * (y - x).

    From w = 1/2 on computed as y - (y - x) * (1 - w), so that w = 1 gives y exactly.
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, w: Any) -> Any:
        ctx.save_for_backward(x, y, w)
        backend = ctx.backend
        way = backend.binary("sub", y, x)
        from_x = backend.binary("add", x, backend.binary("mul", way, w))
        if isinstance(w, float):
            return from_x if abs(w) < 0.5 else backend.binary("add_scaled", y, way, w - 1)
        from_y = backend.binary("sub", y, backend.binary("mul", way, backend.binary("sub", 1, w)))
        return backend.where(backend.compare("lt", backend.unary("abs", w), 0.5), from_x, from_y)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y, w = ctx.saved_tensors
        return (
            grad * (1 - w) if ctx.needs_input_grad[0] else None,
            grad * w if ctx.needs_input_grad[1] else None,
            grad * (y - x) if ctx.needs_input_grad[2] else None,
        )


def lerp(
    input: Tensor, end: Tensor, weight: Tensor | float, *, out: Tensor | None = None
) -> Tensor:
    """input + weight * (end - input): linear interpolation, or, outside [0, 1], extrapolation.

    Raises TypeError for two types, or one that is not floating point.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.lerp(ng.tensor([0.0, 10.0]), ng.tensor([1.0, 20.0]), 0.25)
    tensor([ 0.25, 12.5 ])
    """
    x, y = require_tensor(input, "lerp"), require_tensor(end, "lerp", "end")
    if not is_differentiable(x.array.dtype) or x.array.dtype != y.array.dtype:
        raise TypeError(
            f"lerp: floating-point tensors of one type are needed, got {x.dtype} and {y.dtype}"
        )
    check_shapes(x, y, "lerp")
    if not isinstance(weight, Tensor):
        weight = float(weight)
    return into(out, Lerp.apply(x, y, weight), "lerp")


def addcmul(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """input + value * tensor1 * tensor2."""
    x, y = _tensor(tensor1, 1, "addcmul"), _tensor(tensor2, 2, "addcmul")
    dtype = result_dtype(require_tensor(input, "addcmul").array, x.array, y.array)
    if x.array.dtype != dtype:  # the product of small integers may need the type of the sum
        x = x.cast(dtype)
    product = mul(x, y)
    return into(out, _added(input, product, value, "addcmul"), "addcmul")


def addcdiv(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """input + value * tensor1 / tensor2. TypeError where both are integers."""
    x, y = _tensor(tensor1, 1, "addcdiv"), _tensor(tensor2, 2, "addcdiv")
    if not is_differentiable(x.array.dtype) and not is_differentiable(y.array.dtype):
        raise TypeError(f"addcdiv: a floating-point tensor is needed, got {x.dtype} and {y.dtype}")
    return into(out, _added(input, div(x, y), value, "addcdiv"), "addcdiv")


def _tensor(x: Any, i: int, op: str) -> Tensor:
    return require_tensor(x, op, f"tensor{i}")


def _added(x: Any, term: Tensor, value: Number, op: str) -> Tensor:
    return add(require_tensor(x, op), term, alpha=value)
