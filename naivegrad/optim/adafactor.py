"""Adafactor."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.dtype import finfo
from naivegrad.ops import zeros_like
from naivegrad.optim.optimizer import Optimizer, ParamsT
from naivegrad.optim.options import at_least_zero, check_rate, number, scalar
from naivegrad.tensor import Tensor

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Adafactor: of a matrix it keeps one number for each row and column (Shazeer & Stern 2018).

        f = t^beta2_decay;   rate = min(lr, 1 / sqrt(t)) * max(eps2, rms(p))
        p = (1 - lr * weight_decay) * p
        r = (1 - f) * r + f * mean over columns of grad^2
        c = (1 - f) * c + f * mean over rows of grad^2
        v = r c / mean(r)                       (a vector: v = (1 - f) * v + f * grad^2)
        u = grad / sqrt(max(v, eps1^2))
        p = p - rate * u / max(1, rms(u) / d)

    Of more than two dimensions, the last two are the matrix.

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, weight_decay : float
    beta2_decay : float     at most 0
    eps : (eps1, eps2)      eps1 None: the eps of the parameter's type
    d : float               at least 1: how large an update may be
    maximize : bool         climb instead of descending
    foreach : ignored
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay,
            foreach=foreach, maximize=maximize,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        check_rate("Adafactor", group)
        at_least_zero("Adafactor", group, "weight_decay")
        eps1, eps2 = group["eps"]
        if not ((eps1 is None or eps1 >= 0) and eps2 >= 0):
            raise ValueError(f"Adafactor: eps must be at least 0, got {group['eps']}")
        if not group["beta2_decay"] <= 0:
            raise ValueError(
                f"Adafactor: beta2_decay must be at most 0, got {group['beta2_decay']}"
            )
        if not group["d"] >= 1:
            raise ValueError(f"Adafactor: d must be at least 1, got {group['d']}")
        for p in group["params"]:
            if p.is_complex():
                raise TypeError(f"Adafactor: parameters must be real, got {p.dtype}")

    def _update_group(self, group: dict[str, Any]) -> None:
        lr, (eps1, eps2) = number(group["lr"]), group["eps"]
        for p in group["params"]:
            if p.grad is None:
                continue
            grad = -p.grad if group["maximize"] else p.grad
            state = self._state(p)
            state["step"] += 1
            t = state["step"].item()
            fresh = t ** group["beta2_decay"]
            least = finfo(p.dtype).eps if eps1 is None else eps1
            rate = min(lr, 1 / math.sqrt(t)) * max(eps2, _rms(p))
            if group["weight_decay"] != 0:
                p.mul_(1 - lr * group["weight_decay"])
            if p.ndim > 1:
                squares = grad * grad
                row = state["row_var"].lerp_(squares.mean(-1, keepdim=True), fresh)
                column = state["col_var"].lerp_(squares.mean(-2, keepdim=True), fresh)
                row = row / row.mean(-2, keepdim=True).clamp(min=least)
                update = (row * column).clamp_(min=least * least).rsqrt_().mul_(grad)
            else:
                variance = state["variance"].lerp_(grad * grad, fresh)
                update = variance.clamp(min=least * least).rsqrt_().mul_(grad)
            p.add_(update, alpha=-rate / max(1.0, _rms(update) / group["d"]))

    def _state(self, p: Tensor) -> dict[str, Any]:
        state = self.state[p]
        if not state:
            state["step"] = scalar(0)
            if p.ndim > 1:
                state["row_var"] = zeros_like(p[..., :1], requires_grad=False)
                state["col_var"] = zeros_like(p[..., :1, :], requires_grad=False)
            else:
                state["variance"] = zeros_like(p, requires_grad=False)
        return state


def _rms(x: Tensor) -> float:
    """The root of the mean square."""
    return x.norm().item() / math.sqrt(max(x.numel(), 1))
