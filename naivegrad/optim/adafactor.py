"""Adafactor."""

from __future__ import annotations

import functools
import math
from typing import Any

from naivegrad.dtype import dtype, finfo
from naivegrad.ops import zeros, zeros_like
from naivegrad.optim.optimizer import Optimizer, ParamsT
from naivegrad.optim.options import at_least_zero, check_rate, count_step, number, scalar, two
from naivegrad.tensor import Tensor

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Adafactor: of a matrix it keeps one number for each row and column (Shazeer & Stern 2018).

        f = t^beta2_decay;   rate = min(lr, 1 / sqrt(t)) * max(eps2, rms(p))
        p = (1 - lr * weight_decay) * p
        r = (1 - f) * r + f * mean over columns of grad^2
        c = (1 - f) * c + f * mean over rows of grad^2
        v = r c / mean(r)                       (a vector: v = (1 - f) * v + f * grad^2)
        u = grad / sqrt(max(v, eps1^2))
        p = p - rate * u / max(1, rms(u) / d)

    Of more than two dimensions, the last two are the matrix.

    Parameters
    ----------
    params : iterable of parameters, or of dicts with "params" and options of their own
    lr, weight_decay : float
    beta2_decay : float     at most 0
    eps : (eps1, eps2)      eps1 None: the eps of the parameter's type
    d : float               at least 1: how large an update may be
    maximize : bool         climb instead of descending
    foreach : ignored
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = dict(
            lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay,
            foreach=foreach, maximize=maximize,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        check_rate("Adafactor", group)
        at_least_zero("Adafactor", group, "weight_decay")
        eps1, eps2 = two("Adafactor", group, "eps")
        if not ((eps1 is None or eps1 >= 0) and eps2 >= 0):
            raise ValueError(f"Adafactor: eps must be at least 0, got {group['eps']}")
        if not group["beta2_decay"] <= 0:
            raise ValueError(
                f"Adafactor: beta2_decay must be at most 0, got {group['beta2_decay']}"
            )
        if not group["d"] >= 1:
            raise ValueError(f"Adafactor: d must be at least 1, got {group['d']}")
        for p in group["params"]:
            if p.is_complex():
                raise TypeError(f"Adafactor: parameters must be real, got {p.dtype}")

    def _update_group(self, group: dict[str, Any]) -> None:
        lr, (eps1, eps2) = number(group["lr"]), group["eps"]
        sign = -1 if group["maximize"] else 1
        keep = 1 - lr * group["weight_decay"]
        for p in group["params"]:
            if p.grad is None:
                continue
            state = self._state(p)
            t = count_step(state)
            row, column = state.get("row_var"), state.get("col_var", state.get("variance"))
            p.backend.adafactor_step(
                p.array,
                p.grad.array,
                None if row is None else row.array,
                column.array,
                sign,
                keep,
                t ** group["beta2_decay"],
                min(lr, 1 / math.sqrt(t)),
                _epsilon(p.dtype) if eps1 is None else eps1,
                eps2,
                group["d"],
            )
            p.version[0] += 1

    def _state(self, p: Tensor) -> dict[str, Any]:
        state = self.state[p]
        if not state:
            state["step"] = scalar(0)
            if p.ndim > 1:
                *planes, rows, columns = p.shape
                state["row_var"] = zeros(*planes, rows, 1, dtype=p.dtype, device=p.device)
                state["col_var"] = zeros(*planes, 1, columns, dtype=p.dtype, device=p.device)
            else:
                state["variance"] = zeros_like(p)
        return state


@functools.cache
def _epsilon(dtype: dtype) -> float:
    return finfo(dtype).eps
