"""Activations and softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naivegrad.autograd.inplace import update

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class ActivationMethods:
    """Activations and softmax."""

    __slots__ = ()

    array: Any

    def tanh(self) -> Tensor:
        """The hyperbolic tangent."""
        return ops.tanh(self)

    def tanh_(self) -> Tensor:
        """tanh, in place."""
        return update(self, "tanh", ops.tanh)

    def sigmoid(self) -> Tensor:
        """1 / (1 + exp(-self))."""
        return ops.sigmoid(self)

    def sigmoid_(self) -> Tensor:
        """sigmoid, in place."""
        return update(self, "sigmoid", ops.sigmoid)

    def relu(self) -> Tensor:
        """max(self, 0)."""
        return ops.relu(self)

    def relu_(self) -> Tensor:
        """relu, in place."""
        return update(self, "relu", ops.relu)

    def prelu(self, weight: Any) -> Tensor:
        """self above 0, weight * self below."""
        return ops.prelu(self, weight)

    def hardshrink(self, lambd: Any = 0.5) -> Tensor:
        """self where |self| > lambd, else 0."""
        return ops.hardshrink(self, lambd)

    def softmax(self, dim: Any, dtype: Any = None) -> Tensor:
        """exp(self) / sum(exp(self)) along dim."""
        return ops.softmax(self, dim, dtype)

    def log_softmax(self, dim: Any, dtype: Any = None) -> Tensor:
        """The logarithm of softmax."""
        return ops.log_softmax(self, dim, dtype)
