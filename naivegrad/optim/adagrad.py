"""Adagrad."""

from __future__ import annotations

from typing import Any

from naivegrad.ops import full_like
from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number, scalar
from naivegrad.tensor import Tensor

__all__ = ["Adagrad"]


class Adagrad(Elementwise):
    """Adagrad (Duchi, Hazan & Singer 2011).

        g = grad + weight_decay * p
        s = s + g^2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, lr_decay, weight_decay, eps : float
    initial_accumulator_value : float       what s begins with
    maximize : bool             climb instead of descending
    foreach, fused : ignored; every step is one pass over each parameter
    """

    rule = "rmsprop"
    not_negative = ("lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = dict(
            lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, foreach=foreach,
            maximize=maximize, differentiable=differentiable, fused=fused,
        )  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:  # also of parameters that will have no gradient
            for p in group["params"]:
                self._start(p)

    def _start(self, p: Tensor) -> dict[str, Any]:
        state = self.state[p]
        if not state:
            value = self.defaults["initial_accumulator_value"]
            state["step"] = scalar(0)
            state["sum"] = full_like(
                p, complex(value, value) if p.is_complex() else value, requires_grad=False
            )
        return state

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor | None, ...], tuple[float, ...]]:
        state = self._start(p)
        t = self._count(state)
        return (state["sum"], None, None), (
            -1 if group["maximize"] else 1,
            group["weight_decay"],
            1,
            1,
            number(group["lr"]) / (1 + (t - 1) * group["lr_decay"]),
            0,
            group["eps"],
        )
