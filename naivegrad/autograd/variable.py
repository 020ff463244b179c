"""Variable: what a tensor with a gradient was called before tensors had gradients."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import function


class _Meta(type):
    def __instancecheck__(cls, thing: Any) -> bool:
        return isinstance(thing, function.Tensor)


class Variable(metaclass=_Meta):
    """Variable(tensor) is a tensor of the same memory without history; every tensor is one.

    Parameters
    ----------
    data : Tensor
    requires_grad : whether the new leaf requires a gradient
    volatile : ignored, as in PyTorch; use no_grad
    """

    def __new__(cls, data: Any, requires_grad: bool = False, volatile: bool = False) -> Any:
        """A leaf, not a Variable: there is no such class of objects."""
        if not isinstance(data, function.Tensor):
            raise TypeError(f"Variable: a tensor is needed, got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)
