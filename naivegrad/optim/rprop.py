"""Rprop."""

from __future__ import annotations

from typing import Any

from naivegrad.ops import full_like
from naivegrad.optim.elementwise import Elementwise
from naivegrad.optim.optimizer import ParamsT
from naivegrad.optim.options import number, two
from naivegrad.tensor import Tensor

__all__ = ["Rprop"]


class Rprop(Elementwise):
    """Resilient backpropagation: only the sign of the gradient counts (Riedmiller & Braun 1993).

    Each element has a step size of its own, at first lr:

        where grad kept its sign:     size = min(size * eta_plus, largest)
        where grad changed its sign:  size = max(size * eta_minus, smallest);  grad = 0
        p = p - size * sign(grad)

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr : float
    etas : (float, float)           eta_minus below 1, eta_plus above
    step_sizes : (float, float)     smallest, largest
    maximize : bool             climb instead of descending
    foreach, capturable : ignored; every step is one pass over each parameter
    """

    rule = "rprop"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        two("Rprop", group, "step_sizes")
        minus, plus = two("Rprop", group, "etas")
        if not 0 < minus < 1 < plus:
            raise ValueError(f"Rprop: etas must be 0 < eta_minus < 1 < eta_plus, got {minus, plus}")

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor, Tensor], tuple[float, ...]]:
        state = self._state(p, "prev")
        if "step_size" not in state:
            lr = number(group["lr"])
            state["step_size"] = full_like(
                p, complex(lr, lr) if p.is_complex() else lr, requires_grad=False
            )
        self._count(state)
        return (state["prev"], state["step_size"]), (
            -1 if group["maximize"] else 1,
            0,
            *group["etas"],
            *group["step_sizes"],
        )
