"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from naivegrad.ops import empty_like
from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number
from naivegrad.tensor import Tensor

__all__ = ["SGD"]


class SGD(Elementwise):
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

    rule = "sgd"
    not_negative = ("momentum", "weight_decay")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
            nesterov=nesterov, maximize=maximize, foreach=foreach, differentiable=differentiable,
            fused=fused,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                "SGD: nesterov needs momentum > 0 and dampening = 0, got "
                f"momentum={group['momentum']}, dampening={group['dampening']}"
            )

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor | None], tuple[float, ...]]:
        buffer, first = None, False
        if group["momentum"] != 0:
            state = self.state[p]
            buffer = state.get("momentum_buffer")
            if buffer is None:
                first = True
                buffer = state["momentum_buffer"] = empty_like(p, requires_grad=False)
        return (buffer,), (
            -1 if group["maximize"] else 1,
            number(group["weight_decay"]),
            number(group["lr"]),
            group["momentum"],
            1 - group["dampening"],
            group["nesterov"],
            first,
        )
