"""RAdam."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.optim.adam import sign_and_decay
from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number
from naivegrad.tensor import Tensor

__all__ = ["RAdam"]


class RAdam(Elementwise):
    """Adam whose first steps are as small as their variance asks for (Liu et al. 2020, Alg. 2).

        g, m, v as Adam's;  n = 2 / (1 - beta2) - 1;  r = n - 2 t beta2^t / (1 - beta2^t)
        d = m / (1 - beta1^t)
        p = p - lr * d                                                  where r <= 5, otherwise
        p = p - lr * d * sqrt((r - 4) (r - 2) n / ((n - 4) (n - 2) r))
              * sqrt(1 - beta2^t) / (sqrt(v) + eps)

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, eps, weight_decay : float
    betas : (float, float)      how slowly the means of g and g^2 forget
    decoupled_weight_decay : bool       p = (1 - lr * weight_decay) * p first
    maximize : bool             climb instead of descending
    foreach, capturable : ignored; every step is one pass over each parameter
    """

    rule = "adam"
    not_negative = ("eps", "weight_decay")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize,
            foreach=foreach, capturable=capturable, decoupled_weight_decay=decoupled_weight_decay,
            differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor | None, ...], tuple[float, ...]]:
        state = self._state(p, "exp_avg", "exp_avg_sq")
        t = self._count(state)
        beta1, beta2 = group["betas"]
        correction = 1 - beta2**t
        n = 2 / (1 - beta2) - 1
        r = n - 2 * t * beta2**t / correction
        size = number(group["lr"]) / (1 - beta1**t)
        if r > 5:
            rectified = (r - 4) * (r - 2) * n / ((n - 4) * (n - 2) * r)
            size, scale, eps = size * math.sqrt(rectified * correction), 1, group["eps"]
        else:
            scale, eps = 0, 1  # divide by 0 * sqrt(v) + 1
        return (state["exp_avg"], state["exp_avg_sq"], None), (
            *sign_and_decay(group),
            beta1,
            beta2,
            0,
            size,
            scale,
            eps,
        )
