"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from naivegrad.autograd import no_grad
from naivegrad.ops import cat
from naivegrad.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, one after another, as one vector; differentiable."""
    return cat([p.reshape(-1) for p in parameters])


@no_grad()
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy consecutive parts of a vector into the parameters."""
    parameters = list(parameters)
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a Tensor, got {type(vec).__name__}")
    total = sum(p.numel() for p in parameters)
    if vec.ndim != 1 or vec.numel() < total:
        raise ValueError(
            f"vector_to_parameters: expected a vector of {total} elements, got "
            f"shape {tuple(vec.shape)}"
        )
    start = 0
    for p in parameters:
        p.copy_(vec[start : start + p.numel()].reshape(p.shape))
        start += p.numel()
