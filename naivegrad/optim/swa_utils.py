"""Averages of a model's parameters over training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from naivegrad.autograd import no_grad
from naivegrad.dtype import int64
from naivegrad.nn import Module
from naivegrad.nn.norm import _BatchNorm
from naivegrad.ops import tensor
from naivegrad.optim.lr_scheduler import LRScheduler
from naivegrad.optim.lr_scheduler.base import check_optimizer, one_each
from naivegrad.optim.optimizer import Optimizer
from naivegrad.tensor import Tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Tensor], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """average = decay * average + (1 - decay) * current: the exponential moving average."""
    _check_decay("get_ema_avg_fn", decay)

    @no_grad()
    def ema_update(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return decay * averaged + (1 - decay) * current

    return ema_update


def get_swa_avg_fn() -> Average:
    """average = average + (current - average) / (n + 1): all count the same."""

    @no_grad()
    def swa_update(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return averaged + (current - averaged) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """`get_ema_avg_fn` for lists of tensors, in place."""
    _check_decay("get_ema_multi_avg_fn", decay)
    return _in_place(get_ema_avg_fn(decay), lambda num_averaged: 1 - decay)


def get_swa_multi_avg_fn() -> MultiAverage:
    """`get_swa_avg_fn` for lists of tensors, in place."""
    return _in_place(get_swa_avg_fn(), lambda num_averaged: 1 / (float(num_averaged) + 1))


def _check_decay(who: str, decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(f"{who}: decay must be between 0 and 1, got {decay}")


def _in_place(average: Average, weight: Callable[[Any], float]) -> MultiAverage:
    """The average of lists; of floating-point numbers in one pass, by the current one's weight."""

    @no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        for a, b in zip(averaged, current, strict=True):
            if a.is_floating_point() or a.is_complex():
                a.lerp_(b, weight(num_averaged))
            else:
                a.copy_(average(a, b, num_averaged))

    return update


class AveragedModel(Module):
    """A model whose parameters are averages of another's; call `update_parameters` to add to them.

    By default all count the same: stochastic weight averaging (Izmailov et al. 2018).

    Parameters
    ----------
    model : Module          copied
    device : where the averages are
    avg_fn : (average, current, n) -> the new average, or
    multi_avg_fn : (averages, currents, n), which changes all of one type in place
    use_buffers : bool      average buffers too; otherwise they are copied

    Attributes
    ----------
    module : Module         the copy
    n_averaged : Tensor     how many have been averaged

    Examples
    --------
    >>> import naivegrad as ng
    >>> from naivegrad.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    >>> model = ng.nn.Linear(2, 1)
    >>> averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    >>> averaged.update_parameters(model)
    >>> averaged(ng.ones(3, 2)).shape
    (3, 1)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(model, Module):
            raise TypeError(f"AveragedModel: expected a Module, got {type(model).__name__}")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Add the parameters of `model` to the averages."""
        pairs = list(zip(self.module.parameters(), model.parameters()))
        buffers = list(zip(self.module.buffers(), model.buffers()))
        if self.use_buffers:
            pairs += buffers
        detached = [(a.detach(), b.detach().to(a.device)) for a, b in pairs]
        if self.n_averaged == 0:
            for a, b in detached:
                a.copy_(b)
        elif self.multi_avg_fn is not None:
            for dtype in dict.fromkeys(a.dtype for a, _ in detached):
                alike = [pair for pair in detached if pair[0].dtype == dtype]
                self.multi_avg_fn(*map(list, zip(*alike)), self.n_averaged)
        else:
            average = self.avg_fn or get_swa_avg_fn()
            for a, b in detached:
                a.copy_(average(a, b, self.n_averaged))
        if not self.use_buffers:
            for a, b in buffers:
                a.copy_(b.to(a.device))
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the means and variances of batch norms anew, in one pass over data.

    Averaged parameters have other activations than those that were averaged.

    Parameters
    ----------
    loader : iterable of batches; of a tuple or list, the first is the input
    device : where the inputs are moved to
    """
    momenta = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None  # the mean of all batches
    for batch in loader:
        x = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(x if device is None else x.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the rate that is to swa_lr in anneal_epochs, and then no further.

    Parameters
    ----------
    swa_lr : float or list of float, one per group
    anneal_strategy : "cos" or "linear"
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(self, optimizer)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(
                f"SWALR: anneal_epochs must be an integer of at least 0, got {anneal_epochs!r}"
            )
        rates = one_each(self, optimizer, "swa_lr", swa_lr)
        for group, rate in zip(optimizer.param_groups, rates):
            group["swa_lr"] = rate
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way is done."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        rates = self._scaled(1)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        result = []
        for group, lr in zip(self.optimizer.param_groups, rates):
            goal = group["swa_lr"]
            # What the rate would be without this schedule: another one may have changed it.
            start = goal if before == 1 else (lr - before * goal) / (1 - before)
            result.append(goal * now + start * (1 - now))
        return result
