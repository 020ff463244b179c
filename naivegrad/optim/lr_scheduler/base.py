"""LRScheduler: what all schedules share."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from naivegrad.optim.optimizer import Optimizer
from naivegrad.optim.options import number
from naivegrad.tensor import Tensor

__all__ = [
    "LRScheduler",
    "_LRScheduler",
    "assign",
    "check_optimizer",
    "check_positive",
    "function_state",
    "one_each",
    "restore_function",
    "values",
    "warn_of_epoch",
]


class LRScheduler:
    """Base class of schedules. A subclass writes `get_lr`: the rates of all groups for this epoch.

    With last_epoch=-1 the schedule starts with the rates that the optimizer has; these are kept in
    each group as "initial_lr", and here as `base_lrs`. A rate that is a Tensor is changed in place.

        class Warmup(LRScheduler):
            def get_lr(self):
                return [base * min(1, (self.last_epoch + 1) / 10) for base in self.base_lrs]

    A subclass may also write `_get_closed_form_lr`, the rates for any `last_epoch` without those
    before it, for `step(epoch)`.

    Attributes
    ----------
    optimizer : Optimizer
    base_lrs : list         the rates at the start, one per group
    last_epoch : int        how often `step` was called
    """

    _is_initial = False  # during the first step, which __init__ takes
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(self, optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                lr = group["lr"]
                group.setdefault("initial_lr", lr.clone() if isinstance(lr, Tensor) else lr)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: to resume at last_epoch={last_epoch} each parameter "
                    f"group needs 'initial_lr', group {i} has none"
                )
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_last_lr(self) -> list[Any]:
        """The learning rates now, one per parameter group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The rates for self.last_epoch, from those before it; called by `step`."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr method")

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to a given one."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "lr_scheduler.step() came before the first optimizer.step(): the first learning "
                "rate was never used. Step the optimizer first",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        get_lr = self.get_lr
        if epoch is None:
            self.last_epoch += 1
        else:
            self.last_epoch = epoch
            get_lr = getattr(self, "_get_closed_form_lr", get_lr)
        self._assign(get_lr)

    def _assign(self, get_lr: Callable[[], Sequence[Any]]) -> None:
        self._get_lr_called_within_step = True
        try:
            rates = get_lr()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            assign(group, "lr", lr)
        self._last_lr = values(self.optimizer, "lr")

    # ------------------------------------------------------------------ for subclasses here

    def _scaled(self, factor: float) -> list[Any]:
        """The rates now, times a factor. get_lr is no way to ask for the rate: it may change it."""
        self._warn_unless_stepping()
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _warn_unless_stepping(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "get_lr computes the rate of the next step; get_last_lr() tells the one now",
                stacklevel=4,
            )

    # -------------------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on: everything but the optimizer. Its rates are in its own."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state dict."""
        if not isinstance(state_dict, Mapping):
            who = type(self).__name__
            raise TypeError(
                f"{who}.load_state_dict: expected a dict, got {type(state_dict).__name__}"
            )
        self.__dict__.update(state_dict)


class _LRScheduler(LRScheduler):
    """The older name of LRScheduler."""


def check_optimizer(scheduler: LRScheduler, optimizer: Any) -> None:
    """Refuse what is no Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{type(scheduler).__name__}: expected an Optimizer, got {type(optimizer).__name__}"
        )


def check_positive(scheduler: LRScheduler, name: str, value: Any) -> None:
    """Refuse a length that is no number above 0."""
    if not isinstance(value, Real) or value <= 0:
        kind = ValueError if isinstance(value, Real) else TypeError
        raise kind(f"{type(scheduler).__name__}: {name} must be positive, got {value!r}")


def warn_of_epoch() -> None:
    """Warn of step(epoch)."""
    warnings.warn("step(epoch) is deprecated: call step() without an epoch", stacklevel=3)


def values(optimizer: Optimizer, key: str) -> list[Any]:
    """An option of all groups; of Tensors, copies."""
    found = [group[key] for group in optimizer.param_groups]
    return [value.clone() if isinstance(value, Tensor) else value for value in found]


def assign(group: dict[str, Any], key: str, value: Any) -> None:
    """Change an option; one that is a Tensor stays this Tensor."""
    if isinstance(group[key], Tensor):
        group[key].fill_(number(value))
    else:
        group[key] = value


def one_each(scheduler: LRScheduler, optimizer: Optimizer, name: str, value: Any) -> list[Any]:
    """One value for all groups, or a list of one for each, as a list."""
    n = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        value = [value] * n
    if len(value) != n:
        raise ValueError(
            f"{type(scheduler).__name__}: {name} must have {n} values, got {len(value)}"
        )
    return [v.clone() if isinstance(v, Tensor) else v for v in value]


def function_state(function: Any) -> dict[str, Any] | None:
    """What is saved of a function: nothing, but of an object that can be called its attributes."""
    if isinstance(function, types.FunctionType) or not hasattr(function, "__dict__"):
        return None
    return dict(function.__dict__)


def restore_function(function: Any, state: dict[str, Any] | None) -> None:
    """Give an object that can be called its attributes back."""
    if state is not None:
        function.__dict__.update(state)
