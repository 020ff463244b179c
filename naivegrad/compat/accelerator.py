"""`torch.accelerator`: there is none."""

from __future__ import annotations

from typing import Any

from naivegrad.device import backend_of
from naivegrad.missing import lookup as _lookup


def is_available() -> bool:
    """Whether there is a device besides the CPU."""
    return False


def current_accelerator(check_available: bool = False) -> None:
    """The device besides the CPU, or None."""


def device_count() -> int:
    """How many of them."""
    return 0


def set_device_index(device: Any) -> None:
    """Choose one of them: a RuntimeError, for there is none."""
    backend_of("cuda")


def current_device_index() -> int:
    """Which of them is in use: a RuntimeError, for there is none."""
    backend_of("cuda")
    return 0


def synchronize(device: Any = None) -> None:
    """Wait for one of them: a RuntimeError, for there is none."""
    backend_of("cuda")


def empty_cache() -> None:
    """Does nothing."""


__getattr__ = _lookup(__name__)
