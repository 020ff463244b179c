"""Learning rates that change while training: call `step()` after each epoch, or each batch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from naivegrad.optim.optimizer import Optimizer

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "StepLR",
]


class _Scheduler:
    """State that can be saved: everything but the optimizer and functions."""

    optimizer: Optimizer
    _last_lr: list[float]

    def _check_optimizer(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: expected an Optimizer, got {type(optimizer).__name__}"
            )

    def get_last_lr(self) -> list[float]:
        """The learning rates now, one per parameter group."""
        return self._last_lr

    def _set(self, rates: Iterable[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _skipped(self) -> set[str]:
        return {"optimizer"}

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on."""
        return {k: v for k, v in self.__dict__.items() if k not in self._skipped()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state dict. The optimizer's rates are in its own."""
        self.__dict__.update(state_dict)


class LRScheduler(_Scheduler):
    """Base class. A subclass writes `get_lr`: the rates of all groups for self.last_epoch.

    With last_epoch=-1 the schedule starts with the rates that the optimizer has; these are kept in
    each group as "initial_lr".
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self._check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: to resume at last_epoch={last_epoch} each parameter "
                    f"group needs 'initial_lr', group {i} has none"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.step()

    def get_lr(self) -> list[float]:
        """The rates for self.last_epoch, from those before it."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr method")

    def step(self) -> None:
        """Go to the next epoch."""
        self.last_epoch += 1
        self._set(self.get_lr())

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]


class LambdaLR(LRScheduler):
    """lr = initial lr * lr_lambda(epoch); one function, or one for each group."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self._check_optimizer(optimizer)
        n = len(optimizer.param_groups)
        self.lr_lambdas = (
            list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * n
        )
        if len(self.lr_lambdas) != n:
            raise ValueError(f"LambdaLR: expected {n} functions, got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas)]

    def _skipped(self) -> set[str]:
        return {"optimizer", "lr_lambdas"}


class StepLR(LRScheduler):
    """Every step_size epochs lr = gamma * lr."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if step_size <= 0:
            raise ValueError(f"StepLR: step_size must be positive, got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._rates()
        return [lr * self.gamma for lr in self._rates()]


class MultiStepLR(LRScheduler):
    """At each epoch in milestones lr = gamma * lr."""

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [lr * factor for lr in self._rates()]


class ExponentialLR(LRScheduler):
    """Every epoch lr = gamma * lr."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._rates()
        return [lr * self.gamma for lr in self._rates()]


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial lr down to eta_min in T_max epochs, and up again.

        lr = eta_min + (initial lr - eta_min) (1 + cos(pi epoch / T_max)) / 2

    References
    ----------
    Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", eq. 5.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_max <= 0:
            raise ValueError(f"CosineAnnealingLR: T_max must be positive, got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        # Relative to the rate before, so that schedules can be combined; but from the bottom, where
        # the rate is eta_min and has forgotten how high it was, the way up starts anew.
        if self.last_epoch == 0:
            return self._rates()
        now = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        before = 1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            return [
                lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
                for base, lr in zip(self.base_lrs, self._rates())
            ]
        return [self.eta_min + (lr - self.eta_min) * now / before for lr in self._rates()]


class OneCycleLR(LRScheduler):
    """Up from max_lr / div_factor to max_lr, then down to 1/final_div_factor of the start.

    `step()` follows each batch. With cycle_momentum the momentum (Adam: beta1) goes the other way.

    Parameters
    ----------
    max_lr : float or list of float, one per group
    total_steps : int           or else epochs * steps_per_epoch
    pct_start : float           the share of steps that go up
    anneal_strategy : "cos" or "linear"
    three_phase : bool          down as long as up, then from the start to the end

    References
    ----------
    Smith & Topin 2018, "Super-convergence".
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self._check_optimizer(optimizer)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if not isinstance(total_steps, int) or total_steps <= 0:
            raise ValueError(f"OneCycleLR: the number of steps must be positive, got {total_steps}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start must be between 0 and 1, got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self.total_steps = total_steps
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        up = float(pct_start * total_steps) - 1
        # (last step of the phase, rate at its end, momentum at its end); the first starts at -1.
        self.phases = [(0.0, "initial_lr", "max_momentum"), (up, "max_lr", "base_momentum")]
        if three_phase:
            self.phases.append((2 * up, "initial_lr", "max_momentum"))
        self.phases.append((total_steps - 1.0, "min_lr", "max_momentum"))
        if last_epoch == -1:
            n = len(optimizer.param_groups)
            rows = zip(
                optimizer.param_groups,
                self._each("max_lr", max_lr, n),
                self._each("base_momentum", base_momentum, n),
                self._each("max_momentum", max_momentum, n),
            )
            for group, highest, low, high in rows:
                group["initial_lr"] = highest / div_factor
                group["max_lr"] = highest
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    if "momentum" not in group and "betas" not in group:
                        raise ValueError(
                            f"OneCycleLR: {type(optimizer).__name__} has no momentum; "
                            "use cycle_momentum=False"
                        )
                    group["base_momentum"], group["max_momentum"] = low, high
        super().__init__(optimizer, last_epoch)

    @staticmethod
    def _each(name: str, value: Any, n: int) -> list[float]:
        values = list(value) if isinstance(value, (list, tuple)) else [value] * n
        if len(values) != n:
            raise ValueError(f"OneCycleLR: {name} must have {n} values, got {len(values)}")
        return values

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return start + (end - start) * share
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: step {step}, but total_steps is {self.total_steps}")
        last = len(self.phases) - 1
        i = next(i for i in range(1, last + 1) if step <= self.phases[i][0] or i == last)
        (start, *before), (end, *after) = self.phases[i - 1], self.phases[i]
        share = (step - start) / (end - start) if end != start else 1.0
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[before[0]], group[after[0]], share))
            if self.cycle_momentum:
                momentum = self._between(group[before[1]], group[after[1]], share)
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return rates


class ReduceLROnPlateau(_Scheduler):
    """lr = factor * lr when a measure, given to each `step`, has not improved for `patience` steps.

    Parameters
    ----------
    mode : "min" or "max"           whether smaller or larger is better
    factor : float, below 1
    patience : int                  steps without improvement that are tolerated
    threshold, threshold_mode : float, "rel" or "abs"       by how much better counts
    cooldown : int                  steps after a reduction that do not count
    min_lr : float or list of float, one per group
    eps : float                     smaller changes are not made
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        self._check_optimizer(optimizer)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau: mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"ReduceLROnPlateau: threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}"
            )
        n = len(optimizer.param_groups)
        self.min_lrs = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * n
        if len(self.min_lrs) != n:
            raise ValueError(
                f"ReduceLROnPlateau: min_lr must have {n} values, got {len(self.min_lrs)}"
            )
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.eps = eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def _better(self, value: float) -> bool:
        sign = 1.0 if self.mode == "max" else -1.0
        if self.threshold_mode == "rel":
            return sign * value > sign * self.best * (1.0 + sign * self.threshold)
        return sign * value > sign * self.best + self.threshold

    def step(self, metrics: Any) -> None:
        """Go to the next epoch, in which the measure was `metrics`."""
        value = float(metrics)
        self.last_epoch += 1
        if self._better(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
            lower = [max(lr * self.factor, least) for lr, least in zip(rates, self.min_lrs)]
            rates = [new if old - new > self.eps else old for old, new in zip(rates, lower)]
        self._set(rates)
