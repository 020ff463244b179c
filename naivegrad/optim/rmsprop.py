"""RMSprop."""

from __future__ import annotations

from typing import Any

from naivegrad.ops import zeros_like
from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number
from naivegrad.tensor import Tensor

__all__ = ["RMSprop"]


class RMSprop(Elementwise):
    """RMSprop (Tieleman & Hinton 2012, lecture 6.5).

        g = grad + weight_decay * p
        s = alpha * s + (1 - alpha) * g^2
        m = alpha * m + (1 - alpha) * g                 (if centered: Graves 2013, section 2)
        d = g / (sqrt(s - m^2 if centered else s) + eps)
        b = momentum * b + d
        p = p - lr * (b if momentum else d)

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, alpha, eps, weight_decay, momentum : float
    centered : bool         divide by the standard deviation instead of the root mean square
    maximize : bool         climb instead of descending
    capturable, foreach : ignored; every step is one pass over each parameter
    """

    rule = "rmsprop"
    not_negative = ("alpha", "eps", "weight_decay", "momentum")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered,
            weight_decay=weight_decay, capturable=capturable, foreach=foreach, maximize=maximize,
            differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor | None, ...], tuple[float, ...]]:
        state = self._state(p, "square_avg")
        self._count(state)

        def buffer(name: str, wanted: bool) -> Tensor | None:
            if wanted and name not in state:
                state[name] = zeros_like(p, requires_grad=False)
            return state[name] if wanted else None

        momentum_buffer = buffer("momentum_buffer", group["momentum"] > 0)
        return (state["square_avg"], buffer("grad_avg", group["centered"]), momentum_buffer), (
            -1 if group["maximize"] else 1,
            group["weight_decay"],
            group["alpha"],
            1 - group["alpha"],
            number(group["lr"]),
            group["momentum"],
            group["eps"],
        )
