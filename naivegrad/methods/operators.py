"""Operators: x + y, x[i], x == y, x += y."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd import forward
from naivegrad.autograd.mode import grad_mode

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.ops import elementwise
    from naivegrad.tensor import Tensor, wrap

_new = object.__new__


class OperatorMethods:
    """Operators: x + y, x[i], x == y, x += y."""

    __slots__ = ()

    array: Any
    backend: Any

    def __add__(self, other: Any) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Add.apply(self, other)
        return _compute("add", self, other)

    def __radd__(self, other: Any) -> Tensor:
        return elementwise.Add.apply(self, other)

    def __sub__(self, other: Any) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Sub.apply(self, other)
        return _compute("sub", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return elementwise.Sub.apply(other, self)

    def __mul__(self, other: Any) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Mul.apply(self, other)
        return _compute("mul", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return elementwise.Mul.apply(self, other)

    def __truediv__(self, other: Any) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Div.apply(self, other)
        return _compute("div", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return elementwise.Div.apply(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return ops.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.remainder(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return ops.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return ops.pow(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return ops.linalg.matrix_product(self, other, "matmul")

    def __rmatmul__(self, other: Any) -> Tensor:
        if not isinstance(other, Tensor):
            return NotImplemented
        return ops.linalg.matrix_product(other, self, "matmul")

    def __neg__(self) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Neg.apply(self)
        return wrap(self.backend.unary("neg", self.array), self.backend)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return elementwise.Abs.apply(self)

    def __iadd__(self, other: Any) -> Tensor:
        return self.add_(other)

    def __isub__(self, other: Any) -> Tensor:
        return self.sub_(other)

    def __imul__(self, other: Any) -> Tensor:
        return self.mul_(other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self.div_(other)

    def __imod__(self, other: Any) -> Tensor:
        return self.remainder_(other)

    def __ifloordiv__(self, other: Any) -> Tensor:
        return self.floor_divide_(other)

    def __ipow__(self, other: Any) -> Tensor:
        return self.pow_(other)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return NotImplemented if other is None else ops.eq(self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return NotImplemented if other is None else ops.ne(self, other)

    def __lt__(self, other: Any) -> Tensor:
        return ops.lt(self, other)

    def __le__(self, other: Any) -> Tensor:
        return ops.le(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ops.gt(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ops.ge(self, other)

    def __and__(self, other: Any) -> Tensor:
        return ops.bitwise_and(self, other)

    def __or__(self, other: Any) -> Tensor:
        return ops.bitwise_or(self, other)

    def __xor__(self, other: Any) -> Tensor:
        return ops.bitwise_xor(self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __lshift__(self, other: Any) -> Tensor:
        return ops.bitwise_left_shift(self, other)

    def __rlshift__(self, other: Any) -> Tensor:
        return ops.bitwise_left_shift(other, self)

    def __rshift__(self, other: Any) -> Tensor:
        return ops.bitwise_right_shift(self, other)

    def __rrshift__(self, other: Any) -> Tensor:
        return ops.bitwise_right_shift(other, self)

    def __iand__(self, other: Any) -> Tensor:
        return self.bitwise_and_(other)

    def __ior__(self, other: Any) -> Tensor:
        return self.bitwise_or_(other)

    def __ixor__(self, other: Any) -> Tensor:
        return self.bitwise_xor_(other)

    def __ilshift__(self, other: Any) -> Tensor:
        return self.bitwise_left_shift_(other)

    def __irshift__(self, other: Any) -> Tensor:
        return self.bitwise_right_shift_(other)

    def __invert__(self) -> Tensor:
        return ops.bitwise_not(self)

    def __getitem__(self, key: Any) -> Tensor:
        return ops.index.getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        ops.index.setitem(self, key, value)


def _compute(op: str, x: Any, y: Any) -> Tensor:
    """An operator where nothing is recorded, as in most of backward: the kernel at once."""
    backend = x.backend
    if isinstance(y, Tensor):
        if y.backend is not backend:
            raise ValueError(f"{op}: tensors on two devices, {x.device} and {y.device}; use .to()")
        y = y.array
    tensor = _new(Tensor)  # as `wrap` does, a call less
    tensor.array = backend.binary(op, x.array, y)
    tensor.backend = backend
    tensor._grad = tensor.node = tensor.view_of = None
    tensor.version = [0]
    return tensor
