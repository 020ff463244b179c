"""Adamax."""

from __future__ import annotations

from typing import Any

from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number
from naivegrad.tensor import Tensor

__all__ = ["Adamax"]


class Adamax(Elementwise):
    """Adam that divides by a maximum (Kingma & Ba 2015, Algorithm 2).

        g = grad + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p = p - lr * m / (1 - beta1^t) / u

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, eps, weight_decay : float
    betas : (float, float)      how slowly the mean of g and the maximum of |g| forget
    maximize : bool             climb instead of descending
    foreach, capturable : ignored; every step is one pass over each parameter
    """

    rule = "adamax"
    not_negative = ("eps", "weight_decay")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=foreach,
            maximize=maximize, differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor, Tensor], tuple[float, ...]]:
        state = self._state(p, "exp_avg", "exp_inf")
        beta1, beta2 = group["betas"]
        return (state["exp_avg"], state["exp_inf"]), (
            -1 if group["maximize"] else 1,
            group["weight_decay"],
            beta1,
            beta2,
            number(group["lr"]) / (1 - beta1 ** self._count(state)),
            group["eps"],
        )
