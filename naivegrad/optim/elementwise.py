"""What the optimizers share that change each element by itself."""

from __future__ import annotations

from typing import Any

from naivegrad.ops import tensor, zeros_like
from naivegrad.optim.optimizer import Optimizer
from naivegrad.optim.options import at_least_zero, check_betas, check_rate, count_step, scalar
from naivegrad.tensor import Tensor

__all__ = ["Elementwise"]


class Elementwise(Optimizer):
    """An optimizer that changes each element by itself: one call of the backend for each group.

    A subclass names its `rule`, a row of kernels.optim.RULES, and writes `_arguments`.
    """

    rule: str
    not_negative: tuple[str, ...] = ()  # options, beside lr

    def _update_group(self, group: dict[str, Any]) -> None:
        params = [p for p in group["params"] if p.grad is not None]
        if not params:
            return
        states, numbers = [], []
        for p in params:
            try:
                tensors, values = self._arguments(p, group)
            except KeyError as error:  # state that was loaded, or changed
                raise ValueError(
                    f"{type(self).__name__}: {error} is missing in the state or in the options of "
                    f"a parameter of shape {tuple(p.shape)}; the state has {list(self.state[p])}"
                ) from error
            states.append(tuple([None if s is None else s.array for s in tensors]))
            numbers.append(values)
        arrays, grads = [p.array for p in params], [p.grad.array for p in params]
        params[0].backend.optimizer_step(self.rule, arrays, grads, states, numbers)
        for p in params:
            p.version[0] += 1

    def _arguments(
        self, p: Tensor, group: dict[str, Any]
    ) -> tuple[tuple[Tensor | None, ...], tuple[float, ...]]:
        """The state of a parameter, made if there is none, and the numbers of its rule."""
        raise NotImplementedError(f"{type(self).__name__} has no _arguments method")

    def _state(self, p: Tensor, *names: str) -> dict[str, Any]:
        """What is remembered of a parameter: at first a count and, by `names`, zeros."""
        state = self.state[p]
        if not state:
            state["step"] = scalar(0)
            for name in names:
                state[name] = zeros_like(p, requires_grad=False)
        return state

    _count = staticmethod(count_step)

    def _check(self, group: dict[str, Any]) -> None:
        who = type(self).__name__
        if group.get("differentiable"):
            raise ValueError(f"{who}: differentiable=True is not supported")
        if group.get("fused") and group.get("foreach"):
            raise ValueError(f"{who}: fused and foreach cannot both be True")
        check_rate(who, group)
        at_least_zero(who, group, *self.not_negative)
        if "betas" in group:
            check_betas(who, group)

    def _check_state(self, state: dict[Any, Any]) -> None:
        for p, entries in state.items():
            if not isinstance(p, Tensor):
                continue
            if isinstance(entries.get("step"), (int, float)):
                entries["step"] = tensor(float(entries["step"]))
            for key, value in entries.items():
                if isinstance(value, Tensor) and value.ndim and value.shape != p.shape:
                    raise ValueError(
                        f"{type(self).__name__}.load_state_dict: {key!r} has shape "
                        f"{tuple(value.shape)}, its parameter {tuple(p.shape)}"
                    )
