"""Adam."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.ops import zeros_like
from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number
from naivegrad.tensor import Tensor

__all__ = ["Adam", "sign_and_decay"]


class Adam(Elementwise):
    """Adam (Kingma & Ba 2015, Algorithm 1).

        g = grad + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        p = p - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr : float
    betas : (float, float)      how slowly the means of g and g^2 forget
    eps, weight_decay : float
    amsgrad : bool              divide by the largest v so far (Reddi et al. 2018)
    maximize : bool             climb instead of descending
    decoupled_weight_decay : bool       p = (1 - lr * weight_decay) * p first: AdamW
    foreach, capturable, fused : ignored; every step is one pass over each parameter
    """

    rule = "adam"
    not_negative = ("eps", "weight_decay")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
            maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable, fused=fused,
            decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor | None, ...], tuple[float, ...]]:
        state = self._state(p, "exp_avg", "exp_avg_sq")
        largest = None
        if group["amsgrad"]:
            largest = state.get("max_exp_avg_sq")
            if largest is None:
                largest = state["max_exp_avg_sq"] = zeros_like(p, requires_grad=False)
        t = self._count(state)
        beta1, beta2 = map(number, group["betas"])
        size = number(group["lr"]) / (1 - beta1**t)
        scale = 1 / math.sqrt(1 - beta2**t)
        return (state["exp_avg"], state["exp_avg_sq"], largest), (
            *sign_and_decay(group),
            beta1,
            beta2,
            0,
            size,
            scale,
            group["eps"],
        )


def sign_and_decay(group: dict[str, Any]) -> tuple[float, float, float]:
    """Adam's first numbers: the gradient's sign, the decay added to it, what is kept of p."""
    sign, decay = -1 if group["maximize"] else 1, group["weight_decay"]
    if group["decoupled_weight_decay"]:
        return sign, 0, 1 - number(group["lr"]) * decay
    return sign, decay, 1
