"""Gradients kept within a norm or a bound."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable

from naivegrad.autograd import no_grad
from naivegrad.ops import stack, tensor
from naivegrad.tensor import Tensor, wrap

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors, as if they were one vector.

        (sum |x_i|^p)^(1/p);    max |x_i| for p = inf

    Raises
    ------
    RuntimeError    if error_if_nonfinite and the norm is infinite or NaN
    """
    tensors = _listed(tensors)
    p = float(norm_type)
    if not tensors:
        return tensor(0.0)
    first = tensors[0]
    backend = first.backend
    if p == 2 and all(t.backend is backend for t in tensors):
        total = wrap(backend.total_norm([t.array for t in tensors]), backend)
    elif p == math.inf:
        total = stack([_largest(t).to(first.device) for t in tensors]).max()
    else:
        # A sum of powers adds over tensors; no need to take roots in between.
        total = stack([_power_sum(t, p).to(first.device) for t in tensors]).sum()
        total = total if p == 0 else total ** (1.0 / p)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"clip_grad_norm_: the norm of order {p} of the gradients is {total.item()}; to go on "
            "with gradients that are not finite, use error_if_nonfinite=False"
        )
    return total


def _largest(t: Tensor) -> Tensor:
    return t.abs().max() if t.numel() else t.new_zeros(())


def _power_sum(t: Tensor, p: float) -> Tensor:
    if p == 0:
        return (t != 0).to(t.dtype).sum()
    if p == 1:
        return t.abs().sum()
    return (t.abs() ** p).sum()


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale the gradients, in place, by max_norm / total_norm where that is below 1."""
    by_backend: dict[int, list[Tensor]] = {}
    for grad in _gradients(parameters):
        by_backend.setdefault(id(grad.backend), []).append(grad)
        grad.version[0] += 1
    for grads in by_backend.values():
        norm = total_norm.to(grads[0].device).array
        grads[0].backend.limit_norm([grad.array for grad in grads], norm, float(max_norm))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that together their norm is at most max_norm.

    Returns
    -------
    Tensor, ()      the norm before clipping

    Raises
    ------
    RuntimeError    if error_if_nonfinite and the norm is infinite or NaN

    References
    ----------
    Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", Algorithm 1.
    """
    parameters = _listed(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """`clip_grad_norm_` under its older name, with a FutureWarning."""
    warnings.warn(
        "nn.utils.clip_grad_norm is going away; use nn.utils.clip_grad_norm_",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


@no_grad()
def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Limit every element of the gradients, in place, to [-clip_value, clip_value]."""
    bound = float(clip_value)
    for grad in _gradients(parameters):
        grad.clamp_(-bound, bound)
