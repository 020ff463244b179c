"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from naivegrad.ops import zeros, zeros_like
from naivegrad.optim.optimizer import Optimizer

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
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

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
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
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        self._at_least_zero(group, "lr", "eps", "weight_decay")
        for i, beta in enumerate(group["betas"]):
            if not 0 <= beta < 1:
                raise ValueError(
                    f"{type(self).__name__}: betas must be at least 0 and below 1, "
                    f"got {beta} at {i}"
                )

    def _update_group(self, group: dict[str, Any]) -> None:
        lr, (beta1, beta2), eps = group["lr"], group["betas"], group["eps"]
        weight_decay, maximize = group["weight_decay"], group["maximize"]
        decoupled = group["decoupled_weight_decay"]
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            state = self.state[p]
            if not state:
                state["step"] = zeros(())
                state["exp_avg"] = zeros_like(p, requires_grad=False)
                state["exp_avg_sq"] = zeros_like(p, requires_grad=False)
                if group["amsgrad"]:
                    state["max_exp_avg_sq"] = zeros_like(p, requires_grad=False)
            largest = state["max_exp_avg_sq"].array if group["amsgrad"] else None
            count = state["step"].array
            count += 1
            p.backend.adam_step(
                p.array, grad.array, state["exp_avg"].array, state["exp_avg_sq"].array, largest,
                count.item(), lr, beta1, beta2, eps, weight_decay, decoupled, maximize,
            )  # fmt: skip
            p.version[0] += 1


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019, Algorithm 2).

        p = (1 - lr * weight_decay) * p,    then Adam's step without weight decay

    Parameters as Adam's.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
