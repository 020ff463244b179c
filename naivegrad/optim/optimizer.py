"""Optimizer: what all optimizers share."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from naivegrad.autograd import enable_grad
from naivegrad.ops import tensor
from naivegrad.tensor import Tensor

__all__ = ["Optimizer"]


class Optimizer:
    """Changes parameters by their gradients, group by group.

    A subclass writes `_update_group`, in which each parameter is one call of the backend.

    Attributes
    ----------
    param_groups : list of dict     each with "params" and the options of these parameters
    state : dict                    from a parameter to what the optimizer remembers of it
    defaults : dict                 options for groups that do not name them
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        who = type(self).__name__
        if isinstance(params, (Tensor, str)):
            raise TypeError(
                f"{who}: params must be an iterable of Tensors or dicts, "
                f"got {type(params).__name__}; put a single parameter in a list"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError(f"{who}: got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own: {"params": [...], "lr": 0.1}."""
        who = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(
                f"{who}: a parameter group must be a dict, got {type(param_group).__name__}"
            )
        if "params" not in param_group:
            raise ValueError(f"{who}: a parameter group needs 'params', got {sorted(param_group)}")
        params = param_group["params"]
        if isinstance(params, (set, frozenset)):
            raise TypeError(f"{who}: parameters must come in an order, got a set; use a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        group = {**self.defaults, **param_group, "params": params}
        if params and all(isinstance(p, tuple) for p in params):  # named_parameters()
            group["param_names"] = [name for name, _ in params]
            group["params"] = params = [p for _, p in params]
        seen = {id(p) for other in self.param_groups for p in other["params"]}
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"{who}: can only optimize Tensors, got {type(p).__name__}")
            if hasattr(p, "materialize"):
                raise ValueError(
                    f"{who}: a parameter of a lazy module has no shape yet; call the module once, "
                    "and make the optimizer after that"
                )
            if not p.is_leaf:
                raise ValueError(
                    f"{who}: can't optimize a non-leaf Tensor; this one, of shape "
                    f"{tuple(p.shape)}, was computed"
                )
            if id(p) in seen:
                raise ValueError(
                    f"{who}: a parameter of shape {tuple(p.shape)} is given more than once"
                )
            seen.add(id(p))
        self._check(group)
        self.param_groups.append(group)

    def _check(self, group: dict[str, Any]) -> None:
        """Refuse options out of range. The subclass knows its own."""
        if group.get("differentiable"):
            raise ValueError(f"{type(self).__name__}: differentiable=True is not supported")

    def _at_least_zero(self, group: dict[str, Any], *names: str) -> None:
        for name in names:
            if not group[name] >= 0:
                who = type(self).__name__
                raise ValueError(f"{who}: {name} must be a number of at least 0, got {group[name]}")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; return the closure's loss.

        The closure, if given, clears the gradients, computes the loss, runs backward and returns
        the loss.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._update_group(group)
        return loss

    def _update_group(self, group: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no _update_group method")

    # -------------------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Any]:
        """{"state": {number: ...}, "param_groups": [...]}, with parameters numbered in order."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            options = {key: value for key, value in group.items() if key != "params"}
            groups.append({**options, "params": [numbers[id(p)] for p in group["params"]]})
        state = {numbers[id(p)]: dict(value) for p, value in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state dict; it must come from the same parameters in the same order."""
        who = f"{type(self).__name__}.load_state_dict"
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"{who}: the state dict has {len(groups)} parameter groups, "
                f"the optimizer {len(self.param_groups)}"
            )
        params: dict[Any, Tensor] = {}
        for i, (old, own) in enumerate(zip(groups, self.param_groups, strict=True)):
            if len(old["params"]) != len(own["params"]):
                raise ValueError(
                    f"{who}: group {i} has {len(old['params'])} parameters in the state dict, "
                    f"{len(own['params'])} in the optimizer"
                )
            params.update(zip(old["params"], own["params"], strict=True))
        state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for number, saved in state_dict["state"].items():
            if number in params:
                p = params[number]
                state[p] = {key: _restore(who, key, value, p) for key, value in saved.items()}
        self.state = state
        for old, own in zip(groups, self.param_groups, strict=True):
            own.update(
                {k: copy.deepcopy(v) for k, v in old.items() if k not in ("params", "param_names")}
            )

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _restore(who: str, key: str, value: Any, param: Tensor) -> Any:
    """A copy of one entry of the saved state, in the parameter's dtype and on its device."""
    if key == "step" and isinstance(value, (int, float)):
        value = tensor(float(value))
    if not hasattr(value, "shape"):
        return copy.deepcopy(value)
    value = tensor(value.detach() if isinstance(value, Tensor) else value)
    if key == "step":  # counted in float32 on the CPU, whatever the parameter is
        return value
    if tuple(value.shape) != tuple(param.shape):
        raise ValueError(
            f"{who}: {key!r} has shape {tuple(value.shape)}, its parameter {tuple(param.shape)}"
        )
    return value.to(device=param.device, dtype=param.dtype)
