"""Weights as a direction times a length, by a hook: the older way, see `parametrizations`."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter, is_lazy
from naivegrad.ops.vector_norm import vector_norm
from naivegrad.tensor import Tensor

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The norm of each slice along `dim`, in a shape that broadcasts; of the whole for dim -1."""
    if dim == -1:
        return vector_norm(v)
    others = [i for i in range(v.ndim) if i != dim % v.ndim]
    return vector_norm(v, dim=others, keepdim=True) if others else v.abs()


def weight_of(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """v g / |v|, the norm taken along all dimensions but `dim`."""
    return v * (g / norm_except_dim(v, dim))


class WeightNorm:
    """The hook that computes `name` from `name_g` and `name_v` before each forward."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """The weight for what the module has now."""
        v, g = getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g")
        return weight_of(v, g, self.dim)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Train a weight as length times direction; `parametrizations.weight_norm` is the newer way.

        weight = g v / |v|

    The module gets the parameters `name_g`, the norm of each slice along `dim` (of the whole if it
    is None), and `name_v`. A FutureWarning says that it is going away.

    References
    ----------
    Salimans & Kingma 2016, "Weight normalization".
    """
    warnings.warn(
        "nn.utils.weight_norm is going away; use nn.utils.parametrizations.weight_norm",
        FutureWarning,
        stacklevel=2,
    )
    if find_hook(module._forward_pre_hooks, WeightNorm, name) is not None:
        raise RuntimeError(f"weight_norm: {name!r} of {type(module).__name__} has it already")
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError(
            f"weight_norm: {name!r} has no shape yet; call the lazy module once before"
        )
    hook = WeightNorm(name, dim)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    hook(module, ())
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make the weight an ordinary parameter again, of its present value."""
    key = find_hook(module._forward_pre_hooks, WeightNorm, name)
    if key is None:
        raise ValueError(f"remove_weight_norm: {name!r} of {type(module).__name__} has none")
    weight = module._forward_pre_hooks.pop(key).compute_weight(module)
    for attribute in (name, f"{name}_g", f"{name}_v"):
        delattr(module, attribute)
    setattr(module, name, Parameter(weight.detach()))
    return module


def find_hook(hooks: dict[int, Any], kind: type, name: str) -> int | None:
    """The number, among these hooks, of the one of this class for this weight."""
    for key, hook in hooks.items():
        if isinstance(hook, kind) and hook.name == name:
            return key
    return None
