"""Recording operations and differentiating them."""

from naivegrad.autograd import profiler
from naivegrad.autograd.anomaly import detect_anomaly, set_detect_anomaly
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
from naivegrad.autograd.variable import Variable
from naivegrad.missing import lookup as _lookup

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "formula_vjp",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "once_differentiable",
    "profiler",
    "set_detect_anomaly",
    "set_grad_enabled",
]

__getattr__ = _lookup(__name__)
