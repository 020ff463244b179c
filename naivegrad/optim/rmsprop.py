"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from naivegrad.ops import zeros, zeros_like
from naivegrad.optim.optimizer import Optimizer

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012, lecture 6.5).

        g = grad + weight_decay * p
        s = alpha * s + (1 - alpha) * g^2
        m = alpha * m + (1 - alpha) * g                 (if centered: Graves 2013, section 2)
        d = g / (sqrt(s - m^2 if centered else s) + eps)
        b = momentum * b + d
        p = p - lr * (b if momentum else d)

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, alpha, eps, weight_decay, momentum : float
    centered : bool         divide by the standard deviation instead of the root mean square
    maximize : bool         climb instead of descending
    capturable, foreach : ignored; every step is one pass over each parameter
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        self._at_least_zero(group, "lr", "alpha", "eps", "weight_decay", "momentum")

    def _update_group(self, group: dict[str, Any]) -> None:
        lr, alpha, eps = group["lr"], group["alpha"], group["eps"]
        weight_decay, momentum, maximize = (
            group["weight_decay"],
            group["momentum"],
            group["maximize"],
        )
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            state = self.state[p]
            if not state:
                state["step"] = zeros(())
                state["square_avg"] = zeros_like(p, requires_grad=False)
                if momentum > 0:
                    state["momentum_buffer"] = zeros_like(p, requires_grad=False)
                if group["centered"]:
                    state["grad_avg"] = zeros_like(p, requires_grad=False)
            mean = state["grad_avg"].array if group["centered"] else None
            buffer = state["momentum_buffer"].array if momentum > 0 else None
            count = state["step"].array
            count += 1
            p.backend.rmsprop_step(
                p.array, grad.array, state["square_avg"].array, mean, buffer,
                lr, alpha, eps, weight_decay, momentum, maximize,
            )  # fmt: skip
            p.version[0] += 1
