"""GradScaler: gradients too small for half precision, made larger and small again."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from enum import Enum
from typing import Any

from naivegrad.amp.autocast_mode import is_autocast_available
from naivegrad.autograd import no_grad
from naivegrad.dtype import finfo, float16, float32, int32
from naivegrad.ops import full, isfinite
from naivegrad.tensor import Tensor

__all__ = ["GradScaler", "OptState"]


class OptState(Enum):
    """How far one optimizer is, since the last `update`."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


class _Progress:
    """One optimizer between two updates."""

    def __init__(self) -> None:
        self.stage = OptState.READY
        self.found_inf: bool | None = None  # None: nobody has looked


class GradScaler:
    """Multiply the loss, so that gradients do not vanish in float16, and divide the gradients.

    Where a gradient is not finite then, `step` leaves the parameters as they are, and `update`
    makes the scale smaller, by backoff_factor; after growth_interval steps without such a one it
    makes it larger, by growth_factor. Scales are powers of 2 by default: scaling changes no bits.

        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)          # only to look at the gradients, or to clip them
        scaler.step(optimizer)
        scaler.update()

    Parameters
    ----------
    device : "cpu" or "cuda"        "cuda" warns and is off where there is no GPU
    init_scale, growth_factor, backoff_factor : float
    growth_interval : int
    enabled : bool                  off, `scale` and `step` pass on what they get

    Examples
    --------
    >>> import naivegrad as ng
    >>> p = ng.ones(2, requires_grad=True)
    >>> optimizer = ng.optim.SGD([p], lr=0.5)
    >>> scaler = ng.amp.GradScaler("cpu", init_scale=4.0)
    >>> scaler.scale((p * p).sum()).backward()
    >>> p.grad.tolist()
    [8.0, 8.0]
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> p.tolist()
    [0.0, 0.0]
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if not is_autocast_available(device):
            raise ValueError(f"GradScaler: device must be 'cpu' or 'cuda', got {device!r}")
        self._device = device
        if enabled and device == "cuda":
            warnings.warn("GradScaler: there is no GPU; it is off", stacklevel=2)
            enabled = False
        self._enabled = enabled
        if not growth_factor > 1:
            raise ValueError(f"GradScaler: growth_factor must be above 1, got {growth_factor}")
        if not backoff_factor < 1:
            raise ValueError(f"GradScaler: backoff_factor must be below 1, got {backoff_factor}")
        self._init_scale = init_scale
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._scale: Tensor | None = None  # made by the first `scale`
        self._growth_tracker: Tensor | None = None
        self._progress: dict[int, _Progress] = {}  # by id(optimizer)

    def scale(self, outputs: Any) -> Any:
        """Tensors times the scale: one, or lists, tuples and other iterables of them."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            if self._scale is None:
                self._scale = full((), self._init_scale, dtype=float32)
                self._growth_tracker = full((), self._init_growth_tracker, dtype=int32)
            return outputs * self._scale
        if isinstance(outputs, (list, tuple)):
            return type(outputs)([self.scale(output) for output in outputs])
        if isinstance(outputs, Iterable):
            return map(self.scale, outputs)
        raise TypeError(
            f"GradScaler.scale: expected a Tensor or an iterable of them, got {outputs!r}"
        )

    def _started(self, method: str) -> tuple[Tensor, Tensor]:
        if self._scale is None or self._growth_tracker is None:
            raise RuntimeError(f"GradScaler.{method}: nothing was scaled; call scale(loss) before")
        return self._scale, self._growth_tracker

    def _of(self, optimizer: Any) -> _Progress:
        return self._progress.setdefault(id(optimizer), _Progress())

    @no_grad()
    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, before `step` does."""
        if not self._enabled:
            return
        scale, _ = self._started("unscale_")
        progress = self._of(optimizer)
        if progress.stage is OptState.UNSCALED:
            raise RuntimeError(
                "GradScaler.unscale_: called already for this optimizer since the last update()"
            )
        if progress.stage is OptState.STEPPED:
            raise RuntimeError("GradScaler.unscale_: called after step()")
        params = [p for group in optimizer.param_groups for p in group["params"]]
        grads = [p.grad for p in params if p.grad is not None]
        for grad in grads:
            if grad.dtype is float16:
                raise ValueError(
                    "GradScaler.unscale_: gradients must be float32 or wider, got float16; "
                    "keep the parameters in float32"
                )
        factor = 1.0 / scale.item()
        if grads:
            progress.found_inf = False
        for grad in grads:
            grad.mul_(factor)
            progress.found_inf |= not isfinite(grad).all()
        progress.stage = OptState.UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """optimizer.step(*args, **kwargs), unless a gradient is not finite; then None."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("GradScaler.step: a closure cannot be used")
        self._started("step")
        progress = self._of(optimizer)
        if progress.stage is OptState.STEPPED:
            raise RuntimeError(
                "GradScaler.step: called already for this optimizer since the last update()"
            )
        if progress.stage is OptState.READY:
            self.unscale_(optimizer)
        if progress.found_inf is None:
            raise RuntimeError("GradScaler.step: no parameter of the optimizer has a gradient")
        result = None if progress.found_inf else optimizer.step(*args, **kwargs)
        progress.stage = OptState.STEPPED
        return result

    @no_grad()
    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Change the scale, by what the steps since the last update found, or to a given one."""
        if not self._enabled:
            return
        scale, tracker = self._started("update")
        if new_scale is not None:
            if isinstance(new_scale, Tensor):
                if new_scale.numel() != 1 or new_scale.requires_grad:
                    raise ValueError(
                        "GradScaler.update: new_scale must be a number or a Tensor of one element "
                        "without gradient"
                    )
                new_scale = new_scale.item()
            scale.fill_(new_scale)
        else:
            found = [p.found_inf for p in self._progress.values() if p.found_inf is not None]
            if not found:
                raise RuntimeError(
                    "GradScaler.update: no gradients were looked at; call step() before"
                )
            if any(found):
                scale.fill_(scale.item() * self._backoff_factor)
                tracker.zero_()
            elif tracker.item() + 1 == self._growth_interval:
                larger = scale.item() * self._growth_factor
                if larger <= finfo(float32).max:
                    scale.fill_(larger)
                tracker.zero_()
            else:
                tracker.add_(1)
        self._progress = {}

    # ----------------------------------------------------------------------------- settings

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """The scale now; 1 if it is off."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        """By what the scale grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set by what the scale grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """By what the scale falls."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set by what the scale falls."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many good steps the scale grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        tracker = self._growth_tracker
        return self._init_growth_tracker if tracker is None else tracker.item()

    # -------------------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Any]:
        """The scale, the settings and the number of good steps; empty if it is off."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state dict."""
        if not self._enabled:
            return
        if not state_dict:
            raise ValueError(
                "GradScaler.load_state_dict: the state is empty; it may be of a scaler that was off"
            )
        self._init_scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        self._scale = self._growth_tracker = None  # made anew, from these, when they are needed

    def __getstate__(self) -> dict[str, Any]:
        if self._progress:
            raise RuntimeError("GradScaler: it can be pickled after update(), not before")
        now = {"_init_scale": self.get_scale(), "_init_growth_tracker": self._get_growth_tracker()}
        return {**self.__dict__, **now, "_scale": None, "_growth_tracker": None}
