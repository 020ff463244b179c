"""Options of optimizers: read, and refused where they are out of range."""

from __future__ import annotations

from numbers import Real
from typing import Any

from naivegrad.dtype import float32, float64, get_default_dtype
from naivegrad.ops import full
from naivegrad.tensor import Tensor

__all__ = ["at_least_zero", "check_betas", "check_rate", "count_step", "number", "scalar", "two"]


def number(value: Any) -> float:
    """An option as a float. It may be a Tensor of one element."""
    return value.item() if isinstance(value, Tensor) else value


def scalar(value: float) -> Tensor:
    """A count or a rate in an optimizer's state: (), of float64 only where that is the default."""
    return full((), value, dtype=float64 if get_default_dtype() is float64 else float32)


def count_step(state: dict[str, Any]) -> float:
    """Count a step in the state of a parameter; returns its number, from 1."""
    array = state["step"].array
    count = array.item() + 1
    array.fill(count)  # a seventh of the time of += on an array without axes
    return count


def at_least_zero(who: str, group: dict[str, Any], *names: str) -> None:
    """Refuse what is no number, a negative one and NaN."""
    for name in names:
        value = group[name]
        if not isinstance(value, (Real, Tensor)):
            raise TypeError(f"{who}: {name} must be a number of at least 0, got {value!r}")
        if not value >= 0:
            raise ValueError(f"{who}: {name} must be a number of at least 0, got {value}")


def two(who: str, group: dict[str, Any], name: str) -> tuple[Any, Any]:
    """An option that is a pair."""
    value = group[name]
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{who}: {name} must be two numbers, got {value!r}")
    return value[0], value[1]


def check_rate(who: str, group: dict[str, Any]) -> None:
    """Refuse a learning rate below 0, or of several elements."""
    lr = group["lr"]
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError(
            f"{who}: lr must be a number or a Tensor of one element, got shape {tuple(lr.shape)}"
        )
    at_least_zero(who, group, "lr")


def check_betas(who: str, group: dict[str, Any]) -> None:
    """Refuse factors of forgetting outside [0, 1)."""
    for i, beta in enumerate(two(who, group, "betas")):
        if not 0 <= beta < 1:
            raise ValueError(f"{who}: betas must be at least 0 and below 1, got {beta} at {i}")
