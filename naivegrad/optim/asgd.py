"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number, scalar
from naivegrad.tensor import Tensor

__all__ = ["ASGD"]


class ASGD(Elementwise):
    """Averaged stochastic gradient descent (Polyak & Juditsky 1992).

        g = grad + weight_decay * p
        p = (1 - lambd * eta) * p - eta * g
        ax = ax + mu * (p - ax)
        eta = lr / (1 + lambd * lr * t)^alpha;   mu = 1 / max(1, t - t0)        (first lr and 1)

    The average is `state[p]["ax"]`; from step t0 on it is one.

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, lambd, alpha, t0, weight_decay : float
    maximize : bool             climb instead of descending
    foreach, capturable : ignored; every step is one pass over each parameter
    """

    rule = "asgd"
    not_negative = ("weight_decay",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, foreach=foreach,
            maximize=maximize, differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor], tuple[float, ...]]:
        lr, lambd = number(group["lr"]), group["lambd"]
        state = self._state(p, "ax")
        if "eta" not in state:
            state["eta"], state["mu"] = scalar(lr), scalar(1)
        eta, mu = state["eta"].item(), state["mu"].item()
        numbers = (
            -1 if group["maximize"] else 1,
            group["weight_decay"],
            1 - lambd * eta,
            eta,
            mu,
        )
        t = self._count(state)  # the rates of the next step
        state["eta"].array[...] = lr / (1 + lambd * lr * t) ** group["alpha"]
        state["mu"].array[...] = 1 / max(1, t - group["t0"])
        return (state["ax"],), numbers
