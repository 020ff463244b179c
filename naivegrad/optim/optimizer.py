"""Optimizer: what all optimizers share."""

from __future__ import annotations

import copy
import functools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from naivegrad.autograd import enable_grad, no_grad
from naivegrad.autograd.profiler import record_function
from naivegrad.ops import tensor
from naivegrad.tensor import RemovableHandle, Tensor

__all__ = [
    "Optimizer",
    "ParamsT",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]

ParamsT: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class _Required:
    """The default of an option that every group must name."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_before_all: dict[int, Callable[..., Any]] = {}
_after_all: dict[int, Callable[..., Any]] = {}


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call hook(optimizer, args, kwargs) before each step of every optimizer."""
    return RemovableHandle(_before_all, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call hook(optimizer, args, kwargs) after each step of every optimizer."""
    return RemovableHandle(_after_all, hook)


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step of a class with hooks around it: once, where it calls the step of its base class."""

    @functools.wraps(step)
    def wrapper(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._inside_step:
            return step(self, *args, **kwargs)
        self._inside_step = self._opt_called = True
        try:
            args = (self, *args)
            for hook in [*_before_all.values(), *self._hooks("step_pre").values()]:
                changed = hook(self, args, kwargs)
                if changed is not None:
                    if not (isinstance(changed, tuple) and len(changed) == 2):
                        raise TypeError(
                            f"{type(self).__name__}.step: a hook before it must return None or "
                            f"(args, kwargs), got {changed!r}"
                        )
                    args, kwargs = changed
            with record_function(f"Optimizer.step#{type(self).__name__}.step"):
                result = step(*args, **kwargs)
            for hook in [*self._hooks("step_post").values(), *_after_all.values()]:
                hook(self, args, kwargs)
            return result
        finally:
            self._inside_step = False

    return wrapper


class Optimizer:
    """Changes parameters by their gradients, group by group.

    A subclass gives its options' defaults to `__init__` and writes `step` (those here write
    `_update_group`). It finds the parameters in `self.param_groups`, and keeps what it must
    remember of one in `self.state[p]`:

        class Descent(Optimizer):
            def __init__(self, params, lr):
                super().__init__(params, {"lr": lr})

            @ng.no_grad()
            def step(self, closure=None):
                for group in self.param_groups:
                    for p in group["params"]:
                        if p.grad is not None:
                            p -= group["lr"] * p.grad

    Parameters
    ----------
    params : iterable of parameters, of (name, parameter), or of dicts with "params" and options
    defaults : dict         options for groups that do not name them

    Attributes
    ----------
    param_groups : list of dict     each with "params" and the options of these parameters
    state : dict                    from a parameter to what the optimizer remembers of it
    defaults : dict
    """

    # Here, not in __init__: a subclass that wraps another optimizer may not call that.
    _inside_step = False
    _opt_called = False  # for schedulers, whose step should follow the optimizer's

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "step" in vars(cls):
            cls.step = _with_hooks(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        who = type(self).__name__
        if isinstance(params, (Tensor, str)) or not isinstance(params, Iterable):
            hint = "; put a single parameter in a list" if isinstance(params, Tensor) else ""
            hint = "; call its parameters()" if hasattr(params, "parameters") else hint
            raise TypeError(
                f"{who}: params must be an iterable of Tensors or dicts, "
                f"got {type(params).__name__}{hint}"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError(f"{who}: got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own: {"params": [...], "lr": 0.1}.

        The dict becomes the group: missing options are filled in.
        """
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
        group = dict(param_group)
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]  # named_parameters()
        if names:
            if len(names) != len(params):
                raise ValueError(
                    f"{who}: all parameters must have names, or none; "
                    f"got {len(names)} names for {len(params)} parameters"
                )
            group["param_names"] = names
            params = [p for _, p in params]
        for other in self.param_groups:
            if ("param_names" in other) != bool(names):
                raise ValueError(f"{who}: all parameter groups must have names, or none")
        group["params"] = params
        self._check_params(params)
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(f"{who}: a parameter group needs the option {name!r}")
            group.setdefault(name, default)
        self._check(group)
        param_group.update(group)
        self.param_groups.append(param_group)

    def _check_params(self, params: list[Any]) -> None:
        who = type(self).__name__
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"{who}: can only optimize Tensors, got {type(p).__name__}")
            if hasattr(p, "materialize"):
                raise ValueError(
                    f"{who}: a parameter of a lazy module has no shape yet; call the module once, "
                    "and make the optimizer after that"
                )
            if not (p.is_leaf or p.retains_grad):
                raise ValueError(
                    f"{who}: can't optimize a non-leaf Tensor; this one, of shape "
                    f"{tuple(p.shape)}, was computed"
                )
        seen = {id(p) for group in self.param_groups for p in group["params"]}
        for p in params:
            if id(p) in seen:
                raise ValueError(
                    f"{who}: a parameter of shape {tuple(p.shape)} is in more than one group"
                )
        if len({id(p) for p in params}) != len(params):
            warnings.warn(
                f"{who}: a parameter group names a parameter more than once", stacklevel=4
            )

    def _check(self, group: dict[str, Any]) -> None:
        """Refuse options out of range. A subclass knows its own."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    @_with_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; return the closure's loss.

        The closure, if given, clears the gradients, computes the loss, runs backward and returns
        the loss.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                self._update_group(group)
        return loss

    def _update_group(self, group: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no step method")

    # -------------------------------------------------------------------------------- hooks

    def _hooks(self, kind: str) -> dict[int, Callable[..., Any]]:
        return self.__dict__.setdefault("_hooks_by_kind", {}).setdefault(kind, {})

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(optimizer, args, kwargs) before each step.

        `args` begins with the optimizer. The hook may return other (args, kwargs).
        """
        return RemovableHandle(self._hooks("step_pre"), hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(optimizer, args, kwargs) after each step."""
        return RemovableHandle(self._hooks("step_post"), hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(optimizer) before `state_dict`."""
        return RemovableHandle(self._hooks("save_pre"), hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(optimizer, state_dict) after `state_dict`; it may return another one."""
        return RemovableHandle(self._hooks("save_post"), hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(optimizer, state_dict) before loading; it may return another one."""
        return RemovableHandle(self._hooks("load_pre"), hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(optimizer) after loading."""
        return RemovableHandle(self._hooks("load_post"), hook, prepend)

    # -------------------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Any]:
        """{"state": {number: ...}, "param_groups": [...]}, with parameters numbered in order."""
        for hook in list(self._hooks("save_pre").values()):
            hook(self)
        numbers: dict[int, int] = {}
        groups, count = [], 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], count):
                numbers.setdefault(id(p), i)
            count += len(group["params"])
            options = {key: value for key, value in group.items() if key != "params"}
            groups.append({**options, "params": [numbers[id(p)] for p in group["params"]]})
        state = {
            numbers[id(key)] if isinstance(key, Tensor) else key: _shallow(value)
            for key, value in self.state.items()
        }
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._hooks("save_post").values()):
            result = _or(hook(self, result), result)
        return result

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state dict; it must come from the same parameters in the same order.

        State is copied, into the dtype and to the device of its parameter. Names of parameters are
        not looked at.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"{type(self).__name__}.load_state_dict: expected a dict, "
                f"got {type(state_dict).__name__}"
            )
        state_dict = dict(state_dict)
        for hook in list(self._hooks("load_pre").values()):
            state_dict = _or(hook(self, state_dict), state_dict)
        params = self._match(state_dict)
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, saved in state_dict["state"].items():
            if key in params:
                state[params[key]] = _cast(saved, params[key])
            else:
                state[key] = saved
        self._check_state(state)
        groups = copy.deepcopy(
            [
                {key: value for key, value in group.items() if key != "params"}
                for group in state_dict["param_groups"]
            ]
        )
        for group, own in zip(groups, self.param_groups, strict=True):
            group["params"] = own["params"]
            if "param_names" in own:
                group.setdefault("param_names", own["param_names"])
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in list(self._hooks("load_post").values()):
            hook(self)

    def _match(self, state_dict: dict[str, Any]) -> dict[Any, Tensor]:
        """The parameter of each number in a state dict."""
        who = f"{type(self).__name__}.load_state_dict"
        for key in ("state", "param_groups"):
            if key not in state_dict:
                raise ValueError(f"{who}: the state dict has no {key!r}, only {list(state_dict)}")
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"{who}: the state dict has {len(groups)} parameter groups, "
                f"the optimizer {len(self.param_groups)}"
            )
        params: dict[Any, Tensor] = {}
        for i, (old, own) in enumerate(zip(groups, self.param_groups, strict=True)):
            if "params" not in old:
                raise ValueError(f"{who}: group {i} has no 'params', only {list(old)}")
            if len(old["params"]) != len(own["params"]):
                raise ValueError(
                    f"{who}: group {i} has {len(old['params'])} parameters in the state dict, "
                    f"{len(own['params'])} in the optimizer"
                )
            params.update(zip(old["params"], own["params"], strict=True))
        return params

    def _check_state(self, state: dict[Any, Any]) -> None:
        """Refuse loaded state that does not fit. A subclass knows its own."""

    def __getstate__(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in ("defaults", "state", "param_groups")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for group in self.param_groups:  # saved when there were fewer options
            for name, default in self.defaults.items():
                group.setdefault(name, default)

    def __repr__(self) -> str:
        groups = []
        for i, group in enumerate(self.param_groups):
            options = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            groups.append(f"\nParameter Group {i}\n" + "".join(options))
        return f"{type(self).__name__} ({''.join(groups)})"


def _or(new: Any, old: Any) -> Any:
    return old if new is None else new


def _shallow(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def _cast(value: Any, param: Tensor, key: Any = None) -> Any:
    """A copy of saved state, tensors in the parameter's dtype and on its device."""
    if isinstance(value, (Tensor, np.ndarray)):
        value = tensor(value.detach() if isinstance(value, Tensor) else value)
        if key == "step":  # counted in float32 on the CPU, whatever the parameter is
            return value
        return value.to(
            device=param.device, dtype=param.dtype if param.is_floating_point() else None
        )
    if isinstance(value, dict):
        return {k: _cast(v, param, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_cast(v, param) for v in value])
    return copy.deepcopy(value)
