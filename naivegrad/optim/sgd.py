"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from naivegrad.ops import empty_like
from naivegrad.optim.optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Sutskever et al. 2013).

        g = grad + weight_decay * p
        b = momentum * b + (1 - dampening) * g          (b = g in the first step)
        p = p - lr * (g + momentum * b  if nesterov else  b)

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, momentum, dampening, weight_decay : float
    nesterov : bool         needs momentum > 0 and dampening = 0
    maximize : bool         climb instead of descending
    foreach, fused : ignored; every step is one pass over each parameter

    Examples
    --------
    >>> import naivegrad as ng
    >>> p = ng.tensor([1.0], requires_grad=True)
    >>> optimizer = ng.optim.SGD([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [0.800000011920929]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        self._at_least_zero(group, "lr", "momentum", "weight_decay")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                "SGD: nesterov needs momentum > 0 and dampening = 0, got "
                f"momentum={group['momentum']}, dampening={group['dampening']}"
            )

    def _update_group(self, group: dict[str, Any]) -> None:
        lr, momentum, dampening = group["lr"], group["momentum"], group["dampening"]
        weight_decay, nesterov, maximize = (
            group["weight_decay"],
            group["nesterov"],
            group["maximize"],
        )
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            buffer, first = None, False
            if momentum != 0:
                state = self.state[p]
                tensor = state.get("momentum_buffer")
                if tensor is None:
                    first = True
                    tensor = state["momentum_buffer"] = empty_like(p, requires_grad=False)
                buffer = tensor.array
            p.backend.sgd_step(
                p.array, grad.array, buffer, first,
                lr, momentum, dampening, weight_decay, nesterov, maximize,
            )  # fmt: skip
            p.version[0] += 1
