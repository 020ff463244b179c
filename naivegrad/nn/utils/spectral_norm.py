"""Weights divided by their largest singular value, by a hook: the older way.

See `parametrizations.spectral_norm`.
"""

from __future__ import annotations

from typing import Any, TypeVar

from naivegrad.autograd import no_grad
from naivegrad.nn import functional as F
from naivegrad.nn.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter, is_lazy
from naivegrad.nn.utils.weight_norm import find_hook
from naivegrad.ops import dot
from naivegrad.tensor import Tensor

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]

M = TypeVar("M", bound=Module)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight with `dim` as rows and everything else as columns."""
    return weight.movedim(dim, 0).flatten(1)


def default_dim(module: Module) -> int:
    """The dimension of a layer's weight that counts its outputs."""
    return int(isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)))


class SpectralNorm:
    """The hook that computes `name` from `name_orig`, `name_u` and `name_v` before each forward."""

    _version = 1  # of the layout of the state: noted in state dicts, as PyTorch does

    def __init__(
        self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}"
            )
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """The weight for what the module has now; u and v come closer first, if asked to."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(matrix.mT.mv(u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(matrix.mv(v), dim=0, eps=self.eps))
        # Copies: the next forward changes u and v, and backward of this one needs them still.
        u, v = u.clone(), v.clone()
        return weight / dot(u, matrix.mv(v))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


class _NoteVersion:
    """The hook of state_dict that notes the version of the layout."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(
        self, module: Module, state_dict: Any, prefix: str, local_metadata: dict[str, Any]
    ) -> None:
        versions = local_metadata.setdefault("spectral_norm", {})
        versions[f"{self.name}.version"] = SpectralNorm._version


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight by its largest singular value; `parametrizations.spectral_norm` is newer.

    The module gets the parameter `name_orig` and the buffers `name_u` and `name_v`, the singular
    vectors, which come closer by the power method at each forward in training mode.

    References
    ----------
    Miyato et al. 2018, "Spectral normalization for generative adversarial networks".
    """
    if find_hook(module._forward_pre_hooks, SpectralNorm, name) is not None:
        raise RuntimeError(f"spectral_norm: {name!r} of {type(module).__name__} has it already")
    weight = module._parameters.get(name)
    if weight is None:
        raise ValueError(f"spectral_norm: {type(module).__name__} has no parameter {name!r}")
    if is_lazy(weight):
        raise ValueError(
            f"spectral_norm: {name!r} has no shape yet; call the lazy module once before"
        )
    hook = SpectralNorm(name, n_power_iterations, default_dim(module) if dim is None else dim, eps)
    rows, columns = as_matrix(weight.detach(), hook.dim).shape
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    for part, length in (("u", rows), ("v", columns)):
        start = weight.new_empty(length).normal_()
        module.register_buffer(f"{name}_{part}", F.normalize(start, dim=0, eps=eps))
    module.register_forward_pre_hook(hook)
    module._register_state_dict_hook(_NoteVersion(name))
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make the weight an ordinary parameter again, of its present value."""
    key = find_hook(module._forward_pre_hooks, SpectralNorm, name)
    if key is None:
        raise ValueError(f"remove_spectral_norm: {name!r} of {type(module).__name__} has none")
    hook = module._forward_pre_hooks.pop(key)
    module._state_dict_hooks.pop(find_hook(module._state_dict_hooks, _NoteVersion, name), None)
    with no_grad():
        weight = hook.compute_weight(module, do_power_iteration=False)
    for part in ("", "_u", "_v", "_orig"):
        delattr(module, name + part)
    module.register_parameter(name, Parameter(weight))
    return module
