"""Adadelta."""

from __future__ import annotations

from typing import Any

from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number
from naivegrad.tensor import Tensor

__all__ = ["Adadelta"]


class Adadelta(Elementwise):
    """Adadelta (Zeiler 2012, Algorithm 1).

        g = grad + weight_decay * p
        s = rho * s + (1 - rho) * g^2
        d = g * sqrt(u + eps) / sqrt(s + eps)
        u = rho * u + (1 - rho) * d^2
        p = p - lr * d

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, eps, weight_decay : float
    rho : float                 how slowly the means of g^2 and d^2 forget
    maximize : bool             climb instead of descending
    foreach, capturable : ignored; every step is one pass over each parameter
    """

    rule = "adadelta"
    not_negative = ("eps", "weight_decay")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize,
            capturable=capturable, foreach=foreach, differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        if not 0 <= group["rho"] <= 1:
            raise ValueError(f"Adadelta: rho must be between 0 and 1, got {group['rho']}")

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor, Tensor], tuple[float, ...]]:
        state = self._state(p, "square_avg", "acc_delta")
        self._count(state)
        return (state["square_avg"], state["acc_delta"]), (
            -1 if group["maximize"] else 1,
            group["weight_decay"],
            group["rho"],
            number(group["lr"]),
            group["eps"],
        )
