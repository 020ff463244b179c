"""Muon."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.ops import zeros_like
from naivegrad.optim.optimizer import Optimizer, ParamsT
from naivegrad.optim.options import at_least_zero, check_rate, number
from naivegrad.tensor import Tensor

__all__ = ["Muon"]


class Muon(Optimizer):
    """Momentum made orthogonal, for weight matrices (Jordan et al. 2024).

        b = momentum * b + (1 - momentum) * grad
        u = momentum * b + (1 - momentum) * grad  if nesterov else  b
        x = u / |u|;   ns_steps times, with A = x x^T:   x = (c0 + c1 A + c2 A^2) x
        p = (1 - lr * weight_decay) * p - lr * adjusted * x

    The iteration takes the singular values of u close to 1. It runs in the parameter's type;
    PyTorch's rounds to bfloat16.

    Parameters
    ----------
    params : iterable of parameters of two dimensions, or of dicts with "params" and options
    lr, weight_decay, momentum, eps : float
    nesterov : bool
    ns_coefficients : (c0, c1, c2)
    ns_steps : int          below 100
    adjust_lr_fn : "original" (None): by sqrt(max(1, rows / columns)), or "match_rms_adamw": by
        0.2 sqrt(max(rows, columns))
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = dict(
            lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov,
            ns_coefficients=ns_coefficients, eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        check_rate("Muon", group)
        at_least_zero("Muon", group, "weight_decay", "momentum")
        if group["adjust_lr_fn"] not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                "Muon: adjust_lr_fn must be None, 'original' or 'match_rms_adamw', "
                f"got {group['adjust_lr_fn']!r}"
            )
        if not group["ns_steps"] < 100:
            raise ValueError(f"Muon: ns_steps must be below 100, got {group['ns_steps']}")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError(f"Muon: expected 3 ns_coefficients, got {group['ns_coefficients']}")
        for p in group["params"]:
            if p.ndim != 2:
                raise ValueError(
                    f"Muon: parameters must have two dimensions, got shape {tuple(p.shape)}"
                )
            if p.is_complex():
                raise TypeError(f"Muon: parameters must be real, got {p.dtype}")

    def _update_group(self, group: dict[str, Any]) -> None:
        lr, momentum = number(group["lr"]), group["momentum"]
        for p in group["params"]:
            if p.grad is None:
                continue
            state = self.state[p]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = zeros_like(p, requires_grad=False)
            buffer = state["momentum_buffer"].lerp_(p.grad, 1 - momentum)
            update = p.grad.lerp(buffer, momentum) if group["nesterov"] else buffer
            update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
            rows, columns = p.shape
            if group["adjust_lr_fn"] == "match_rms_adamw":
                adjusted = 0.2 * math.sqrt(max(rows, columns))
            else:
                adjusted = math.sqrt(max(1, rows / columns))
            p.mul_(1 - lr * group["weight_decay"])
            p.add_(update, alpha=-lr * adjusted)


def _orthogonal(
    x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    """The matrix with all singular values brought close to 1, by Newton-Schulz iteration."""
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / max(x.norm().item(), eps)
    c0, c1, c2 = coefficients
    for _ in range(steps):
        gram = x @ x.T
        x = c0 * x + (c1 * gram + c2 * (gram @ gram)) @ x
    return x.T if tall else x
