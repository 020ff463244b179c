"""What several test files need: leaves, finite differences, the kernels at each CPU level."""

import importlib

import numpy as np

import naivegrad as ng
from naivegrad import kernels


def leaf(data, dtype=ng.float64):
    """A tensor that gradients are asked for."""
    return ng.tensor(data, dtype=dtype, requires_grad=True)


def numeric_grad(f, x, u, eps=1e-6):
    """d <u, f(x)> / dx by central differences."""
    grad = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        d = np.zeros_like(x)
        d[i] = eps
        grad[i] = np.sum(u * (f(x + d) - f(x - d))) / (2 * eps)
    return grad


def levels(name):
    """The module at each CPU level that runs here."""
    found = [importlib.import_module(f"naivegrad.kernels.{name}")]
    for level, needs in (("v3", 3), ("v4", 4)):
        if kernels.cpu_features.isa_level() >= needs:
            try:
                found.append(importlib.import_module(f"naivegrad.kernels.{level}.{name}"))
            except ModuleNotFoundError:
                continue
    return found
