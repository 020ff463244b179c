"""Recording operations and differentiating them."""

from naivegrad.autograd.custom import once_differentiable
from naivegrad.autograd.engine import backward, formula_vjp, grad
from naivegrad.autograd.function import Function
from naivegrad.autograd.mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)

__all__ = [
    "Function",
    "backward",
    "enable_grad",
    "formula_vjp",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "once_differentiable",
    "set_grad_enabled",
]
