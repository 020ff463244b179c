"""AdamW."""

from __future__ import annotations

from naivegrad.optim.adam import Adam
from naivegrad.optim.optimizer import ParamsT
from naivegrad.tensor import Tensor

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019, Algorithm 2).

        p = (1 - lr * weight_decay) * p,    then Adam's step without weight decay

    Parameters as Adam's.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
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
