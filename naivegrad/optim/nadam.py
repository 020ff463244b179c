"""NAdam."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.optim.adam import sign_and_decay
from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number, scalar
from naivegrad.tensor import Tensor

__all__ = ["NAdam"]


class NAdam(Elementwise):
    """Adam with Nesterov's momentum (Dozat 2016, Algorithm 2).

        g, m, v as Adam's;  mu(t) = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        d = mu(t+1) * m / (1 - mu(1) ... mu(t+1)) + (1 - mu(t)) * g / (1 - mu(1) ... mu(t))
        p = p - lr * d / (sqrt(v / (1 - beta2^t)) + eps)

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, eps, weight_decay, momentum_decay : float
    betas : (float, float)      how slowly the means of g and g^2 forget
    decoupled_weight_decay : bool       p = (1 - lr * weight_decay) * p first
    maximize : bool             climb instead of descending
    foreach, capturable : ignored; every step is one pass over each parameter
    """

    rule = "adam"
    not_negative = ("eps", "weight_decay", "momentum_decay")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, foreach=foreach,
            capturable=capturable, differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor | None, ...], tuple[float, ...]]:
        state = self._state(p, "exp_avg", "exp_avg_sq")
        if "mu_product" not in state:
            state["mu_product"] = scalar(1)
        t = self._count(state)
        beta1, beta2 = group["betas"]
        mu, mu_next = [
            beta1 * (1 - 0.5 * 0.96 ** (n * group["momentum_decay"])) for n in (t, t + 1)
        ]
        product = state["mu_product"].array
        product *= mu
        lr, mus = number(group["lr"]), product.item()
        return (state["exp_avg"], state["exp_avg_sq"], None), (
            *sign_and_decay(group),
            beta1,
            beta2,
            lr * (1 - mu) / (1 - mus),
            lr * mu_next / (1 - mus * mu_next),
            1 / math.sqrt(1 - beta2**t),
            group["eps"],
        )
